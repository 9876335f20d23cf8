"""Fits, starting fits and priors follow the unit of the response."""

import numpy as np
import pytest
import xarray as xr

import bayesmixed as bm
from bayesmixed.design.response_units import in_own_unit, in_unit, in_working_unit
from bayesmixed.estimation.complete_pooling import fit_pooled
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed
from bayesmixed.prior_distributions import DISTRIBUTIONS, Prior
from bayesmixed.prior_texts import as_prior

RNG = np.random.default_rng(1)
GROUP = np.repeat(np.arange(12), 6)
X = RNG.normal(size=72)
Y = 4.0 + 0.5 * X + RNG.normal(size=12)[GROUP] + 0.6 * RNG.normal(size=72)
UNITS = [1e-60, 1e-12, 1e12, 1e60]
ALL_PRIORS = [
    "Normal(1, 2)",
    "StudentT(4, 1, 2)",
    "Cauchy(1, 2)",
    "Laplace(1, 2)",
    "Logistic(1, 2)",
    "Uniform(0, 3)",
    "HalfNormal(2)",
    "HalfStudentT(4, 2)",
    "HalfCauchy(2)",
    "PC(2, 0.05)",
    "Exponential(2)",
    "Gamma(3, 2)",
    "InverseGamma(3, 2)",
    "LogNormal(1, 2)",
    "Weibull(2, 3)",
    "Beta(2, 3)",
]


def design_in(unit, family="gaussian", formula="y ~ x + (1 | g)", y=Y, **options):
    data = {"y": y * unit, "x": X, "g": [f"g{i}" for i in GROUP], "away": unit * X**2, "weight": 1.0 + X**2}
    return bm.prepare(bm.from_formula(formula, family=family, **options), data)


@pytest.mark.parametrize("unit", [1e-30, 1e-12, 1e12, 1e30])
def test_starting_fits_follow_the_unit_of_the_response(unit):
    plain, scaled = design_in(1.0), design_in(unit)
    np.testing.assert_allclose(fit_pooled(scaled).beta, unit * fit_pooled(plain).beta, rtol=1e-6)
    np.testing.assert_allclose(
        fit_pooled(scaled).residual, unit * fit_pooled(plain).residual, rtol=1e-5, atol=1e-8 * unit
    )
    ours, theirs = quasi_likelihood_mode(scaled), quasi_likelihood_mode(plain)
    np.testing.assert_allclose(ours.beta, unit * theirs.beta, rtol=1e-5)
    np.testing.assert_allclose(ours.sds["g"], unit * theirs.sds["g"], rtol=1e-5)
    np.testing.assert_allclose(ours.factors("g"), theirs.factors("g"), rtol=1e-5)
    assert lay_out_collapsed(scaled).residual == pytest.approx(unit * lay_out_collapsed(plain).residual, rel=1e-6)


@pytest.mark.parametrize("text", ALL_PRIORS)
def test_a_prior_of_a_multiple_is_the_law_of_the_multiple(text):
    prior, factor = as_prior(text), 4.0**20
    moved = prior.rescale(factor)
    if DISTRIBUTIONS[prior.name].support == (0.0, 1.0):
        assert moved is None
        return
    values = prior.frozen().ppf([0.05, 0.4, 0.9])
    np.testing.assert_allclose(
        moved.frozen().logpdf(factor * values), prior.frozen().logpdf(values) - np.log(factor), rtol=1e-9
    )


def test_every_distribution_says_how_its_arguments_follow_the_unit():
    without = {name for name, one in DISTRIBUTIONS.items() if not one.powers}
    assert without == {"LogNormal", "Beta", "InducedDirichlet", "LKJ"}
    assert {as_prior(text).name for text in ALL_PRIORS} == set(DISTRIBUTIONS) - {"LKJ", "InducedDirichlet"}


