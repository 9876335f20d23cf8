"""Pictures of residuals hold the residuals, and bands hold what they promise."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm


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


def test_the_curve_of_pit_values_goes_through_the_ordered_values(counts):
    line = bm.plot_loo_pit(counts).axes[0].lines[1]
    pit = np.sort(bm.residuals(counts)["pit"])
    np.testing.assert_allclose(line.get_xdata() - line.get_ydata(), pit)


def test_residuals_against_an_unknown_column_are_refused(counts):
    with pytest.raises(bm.SpecError, match="Did you mean 'mean'"):
        bm.plot_residuals(counts, "means")
