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
