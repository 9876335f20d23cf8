"""The monotonic term, mo(x): steps between the levels of an ordered predictor, all of one sign."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import field_validator

from bayesmixed.errors import DataError, SpecError, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.formulas.notation import call_arguments, read_call, split_factors
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.factors import Table, as_label, is_number
from bayesmixed.terms.basis_outlines import TermOutline
from bayesmixed.terms.contract import STEPS, TermContract
from bayesmixed.terms.covariates import known_by
from bayesmixed.terms.piece_bases import column_step
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.prior_rules import AS_WRITTEN, SLOPE, Known, PriorRule

_MOST = 100
"""Levels beyond which numbers are hardly those of an ordered predictor."""


class Monotonic(TermContract):
    """The effect of an ordered predictor that rises, or falls, at each step: `mo(x)` (Bürkner & Charpentier 2020).

    Its coefficients are the steps from each level to the next, b D zeta_k: b is the average of the D steps, with a prior of a
    slope, and zeta are the shares of the steps in the whole, with a Dirichlet distribution.

    Attributes
    ----------
    x : str
        A column: an ordered Categorical, or whole numbers.
    shares : tuple of float
        Parameters of the Dirichlet distribution, one for all steps, or one for each.
    levels : tuple of str
        The levels in their order, where the column is text.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> terms = [bm.Fixed(formula="1"), bm.Monotonic(x="income")]
    >>> bm.ModelSpec(response="y", predictors={"mu": terms}).formula
    'y ~ 1 + mo(income)'
    """

    part: ClassVar[str] = STEPS
    kind: Literal["monotone"] = "monotone"
    x: str
    shares: tuple[float, ...] = (1.0,)
    levels: tuple[str, ...] = ()

    @field_validator("x")
    @classmethod
    def _one_column(cls, x: str) -> str:
        names = split_factors(x)
        if len(names) != 1 or any(sign in names[0] for sign in "/[]"):
            raise SpecError(f"mo({x}): name one column of an ordered predictor.")
        return names[0]

    @field_validator("shares")
    @classmethod
    def _positive(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        if not shares or not all(0.0 < share < np.inf for share in shares):
            raise SpecError(f"mo(): shares are parameters of a Dirichlet distribution, above 0, given {list(shares)}.")
        return shares

    @field_validator("levels")
    @classmethod
    def _different(cls, levels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(levels)) < len(levels) or len(levels) == 1:
            raise SpecError(f"mo(): levels are the labels in their order, each once, given {list(levels)}.")
        return levels

    def __str__(self) -> str:
        options = [f"shares={_write_numbers(self.shares)}"] if self.shares != (1.0,) else []
        quoted = ", ".join(f'"{level}"' for level in self.levels)
        options += [f"levels=[{quoted}]"] if self.levels else []
        return f"mo({', '.join([quote_name(self.x), *options])})"

    @property
    def name(self) -> str:
        """Its name in results: "mo(income)"."""
        return f"mo({self.x})"

    @property
    def split_columns(self) -> tuple[str, ...]:
        """The column, which may be a factor."""
        return (self.x,)

    @property
    def lines(self) -> tuple[str, ...]:
        """Its name: the labels of its steps are known with data only."""
        return (self.name,)

    def owns(self, label: str) -> bool:
        """Return whether a label is that of its average step, or of one of its steps, "mo(x)[b]"."""
        return label == self.name or label.startswith(f"{self.name}[")

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads."""
        return known_by(self, self.x, [str(name) for name in available])

    @classmethod
    def read(cls, piece: str) -> "tuple[Monotonic, ...]":
        """Return the term that a summand of a formula is, mo(x, shares=2), if it is one (SpecError)."""
        alone = "mo() is a term of its own, joined to others by '+', and has no interactions here."
        call = read_call(piece, piece, "mo", ("shares", "levels"), alone)
        if call is None:
            return ()
        plain, options = call
        if len(plain) != 1:
            raise SpecError(f"'{piece}': mo() has one column, mo(income).")
        try:
            shares = tuple(float(text) for text in _listed(options.get("shares", "1")))
        except ValueError:
            raise SpecError(f"'{piece}': shares are numbers, shares=2 or shares=[2, 1, 1].") from None
        levels = tuple(text.strip("'\"") for text in _listed(options.get("levels", "")))
        return (cls(x=plain[0], shares=shares, levels=levels),)

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rule of its average step."""
        shares = _write_numbers(self.shares).strip("[]")
        meaning = f"average step; steps have one sign, and shares with the distribution Dirichlet({shares})"
        outline = TermOutline(self.name, self.name, number=True)
        yield PriorRule(ParameterKey(known.names.beta, self.name), SLOPE, outline, meaning, AS_WRITTEN)

    def build(self, table: Table, like: "MonotonicBlock | None" = None, **_: Any) -> "MonotonicBlock":
        """Return the steps of the rows, of the levels of the fit with `like`.

        Raises
        ------
        DataError
            The column has no order, one level, or values that the fit lacks.
        """
        column = table.data[self.x]
        labels = np.array([as_label(value) for value in column], dtype=object)
        levels = self._read_levels(column, table) if like is None else like.levels
        places = {label: place for place, label in enumerate(levels)}
        unknown = list(dict.fromkeys(label for label in labels if label not in places))
        if unknown:
            what = "levels=" if like is None else "levels of the fit,"
            raise DataError(
                f"{self}: '{self.x}' holds {enumerate_words(unknown[:5])}, not among the {what} {enumerate_words(list(levels))}."
            )
        codes = np.array([places[label] for label in labels], dtype=np.intp)
        if like is not None:
            return replace(like, codes=codes)
        steps, shares = len(levels) - 1, self.shares * (len(levels) - 1 if len(self.shares) == 1 else 1)
        if len(shares) != steps:
            raise DataError(
                f"{self}: {len(shares)} shares for {steps} steps between {len(levels)} levels of '{self.x}'."
            )
        unit = 1.0 / column_step(codes.astype(float))
        return MonotonicBlock(self.name, levels, codes, shares, unit, number=is_number(column))

    def _read_levels(self, column: pd.Series, table: Table) -> tuple[str, ...]:
        """Return the levels that occur, in their order."""
        if self.levels:
            levels = self.levels
        elif isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered:
            levels = tuple(table.levels.get(self.x) or map(as_label, column.cat.categories))
        elif is_number(column):
            values = np.unique(column.to_numpy(dtype=float))
            if not np.all(np.isfinite(values)) or np.any(values != np.round(values)) or len(values) > _MOST:
                raise DataError(
                    f"{self}: numbers of an ordered predictor are whole ones, at most {_MOST} of them; '{self.x}' has "
                    f"{len(values)} values such as {values[min(1, len(values) - 1)]:g}. A curve is s({self.x}), classes are "
                    f"pd.cut(data['{self.x}'], ...)."
                )
            levels = tuple(map(as_label, values))
        else:
            raise DataError(
                f"{self}: the labels of '{self.x}' have no order. State it, mo({quote_name(self.x)}, "
                'levels=["low", "high"]), or make the column an ordered Categorical.'
            )
        present = {as_label(value) for value in column}
        absent = [level for level in levels if level not in present]
        if absent:
            levels = tuple(level for level in levels if level in present)
        if len(levels) < 2:
            raise DataError(f"{self}: '{self.x}' has one level in the data, so that it explains nothing. Leave it out.")
        return levels

    def advise(self, block: "MonotonicBlock", population: PopulationBlock) -> Iterator[str]:
        """Yield which stated levels no row has."""
        absent = [level for level in self.levels if level not in block.levels]
        if absent:
            yield f"{self}: no row has '{self.x}' {enumerate_words(absent)}; the steps are those between the levels that occur."


@dataclass(frozen=True, slots=True)
class MonotonicBlock:
    """The columns of the steps of an ordered predictor: 1 in rows at or above a level.

    Attributes
    ----------
    name : str
        "mo(income)".
    levels : tuple of str
        In their order, D + 1 of them.
    codes : (n,) integer array
        Level of each row.
    shares : tuple of float
        Parameters of the Dirichlet distribution of the D steps.
    unit : float
        Unit of the default prior of the average step: that of the slope on the numbers of the levels.
    number : bool
        Whether the column holds numbers.
    """

    name: str
    levels: tuple[str, ...]
    codes: NDArray[np.intp]
    shares: tuple[float, ...]
    unit: float
    number: bool

    @property
    def column(self) -> str:
        """The column."""
        return self.name[3:-1]

    @property
    def line_labels(self) -> tuple[str, ...]:
        """Labels of the steps, by the level that each leads to."""
        return tuple(f"{self.name}[{level}]" for level in self.levels[1:])

    @property
    def line_matrix(self) -> Array:
        """(n, D) columns."""
        return (self.codes[:, None] >= np.arange(1, len(self.levels))).astype(float)

    @property
    def line_units(self) -> Array:
        """(D,) units of default priors."""
        return np.full(len(self.levels) - 1, self.unit)

    def take(self, rows: NDArray[np.intp]) -> "MonotonicBlock":
        """Return the block of some of its rows."""
        return replace(self, codes=self.codes[rows])


def _listed(text: str) -> list[str]:
    """Return the entries of [a, b], c(a, b), or of a text that is one of them."""
    text = text.strip()
    inside = call_arguments(f"c({text[1:-1]})" if text.startswith("[") and text.endswith("]") else text, "c")
    return inside if inside is not None else [text] if text else []


def _write_numbers(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(values) == 1 else f"[{', '.join(f'{value:g}' for value in values)}]"
