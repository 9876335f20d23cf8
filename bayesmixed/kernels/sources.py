"""The digest of the kernel sources, by which a compiled kernel in the cache is known to be stale."""

import hashlib
from pathlib import Path

LEFT_OUT = ("__init__.py", "bridge.py", "decoding.py", "layouts.py", "merging.py", "packed_designs.py", "sources.py")
"""Files that hold no compiled code, or the entry points themselves."""


def digest(folder: Path | None = None) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of all files with compiled code."""
    folder = Path(__file__).parent if folder is None else folder
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        if path.name not in LEFT_OUT:
            total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()[:16]
