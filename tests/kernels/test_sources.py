"""A compiled kernel is taken from the disk only if no source of it has changed since."""

import shutil
from pathlib import Path

import numba
import pytest

from bayesmixed.kernels import bridge
from bayesmixed.kernels.sources import LEFT_OUT, digest

FOLDER = Path(bridge.__file__).parent
COMPILED = sorted(path.name for path in FOLDER.glob("*.py") if path.name not in LEFT_OUT)


@pytest.mark.parametrize("name", COMPILED)
def test_the_digest_changes_with_every_file_of_compiled_code(name, tmp_path):
    copy = shutil.copytree(FOLDER, tmp_path / "kernels")
    assert digest(copy) == digest()
    with (copy / name).open("a") as file:
        file.write("# changed\n")
    assert digest(copy) != digest()


@pytest.mark.parametrize("name", LEFT_OUT)
def test_files_outside_of_the_digest_compile_nothing(name):
    text = (FOLDER / name).read_text()
    assert "njit" not in text
    assert "cfunc" not in text


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_code_takes_from_elsewhere_only_the_name_of_a_type(name):
    imports = [line for line in (FOLDER / name).read_text().splitlines() if line.startswith("from bayesmixed.")]
    assert {line for line in imports if not line.startswith("from bayesmixed.kernels")} <= {
        "from bayesmixed.families.links import Array"
    }


def test_a_function_is_loaded_from_disk_until_a_source_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def hits():
        return bridge.expand_function.__wrapped__().cache_hits

    assert [hits(), hits()] == [0, 1]
    monkeypatch.setattr(bridge, "digest", lambda: "another")
    assert [hits(), hits()] == [0, 1]
