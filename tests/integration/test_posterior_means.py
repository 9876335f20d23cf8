"""Which quantities have a posterior mean, and that tables show medians of the others."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from posterior_mean_fits import design_of, fit_of, no_means, table

import bayesmixed as bm
from bayesmixed.integration.posterior_means import parameter_has_mean, response_has_mean
from bayesmixed.summaries.overview import tabulate_estimates
from bayesmixed.summaries.priors.comparison import _compare, _tables
from bayesmixed.summaries.variance.group_spread import typical_ratios

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


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
        ("c", "poisson", {"beta[Intercept]": "StudentT(3, 0, 2.5)"}, set(), False),
        ("c", "poisson", {"beta[Intercept]": "StudentT(3, 0, 2.5)", "sd_g": 0.5}, set(), True),
        ("c", "poisson", {"beta": "Normal(0, 50)"}, set(), True),
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


def test_the_middle_of_a_half_t_prior_is_found():
    design = bm.prepare(bm.from_formula("y ~ x + (1 | g)", family="gaussian", link="log"), table())
    assert design.priors["sigma"].prior.name == "HalfStudentT"
    assert response_has_mean(design, set(), {"g"})


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
    shown = tabulate_estimates(fit)[0]["Estimated: other parameters"]
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


def test_groups_have_means_where_no_draw_of_a_shape_lets_their_likelihood_fall_too_slowly():
    # The likelihood of a group of 6 rows falls as mu^(-6 shape): the mean needs 6 shape > 1 in all of the posterior.
    means = {shape: bm.predict(fit_of("y", "gamma", shape=shape)).attrs["has_mean"] for shape in (1.0, 0.5, 0.35)}
    assert means == {1.0: 1, 0.5: 1, 0.35: 1}
    design = design_of("y", "gamma")
    low = fit_at(design, {"beta": [0.5, 0.1], "sd_g": 0.6, "shape": 0.25}, 0.05)
    assert float(low.posterior["shape"].min()) < 1.0 / 6.0 < float(low.posterior["shape"].median())
    assert bm.predict(low).attrs["has_mean"] == 0
    modelled = design_of("y", "gamma", shape="~ 1 + (1 | g)")
    values = {"beta": [0.5, 0.1], "sd_g": 0.6, "beta_shape": [1.0], "sd_g_shape": 1.0}
    assert bm.predict(fit_at(modelled, values, 0.05)).attrs["has_mean"] == 1
    weak = fit_at(modelled, values | {"b_g_shape": np.linspace(-4.0, 0.0, 10)[:, None]}, 0.05)
    assert bm.predict(weak).attrs["has_mean"] == 0
    assert no_means(bm.marginal_means(weak, "x", groups="existing").table)


@pytest.mark.parametrize(
    ("successes", "kind", "groups", "exists"),
    [
        # A group of nothing but successes bounds its odds from below alone: E exp(u) is infinite under a half-t SD.
        ([6, 3, 2], "linear", "existing", False),
        ([5, 3, 2], "linear", "existing", True),
        ([0, 3, 2], "linear", "existing", False),
        # The inverse of a probability needs a bound from below, and a group not seen has none.
        ([6, 3, 2], "mean", "existing", True),
        ([0, 3, 2], "mean", "existing", False),
        ([5, 3, 2], "mean", "new", False),
        ([5, 3, 2], "mean", "average", True),
        ([0, 3, 2], "linear", "typical", True),
    ],
)
def test_ratios_of_shares_have_a_mean_where_the_rows_of_groups_bound_them(successes, kind, groups, exists):
    data = pd.DataFrame({"k": [*successes, 3] * 3, "n": 6, "g": list("abcd") * 3, "x": np.arange(12) % 3})
    design = bm.prepare("k | trials(n) ~ x + (1 | g)", data, family="binomial")
    fit = fit_at(design, {"beta": [0.2, 0.1], "sd_g": 0.5}, 0.05)
    effect = "g" if groups == "existing" else "x"
    found = bm.contrasts(fit, effect, kind=kind, groups=groups, ratio=True, seed=1).table
    assert ("mean" in found) == exists


def test_a_bound_from_both_sides_is_what_makes_the_mean_of_odds_ratios_finite():
    # Quadrature: E exp(u) over u | s ~ N(0, s^2), s half-t(3), times the likelihood of 18 successes of 18, or of 16 of 18;
    # what the last decade of u adds grows without end in the first case, and not in the second.
    u = np.concatenate([np.linspace(-8, 8, 401), np.geomspace(8.0, 600.0, 900)[1:]])
    s = np.geomspace(1e-3, 1e5, 500)
    half_t = (1.0 + s**2 / 3.0) ** -2.0
    prior = np.trapezoid(np.exp(-0.5 * (u[:, None] / s) ** 2) / s * half_t, s, axis=1)
    for failures, finite in ((0, False), (2, True)):
        log_density = -(18 - failures) * np.logaddexp(0, -u) - failures * np.logaddexp(0, u) + np.log(prior)
        density = np.exp(log_density)
        parts = [
            np.trapezoid((density * np.exp(u))[(u > low) & (u <= 2 * low)], u[(u > low) & (u <= 2 * low)])
            for low in (20.0, 80.0, 250.0)
        ]
        assert (parts[0] > parts[1] > parts[2] or parts[2] < 1e-12) == finite


def test_a_comparison_of_priors_shows_one_form_of_a_parameter_and_medians_of_what_was_asked():
    fits = [fit_of("c", "negbin", theta=3.0)]
    fits.append(fit_at(design_of("c", "negbin", {"theta": "Gamma(2, 0.1)"}), {"sd_g": 0.6, "theta": 4.0}, 0.05))
    tables = _tables(dict(zip("ab", fits, strict=True)), {"size": "theta", "slope": "beta[x]"})
    compared = _compare(tables).set_index(["set", "term", "effect"])
    for name, fit in zip("ab", fits, strict=True):
        size = compared.loc[name, "size", ""]
        assert size["median"] == pytest.approx(float(fit.posterior["theta"].median()))
        assert np.isnan(size["mean"])
        assert np.isnan(size["sd"])
        assert compared.loc[name, "log(theta)", ""]["mean"] == pytest.approx(
            float(np.log(fit.posterior["theta"]).mean())
        )
        assert np.isnan(compared.loc[name, "slope", ""]["median"])
    assert np.isfinite(compared.loc["b", "size", ""]["shift"])


def test_influence_is_that_on_the_logarithm_of_a_parameter_without_a_mean():
    assert {"log(theta)", "sd_g[Intercept]"} <= set(bm.influence(fit_of("c", "negbin", theta=3.0), "g")["parameter"])
