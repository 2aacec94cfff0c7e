"""Checkpoints on disk. The only file that imports orbax.

A run keeps two kinds: `last`, the whole state, to resume from, and `best`, parameters and
statistics of the epoch with the lowest validation loss, to evaluate and predict with. The last but
one `last` is kept too, in case the newest is damaged.

`checkpoints/last/400/` holds the files of orbax for step 400, in `state/`, and SHA256SUMS. It gets
that name when it is complete, and is verified at every restore.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from spectranet_jax.datasets import checksums
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.training.echoes import without_echoes

FOLDER = "checkpoints"
LAST, BEST = "last", "best"
CHECKPOINTS_KEPT = {LAST: 2, BEST: 1}
"""Kind -> how many checkpoints of it are kept."""

STATE, BEFORE_SUMS = "state", "default"
"""Name of orbax's folder, and its name in a release without checksums."""

_WRITING, _REMOVING = ".writing-", ".removing-"


def named(path: Path) -> tuple[Path, str]:
    """Return run folder and kind of checkpoint of a path: RUN, or RUN/checkpoints/last."""
    if path.parent.name == FOLDER and path.name in CHECKPOINTS_KEPT:
        return path.parent.parent, path.name
    return path, BEST


def save(run: Path, kind: str, step: int, tree: Any) -> None:
    """Write a checkpoint and, once it is complete, remove those that it replaces.

    A whole checkpoint of that step that is already there is kept: a resumed run makes the same
    again.

    Raises:
        InputError: if it cannot be written.
    """
    folder = run / FOLDER / kind
    try:
        folder.parent.mkdir(
            exist_ok=True
        )  # not the run folder, so that a lost mount is not recreated
        folder.mkdir(exist_ok=True)
        if step not in _steps(folder) or _damage(folder / str(step)):
            _write(folder, step, tree)
        _tidy(folder, step, CHECKPOINTS_KEPT[kind])
    except (OSError, ValueError) as error:  # tensorstore's error for a full disk
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is full"
        raise InputError(
            f"the checkpoint of step {step} cannot be written to {run} ({reason});"
            " make room and repeat the command to resume"
        ) from error


def latest_step(run: Path, kind: str) -> int | None:
    """Return the step of the newest intact checkpoint of that kind, None where there is none.

    Raises:
        InputError: if there are some, and all are damaged.
    """
    folder = run / FOLDER / kind
    steps = _steps(folder)
    intact = next((step for step in steps if not _damage(folder / str(step))), None)
    if steps and intact is None:
        raise _all_damaged(run, kind, steps[0], _damage(folder / str(steps[0])))
    return intact


def restore(run: Path, kind: str, like: Any) -> Any:
    """Return the newest intact checkpoint of that kind, as NumPy arrays.

    A warning names the damaged checkpoint, and the checkpoint that is used instead.

    Args:
        run: the run folder.
        kind: LAST or BEST.
        like: a tree of arrays, or of `jax.ShapeDtypeStruct`, with their shapes and dtypes; of LAST
            a dictionary of some parts of the state will do.

    Raises:
        InputError: if there is none, all are damaged, or it belongs to another network.
    """
    folder = run / FOLDER / kind
    steps = _steps(folder)
    if not steps:
        raise InputError(
            f"{run} has no {kind} checkpoint; train it first, or give another run folder"
        )
    wrong: list[str] = []
    for step in steps:
        damage = _damage(folder / str(step))
        if not damage:
            try:
                tree = _read(run, folder / str(step), like)
            except (ValueError, KeyError, TypeError, OSError) as error:
                if isinstance(error, InputError):
                    raise
                damage = "it cannot be read"
        if not damage:
            _warn(run, kind, step, wrong)
            return tree
        wrong.append(f"the {kind} checkpoint of step {step} in {run} is damaged: {damage}")
    raise _all_damaged(run, kind, steps[0], damage)


def empty(like: Any) -> Any:
    """Return NumPy arrays with the shapes and dtypes of a tree."""
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), like)


def _steps(folder: Path) -> list[int]:
    """Return the steps of the checkpoints in a folder, the newest first."""
    if not folder.is_dir():
        return []
    return sorted((int(p.name) for p in folder.iterdir() if p.name.isdecimal()), reverse=True)


