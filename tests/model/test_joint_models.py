"""The density of several responses is that of their normal vector, whatever ties them."""

import numpy as np
import pytest
from joint_models import (
    BETAS,
    CORRELATIONS,
    COVARIANCE,
    RESCOR,
    SDS,
    SIGMAS,
    likelihood_without_effects,
    prepared,
    table,
)
from model_densities import log_density
from scipy import stats

import bayesmixed as bm

FLAT = {"beta": "Normal(0, 1)", "beta[Intercept]": "Normal(0, 1)"}


def stated(rescor):
    """Return the design of two Gaussian responses with simple priors, all stated as written."""
    priors = FLAT | {"sd_g": "HalfNormal(1)", "sigma": "HalfNormal(1)"}
    models = [bm.from_formula(one, priors=priors) for one in ("y1 ~ x + (1 + x |p| g)", "y2 ~ z + (1 |p| g)")]
    return bm.prepare_joint(models, table(), rescor=rescor)


def partials():
    """Return the partial correlations from which the matrix of three columns is made."""
    root = np.linalg.cholesky(CORRELATIONS)
    return np.array([root[1, 0], root[2, 0], root[2, 1] / np.sqrt(1.0 - root[2, 0] ** 2)])


def prior_density(design, rescor):
    """Return the log density of all parameters but effects."""
    found = sum(stats.norm.logpdf(one).sum() for one in BETAS.values())
    found += stats.halfnorm.logpdf(SDS).sum() + stats.halfnorm.logpdf(list(SIGMAS.values())).sum()
    shapes = design.priors["corr_g"].prior.arguments[0] + np.array([0.5, 0.5, 0.0])
    found += np.sum(stats.beta.logpdf((1.0 + partials()) / 2.0, shapes, shapes))
    if rescor:
        shape = design.priors["rescor"].prior.arguments[0]
        found += stats.beta.logpdf((1.0 + RESCOR) / 2.0, shape, shape)
    return found


@pytest.mark.parametrize("rescor", [False, True])
def test_the_density_is_that_of_the_stacked_normal_vector(rescor):
    design = stated(rescor)
    data, rho = table(), RESCOR if rescor else 0.0
    effects = np.random.default_rng(5).normal(0.0, 0.5, (8, 3))
    values = {"partial_corr_g": (1.0 + partials()) / 2.0}
    values |= {f"beta_{name}": one for name, one in BETAS.items()} | {
        f"sigma_{name}": one for name, one in SIGMAS.items()
    }
    values |= {"sd_g_y1": SDS[:2], "sd_g_y2": SDS[2:], "b_g_y1": effects[:, :2], "b_g_y2": effects[:, 2:]}
    values |= {"partial_rescor": [(1.0 + RESCOR) / 2.0]} if rescor else {}
    found = log_density(bm.build_joint(design), values)
    g = data["g"].str[1:].astype(int)
    means = {"y1": BETAS["y1"][0] + effects[g, 0] + (BETAS["y1"][1] + effects[g, 1]) * data["x"]}
    means["y2"] = BETAS["y2"][0] + BETAS["y2"][1] * data["z"] + effects[g, 2]
    residuals = np.column_stack([data[name] - means[name] for name in means])
    sigma = np.array(list(SIGMAS.values()))
    rows = stats.multivariate_normal.logpdf(residuals, np.zeros(2), np.outer(sigma, sigma) * [[1.0, rho], [rho, 1.0]])
    given = stats.multivariate_normal.logpdf(effects, np.zeros(3), COVARIANCE).sum()
    assert found == pytest.approx(prior_density(design, rescor) + rows.sum() + given, rel=1e-9)
    # With effects integrated out, at their mode: log p(y, b) - log p(b | y), the latter normal.
    assert found - prior_density(design, rescor) - posterior_of_effects(data, rho, effects) == pytest.approx(
        likelihood_without_effects(data, rho), rel=1e-9
    )


def posterior_of_effects(data, rho, effects):
    """Return the log density of effects given both responses, a normal vector of 24 numbers."""
    sigma = np.array(list(SIGMAS.values()))
    weight = np.linalg.inv(np.outer(sigma, sigma) * [[1.0, rho], [rho, 1.0]])
    found = 0.0
    for level in range(8):
        own = data[data["g"] == f"g{level}"]
        precision, linear = np.linalg.inv(COVARIANCE), np.zeros(3)
        for row in own.itertuples():
            z = np.array([[1.0, row.x, 0.0], [0.0, 0.0, 1.0]])
            rest = np.array([row.y1 - BETAS["y1"] @ [1.0, row.x], row.y2 - BETAS["y2"] @ [1.0, row.z]])
            precision, linear = precision + z.T @ weight @ z, linear + z.T @ weight @ rest
        covariance = np.linalg.inv(precision)
        found += stats.multivariate_normal.logpdf(effects[level], covariance @ linear, covariance)
    return found


def test_levels_of_one_response_alone_keep_the_covariance_of_those_of_both():
    data = table().astype({"g": str})
    data.loc[data["g"] == "g0", "y1"] = np.nan
    data.loc[data["g"] == "g7", "y2"] = np.nan
    known = {"beta": 0.0, "beta[Intercept]": 1.0, "sd_g": 1.0, "sigma": 1.0}
    models = [bm.from_formula(f"{y} ~ {x} + (1 |p| g)", priors=known) for y, x in (("y1", "x"), ("y2", "z"))]
    spec = bm.JointSpec(models=models, priors={"corr_g": 0.6})
    design = bm.prepare_joint(spec, data, missing="drop")
    ways = {"b_g_y1": "noncentred", "b_g_y2": "centred"}
    model = bm.build_joint(design, parameterisation=ways)
    assert [name for name in model.named_vars if name.startswith("z_absent")] == ["z_absent_g_y1"]
    import pymc as pm
    import pytensor

    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        first, second = pm.draw([model["b_g_y1"], model["b_g_y2"]], draws=3000, random_seed=1)
    assert design.parts["y1"].mu.groups[0].levels == tuple(f"g{k}" for k in range(1, 8))
    assert design.parts["y2"].mu.groups[0].levels == tuple(f"g{k}" for k in range(7))
    both = np.corrcoef(np.concatenate([first[:, :, 0].T, second[:, :, 0].T]))
    expected = np.eye(14)
    for k in range(1, 7):  # level k is at place k - 1 of the first response, and 7 + k among all
        expected[k - 1, 7 + k] = expected[7 + k, k - 1] = 0.6
    np.testing.assert_allclose(both, expected, atol=0.08)
    np.testing.assert_allclose(second.std(axis=0), 1.0, atol=0.06)


def test_parts_have_the_prior_of_their_own_block():
    design = prepared()
    whole = design.priors["corr_g"].prior.arguments[0]
    assert design.parts["y1"].priors["corr_g"].prior.arguments == (whole + 0.5,)
    assert "corr_g" not in design.parts["y2"].priors
