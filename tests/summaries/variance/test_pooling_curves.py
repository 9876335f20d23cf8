"""The shrinkage factor over group size that an intraclass correlation implies."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm


def gaussian(formula="y ~ 1 + (1 | g)", values=None, jitter=0.0):
    generator = np.random.default_rng(1)
    g = np.repeat(np.arange(30), np.tile([1, 2, 12], 10))
    data = {"y": generator.normal(size=len(g)), "g": g, "h": np.arange(len(g)) % 7, "x": generator.normal(size=len(g))}
    values = {"sd_g": 2.0, "sd_h": 1.0, "sigma": 1.5} if values is None else values
    return fit_at(bm.prepare(bm.from_formula(formula, crossed=["h"] if "| h" in formula else []), data), values, jitter)


def test_the_curve_of_the_lecture():
    curve = bm.pooling_curve(0.952).set_index("size")
    assert curve.loc[[1, 2, 3, 12], "median"].round(4).tolist() == [0.952, 0.9754, 0.9835, 0.9958]
    assert (curve["groups"] == 0).all()


def test_the_curve_holds_the_factors_of_the_groups():
    fit = gaussian()
    curve = bm.pooling_curve(fit).set_index("size")
    for row in bm.shrinkage(fit).itertuples():
        assert curve.loc[row.rows, "median"] == pytest.approx(row.factor, abs=1e-9)
    assert dict(curve.loc[curve["groups"] > 0, "groups"]) == {1: 10, 2: 10, 12: 10}


def test_the_icc_of_the_curve_is_that_of_the_fit():
    fit = gaussian(jitter=0.2)
    draws = bm.icc(fit, draws=True)["icc same g"].values
    curve = bm.pooling_curve(fit)
    assert curve.attrs["icc"] == pytest.approx(np.quantile(draws, [0.5, 0.025, 0.975]))
    three = 3 * draws / (1 + 2 * draws)
    row = curve[curve["size"] == 3].iloc[0]
    assert (row["median"], row["lower"], row["upper"]) == pytest.approx(
        np.quantile(three, [0.5, 0.025, 0.975]), abs=0.01
    )


def test_other_factors_are_given():
    fit = gaussian("y ~ 1 + (1 | g) + (1 | h)")
    assert bm.pooling_curve(fit).attrs["icc"][0] == pytest.approx(4 / (4 + 2.25))
    assert bm.pooling_curve(fit, "h").attrs["icc"][0] == pytest.approx(1 / (1 + 2.25))
    rows = bm.shrinkage(fit, "h").iloc[0]
    curve = bm.pooling_curve(fit, "h").set_index("size")
    assert curve.loc[rows["rows"], "median"] == pytest.approx(rows["factor"], abs=1e-9)


def test_a_slope_term_enters_by_its_intercept_at_the_covariate_means():
    data = classic("lme4", "sleepstudy")
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", data)
    values = {"beta": [251.4, 10.5], "sd_Subject": [25.0, 6.0], "corr_Subject": np.eye(2), "sigma": 25.6}
    curve = bm.pooling_curve(fit_at(design, values))
    variance = 25.0**2 + 4.5**2 * 6.0**2
    assert curve.attrs["icc"][0] == pytest.approx(variance / (variance + 25.6**2))
    assert curve.attrs["slopes"] == "Days"


def test_binomial_groups_are_counted_in_trials_on_the_latent_scale():
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial")
    data = classic("lme4", "cbpp")
    curve = bm.pooling_curve(fit_at(bm.prepare(spec, data), {"beta": -2.0, "sd_herd": 0.8}))
    assert (curve.attrs["unit"], curve.attrs["scale"], curve.attrs["exact"]) == ("trials", "latent logit scale", False)
    assert curve.attrs["icc"][0] == pytest.approx(0.64 / (0.64 + np.pi**2 / 3))
    sizes = data.groupby("herd")["size"].sum().value_counts()
    assert dict(curve.loc[curve["groups"] > 0].set_index("size")["groups"]) == dict(sizes.sort_index())


def test_observation_effects_are_residual():
    data = {"y": np.arange(60) % 6 + 1, "g": np.repeat(np.arange(10), 6)}
    spec = bm.from_formula("y ~ 1 + (1 | g) + obs()", family="poisson")
    fit = fit_at(bm.prepare(spec, data), {"beta": 1.0, "sd_g": 0.5, "sd_obs": 0.7})
    assert bm.pooling_curve(fit).attrs["icc"] == pytest.approx([bm.icc(fit).iloc[0]["mean"]] * 3)
    with pytest.raises(bm.SpecError, match="one row for each level"):
        bm.pooling_curve(fit, "obs")


def test_an_icc_of_zero_pools_completely_and_one_not_at_all():
    assert bm.pooling_curve(0.0)["median"].max() == 0
    assert bm.pooling_curve(1)["median"].min() == 1


def test_what_has_no_curve_is_refused():
    with pytest.raises(bm.SpecError, match=r"1\.2 does not"):
        bm.pooling_curve(1.2)
    with pytest.raises(bm.SpecError, match="has no intercept"):
        bm.pooling_curve(gaussian("y ~ x + (0 + x | g)"))
    with pytest.raises(bm.SpecError, match="is not a grouping factor"):
        bm.pooling_curve(gaussian(), "k")
