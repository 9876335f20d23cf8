"""Leaving out observations and groups, against exact posteriors and brute-force refits."""

import warnings
from functools import cache

import fixed_draws
import numpy as np
import pandas as pd
import pytest
from conftest import CHECKS, classic, read_reference
from scipy import special, stats

import bayesmixed as bm

EXACT = read_reference("exact_posteriors")["models"]
MODELS = {
    "dyestuff": (
        "Yield ~ 1 + (1 | Batch)",
        lambda: classic("lme4", "Dyestuff"),
        {"beta[Intercept]": "Normal(1500, 100)", "sd_Batch": "HalfNormal(100)", "sigma": "HalfNormal(100)"},
        "gaussian",
    ),
    "rail": (
        "travel ~ 1 + (1 | Rail)",
        lambda: classic("nlme", "Rail"),
        {"beta[Intercept]": "Normal(65, 50)", "sd_Rail": "HalfNormal(50)", "sigma": "HalfNormal(20)"},
        "gaussian",
    ),
    "cbpp_re": (
        "incidence | trials(size) ~ 1 + (1 | herd)",
        lambda: classic("lme4", "cbpp"),
        {"beta[Intercept]": "Normal(0, 2.5)", "sd_herd": "HalfNormal(1)"},
        "binomial",
    ),
}


