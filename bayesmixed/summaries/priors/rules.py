"""The rules of default priors in symbols, for specs without data."""

import math
import re
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from bayesmixed.families import Family, Parameter, ResponseScale
from bayesmixed.families.parameter_functions import given_key
from bayesmixed.parameter_keys import ParameterKey, names_of
from bayesmixed.prior_distributions import FEW_LEVELS, Prior
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.terms.basis_outlines import TermOutline
from bayesmixed.terms.contract import known_factors, rules_of
from bayesmixed.terms.prior_rules import CORRELATIONS, LOCATION, SLOPE, SPREAD, Known, PriorRule
from bayesmixed.terms.weights import PRECISION

SYMBOLS = {
    "s": "s: unit of the response, the larger of 1.4826 MAD and half the SD.",
    "d": "d: one step of the column, 2 SD; of an interaction, the product.",
    "c": "c: what the default on contrasts and orthogonal directions implies for a column as written, in units of s.",
    "K": "K: number of columns of the term.",
    "w": "w: a typical precision weight, the geometric mean.",
}

Rule = tuple[str, str, str, str]
"""Key, rule, meaning, coordinate."""


def list_rules(spec: ModelSpec) -> pd.DataFrame:
    """Return the rule or the user's prior of every parameter that can be named without data.

    Returns
    -------
    pandas.DataFrame
        Columns parameter, prior, source, meaning, stated. A factor has one such parameter for each level.
    """
    rows, used = [], set()
    for key, rule, meaning, stated in _rules(spec):
        chosen = ParameterKey.read(key).match(spec.priors)
        used.add(chosen)
        text, source = (rule, "default rule") if chosen is None else (str(spec.priors[chosen]), "user")
        rows.append((key, text, source, meaning, stated))
    rows += [(key, str(prior), "user", "", "") for key, prior in spec.priors.items() if key not in used]
    return pd.DataFrame(rows, columns=["parameter", "prior", "source", "meaning", "stated"])


def explain_rules(rules: pd.DataFrame) -> tuple[str, ...]:
    """Return what the letters in the rules mean, and what only data can tell."""
    default = rules[rules["source"] != "user"]
    used = {letter for letters in default["prior"].str.findall(r"\b[sdcKw]\b") for letter in letters}
    notes = [meaning for letter, meaning in SYMBOLS.items() if letter in used]
    if "d" in used:
        notes.append(
            "A column that turns out to be a factor, or to have two values, has contrasts of its levels, sum zero. A term "
            "with such columns has sqrt(2), once, in place of their d: a difference of two levels has sd 2.5 s."
        )
    if default["prior"].str.contains("sqrt(2)", regex=False).any():
        notes.append(
            "K levels have K - 1 contrasts, each with this prior: a difference of two levels, averaged over what it "
            "interacts with, has an sd larger by sqrt(2)."
        )
    if any(ParameterKey.read(key).of_sd for key in default["parameter"]):
        notes.append(f"A group term with fewer than {FEW_LEVELS} levels has a HalfNormal prior of the same scale.")
    return tuple(notes)


def _rules(spec: ModelSpec) -> Iterator[Rule]:
    family = spec.family_record
    factors = known_factors((term for terms in spec.predictors.values() for term in terms), spec.factors, spec.priors)
    for parameter in family.parameters:
        if parameter.name not in spec.predictors:
            continue
        cut = bool(family.cuts) and parameter is family.parameters[0]
        known = Known(names_of(parameter.name, family.parameters[0].name), factors, spec.priors, cut)
        units = _units(spec, family, parameter)
        for rule in rules_of(spec.predictors[parameter.name], known):
            yield rule.key, _law(rule, *units), rule.meaning + rule.of.condition, rule.stated
    for parameter in family.parameters:
        if parameter.name not in spec.predictors and parameter.prior is not None:
            key = given_key(parameter, spec.priors) or parameter.prior(ResponseScale(1.0, 1.0))[0]
            stated = "at the covariate means" if parameter.cut else ""
            yield key, _weighed(spec, parameter, _symbolic_prior(parameter.prior)), parameter.meaning, stated


def _weighed(spec: ModelSpec, parameter: Parameter, rule: str) -> str:
    """Return a rule for the residual scale, which is that of a row of weight 1, with precision weights."""
    weighed = spec.weights is not None and spec.weights.kind == PRECISION
    return re.sub(r"\bs\b", "s sqrt(w)", rule) if weighed and parameter.name == spec.family_record.scale else rule


def _units(spec: ModelSpec, family: Family, parameter: Parameter) -> tuple[str, str, str]:
    """Return the intercept's prior, the scale of slopes and the scale of group SDs, in symbols."""
    if parameter.intercept is not None:
        place, spread = (_symbol(lambda scale, i=i: parameter.intercept(scale)[i]) for i in range(2))  # type: ignore[misc]
        return (
            f"Normal({_weighed(spec, parameter, place)}, {spread})",
            f"{2.5 * parameter.unit:g}",
            f"{parameter.unit:g}",
        )
    link = spec.link(parameter.name)
    mean = f"mean of {spec.response}" + (f" / {spec.trials}" if family.has_trials else "")
    wide, unit = ("2.5 s", "s") if link.unit is None else (f"{2.5 * link.unit:g}", f"{link.unit:g}")
    return f"Normal({link.text.format(mean)}, {wide})", wide, unit


def _law(rule: PriorRule, intercept: str, slope: str, group: str) -> str:
    """Return the distribution of a rule."""
    if rule.prior is not None:
        return str(rule.prior)
    return {
        LOCATION: intercept,
        SLOPE: f"Normal(0, {_per_step(slope, rule.of)})",
        SPREAD: f"HalfStudentT(4, {_per_step(group, rule.of)})",
        CORRELATIONS: "LKJ(max(1, 3 - K / 2))",
    }[rule.role]


def _per_step(unit: str, term: TermOutline) -> str:
    """Return the scale of a term's coefficients, the unit of slopes or group SDs over steps and the root of 2."""
    if term.several and not term.moved:
        return f"c {unit}"
    below = " ".join([*(["sqrt(2)"] if term.factor else []), *(["d"] if term.number else [])])
    return f"{unit} / {below if ' ' not in below else f'({below})'}" if below else unit


def _symbolic_prior(rule: Callable[[ResponseScale], tuple[str, Prior]]) -> str:
    _, prior = rule(ResponseScale(1.0, 1.0))
    numbers = [_symbol(lambda scale, i=i: rule(scale)[1].arguments[i]) for i in range(len(prior.arguments))]  # type: ignore[misc]
    return f"{prior.name}({', '.join(numbers)})"


def _symbol(rule: Callable[[ResponseScale], float]) -> str:
    """Return a number of a rule in terms of s, found by asking the rule at two units: it cannot differ from the rule."""
    first, second = rule(ResponseScale(1.0, 1.0)), rule(ResponseScale(1.0, math.e))
    if rule(ResponseScale(2.0, 1.0)) != first:
        return "from the mean of the response"
    if first == second:
        return f"{first:g}"
    if np.isclose(second - first, 1.0):
        return "log(s)" + (f" {'-' if first < 0 else '+'} {abs(first):g}" if first else "")
    return "s" if first == 1.0 else f"{first:g} s"
