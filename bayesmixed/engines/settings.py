"""Settings of a run and the record of what an engine did."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from bayesmixed.errors import SpecError


@dataclass(frozen=True, slots=True)
class Settings:
    """How the posterior was sampled.

    Attributes
    ----------
    chains, draws, tune, cores : int
        Numbers of chains, of kept and of tuning draws per chain, of chains that run at once.
    target_accept : float
        Mean acceptance probability that the step size aims at; 0 where there are no steps.
    seed : int
        From which everything random follows.
    complete : bool
        False after an interruption: fewer draws than asked for.
    parameterisation : str or mapping
        What was asked for; what was taken is among the decisions of the engine.
    store : str
        "auto": large group effects are not kept whole; "all": they are.
    tables : int
        Imputed tables whose draws are pooled; the chains are those of the first one, then of the next.
    """

    chains: int
    draws: int
    tune: int
    cores: int
    target_accept: float
    seed: int
    complete: bool = True
    parameterisation: str | Mapping[str, str] = "auto"
    store: str = "auto"
    tables: int = 1

    def __post_init__(self) -> None:
        for name, least in {"chains": 1, "draws": 1, "tune": 0, "cores": 1, "seed": 0, "tables": 1}.items():
            check_count(name, getattr(self, name), least)
        if self.target_accept != 0:
            check_share("target_accept", self.target_accept)


def complete_settings(
    *,
    cores: int | None,
    target_accept: float | None,
    seed: int | None,
    parameterisation: str | Mapping[str, str],
    **given: Any,
) -> Settings:
    """Return the settings of a run, with what was not asked for: a new seed, and as many cores as there are, one a chain."""
    return Settings(
        cores=min(given["chains"], cores or os.cpu_count() or 1),
        target_accept=target_accept or 0.9,
        seed=int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else int(seed),
        parameterisation=parameterisation if isinstance(parameterisation, str) else dict(parameterisation),
        **given,
    )


def check_count(name: str, value: Any, least: int) -> None:
    """Refuse a setting that is not a whole number, or is less than `least`.

    Raises
    ------
    SpecError
        It is.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise SpecError(f"{name}={value!r} is impossible; it must be a whole number.")
    if value < least:
        raise SpecError(f"{name}={value} is impossible; it must be at least {least}.")


def check_share(name: str, value: Any) -> None:
    """Refuse a setting that is not a number between 0 and 1.

    Raises
    ------
    SpecError
        It is.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < 1:
        raise SpecError(f"{name}={value!r} is impossible; it must lie between 0 and 1.")


@dataclass(frozen=True, slots=True)
class EngineRecord:
    """Which engine sampled, and what it decided.

    Attributes
    ----------
    name, why : str
        Key of `ENGINES`, and why it was taken.
    decisions : tuple of str
        Parameterisations, target acceptance, repeats: one sentence each.
    """

    name: str
    why: str
    decisions: tuple[str, ...] = ()
