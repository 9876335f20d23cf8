"""fit_many: the same model on many tables, such as one for each species, in processes of this machine or on a cluster."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from bayesmixed.arguments import pools
from bayesmixed.atomic_files import as_path
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.result_tables import as_result
from bayesmixed.errors import BayesMixedError, DataError, SamplingError, SpecError, did_you_mean
from bayesmixed.fits.convergence import diagnose
from bayesmixed.fits.file_checks import fingerprint
from bayesmixed.fits.files import load_fit, save_fit
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.from_data import fit
from bayesmixed.fits.refitting import SETTINGS
from bayesmixed.progress import ProgressLine
from bayesmixed.spec.files import spec_to_toml, take_model
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.summaries.parameters.tidying import tidy
from bayesmixed.tables.frames import as_frame, read_table
from bayesmixed.task_runs import run_tasks

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Task:
    """What all fits have in common, and the table and the seed of each."""

    spec: ModelSpec
    tables: tuple[Any, ...]
    seeds: tuple[int, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Fits(Page, Mapping[str, Fit]):
    """The fits of one model to many tables: a mapping of names to fits.

    Attributes
    ----------
    formula : str
        The model.
    asked : tuple of str
        Names of the tables, in their order. Those in neither `fits` nor `failures` were left by an interruption.
    fits : mapping of str to Fit
        Those that are done.
    failures : mapping of str to str
        Why a table could not be fitted.
    read : frozenset of str
        Names of those that were read from the folder, not sampled.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy").query("Subject < '311'")
    >>> fits = bm.fit_many("Reaction ~ Days", data, by="Subject", draws=100, seed=1, processes=1, progress=False)
    >>> len(fits), fits["308"].design.rows, fits.failures
    (3, 10, {})
    >>> fits.table()[["Intercept", "Days"]].round(-1).loc["308"].tolist()
    [240.0, 20.0]
    """

    formula: str
    asked: tuple[str, ...]
    fits: Mapping[str, Fit]
    failures: Mapping[str, str]
    read: frozenset[str] = field(default_factory=frozenset)

    def __getitem__(self, name: str) -> Fit:
        """Return the fit of a table; a KeyError says why there is none."""
        if str(name) in self.fits:
            return self.fits[str(name)]
        raise KeyError(self.failures.get(name) or did_you_mean(str(name), list(self.asked)))

    def __iter__(self) -> Iterator[str]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    @property
    def left(self) -> tuple[str, ...]:
        """Names of tables that were not reached."""
        return tuple(name for name in self.asked if name not in self.fits and name not in self.failures)

    @property
    def estimates(self) -> pd.DataFrame:
        """One row per fit and parameter: name, then the columns of `tidy`."""
        parts = [tidy(one).assign(name=name) for name, one in self.fits.items()]
        found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"name": [], "term": []})
        return as_result(found[["name", *(column for column in found if column != "name")]])

    def table(self, column: str = "estimate") -> pd.DataFrame:
        """Return the parameters side by side: a row per fit, a column per parameter.

        Parameters
        ----------
        column : str
            Which number of `tidy`: "estimate", "std.error", "conf.low", "conf.high", "ess" or "rhat".

        Raises
        ------
        SpecError
            There is no such column.
        """
        found = self.estimates
        numbers = list(found.select_dtypes("number").columns)
        if column not in numbers:
            raise SpecError(f"column='{column}' is not a number of the estimates. {did_you_mean(column, numbers)}")
        rows = {}
        for name, own in found.groupby("name", sort=False):
            first = self.fits[str(name)].design.mu.parameter
            rows[name] = dict(zip(_parameters(own, first), own[column], strict=True))
        return as_result(pd.DataFrame.from_dict(rows, orient="index").rename_axis("name"))

    @property
    def diagnosis(self) -> pd.DataFrame:
        """One row per table that was asked for: rows, seconds, divergences, rhat (largest), ess (smallest), ok, problem."""
        lines: list[tuple[Any, ...]] = []
        for name in self.asked:
            if name not in self.fits:
                problem = self.failures.get(name, "not reached")
                lines.append((name, None, np.nan, None, np.nan, np.nan, False, problem))
                continue
            one = self.fits[name]
            verdict = diagnose(one)
            ess = verdict.table[["ess_bulk", "ess_tail"]].min().min()
            numbers = (one.design.rows, sum(one.timing.values()), verdict.divergences, verdict.table["rhat"].max(), ess)
            lines.append((name, *numbers, verdict.ok, "; ".join(verdict.problems)))
        columns = ["name", "rows", "seconds", "divergences", "rhat", "ess", "ok", "problem"]
        table = pd.DataFrame(lines, columns=columns)
        return as_result(table.astype({"rows": "Int64", "divergences": "Int64"}))

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        state = f"{len(self.fits)} of {len(self.asked)} tables fitted"
        state += f", {len(self.read)} of them read from the folder." if self.read else "."
        table = self.diagnosis
        bad = table[~table["ok"]]
        lines = [f"- {name}: {problem}" for name, problem in zip(bad["name"], bad["problem"], strict=True)]
        more = [f"- and {len(lines) - _SHOWN} more, see .diagnosis"] if len(lines) > _SHOWN else []
        verdict = () if len(bad) else ("All have converged.",)
        shown = self.table().head(_SHOWN).map("{:.4g}".format).reset_index() if self.fits else pd.DataFrame()
        rest = (f"The first {_SHOWN} of {len(self.fits)}; see .table().",) if len(self.fits) > _SHOWN else ()
        return [
            Section("Many fits", (f"{self.formula}.", state, *verdict)),
            *([Section("Not to be used yet", (*lines[:_SHOWN], *more))] if lines else []),
            Section("Posterior means", table=shown, after=rest),
        ]


@pools
def fit_many(
    spec: str | Path | ModelSpec,
    data: Any,
    *,
    by: str | None = None,
    folder: str | Path | None = None,
    processes: int | None = None,
    client: Any = None,
    seed: int | None = None,
    each: Callable[..., Any] | None = None,
    na: str | float | Iterable[str | float] = (),
    progress: bool = True,
    **options: Any,
) -> Fits:
    """Return the fits of one model to many tables, such as one for each species, each with priors of its own.

    A table that cannot be fitted does not stop the others. Its error is in `failures`.

    Parameters
    ----------
    spec : str, Path or ModelSpec
        Formula, shipped name, TOML path or spec: the same for all.
    data : mapping of str to tables, or one table
        By name whatever `fit` takes. With `by` one data frame, mapping of columns, or path.
    by : str, optional
        The column whose values split one table.
    folder : path, optional
        Where each fit is saved as soon as it is done, as a file that `load_fit` reads; made if it does not exist. A fit of the
        same spec, data, settings and seed (any, without `seed`) that lies there is read instead of sampled, so that a run that
        was stopped goes on.
    processes : int, optional
        Processes of this machine that share the tables, each with one thread for linear algebra; by default as many as
        it has processors. 1: this process, one fit after the other.
    client : dask.distributed.Client or str, optional
        Cluster, or the address of its scheduler, in place of processes.
    seed : int, optional
        From which the seed of each fit follows by its name: it does not depend on the other tables.
    each : callable, optional
        Is called with name and fit (or the error, as text) as soon as a table is done.
    na : str, number or list of these
        Codes that mean a missing value.
    progress : bool
        Say how far the run is.
    **options
        What belongs to the model, as for `fit` (family, priors, link, formulas of further parameters, ...), and settings of
        `sample`; with several processes cores=1, if not given.

    Returns
    -------
    Fits
        A mapping of names to fits; read `diagnosis` and `table()` first. Ctrl-C returns what is done.

    Raises
    ------
    SpecError, DataError
        Before any sampling: the spec or a setting is impossible, there is no such column, a value of it is missing, or
        the folder cannot be written.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy").query("Subject < '311'")
    >>> fits = bm.fit_many("Reaction ~ Days", data, by="Subject", draws=100, seed=1, processes=1, progress=False)
    >>> fits.table()["Days"].round(-1).tolist()
    [20.0, 0.0, 10.0]
    >>> fits.diagnosis.shape, list(fits.diagnosis.columns)[:4]
    ((3, 8), ['name', 'rows', 'seconds', 'divergences'])
    """
    model, settings = take_model(spec, options, [name for name in SETTINGS if name != "progress"])
    tables = _split(data, by, na)
    place = None if folder is None else _open_folder(folder)
    count = (os.cpu_count() or 1) if processes is None else processes
    here = client is None and min(count, len(tables)) == 1
    given = ({} if here else {"cores": 1}) | settings | {"progress": False, "na": na}
    start = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else int(seed)
    names = tuple(tables)
    task = _Task(model, tuple(tables.values()), tuple(_seed_of(start, name) for name in names), given)
    files = [None if place is None else place / _file_name(task, k, name, seed) for k, name in enumerate(names)]
    found: dict[int, Fit | str] = {}
    for number, path in enumerate(files):
        if path is not None and path.is_file():
            with suppress(DataError):  # what is damaged is sampled again
                found[number] = load_fit(path, Fit, functions=model.functions)
    read = frozenset(names[number] for number in found)
    left = [number for number in range(len(names)) if number not in found]
    with suppress(KeyboardInterrupt), ProgressLine("tables fitted", progress) as line:
        results = run_tasks(_fit_one, task, left, client, count if not here else 1, _lost)
        for number, result in line.follow(results, len(left)):
            found[number] = result
            if isinstance(result, Fit) and (path := files[number]) is not None:
                save_fit(result, path)
            if each is not None:
                _tell(each, names[number], result)
    fits = {names[k]: one for k in sorted(found) if isinstance(one := found[k], Fit)}
    failures = {names[k]: one for k in sorted(found) if isinstance(one := found[k], str)}
    return Fits(model.formula, names, fits, failures, read)


def _fit_one(task: _Task, number: int) -> tuple[int, Fit | str]:
    """Return the fit of one table, or why there is none."""
    try:
        one = fit(task.spec, task.tables[number], seed=task.seeds[number], **task.settings)
    except Exception as error:  # whatever it is, it must neither stop the other fits nor be hidden
        kind = "" if isinstance(error, BayesMixedError) else f"{type(error).__name__}: "
        return number, f"{kind}{error}"
    if not one.settings.complete:
        raise KeyboardInterrupt
    return number, one


def _tell(each: Callable[..., Any], name: str, result: Fit | str) -> None:
    try:
        each(name, result)
    except Exception as error:  # the user's own
        raise SpecError(f"each= failed at '{name}': {type(error).__name__}: {error}") from error


def _lost(number: int, error: SamplingError) -> tuple[int, Fit | str]:
    return number, str(error)


def _split(data: Any, by: str | None, na: Any) -> dict[str, Any]:
    """Return the tables by name, as text."""
    if by is None:
        if not isinstance(data, Mapping) or not data or any(_is_column(table) for table in data.values()):
            raise SpecError(
                "fit_many needs tables by name, {'name': table}, or one table and the column that splits it: by='species'."
            )
        named = {str(name): table for name, table in data.items()}
        if len(named) < len(data):
            raise SpecError("Two tables have the same name once names are written as text.")
        return named
    frame = read_table(data, na=na) if isinstance(data, str | Path) else as_frame(data)
    if by not in frame.columns:
        raise DataError(f"There is no column '{by}'. {did_you_mean(by, [str(name) for name in frame.columns])}")
    if (absent := int(frame[by].isna().sum())) > 0:
        raise DataError(f"Column '{by}' is missing in {absent} rows, so it is not known to which table they belong.")
    groups = {str(level): rows for level, rows in frame.groupby(by, observed=True, sort=True)}
    if len(groups) < frame[by].nunique():
        raise DataError(f"Two values of '{by}' are the same once they are written as text.")
    if not groups:
        raise DataError("The table has no rows.")
    return cast(dict[str, Any], groups)


def _is_column(value: Any) -> bool:
    """Return whether a value of a mapping is a column, not a table."""
    if isinstance(value, str | Path | Mapping | list):
        return isinstance(value, list) and not any(
            isinstance(one, str | Mapping) or hasattr(one, "columns") for one in value
        )
    return not hasattr(value, "columns")


def _seed_of(seed: int, name: str) -> int:
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return int(np.random.SeedSequence([seed, digest]).generate_state(1)[0])


def _open_folder(folder: str | Path) -> Path:
    path = as_path(folder, "A folder of fits")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"The folder '{path}' cannot be made: {error.strerror or error}.") from error
    return path


def _file_name(task: _Task, number: int, name: str, seed: int | None) -> str:
    """Return the name of the file of a fit, which holds a digest of all that it follows from."""
    table = task.tables[number]
    if isinstance(table, str | Path):
        path = as_path(table, "A table")
        data = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else str(path)
    else:
        parts = table if isinstance(table, list) else [table]
        data = " ".join(_fingerprint_of(part) for part in parts)
    settings = {key: value for key, value in sorted(task.settings.items()) if key not in ("cores", "progress")}
    said = [spec_to_toml(task.spec), data, repr(settings), "" if seed is None else str(task.seeds[number])]
    digest = hashlib.sha256("\n\n".join(said).encode()).hexdigest()[:16]
    return f"{re.sub(r'[^\w.-]+', '_', name)[:60]}-{digest}.nc"


def _fingerprint_of(table: Any) -> str:
    """Return the digest of a table; of what is no table, which will be its failure, that of its text."""
    try:
        return fingerprint(as_frame(table))
    except BayesMixedError:
        return str(table)


def _parameters(own: pd.DataFrame, first: str) -> Iterator[str]:
    """Yield a name for each row of the estimates of one fit, whose first parameter needs no name."""
    for component, group, term in own[["component", "group", "term"]].itertuples(index=False):
        further = f"{component}: " if component and component not in (first, term) else ""
        yield further + (f"{term} ({group})" if group else term)
