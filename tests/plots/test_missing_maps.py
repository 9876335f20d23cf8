"""The map of missing values shows the shares that the table has."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm


@pytest.fixture
def data():
    frame = pd.DataFrame({"y": np.arange(12.0), "x": np.arange(12.0) ** 2, "g": list("abc") * 4, "h": list("uuvv") * 3})
    frame.loc[[0, 3], "x"] = np.nan
    return frame


def test_each_group_has_the_share_that_is_missing(data):
    axes = bm.plot_missing(bm.check_data("y ~ x + (1 | g) + (1 | h)", data)).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    shares = dict(zip(names, axes.images[0].get_array()[:, 0], strict=True))
    assert shares == {"a": 0.5, "b": 0.0, "c": 0.0}
    assert axes.get_xticklabels()[0].get_text() == "x\n17 %"
    other = bm.plot_missing(bm.check_data("y ~ x + (1 | g) + (1 | h)", data), "h").axes[0]
    assert other.get_ylabel() == "h"
    alone = bm.plot_missing(bm.check_data("y ~ x", data)).axes[0]
    assert alone.images[0].get_array().tolist() == [[pytest.approx(1 / 6)]]


def test_many_groups_have_no_names(data):
    many = pd.concat([data.assign(g=lambda d, k=k: d["g"] + str(k)) for k in range(30)], ignore_index=True)
    axes = bm.plot_missing(bm.check_data("y ~ x + (1 | g)", many)).axes[0]
    assert axes.get_ylabel() == "g (90 groups)"


def test_without_missing_values_or_the_factor_there_is_no_map(data):
    with pytest.raises(bm.SpecError, match="nothing to draw"):
        bm.plot_missing(bm.check_data("y ~ x", data.dropna()))
    with pytest.raises(bm.SpecError, match="'z' is not a grouping factor"):
        bm.plot_missing(bm.check_data("y ~ x + (1 | g)", data), "z")
