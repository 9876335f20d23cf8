"""Integrals over the effects of sets beside sums over dense grids."""

import numpy as np
import pytest
from scipy import special, stats
from uncompiled import uncompiled

from bayesmixed.cross_validation import set_integrals
from bayesmixed.cross_validation.integrated_rows import as_rows, rules_of
from bayesmixed.engines.marginal_estimates import line_rule
from bayesmixed.kernels.rows.families import BINOMIAL, NEGBIN, POISSON
from bayesmixed.kernels.rows.links import LINK_CODES

NOWHERE = np.zeros(0, dtype=np.int64)
ETA = np.array([[0.4, -0.3, 1.1, 0.2, -0.8], [0.1, 0.6, 0.9, -0.2, 0.0]])
GRID = np.linspace(-8.0, 8.0, 401)
FAMILIES = {
    "poisson": (POISSON, "log", [0, 3, 1, 2, 7], lambda y, eta: stats.poisson.logpmf(y, np.exp(eta))),
    "events": (BINOMIAL, "logit", [0, 1, 1, 1, 0], lambda y, eta: stats.bernoulli.logpmf(y, special.expit(eta))),
    "negbin": (
        NEGBIN,
        "log",
        [0, 3, 1, 2, 7],
        lambda y, eta: stats.nbinom.logpmf(y, 1.7, 1.7 / (1.7 + np.exp(eta))),
    ),
}


def found_by(name, family, loadings, nodes, sds=(0.0, 0.0)):
    """Return the integrals of the sets of three and of two rows."""
    code, link, y, logpmf = FAMILIES[family]
    y, width = np.array(y, dtype=float), loadings.shape[-1]
    rows = as_rows(
        layered=sds[0] > 0.0,
        plain=True,
        kinds=np.full(5, -1),
        examples=NOWHERE,
        family=code,
        link=LINK_CODES[link],
        response=y,
        trials=np.ones(5),
        weights=np.ones(5),
        scalar=0,
        pointers=np.array([0, 3, 5]),
    )
    base, modes, (out, changes) = np.full(5, 0.3), np.full((2, 2, width), np.nan), np.empty((2, 2, 2))
    known = np.broadcast_to(logpmf(y, base), (2, 5))
    given = ETA, np.full((2, 5), 1.7), loadings, np.array(sds), base, known
    uncompiled(getattr(set_integrals, name))(rows, *given, rules_of(nodes, width), line_rule(15), modes, out, changes)
    assert np.all(np.isfinite(modes))
    return out


def on_a_grid(family, loadings, sds=(0.0, 0.0)):
    _, _, y, logpmf = FAMILIES[family]
    mass = stats.norm.logpdf(GRID) + np.log(GRID[1] - GRID[0])
    found = np.empty((2, 2))
    for s in range(2):
        if sds[s] > 0.0:
            inner = ETA[s, :, None, None] + loadings[s, :, :1, None] * GRID[:, None] + sds[s] * GRID
            rows = special.logsumexp(logpmf(np.array(y)[:, None, None], inner) + mass, axis=-1)
        else:
            rows = logpmf(np.array(y)[:, None], ETA[s, :, None] + loadings[s, :, :1] * GRID)
        for j, own in enumerate((slice(0, 3), slice(3, 5))):
            found[s, j] = special.logsumexp(mass + rows[own].sum(axis=0))
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sd", [1e-9, 0.9, 4.0])
def test_one_effect_is_integrated_as_on_a_grid_by_both_functions(family, sd):
    loadings, expected = np.full((2, 5, 1), sd), on_a_grid(family, np.full((2, 5, 1), sd))
    for name in ("integrate_sets", "integrate_plain_sets"):
        np.testing.assert_allclose(found_by(name, family, loadings, 25), expected, atol=2e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_effects_of_rows_are_integrated_within_them(family):
    loadings, sds = np.full((2, 5, 1), 0.9), (0.5, 1.2)
    found = found_by("integrate_sets", family, loadings, 15, sds)
    np.testing.assert_allclose(found, on_a_grid(family, loadings, sds), atol=1e-4)


@pytest.mark.parametrize("width", [2, 3])
def test_several_effects_with_equal_columns_are_one(width):
    loadings = np.random.default_rng(1).normal(size=(2, 5, 1))
    several = np.concatenate([loadings / np.sqrt(width)] * width, axis=-1)
    found = found_by("integrate_sets", "poisson", several, 11)
    np.testing.assert_allclose(found, on_a_grid("poisson", loadings), atol=2e-4)


def test_modes_of_two_effects_far_away_are_found():
    generator = np.random.default_rng(8)
    x = generator.normal(size=6)
    loadings, y = 5.0 * np.column_stack([np.ones(6), x]), generator.poisson(5e4, size=6).astype(float)
    given = {"kinds": np.full(6, -1), "examples": NOWHERE, "family": POISSON, "link": LINK_CODES["log"], "scalar": -1}
    rows = as_rows(
        layered=False, plain=True, response=y, trials=np.ones(6), weights=np.ones(6), pointers=np.array([0, 6]), **given
    )
    eta, base, modes, (out, changes) = (0.3 + 0.5 * x)[None], np.zeros(6), np.zeros((1, 1, 2)), np.empty((2, 1, 1))
    known = stats.poisson.logpmf(y, 1.0)[None]
    uncompiled(set_integrals.integrate_sets)(
        rows,
        eta,
        np.ones((1, 6)),
        loadings[None],
        np.zeros(1),
        base,
        known,
        rules_of(7, 2),
        line_rule(15),
        modes,
        out,
        changes,
    )
    place = modes[0, 0]
    mean = np.exp(eta[0] + loadings @ place)
    bend = np.eye(2) + (mean[:, None] * loadings).T @ loadings
    laplace = stats.poisson.logpmf(y, mean).sum() - 0.5 * place @ place - 0.5 * np.linalg.slogdet(bend)[1]
    np.testing.assert_allclose(out[0, 0], laplace, rtol=1e-3)
    assert np.abs((y - mean) @ loadings - place).max() < 100.0
