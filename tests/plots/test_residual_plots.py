"""Pictures of residuals hold the residuals, and bands hold what they promise."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.summaries.checks.bands import simulated_band, uniform_band


@pytest.fixture(scope="module")
def counts():
    generator = np.random.default_rng(2)
    data = pd.DataFrame({"y": generator.poisson(3.0, 60), "x": np.arange(60.0), "g": np.repeat(list("abcdef"), 10)})
    design = bm.prepare(bm.from_formula("y ~ x + (1 | g)", family="poisson"), data)
    return fit_at(design, {"beta": [np.log(3.0), 0.0], "sd_g": 0.1})


@pytest.mark.parametrize(
    ("against", "label"), [("mean", "expected y"), ("x", "x"), ("g", "g, ordered by mean residual")]
)
def test_every_residual_is_shown_against_what_was_asked_for(counts, against, label):
    axes = bm.plot_residuals(counts, against).axes[0]
    shown = axes.collections[0].get_offsets()
    np.testing.assert_allclose(shown[:, 1], bm.residuals(counts)["residual"])
    assert axes.get_xlabel() == label


def test_the_curve_is_the_ordered_transform(counts):
    line = bm.plot_loo_pit(counts).axes[0].lines[1]
    pit = np.sort(bm.residuals(counts)["pit"])
    np.testing.assert_allclose(line.get_xdata() - line.get_ydata(), pit)


def test_something_that_is_not_there_is_refused(counts):
    with pytest.raises(bm.SpecError, match="Did you mean 'mean'"):
        bm.plot_residuals(counts, "means")


@pytest.mark.parametrize("n", [5, 40])
def test_the_band_holds_uniform_values_as_a_whole(n):
    lower, upper = uniform_band(n)
    drawn = np.sort(np.random.default_rng(9).uniform(size=(4000, n)), axis=1)
    inside = np.mean(np.all((drawn > lower) & (drawn < upper), axis=1))
    assert inside == pytest.approx(0.95, abs=0.015)


def test_the_pointwise_band_is_that_of_order_statistics():
    lower, upper = uniform_band(7, simultaneous=False)
    np.testing.assert_allclose(lower, stats.beta(np.arange(1, 8), np.arange(7, 0, -1)).ppf(0.025))
    np.testing.assert_allclose(upper, stats.beta(np.arange(1, 8), np.arange(7, 0, -1)).ppf(0.975))


@pytest.mark.parametrize("size", [1, 12, 200])
def test_data_among_few_simulated_sets_leave_their_band_in_one_sample_of_twenty(size):
    generator, outside, samples = np.random.default_rng(5), 0, 800
    for _ in range(samples):
        sets = np.sort(np.abs(generator.standard_normal((100, size))), axis=1)
        lower, upper = simulated_band(sets)
        outside += bool(np.any((sets[0] < lower) | (sets[0] > upper)))
    assert stats.binomtest(outside, samples, 0.05).pvalue > 0.001


def test_a_simulated_band_holds_its_share_of_the_sets():
    drawn = np.sort(np.abs(np.random.default_rng(1).standard_normal((2000, 20))), axis=1)
    lower, upper = simulated_band(drawn)
    assert np.mean(np.all((drawn >= lower) & (drawn <= upper), axis=1)) == pytest.approx(0.95, abs=0.02)
