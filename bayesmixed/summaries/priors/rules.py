"""The rules of default priors in symbols, for specs without data."""

import math
import re
from collections.abc import Iterator

import pandas as pd

from bayesmixed.equations.residual_equations import state_residual
from bayesmixed.equations.rules import RESPONSE_UNIT
from bayesmixed.equations.symbols import TEXT, Expression, Notation, Symbol
from bayesmixed.families import ResponseScale
from bayesmixed.families.parameter_functions import given_key
from bayesmixed.joint_priors import JOINT, JointPrior
from bayesmixed.parameter_keys import ParameterKey, names_of
from bayesmixed.prior_distributions import FEW_LEVELS
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.terms.contract import known_factors, rules_by_parameter
from bayesmixed.terms.prior_rules import AT_CENTRE, Known
from bayesmixed.terms.weights import ERROR, MULTIPLIES_ERRORS

SYMBOLS = {
    "s": "s: unit of the response, the larger of 1.4826 MAD and half the SD.",
    "d": "d: one step of the column, 2 SD; of an interaction, the product.",
    "c": "c: what the default on contrasts and orthogonal directions implies for a column as written, in units of s.",
    "K": "K: number of columns of the term.",
    "w": "w: a typical precision weight, the geometric mean.",
}


def list_rules(spec: ModelSpec) -> pd.DataFrame:
    """Return the rule or the user's prior of every parameter that can be named without data.

    Returns
    -------
    pandas.DataFrame
        Columns parameter, prior, source, meaning, stated. A factor has one such parameter for each level.
    """
    notation, stated = _notation(spec), spec.outline().priors
    rows: list[tuple[str, ...]] = []
    used: set[ParameterKey | None] = set()
    for key, numbered, meaning, where in _rules(spec):
        chosen = key.match(spec.priors)
        used.add(chosen)
        rule = stated[numbered]
        prior = rule.arguments[0] if rule.name == "Fixed" else Expression("prior", rule.arguments, rule.name)
        default = prior.write(notation)
        text, source = (default, "default rule") if chosen is None else (str(spec.priors[chosen]), "user")
        source = "user" if rule.name in JOINT else source
        rows.append((key, text, source, meaning, where))
    rest = [(key, prior) for key, prior in spec.priors.items() if key not in used]
    rows += [(key, str(p), "user", p.MEANING if isinstance(p, JointPrior) else "", "") for key, p in rest]
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


def _rules(spec: ModelSpec) -> Iterator[tuple[ParameterKey, ParameterKey, str, str]]:
    """Yield the key of each parameter, the same with the number of one of several, its meaning, and its coordinate."""
    family = spec.family_record
    factors = known_factors(spec.terms, spec.factors, spec.priors)
    predictors = spec.predictors_of(family)
    known = {
        name: Known(names_of(name, family.first), factors, spec.priors, not family.takes_intercept(name))
        for name in predictors
    }
    for rule in (rule for rules in rules_by_parameter(predictors, known).values() for rule in rules):
        yield rule.key, rule.numbered_key, rule.meaning + rule.of.condition, rule.stated
    for name, stated in state_residual(spec.correlated, {}).items():
        yield ParameterKey.read(name), ParameterKey.read(name), f"{stated.note}, residual {spec.correlated}", ""
    for parameter in family.parameters:
        if (parameter.cut or parameter.name not in spec.predictors) and parameter.prior is not None:
            text = given_key(parameter, spec.priors) or parameter.prior(ResponseScale(1.0, 1.0))[0]
            key = ParameterKey.read(text)
            fixed = parameter.name == family.scale and spec.weights is not None and spec.weights.kind == ERROR
            meaning = MULTIPLIES_ERRORS if fixed else parameter.meaning
            yield key, key, meaning, AT_CENTRE if parameter.cut else ""


def _notation(spec: ModelSpec) -> Notation:
    """Return how rules are written: letters of the notes, and the numbers of links that have a unit."""
    unit = spec.link(spec.family_record.parameters[0].name).unit
    mean = f"mean of {spec.response}" + (f" / {spec.trials}" if spec.family_record.has_trials else "")
    words = {"s": "s" if unit is None else f"{unit:g}", "ybar": mean, "wbar": "w"}

    def write(symbol: Symbol) -> str:
        known = "s" if symbol == RESPONSE_UNIT else words.get(symbol.name, symbol.name)
        return symbol.name if symbol.word else known

    forms = {
        "product": _product,
        "ratio": lambda _, parts: f"{parts[0]} / {parts[1] if ' ' not in parts[1] else f'({parts[1]})'}",
        "mean": lambda _, parts: f"mean of {parts[0]}",
        "call": lambda name, parts: TEXT.forms["call"](name, parts) if name != "f" else "from the mean of the response",
    }
    return Notation(write, {**TEXT.forms, **forms})


def _product(_: str, parts: list[str]) -> str:
    numbers = [part for part in parts if re.fullmatch(r"[\d.]+(e[-+]?\d+)?", part)]
    others = [part for part in parts if part not in numbers]
    number = f"{math.prod(map(float, numbers)):g}"
    return " ".join([*([] if number == "1" and others else [number]), *others])
