"""Log prior densities of draws, in the coordinates in which priors are stated."""

import numpy as np
import pytest
import xarray as xr
from conftest import classic
from crossed_fits import crossed_fit, known
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.design.prior_draws import draw_priors
from bayesmixed.draws.prior_densities import log_prior_densities, log_prior_density
from bayesmixed.fits.prior_sets import realise_sets

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def slopes_fit(**options):
    spec = bm.from_formula("Reaction ~ Days + (Days | Subject)", **options)
    values = {"beta": [250.0, 10.0], "sd_Subject": [24.0, 6.0], "corr_Subject": [[1, 0.2], [0.2, 1]], "sigma": 26.0}
    return fit_at(bm.prepare(spec, classic("lme4", "sleepstudy")), values)


def test_default_priors_are_evaluated_at_the_covariate_means():
    fit = slopes_fit()
    found = {key: float(value[0, 0]) for key, value in log_prior_densities(fit.design, fit.posterior).items()}
    priors = {key: entry.prior for key, entry in fit.design.priors.items()}
    centre = np.array([[1.0, 4.5], [0.0, 1.0]])
    covariance = centre @ [[576.0, 28.8], [28.8, 36.0]] @ centre.T
    sd = np.sqrt(np.diag(covariance))
    rho = covariance[0, 1] / sd.prod()
    location, scale = priors["beta[Intercept_centred]"].arguments
    assert found["beta[Intercept_centred]"] == pytest.approx(stats.norm(location, scale).logpdf(295.0))
    assert found["beta[Days]"] == pytest.approx(stats.norm(0, priors["beta[Days]"].arguments[1]).logpdf(10.0))
    for k, label in enumerate(("Intercept", "Days")):
        unit = priors[f"sd_Subject[{label}]"].arguments[1]
        assert found[f"sd_Subject[{label}]"] == pytest.approx(np.log(2) + stats.t(4, 0, unit).logpdf(sd[k]))
    eta = priors["corr_Subject"].arguments[0]
    assert found["corr_Subject"] == pytest.approx((eta - 1) * np.log(1 - rho**2))
    assert set(found) == set(priors)


def test_priors_of_the_user_are_evaluated_as_written():
    given = {"beta[Intercept]": "Normal(250, 50)", "sd_Subject[Days]": "HalfNormal(5)", "sigma": 26.0}
    fit = slopes_fit(priors=given)
    found = {key: float(value[0, 0]) for key, value in log_prior_densities(fit.design, fit.posterior).items()}
    assert found["beta[Intercept]"] == pytest.approx(stats.norm(250, 50).logpdf(250.0))
    assert found["sd_Subject[Days]"] == pytest.approx(stats.halfnorm(scale=5).logpdf(6.0))
    assert "sigma" not in found


@pytest.mark.parametrize("name", known)
def test_every_family_has_its_prior_densities_and_sensitivities(name):
    fit = crossed_fit(name)
    densities = log_prior_densities(fit.design, fit.posterior)
    assert set(densities) == {key for key, entry in fit.design.priors.items() if entry.prior.name != "Fixed"}
    assert all(np.isfinite(value).all() for value in densities.values())


def draws_from_priors(design, count):
    """Return draws from the priors as variables of a posterior, one chain of them."""
    drawn, variables = draw_priors(design, count), {}
    for predictor in design.predictors.values():
        if predictor.population.labels:
            variables[predictor.beta] = drawn.coefficients(predictor) @ predictor.transform.T
        for group in predictor.normal_blocks:
            covariance = group.transform @ drawn.covariance(predictor, group) @ group.transform.T
            sd = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
            variables[predictor.sd(group)] = sd
            variables[predictor.corr(group)] = covariance / (sd[:, :, None] * sd[:, None, :])
    variables |= {name: drawn.values[name] for name in design.numbers}
    if design.family.cuts:
        cuts = np.stack([drawn.values[name] for name in design.family.cuts], axis=-1)
        variables["threshold"] = cuts + (variables["beta"] @ design.mu.centre)[:, None]
    found = xr.Dataset()
    for name, values in variables.items():
        own = ("cut",) if name == "threshold" else tuple(f"{name}_{k}" for k in range(1, values.ndim))
        found[name] = (("chain", "draw", *own), values[None])
    return found.assign_coords(chain=[0], draw=np.arange(count))


