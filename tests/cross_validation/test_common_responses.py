"""Whether models are of the same response, whatever they make of its limits and bounds."""

import numpy as np
import pytest
from pymc_agreement import made_up_fit, rows_for

import bayesmixed as bm
from bayesmixed.cross_validation.common_responses import check_same_response, note_bounds
from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES


def test_censored_rows_are_compared_at_the_same_limits():
    data = rows_for(FAMILIES["gaussian"])
    data["upper"], data["later"] = data["y"] + 1.0, data["y"] + 2.0
    data["right"] = np.where(np.arange(len(data)) % 4 == 1, "right", "none")
    data["left"], data["within"] = (data["right"].str.replace("right", other) for other in ("left", "interval"))
    sides = ["cens(right)", "cens(left)", "cens(within, upper)", "cens(within, later)"]
    designs = [made_up_fit(f"y | {side} ~ x + (1 | g)", "gaussian", data=data).design for side in sides]
    for place, one in enumerate(designs):
        check_same_response({"a": one, "b": one})
        for other in designs[:place]:
            with pytest.raises(SpecError, match="not the same limits"):
                check_same_response({"a": one, "b": other})


def test_models_of_other_bounds_are_noted():
    data = rows_for(FAMILIES["gamma"])
    data["y"] += 2.0

    def notes(*models):
        designs = [bm.prepare(bm.from_formula(f"{left} ~ x", family=family), data) for left, family in models]
        return note_bounds(dict(zip("abc", designs, strict=False)))

    (note,) = notes(("y", "gaussian"), ("y | trunc(1)", "gaussian"), ("y", "student"))
    assert "'a': untruncated, 'b': trunc(lower=1)" in note
    assert notes(("y | trunc(1)", "gaussian"), ("y | trunc(0.5)", "gamma"))
    same = [
        (("y", "gaussian"), ("y", "gamma")),
        (("y | trunc(0)", "gaussian"), ("y", "gamma")),
        (("y | trunc(1)", "lognormal"), ("log(y) | trunc(0)", "gaussian")),
        (("y | trunc(1, 90)", "student"), ("y | trunc(1, 90)", "gamma")),
    ]
    assert not any(notes(*pair) for pair in same)
