"""Integrals over correlated effects of a level, and draws of them, beside grids."""

import numpy as np
import pytest
from marginal_designs import prepared, with_nodes
from scipy import special, stats

from bayesmixed.engines.marginal_estimates import find_estimates
from bayesmixed.engines.marginal_layout import lay_out_marginal
from bayesmixed.kernels.joint.decoding import term_root


def slopes():
    """Return counts with an intercept and a slope for each of three groups, and the density of one group over a grid."""
    generator = np.random.default_rng(4)
    g, x = np.repeat(np.arange(3), 6), np.tile(np.linspace(-1.0, 1.5, 6), 3)
    y = generator.poisson(np.exp(np.array([0.3, -0.5, 1.0])[g] + np.array([0.8, 0.0, -0.6])[g] * x))
    data = {"y": y.astype(float), "x": x, "g": np.array(list("abc"))[g]}
    design = prepared("y ~ 0 + (x | g)", data, "poisson", {"sd_g": "HalfNormal(2)", "corr_g": "LKJ(2)"})
    return find_estimates(lay_out_marginal(design))


def grid_of_a_level(estimates, point, j):
    """Return a grid of standardised effects, and the log-density of the rows of a level and of these."""
    z = np.linspace(-7.0, 7.0, 281)
    both = np.stack(np.meshgrid(z, z, indexing="ij"), axis=-1)
    (term,) = estimates.layout.full.predictors["mu"].terms
    full = np.zeros((1, estimates.layout.full.dimension))
    full[:, estimates.layout.kept] = point
    effects = both @ term_root(full, term)[0].T
    rows = estimates.layout.rows
    own = slice(rows.pointers[j], rows.pointers[j + 1])
    eta = rows.offset[own] + effects @ rows.own[own].T
    logs = np.sum(rows.weights[own] * (rows.constants[own] + rows.response[own] * eta - np.exp(eta)), axis=-1)
    return z, logs - 0.5 * np.sum(both**2, axis=-1) - np.log(2 * np.pi)


POINTS = np.array([[0.0, -0.5, 0.4], [0.9, 0.5, -1.5], [-4.0, -3.0, 0.0]])


def test_the_integral_over_slopes_is_that_of_a_grid():
    estimates = with_nodes(slopes(), 15)
    still = np.zeros((3, 0)), np.zeros(3)
    found = estimates.estimate(POINTS, *still)[0]
    coarse = with_nodes(estimates, 9).estimate(POINTS, *still)[0]
    priors = []
    for sd1, sd2, x in np.c_[np.exp(POINTS[:, :2]), POINTS[:, 2]]:
        u = special.expit(x)
        prior = stats.beta.logpdf(u, 2, 2) + np.log(u * (1 - u))
        priors.append(prior + sum(stats.halfnorm.logpdf(sd, scale=2) + np.log(sd) for sd in (sd1, sd2)))
    exact = []
    for point in POINTS:
        laws = [grid_of_a_level(estimates, point, j) for j in range(3)]
        exact.append(sum(special.logsumexp(logs) + 2 * np.log(z[1] - z[0]) for z, logs in laws))
    assert found == pytest.approx(np.add(exact, priors), abs=2e-4)
    assert coarse == pytest.approx(found, abs=2e-3)


@pytest.mark.parametrize("number", range(3))
def test_draws_of_slopes_have_their_law(number):
    from bayesmixed.kernels.marginal.compiled import draw_levels

    estimates, count = slopes(), 4000
    layout, point = estimates.layout, POINTS[number]
    drawn = np.empty((count, 3, 2))
    points, border = np.tile(point, (count, 1)), np.zeros((count, 0))
    draw_levels(points, border, np.random.default_rng(7), layout.rows, layout.packed.data, estimates.levels, drawn)
    for j in range(3):
        z, logs = grid_of_a_level(estimates, point, j)
        mass = np.exp(logs - logs.max())
        for k, turned in enumerate((mass, mass.T)):
            law = np.cumsum(turned.sum(axis=1))
            law = (law - 0.5 * turned.sum(axis=1)) / law[-1]
            assert stats.kstest(np.interp(drawn[:, j, k], z, law), "uniform").pvalue > 1e-4
        product = np.multiply.outer(z, z)
        mean = np.sum(mass * product) / mass.sum()
        spread = np.sqrt(np.sum(mass * (product - mean) ** 2) / mass.sum())
        assert np.mean(drawn[:, j, 0] * drawn[:, j, 1]) == pytest.approx(mean, abs=4.5 * spread / np.sqrt(count))
