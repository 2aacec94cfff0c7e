"""Checkpoints on disk. The only file that knows orbax.

A run keeps two kinds: `last`, the whole state, to resume from, and `best`, parameters and
statistics of the epoch with the lowest validation loss, to evaluate and predict with. Of `last`
the one before is kept too, for the day on which the newest is damaged.

`checkpoints/last/400/` holds what orbax wrote of step 400, in `state/`, and SHA256SUMS. It takes
that name when all of it is there, and is verified at every restore.
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
KEPT = {LAST: 2, BEST: 1}
"""Kind -> how many checkpoints of it are kept."""

STATE, BEFORE_SUMS = "state", "default"
"""Folder of what orbax wrote, and its name in a release that wrote no sums."""

_WRITING, _REMOVING = ".writing-", ".removing-"


def named(path: Path) -> tuple[Path, str]:
    """The run folder and the kind of checkpoint that a path means: RUN, or RUN/checkpoints/last."""
    if path.parent.name == FOLDER and path.name in KEPT:
        return path.parent.parent, path.name
    return path, BEST


def save(run: Path, kind: str, step: int, tree: Any) -> None:
    """Write a checkpoint and, once it is whole, remove those that it replaces.

    A whole checkpoint of that step that is already there is kept: a resumed run makes the same
    again.

    Raises:
        InputError: if it cannot be written.
    """
    folder = run / FOLDER / kind
    try:
        folder.parent.mkdir(exist_ok=True)  # not the run: a mount that is lost is not made anew
        folder.mkdir(exist_ok=True)
        if step not in _steps(folder) or _damage(folder / str(step)):
            _write(folder, step, tree)
        _tidy(folder, step, KEPT[kind])
    except (OSError, ValueError) as error:  # what tensorstore makes of a full disk
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is full"
        raise InputError(
            f"the checkpoint of step {step} cannot be written to {run} ({why});"
            " make room and repeat the command to resume"
        ) from error


def latest_step(run: Path, kind: str) -> int | None:
    """The step of the newest checkpoint of that kind that is whole, None where there is none.

    Raises:
        InputError: if there are some, and all are damaged.
    """
    folder = run / FOLDER / kind
    steps = _steps(folder)
    whole = next((step for step in steps if not _damage(folder / str(step))), None)
    if steps and whole is None:
        raise _all_damaged(run, kind, steps[0], _damage(folder / str(steps[0])))
    return whole


def restore(run: Path, kind: str, like: Any) -> Any:
    """The newest checkpoint of that kind that is whole, as NumPy arrays.

    A warning names what is damaged, and the checkpoint that is used instead.

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
    """NumPy arrays with the shapes and dtypes of a tree."""
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), like)


def _steps(folder: Path) -> list[int]:
    """Steps of the checkpoints in a folder, the newest first."""
    if not folder.is_dir():
        return []
    return sorted((int(p.name) for p in folder.iterdir() if p.name.isdecimal()), reverse=True)


def _damage(checkpoint: Path) -> str:
    """What is wrong with a checkpoint, as far as sums tell."""
    return "" if (checkpoint / BEFORE_SUMS).is_dir() else checksums.damage(checkpoint)


def _warn(run: Path, kind: str, step: int, wrong: list[str]) -> None:
    for sentence in wrong:
        print(f"warning: {sentence}; using that of step {step}", file=sys.stderr)
    if (run / FOLDER / kind / str(step) / BEFORE_SUMS).is_dir():
        print(
            f"warning: the {kind} checkpoint in {run} is of a release that wrote no"
            f" {checksums.FILE_NAME}; it is used, but whether it is damaged is not known",
            file=sys.stderr,
        )


def _all_damaged(run: Path, kind: str, step: int, damage: str) -> InputError:
    remedy = {
        LAST: f"copy it again from where it is whole, or remove {run / FOLDER / LAST} to train"
        " from the first step",
        BEST: f"copy it again from where it is whole, or name {run / FOLDER / LAST} as the model"
        " to use the state after the last step",
    }
    return InputError(
        f"the {kind} checkpoint of step {step} in {run} is damaged: {damage}; {remedy[kind]}"
    )


@contextmanager
def _checkpointer() -> Iterator[ocp.Checkpointer]:
    # One process reads or writes, and waits for no other.
    alone = ocp.options.MultiprocessingOptions(
        primary_host=jax.process_index(), active_processes={jax.process_index()}
    )
    handler = ocp.StandardCheckpointHandler(multiprocessing_options=alone)
    with without_echoes(), ocp.Checkpointer(handler, multiprocessing_options=alone) as checkpointer:
        yield checkpointer


def _write(folder: Path, step: int, tree: Any) -> None:
    """Write the checkpoint of a step beside its place, and put it there when it is whole."""
    arrays = jax.device_get(tree)
    if sum(leaf.nbytes for leaf in jax.tree.leaves(arrays)) > shutil.disk_usage(folder).free:
        raise OSError(ENOSPC, "No space left on device")  # before orbax tells of it at length
    temporary, place = folder / f"{_WRITING}{step}", folder / str(step)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        with _checkpointer() as checkpointer:  # which wants an absolute path
            checkpointer.save((temporary / STATE).resolve(), args=ocp.args.StandardSave(arrays))
        checksums.write(temporary)
        _remove(place)
        temporary.rename(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _tidy(folder: Path, step: int, kept: int) -> None:
    """Remove what a checkpoint replaces, those of steps still to come, and what a kill left."""
    before = [other for other in _steps(folder) if other < step]
    keep = {str(number) for number in [step, *before[: kept - 1]]}
    for path in folder.iterdir():
        if path.name not in keep:
            _remove(path)


def _remove(path: Path) -> None:
    """Remove a folder at once: none is left in parts under its name."""
    if path.exists():
        removing = path.with_name(f"{_REMOVING}{path.name.lstrip('.')}")
        shutil.rmtree(removing, ignore_errors=True)
        path.rename(removing)
        shutil.rmtree(removing)


def _read(run: Path, checkpoint: Path, like: Any) -> Any:
    """The tree that orbax wrote.

    Raises:
        InputError: if its shapes are those of another network.
    """
    path = (checkpoint / STATE).resolve()
    if not path.is_dir():
        path = (checkpoint / BEFORE_SUMS).resolve()
    with _checkpointer() as checkpointer:
        stored = checkpointer.restore(path)
        if isinstance(like, dict):  # of the state, what is asked for
            stored = {name: stored.get(name) for name in like}
        _check_shapes(run, stored, like)
        if isinstance(like, dict):
            return stored
        return checkpointer.restore(path, args=ocp.args.StandardRestore(empty(like)))


def _check_shapes(run: Path, stored: Any, like: Any) -> None:
    """Compare shapes before orbax does, which answers a mismatch with noise from its event loop."""

    def shapes(tree: Any) -> list[tuple[int, ...]]:
        return sorted(tuple(leaf.shape) for leaf in jax.tree.leaves(tree))

    if shapes(stored) != shapes(like):
        raise InputError(
            f"the checkpoint in {run} belongs to another network than its config.json describes;"
            " give the run folder as it was trained, or train anew"
        )