def quiet_fit(formula, data, priors=None, family="gaussian", **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        spec = bm.from_formula(formula, family=family, priors=priors or {})
        return bm.fit(spec, data, seed=1, progress=False, **settings)


@pytest.fixture(scope="module")
def exact_beta():
    """The nine-row example with draws from its exact posterior at fixed SDs."""
    inputs, expected = CHECKS["G1"]["inputs"], CHECKS["G2"]["expected"]
    data = pd.DataFrame({"y": inputs["y"], "group": inputs["group"]})
    with pytest.warns(bm.StatisticsWarning, match="3 levels"):
        design = bm.prepare("y ~ 1 + (1 | group)", data)
    patch = pytest.MonkeyPatch()
    patch.setattr(fixed_draws, "DRAWS", 4000)
    quantiles = stats.norm.ppf((np.arange(8000) + 0.5) / 8000).reshape(2, 4000, 1)
    beta = expected["beta_mean"] + expected["beta_sd"] * quantiles
    fit = fixed_draws.fit_at(design, {"beta": beta, "sd_group": inputs["sd_group"], "sigma": inputs["sigma"]})
    patch.undo()
    return fit


@pytest.mark.parametrize(("unit", "key"), [("group", "logo_by_group"), ("observation", "loo_by_row")])
def test_leaving_out_at_fixed_sds_gives_the_closed_form(exact_beta, unit, key):
    found = bm.loo(exact_beta, unit=unit)
    np.testing.assert_allclose(found.elpd_i, CHECKS["G2"]["expected"][key], atol=0.005)
    assert found.elpd == pytest.approx(float(found.elpd_i.sum()))


def test_the_unit_has_no_default(exact_beta):
    with pytest.raises(TypeError, match="unit"):
        bm.loo(exact_beta)


def test_the_result_says_what_was_predicted(exact_beta):
    said = {unit: bm.loo(exact_beta, unit=unit).elpd_i.attrs["estimand"] for unit in ("observation", "group")}
    assert said["observation"] == "a new observation in the known groups"
    assert said["group"].startswith("all observations of a new group")


def test_influential_units_are_named_in_a_warning(fitted):
    data = classic("lme4", "cbpp").assign(size=40)
    data.loc[0, "incidence"] = 40
    design = bm.prepare(bm.from_formula("incidence | trials(size) ~ 1", family="binomial"), data)
    fit = fixed_draws.fit_at(design, {"beta": -2.0}, jitter=0.3)
    with pytest.warns(bm.StatisticsWarning, match=r"largest for '0'.*refits=True"):
        bm.loo(fit, unit="observation", match=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_both_ways_of_leaving_out_agree_with_the_exact_posterior(name):
    formula, data, priors, family = MODELS[name]
    fit = quiet_fit(formula, data(), priors, family, chains=2, draws=1500)
    exact = EXACT[name]
    rows = bm.loo(fit, unit="observation")
    assert rows.elpd == pytest.approx(exact["exact_loo"]["elpd_loo"], abs=0.15)
    assert rows.se == pytest.approx(exact["exact_loo"]["se"], rel=0.03)
    np.testing.assert_allclose(rows.elpd_i[:3], exact["exact_loo"]["pointwise_first3"], atol=0.03)
    with warnings.catch_warnings():  # one of the six batches is influential
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        groups = bm.loo(fit, unit=fit.design.mu.groups[0].name)
    assert groups.elpd == pytest.approx(exact["exact_leave_one_group_out"]["elpd"], abs=0.3)
    np.testing.assert_allclose(groups.elpd_i[:3], exact["exact_leave_one_group_out"]["first3"], atol=0.15)


GROUPS, ROWS = 6, 4
ETAS, SHAPES = np.linspace(-4, 7, 440), np.linspace(0.3, 24.0, 40)
SMALL = {
    # family: priors, response, log-density of (y, linear predictor, shape), shapes of the grid and their log prior
    "poisson": ({}, stats.poisson.rvs, lambda y, eta, k: stats.poisson.logpmf(y, np.exp(eta) * k), [1.0], [0.0]),
    "gamma": (
        {"shape": "Gamma(3, 0.5)"},
        lambda mean, random_state: stats.gamma.rvs(4, scale=mean / 4, random_state=random_state),
        lambda y, eta, k: stats.gamma.logpdf(y, k, scale=np.exp(eta) / k),
        SHAPES,
        stats.gamma.logpdf(SHAPES, 3, scale=2),
    ),
    "negbin": (
        {"theta": "Gamma(3, 0.5)"},
        lambda mean, random_state: stats.nbinom.rvs(4, 4 / (4 + mean), random_state=random_state),
        lambda y, eta, k: stats.nbinom.logpmf(y, k, k / (k + np.exp(eta))),
        SHAPES,
        stats.gamma.logpdf(SHAPES, 3, scale=2),
    ),
}


BETA, SD = (axis.ravel() for axis in np.meshgrid(np.linspace(-1.5, 4.5, 45), (np.arange(45) + 0.5) * 0.08))


@cache
def cells():
    """Return the probability of each cell of predictors at each (beta, sd)."""
    ends = np.append(ETAS, 2 * ETAS[-1] - ETAS[-2]) - 0.5 * (ETAS[1] - ETAS[0])
    return np.diff(stats.norm.cdf((ends - BETA[:, None]) / SD[:, None]), axis=1)


def log_evidence(densities, log_shapes):
    """Return log p(y) of groups, by sums over all parameters, from the densities of their rows, (shape, eta, group)."""
    groups = np.log(cells() @ np.exp(densities) + 1e-300).sum(axis=-1)
    prior = stats.norm.logpdf(BETA, 1.5, 1.0) + stats.halfnorm.logpdf(SD)
    return special.logsumexp(groups + prior + np.asarray(log_shapes)[:, None])


@pytest.mark.slow
@pytest.mark.parametrize("family", SMALL)
def test_leaving_out_agrees_with_sums_over_all_parameters_and_with_refits(family):
    priors, random, density, shapes, log_shapes = SMALL[family]
    generator = np.random.default_rng(12)
    group = np.repeat(np.arange(GROUPS), ROWS)
    y = random(np.exp(1.5 + 0.4 * generator.standard_normal(GROUPS))[group], random_state=generator)
    rows = density(y, ETAS[:, None], np.reshape(shapes, (-1, 1, 1)))
    sums = rows.reshape(*rows.shape[:2], GROUPS, ROWS).sum(axis=-1)
    full = log_evidence(sums, log_shapes)
    by_group = [full - log_evidence(np.delete(sums, g, axis=-1), log_shapes) for g in range(GROUPS)]
    by_row = []
    for i, g in enumerate(group[: 2 * ROWS]):
        without = sums.copy()
        without[..., g] -= rows[..., i]
        by_row.append(full - log_evidence(without, log_shapes))
    given = {"beta[Intercept]": "Normal(1.5, 1)", "sd_g": "HalfNormal(1)"} | priors
    fit = quiet_fit("y ~ 1 + (1 | g)", {"y": y, "g": group}, given, family, chains=2, draws=2000)
    np.testing.assert_allclose(bm.loo(fit, unit="observation").elpd_i[: 2 * ROWS], by_row, atol=0.05)
    groups = bm.loo(fit, unit="g", refits=True)
    trusted = groups.pareto_k.values < 0.3
    assert trusted.sum() >= GROUPS // 2
    np.testing.assert_allclose(groups.elpd_i.values[trusted], np.array(by_group)[trusted], atol=0.1)
    # Densities of a group unlike the others are large in few draws: their Monte Carlo error is about 0.1.
    folds = bm.kfold(bm.refit(fit, chains=2, draws=500), by="g", k=GROUPS)
    np.testing.assert_allclose(groups.elpd_i, by_group, atol=0.4)
    np.testing.assert_allclose(folds.elpd_i, by_group, atol=0.4)
    assert folds.elpd == pytest.approx(sum(by_group), abs=0.5)
