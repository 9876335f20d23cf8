"""Rows of levels as functions of their effects, beside single rows."""

from functools import cache

import numpy as np
import pytest
from marginal_designs import FURTHER, one_way, prepared
from uncompiled import uncompiled

from bayesmixed.engines.marginal_estimates import line_rule
from bayesmixed.engines.marginal_layout import lay_out_marginal
from bayesmixed.kernels.marginal import levels
from bayesmixed.kernels.marginal.rows import row_slopes

FAMILIES = ["poisson", "bernoulli", "binomial", "negbin", "gamma"]


@cache
def case(family):
    """Return rows in levels, their predictors without effects, further parameters, and single rows for comparison."""
    trials = " | trials(n)" if family == "binomial" else ""
    design = prepared(f"y{trials} ~ 1 + (1 | g)", one_way(family), family, FURTHER.get(family, {}))
    rows = lay_out_marginal(design).rows
    count = len(rows.response)
    eta = 0.3 * np.random.default_rng(1).normal(size=count)
    further = np.full(count, 1.7)

    def single(j, effect, shift):
        value = uncompiled(row_slopes)
        own = range(rows.pointers[j], rows.pointers[j + 1])
        found = [
            value(rows.family, rows.link, rows.response[i], rows.trials[i], further[i], eta[i] + effect + shift)
            for i in own
        ]
        return np.array(found) * rows.weights[list(own), None]

    space = uncompiled(levels.level_space)(rows, line_rule(5))
    linear = uncompiled(levels.prepare_levels)(rows, eta, further, space)
    return rows, eta, further, space, linear, single


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("effect", [-2.0, 0.7, 60.0])
def test_levels_at_once_are_sums_of_rows(family, effect):
    rows, _, _, space, linear, single = case(family)
    assert levels.at_once(rows)
    chosen = np.arange(len(rows.pointers) - 1)
    values, slope, bend = np.empty(len(chosen)), np.empty(len(chosen)), np.empty(len(chosen))
    effects = np.full(len(chosen), effect)
    uncompiled(levels.level_values)(rows, space, chosen, effects, values)
    uncompiled(levels.level_slopes)(rows, space, chosen, effects, slope, bend)
    exact = np.array([single(j, effect, 0.0).sum(axis=0) for j in chosen])
    assert linear + values.sum() == pytest.approx(exact[:, 0].sum(), rel=1e-11)
    assert slope == pytest.approx(exact[:, 1], rel=1e-11, abs=1e-12)
    assert bend == pytest.approx(exact[:, 2], rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_shifted_rows_and_grids_are_sums_of_rows(family):
    rows, eta, further, space, linear, single = case(family)
    chosen = np.arange(len(rows.pointers) - 1)
    count = len(eta)
    first, second, values = np.empty(count), np.empty(count), np.empty(len(chosen))
    uncompiled(levels.shifted_rows)(rows, eta, further, space, chosen, np.full(count, 0.4), True, first, second, values)
    exact = np.concatenate([single(j, 0.4, 0.0) for j in chosen])
    assert linear + values.sum() == pytest.approx(exact[:, 0].sum(), rel=1e-11)
    assert first == pytest.approx(exact[:, 1], rel=1e-11, abs=1e-12)
    assert second == pytest.approx(exact[:, 2], rel=1e-11, abs=1e-12)
    places, total = np.array([-1.5, 0.0, 1.5]), np.zeros(3)
    for j in chosen:
        found, grid = np.empty(3), np.empty(8 * count)
        uncompiled(levels.grid_values)(
            rows, eta, further, space, j, np.array([0.2]), np.array([[0.6]]), places, grid, found
        )
        total += found
    exact = [sum(single(j, 0.2, 0.6 * place)[:, 0].sum() for j in chosen) for place in places]
    assert linear + total == pytest.approx(exact, rel=1e-11)
