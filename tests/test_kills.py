"""SIGKILL at any moment: the same command, run again, ends with the same result as without it.

At least five kills of each command; SPECTRANET_KILLS=20 for more.
"""

import itertools
import json
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest
import short_plates
import toy_inputs
import toy_survey
from commands_of_their_own import finish, run, start
from same_bytes import same_bytes

from spectranet_jax.datasets import checksums, manifest
from spectranet_jax.training import checkpoint

KILLS = int(os.environ.get("SPECTRANET_KILLS", "5"))

pytestmark = pytest.mark.long

Moment = Callable[[], bool]


def timed(words: list[Any], folder: Path) -> float:
    """Return the seconds that a command takes, once its programs are compiled."""
    run([*words, "warm"], folder)
    begun = time.monotonic()
    run([*words, "whole"], folder)
    return time.monotonic() - begun


def kill_at(words: list[Any], folder: Path, moment: Moment, **environment: str) -> bool:
    """Start a command and kill it at a moment; return whether it had ended before."""
    process = start(words, folder, **environment)
    while process.poll() is None and not moment():
        time.sleep(0.001)
    ended = process.poll() is not None
    process.kill()
    out, error = finish(process)
    assert not ended or process.returncode == 0, out + error
    return ended


def after(seconds: float) -> Moment:
    """Return a moment this long after its first query, which is when the command starts."""
    begun: list[float] = []

    def moment() -> bool:
        begun.append(time.monotonic())
        return begun[-1] - begun[0] >= seconds

    return moment


def parameters(run: Path, kind: str) -> list[np.ndarray]:
    """Every array of the newest checkpoint, as orbax alone reads it."""
    newest = max((run / "checkpoints" / kind).iterdir(), key=lambda path: int(path.name))
    assert checksums.damage(newest) == ""
    with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as checkpointer:
        return jax.tree.leaves(checkpointer.restore((newest / "state").resolve()))


def moments_of(folder: Path, seconds: float, rng: random.Random) -> list[Moment]:
    """Return moments to kill a training: at random, at checkpoints, in evaluation and figures."""
    kinds = (checkpoint.LAST, checkpoint.BEST)
    last, best = (folder / "checkpoints" / kind for kind in kinds)
    calibration, figures = folder / "calibration.json", folder / "figures"

    def calibrated() -> str:
        return calibration.read_text() if calibration.is_file() else ""

    def later(begun: Moment, most: float) -> Moment:
        wait = after(rng.uniform(0, most))
        return lambda: begun() and wait()

    return [
        after(rng.uniform(0.1, 0.5) * seconds),
        later(lambda: any(last.glob(".writing-*")), 0.02),
        later(lambda: any(best.glob(".writing-*")), 0.02),
        later(lambda: calibrated() == "{}\n", 0.3),
        later(lambda: calibrated() not in ("", "{}\n"), 0.3),
        later(lambda: any(figures.glob(".writing-*")), 0.02),
    ]


def test_training_with_calibration_and_evaluation(tmp_path: Path):
    toy_survey.write(tmp_path / "toy", 2400)
    words = ["-m", "experiments.linenet", "--data", "toy", "--features", 4, "--batch", 32]
    words += ["--epochs", 3, "--out"]
    seconds = timed(words, tmp_path)
    rng, kills = random.Random(23), 0
    for number in itertools.count():
        name = f"run-{number}"
        for moment in moments_of(tmp_path / name, seconds, rng):
            kills += not kill_at([*words, name], tmp_path, moment)
        run([*words, name], tmp_path)
        same_run(tmp_path / name, tmp_path / "whole")
        if kills >= KILLS:
            break


