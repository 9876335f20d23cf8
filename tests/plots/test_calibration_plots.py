"""The picture of the ranks of a calibration."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.calibration.ranks import Calibration
from bayesmixed.calibration.simulated_fits import Rank, SimulatedFit

EVEN = (np.random.default_rng(3).permutation(60) + 0.5) / 60
AT_BOTH_ENDS = np.where(EVEN < 0.5, 0.3 * EVEN, 1 - 0.3 * (1 - EVEN))


@pytest.fixture(scope="module")
def calibration():
    """Ranks of 60 data sets: evenly spread for one quantity, piled up at both ends for the other."""
    pairs = enumerate(zip(EVEN, AT_BOTH_ENDS, strict=True))
    ranks = {n: {"right": Rank(0.0, 50, 100, a), "too narrow": Rank(0.0, 50, 100, b)} for n, (a, b) in pairs}
    return Calibration("y ~ 1", 60, 1, tuple(SimulatedFit(n, own, 0, 1.0, (), "") for n, own in ranks.items()))


def test_each_quantity_has_a_panel_and_one_that_leaves_the_band_is_marked(calibration):
    figure = bm.plot_calibration(calibration)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["right", "too narrow: outside"]
    assert [axes.lines[1].get_linestyle() for axes in figure.axes] == ["-", "--"]


def test_the_curve_is_the_share_of_smaller_ranks_minus_the_rank(calibration):
    curve = bm.plot_calibration(calibration, ["too narrow"]).axes[0].lines[1]
    at, height = curve.get_data()
    smaller = np.mean(AT_BOTH_ENDS[:, None] <= np.asarray(at), axis=0)
    np.testing.assert_allclose(height, smaller - at, atol=1e-12)
    assert np.ptp(height) > 0.3


def test_an_unknown_quantity_gets_a_proposal(calibration):
    with pytest.raises(bm.SpecError, match="Did you mean 'right'"):
        bm.plot_calibration(calibration, ["rigth"])


def test_a_calibration_of_failed_fits_has_no_picture():
    failed = Calibration("y ~ 1", 1, 1, (SimulatedFit(0, {}, 0, np.nan, (), "no draws"),))
    with pytest.raises(bm.SpecError, match="no fit has succeeded"):
        bm.plot_calibration(failed)
