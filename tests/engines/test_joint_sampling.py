"""Draws of several responses: each gets its own, under the names of a fit of it alone."""

import numpy as np
import pytest
import xarray as xr
from joint_models import table
from scipy import stats

import bayesmixed as bm
from bayesmixed.draws.tree import draw_names
from bayesmixed.engines.joint_sampling import own_draws, shared_draws
from bayesmixed.fits.joint_fits import named_draws


def given_draws(design):
    """Return draws of all variables, each number another one, with the dimensions of the PyMC model."""
    model, generator = bm.build_joint(design), np.random.default_rng(1)
    names = dict.fromkeys(name for part in design.named.values() for name in (*draw_names(part), *design.priors))
    found = {}
    for name in names:
        dims = model.named_vars_to_dims.get(name) or ()
        values = generator.uniform(size=(2, 3, *(len(model.coords[dim]) for dim in dims)))
        found[name] = xr.DataArray(values, dims=("chain", "draw", *dims))
    return xr.Dataset(found, coords={"chain": [0, 1], "draw": [0, 1, 2]})


def test_each_response_has_its_own_draws_and_its_block_of_correlations():
    models = [
        bm.from_formula("y1 ~ x + (1 + x |p| g)", sigma="~ (1 |p| g)"),
        "y2 ~ z + s(x) + (1 |p| g)",
        bm.from_formula("ordered ~ z + (1 | g)", family="cumulative"),
    ]
    data = table().assign(ordered=np.arange(40) % 3)
    design = bm.prepare_joint(models, data)
    posterior = given_draws(design)
    own = {name: own_draws(name, part, design.named, posterior) for name, part in design.parts.items()}
    assert {name: tuple(one.data_vars) for name, one in own.items()} == {
        "y1": ("beta", "sd_g", "b_g", "corr_g", "beta_sigma", "sd_g_sigma", "b_g_sigma"),
        "y2": ("beta", "sd_s(x)", "b_s(x)", "sd_g", "b_g", "sigma"),
        "ordered": ("beta", "sd_g", "b_g", "threshold"),
    }
    for name, one in own.items():
        assert {*map(str, one.data_vars)} == {*draw_names(design[name])} | ({"corr_g"} if name == "y1" else set())
    np.testing.assert_array_equal(own["y1"]["b_g_sigma"].values, posterior["b_g_sigma_y1"].values)
    assert list(own["y1"]["corr_g"]["g_tied"].values) == ["mu[Intercept]", "mu[x]", "sigma[Intercept]"]
    np.testing.assert_array_equal(own["y1"]["corr_g"].values, posterior["corr_g"].values[..., :3, :3])
    assert own["ordered"]["threshold"].dims == ("chain", "draw", "cut")
    together = named_draws(own, design, shared_draws(design.matrices, posterior))
    assert {*map(str, together.data_vars)} == {*map(str, posterior.data_vars)}
    for name in posterior.data_vars:
        np.testing.assert_array_equal(together[name].values, posterior[name].values)
    assert together["b_g_y2"].dims[2] == "g"


@pytest.mark.slow
def test_two_gaussian_responses_have_the_posterior_of_their_normal_vector():
    """One effect of a group in each response, SDs known: the correlations of effects and residuals on a grid."""
    known = {"beta[Intercept]": 0.5, "sd_g": 1.0, "sigma": 0.8}
    models = [bm.from_formula(f"{name} ~ 1 + (1 |p| g)", priors=known) for name in ("y1", "y2")]
    data, rows = correlated(), 4
    joint = bm.fit(
        bm.JointSpec(models=models, rescor=True), data, chains=2, draws=800, tune=400, seed=3, progress=False
    )
    grid = np.linspace(-0.99, 0.99, 60)
    density = np.empty((60, 60))
    stacked = np.concatenate([data["y1"].to_numpy().reshape(-1, rows), data["y2"].to_numpy().reshape(-1, rows)], axis=1)
    for i, r in enumerate(grid):
        for j, q in enumerate(grid):
            between = np.kron([[1.0, r], [r, 1.0]], np.ones((rows, rows)))
            within = np.kron(0.64 * np.array([[1.0, q], [q, 1.0]]), np.eye(rows))
            density[i, j] = stats.multivariate_normal.logpdf(stacked, np.full(2 * rows, 0.5), between + within).sum()
    shape = joint.design.priors["corr_g"].prior.arguments[0]
    prior = stats.beta.logpdf(0.5 * (1.0 + grid), shape, shape)
    weights = np.exp(density - density.max() + prior[:, None] + prior)
    for name, margin in {"corr_g": weights.sum(axis=1), "rescor": weights.sum(axis=0)}.items():
        draws = joint.shared[name].values[..., 0, 1]
        mean = float(np.average(grid, weights=margin))
        sd = float(np.sqrt(np.average((grid - mean) ** 2, weights=margin)))
        assert abs(draws.mean() - mean) < 0.15 * sd
        assert draws.std() == pytest.approx(sd, rel=0.12)
    assert bm.diagnose(joint).divergences == 0


def correlated(levels=12, rows=4, seed=11):
    """Return two responses whose group effects and residuals have correlations 0.7 and -0.4."""
    generator = np.random.default_rng(seed)
    b = generator.multivariate_normal(np.zeros(2), [[1.0, 0.7], [0.7, 1.0]], size=levels)
    e = 0.8 * generator.multivariate_normal(np.zeros(2), [[1.0, -0.4], [-0.4, 1.0]], size=levels * rows)
    g = np.repeat(np.arange(levels), rows)
    return table(levels, rows).assign(y1=0.5 + b[g, 0] + e[:, 0], y2=0.5 + b[g, 1] + e[:, 1])


@pytest.mark.calibration
@pytest.mark.parametrize("seed", range(3))
def test_the_correlation_of_an_amount_and_a_count_is_recovered(seed):
    """80 groups of 8 rows; the amount in a unit of 1e-5, in which it is not sampled."""
    generator, truth = np.random.default_rng(seed), 0.6
    effects = generator.multivariate_normal(np.zeros(2), [[1.0, truth], [truth, 1.0]], size=80)
    g = np.repeat(np.arange(80), 8)
    data = table(80, 8).assign(
        y1=1e5 * (2.0 + effects[g, 0] + generator.standard_normal(640)),
        y2=generator.poisson(np.exp(0.5 + 0.7 * effects[g, 1])),
    )
    formulas, families = ["y1 ~ 1 + (1 |p| g)", "y2 ~ 1 + (1 |p| g)"], ["gaussian", "poisson"]
    settings = {"chains": 2, "draws": 750, "tune": 500, "parameterisation": "noncentred", "progress": False}
    joint = bm.fit(formulas, data, family=families, seed=seed, **settings)
    draws = joint.shared["corr_g"].values[..., 0, 1]
    assert draws.std() < 0.13
    assert abs(draws.mean() - truth) < 3.0 * draws.std()
    for name, sd in (("sd_g_y1", 1e5), ("sd_g_y2", 0.7), ("sigma_y1", 1e5)):
        own = joint.posterior[name].values
        assert abs(own.mean() - sd) < 3.5 * own.std()
