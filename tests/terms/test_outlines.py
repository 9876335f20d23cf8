"""Outlines of two terms of one factor are joined."""

from dataclasses import replace

from bayesmixed.terms.block_parts import Part
from bayesmixed.terms.outlines import Column, GroupOutline

FIRST = GroupOutline(
    name="g",
    index="j",
    columns=(Column("Intercept", "i"), Column("x", "i")),
    parts=(Part((0, 1), correlated=True),),
    single=False,
    inside=(),
    levels=4,
    short="g",
    several=False,
)
SECOND = replace(FIRST, columns=(Column("z", "i"),), parts=(Part((0,), correlated=False),))


def test_columns_stand_side_by_side_and_parts_are_shifted():
    joined = FIRST.join(SECOND)
    assert joined.labels == ("Intercept", "x", "z")
    assert joined.parts == (Part((0, 1), correlated=True), Part((2,), correlated=False))
    assert SECOND.join(FIRST).parts == (Part((0,), correlated=False), Part((1, 2), correlated=True))


def test_correlations_are_estimated_where_any_part_has_them():
    assert FIRST.correlated
    assert not SECOND.correlated
    assert SECOND.join(FIRST).correlated
