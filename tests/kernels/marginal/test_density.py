"""The marginal density: normal models, where it is known; sums over grids; draws of effects."""

import numpy as np
import pytest
from exact_margins import grid_logs
from marginal_designs import FURTHER, one_way, prepared, with_nodes
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.engines.marginal_estimates import find_estimates
from bayesmixed.engines.marginal_layout import lay_out_marginal
from bayesmixed.families import FAMILIES


@pytest.mark.parametrize(
    ("family", "link"),
    [(family.name, link) for family in FAMILIES.values() for link in family.concave_links if not family.has_categories],
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


def test_estimates_of_ordered_categories_have_the_mean_of_sums_over_a_grid():
    generator = np.random.default_rng(3)
    g = np.repeat(np.arange(4), 6)
    y = np.digitize(np.array([-0.8, 0.1, 0.4, 1.2])[g] + generator.logistic(size=24), [-0.5, 0.6, 1.5]) + 1
    priors = {"threshold": "Normal(0, 2)", "sd_g": "HalfNormal(1)"}
    design = prepared("y ~ 1 + (1 | g)", {"y": y, "g": np.array(list("abcd"))[g]}, "cumulative", priors)
    estimates = with_nodes(find_estimates(lay_out_marginal(design)), 19)
    distances, sd = np.array([0.9, 0.6]), 0.7
    z, firsts = np.linspace(-7.0, 7.0, 141), np.linspace(-6.0, 5.0, 221)
    logs = []
    for first in firsts:
        cuts = first + np.cumsum(np.append(0.0, distances))
        values = {"mu": sd * z[:, None]} | dict(zip(design.family.cuts, cuts, strict=True))
        rows = design.family.logp(y, values, 1.0)
        levels = [special.logsumexp(rows[:, g == j].sum(axis=1) + stats.norm.logpdf(z)) for j in range(4)]
        logs.append(np.sum(levels) + 4 * np.log(z[1] - z[0]) + stats.norm.logpdf(cuts, scale=2.0).sum())
    exact = special.logsumexp(logs) + np.log(firsts[1] - firsts[0])
    exact += np.sum(np.log(distances)) + stats.halfnorm.logpdf(sd) + np.log(sd)
    order = np.argsort(estimates.layout.kept[estimates.layout.outer])
    point = np.empty(3)
    point[order] = np.log([sd, *distances]) if order[0] == 2 else np.log([*distances, sd])
    found, _ = estimates.evaluate(np.tile(point, (2000, 1)), np.random.default_rng(5))
    ratios = np.exp(found - exact)
    assert ratios.mean() == pytest.approx(1.0, abs=4 * ratios.std() / np.sqrt(2000) + 2e-3)
    assert ratios.std() < 0.6
