"""Integrals over the effects of levels, and draws of them, beside grids."""

import numpy as np
import pytest
from marginal_designs import FURTHER, one_way, prepared, with_nodes
from scipy import special, stats

from bayesmixed.engines.marginal_estimates import find_estimates
from bayesmixed.engines.marginal_layout import lay_out_marginal
from bayesmixed.kernels.joint.decoding import term_root


@pytest.mark.parametrize("family", ["bernoulli", "poisson", "negbin"])
@pytest.mark.parametrize("sd", [1e-3, 0.7, 4.0])
def test_draws_of_effects_have_their_exact_law(family, sd):
    from bayesmixed.kernels.marginal.compiled import draw_levels

    design = prepared(
        "y ~ 1 + (1 | g)", one_way(family), family, FURTHER.get(family, {}) | {"beta[Intercept]": "Normal(0.2, 0.8)"}
    )
    estimates = find_estimates(lay_out_marginal(design))
    layout, count = estimates.layout, 4000
    points = np.tile([0.5, np.log(sd)], (2, 1))
    border = np.full((2, 1), (0.5 - layout.coefficients[1, 0]) / layout.coefficients[2, 0])
    drawn = np.empty((count, 4, 1))
    stream = np.random.default_rng(6)
    counts = np.array([1, count - 1])
    draw_levels(
        points, border, counts, stream, layout.rows, layout.packed.data, estimates.levels, estimates.rule, drawn
    )
    z = np.linspace(-9, 9, 4001)
    known = FURTHER.get(family, {})
    y, index = np.asarray(design.response, dtype=float), design.mu.normal_blocks[0].read_rows()[0]
    for j in range(4):
        values = {**known, design.family.parameters[0].name: design.mu.link.inverse(0.5 + sd * z)}
        logs = -0.5 * z**2 + sum(design.family.logp(one, values, 1.0) for one in y[index == j])
        law = np.cumsum(np.exp(logs - logs.max()))
        probability = stats.kstest(np.interp(drawn[:, j, 0], z, law / law[-1]), "uniform").pvalue
        assert probability > 1e-4


@pytest.mark.parametrize("sds", [(0.7, 0.5), (1e-8, 0.8), (1.5, 1e-8)])
def test_draws_of_effects_of_rows_and_of_their_levels_have_their_exact_law(sds):
    from bayesmixed.kernels.marginal.compiled import draw_levels, draw_row_effects

    (own, group), count = sds, 4000
    data = {"y": np.array([0.0, 3.0, 1.0, 2.0]), "g": np.array(list("aaab")), "each": np.array(list("wxyz"))}
    design = prepared("y ~ 1 + (1 | g) + (1 | each)", data, "poisson", {"beta[Intercept]": 0.5})
    estimates = with_nodes(find_estimates(lay_out_marginal(design)), 27)
    layout, rule, stream = estimates.layout, estimates.rule, np.random.default_rng(8)
    names = [term.placement.group.name for term in layout.full.predictors["mu"].terms]
    point, border = np.log([{"each": own, "g": group}[name] for name in names])[None], np.zeros((1, 0))
    levels, rows = np.empty((count, 2, 1)), np.empty((count, 4, 1))
    counts = np.array([count])
    draw_levels(point, border, counts, stream, layout.rows, layout.packed.data, estimates.levels, rule, levels)
    given = np.repeat(point, count, 0), np.zeros((count, 0)), levels, stream
    draw_row_effects(*given, layout.rows, layout.single, layout.packed.data, rule, rows)
    z = np.linspace(-7.0, 7.0, 561)
    each = np.array([stats.poisson.logpmf(y, np.exp(0.5 + group * z[:, None] + own * z)) for y in data["y"][:3]])
    each = np.exp(each + stats.norm.logpdf(z))
    whole = each.sum(axis=2)
    shared = stats.norm.pdf(z)
    laws = [shared * whole.prod(axis=0)]
    laws += [(shared * np.delete(whole, i, axis=0).prod(axis=0)) @ each[i] for i in range(3)]
    for law, drawn in zip(laws, (levels[:, 0, 0], *rows[:, :3, 0].T), strict=True):
        law = np.cumsum(law)
        assert (
            stats.kstest(np.interp(drawn, z, (law - 0.5 * np.diff(law, prepend=0)) / law[-1]), "uniform").pvalue > 1e-4
        )
    both = (shared * np.delete(whole, 0, axis=0).prod(axis=0))[:, None] * each[0]
    both /= both.sum()
    mean = z @ both @ z
    products = levels[:, 0, 0] * rows[:, 0, 0]
    assert products.mean() == pytest.approx(mean, abs=4.5 * products.std() / np.sqrt(count))


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
    logs = np.sum(
        rows.weights[own] * (-special.gammaln(rows.response[own] + 1.0) + rows.response[own] * eta - np.exp(eta)),
        axis=-1,
    )
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
    points, border, counts = np.tile(point, (2, 1)), np.zeros((2, 0)), np.array([1, count - 1])
    draw_levels(
        points,
        border,
        counts,
        np.random.default_rng(7),
        layout.rows,
        layout.packed.data,
        estimates.levels,
        estimates.rule,
        drawn,
    )
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
