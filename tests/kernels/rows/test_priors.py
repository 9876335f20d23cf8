"""Compiled priors are SciPy's log-densities with the Jacobian of their coordinate, up to a constant."""

import numpy as np
import pytest
from scipy import special
from uncompiled import uncompiled

from bayesmixed.kernels.rows import priors
from bayesmixed.kernels.rows.priors import ABOVE_ONE, DISTRIBUTION_CODES, POSITIVE, REAL, UNIT
from bayesmixed.prior_texts import as_prior

prior_row = uncompiled(priors.prior_row)
MAPS = {
    REAL: (lambda x: x, lambda x: 0.0),
    POSITIVE: (np.exp, lambda x: x),
    UNIT: (special.expit, lambda x: -np.logaddexp(0.0, x) - np.logaddexp(0.0, -x)),
    ABOVE_ONE: (lambda x: 1.0 + np.exp(x), lambda x: x),
}
"""By transform: the value at a coordinate, and the logarithm of its slope."""
CASES = [
    *[
        (REAL, text)
        for text in ("Normal(1, 2)", "StudentT(4, 1, 2)", "Cauchy(1, 2)", "Laplace(-0.1, 2)", "Logistic(1, 2)")
    ],
    *[(POSITIVE, text) for text in ("HalfNormal(2)", "HalfStudentT(4, 2)", "HalfCauchy(2)", "Exponential(2)")],
    *[(POSITIVE, text) for text in ("Gamma(2, 0.5)", "InverseGamma(3, 2)", "LogNormal(0.4, 0.7)")],
    (UNIT, "Beta(2, 0.7)"),
    (ABOVE_ONE, "Gamma(2, 0.1)"),
]


def row_of(transform, text):
    prior = as_prior(text)
    a, b, c = (*prior.arguments, 0.0, 0.0)[:3]
    return prior.frozen(), lambda x: prior_row(transform, DISTRIBUTION_CODES[prior.name], a, b, c, x)


def test_every_distribution_with_a_code_is_tested():
    assert {as_prior(text).name for _, text in CASES} == set(DISTRIBUTION_CODES)


@pytest.mark.parametrize(("transform", "text"), CASES)
def test_differences_of_the_density_are_scipys(transform, text):
    distribution, row = row_of(transform, text)
    value, jacobian = MAPS[transform]
    points = np.array([-2.1, -0.4, 0.7, 1.8])
    found = [row(x)[0] for x in points]
    expected = distribution.logpdf(value(points)) + [jacobian(x) for x in points]
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-10)


@pytest.mark.parametrize(("transform", "text"), CASES)
def test_the_slope_is_that_of_differences(transform, text):
    _, row = row_of(transform, text)
    for x in (-2.1, -0.4, 0.7, 1.8):
        assert row(x)[1] == pytest.approx((row(x + 1e-5)[0] - row(x - 1e-5)[0]) / 2e-5, rel=1e-7, abs=1e-8)


def test_a_beta_prior_has_exact_ends():
    _, row = row_of(UNIT, "Beta(2, 3)")
    assert row(-800.0) == pytest.approx((-1600.0, 2.0))
    assert row(800.0) == pytest.approx((-2400.0, -3.0))
