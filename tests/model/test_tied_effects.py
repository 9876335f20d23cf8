"""Effects that a letter ties have one normal distribution over all their predictors, however they are sampled."""

import numpy as np
import pytest
from model_densities import log_density
from scipy import stats
from tied_models import COVARIANCE, SDS, spec, table

import bayesmixed as bm

FIXED = {"beta": 0.0, "beta[Intercept]": 1.0, "beta_sigma[Intercept]": -0.3}


def draw(variables, count):
    """Return draws of variables of a model."""
    import pymc as pm
    import pytensor

    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        return pm.draw(variables, draws=count, random_seed=1)


@pytest.mark.parametrize(
    "ways", [("centred", "noncentred"), ("hierarchical", "centred"), ("noncentred", "hierarchical")]
)
def test_tied_effects_have_one_covariance_in_every_parameterisation(ways):
    known = {"sd_g[Intercept]": 1.0, "sd_g[x]": 0.5, "sd_g_sigma": 0.4, "corr_g": 0.6}
    model = bm.build(
        bm.prepare(spec(priors=FIXED | known), table()),
        parameterisation=dict(zip(("b_g", "b_g_sigma"), ways, strict=True)),
    )
    drawn = np.concatenate(draw([model["b_g"], model["b_g_sigma"]], 2000), axis=2)
    assert drawn.shape == (2000, 8, 3)
    expected = (0.6 + 0.4 * np.eye(3)) * SDS * SDS[:, None]
    np.testing.assert_allclose(np.cov(drawn.reshape(-1, 3).T), expected, rtol=0.06)


def test_the_density_of_tied_effects_is_that_of_a_normal_vector():
    design = bm.prepare(spec(priors=FIXED | {"sd_g": "HalfNormal(1)", "sd_g_sigma": "HalfNormal(1)"}), table())
    model, data = bm.build(design), design.table.data
    rng = np.random.default_rng(5)
    effects = rng.normal(0.0, 0.5, (8, 3))
    root = np.linalg.cholesky(COVARIANCE / np.outer(SDS, SDS))
    partial = np.array([root[1, 0], root[2, 0], root[2, 1] / np.sqrt(1.0 - root[2, 0] ** 2)])
    values = {"sd_g": SDS[:2], "sd_g_sigma": SDS[2:], "partial_corr_g": (1.0 + partial) / 2.0}
    values |= {"b_g": effects[:, :2], "b_g_sigma": effects[:, 2:]}
    g = data["g"].cat.codes if data["g"].dtype == "category" else data["g"].str[1:].astype(int)
    mean, sd = 1.0 + effects[g, 0] + effects[g, 1] * data["x"], np.exp(-0.3 + effects[g, 2])
    expected = np.sum(stats.norm.logpdf(data["y"], mean, sd))
    expected += np.sum(stats.multivariate_normal.logpdf(effects, np.zeros(3), COVARIANCE))
    expected += np.sum(stats.halfnorm.logpdf(SDS))
    # The partial correlations of LKJ(1.5) of three columns: two are Beta(2, 2), the last one Beta(1.5, 1.5).
    shapes = design.priors["corr_g"].prior.arguments[0] + np.array([0.5, 0.5, 0.0])
    expected += np.sum(stats.beta.logpdf((1.0 + partial) / 2.0, shapes, shapes))
    assert log_density(model, values) == pytest.approx(expected, rel=1e-9)


def test_correlations_are_those_as_written_where_priors_are_stated_at_the_mean():
    design = bm.prepare(spec(), table())
    assert design.mu.groups[0].centred
    model = bm.build(design)
    names = ["b_g", "b_g_sigma", "sd_g", "sd_g_sigma", "corr_g"]
    b, b_sigma, sd, sd_sigma, corr = draw([model[name] for name in names], 4000)
    sds = np.concatenate([sd, sd_sigma], axis=1)
    standardised = np.concatenate([b, b_sigma], axis=2) / sds[:, None]
    root = np.linalg.cholesky(corr)
    white = np.linalg.solve(root, np.swapaxes(standardised, 1, 2))
    moments = np.einsum("skj,slj->kl", white, white) / (white.shape[0] * white.shape[2])
    np.testing.assert_allclose(moments, np.eye(3), atol=0.04)
    assert model.named_vars_to_dims["corr_g"] == ("g_tied", "g_tied_2")
    assert list(model.coords["g_tied"]) == ["mu[Intercept]", "mu[x]", "sigma[Intercept]"]
