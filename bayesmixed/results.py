"""The results of a fit as files in a folder: tables, plots, a summary."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bayesmixed as bm
from bayesmixed.equations import write_equations
from bayesmixed.errors import BayesMixedError, DataError
from bayesmixed.fitting import Fit

FIT = "fit.nc"
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


def open_folder(folder: Path, overwrite: bool = False) -> None:
    """Make the folder, before anything is sampled for it.

    Raises
    ------
    DataError
        It cannot be made, or holds a fit that must not be lost.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"Folder '{folder}' cannot be made: {error.strerror}.") from error
    if (folder / FIT).exists() and not overwrite:
        raise DataError(f"'{folder / FIT}' holds an earlier fit. Choose another folder, or say --overwrite.")


def write_results(fit: Fit, folder: Path) -> Results:
    """Write the summary, tables and plots of a fit into a folder that exists."""
    files, notes = [], []
    text = str(bm.summary(fit))
    for name, write in _products(fit, text):
        try:
            write(folder / name)
        except (BayesMixedError, OSError) as error:
            notes.append(f"no {name}: {error}")
        else:
            files.append(name)
    return Results(tuple(files), text, tuple(notes))


def _products(fit: Fit, summary: str) -> Iterator[tuple[str, Callable[[Path], Any]]]:
    """Yield the names of the files, with the functions that write them."""

    def table(make: Callable[..., Any], *arguments: Any) -> Callable[[Path], Any]:
        return lambda path: make(fit, *arguments).to_csv(path, index=False, encoding="utf-8")

    def plot(group: str) -> Callable[[Path], Any]:
        return lambda path: bm.plot_shrinkage(fit, group).savefig(path, dpi=150)

    page = f"{write_equations(fit.design)}\n\n{summary}\n\n{_run(fit)}\n"
    yield "summary.txt", lambda path: path.write_text(page, encoding="utf-8")
    yield REPORT, lambda path: bm.write_report(fit, path)
    yield "population_effects.csv", table(bm.population_effects)
    yield "variance_components.csv", table(bm.variance_components)
    if not list(fit.design.group_blocks()):
        return
    yield "group_effects.csv", table(bm.group_effects)
    yield "icc.csv", table(bm.icc)
    for group in fit.design.mu.groups:
        if not group.observation:
            name = re.sub(r"[^\w.-]+", "_", group.name)
            yield f"shrinkage_{name}.csv", table(bm.shrinkage, group.name)
            yield f"shrinkage_{name}.png", plot(group.name)


def _run(fit: Fit) -> str:
    settings = fit.settings
    lines = [
        f"Sampled by engine {fit.engine.name}: {settings.chains} chains of {settings.draws} draws after "
        f"{settings.tune} tuning draws, seed {settings.seed}.",
        *fit.engine.decisions,
        ", ".join(f"{package} {version}" for package, version in fit.versions.items()),
    ]
    return "\n".join(lines)
