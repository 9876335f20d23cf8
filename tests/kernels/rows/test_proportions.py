"""Rows of proportions are SciPy's densities, and their derivatives the differences of them."""

import numpy as np
import pytest
from scipy import special, stats
from uncompiled import uncompiled

from bayesmixed.kernels.rows import proportions
from bayesmixed.kernels.rows.links import LOGIT

NAMES = ("beta_row", "beta_binomial_row", "zero_one_inflated_beta_row", "ordered_beta_row")
beta, beta_binomial, zero_one, ordered = (uncompiled(getattr(proportions, name)) for name in NAMES)
ETA = np.array([[0.4, 1.1, -0.7, 0.6]])
A, B = np.exp(1.1) * special.expit([0.4, -0.4])
ROWS = {
    "beta": (lambda e, s: beta(LOGIT, 0.3, e, s, 0) - np.log(0.3 * 0.7), stats.beta(A, B).logpdf(0.3), 2),
    "beta-binomial": (
        lambda e, s: beta_binomial(LOGIT, 3.0, 11.0, e, s, 0) + np.log(special.comb(11, 3)),
        stats.betabinom(11, A, B).logpmf(3),
        2,
    ),
    "one, inflated": (lambda e, s: zero_one(LOGIT, 1.0, e, s, 0), np.log(special.expit(-0.7) * special.expit(0.6)), 4),
    "between, ordered": (
        lambda e, s: ordered(0.3, e, s, 0) - np.log(0.3 * 0.7),
        np.log(special.expit(-0.7 + np.exp(0.6) - 0.4) - special.expit(-1.1)) + stats.beta(A, B).logpdf(0.3),
        4,
    ),
    "one, ordered": (lambda e, s: ordered(1.0, e, s, 0), np.log(special.expit(0.4 + 0.7 - np.exp(0.6))), 4),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_the_density_and_its_derivatives_are_differences(name):
    row, expected, width = ROWS[name]
    score, spare = np.zeros((1, 4)), np.zeros((1, 4))
    assert row(ETA, score) == pytest.approx(expected, rel=1e-12)
    for k in range(width):
        step = 1e-5 * np.eye(4)[k]
        assert score[0, k] == pytest.approx((row(ETA + step, spare) - row(ETA - step, spare)) / 2e-5, abs=1e-8)
