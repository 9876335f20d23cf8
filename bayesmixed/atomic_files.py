"""Files and tables that are written whole or not at all."""

import gzip
import os
import re
import secrets
import stat
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bayesmixed.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TEMPORARY = ".bayesmixed-"
"""Prefix of temporary files; those left by a killed process are removed at the next write to the folder."""


def replace_file(
    path: str | Path, content: bytes | memoryview | str, what: str = "The file", *, hint: str = ""
) -> Path:
    """Write a temporary file in the same folder, flush it to disk and rename it; return the path.

    An earlier file stays as it is until the new one is whole. Links are followed.

    Parameters
    ----------
    what, hint : str
        The subject of an error, "The fit", and what can be done about it.

    Raises
    ------
    DataError
        The folder does not exist or cannot be written, the disk is full, or the path is a folder.
    """
    data = content.encode("utf-8", errors="backslashreplace") if isinstance(content, str) else content
    place = check_place(path, what)
    path = Path(path)
    try:
        if place.exists() and not place.is_file():
            place.write_bytes(data)
        else:
            _replace(place, data)
    except OSError as error:
        said = f"{what} cannot be written to '{path}': {_reason(error)}. What was there before is unchanged."
        raise DataError(f"{said} {hint}".strip()) from error
    return path


def as_path(path: str | Path, what: str) -> Path:
    """Return a path that the system can be asked about.

    Raises
    ------
    DataError
        It is an address, or the system refuses its name.
    """
    if re.match(r"\w+://", str(path)):
        raise DataError(f"{what} is read from a file, and '{path}' is an address: download it first.")
    try:
        found = Path(path)
        os.stat(found)
    except (FileNotFoundError, NotADirectoryError):
        return found
    except (OSError, ValueError) as error:
        raise DataError(f"{what} cannot be at '{path!s}': {_reason(error)}.") from error
    return found


def check_place(path: str | Path, what: str) -> Path:
    """Return where a file is to be written, its links followed.

    Raises
    ------
    DataError
        Its folder does not exist, it is itself a folder, or the name is impossible.
    """
    try:
        place = Path(os.path.realpath(path))
        if place.parent.is_dir() and not place.is_dir():
            return place
    except (OSError, ValueError) as error:
        raise DataError(f"{what} cannot be written to '{path}': {_reason(error)}.") from error
    if place.is_dir():
        raise DataError(f"{what} cannot be written to '{path}': it is a folder. Add the name of a file.")
    raise DataError(f"Folder '{place.parent}' does not exist; make it before writing '{place.name}' there.")


def replace_table(path: str | Path, table: "pd.DataFrame") -> Path:
    """Write a table as CSV, compressed where the name ends in .gz, as `replace_file` does."""
    text = table.to_csv(index=False).encode("utf-8", errors="backslashreplace")
    return replace_file(path, gzip.compress(text) if Path(path).suffix.lower() == ".gz" else text, "The table")


def replace_picture(path: str | Path, figure: "Figure") -> Path:
    """Write a figure as PNG, as `replace_file` does."""
    held = BytesIO()
    figure.savefig(held, format="png", dpi=150)
    return replace_file(path, held.getvalue(), "The picture")


def lock(descriptor: int, *, wait: bool) -> bool:
    """Lock an open file or folder, and return whether that was possible: False where another process holds it."""
    try:
        import fcntl
    except ImportError:  # Windows lets nobody remove files that are open
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # a file system without locks: leaving a file over is better than removing one in use
        return False
    return True


def flush_folder(folder: Path) -> None:
    """Write the names in a folder to disk, where its file system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _replace(place: Path, data: bytes | memoryview) -> None:
    _remove_abandoned(place.parent)
    file, name = _open_temporary(place.parent)
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if place.exists():
                os.chmod(name, stat.S_IMODE(place.stat().st_mode))
            if os.name == "nt":  # Windows renames no file that is open
                file.close()
            os.replace(name, place)
    finally:
        name.unlink(missing_ok=True)
    flush_folder(place.parent)


def _open_temporary(folder: Path) -> tuple[IO[bytes], Path]:
    """Return a new file that no other process regards as abandoned, and its name."""
    while True:
        name = folder / f"{TEMPORARY}{secrets.token_hex(8)}"
        file = open(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), "wb")  # noqa: SIM115
        lock(file.fileno(), wait=True)
        if name.exists():
            return file, name
        file.close()


def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files of processes that were killed: nobody holds their lock."""
    with suppress(OSError):
        for name in folder.glob(f"{TEMPORARY}*"):
            if name.is_file():
                _remove_unlocked(name)


def _remove_unlocked(name: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(name, os.O_RDWR)
        try:
            if lock(descriptor, wait=False):
                name.unlink()
        finally:
            os.close(descriptor)
