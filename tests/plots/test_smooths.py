"""The picture of a smooth: a panel for each curve, with its band and the values of the covariate."""

import warnings

import numpy as np
import pytest
from fixed_draws import fit_at

import bayesmixed as bm


@pytest.mark.parametrize(("formula", "panels"), [("y ~ s(x, k=5)", 1), ("y ~ f + s(x, by=f, k=5)", 4)])
def test_each_curve_has_a_panel_with_line_band_and_rug(formula, panels):
    i = np.arange(48)
    data = {"y": np.sin(i), "x": np.round(np.sqrt(i + 1.0), 3), "f": np.array(list("abcd"))[i % 4]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(formula, data)
    fit = fit_at(design, {"b_" + design.mu.curves[0].name: 0.3, "sigma": 1.0}, jitter=0.05)
    figure = bm.plot_smooth(fit, points=20)
    drawn = [axes for axes in figure.axes if axes.get_visible()]
    assert len(drawn) == panels
    curves = bm.smooth_curves(fit, points=20)
    for number, axes in enumerate(drawn):
        own = curves.iloc[20 * number : 20 * (number + 1)]
        _, line, rug = axes.lines
        np.testing.assert_allclose(line.get_ydata(), own["mean"])
        np.testing.assert_allclose(rug.get_xdata(), np.unique(np.array(data["x"])[design.mu.curves[0].index == number]))
        assert len(axes.collections) == 1
        assert "edf" in axes.get_title(loc="left")
    assert figure.get_supxlabel() == "x"
