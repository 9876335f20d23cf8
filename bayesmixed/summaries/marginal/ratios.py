"""What the ratio of two cells of a grid is, on the scale on which the response is modelled."""

import ast
import re
from dataclasses import dataclass

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.errors import SpecError

_BASES = {
    "log": ("exp(difference)", 1.0),
    "log2": ("2^difference", np.log(2.0)),
    "log10": ("10^difference", np.log(10.0)),
}


GEOMETRIC = "geometric_mean"
"""The kind of prediction that takes means of the logarithm of a response back to the response."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How two cells become a ratio that does not depend on the unit of the response.

    Attributes
    ----------
    what : str
        The ratio in words.
    unit : float or None
        The ratio is exp(unit x difference); None: it is that of the cells themselves.
    """

    what: str
    unit: float | None


def ratio_of(design: Design, kind: str) -> Ratio:
    """Return what a ratio of cells of `kind` is.

    The mean of log(y) is the logarithm of a geometric mean, whatever the distribution.

    Raises
    ------
    SpecError
        The response is transformed in another way, an ordered category, or on a scale where exp() means nothing.
    """
    first, link = design.family.parameters[0].name, design.mu.link
    if kind not in ("mean", "linear", first):
        return Ratio("ratio", None)
    if design.categories and kind == "mean":
        raise SpecError("Numbers of categories have no ratios; ask for differences, or for odds with kind='linear'.")
    share = np.isfinite(design.family.parameters[0].upper)
    logarithm = None if share else _logarithm(design.spec.response, [str(name) for name in design.table.data.columns])
    identity = link.name == "identity"
    if logarithm is not None and (kind != "linear" or identity):
        return _geometric(*logarithm)
    if logarithm is None and design.family.from_working is np.exp and identity and kind != "mean":
        return _geometric(design.spec.response, "log")
    if kind != "linear":
        return Ratio("ratio", None)
    if not link.ratio or logarithm is not None:
        raise SpecError(f"exp() of a difference has no meaning under link '{link.name}'; take kind='mean'.")
    return Ratio(f"{design.ratio}, exp(difference),", 1.0)


def logarithm_of(design: Design) -> tuple[str, float]:
    """Return what the first predictor is the mean logarithm of, and the factor that makes it a natural logarithm.

    Raises
    ------
    SpecError
        The predictor is not the mean of a logarithm.
    """
    share = np.isfinite(design.family.parameters[0].upper)
    if design.mu.link.name == "identity" and not share and not design.categories:
        found = _logarithm(design.spec.response, [str(name) for name in design.table.data.columns])
        if found is None and design.family.from_working is np.exp:
            found = design.spec.response, "log"
        if found is not None:
            return found[0], _BASES[found[1]][1]
    raise SpecError(
        f"kind='{GEOMETRIC}' is for models of a logarithm: log(y) ~ ..., or family 'lognormal'. Here take kind='mean'."
    )


def _geometric(what: str, function: str) -> Ratio:
    text, unit = _BASES[function]
    return Ratio(f"ratio of geometric means of {what}, {text},", float(unit))


def _logarithm(response: str, columns: list[str]) -> tuple[str, str] | None:
    """Return what a response is the logarithm of, and by which function; None where it is not a logarithm.

    Raises
    ------
    SpecError
        Ratios of the response would not be ratios of its columns.
    """
    if response in columns:
        return None
    text = re.sub(r"`[^`]*`", "column", response)
    for name in sorted((name for name in columns if "." in name), key=len, reverse=True):
        text = text.replace(name, "column")
    tree = ast.parse(text.strip().replace("^", "**"), mode="eval").body
    while isinstance(tree, ast.Call) and ast.unparse(tree.func) == "I" and len(tree.args) == 1:
        tree = tree.args[0]
    function = ast.unparse(tree.func).removeprefix("np.") if isinstance(tree, ast.Call) else ""
    if isinstance(tree, ast.Call) and function in _BASES and _is_scaled(tree.args[0]):
        return _text_between_brackets(response), function
    if isinstance(tree, ast.Compare | ast.BoolOp) or _is_scaled(tree) or _is_sum(tree):
        return None
    raise SpecError(
        f"A ratio of means of {response} is not a ratio of what was measured, and depends on its unit. Ask for differences; "
        "model log(y); or model y itself, as by family 'gamma', whose means have ratios."
    )


def _text_between_brackets(call: str) -> str:
    """Return the argument of f(...) or I(f(...)) as it is written."""
    inside = re.sub(r"^\s*(I\s*\()?\s*[\w.]+\s*\(", "", call)
    while inside.count(")") > inside.count("("):
        inside = inside[: inside.rfind(")")]
    return inside.strip()


def _is_scaled(tree: ast.expr) -> bool:
    """Return whether an expression is a product or quotient of columns and numbers."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult | ast.Div):
        return _is_scaled(tree.left) and _is_scaled(tree.right)
    return isinstance(tree, ast.Name | ast.Constant) or _is_sum(tree)


def _is_sum(tree: ast.expr) -> bool:
    """Return whether an expression is a sum or difference of scaled columns, without a number of its own."""
    if not isinstance(tree, ast.BinOp) or not isinstance(tree.op, ast.Add | ast.Sub):
        return False
    parts = (tree.left, tree.right)
    return all(_is_scaled(part) and any(isinstance(n, ast.Name) for n in ast.walk(part)) for part in parts)
