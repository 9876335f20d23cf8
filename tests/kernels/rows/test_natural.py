"""Rows in their natural arguments: values are SciPy's, every derivative is the difference of the one below it."""

import numpy as np
import pytest
from scipy import special, stats
from uncompiled import uncompiled

from bayesmixed.kernels.rows import natural
from bayesmixed.kernels.rows.families import (
    EXPONENTIAL,
    GAMMA,
    GENERALISED_POISSON,
    INVERSE_GAUSSIAN,
    NEGBIN,
    NEGBIN1,
    POISSON,
    WEIBULL,
)
from bayesmixed.kernels.rows.links import CLOGLOG, LOGIT, PROBIT

NAMES = ("binomial", "normal", "student", "positive", "beta", "beta_binomial", "cumulative", "through")
binomial, normal, student, positive, beta, beta_binomial, cumulative, through = (
    uncompiled(getattr(natural, name)) for name in NAMES
)
ROWS = {
    "normal": (lambda u, s, _, k: normal(1.3 - u, s, k), 2),
    "student": (lambda u, s, v, k: student(1.3 - u, s, v, k), 3),
    "beta": (lambda u, s, _, k: beta(LOGIT, 0.3, u, s, k), 2),
    "beta under the probit link": (lambda u, s, _, k: beta(PROBIT, 0.3, u, s, k), 2),
    "beta-binomial": (lambda u, s, _, k: beta_binomial(LOGIT, 3.0, 11.0, u, s, k), 2),
    "binomial": (lambda u, s, _, k: binomial(CLOGLOG, 3.0, 8.0, u), 1),
    **{
        f"positive, code {code}": (
            lambda u, s, _, k, code=code: positive(code, 4.0, u, s, k),
            1 + (code not in (POISSON, EXPONENTIAL)),
        )
        for code in (POISSON, GAMMA, INVERSE_GAUSSIAN, NEGBIN, NEGBIN1, GENERALISED_POISSON, EXPONENTIAL, WEIBULL)
    },
}
"""By name: the row at three arguments, its derivatives in the k-th further one, and how many arguments it has."""
POINT = np.array([0.4, 0.6, 1.1])


@pytest.mark.parametrize("name", ROWS)
def test_every_derivative_is_the_difference_of_the_one_below_it(name):
    row, arguments = ROWS[name]
    for k in range(arguments):
        step = 1e-4 * np.eye(3)[k]
        ahead, behind = np.array(row(*(POINT + step), 0)), np.array(row(*(POINT - step), 0))
        slopes = ((ahead - behind) / 2e-4)[:3]
        found = row(*POINT, k)
        np.testing.assert_allclose(found[1:4] if k == 0 else found[4:], slopes, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("ends", [(-1.1, 0.3), (0.2, 1.6), (-np.inf, -0.4), (0.3, np.inf)])
@pytest.mark.parametrize(("link", "latent"), [(LOGIT, stats.logistic), (PROBIT, stats.norm), (CLOGLOG, stats.gumbel_l)])
def test_an_ordered_category_has_the_probability_between_its_ends(link, latent, ends):
    lower, upper = map(np.float64, ends)
    found = cumulative(link, lower, upper, 0)
    assert found[0] == pytest.approx(np.log(latent.cdf(upper) - latent.cdf(lower)), rel=1e-12)
    ahead, behind = (np.array(cumulative(link, lower - s, upper - s, 0)) for s in (1e-4, -1e-4))
    np.testing.assert_allclose(found[1:4], ((ahead - behind) / 2e-4)[:3], rtol=1e-6, atol=1e-7)
    for k, (a, b) in ((1, (0.0, 1e-4)), (2, (1e-4, 0.0))):
        if not np.isfinite((upper, lower)[k - 1]):
            continue
        ahead, behind = (np.array(cumulative(link, lower + s * a, upper + s * b, 0)) for s in (1.0, -1.0))
        np.testing.assert_allclose(cumulative(link, lower, upper, k)[4:], ((ahead - behind) / 2e-4)[:3], atol=1e-6)


@pytest.mark.parametrize(
    ("code", "distribution"),
    [
        (POISSON, lambda mean, _: stats.poisson(mean)),
        (NEGBIN, lambda mean, size: stats.nbinom(size, size / (size + mean))),
        (NEGBIN1, lambda mean, excess: stats.nbinom(mean / excess, 1 / (1 + excess))),
        (GAMMA, lambda mean, shape: stats.gamma(shape, scale=mean / shape)),
        (EXPONENTIAL, lambda mean, _: stats.expon(scale=mean)),
        (WEIBULL, lambda mean, shape: stats.weibull_min(shape, scale=mean / special.gamma(1.0 + 1.0 / shape))),
        (INVERSE_GAUSSIAN, lambda mean, shape: stats.invgauss(mean / shape, scale=shape)),
    ],
)
def test_values_of_positive_responses_differ_by_what_scipys_do(code, distribution):
    points = [(np.log(2.0), np.log(0.7)), (np.log(5.0), np.log(3.0))]
    found = [positive(code, 4.0, u, further, 0)[0] for u, further in points]
    fixed = [distribution(np.exp(u), np.exp(further)) for u, further in points]
    expected = [(d.logpmf if code in (POISSON, NEGBIN, NEGBIN1) else d.logpdf)(4.0) for d in fixed]
    assert found[1] - found[0] == pytest.approx(expected[1] - expected[0], rel=1e-10)


def test_a_row_through_a_link_has_the_derivatives_of_the_composition():
    def composed(eta):
        return np.array(normal(1.3 - np.exp(eta), 0.2, 1))

    mean = np.exp(0.4)
    found = through(composed(0.4), mean, mean, mean)
    slope = (composed(0.4 + 1e-5)[[0, 4]] - composed(0.4 - 1e-5)[[0, 4]]) / 2e-5
    bend = (composed(0.4 + 1e-4)[[0, 4]] - 2.0 * composed(0.4)[[0, 4]] + composed(0.4 - 1e-4)[[0, 4]]) / 1e-8
    np.testing.assert_allclose([found[1], found[5]], slope, rtol=1e-8)
    np.testing.assert_allclose([found[2], found[6]], bend, rtol=1e-5)
