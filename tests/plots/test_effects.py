"""Pictures of conditional effects: what is drawn are the numbers of the table."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm

CBPP, SLEEP = classic("lme4", "cbpp"), classic("lme4", "sleepstudy")


@pytest.fixture(scope="module")
def sleep():
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", SLEEP)
    values = {"beta": [250.0, 10.0], "sd_Subject": [25.0, 6.0], "corr_Subject": np.eye(2), "sigma": 20.0}
    return fit_at(design, values, jitter=0.1)


@pytest.fixture(scope="module")
def herds():
    spec = bm.from_formula("incidence | trials(size) ~ period + (1 | herd)", family="binomial", factors=["period"])
    return fit_at(bm.prepare(spec, CBPP), {"beta": [-1.4, -1.0, -1.1, -1.6], "sd_herd": 0.8}, jitter=0.1)


def test_a_number_gives_a_curve_with_its_band(sleep):
    table = bm.conditional_effects(sleep, "Days").table
    axes = bm.plot_conditional_effects(sleep, "Days").axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), table[["Days", "mean"]])
    band = axes.collections[-1].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((table["lower"].min(), table["upper"].max()))
    assert axes.get_ylabel() == "expected Reaction"
    assert axes.get_title(loc="left") == "Subject: the average over all groups"


def test_a_factor_gives_points_over_the_observed_proportions(herds):
    table = bm.conditional_effects(herds, "period").table
    axes = bm.plot_conditional_effects(herds, "period").axes[0]
    data, _, points = axes.collections
    np.testing.assert_allclose(points.get_offsets()[:, 1], table["mean"])
    np.testing.assert_allclose(np.sort(data.get_offsets()[:, 1]), np.sort(CBPP["incidence"] / CBPP["size"]))
    np.testing.assert_array_equal(data.get_offsets()[:, 0].round() + 1, CBPP["period"])


@pytest.mark.parametrize(("effect", "lines"), [("Days:Subject", 18), ("Days", 1)])
def test_each_value_of_by_has_its_curve(sleep, effect, lines):
    axes = bm.plot_conditional_effects(sleep, effect, groups="existing", data=False).axes[0]
    assert len(axes.lines) == lines


def test_more_than_two_columns_are_refused(herds):
    with pytest.raises(bm.SpecError, match="a picture shows x and by"):
        bm.plot_conditional_effects(herds, "period:herd:size")
