"""Moment matching of influential observations, against sums over a grid of the parameters."""

import warnings

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.cross_validation.moment_matching import can_match

PRIORS = {"beta[Intercept]": "Normal(0, 2)", "beta[x]": "Normal(0, 1)"}
SD, ROW = 0.5, 5


def counts(strange):
    """Return 24 counts in 6 groups, one of them strange, at a far x."""
    generator = np.random.default_rng(3)
    data = pd.DataFrame({"x": generator.normal(size=24).round(2), "g": np.repeat(list("abcdef"), 4)})
    data["y"] = generator.poisson(np.exp(0.8 + 0.3 * data["x"]))
    data.loc[ROW, ["x", "y"]] = [2.0, strange]
    return data


def exact_density(data, row, sd):
    """Return log p(y_row | other rows), the coefficients summed over a grid and effects of groups over Gauss-Hermite nodes."""
    first, second = (axis.ravel() for axis in np.meshgrid(np.linspace(-2, 3, 151), np.linspace(-1.5, 3, 136)))
    nodes, weights = np.polynomial.hermite_e.hermegauss(40 if sd else 1)
    prior = stats.norm.logpdf(first, 0, 2) + stats.norm.logpdf(second, 0, 1)
    with_row = without = prior
    for group in data["g"].unique():
        own = data[data["g"] == group]
        eta = first[:, None] + second[:, None] * own["x"].to_numpy()
        eta = eta[..., None] + sd * nodes
        logs = stats.poisson.logpmf(own["y"].to_numpy()[:, None], np.exp(eta))
        keep = (own.index != row)[:, None]
        with_row = with_row + special.logsumexp(logs.sum(axis=1), b=weights, axis=-1)
        without = without + special.logsumexp((logs * keep).sum(axis=1), b=weights, axis=-1)
    return special.logsumexp(with_row) - special.logsumexp(without)


def sampled(data, sd, seed=1):
    formula, further = ("y ~ x + (1 | g)", {"sd_g": sd}) if sd else ("y ~ x", {})
    spec = bm.from_formula(formula, family="poisson", priors=PRIORS | further)
    return bm.fit(spec, data, chains=2, draws=1000, tune=500, seed=seed, progress=False)


@pytest.mark.slow
@pytest.mark.parametrize(("strange", "sd"), [(30, 0.0), (28, SD)])
def test_matched_draws_give_the_exact_density_where_weights_do_not(strange, sd):
    data = counts(strange)
    fit = sampled(data, sd)
    with pytest.warns(bm.StatisticsWarning, match="Pareto k"):
        weighted = bm.loo(fit, unit="observation", match=False)
    matched = bm.loo(fit, unit="observation")
    bad = np.flatnonzero(weighted.pareto_k.values > weighted.good_k)
    assert ROW in bad
    exact = np.array([exact_density(data, row, sd) for row in bad])
    errors = np.abs(matched.elpd_i.values[bad] - exact)
    assert errors.max() < 0.35
    assert errors.sum() < 0.5 * np.abs(weighted.elpd_i.values[bad] - exact).sum()
    assert np.all(matched.pareto_k.values < matched.good_k)
    good = np.setdiff1d(np.arange(24), bad)
    np.testing.assert_array_equal(matched.elpd_i[good], weighted.elpd_i[good])
    assert matched.elpd == pytest.approx(float(matched.elpd_i.sum()))


def test_draws_are_not_moved_where_no_compiled_density_knows_the_model():
    data = counts(30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        narrow = bm.from_formula("y ~ x + (1 | g)", family="poisson", priors={"sd_g": "Uniform(0, 2)"})
        design = bm.prepare(narrow, data)
    fit = fit_at(design, {"sd_g": 0.5})
    assert not can_match(design, fit.posterior)
    known = bm.prepare(bm.from_formula("y ~ x", family="poisson"), data)
    assert can_match(known, fit_at(known, {}).posterior)
