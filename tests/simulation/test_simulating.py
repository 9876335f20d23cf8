"""simulate takes one model or several."""

import pytest
from joint_models import FORMULAS, table

import bayesmixed as bm


def test_without_a_plan_rows_must_be_given():
    for spec in (FORMULAS[0], list(FORMULAS)):
        with pytest.raises(bm.SpecError, match=r"The spec has no .simulation. section: give data="):
            bm.simulate(spec, truth={})


def test_columns_of_other_responses_are_kept_by_one_and_made_anew_by_several():
    data, truth = table(), {"beta": 0.0, "sigma": 1.0}
    assert bm.simulate("y1 ~ x", data=data, truth=truth, seed=1).data["y2"].equals(data["y2"])
    both = {f"{key}_{name}": value for key, value in truth.items() for name in ("y1", "y2")}
    made = bm.simulate(["y1 ~ x", "y2 ~ ."], data=data[["y1", "y2", "x", "z"]], truth=both, seed=1)
    assert not made.data["y2"].equals(data["y2"])
    assert list(made.truth["beta_y2"]["beta_effect_y2"].values) == ["Intercept", "x", "z"]
