import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.preparation.used_columns import (
    columns_of_formulas,
    declared_factors,
    grouping_columns,
    read_rows,
    used_columns,
)

TABLE = pd.DataFrame({name: [1.0, 2.0, 3.0] for name in ("y", "n", "x", "z", "day", "w", "g", "h", "f", "other")})


@pytest.mark.parametrize(
    ("formula", "options", "used"),
    [
        ("y ~ x", {}, "yx"),
        ("log(y) ~ poly(x, 2) + offset(log(z)) + (day | g/h)", {}, ["y", "x", "z", "day", "g", "h"]),
        ("y | trials(n) ~ 1 + (1 | f)", {"family": "binomial"}, "ynf"),
        ("y | weights(w, 'precision') ~ 1", {}, "yw"),
        ("y | trunc(z, n) ~ x", {}, "ynxz"),
        ("y ~ 1", {"residual": "ar1(day | g)"}, ["y", "day", "g"]),
        ("y ~ x", {"sigma": "~ z + (1 | g)"}, "yxzg"),
    ],
)
def test_all_columns_that_a_spec_reads_are_used_and_no_others(formula, options, used):
    spec = bm.from_formula(formula, **options)
    assert sorted(used_columns(spec, TABLE)) == sorted(used)
    for name in used:
        with pytest.raises(bm.SpecError, match=f"'{name}'"):
            used_columns(spec, TABLE.drop(columns=name))


def test_columns_are_factors_groups_or_numbers_by_their_place_in_the_spec():
    spec = bm.from_formula("y ~ x + C(f) + (day | g/h)", residual="ar1(z | w)")
    assert declared_factors(spec) == {"f"}
    assert grouping_columns(spec) == {"g", "h", "w"}
    assert columns_of_formulas(spec, TABLE.columns) == ["x", "z", "day", "f"]
    rows = read_rows(spec, TABLE[used_columns(spec, TABLE)])
    assert {name for name in rows if not pd.api.types.is_numeric_dtype(rows[name])} == {"f", "g", "h", "w"}
