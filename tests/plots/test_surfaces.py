"""Surfaces of two numbers."""

import numpy as np
import pytest
from empty_cell_tables import prepared
from fixed_draws import fit_at

import bayesmixed as bm

DATA = {"x": np.linspace(0, 1, 24), "z": np.cos(np.arange(24.0)), "f": list("ab") * 12, "y": np.sin(np.arange(24.0))}


@pytest.fixture(scope="module")
def fit():
    return fit_at(prepared("y ~ x * z + f", DATA), {"beta": [1.0, 2.0, 3.0, 0.0, 4.0], "sigma": 1.0}, jitter=0.1)


def test_the_map_covers_the_range_of_the_data_and_both_panels_have_their_scale(fit):
    first, scale, second, width = bm.plot_surface(fit, "x:z").axes
    assert first.get_xlim() == pytest.approx((0, 1))
    assert first.get_ylim() == pytest.approx((min(DATA["z"]), max(DATA["z"])))
    assert (scale.get_ylabel(), width.get_ylabel()) == ("expected y", "width of its 95 % interval")
    assert second.get_xlabel() == "x"


@pytest.mark.parametrize(
    ("effect", "options", "message"),
    [
        ("x", {}, "that of two numbers"),
        ("x:x", {}, "that of two numbers"),
        ("x:f", {}, "that of two numbers"),
        ("x:zz", {}, "not a column of the model"),
        ("x:z", {"kind": "probability"}, "several numbers"),
        ("x:z", {"at": {"x": [1.0]}}, "two values or more"),
    ],
)
def test_what_has_no_surface_is_refused(fit, effect, options, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.plot_surface(fit, effect, **options)
