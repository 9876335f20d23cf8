"""Damaged files of compiled functions are compiled anew."""

import importlib.util
import subprocess
import sys

import pytest

from bayesmixed.kernels.compiled_files import checked_cache, is_whole

MODULE = """
from numba import njit

@njit(cache=True)
def twice(x):
    return 2 * x
"""
AT_ONCE = """
import sys
sys.path.insert(0, sys.argv[1])
from bayesmixed.kernels.compiled_files import checked_cache
with checked_cache():
    import functions
print(functions.twice(21), functions.twice(1.5), sum(functions.twice.stats.cache_hits.values()))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "functions.py").write_text(MODULE)
    return tmp_path


def answer(folder):
    """Return what the function says in a module that is loaded anew, and how often it was found compiled."""
    described = importlib.util.spec_from_file_location("functions", folder / "functions.py")
    module = importlib.util.module_from_spec(described)
    with checked_cache():
        described.loader.exec_module(module)
    return module.twice(21), sum(module.twice.stats.cache_hits.values())


DAMAGES = {
    "nothing": (lambda content: content, 1),
    "cut": (lambda content: content[: len(content) // 2], 0),
    "empty": (lambda content: b"", 0),
    "garbage": (lambda content: b"\x80\x04garbage" * 40, 0),
    "one bit": (lambda content: content[:50] + bytes([content[50] ^ 1]) + content[51:], 0),
}


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_file_is_compiled_anew_and_replaced(folder, kind, ending):
    damage, found = DAMAGES[kind]
    assert answer(folder) == (42, 0)
    (path,) = (folder / "__pycache__").glob(f"*{ending}")
    path.write_bytes(damage(path.read_bytes()))
    assert answer(folder) == (42, found)
    assert is_whole(path)
    assert answer(folder) == (42, 1)


def test_a_cache_that_cannot_be_written_is_done_without(folder):
    answer(folder)
    for path in (folder / "__pycache__").glob("functions.*.nb*"):
        path.unlink()
        path.mkdir()
    assert answer(folder) == (42, 0)


def test_processes_that_compile_at_once_are_right(folder):
    command = [sys.executable, "-c", AT_ONCE, str(folder)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in running:
        said, error = process.communicate(timeout=300)
        assert (said[:7], process.returncode) == ("42 3.0 ", 0), error
    assert subprocess.check_output(command, text=True) == "42 3.0 2\n"
    assert all(is_whole(path) for path in (folder / "__pycache__").glob("*.nb?"))
