"""Curves in equations: sums over columns of a covariate, and the distribution of their coefficients."""

from collections.abc import Iterator
from dataclasses import replace

from bayesmixed.equations.outline import PredictorOutline
from bayesmixed.equations.symbols import Equation, Expression, Symbol
from bayesmixed.terms.outlines import CurveOutline


def curve_symbol(predictor: PredictorOutline, curve: CurveOutline) -> Symbol:
    """Return the symbol of the curve in the predictor."""
    return Symbol(curve.name, index=curve.index, parameter=predictor.ending, word=True)


def list_curve(predictor: PredictorOutline, curve: CurveOutline) -> Iterator[Equation]:
    """Yield a curve as a sum over its columns, and the distribution of their coefficients."""
    effects = [Symbol("b", index="k", label=name, parameter=predictor.ending) for name in _names(curve)]
    columns = Symbol("z", index=f"{curve.index}k", label=curve.name)
    note = f"deviations from {curve.around}" + (", those of the row's curve" if curve.labels else "")
    own = replace(effects[0], label=curve.name)
    yield Equation(curve_symbol(predictor, curve), "=", Expression("total", (own, columns), "k"), note)
    for effect, deviation in zip(effects, curve_deviations(predictor, curve), strict=True):
        variance = replace(deviation, squared=True)
        yield Equation(effect, "~", Expression("call", (Symbol("0"), variance), "N"))


def curve_deviations(predictor: PredictorOutline, curve: CurveOutline) -> list[Symbol]:
    """Return the SDs of its coefficients."""
    return [Symbol("sigma", label=name, parameter=predictor.ending) for name in _names(curve)]


def _names(curve: CurveOutline) -> list[str]:
    return [f"{curve.name}[{label}]" for label in curve.labels] or [curve.name]
