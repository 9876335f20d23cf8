"""The rules of default priors as symbols, for models without data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from bayesmixed.equations.effects import number_of
from bayesmixed.equations.outline import PredictorOutline, StatedPrior, state_prior
from bayesmixed.equations.symbols import Equation, Expression, Node, Symbol, symbols_in
from bayesmixed.families import Family, Parameter, ResponseScale
from bayesmixed.families.links import Array
from bayesmixed.families.parameter_functions import given_key
from bayesmixed.joint_priors import VARIANCE, JointPrior, VarianceSplit, share_of
from bayesmixed.parameter_keys import INTERCEPT, ParameterKey
from bayesmixed.prior_distributions import FEW_LEVELS, Prior
from bayesmixed.terms.basis_outlines import TermOutline
from bayesmixed.terms.covariances import lkj_concentration
from bayesmixed.terms.prior_rules import AT_CENTRE, CORRELATIONS, DISTANCES, LOCATION, SLOPE, SPREAD, PriorRule
from bayesmixed.terms.weights import ERROR, MULTIPLIES_ERRORS, PRECISION, Weights

UNIT = Symbol("s")
RESPONSE_UNIT = Symbol("s", label="y")
MEAN = Symbol("ybar")
WEIGHT = Symbol("wbar")
IMPLIED = Symbol("c", index="k")
_HALF = Expression("ratio", (Symbol("K"), Symbol("2")))
_CONCENTRATION = Expression(
    "call", (Symbol("1"), Expression("sum", (Symbol("3"), Expression("minus", (_HALF,))))), "max"
)


@dataclass(frozen=True, slots=True)
class _Units:
    """As in `default_priors`: location and scale of the intercept, scales of slopes and of group SDs."""

    location: Node
    intercept: Node
    slope: Node
    group: Node


def state_rules(
    predictors: Sequence[PredictorOutline],
    family: Family,
    priors: Mapping[str, Prior],
    rules: Mapping[str, Sequence[PriorRule]],
    weights: Weights | None,
) -> dict[str, StatedPrior]:
    """Return the prior of every parameter by the names of the draws: the user's, else the rule of the default.

    A user prior for one column of a factor, known only with data, is shown as given.

    Parameters
    ----------
    rules : mapping
        Those of terms, by parameter.
    weights : Weights or None
        With precision weights the residual scale is that of a row of weight 1, and its prior that of a typical row.
    """
    stated: dict[str, StatedPrior] = {}
    used: set[str] = set()
    shared = shared_keys(predictors, family, priors, rules)
    for key, default in _rules(predictors, family, priors, rules, weights):
        chosen = ParameterKey.read(key).match(priors)
        used |= {chosen} if chosen else set()
        stated[key] = state_prior(priors[chosen], default.note, "user") if chosen else default
        if key in shared:
            name, words = shared[key]
            stated[key] = StatedPrior(name, (Symbol(words, word=True),), default.note)
    about = {key: prior.MEANING for key, prior in priors.items() if isinstance(prior, JointPrior)}
    rest = {key: state_prior(prior, about.get(key, ""), "user") for key, prior in priors.items() if key not in used}
    return stated | rest


def shared_keys(
    predictors: Sequence[PredictorOutline],
    family: Family,
    priors: Mapping[str, Prior],
    rules: Mapping[str, Sequence[PriorRule]],
) -> dict[str, tuple[str, str]]:
    """Return which parameters have a joint prior: its name, and what it says of them."""
    first, found = predictors[0], dict[str, tuple[str, str]]()
    for prior in (prior for prior in priors.values() if isinstance(prior, JointPrior)):
        roles = {SPREAD} if prior.name == VarianceSplit.__name__ else {SLOPE}
        roles |= {SPREAD} if prior.KEY == VARIANCE else set()
        for rule in rules[first.parameter]:
            if rule.role in roles:
                words = prior.words if prior.KEY != VARIANCE else share_of(rule.term or rule.of.label)
                found[rule.numbered_key] = prior.name, words
        residual = (
            family.scale and first.link.name == "identity" and all(p.parameter != family.scale for p in predictors)
        )
        if residual and prior.name == VarianceSplit.__name__:
            found[str(family.scale)] = prior.name, share_of(str(family.scale))
    return found


def define_symbols(
    predictors: Sequence[PredictorOutline], family: Family, priors: Mapping[str, StatedPrior]
) -> Iterator[Equation]:
    """Yield what the symbols of the rules stand for, of those that occur."""
    found = {symbol for prior in priors.values() for node in prior.arguments for symbol in symbols_in(node)}
    link = predictors[0].link
    spread = Expression("call", (Symbol("1.4826 MAD(y)", word=True), Symbol("SD(y)/2", word=True)), "max")
    if UNIT in found:
        yield Equation(UNIT, "=", spread if link.unit is None else Symbol(f"{link.unit:g}"), _unit_note(predictors))
    if RESPONSE_UNIT in found:
        yield Equation(RESPONSE_UNIT, "=", spread, "unit of the response")
    if MEAN in found:
        yield Equation(MEAN, "=", Symbol("mean of the response", word=True), _mean_note(predictors[0], family))
    if WEIGHT in found:
        yield Equation(WEIGHT, "=", Symbol("geometric mean of the weights", word=True), "a typical precision weight")
    if any(symbol.name == "d" for symbol in found):
        step = Symbol("2 SD of the column", word=True)
        note = (
            "of an interaction, the product; of a column with two values the range, over sqrt(2) with a factor or "
            "another such column"
        )
        yield Equation(Symbol("d", index="k"), "=", step, note)
    if IMPLIED in found:
        note = "what the default on contrasts and orthogonal directions implies for a column as written, in units of s"
        yield Equation(IMPLIED, "=", Symbol("SD of the column's coefficient", word=True), note)


def _unit_note(predictors: Sequence[PredictorOutline]) -> str:
    link = predictors[0].link
    unit = "unit of the response" if link.unit is None else f"unit of the {link.name} scale"
    grouped = any(not group.single for predictor in predictors for group in predictor.groups)
    return f"{unit}; the SD of fewer than {FEW_LEVELS} levels has HalfNormal(s)" if grouped else unit


def _mean_note(predictor: PredictorOutline, family: Family) -> str:
    if family.has_trials:
        return "successes per trial, kept off 0 and 1"
    return "per unit of exposure" if predictor.offsets and predictor.link.name == "log" else ""


def _rules(
    predictors: Sequence[PredictorOutline],
    family: Family,
    priors: Mapping[str, Prior],
    rules: Mapping[str, Sequence[PriorRule]],
    weights: Weights | None,
) -> Iterator[tuple[str, StatedPrior]]:
    # The unit of the response may be that of the first predictor.
    unit = UNIT if predictors[0].link.unit is None else RESPONSE_UNIT
    weighed = weights is not None and weights.kind == PRECISION
    at_one = Expression("product", (unit, Expression("link", (WEIGHT,), "sqrt({})"))) if weighed else unit
    for predictor in predictors:
        units = _units(predictor, family, at_one if predictor.parameter == family.scale else unit)
        alone = sum(rule.of.number for rule in rules[predictor.parameter] if rule.role == SLOPE) == 1
        for rule in rules[predictor.parameter]:
            yield rule.numbered_key, _state(rule, predictor, units, alone=alone)
    modelled = {predictor.parameter for predictor in predictors}
    known = weights is not None and weights.kind == ERROR
    for parameter in family.parameters:
        if known and parameter.name == family.scale:
            yield parameter.name, StatedPrior("Fixed", (Symbol("1"),), MULTIPLIES_ERRORS)
        elif (parameter.cut or parameter.name not in modelled) and parameter.prior is not None:
            own = _read_prior(parameter, at_one if parameter.name == family.scale else unit)
            yield given_key(parameter, priors) or parameter.prior(_PROBES[0])[0], own


def _units(predictor: PredictorOutline, family: Family, response_unit: Node) -> _Units:
    parameter = family.parameter(predictor.parameter)
    if parameter.intercept is not None:
        location, spread = _read_numbers(parameter.intercept, response_unit)
        return _Units(location, spread, Symbol(f"{2.5 * parameter.unit:g}"), Symbol(f"{parameter.unit:g}"))
    location = Expression("link", (MEAN,), predictor.link.text)
    if predictor.offsets and not (predictor.link.name == "log" and family.discrete):
        means = [Expression("mean", (Symbol(offset, word=True),)) for offset in predictor.offsets]
        location = Expression("sum", (location, *(Expression("minus", (mean,)) for mean in means)))
    wide = Expression("product", (Symbol("2.5"), UNIT))
    return _Units(location, wide, wide, UNIT)


def _state(rule: PriorRule, predictor: PredictorOutline, units: _Units, *, alone: bool) -> StatedPrior:
    """Return the prior of a rule; the step of a column is numbered where it is the only one (`alone`), or a group's."""
    if rule.prior is not None:
        return state_prior(rule.prior, rule.meaning, "default")
    one, where = rule.of, f" {rule.stated}" if rule.stated == AT_CENTRE else ""
    group = next((group for group in predictor.groups if group.name == rule.term), None)
    if rule.role == LOCATION:
        note = rule.meaning + (where if INTERCEPT in predictor.labels else "") + one.condition
        return StatedPrior("Normal", (units.location, units.intercept), note)
    if rule.role == DISTANCES:
        return StatedPrior("LogNormal", (Symbol("m"), Symbol("v")), rule.meaning)
    if rule.role == CORRELATIONS and group is not None:
        widest = max(len(part.columns) for part in group.parts if part.correlated)
        note = rule.meaning.replace("between", "of the K columns between") if one.several else rule.meaning
        concentration = _CONCENTRATION if one.several else Symbol(f"{lkj_concentration(widest):g}")
        return StatedPrior("LKJ", (concentration,), note + where)
    numbered = one.label in (predictor.labels if alone else ()) if group is None else one.label in group.labels
    step = Symbol("d", number=number_of(predictor, one.label, group)) if numbered else Symbol("d", index="k")
    if rule.role == SLOPE:
        return StatedPrior("Normal", (Symbol("0"), _per_step(units.slope, step, one)), rule.meaning + one.condition)
    note = rule.meaning + (where if one.label == INTERCEPT else "")
    return StatedPrior("HalfStudentT", (Symbol("4"), _per_step(units.group, step, one)), note)


