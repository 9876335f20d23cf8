"""Rules of default priors without data have the keys that data give."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.terms.prior_rules import SLOPE, PriorRule

STREAM = np.random.default_rng(5)
TABLE = pd.DataFrame(
    {"y": STREAM.normal(size=60), "x": STREAM.normal(size=60), "g": np.repeat(list("abcdef"), 10)}
).assign(f=np.resize(list("pqrs"), 60))


@pytest.mark.parametrize("formula", ["y ~ x", "y ~ x + (x | g)", "y ~ f + (1 | g)", "y ~ x * f + (1 | g)"])
def test_a_spec_names_the_priors_that_its_design_has(formula):
    spec = bm.from_formula(formula, factors=["f"])
    shown = set(bm.prior_table(spec).parameters["parameter"])
    assert {re.sub(r" #\d+(?=\]$)", "", key) for key in bm.prepare(spec, TABLE).priors} == {
        re.sub(r" #k(?=\]$)", "", key) for key in shown
    }


@pytest.mark.parametrize(("several", "moved", "key"), [(True, True, "beta[f #k]"), (False, True, "beta[f]")])
def test_one_of_several_coordinates_has_a_number_k(several, moved, key):
    outline = SimpleNamespace(several=several, moved=moved)
    assert PriorRule(ParameterKey("beta", "f"), SLOPE, outline, "", "").numbered_key == key
