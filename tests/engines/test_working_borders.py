"""Borders of rows that are not normal: estimates by one factor are those by a factor for each point, and the better ones."""

import numpy as np
import pytest
from marginal_designs import prepared, with_nodes
from scipy import special

from bayesmixed.engines import marginal_estimates, shared_factors
from bayesmixed.engines.marginal_estimates import find_estimates
from bayesmixed.engines.marginal_layout import lay_out_marginal
from bayesmixed.engines.working_borders import _read_model, border_variances

DRAWS = 250
FORMULAS = {
    "crossed": ("y ~ x + (1 | a) + (1 | b)", "bernoulli", None),
    "three factors": ("y ~ x + (1 | a) + (1 | b) + (1 | c)", "poisson", None),
    "slopes beside": ("y ~ x + (1 | a) + (x | b)", "poisson", None),
    "slopes within": ("y ~ x + (0 + x | a) + (1 | b)", "bernoulli", "probit"),
    "smooth": ("y ~ s(x, k=6) + (1 | a)", "poisson", None),
    "offset": ("y ~ 0 + offset(o) + (1 | a) + (1 | mm(b, d))", "bernoulli", "cloglog"),
}


def layout_of(name, rows=600):
    formula, family, link = FORMULAS[name]
    generator = np.random.default_rng(11)
    a, b, c, d = (generator.integers(0, size, rows) for size in (30, 20, 4, 20))
    x = generator.normal(size=rows)
    eta = 0.3 * x + 0.5 * generator.normal(size=30)[a] + 0.6 * generator.normal(size=20)[b]
    y = generator.poisson(np.exp(eta)) if family == "poisson" else generator.binomial(1, special.expit(eta))
    names = {"a": a.astype(str), "b": b.astype(str), "c": c.astype(str), "d": d.astype(str)}
    return lay_out_marginal(prepared(formula, {"y": y, "x": x, "o": 0.2 * x, **names}, family, link=link))


def both(name, monkeypatch):
    """Return estimates by a factor for each point, and by one for all, of which no columns are made anew."""
    monkeypatch.setattr(shared_factors, "_FEW", 0)
    layout, found = layout_of(name), []
    for large in (10**9, 0):
        monkeypatch.setattr(marginal_estimates, "LARGE", large)
        found.append(with_nodes(find_estimates(layout), 9))
    assert found[0].shared is None
    assert found[1].shared is not None
    return found


@pytest.mark.parametrize("name", FORMULAS)
def test_estimates_by_one_factor_have_the_same_mean(name, monkeypatch):
    separate, shared = both(name, monkeypatch)
    root = np.linalg.cholesky(separate.covariance)
    generator = np.random.default_rng(1)
    for scale in (0.0, 0.5, 1.0):
        point = separate.mode + scale * root @ generator.normal(size=len(separate.mode))
        points = np.repeat(point[None], DRAWS, axis=0)
        one, other = (estimates.evaluate(points, generator)[0] for estimates in (separate, shared))
        one, other = np.exp(one - one.max()), np.exp(other - one.max())
        error = np.hypot(one.std(), other.std()) / np.sqrt(DRAWS)
        assert other.mean() == pytest.approx(one.mean(), abs=4.5 * error)


def test_skew_draws_around_the_mean_are_worth_more_than_normal_ones_around_the_mode(monkeypatch):
    _, shared = both("crossed", monkeypatch)
    points = np.repeat(shared.mode[None], 600, axis=0)

    def worth():
        weights = special.softmax(shared.evaluate(points, np.random.default_rng(2))[0])
        return 1.0 / np.sum(weights**2) / len(weights)

    corrected = worth()
    shared.shared.thirds = None
    centred = worth()
    shared.shared.model = _read_model(shared.layout, shared.frozen[0][0])
    assert corrected > centred + 0.01 > worth() + 0.02


@pytest.mark.parametrize("name", ["three factors", "slopes beside", "offset", "smooth"])
def test_variances_of_rows_are_those_of_dense_products(name):
    rows = layout_of(name).rows
    size, width = rows.border, rows.columns.shape[1]
    dense = np.zeros((len(rows.offset), size))
    of_rows = np.repeat(np.arange(len(dense)), np.diff(rows.starts))
    np.add.at(dense, (of_rows, rows.places), rows.loadings)
    dense[:, size - width :] = rows.columns
    root = np.random.default_rng(3).normal(size=(size, size))
    covariance = root @ root.T
    assert border_variances(rows, covariance) == pytest.approx(np.einsum("ij,jk,ik->i", dense, covariance, dense))


def test_estimates_that_are_worth_nothing_are_refused_before_any_chain(monkeypatch):
    _, shared = both("crossed", monkeypatch)
    assert shared.refusal(1) is None
    shared.shared.factor *= 0.3
    assert "are worth" in shared.refusal(1)
