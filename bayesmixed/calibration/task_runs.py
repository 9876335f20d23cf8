"""Many similar tasks, run one after the other here or on a dask cluster."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bayesmixed.errors import SamplingError, SpecError


def run_tasks[T, R](run: Callable[[T, int], R], task: T, numbers: Iterable[int], client: Any = None) -> Iterator[R]:
    """Yield run(task, number) for all numbers, on a cluster in the order in which they are done.

    Parameters
    ----------
    client : dask.distributed.Client or str, optional
        The cluster, or the address of its scheduler ("tcp://host:8786"); here if not given.

    Raises
    ------
    SpecError
        dask.distributed is not installed, or `client` is something else.
    SamplingError
        There is no scheduler at the address.
    """
    if client is None:
        yield from (run(task, number) for number in numbers)
        return
    try:
        import distributed
    except ImportError as error:
        raise SpecError(
            "client= needs dask.distributed, which is not installed: pip install 'bayesmixed[cluster]'. "
            "Without client= everything runs on this machine."
        ) from error
    own = isinstance(client, str)
    if not own and not isinstance(client, distributed.Client):
        raise SpecError(f"client must be a dask.distributed.Client or its address, not a {type(client).__name__}.")
    try:
        cluster = distributed.Client(client) if own else client
    except (OSError, ValueError) as error:
        raise SamplingError(f"There is no dask scheduler at '{client}': {error}") from error
    # The task goes to every worker once, not with every number.
    shared = cluster.scatter(task, broadcast=True)
    futures = [cluster.submit(run, shared, number, pure=False) for number in numbers]
    try:
        for done in distributed.as_completed(futures):
            yield done.result()
    finally:
        cluster.cancel(futures)
        if own:
            cluster.close()
