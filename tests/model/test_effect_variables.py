"""Effects of terms in a PyMC model are drawn with the SDs and correlations that the model states."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import gamma, kv

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
).assign(u=0.0, f=lambda d: "v" + d["t"].astype(int).astype(str))
EQUAL_RHO = {"rho": 0.6}, lambda d: np.where(d == 0, 1.0, 0.6)
STEPS = {"ar1": 0.6}, lambda d: 0.6**d
STRUCTURED = {
    "homdiag(0 + f | g)": (True, {}, lambda d: np.where(d == 0, 1.0, 0.0)),
    "homcs(0 + f | g)": (True, *EQUAL_RHO),
    "cs(0 + f | g)": (False, *EQUAL_RHO),
    "ar1(0 + t | g)": (True, *STEPS),
    "hetar1(0 + t | g)": (False, *STEPS),
    "(1 | g) + ar1(0 + t | g)": (True, *STEPS),
    "ou(0 + t | g)": (True, {"range": 1.7}, lambda d: np.exp(-d / 1.7)),
    "exp(0 + t + u | g)": (True, {"range": 1.7}, lambda d: np.exp(-d / 1.7)),
    "gau(0 + t | g)": (True, {"range": 1.7}, lambda d: np.exp(-((d / 1.7) ** 2))),
    "mat(0 + t | g)": (True, {"range": 0.7}, lambda d: (1 + d / 0.7) * np.exp(-d / 0.7)),
    "mat(0 + t | g, nu=2.5)": (
        True,
        {"range": 0.7},
        lambda d: np.where(d > 0, (d / 0.7) ** 2.5 * kv(2.5, np.maximum(d, 1e-9) / 0.7) / (2**1.5 * gamma(2.5)), 1.0),
    ),
    "homtoep(0 + t | g)": (True, {"pacf1": 0.6, "pacf2": 0.0, "pacf3": 0.0, "pacf4": 0.0}, STEPS[1]),
    "toep(0 + t | g)": (False, {"pacf1": 0.6, "pacf2": 0.0, "pacf3": 0.0, "pacf4": 0.0}, STEPS[1]),
}


@pytest.mark.parametrize(
    ("term", "told", "parameterisation"),
    [(*one, "centred") for one in STRUCTURED.items()] + [("ar1(0 + t | g)", (True, *STEPS), "noncentred")],
)
@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_the_density_of_structured_effects_is_that_of_a_normal_vector(term, told, parameterisation):
    from scipy import stats

    equal, parameters, correlation = told
    priors = {"beta[Intercept]": 0.0, "sigma": 1.5, "sd_g": "HalfNormal(1)"}
    design = bm.prepare(f"y ~ 1 + {term}", pd.concat([TIMES, TIMES], ignore_index=True), priors=priors)
    model = bm.build(design, parameterisation={"b_g": parameterisation})
    rng, first, group = np.random.default_rng(1), int("(1 |" in term), design.mu.groups[0]
    keys = design.mu.sd_keys(group)
    drawn = {key: 0.5 + rng.random() for key in dict.fromkeys(keys)}
    assert (len(drawn) == 1 + first) == equal
    sd = np.array([drawn[key] for key in keys])
    times = np.array([0.0, 1.0, 2.0, 4.0])
    corr = np.eye(4 + first)
    corr[first:, first:] = correlation(np.abs(np.subtract.outer(times, times)))
    covariance = corr * np.outer(sd, sd)
    z = rng.normal(size=(5, 4 + first))
    effects = z @ np.linalg.cholesky(covariance).T
    given = {"sd_g": sd, "common_sd_g": np.array(list(drawn.values())), "b_g": effects, "z_g": z}
    given |= {f"{name}_g": value for name, value in parameters.items()}
    y, place = np.asarray(design.response), np.searchsorted(times, np.tile(TIMES["t"], 2))
    rows = effects[group.index, first + place] + (effects[group.index, 0] if first else 0.0)
    expected = stats.norm(rows, 1.5).logpdf(y).sum() + stats.halfnorm().logpdf(list(drawn.values())).sum()
    for key, structure, parameter in design.mu.structure_parameters(group):
        law, (low, high) = design.priors[key].prior.frozen(), parameter.support(structure.width)
        expected += law.logpdf(given[key]) - np.log(law.cdf(high) - law.cdf(low))
    expected += (
        stats.norm().logpdf(z).sum()
        if parameterisation == "noncentred"
        else stats.multivariate_normal(np.zeros(4 + first), covariance).logpdf(effects).sum()
    )
    point = {}
    for variable in model.free_RVs:
        transform, at = model.rvs_to_transforms[variable], given[variable.name]
        moved = at if transform is None else transform.forward(at, *variable.owner.inputs).eval(mode="FAST_COMPILE")
        point[model.rvs_to_values[variable].name] = np.asarray(moved)
    found = model.compile_fn(model.logp(jacobian=False), inputs=model.value_vars, mode="FAST_COMPILE")(point)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
