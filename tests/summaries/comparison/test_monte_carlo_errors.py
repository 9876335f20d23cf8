"""Monte Carlo errors of leaving out, and the refits that they ask for, against exact leave-one-out of conjugate models."""

from types import SimpleNamespace

import fixed_draws
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from exact_one_way import KNOWN, exact_fit, simulate_one_way
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.cross_validation import leaving_out
from bayesmixed.cross_validation.importance_weights import monte_carlo_errors, smooth_weights
from bayesmixed.cross_validation.leaving_out import MOST_ERROR, find_rough

CHAINS, DRAWS, PRIOR_SD = 4, 100, 3.0
Y = np.append(stats.norm.ppf((np.arange(20) + 0.5) / 20), 12.0)
"""The last one is influential."""


def posterior_of(y):
    """Return mean and SD of the posterior of the mean of a Normal(mean, 1) under Normal(0, PRIOR_SD)."""
    precision = len(y) + PRIOR_SD**-2
    return np.sum(y) / precision, precision**-0.5


def draw_mean(y, generator):
    mean, sd = posterior_of(y)
    return generator.normal(mean, sd, (CHAINS, DRAWS, 1))


def conjugate_fit(generator, monkeypatch):
    monkeypatch.setattr(fixed_draws, "CHAINS", CHAINS)
    monkeypatch.setattr(fixed_draws, "DRAWS", DRAWS)
    priors = {"sigma": 1.0, "beta[Intercept]": f"Normal(0, {PRIOR_SD})"}
    design = bm.prepare(bm.from_formula("y ~ 1", priors=priors), pd.DataFrame({"y": Y}))
    return fixed_draws.fit_at(design, {"beta": draw_mean(Y, generator), "sigma": 1.0})


def exact_rows():
    others = [np.delete(Y, i) for i in range(len(Y))]
    laws = [posterior_of(rest) for rest in others]
    return np.array([stats.norm.logpdf(y, mean, np.hypot(1.0, sd)) for y, (mean, sd) in zip(Y, laws, strict=True)])


def test_the_error_of_each_unit_is_that_of_repeated_draws():
    generator, times, rows = np.random.default_rng(1), 40, [0, 5, 15]
    means = np.stack([draw_mean(Y, generator) for _ in range(times)], axis=-2)
    values = stats.norm.logpdf(Y[rows], means).reshape(CHAINS, DRAWS, -1)
    logs = xr.DataArray(values, dims=("chain", "draw", "unit"), coords={"unit": range(values.shape[-1])})
    weights, _ = smooth_weights(logs)
    found = special.logsumexp(values + weights.values, axis=(0, 1)).reshape(times, -1)
    stated = monte_carlo_errors(logs, weights).reshape(times, -1)
    actual = np.sqrt(np.mean((found - exact_rows()[rows]) ** 2, axis=0))
    assert actual / np.sqrt(np.mean(stated**2, axis=0)) == pytest.approx(1.0, abs=0.4)


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_a_unit_that_weights_cannot_leave_out_is_predicted_by_draws_without_it(monkeypatch):
    generator, left_out = np.random.default_rng(2), []

    def sample_without(fit, rows):
        left_out.append(np.flatnonzero(rows).tolist())
        return conjugate_posterior(draw_mean(Y[~rows], generator))

    monkeypatch.setattr(leaving_out, "sample_without", sample_without)
    fit = conjugate_fit(generator, monkeypatch)
    before = bm.loo(fit, unit="observation", match=False)
    after = bm.loo(fit, unit="observation", match=False, refits=True)
    assert left_out == [[20]] == [np.flatnonzero(before.pareto_k > before.good_k).tolist()]
    error = after.elpd_i.attrs["mcse_i"][20]
    assert error > 0
    assert after.elpd_i.values[20] == pytest.approx(exact_rows()[20], abs=4 * error)
    assert after.elpd == pytest.approx(exact_rows().sum(), abs=4 * after.elpd_i.attrs["mcse"])
    assert after.elpd_i.attrs["mcse"] == pytest.approx(np.sqrt(np.sum(after.elpd_i.attrs["mcse_i"] ** 2)))


def conjugate_posterior(beta):
    coords = {"chain": range(CHAINS), "draw": range(DRAWS), "beta_effect": ["Intercept"]}
    both = {
        "beta": (("chain", "draw", "beta_effect"), beta),
        "sigma": (("chain", "draw"), np.ones((CHAINS, DRAWS))),
    }
    return xr.Dataset(both, coords=coords)


def test_leaving_out_groups_is_exact_within_its_error():
    data = simulate_one_way("gaussian", 8, 4, 3)
    fit = exact_fit("gaussian", data, draws=500)
    found = bm.loo(fit, unit="g")
    exact, error = exact_groups(fit, data), found.elpd_i.attrs["mcse_i"]
    # 0.01: the grids of the draws.
    assert np.all(np.abs(found.elpd_i.values - exact) < 4 * error + 0.01)
    assert found.elpd == pytest.approx(exact.sum(), abs=3 * found.elpd_i.attrs["mcse"] + 0.03)


def exact_groups(fit, data):
    """Return log p(y_g | all others), as the ratio of two integrals over mean and SD, of normal densities."""
    mean, sd = np.linspace(-2.5, 4.0, 261), np.geomspace(0.005, 6.0, 241)
    law = fit.design.priors["beta[Intercept]"].prior.frozen(), fit.design.priors["sd_g[Intercept]"].prior.frozen()
    prior = law[0].logpdf(mean)[:, None] + law[1].logpdf(sd) + np.log(sd)
    sigma, logs = KNOWN["gaussian"]["sigma"], []
    for _, y in data.groupby("g")["y"]:
        centre, n = y.mean(), len(y)
        within = stats.norm.logpdf(y, centre, sigma).sum() - stats.norm.logpdf(0.0, 0.0, sigma / n**0.5)
        logs.append(within + stats.norm.logpdf(centre, mean[:, None], np.sqrt(sd**2 + sigma**2 / n)))
    whole = prior + np.sum(logs, axis=0)
    return np.array([special.logsumexp(whole) - special.logsumexp(whole - one) for one in logs])


def test_units_are_refitted_from_the_roughest_on_until_the_error_of_the_others_is_below_the_limit():
    errors = MOST_ERROR * np.array([0.5, 0.1, 2.0, 0.9, 0.2, 0.1])

    def rough(k, scale=1.0):
        attributes = {"mcse_i": scale * errors}
        return find_rough(
            SimpleNamespace(pareto_k=xr.DataArray(k), good_k=0.7, elpd_i=xr.DataArray(np.zeros(6), attrs=attributes))
        ).tolist()

    assert rough([0.1] * 6) == [2, 3]
    assert rough([0.1, 0.1, 0.9, 0.1, 0.1, 0.1]) == [2, 3]
    assert rough([0.9, 0.1, 0.1, 0.1, 0.1, 0.1]) == [0, 2]
    assert rough([0.1] * 6, scale=0.4) == []


def test_a_draw_in_which_a_unit_is_very_likely_does_not_overflow():
    logs = xr.DataArray(np.array([[[0.0], [-900.0], [-1000.0]]]), dims=("chain", "draw", "unit"))
    weights = xr.full_like(logs, 0.0) - xr.DataArray([[[2000.0], [0.0], [1.0]]], dims=logs.dims)
    assert np.all(np.isfinite(monte_carlo_errors(logs, weights)))
