"""Trainings by one process, or two together: run by tests/test_distributed.py, and imported."""

import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

from spectranet_jax import networks, tasks
from spectranet_jax.datasets.split import open_split
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.training import distributed, optimizers
from spectranet_jax.training.advance import resident, streamed
from spectranet_jax.training.examples import Examples
from spectranet_jax.training.loop import train
from spectranet_jax.training.order import shuffled
from spectranet_jax.training.recipe import Recipe, Session
from spectranet_jax.training.scoring import make_evaluate
from spectranet_jax.training.sharding import placement

BATCH, SEED, EPOCHS, KILLED_AT = 64, 4, 2, 7
TASK = tasks.build("classify", GRID)
NETWORK = networks.build("SpectraNetClassifier", GRID, channels=[8, 8, 8, 8])


def cast(tree: Any, dtype: type) -> Any:
    """Floating-point numbers of NumPy or JAX arrays in another precision."""
    return jax.tree.map(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a, tree)


def train_all(data: Path, out: Path, devices: list[jax.Device] | None = None) -> None:
    """One step in float32 and twenty in float64 to files in `out`, and a whole run in out/run."""
    training, validation = (open_split(data, name, TASK.select) for name in ("train", "valid"))
    order = shuffled(training.block_sizes, BATCH, EPOCHS, SEED)
    optimizer = optimizers.build("adam", "cosine", 5e-3, order.steps)
    recipe = Recipe(NETWORK, TASK, optimizer, order)
    place = placement(BATCH, devices)
    examples, step = Examples.of(training, TASK), recipe.train_step()
    fresh = jax.device_get(jax.jit(recipe.fresh_state)(jax.random.key(0)))
    key = jax.jit(lambda: jax.random.key(1), out_shardings=place.replicated)()
    evaluate = make_evaluate(NETWORK, TASK, validation, devices)
    if distributed.leads():
        out.mkdir(exist_ok=True)

    def save(name: str, tree: Any) -> None:
        leaves = jax.device_get(jax.tree.leaves(tree))
        if distributed.leads():
            np.savez(out / f"{name}.npz", *leaves)

    advance = streamed(step, key, examples, order, place)
    state, losses = advance(place.everywhere(fresh), 0, 1)
    save("float32", (state, losses))
    evaluation = evaluate(state.variables)
    save("evaluation", (evaluation.columns["P_QSO"], np.array(evaluation.loss)))
    with jax.enable_x64(True):
        key = jax.jit(lambda: jax.random.key(1), out_shardings=place.replicated)()
        double = lambda state, batch, key: step(state, cast(batch, np.float64), key)  # noqa: E731
        for kind in (streamed, resident):
            advance = kind(double, key, examples, order, place)
            save(kind.__name__, advance(place.everywhere(cast(fresh, np.float64)), 0, 20))

    run = out / "run"
    if distributed.leads():
        run.mkdir()
    for stop_after in (KILLED_AT, None):
        session = Session(run, BATCH, SEED, 5, stop_after, devices=devices)
        train(recipe, session, training, validation)


def refused() -> None:
    """Check that an error of the first process is raised in every one, with the same names."""

    def read() -> np.ndarray:
        raise InputError("the file ñ is damaged; fetch it again")

    try:
        distributed.agreed(read, np.zeros(3))
    except InputError as error:
        print(error)


if __name__ == "__main__":
    port, process, data, out = sys.argv[1:]
    distributed.start(f"127.0.0.1:{port}", 2, int(process))
    refused()
    train_all(Path(data), Path(out))
