"""Plans of simulated data that contradict themselves."""

import pytest

import bayesmixed as bm


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "exactly one of rows, groups, crossing"),
        ({"rows": 3, "columns": {"x": {}}}, "exactly one of levels, normal"),
        ({"groups": {"a": {"count": 2}, "b": {"count": 2}}}, "go into 'crossing'"),
        ({"groups": {"a": {"count": 2, "within": "b"}}}, "must be listed before it"),
        ({"groups": {"a": {}}}, "either 'count' or 'levels'"),
    ],
)
def test_impossible_plans_are_refused(fields, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.from_formula("y ~ 1", simulation=fields)
