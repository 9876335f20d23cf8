"""Observed points: brought to an exposure, and partial residuals, against the numbers by hand."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.plots.observed_points import ObservedPoints

GENERATOR = np.random.default_rng(2)
DATA = {
    "x": GENERATOR.normal(size=40),
    "z": GENERATOR.normal(size=40),
    "t": GENERATOR.uniform(1.0, 9.0, 40),
    "f": list("ab") * 20,
    "n": GENERATOR.poisson(4.0, 40),
    "y": GENERATOR.normal(size=40),
}


def drawn(figure):
    """Return the points of the first panel, by row where they have one colour."""
    return [one.get_offsets() for one in figure.axes[0].collections if one.get_zorder() == 0 and len(one.get_offsets())]


@pytest.fixture(scope="module")
def counts():
    design = bm.prepare("n ~ x + z + offset(log(t))", DATA, family="poisson")
    return fit_at(design, {"beta": [0.2, 0.5, -0.3]})


@pytest.mark.parametrize(("at", "length"), [(None, np.mean(DATA["t"])), ({"t": 50}, 50.0)])
def test_counts_are_brought_to_the_exposure_of_the_curve(counts, at, length):
    figure = bm.plot_conditional_effects(counts, "x", at=at)
    (points,) = drawn(figure)
    np.testing.assert_allclose(points[:, 0], DATA["x"])
    np.testing.assert_allclose(points[:, 1], DATA["n"] * length / DATA["t"])
    assert f"Points: brought to t = {length:.4g}." in figure.axes[0].get_title(loc="left")


def test_under_an_identity_link_the_difference_of_the_offsets_is_added():
    design = bm.prepare("y ~ x + offset(t)", DATA)
    (points,) = drawn(bm.plot_conditional_effects(fit_at(design, {"beta": [0.0, 1.0], "sigma": 1.0}), "x"))
    np.testing.assert_allclose(points[:, 1], DATA["y"] + np.mean(DATA["t"]) - DATA["t"])


def test_without_an_offset_points_are_as_observed_and_have_the_colour_of_their_level():
    design = bm.prepare("y ~ x * f", DATA)
    figure = bm.plot_conditional_effects(fit_at(design, {"beta": [0.0, 1.0, 1.0, 1.0], "sigma": 1.0}), "x:f")
    first, second = drawn(figure)
    np.testing.assert_allclose(first[:, 1], DATA["y"][::2])
    np.testing.assert_allclose(second[:, 1], DATA["y"][1::2])
    assert "Points" not in figure.axes[0].get_title(loc="left")


def test_partial_residuals_take_out_what_other_columns_explain():
    design = bm.prepare("y ~ x + z", DATA)
    fit = fit_at(design, {"beta": [1.0, 2.0, 3.0], "sigma": 1.0})
    (points,) = drawn(bm.plot_conditional_effects(fit, "x", data="partial"))
    residual = DATA["y"] - (1 + 2 * DATA["x"] + 3 * DATA["z"])
    np.testing.assert_allclose(points[:, 1], 1 + 2 * DATA["x"] + 3 * np.mean(DATA["z"]) + residual)


def test_under_a_log_link_partial_residuals_are_ratios(counts):
    (points,) = drawn(bm.plot_conditional_effects(counts, "x", data="partial", at={"t": 2.0}))
    x, z = DATA["x"], DATA["z"]
    curve = np.interp(x, *bm.conditional_effects(counts, "x", at={"t": 2.0}).table[["x", "mean"]].to_numpy().T)
    np.testing.assert_allclose(points[:, 1], curve * DATA["n"] / (DATA["t"] * np.exp(0.2 + 0.5 * x - 0.3 * z)))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"data": "residuals"}, "take True, False or 'partial'"), ({"data": "partial", "kind": "linear"}, "of the mean")],
)
def test_other_points_are_refused(counts, options, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.plot_conditional_effects(counts, "x", **options)


def test_outliers_lie_at_the_edge_and_are_told():
    y = np.append(np.linspace(0.0, 1.0, 50), [400.0, 90.0, -70.0])
    points = ObservedPoints(pd.DataFrame(index=range(53)), y, "")
    shown = points.windowed(-0.2, 1.2)
    assert shown.y.max() == pytest.approx(1.2 + 0.05 * 1.4)
    assert shown.y.min() == pytest.approx(-0.2 - 0.05 * 1.4)
    assert np.array_equal(shown.y[:50], y[:50])
    assert shown.note == "3 points beyond the picture (to 400), drawn at its edge."
    assert points.windowed(-100.0, 500.0) is points
    assert ObservedPoints(points.rows, np.append(np.zeros(52), 9.0), "").windowed(0.0, 1.0).y.max() == 9.0


def test_points_of_ordinary_data_stay_where_they_are():
    generator = np.random.default_rng(1)
    for y in (generator.normal(size=2000), generator.exponential(size=2000), generator.negative_binomial(1, 0.1, 2000)):
        points = ObservedPoints(pd.DataFrame(index=range(2000)), y.astype(float), "")
        assert points.windowed(0.0, 1.0) is points


@pytest.mark.filterwarnings("error")
def test_tails_of_skewed_responses_are_no_outliers_and_infinite_points_are():
    def windowed(y):
        return ObservedPoints(pd.DataFrame(index=range(len(y))), np.asarray(y, dtype=float), "").windowed(0.0, 1.0)

    generator = np.random.default_rng(0)
    for y in (np.exp(generator.normal(size=2000)), generator.gamma(0.3, size=5000), [], [np.nan, np.nan]):
        assert windowed(y).note == ""
    for far in (np.inf, -np.inf):
        shown = windowed([1.0, 2.0, 3.0, 4.0, np.nan, far])
        assert np.isfinite(shown.y[-1])
        assert shown.note == f"1 point beyond the picture (to {far}), drawn at its edge."
