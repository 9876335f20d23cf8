"""Which rows of several responses, and which of their effects, leave together."""

import numpy as np
import pytest
from joint_models import prepared, table

import bayesmixed as bm
from bayesmixed.cross_validation.joint_units import find_joint_leaving, find_joint_units


@pytest.mark.filterwarnings("ignore::bayesmixed.StatisticsWarning")
def test_effects_of_several_responses_leave_only_with_all_their_rows():
    """A level whose rows of one response are in one unit, and those of the other in two, stays."""
    data = table(levels=4, rows=4).assign(half=np.tile([0, 0, 1, 1], 4).astype(str))
    data.loc[(data["g"] == "g0") & (data["half"] == "1"), "y1"] = np.nan
    formulas = ("y1 ~ x + half + (1 + x |p| g)", "y2 ~ z + half + (1 |p| g)")
    design = prepared(data, formulas, missing="drop")
    leaving = find_joint_leaving(design, find_joint_units(design, "half"))
    assert not any(own.any() for one in leaving.own.values() for own in one.owned.values())
    leaving = find_joint_leaving(design, find_joint_units(design, "g"))
    assert all(own.all() for one in leaving.own.values() for own in one.owned.values())


@pytest.mark.filterwarnings("ignore::bayesmixed.StatisticsWarning")
def test_units_that_a_response_does_not_use_are_those_of_its_rows_in_another():
    data = table()
    joint = prepared(data, ("y1 ~ x + (1 |p| g)", "y2 ~ z"), rescor=True)
    units = find_joint_units(joint, "g")
    assert np.array_equal(units.index["y1"], units.index["y2"])
    data.loc[3, "y1"] = np.nan
    with pytest.raises(bm.SpecError, match="unit='g': the model of 'y2' does not use it, and has rows that other"):
        find_joint_units(prepared(data, ("y1 ~ x + (1 |p| g)", "y2 ~ z"), missing="drop"), "g")
    with pytest.raises(bm.SpecError, match="unit='h' is not a unit of this model"):
        find_joint_units(joint, "h")


def test_weights_of_rows_are_refused():
    data = table().assign(w=2.0)
    design = prepared(data, ('y1 | weights(w, "frequency") ~ x + (1 |p| g)', "y2 ~ z + (1 |p| g)"))
    with pytest.raises(bm.SpecError, match="weights"):
        find_joint_units(design, "observation")
