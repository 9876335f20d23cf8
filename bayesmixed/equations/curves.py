"""Curves in equations: sums over columns of a covariate, and the distribution of their coefficients."""

from collections.abc import Iterator
from dataclasses import replace

from bayesmixed.equations.outline import PredictorOutline
from bayesmixed.equations.symbols import Equation, Expression, Symbol
from bayesmixed.parameter_keys import ParameterKey
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
    spectrum = curve.spectrum
    relative = Symbol("v", index="k", label=curve.name if predictor.ending or len(predictor.curves) > 1 else "")
    for effect, deviation in zip(effects, curve_deviations(predictor, curve), strict=True):
        variance = replace(deviation, squared=True)
        inside = variance if spectrum is None else Expression("product", (variance, relative))
        yield Equation(effect, "~", Expression("call", (Symbol("0"), inside), "N"))
    if spectrum is not None:
        symbols = tuple(symbol for _, symbol in spectrum_symbols(predictor, curve))
        yield Equation(relative, "=", Expression("call", symbols, "f"), spectrum.note)


def spectrum_symbols(predictor: PredictorOutline, curve: CurveOutline) -> Iterator[tuple[ParameterKey, Symbol]]:
    """Yield the keys and symbols of the parameters of the spectrum of a curve."""
    for one in curve.spectrum.parameters if curve.spectrum is not None else ():
        key, number = predictor.names.structure(one.name, curve.name), one.name.lstrip("abcdefghijklmnopqrstuvwxyz")
        yield key, Symbol(one.symbol, number=number, label=curve.name, parameter=predictor.ending)


def curve_deviations(predictor: PredictorOutline, curve: CurveOutline) -> list[Symbol]:
    """Return the SDs of its coefficients."""
    return [Symbol("sigma", label=name, parameter=predictor.ending) for name in _names(curve)]


def _names(curve: CurveOutline) -> list[str]:
    return [f"{curve.name}[{label}]" for label in curve.labels] or [curve.name]
