"""Workers of a sampler that could not start are waited for before its error is raised."""

import time

import pytest

from bayesmixed.engines import runs


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


def test_only_the_own_workers_are_waited_for(threads):
    assert runs.join_workers({"2"}, longest=0.0)
    assert not runs.join_workers({"1"}, longest=0.0)
    (threads / "2" / "comm").unlink()
    assert runs.join_workers(longest=0.0), "it has ended"
