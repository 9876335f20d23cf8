"""The import layers of the package, its start, and its public names, read from the source."""

import ast
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import bayesmixed as bm

ROOT = Path(bm.__file__).parent
LAYERS = [
    ["errors"],
    ["atomic_files", "interruptions", "arguments", "values"],
    ["absent"],
    ["gauss_hermite"],
    ["links", "covariances"],
    ["row_statistics"],
    ["parameter_keys", "priors"],
    ["families"],
    ["prior_functions"],
    ["terms"],
    ["number_texts"],
    ["columns"],
    ["text_tables"],
    ["weights"],
    ["formulas"],
    ["equations"],
    ["formula_changes", "simulation_plan", "spec_checks"],
    ["simulated_rows"],
    ["spec"],
    ["spec_files"],
    ["schemas"],
    ["frames", "structure", "categories"],
    ["data_files"],
    ["predictors", "responses"],
    ["stated_coordinates"],
    ["earlier_coordinates"],
    ["design"],
    ["row_likelihoods"],
    ["integration"],
    ["default_priors", "frequencies", "posterior_means"],
    ["response_units"],
    ["thresholds"],
    ["prior_draws"],
    ["data_checks", "open_rows", "advice"],
    ["assembly"],
    ["first_reading"],
    ["streaming"],
    ["preparation"],
    ["frozen_priors"],
    ["placements"],
    ["prior_variables"],
    ["effect_variables"],
    ["model"],
    ["kernels"],
    ["kept_draws"],
    ["free_draws"],
    ["draws"],
    ["pooled"],
    ["approximation"],
    ["parameterisation"],
    ["engines"],
    ["fitting"],
    ["checksums", "tree_files", "earlier_files"],
    ["fit_files", "refitting"],
    ["prior_sets"],
    ["linear_predictions"],
    ["prediction", "simulation"],
    ["replicates", "prior_samples", "downloads"],
    ["units", "coordinates"],
    ["marginals"],
    ["held_out"],
    ["datasets"],
    ["summaries"],
    ["estimation"],
    ["plots"],
    ["report"],
    ["result_folders"],
    ["results"],
    ["demo"],
    ["cli"],
    ["__main__"],
]
HEIGHT = {name: height for height, layer in enumerate(LAYERS) for name in layer}
HEAVY = ("pymc", "pytensor", "arviz", "nutpie", "matplotlib", "scipy.stats")
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")

each_file = pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])


def unit_of(path):
    """Return the layer unit of a file: its folder, or its own name."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


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


@each_file
def test_a_file_has_a_layer(path):
    assert unit_of(path) in HEIGHT


@each_file
def test_a_file_imports_only_from_the_layers_above_it(path):
    own = unit_of(path)
    units = {name.split(".")[1] for name in imported(read(path)) if name.startswith("bayesmixed.")}
    below = {unit for unit in units - {own} if HEIGHT[unit] >= HEIGHT[own]}
    assert not below


@each_file
def test_heavy_libraries_are_imported_inside_functions(path):
    names = imported(at_the_top(read(path)))
    assert not [name for name in names if name.startswith(HEAVY)]


@each_file
def test_only_the_command_line_imports_typer(path):
    if unit_of(path) not in ("cli", "__main__"):
        assert not [name for name in imported(read(path)) if name.split(".")[0] == "typer"]


def test_the_package_itself_imports_nothing_of_its_own():
    assert not [name for name in imported(read(ROOT / "__init__.py")) if name.startswith("bayesmixed")]


def test_every_layer_has_its_file():
    assert set(HEIGHT) == {unit_of(path) for path in FILES}


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
