"""The PyMC model of joint priors of SDs: total and shares have their distributions, and SDs follow from them."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import bayesmixed as bm
from bayesmixed.draws.free_draws import _coordinates
from bayesmixed.draws.linear_predictors import part_covariances
from bayesmixed.prediction.prior_samples import sample_prior

PLACES = np.arange(48)
ROWS = {
    "y": PLACES % 7 + 0.5,
    "x": np.sin(PLACES.astype(float)),
    "z": np.cos(PLACES.astype(float)) * 0.6,
    "g": np.array(list("abcdef"))[PLACES % 6],
    "h": np.array([f"h{i}" for i in range(12)])[PLACES % 12],
}
NAMES = ("variance_total", "variance_shares", "variance_within_g")


@pytest.fixture(scope="module")
def design():
    priors = {"variance": 'VarianceSplit(total=PC(3, 0.05), shares={"sigma": 2, "g": 0.7, "h": 1.5})'}
    return bm.prepare("y ~ x + z + (1 | h) + (x + z | g)", ROWS, priors=priors)


@pytest.fixture(scope="module")
def model(design):
    return bm.build(design)


@pytest.fixture(scope="module")
def posterior(design):
    found = sample_prior(design, draws=5).posterior
    effects = {name: np.zeros((1, 5, *shape)) for name, shape in (("b_h", (12, 1)), ("b_g", (6, 3)))}
    return found.assign({n: xr.DataArray(v, dims=("chain", "draw", f"{n}_0", f"{n}_1")) for n, v in effects.items()})


def unconstrained(model, values, draw):
    """Return the free variables of a draw as PyMC's coordinates."""
    point = model.initial_point()
    for variable in model.free_RVs:
        if variable.name not in values:
            continue  # effects, which SDs do not depend on
        value = values[variable.name][0, draw]
        if variable.name in NAMES[1:]:
            logs = np.log(value)
            value = logs[:-1] - logs.mean()
        elif variable.name == NAMES[0]:
            value = np.log(value)
        elif variable.name.startswith("partial"):
            value = np.log(value) - np.log1p(-value)
        point[model.rvs_to_values[variable].name] = np.reshape(value, point[model.rvs_to_values[variable].name].shape)
    return point


def test_sds_follow_from_total_and_shares_which_have_their_distributions(design, model, posterior):
    values = dict(_coordinates(design, posterior))
    covariances = part_covariances(design, design.split, posterior)
    stated = design.split.log_density_as_stated(covariances)[0]
    logp = model.compile_logp(vars=[model[name] for name in NAMES], jacobian=False, mode="FAST_COMPILE")
    outputs = model.replace_rvs_by_values([model[name] for name in ("sigma", "sd_h", "sd_g", "corr_g")])
    sds = model.compile_fn(outputs, inputs=model.value_vars, on_unused_input="ignore", mode="FAST_COMPILE")
    constant = stats.dirichlet([1.5, 0.7, 2.0]).logpdf([1 / 3] * 3) - 1.2 * np.log(1 / 3) + np.log(2.0)
    for draw in range(5):
        point = unconstrained(model, values, draw)
        assert float(logp(point)) == pytest.approx(stated[draw] + constant, abs=1e-6)
        for name, found in zip(("sigma", "sd_h", "sd_g", "corr_g"), sds(point), strict=True):
            assert found == pytest.approx(posterior[name].values[0, draw], rel=1e-6), name


def test_prior_draws_of_the_model_have_the_quantiles_of_each_sd(design, model):
    import pymc as pm

    draws = pm.sample_prior_predictive(3000, model=model, var_names=["sigma", "centred_sd_g", "sd_h"], random_seed=1)[
        "prior"
    ]
    levels = np.array([0.05, 0.5, 0.95])
    for name, key, place in (("sigma", "sigma", 0), ("sd_h", "sd_h[Intercept]", 0), ("centred_sd_g", "sd_g[x]", 1)):
        own = design.priors[key].prior.frozen()
        values = draws[name].values.reshape(3000, -1)[:, place]
        assert np.mean(values[:, None] < own.ppf(levels), axis=0) == pytest.approx(levels, abs=0.03), name


def test_the_sds_are_not_free_variables(model):
    names = {variable.name for variable in model.free_RVs}
    assert set(NAMES) < names
    assert {"sigma", "sd_h", "centred_sd_g"}.isdisjoint(names)
    assert list(model.coords["variance_part"]) == ["h", "g", "sigma"]
