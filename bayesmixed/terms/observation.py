"""The observation-level term: one normal effect for each row."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from bayesmixed.errors import SpecError
from bayesmixed.formulas.notation import call_arguments
from bayesmixed.tables.factors import Table
from bayesmixed.terms.block_parts import Part, basis_coordinates
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.levels import LevelsTerm


class Observation(LevelsTerm):
    """A normal effect of each row, `obs()`: extra variation in counts and proportions (Poisson-normal, binomial-normal).

    Examples
    --------
    >>> import bayesmixed as bm
    >>> terms = [bm.Fixed(formula="1"), bm.Observation()]
    >>> bm.ModelSpec(response="y", family="poisson", predictors={"mu": terms}).formula
    'y ~ 1 + obs()'
    """

    single: ClassVar[bool] = True
    kind: Literal["observation"] = "observation"

    def __str__(self) -> str:
        return "obs()"

    @property
    def name(self) -> str:
        """The name of its effects in results."""
        return "obs"

    @property
    def between(self) -> str:
        """What its SD lies between, in words."""
        return "observations"

    @property
    def formulas(self) -> tuple[str, ...]:
        """An intercept varies."""
        return ("1",)

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads: none."""
        return set()

    @classmethod
    def read(cls, piece: str) -> "tuple[Observation, ...]":
        """Return the term if a summand of a formula is obs() (SpecError if it has arguments)."""
        arguments = call_arguments(piece, "obs")
        if arguments:
            raise SpecError(f"'{piece}': obs() takes no argument; it has one level for each row.")
        return () if arguments is None else (cls(),)

    def build(self, table: Table, like: GroupBlock | None = None, **_: Any) -> "RowBlock":
        """Return one level per row; with `like` (other rows than those of the fit) every row is a new level."""
        labels = tuple(str(label) for label in table.data.index)
        if like is not None:
            labels = tuple(f"new {label}" for label in labels)
        if len(set(labels)) < len(labels):
            labels = tuple(f"{label} ({i + 1})" for i, label in enumerate(labels))
        earlier = () if like is None else like.levels
        index = np.arange(table.rows) + len(earlier)
        return RowBlock(
            name="obs",
            labels=("Intercept",),
            matrix=np.ones((table.rows, 1)),
            index=index.astype(np.intp),
            levels=(*earlier, *labels),
            known=table.rows if like is None else like.known,
            parts=(Part((0,), correlated=False),),
            bases=(None,),
            columns=np.ones((table.rows, 1)),
            written=np.ones((1, 1)),
            units=np.ones(1),
            units_as_written=np.ones(1),
            means=np.ones(1),
            coordinates=basis_coordinates(("Intercept",), np.ones(1), as_written=True),
            states=(None,),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBlock(GroupBlock):
    """An effect of each row: its levels are not compared, and nothing is nested in them."""

    compared: ClassVar[bool] = False
    single: ClassVar[bool] = True

    @property
    def counted(self) -> str:
        """What its levels are, in words that follow a number."""
        return "observations"

    @property
    def between(self) -> str:
        """What its SD lies between, in words."""
        return self.counted

    @property
    def adjective(self) -> str:
        """What its effects are called."""
        return "observation-level"
