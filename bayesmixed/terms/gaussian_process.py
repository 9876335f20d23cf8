"""The Gaussian process term: a function of one or two covariates with a length-scale, by its Hilbert-space approximation."""

from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import field_validator, model_validator

from bayesmixed.errors import DataError, SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.formulas.names import strip_factor_calls
from bayesmixed.formulas.notation import read_call, safe_name
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.factors import Table
from bayesmixed.terms.basis_outlines import TermOutline
from bayesmixed.terms.block_parts import Part, basis_coordinates
from bayesmixed.terms.contract import CURVES, TermContract
from bayesmixed.terms.covariates import (
    covariate_columns,
    known_by,
    name_covariate,
    note_units,
    one_column,
    ranges_of,
    read_by,
    read_covariate,
    times,
)
from bayesmixed.terms.directions import spans
from bayesmixed.terms.outlines import CurveOutline, Indices
from bayesmixed.terms.periodic_bases import CIRCLE_TEXT, PERIODIC, Circle, PeriodicSpectrum, learn_circle
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.prior_rules import DISTANCES, SPREAD, Known, PriorRule
from bayesmixed.terms.process_bases import PROCESS_COVARIANCES, RANGE_TEXT, Box, ProcessSpectrum, learn_box
from bayesmixed.terms.process_block import AROUND, ProcessBlock, counted
from bayesmixed.terms.spectra import Spectrum, SpectrumByLevel

MOST_FUNCTIONS = 2000
"""Basis functions beyond which a model is refused."""
_OF_BRMS = {"matern15": "matern32", "matern25": "matern52"}
_INSTEAD = {
    "exponential": "Take matern32, the roughest of these.",
}


