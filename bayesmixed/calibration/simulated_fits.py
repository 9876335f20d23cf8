"""Fits to simulated data, and the ranks of the true parameters among their draws."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.calibration.simulated_responses import SimulatedResponse, draw_from_posterior, draw_from_priors
from bayesmixed.cross_validation.log_densities import total_log_likelihood
from bayesmixed.design.design import Design
from bayesmixed.draws.tree import stacked, top_level_numbers
from bayesmixed.errors import DataError, SpecError
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import as_numbers
from bayesmixed.fits.fitting import Fit
from bayesmixed.preparation.checks import check_response, check_variation

LOG_LIKELIHOOD = "log likelihood"
_ATTEMPTS = 200
_LARGEST = 1e6


@dataclass(frozen=True, slots=True)
class Task:
    """What all fits of a calibration have in common.

    Attributes
    ----------
    design : Design
        Rows and frozen priors; its response is replaced by simulated ones.
    sampler : callable
        Returns the Fit of a design; takes the settings and `seed` as keywords.
    settings : mapping
        Keywords for the sampler.
    seed : int
        From which the seed of every data set follows.
    posterior : Fit, optional
        From whose draws data are simulated, which are fitted together with its own: the design has its rows twice. Without
        it, data are simulated from the priors.
    """

    design: Design
    sampler: Callable[..., Fit]
    settings: Mapping[str, Any]
    seed: int
    posterior: Fit | None = None


@dataclass(frozen=True, slots=True)
class Rank:
    """The place of one true value among the draws of a posterior.

    Attributes
    ----------
    truth : float
        The value that made the data.
    rank, draws : int
        How many of the nearly independent draws are smaller, and how many there are.
    pit : float
        (rank + u) / (draws + 1) with u uniform on (0, 1): uniform under a right posterior, whatever `draws` is.
    """

    truth: float
    rank: int
    draws: int
    pit: float


@dataclass(frozen=True, slots=True)
class SimulatedFit:
    """One simulated data set, and what its fit says.

    Attributes
    ----------
    number : int
        Which data set: it makes the seed.
    ranks : dict of Rank
        By quantity ("beta[x]"); empty if the fit failed.
    divergences : int
        Divergent transitions.
    rhat : float
        Largest R-hat of the quantities; NaN if there is none.
    rejected : tuple of str
        Why earlier data sets of this number could not be fitted.
    problem : str
        Why the fit failed, or "".
    """

    number: int
    ranks: dict[str, Rank]
    divergences: int
    rhat: float
    rejected: tuple[str, ...]
    problem: str


def tabulate_ranks(fits: Iterable[SimulatedFit]) -> pd.DataFrame:
    """Return one row per fit and quantity: number, quantity, truth, rank, draws, pit."""
    rows = [(f.number, name, r.truth, r.rank, r.draws, r.pit) for f in fits for name, r in f.ranks.items()]
    return pd.DataFrame(rows, columns=["number", "quantity", "truth", "rank", "draws", "pit"])


def fit_simulated(task: Task, number: int) -> SimulatedFit:
    """Return the ranks of one data set, which depend on the task and its number only.

    Raises
    ------
    SpecError
        No data can be simulated that could be fitted.
    KeyboardInterrupt
        Also if the sampler was interrupted and kept some draws: they are too few.
    """
    seeds = np.random.SeedSequence(task.seed, spawn_key=(number,)).generate_state(2)
    simulated, rejected = _simulate(task, int(seeds[0]))
    try:
        fit = task.sampler(task.design.with_response(simulated.response), seed=int(seeds[1]), **task.settings)
        if not fit.settings.complete:
            raise KeyboardInterrupt
        quantities = dict(_quantities(fit, simulated))
    except Exception as error:  # whatever it is, it must neither stop the other fits nor be hidden
        return SimulatedFit(number, {}, 0, np.nan, rejected, f"{type(error).__name__}: {error}")
    generator = np.random.default_rng(seeds)
    rhat, sizes = _reliability({name: draws for name, (_, draws) in quantities.items()})
    ranks = {name: _rank(value, stacked(draws), sizes[name], generator) for name, (value, draws) in quantities.items()}
    statistics = fit.draws["sample_stats"].to_dataset() if "sample_stats" in fit.draws.children else {}
    divergences = int(statistics["diverging"].sum()) if "diverging" in statistics else 0
    return SimulatedFit(number, ranks, divergences, rhat, rejected, "")


def _simulate(task: Task, seed: int) -> tuple[SimulatedResponse, tuple[str, ...]]:
    """Return a response that can be fitted, and why those before it could not."""
    rejected: list[str] = []
    for attempt in range(_ATTEMPTS):
        state = int(np.random.SeedSequence([seed, attempt]).generate_state(1)[0])
        drawn = (
            draw_from_priors(task.design, state)
            if task.posterior is None
            else draw_from_posterior(task.posterior, state)
        )
        reason = _unusable(task.design, drawn.response)
        if not reason:
            return drawn, tuple(rejected)
        rejected.append(reason)
    source = "priors make" if task.posterior is None else "posterior makes"
    raise SpecError(
        f"The {source} no data that can be fitted: {_ATTEMPTS} data sets in a row were impossible (the last one: "
        f"{rejected[-1]}). Give narrower priors, or a design with more rows."
    )


def _unusable(design: Design, response: Array) -> str:
    """Return why a simulated response cannot be fitted, or "": what `prepare` would refuse, and overflow."""
    largest = _LARGEST * max(1.0, float(np.max(np.abs(as_numbers(design.response)))))
    if not np.all(np.abs(as_numbers(response)) <= largest):
        return f"values beyond {largest:.1g}"
    try:
        check_response(design.family, "y", response, design.trials, design.table.data.index)
    except DataError:
        return f"values that are not {design.family.support}"
    try:
        check_variation(design.family, "y", response, np.asarray(design.trials))
    except DataError:
        return "the same value in all rows"
    return ""


def _quantities(fit: Fit, made: SimulatedResponse) -> Iterator[tuple[str, tuple[float, xr.DataArray]]]:
    """Yield the true value and the draws (chain, draw) of every free top-level number, and of the log-likelihood.

    The log-likelihood shows what parameters alone cannot: a sampler that ignores the data returns the prior, which
    has uniform ranks (Modrák et al. 2023, Bayesian Anal).
    """
    truth = dict(top_level_numbers(fit.design, made.truth))
    for name, draws in top_level_numbers(fit.design, fit.posterior):
        value = float(truth[name].values)
        if np.any(draws.values != value):
            yield name, (value, draws)
    yield LOG_LIKELIHOOD, (made.log_likelihood, total_log_likelihood(fit))


def _reliability(quantities: Mapping[str, xr.DataArray]) -> tuple[float, dict[str, int]]:
    """Return the largest R-hat, and the number of nearly independent draws of each quantity."""
    import arviz_stats

    keys = {f"q{i}": name for i, name in enumerate(quantities)}
    dataset = xr.Dataset(
        {key: (("chain", "draw"), quantities[name].transpose("chain", "draw").values) for key, name in keys.items()}
    )
    rhat = arviz_stats.rhat(dataset) if dataset.sizes["chain"] > 1 else None
    ess = arviz_stats.ess(dataset, method="bulk")
    most = dataset.sizes["chain"] * dataset.sizes["draw"]
    sizes = {name: int(np.clip(np.nan_to_num(float(ess[key]), nan=1.0), 1, most)) for key, name in keys.items()}
    worst = np.nan if rhat is None else max(float(rhat[key]) for key in keys)
    return worst, sizes


def _rank(truth: float, draws: Array, size: int, generator: np.random.Generator) -> Rank:
    """Return the rank of a value among `size` draws, evenly spread."""
    kept = draws[np.arange(size) * len(draws) // size]
    rank = int(np.sum(kept < truth))
    return Rank(truth, rank, size, (rank + float(generator.random())) / (size + 1))
