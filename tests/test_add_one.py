"""A task, a network, a reader and a line are each added by one file and one row of a table.

Each is defined here as its file would define it. What is added trains, evaluates, is compared,
predicts a catalog and is drawn, by the commands as they are.
"""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest
import toy_runs
import toy_survey
from astropy.io import fits
from astropy.table import Table
from rich.table import Table as RichTable

from experiments import classify, compare, evaluate, pipeline, training_data
from spectranet_jax import networks, readers, tasks
from spectranet_jax.catalog import plots
from spectranet_jax.catalog.pieces import pieces
from spectranet_jax.commands import predict
from spectranet_jax.datasets.split import open_split
from spectranet_jax.evaluation.figures import redshift_scatter
from spectranet_jax.evaluation.quasar_scores import Answers
from spectranet_jax.evaluation.scores_json import from_json
from spectranet_jax.inference import load
from spectranet_jax.inference.reconfigure import reconfigured
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import lines
from spectranet_jax.spectra.column import Column, Columns
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.normalize import normalize
from spectranet_jax.spectra.spectrum import Spectrum
from spectranet_jax.tasks.task import Option, Task
from spectranet_jax.training import run


@dataclass(frozen=True)
class ToyScores:
    """Numbers of the toy task."""

    n: int
    rms: float
    far: float | None = None


@dataclass(frozen=True)
class ToyTask(Task[ToyScores]):
    """The redshift of any spectrum with one, and whether it is large."""

    limit: float = 1.0

    name: ClassVar[str] = "toy"
    kind: ClassVar[str] = "toy model"
    scored: ClassVar[type] = ToyScores
    options: ClassVar = {"limit": Option("--limit", float)}
    counted: ClassVar = {"FAR": "far away"}

    @property
    def columns(self) -> dict[str, Column]:
        return {"FAR": Column("i2", f"1 if z > {self.limit:g}, else 0")}

    def select(self, truth: Columns) -> Any:
        return np.isfinite(truth["z"])

    def targets(self, truth: Columns) -> dict[str, Any]:
        return {"z": truth["z"].astype(np.float32)}

    def inputs(self, flux: Any, ivar: Any) -> tuple[Any, ...]:
        return (normalize(flux, ivar),)

    def loss(self, output: Any, batch: dict[str, Any]) -> Any:
        return (output - batch["z"]) ** 2

    def decode(self, output: Any) -> dict[str, Any]:
        z = np.asarray(output, np.float64)
        return {"Z": z, "FAR": z > self.limit}

    def quasars(self, columns: Columns) -> Answers:
        return Answers(z=columns["Z"])

    def scores(self, columns: Columns, truth: Columns) -> ToyScores:
        rms = float(np.sqrt(((columns["Z"] - truth["z"]) ** 2).mean()))
        return ToyScores(len(truth["z"]), rms, float(columns["FAR"].mean()))

    def tables(self, scores: ToyScores, where: str) -> list[RichTable]:
        table = RichTable("score", "here", title=f"Toys of {where}")
        table.add_row("RMS", f"{scores.rms:.3f}")
        return [table]

    def figures(self, split: Any, columns: Columns) -> dict[str, Any]:
        return {"toys": partial(redshift_scatter, split.columns["z"], columns["Z"])}


class ToyNetwork(nn.Module):
    """A linear network from a spectrum to a number."""

    grid: LogGrid
    start: float = 1.0

    @nn.compact
    def __call__(self, flux: Any, train: bool = False) -> Any:  # noqa: ARG002
        return self.start + nn.Dense(1, kernel_init=nn.initializers.zeros)(flux)[:, 0] / jnp.sqrt(
            self.grid.size
        )


def recognizes(hdus: Any) -> bool:
    return hdus.at(1) is not None and hdus[1].name == "TOY"


