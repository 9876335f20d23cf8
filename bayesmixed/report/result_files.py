"""The results of a fit as files in a folder: tables, plots, a summary."""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import pandas as pd

import bayesmixed as bm
from bayesmixed.atomic_files import replace_file, replace_picture, replace_table
from bayesmixed.equations import write_equations, write_joint_equations
from bayesmixed.errors import BayesMixedError, DataError
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.report.joint_documents import page_names
from bayesmixed.report.result_folders import FIT, MODEL
from bayesmixed.spec.files import joint_to_toml, spec_to_toml
from bayesmixed.summaries.marginal.grids import column_roles

REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Results:
    """What was written.

    Attributes
    ----------
    files : tuple of str
        Names of the files.
    summary : str
        Text of the summary.
    notes : tuple of str
        Which tables or plots this model does not have, and why.
    """

    files: tuple[str, ...]
    summary: str
    notes: tuple[str, ...]


def save_or_rescue(fit: Fit | JointFit, path: Path) -> Path:
    """Save a fit, or, where that fails, save it in a temporary folder and name that.

    Raises
    ------
    DataError
        It could not be saved where it should; the message says where it is.
    """
    try:
        return bm.save_fit(fit, path)
    except DataError as error:
        elsewhere = _save_anywhere(fit)
        said = f"It was saved in another place: '{elsewhere}'." if elsewhere else "No other place could be written."
        raise DataError(f"{error} {said}") from error


def _save_anywhere(fit: Fit | JointFit) -> Path | None:
    for folder in (tempfile.gettempdir(), Path.home(), Path.cwd()):
        with suppress(DataError, OSError):
            return bm.save_fit(fit, Path(tempfile.mkdtemp(prefix="bayesmixed-", dir=folder), FIT))
    return None


def write_results(fit: Fit, folder: Path) -> Results:
    """Write the summary, tables and plots of a fit into a folder that exists; those that the model does not have are
    noted.

    Raises
    ------
    DataError
        A file cannot be written.
    """
    files, notes = [], []
    text = str(bm.summary(fit))
    for name, write in _products(fit, text):
        try:
            write(folder / name)
        except BayesMixedError as error:
            if isinstance(error.__cause__, OSError):  # the disk, not the model
                raise
            notes.append(f"no {name}: {error}")
        else:
            files.append(name)
    return Results(tuple(files), text, tuple(notes))


def write_joint_results(joint: JointFit, folder: Path) -> Results:
    """Write the summary, the table of estimates, and a report on each response into a folder that exists (DataError)."""
    text = str(bm.summary(joint))
    files = ["summary.txt", MODEL, "effects.csv", REPORT]
    replace_file(
        folder / files[0], f"{write_joint_equations(joint)}\n\n{text}\n\n{_run(next(iter(joint.fits.values())))}\n"
    )
    replace_file(folder / files[1], joint_to_toml(joint.design.spec))
    replace_table(folder / files[2], bm.tidy(joint))
    bm.write_report(joint, folder / REPORT)
    files += [f"{page}.html" for page in page_names(Path(REPORT).stem, joint).values()]
    return Results(tuple(files), text, ())


def _products(fit: Fit, summary: str) -> Iterator[tuple[str, Callable[[Path], Any]]]:
    """Yield the names of the files, with the functions that write them."""

    def table(make: Callable[..., Any], *arguments: Any) -> Callable[[Path], Any]:
        return lambda path: replace_table(path, make(fit, *arguments))

    def plot(group: str) -> Callable[[Path], Any]:
        return lambda path: replace_picture(path, bm.plot_shrinkage(fit, group))

    page = f"{write_equations(fit.design)}\n\n{summary}\n\n{_run(fit)}\n"
    yield "summary.txt", lambda path: replace_file(path, page)
    yield MODEL, lambda path: replace_file(path, spec_to_toml(fit.design.spec))
    yield REPORT, lambda path: bm.write_report(fit, path)
    yield "effects.csv", lambda path: replace_table(path, bm.describe_effects(fit).table)
    factors = column_roles(fit.design).factors
    if factors:
        yield "means.csv", lambda path: replace_table(path, _tabulate_means(fit, factors))
    yield "population_effects.csv", table(bm.population_effects)
    yield "variance_components.csv", table(bm.variance_components)
    if not list(fit.design.group_blocks()):
        return
    yield "group_effects.csv", table(bm.group_effects)
    yield "icc.csv", table(bm.icc)
    names: list[str] = []
    for group in fit.design.mu.groups:
        if group.compared:
            plain = re.sub(r"[^\w.-]+", "_", group.name)
            numbered = (f"{plain}_{number}" for number in count(2))
            # On some file systems names that differ only in case are the same.
            names.append(next(name for name in chain([plain], numbered) if name.lower() not in map(str.lower, names)))
            yield f"shrinkage_{names[-1]}.csv", table(bm.shrinkage, group.name)
            yield f"shrinkage_{names[-1]}.png", plot(group.name)


def _tabulate_means(fit: Fit, factors: tuple[str, ...]) -> pd.DataFrame:
    kind = "probability" if fit.design.family.template else "mean"
    tables = [bm.marginal_means(fit, name, kind=kind).table.rename(columns={name: "level"}) for name in factors]
    return pd.concat([t.assign(factor=name)[["factor", *t.columns]] for name, t in zip(factors, tables, strict=True)])


def _run(fit: Fit) -> str:
    settings = fit.settings
    lines = [
        f"Sampled by engine {fit.engine.name}: {settings.chains} chains of {settings.draws} draws after "
        f"{settings.tune} tuning draws, seed {settings.seed}.",
        *fit.engine.decisions,
        ", ".join(f"{package} {version}" for package, version in fit.versions.items()),
    ]
    return "\n".join(lines)
