"""Outlines: what equations need to know about terms, the same with and without data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bayesmixed.terms.block_parts import Part
from bayesmixed.terms.spectra import Spectrum


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a predictor.

    Attributes
    ----------
    label : str
        "Intercept", "Days", "period[T.2]"; without data the text of a term.
    index : str
        Index of the coarsest factor within whose levels it is constant, or that of rows.
    level : bool
        Without data: whether its coefficients are means of the levels of a factor.
    place : bool
        It stands for columns of which a row takes one, by its value: that is an index of the coefficients.
    """

    label: str
    index: str
    level: bool = False
    place: bool = False


@dataclass(frozen=True, slots=True)
class Indices:
    """Index letters by grouping factor and for rows: i and j where crossed, i and ij where nested."""

    letters: Mapping[str, str]
    row: str
    inside: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class GroupOutline:
    """The effects of one grouping factor in one predictor.

    Attributes
    ----------
    name, index : str
        The factor, and the index of its levels.
    columns : tuple of Column
        Columns whose coefficients vary.
    parts : tuple of Part
        Partition of the columns by covariance structure.
    single : bool
        Whether each row has an effect of its own.
    inside : tuple of str
        Factors in which its levels are nested.
    levels : int
        Number of levels, 0 without data.
    short : str
        The innermost of its columns.
    several : bool
        Whether a row takes the effects of several levels, in shares: the index runs in a sum.
    relation : str
        Name of the known covariances of levels at an SD of 1, "" where levels are independent.
    heavy : bool
        Effects have a t distribution.
    """

    name: str
    index: str
    columns: tuple[Column, ...]
    parts: tuple[Part, ...]
    single: bool
    inside: tuple[str, ...]
    levels: int
    short: str
    several: bool
    relation: str = ""
    heavy: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the columns."""
        return tuple(column.label for column in self.columns)

    @property
    def correlated(self) -> bool:
        """Whether any correlation is estimated."""
        return any(part.correlated for part in self.parts)

    def join(self, other: "GroupOutline") -> "GroupOutline":
        """Return the outline of two terms of one factor; their columns are independent of each other."""
        moved = tuple(part.shifted(len(self.columns)) for part in other.parts)
        return replace(self, columns=(*self.columns, *other.columns), parts=(*self.parts, *moved))


@dataclass(frozen=True, slots=True)
class CurveOutline:
    """A curve of a covariate in one predictor, or one for each level of a factor.

    Attributes
    ----------
    name, index : str
        "s(x)", "s(x):sward", and the index of rows.
    labels : tuple of str
        Levels that have a curve for each of them; empty for a single curve, or without data.
    around : str
        What the curves vary around, in words.
    spectrum : Spectrum or None
        How the SDs of coefficients depend on further parameters.
    """

    name: str
    index: str
    labels: tuple[str, ...]
    around: str
    spectrum: Spectrum | None = None
