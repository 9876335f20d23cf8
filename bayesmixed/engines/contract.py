"""The contract of an engine: what every module that draws from the posterior of a design offers."""

from collections.abc import Mapping
from typing import Protocol

from bayesmixed.design.design import Design
from bayesmixed.engines.runs import Run
from bayesmixed.engines.settings import Settings


class Engine(Protocol):
    """An engine is a module with these names and a line in `ENGINES`.

    Attributes
    ----------
    TUNE : int
        Tuning draws of each chain that suffice.
    TARGET : float
        Usual target acceptance.
    NEEDS_ROWS : bool
        It reads the rows, so that it cannot sample a design whose rows stay in a file.
    """

    @property
    def TUNE(self) -> int: ...

    @property
    def TARGET(self) -> float: ...

    @property
    def NEEDS_ROWS(self) -> bool: ...

    def supports(self, design: Design) -> str | None:
        """Return why it cannot sample a design that has what it needs, or None."""
        ...

    def slower(self, design: Design) -> str | None:
        """Return why a later engine of `ENGINES` is the faster for a design that this one supports, or None."""
        ...

    def sample(
        self,
        design: Design,
        settings: Settings,
        *,
        parameterisation: str | Mapping[str, str],
        target_accept: float | None,
        why: str,
        progress: bool,
    ) -> Run:
        """Return draws from the posterior of a design.

        A run with divergences at the usual target acceptance is repeated once with a higher one. An interruption keeps
        the complete draws.

        Parameters
        ----------
        parameterisation : str or mapping
            "auto", or the coordinates of effects, see `fit`.
        target_accept : float or None
            Asked for by the user; None: the usual one.
        why : str
            Why this engine was taken, for the record.

        Raises
        ------
        SpecError
            The parameterisation names no effects, or is not known.
        SamplingError
            The sampler could not start, or was interrupted before any chain had left its tuning phase.
        """
        ...
