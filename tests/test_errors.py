"""Errors and warnings as a user meets them."""

import pandas as pd
import pytest

import bayesmixed as bm


def test_a_warning_points_to_the_line_of_the_user():
    data = pd.DataFrame({"y": [1.0, 2.5, 3.0, 4.5, 4.0, 7.0], "x": [1.0, 2, 3, 4, 5, 6], "z": [1.0, 0, 1, 0, 1, 1]})
    with pytest.warns(bm.StatisticsWarning, match="'x' enters an interaction") as found:
        bm.prior_predictive("y ~ x * z", data, draws=10)
    assert found[0].filename == __file__
