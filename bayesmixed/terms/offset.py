"""The offset term: a known addition to the linear predictor."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype
from pydantic import field_validator

from bayesmixed.errors import DataError, SpecError, shorten
from bayesmixed.families.links import Array
from bayesmixed.formulas.evaluation import evaluate_expression
from bayesmixed.formulas.names import expression_columns, refuse_stateful
from bayesmixed.formulas.notation import call_arguments
from bayesmixed.tables.factors import Table
from bayesmixed.terms.block_parts import Part
from bayesmixed.terms.contract import ADDITION, TermContract


class Offset(TermContract):
    """A column or expression added to the linear predictor with coefficient 1, such as `log(exposure)`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> terms = [bm.Fixed(formula="1"), bm.Offset(expression="log(area)")]
    >>> bm.ModelSpec(response="y", family="poisson", predictors={"mu": terms}).formula
    'y ~ 1 + offset(log(area))'
    """

    part: ClassVar[str] = ADDITION
    kind: Literal["offset"] = "offset"
    expression: str

    @field_validator("expression")
    @classmethod
    def _same_on_new_rows(cls, expression: str) -> str:
        refuse_stateful(expression, f"offset({expression})")
        return expression

    def __str__(self) -> str:
        return f"offset({self.expression})"

    @property
    def expressions(self) -> tuple[str, ...]:
        """The expression."""
        return (self.expression,)

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads."""
        return expression_columns(self.expression, available)

    @classmethod
    def read(cls, piece: str) -> "tuple[Offset, ...]":
        """Return the offset that a summand of a formula is, offset(x), if it is one (SpecError for several expressions)."""
        arguments = call_arguments(piece, "offset")
        if arguments is not None and len(arguments) != 1:
            raise SpecError(f"'{shorten(piece)}': an offset has one expression, as in offset(log(e)).")
        return () if arguments is None else (cls(expression=arguments[0]),)

    def build(self, table: Table, like: Any = None, **_: Any) -> "OffsetBlock":
        """Return the offset of each row; DataError where it is not finite."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = evaluate_expression(self.expression, table)
            if not (is_numeric_dtype(found) or is_bool_dtype(found)) or is_complex_dtype(found):
                raise DataError(
                    f"Offset '{self.expression}' holds no numbers. It is added to the linear predictor: give a number for "
                    "each row, such as log(exposure)."
                )
            values = np.asarray(found, dtype=float)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise DataError(
                f"Offset '{self.expression}' is not finite in {len(bad)} of {len(values)} rows "
                f"(first: row {table.data.index[bad[0]]}). An exposure must be above zero."
            )
        return OffsetBlock(values)


@dataclass(frozen=True, slots=True)
class OffsetBlock:
    """A known addition to one predictor, (n,)."""

    values: Array
    parts: tuple[Part, ...] = ()

    def join(self, other: "OffsetBlock") -> "OffsetBlock":
        """Return the sum of two additions."""
        return OffsetBlock(self.values + other.values)
