"""Checkpoints on disk. The only file that knows orbax.

A run keeps two: `last`, the whole state, to resume from, and `best`, parameters and statistics of
the epoch with the lowest validation loss, to evaluate and predict with.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from spectranet_jax.spectra.errors import InputError

LAST, BEST = "last", "best"


@contextmanager
def _manager(run: Path, kind: str) -> Iterator[ocp.CheckpointManager]:
    # One process reads or writes, and waits for no other.
    alone = ocp.options.MultiprocessingOptions(
        primary_host=jax.process_index(), active_processes={jax.process_index()}
    )
    options = ocp.CheckpointManagerOptions(
        max_to_keep=1,
        enable_async_checkpointing=False,
        create=False,  # which orbax wants for a process that works alone
        multiprocessing_options=alone,
    )
    # orbax wants an absolute path, and says so only when it saves.
    folder = (run / "checkpoints" / kind).resolve()
    handler = ocp.StandardCheckpointHandler()  # named, so that a fresh manager can read shapes
    with ocp.CheckpointManager(folder, options=options, item_handlers=handler) as manager:
        yield manager


def save(run: Path, kind: str, step: int, tree: Any) -> None:
    """Write a checkpoint and, once it is whole, remove the one before it.

    A checkpoint of that step that is already there is kept: a resumed run makes the same again.

    Raises:
        InputError: if it cannot be written.
    """
    try:
        (run / "checkpoints" / kind).mkdir(parents=True, exist_ok=True)
        with _manager(run, kind) as manager:
            if step not in manager.all_steps():
                manager.save(step, args=ocp.args.StandardSave(jax.device_get(tree)))
    except (OSError, ValueError) as error:  # what tensorstore makes of a full disk
        raise InputError(
            f"the checkpoint of step {step} cannot be written to {run};"
            " make room and repeat the command to go on"
        ) from error


def latest_step(run: Path, kind: str) -> int | None:
    """The step of the checkpoint of that kind, None where there is none."""
    folder = run / "checkpoints" / kind
    if not folder.is_dir():
        return None
    with _manager(run, kind) as manager:
        return manager.latest_step()


def restore(run: Path, kind: str, like: Any) -> Any:
    """The checkpoint of that kind, as NumPy arrays.

    Args:
        run: the run folder.
        kind: LAST or BEST.
        like: a tree of arrays, or of `jax.ShapeDtypeStruct`, with their shapes and dtypes.

    Raises:
        InputError: if there is none, or it belongs to another network.
    """
    step = latest_step(run, kind)
    if step is None:
        raise InputError(
            f"{run} has no {kind} checkpoint; train it first, or give another run folder"
        )
    with _without_echoes(), _manager(run, kind) as manager:
        try:
            stored = manager.item_metadata(step)
            _check_shapes(run, stored, like)
            return manager.restore(step, args=ocp.args.StandardRestore(empty(like)))
        except (ValueError, KeyError, TypeError, OSError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"the {kind} checkpoint of {run} cannot be restored;"
                " it is damaged or belongs to another network: train anew"
            ) from error


def empty(like: Any) -> Any:
    """NumPy arrays with the shapes and dtypes of a tree."""
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), like)


@contextmanager
def _without_echoes() -> Iterator[None]:
    """Drop the tracebacks that orbax prints later, of reads left in flight where one has failed."""
    hook_before, asyncio_log = sys.unraisablehook, logging.getLogger("asyncio")
    level_before = asyncio_log.level

    def hook(unraisable: Any) -> None:
        frames = traceback.extract_tb(unraisable.exc_traceback)
        if not any("asyncio" in frame.filename or "orbax" in frame.filename for frame in frames):
            hook_before(unraisable)

    sys.unraisablehook = hook
    asyncio_log.setLevel(logging.CRITICAL + 1)
    yield
    # Not after a failure: its echoes come from other threads, at any time until the process ends.
    sys.unraisablehook = hook_before
    asyncio_log.setLevel(level_before)


def _check_shapes(run: Path, stored: Any, like: Any) -> None:
    """Compare shapes before orbax does, which answers a mismatch with noise from its event loop."""

    def shapes(tree: Any) -> dict[str, tuple[int, ...]]:
        leaves = jax.tree_util.tree_leaves_with_path(tree)
        return {jax.tree_util.keystr(path): tuple(leaf.shape) for path, leaf in leaves}

    theirs, ours = sorted(shapes(stored).values()), sorted(shapes(like).values())
    if theirs != ours:
        raise InputError(
            f"the checkpoint in {run} belongs to another network than its config.json describes;"
            " give the run folder as it was trained, or train anew"
        )
