"""The tensor term: a smooth function of two covariates in any units, with a roughness along each of them."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator, model_validator

from bayesmixed.errors import DataError, SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.formulas.names import strip_factor_calls
from bayesmixed.formulas.notation import read_call, safe_name, split_top
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.tables.factors import Table
from bayesmixed.terms.basis_outlines import TermOutline
from bayesmixed.terms.block_parts import Part, basis_coordinates
from bayesmixed.terms.contract import CURVES, TermContract
from bayesmixed.terms.covariates import (
    covariate_columns,
    known_by,
    name_covariate,
    one_column,
    ranges_of,
    read_by,
    read_covariate,
    share_mean,
    times,
)
from bayesmixed.terms.curve_block import CurveBlock
from bayesmixed.terms.outlines import CurveOutline, Indices
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.prior_rules import AS_WRITTEN, DISTANCES, SLOPE, SPREAD, Known, PriorRule
from bayesmixed.terms.spectra import Balance, Spectrum, SpectrumByLevel
from bayesmixed.terms.splines import BASES
from bayesmixed.terms.tensor_bases import XZ, Tensor, X, Z, free_names, learn_tensor

_LEAST = 3
MARGINS = [name for name, basis in BASES.items() if basis.penalty is not None]
"""Bases that a margin may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorBlock(CurveBlock):
    """The penalised part of a tensor product; `x` are the points, (n, 2).

    Attributes
    ----------
    tensor : Tensor
        Learned state.
    names : tuple of str
        The covariates.
    multiplier : (n,) array or None
        Numbers that multiply the surface.
    """

    tensor: Tensor
    names: tuple[str, str]
    multiplier: Array | None = None

    @property
    def around(self) -> str:
        """What the surface varies around, in words."""
        return _around(self.tensor.names)

    @property
    def instead(self) -> str:
        """What to write beside curves of the covariates: a tensor product holds them."""
        if X not in self.tensor.names and Z not in self.tensor.names:
            return ""
        return f"{self.name} holds the curves of its covariates; beside them write ti instead of te."

    def extrapolations(self) -> Iterator[str]:
        """Yield a note on rows beyond the ranges of the covariates at the fit."""
        yield from self.note_beyond("goes on as straight lines along each covariate (again where it is cyclic)")

    @property
    def line_labels(self) -> tuple[str, ...]:
        """Labels of the columns that are not penalised."""
        kinds = ["constant"] * (self.multiplier is not None) + _labels(self.tensor.names, self.names)
        surface, ending = self.name.removesuffix(f":{self.by}"), f":{self.by}" if self.by else ""
        return tuple(
            f"{surface}[{kind}]{end}"
            for end in [f"{ending}[{label}]" for label in self.labels] or [ending]
            for kind in kinds
        )

    @property
    def line_matrix(self) -> Array:
        """(n, L) columns that are not penalised: the covariates from their means and their product, and the multiplier."""
        free = self.tensor.free(self.x)
        if self.multiplier is not None:
            return np.column_stack([self.multiplier, free * self.multiplier[:, None]])
        return np.hstack([free * (self.index == curve)[:, None] for curve in range(self.curves)])

    def take(self, rows: NDArray[np.intp]) -> "TensorBlock":
        """Return the block of some of its rows."""
        multiplier = None if self.multiplier is None else self.multiplier[rows]
        return replace(CurveBlock.take(self, rows), multiplier=multiplier)

    def along(self, curve: int, x: Array) -> "TensorBlock":
        """Return the block of rows of one surface at other points, with the multiplier 1."""
        index = np.full(len(x), curve, dtype=np.intp)
        multiplier = None if self.multiplier is None else np.ones(len(x))
        return replace(self, x=x, matrix=self.tensor.penalised(x), index=index, multiplier=multiplier)


