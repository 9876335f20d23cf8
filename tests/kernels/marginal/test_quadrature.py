"""Draws of the effects of levels have the law that a grid gives."""

import warnings

import numpy as np
import pytest
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.engines.marginal_estimates import find_estimates
from bayesmixed.engines.marginal_layout import lay_out_marginal


def prepared(formula, data, family="gaussian", priors=None, link=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, family=family, priors=priors or {}, link=link), data)


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


@pytest.mark.parametrize("family", ["bernoulli", "poisson", "negbin"])
@pytest.mark.parametrize("sd", [1e-3, 0.7, 4.0])
def test_draws_of_effects_have_their_exact_law(family, sd):
    from bayesmixed.kernels.marginal.compiled import draw_levels

    design = prepared(
        "y ~ 1 + (1 | g)", one_way(family), family, FURTHER.get(family, {}) | {"beta[Intercept]": "Normal(0.2, 0.8)"}
    )
    estimates = find_estimates(lay_out_marginal(design))
    layout, count = estimates.layout, 4000
    points = np.tile([0.5, np.log(sd)], (count, 1))
    border = np.full((count, 1), (0.5 - layout.coefficients[1, 0]) / layout.coefficients[2, 0])
    drawn = np.empty((count, 4, 1))
    stream = np.random.default_rng(6)
    draw_levels(points, border, stream, layout.rows, layout.packed.data, estimates.levels, drawn)
    z = np.linspace(-9, 9, 4001)
    known = FURTHER.get(family, {})
    y, index = np.asarray(design.response, dtype=float), design.mu.normal_blocks[0].read_rows()[0]
    for j in range(4):
        values = {**known, design.family.parameters[0].name: design.mu.link.inverse(0.5 + sd * z)}
        logs = -0.5 * z**2 + sum(design.family.logp(one, values, 1.0) for one in y[index == j])
        law = np.cumsum(np.exp(logs - logs.max()))
        probability = stats.kstest(np.interp(drawn[:, j, 0], z, law / law[-1]), "uniform").pvalue
        assert probability > 1e-4
