"""The picture of elicited priors."""

import pytest

import bayesmixed as bm


@pytest.mark.parametrize(("asked", "scale"), [({"icc": (0.05, 0.5)}, "linear"), ({"ratio": (1.2, 4.0)}, "log")])
def test_each_quantity_has_a_panel_with_both_intervals(asked, scale):
    found = bm.elicit("herd", bm.datasets.load("cbpp"), **asked)
    (axes,) = bm.plot_elicited(found).axes
    assert axes.get_xscale() == scale
    intervals = {line.get_label(): line.get_xdata() for line in axes.get_lines()}
    row = found.table.iloc[0]
    assert list(intervals["asked for"]) == [row["asked_lower"], row["asked_upper"]]
    assert list(intervals["implied, 95 %"]) == [row["lower"], row["upper"]]
