"""Designs for the marginal density, and estimates with a given number of nodes."""

import warnings
from dataclasses import replace

import numpy as np
from scipy import special

import bayesmixed as bm
from bayesmixed.engines.marginal_estimates import line_rule, rule

ROWS = 40


def prepared(formula, data, family="gaussian", priors=None, link=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, family=family, priors=priors or {}, link=link), data)


def with_nodes(estimates, count):
    nodes, log_weights = rule(count, estimates.levels.shape[1])
    return replace(estimates, nodes=nodes, log_weights=log_weights, rule=line_rule(count))


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
