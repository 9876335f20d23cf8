"""Folders of results, which are written beside their place and swapped in as a whole."""

import fnmatch
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayesmixed.atomic_files import TEMPORARY, flush_folder, lock, replace_file
from bayesmixed.errors import DataError
from bayesmixed.progress import say

FIT = "fit.nc"
MODEL = "model.toml"
_OWN: tuple[str, ...] = (
    FIT,
    MODEL,
    "summary.txt",
    "effects.csv",
    "means.csv",
    "report.html",
    "report-*.html",
    "simulated*.csv",
    "shrinkage*.csv",
    "shrinkage*.png",
    "icc.csv",
)
_OWN += (f"{TEMPORARY}*", "trial", "population_effects.csv", "variance_components.csv", "group_effects.csv")
"""Names of results; whatever else lies in a folder is its owner's and stays."""


@contextmanager
def replaced_folder(folder: Path, overwrite: bool) -> Iterator[Path]:
    """Make a folder beside a folder of results, in which a block writes; at its end the two are swapped.

    An error in the block leaves the earlier results as they were. A fit that was saved by then is kept and named.

    Raises
    ------
    DataError
        The folder cannot be made or written, or holds a fit that must not be lost.
    """
    place = Path(os.path.realpath(folder))
    _refuse_earlier_fit(place / FIT, overwrite)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = (place if _stays(place) else place.parent) / f"{place.name}.unfinished"
        descriptor = _begin(beside, place, overwrite)
    except OSError as error:
        raise DataError(f"Folder '{folder}' cannot be written: {error.strerror}.") from error
    try:
        yield beside
        _swap_in(beside, place)
    except BaseException:
        if (beside / FIT).exists():
            say(f"The fit is kept: {beside / FIT}")
        else:
            shutil.rmtree(beside, ignore_errors=True)
        raise
    finally:
        os.close(descriptor)


def _refuse_earlier_fit(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise DataError(f"'{path}' holds an earlier fit. Choose another folder, or add --overwrite.")


def _stays(place: Path) -> bool:
    """Return whether a folder cannot be swapped: somebody works in it, or its surroundings cannot be written."""
    used = place.is_dir() and Path.cwd().is_relative_to(place)
    return used or (place.is_dir() and (os.path.ismount(place) or not os.access(place.parent, os.W_OK)))


def _begin(beside: Path, place: Path, overwrite: bool) -> int:
    """Make the new folder after what an earlier run left of it, lock it, and try to write a file there."""
    if place.exists() and not place.is_dir():
        raise DataError(f"'{place}' is a file; give the name of a folder.")
    if beside.exists():
        os.close(_hold(beside))
        if (beside / FIT).exists() and not overwrite:
            raise DataError(
                f"A run that was stopped left its fit in '{beside / FIT}'. Move it to keep it; --overwrite removes it."
            )
        _discard(beside, place)
    beside.mkdir()
    descriptor = _hold(beside)
    try:
        (replace_file(beside / "trial", bytes(4096), "A trial file")).unlink()
    except BaseException:
        os.close(descriptor)
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return descriptor


def _hold(beside: Path) -> int:
    """Return the descriptor by which a folder is locked until it is closed."""
    descriptor = os.open(beside if os.name != "nt" else os.devnull, os.O_RDONLY)
    if not lock(descriptor, wait=False):
        os.close(descriptor)
        raise DataError(f"Another run writes to '{beside}'. Wait for it, or choose another folder.")
    return descriptor


def _swap_in(beside: Path, place: Path) -> None:
    """Put the new folder in the place of the earlier one; a kill in between never mixes two results."""
    try:
        if not place.exists():
            beside.rename(place)
        elif beside.parent != place and _exchange(beside, place):
            _discard(beside, place)
        else:
            _move_into(beside, place)
    except OSError as error:
        raise DataError(f"Results cannot be put into '{place}': {error.strerror}. They are in '{beside}'.") from error
    flush_folder(place.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap the names of two folders in one step, where the system can; return whether it was done."""
    if sys.platform != "linux":
        return False
    import ctypes

    shutil.copymode(other, one)
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    at_work, exchange = -100, 2
    return rename is not None and rename(at_work, os.fsencode(one), at_work, os.fsencode(other), exchange) == 0


def _move_into(beside: Path, place: Path) -> None:
    """Remove the earlier results, then move the new ones one by one: none lies beside one of another fit."""
    for path in place.iterdir():
        if _is_own(path):
            path.unlink()
    for path in sorted(beside.iterdir(), key=lambda path: path.name != FIT):
        path.rename(place / path.name)
    beside.rmdir()


def _discard(beside: Path, place: Path) -> None:
    """Remove earlier results, once everything else in the folder has been moved back."""
    for path in beside.iterdir():
        if _is_own(path):
            path.unlink()
        elif place.is_dir() and not (place / path.name).exists():
            path.rename(place / path.name)
    beside.rmdir()


def _is_own(path: Path) -> bool:
    return path.is_file() and any(fnmatch.fnmatchcase(path.name, pattern) for pattern in _OWN)
