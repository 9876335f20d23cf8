"""Estimates as they are printed."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmixed.display.estimates import SHOWN, as_estimates

DRAWS = np.random.default_rng(1).normal(size=(2, 50, 120))


def curve(x):
    labels = pd.DataFrame({"x": x, "arm": ["a", "b"] * 60})
    return as_estimates("Curve", "expected y", (), labels, xr.DataArray(DRAWS, dims=("chain", "draw", "row")))


def test_of_a_long_curve_some_values_are_printed_from_end_to_end_and_all_are_in_the_table():
    found = curve(np.repeat(np.linspace(0.5, 30, 60), 2))
    (section,) = found.sections()
    assert len(found.table) == 120
    assert len(section.table) <= SHOWN
    assert section.table["x"].iloc[[0, -1]].tolist() == ["0.5", "30"]
    assert section.table["arm"].value_counts().nunique() == 1
    assert "of 60 values of x are shown" in str(found)


@pytest.mark.parametrize("x", [np.repeat([f"g{i}" for i in range(60)], 2), np.repeat([1.0, 2.0], 60)])
def test_no_level_and_no_short_list_of_values_is_left_out(x):
    assert len(curve(x).sections()[0].table) == 120
