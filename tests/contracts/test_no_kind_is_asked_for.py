"""Nobody outside of its folder and catalogue asks which kind of term or which family something is, read from the source."""

import ast
from pathlib import Path

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.terms import TERMS

ROOT = Path(bm.__file__).parent
CLASSES = {term.__name__ for term in TERMS.values()}
BLOCKS = {"PopulationBlock", "GroupBlock", "MemberBlock", "SmoothBlock", "OffsetBlock"}
FACTS, HOLDERS = {"observation", "dense", "role"}, {"group", "block", "smooth", "g", "outer", "inner"}
"""Attributes that say of a block which kind it is, and what blocks are called."""

BUILDERS = {
    "formulas.py": "a right-hand side always has a population term",
    "spec.py": "a predictor without a population term gets the intercept",
    "formula_changes.py": "a random factor becomes population columns, and the other way round",
    "terms/multi_membership.py": "its columns are those of a plain group term",
}
"""Files that name the class of a kind to make one; the list can only shrink."""

SYMBOLS = {"beta", "gamma"}
"""Families with the name of a symbol of equations or of a distribution of priors."""
CATALOGUES = {
    "kernels/rows.py": "the numbers of families in compiled rows",
    "spec.py": "the default",
    "spec_files.py": "the default",
    "schemas.py": "the default",
}
"""Files that spell out names of families; the list can only shrink."""


def own_folder(path):
    return path.relative_to(ROOT).parts[0]


def constants(node):
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def questions(path):
    """Yield where a file compares with the name of a kind, or asks for the class of a term or block."""
    inside = {"terms": set(TERMS), "families": set(FAMILIES)}.get(own_folder(path), set())
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            asked = any(isinstance(side, ast.Attribute) and side.attr in ("kind", "name", "family") for side in sides)
            if asked and {name for side in sides for name in constants(side)} & ({*TERMS, *FAMILIES} - inside):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass", "type"):
            names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            if names & (CLASSES | BLOCKS) and own_folder(path) != "terms":
                yield f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
        elif (
            isinstance(node, ast.Attribute) and node.attr in FACTS and ast.unparse(node.value).split(".")[-1] in HOLDERS
        ):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"


def test_no_file_asks_which_kind_of_term_or_family_something_is():
    assert [one for path in sorted(ROOT.rglob("*.py")) for one in questions(path)] == []


def test_the_class_of_a_kind_is_named_only_where_one_is_made():
    named = set()
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if names & (CLASSES - own) and path != ROOT / "terms" / "__init__.py":
            named.add(str(path.relative_to(ROOT)))
    assert named == set(BUILDERS)


def test_families_are_spelled_out_in_their_folder_and_catalogue_only():
    named = set()
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        names = {one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and id(one) not in texts}
        if own_folder(path) != "families" and names & ({*FAMILIES} - SYMBOLS):
            named.add(str(path.relative_to(ROOT)))
    assert named == set(CATALOGUES)
