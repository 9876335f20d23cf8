"""Rows of categories: their shares sum to one, their scores have the mean zero, and certain ones keep their digits."""

import numpy as np
import pytest
from uncompiled import uncompiled

from bayesmixed.kernels.rows import categories
from bayesmixed.kernels.rows.categories import ACAT, CATEGORICAL, CRATIO, SRATIO
from bayesmixed.kernels.rows.links import LINK_CODES

stepwise_row, categorical_row = uncompiled(categories.stepwise_row), uncompiled(categories.categorical_row)
CASES = [(family, link) for family in (SRATIO, CRATIO, ACAT) for link in ("logit", "probit", "cloglog")]
ETA = np.array([[0.7, 1.1, -0.4, 0.9], [6.0, 0.2, 0.1, -0.3], [-9.0, 0.0, 2.0, 1.0]])


def every_category(family, link, eta):
    """Return log-density and score of each of four categories at predictors."""
    values, scores = [], []
    for y in (1.0, 2.0, 3.0, 4.0):
        score = np.full((1, len(eta)), np.nan)
        if family == CATEGORICAL:
            values.append(categorical_row(y, eta[None], score, 0))
        else:
            values.append(stepwise_row(family, LINK_CODES[link], y, eta[None], score, 0))
        scores.append(score[0])
    return np.array(values), np.array(scores)


@pytest.mark.parametrize(("family", "link"), [*CASES, (CATEGORICAL, "logit")])
@pytest.mark.parametrize("eta", ETA)
def test_shares_sum_to_one_and_scores_have_the_mean_zero(family, link, eta):
    values, scores = every_category(family, link, eta[:3] if family == CATEGORICAL else eta)
    assert np.exp(values).sum() == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(np.exp(values) @ scores, 0.0, atol=1e-12)


@pytest.mark.parametrize("family", [SRATIO, CRATIO, ACAT])
def test_the_score_in_the_predictor_is_minus_that_in_all_thresholds(family):
    _, scores = every_category(family, "probit", ETA[0])
    np.testing.assert_allclose(scores[:, 0], -scores[:, 1:].sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize(("family", "link"), [*CASES, (CATEGORICAL, "logit")])
@pytest.mark.parametrize("away", [-40.0, 40.0])
def test_rows_far_from_all_thresholds_have_finite_densities_and_slopes(family, link, away):
    eta = np.array([away, 0.0, 1.0, -1.0])
    values, scores = every_category(family, link, eta[:3] if family == CATEGORICAL else eta)
    assert np.all(np.isfinite(values))
    assert np.all(np.isfinite(scores))