def _per_step(unit: Node, step: Symbol, term: TermOutline) -> Node:
    """Return a scale over the step of numbers, and over the root of 2 with a factor."""
    if term.several and not term.moved:
        return Expression("product", (IMPLIED, unit))
    root = Expression("link", (Symbol("2"),), "sqrt({})")
    below: list[Node] = [*([root] if term.factor else []), *([step] if term.number else [])]
    return (
        unit
        if not below
        else Expression("ratio", (unit, below[0] if len(below) == 1 else Expression("product", tuple(below))))
    )


def _read_prior(parameter: Parameter, unit: Node) -> StatedPrior:
    def arguments(scale: ResponseScale) -> tuple[float, ...]:
        return () if parameter.prior is None else parameter.prior(scale)[1].arguments

    name = "" if parameter.prior is None else parameter.prior(_PROBES[0])[1].name
    return StatedPrior(name, _read_numbers(arguments, unit), parameter.meaning)


_PROBES = tuple(ResponseScale(mean, unit) for mean, unit in ((0.5, 2.0), (0.5, 3.0), (0.25, 3.0), (0.7, 0.6)))
_MEANS = np.array([probe.mean for probe in _PROBES])
_UNITS = np.array([probe.unit for probe in _PROBES])


def _read_numbers(rule: Callable[[ResponseScale], Sequence[float]], unit: Node) -> tuple[Node, ...]:
    """Return the arguments of a family's rule as symbols, found by asking it at several scales of a response."""
    answers = np.array([rule(probe) for probe in _PROBES], dtype=float)
    return tuple(_read_number(values, unit) for values in answers.T)


def _read_number(values: Array, unit: Node) -> Node:
    if np.allclose(values, values[0]):
        return Symbol(f"{values[0]:.4g}")
    symbol: Node
    odds = values - special.logit(_MEANS)
    if np.allclose(odds, odds[0]):
        return Expression("sum", (Expression("link", (MEAN,), "logit({})"), Symbol(f"{odds[0]:.4g}")))
    functions = ((_MEANS**0.5, "sqrt({})"), (_MEANS**-0.5, "1/sqrt({})"), (np.exp(_MEANS), "exp({})"))
    of_mean = ((scale, Expression("link", (MEAN,), text)) for scale, text in functions)
    for scale, symbol in ((_UNITS, unit), (_MEANS, MEAN), *of_mean):
        factor, shift = values / scale, values - np.log(scale)
        if np.allclose(factor, factor[0]):
            return symbol if np.isclose(factor[0], 1) else Expression("product", (Symbol(f"{factor[0]:.4g}"), symbol))
        if np.allclose(shift, shift[0]):
            log = Expression("link", (symbol,), "log({})")
            return log if np.isclose(shift[0], 0) else Expression("sum", (log, Symbol(f"{shift[0]:.4g}")))
    return Expression("call", (MEAN, unit), "f")
