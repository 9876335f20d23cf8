"""What every compiled row keeps, for each family and each link of its first parameter: the density of its record."""

from itertools import product

import numpy as np
import pytest
from family_cases import draws_of, some_values, trials_of
from numba import njit

from bayesmixed.families import FAMILIES, Family
from bayesmixed.families.ordinal import cumulative
from bayesmixed.kernels.rows.compiled import fill_derivatives_compiled
from bayesmixed.kernels.rows.families import FAMILY_CODES, row
from bayesmixed.kernels.rows.links import LINK_CODES

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


def columns_of(family: Family, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return what compiled rows read: predictors, and of thresholds the upper and the lower end of a row's interval."""
    if not family.cuts:
        return eta
    bounds = np.column_stack([np.full(len(y), -np.inf), eta[:, 1:], np.full(len(y), np.inf)])
    place = y.astype(int)[:, None]
    return np.column_stack([eta[:, 0], *(np.take_along_axis(bounds, place - k, axis=1) for k in (0, 1))])


def compiled(family: Family, link: str, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log-densities and scores of compiled rows; of thresholds a row has the ends of its interval."""
    columns = columns_of(family, y, eta)
    score = np.full(columns.shape, np.nan)
    codes, constant = (FAMILY_CODES[family.name], LINK_CODES[link]), family.constant(y, trials_of(family))
    density = rows(*codes, y, trials_of(family), np.asarray(constant, dtype=float), columns, score)
    if family.cuts:
        place = y.astype(int)[:, None]
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


LEVELS = {"inverse": (0.1, 1.0, 30.0), "sqrt": (0.1, 1.0, 30.0)}
RESPONSES = np.array([0.0, 1e-9, 0.3, 1.0 - 1e-9, 1.0, 2.0, 3.0, 4.0, 11.0, 12.0, 40.0, 1e6, -5.0])


def far_settings(family: Family, link: str) -> tuple[np.ndarray, np.ndarray]:
    """Return responses at and near the ends of their range under predictors between -30 and 30."""
    most = len(family.cuts) + 1 if family.cuts else np.inf
    ys = [y for y in RESPONSES if y <= most and np.all(family.accepts(np.array([y]), trials_of(family)))]
    further = (
        [(-2.0,), (0.0,), (2.0,)] if family.cuts else list(product((-1.0, 3.0), repeat=len(family.parameters) - 1))
    )
    rest = [tuple(first[0] + np.array([0.0, 0.4, 2.0])) for first in further] if family.cuts else further
    cells = product(ys, LEVELS.get(link, (-30.0, -7.0, -1.0, 0.5, 4.0, 30.0)), rest)
    table = np.array([(y, first, *others) for y, first, others in cells])
    return table[:, 0], table[:, 1:]


def derivatives(family: Family, link: str, y: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return of each row log-density and three derivatives, then three numbers for each further column."""
    found = np.full((len(y), 3 * columns.shape[1] + 1), np.nan)
    trials = np.full(len(y), trials_of(family))
    codes = FAMILY_CODES[family.name], LINK_CODES[link]
    fill_derivatives_compiled(*codes, np.ascontiguousarray(y), trials, np.ascontiguousarray(columns), found)
    return found


def faults(family: Family, link: str, y: np.ndarray, columns: np.ndarray, found: np.ndarray) -> list[int]:
    """Return which derivatives are not the differences of the ones below them."""
    wrong = []
    for k in range(columns.shape[1]):
        step = np.zeros_like(columns)
        step[:, k] = 1e-3 * (columns[:, 0] if link in LEVELS and k == 0 else 1.0)
        ahead, behind, far, back = (derivatives(family, link, y, columns + m * step) for m in (1, -1, 2, -2))
        slope = (8.0 * (ahead - behind) - (far - back)) / (12.0 * step[:, [k]])
        unit = np.abs(step[:, [k]]) / 1e-3
        size = 1.0 + np.max(np.abs(found[:, :4]) * unit ** np.arange(4), axis=1, keepdims=True)
        for order in range(3):
            place = order + 1 if k == 0 else 3 * k + 1 + order
            # An end of an interval that is infinite has no derivative.
            known = np.isfinite(columns[:, k])
            away = np.abs(found[:, place] - slope[:, order])
            allowed = 1e-6 * np.abs(found[:, place]) + 1e-9 * (size / unit ** (order + (k == 0)))[:, 0]
            wrong += [] if np.all((away <= allowed)[known]) else [place]
    return wrong


@each_row
def test_every_derivative_is_the_difference_of_the_one_below_it_far_out_too(family, link):
    seen = set()
    for y, eta in [*settings_of(family, link), far_settings(family, link)]:
        columns = columns_of(family, y, eta)
        found = derivatives(family, link, y, columns)
        assert np.all(np.isfinite(found[:, :4]))
        assert faults(family, link, y, columns, found) == []
        found[:, 3] *= 1.3
        seen |= {*faults(family, link, y, columns, found)}
    quadratic = (link == "identity" and family.name != "student") or (family.name, link) == (
        "inverse_gaussian",
        "inverse",
    )
    assert seen == (set() if quadratic else {3})


@each_row
def test_derivatives_begin_with_density_and_score_of_the_row(family, link):
    for y, eta in settings_of(family, link):
        columns = columns_of(family, y, eta)
        found = derivatives(family, link, y, columns)
        density, score = compiled(family, link, y, eta)
        np.testing.assert_allclose(found[:, 0] + family.constant(y, trials_of(family)), density, rtol=1e-9, atol=1e-9)
        own = score if not family.cuts else score[:, :1]
        for k in range(own.shape[1]):
            np.testing.assert_allclose(found[:, 3 * k + 1], own[:, k], rtol=1e-9, atol=1e-9)


def test_every_family_has_a_compiled_row_and_every_link_a_code():
    assert set(FAMILY_CODES) == set(FAMILIES)
    assert {link for family in FAMILIES.values() for link in family.parameters[0].links} <= set(LINK_CODES)