def spectra(hdus: Any) -> Any:
    loglam, flux = (hdus[1].cells(name).astype(np.float64) for name in ("L", "F"))
    yield Spectrum("toy", loglam, np.float32(flux), np.ones(len(flux), "f4"), str(hdus.path))


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row in each table."""
    monkeypatch.setitem(tasks.TASKS, "toy", ToyTask)
    monkeypatch.setitem(networks.NETWORKS, "ToyNetwork", ToyNetwork)
    monkeypatch.setattr(readers, "READERS", (*readers.READERS, (recognizes, spectra)))
    monkeypatch.setitem(lines.REST, "Toy line", 2000.0)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file that only the added reader reads."""
    monkeypatch.chdir(tmp_path)
    loglam = np.log10(np.linspace(3600, 9800, 4000))
    flux = np.random.default_rng(0).normal(2, 1, 4000)
    columns = [fits.Column("L", "D", array=loglam), fits.Column("F", "D", array=flux)]
    table = fits.BinTableHDU.from_columns(columns, name="TOY")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto("toy.fits")
    return "toy.fits"


@pytest.mark.slow
def test_a_task_a_network_and_a_reader(file: str, capsys: pytest.CaptureFixture):
    toy_survey.write(Path("toys"), 300)
    config = classify.Config(data=Path("toys"), out=Path("run"), epochs=2, batch=32, cache=False)
    task = tasks.build("toy", GRID, limit=1.2)
    training = training_data.training_split(Path("toys"), task.select)
    pipeline.train_and_evaluate("toy", config, training, {"name": "ToyNetwork"}, task)
    assert run.read_config(Path("run"))["task"] == {"name": "toy", "limit": 1.2}
    content = run.read_evaluation(Path("run"))["test"]["scores"]
    scores = from_json(ToyScores, content)
    assert content["loss"] == pytest.approx(scores.rms**2, rel=1e-4)
    assert scores.n == content["spectra"] > 20 and 0.2 < scores.rms < 0.6  # uniform: 0.43
    assert {path.stem for path in Path("run/figures").iterdir()} == {"toys", "loss"}
    printed = capsys.readouterr().out
    assert "Toys of the test split" in printed and f"{scores.rms:.3f}" in printed
    evaluate.work(evaluate.Config("run", out=Path("again"), cache=False))
    assert run.read_evaluation(Path("again"))["test"]["scores"] == content

    model = load("run")
    split = open_split(Path("toys"), "test", task.select)
    about_quasars = compare.measure(model, split)
    assert about_quasars.redshift is not None and about_quasars.redshift.n == about_quasars.quasars
    assert about_quasars.accuracy is None and about_quasars.bal_auc is None

    settings = {"model": ("run",), "out": Path("catalog.fits"), "cache": False}
    predict.work(predict.Config((file,), plots=Path("pictures"), **settings))
    table = Table.read("catalog.fits")
    assert table["ID"].tolist() == ["toy"] and table.colnames[-1] == "FAR"
    assert table["FAR"][0] == (table["Z"][0] > 1.2)
    assert json.loads(table.meta["CONFIG1"])["task"]["limit"] == 1.2
    assert "far away" in capsys.readouterr().out
    assert [path.name for path in Path("pictures").iterdir()] == ["000001-toy-toy.png"]

    (moved,) = reconfigured([model], {"--limit": table["Z"][0] - 1})
    spectrum = readers.read(file)
    assert moved.predict(spectrum)["FAR"].tolist() == [1]


@pytest.mark.slow
def test_a_line_has_a_column_and_a_bar(file: str, drawn: list):
    """With a LineNet of two lines, one of them added; its figure shows the evidence of both."""
    names = ["Toy line", "CIV"]
    network = toy_runs.LINENET | {"lines": names}
    folder = toy_runs.untrained(Path("run"), network, {"name": "linenet", "lines": names})
    (model,) = reconfigured([load(folder)], {"--class-prior": "0,0,1,0"})
    table = model.predict(readers.read(file))
    assert table.colnames[-2:] == ["EV_Toyline", "EV_CIV"]
    assert np.isfinite(table["EV_Toyline"][0])
    assert plots.plot([model], pieces([file]), Path("pictures")) == 1
    (panel,) = [axes for axes in drawn[0].axes if axes.get_title(loc="left") == "evidence by line"]
    observed = {name: lines.REST[name] * (1 + table["Z"][0]) for name in names}
    shown = [name for name in names if GRID.edges[0] <= observed[name] <= GRID.edges[-1]]
    assert len(panel.get_yticklabels()) == len(shown) and "Toy line" in shown