class TensorSmooth(TermContract):
    """A tensor product of two curves, `te(x, z)`: a smooth function of two covariates with a roughness along each.

    Covariates may have any units. `ti(x, z)` is what is left of it beside the curves of each covariate:
    `s(x) + s(z) + ti(x, z)`.

    Attributes
    ----------
    x, z : str
        Columns, or expressions of columns.
    k : tuple of two int
        Number of basis functions of each.
    bs : tuple of two str
        Basis of each: "cr" cubic, "cc" cyclic.
    interaction : bool
        The interaction alone, `ti`.
    by : str
        A factor that has a surface for each level, or a column of numbers that multiply the surface.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.from_formula("y ~ te(day, hour, k=[6, 8])").terms[-1].k
    (6, 8)
    """

    part: ClassVar[str] = CURVES
    kind: Literal["tensor"] = "tensor"
    x: str
    z: str
    k: tuple[int, int] = (5, 5)
    bs: tuple[str, str] = ("cr", "cr")
    interaction: bool = False
    by: str = ""

    @field_validator("by")
    @classmethod
    def _one_column(cls, by: str) -> str:
        return one_column(by)

    @field_validator("x", "z")
    @classmethod
    def _one_covariate(cls, x: str) -> str:
        if not x.strip():
            raise SpecError("te() needs two covariates: te(x, z).")
        return name_covariate(x, f"te({x}, ...)")

    @model_validator(mode="after")
    def _possible(self) -> "TensorSmooth":
        if self.x == self.z:
            raise SpecError(f"{self.name}: both covariates are the same. Write s({self.x}).")
        for k, bs in zip(self.k, self.bs, strict=True):
            if bs not in MARGINS:
                raise SpecError(
                    f'{self.name}: basis bs="{bs}" has no tensor product here; take "cr", or "cc" of a cyclic covariate. '
                    f"{did_you_mean(bs, MARGINS)}".rstrip()
                )
            least = max(_LEAST, BASES[bs].least)
            if k < least:
                raise SpecError(f'{self.name}: k={k} is too small; basis "{bs}" needs at least k={least}.')
        return self

    @property
    def _call(self) -> str:
        return "ti" if self.interaction else "te"

    def __str__(self) -> str:
        options = [f"k={_write(self.k)}"] if self.k != (5, 5) else []
        options += [f"bs={_write([f'"{one}"' for one in self.bs])}"] if self.bs != ("cr", "cr") else []
        options += [f"by={self.by}"] if self.by else []
        return f"{self._call}({', '.join([self.x, self.z, *options])})"

    @property
    def name(self) -> str:
        """Name in the draws, without options: "te(x,z)", "te(x,z):f"."""
        return f"{self._surface}{self._ending}"

    @property
    def _surface(self) -> str:
        return f"{self._call}({','.join(self._names)})"

    @property
    def _ending(self) -> str:
        return f":{self.by_column}" if self.by else ""

    @property
    def by_column(self) -> str:
        """Column that `by` names, "" for none."""
        return strip_factor_calls(self.by)[0].strip("` ")

    @property
    def split_columns(self) -> tuple[str, ...]:
        """The column that splits or multiplies the surface."""
        return (self.by_column,) if self.by else ()

    @property
    def _names(self) -> tuple[str, str]:
        return self.x.replace("`", ""), self.z.replace("`", "")

    @property
    def expressions(self) -> tuple[str, ...]:
        """The covariates."""
        return (self.x, self.z)

    @property
    def lines(self) -> tuple[str, ...]:
        """Names of the columns without a penalty, "te(x,z)[x]", "te(x,z)[z]" and "te(x,z)[x:z]"."""
        return tuple(f"{self._surface}[{label}]{self._ending}" for label in _labels(self._free, self._names))

    @property
    def _free(self) -> tuple[str, ...]:
        return free_names((BASES[self.bs[0]], BASES[self.bs[1]]), main=not self.interaction)

    def owns(self, label: str) -> bool:
        """Return whether a label is that of one of its columns without a penalty."""
        names = "|".join(map(re.escape, ["constant", *_labels(self._free, self._names)]))
        pattern = rf"{re.escape(self._surface)}\[({names})\]{re.escape(self._ending)}(\[.*\])?"
        return re.fullmatch(pattern, label, flags=re.DOTALL) is not None

    def factors(self) -> tuple[str, ...]:
        """Return the columns that the term declares to be factors."""
        return strip_factor_calls(self.by)[1]

    @property
    def around(self) -> str:
        """What the surface varies around, in words."""
        return _around(self._free)

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads."""
        names = [str(name) for name in available]
        return covariate_columns(self.expressions, names) | known_by(self, self.by_column, names)

    @classmethod
    def read(cls, piece: str) -> "tuple[TensorSmooth, ...]":
        """Return the term that a summand of a formula is, te(x, z, k=[6, 8]) or ti(x, z), if it is one.

        Raises
        ------
        SpecError
            It has unknown options, or not two covariates.
        """
        for name in ("te", "ti"):
            call = read_call(
                piece, piece, name, ("k", "bs", "by"), "a tensor product is a term of its own, joined by '+'."
            )
            if call is None:
                continue
            plain, options = call
            if len(plain) != 2:
                hint = f"A curve is s({plain[0]})." if len(plain) == 1 else "Write the products of each two covariates."
                raise SpecError(f"'{piece}': a tensor product has two covariates, {name}(x, z). {hint}")
            numbers, bases = _pair(options.get("k", "5"), piece), _pair(options.get("bs", "cr"), piece)
            if not all(number.isdigit() for number in numbers):
                raise SpecError(f"'{piece}': k is a whole number or two, such as k=6 or k=[6, 8].")
            k = (int(numbers[0]), int(numbers[1]))
            by = options.get("by", "")
            return (cls(x=plain[0], z=plain[1], k=k, bs=bases, interaction=name == "ti", by=by),)
        return ()

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rules of its columns without a penalty, of the SD of its surface, and of its balance."""
        for key, label in zip(known.names.population(self.lines), self.lines, strict=True):
            yield PriorRule(key, SLOPE, TermOutline(label, label, number=True), "slope of a surface", AS_WRITTEN)
        name, meaning = safe_name(self.name), f"SD of the surface around {self.around}"
        yield PriorRule(ParameterKey(known.names.sd(name)), SPREAD, TermOutline("", ""), meaning, "", name)
        for one in self._spectrum().parameters:
            key, about = known.names.structure(one.name, name), f"{one.meaning}, {self.name}"
            yield PriorRule(key, DISTANCES, TermOutline("", ""), about, "", name, one.prior(np.zeros((0, 1))))

    def outline(self, indices: Indices, factors: Collection[str]) -> CurveOutline:
        """Return what equations need to know of it without data."""
        return CurveOutline(safe_name(self.name), indices.row, (), self.around, self._spectrum())

    def build(self, table: Table, like: TensorBlock | None = None, **_: Any) -> TensorBlock:
        """Return the term's columns on a table; with `like` its bases are replayed.

        Raises
        ------
        DataError
            A covariate is not numeric or not finite, or has fewer values than basis functions.
        """
        instead = "A surface of each level of a factor is te(x, z, by=f)."
        points = np.column_stack([read_covariate(self, text, table, instead) for text in (self.x, self.z)])
        if like is None:
            self._check(points)
        tensor = learn_tensor(points, self.k, self.bs, main=not self.interaction) if like is None else like.tensor
        index, labels, multiplier = read_by(self.by_column, table, first=like is None)
        if like is None and multiplier is not None and np.all(multiplier == 0.0):
            raise DataError(f"{self}: '{self.by_column}' is 0 in every row. Leave the surface out.")
        matrix = times(tensor.penalised(points), multiplier)
        curves = max(1, len(labels))
        ranges = ranges_of(points, index, curves) if like is None else like.ranges
        return TensorBlock(
            name=self.name,
            parts=tuple(Part((curve,), correlated=False) for curve in range(curves)),
            coordinates=basis_coordinates(labels or ("",), np.ones(curves), as_written=True),
            by=self.by_column,
            multiplier=multiplier,
            covariate=", ".join(self._names),
            names=self._names,
            x=points,
            labels=labels,
            matrix=matrix,
            index=index,
            levels=tuple(str(number + 1) for number in range(matrix.shape[1])),
            tensor=tensor,
            ranges=ranges,
            spectrum=self._learn_spectrum(tensor, matrix, index, labels) if like is None else like.spectrum,
        )

    def advise(self, block: TensorBlock, population: PopulationBlock) -> Iterator[str]:
        """Yield a note where an interaction stands without the curves of its covariates, and surfaces of levels without means."""
        if share_mean(block, population):
            yield (
                f"The surfaces of {self} share one mean, because the population part has no '{self.by_column}'. "
                "Add it to the formula, unless that is intended."
            )
        if self.interaction:
            held = [label for label in population.labels if label not in block.line_labels]
            lines = [name for name, bs in zip(self._names, self.bs, strict=True) if not BASES[bs].periodic]
            absent = [
                name for name in lines if not any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", one) for one in held)
            ]
            if absent:
                yield (
                    f"{self} leaves out the curves of its covariates, and the formula has no {' and no '.join(absent)}. Add "
                    f"{' + '.join(f's({name})' for name in absent)}, or write te({self.x}, {self.z})."
                )

    def _learn_spectrum(
        self, tensor: Tensor, matrix: Array, index: NDArray[np.intp], labels: tuple[str, ...]
    ) -> Spectrum:
        """Return the balance of the surface, or of that of each level, given the columns of the rows of the fit."""
        own = [np.mean(matrix[index == curve] ** 2, axis=0) for curve in range(max(1, len(labels)))]
        spectra = [self._spectrum(*tensor.penalties, squares) for squares in own]
        return SpectrumByLevel(tuple(spectra), self.by_column, labels) if labels else spectra[0]

    def _spectrum(self, *arrays: Array) -> Balance:
        first, second, squares = arrays or (np.zeros(0),) * 3
        return Balance(self.name, first, second, squares)

    def _check(self, points: Array) -> None:
        for text, values, k in zip((self.x, self.z), points.T, self.k, strict=True):
            distinct = len(np.unique(values))
            if distinct == 1:
                raise DataError(f"{self}: '{text}' is {values[0]:g} in every row. Write a curve of the other: s(x).")
            if distinct < k:
                raise DataError(
                    f"{self}: '{text}' has {distinct} different values, fewer than k={k}. "
                    + (f"Write k={distinct} or less." if distinct >= _LEAST else "Write it as a factor: s(x, by=f).")
                )


def _labels(names: Iterable[str], covariates: tuple[str, str]) -> list[str]:
    """Return the names of columns without a penalty with those of covariates."""
    x, z = covariates
    return [{X: x, Z: z}.get(name, f"{x}:{z}") for name in names]


def _around(free: tuple[str, ...]) -> str:
    """Return what a surface varies around, given its columns without a penalty."""
    return {0: "its mean", 3: "a plane with a twist"}.get(
        len(free), "a product of lines" if XZ in free else "a straight line"
    )


def _pair(text: str, piece: str) -> tuple[str, str]:
    """Return the two values that an option gives, 6, [6, 8] or c(6, 8), without quotes."""
    inside = text.strip().removeprefix("c")
    found = (
        [one.strip().strip("'\"") for one in split_top(inside[1:-1], (",",))]
        if inside[:1] in ("[", "(") and inside[-1:] in ("]", ")")
        else [text.strip().strip("'\"")] * 2
    )
    if len(found) != 2:
        raise SpecError(f"'{piece}': give one value for both covariates, or two in brackets, [6, 8].")
    return found[0], found[1]


def _write(pair: Iterable[object]) -> str:
    first, second = map(str, pair)
    return first if first == second else f"[{first}, {second}]"
