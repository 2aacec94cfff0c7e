"""Measure speed as ratios: run our code and its peers alternately, and take medians.

    python -m experiments.benchmark train infer

train: a training step compared with plain Flax and PyTorch. infer: prediction compared with PyTorch
and NumPy. input: reading a dataset compared with training on it, in spectra per second. startup:
first and second start of a command. scale: training steps on 1 to 8 devices. On a CPU, the first
three use one core. A ratio above 1 means that our code is faster.
"""

import datetime
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from spectranet_jax.commands.command import Command, command
from spectranet_jax.spectra.errors import InputError

if TYPE_CHECKING:
    from experiments.benchmarks.rows import Row, Setting

HEADINGS = ("case", "ours", "peer", "peer's", "unit", "ratio")


@dataclass(frozen=True)
class Config(Command):
    """Settings of a benchmark."""

    what: Annotated[
        tuple[Literal["train", "infer", "input", "startup", "scale"], ...], tyro.conf.Positional
    ] = ("train", "infer", "input", "startup", "scale")
    """what to measure"""
    batch: int = 256
    """spectra per step"""
    repeats: int = 9
    """measurements of each side, taken alternately"""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """precision of the factors in products and convolutions; a CPU always computes in float32"""
    note: str = ""
    """a remark on the machine to print with the table, such as: shared with other work"""
    document: Path = Path("docs/benchmarks.md")
    """Markdown file to which the table is added, if it exists"""
    json: Path | None = None
    """file to write the rows to, with device and versions, as JSON"""


ONE_CORE = ("train", "infer", "input")
"""Cases that are measured on one core of a CPU."""


def work(config: Config) -> None:
    """Measure as configured; print a table, and save it."""
    if config.batch < 1 or config.repeats < 1:
        raise InputError("--batch and --repeats must be 1 or more")
    from spectranet_jax.datasets.atomic import check_writable
    from spectranet_jax.training.memory import keep_freed_memory

    if config.json is not None:
        check_writable(config.json)
    keep_freed_memory()  # as training does; it helps all sides
    rows = measured(config)
    made_on = circumstances(config)
    show(rows, made_on)
    keep(rows, made_on, config)


def measured(config: Config) -> "list[Row]":
    """Return the rows of everything to be measured."""
    from experiments.benchmarks.rows import Setting, one_core
    from spectranet_jax.progress import progress

    setting = Setting(config.batch, config.repeats, config.precision)
    rows: list[Row] = []
    with progress("measuring", total=len(config.what)) as report:
        for name in config.what:
            with one_core() if name in ONE_CORE else nullcontext():
                rows += cases()[name](setting)
            report(1, name)
    return rows


def keep(rows: "list[Row]", made_on: dict[str, Any], config: Config) -> None:
    """Write the rows to the files that the settings name."""
    from spectranet_jax.datasets.atomic import write_text

    if config.document.is_file():
        before = config.document.read_text(encoding="utf-8")
        write_text(config.document, before + markdown(rows, made_on))
    if config.json is not None:
        content = made_on | {"rows": [asdict(row) for row in rows]}
        write_text(config.json, json.dumps(content, indent=1) + "\n")


def cases() -> dict[str, "Callable[[Setting], list[Row]]"]:
    """Return the measurement of each word of the command line."""
    from experiments.benchmarks import infer, input, scale, startup, train

    return {
        "train": train.train_rows,
        "infer": infer.infer_rows,
        "input": input.input_rows,
        "startup": startup.startup_rows,
        "scale": scale.scale_rows,
    }


def circumstances(config: Config) -> dict[str, Any]:
    """Return the conditions of the measurement: machine, time and settings."""
    import importlib.metadata
    import importlib.util
    import platform

    import jax

    from experiments.pipeline import versions

    torch = (
        {"torch": importlib.metadata.version("torch")} if importlib.util.find_spec("torch") else {}
    )
    return {
        "device": jax.devices()[0].device_kind,
        "machine": platform.machine(),
        "date": datetime.date.today().isoformat(),
        "versions": versions() | torch,
        "batch": config.batch,
        "repeats": config.repeats,
        "precision": config.precision,
        "note": config.note,
    }


def cells(row: "Row") -> tuple[str, ...]:
    """Return the cells of a row, under `HEADINGS`."""
    figures = (
        f"{figure:#.3g}" if figure < 100 else f"{figure:,.0f}"
        for figure in (row.ours, row.peer_figure)
    )
    ours, peers = figures
    return (row.case, ours, row.peer, peers, row.unit, f"{row.ratio:.2f}")


def show(rows: "list[Row]", made_on: dict[str, Any]) -> None:
    """Print the table."""
    from rich.table import Table

    from spectranet_jax.tables import print_table

    table = Table(title=title(made_on))
    for heading in HEADINGS:
        table.add_column(
            heading, justify="left" if heading in ("case", "peer", "unit") else "right"
        )
    for row in rows:
        table.add_row(*cells(row))
    print_table(table)


def markdown(rows: "list[Row]", made_on: dict[str, Any]) -> str:
    """Return the table with its conditions, to be added to a document."""
    lines = (HEADINGS, ("---",) * len(HEADINGS), *(cells(row) for row in rows))
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"\n{title(made_on)}:\n\n{table}\n"


def title(made_on: dict[str, Any]) -> str:
    """Return the conditions in a line."""
    named = [
        f"{package} {made_on['versions'][package]}"
        for package in ("jax", "torch", "numpy")
        if package in made_on["versions"]
    ]
    machine = f"{made_on['device']} ({made_on['machine']})"
    settings = [
        f"batch {made_on['batch']}",
        f"medians of {made_on['repeats']}",
        made_on["precision"],
    ]
    return ", ".join(
        [made_on["date"], machine, *named, *settings, *filter(None, [made_on["note"]])]
    )


if __name__ == "__main__":
    command(Config, work, __doc__)
