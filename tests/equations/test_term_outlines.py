"""Columns, indices and nesting read from formulas, the same as those that data show."""

import numpy as np
import pytest

import bayesmixed as bm

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
ROW = np.arange(96)
DATA = {
    "y": np.sin(ROW),
    "n": ROW % 6,
    "x": np.cos(ROW**1.5),
    "z": np.sin(ROW**1.2),
    "a": np.array(list("pqrs"))[ROW // 24],
    "b": np.array(list("uvw"))[ROW // 8 % 3],
    "g": np.array(list("cdefgh"))[ROW % 6],
}


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("y ~ x + (x | g)", {}),
        ("y ~ x + z + x:z + (1 | g)", {}),
        ("y ~ 0 + x + (0 + x || g)", {}),
        ("y ~ 1 + (1 | a/b)", {}),
        ("n ~ x + (1 | g) + obs()", {"family": "poisson"}),
        ("n ~ x + offset(log(2 + z)) + (1 | g)", {"family": "poisson"}),
        ("y ~ x + (1 | g)", {"sigma": "~ z + (1 | g)"}),
        ("n ~ x + (1 | g)", {"family": "cumulative"}),
    ],
)
def test_a_spec_without_data_has_the_outline_that_data_give(formula, options):
    spec = bm.from_formula(formula, **options)
    before, after = spec.outline(), bm.prepare(spec, DATA).outline()
    assert before.row == after.row
    assert list(before.priors) == list(after.priors)
    for one, other in zip(before.predictors, after.predictors, strict=True):
        assert (one.parameter, one.ending, one.labels, one.offsets) == (
            other.parameter,
            other.ending,
            other.labels,
            other.offsets,
        )
        # Thresholds have no intercept whose prior could hold means.
        assert bool(spec.family_record.cuts) or [not mean for mean in one.means] == [not mean for mean in other.means]
        for group, same in zip(one.groups, other.groups, strict=True):
            assert (group.name, group.index, group.inside) == (same.name, same.index, same.inside)
            assert (group.labels, group.parts, group.single) == (same.labels, same.parts, same.single)


def test_terms_of_one_factor_are_joined():
    (group,) = bm.from_formula("y ~ x + (1 | g) + (0 + x | g)").outline().predictors[0].groups
    assert group.labels == ("Intercept", "x")
    assert [part.correlated for part in group.parts] == [False, False]


def test_a_declared_factor_without_intercept_has_a_coefficient_for_each_level():
    outline = bm.from_formula("y ~ 0 + f + x", factors=["f"]).outline()
    assert [(column.label, column.level) for column in outline.predictors[0].columns] == [("f", True), ("x", False)]


def test_a_formula_that_cannot_be_read_is_refused():
    with pytest.raises(bm.SpecError, match="bracket"):
        bm.from_formula("y ~ x + (1 | g").outline()
