"""Climbs to the maximum of a marginal likelihood."""

import warnings

import numpy as np
import pytest
from conditional_cases import MODELS, TABLE, differences

import bayesmixed as bm
from bayesmixed.estimation import edges
from bayesmixed.estimation.maximisation import maximise


@pytest.mark.parametrize("method", ["joint", "laplace"])
@pytest.mark.parametrize("name", ["shares", "crossed", "rows", "cloglog, nested", "a curve"])
def test_a_climb_takes_slopes_of_what_it_climbs(monkeypatch, name, method):
    """Observed and expected information, which differ in general, are the same for shares at a predictor of 0."""
    formula, options = MODELS[name]
    taken = []

    def look(values, start, scale, slopes):
        point = start + 0.3 * scale @ np.ones(len(start))
        if slopes is not None:
            taken.append((slopes(point)[1], differences(lambda at: values(at[None])[0], point)))
        return maximise(values, start, scale, slopes)

    monkeypatch.setattr(edges, "maximise", look)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        bm.approximate(formula, TABLE, method=method, **options)
    assert bool(taken) == (method == "laplace" or name in ("crossed", "rows"))
    for found, slope in taken:
        np.testing.assert_allclose(found, slope, rtol=1e-4, atol=1e-5)
