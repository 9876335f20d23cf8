"""Which quantities have a posterior mean, and that tables show medians of the others."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.posterior_means import parameter_has_mean, response_has_mean
from bayesmixed.summaries.parameters.overview import tabulate_estimates
from bayesmixed.summaries.variance.group_spread import typical_ratios

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def table():
    generator = np.random.default_rng(1)
    columns = {"c": generator.poisson(3, 60), "y": generator.gamma(2, 1, 60), "p": generator.beta(2, 2, 60)}
    columns |= {"k": generator.binomial(6, 0.4, 60), "n": np.full(60, 6), "x": generator.normal(size=60)}
    return pd.DataFrame(columns | {"g": np.arange(60) % 10})


def design_of(left, family, priors=None, right="~ x + (1 | g)", **more):
    return bm.prepare(bm.from_formula(f"{left} {right}", family=family, priors=priors or {}, **more), table())


@pytest.mark.parametrize(
    ("left", "family", "name", "exists"),
    [
        ("c", "negbin", "theta", False),
        ("c", "negbin1", "phi", True),
        ("y", "gamma", "shape", False),
        ("y", "inverse_gaussian", "shape", False),
        ("p", "beta", "phi", False),
        ("k | trials(n)", "beta_binomial", "phi", False),
        ("y", "student", "nu", True),
        ("c", "zero_inflated_poisson", "zi", True),
    ],
)
def test_a_parameter_has_a_mean_where_its_prior_has_one(left, family, name, exists):
    design = design_of(left, family)
    assert parameter_has_mean(design, name) == exists
    function, prior = design.scalar_prior(name)
    # What each decade of a tail of the prior adds to the mean of the parameter; it must shrink on both sides.
    edges = np.array([1e-9, 1e-8, 1e-7])
    middle = np.sqrt(edges * 10 * edges)
    added = [9 * edges * function.inverse(prior.frozen().ppf(p)) for p in (middle, 1 - middle)]
    assert all(part[0] < 0.9 * part[1] for part in added) == exists
    for given in ("Gamma(2, 0.1)" if name != "zi" else "Beta(2, 2)", 2.5 if name != "zi" else 0.2):
        assert parameter_has_mean(design_of(left, family, {name: given}), name)


@pytest.mark.parametrize(
    ("left", "family", "priors", "fresh", "exists"),
    [
        ("c", "poisson", {}, {"g"}, False),
        ("c", "poisson", {}, set(), True),
        ("c", "poisson", {"sd_g": 0.5}, {"g"}, True),
        ("c", "poisson", {"sd_g": "Uniform(0, 2)"}, {"g"}, True),
        ("c", "hurdle_poisson", {}, {"g"}, False),
        ("k | trials(n)", "binomial", {}, {"g"}, True),
        ("y", "gaussian", {}, {"g"}, True),
        ("y", "lognormal", {}, set(), False),
        ("y", "lognormal", {"sigma": 0.5}, {"g"}, True),
    ],
)
def test_an_average_over_groups_has_a_mean_unless_it_holds_the_exponential_of_a_free_variance(
    left, family, priors, fresh, exists
):
    assert response_has_mean(design_of(left, family, priors), fresh) == exists


@pytest.mark.parametrize(
    ("left", "family", "priors", "exists"),
    [
        ("y", "inverse_gaussian", {}, False),
        ("y", "inverse_gaussian", {"sd_g": "Uniform(0, 2)"}, True),
        ("y", "gamma", {}, True),
        ("y", "gamma", {"shape": 0.1}, False),
        ("c", "negbin", {}, True),
        ("c", "negbin", {"theta": 0.1}, False),
        ("c", "negbin1", {}, True),
        ("c", "zero_inflated_poisson", {}, True),
        ("zeros", "zero_inflated_poisson", {}, False),
        ("zeros", "hurdle_poisson", {}, False),
        ("zeros", "poisson", {}, True),
        ("p", "beta", {}, True),
    ],
)
def test_a_group_of_the_fit_has_a_mean_where_its_rows_bound_it(left, family, priors, exists):
    data = table().assign(zeros=lambda rows: rows["c"].where(rows["g"] > 0, 0))
    design = bm.prepare(bm.from_formula(f"{left} ~ x + (1 | g)", family=family, priors=priors), data)
    assert response_has_mean(design, set(), {"g"}) == exists
    assert response_has_mean(design, set())


def fit_of(left, family, **values):
    return fit_at(design_of(left, family), {"beta": [0.5, 0.1], "sd_g": 0.6} | values, 0.05)


def no_means(found):
    return "median" in found and not {"mean", "sd"} & set(found.columns)


def test_tables_of_averages_under_a_log_link_have_medians_and_no_means():
    fit = fit_of("c", "poisson")
    estimates = [
        bm.marginal_means(fit, "x"),
        bm.contrasts(fit, "x"),
        bm.conditional_effects(fit, "x"),
        bm.future_group(fit),
    ]
    for found in estimates:
        assert no_means(found.table)
        np.testing.assert_allclose(found.table["median"], found.draws.median(("chain", "draw")))
        assert "Medians" in str(found)
    assert no_means(typical_ratios(fit))
    assert "mean" in bm.marginal_means(fit, "x", groups="typical").table
    assert "mean" in bm.marginal_means(fit, "x", kind="linear").table
    assert "mean" in bm.marginal_means(fit_of("y", "gaussian", sigma=1.0), "x").table


def test_predictions_say_whether_they_have_a_mean():
    fit = fit_of("c", "poisson")
    expected = {"existing": 1, "average": 0, "new": 0, "typical": 1}
    assert {groups: bm.predict(fit, groups=groups, seed=1).attrs["has_mean"] for groups in expected} == expected
    assert bm.predict(fit_of("y", "lognormal", sigma=0.5)).attrs["has_mean"] == 0
    assert bm.predict(fit_of("y", "inverse_gaussian", shape=2.0)).attrs["has_mean"] == 0


def test_the_size_of_a_negative_binomial_is_shown_by_its_median():
    fit = fit_of("c", "negbin", theta=3.0)
    shown = tabulate_estimates(fit)["Estimated: other parameters"]
    assert no_means(shown)
    tidy = bm.tidy(fit).set_index("term").loc["theta"]
    assert tidy["estimate"] == pytest.approx(float(fit.posterior["theta"].median()))
    assert np.isnan(tidy["std.error"])


@pytest.mark.parametrize("what", ["average", "data scale"])
def test_a_lognormal_mean_over_groups_of_sigma_is_refused_and_the_median_offered(what):
    design = design_of("y", "lognormal", right="~ x + (1 | g)", sigma="~ 1 + (1 | g)")
    fit = fit_at(design, {"beta": [0.5, 0.1], "sd_g": 0.6, "beta_sigma": [-1.0], "sd_g_sigma": 0.01})
    with pytest.raises(bm.SpecError, match="is infinite"):
        bm.predict(fit, groups="average") if what == "average" else bm.icc(fit, scale="data")
    assert bm.predict(fit, groups="average", kind="mu")["mu"].shape[-1] == 60
