"""The term of a curve for each level of a factor: intercepts, slopes and deviations from lines, all of them normal effects."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator, model_validator

from bayesmixed.errors import DataError, SpecError
from bayesmixed.families.links import Array
from bayesmixed.formulas.names import expression_columns, refuse_stateful
from bayesmixed.formulas.notation import call_arguments, join_factors, keyword_arguments, read_call, safe_name
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.factors import Table, group_levels, recode
from bayesmixed.terms.basis_outlines import TermOutline
from bayesmixed.terms.block_parts import Part, basis_coordinates
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.contract import TermContract
from bayesmixed.terms.covariates import read_covariate
from bayesmixed.terms.group import Group
from bayesmixed.terms.levels import LevelsTerm
from bayesmixed.terms.outlines import Column, GroupOutline, Indices
from bayesmixed.terms.piece_bases import column_step
from bayesmixed.terms.prior_rules import AS_WRITTEN, SPREAD, Known, PriorRule
from bayesmixed.terms.splines import BASES, Spline, learn_spline
from bayesmixed.terms.structures import Structure

_BASIS = "tp"
_LEAST = 4


@dataclass(frozen=True, slots=True)
class LearnedCurve:
    """What the curves of levels learned from the rows of a fit; it has no terms and pieces of a formula."""

    name: str
    spline: Spline
    line: bool
    terms: ClassVar[tuple[Any, ...]] = ()
    pieces: ClassVar[dict[str, Any]] = {}

    def extrapolations(self, matrix: Array) -> Iterator[str]:
        """Yield a note on rows beyond the range of the covariate at the fit, given the columns of the line."""
        if self.line:
            x = matrix[:, 1] + self.spline.centre
            slack = 1e-9 * (self.spline.upper - self.spline.lower)
            beyond = int(np.sum((x < self.spline.lower - slack) | (x > self.spline.upper + slack)))
            if beyond:
                yield (
                    f"{beyond} of {len(x)} rows lie beyond the range {self.spline.lower:g} to {self.spline.upper:g} that "
                    f"{self.name} was fitted to: beyond all data the curves continue as straight lines, which is an assumption."
                )


class FactorSmooth(LevelsTerm):
    """A curve of each level of a grouping factor, `s(x, g, bs="fs")`, all drawn from one distribution.

    A level has an intercept, a slope and a penalised spline. Their SDs are those of intercepts, of slopes and of the
    deviations from lines: one roughness for all levels. Curves of new levels are drawn.

    Attributes
    ----------
    x : str
        Column, or an expression of columns.
    by : str
        The factor; columns joined by colons make one together.
    k : int
        Number of basis functions, more than 3: a curve cannot bend more often. The penalty, not k, makes it smooth.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.from_formula('y ~ s(Days) + s(Days, Subject, bs="fs", k=5)').terms[-1].by
    'Subject'
    """

    kind: Literal["factor_smooth"] = "factor_smooth"
    x: str
    by: str
    k: int = 10

    @field_validator("x")
    @classmethod
    def _one_covariate(cls, x: str) -> str:
        if not x.strip():
            raise SpecError('A curve of each level needs a covariate: s(x, g, bs="fs").')
        refuse_stateful(x, f"s({x}, ...)")
        if any(sign in x for sign in "/[],"):
            raise SpecError(f"s({x}, ...): the name of a result cannot hold this. Compute it as a column first.")
        return x.strip()

    @model_validator(mode="after")
    def _enough_functions(self) -> "FactorSmooth":
        join_factors(self.factor_columns)
        if self.k < _LEAST:
            raise SpecError(f"{self}: k={self.k} is too small; a curve of each level needs at least k={_LEAST}.")
        return self

    def __str__(self) -> str:
        options = [*([f"k={self.k}"] if self.k != 10 else []), 'bs="fs"']
        return f"s({', '.join([self.x, ':'.join(map(quote_name, self.factor_columns)), *options])})"

    @property
    def factor_columns(self) -> tuple[str, ...]:
        """The columns whose combinations are the groups."""
        return Group(by=self.by).factor_columns

    @property
    def name(self) -> str:
        """The factor's name in results: its columns joined by colons, without backticks."""
        return ":".join(self.factor_columns)

    @property
    def formulas(self) -> tuple[str, ...]:
        """An intercept varies; the covariate is one of `expressions`."""
        return ("1",)

    @property
    def unpooled(self) -> str:
        """What to write for curves without pooling."""
        levels = ":".join(map(quote_name, self.factor_columns))
        return f"write {levels} + s({self.x}, by={levels}), whose curves have an SD each."

    @property
    def expressions(self) -> tuple[str, ...]:
        """The covariate."""
        return (self.x,)

    @property
    def _curve(self) -> str:
        return f"s({self.x.replace('`', '')})"

    @property
    def _labels(self) -> tuple[str, ...]:
        bends = (f"{self._curve}[{number + 1}]" for number in range(self.k - 2))
        return ("Intercept", f"{self._curve}[linear]", *bends)

    @property
    def _parts(self) -> tuple[Part, ...]:
        bends = self.k - 2
        structure = Structure(
            "homogeneous", self._curve, tuple((float(place),) for place in range(bends)), title=self._curve
        )
        return Part((0, 1), correlated=False), Part(tuple(range(2, 2 + bends)), correlated=False, structure=structure)

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads."""
        names = [str(name) for name in available]
        return Group(by=self.by).columns(names) | expression_columns(self.x, names)

    @classmethod
    def read(cls, piece: str) -> tuple[TermContract, ...]:
        """Return the term that s(x, g, bs="fs") is, and (1 | g) for s(g, bs="re"); none for other summands (SpecError)."""
        arguments = call_arguments(piece, "s")
        kind = keyword_arguments(arguments or [])[1].get("bs", "").strip("'\"")
        if kind not in ("fs", "re"):
            return ()
        plain, options = read_call(piece, piece, "s", ("bs", "k") if kind == "fs" else ("bs",), "") or ([], {})
        if kind == "re":
            if len(plain) != 1:
                raise SpecError(f"'{piece}': random slopes of x are (0 + x | g), intercepts of combinations (1 | g:h).")
            return (Group(by=plain[0]),)
        if len(plain) != 2:
            raise SpecError(
                f"'{piece}': a curve of each level has one covariate and one factor, s(x, g, bs=\"fs\"); combinations of "
                "levels are g:h."
            )
        if not options.get("k", "10").isdigit():
            raise SpecError(f"'{piece}': k is a whole number, such as k=8.")
        return (cls(x=plain[0], by=plain[1], k=int(options.get("k", 10))),)

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rules of the SDs of intercepts, of slopes and of deviations from lines."""
        name = safe_name(self.name)
        for label in (*self._labels[:2], self._curve):
            one = TermOutline(label, label, number=label == self._labels[1])
            key = ParameterKey(known.names.sd(name), label)
            yield PriorRule(key, SPREAD, one, f"SD between {self.between}", AS_WRITTEN, name)

    def outline(self, indices: Indices, factors: Collection[str]) -> GroupOutline:
        """Return what equations need to know of it without data."""
        name = safe_name(self.name)
        return GroupOutline(
            name=name,
            index=indices.letters[name],
            columns=tuple(Column(label, indices.row) for label in self._labels),
            parts=self._parts,
            single=False,
            inside=tuple(indices.inside.get(name, ())),
            levels=0,
            short=self.factor_columns[-1],
            several=False,
        )

    def build(self, table: Table, like: GroupBlock | None = None, *, part: int = 0, **_: bool) -> GroupBlock:
        """Return the columns, levels and index; with `like`, its spline is replayed and unseen levels stand at the end.

        Raises
        ------
        DataError
            The covariate is not numeric, not finite, does not vary within levels, or has too few values.
        """
        x = read_covariate(self, self.x, table, "The covariate comes before the factor.")
        codes, levels = group_levels(table.data, self.factor_columns)
        known = len(levels) if like is None else like.known
        if like is not None:
            codes, levels = recode(codes, levels, like.levels)
            spline = like.states[part].spline
        else:
            spline = self._learn(x, codes)
        deviation = x - spline.centre
        matrix = np.column_stack([np.ones(len(x)), deviation, spline.penalised(x)])
        units = np.ones(matrix.shape[1])
        units[1] = 1.0 / column_step(deviation) if like is None else 1.0
        return GroupBlock(
            name=self.name,
            factors=self.factor_columns,
            labels=self._labels,
            matrix=matrix,
            index=codes,
            levels=levels,
            known=known,
            parts=self._parts,
            bases=(None, None),
            columns=matrix,
            written=np.eye(matrix.shape[1]),
            units=units,
            units_as_written=units,
            means=matrix.mean(axis=0),
            coordinates=basis_coordinates(self._labels, units, as_written=True),
            states=(LearnedCurve(str(self), spline, True), LearnedCurve(str(self), spline, False)),
        )

    def _learn(self, x: Array, codes: NDArray[np.intp]) -> Spline:
        distinct = len(np.unique(x))
        if distinct < self.k:
            hint = f"Write k={distinct} or less" if distinct >= _LEAST else f"Write (1 + {self.x} | {self.by})"
            raise DataError(f"{self}: '{self.x}' has {distinct} different values, fewer than k={self.k}. {hint}.")
        level = np.zeros(codes.max() + 1)
        level[codes] = x
        if np.all(level[codes] == x):
            raise DataError(
                f"{self}: '{self.x}' has one value in every level of '{self.name}', so that levels have no curves. Write "
                f"s({self.x}) + (1 | {self.by})."
            )
        return learn_spline(BASES[_BASIS], x, self.k)
