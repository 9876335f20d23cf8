"""What was observed, and what weights of rows mean."""

import numpy as np
import pytest

from bayesmixed.design.responses import Response
from bayesmixed.terms.weights import FREQUENCY, LIKELIHOOD, PRECISION

W = np.array([1.0, 4.0, 16.0])


def response(weighting="", weights=W):
    return Response(3, np.array([5.0, 6.0, 7.0]), 1.0, weights if weighting else None, weighting)


def test_precisions_divide_the_residual_variance_and_leave_the_likelihood_alone():
    found = response(PRECISION)
    np.testing.assert_allclose(found.scale_factor, [1.0, 0.5, 0.25])
    assert found.typical_weight == pytest.approx(4.0)
    assert found.mean_variance_weight == pytest.approx(1.0 / np.mean(1.0 / W))
    assert found.multiplicity is None
    np.testing.assert_array_equal(found.weigh(np.ones(3)), 1.0)


@pytest.mark.parametrize("weighting", [FREQUENCY, LIKELIHOOD])
def test_other_weights_multiply_the_log_likelihood(weighting):
    found = response(weighting)
    np.testing.assert_array_equal(found.weigh(np.full((2, 3), 0.5)), np.tile(0.5 * W, (2, 1)))
    assert found.scale_factor is None
    assert found.typical_weight == found.mean_variance_weight == 1.0


def test_only_frequencies_count_rows():
    np.testing.assert_array_equal(response(FREQUENCY).row_counts, W)
    np.testing.assert_allclose(response(FREQUENCY).row_shares, W / 21.0)
    for weighting in (LIKELIHOOD, PRECISION, ""):
        np.testing.assert_array_equal(response(weighting).row_counts, 1.0)
        np.testing.assert_allclose(response(weighting).row_shares, 1.0 / 3.0)


def test_rows_taken_keep_their_weights_and_a_common_number_of_trials():
    found = response(FREQUENCY).take(np.array([2, 0]))
    assert (found.rows, found.trials) == (2, 1.0)
    np.testing.assert_array_equal(found.values, [7.0, 5.0])
    np.testing.assert_array_equal(found.weights, [16.0, 1.0])
