"""Draws of the free variables of the PyMC model: the model computes the reported parameters back from them."""

import warnings

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from model_densities import rows
from pymc_agreement import check_log_likelihood, check_replicates, made_up_fit

import bayesmixed as bm

DATA = rows().assign(
    grade=lambda d: pd.Categorical(np.array(list("abc"))[np.arange(len(d)) % 3], ordered=True),
    share=lambda d: (d["e"] / 5).round(2),
)
CASES = [
    ("y ~ x + z", "gaussian", {}),
    ("y ~ x + (x | g)", "gaussian", {}),
    ("y ~ x + (x + z | g) + (1 | h)", "gaussian", {}),
    ("y ~ 0 + x + (0 + x | g)", "student", {}),
    ("y ~ x + z", "gaussian", {"beta[x]": "StudentT(4, 0, 1)", "beta[z]": 0.5}),
    ("y ~ z + (z | g)", "gaussian", {"sd_g[z]": "Exponential(1)"}),
    ("y ~ x + cs(1 + x + z | g)", "gaussian", {}),
    ("y ~ x + homcs(0 + x + z | g) + (1 | g)", "gaussian", {}),
    ("count ~ x + s(z, k=5) + (1 | g)", "negbin", {}),
    ("count ~ x + obs() + (x | g)", "poisson", {}),
    ("count ~ x + (1 | g)", "negbin", {"theta": "Gamma(2, 0.1)"}),
    ("count ~ x + (1 | g)", "zero_inflated_negbin", {}),
    ("e ~ x + (1 | g)", "gamma", {"shape": 3.0}),
    ("share ~ x + (1 | g)", "beta", {}),
    ("grade ~ x + (1 | g)", "cumulative", {}),
    ("grade ~ 1 + (1 | g)", "cumulative", {"threshold": "Normal(0, 2)"}),
]


def fit_of(formula, family, priors):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(bm.from_formula(formula, family=family, priors=priors), DATA)
    generator = np.random.default_rng(3)
    values = {"beta": generator.normal(size=len(design.mu.population.labels)), "threshold": [-1.0, 0.4]}
    for predictor, block in design.normal_blocks():
        width = len(block.labels)
        root = np.linalg.cholesky(0.4 * np.ones((width, width)) + 0.6 * np.eye(width)) if width else np.eye(1)
        values[predictor.sd(block)] = np.reshape(0.5 + 0.2 * np.arange(max(width, 1)), block.shape[1:])
        values[predictor.corr(block)] = root @ root.T
        if block.structured:
            shared = [dict.fromkeys(predictor.sd_keys(block), 0.0), predictor.sd_keys(block)]
            values[predictor.sd(block)] = np.array([0.5 + 0.2 * list(shared[0]).index(key) for key in shared[1]])
            parameters = {key: np.array(0.3) for key, _, _ in predictor.structure_parameters(block)}
            values |= parameters | {predictor.corr(block): predictor.structured_correlations(block, parameters)}
        values[predictor.b(block)] = generator.normal(size=block.shape)
    values |= dict.fromkeys(design.numbers, 0.3 if family.startswith("zero") else 3.0)
    fixed = {name: number for name, number in priors.items() if isinstance(number, float)}
    return fit_at(design, values | fixed)


@pytest.mark.parametrize(("formula", "family", "priors"), CASES)
def test_the_model_computes_the_draws_back_from_its_free_variables(formula, family, priors):
    import pymc as pm

    fit = fit_of(formula, family, priors)
    model, posterior = bm.build(fit.design), fit.to_datatree(pymc=True)["posterior"]
    first = {v.name: posterior[v.name].values[0, 0] for v in model.free_RVs}
    reported = [v for v in model.deterministics if v.name in fit.posterior and not v.name.startswith("beta")]
    reported += [v for v in model.deterministics if v.name == "beta" and 0.5 not in priors.values()]
    for variable in model.free_RVs:
        assert first[variable.name].shape == tuple(variable.shape.eval())
    if reported:
        with model:
            found = pm.compile(model.free_RVs, reported, mode="FAST_COMPILE", on_unused_input="ignore")(*first.values())
        for variable, value in zip(reported, found, strict=True):
            np.testing.assert_allclose(value, fit.posterior[variable.name].values[0, 0], atol=1e-9)


def test_a_fit_says_what_its_draws_lack_for_the_functions_of_pymc(tmp_path):
    fit = fit_of(*CASES[1])
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    for draws in (fit.draws, loaded.draws):
        assert "to_datatree(pymc=True)" in draws.attrs["pymc"]
        assert "to_datatree(pymc=True)" in draws["posterior"].attrs["pymc"]
    assert "pymc" not in fit.to_datatree(pymc=True)["posterior"].attrs
    assert fit.to_datatree().equals(fit.draws)


@pytest.mark.parametrize("kind", ["frequency", "likelihood"])
def test_the_functions_of_pymc_take_weighted_rows_once_and_the_draws_say_so(kind):
    import pymc as pm
    import pytensor

    data = DATA.assign(w=1 + np.arange(len(DATA)) % 3)
    fit = made_up_fit(f"y | weights(w, '{kind}') ~ x + (1 | g)", "gaussian", data=data)
    with bm.build(fit.design), pytensor.config.change_flags(mode="FAST_COMPILE"):
        tree = fit.to_datatree(pymc=True)
        found = pm.compute_log_likelihood(tree, extend_inferencedata=False, progressbar=False)["y"]
    assert f"whatever its {kind} weight 'w'" in tree["posterior"].attrs["pymc"]
    plain = made_up_fit("y ~ x + (1 | g)", "gaussian", data=data)
    np.testing.assert_allclose(found.values, bm.log_likelihood(plain).values, rtol=1e-6)


@pytest.mark.calibration
@pytest.mark.parametrize(("formula", "family", "priors"), CASES)
def test_the_functions_of_pymc_agree_with_ours_for_all_kinds_of_models(formula, family, priors):
    fit = made_up_fit(formula, family, data=DATA, priors=priors)
    check_log_likelihood(fit)
    check_replicates(fit)


@pytest.mark.calibration
@pytest.mark.parametrize("parameterisation", ["centred", "noncentred", "hierarchical", "auto"])
@pytest.mark.parametrize("engine", ["kernel", "pymc"])
def test_the_functions_of_pymc_agree_with_ours_for_all_engines(engine, parameterisation):
    options = {"engine": engine, "parameterisation": parameterisation, "chains": 2, "draws": 50, "tune": 100}
    fit = bm.fit("y ~ x + (x | g)", DATA, seed=1, progress=False, **options)
    check_log_likelihood(fit)
    check_replicates(fit)
