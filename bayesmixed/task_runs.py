"""Many similar tasks, one after the other here, in processes of this machine, or on a dask cluster."""

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from bayesmixed.errors import SamplingError, SpecError
from bayesmixed.progress import say

_WAIT = 3
"""Seconds in which a scheduler has to answer."""
_SERVE = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from bayesmixed.task_runs import serve; serve()"
)
_IN_A_MODULE = (
    "Functions have to be defined in a module that can be imported, not in a script or a notebook. With processes=1 everything "
    "runs in this process."
)
_ONE = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


def run_tasks[T, R](
    run: Callable[[T, int], R],
    task: T,
    numbers: Iterable[int],
    client: Any = None,
    processes: int = 1,
    lost: Callable[[int, SamplingError], R] | None = None,
) -> Iterator[R]:
    """Return run(task, number) for all numbers, in the order in which they are done.

    Parameters
    ----------
    run : callable
        Also of other processes, so it has to be found in a module.
    client : dask.distributed.Client or str, optional
        The cluster, or the address of its scheduler ("tcp://host:8786"); here if not given.
    processes : int
        Without a cluster: processes of this machine that share the tasks, each with one thread for linear algebra; 1: this
        process, task by task. A task whose process was ended is run once more, in another one, which is said.
    lost : callable, optional
        Returns what takes the place of a result whose process was ended both times, which is an error otherwise.

    Raises
    ------
    SpecError
        dask.distributed is not installed, `client` is something else, or the task cannot be sent to other processes.
    SamplingError
        There is no scheduler at the address, or a process was killed.
    """
    numbers = list(numbers)
    if client is not None:
        return _on_cluster(run, task, numbers, lost, *connect(client))
    if min(processes, len(numbers)) <= 1:
        return (run(task, number) for number in numbers)
    return _in_processes(_sent((run, task)), numbers, lost, min(processes, len(numbers)))


def connect(client: Any) -> tuple[Any, bool]:
    """Return a client of dask.distributed, and whether it was made here, from an address.

    Raises
    ------
    SpecError, SamplingError
        As `run_tasks`.
    """
    own = isinstance(client, str)
    if not own and type(client).__module__.partition(".")[0] != "distributed":
        raise SpecError(f"client must be a dask.distributed.Client or its address, not a {type(client).__name__}.")
    try:
        import distributed
    except ImportError as error:
        raise SpecError(
            "client= needs dask.distributed, which is not installed: pip install 'bayesmixed[cluster]'. "
            "Without client= everything runs on this machine."
        ) from error
    if not own and not isinstance(client, distributed.Client):
        raise SpecError(f"client must be a dask.distributed.Client or its address, not a {type(client).__name__}.")
    try:
        return (distributed.Client(client, timeout=_WAIT), True) if own else (client, False)
    except Exception as error:  # also what causes a service of another kind at that address
        raise SamplingError(f"There is no dask scheduler at '{client}': {error}") from error


def _on_cluster(run: Any, task: Any, numbers: list[int], lost: Any, cluster: Any, own: bool) -> Iterator[Any]:
    import distributed

    # The task goes to every worker once, not with every number.
    shared = cluster.scatter(task, broadcast=True)
    futures = {cluster.submit(_alone, run, shared, number, pure=False): number for number in numbers}
    try:
        for done in distributed.as_completed(list(futures)):
            try:
                result = done.result()
            except (distributed.KilledWorker, distributed.CancelledError) as error:
                gone = SamplingError(f"The worker of a task was lost: {error}")
                if lost is None:
                    raise gone from error
                result = lost(futures[done], gone)
            yield result
    finally:
        cluster.cancel(list(futures))
        if own:
            cluster.close()


def _alone[T, R](run: Callable[[T, int], R], task: T, number: int) -> R:
    """Return the result of one task, with one thread for linear algebra: workers share the machine."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        return run(task, number)


def _sent(content: Any) -> bytes:
    """Return what a process is sent; SpecError if it holds what cannot be sent."""
    try:
        sent = pickle.dumps(content)
    except Exception as error:  # pickle has several, and objects their own
        raise SpecError(f"This cannot be sent to other processes ({error}). {_IN_A_MODULE}") from error
    return sent


def _in_processes(job: bytes, numbers: list[int], lost: Any, processes: int) -> Iterator[Any]:
    left: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, bool | None, Any]] = queue.SimpleQueue()
    for number in numbers:
        left.put(number)
    over, workers, again = threading.Event(), list[subprocess.Popen[bytes]](), set[int]()
    threads = [
        threading.Thread(target=_feed, args=(job, left, done, over, workers, again), daemon=True)
        for _ in range(processes)
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in numbers:
            number, fine, result = done.get()
            if fine is None and lost is not None:
                fine, result = True, lost(number, result)
            if not fine:
                raise result
            yield result
    finally:
        over.set()
        for worker in workers:
            worker.kill()
        for thread in threads:
            thread.join()


def _feed(
    job: bytes,
    left: Any,
    done: Any,
    over: threading.Event,
    workers: list[subprocess.Popen[bytes]],
    again: set[int],
) -> None:
    """Give tasks to a process, one after the other; a new one takes the place of a process that was ended, and of its task once
    more."""
    worker = None
    while not over.is_set():
        try:
            number = left.get_nowait()
        except queue.Empty:
            break
        try:
            if worker is None:
                worker = _start(job)
                workers.append(worker)
                if over.is_set():
                    worker.kill()
            pickle.dump(number, worker.stdin)  # type: ignore[arg-type]
            worker.stdin.flush()  # type: ignore[union-attr]
            done.put((number, *pickle.load(worker.stdout)))  # type: ignore[arg-type]
        except (EOFError, OSError, pickle.UnpicklingError):
            code = None if worker is None else worker.wait()
            worker = None
            what = f"by signal {-code}" if code and code < 0 else f"with exit code {code}"
            said = f"The process of a task was ended {what}; often there was too little memory."
            if number not in again and not over.is_set():
                again.add(number)
                left.put(number)
                say(f"{said} The task is run again.")
                continue
            done.put((number, None, SamplingError(said)))
    if worker is not None:
        worker.stdin.close()  # type: ignore[union-attr]
        worker.wait()


def _start(job: bytes) -> subprocess.Popen[bytes]:
    worker = subprocess.Popen(
        [sys.executable, "-c", _SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **_ONE},
        start_new_session=True,  # Ctrl-C is for this process, which ends the others
    )
    for part in (sys.path, job):
        worker.stdin.write(pickle.dumps(part))  # type: ignore[union-attr]
    return worker


def serve() -> None:
    """Run tasks as a process of `run_tasks`: read them from standard input, and answer on standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    job = pickle.load(sys.stdin.buffer)
    try:
        run, task = pickle.loads(job)
        problem = None
    except Exception as error:  # whatever importing a module of the user's causes
        problem = SpecError(f"This cannot be read in another process ({type(error).__name__}: {error}). {_IN_A_MODULE}")
    with suppress(EOFError, BrokenPipeError):
        while True:
            number = pickle.load(sys.stdin.buffer)
            try:
                answer = (True, run(task, number)) if problem is None else (False, problem)
            except Exception as error:  # it is raised again where the task came from
                answer = (False, error)
            try:
                content = pickle.dumps(answer)
            except Exception as error:
                said = answer[1] if not answer[0] else error
                content = pickle.dumps((False, SamplingError(f"{type(said).__name__}: {said}")))
            answers.write(content)
            answers.flush()