SLOPES = {"x": np.linspace(1, 3, 24), "z": np.cos(np.arange(24.0)), "g": np.arange(24) % 6}
PAIRS = {
    # family, formula, the priors drawn from, and narrower ones on the same or other scales
    "intercept as written": ("gaussian", "y ~ x + (1 | g)", {}, {"beta[Intercept]": "Normal(3, 0.5)"}),
    "coefficients": ("gaussian", "y ~ x + z + (1 | g)", 1.5, {"beta[x]": "Normal(0.2, 0.3)"}),
    "SDs as written": (
        "gaussian",
        "y ~ x + (x + z | g)",
        {"corr_g": "LKJ(1)"},
        {"sd_g": "Gamma(4, 8)", "corr_g": "LKJ(3)"},
    ),
    "independent SDs": ("gaussian", "y ~ z + (z || g)", {"sd_g": "HalfCauchy(1)"}, {"sd_g": "HalfNormal(0.7)"}),
    "two splits": (
        "gaussian",
        "y ~ x + (x + z | g)",
        {"variance": "VarianceSplit(total=HalfCauchy(2), shares=Dirichlet(0.7, 1))"},
        {"variance": "VarianceSplit(total=HalfNormal(1), shares=Dirichlet(2, 3))"},
    ),
    "a split of SDs": (
        "gaussian",
        "y ~ x + (x | g)",
        {},
        {"variance": "VarianceSplit(total=HalfNormal(1), shares=Dirichlet(2, 2))"},
    ),
    "dispersion": ("negbin", "k ~ x + (1 | g)", {"1/sqrt(theta)": "Gamma(2, 2)"}, {"theta": "Gamma(4, 1)"}),
    "share": ("negbin1", "k ~ x + (1 | g)", {"1/(1+phi)": "Beta(1, 1)"}, {"phi": "Gamma(6, 6)"}),
    "freedom": ("student", "y ~ x", {"nu": "Gamma(2, 0.1)"}, {"nu": "LogNormal(2, 0.3)"}),
    "zeros": ("zero_inflated_poisson", "k ~ x", {"zi": "Beta(1, 1)"}, {"logit(zi)": "Normal(0.5, 0.4)"}),
    "thresholds": (
        "cumulative",
        "c ~ x + (1 | g)",
        {"threshold": "Normal(0, 3)"},
        {"threshold": "Normal(0.3, 1)", "beta[x]": "Normal(0, 1)"},
    ),
    "shares of categories": (
        "cumulative",
        "c ~ x",
        {"threshold": "InducedDirichlet(1)"},
        {"threshold": "InducedDirichlet(4)"},
    ),
    "thresholds by shares": (
        "cumulative",
        "c ~ x",
        {"threshold": "Normal(0, 3)"},
        {"threshold": "InducedDirichlet(4)"},
    ),
}


@pytest.mark.parametrize("case", PAIRS)
def test_densities_of_two_prior_sets_are_of_one_measure_with_all_constants(case):
    family, formula, wide, narrow = PAIRS[case]
    generator = np.random.default_rng(1)
    data = SLOPES | {"y": generator.normal(size=24), "k": generator.poisson(2, 24), "c": np.arange(24) % 4 + 1}
    sets = realise_sets(bm.from_formula(formula, family=family), data, {"wide": wide, "narrow": narrow})
    drawn = draws_from_priors(sets["wide"].design, 40_000)
    ratio = log_prior_density(sets["narrow"].design, drawn) - log_prior_density(sets["wide"].design, drawn)
    weights = np.exp(ratio).ravel()
    assert np.mean(weights) == pytest.approx(1.0, abs=4.0 * np.std(weights) / 200.0)
    other, weights = draws_from_priors(sets["narrow"].design, 40_000), weights / weights.sum()
    for name in drawn:
        a, b = (found[name].values.reshape(40_000, -1) for found in (drawn, other))
        expected, place = (np.tanh(b).mean(axis=0), np.tanh(a))
        error = np.sqrt(weights**2 @ (place - weights @ place) ** 2 + np.tanh(b).var(axis=0) / 40_000)
        assert np.all(np.abs(weights @ place - expected) <= 4.5 * error + 1e-12), name
