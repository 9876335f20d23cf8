"""The compiled densities in their cache, and what is said before they are compiled."""

import functools
import subprocess
import sys

import numba
import numpy as np
from numba.core import caching

from bayesmixed.kernels import bridge
from bayesmixed.kernels.joint.compiled import density_function
from bayesmixed.kernels.rows.compiled import fill_derivatives_compiled

SCRIPT = """
from bayesmixed.kernels.bridge import announce_compilation, cache_folder, is_cached
from bayesmixed.kernels.joint.compiled import density_function
print(cache_folder(density_function.__wrapped__))
print(is_cached(density_function))
announce_compilation(density_function, True)
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
    assert "15 to 30 seconds, once on this machine" in run.stderr
    assert folder in run.stderr


def test_a_compiled_density_is_found_in_its_cache_and_nothing_is_said(capsys):
    density_function()
    assert bridge.is_cached(density_function)
    bridge.announce_compilation(density_function, True)
    assert capsys.readouterr().err == ""


def test_compiled_rows_are_found_in_their_cache_too(monkeypatch):
    fill_derivatives_compiled(1, 0, np.zeros(1), np.ones(1), np.zeros((1, 3)), np.zeros((1, 4)))
    assert bridge.is_cached(fill_derivatives_compiled)
    monkeypatch.setattr(bridge, "digest", lambda: "another")
    assert not bridge.is_cached(fill_derivatives_compiled)


def test_nothing_is_said_without_progress(monkeypatch, capsys):
    monkeypatch.setattr(bridge, "is_cached", lambda function: False)
    bridge.announce_compilation(density_function, False)
    assert capsys.readouterr().err == ""


def test_after_a_change_of_sources_a_kept_density_is_stale_and_its_compilation_announced(monkeypatch, capsys):
    density_function()
    monkeypatch.setattr(bridge, "digest", lambda: "another")
    assert not bridge.is_cached(density_function)
    bridge.announce_compilation(density_function, True)
    assert "once on this machine" in capsys.readouterr().err


def test_beside_a_package_that_cannot_be_written_the_user_has_a_cache(tmp_path, monkeypatch):
    refuse(monkeypatch, caching.InTreeCacheLocator)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tmp_path in bridge.cache_folder(bridge.expand_function.__wrapped__).parents
    assert bridge.expand_function.__wrapped__().cache_hits == 0
    assert bridge.expand_function.__wrapped__().cache_hits == 1


def test_where_no_folder_can_be_written_functions_compile_and_a_line_says_what_to_set(tmp_path, monkeypatch, capsys):
    refuse(monkeypatch, caching.InTreeCacheLocator, caching.UserWideCacheLocator)
    compiled = bridge.expand_function.__wrapped__()
    assert compiled.address != 0
    assert bridge.cache_folder(bridge.expand_function.__wrapped__) is None
    fresh = functools.cache(lambda: compiled)
    bridge.announce_compilation(fresh, True)
    assert "in every new process" in (said := capsys.readouterr().err)
    assert "Set NUMBA_CACHE_DIR" in said
    assert said.count("\n") == 1
    fresh()
    bridge.announce_compilation(fresh, True)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert tmp_path in bridge.cache_folder(bridge.expand_function.__wrapped__).parents


def refuse(monkeypatch, *locators):
    """Let numba find none of these folders, as where they cannot be written."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    for locator in locators:
        monkeypatch.setattr(locator, "from_function", classmethod(lambda *_: None))
