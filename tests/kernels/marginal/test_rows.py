"""Rows of the marginal density: their derivatives by differences, and their differences by the records of families."""

import numpy as np
import pytest
from uncompiled import uncompiled

from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS
from bayesmixed.kernels.marginal.rows import row_slopes
from bayesmixed.kernels.rows.families import FAMILY_CODES
from bayesmixed.kernels.rows.links import LINK_CODES

CASES = [
    ("poisson", "log", 3.0, 1.0, None, 1.0),
    ("binomial", "logit", 2.0, 5.0, None, 1.0),
    ("binomial", "probit", 2.0, 5.0, None, 1.0),
    ("binomial", "cloglog", 4.0, 5.0, None, 1.0),
    ("negbin", "log", 4.0, 1.0, "theta", 1.7),
    ("gamma", "log", np.log(2.5), 1.0, "shape", 2.2),
    ("gaussian", "identity", 0.4, 1.0, "sigma", 0.8),
]
each_case = pytest.mark.parametrize("case", CASES, ids=[f"{family}-{link}" for family, link, *_ in CASES])
PLACES = np.array([-2.0, -0.3, 0.4, 1.1])


@each_case
def test_slopes_are_differences(case):
    family, link, y, trials, _, further = case
    slopes = uncompiled(row_slopes)
    codes = FAMILY_CODES[family], LINK_CODES[link]
    for place in PLACES:
        below, at, above = (np.array(slopes(*codes, y, trials, further, place + h)) for h in (-1e-5, 0.0, 1e-5))
        np.testing.assert_allclose(at[1:], (above - below)[:3] / 2e-5, rtol=1e-5, atol=1e-6)


@each_case
def test_rows_differ_between_predictors_as_the_family_says(case):
    family, link, y, trials, name, further = case
    record = FAMILIES[family]
    response = np.exp(y) if family == "gamma" else y
    values = {record.parameters[0].name: LINKS[link].inverse(PLACES)} | ({name: further} if name else {})
    expected = record.logp(np.full(4, response), values, trials)
    value = uncompiled(row_slopes)
    found = [value(FAMILY_CODES[family], LINK_CODES[link], y, trials, further, place)[0] for place in PLACES]
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-9)
