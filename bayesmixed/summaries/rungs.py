"""ladder: all ways to integrate effects out, and the posterior, side by side."""

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.display.pages import Page, Section
from bayesmixed.errors import SpecError, StatisticsWarning, warn
from bayesmixed.estimation.approximations import METHODS, Approximation
from bayesmixed.estimation.marginal_maxima import approximate
from bayesmixed.fits.fitting import Fit, sample
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.preparation.preparing import as_design
from bayesmixed.spec.model_spec import ModelSpec

POSTERIOR = "posterior"
_FINEST = ("agq", "mc", "laplace", "joint")


@dataclass(frozen=True, slots=True, repr=False)
class Ladder(Page):
    """A model under every way to integrate its effects out that applies to it, and its posterior.

    Attributes
    ----------
    table : pandas.DataFrame
        Columns rung, parameter, estimate, error (standard error, or posterior sd), difference (from the finest rung, in
        standard errors of that one). Estimates of the posterior are its medians.
    rungs : pandas.DataFrame
        One row for each rung, in the order of the ladder: log_likelihood, mcse (its Monte Carlo error), seconds, finest.
    approximations : mapping
        The `Approximation` of each rung.
    fit : Fit or None
        The posterior.
    notes : tuple of str
        Which rungs do not apply, and why; why some agree; coefficients without a finite maximum.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> steps = bm.ladder("sleepstudy", bm.datasets.load("sleepstudy"), posterior=False, draws=50)
    >>> steps.rungs["log_likelihood"].round(3)[["joint", "laplace", "agq"]].tolist()
    [-875.97, -875.97, -875.97]
    """

    table: pd.DataFrame
    rungs: pd.DataFrame
    approximations: dict[str, Approximation]
    fit: Fit | None
    notes: tuple[str, ...]

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        names = list(self.rungs.index)
        wide = self.table.pivot(index="parameter", columns="rung", values="estimate").loc[
            list(dict.fromkeys(self.table["parameter"])), names
        ]
        apart = self.table.pivot(index="parameter", columns="rung", values="difference").loc[wide.index, names]
        shown = wide.map(lambda value: "" if np.isnan(value) else f"{value:.4g}").reset_index()
        moved = apart.map(lambda value: "" if np.isnan(value) else f"{round(value, 2) + 0.0:.2f}").reset_index()
        rows = [
            (
                name,
                "" if pd.isna(row["log_likelihood"]) else f"{row['log_likelihood']:.4f}",
                f"{row['mcse']:.2g}" if row["mcse"] else "",
                f"{row['seconds']:.2f}",
                f"the posterior, by the engine {self.fit.engine.name}"
                if name == POSTERIOR and self.fit
                else METHODS[name],
            )
            for name, row in zip(names, self.rungs.to_dict("records"), strict=True)
        ]
        finest = next(
            (name for name, row in zip(names, self.rungs.to_dict("records"), strict=True) if row["finest"]), ""
        )
        return [
            Section("Estimates", (), shown, after=("For the posterior, medians.",) if self.fit is not None else ()),
            Section(f"Difference from {finest}, in its standard errors", (), moved),
            Section(
                "Rungs", (), pd.DataFrame(rows, columns=["rung", "log-likelihood", "mcse", "seconds", "what it does"])
            ),
            *([Section("Notes", tuple(f"- {note}" for note in self.notes))] if self.notes else []),
        ]


def ladder(
    spec: str | Path | ModelSpec | Design,
    data: Any = None,
    *,
    points: int | None = None,
    draws: int = 1000,
    seed: int = 0,
    posterior: bool = True,
    progress: bool = True,
    **options: Any,
) -> Ladder:
    """Return a model at its maximum likelihood under every way to integrate effects out, and its posterior.

    Parameters
    ----------
    spec : str, Path, ModelSpec or Design
        Formula, shipped name, TOML path or spec, with data; or what `prepare` returned.
    data : data frame, mapping of columns, or path, optional
        One row per observation.
    points : int, optional
        Nodes of the quadrature, see `approximate`.
    draws : int
        Draws of the effects of each level for Monte Carlo integration.
    seed : int
        Of these and of the posterior.
    posterior : bool
        Sample the posterior, too.
    progress : bool
        Show the progress of sampling.
    **options
        With a formula: `family`, `link` and so on, as for `fit`.

    Raises
    ------
    SpecError, DataError
        As `approximate`, where no rung applies.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> found = bm.ladder("herd", data, posterior=False)
    >>> list(found.rungs.index)
    ['pql', 'joint', 'laplace', 'agq', 'mc']
    """
    design = as_design(spec, data, **options)
    found: dict[str, Approximation] = {}
    notes: list[str] = []
    refused: list[str] = []
    for method in ("pql", "joint", "laplace", "agq", "mc"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", StatisticsWarning)
                found[method] = approximate(design, method=method, points=points, draws=draws, seed=seed)
        except SpecError as error:
            refused.append(f"{method} is left out: {error}")
    if not found:
        raise SpecError(refused[0].partition(": ")[2])
    endless = dict.fromkeys(note for one in found.values() for note in one.notes)
    notes += endless
    for note in endless:
        warn(note)
    if design.family.is_normal_under(design.mu.link):
        notes.append(
            "The response is normal given its effects, so that the integral over these is known: joint, pql, laplace and "
            "agq are the same maximum."
        )
    finest = next(method for method in _FINEST if method in found)
    tables = [_tabulate(name, one.estimates, one.standard_errors, found[finest]) for name, one in found.items()]
    rows = {name: (one.log_likelihood, one.error, one.seconds, name == finest) for name, one in found.items()}
    fit = None
    if posterior:
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StatisticsWarning)
            fit = sample(design, seed=seed, progress=progress)
        medians, sds = _summaries(fit, list(found[finest].estimates))
        tables.append(_tabulate(POSTERIOR, medians, sds, found[finest]))
        rows[POSTERIOR] = (None, 0.0, time.perf_counter() - started, False)
    rungs = pd.DataFrame.from_dict(rows, orient="index", columns=["log_likelihood", "mcse", "seconds", "finest"])
    rungs["log_likelihood"] = rungs["log_likelihood"].astype(float)
    return Ladder(pd.concat(tables, ignore_index=True), rungs, found, fit, (*notes, *refused))


def _tabulate(rung: str, estimates: Any, errors: Any, finest: Approximation) -> pd.DataFrame:
    names = list(estimates)
    value, error = np.array([estimates[name] for name in names]), np.array([errors[name] for name in names])
    centre = np.array([finest.estimates[name] for name in names])
    unit = np.array([finest.standard_errors[name] for name in names])
    difference = np.where(unit > 0.0, (value - centre) / np.where(unit > 0.0, unit, 1.0), np.nan)
    return pd.DataFrame({"rung": rung, "parameter": names, "estimate": value, "error": error, "difference": difference})


def _summaries(fit: Fit, names: list[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the posterior median and sd of parameters by their names in the draws."""
    medians, sds = {}, {}
    for name in names:
        key = ParameterKey.read(name)
        values = fit.posterior[key.variable]
        dims = [str(dim) for dim in values.dims if dim not in ("chain", "draw")]
        labels = key.label.split(", ") if key.of_correlations and key.label else [key.label]
        chosen = values.sel(dict(zip(dims, labels, strict=True))) if dims else values
        medians[name], sds[name] = float(chosen.median()), float(chosen.std())
    return medians, sds
