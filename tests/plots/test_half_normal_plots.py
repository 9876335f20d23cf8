"""The half-normal plot with its envelope."""

import numpy as np
import pytest
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm


def fit_of(y, sigma):
    """Return a fit of a normal sample whose SD is said to be sigma."""
    return fit_at(bm.prepare("y ~ 1", {"y": y}), {"sigma": sigma})


NORMAL = stats.norm.ppf((np.arange(50) + 0.5) / 50)


@pytest.mark.parametrize(("sigma", "verdict"), [(1.0, "Inside"), (0.3, "Not inside")])
def test_the_title_and_the_marks_say_whether_residuals_leave_the_envelope(sigma, verdict):
    fit = fit_of(NORMAL, sigma)
    axes = bm.plot_half_normal(fit).axes[0]
    assert axes.get_title(loc="left").startswith(f"{verdict} the envelope")
    table = bm.half_normal(fit).table
    beyond = (table["value"] < table["lower_all"]) | (table["value"] > table["upper_all"])
    drawn = {points.get_label(): points.get_offsets() for points in axes.collections[2:]}
    assert ("outside the band of all" in drawn) == (verdict == "Not inside")
    for label, rows in (("residual", ~beyond), ("outside the band of all", beyond)):
        if rows.any():
            np.testing.assert_allclose(drawn[label], table.loc[rows, ["score", "value"]])


def test_residuals_of_a_normal_sample_are_drawn_over_half_normal_scores():
    points = bm.plot_half_normal(fit_of(NORMAL, 1.0)).axes[0].collections[2].get_offsets()
    scores = stats.halfnorm.ppf((np.arange(50) + 0.5) / 50)
    # Leaving a row out makes its residual larger, by less than a tenth; so does the error of 1/n at the largest.
    np.testing.assert_allclose(points[5:-3, 1], scores[5:-3], rtol=0.15)
    np.testing.assert_allclose(points[5:-3, 0], scores[5:-3], rtol=0.05)
