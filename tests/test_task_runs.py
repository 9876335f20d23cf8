"""Tasks in other processes: the results of this one, errors, and processes that are killed."""

import operator
import os
import time

import pytest
from ended_tasks import end_once

import bayesmixed as bm
from bayesmixed import task_runs
from bayesmixed.task_runs import run_tasks

OFTEN = "often there was too little memory."


@pytest.mark.parametrize("processes", [1, 2])
def test_every_task_has_its_result(processes):
    assert sorted(run_tasks(operator.pow, 2, [3, 5, 4], processes=processes)) == [8, 16, 32]


def test_no_tasks_have_no_results():
    assert list(run_tasks(operator.pow, 2, [], processes=2)) == []


def test_an_error_of_a_task_is_raised_here():
    with pytest.raises(ZeroDivisionError):
        list(run_tasks(operator.truediv, 1, [1, 0], processes=2))


def test_processes_have_one_thread_for_linear_algebra():
    assert list(run_tasks(os.getenv, "OPENBLAS_NUM_THREADS", [7, 8], processes=2)) == ["1", "1"]
    assert list(run_tasks(os.getenv, "NUMBA_NUM_THREADS", [7, 8], processes=2)) == ["1", "1"]


def test_a_killed_process_costs_its_task_only():
    found = list(run_tasks(os.kill, 0, [0, 9, 0], processes=2, lost=lambda number, error: (number, str(error))))
    assert found.count(None) == 2
    assert [one for one in found if one] == [(9, f"The process of a task was ended by signal 9; {OFTEN}")]
    with pytest.raises(bm.SamplingError, match="signal 9"):
        list(run_tasks(os.kill, 0, [9, 9], processes=2))


def test_a_task_whose_process_was_ended_is_run_once_more(tmp_path, capfd):
    assert sorted(run_tasks(end_once, str(tmp_path), [1, 2], processes=2)) == [1, 2]
    assert capfd.readouterr().err.count("signal 9; often there was too little memory. The task is run again.") == 2


def test_a_run_that_is_left_ends_its_processes():
    started = time.perf_counter()
    tasks = run_tasks(operator.call, time.sleep, [0, 60, 60], processes=2)
    next(tasks)
    tasks.close()
    assert time.perf_counter() - started < 30


def _here(task, number):
    return number


def test_what_cannot_be_sent_is_refused_in_words():
    with pytest.raises(bm.SpecError, match="in a module that can be imported"):
        run_tasks(lambda task, number: number, 0, [1, 2], processes=2)


def test_what_the_other_process_cannot_import_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(_here, "__module__", "__main__")
    monkeypatch.setattr("__main__._here", _here, raising=False)
    with pytest.raises(bm.SpecError, match="in a module that can be imported"):
        list(run_tasks(_here, 0, [0, 0], processes=2))


def test_results_that_cannot_be_sent_back_are_errors():
    with pytest.raises(bm.SamplingError, match="pickle"):
        list(run_tasks(operator.call, os.fdopen, [2, 2], processes=2))


@pytest.mark.parametrize("client", [object(), 5, ["tcp://localhost:8786"]])
def test_what_is_no_client_is_refused_at_once(client):
    with pytest.raises(bm.SpecError, match=r"dask\.distributed\.Client or its address"):
        run_tasks(operator.pow, 2, [1], client)


def test_a_dead_address_is_refused(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(task_runs, "_WAIT", 0.2)
    with pytest.raises(bm.SamplingError, match="no dask scheduler at 'tcp://127"):
        run_tasks(operator.pow, 2, [1], "tcp://127.0.0.1:9")
