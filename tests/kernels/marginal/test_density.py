"""The marginal density: normal models, where it is known; sums over grids; draws of effects."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from exact_margins import grid_logs
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.engines.marginal_estimates import find_estimates, rule
from bayesmixed.engines.marginal_layout import lay_out_marginal
from bayesmixed.families import FAMILIES

ROWS = 40


def prepared(formula, data, family="gaussian", priors=None, link=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, family=family, priors=priors or {}, link=link), data)


def with_nodes(estimates, count):
    nodes, log_weights = rule(count, estimates.levels.shape[1])
    return replace(estimates, nodes=nodes, log_weights=log_weights)


FURTHER = {"gaussian": {"sigma": 1.3}, "lognormal": {"sigma": 0.5}, "negbin": {"theta": 2.5}, "gamma": {"shape": 4.0}}


def one_way(family):
    """Return rows of a family in four groups."""
    generator = np.random.default_rng(2)
    g = np.repeat(np.arange(4), 5)
    eta = np.array([-0.8, 0.1, 0.4, 1.2])[g]
    y = {
        "bernoulli": generator.uniform(size=20) < special.expit(eta),
        "binomial": generator.binomial(7, special.expit(eta)),
        "poisson": generator.poisson(np.exp(eta)),
        "negbin": generator.negative_binomial(2.5, 2.5 / (2.5 + np.exp(eta))),
        "gamma": generator.gamma(4.0, np.exp(eta) / 4.0),
        "lognormal": np.exp(eta + 0.5 * generator.normal(size=20)),
        "gaussian": eta + generator.normal(size=20),
    }[family]
    return {"y": np.asarray(y, dtype=float), "g": np.array(list("abcd"))[g], "o": np.tile([0.2, -0.1], 10), "n": 7}


@pytest.mark.parametrize(
    ("family", "link"), [(family.name, link) for family in FAMILIES.values() for link in family.concave_links]
)
def test_estimates_have_the_mean_of_sums_over_a_grid(family, link):
    trials = " | trials(n)" if bm.FAMILIES[family].has_trials else ""
    formula = f"y{trials} ~ 1 + offset(o) + (1 | g)"
    design = prepared(
        formula, one_way(family), family, FURTHER.get(family, {}) | {"beta[Intercept]": "Normal(0.2, 0.8)"}, link
    )
    estimates = with_nodes(find_estimates(lay_out_marginal(design)), 19)
    sds = np.array([1e-4, 0.3, 1.0, 3.0])
    betas = np.linspace(*stats.norm(0.2, 0.8).ppf([1e-6, 1 - 1e-6]), 201)
    logs = grid_logs(design, FURTHER.get(family, {}), betas, sds)
    exact = special.logsumexp(logs, axis=1) + np.log(betas[1] - betas[0]) + np.log(sds)
    generator = np.random.default_rng(5)
    for sd, truth in zip(sds, exact, strict=True):
        logs, _ = estimates.evaluate(np.full((2000, 1), np.log(sd)), generator)
        ratios = np.exp(logs - truth)
        assert ratios.mean() == pytest.approx(1.0, abs=4 * ratios.std() / np.sqrt(2000) + 2e-3)
        assert ratios.std() < 0.6
