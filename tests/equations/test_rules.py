"""Rules of default priors as symbols give the numbers of designs."""

import re

import numpy as np
import pytest
from conftest import classic
from equations.test_listing import design_of, shipped

import bayesmixed as bm
from bayesmixed.design.default_priors import response_scale
from bayesmixed.equations.symbols import Notation
from bayesmixed.families.links import LINKS
from bayesmixed.families.parameter_functions import PRIOR_FUNCTIONS


def test_the_prior_of_a_spec_is_its_rule_and_that_of_a_design_its_number():
    rule = r"\sigma_{\text{herd}} &\sim \mathrm{HalfStudentT}\left(4, 0, s\right)"
    number = r"\sigma_{\text{herd}} &\sim \mathrm{HalfStudentT}\left(4, 0, 1\right)"
    assert rule in bm.load_spec("herd").to_latex()
    assert number in shipped("herd").to_latex()


def _python(symbol):
    if re.fullmatch(r"-?[\d.]+", symbol.name):
        return symbol.name
    return "s_y" if symbol.label else symbol.name


# Rules as Python expressions of s, s_y, ybar and d.
PYTHON = Notation(
    symbol=_python,
    forms={
        "sum": lambda name, parts: f"({' + '.join(parts)})",
        "product": lambda name, parts: f"({' * '.join(parts)})",
        "ratio": lambda name, parts: f"({parts[0]} / {parts[1]})",
        "link": lambda name, parts: f"link({name!r}, {parts[0]})",
    },
)


FORWARD = {f.text: f.forward for f in (*PRIOR_FUNCTIONS, *LINKS.values())}


MODELLED = [
    ("Reaction ~ Days + (Days | Subject)", {"sigma": "~ Days + (1 | Subject)"}),
    ("Reaction ~ Days + (1 | Subject)", {"family": "student", "link": "log", "nu": "~ Days"}),
    ("Reaction ~ 0 + Subject", {"factors": "Subject"}),
]


@pytest.mark.parametrize("name", bm.list_specs())
def test_rules_of_default_priors_give_the_numbers_of_shipped_designs(name):
    assert_rules_hold(shipped(name))


@pytest.mark.parametrize(("formula", "arguments"), MODELLED)
def test_rules_of_default_priors_give_the_numbers_of_other_predictors(formula, arguments):
    assert_rules_hold(design_of(bm.from_formula(formula, **arguments), classic("lme4", "sleepstudy")))


def assert_rules_hold(design):
    stated = design.spec.outline().priors
    steps = {
        key: 1.0 / unit
        for p in design.predictors.values()
        for key, unit in zip(p.keys, p.population.coordinates.units, strict=True)
    }
    steps |= {
        key: 1.0 / unit
        for p, g in design.group_blocks()
        for key, unit in zip(p.sd_keys(g), g.coordinates.units, strict=True)
    }
    scale = response_scale(design)
    unit = design.mu.link.unit or scale.unit
    for key, entry in design.priors.items():
        variable = key.split("[")[0]
        term = _without_levels(key)
        endings = ("", "_centred", " #k")
        names = (key, *(f"{variable}[{term}{ending}]" for ending in endings), variable)
        rule = next(stated[name] for name in names if name in stated)
        texts = [node.write(PYTHON) for node in rule.arguments]
        # Factors of a term have sqrt(2) in all: in d where none is known before there are data.
        step = steps.get(key, 1.0) / (np.sqrt(2.0) if "sqrt" in "".join(texts) else 1.0)
        known = {"s": unit, "s_y": scale.unit, "ybar": scale.mean, "d": step, "link": _link}
        numbers = [eval(text, known) for text in texts]
        few = entry.prior.name == "HalfNormal" != rule.name
        assert few or rule.name == entry.prior.name
        assert (numbers[1:] if few else numbers) == pytest.approx(entry.prior.arguments, rel=1e-3)


def _link(text, value):
    return float(FORWARD[text](value))


def _without_levels(key):
    """Return the term of a coordinate or column: "period" for "beta[period #2]" and "beta[period[T.2]]"."""
    return re.sub(r"\[(?!linear\]|constant\])[^\]]*\]| #\d+$", "", key.partition("[")[2][:-1])
