"""The digest of the kernel sources, by which a compiled kernel in the cache is known to be stale."""

import hashlib
import sys
from pathlib import Path

import numba

LEFT_OUT = (
    "__init__.py",
    "compiled_files.py",
    "decoding.py",
    "layouts.py",
    "merging.py",
    "packed_designs.py",
    "packing.py",
    "slots.py",
    "sources.py",
)
"""Files that hold no compiled code."""


def digest(folder: Path | None = None) -> str:
    """Return 16 hexadecimal digits that change with every file of compiled code, with numba and with Python."""
    folder = Path(__file__).parent if folder is None else folder
    total = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    for path in sorted(folder.glob("*.py")):
        if path.name not in LEFT_OUT:
            total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()[:16]
