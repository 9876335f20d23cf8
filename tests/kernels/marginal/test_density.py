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
from bayesmixed.kernels.collapsed.compiled import evaluate
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed
from bayesmixed.kernels.joint.decoding import term_root

ROWS = 40


def table():
    generator = np.random.default_rng(3)
    i = np.arange(ROWS)
    return {
        "y": 20 + 3 * generator.normal(size=ROWS) + i % 6,
        "x": generator.normal(size=ROWS) + 1.0,
        "w": 0.5 + generator.uniform(size=ROWS),
        "o": generator.normal(size=ROWS),
        "g": np.array(list("abcdefgh"))[i % 8],
        "h": np.array([f"h{k}" for k in range(5)])[generator.integers(0, 5, ROWS)],
        "m": np.array(list("pqrs"))[i % 4],
        "u": np.array(list("pqrs"))[(i // 3) % 4],
    }


NORMAL = {
    "one factor": ("y ~ x + (1 | g)", {}),
    "slopes": ("y ~ x + (0 + x | g)", {}),
    "offset": ("y ~ x + offset(o) + (1 | g)", {}),
    "weights": ("y | weights(w, 'precision') ~ x + (1 | g)", {}),
    "crossed": ("y ~ x + (1 | g) + (1 | h)", {}),
    "correlated in the border": ("y ~ x + (1 | g) + (x | m)", {}),
    "several levels": ("y ~ 1 + (1 | g) + (1 | mm(m, u))", {}),
    "smooth": ("y ~ s(x, k=5) + (1 | g)", {}),
    "fixed": ("y ~ x + (1 | g) + (1 | h)", {"beta[x]": 0.7, "sd_h": 0.8, "sigma": 3.0}),
    "correlated": ("y ~ x + (x | g)", {}),
    "three effects": ("y ~ x + (x + o | g) + (1 | h)", {}),
    "two parts": ("y ~ x + (1 | g) + (0 + x | g)", {}),
    "no population": ("y ~ 0 + (1 | g)", {}),
}


def prepared(formula, data, family="gaussian", priors=None, link=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, family=family, priors=priors or {}, link=link), data)


def with_nodes(estimates, count):
    nodes, log_weights = rule(count, estimates.levels.shape[1])
    return replace(estimates, nodes=nodes, log_weights=log_weights)


@pytest.mark.parametrize("name", NORMAL)
def test_of_a_normal_model_every_estimate_is_the_density_itself(name):
    formula, priors = NORMAL[name]
    design = prepared(formula, table(), priors=priors)
    estimates = with_nodes(find_estimates(lay_out_marginal(design)), 41)
    collapsed = lay_out_collapsed(design)
    generator = np.random.default_rng(1)
    points = estimates.mode + generator.normal(size=(5, len(estimates.mode)))
    noise = generator.normal(size=(5, estimates.kept))
    logs, _ = estimates.estimate(points, noise, -0.5 * np.sum(noise**2, axis=1))
    exact = [evaluate(collapsed.packed, point)[0] for point in points]
    assert logs == pytest.approx(exact, rel=1e-9)


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


def test_frequency_weights_count_rows():
    data = one_way("poisson")
    twice = {name: np.repeat(np.asarray(v), 2) if np.ndim(v) else v for name, v in data.items()}
    weighted = prepared("y | weights(k, 'frequency') ~ 1 + (1 | g)", data | {"k": np.full(20, 2)}, "poisson")
    plain = prepared("y ~ 1 + (1 | g)", twice, "poisson", {k: v.prior for k, v in weighted.priors.items()})
    points, still = np.array([[-1.0], [0.5]]), (np.zeros((2, 1)), np.zeros(2))
    one, other = (with_nodes(find_estimates(lay_out_marginal(design)), 15) for design in (weighted, plain))
    other = replace(other, mode=one.mode, centre=np.repeat(one.centre, len(other.centre) // len(one.centre)))
    assert one.estimate(points, *still)[0] == pytest.approx(other.estimate(points, *still)[0], abs=1e-6)


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
