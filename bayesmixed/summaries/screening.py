"""screen: many candidate models of the same data in one call, by short runs."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from bayesmixed.cross_validation.common_responses import (
    can_be_left_out,
    check_same_response,
    check_same_rows,
    note_bounds,
)
from bayesmixed.cross_validation.leaving_out import leave_units_out
from bayesmixed.cross_validation.model_comparison import find_common_units, rank, shift
from bayesmixed.cross_validation.units import describe_unit
from bayesmixed.design.design import Design
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import to_text
from bayesmixed.engines import ENGINES, refusal
from bayesmixed.engines.marginal import LEFT
from bayesmixed.errors import BayesMixedError, SamplingError, SpecError, StatisticsWarning, enumerate_words
from bayesmixed.estimation.marginal_maxima import approximate
from bayesmixed.families.links import Array
from bayesmixed.fits.convergence import diagnose
from bayesmixed.fits.fitting import Fit, sample
from bayesmixed.progress import ProgressLine
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.summaries.candidates import Spec, keep_common_rows, name_candidates, prepare_candidates
from bayesmixed.summaries.marginal_likelihoods import has_evidence, log_evidence, note_default_priors
from bayesmixed.summaries.overview import count_estimated
from bayesmixed.tables.frames import as_frame
from bayesmixed.task_runs import run_tasks
from bayesmixed.terms.relations import Factor
from bayesmixed.terms.weights import LIKELIHOOD

COLUMNS = ["engine", "parameters", "log_likelihood", "aic", "elpd", "se", "elpd_diff", "dse", "stacking", "bad_k"]
COLUMNS += ["log_evidence", "mcse", "log_bayes_factor", "probability", "seconds", "problem"]
RHAT, FEWEST = 1.05, 100
"""R-hat above which chains of at least so many draws are said to disagree."""
_CHAINS = 2
_UNREACHED = "the run was stopped before it"


@dataclass(frozen=True, slots=True, repr=False)
class Screening(Page):
    """Candidate models of the same data.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per candidate, by elpd, best first: engine (that sampled it), parameters (number), log_likelihood and aic (by
        Laplace's approximation), elpd, se, elpd_diff (to the best), dse (standard error of the difference), stacking (weight),
        bad_k (units whose number cannot be trusted), log_evidence, mcse (its Monte Carlo error), log_bayes_factor (to the best),
        probability (if all were equally probable before), seconds, problem (what could not be done, and why). Missing numbers are
        NaN.
    estimand : str
        What elpd says each model predicts.
    specs : mapping
        The spec of each candidate that could be read.
    notes : tuple of str
        What a reader should know.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> candidates = {"pooled": "Reaction ~ Days", "slopes": "Reaction ~ Days + (Days | Subject)"}
    >>> found = bm.screen(candidates, bm.datasets.load("sleepstudy"), progress=False)
    >>> found.table["aic"].round().to_dict()
    {'slopes': 1764.0, 'pooled': 1906.0}
    """

    table: pd.DataFrame
    estimand: str
    specs: Mapping[str, ModelSpec]
    notes: tuple[str, ...]

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        table = self.table
        best = table["mcse"].where(table["log_bayes_factor"] == 0.0).max()
        errors = {"log_evidence": table["mcse"], "log_bayes_factor": np.hypot(table["mcse"], best)}
        shown = {
            "model": [" ".join(name.split()) for name in table.index],
            "engine": table["engine"],
            "k": _write(table["parameters"], "{:.0f}"),
        }
        shown |= {"AIC": _write(table["aic"], "{:.1f}")}
        shown |= {name: _write(table[name], "{:.1f}") for name in ("elpd", "elpd_diff", "dse")}
        shown |= {"stacking": _write(table["stacking"], "{:.2f}")}
        for name, error in errors.items():
            shown[name] = [to_text(v, max(e, 0.01)) for v, e in zip(table[name], error.fillna(0.01), strict=True)]
        shown |= {"probability": _write(table["probability"], "{:.3f}"), "seconds": _write(table["seconds"], "{:.1f}")}
        problems = [f"- '{name}': {text}" for name, text in table["problem"].items() if text]
        first = (
            f"elpd: {self.estimand}; higher is better. log_evidence: marginal likelihood of the data under the priors."
        )
        return [
            Section("Candidates", (first,), pd.DataFrame(shown)),
            *([Section("What could not be done", tuple(problems))] if problems else []),
            *([Section("Notes", tuple(f"- {note}" for note in self.notes))] if self.notes else []),
        ]


def screen(
    specs: Mapping[str, Spec] | Sequence[Spec],
    data: Any,
    *,
    unit: str = "observation",
    by: str | None = None,
    draws: int = 500,
    missing: str = "error",
    na: Any = (),
    seed: int = 0,
    progress: bool = True,
    processes: int = 1,
    client: Any = None,
    **options: Any,
) -> Screening:
    """Return how candidate models of the same data compare, by short runs: AIC, predictions of what is left out, evidence.

    For a first look at many models. Fit those that are left with `bm.fit`, and check them.

    Parameters
    ----------
    specs : mapping of str to spec, or list of specs
        Formulas, shipped names, TOML paths or specs, which name themselves in a list.
    data : data frame, mapping of columns, or path
        One row per observation.
    unit, by
        What is left out, as for `compare_models`.
    draws : int
        Of each model, over two chains.
    missing : {"error", "drop"}
        What to do with rows in which a column is missing that any of the models uses: "drop" leaves them out of all models.
    na : str, number or list of these
        Codes that mean a missing value.
    seed : int
        For everything random.
    progress : bool
        Show how many models are done.
    processes : int
        Processes of this machine that share the models; 1: this process, model by model.
    client : dask.distributed.Client or str, optional
        Cluster, or the address of its scheduler, in place of processes.
    **options
        What belongs to all models, as for `fit`: family, priors, ...

    Returns
    -------
    Screening
        Models that cannot be fitted are in the table with the reason. Ctrl-C returns what is done.

    Raises
    ------
    SpecError
        No model can be fitted, the models are not of the same response, or `client` is something else.
    SamplingError
        There is no scheduler at the address.

    Notes
    -----
    Each model is maximised by Laplace's approximation, and sampled by the engine "marginal", whose importance weights also give
    its marginal likelihood (see `evidence`); models that it cannot take by another engine, without a marginal likelihood if they
    have effects of groups. elpd is by Pareto-smoothed importance sampling, without moving draws (see `loo`).

    Examples
    --------
    >>> import bayesmixed as bm
    >>> candidates = {"pooled": "Reaction ~ Days", "slopes": "Reaction ~ Days + (Days | Subject)"}
    >>> found = bm.screen(candidates, bm.datasets.load("sleepstudy"), progress=False)
    >>> found.table["elpd_diff"].round(-1).to_dict()
    {'slopes': 0.0, 'pooled': -90.0}
    """
    named, notes = name_candidates(specs), list[str]()
    if not isinstance(data, str | Path):
        data = as_frame(data)
        data = data if data.index.is_unique else data.reset_index(drop=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        models, designs, problems = prepare_candidates(named, data, options, missing, na)
        if not designs:
            name, reason = next(iter(problems.items()))
            raise SpecError(f"None of the {len(named)} models can be fitted. '{name}': {reason}")
        left = keep_common_rows(models, designs, problems, data, na) if missing == "drop" else 0
        notes += (
            [f"{left} rows with a missing value in a column of some model are left out of all models"] if left else []
        )
        check_same_rows(designs)
        slopes = check_same_response(designs)
        weighted = not can_be_left_out(designs.values(), unit)
        notes += ["No elpd: rows with such weights cannot be left out one by one."] if weighted else []
        units = None if weighted else find_common_units(designs, unit, by)
        rows: dict[str, dict[str, Any]] = {}
        found: dict[str, Any] = {}
        try:
            task = [(name, design, units, slopes[name], draws, seed) for name, design in designs.items()]
            with ProgressLine("models", progress) as line:
                runs = run_tasks(_screen_one, task, range(len(task)), client, processes, _lose(task))
                for name, row, one in line.follow(runs, len(task)):
                    rows[name] = row
                    if one is not None and units is not None:
                        found[name] = shift(
                            one, np.bincount(units.index, weights=slopes[name], minlength=len(units.labels))
                        )
        except KeyboardInterrupt:
            problems |= {name: _UNREACHED for name in designs if name not in rows}
    table = _tabulate(named, rows, problems, found)
    notes += [*_note_same(models), *note_bounds(designs)]
    if table["log_evidence"].notna().sum() > 1:
        notes += note_default_priors(designs)
    notes += _note_errors(table)
    return Screening(table, "nothing" if units is None else describe_unit(units), models, tuple(notes))


def _screen_one(task: list[Any], number: int) -> tuple[str, dict[str, Any], Any]:
    """Return the name of a model, its row, and ArviZ's ELPD object or None."""
    name, *given = task[number]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        return name, *_screen(*given)


def _lose(task: list[Any]) -> Callable[[int, SamplingError], tuple[str, dict[str, Any], Any]]:
    """Return what makes the row of a model whose process was ended."""

    def lost(number: int, error: SamplingError) -> tuple[str, dict[str, Any], Any]:
        name, design, *_ = task[number]
        return name, {"parameters": count_estimated(design), "problem": str(error)}, None

    return lost


def _screen(design: Design, units: Factor | None, slope: Array, draws: int, seed: int) -> tuple[dict[str, Any], Any]:
    """Return the row of one model, and ArviZ's ELPD object or None."""
    started, problems = time.perf_counter(), list[str]()
    row: dict[str, Any] = {"parameters": count_estimated(design)}
    found = None
    try:
        maximum = approximate(design)
        row |= {"log_likelihood": (maximum.log_likelihood or np.nan) + slope.sum()}
        row |= {"aic": (np.nan if maximum.aic is None else maximum.aic) - 2.0 * slope.sum()}
        problems += maximum.notes if maximum.converged else ("the search for the maximum did not converge",)
    except BayesMixedError as error:
        problems.append(f"no AIC: {error}")
    try:
        reason = refusal(ENGINES["marginal"], design)
        engine = "auto" if reason else "marginal"
        fit = sample(design, engine=engine, chains=_CHAINS, draws=-(-draws // _CHAINS), seed=seed, progress=False)
        if not fit.settings.complete:
            raise KeyboardInterrupt
        row["engine"] = fit.engine.name
        problems += _measure(fit, reason, row)
        row["log_evidence"] = row.get("log_evidence", np.nan) + slope.sum()
        if units is not None:
            found = leave_units_out(fit, units, match=False)
    except BayesMixedError as error:
        problems.append(str(error) if "engine" not in row else f"no elpd: {error}")
    return row | {"seconds": time.perf_counter() - started, "problem": "; ".join(problems)}, found


def _measure(fit: Fit, reason: str | None, row: dict[str, Any]) -> list[str]:
    """Write the marginal likelihood of a fit into its row, and return what speaks against its numbers."""
    rhat = float(diagnose(fit).table["rhat"].max())
    problems = (
        [f"chains disagree (R-hat {rhat:.2f}): more draws"] if rhat > RHAT and fit.settings.draws >= FEWEST else []
    )
    if fit.design.observed.weighting == LIKELIHOOD:
        return [*problems, "no evidence: under likelihood weights there is no density of the data"]
    if has_evidence(fit):
        try:
            row["log_evidence"], row["mcse"] = log_evidence(fit)
        except BayesMixedError as error:
            problems.append(f"no evidence: {error}")
        return problems
    why = reason or fit.engine.why.partition(LEFT)[2]
    return [*problems, f"sampled by '{fit.engine.name}', without evidence, as 'marginal' cannot: {why}"]


def _tabulate(
    named: Mapping[str, Spec], rows: Mapping[str, dict[str, Any]], problems: Mapping[str, str], found: Mapping[str, Any]
) -> pd.DataFrame:
    table = pd.DataFrame([rows.get(name, {}) for name in named], index=pd.Index(named, name="model"))
    table = table.reindex(columns=COLUMNS)
    table["problem"] = [problems.get(name) or rows.get(name, {}).get("problem", "") for name in named]
    table["engine"] = table["engine"].where(table["engine"].notna(), "")
    if found:
        ranked = rank(found).rename(columns={"weight": "stacking"})
        columns = ["elpd", "se", "elpd_diff", "dse", "stacking", "bad_k"]
        table.loc[ranked.index, columns] = ranked[columns].to_numpy(dtype=float)
    numbers = [column for column in COLUMNS if column not in ("engine", "problem")]
    table[numbers] = table[numbers].astype(float)
    known = table["log_evidence"].notna()
    if known.any():
        table.loc[known, "log_bayes_factor"] = table["log_evidence"] - table["log_evidence"].max()
        table.loc[known, "probability"] = special.softmax(table.loc[known, "log_evidence"].to_numpy())
    return table.sort_values(["elpd", "log_evidence"], ascending=False, kind="stable")


def _note_same(models: Mapping[str, ModelSpec]) -> list[str]:
    """Return which candidates are the same model, and share their weights."""
    same: dict[int, list[str]] = {}
    kinds: list[ModelSpec] = []
    for name, model in models.items():
        place = next((i for i, kind in enumerate(kinds) if kind == model), len(kinds))
        kinds += [model] if place == len(kinds) else []
        same.setdefault(place, []).append(name)
    return [
        f"{enumerate_words(names)} are the same model and share its weights"
        for names in same.values()
        if len(names) > 1
    ]


def _note_errors(table: pd.DataFrame) -> list[str]:
    bad = table[table["bad_k"] > 0]["bad_k"].astype(int)
    notes = []
    if len(bad):
        which = ", ".join(f"'{name}' {count}" for name, count in bad.items())
        notes.append(
            f"Units too influential to be left out by weights: {which}. bm.loo of a whole fit moves draws for them."
        )
    rough = table[table["mcse"] > 0.5]
    if len(rough):
        notes.append(f"Log evidence is rough (error above 0.5) of {enumerate_words(rough.index)}: more draws.")
    return notes


def _write(values: pd.Series, form: str) -> list[str]:
    return ["" if np.isnan(value) else form.format(value + 0.0) for value in values]
