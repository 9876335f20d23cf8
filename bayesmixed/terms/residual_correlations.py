"""Correlation of residuals within groups: what a spec says about it, `residual="ar1(time | subject)"`."""

from typing import Any

from pydantic import model_validator

from bayesmixed.errors import SpecError, did_you_mean, shorten
from bayesmixed.formulas.groupings import read_groupings
from bayesmixed.formulas.notation import split_factors, split_signed, summands
from bayesmixed.formulas.written import read_formula
from bayesmixed.tables.column_names import quote_name
from bayesmixed.terms.covariances import CALLS, COORDINATES, COVARIANCES, VARIANTS, Covariance
from bayesmixed.values import Value

RESIDUAL = "residual"
"""What its parameters are named after, "ar1_residual"."""
ROWS = "1"
"""In place of a column: the rows of a group, in their order."""
INDEPENDENT = "independent"
_NAMES = {**CALLS, **{name: name for name in COVARIANCES}}


class Residual(Value):
    """How the residuals of the rows of a group are correlated: `residual="ar1(time | subject)"` of a spec.

    Attributes
    ----------
    covariance : str
        Key of the covariances that group terms have: "unstructured" (`us`), "exchangeable" (`homcs`), "ar1", "toeplitz"
        (`homtoep`), "ou", and with an SD of each visit "heterogeneous_exchangeable" (`cs`), "heterogeneous_ar1" (`hetar1`),
        "heterogeneous_toeplitz" (`toep`); "independent" (`diag`) has an SD of each visit alone.
    place : str
        Column of visits or times; "1" for the rows of a group in their order.
    by : str
        Grouping factor: a column, or several joined by colons. Rows of different groups are independent.
    as_levels : bool
        Numbers in the column are levels in order, `factor(visit)`, not times.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> spec = bm.from_formula("y ~ arm * visit", residual="us(visit | subject)")
    >>> spec.residual.covariance, spec.residual.place, spec.residual.by
    ('unstructured', 'visit', 'subject')
    """

    covariance: str
    place: str
    by: str
    as_levels: bool = False

    @model_validator(mode="before")
    @classmethod
    def _read_text(cls, given: Any) -> Any:
        return read_residual(given) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _check(self) -> "Residual":
        if self.covariance not in COVARIANCES:
            raise SpecError(
                f"Covariance '{self.covariance}' is not known. {did_you_mean(self.covariance, COVARIANCES)}"
            )
        if self.record.columns == COORDINATES:
            raise SpecError(
                f"Covariance '{self.covariance}' is of effects of places, {self.record.call}(0 + x + y | {self.by}) in the "
                f'formula. Residuals at times of any distances have residual="ou(time | {self.by})".'
            )
        if self.covariance == "homogeneous":
            raise SpecError("Independent residuals with one SD are what a model has without 'residual': leave it out.")
        if self.place == ROWS and self.covariance not in ("exchangeable", "ar1"):
            raise SpecError(
                f"residual '{self}': state the column of visits, {self.record.call}(visit | {self.by}). The rows of a group, "
                "1, are for homcs and ar1."
            )
        return self

    @property
    def record(self) -> Covariance:
        """The record of the catalogue."""
        return COVARIANCES[self.covariance]

    @property
    def factor_columns(self) -> tuple[str, ...]:
        """The columns whose combinations are the groups."""
        return split_factors(self.by)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that it reads."""
        return (*self.factor_columns, *(() if self.place == ROWS else (self.place,)))

    @property
    def name(self) -> str:
        """The name of its grouping factor in results."""
        return ":".join(self.factor_columns)

    @property
    def correlated(self) -> bool:
        """Whether residuals are correlated."""
        return self.covariance != INDEPENDENT

    @property
    def scale_formula(self) -> str | None:
        """The formula of the residual SD, on its log scale, where each visit has its own; None where all have one."""
        return None if self.record.equal else f"~ 0 + labels({quote_name(self.place)})"

    def __str__(self) -> str:
        place = self.place if self.place == ROWS else quote_name(self.place)
        place = f"factor({place})" if self.as_levels else place
        return f"{COVARIANCES[self.covariance].call}({place} | {':'.join(map(quote_name, self.factor_columns))})"


def read_residual(text: str) -> dict[str, Any]:
    """Return the fields of a residual correlation that is written as a call, "ar1(time | subject)" (SpecError)."""
    name, bracket, rest = text.strip().partition("(")
    name = name.strip()
    if not bracket or not rest.endswith(")"):
        raise SpecError(
            f"residual '{shorten(text)}' is not known. Write a covariance of visits or times within a group: "
            "us(visit | subject), ar1(time | subject), homcs(1 | subject)."
        )
    if name not in _NAMES:
        raise SpecError(f"residual '{shorten(text)}': covariance '{name}' is not known. {did_you_mean(name, _NAMES)}")
    bars = [piece.strip() for _, piece in split_signed(rest[:-1], ("|",))]
    if len(bars) != 2 or not all(bars):
        raise SpecError(f"residual '{shorten(text)}': write one bar between visits and group, {name}(visit | subject).")
    (place, as_levels), by, covariance = _read_place(bars[0], text), read_groupings(bars[1]), _NAMES[name]
    if place == ROWS and covariance in VARIANTS.values():
        covariance = next(one for one, other in VARIANTS.items() if other == covariance)
    if len(by) > 1 and not (len(by) == 2 and "/" in bars[1]):
        raise SpecError(f"residual '{shorten(text)}': rows are correlated within one grouping factor, a column or a:b.")
    return {"covariance": covariance, "place": place, "by": by[-1], "as_levels": as_levels}


def _read_place(text: str, whole: str) -> tuple[str, bool]:
    """Return the column of visits, written alone or after "0 +", and whether it stands in factor()."""
    pieces = [piece.strip() for _, piece in summands(text) if piece.strip() != "0"]
    if pieces == [ROWS]:
        return ROWS, False
    found = list(read_formula(pieces[0]).pieces.values()) if len(pieces) == 1 else []
    name = found[0].only_column or found[0].plain_factor if len(found) == 1 else None
    if name is None:
        raise SpecError(
            f"residual '{shorten(whole)}': left of the bar stands one column, whose values are the visits or times of a group."
        )
    return name, found[0].only_column is None
