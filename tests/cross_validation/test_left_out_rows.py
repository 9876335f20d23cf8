"""The law of each row given the other rows, against closed forms, dense grids, and all rows at once."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import stats
from unit_tables import ROWS, design_of

import bayesmixed as bm
from bayesmixed.cross_validation.left_out_rows import leave_rows_out, predict_in_turn
from bayesmixed.cross_validation.log_densities import unit_densities
from bayesmixed.cross_validation.row_pieces import Asked
from bayesmixed.cross_validation.units import find_units
from bayesmixed.draws import pieces

GRID = np.linspace(-7.5, 7.5, 301)
MASS = stats.norm.pdf(GRID) * (GRID[1] - GRID[0])


class Law:
    """Predictions of all rows, put together."""

    def __init__(self, parts):
        parts = list(parts)
        order = np.argsort(np.concatenate([part.rows for part in parts]))
        self.log = np.concatenate([part.log for part in parts], axis=-1)[..., order]
        self.distribution = np.concatenate([part.distribution for part in parts], axis=-1)[..., order]
        self.moments = np.concatenate([part.moments for part in parts], axis=-1)[..., order]
        self.parts = len(parts)


def predict(design, posterior, points, *, moments=False, how=leave_rows_out):
    return Law(how(design, posterior, Asked(points, moments)))


@cache
def pairs():
    """Two rows a group, and the law of the first row given the second, on a dense grid."""
    data = ROWS.assign(pair=np.repeat([f"p{i}" for i in range(12)], 2))
    design = design_of("count ~ 1 + (1 | pair)", "poisson", data)
    y, mean = ROWS["count"].to_numpy(dtype=float), np.exp(0.8 + 1.5 * GRID)
    law = predict(design, fit_at(design, {"beta": 0.8, "sd_pair": 1.5}).posterior, np.stack([y, y - 1]))
    given = MASS * stats.poisson.pmf(y[1::2, None], mean)
    given /= given.sum(axis=1, keepdims=True)
    return law, y[::2, None], mean, given


def test_a_row_of_a_small_group_is_predicted_from_the_others_of_the_group():
    law, y, mean, given = pairs()
    expected = np.log(np.sum(given * stats.poisson.pmf(y, mean), axis=1))
    np.testing.assert_allclose(law.log[0, ::2], expected, atol=2e-4)


def test_the_distribution_function_of_a_left_out_row_belongs_to_the_same_prediction():
    law, y, mean, given = pairs()
    for at, found in zip((y, y - 1), law.distribution, strict=True):
        np.testing.assert_allclose(found[0, ::2], np.sum(given * stats.poisson.cdf(at, mean), axis=1), atol=1e-3)


def test_a_normal_row_is_predicted_from_the_others_of_its_group():
    design = design_of("y ~ 1 + (1 | g)", "gaussian")
    y = ROWS["y"].to_numpy()
    posterior = fit_at(design, {"beta": 0.1, "sd_g": 0.7, "sigma": 0.4}).posterior.isel(chain=[0], draw=[0])
    law = predict(design, posterior, np.stack([y, y + 0.3]))
    covariance = 0.49 + 0.16 * np.eye(8)
    weights = np.linalg.solve(covariance[1:, 1:], covariance[1:, 0])
    given = stats.norm(0.1 + weights @ (y[1:8] - 0.1), np.sqrt(0.65 - 0.49 * weights.sum()))
    assert law.log[0, 0] == pytest.approx(given.logpdf(y[0]))
    np.testing.assert_allclose(law.distribution[:, 0, 0], given.cdf([y[0], y[0] + 0.3]))


N = 48
GENERATOR = np.random.default_rng(1)
TABLE = pd.DataFrame(
    {
        "x": GENERATOR.normal(size=N),
        "g": GENERATOR.permutation(np.arange(N) % 6).astype(str),
        "h": GENERATOR.integers(0, 2, N).astype(str),
        "k": GENERATOR.integers(0, 3, N).astype(str),
        "pair": (np.arange(N) // 2).astype(str),
        "time": np.arange(N) // 6 + 0.0,
        "w": GENERATOR.integers(1, 4, N).astype(float),
    }
)
TABLE["y"] = 0.5 * TABLE["x"] + GENERATOR.normal(size=N)
TABLE["time"] = TABLE.groupby("g").cumcount().astype(float)
TABLE["count"] = GENERATOR.poisson(np.exp(0.4 * TABLE["y"]))
CASES = {
    "intercepts": ("y ~ x + (1 | g)", "gaussian", {}, "g"),
    "slopes": ("y ~ x + (x | g)", "gaussian", {}, "g"),
    "nested": ("y ~ x + (1 | g/h)", "gaussian", {}, "g"),
    "crossed": ("y ~ x + (x | g) + (1 | k)", "gaussian", {}, "k"),
    "a scale with a predictor": ("y ~ x + (1 | g)", "gaussian", {"sigma": "~ h"}, "g"),
    "weights": ('y | weights(w, "precision") ~ x + (1 | g)', "gaussian", {}, "g"),
    "curves": ("y ~ s(x) + (1 | g)", "gaussian", {}, "g"),
    "no groups": ("y ~ x", "gaussian", {}, "x"),
    "single rows": ("count ~ x + (1 | g) + obs()", "poisson", {}, "g"),
    "pairs": ("count ~ x + (1 | pair)", "poisson", {}, "pair"),
    "serial": ("y ~ x + (1 | g)", "gaussian", {"residual": "ar1(time | g)"}, "g"),
}


@pytest.mark.parametrize("case", CASES)
def test_rows_and_units_in_pieces_are_those_of_all_at_once(case, monkeypatch):
    formula, family, more, unit = CASES[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(bm.from_formula(formula, family=family, **more), TABLE)
    values = {predictor.sd(block): 0.6 for predictor, block in design.normal_blocks()}
    values |= {name: np.eye(matrix.width) for name, matrix in design.matrices.items()}
    posterior = fit_at(design, values | {"beta": 0.3, "sigma": 1.0, "ar1": 0.4}, jitter=0.05, draws=4).posterior
    y, how = np.asarray(design.response), predict_in_turn if case == "serial" else leave_rows_out

    def each():
        law = predict(design, posterior, np.stack([y, y - 1.0]), moments=True, how=how)
        return law, unit_densities(design, posterior, find_units(design, unit))

    whole, units = each()
    monkeypatch.setattr(pieces, "NUMBERS", 8 * 5)
    some, units_in_pieces = each()
    assert some.parts > whole.parts
    # Searches for modes end where those of all units of a piece have: quadrature is exact to about this.
    tolerance = 1e-6 if family == "poisson" else 1e-10
    for name in ("log", "distribution", "moments"):
        np.testing.assert_allclose(getattr(some, name), getattr(whole, name), rtol=tolerance, atol=1e-10)
    np.testing.assert_allclose(units_in_pieces, units, rtol=tolerance)
