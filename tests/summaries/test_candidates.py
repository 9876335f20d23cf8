"""Candidates: their names, those that cannot be prepared, and the rows that all have."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.summaries.candidates import keep_common_rows, name_candidates, prepare_candidates

DATA = pd.DataFrame(
    {"y": np.arange(8.0) ** 1.5, "x": [3.0, 1, 4, 1, 5, 9, 2, 6], "z": [1.0, np.nan, 2, 3, 5, 4, np.nan, 1]}
)


def test_a_list_names_its_models_and_numbers_those_of_the_same_name():
    spec = bm.from_formula("y ~ x", priors={"sigma": "HalfNormal(1)"})
    named = name_candidates(["y ~  x", "y ~ x", spec, "y ~ x", spec])
    assert list(named) == ["y ~ x", "y ~ x (2)", "y ~ 1 + x, gaussian", "y ~ x (3)", "y ~ 1 + x, gaussian (2)"]
    assert name_candidates({"a": spec}) == {"a": spec}
    with pytest.raises(bm.SpecError, match="no model to screen"):
        name_candidates({})


def test_those_that_cannot_be_prepared_have_a_reason_and_the_others_a_design():
    named = {"a": "y ~ x", "b": "y ~ xx", "c": "y ~ (", "d": "y ~ z"}
    models, designs, problems = prepare_candidates(named, DATA, {"priors": {"sigma": "HalfNormal(3)"}}, "error", ())
    assert (list(models), list(designs), list(problems)) == (["a", "b", "d"], ["a"], ["b", "c", "d"])
    assert str(designs["a"].priors["sigma"].prior) == "HalfNormal(3)"


def test_rows_that_one_lacks_leave_all_and_who_cannot_do_without_them_has_a_reason():
    data = DATA.assign(f=["p", "q", "p", "p", "p", "p", "q", "p"])
    models, designs, problems = prepare_candidates({"x": "y ~ x", "z": "y ~ z", "f": "y ~ f"}, data, {}, "drop", ())
    assert keep_common_rows(models, designs, problems, data, ()) == 2
    assert list(designs) == ["x", "z"]
    assert all(list(design.table.data.index) == [0, 2, 3, 4, 5, 7] for design in designs.values())
    assert "'f'" in problems["f"]
    assert keep_common_rows(models, designs, problems, data, ()) == 0
