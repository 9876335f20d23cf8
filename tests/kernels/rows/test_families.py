"""What every compiled row keeps, for each family and each link of its first parameter: the density of its record."""

import numpy as np
from family_cases import trials_of
from numba import njit
from row_cases import NOT_COMPILED, columns_of, derivatives, each_row, of_positive, of_record, settings_of

from bayesmixed.families import FAMILIES, Family
from bayesmixed.kernels.rows.families import FAMILY_CODES, row
from bayesmixed.kernels.rows.links import LINK_CODES


@njit
def rows(family, link, y, trials, constant, eta, score):
    found = np.empty(len(y))
    for i in range(len(y)):
        found[i] = row(family, link, y[i], trials, constant[i], eta, score, i)
    return found


def compiled(family: Family, link: str, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log-densities and scores of compiled rows; of thresholds a row has the ends of its interval."""
    columns = columns_of(family, y, eta)
    score = np.full(columns.shape, np.nan)
    codes, constant = (FAMILY_CODES[family.name], LINK_CODES[link]), family.constant(y, trials_of(family))
    density = rows(*codes, y, trials_of(family), np.asarray(constant, dtype=float), columns, score)
    if family.cuts and not family.at_risk:
        place = y.astype(int)[:, None]
        whole = np.zeros((len(y), eta.shape[1] + 1))
        np.put_along_axis(whole, place, score[:, [1]], axis=1)
        np.put_along_axis(whole, np.where(place > 1, place - 1, 0), np.where(place > 1, score[:, [2]], 0.0), axis=1)
        score = np.column_stack([score[:, 0], whole[:, 1:-1]])
    return density, score


@each_row
def test_a_compiled_row_has_the_density_of_the_record(family, link):
    for y, eta in settings_of(family, link):
        density, _ = compiled(family, link, y, eta)
        assert np.all(np.isfinite(density))
        np.testing.assert_allclose(density, of_record(family, link, y, eta), rtol=1e-9, atol=1e-9)


@each_row
def test_the_derivatives_of_a_compiled_row_are_differences_of_its_density(family, link):
    for y, eta in settings_of(family, link):
        _, score = compiled(family, link, y, eta)
        for k in range(eta.shape[1]):
            step = np.zeros(eta.shape[1])
            least = np.abs(eta[:, k]).min()
            step[k] = 1e-4 * (least if k == 0 and of_positive(family, link) else max(1.0, least))
            ahead, behind, far, back = (of_record(family, link, y, eta + m * step) for m in (1, -1, 2, -2))
            slope = (8.0 * (ahead - behind) - (far - back)) / (12.0 * step[k])
            np.testing.assert_allclose(score[:, k], slope, rtol=1e-6, atol=1e-6 * (1.0 + np.abs(slope).max()))


@each_row
def test_derivatives_begin_with_density_and_score_of_the_row(family, link):
    for y, eta in settings_of(family, link):
        columns = columns_of(family, y, eta)
        found = derivatives(family, link, y, columns)
        density, score = compiled(family, link, y, eta)
        np.testing.assert_allclose(found[:, 0] + family.constant(y, trials_of(family)), density, rtol=1e-9, atol=1e-9)
        own = score if not family.cuts or family.at_risk else score[:, :1]
        for k in range(own.shape[1]):
            np.testing.assert_allclose(found[:, 3 * k + 1], own[:, k], rtol=1e-9, atol=1e-9)


def test_every_family_but_a_few_has_a_compiled_row_and_every_link_a_code():
    assert set(FAMILIES) - set(FAMILY_CODES) == {*NOT_COMPILED}
    assert {link for family in FAMILIES.values() for link in family.parameters[0].links} <= set(LINK_CODES)
