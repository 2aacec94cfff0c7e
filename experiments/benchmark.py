"""Measure speed as ratios: ours and its peer in turn in one run, medians of both.

    python -m experiments.benchmark train

train: a training step against the same network in plain Flax form. infer: prediction, likewise.
input: spectra a second out of a dataset against the appetite of a training step.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from experiments.command import Command, command
from spectranet_jax.spectra.errors import InputError

if TYPE_CHECKING:
    from spectranet_jax.training.stream import Split


NETWORKS: dict[str, dict[str, Any]] = {
    "SpectraNetClassifier": {"name": "classify"},
    "SpectraNetRegressor": {"name": "redshift", "target": "qso", "mean": 2.0, "std": 0.7},
}
"""The networks that are measured, and the task each is trained for."""


@dataclass(frozen=True)
class Config(Command):
    """Settings of a benchmark."""

    what: Annotated[tuple[Literal["train", "infer", "input"], ...], tyro.conf.Positional] = (
        "train",
        "infer",
        "input",
    )
    """what to measure"""
    batch: int = 256
    """spectra a step"""
    repeats: int = 9
    """measurements of each side, taken in turn"""
    json: Path | None = None
    """file to write the rows to, with device and versions, as JSON"""


@dataclass(frozen=True)
class Row:
    """One comparison; `ratio` above 1 means that ours is faster."""

    case: str
    ours: float
    peer: str
    peer_figure: float
    unit: str
    ratio: float


def work(config: Config) -> None:
    """Measure as configured; print a table."""
    if config.batch < 1 or config.repeats < 1:
        raise InputError("--batch and --repeats must be 1 or more")
    print("benchmark: starting", flush=True)
    import platform

    import jax
    from rich.console import Console
    from rich.table import Table

    from data_prep.progress import progress
    from experiments.pipeline import versions
    from spectranet_jax.spectra.atomic import write_text

    rows: list[Row] = []
    with progress("measuring", total=len(config.what)) as report:
        for name in config.what:
            rows += CASES[name](config)
            report(1, name)
    device = jax.devices()[0].device_kind
    table = Table(title=f"{device}, {platform.machine()}, jax {jax.__version__}")
    for heading in ("case", "ours", "peer", "peer's", "unit", "ratio"):
        table.add_column(
            heading, justify="left" if heading in ("case", "peer", "unit") else "right"
        )
    for row in rows:
        figures = (f"{row.ours:,.0f}", row.peer, f"{row.peer_figure:,.0f}", row.unit)
        table.add_row(row.case, *figures, f"{row.ratio:.2f}")
    Console().print(table)
    if config.json is not None:
        content = {
            "device": device,
            "machine": platform.machine(),
            "versions": versions(),
            "batch": config.batch,
            "repeats": config.repeats,
            "rows": [asdict(row) for row in rows],
        }
        write_text(config.json, json.dumps(content, indent=1) + "\n")


def medians(sides: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each function; they are called in turn, once before it counts."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(repeats + 1):
        for name, call in sides.items():
            start = time.perf_counter()
            call()
            if turn > 0:
                seconds[name].append(time.perf_counter() - start)
    return {name: sorted(values)[len(values) // 2] for name, values in seconds.items()}


def train_rows(config: Config) -> list[Row]:
    """A training step of each network, in our form and in plain Flax form."""
    return [
        _against_plain(f"training step, {name}", config, partial(_step, config, name))
        for name in NETWORKS
    ]


def infer_rows(config: Config) -> list[Row]:
    """Prediction with each network, in our form and in plain Flax form."""
    return [
        _against_plain(f"prediction, {name}", config, partial(_prediction, config, name))
        for name in NETWORKS
    ]


def input_rows(config: Config) -> list[Row]:
    """Streaming a dataset by the training order, against the training step that it feeds."""
    import tempfile

    from data_prep.mock.dataset import prepare
    from spectranet_jax import tasks
    from spectranet_jax.spectra import CLASSES
    from spectranet_jax.training.stream import open_split

    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder) / "mock", dict.fromkeys(CLASSES, 5000), seed=0)
        split = open_split(Path(folder) / "mock", "train", tasks.build("classify").select)
        sides = {
            "stream": lambda: _stream(split, config.batch),
            "step": _step(config, "SpectraNetClassifier", "folded"),
        }
        seconds = medians(sides, config.repeats)
    streamed = len(split) // config.batch * config.batch / seconds["stream"]
    eaten = config.batch / seconds["step"]
    return [Row("input", streamed, "training step", eaten, "spectra/s", streamed / eaten)]


CASES: dict[str, Callable[[Config], list[Row]]] = {
    "train": train_rows,
    "infer": infer_rows,
    "input": input_rows,
}


def _against_plain(case: str, config: Config, side: Callable[[str], Callable[[], object]]) -> Row:
    seconds = medians({"ours": side("folded"), "plain": side("plain")}, config.repeats)
    ours, plain = (config.batch / seconds[name] for name in ("ours", "plain"))
    return Row(case, ours, "plain Flax", plain, "spectra/s", ours / plain)


def _step(config: Config, name: str, form: str) -> Callable[[], object]:
    """A compiled training step that goes on from its own last state."""
    import jax

    from spectranet_jax import networks
    from spectranet_jax.training import optimizers
    from spectranet_jax.training.steps import init_state, make_train_step

    network, task, batch = networks.build(name, form=form), _task(name), _batch(config.batch)
    optimizer, _ = optimizers.build("adam", "constant", 1e-3, 1000)
    state = init_state(network, task, optimizer, jax.random.key(0))
    step = jax.jit(make_train_step(network, task, optimizer), donate_argnums=0)

    def call() -> None:
        nonlocal state
        state, loss = step(state, batch, jax.random.key(1))
        jax.block_until_ready((state, loss))

    return call


def _prediction(config: Config, name: str, form: str) -> Callable[[], object]:
    import jax

    from spectranet_jax import networks
    from spectranet_jax.training.steps import init_variables, make_predict_step

    network, task, batch = networks.build(name, form=form), _task(name), _batch(config.batch)
    variables = init_variables(network, task, jax.random.key(0))
    step = jax.jit(make_predict_step(network, task))
    return lambda: jax.block_until_ready(step(variables, batch["flux"], batch["ivar"]))


def _task(name: str) -> Any:
    from spectranet_jax import tasks

    return tasks.build(**NETWORKS[name])


def _batch(size: int) -> dict[str, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    return {
        "flux": rng.normal(size=(size, 443)).astype(np.float32),
        "ivar": np.ones((size, 443), np.float32),
        "label": rng.integers(0, 4, size).astype(np.int32),
        "z": rng.normal(size=size).astype(np.float32),
    }


def _stream(split: "Split", batch: int) -> None:
    from spectranet_jax.training.order import shuffled
    from spectranet_jax.training.stream import training_batches

    order = shuffled(split.block_sizes, batch, 1, 0)
    for _ in training_batches(split, {"label": split.columns["label"]}, order, 0, order.steps):
        pass


if __name__ == "__main__":
    command(Config, work, __doc__)
