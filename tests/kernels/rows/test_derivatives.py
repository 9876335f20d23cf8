"""Every derivative of every row is the difference of the one below it."""

from itertools import product

import numpy as np
from family_cases import trials_of
from row_cases import columns_of, derivatives, each_row, of_positive, settings_of

from bayesmixed.families import Family

STEP = 3e-4
LEVELS = (0.1, 1.3, 30.0)
"""Predictors under links that have an inverse of positive ones only."""
KNOWN = {"weibull": 0.7, "shifted_lognormal": 0.45}
"""Share of far settings whose log-density has differences: that of a Weibull response is -exp(800) in others, and shifts may
lie above a response."""
NEAR = {"conway_maxwell_poisson": 5.0}
"""Families of which only predictors up to a number are tried: differences of log-densities of larger counts have no digits."""
QUADRATIC = {"gaussian", "lognormal", "hurdle_lognormal", "asymmetric_laplace", "shifted_lognormal"}
RESPONSES = np.array([0.0, 1e-9, 0.3, 1.0 - 1e-9, 1.0, 2.0, 3.0, 4.0, 11.0, 12.0, 40.0, 1e6, -5.0])


def far_settings(family: Family, link: str) -> tuple[np.ndarray, np.ndarray]:
    """Return responses at and near the ends of their range under predictors between -30 and 30."""
    most = len(family.cuts or family.parameters) + 1 if family.has_categories else np.inf
    ys = [y for y in RESPONSES if y <= most and np.all(family.accepts(np.array([y]), trials_of(family)))]
    further = (
        [(-2.0,), (0.0,), (2.0,)] if family.cuts else list(product((-1.0, 3.0), repeat=len(family.parameters) - 1))
    )
    rest = [tuple(first[0] + np.array([0.0, 0.4, 2.0])) for first in further] if family.cuts else further
    places = LEVELS if of_positive(family, link) else (-30.0, -7.0, -1.0, 0.5, 4.3, 30.0)
    cells = product(ys, [place for place in places if abs(place) <= NEAR.get(family.name, 30.0)], rest)
    table = np.array([(y, first, *others) for y, first, others in cells])
    return table[:, 0], table[:, 1:]


def faults(family: Family, link: str, y: np.ndarray, columns: np.ndarray, found: np.ndarray) -> list[int]:
    """Return which derivatives are not the differences of the ones below them."""
    wrong = []
    for k in range(columns.shape[1]):
        step = np.zeros_like(columns)
        step[:, k] = STEP * (columns[:, 0] if of_positive(family, link) and k == 0 else 1.0)
        ahead, behind, far, back = (derivatives(family, link, y, columns + m * step) for m in (1, -1, 2, -2))
        slope = (8.0 * (ahead - behind) - (far - back)) / (12.0 * step[:, [k]])
        unit = np.abs(step[:, [k]]) / STEP
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
def test_every_derivative_is_the_difference_of_the_one_below_it_also_far_out(family, link):
    seen = set()
    for y, eta in [*settings_of(family, link), far_settings(family, link)]:
        columns = columns_of(family, y, eta)
        found = derivatives(family, link, y, columns)
        if family.name in KNOWN:
            known = found[:, 0] > -1e25
            assert np.mean(known) >= KNOWN[family.name]
            y, columns, found = y[known], columns[known], found[known]
        assert np.all(np.isfinite(found[:, :4]))
        assert faults(family, link, y, columns, found) == []
        found[:, 3] *= 1.3
        seen |= {*faults(family, link, y, columns, found)}
    quadratic = (link == "identity" and family.name in QUADRATIC) or (family.name, link) == (
        "inverse_gaussian",
        "inverse",
    )
    assert seen == (set() if quadratic else {3})
