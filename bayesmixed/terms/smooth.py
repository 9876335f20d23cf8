"""The smooth term: a curve of a covariate whose roughness is learned from the data."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import field_validator, model_validator

from bayesmixed.errors import DataError, SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.formulas.names import expression_columns, strip_factor_calls
from bayesmixed.formulas.notation import read_call, safe_name
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.tables.factors import Table
from bayesmixed.terms.basis_outlines import TermOutline
from bayesmixed.terms.block_parts import Part, basis_coordinates
from bayesmixed.terms.contract import CURVES, TermContract
from bayesmixed.terms.covariates import (
    known_by,
    name_covariate,
    one_column,
    ranges_of,
    read_by,
    read_covariate,
    share_mean,
    times,
)
from bayesmixed.terms.outlines import CurveOutline, Indices
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.prior_rules import AS_WRITTEN, SLOPE, SPREAD, Known, PriorRule
from bayesmixed.terms.smooth_block import SmoothBlock
from bayesmixed.terms.splines import BASES, Spline, learn_spline
from bayesmixed.terms.surface import is_surface

_OTHER_BASES = {
    "re": "Random intercepts of a factor g are (1 | g), random slopes (x | g).",
    "fs": 'A curve for each level of a factor, all with one SD, is s(x, g, bs="fs") in a formula.',
}
"""What takes the place of other bases of mgcv."""


class Smooth(TermContract):
    """A penalised spline, `s(x)`: a straight line plus normal deviations from it, whose SD is its wiggliness.

    Attributes
    ----------
    x : str
        Column, or an expression of columns.
    k : int
        Number of basis functions: the curve cannot bend more often. The penalty, not k, makes it smooth.
    by : str
        A factor: a curve for each of its levels, each with its own SD. A number column: the curve multiplies it.
    bs : str
        Key of `BASES`: "tp" thin plate, "cr" cubic, "ps" P-spline, "cc" cyclic.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> terms = [bm.Fixed(formula="1"), bm.Smooth(x="depth", k=6)]
    >>> bm.ModelSpec(response="y", predictors={"mu": terms}).formula
    'y ~ 1 + s(depth, k=6)'
    """

    part: ClassVar[str] = CURVES
    kind: Literal["smooth"] = "smooth"
    x: str
    k: int = 10
    by: str = ""
    bs: str = "tp"

    @field_validator("x")
    @classmethod
    def _one_covariate(cls, x: str) -> str:
        if not x.strip():
            raise SpecError("s() needs a covariate: s(x).")
        if "," in x:
            raise SpecError(f"s({x}): a curve has one covariate. A smooth of two is a term bm.Surface.")
        return name_covariate(x, f"s({x})")

    @field_validator("bs")
    @classmethod
    def _known_basis(cls, bs: str) -> str:
        if bs not in BASES:
            hint = _OTHER_BASES.get(bs, did_you_mean(bs, BASES))
            raise SpecError(f'Basis bs="{bs}" is not known. {hint}')
        return bs

    @field_validator("by")
    @classmethod
    def _one_column(cls, by: str) -> str:
        return one_column(by)

    @model_validator(mode="after")
    def _enough_functions(self) -> "Smooth":
        least = BASES[self.bs].least
        if self.k < least:
            raise SpecError(f'{self.name}: k={self.k} is too small; basis "{self.bs}" needs at least k={least}.')
        return self

    def __str__(self) -> str:
        options = [f"k={self.k}"] if self.k != 10 else []
        options += [f"by={self.by}"] if self.by else []
        options += [f'bs="{self.bs}"'] if self.bs != "tp" else []
        return f"s({', '.join([self.x, *options])})"

    @property
    def name(self) -> str:
        """Name in the draws, without options: "s(x)", "s(x):sward"."""
        return f"s({self.x.replace('`', '')})" + (f":{self.by_column}" if self.by else "")

    @property
    def expressions(self) -> tuple[str, ...]:
        """The covariate."""
        return (self.x,)

    @property
    def split_columns(self) -> tuple[str, ...]:
        """The column that splits or multiplies the curve."""
        return (self.by_column,) if self.by else ()

    @property
    def lines(self) -> tuple[str, ...]:
        """Name of the slope, "s(x)[linear]"; with a factor each level has one, and a periodic curve has none."""
        line = f"s({self.x.replace('`', '')})[linear]" + (f":{self.by_column}" if self.by else "")
        return () if BASES[self.bs].periodic else (line,)

    def owns(self, label: str) -> bool:
        """Return whether a label is that of one of its lines: "s(x)[linear]:f[b]"."""
        line = "s({})[linear]".format(self.x.replace("`", ""))
        ending = f":{self.by_column}" if self.by else ""
        written = re.escape(line).replace("linear", "(linear|constant)") + re.escape(ending)
        return re.fullmatch(rf"{written}(\[.*\])?", label, flags=re.DOTALL) is not None

    @property
    def around(self) -> str:
        """What the curve varies around, in words."""
        return BASES[self.bs].around

    @property
    def by_column(self) -> str:
        """Column that `by` names, "" for none."""
        return strip_factor_calls(self.by)[0].strip("` ")

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads."""
        names = [str(name) for name in available]
        return expression_columns(self.x, names) | known_by(self, self.by_column, names)

    def factors(self) -> tuple[str, ...]:
        """Return the columns that the term declares to be factors."""
        return strip_factor_calls(self.by)[1]

    @classmethod
    def read(cls, piece: str) -> "tuple[Smooth, ...]":
        """Return the smooth that a summand of a formula is, s(x, k=8, by=f, bs="cr"), if it is one.

        Raises
        ------
        SpecError
            It has unknown options, or is part of another expression.
        """
        alone = "a smooth is a term of its own, joined to others by '+'. For interactions write s(x, by=z)."
        call = None if is_surface(piece) else read_call(piece, piece, "s", ("k", "by", "bs"), alone)
        if call is None:
            return ()
        plain, options = call
        if "k" in options and not options["k"].isdigit():
            raise SpecError(f"'{piece}': k is a whole number, such as k=8.")
        return (
            cls(
                x=", ".join(plain),
                k=int(options.get("k", 10)),
                by=options.get("by", ""),
                bs=options.get("bs", "tp").strip("'\""),
            ),
        )

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rules of its lines, and of the SD of its curve."""
        for key, label in zip(known.names.population(self.lines), self.lines, strict=True):
            yield PriorRule(key, SLOPE, TermOutline(label, label, number=True), "slope of a curve", AS_WRITTEN)
        name, meaning = safe_name(self.name), f"SD of the curve around {self.around}"
        yield PriorRule(ParameterKey(known.names.sd(name)), SPREAD, TermOutline("", ""), meaning, "", name)

    def outline(self, indices: Indices, factors: Collection[str]) -> CurveOutline:
        """Return what equations need to know of it without data."""
        return CurveOutline(safe_name(self.name), indices.row, (), self.around)

    def build(self, table: Table, like: SmoothBlock | None = None, **_: Any) -> SmoothBlock:
        """Return the term's columns on a table; with `like` its spline is replayed.

        Raises
        ------
        DataError
            The covariate is not numeric, not finite, or has fewer different values than basis functions.
        """
        x = read_covariate(self, self.x, table, "A factor goes into the formula as it is, or into by=.")
        index, labels, multiplier = read_by(self.by_column, table, first=like is None)
        spline = self._learn(x, multiplier) if like is None else like.spline
        known = like.ranges if like is not None else ranges_of(x, index, max(1, len(labels)))
        curves = len(known)
        return SmoothBlock(
            name=self.name,
            parts=tuple(Part((curve,), correlated=False) for curve in range(curves)),
            coordinates=basis_coordinates(labels or ("",), np.ones(curves), as_written=True),
            covariate=self.x.replace("`", ""),
            by=self.by_column,
            x=x,
            labels=labels,
            matrix=times(spline.penalised(x), multiplier),
            index=index,
            levels=tuple(str(number + 1) for number in range(spline.map.shape[1])),
            spline=spline,
            multiplier=multiplier,
            ranges=known,
        )

    def advise(self, block: SmoothBlock, population: PopulationBlock) -> Iterator[str]:
        """Yield notes on curves by a factor: missing means, and few values of the covariate."""
        if share_mean(block, population):
            yield (
                f"The curves of {self} share one mean, because the population part has no '{self.by_column}'. "
                "Add it to the formula, unless that is intended."
            )
        counts = {label: len(np.unique(block.curve_values(curve))) for curve, label in enumerate(block.labels)}
        few = {label: count for label, count in counts.items() if count < self.k}
        if few:
            label = min(few, key=lambda label: few[label])
            others = f" (and {len(few) - 1} more levels, fewer than k as well)" if len(few) > 1 else ""
            yield (
                f"{self}: '{self.by_column}' {label} has {few[label]} different values of {self.x}, fewer than "
                f"k={self.k}{others}: such a curve depends largely on the prior."
            )

    def _learn(self, x: Array, multiplier: Array | None) -> Spline:
        distinct = len(np.unique(x))
        if distinct == 1:
            raise DataError(f"{self}: '{self.x}' is {x[0]:g} in every row. Leave the smooth out.")
        if distinct < self.k:
            hint = (
                f"Write k={distinct} or less" if distinct >= BASES[self.bs].least else "Write it as a factor or a line"
            )
            raise DataError(f"{self}: '{self.x}' has {distinct} different values, fewer than k={self.k}. {hint}.")
        if multiplier is not None and np.all(multiplier == 0):
            raise DataError(f"{self}: '{self.by_column}' is 0 in every row. Leave the smooth out.")
        return learn_spline(BASES[self.bs], x, self.k, multiplier)
