"""Nobody outside of its folder and catalogue asks which kind of term or which family something is, read from the source."""

import ast
from functools import cache
from pathlib import Path

import pytest

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.terms import TERMS

ROOT = Path(bm.__file__).parent
FIELD = {"fixed", "group", "offset"}
"""Kinds with the name of what every model has: fixed effects, groups, a known addition to the predictor."""
WORDS = {word for kind in {*TERMS, "obs", "mm"} - FIELD for word in (kind, f"{kind}s")}
CALLS = ("s(", "obs(", "mm(")
"""What kinds of terms are called as attributes or texts, and how formulas call them."""
ASKING = {"startswith", "endswith", "removeprefix", "partition", "match", "fullmatch", "search", "get"}
OWN_FILES = {f"bayesmixed.terms.{name}{end}" for name in TERMS for end in ("", "_block")}

BUILDERS = {
    "spec/parsing.py": "a predictor always has a population term",
    "spec/formula_changes.py": "a random factor becomes population columns, and the other way round",
}
"""Files that name the class of a kind to make one; the list can only shrink."""

SYMBOLS = {"beta", "gamma", "exponential", "lognormal"}
"""Families with the name of a symbol of equations or of a distribution of priors."""
CATALOGUES = {
    "kernels/rows/families.py": "the numbers of families in compiled rows",
    "terms/covariances.py": "a covariance of places has the name gaussian, too",
}
"""Files that spell out names of families; the list can only shrink."""


CLASSES = {term.__name__ for term in TERMS.values()}
BLOCKS = {
    node.name
    for path in (ROOT / "terms").glob("*.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ClassDef) and node.name.endswith("Block")
}


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def own_folder(path):
    return path.relative_to(ROOT).parts[0]


def constants(node):
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def names_a_kind(text):
    return text in WORDS or text.startswith(CALLS)


def questions_of_terms(node):
    """Return whether a piece of source outside of `terms/` asks which kind of term something is."""
    if isinstance(node, ast.Attribute):
        return node.attr in WORDS
    if isinstance(node, ast.ImportFrom):
        return node.module in OWN_FILES
    if isinstance(node, ast.Compare):
        return any(map(names_a_kind, constants(node)))
    if isinstance(node, ast.Dict):
        return any(names_a_kind(text) for key in node.keys if key is not None for text in constants(key))
    if isinstance(node, ast.Subscript):
        return any(map(names_a_kind, constants(node.slice)))
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass", "type"):
        return bool({one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & (CLASSES | BLOCKS))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKING:
        return any(map(names_a_kind, set().union(*map(constants, node.args))))
    return False


def asks_by_name(node, names):
    """Return whether a piece of source compares a name with one of a catalogue."""
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    asked = any(isinstance(side, ast.Attribute) and side.attr in ("kind", "name", "family") for side in sides)
    return asked and bool(constants(node) & names)


def questions(path):
    folder = own_folder(path)
    names = {*TERMS, *FAMILIES} - {"terms": set(TERMS), "families": set(FAMILIES)}.get(folder, set())
    for node in ast.walk(tree_of(path)):
        if asks_by_name(node, names) or (folder != "terms" and questions_of_terms(node)):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"


@pytest.mark.parametrize(
    "text",
    ["block.observation", "predictor.smooths", 'kind == "smooth"', 'name.startswith("s(")', '{"obs": "z"}', "term.mm"],
)
def test_a_question_is_found(text):
    assert any(questions_of_terms(node) for node in ast.walk(ast.parse(text)))


def test_no_file_asks_which_kind_of_term_or_family_something_is():
    assert [one for path in sorted(ROOT.rglob("*.py")) for one in questions(path)] == []


def test_the_class_of_a_kind_is_named_only_where_one_is_made():
    named = set()
    for path in ROOT.rglob("*.py"):
        tree = tree_of(path)
        own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if names & (CLASSES - own) and own_folder(path) != "terms":
            named.add(str(path.relative_to(ROOT)))
    assert named == set(BUILDERS)


def test_families_are_spelled_out_in_their_folder_and_catalogue_only():
    named = set()
    for path in ROOT.rglob("*.py"):
        tree = tree_of(path)
        texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        names = {one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and id(one) not in texts}
        if own_folder(path) != "families" and names & ({*FAMILIES} - SYMBOLS):
            named.add(str(path.relative_to(ROOT)))
    assert named == set(CATALOGUES)
