"""The picture of survival curves, and the Kaplan-Meier estimate in it."""

import numpy as np
import pytest
from pymc_agreement import made_up_fit, rows_for

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES
from bayesmixed.plots.survival_curves import kaplan_meier


def some_fit(**columns):
    data = rows_for(FAMILIES["weibull"])
    data = data.assign(s=np.arange(len(data)) % 4 == 1, **columns)
    return made_up_fit("y | cens(s) ~ x + f + (1 | g)", "weibull", data=data)


def test_the_estimate_of_kaplan_and_meier_is_that_of_r():
    """R, survival: summary(survfit(Surv(c(1, 2, 2, 3, 5), c(1, 1, 0, 1, 0)) ~ 1))$surv."""
    start, curve = kaplan_meier(np.array([1.0, 2, 2, 3, 5]), np.array([False, False, True, False, True]), np.ones(5))
    np.testing.assert_allclose(start, [0, 1, 2, 3, 5])
    np.testing.assert_allclose(curve, [1, 0.8, 0.6, 0.3, 0.3])


def test_rows_that_represent_several_count_as_often():
    times, censored = np.array([1.0, 2.0, 3.0]), np.array([False, True, False])
    merged = kaplan_meier(times, censored, np.array([2.0, 1.0, 3.0]))
    written = kaplan_meier(np.repeat(times, [2, 1, 3]), np.repeat(censored, [2, 1, 3]), np.ones(6))
    np.testing.assert_allclose(merged, written)


def test_each_curve_has_its_band_and_the_steps_of_its_rows():
    axes = bm.plot_survival(some_fit(), by="f").axes[0]
    assert len(axes.collections) == 2
    assert len(axes.lines) == 4
    assert axes.get_ylim() == (0.0, 1.0)
    assert "is larger" in axes.get_ylabel()
    assert len(bm.plot_survival(some_fit(), by="f", data=False).axes[0].lines) == 2
    assert len(bm.plot_survival(some_fit()).axes[0].lines) == 2


def test_curves_of_numbers_have_no_steps():
    axes = bm.plot_survival(some_fit(), by="x", at={"x": [1.0, 2.0]}).axes[0]
    assert len(axes.lines) == 2


def test_too_many_curves_are_refused():
    with pytest.raises(SpecError, match="too many"):
        bm.plot_survival(some_fit(), by="x", at={"x": list(range(9))})
