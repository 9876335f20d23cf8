"""A sampler that could not start has ended before its error is raised."""

import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from bayesmixed.engines import runs
from bayesmixed.errors import SamplingError

CANNOT_START = """
import sys
import numpy as np
from numba import cfunc
from bayesmixed.engines import runs
from bayesmixed.engines.settings import Settings
from bayesmixed.errors import SamplingError
from bayesmixed.kernels import bridge
from bayesmixed.kernels.packing import Packed

@cfunc(bridge.DENSITY)
def nowhere(dimension, x, gradient, value, data):
    return bridge.NONFINITE_DENSITY

packed = Packed(None, np.zeros(12, np.int64))
start = lambda seed: np.random.default_rng(seed).normal(size=2)
model = bridge.nutpie_model(packed, 2, start, nowhere)
try:
    runs.run_sampler(model, Settings(chains=4, draws=50, tune=50, cores=4, target_accept=0.9, seed=1), None, False, 0.8)
except SamplingError:
    print("refused", sorted(runs._workers()), flush=True)
    sys.exit(7)
"""


@pytest.fixture
def threads(tmp_path, monkeypatch):
    """Return a folder that stands for the threads of this process, with one worker and one other thread."""
    for number, name in {"1": "python", "2": "nutpie-worker-0"}.items():
        (tmp_path / number).mkdir()
        (tmp_path / number / "comm").write_text(name)
    monkeypatch.setattr(runs, "_THREADS", tmp_path)
    return tmp_path


def test_a_worker_that_does_not_end_is_waited_for_for_a_limited_time(threads):
    started = time.monotonic()
    assert not runs.join_workers(longest=0.1)
    assert 0.1 <= time.monotonic() - started < 30


def test_a_sampler_that_is_stopped_before_its_chains_begin_has_no_draws():
    def abort():
        raise RuntimeError("Sampler has no results to take")

    with pytest.raises(SamplingError, match="Interrupted before any chain"):
        runs.complete_draws(runs._stop(SimpleNamespace(abort=abort)))


def test_only_the_own_workers_are_waited_for(threads):
    assert runs.join_workers({"2"}, longest=0.0)
    assert not runs.join_workers({"1"}, longest=0.0)
    (threads / "2" / "comm").unlink()
    assert runs.join_workers(longest=0.0), "it has ended"


@pytest.mark.parametrize("name", ["start", "initial_point_func"])
def test_chains_get_no_starting_point_once_a_run_is_over(name):
    over, compiled = threading.Event(), SimpleNamespace(**{name: lambda seed: seed + 1})
    stoppable = runs._stoppable(compiled, over)
    assert getattr(stoppable, name)(1) == 2
    over.set()
    with pytest.raises(RuntimeError, match="over"):
        getattr(stoppable, name)(1)
    assert getattr(compiled, name)(1) == 2, "the model can be sampled again"


@pytest.mark.slow
def test_a_script_that_ends_after_a_sampling_error_ends_as_python_does():
    ended = subprocess.run([sys.executable, "-c", CANNOT_START], capture_output=True, text=True, timeout=600)
    assert (ended.stdout, ended.returncode) == ("refused []\n", 7), ended.stderr
