"""Processes that train one network together, on one machine or many.

Every process runs the same program on the same global batch, of which it reads its own rows
(`sharding.Placement`). Process 0 leads: it alone writes and reads the run's checkpoints.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from spectranet_jax.spectra.errors import InputError
from spectranet_jax.stopping import KINDS, Wish

WAIT = 300.0
"""Seconds within which all processes must have started: nodes of a cluster start minutes apart."""
SENTENCE = 1024
"""Bytes of an error message that are sent to the other processes."""

SIGNALS = tuple(KINDS.values())

Tree = TypeVar("Tree")


def start(
    coordinator: str | None = None,
    processes: int | None = None,
    process: int | None = None,
    wait: float = WAIT,
) -> None:
    """Join the other processes. Must be called before any device is used.

    What is left out is taken from SLURM or Open MPI by JAX. Processes that these start on a GPU
    node take one GPU each.

    Args:
        coordinator: address of process 0, as "host:port".
        processes: how many there are.
        process: which one this is, from 0.
        wait: seconds until giving up.

    Raises:
        InputError: if there is no such cluster, or not all processes come.
    """
    failures: list[Exception] = []
    if hasattr(jax.config, "jax_enable_preemption_service"):  # or SIGTERM would not end a process
        jax.config.update("jax_enable_preemption_service", False)

    def initialize() -> None:
        try:
            jax.distributed.initialize(
                coordinator, processes, process, initialization_timeout=round(wait) + 60
            )
        except Exception as error:  # raised in the waiting thread
            failures.append(error)

    # In a thread of its own, since JAX aborts the process with a stack trace after a timeout.
    thread = threading.Thread(target=initialize, daemon=True)
    thread.start()
    thread.join(wait)
    if thread.is_alive():
        raise InputError(
            f"the processes of this run did not meet within {wait:.0f} s"
            f" at {coordinator or 'the address that the cluster gives'}; check that all of them"
            " were started and that their machines reach this address"
        )
    if failures and isinstance(failures[0], ValueError | TypeError):
        raise InputError(
            "--distributed is not running in a SLURM or Open MPI job;"
            " give --coordinator HOST:PORT, --processes and --process"
        ) from failures[0]
    if failures:
        raise InputError(
            f"the processes of this run cannot meet ({first_line(failures[0])});"
            " choose another --coordinator, or port"
        ) from failures[0]


def leads() -> bool:
    """Return whether this process is the one that writes."""
    return jax.process_index() == 0


def agreed(read: Callable[[], Tree], like: Tree) -> Tree:
    """Read in process 0 and return the result in every process; its InputError is raised in all.

    So files need not look the same from everywhere at the same moment, which they do not on every
    network file system.

    Args:
        read: returns NumPy arrays; called in process 0 only.
        like: a tree of arrays with the shapes and dtypes of what is read.
    """
    if jax.process_count() == 1:
        return read()
    tree, sentence = like, np.zeros(SENTENCE, np.uint8)
    if leads():
        try:
            tree = read()
        except InputError as error:
            message = str(error).encode()[:SENTENCE]
            sentence[: len(message)] = np.frombuffer(message, np.uint8)
    sentence = np.asarray(multihost_utils.broadcast_one_to_all(sentence))
    if sentence.any():
        raise InputError(sentence.tobytes().rstrip(b"\0").decode(errors="replace"))
    return jax.tree.map(np.asarray, multihost_utils.broadcast_one_to_all(tree))


def in_first_process(write: Callable[[], object]) -> None:
    """Call a function in process 0 alone; the others wait, and its InputError is raised in all."""

    def write_and_report() -> int:
        write()
        return 0

    agreed(write_and_report, 0)


def asked_to_stop(wish: Wish) -> type[KeyboardInterrupt] | None:
    """Return the exception that a signal to any of the processes asks all to raise, or None."""
    if jax.process_count() == 1:
        return wish.kind
    asked = [kind is wish.kind for kind in SIGNALS]
    by_any = np.any(multihost_utils.process_allgather(np.array(asked)), axis=0)
    return next((kind for kind, yes in zip(SIGNALS, by_any, strict=True) if yes), None)


@contextmanager
def together() -> Iterator[None]:
    """Raise one sentence if the other processes are lost while the block runs."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() == 1:
            raise
        raise InputError(
            f"process {jax.process_index()} lost the others ({first_line(error)});"
            " see their errors, and run the same command again to resume at the last checkpoint"
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, cut to 200 characters."""
    return str(error).strip().partition("\n")[0][:200]
