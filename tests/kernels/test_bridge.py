"""The compiled densities in their cache, and what is said before they are compiled."""

import subprocess
import sys

from bayesmixed.kernels import bridge

SCRIPT = """
from bayesmixed.kernels.bridge import announce_compilation, cache_folder, draw_effects_compiled, is_cached
print(cache_folder())
print(is_cached())
announce_compilation("density_function", True)
"""


def test_a_first_fit_says_that_it_compiles_and_where_the_result_is_kept(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    folder, cached = run.stdout.splitlines()
    assert folder.startswith(str(tmp_path))
    assert cached == "False"
    assert "once on this machine" in run.stderr
    assert folder in run.stderr


def test_a_compiled_density_is_found_in_its_cache_and_nothing_is_said(capsys):
    bridge.density_function()
    assert bridge.is_cached()
    bridge.announce_compilation("density_function", True)
    assert capsys.readouterr().err == ""


def test_nothing_is_said_without_progress(monkeypatch, capsys):
    monkeypatch.setattr(bridge, "is_cached", lambda function: False)
    bridge.announce_compilation("density_function", False)
    assert capsys.readouterr().err == ""
