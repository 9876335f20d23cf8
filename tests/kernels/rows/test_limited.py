"""Compiled rows of limited responses: density and derivatives of the record, as far as ten SDs out."""

import numpy as np
import pytest
from uncompiled import uncompiled

from bayesmixed.families import FAMILIES
from bayesmixed.families.limits import BOTTOM, HIGH, LOW, TOP, within_limits
from bayesmixed.families.links import LINKS
from bayesmixed.kernels.rows.families import FAMILY_CODES
from bayesmixed.kernels.rows.limited import LIMITED, limited_row
from bayesmixed.kernels.rows.links import LINK_CODES

NAMES = [name for name, code in FAMILY_CODES.items() if code in LIMITED]
CASES = [(name, link) for name in NAMES for link in FAMILIES[name].parameters[0].links]


def settings(name, link):
    """Return predictors, responses, limits and bounds: known, right, left, interval, with and without bounds."""
    family = FAMILIES[name]
    mean = {"lognormal": 0.4}.get(name, 2.5)
    eta = np.array([float(LINKS[link].forward(np.asarray(mean))), *([-0.3, 1.2][: len(family.parameters) - 1])])
    values = {p.name: p.link_record().inverse(e) for p, e in zip(family.parameters[1:], eta[1:], strict=True)}
    values["mu"] = np.asarray(mean)
    middle, sd = float(family.mean(values, 1.0)), min(float(np.sqrt(family.variance(values, 1.0))), 4.0)
    y = np.array([middle, middle + 10 * sd, middle + 0.5 * sd, middle - 10 * sd, middle + sd, middle, middle + 2 * sd])
    if not family.accepts(np.array([-1.0]), 1.0)[0]:
        y = np.maximum(y, 1e-3)
    y = np.floor(y) if family.discrete else y
    low = np.array([np.nan, y[1], y[2], -np.inf, -np.inf, y[5], y[6]])
    high = np.array([np.nan, np.inf, np.inf, y[3], y[4], y[5] + 3.0, y[6] + 9 * sd + 1.0])
    bottom = np.where(np.arange(7) % 2, -np.inf, y.min() - (1.0 if family.discrete else 0.0) if y.min() > 0 else 0.0)
    bottom = np.where(y > bottom, bottom, -np.inf)
    return eta, y, low, high, bottom, np.where(np.arange(7) % 3, np.inf, y.max() + 50.0)


def record(name, link, eta, y, limits):
    family = within_limits(FAMILIES[name], censored=True, truncated=True)
    known = dict(zip((LOW, HIGH, BOTTOM, TOP), limits, strict=True))
    values = {
        p.name: p.link_record(link if k == 0 else "").inverse(eta[k]) for k, p in enumerate(FAMILIES[name].parameters)
    }
    constants = np.where(np.isnan(limits[0]), FAMILIES[name].constant(y, 1.0), 0.0)
    return family.logp(y, {**values, **known}, 1.0), constants


def compiled(name, link, eta, y, constants, limits):
    columns, score = np.tile(eta, (len(y), 1)), np.full((len(y), len(eta)), np.nan)
    codes, plain = (FAMILY_CODES[name], LINK_CODES[link]), uncompiled(limited_row)
    rows = ((y[i], 1.0, constants[i], *(limit[i] for limit in limits), columns, score, i) for i in range(len(y)))
    found = [plain(*codes, *row) for row in rows]
    return np.array(found), score


@pytest.mark.parametrize(("name", "link"), CASES)
def test_a_limited_row_has_the_density_and_derivatives_of_the_record(name, link):
    eta, y, *limits = settings(name, link)
    expected, constants = record(name, link, eta, y, limits)
    found, score = compiled(name, link, eta, y, constants, limits)
    assert np.all(np.isfinite(found))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)
    for k in range(len(eta)):
        step = np.zeros(len(eta))
        step[k] = 1e-4 * max(abs(eta[k]), 0.1)
        ahead, behind, far, back = (record(name, link, eta + m * step, y, limits)[0] for m in (1, -1, 2, -2))
        slope = (8.0 * (ahead - behind) - (far - back)) / (12.0 * step[k])
        np.testing.assert_allclose(score[:, k], slope, rtol=1e-5, atol=1e-6 * (1.0 + np.abs(slope).max()))
