"""The picture of a prior comparison."""

import numpy as np
import pandas as pd
import pytest
from crossed_fits import crossed_fit
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.plots.prior_comparison import _prior_range
from bayesmixed.summaries.priors.comparison import PriorComparison

ROWS = [
    ("asked", "twice", "", "", 4.0, 3.0, 5.0),
    ("population effect", "mu", "", "Intercept", 2.0, 1.5, 2.5),
    ("sd", "g", "", "Intercept", 0.5, 0.05, 0.9),
    ("rank", "g", "a", "Intercept", 1.0, 1.0, 2.0),
]


@pytest.fixture(scope="module")
def comparison():
    """Two prior sets whose estimates are written by hand; those of the second are 0.1 higher."""
    data = {"y": np.arange(12.0) % 5, "g": np.repeat(list("abcd"), 3)}
    spec = bm.from_formula("y ~ 1 + (1 | g)", priors={"beta[Intercept]": "Normal(2, 1)", "sd_g": "HalfNormal(1)"})
    fit = fit_at(bm.prepare(spec, data), {"beta": 2.0, "sd_g": 0.5, "sigma": 1.0})
    columns = ["quantity", "term", "level", "effect", "mean", "lower", "upper"]
    first = pd.DataFrame(ROWS, columns=columns)
    second = first.assign(**{name: first[name] + 0.1 for name in columns[4:]})
    table = pd.concat([first.assign(set="one"), second.assign(set="two")])
    labels = {"one": "one", "two": "two (wider)"}
    return PriorComparison({"one": fit, "two": fit}, labels, None, table, None, (), None)


def test_each_quantity_but_those_of_single_groups_has_a_panel(comparison):
    figure = bm.plot_prior_comparison(comparison)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["twice", "mu Intercept", "sd: g Intercept"]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["one", "two (wider)"]


def test_quantities_that_are_asked_for_are_shown_alone(comparison):
    (axes,) = bm.plot_prior_comparison(comparison, ["rank"]).axes
    assert axes.get_title(loc="left") == "rank: g a Intercept"
    with pytest.raises(bm.SpecError, match="Did you mean 'rank'"):
        bm.plot_prior_comparison(comparison, ["ranks"])


def test_estimates_and_intervals_are_drawn_set_below_set(comparison):
    axes = bm.plot_prior_comparison(comparison).axes[1]
    points = [line.get_xydata()[0] for line in axes.lines[:2]]
    np.testing.assert_allclose(points, [[2.0, 0], [2.1, 1]])
    intervals = [bar.get_segments()[0] for bar in axes.collections[::2]]
    np.testing.assert_allclose(intervals, [[[1.5, 0], [2.5, 0]], [[1.6, 1], [2.6, 1]]])


def test_the_grey_line_is_the_middle_of_the_prior_as_far_as_the_panel_reaches(comparison):
    axes = bm.plot_prior_comparison(comparison).axes[2]
    drawn = axes.collections[1].get_segments()[0]
    low, high = stats.halfnorm.ppf([0.025, 0.975])
    left, right = axes.get_xlim()
    np.testing.assert_allclose(drawn[:, 0], [max(low, left), min(high, right)])
    assert left < low < right < high


def test_the_prior_of_a_parameter_is_shown_on_the_scale_of_the_parameter():
    design = crossed_fit("negbin").design
    comparison = PriorComparison({"one": fit_at(design, {"theta": 2.0})}, {}, None, None, None, (), None)
    row = {"quantity": "parameter", "term": "theta", "effect": ""}
    low, high = _prior_range(comparison, "one", row)
    tails = stats.halfnorm.ppf([0.975, 0.025])
    assert (low, high) == pytest.approx(tuple(tails**-2.0))
