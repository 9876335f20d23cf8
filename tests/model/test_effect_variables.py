"""Effects of terms in a PyMC model are drawn with the SDs and correlations that the model states."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm

STREAM = np.random.default_rng(7)
TABLE = pd.DataFrame({"y": STREAM.normal(size=48), "x": STREAM.normal(size=48), "g": np.repeat(list("abcdef"), 8)})
FIXED = {"sd_g[Intercept]": 2.0, "sd_g[x]": 0.5, "corr_g": -0.6, "beta[Intercept]": 0.0, "beta[x]": 0.0, "sigma": 1.0}


@pytest.mark.parametrize("parameterisation", ["centred", "noncentred", "hierarchical"])
def test_effects_have_the_covariance_that_is_stated_in_every_parameterisation(parameterisation):
    import pymc as pm

    model = bm.build(bm.prepare("y ~ x + (x | g)", TABLE, priors=FIXED), parameterisation={"b_g": parameterisation})
    drawn = pm.draw(model["b_g"], draws=3000, random_seed=1)
    assert drawn.shape == (3000, 6, 2)
    covariance = np.cov(drawn.reshape(-1, 2).T)
    expected = np.array([[4.0, -0.6], [-0.6, 0.25]])
    np.testing.assert_allclose(covariance, expected, rtol=0.06)
    # Levels are independent of each other.
    between = np.corrcoef(drawn[:, :, 0].T) - np.eye(6)
    assert np.max(np.abs(between)) < 0.08


TIMES = pd.DataFrame(
    {"y": STREAM.normal(size=40), "t": np.tile([0.0, 1.0, 2.0, 4.0], 10), "g": np.repeat(list("abcde"), 8)}
).assign(f=lambda d: "v" + d["t"].astype(int).astype(str))
STRUCTURED = {
    "homdiag(0 + f | g)": (True, "", None),
    "homcs(0 + f | g)": (True, "rho_g", lambda d, rho: np.where(d == 0, 1.0, rho)),
    "cs(0 + f | g)": (False, "rho_g", lambda d, rho: np.where(d == 0, 1.0, rho)),
    "ar1(0 + t | g)": (True, "ar1_g", lambda d, rho: rho**d),
    "hetar1(0 + t | g)": (False, "ar1_g", lambda d, rho: rho**d),
    "(1 | g) + ar1(0 + t | g)": (True, "ar1_g", lambda d, rho: rho**d),
}


@pytest.mark.parametrize(("term", "told"), STRUCTURED.items())
@pytest.mark.parametrize("parameterisation", ["centred", "noncentred"])
@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_the_density_of_structured_effects_is_that_of_a_normal_vector(term, told, parameterisation):
    from scipy import stats

    equal, name, correlation = told
    design = bm.prepare(f"y ~ 1 + {term}", TIMES, priors={"beta[Intercept]": 0.0, "sigma": 1.5})
    model = bm.build(design, parameterisation={"b_g": parameterisation})
    rng, first = np.random.default_rng(1), int("(1 |" in term)
    parts = [(0, 1)] * first + [(first, 4 + first)]
    sd, value = np.empty(4 + first), 0.6
    keys, group = design.mu.sd_keys(design.mu.groups[0]), design.mu.groups[0]
    drawn = {key: 0.5 + rng.random() for key in dict.fromkeys(keys)}
    sd[:] = [drawn[key] for key in keys]
    assert (len(drawn) == 1 + first) == equal
    distance = np.abs(np.subtract.outer([0.0, 1.0, 2.0, 4.0], [0.0, 1.0, 2.0, 4.0]))
    corr = np.eye(4 + first)
    if correlation is not None:
        corr[first:, first:] = correlation(distance, value)
    covariance = corr * np.outer(sd, sd)
    z = rng.normal(size=(5, 4 + first))
    effects = z @ np.linalg.cholesky(covariance).T
    given = {
        "sd_g": sd,
        "common_sd_g": np.array(list(drawn.values())),
        name: value,
        "b_g": effects,
        "z_g": z,
    }
    rows = effects[group.index, first + TIMES["t"].map({0: 0, 1: 1, 2: 2, 4: 3}).to_numpy()]
    rows = rows + (effects[group.index, 0] if first else 0.0)
    expected = stats.norm(rows, 1.5).logpdf(TIMES["y"]).sum()
    expected += sum(design.priors[key].prior.frozen().logpdf(number) for key, number in drawn.items())
    if name:
        lower = -1.0 / 3.0 if name == "rho_g" else -1.0
        law = stats.truncnorm(lower / 0.5, 2.0, 0.0, 0.5)
        expected += law.logpdf(value)
    expected += (
        stats.norm().logpdf(z).sum()
        if parameterisation == "noncentred"
        else stats.multivariate_normal(np.zeros(4 + first), covariance).logpdf(effects).sum()
    )
    assert len(parts) == len(group.parts)
    point = {}
    for variable in model.free_RVs:
        transform, at = model.rvs_to_transforms[variable], given[variable.name]
        moved = at if transform is None else transform.forward(at, *variable.owner.inputs).eval()
        point[model.rvs_to_values[variable].name] = np.asarray(moved)
    found = model.compile_fn(model.logp(jacobian=False), inputs=model.value_vars, mode="FAST_COMPILE")(point)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
