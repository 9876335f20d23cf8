"""Group terms whose columns and levels are those of a plain one, (x | g), with another distribution of effects."""

from collections.abc import Iterable

from pydantic import field_validator

from bayesmixed.formulas.notation import join_factors, split_factors
from bayesmixed.terms.group import Group
from bayesmixed.terms.levels import VaryingTerm


class GroupVariant(VaryingTerm):
    """A group term that says more of its effects than which columns and levels they have.

    Attributes
    ----------
    by : str
        The grouping column, or several joined by colons.
    """

    by: str

    @field_validator("by")
    @classmethod
    def _plain_names(cls, by: str) -> str:
        return join_factors(split_factors(by))

    @property
    def _plain(self) -> Group:
        """The term of the same columns and levels with normal effects of one distribution."""
        return Group(by=self.by, formula=self.formula, covariance=self.covariance)

    @property
    def name(self) -> str:
        """The factor's name in results."""
        return self._plain.name

    @property
    def factor_columns(self) -> tuple[str, ...]:
        """The columns whose combinations are the groups."""
        return split_factors(self.by)

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads (SpecError if one is missing)."""
        return self._plain.columns(available)
