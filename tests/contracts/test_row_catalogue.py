"""What every compiled row keeps, for each family and each link of its first parameter: the density of its record."""

import numpy as np
import pytest
from family_cases import draws_of, some_values, trials_of
from numba import njit

from bayesmixed.families import FAMILIES, Family
from bayesmixed.families.ordinal import cumulative
from bayesmixed.kernels.links import LINK_CODES
from bayesmixed.kernels.rows import FAMILY_CODES, row

ORDERED = {link: cumulative(link).for_categories(tuple("1234")) for link in ("logit", "probit", "cloglog")}
ROWS = [
    (ORDERED[link] if family.name == "cumulative" else family, link)
    for family in FAMILIES.values()
    for link in family.parameters[0].links
]

each_row = pytest.mark.parametrize(("family", "link"), ROWS, ids=[f"{family.name}-{link}" for family, link in ROWS])


@njit
def rows(family, link, y, trials, constant, eta, score):
    found = np.empty(len(y))
    for i in range(len(y)):
        found[i] = row(family, link, y[i], trials, constant[i], eta, score, i)
    return found


def of_record(family: Family, link: str, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return the record's log-densities at linear predictors, (rows, parameters)."""
    names = [link, *(p.link for p in family.parameters[1:])]
    values = {
        p.name: p.link_record(name).inverse(column)
        for p, name, column in zip(family.parameters, names, eta.T, strict=True)
    }
    return family.logp(y, values, trials_of(family))


def compiled(family: Family, link: str, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log-densities and scores of compiled rows; of thresholds a row has the ends of its interval."""
    columns = eta
    if family.cuts:
        bounds = np.column_stack([np.full(len(y), -np.inf), eta[:, 1:], np.full(len(y), np.inf)])
        place = y.astype(int)[:, None]
        columns = np.column_stack([eta[:, 0], *(np.take_along_axis(bounds, place - k, axis=1) for k in (0, 1))])
    score = np.full(columns.shape, np.nan)
    codes, constant = (FAMILY_CODES[family.name], LINK_CODES[link]), family.constant(y, trials_of(family))
    density = rows(*codes, y, trials_of(family), np.asarray(constant, dtype=float), columns, score)
    if family.cuts:
        whole = np.zeros((len(y), eta.shape[1] + 1))
        np.put_along_axis(whole, place, score[:, [1]], axis=1)
        np.put_along_axis(whole, np.where(place > 1, place - 1, 0), np.where(place > 1, score[:, [2]], 0.0), axis=1)
        score = np.column_stack([score[:, 0], whole[:, 1:-1]])
    return density, score


def settings_of(family: Family, link: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return responses, drawn from the record, and linear predictors around its settings."""
    generator, found = np.random.default_rng(3), []
    names = [link, *(p.link for p in family.parameters[1:])]
    for values in some_values(family):
        first = family.parameters[0].name
        values |= {first: abs(values[first])} if link == "log" else {}
        centre = [
            float(p.link_record(n).forward(values[p.name])) for p, n in zip(family.parameters, names, strict=True)
        ]
        y = np.asarray(draws_of(family, values, 40), dtype=float)
        spread = 0.1 * np.minimum(1.0, np.abs(centre)) + 0.02
        found.append((y, centre + spread * generator.uniform(-1.0, 1.0, size=(40, len(centre)))))
    return found


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
            step[k] = 1e-4 * max(1.0, np.abs(eta[:, k]).min())
            ahead, behind, far, back = (of_record(family, link, y, eta + m * step) for m in (1, -1, 2, -2))
            slope = (8.0 * (ahead - behind) - (far - back)) / (12.0 * step[k])
            np.testing.assert_allclose(score[:, k], slope, rtol=1e-6, atol=1e-6 * (1.0 + np.abs(slope).max()))


def test_every_family_has_a_compiled_row_and_every_link_a_code():
    assert set(FAMILY_CODES) == set(FAMILIES)
    assert {link for family in FAMILIES.values() for link in family.parameters[0].links} <= set(LINK_CODES)
