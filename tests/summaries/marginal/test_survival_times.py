"""Survival curves and restricted means against SciPy and integrals by hand."""

import numpy as np
import pandas as pd
import pytest
from pymc_agreement import made_up_fit, rows_for
from scipy import integrate, stats

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES

FORMULA = "y | cens(s) ~ x + f + (1 | g)"


def some_fit(family, formula=FORMULA):
    data = rows_for(FAMILIES[family])
    return made_up_fit(formula, family, data=data.assign(s=np.arange(len(data)) % 4 == 1))


def parameters(fit, **columns):
    """Return log-mean, SD of groups and shape of one draw, for a row."""
    draw = {name: fit.posterior[name].values[0, 2] for name in fit.posterior}
    labels = dict(zip(fit.posterior["beta_effect"].values, draw["beta"], strict=True))
    x = fit.design.table.data["x"].mean()
    eta = labels["Intercept"] + labels["x"] * columns.get("x", x) + labels["f[T.b]"] * (columns["f"] == "b")
    return eta, float(draw["sd_g"].squeeze()), draw.get("shape", draw.get("sigma"))


def weibull(eta, shape):
    return stats.weibull_min(shape, scale=np.exp(eta) / stats.weibull_min(shape).mean())


def test_a_curve_of_a_typical_group_is_the_survival_function():
    fit = some_fit("weibull")
    found = bm.survival(fit, [0.5, 2.0], by="f", groups="typical")
    eta, _, shape = parameters(fit, f="b")
    np.testing.assert_allclose(found.draws.values[0, 2, 2:], weibull(eta, shape).sf([0.5, 2.0]), rtol=1e-9)
    assert found.table["time"].tolist() == [0.5, 2.0, 0.5, 2.0]
    assert found.table["f"].tolist() == ["a", "a", "b", "b"]


def test_the_curve_of_the_population_is_averaged_over_groups():
    fit = some_fit("lognormal")
    found = bm.survival(fit, 1.5, by="f")
    mu, sd, sigma = parameters(fit, f="a")
    expected = stats.norm.sf((np.log(1.5) - mu) / np.hypot(sd, sigma))
    assert found.draws.values[0, 2, 0] == pytest.approx(expected, rel=1e-6)


def test_a_restricted_mean_is_the_area_below_the_curve():
    fit = some_fit("weibull")
    found = bm.restricted_mean(fit, [0.7, 5.0], by="f", groups="typical")
    eta, _, shape = parameters(fit, f="a")
    for place, until in enumerate((0.7, 5.0)):
        area, _ = integrate.quad(weibull(eta, shape).sf, 0.0, until, epsabs=1e-12, limit=200)
        assert found.draws.values[0, 2, place] == pytest.approx(area, rel=1e-6)
    assert found.labels == ("f", "until")


def test_a_long_horizon_has_the_mean_of_the_response():
    fit = some_fit("exponential", "y ~ f + (1 | g)")
    whole = bm.marginal_means(fit, "f", groups="typical").draws.values
    longest = bm.restricted_mean(fit, float(40 * whole.max()), by="f", groups="typical").draws.values
    np.testing.assert_allclose(longest, whole, rtol=1e-4)


def test_curves_average_over_what_is_not_named():
    fit = some_fit("gamma")
    both = bm.survival(fit, 1.0, by="f").draws.values
    np.testing.assert_allclose(bm.survival(fit, 1.0).draws.values[..., 0], both.mean(axis=-1), rtol=1e-12)
    ages = bm.survival(fit, 1.0, by="x", at={"x": [0.0, 1.0]}).table["x"].tolist()
    assert ages == [0.0, 1.0]
    own = bm.survival(fit, 1.0, by="g", groups="existing").table
    assert len(own) == 5


def test_times_are_those_of_the_data_by_default():
    fit = some_fit("weibull")
    table = bm.survival(fit).table
    assert len(table) == 60
    assert table["mean"].iloc[0] == pytest.approx(1.0)
    assert (table["mean"].diff().dropna() <= 0).all()
    assert table["time"].max() == fit.design.response.max()


@pytest.mark.parametrize(
    ("family", "times", "message"),
    [
        ("gaussian", [1.0], "has finite numbers"),
        ("poisson", [1.0], "positive continuous"),
        ("beta", [0.5], "positive continuous"),
        ("weibull", [-1.0], "no times"),
        ("weibull", [np.inf], "no times"),
        ("weibull", [], "empty list"),
    ],
)
def test_other_responses_and_times_are_refused(family, times, message):
    fit = some_fit(family, "y ~ x + (1 | g)")
    for call in (bm.survival, bm.restricted_mean, bm.plot_survival):
        with pytest.raises(SpecError, match=message):
            call(fit, times)


def test_truncated_responses_have_curves_of_what_they_were_before():
    data = rows_for(FAMILIES["weibull"])
    fit = made_up_fit("y | trunc(upper=99) ~ x + (1 | g)", "weibull", data=data)
    found = bm.survival(fit, [100.0])
    assert "before it is truncated" in found.quantity
    assert found.table["mean"].iloc[0] > 0.0
    assert isinstance(found.table, pd.DataFrame)