class GaussianProcess(TermContract):
    """A Gaussian process of one covariate or two, `gp(x)` or `gp(x, z)`, with an SD and a length-scale.

    It is approximated by basis functions, so that it costs like a regression (Riutort-Mayol et al. 2022). Two covariates share a
    length-scale and are to have the same unit.

    Attributes
    ----------
    x, z : str
        Columns, or expressions of columns; `z` is "" for one covariate.
    k : tuple of int
        Number of basis functions along each covariate, 0 to choose it.
    c : float
        Half of the side of the box in which the process lives, in half ranges of a covariate, 0 to choose it.
    cov : str
        Key of the covariance: "exp_quad", "matern52", "matern32", or "periodic" of one covariate.
    period : float
        Of a periodic process, in the unit of the covariate; it is not estimated.
    by : str
        A factor that has a process for each level, with an SD and a length-scale of its own; or a column of numbers that multiply
        the process: a coefficient that varies with the covariates. Its SD is that of the product in a row where the number
        is at its root mean square.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.from_formula('y ~ gp(day, k=30, cov="matern32")').terms[-1].cov
    'matern32'
    """

    part: ClassVar[str] = CURVES
    kind: Literal["gaussian_process"] = "gaussian_process"
    x: str
    z: str = ""
    k: tuple[int, ...] = ()
    c: float = 0.0
    cov: str = "exp_quad"
    period: float = 0.0
    by: str = ""

    @field_validator("by")
    @classmethod
    def _one_column(cls, by: str) -> str:
        return one_column(by)

    @field_validator("x", "z")
    @classmethod
    def _one_covariate(cls, x: str) -> str:
        return name_covariate(x, f"gp({x})")

    @field_validator("cov")
    @classmethod
    def _known_covariance(cls, cov: str) -> str:
        name = _OF_BRMS.get(cov, cov)
        known = [*PROCESS_COVARIANCES, PERIODIC]
        if name not in known:
            hint = _INSTEAD.get(cov, did_you_mean(cov, known))
            raise SpecError(f'Covariance cov="{cov}" of a Gaussian process is not known. {hint}')
        return name

    @model_validator(mode="after")
    def _possible(self) -> "GaussianProcess":
        if not self.x:
            raise SpecError("gp() needs a covariate: gp(x).")
        if self.x == self.z:
            raise SpecError(f"{self.name}: both covariates are the same. Write gp({self.x}).")
        if len(self.k) not in (0, len(self.expressions)):
            raise SpecError(f"{self.name}: k is a number for each covariate, not {list(self.k)}.")
        if any(k != 0 and k < 2 for k in self.k):
            raise SpecError(
                f"{self.name}: k={min(self.k)} is too small; a process needs at least 2 functions, usually 20."
            )
        if self.c != 0.0 and not 1.0 < self.c < 100.0:
            raise SpecError(f"{self.name}: c={self.c:g} is impossible; the box is larger than the data: c is above 1.")
        if (self.cov == PERIODIC) != (self.period > 0.0) or not np.isfinite(self.period):
            raise SpecError(
                f'{self.name}: a periodic process has its period, {self.name[:-1]}, cov="periodic", period=7).'
            )
        if self.cov == PERIODIC and (self.z or self.c):
            raise SpecError(f"{self.name}: a periodic process has one covariate, and no box c.")
        return self

    def __str__(self) -> str:
        options = []
        if self.k:
            options.append(f"k={self.k[0]}" if len(set(self.k)) == 1 else f"k=[{', '.join(map(str, self.k))}]")
        options += [f"c={self.c!r}".removesuffix(".0")] if self.c else []
        options += [f'cov="{self.cov}"'] if self.cov != "exp_quad" else []
        options += [f"period={self.period!r}".removesuffix(".0")] if self.period else []
        options += [f"by={self.by}"] if self.by else []
        return f"gp({', '.join([*self.expressions, *options])})"

    @property
    def name(self) -> str:
        """Name in the draws, without options: "gp(x)", "gp(x):w"."""
        return f"gp({','.join(self._names)})" + (f":{self.by_column}" if self.by else "")

    @property
    def by_column(self) -> str:
        """Column that splits or multiplies it, "" for none."""
        return strip_factor_calls(self.by)[0].strip("` ")

    @property
    def split_columns(self) -> tuple[str, ...]:
        """The column that splits or multiplies it."""
        return (self.by_column,) if self.by else ()

    def factors(self) -> tuple[str, ...]:
        """Return the columns that the term declares to be factors."""
        return strip_factor_calls(self.by)[1]

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(text.replace("`", "") for text in self.expressions)

    @property
    def expressions(self) -> tuple[str, ...]:
        """The covariates."""
        return (self.x, self.z) if self.z else (self.x,)

    @property
    def around(self) -> str:
        """What the process varies around, in words."""
        return AROUND

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads."""
        names = [str(name) for name in available]
        return covariate_columns(self.expressions, names) | known_by(self, self.by_column, names)

    @classmethod
    def read(cls, piece: str) -> "tuple[GaussianProcess, ...]":
        """Return the process that a summand of a formula is, gp(x, k=20, cov="matern52"), if it is one.

        Raises
        ------
        SpecError
            It has unknown options, or is part of another expression.
        """
        known = ("k", "c", "cov", "iso", "by", "period")
        call = read_call(piece, piece, "gp", known, "a Gaussian process is a term of its own, joined to others by '+'.")
        if call is None:
            return ()
        plain, options = call
        if not 1 <= len(plain) <= 2:
            raise SpecError(f"'{piece}': a process has one covariate or two, gp(x) or gp(x, z).")
        if options.get("iso", "True").upper() != "TRUE":
            raise SpecError(f"'{piece}': covariates share a length-scale. With one of its own each, write te(x, z).")
        inside = options.get("k", "0").strip("[]()c ").split(",")
        if not all(one.strip().isdigit() for one in inside):
            raise SpecError(f"'{piece}': k is a whole number, such as k=20, or one of each covariate, [20, 30].")
        k = tuple(int(one) for one in inside) if len(inside) > 1 else (int(inside[0]),) * len(plain)
        c, period = (_number(options.get(name, "0"), name, piece) for name in ("c", "period"))
        x, z = (*plain, "")[:2]
        k, cov = k if any(k) else (), options.get("cov", "exp_quad").strip("'\"")
        return (cls(x=x, z=z, k=k, c=c, cov=cov, period=period, by=options.get("by", "")),)

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rules of its SD and of its length-scale."""
        name = safe_name(self.name)
        yield PriorRule(ParameterKey(known.names.sd(name)), SPREAD, TermOutline("", ""), self._meaning, "", name)
        key = known.names.structure("range", name)
        about = f"length-scale, {self.name}, {CIRCLE_TEXT if self.period else RANGE_TEXT}"
        yield PriorRule(key, DISTANCES, TermOutline("", ""), about, "", name)

    @property
    def _meaning(self) -> str:
        times_by = f", of a level of {self.by_column} or times it in units of its root mean square" if self.by else ""
        return f"SD of the {'surface' if self.z else 'curve'} around {AROUND}{times_by}"

    def outline(self, indices: Indices, factors: Collection[str]) -> CurveOutline:
        """Return what equations need to know of it without data."""
        return CurveOutline(safe_name(self.name), indices.row, (), AROUND, self._spectrum(None))

    def build(self, table: Table, like: ProcessBlock | None = None, **_: Any) -> ProcessBlock:
        """Return the term's columns on a table; with `like` its box is replayed.

        Raises
        ------
        DataError
            A covariate or a multiplier is not numeric, not finite or constant, or there are too many functions.
        """
        instead = "A process of each level of a factor is gp(x, by=f)."
        points = np.column_stack([read_covariate(self, text, table, instead) for text in self.expressions])
        box = self._learn(points) if like is None else like.box
        x = points if self.z else points[:, 0]
        index, labels, numbers = read_by(self.by_column, table, first=like is None)
        curves = max(1, len(labels))
        ranges = ranges_of(x, index, curves) if like is None else like.ranges
        multiplier, unit = (None, 1.0) if numbers is None else self._multiplier(table, like)
        matrix, spectrum = times(box.columns(points), multiplier), self._spectrum(box)
        return ProcessBlock(
            name=self.name,
            parts=tuple(Part((curve,), correlated=False) for curve in range(curves)),
            coordinates=basis_coordinates(labels or ("",), np.ones(curves), as_written=True),
            covariate=", ".join(self._names),
            by=self.by_column,
            multiplier=multiplier,
            unit=unit,
            x=x,
            labels=labels,
            matrix=matrix,
            index=index,
            levels=tuple(str(number + 1) for number in range(matrix.shape[1])),
            box=box,
            ranges=ranges,
            spectrum=SpectrumByLevel((spectrum,) * curves, self.by_column, labels) if labels else spectrum,
        )

    def advise(self, block: ProcessBlock, population: PopulationBlock) -> Iterator[str]:
        """Yield notes where two covariates are hardly coordinates in the same unit, and where a coefficient has no mean."""
        if self.z:
            yield from note_units(self, self.expressions, np.ptp(block.ranges[0], axis=0))
        if block.multiplier is not None and not spans(population.matrix, block.multiplier[:, None]):
            yield (
                f"{self} is a coefficient of '{self.by_column}' that varies around zero, because the population part has no "
                f"'{self.by_column}'. Add it to the formula, unless that is intended."
            )

    def _multiplier(self, table: Table, like: ProcessBlock | None) -> tuple[Array | None, float]:
        """Return the numbers that multiply the process in units of their root mean square in the fit, and this one."""
        numbers = read_covariate(self, quote_name(self.by_column), table, "")
        unit = float(np.sqrt(np.mean(numbers**2))) if like is None else like.unit
        if unit == 0.0:
            raise DataError(f"{self}: '{self.by_column}' is 0 in every row. Leave the process out.")
        return numbers / unit, unit

    def _spectrum(self, box: Box | Circle | None) -> Spectrum:
        if self.period:
            numbers = np.zeros(0, dtype=np.intp) if box is None else box.numbers
            return PeriodicSpectrum(self.name, numbers, self.period)
        covariance, dimensions = PROCESS_COVARIANCES[self.cov], len(self.expressions)
        if not isinstance(box, Box):
            return ProcessSpectrum(self.name, covariance, np.zeros(0), 1.0, dimensions)
        return ProcessSpectrum(self.name, covariance, box.frequencies, box.unit, dimensions)

    def _learn(self, points: Array) -> Box | Circle:
        for text, values in zip(self.expressions, points.T, strict=True):
            if np.ptp(values) == 0.0:
                raise DataError(f"{self}: '{text}' is {values[0]:g} in every row. Leave it out.")
        if self.period:
            return learn_circle(points[:, 0], self.period, self.k[0] if self.k else 0)
        box = learn_box(points, PROCESS_COVARIANCES[self.cov], self.k or (0,) * len(self.expressions), self.c)
        functions = int(np.prod(box.counts))
        if functions > 2 * MOST_FUNCTIONS or len(box.numbers) > MOST_FUNCTIONS:
            raise DataError(
                f"{self}: {counted(box.counts)} are more than {MOST_FUNCTIONS:,} together. Give fewer, such as k=20, or take "
                "a smoother covariance."
            )
        return box


def _number(text: str, name: str, piece: str) -> float:
    """Return the number that an option gives, which may be written as a fraction, 5/4."""
    try:
        return float(Fraction(text.replace(" ", "")))
    except (ValueError, ZeroDivisionError) as error:
        raise SpecError(f"'{piece}': {name} is a positive number, such as {name}=1.5.") from error
