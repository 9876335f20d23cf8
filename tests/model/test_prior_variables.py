"""Free variables of a PyMC model have the densities of their priors."""

import numpy as np
import pytest
from model_densities import log_density

from bayesmixed.families import FAMILIES
from bayesmixed.families.parameter_functions import function_of
from bayesmixed.model.prior_variables import declare_scalar, declare_vector
from bayesmixed.prior_texts import as_prior


def model(declare):
    import pymc as pm

    with pm.Model(coords={"k": ["a", "b", "c"]}) as found:
        declare()
    return found


@pytest.mark.parametrize(
    "texts", [["Normal(0, 1)", "Normal(2, 3)", "Normal(-1, 0.5)"], ["Normal(0, 1)", "StudentT(4, 0, 2)", 0.7]]
)
def test_a_vector_has_the_densities_of_its_elements(texts):
    priors, values = [as_prior(text) for text in texts], np.array([0.3, -1.2, 0.7])
    found = model(lambda: declare_vector("beta", priors, "k"))
    free = [(p, v) for p, v in zip(priors, values, strict=True) if p.name != "Fixed"]
    names = {variable.name for variable in found.free_RVs}
    point = {name: np.array([v for p, v in free if name in ("beta", f"beta_{p.name}")]) for name in names}
    expected = sum(prior.frozen().logpdf(value) for prior, value in free)
    assert log_density(found, point) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("family", "name", "key", "prior", "value"),
    [
        ("gaussian", "sigma", "sigma", "HalfNormal(2)", 1.3),
        ("negbin", "theta", "1/sqrt(theta)", "HalfNormal(1)", 0.8),
        ("beta", "phi", "1/(1+phi)", "Beta(1, 3)", 0.2),
        ("zero_inflated_poisson", "zi", "logit(zi)", "Normal(0, 1.5)", -0.4),
    ],
)
def test_a_parameter_is_the_inverse_of_the_function_that_has_the_prior(family, name, key, prior, value):
    parameter, function = FAMILIES[family].parameter(name), function_of(key, name)
    found = model(lambda: declare_scalar(parameter, function, as_prior(prior)))
    (free,) = found.free_RVs
    assert log_density(found, {free.name: value}) == pytest.approx(as_prior(prior).frozen().logpdf(value))
    at = found[name].eval({free: value}) if free.name != name else value
    assert float(at) == pytest.approx(float(function.inverse(value)))


def test_a_prior_wider_than_the_range_of_a_parameter_is_truncated():
    nu = FAMILIES["student"].parameter("nu")
    found = model(lambda: declare_scalar(nu, function_of("nu", "nu"), as_prior("Gamma(2, 0.1)")))
    whole = as_prior("Gamma(2, 0.1)").frozen()
    assert log_density(found, {"nu": 5.0}) == pytest.approx(whole.logpdf(5.0) - np.log(whole.sf(1.0)))
