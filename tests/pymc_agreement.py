"""Fits with made-up draws, all of them different, and what PyMC's own functions make of these."""

import warnings

import numpy as np
import pandas as pd
from family_cases import some_values, trials_of
from fixed_draws import CHAINS, DRAWS, fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.terms.block_parts import fixed_correlations

ROWS = 24


def rows_for(family):
    """Return rows whose response lies in the support of a family; five levels of g, two crossed factors, an empty cell."""
    generator = np.random.default_rng(4)
    values = some_values(family)[1]
    y = family.random(generator, values, trials_of(family), (ROWS,))
    if family.cuts:
        y = np.arange(ROWS) % 4 + 1
    columns = {"x": generator.normal(2.0, 1.0, ROWS), "z": generator.normal(size=ROWS), "n": 12, "exposure": 2.0}
    factors = {"g": np.arange(ROWS) % 5, "h": np.array(list("uvw"))[np.arange(ROWS) // 2 % 3]}
    factors |= {"f": np.array(list("aab"))[np.arange(ROWS) % 3], "k": np.array(list("stt"))[np.arange(ROWS) % 3]}
    return pd.DataFrame({"y": y, "w": 1.0 + np.arange(ROWS) % 3, **columns, **factors})


def made_up_fit(formula, family, *, data=None, **fields):
    """Return a fit of any model, with draws of moderate size that keep what its spec fixes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        data = rows_for(bm.FAMILIES[family]) if data is None else data
        design = bm.prepare(bm.from_formula(formula, family=family, **fields), data)
    generator = np.random.default_rng(7)

    def vary(values):
        values = np.asarray(values, dtype=float)
        return values + 0.05 * generator.normal(size=(CHAINS, DRAWS, *values.shape))

    values = {}
    for predictor in design.predictors.values():
        beta = vary(np.full(len(predictor.population.labels), 0.2))
        for k, prior in enumerate(design.coefficient_priors(predictor)):
            beta[..., k] = prior.arguments[0] if prior.name == "Fixed" else beta[..., k]
        values[predictor.beta] = beta
        for block in predictor.normal_blocks:
            values |= _values_of_block(design, predictor, block, vary)
    middle = some_values(bm.FAMILIES[family])[1]
    for name in design.numbers:
        prior = design.scalar_prior(name)[1]
        values[name] = prior.arguments[0] if prior.name == "Fixed" else vary(middle[name])
    if design.family.cuts:
        values["threshold"] = np.sort(vary(np.linspace(-1.0, 1.5, len(design.family.cuts))), axis=-1)
    return fit_at(design, values)


def _values_of_block(design, predictor, block, vary):
    sd = np.exp(vary(np.full(block.shape[1:], -1.0)))
    if block.structured:
        keys = list(predictor.sd_keys(block))
        sd = sd[..., [keys.index(key) for key in keys]]
    for k, key in enumerate(predictor.sd_keys(block)):
        prior = design.priors[key].prior
        if prior.name == "Fixed":
            sd[..., k] = prior.arguments[0]
    found = {
        predictor.sd(block): sd,
        predictor.b(block): vary(0.3 * np.sin(np.arange(np.prod(block.shape))).reshape(block.shape)),
    }
    found |= {key: vary(np.array(0.3)) for key, _, _ in predictor.structure_parameters(block)}
    if block.structured:
        found[predictor.corr(block)] = predictor.structured_correlations(block, found)
    elif block.correlated:
        matrix = predictor.correlations(block)
        prior = design.priors[matrix.name].prior
        width = matrix.width
        corr = 0.3 + 0.7 * np.eye(width)
        for one in matrix.parts:
            others = np.setdiff1d(np.arange(width), one.columns)
            corr[np.ix_(one.columns, others)] = 0.0
            if not one.correlated:
                corr[np.ix_(one.columns, one.columns)] = np.eye(len(one.columns))
        found[matrix.name] = fixed_correlations(matrix.parts, prior.arguments[0]) if prior.name == "Fixed" else corr
    return found


def check_log_likelihood(fit):
    """Assert that the tree has all free variables, and that PyMC's densities of the rows are ours."""
    import pymc as pm
    import pytensor

    name = fit.design.response_name
    with bm.build(fit.design) as model, pytensor.config.change_flags(mode="FAST_COMPILE"):
        tree = fit.to_datatree(pymc=True)
        assert {variable.name for variable in model.free_RVs} <= set(tree["posterior"].data_vars)
        found = pm.compute_log_likelihood(tree, extend_inferencedata=False, progressbar=False)[name]
    np.testing.assert_allclose(found.values, bm.log_likelihood(fit).values, rtol=1e-6, atol=1e-6)


def check_replicates(fit):
    """Assert that responses drawn by PyMC have our distribution function, and our mean within Monte Carlo error."""
    import pymc as pm
    import pytensor

    name, family, trials = fit.design.response_name, fit.design.family, fit.design.trials
    with bm.build(fit.design), pytensor.config.change_flags(mode="FAST_COMPILE"), warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = fit.to_datatree(pymc=True)
        drawn = pm.sample_posterior_predictive(tree, progressbar=False, random_seed=1)
    y = drawn["posterior_predictive"][name].values
    values = {p.name: bm.predict(fit, kind=p.name)[p.name].values for p in family.parameters}
    below, upto = (family.cdf(at, values, trials) for at in (np.nextafter(y, -np.inf), y))
    place = below + np.random.default_rng(2).uniform(size=y.shape) * (upto - below)
    assert stats.kstest(place.ravel(), "uniform").pvalue > 1e-3
    deviation = (y - family.mean(values, trials)) / np.sqrt(family.variance(values, trials))
    assert abs(deviation.mean()) < 4 / np.sqrt(deviation.size)
