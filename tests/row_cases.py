"""Every family under every link of its first parameter, with responses and linear predictors of rows."""

import numpy as np
import pytest
from family_cases import draws_of, some_values, trials_of

from bayesmixed.families import FAMILIES, Family
from bayesmixed.kernels.rows.compiled import fill_derivatives_compiled
from bayesmixed.kernels.rows.families import FAMILY_CODES
from bayesmixed.kernels.rows.links import LINK_CODES


def _known(family: Family, link: str) -> Family:
    """Return a family under a link, of categories one of four."""
    family = family.under(link) if family.under else family
    return family.for_categories(tuple("1234")) if family.has_categories else family


NOT_COMPILED = ("multinomial",)
"""Families without a compiled row: the engine "pymc" samples them."""
ROWS = [
    (_known(family, link), link)
    for family in FAMILIES.values()
    if family.name not in NOT_COMPILED
    for link in family.parameters[0].links
]

each_row = pytest.mark.parametrize(("family", "link"), ROWS, ids=[f"{family.name}-{link}" for family, link in ROWS])


def of_positive(family: Family, link: str) -> bool:
    """Return whether a link has an inverse of positive predictors only."""
    return family.parameters[0].link_record(link).lowest == 0.0


def of_record(family: Family, link: str, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return the record's log-densities at linear predictors, (rows, parameters)."""
    names = [link, *(p.link for p in family.parameters[1:])]
    values = {
        p.name: p.link_record(name).inverse(column)
        for p, name, column in zip(family.parameters, names, eta.T, strict=True)
    }
    return family.logp(y, values, trials_of(family))


def columns_of(family: Family, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return what compiled rows read: predictors, and of cumulative thresholds the upper and the lower end of an interval."""
    if not family.cuts or family.at_risk:
        return eta
    bounds = np.column_stack([np.full(len(y), -np.inf), eta[:, 1:], np.full(len(y), np.inf)])
    place = y.astype(int)[:, None]
    return np.column_stack([eta[:, 0], *(np.take_along_axis(bounds, place - k, axis=1) for k in (0, 1))])


def settings_of(family: Family, link: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return responses, drawn from the record, and linear predictors around its settings."""
    generator, found = np.random.default_rng(3), []
    names = [link, *(p.link for p in family.parameters[1:])]
    for values in some_values(family):
        first = family.parameters[0].name
        values |= {first: abs(values[first])} if link in ("log", "inverse") else {}
        centre = [
            float(p.link_record(n).forward(values[p.name])) for p, n in zip(family.parameters, names, strict=True)
        ]
        y = np.asarray(draws_of(family, values, 40), dtype=float)
        spread = 0.1 * np.minimum(1.0, np.abs(centre)) + 0.02
        spread[0] = 0.1 * centre[0] if of_positive(family, link) else spread[0]
        found.append((y, centre + spread * generator.uniform(-1.0, 1.0, size=(40, len(centre)))))
    return found


def derivatives(family: Family, link: str, y: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return of each row log-density and three derivatives, then three numbers for each further column."""
    found = np.full((len(y), 3 * columns.shape[1] + 1), np.nan)
    trials = np.full(len(y), trials_of(family))
    codes = FAMILY_CODES[family.name], LINK_CODES[link]
    fill_derivatives_compiled(*codes, np.ascontiguousarray(y), trials, np.ascontiguousarray(columns), found)
    return found
