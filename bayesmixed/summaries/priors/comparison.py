"""Comparing prior choices: the same model under several prior sets, and what changes in the answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.design.prior_draws import draw_priors
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import format_range, format_table, to_text
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.fits.convergence import Diagnosis
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.prior_sets import PriorSet, RealisedSet, realise_sets
from bayesmixed.fits.refitting import SETTINGS
from bayesmixed.spec.files import take_model
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.summaries.parameters.reported_quantities import find_without_mean, report_quantities
from bayesmixed.summaries.priors.implications import list_implications, list_oddities
from bayesmixed.summaries.priors.multiverse import Multiverse, explore
from bayesmixed.summaries.priors.set_draws import Workers, draw_sets
from bayesmixed.summaries.priors.specifications import Structure

LABELS = ["quantity", "term", "level", "effect"]
Quantity = str | Callable[[Fit], xr.DataArray]
_PRIOR_DRAWS = 2000
_NOTABLE = 0.3
_OF_EACH_GROUP = ("group effect", "rank")


@dataclass(frozen=True, slots=True, repr=False)
class PriorComparison(Page):
    """Fits of one model under several prior sets; `str()` for terminals, HTML in notebooks.

    Attributes
    ----------
    fits : mapping of str to Fit
        By set; the first is the reference.
    labels : mapping of str to str
        By set: its name, with what a word or a number stands for: "wide (default scales x 100)".
    priors : pandas.DataFrame
        One row per parameter, one column per set.
    table : pandas.DataFrame
        Columns set, quantity ("population effect", "sd", "correlation", "parameter", "ICC", "shrinkage factor",
        "group effect", "rank", "asked"), term, level, effect, mean, sd, lower, upper (95 %), mcse, shift (difference
        of the means from the reference, in its posterior SDs), spread (posterior SD over that of the reference). What
        has no mean under one of the sets has its median in a column of that name, and a quarter of its interval for SD.
    implications : pandas.DataFrame
        What each set implies before the data: columns set, quantity, unit, median, lower, upper, coverage.
    notes : tuple of str
        Coordinates of priors, fits that have not converged, conflicts of priors with the data.
    draws : pandas.DataFrame
        One row per set: draws ("sampled", or "reweighted": those of another set, `source`, weighted by the ratio of prior
        densities), pareto_k and worth (of the best weights; how many equally weighted draws they are worth),
        log_bayes_factor (log marginal likelihood less that of the first set, NaN where it is not known) and mcse (its
        Monte Carlo error).

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> sets = ["HalfNormal(5)", "HalfNormal(50)"]
    >>> comparison = bm.sweep_priors("sleepstudy_intercept", data, "sd_Subject", sets, draws=50, seed=1, progress=False)
    >>> list(comparison.fits), list(comparison.priors.columns)
    (['HalfNormal(5)', 'HalfNormal(50)'], ['parameter', 'HalfNormal(5)', 'HalfNormal(50)'])
    """

    fits: Mapping[str, Fit]
    labels: Mapping[str, str]
    priors: pd.DataFrame
    table: pd.DataFrame
    implications: pd.DataFrame
    notes: tuple[str, ...]
    draws: pd.DataFrame

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        return _sections(self)

    def wide(self, of_each_group: bool = False) -> pd.DataFrame:
        """Return the quantities as text, "mean [lower, upper]", one column per set; those of each group if asked for."""
        wanted = self.table["quantity"].isin(_OF_EACH_GROUP) == of_each_group
        table = self.table[wanted].copy()
        numbers = format_table(table.assign(mean=middles_of(table)).drop(columns=["median", "sd"], errors="ignore"))
        table["shown"] = numbers["mean"] + " [" + numbers["lower"] + ", " + numbers["upper"] + "]"
        order = table[LABELS].drop_duplicates()
        wide = table.pivot(index=LABELS, columns="set", values="shown").reset_index()
        return order.merge(wide, on=LABELS)[[*LABELS, *self.fits]].fillna("")


@overload
def compare_priors(
    spec: str | Path | ModelSpec, data: Any, sets: Mapping[str, PriorSet], *, structures: None = None, **options: Any
) -> PriorComparison: ...
@overload
def compare_priors(
    spec: str | Path | ModelSpec,
    data: Any,
    sets: Mapping[str, PriorSet],
    *,
    structures: Mapping[str, Structure] | Sequence[Structure],
    **options: Any,
) -> Multiverse: ...
def compare_priors(
    spec: str | Path | ModelSpec,
    data: Any,
    sets: Mapping[str, PriorSet],
    *,
    structures: Mapping[str, Structure] | Sequence[Structure] | None = None,
    quantities: Mapping[str, Quantity] | None = None,
    unit: str = "observation",
    by: str | None = None,
    missing: str = "error",
    na: Any = (),
    reweight: bool = True,
    seed: int | None = None,
    processes: int = 1,
    client: Any = None,
    **options: Any,
) -> PriorComparison | Multiverse:
    """Return the fits of a model under several prior sets, and how the answers change.

    The likelihood is the same under all sets. So the draws of a set that was sampled, weighted by the ratio of prior densities,
    are draws of another one, as long as the two posteriors overlap: Pareto k at most 0.7, of the weights and of the
    squared deviations of each parameter times the weights, the draws worth at least a quarter as many equally weighted
    ones, and `diagnose` has no objection that it did not have before. Other sets are sampled, the first one always.

    Parameters
    ----------
    spec, data, missing, na
        As for `fit`.
    sets : mapping
        By name, the first being the reference: priors that replace those of the spec, e.g.
        `{"sd_herd": "HalfNormal(0.5)"}` (`{}`: the spec as it stands); "default": the default prior of every parameter;
        a number: the default priors with scales that many times as large; "wide": the same with 100.
    structures : mapping or list, optional
        Other structures of the model, by name: `{"slopes": "y ~ x + (x | g)"}`, or a change, "~ . - z"; all else is that of
        the spec, which is a structure of its own. All sets of all structures, at most 60, are fitted: a bounded multiverse.
    quantities : mapping, optional
        What else to report, by name: an expression such as "beta[B] - beta[C]", or a function of a fit that returns
        draws with dims chain, draw. With structures their signs count too: ask for logarithms of ratios.
    unit, by
        With structures: what is left out where their predictions are compared, as for `compare_models`.
    reweight : bool
        False samples every set.
    seed : int, optional
        The same for all sets.
    processes : int
        Processes of this machine that share the sets that have to be sampled; 1: this process, set by set. The results are the
        same: the first set is sampled, then at once as many as there are processes of those for which it cannot stand.
    client : dask.distributed.Client or str, optional
        Cluster, or the address of its scheduler, in place of processes.
    **options
        What belongs to the model, as for `fit` (family, link, factors, formulas of further parameters, ...), and settings of
        `sample`: chains, draws, engine, progress, ...

    Returns
    -------
    PriorComparison
        A shift of 1 moves an estimate by one posterior SD of the reference; below 0.3 it is hardly worth mentioning.
    Multiverse
        With structures: signs and sizes of what the columns do to the expected response, of ICCs and of `quantities` in every
        specification, with leave-one-out predictions; see `plot_multiverse`.

    Raises
    ------
    SpecError, DataError
        Before any sampling; a flat prior among others, more than 60 specifications, or a `client` that is something else.
    SamplingError
        There is no scheduler at the address.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> sets = {"default": {}, "tight": {"sd_Subject": "HalfNormal(5)"}}
    >>> comparison = bm.compare_priors("sleepstudy_intercept", data, sets, draws=50, seed=1, progress=False)
    >>> list(comparison.fits)
    ['default', 'tight']
    """
    spec, settings = take_model(spec, options, SETTINGS)
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
    workers = Workers(processes, client)
    workers.check()
    if structures is not None:
        read: dict[str, Any] = {"missing": missing, "na": na, "reweight": reweight, "seed": seed, "workers": workers}
        return explore(spec, data, sets, structures, quantities or {}, unit=unit, by=by, settings=settings, **read)
    if len(sets) < 2:
        raise SpecError('A comparison needs two prior sets or more, e.g. {"default": "default", "wide": "wide"}.')
    realised = realise_sets(spec, data, sets, missing=missing, na=na)
    fits, verdicts, draws = draw_sets(realised, seed, reweight, settings, workers)
    return PriorComparison(
        fits=fits,
        labels={name: one.label for name, one in realised.items()},
        priors=_prior_columns(fits),
        table=_compare(_tables(fits, quantities or {})),
        implications=pd.concat([_implications(name, fit) for name, fit in fits.items()], ignore_index=True),
        notes=tuple(_notes(fits, verdicts, realised)),
        draws=draws,
    )


def sweep_priors(
    spec: str | Path | ModelSpec, data: Any, key: str, priors: Sequence[Any], **options: Any
) -> PriorComparison:
    """Return a comparison of several priors of one parameter, all others as they are.

    Parameters
    ----------
    spec, data
        As for `fit`.
    key : str
        The parameter, as in `priors` of `fit`: "sd_herd".
    priors : sequence
        Its priors: `["HalfNormal(0.25)", "HalfNormal(1)", "HalfNormal(4)"]`.
    **options
        Of `compare_priors`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> sets = ["HalfNormal(5)", "HalfNormal(50)"]
    >>> comparison = bm.sweep_priors("sleepstudy_intercept", data, "sd_Subject", sets, draws=50, seed=1, progress=False)
    >>> list(comparison.fits)
    ['HalfNormal(5)', 'HalfNormal(50)']
    """
    return compare_priors(spec, data, {str(prior): {key: prior} for prior in priors}, **options)


def _prior_columns(fits: Mapping[str, Fit]) -> pd.DataFrame:
    columns: dict[str, dict[str, str]] = {}
    for name, fit in fits.items():
        specs = [one.to_spec() for one in fit.design.joint_priors.values()]
        joint = {spec.KEY: str(spec) for spec in specs if spec is not None}
        columns[name] = joint | {key: str(e.prior) for key, e in fit.design.priors.items()}
    return pd.DataFrame(columns).fillna("").rename_axis("parameter").reset_index()


def middles_of(table: pd.DataFrame) -> pd.Series:
    """Return the means of the quantities of a comparison, medians of those without a mean."""
    return table["mean"].fillna(table["median"]) if "median" in table else table["mean"]


def _tables(fits: Mapping[str, Fit], asked: Mapping[str, Quantity]) -> dict[str, pd.DataFrame]:
    without = set().union(*(find_without_mean(fit, asked) for fit in fits.values()))
    return {name: report_quantities(fit, asked, without) for name, fit in fits.items()}


def _spreads(table: pd.DataFrame) -> Array:
    return np.asarray(table["sd"].fillna((table["upper"] - table["lower"]) / 4.0), dtype=float)


def _compare(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    reference = next(iter(tables.values())).set_index(LABELS)
    compared = []
    for name, table in tables.items():
        same = reference.reindex(pd.MultiIndex.from_frame(table[LABELS]))
        with np.errstate(invalid="ignore", divide="ignore"):
            shift = (middles_of(table).to_numpy() - middles_of(same).to_numpy()) / _spreads(same)
            spread = _spreads(table) / _spreads(same)
        compared.append(table.assign(set=name, shift=shift, spread=spread))
    together = pd.concat(compared, ignore_index=True)
    return together[["set", *(column for column in together if column != "set")]]


def _implications(name: str, fit: Fit) -> pd.DataFrame:
    table = list_implications(draw_priors(fit.design, _PRIOR_DRAWS))
    table.insert(0, "set", name)
    return table


def _notes(
    fits: Mapping[str, Fit], verdicts: Mapping[str, Diagnosis], realised: Mapping[str, RealisedSet]
) -> Iterator[str]:
    for name, one in realised.items():
        yield from (f"{name}: {note}." for note in one.notes)
    for name, verdict in verdicts.items():
        if not verdict.ok:
            yield f"{name}: NOT CONVERGED ({'; '.join(verdict.problems)}); do not compare its numbers."
    for name, fit in fits.items():
        yield from (f"{name}: {oddity}" for oddity in list_oddities(draw_priors(fit.design, _PRIOR_DRAWS)))


def _sections(comparison: PriorComparison) -> list[Section]:
    wide = comparison.wide()
    for column in ("term", "level", "effect"):
        if (wide[column] == "").all():
            wide = wide.drop(columns=column)
    priors = comparison.priors
    differing = priors[priors[list(comparison.fits)].nunique(axis=1) > 1]
    same = [str(key) for key in priors["parameter"] if key not in set(differing["parameter"])]
    after = [f"{label}." for name, label in comparison.labels.items() if label != name]
    after += [f"The same in all sets: {', '.join(same)}."] if same else []
    sections = [
        Section("Prior sets", table=differing, after=tuple(after)),
        Section("What changes", before=tuple(_verdicts(comparison)), table=wide),
    ]
    sections.append(_shown_draws(comparison.draws))
    if len(comparison.implications):
        sections.append(Section("What the priors imply, before any data", table=_shown_implications(comparison)))
    notes = tuple(f"- {note}" for note in comparison.notes)
    return [*sections, *([Section("Notes", before=notes)] if notes else [])]


def _shown_draws(draws: pd.DataFrame) -> Section:
    """Return how the draws were made, and the Bayes factors of the sets where they are known."""
    shown = draws[["set", "draws"]].copy()
    shown["draws"] = [
        f"{how} from {source}" if source else how for how, source in zip(draws["draws"], draws["source"], strict=True)
    ]
    shown["pareto_k"] = [
        f"{k:.2f}" if source else "" for k, source in zip(draws["pareto_k"], draws["source"], strict=True)
    ]
    after: tuple[str, ...] = ()
    if draws["log_bayes_factor"].notna().sum() > 1:
        pairs = zip(draws["log_bayes_factor"], draws["mcse"], strict=True)
        shown["log_bayes_factor"] = [
            "" if np.isnan(value) else to_text(value, max(error, 0.01)) for value, error in pairs
        ]
        after = (
            "Bayes factors of prior sets say which predicted the data better before they were seen; of sets made after a look at "
            "the data they say nothing.",
        )
    return Section("Draws of each set", table=shown, after=after)


def _verdicts(comparison: PriorComparison) -> Iterator[str]:
    """Say for each set which answer moves most, and which group."""
    reference, *others = comparison.fits
    for name in others:
        table = comparison.table[comparison.table["set"] == name]
        each = table["quantity"].isin(_OF_EACH_GROUP)
        said = [_largest(table[~each]), _largest(table[table["quantity"] == "group effect"])]
        largest = max((abs(shift) for shift, _ in said), default=0.0)
        word = "hardly anything moves" if largest < _NOTABLE else "answers move"
        yield f"{name} against {reference}: {word}; most: {', '.join(text for _, text in said if text)}."


def _largest(table: pd.DataFrame) -> tuple[float, str]:
    shifts = table["shift"].to_numpy(dtype=float)
    if not np.isfinite(shifts).any():
        return 0.0, ""
    row = table.iloc[int(np.nanargmax(np.abs(shifts)))]
    shift, name = float(row["shift"]), " ".join(str(row[label]) for label in LABELS if row[label])
    return shift, f"{name} by {shift:+.2f} posterior SD"


def _shown_implications(comparison: PriorComparison) -> pd.DataFrame:
    table = comparison.implications.copy()
    ranges = zip(*(table[name] for name in ("lower", "median", "upper")), strict=True)
    table["shown"] = [f"{middle} [{low}, {high}]" for low, middle, high in (format_range(row, 2) for row in ranges)]
    order = table[["quantity", "unit"]].drop_duplicates()
    wide = table.pivot(index=["quantity", "unit"], columns="set", values="shown").reset_index()
    return order.merge(wide, on=["quantity", "unit"])[["quantity", "unit", *comparison.fits]].fillna("")
