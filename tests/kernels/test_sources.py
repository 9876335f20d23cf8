"""A compiled kernel is taken from the disk only if no source of it has changed since."""

import shutil
from pathlib import Path

import numba
import pytest

from bayesmixed.kernels import bridge
from bayesmixed.kernels.sources import compiled_sources, digest

FOLDER = Path(bridge.__file__).parent
COMPILED = compiled_sources(FOLDER)
each_source = pytest.mark.parametrize("path", COMPILED, ids=[str(path.relative_to(FOLDER)) for path in COMPILED])
OF_PYTHON = {"compiled_files", "packing", "sources"}
"""What the bridge imports for its own Python, not for compiled code."""


@each_source
def test_the_digest_changes_with_every_file_of_compiled_code(path, tmp_path):
    copy = shutil.copytree(FOLDER, tmp_path / "kernels")
    assert digest(copy) == digest()
    with (copy / path.relative_to(FOLDER)).open("a") as file:
        file.write("# changed\n")
    assert digest(copy) != digest()


@each_source
def test_compiled_code_takes_from_elsewhere_only_the_name_of_a_type(path):
    lines = [line.split() for line in path.read_text().splitlines() if line.startswith("from bayesmixed.")]
    inside = {"bayesmixed.kernels." + ".".join(p.relative_to(FOLDER).with_suffix("").parts) for p in COMPILED}
    inside |= {f"bayesmixed.kernels.{name}" for name in OF_PYTHON}
    others = [" ".join(words) for words in lines if words[1] not in inside and words[1] != "bayesmixed.kernels"]
    assert set(others) <= {"from bayesmixed.families.links import Array"}


def test_a_function_is_loaded_from_disk_until_a_source_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def hits():
        return bridge.expand_function.__wrapped__().cache_hits

    assert [hits(), hits()] == [0, 1]
    monkeypatch.setattr(bridge, "digest", lambda: "another")
    assert [hits(), hits()] == [0, 1]
