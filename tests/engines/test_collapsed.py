"""The collapsed engine: what it refuses, and its posteriors."""

import warnings

import numpy as np
import pytest
from conftest import classic, read_reference
from gaussian_models import prepared, table

import bayesmixed as bm
from bayesmixed.engines import choose
from bayesmixed.engines.collapsed import supports

EXACT = read_reference("exact_posteriors")["models"]


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("y ~ x + (1 | g)", {"family": "student"}, "family 'student' is neither Gaussian nor lognormal"),
        ("y ~ x + (1 | g)", {"link": "log"}, "link 'log' is not the identity"),
        ("y ~ x + (1 | g)", {"sigma": "~ x"}, "'sigma' has a predictor"),
        ("y ~ x", {"priors": {"beta[x]": "StudentT(3, 0, 1)"}}, "the prior StudentT(3, 0, 1) of 'beta[x]' is not normal"),
        ("y ~ x + (1 | g)", {"priors": {"sd_g": "Uniform(0, 5)"}}, "Uniform"),
        ("y ~ x", {"priors": {"sigma": 1.0}}, "every SD is fixed"),
    ],
)  # fmt: skip
def test_a_model_beyond_the_engine_is_refused_with_a_reason(formula, options, reason):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(bm.from_formula(formula, **options), table())
    assert reason in supports(design)
    assert choose(design)[0] != "collapsed"
    with pytest.raises(bm.SpecError, match="Engine 'collapsed' cannot sample this model"):
        choose(design, "collapsed")


def test_large_crossed_factors_are_left_to_the_kernel():
    i = np.arange(8000)
    data = {"y": np.sin(i), "a": i % 2003, "b": i % 1999}
    design = prepared("y ~ 1 + (1 | a) + (1 | b)", data)
    assert "coefficients remain" in supports(design)
    assert choose(design)[0] == "kernel"


@pytest.mark.slow
def test_a_fit_has_the_form_of_other_fits_and_is_reproducible():
    options = {"draws": 200, "tune": 300, "chains": 2, "seed": 3, "progress": False}
    design = prepared("y ~ x + (x | g) + (1 | h)", table())
    first, second = (bm.sample(design, **options) for _ in range(2))
    kernel = bm.sample(design, engine="kernel", **options)
    assert first.engine.name == "collapsed"
    assert first.posterior.equals(second.posterior)
    assert {n: (v.dims, v.shape) for n, v in first.posterior.data_vars.items()} == {
        n: (v.dims, v.shape) for n, v in kernel.posterior.data_vars.items()
    }
    assert set(first.draws["sample_stats"].data_vars) == set(kernel.draws["sample_stats"].data_vars)
    for name in first.posterior.coords:
        assert first.posterior.coords[name].equals(kernel.posterior.coords[name])


QUADRATURE = {
    "dyestuff": ("Yield ~ 1 + (1 | Batch)", ("lme4", "Dyestuff"), {"sd_group": "sd_Batch"}),
    "rail": ("travel ~ 1 + (1 | Rail)", ("nlme", "Rail"), {"sd_group": "sd_Rail"}),
    "sleepstudy_int": (
        "Reaction ~ Days + (1 | Subject)",
        ("lme4", "sleepstudy"),
        {"sd_Intercept": "sd_Subject[Intercept]"},
    ),
    "sleepstudy_corr": (
        "Reaction ~ Days + (Days | Subject)",
        ("lme4", "sleepstudy"),
        {"sd_Intercept": "sd_Subject[Intercept]", "sd_Days": "sd_Subject[Days]", "cor": "corr_Subject"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", QUADRATURE)
def test_posteriors_are_those_of_quadrature(name):
    import arviz as az

    formula, data, names = QUADRATURE[name]
    exact = EXACT[name]
    keys = {"Intercept": "beta[Intercept]", "Days": "beta[Days]", "sigma": "sigma", **names}
    priors = {keys[k]: "LKJ(2)" if k == "cor" else text.split(" on ")[0] for k, text in exact["priors"].items()}
    fit = bm.fit(formula, classic(*data), priors=priors, draws=4000, seed=5, progress=False)
    assert fit.engine.name == "collapsed"
    for key in exact["posterior"]:
        if key not in keys:
            continue
        variable, _, label = keys[key].partition("[")
        values = fit.posterior[variable]
        if key == "cor":
            values = values[..., 0, 1]
        elif values.ndim > 2:
            values = values.sel({values.dims[-1]: label.rstrip("]") or "Intercept"})
        draws, truth = values.values, exact["posterior"][key]
        # Four Monte Carlo standard errors; the spread of an sd under heavy tails is wider than that of a normal.
        size = float(az.ess(draws))
        assert size > 3000
        assert abs(draws.mean() - truth["mean"]) < 4 * truth["sd"] / np.sqrt(size), key
        assert abs(np.median(draws) - truth["q50"]) < 5 * truth["sd"] / np.sqrt(size), key
        assert abs(draws.std() / truth["sd"] - 1) < 10 / np.sqrt(size), key
        for level in ("q5", "q95"):
            probability = float(level[1:]) / 100
            size = float(az.ess(draws, method="quantile", prob=probability))
            below = np.mean(draws < truth[level])
            assert abs(below - probability) < 4 * np.sqrt(0.05 * 0.95 / size), (key, level)
