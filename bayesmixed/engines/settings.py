"""Settings of a run and the record of what an engine did."""

from collections.abc import Mapping
from dataclasses import dataclass

IN_FILE = "its rows are streamed from a file; bm.prepare(spec, path, stream=False) reads them into memory"
"""Why an engine that needs the rows cannot sample a design without them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the posterior was sampled.

    Attributes
    ----------
    chains, draws, tune, cores : int
        Numbers of chains, of kept and of tuning draws per chain, of chains that run at once.
    target_accept : float
        Mean acceptance probability that the step size aims at.
    seed : int
        From which everything random follows.
    complete : bool
        False after an interruption: fewer draws than asked for.
    parameterisation : str or mapping
        What was asked for; what was taken stands among the decisions of the engine.
    store : str
        "auto": large group effects are not kept whole; "all": they are.
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
