"""The term of groups whose effects have a t distribution, (1 | gr(g, dist="student")): a few may lie far out."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import model_validator

from bayesmixed.errors import SpecError
from bayesmixed.formulas.notation import (
    call_arguments,
    has_bar,
    keyword_arguments,
    safe_name,
)
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.factors import Table
from bayesmixed.terms.basis_outlines import TermOutline
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.covariances import find_covariance
from bayesmixed.terms.group import Group, split_bars, take_letter
from bayesmixed.terms.group_variants import GroupVariant
from bayesmixed.terms.outlines import GroupOutline, Indices
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.prior_rules import DISTANCES, Known, PriorRule
from bayesmixed.terms.tails import Tail

_T, _NORMAL = '"student"', '"gaussian"'
"""How formulas write distributions of effects."""
_FEW = 20
"""Levels below which data hardly tell the tails of a distribution."""


class StudentGroup(GroupVariant):
    """Effects of groups on one column with a t distribution: `(1 | gr(g, dist="student"))`.

    The SD is that of the effects; the degrees of freedom, above 2, are estimated, or fixed by a prior that is a number.

    Attributes
    ----------
    by : str
        The grouping column, or several joined by colons.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> terms = [bm.Fixed(formula="1"), bm.StudentGroup(by="herd")]
    >>> bm.ModelSpec(response="y", predictors={"mu": terms}).formula
    'y ~ 1 + (1 | gr(herd, dist="student"))'
    """

    kind: Literal["student_group"] = "student_group"

    @model_validator(mode="after")
    def _plain_covariance(self) -> "StudentGroup":
        if find_covariance(self.covariance).structured:
            raise SpecError(f"Covariance '{self.covariance}' is not for effects with a t distribution, of one column.")
        return self

    def __str__(self) -> str:
        return self.write(f'gr({":".join(map(quote_name, self.factor_columns))}, dist="student")')

    @classmethod
    def read(cls, piece: str) -> "tuple[StudentGroup | Group, ...]":
        """Return the term that a summand of a formula is, (1 | gr(g, dist="student")), none if it is another (SpecError)."""
        inside, letter = take_letter(piece) if has_bar(piece) else (piece, "")
        formula, call, covariance = split_bars(inside) if has_bar(inside) and inside.startswith("(") else ("", "", "")
        columns, options = keyword_arguments(call_arguments(call, "gr") or [])
        if "dist" not in options:
            return ()
        dist = options["dist"].replace("'", '"')
        if len(columns) != 1 or len(options) != 1 or letter:
            raise SpecError(
                f"'{piece}': with dist= gr() takes a factor alone, gr(g, dist=\"student\"): no letter, types or relation."
            )
        if dist not in (_T, _NORMAL):
            raise SpecError(f"'{piece}': effects are dist=\"student\" or \"gaussian\", not '{dist}'.")
        kind = cls if dist == _T else Group
        return (kind(by=columns[0], formula=formula, covariance=covariance),)

    def build(self, table: Table, like: GroupBlock | None = None, *, part: int = 0, **_: bool) -> GroupBlock:
        """Return the term's columns, levels and index, with the tail of its distribution (SpecError for several columns)."""
        block = self._plain.build(table, like, part=part)
        if block.width != 1:
            raise SpecError(
                f"'{self}' has {block.width} columns ({', '.join(block.labels)}), and effects with a t distribution are of one. "
                f'Write (1 | gr({self.by}, dist="student")), or slopes with normal effects.'
            )
        return replace(block, spectrum=Tail(block.labels[0]))

    def advise(self, block: GroupBlock, population: PopulationBlock) -> Iterator[str]:
        """Yield a note where there are too few groups to tell tails."""
        if len(block.levels) < _FEW:
            yield (
                f"'{self.name}' has {len(block.levels)} levels, which hardly tell how far out effects lie: nu_{self.name} "
                "depends on its prior."
            )

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rules of the SD, and of the degrees of freedom."""
        yield from super().prior_rules(known)
        name = safe_name(self.name)
        (one,) = Tail("").parameters
        key, about = known.names.structure(one.name, name), f"{one.meaning}, {self.name}"
        yield PriorRule(key, DISTANCES, TermOutline("", ""), about, "", name, one.prior(np.zeros((0, 1))))

    def outline(self, indices: Indices, factors: Collection[str]) -> GroupOutline:
        """Return what equations need to know of it without data."""
        return replace(super().outline(indices, factors), heavy=True)
