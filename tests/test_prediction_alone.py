"""The prediction for a spectrum depends on nothing but the spectrum."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import toy_survey
from astropy.table import Table

from spectranet_jax.inference import Model, load
from spectranet_jax.inference import model as model_module
from spectranet_jax.training.scoring import make_evaluate

TOLERANCE = 1e-6
COUNT = 70
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module", params=["linenet", "classifier"])
def shipped(request: pytest.FixtureRequest) -> Model:
    return load(str(request.param))


def numbers(table: Table) -> dict[str, np.ndarray]:
    """The columns of numbers, masked ones as NaN."""
    columns = {name: np.ma.asarray(table[name]) for name in table.colnames}
    return {
        name: np.ma.filled(column.astype(float), np.nan)
        for name, column in columns.items()
        if column.dtype.kind in "fiu"
    }


def same(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    """Compare relative to a number where it is above 1, as counts and velocities are."""
    assert ours.keys() == theirs.keys() and len(ours) >= 4
    for name in ours:
        np.testing.assert_allclose(
            ours[name], theirs[name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
        )


@pytest.mark.slow
def test_of_its_neighbors(shipped: Model):
    """Alone, last of many, and among spectra that are empty, huge or not numbers."""
    block = toy_survey.block(COUNT)
    table = shipped.predict(block.flux, block.ivar)
    rows = [0, 3, 64, COUNT - 1]
    for row in rows:
        alone = shipped.predict(block.flux[row : row + 1], block.ivar[row : row + 1])
        same(numbers(alone), numbers(table[row : row + 1]))
    flux, ivar = block.flux.copy(), block.ivar.copy()
    others = np.setdiff1d(np.arange(COUNT), rows)
    flux[others[0::3]], ivar[others[1::3]] = 1e30, 0
    flux[others[2::3]] = np.nan
    same(numbers(shipped.predict(flux, ivar)[rows]), numbers(table[rows]))
    order = np.random.default_rng(1).permutation(COUNT)
    shuffled = shipped.predict(block.flux[order], block.ivar[order])
    same(numbers(shuffled), numbers(table[order]))


@pytest.mark.slow
def test_of_the_size_of_a_batch(shipped: Model, monkeypatch: pytest.MonkeyPatch):
    """That of the compiled call, which is 64 on a CPU; fewer spectra are filled up to it, since a
    call of a handful sums in another order and differs by up to 1.6e-6."""
    block = toy_survey.block(COUNT)
    table = numbers(shipped.predict(block.flux, block.ivar))
    for size in (32, 128, 256):
        monkeypatch.setattr(model_module, "prediction_batch", lambda _, size=size: size)
        same(numbers(load(shipped.name).predict(block.flux, block.ivar)), table)


@pytest.mark.slow
def test_of_the_number_of_devices(shipped: Model, tmp_path: Path):
    """Evaluation shares a split among the devices; prediction uses one."""
    from spectranet_jax.datasets.split import open_split

    toy_survey.write(tmp_path / "toy", 600)
    split = open_split(tmp_path / "toy", "test", shipped.task.select)
    assert len(jax.devices()) == 8
    answers = []
    for devices in (jax.devices()[:1], jax.devices()[:3], jax.devices()):
        evaluate = make_evaluate(shipped.network, shipped.task, split, devices)
        columns = evaluate(jax.device_get(shipped.variables)).columns
        answers.append(
            {
                name: np.ma.filled(np.ma.asarray(column).astype(float), np.nan)
                for name, column in columns.items()
                if np.asarray(column).dtype.kind in "fiu" and np.ndim(column) == 1
            }
        )
    for more in answers[1:]:
        same(more, answers[0])


PROGRAM = """
import json, os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[2])])
import toy_survey
from test_prediction_alone import COUNT, numbers
from spectranet_jax.inference import load
block = toy_survey.block(COUNT)
table = numbers(load(sys.argv[1]).predict(block.flux, block.ivar))
print(json.dumps({name: column.tolist() for name, column in table.items()}))
"""


@pytest.mark.long
@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="threads follow processors on Linux"
)
def test_of_the_number_of_threads(shipped: Model):
    """XLA has a thread for each processor that the process may use."""
    answers: list[dict[str, Any]] = []
    for processors in (1, 2):
        environment = {
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
            "JAX_PLATFORMS": "cpu",
            "NPROC": str(processors),
        }
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, shipped.name, str(processors)],
            capture_output=True,
            text=True,
            env=os.environ | environment,
        )
        assert done.returncode == 0, done.stderr
        answers.append({k: np.array(v) for k, v in json.loads(done.stdout).items()})
    same(*answers)
