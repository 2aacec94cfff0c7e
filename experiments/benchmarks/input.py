"""Spectra per second out of a dataset, against the consumption of a training step."""

import tempfile
from pathlib import Path

from data_prep.mock.dataset import prepare
from experiments.benchmarks import ours
from experiments.benchmarks.rows import Row, Setting, medians
from spectranet_jax import tasks
from spectranet_jax.datasets.split import open_split
from spectranet_jax.spectra import CLASSES, QUASARNET_GRID
from spectranet_jax.training.examples import Examples
from spectranet_jax.training.order import shuffled
from spectranet_jax.training.stream import training_batches

SPECTRA = 15_000
"""Spectra of each class in the mock survey that is read: more training spectra than `pixels.CACHE`
holds, so that each turn, in the same order, decodes every block anew.
"""


def input_rows(setting: Setting) -> list[Row]:
    """Measure streaming a dataset in training order, against the training step that it feeds."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder) / "mock", dict.fromkeys(CLASSES, SPECTRA), 0, QUASARNET_GRID)
        task = tasks.build("classify", QUASARNET_GRID)
        examples = Examples.of(open_split(Path(folder) / "mock", "train", task.select), task)
        sides = {
            "stream": lambda: _stream(examples, setting.batch),
            "step": ours.train_step("Table 1", setting),
        }
        seconds = medians(sides, setting.repeats)
    streamed = len(examples) // setting.batch * setting.batch / seconds["stream"]
    eaten = setting.batch / seconds["step"]
    peer = "training step, Table 1"
    return [Row("spectra out of a dataset", streamed, peer, eaten, "spectra/s", streamed / eaten)]


def _stream(examples: Examples, batch: int) -> None:
    order = shuffled(examples.split.block_sizes, batch, 1, 0)
    for _ in training_batches(examples, order, range(order.steps)):
        pass
