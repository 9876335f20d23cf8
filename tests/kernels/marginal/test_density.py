"""The marginal density: normal models, where it is known; sums over grids; draws of effects."""

import numpy as np
import pytest
from exact_margins import grid_logs
from marginal_designs import FURTHER, one_way, prepared, with_nodes
from scipy import interpolate, special, stats

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


@pytest.mark.parametrize(
    ("family", "link"), [("cumulative", "logit"), ("sratio", "logit"), ("sratio", "cloglog"), ("cratio", "probit")]
)
def test_estimates_of_ordered_categories_have_the_mean_of_sums_over_a_grid(family, link):
    generator = np.random.default_rng(3)
    g = np.repeat(np.arange(4), 6)
    y = np.digitize(np.array([-0.8, 0.1, 0.4, 1.2])[g] + generator.logistic(size=24), [-0.5, 0.6, 1.5]) + 1
    priors = {"threshold": "Normal(0, 2)", "sd_g": "HalfNormal(1)"}
    design = prepared("y ~ 1 + (1 | g)", {"y": y, "g": np.array(list("abcd"))[g]}, family, priors, link)
    estimates = with_nodes(find_estimates(lay_out_marginal(design)), 19)
    free = design.family.at_risk is not None
    distances, sd = np.array([0.9, -0.6 if free else 0.6]), 0.7
    z, firsts = np.linspace(-7.0, 7.0, 141), np.linspace(-6.0, 5.0, 221)
    logs = []
    for first in firsts:
        cuts = first + np.cumsum(np.append(0.0, distances))
        values = {"mu": sd * z[:, None]} | dict(zip(design.family.cuts, cuts, strict=True))
        rows = design.family.logp(y, values, 1.0)
        levels = [special.logsumexp(rows[:, g == j].sum(axis=1) + stats.norm.logpdf(z)) for j in range(4)]
        logs.append(np.sum(levels) + 4 * np.log(z[1] - z[0]) + stats.norm.logpdf(cuts, scale=2.0).sum())
    exact = special.logsumexp(logs) + np.log(firsts[1] - firsts[0])
    exact += (0.0 if free else np.sum(np.log(distances))) + stats.halfnorm.logpdf(sd) + np.log(sd)
    order = np.argsort(estimates.layout.kept[estimates.layout.outer])
    point = np.empty(3)
    steps = distances if free else np.log(distances)
    point[order] = [np.log(sd), *steps] if order[0] == 2 else [*steps, np.log(sd)]
    found, _ = estimates.evaluate(np.tile(point, (2000, 1)), np.random.default_rng(5))
    ratios = np.exp(found - exact)
    assert ratios.mean() == pytest.approx(1.0, abs=4 * ratios.std() / np.sqrt(2000) + 2e-3)
    assert ratios.std() < 0.6


Z = np.linspace(-8.0, 8.0, 321)
WEIGHT = stats.norm.logpdf(Z) + np.log(Z[1] - Z[0])


def nested_grids(design, known, sds):
    """Return the log-likelihood of rows in four groups, effects of rows, then of groups summed over grids, intercept 0.2."""
    own, group = sds
    at = np.linspace(-9.0, 9.0, 721) * max(group, 0.1)
    values = {**known, design.family.parameters[0].name: design.mu.link.inverse(0.2 + at[:, None] + own * Z)}
    total = 0.0
    for rows in np.split(np.asarray(design.response, dtype=float), 4):
        with np.errstate(all="ignore"):
            each = [np.nan_to_num(design.family.logp(y, values, 7.0), nan=-1e6, neginf=-1e6) for y in rows]
        below = sum(special.logsumexp(np.maximum(one, -1e6) + WEIGHT, axis=1) for one in each)
        total += special.logsumexp(interpolate.CubicSpline(at, below)(group * Z) + WEIGHT)
    return total


@pytest.mark.parametrize("family", ["poisson", "binomial", "negbin", "gamma"])
def test_effects_of_rows_are_integrated_within_those_of_their_group(family):
    known, data = FURTHER.get(family, {}), one_way(family) | {"each": np.arange(20).astype(str)}
    trials = " | trials(n)" if family == "binomial" else ""
    formula = f"y{trials} ~ 1 + (1 | g) + (1 | each)"
    design = prepared(formula, data, family, known | {"beta[Intercept]": 0.2})
    estimates = with_nodes(find_estimates(lay_out_marginal(design)), 41)
    names = [term.placement.group.name for term in estimates.layout.full.predictors["mu"].terms]
    for sds in [(1e-8, 0.5), (0.5, 1e-8), (0.3, 0.7), (2.0, 0.3), (0.3, 5.0), (5.0, 1.0)]:
        point = np.array([dict(zip(("each", "g"), sds, strict=True))[name] for name in names])
        found = estimates.estimate(np.log(point)[None], np.zeros((1, 0)), np.zeros(1))[0][0]
        prior = sum(
            design.priors[f"sd_{name}[Intercept]"].prior.frozen().logpdf(sd) + np.log(sd)
            for name, sd in zip(names, point, strict=True)
        )
        wide = sds[0] > 2.0
        assert found == pytest.approx(nested_grids(design, known, sds) + prior, abs=5e-3 if wide else 1e-4)