@pytest.mark.parametrize("name", [name for name, f in bm.FAMILIES.items() if any(p.power for p in f.parameters)])
def test_parameters_have_the_power_of_the_unit_that_their_family_says(name):
    family, unit, y = bm.FAMILIES[name], 4.0**9, np.array([0.4, 1.1, 2.5])
    values = {p.name: 0.3 if p.upper == 1.0 else 1.7 + p.lower * (p.lower > 0) for p in family.parameters}
    moved = {p.name: values[p.name] * unit**p.power for p in family.parameters}
    np.testing.assert_allclose(
        family.logp(unit * y, moved, 1.0) + np.log(unit), family.logp(y, values, 1.0), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(family.mean(moved, 1.0), unit * family.mean(values, 1.0), rtol=1e-9)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("family", ["gaussian", "student", "gamma", "inverse_gaussian"])
def test_the_model_that_is_sampled_does_not_depend_on_the_unit(family, unit):
    y = Y if family in ("gaussian", "student") else np.exp(0.3 * Y)
    working, found = in_working_unit(design_in(unit, family, y=y))
    assert 0.2 < np.std(working.response) < 5.0
    plain = in_unit(design_in(1.0, family, y=y), found / unit)
    np.testing.assert_allclose(working.response, plain.response, rtol=1e-12)
    np.testing.assert_allclose(
        quasi_likelihood_mode(working).beta - _shift(working, unit),
        quasi_likelihood_mode(plain).beta,
        rtol=1e-4,
        atol=1e-6,
    )
    for key, entry in working.priors.items():
        ours, theirs = entry.prior.arguments, plain.priors[key].prior.arguments
        moved = (np.log(unit), 0.0) if family in ("gamma", "inverse_gaussian") and "Intercept_centred" in key else 0.0
        np.testing.assert_allclose(np.subtract(ours, moved), theirs, rtol=1e-9, atol=1e-9)


def _shift(design, unit):
    return np.array([np.log(unit), 0.0]) if design.mu.link.name == "log" else 0.0


def test_ordinary_units_families_without_unit_and_priors_without_one_are_left_alone():
    assert in_working_unit(design_in(1.0))[1] == in_working_unit(design_in(100.0))[1] == 1.0
    assert in_working_unit(design_in(1e9, "lognormal", y=np.exp(Y)))[1] == 1.0
    assert in_working_unit(design_in(1e9, priors={"sigma": "Beta(2, 2)"}))[1] == 1.0
    assert in_working_unit(design_in(1e9, priors={"sigma": "Gamma(2, 1)", "beta": "Laplace(0, 1e9)"}))[1] > 1e8


def test_draws_come_back_in_the_unit_of_the_response():
    design = design_in(1e12, formula="y ~ x + offset(away) + (1 + x | g)")
    working, unit = in_working_unit(design)
    np.testing.assert_allclose(working.mu.offset * unit, design.mu.offset, rtol=1e-15)
    one = xr.Dataset(
        {name: (("chain", "draw"), np.ones((1, 2))) for name in ("beta", "sd_g", "b_g", "sigma", "corr_g")}
    )
    observed = xr.Dataset({"y": ("row", working.response)})
    tree = xr.DataTree.from_dict({"posterior": one, "observed_data": observed})
    found = in_own_unit(design, tree, unit)
    assert [float(found["posterior"][name][0, 0]) for name in one] == [unit] * 4 + [1.0]
    np.testing.assert_array_equal(found["observed_data"]["y"], design.response)


def test_a_fixed_number_and_a_function_of_a_parameter_follow_the_unit():
    design = in_unit(design_in(1.0, priors={"sigma": 3.0}), 16.0)
    assert design.priors["sigma"].prior == Prior(name="Fixed", arguments=(3.0 / 16.0,))
    shape = in_unit(design_in(1.0, "inverse_gaussian", y=np.exp(Y)), 16.0).priors["1/sqrt(shape)"].prior
    plain = design_in(1.0, "inverse_gaussian", y=np.exp(Y)).priors["1/sqrt(shape)"].prior
    assert shape.arguments[0] == pytest.approx(4.0 * plain.arguments[0])


@pytest.mark.parametrize("unit", UNITS)
def test_a_coefficient_that_is_fixed_stays_so_in_quick_fits_in_any_unit(unit):
    found = fit_pooled(design_in(unit, priors={"beta[x]": 0.7 * unit})).beta
    assert found[1] == pytest.approx(0.7 * unit, rel=1e-8)
