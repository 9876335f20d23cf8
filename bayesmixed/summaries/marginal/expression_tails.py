"""Whether an expression has a posterior mean, by the tails of what it is made of."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.integration.posterior_means import LIGHT, has_free_sd, tail_index
from bayesmixed.summaries.marginal.expressions import find_variables
from bayesmixed.terms.predictors import Predictor


@dataclass(frozen=True, slots=True)
class Tails:
    """How heavy the tails of a quantity are.

    Attributes
    ----------
    index : float
        P(|X| > x) falls as x^-index or faster; infinity: faster than any power.
    inverse : float
        The same of 1 / X: 1 for numbers with a positive density at 0.
    light : bool
        Whether exp(cX) has a mean for all c, as of normal and of bounded numbers.
    positive : bool
        Whether X cannot be negative.
    """

    index: float
    inverse: float
    light: bool
    positive: bool


_BOUNDED = Tails(np.inf, np.inf, light=True, positive=True)
_NONE = Tails(0.0, 0.0, light=False, positive=False)


def expression_has_mean(text: str, design: Design, posterior: xr.Dataset) -> bool:
    """Return whether an expression over draws, as `evaluate_draws` takes it, has a posterior mean.

    Numbers that the data hardly bound have the tails of their priors: SDs of effects, effects, and the parameters that
    `bayesmixed.integration.posterior_means` lists. A quotient has a mean where its denominator stays away from 0.
    """
    tree, variables = find_variables(text, posterior)
    tails = {alias: _of_variable(design, name) for alias, name in variables.items()}
    sides = [tree.left, *tree.comparators] if isinstance(tree, ast.Compare) else [tree]
    shown = sides[1:2] if len(sides) == 3 else sides
    return all(_of(side, tails).index > LIGHT for side in shown)


def _of_variable(design: Design, name: str) -> Tails:
    if name in design.numbers:
        if name == design.family.scale:
            return Tails(np.inf, np.inf, light=False, positive=True)
        return Tails(tail_index(design, name), tail_index(design, name, inverse=True), light=False, positive=True)
    for predictor in design.predictors.values():
        if name == predictor.beta:
            index = min((tail_index(design, key) for key in predictor.keys), default=np.inf)
            return Tails(index, 1.0, light=index == np.inf, positive=False)
        for group in predictor.normal_blocks:
            keys = predictor.sd_keys(group)
            index = min(tail_index(design, key) for key in keys) + _known_groups(design, predictor, len(group.levels))
            light = not has_free_sd(design, predictor, [group.name])
            if name == predictor.sd(group):
                fixed = all(design.priors[key].prior.name == "Fixed" for key in keys)
                return _BOUNDED if fixed else Tails(index, 1.0, light, positive=True)
            if name == predictor.b(group):
                return Tails(index, 1.0, light, positive=False)
    return Tails(np.inf, 1.0, light=True, positive=False)


def _known_groups(design: Design, predictor: Predictor, count: int) -> int:
    """Return by how much groups whose effects have a normal likelihood raise the index of their SD."""
    normal = design.family.scale and predictor is design.mu and predictor.link.name == "identity"
    return count - 1 if normal else 0


def _of(node: ast.expr, tails: Mapping[str, Tails]) -> Tails:
    """Return the tails of one node of an expression."""
    if isinstance(node, ast.Constant):
        return Tails(np.inf, np.inf if node.value else 0.0, light=True, positive=bool(node.value >= 0))  # type: ignore[operator]
    if isinstance(node, ast.Name):
        return tails[node.id]
    if isinstance(node, ast.UnaryOp):
        one = _of(node.operand, tails)
        return Tails(one.index, one.inverse, one.light, positive=False)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _of_call(node.func.id, _of(node.args[0], tails))
    if not isinstance(node, ast.BinOp):
        return _NONE
    left, right = _of(node.left, tails), _of(node.right, tails)
    if isinstance(node.op, ast.Pow):
        return _power(left, node.right)
    if isinstance(node.op, ast.Add | ast.Sub):
        positive = left.positive and right.positive and isinstance(node.op, ast.Add)
        inverse = max(left.inverse, right.inverse) if positive else min(left.inverse, right.inverse, 1.0)
        return Tails(min(left.index, right.index), inverse, left.light and right.light, positive)
    if isinstance(node.op, ast.Div):
        right = Tails(right.inverse, right.index, light=right is _BOUNDED, positive=right.positive)
    scaled = any(isinstance(side, ast.Constant) for side in (node.left, node.right))
    light = left.light and right.light and scaled
    return Tails(
        _joint(left.index, right.index), _joint(left.inverse, right.inverse), light, left.positive and right.positive
    )


def _of_call(function: str, one: Tails) -> Tails:
    if function == "exp":
        return Tails(np.inf, np.inf, light=False, positive=True) if one.light else _NONE
    if function == "expit":
        return Tails(np.inf, np.inf if one.light else 0.0, light=True, positive=True)
    if function == "sqrt":
        return Tails(2.0 * one.index, 2.0 * one.inverse, one.light, positive=True)
    if function == "abs":
        return Tails(one.index, one.inverse, one.light, positive=True)
    return Tails(np.inf, 1.0, light=False, positive=False)


def _power(base: Tails, exponent: ast.expr) -> Tails:
    sign = -1.0 if isinstance(exponent, ast.UnaryOp) else 1.0
    value = exponent.operand if isinstance(exponent, ast.UnaryOp) else exponent
    if not isinstance(value, ast.Constant) or not value.value:
        return _NONE
    power = sign * float(value.value)  # type: ignore[arg-type]
    index, inverse = (base.index, base.inverse) if power > 0 else (base.inverse, base.index)
    even = float(power / 2.0).is_integer()
    return Tails(index / abs(power), inverse / abs(power), light=False, positive=base.positive or even)


def _joint(first: float, second: float) -> float:
    """Return the smallest possible index of a product, by Hölder's inequality."""
    with np.errstate(divide="ignore"):
        return float(1.0 / (1.0 / np.float64(first) + 1.0 / np.float64(second))) if min(first, second) > 0 else 0.0
