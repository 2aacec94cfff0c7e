"""Many processes at one work: those of this machine, a Dask cluster's, or SLURM's jobs.

All three are a `concurrent.futures.Executor`, so that nothing else knows which it is. Dask is an
extra: pip install "spectranet-jax[dask]".
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from spectranet_jax.spectra import InputError
from spectranet_jax.stopping import leave_to_parent

Item = TypeVar("Item")
Result = TypeVar("Result")

SLURM = "slurm"

AHEAD = 4
"""Results waiting for each worker at most: this bounds memory."""

SECONDS_TO_CONNECT = 30


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux: a job's share of its node
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, scheduler: str = ""
) -> Iterator[Iterator[Result]]:
    """Give function(item) of every item, in their order, computed by workers meanwhile.

    Args:
        function: importable by the workers, so a module's own.
        items: what to work on; they and the results travel between processes.
        workers: processes, or SLURM jobs; 1 and no scheduler works in this process.
        scheduler: address of a Dask scheduler, "slurm" for jobs of a SLURM cluster, which are set
            up by dask-jobqueue's own configuration (queue, memory, time), or "" for this machine.

    Raises:
        InputError: if the scheduler cannot be reached, Dask is not installed, or workers die again
            and again.
    """
    if workers <= 1 and not scheduler:
        yield map(function, items)
        return
    with _executor(workers, scheduler) as (pool, width):
        yield _results(pool, function, items, AHEAD * width)


def _results(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise InputError(
            "a worker process was killed, as happens when memory runs out; run the same command"
            " again, with fewer --workers"
        ) from error
    except Exception as error:
        if type(error).__name__ != "KilledWorker":  # Dask's, which may not be installed
            raise
        raise InputError(
            "workers of the cluster were killed again and again at the same files, as happens when"
            " memory runs out; give them more memory and run the same command again"
        ) from error
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def _executor(workers: int, scheduler: str) -> Iterator[tuple[Executor, int]]:
    """An executor, and how many tasks it does at a time."""
    if not scheduler:
        spawn = multiprocessing.get_context("spawn")  # a fork would copy threads in mid-air
        pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_end_with_parent)
        try:
            yield pool, workers
        finally:
            pool.shutdown(cancel_futures=True)
        return
    with _dask_client(workers, scheduler) as client, client.get_executor() as pool:
        yield pool, max(workers, sum(client.nthreads().values()))


def _end_with_parent() -> None:
    """Let no worker stay when the process that gives it work is killed, or end before it."""
    leave_to_parent()
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _dask_client(workers: int, scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            '--scheduler needs Dask: pip install "spectranet-jax[dask]", or leave it out'
        ) from error
    if scheduler == SLURM:
        with _slurm_cluster(workers) as cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(scheduler, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {scheduler}; start one with `dask scheduler`, or check"
            " the address, as in tcp://host:8786"
        ) from error
    with client:
        yield client


def _slurm_settings() -> dict[str, Any]:
    """A job is one process, and starts where this command was started, so that it finds the code.

    Queue, account, memory and time are those of dask-jobqueue's own configuration file.
    """
    here = os.getcwd()  # noqa: PTH109 (a string is wanted)
    return {"cores": 1, "processes": 1, "memory": "4GB", "job_script_prologue": [f"cd '{here}'"]}


@contextmanager
def _slurm_cluster(jobs: int) -> Iterator[Any]:
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise InputError(
            '--scheduler slurm needs dask-jobqueue: pip install "spectranet-jax[dask]"'
        ) from error
    with SLURMCluster(**_slurm_settings()) as cluster:
        cluster.scale(jobs=jobs)
        yield cluster