def same_run(run_folder: Path, other: Path) -> None:
    """Check that two run folders hold the same, bit for bit."""
    for kind in (checkpoint.LAST, checkpoint.BEST):
        for ours, theirs in zip(parameters(run_folder, kind), parameters(other, kind), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for name in ("metrics.jsonl", "calibration.json"):
        same_bytes(run_folder / name, other / name)
    ours, theirs = (
        json.loads((run / "evaluation.json").read_text()) for run in (run_folder, other)
    )
    assert (
        ours["test"].pop("model") == run_folder.name and theirs["test"].pop("model") == other.name
    )
    assert ours == theirs
    assert not [path for path in run_folder.rglob(".*") if path.name.startswith((".wri", ".rem"))]


def test_prediction(tmp_path: Path):
    """Killed in turn while it starts and in the pause that follows a chunk, whatever its speed."""
    toy_inputs.write(tmp_path)
    small = (
        "import sys, time\n"
        "from spectranet_jax.catalog import pieces, streaming\n"
        "from spectranet_jax.commands import predict\n"
        "streaming.CHUNK, streaming.SERIAL_FILES, pieces.TOGETHER_PIECES = 3 * 3544, 3, 3\n"
        "add = streaming.Finished.add\n"
        "def add_and_rest(*rows):\n"
        "    add(*rows)\n"
        "    print('.', end='', file=open('added', 'a'), flush=True)\n"
        "    time.sleep(REST)\n"
        "streaming.Finished.add = add_and_rest\n"
        "if __name__ == '__main__':\n"
        "    predict.run(sys.argv[1:])\n"
    )
    added = tmp_path / "added"
    words = ["small.py", "in", "--model", "run", "--workers", 2, "--overwrite", "--out"]
    (tmp_path / "small.py").write_text(small.replace("REST", "0"))
    run([*words, "whole.fits"], tmp_path)
    chunks = added.stat().st_size
    assert chunks > 5
    (tmp_path / "small.py").write_text(small.replace("REST", "1"))
    rng = random.Random(5)

    def moment_after_a_chunk() -> Moment:
        before, wait = added.stat().st_size, after(rng.uniform(0, 0.9))
        return lambda: added.stat().st_size > before and wait()

    kills = 0
    while kills < KILLS:
        moment = moment_after_a_chunk() if kills % 2 else after(rng.uniform(0.1, 1.0))
        if kill_at([*words, "c.fits"], tmp_path, moment):
            break
        kills += 1
    assert kills >= min(KILLS, chunks)
    run([*words, "c.fits"], tmp_path)
    same_bytes(tmp_path / "c.fits", tmp_path / "whole.fits")


@pytest.mark.parametrize("kind", ["mock", "sdss"])
def test_data_preparation(tmp_path: Path, kind: str):
    short_plates.make(tmp_path)
    flags = {
        "mock": ["--spectra", 6000],
        "sdss": ["--catalog", "catalog.fits", "--spectra", "spectra"],
    }
    words = ["-m", f"data_prep.{kind}", *flags[kind], "--out"]
    seconds = timed(words, tmp_path)
    rng, kills = random.Random(7), 0
    while kills < KILLS:
        kills += not kill_at([*words, "d"], tmp_path, after(rng.uniform(0.2, 0.9) * seconds))
        if (tmp_path / "d").exists():  # what looks whole is whole
            run(["-m", "data_prep.describe", "d", "--out", "card"], tmp_path)
            shutil.rmtree(tmp_path / "d")
    run([*words, "d"], tmp_path)
    splits = manifest.read(tmp_path / "d").shards.values()
    for name in (shard.file for shards in splits for shard in shards):
        same_bytes(tmp_path / "d" / name, tmp_path / "whole" / name)
    ours, theirs = (
        (tmp_path / folder / manifest.FILE_NAME).read_text() for folder in ("d", "whole")
    )
    assert ours.replace('"d"', '"whole"') == theirs  # its own name, in the command that made it


@pytest.mark.skipif(KILLS < 20, reason="takes 10 minutes and more; SPECTRANET_KILLS=20 runs it")
def test_the_report(tmp_path: Path):
    """In two folders of the same name, so that the same paths are written."""
    words = ["-m", "experiments.report", "--quick", "--spectra", 400, "--out", "r"]
    for name in ("warm", "whole", "killed"):
        (tmp_path / name).mkdir()
    cache = str(tmp_path / "cache")
    run(words, tmp_path / "warm", XDG_CACHE_HOME=cache)
    begun = time.monotonic()
    run(words, tmp_path / "whole", XDG_CACHE_HOME=cache)
    seconds = time.monotonic() - begun
    rng, kills = random.Random(11), 0
    for _ in range(KILLS):
        moment = after(rng.uniform(0.05, 0.2) * seconds)
        kills += not kill_at(words, tmp_path / "killed", moment, XDG_CACHE_HOME=cache)
    run(words, tmp_path / "killed", XDG_CACHE_HOME=cache)
    assert kills > 4
    compared = 0
    for path in sorted((tmp_path / "whole" / "r").rglob("*")):
        if path.name in ("metrics.jsonl", "evaluation.json", "config.json", "report.html"):
            other = tmp_path / "killed" / path.relative_to(tmp_path / "whole")
            same_bytes(other, path)
            compared += 1
    assert compared > 20
