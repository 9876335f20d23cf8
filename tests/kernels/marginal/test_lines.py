"""Hulls of tangents: above the density, with their masses, and draws from below them."""

import numpy as np
import pytest
from marginal_designs import one_way, prepared
from scipy import stats
from uncompiled import uncompiled

from bayesmixed.engines.marginal_estimates import line_rule
from bayesmixed.engines.marginal_layout import lay_out_marginal
from bayesmixed.kernels.marginal import levels, lines


def hulls_of(formula, root):
    """Return the lines of Poisson rows in four groups, what they are made of, and their hulls."""
    data = one_way("poisson") | {"x": np.linspace(-1.0, 1.0, 20)}
    rows = lay_out_marginal(prepared(formula, data, "poisson")).rows
    eta, further = rows.offset.copy(), np.ones(20)
    space, line = uncompiled(levels.level_space)(rows, line_rule(5)), uncompiled(lines.line_space)(rows)
    uncompiled(levels.prepare_levels)(rows, eta, further, space)
    if rows.own.shape[1] > 1:
        line[0][0][:], line[0][1][:] = [0.5, -0.2], [0.3, 0.8]
    uncompiled(lines.set_lines)(rows, root, line)
    middle, spreads, hulls = np.zeros(4), np.empty(4), uncompiled(lines.hull_space)(4)
    given = rows, eta, further, root, space, line
    uncompiled(lines.climb_lines)(*given, middle, spreads)
    uncompiled(lines.set_hulls)(*given, middle, spreads, hulls)
    return given, middle, hulls


def density(given, j, places):
    """Return the log-density of a level along its line, a term for each row."""
    rows, eta, _, root, _, ((starts, directions, _, _), _) = given
    own = slice(rows.pointers[j], rows.pointers[j + 1])
    z = starts[j] + np.multiply.outer(places, directions[j])
    predictor = eta[own] + z @ root.T @ rows.own[own].T
    return (rows.response[own] * predictor - np.exp(predictor)) @ rows.weights[own] - 0.5 * np.sum(z**2, axis=1)


CASES = [("y ~ 1 + (1 | g)", np.array([[0.8]])), ("y ~ 1 + (x | g)", np.array([[0.8, 0.0], [0.3, 1.1]]))]


@pytest.mark.parametrize(("formula", "root"), CASES)
def test_tangents_lie_above_the_density_and_their_masses_are_integrals(formula, root):
    given, middle, (at, value, slope, masses) = hulls_of(formula, root)
    places = np.linspace(-14.0, 14.0, 280_001)
    for j in range(4):
        exact = density(given, j, places)
        assert middle[j] == pytest.approx(places[np.argmax(exact)], abs=0.1)
        tangents = value[j] + slope[j] * (places[:, None] - at[j])
        hull = np.min(tangents, axis=1)
        shift = np.interp(at[j, 1], places, exact) - value[j, 1]
        assert np.all(hull + shift >= exact - 1e-6)
        mass = np.sum(np.exp(hull - value[j, 1])) * (places[1] - places[0])
        assert masses[j, 2:].sum() == pytest.approx(mass, rel=1e-3)


@pytest.mark.parametrize(("formula", "root"), CASES)
def test_draws_along_lines_have_their_law(formula, root):
    given, _, hulls = hulls_of(formula, root)
    stream, drawn = np.random.default_rng(1), np.empty((300, 4))
    for one in drawn:
        uncompiled(lines.draw_lines)(*given, hulls, stream, one)
    places = np.linspace(-14.0, 14.0, 2801)
    for j in range(4):
        logs = density(given, j, places)
        law = np.cumsum(np.exp(logs - logs.max()))
        assert stats.kstest(np.interp(drawn[:, j], places, law / law[-1]), "uniform").pvalue > 1e-4


@pytest.mark.parametrize("sd", [1e-3, 0.3, 5.0, 30.0])
@pytest.mark.parametrize("largest", [200, 1_000_000])
def test_modes_are_found_at_any_sd_and_count(sd, largest):
    data = one_way("poisson") | {"y": np.repeat([0, largest // 100, largest // 2, largest], 5)}
    rows = lay_out_marginal(prepared("y ~ 1 + (1 | g)", data, "poisson")).rows
    eta, further, root = np.full(len(rows.response), 0.5), np.ones(len(rows.response)), np.array([[sd]])
    space, line = uncompiled(levels.level_space)(rows, line_rule(5)), uncompiled(lines.line_space)(rows)
    uncompiled(levels.prepare_levels)(rows, eta, further, space)
    middle, spreads = np.zeros(4), np.empty(4)
    uncompiled(lines.climb_lines)(rows, eta, further, root, space, line, middle, spreads)
    for j in range(4):
        own = slice(rows.pointers[j], rows.pointers[j + 1])
        mean = np.exp(0.5 + sd * middle[j])
        slope = sd * np.sum(rows.weights[own] * (rows.response[own] - mean)) - middle[j]
        assert abs(slope) < 0.5 * np.sqrt(1.0 + 5.0 * sd**2 * mean)
        assert spreads[j] == pytest.approx(1.0 / np.sqrt(1.0 + 5.0 * sd**2 * mean), rel=0.5)