def _damage(checkpoint: Path) -> str:
    """Return what is wrong with a checkpoint according to its checksums."""
    return "" if (checkpoint / BEFORE_SUMS).is_dir() else checksums.damage(checkpoint)


def _warn(run: Path, kind: str, step: int, wrong: list[str]) -> None:
    for sentence in wrong:
        print(f"warning: {sentence}; using that of step {step}", file=sys.stderr)
    if (run / FOLDER / kind / str(step) / BEFORE_SUMS).is_dir():
        print(
            f"warning: the {kind} checkpoint in {run} is of a release that wrote no"
            f" {checksums.FILE_NAME}; it is used without a check for damage",
            file=sys.stderr,
        )


def _all_damaged(run: Path, kind: str, step: int, damage: str) -> InputError:
    remedy = {
        LAST: f"copy it again from an intact copy, or remove {run / FOLDER / LAST} to train"
        " from the first step",
        BEST: f"copy it again from an intact copy, or name {run / FOLDER / LAST} as the model"
        " to use the state after the last step",
    }
    return InputError(
        f"the {kind} checkpoint of step {step} in {run} is damaged: {damage}; {remedy[kind]}"
    )


@contextmanager
def _checkpointer() -> Iterator[ocp.Checkpointer]:
    # One process reads or writes, without waiting for the others.
    alone = ocp.options.MultiprocessingOptions(
        primary_host=jax.process_index(), active_processes={jax.process_index()}
    )
    handler = ocp.StandardCheckpointHandler(multiprocessing_options=alone)
    with without_echoes(), ocp.Checkpointer(handler, multiprocessing_options=alone) as checkpointer:
        yield checkpointer


def _write(folder: Path, step: int, tree: Any) -> None:
    """Write the checkpoint of a step under a temporary name, and rename it when it is complete."""
    arrays = jax.device_get(tree)
    if sum(leaf.nbytes for leaf in jax.tree.leaves(arrays)) > shutil.disk_usage(folder).free:
        raise OSError(ENOSPC, "No space left on device")  # before orbax reports it at length
    temporary, place = folder / f"{_WRITING}{step}", folder / str(step)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        with _checkpointer() as checkpointer:  # orbax requires an absolute path
            checkpointer.save((temporary / STATE).resolve(), args=ocp.args.StandardSave(arrays))
        checksums.write(temporary)
        _remove(place)
        temporary.rename(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _tidy(folder: Path, step: int, kept: int) -> None:
    """Remove replaced checkpoints, those of later steps, and the remains of killed runs."""
    before = [earlier for earlier in _steps(folder) if earlier < step]
    keep = {str(number) for number in [step, *before[: kept - 1]]}
    for path in folder.iterdir():
        if path.name not in keep:
            _remove(path)


def _remove(path: Path) -> None:
    """Remove a folder atomically: it never remains in parts under its name."""
    if path.exists():
        removing = path.with_name(f"{_REMOVING}{path.name.lstrip('.')}")
        shutil.rmtree(removing, ignore_errors=True)
        path.rename(removing)
        shutil.rmtree(removing)


def _read(run: Path, checkpoint: Path, like: Any) -> Any:
    """Return the tree that orbax wrote.

    Raises:
        InputError: if its shapes are those of another network.
    """
    path = (checkpoint / STATE).resolve()
    if not path.is_dir():
        path = (checkpoint / BEFORE_SUMS).resolve()
    with _checkpointer() as checkpointer:
        stored = checkpointer.restore(path)
        if isinstance(like, dict):  # only the requested parts of the state
            stored = {name: stored.get(name) for name in like}
        _check_shapes(run, stored, like)
        if isinstance(like, dict):
            return stored
        return checkpointer.restore(path, args=ocp.args.StandardRestore(empty(like)))


def _check_shapes(run: Path, stored: Any, like: Any) -> None:
    """Compare shapes before orbax does, which prints errors of its event loop at a mismatch."""

    def shapes(tree: Any) -> list[tuple[int, ...]]:
        return sorted(tuple(leaf.shape) for leaf in jax.tree.leaves(tree))

    if shapes(stored) != shapes(like):
        raise InputError(
            f"the checkpoint in {run} belongs to another network than its config.json describes;"
            " give the run folder as it was trained, or train anew"
        )
