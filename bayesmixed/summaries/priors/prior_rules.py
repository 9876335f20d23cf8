"""The rules of default priors in symbols, for specs without data."""

import math
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.covariances import find_covariance
from bayesmixed.families import Family, Parameter, ResponseScale
from bayesmixed.prior_functions import given_key
from bayesmixed.priors import FEW_LEVELS, Prior, matching_key
from bayesmixed.spec import ModelSpec
from bayesmixed.stated_coordinates import states_centred_prior, states_group_prior
from bayesmixed.terms.names import factors_in
from bayesmixed.terms.written import read_formula
from bayesmixed.weights import PRECISION

SYMBOLS = {
    "s": "s: unit of the response, the larger of 1.4826 MAD and half the SD.",
    "d": "d: one step of the column, 2 SD, or its range where it has two values; of an interaction, the product.",
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
        chosen = matching_key(key, spec.priors)
        used.add(chosen)
        text, source = (rule, "default rule") if chosen is None else (str(spec.priors[chosen]), "user")
        rows.append((key, text, source, meaning, stated))
    rows += [(key, str(prior), "user", "", "") for key, prior in spec.priors.items() if key not in used]
    return pd.DataFrame(rows, columns=["parameter", "prior", "source", "meaning", "stated"])


def explain_rules(rules: pd.DataFrame) -> tuple[str, ...]:
    """Return what the letters in the rules mean, and what only data can tell."""
    default = rules[rules["source"] != "user"]
    used = {letter for letters in default["prior"].str.findall(r"\b[sdKw]\b") for letter in letters}
    notes = [meaning for letter, meaning in SYMBOLS.items() if letter in used]
    if "d" in used:
        notes.append("A column that is a factor has one such parameter for each level but the first.")
    if default["parameter"].str.startswith("sd_").any():
        notes.append(f"A group term with fewer than {FEW_LEVELS} levels has a HalfNormal prior of the same scale.")
    return tuple(notes)


def _rules(spec: ModelSpec) -> Iterator[Rule]:
    family = spec.family_record
    for parameter in family.parameters:
        if parameter.name not in spec.predictors:
            continue
        suffix = "" if parameter is family.parameters[0] else f"_{parameter.name}"
        intercept, slope, group = _units(spec, family, parameter)
        for term in spec.predictors[parameter.name]:
            if term.kind == "fixed":
                rules = _population(spec, term, suffix, intercept, slope)
                yield from islice(rules, 1 if family.cuts and not suffix else 0, None)
            elif term.kind == "group":
                yield from _group(spec, term, suffix, group)
            elif term.kind == "smooth":
                yield from _smooth(term, suffix, slope, group)
            elif term.kind == "observation":
                yield f"sd_obs{suffix}[Intercept]", f"HalfStudentT(4, {group})", "SD between observations", "as written"
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


def _population(spec: ModelSpec, term: Any, suffix: str, intercept: str, slope: str) -> Iterator[Rule]:
    labels = _labels(term.formula)
    factors = {*spec.factors, *factors_in(term.formula)}
    level_means = "Intercept" not in labels
    for label in labels:
        if label == "Intercept":
            centred = len(labels) > 1 and states_centred_prior(spec, suffix)
            name, stated = ("Intercept_centred", "at the covariate means") if centred else ("Intercept", "as written")
            yield f"beta{suffix}[{name}]", intercept, "intercept", stated
        elif level_means and label in factors:
            level_means = False
            yield f"beta{suffix}[{label}]", intercept, "mean of each level", "as written"
        else:
            yield f"beta{suffix}[{label}]", f"Normal(0, {slope} / d)", "slope or difference", "as written"


def _group(spec: ModelSpec, term: Any, suffix: str, unit: str) -> Iterator[Rule]:
    labels = _labels(term.formula)
    correlated = find_covariance(term.covariance).correlated(len(labels))
    centred = correlated and "Intercept" in labels and not states_group_prior(spec, term.by, suffix)
    stated = "at the covariate means" if centred else "as written"
    for label in labels:
        scale = unit if label == "Intercept" else f"{unit} / d"
        where = stated if label == "Intercept" else "as written"
        yield f"sd_{term.by}{suffix}[{label}]", f"HalfStudentT(4, {scale})", f"SD between {term.by}", where
    if correlated:
        yield f"corr_{term.by}{suffix}", "LKJ(max(1, 3 - K / 2))", f"correlations between {term.by}", stated


def _smooth(term: Any, suffix: str, slope: str, unit: str) -> Iterator[Rule]:
    if not term.periodic:
        yield f"beta{suffix}[{term.line}]", f"Normal(0, {slope} / d)", "slope of a curve", "as written"
    yield f"sd_{term.name}{suffix}", f"HalfStudentT(4, {unit})", f"SD of the curve around {term.around}", ""


def _labels(formula: str) -> list[str]:
    """Return the terms of a formula, the intercept by its name."""
    return read_formula(formula).terms()


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
