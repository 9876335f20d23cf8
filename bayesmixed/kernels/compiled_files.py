"""Compiled functions on disk with checksums: a damaged one is compiled anew, one that cannot be written is done without."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from numba.core import caching

from bayesmixed.atomic_files import replace_file
from bayesmixed.errors import DataError

_SIZE = hashlib.sha256().digest_size


class CheckedCacheFile(caching.IndexDataCacheFile):  # type: ignore[misc]
    """Numba's files of one function, each followed by its SHA-256, which numba by itself reads over."""

    def load(self, key: Any) -> Any:
        """Return the entry of a key; None where there is none or its files are damaged."""
        name = self._whole_index().get(key)
        path = name and self._data_path(name)
        with suppress(OSError):
            return self._load_data(name) if path and is_whole(path) else None
        return None

    def save(self, key: Any, data: Any) -> None:
        """Write an entry, under a number of its own for each key: processes that write at once do not mix theirs."""
        index = self._whole_index()
        name = index.get(key) or self._data_name(int(hashlib.sha256(repr(key).encode()).hexdigest()[:12], 16))
        with suppress(OSError, DataError):  # a function that is not kept works as well
            self._save_data(name, data)
            self._save_index({**index, key: name})

    def _whole_index(self) -> dict[Any, str]:
        return dict(self._load_index()) if is_whole(self._index_path) else {}

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[BytesIO]:
        held = BytesIO()
        yield held
        content = held.getvalue()
        replace_file(filepath, content + hashlib.sha256(content).digest())


def is_whole(path: str | os.PathLike[str]) -> bool:
    """Return whether a file of the cache can be read and agrees with its checksum."""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content[:-_SIZE]).digest() == content[-_SIZE:]


@contextmanager
def checked_cache() -> Iterator[None]:
    """Give checksums to the files of all functions that are defined in the block, PyTensor's too."""
    usual = caching.IndexDataCacheFile
    caching.IndexDataCacheFile = CheckedCacheFile
    try:
        yield
    finally:
        caching.IndexDataCacheFile = usual
