"""The surface term: a smooth function of two covariates whose roughness is learned from the data."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import field_validator, model_validator

from bayesmixed.errors import DataError, SpecError
from bayesmixed.families.links import Array
from bayesmixed.formulas.notation import call_arguments, keyword_arguments, read_call, safe_name
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.tables.factors import Table
from bayesmixed.terms.basis_outlines import TermOutline
from bayesmixed.terms.block_parts import Part, basis_coordinates
from bayesmixed.terms.contract import CURVES, TermContract
from bayesmixed.terms.covariates import covariate_columns, name_covariate, note_units, read_covariate
from bayesmixed.terms.curve_block import CurveBlock
from bayesmixed.terms.outlines import CurveOutline, Indices
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.prior_rules import AS_WRITTEN, SLOPE, SPREAD, Known, PriorRule
from bayesmixed.terms.thin_plates import Plate, learn_plate

AROUND = "a plane"


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceBlock(CurveBlock):
    """The penalised part of a surface: columns of a thin plate, the smoothest first; `x` are the points, (n, 2).

    Attributes
    ----------
    plate : Plate
        Learned state.
    names : tuple of str
        The covariates.
    """

    plate: Plate
    names: tuple[str, ...]

    @property
    def around(self) -> str:
        """What the surface varies around, in words."""
        return AROUND

    def extrapolations(self) -> Iterator[str]:
        """Yield a note on rows beyond the ranges of the covariates at the fit."""
        yield from self.note_beyond("goes on without bending much")

    @property
    def line_labels(self) -> tuple[str, ...]:
        """Labels of the columns that are not penalised."""
        return tuple(f"{self.name}[{name}]" for name in self.names)

    @property
    def line_matrix(self) -> Array:
        """(n, 2) columns that are not penalised: the covariates from their means."""
        return np.asarray(self.x - self.plate.centre)

    def along(self, curve: int, x: Array) -> "SurfaceBlock":
        """Return the block of rows at other points."""
        return replace(self, x=x, matrix=self.plate.penalised(x), index=np.zeros(len(x), dtype=np.intp))


class Surface(TermContract):
    """A penalised thin plate, `s(x, z)`: a plane plus normal deviations from it, whose SD is its wiggliness.

    The penalty is the same in all directions, so that the covariates are to have the same unit, like coordinates of
    places: s(east, north). Covariates in different units are first brought to comparable ones, in columns of their own.

    Attributes
    ----------
    x, z : str
        Columns, or expressions of columns.
    k : int
        Number of basis functions, more than 3: the surface cannot bend more often. The penalty, not k, makes it smooth.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.from_formula("y ~ s(east, north, k=20)").terms[-1].k
    20
    """

    part: ClassVar[str] = CURVES
    kind: Literal["surface"] = "surface"
    x: str
    z: str
    k: int = 30

    @field_validator("x", "z")
    @classmethod
    def _one_covariate(cls, x: str) -> str:
        if not x.strip():
            raise SpecError("s() of two covariates needs both: s(x, z).")
        return name_covariate(x, f"s({x}, ...)")

    @model_validator(mode="after")
    def _possible(self) -> "Surface":
        if self.x == self.z:
            raise SpecError(f"{self.name}: both covariates are the same. Write s({self.x}).")
        if self.k < 4:
            raise SpecError(f"{self.name}: k={self.k} is too small; a surface needs at least k=4.")
        return self

    def __str__(self) -> str:
        return f"s({', '.join([self.x, self.z, *([f'k={self.k}'] if self.k != 30 else [])])})"

    @property
    def name(self) -> str:
        """Name in the draws, without options: "s(x,z)"."""
        return f"s({','.join(self._names)})"

    @property
    def _names(self) -> tuple[str, str]:
        return self.x.replace("`", ""), self.z.replace("`", "")

    @property
    def expressions(self) -> tuple[str, ...]:
        """The covariates."""
        return (self.x, self.z)

    @property
    def lines(self) -> tuple[str, ...]:
        """Names of the slopes, "s(x,z)[x]" and "s(x,z)[z]"."""
        return tuple(f"{self.name}[{name}]" for name in self._names)

    def owns(self, label: str) -> bool:
        """Return whether a label is that of one of its slopes."""
        return label in self.lines

    @property
    def around(self) -> str:
        """What the surface varies around, in words."""
        return AROUND

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads."""
        return covariate_columns(self.expressions, available)

    @classmethod
    def read(cls, piece: str) -> "tuple[Surface, ...]":
        """Return the surface that a summand of a formula is, s(x, z, k=20), if it is one.

        Raises
        ------
        SpecError
            It has unknown options.
        """
        if not is_surface(piece):
            return ()
        call = read_call(piece, piece, "s", ("k", "by", "bs"), "a surface is a term of its own.")
        plain, options = call or ([], {})
        if len(plain) > 2:
            raise SpecError(f"'{piece}': a smooth has one covariate or two. Write s(x, z) + s(w).")
        if "by" in options:
            raise SpecError(
                f"'{piece}': a surface has no by=. Write s(x, by=f) + s(z, by=f), or a model for each level."
            )
        if options.get("bs", "tp").strip("'\"") != "tp":
            raise SpecError(
                f"'{piece}': a surface of two numbers is a thin plate, bs=\"tp\". A curve of each group is "
                's(x, g, bs="fs").'
            )
        if not options.get("k", "30").isdigit():
            raise SpecError(f"'{piece}': k is a whole number, such as k=20.")
        return (cls(x=plain[0], z=plain[1], k=int(options.get("k", 30))),)

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rules of its slopes, and of the SD of its surface."""
        for key, label in zip(known.names.population(self.lines), self.lines, strict=True):
            yield PriorRule(key, SLOPE, TermOutline(label, label, number=True), "slope of a surface", AS_WRITTEN)
        name, meaning = safe_name(self.name), f"SD of the surface around {AROUND}"
        yield PriorRule(ParameterKey(known.names.sd(name)), SPREAD, TermOutline("", ""), meaning, "", name)

    def outline(self, indices: Indices, factors: Collection[str]) -> CurveOutline:
        """Return what equations need to know of it without data."""
        return CurveOutline(safe_name(self.name), indices.row, (), AROUND)

    def build(self, table: Table, like: SurfaceBlock | None = None, **_: Any) -> SurfaceBlock:
        """Return the term's columns on a table; with `like` its thin plate is replayed.

        Raises
        ------
        DataError
            A covariate is not numeric or not finite, all points lie on a line, or are fewer than basis functions.
        """
        instead = "For a curve at each level of a factor write s(x, by=f)."
        points = np.column_stack([read_covariate(self, text, table, instead) for text in (self.x, self.z)])
        plate = self._learn(points) if like is None else like.plate
        ranges = np.stack([points.min(axis=0), points.max(axis=0)])[None] if like is None else like.ranges
        return SurfaceBlock(
            name=self.name,
            parts=(Part((0,), correlated=False),),
            coordinates=basis_coordinates(("",), np.ones(1), as_written=True),
            covariate=", ".join(self._names),
            names=self._names,
            x=points,
            labels=(),
            matrix=plate.penalised(points),
            index=np.zeros(table.rows, dtype=np.intp),
            levels=tuple(str(number + 1) for number in range(plate.map.shape[1])),
            plate=plate,
            ranges=ranges,
        )

    def advise(self, block: SurfaceBlock, population: PopulationBlock) -> Iterator[str]:
        """Yield a note where the covariates are hardly coordinates in the same unit."""
        yield from note_units(self, self.expressions, np.ptp(block.ranges[0], axis=0))

    def _learn(self, points: Array) -> Plate:
        distinct = len(np.unique(points, axis=0))
        deviations = points - points.mean(axis=0)
        for text, values in zip((self.x, self.z), points.T, strict=True):
            if np.ptp(values) == 0:
                raise DataError(f"{self}: '{text}' is {values[0]:g} in every row. Write a curve of the other: s(x).")
        if np.linalg.matrix_rank(deviations / np.ptp(points, axis=0)) < 2:
            raise DataError(f"{self}: all points lie on one line. Write a curve of one of the covariates: s({self.x}).")
        if distinct < self.k:
            hint = f"Write k={distinct} or less" if distinct >= 4 else "Write a plane, x + z"
            raise DataError(f"{self}: there are {distinct} different points, fewer than k={self.k}. {hint}.")
        return learn_plate(points, self.k)


def is_surface(piece: str) -> bool:
    """Return whether a summand of a formula is a smooth of several covariates."""
    arguments = call_arguments(piece, "s")
    return arguments is not None and len(keyword_arguments(arguments)[0]) > 1
