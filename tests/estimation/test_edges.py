"""Maxima at the edge of a covariance."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.estimation.edges import CovariancePlaces


def clusters(family, seed):
    generator = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(8), 6), np.tile(np.arange(6) - 2.5, 8)
    z = generator.normal(size=48)
    effect = generator.normal(size=8) * 0.3 * (seed % 3 > 0)
    eta = 0.3 + 0.1 * x + effect[g] + 0.1 * effect[g] * x * (seed % 3 - 1)
    draw = {
        "gaussian": lambda: eta + generator.normal(size=48),
        "poisson": lambda: generator.poisson(np.exp(eta)),
        "bernoulli": lambda: generator.binomial(1, 1 / (1 + np.exp(-eta))),
    }
    return pd.DataFrame({"y": draw[family](), "x": x, "z": z, "g": [f"g{k}" for k in g]})


@pytest.mark.parametrize(
    ("family", "seed", "terms", "reference"),
    [
        # lmer(y ~ ..., REML = FALSE) and glmer(y ~ ...) of lme4 1.1.31, optimizer = "bobyqa": all are singular fits.
        ("gaussian", 41, "x + z + (x + z | g)", -64.3180957096),
        ("gaussian", 50, "x + z + (x + z | g)", -63.6266026965),
        ("gaussian", 58, "x + z + (x + z | g)", -60.8433251751),
        ("bernoulli", 19, "x + (x | g)", -29.8685360829),
        ("bernoulli", 56, "x + z + (x + z | g)", -29.1777735914),
    ],
)
def test_singular_fits_are_found(family, seed, terms, reference):
    found = bm.approximate(f"y ~ {terms}", clusters(family, seed), family=family)
    assert found.log_likelihood > reference - 2e-5


def test_effects_that_penalised_quasi_likelihood_does_not_see_are_found():
    # Its SD is 0 here, from where no search has a slope.
    assert bm.approximate("y ~ x + (x | g)", clusters("bernoulli", 19), family="bernoulli").estimates["sd_g[x]"] > 0.2


def test_a_term_without_variance_leaves_the_likelihood_of_the_model_without_it():
    data = clusters("gaussian", 3)
    data["y"] -= data.groupby("g")["y"].transform("mean")
    alone, found = (bm.approximate(f"y ~ x{term}", data) for term in ("", " + (1 | g)"))
    assert found.estimates["sd_g[Intercept]"] < 1e-6
    assert found.log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-8)


def test_a_share_of_zeros_that_are_not_there_is_zero():
    data = clusters("poisson", 3).assign(y=lambda table: table["y"] + 1)
    plain, inflated = (bm.approximate("y ~ x", data, family=f) for f in ("poisson", "zero_inflated_poisson"))
    assert inflated.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-7)


def test_correlations_of_one_are_found_beside_fixed_sds():
    data, sds = clusters("gaussian", 41), {"sd_g": 0.05}
    found = bm.approximate(bm.from_formula("y ~ x + (x | g)", priors=sds), data)
    together = data.assign(w=1.0 + data["x"])
    alone = bm.approximate(bm.from_formula("y ~ x + (0 + w | g)", priors=sds), together)
    assert found.log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-7)


@pytest.mark.parametrize("term", ["(1 | g)", "(x | g)"])
def test_a_mode_that_priors_do_not_have_is_not_found(term):
    data = clusters("gaussian", 3)
    for prior, exists in (("Gamma(0.5, 1)", False), ("Gamma(0.9, 1)", False), ("Exponential(1)", True)):
        spec = bm.from_formula(f"y ~ x + {term}", priors={"sd_g": prior})
        assert bm.approximate(spec, data, priors=True).converged is exists


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_parameters_and_roots_are_two_ways_to_write_a_covariance(width):
    generator = np.random.default_rng(width)
    size = width * (width + 1) // 2
    places = CovariancePlaces(np.arange(width), np.arange(width, size))
    point = generator.normal(size=size)
    np.testing.assert_allclose(places.coordinates(places.root(point)[None])[0], point, rtol=1e-10)
    # Any triangle, of whatever signs and with zeros, has the covariance of the parameters it is written in.
    for zeros in (0, 1, width):
        lower = np.zeros((width, width))
        lower[np.tril_indices(width)] = generator.normal(size=size)
        lower[generator.integers(width, size=zeros)] = 0.0
        written = np.zeros((width, width))
        written[np.tril_indices(width)] = places.root(places.coordinates(lower[np.tril_indices(width)][None])[0])
        np.testing.assert_allclose(written @ written.T, lower @ lower.T, atol=1e-12)
