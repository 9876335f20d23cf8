"""The pictures of checks hold what the tables hold."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.plots.checks import _edges


@pytest.fixture(scope="module")
def counts():
    generator = np.random.default_rng(1)
    data = pd.DataFrame({"y": generator.poisson(3.0, 120), "g": np.repeat([f"{i:02}" for i in range(12)], 10)})
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | g)", family="poisson"), data)
    return fit_at(design, {"beta": np.log(3.0), "sd_g": 0.1})


def test_a_rootogram_has_bars_of_the_observed_frequencies(counts):
    axes = bm.plot_posterior_checks(counts).axes[0]
    y = np.asarray(counts.design.response).astype(int)
    heights = np.array([bar.get_height() for bar in axes.patches])
    np.testing.assert_allclose(heights[: y.max() + 1] ** 2, np.bincount(y))


def test_groups_show_their_means(counts):
    axes = bm.plot_posterior_checks(counts, "groups").axes[0]
    drawn = np.sort(np.asarray(axes.collections[-1].get_offsets())[:, 0])
    means = pd.Series(np.asarray(counts.design.response)).groupby(counts.design.mu.groups[0].index).mean()
    np.testing.assert_allclose(drawn, np.sort(means))


def test_statistics_have_a_panel_each_with_the_observed_value(counts):
    figure = bm.plot_posterior_checks(counts, "statistics")
    table = bm.posterior_checks(counts, seed=1).table
    assert len(figure.axes) == len(table)
    for axes, (_, row) in zip(figure.axes, table.iterrows(), strict=True):
        assert axes.get_title().startswith(row["statistic"].partition(" (")[0])
        assert axes.lines[0].get_xdata()[0] == pytest.approx(row["observed"])


def test_each_level_has_a_panel_and_too_many_levels_are_refused(counts):
    halves = ["first"] * 60 + ["second"] * 60
    figure = bm.plot_posterior_checks(counts, "ecdf", by=halves)
    assert [axes.get_title() for axes in figure.axes] == ["first (60 rows)", "second (60 rows)"]
    with pytest.raises(bm.SpecError, match="120 levels; 12 panels"):
        bm.plot_posterior_checks(counts, "pit", by=list(range(120)))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("density", {}, "continuous responses"),
        ("rootograms", {}, "Did you mean 'rootogram'"),
        ("mean_variance", {"by": "g"}, "leave out by="),
    ],
)
def test_a_kind_that_does_not_suit_the_response_is_refused(counts, kind, options, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.plot_posterior_checks(counts, kind, **options)


def test_continuous_responses_have_a_density_and_no_rootogram():
    fit = fit_at(bm.prepare("y ~ 1", {"y": np.random.default_rng(1).normal(size=50)}), {"sigma": 1.0})
    lines = bm.plot_posterior_checks(fit).axes[0].lines
    assert len(lines) == 51
    with pytest.raises(bm.SpecError, match="for counts"):
        bm.plot_posterior_checks(fit, "rootogram")
    with pytest.raises(bm.SpecError, match="needs by="):
        bm.plot_posterior_checks(fit, "groups")


def test_values_that_rounding_keeps_apart_have_bins_that_can_be_drawn():
    assert _edges(np.array([0.1, 0.1 + 2e-17, 0.1 + 1.4e-17, 0.3])) == 30
