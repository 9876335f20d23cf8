import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.tables.factors import as_table
from bayesmixed.terms.covariates import covariate_columns, name_covariate, note_units, read_covariate


def test_covariates_read_their_columns_and_have_names_that_results_can_hold():
    assert covariate_columns(["log(x)", "`a b`"], ["x", "a b", "y"]) == {"x", "a b"}
    assert name_covariate(" log(x) ", "s(x)") == "log(x)"
    for text in ("x/z", "x[0]", "scale(x)"):
        with pytest.raises(bm.SpecError, match=r"s\(\.\.\.\)"):
            name_covariate(text, "s(...)")


@pytest.mark.parametrize(
    ("x", "said"), [(["a", "b"], "holds no numbers. Say so"), ([1.0, np.inf], "not finite in 1 of 2")]
)
def test_covariates_are_finite_numbers(x, said):
    table = as_table(pd.DataFrame({"x": x}), set(), ["x"])
    with pytest.raises(bm.DataError, match=said):
        read_covariate("s(x)", "x", table, "Say so.")


def test_ranges_far_apart_are_pointed_out():
    assert not [*note_units("s(x, z)", ("x", "z"), np.array([1.0, 10.0]))]
    assert "x / 1 and z / 50" in next(note_units("s(x, z)", ("x", "z"), np.array([1.0, 50.0])))
