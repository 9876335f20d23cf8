"""The digest of the kernel sources, by which a compiled kernel in the cache is known to be stale."""

import hashlib
import sys
from pathlib import Path

import numba


def compiled_sources(folder: Path) -> list[Path]:
    """Return the files of a folder, and of those in it, that hold compiled code or the records which it reads."""
    marks = (b"njit", b"cfunc", b"intrinsic")
    return [
        path
        for path in sorted(folder.rglob("*.py"))
        if path.name == "records.py" or any(mark in path.read_bytes() for mark in marks)
    ]


def digest(folder: Path | None = None) -> str:
    """Return 16 hexadecimal digits that change with every file of compiled code, with numba and with Python."""
    folder = Path(__file__).parent if folder is None else folder
    total = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    for path in compiled_sources(folder):
        total.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return total.hexdigest()[:16]
