"""Imports without circles in every folder, the start of the package, and its public names, read from the source."""

import ast
import pkgutil
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import bayesmixed as bm

ROOT = Path(bm.__file__).parent
HEAVY = ("pymc", "pytensor", "arviz", "nutpie", "matplotlib", "scipy.stats")
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")
FOLDERS = sorted({path.parent for path in FILES})

each_file = pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])


def imports_within(folder):
    """Return, for each file and folder in a folder, which of the others it imports from, wherever the import stands."""
    inside = "bayesmixed." + "".join(f"{part}." for part in folder.relative_to(ROOT).parts)
    files = [path for path in FILES if path.is_relative_to(folder)]
    children = {path.relative_to(folder).parts[0].removesuffix(".py") for path in files}
    found = {child: set() for child in children}
    for path in files:
        own = path.relative_to(folder).parts[0].removesuffix(".py")
        for name in imported(read(path)):
            if name.startswith(inside):
                child = name.removeprefix(inside).split(".")[0]
                found[own].add(child if child in children else "__init__")
        found[own] -= {own}
    return found


def imported(tree):
    """Return the absolute names of modules in the import statements of a tree, wherever they stand."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def at_the_top(tree):
    """Return the tree without the bodies of functions and of `if TYPE_CHECKING`."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node):
            return None

        def visit_AsyncFunctionDef(self, node):
            return None

        def visit_If(self, node):
            return None if ast.unparse(node.test).endswith("TYPE_CHECKING") else self.generic_visit(node)

    return Strip().visit(tree)


def read(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def submodules():
    return [module.name for module in pkgutil.walk_packages(bm.__path__, "bayesmixed.")]


@pytest.mark.parametrize("folder", FOLDERS, ids=[f"bayesmixed/{path.relative_to(ROOT)}" for path in FOLDERS])
def test_no_file_or_folder_imports_from_one_that_imports_from_it(folder):
    TopologicalSorter(imports_within(folder)).prepare()  # CycleError names the circle


@each_file
def test_heavy_libraries_are_imported_inside_functions(path):
    names = imported(at_the_top(read(path)))
    assert not [name for name in names if name.startswith(HEAVY)]


@each_file
def test_only_the_command_line_imports_typer(path):
    if path.relative_to(ROOT).parts[0] not in ("cli", "__main__.py"):
        assert not [name for name in imported(read(path)) if name.split(".")[0] == "typer"]


def test_the_package_itself_imports_nothing_of_its_own():
    assert not [name for name in imported(read(ROOT / "__init__.py")) if name.startswith("bayesmixed")]


def test_importing_the_package_loads_no_heavy_library():
    heavy = ("pandas", "pydantic", "formulaic", "pymc", "arviz", "scipy")
    code = f"import sys, bayesmixed; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("name", bm.__all__)
def test_a_public_name_resolves(name):
    assert getattr(bm, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        bm.nothing  # noqa: B018


def test_the_directory_of_the_package_lists_the_public_names():
    assert dir(bm) == sorted(bm.__all__)


def test_every_submodule_can_be_imported():
    for name in submodules():
        if not name.endswith("__main__"):
            import_module(name)


def test_no_public_name_is_the_name_of_a_module():
    modules = {name.rpartition(".")[2] for name in submodules()}
    public = {name for name in bm.__all__ if type(getattr(bm, name)).__name__ != "module"}
    assert not modules & public


@each_file
def test_a_module_begins_with_one_sentence_that_says_what_it_is_for(path):
    docstring = ast.get_docstring(read(path))
    assert docstring
    assert docstring.splitlines()[0].endswith(".")
