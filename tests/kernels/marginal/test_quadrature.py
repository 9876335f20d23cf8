"""Draws of the effects of levels have the law that a grid gives."""

import numpy as np
import pytest
from marginal_designs import FURTHER, one_way, prepared
from scipy import stats

from bayesmixed.engines.marginal_estimates import find_estimates
from bayesmixed.engines.marginal_layout import lay_out_marginal


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
