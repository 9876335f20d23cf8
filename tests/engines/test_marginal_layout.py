"""A design laid out for the marginal density: rows with frequencies are rows written out."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

import bayesmixed as bm
from bayesmixed.engines.marginal_estimates import find_estimates, rule
from bayesmixed.engines.marginal_layout import lay_out_marginal


def prepared(formula, data, family="gaussian", priors=None, link=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, family=family, priors=priors or {}, link=link), data)


def with_nodes(estimates, count):
    nodes, log_weights = rule(count, estimates.levels.shape[1])
    return replace(estimates, nodes=nodes, log_weights=log_weights)


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


def test_frequency_weights_count_rows():
    data = one_way("poisson")
    twice = {name: np.repeat(np.asarray(v), 2) if np.ndim(v) else v for name, v in data.items()}
    weighted = prepared("y | weights(k, 'frequency') ~ 1 + (1 | g)", data | {"k": np.full(20, 2)}, "poisson")
    plain = prepared("y ~ 1 + (1 | g)", twice, "poisson", {k: v.prior for k, v in weighted.priors.items()})
    points, still = np.array([[-1.0], [0.5]]), (np.zeros((2, 1)), np.zeros(2))
    one, other = (with_nodes(find_estimates(lay_out_marginal(design)), 15) for design in (weighted, plain))
    other = replace(other, mode=one.mode, centre=np.repeat(one.centre, len(other.centre) // len(one.centre)))
    assert one.estimate(points, *still)[0] == pytest.approx(other.estimate(points, *still)[0], abs=1e-6)
