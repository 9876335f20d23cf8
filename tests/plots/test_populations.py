"""The picture of the population of groups."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at
from scipy import special

import bayesmixed as bm

EFFECTS = np.linspace(-1, 1, 15)[:, None]


@pytest.fixture(scope="module")
def figure():
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial")
    fit = fit_at(bm.prepare(spec, classic("lme4", "cbpp")), {"beta": -2.0, "sd_herd": 0.8, "b_herd": EFFECTS})
    return bm.plot_future_group(fit)


def test_there_is_a_panel_for_each_scale(figure):
    assert [axes.get_xlabel() for axes in figure.axes] == ["expected incidence / size", "logit(probability)"]


@pytest.mark.parametrize(("panel", "inverse"), [(0, special.expit), (1, np.asarray)])
def test_dots_are_the_groups_of_the_data(figure, panel, inverse):
    dots = figure.axes[panel].collections[-1].get_offsets().data[:, 0]
    np.testing.assert_allclose(dots, inverse(-2 + EFFECTS[:, 0]))


def test_the_bar_holds_95_percent_of_the_population(figure):
    # 10,000 groups: the standard error of a 2.5 % quantile is .02.
    (bar,) = figure.axes[1].collections[0].get_segments()
    np.testing.assert_allclose(bar[:, 0], [-2 - 1.96 * 0.8, -2 + 1.96 * 0.8], atol=0.08)


def test_one_panel_is_enough_where_both_scales_are_the_same():
    design = bm.prepare("Reaction ~ 1 + (1 | Subject)", classic("lme4", "sleepstudy"))
    fit = fit_at(design, {"beta": 300.0, "sd_Subject": 30.0, "sigma": 20.0})
    assert len(bm.plot_future_group(fit).axes) == 1
