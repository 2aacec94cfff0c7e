"""Parallel work in processes of this machine, a Dask cluster's, or SLURM's jobs.

All three are a `concurrent.futures.Executor`, so that nothing else knows which it is. Dask is an
extra: pip install "spectranet-jax[dask]".
"""

import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from spectranet_jax.spectra import InputError
from spectranet_jax.stopping import leave_to_parent

Item = TypeVar("Item")
Result = TypeVar("Result")

Waiting: TypeAlias = deque[tuple[Item, Future[Result]]]

SLURM = "slurm"

AHEAD = 4
"""Results that may wait for each worker, to bound memory."""

SECONDS_TO_CONNECT = 30

NAMED = 5
"""Files of a group that a message names."""

KILLED = "a worker process was killed, as happens when memory runs out"


def cores() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux: the processors assigned to a job
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def in_order(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    scheduler: str = "",
    rescue: "Rescue[Item, Result] | None" = None,
) -> Iterator[Iterator[Result]]:
    """Yield function(item) of every item, in order, computed ahead by workers.

    Where a process of this machine is killed, as by the system when memory runs out, the items in
    work are tried once more, one after the other.

    Args:
        function: importable by the workers, so a module's own.
        items: what to work on; they and the results travel between processes.
        workers: processes, or SLURM jobs; 1 and no scheduler works in this process.
        scheduler: address of a Dask scheduler, "slurm" for jobs of a SLURM cluster, which are set
            up by dask-jobqueue's own configuration (queue, memory, time), or "" for this machine.
        rescue: how items are tried once more, and what stands for those that fail again.

    Raises:
        InputError: if the scheduler cannot be reached, Dask is not installed, workers die again
            and again, or at the same item twice and there is no rescue.
    """
    if workers <= 1 and not scheduler:
        yield map(function, items)
    elif scheduler:
        with _dask_client(workers, scheduler) as client, client.get_executor() as pool:
            width = max(workers, sum(client.nthreads().values()))
            yield _results(pool, function, iter(items), AHEAD * width, deque())
    else:
        yield _of_processes(function, iter(items), workers, rescue or Rescue())


@dataclass(frozen=True)
class Rescue(Generic[Item, Result]):
    """How items whose process was killed are handled.

    Attributes:
        apart: the smaller items that one is tried again as, in order.
        lost: what stands for the result of one of them whose process was killed again.
    """

    apart: Callable[[Item], Iterable[Item]] = lambda item: (item,)
    lost: Callable[[Item], Result] | None = None


def _of_processes(
    function: Callable[[Item], Result],
    items: Iterator[Item],
    workers: int,
    rescue: Rescue[Item, Result],
) -> Iterator[Result]:
    """Yield results of processes on this machine; retry the items in work when one is killed."""
    while True:
        waiting: Waiting[Item, Result] = deque()
        try:
            with _processes(workers) as pool:
                yield from _results(pool, function, items, AHEAD * workers, waiting)
            return
        except BrokenProcessPool:
            print(f"warning: {KILLED}; its items are read once more", file=sys.stderr, flush=True)
        for item, _ in waiting:
            yield from _one_by_one(function, list(rescue.apart(item)), rescue.lost)
        workers = max(1, workers - 1)  # memory was not enough for that many


def _one_by_one(
    function: Callable[[Item], Result], items: Sequence[Item], lost: Callable[[Item], Result] | None
) -> Iterator[Result]:
    done = 0
    while done < len(items):
        try:
            with _processes(1) as pool:
                for item in items[done:]:
                    result = pool.submit(function, item).result()
                    done += 1
                    yield result
        except BrokenProcessPool as error:
            if lost is None:
                raise InputError(
                    f"{KILLED}, twice at {_files(items[done])}; leave that out, or run the same"
                    " command again with more memory or fewer --workers"
                ) from error
            done += 1
            yield lost(items[done - 1])


def _files(item: object) -> str:
    """The files of an item: it is one, names one, or is a tuple of such."""
    parts = item if type(item) is tuple else (item,)
    names = [str(getattr(part, "file", part)) for part in parts]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _results(
    pool: Executor,
    function: Callable[[Item], Result],
    items: Iterator[Item],
    ahead: int,
    waiting: "Waiting[Item, Result]",
) -> Iterator[Result]:
    """Yield results in order; an item is in `waiting` from its start until its result is out."""
    try:
        for item in items:
            future: Future[Result] = Future()  # never done, where the pool takes no more
            waiting.append((item, future))
            waiting[-1] = item, pool.submit(function, item)
            if len(waiting) >= ahead:
                yield _first(waiting)
        while waiting:
            yield _first(waiting)
    except BrokenProcessPool:
        raise
    except Exception as error:
        if type(error).__name__ != "KilledWorker":  # Dask's exception, which may not be installed
            raise
        raise InputError(
            "workers of the cluster were killed repeatedly at the same files, as happens when"
            " memory runs out; give them more memory and run the same command again"
        ) from error
    finally:
        for _, future in waiting:
            future.cancel()


def _first(waiting: "Waiting[Item, Result]") -> Result:
    result = waiting[0][1].result()
    waiting.popleft()
    return result


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    spawn = multiprocessing.get_context("spawn")  # fork would copy running threads
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_end_with_parent)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """End this worker when the process that gives it work is killed or ends."""
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
    """Settings of a job: one process, started in this command's folder, so that it finds the code.

    Queue, account, memory and time are those of dask-jobqueue's own configuration file.
    """
    folder = os.getcwd()  # noqa: PTH109 (a string is wanted)
    return {"cores": 1, "processes": 1, "memory": "4GB", "job_script_prologue": [f"cd '{folder}'"]}


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
