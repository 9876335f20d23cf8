"""Simulation-based calibration: whether a sampler finds the parameters of data made from the priors."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from bayesmixed.atomic_files import as_path
from bayesmixed.calibration.files import identify, load_fits, save_fits
from bayesmixed.calibration.rank_tests import reject
from bayesmixed.calibration.simulated_fits import SimulatedFit, Task, fit_simulated, tabulate_ranks
from bayesmixed.design.design import Design
from bayesmixed.display.pages import Page, Section
from bayesmixed.errors import SpecError, StatisticsWarning, enumerate_words
from bayesmixed.fits.fitting import Fit, sample
from bayesmixed.fits.refitting import SETTINGS
from bayesmixed.preparation.data_files import take_table
from bayesmixed.preparation.preparing import as_design
from bayesmixed.preparation.used_columns import has_response
from bayesmixed.progress import ProgressLine
from bayesmixed.simulation.simulating import simulate
from bayesmixed.spec.files import take_model
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.summaries.checks.transforms import COVERAGE, ecdf_difference
from bayesmixed.task_runs import run_tasks
from bayesmixed.terms.limits import refuse_censoring
from bayesmixed.terms.weights import refuse_weights

RHAT = 1.05
LEVELS = (0.5, 0.9)
FEWEST = 20
_DEFAULTS = {"chains": 2, "draws": 500, "tune": 500}
_SHOWN = 5


@dataclass(frozen=True, slots=True, repr=False)
class Calibration(Page):
    """Ranks of true parameters among the draws of their posteriors, over data sets simulated from the priors.

    Attributes
    ----------
    formula : str
        The model.
    asked, seed : int
        How many data sets were asked for, and the seed that makes them.
    fits : tuple of SimulatedFit
        Those that are done, failures too, by number.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> calibration = bm.calibrate("sleepstudy_intercept", n=3, seed=1, progress=False)
    >>> print(str(calibration).splitlines()[3])
    3 of 3 data sets fitted.
    """

    formula: str
    asked: int
    seed: int
    fits: tuple[SimulatedFit, ...]

    @property
    def ranks(self) -> pd.DataFrame:
        """One row per data set and quantity: number, quantity, truth, rank, draws, pit."""
        return tabulate_ranks(self.fits)

    @property
    def table(self) -> pd.DataFrame:
        """One row per quantity: quantity, n, p, inside, cover_50, cover_90, mean, draws.

        `p`: share of uniform samples that stray as far; `inside`: whether the ECDF of the ranks stays in its own
        simultaneous 95 % band; `cover_50`, `cover_90`: share of central intervals that hold the truth; `mean`: mean
        rank on (0, 1), above 0.5 where posteriors are too low; `draws`: median number of nearly independent draws.
        """
        rows = []
        for name, own in self.ranks.groupby("quantity", sort=False):
            pit = own["pit"].to_numpy()
            covers = [float(np.mean(np.abs(pit - 0.5) <= level / 2.0)) for level in LEVELS]
            strayed = ecdf_difference(pit)
            inside = len(strayed.outside) == 0
            rows.append((name, len(own), strayed.p, inside, *covers, float(pit.mean()), float(own["draws"].median())))
        columns = ["quantity", "n", "p", "inside", "cover_50", "cover_90", "mean", "draws"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def suspicious(self) -> tuple[str, ...]:
        """Quantities whose ranks are not uniform, at 5 % for all quantities together (Holm 1979, Scand J Stat 6:65)."""
        table = self.table.sort_values("p", kind="stable")
        return tuple(table["quantity"][reject(table["p"].to_numpy(), 1.0 - COVERAGE)])

    @property
    def uniform(self) -> bool:
        """Whether nothing speaks against uniform ranks; False if fits failed or are fewer than 20."""
        return not self.suspicious and not self.failures and len(self.fits) >= FEWEST

    @property
    def failures(self) -> tuple[SimulatedFit, ...]:
        """Fits that failed."""
        return tuple(fit for fit in self.fits if fit.problem)

    @property
    def rejected(self) -> pd.Series:
        """Number of data sets that could not be fitted and were drawn anew, by reason."""
        reasons = pd.Series([reason for fit in self.fits for reason in fit.rejected], dtype=object)
        return reasons.value_counts()

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        return [
            Section("Calibration", (f"{self.formula}, over data simulated from its priors.", *_verdict(self))),
            Section("Ranks of the true values", table=_shown_table(self), after=_reading(self)),
            Section("Fits", tuple(_account(self))),
        ]


def calibrate(
    spec: str | Path | ModelSpec,
    *,
    n: int = 100,
    seed: int | None = None,
    data: Any = None,
    na: str | float | Iterable[str | float] = (),
    sampler: Callable[..., Fit] = sample,
    client: Any = None,
    processes: int = 1,
    resume: str | Path | None = None,
    save_every: int = 10,
    progress: bool = True,
    **options: Any,
) -> Calibration:
    """Return whether fits find the parameters of data made from the priors: simulation-based calibration.

    Parameters and effects are drawn from the priors, responses from the model; the model is fitted to each data set, and
    the rank of each true value among its posterior draws is uniform if the sampler is right (Talts et al. 2018,
    arXiv:1804.06788; Cook, Gelman & Rubin 2006, J Comput Graph Stat 15:675).

    Parameters
    ----------
    spec : str, Path or ModelSpec
        With a [simulation] section, unless `data` are given.
    n : int
        Number of data sets. With 100, errors of half a posterior sd are detected; with 1000, of a tenth.
    seed : int, optional
        From which every data set follows by its number; a new one if not given.
    data : data frame, mapping of columns, or path, optional
        Rows whose covariates and groups are kept. Default priors are realised once, on its response or, without one,
        on one simulated at the true values of the [simulation] section, and then frozen: the same priors make the data
        and are fitted. (Priors that follow each data set would not be those that made it.)
    na : str, number or list of these
        Codes that mean a missing value in `data`.
    sampler : callable
        Another sampler to be judged: it returns the Fit of a design and takes `seed`, `progress` and the settings.
    client : dask.distributed.Client or str, optional
        Cluster, or the address of its scheduler, on which the fits run.
    processes : int
        Without a cluster: processes of this machine that share the fits; 1: this process, one after the other.
    resume : path, optional
        JSON file that keeps the fits that are done; if it exists, they are not done again. `n` may be larger then.
    save_every : int
        After how many fits the file is rewritten.
    progress : bool
        Say how far the run is.
    **options
        What belongs to the model, as for `fit` (family, priors, link, formulas of further parameters, ...), and settings of
        `sample`, by default chains=2, draws=500, tune=500.

    Returns
    -------
    Calibration
        Read `uniform` and `table` first, then `plot_calibration`. Ctrl-C returns what is done.

    Raises
    ------
    SpecError
        Nothing says how to lay out the rows; a setting does not exist; priors that make no data that can be fitted.
    DataError
        The file of `resume` is that of another calibration.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> calibration = bm.calibrate("sleepstudy_intercept", n=3, seed=1, progress=False)  # in earnest 100 or more
    >>> calibration.table["quantity"].tolist()
    ['beta[Intercept]', 'beta[Days]', 'sd_Subject[Intercept]', 'sigma', 'log likelihood']
    """
    for name, value in {"n": n, "save_every": save_every}.items():
        if value < 1:
            raise SpecError(f"{name}={value} is impossible; it must be at least 1.")
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else int(seed)
    spec, settings = take_model(spec, options, [name for name in SETTINGS if name != "missing"])
    design = lay_out_rows(spec, data, seed, na)
    given = _DEFAULTS | ({} if client is None and processes == 1 else {"cores": 1}) | settings | {"progress": False}
    task = Task(design, sampler, given, seed)
    path = None if resume is None else as_path(resume, "A study")
    identity = {} if path is None else identify(task)
    done = {fit.number: fit for fit in ([] if path is None else load_fits(path, identity))}
    numbers = [number for number in range(n) if number not in done]
    with suppress(KeyboardInterrupt), ProgressLine("data sets fitted", progress) as line:
        fits = run_tasks(fit_simulated, task, numbers, client, processes)
        for count, fit in enumerate(line.follow(fits, len(numbers)), 1):
            done[fit.number] = fit
            if path is not None and (count % save_every == 0 or count == len(numbers)):
                save_fits(path, identity, (done[number] for number in sorted(done)))
    if path is not None and numbers:
        save_fits(path, identity, (done[number] for number in sorted(done)))
    kept = tuple(done[number] for number in sorted(done) if number < n)
    return Calibration(design.spec.formula, n, seed, kept)


def lay_out_rows(spec: ModelSpec, data: Any, seed: int, na: Any = ()) -> Design:
    """Return the design whose rows and frozen priors all data sets share; its own response only made the priors.

    Raises
    ------
    SpecError
        Nothing says how to lay out the rows; frequency or likelihood weights.
    """
    refuse_weights(spec.weights, "Simulation from the priors")
    refuse_censoring(spec.censoring, "Simulation from the priors")
    rows = None if data is None else take_table(spec, data, na=na)
    if rows is not None and has_response(spec, rows):
        return as_design(spec, rows, na=na)
    with warnings.catch_warnings():
        # Notes on one simulated response say nothing about the model.
        warnings.simplefilter("ignore", StatisticsWarning)
        return as_design(spec, simulate(spec, data=rows, na=na, seed=seed).data, missing="drop")


def _verdict(found: Calibration) -> tuple[str, ...]:
    count = len(found.fits)
    state = f"{count} of {found.asked} data sets fitted." if count == found.asked else f"STOPPED after {count} fits."
    if count < FEWEST:
        return state, f"Too few for a verdict; at least {FEWEST} are needed."
    if found.suspicious:
        return state, f"NOT CALIBRATED: ranks are not uniform for {enumerate_words(found.suspicious)}."
    if found.failures:
        return state, f"No verdict: {len(found.failures)} fits failed, so the ranks of the others say little."
    return state, "Calibrated as far as this many data sets can show: ranks of all quantities are uniform."


def _shown_table(found: Calibration) -> pd.DataFrame:
    table = found.table
    share = "{:.2f}".format
    return pd.DataFrame(
        {
            "quantity": table["quantity"],
            "in the band": np.where(table["inside"], "yes", "no"),
            "p": [f"{p:.3f}" if p >= 0.001 else "<0.001" for p in table["p"]],
            **{f"{100 * level:.0f} % interval": table[f"cover_{100 * level:.0f}"].map(share) for level in LEVELS},
            "mean rank": table["mean"].map(share),
            "draws": table["draws"].map("{:.0f}".format),
        }
    )


def _reading(found: Calibration) -> tuple[str, ...]:
    count = max(1, len(found.fits) - len(found.failures))
    ranges = []
    for level in LEVELS:
        low, high = (float(special.bdtrik(tail, count, level)) / count for tail in (0.025, 0.975))
        ranges.append(f"{low:.2f} to {high:.2f} for {100 * level:.0f} %")
    return (
        f"Coverage of right intervals in 95 % of such runs: {', '.join(ranges)}. Mean rank above 0.5: posteriors too low; "
        "below: too high. Coverage too small: too narrow.",
        "One quantity in 20 leaves its own 95 % band by chance; the verdict allows for that.",
    )


def _account(found: Calibration) -> Iterator[str]:
    """Yield what went wrong on the way, and what was drawn anew."""
    diverged = [fit.divergences for fit in found.fits if fit.divergences]
    slow = sum(fit.rhat > RHAT for fit in found.fits)
    yield f"Divergences: {sum(diverged)}, in {len(diverged)} fits. R-hat above {RHAT}: {slow} fits. All are in the ranks."
    yield f"Failed fits: {len(found.failures)}."
    yield from (f"- data set {fit.number}: {fit.problem}" for fit in found.failures[:_SHOWN])
    if found.rejected.sum():
        reasons = ", ".join(f"{count} with {reason}" for reason, count in found.rejected.items())
        yield (
            f"Drawn anew because they could not be fitted: {found.rejected.sum()} data sets ({reasons}). As that depends "
            "on the data alone, ranks stay uniform."
        )
    yield f"Priors were realised once and frozen. Seed {found.seed}."
