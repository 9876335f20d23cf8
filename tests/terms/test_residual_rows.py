"""Rows of a group with correlated residuals, against matrices and densities of SciPy."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayesmixed.families import find_family
from bayesmixed.tables.factors import as_table
from bayesmixed.terms.correlations import toeplitz
from bayesmixed.terms.residual_blocks import CORRELATIONS, ResidualBlock, build_residual
from bayesmixed.terms.residual_correlations import Residual
from bayesmixed.terms.residual_rows import (
    draw_residuals,
    draw_rows,
    given_earlier,
    given_others,
    inverse_root,
    sums_from,
)

TEXTS = ("us(t | s)", "ar1(t | s)", "ou(t | s)", "homcs(1 | s)", "homtoep(t | s)", "ar1(1 | s)")
DRAWS = 2


def visits() -> pd.DataFrame:
    """Return groups that lack some of their visits, in no order."""
    generator = np.random.default_rng(1)
    rows = [(f"s{s}", t) for s in range(7) for t in (1, 2, 4, 5) if generator.random() < 0.75]
    return pd.DataFrame([*rows, ("s9", 2)], columns=["s", "t"]).sample(frac=1, random_state=2, ignore_index=True)


def block_of(text: str) -> ResidualBlock:
    """Return the groups of these rows."""
    return build_residual(Residual.model_validate(text), as_table(visits(), set(), ["t"], None), None)


def parameters(block: ResidualBlock) -> dict[str, Any]:
    """Return some parameters of the correlation."""
    generator = np.random.default_rng(5)
    if block.free:
        root = generator.normal(size=(DRAWS, 4, 4))
        covariance = root @ np.swapaxes(root, 1, 2) + np.eye(4)
        sd = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
        return {CORRELATIONS: covariance / sd[:, :, None] / sd[:, None, :]}
    found = {}
    for key, one in block.parameters.items():
        low, high = one.support(block.structure.width)
        low, high = (max(low, -0.9), 0.9) if high < 2 else (0.5, 3.0)
        found[str(key)] = generator.uniform(low, high, (DRAWS, 1))
    return found


def correlations(block: ResidualBlock, own: dict[str, Any], draw: int) -> np.ndarray:
    """Return the correlations of all rows, (n, n)."""
    found = np.eye(len(block.units))
    for unit in range(len(block.levels)):
        rows = np.flatnonzero(block.units == unit)
        places = block.places[rows]
        gaps = np.abs(places[:, None] - places)
        if block.free:
            codes = places.astype(int)
            inside = own[CORRELATIONS][draw][np.ix_(codes, codes)]
        elif "ar1_residual" in own:
            inside = own["ar1_residual"][draw] ** gaps
        elif "range_residual" in own:
            inside = np.exp(-gaps / own["range_residual"][draw])
        elif "rho_residual" in own:
            inside = np.where(np.eye(len(rows)), 1.0, own["rho_residual"][draw])
        else:
            values = {key.removesuffix("_residual"): value[draw][..., None] for key, value in own.items()}
            inside = toeplitz(values, places[:, None])
        found[np.ix_(rows, rows)] = inside
    return found


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", ["gaussian", "student", "lognormal"])
def test_rows_given_others_have_the_densities_of_the_joint_distribution(name: str, text: str) -> None:
    family, block, generator = find_family(name), block_of(text), np.random.default_rng(3)
    own, n = parameters(block), len(visits())
    values = {"mu": generator.normal(size=(DRAWS, n)), "sigma": np.exp(generator.normal(size=(DRAWS, n)))}
    values |= {"nu": np.array([[3.0], [9.0]])} if name == "student" else {}
    y = np.exp(generator.normal(size=n))
    earlier = family.logp(y, given_earlier(block, own, family, values, y), 1.0)
    others = family.logp(y, given_others(block, own, family, values, y), 1.0)
    working = family.working(y)
    for draw in range(DRAWS):
        sd, mu = values["sigma"][draw], values["mu"][draw]
        scale = sd[:, None] * correlations(block, own, draw) * sd

        def density(rows: np.ndarray, mu: np.ndarray = mu, scale: np.ndarray = scale, draw: int = draw) -> float:
            if not len(rows):
                return 0.0
            inside = scale[np.ix_(rows, rows)]
            if name == "student":
                found = stats.multivariate_t(mu[rows], inside, df=values["nu"][draw, 0]).logpdf(working[rows])
            else:
                found = stats.multivariate_normal(mu[rows], inside).logpdf(working[rows])
            return float(found) - (np.log(y[rows]).sum() if name == "lognormal" else 0.0)

        for unit in range(len(block.levels)):
            rows = np.flatnonzero(block.units == unit)
            whole = density(rows)
            assert earlier[draw, rows].sum() == pytest.approx(whole, rel=1e-9, abs=1e-9)
            order = rows[np.argsort(block.places[rows])]
            tails = np.cumsum(earlier[draw, order][::-1])[::-1]
            np.testing.assert_allclose(sums_from(block, earlier)[draw, order], tails, rtol=1e-9, atol=1e-9)
            without = [whole - density(rows[rows != row]) for row in rows]
            np.testing.assert_allclose(others[draw, rows], without, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("text", TEXTS)
def test_draws_and_inverse_roots_have_the_correlations(text: str) -> None:
    block, n = block_of(text), len(visits())
    own = parameters(block)
    each = np.broadcast_to(np.eye(n)[:, None], (n, DRAWS, n)).copy()
    roots = np.moveaxis(draw_residuals(block, own, each), 0, -1)
    inverse = inverse_root(block, own)
    for draw in range(DRAWS):
        expected = correlations(block, own, draw)
        np.testing.assert_allclose(roots[draw] @ roots[draw].T, expected, atol=1e-10)
        np.testing.assert_allclose(inverse[draw] @ expected @ inverse[draw].T, np.eye(n), atol=1e-10)


@pytest.mark.parametrize("text", TEXTS)
def test_symbols_give_the_numbers_of_arrays(text: str) -> None:
    import pytensor
    import pytensor.tensor as pt

    family, block, generator = find_family("gaussian"), block_of(text), np.random.default_rng(4)
    own, n = parameters(block), len(visits())
    values, y = {"mu": generator.normal(size=n), "sigma": np.exp(generator.normal(size=n))}, generator.normal(size=n)
    first = {key: value[0] for key, value in own.items()}
    expected = given_earlier(block, first, family, values, y)
    symbols = {key: pt.as_tensor_variable(value if value.ndim == 2 else value[0]) for key, value in first.items()}
    if block.dense and not block.free:
        matrix = block.correlations({key: value[0] for key, value in first.items()})
        symbols = {CORRELATIONS: pt.as_tensor_variable(matrix)}
    found = given_earlier(block, symbols, family, {k: pt.as_tensor_variable(v) for k, v in values.items()}, y, pt)
    mode = pytensor.compile.mode.Mode(linker="py", optimizer="fast_compile")
    for name in ("mu", "sigma"):
        np.testing.assert_allclose(found[name].eval(mode=mode), expected[name], atol=1e-10)


def test_rows_of_a_group_of_a_multivariate_t_share_their_scale() -> None:
    family, block, n = find_family("student"), block_of("ar1(t | s)"), len(visits())
    values = {"mu": np.zeros(n), "sigma": np.ones(n), "nu": np.array(5.0)}
    drawn = draw_rows(block, {"ar1_residual": np.zeros(1)}, family, values, (20_000, n), np.random.default_rng(1))
    same = np.flatnonzero(block.units == block.units[0])[:2]
    other = np.flatnonzero(block.units != block.units[0])[:1]
    squares = np.minimum(drawn**2, 20.0)
    assert np.corrcoef(squares[:, same].T)[0, 1] > 0.1
    assert abs(np.corrcoef(squares[:, [same[0], other[0]]].T)[0, 1]) < 0.03
    assert np.quantile(drawn[:, 0], 0.9) == pytest.approx(stats.t.ppf(0.9, 5), abs=0.05)
