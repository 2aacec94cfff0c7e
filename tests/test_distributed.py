"""Two processes train what one does; what keeps them from meeting is reported in a sentence."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import toy_survey
import two_processes

from experiments.classify import Config
from experiments.settings import check
from spectranet_jax.spectra import InputError
from spectranet_jax.training import checkpoint, run

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def process(*arguments: object) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "JAX_PLATFORMS": "cpu"}
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the folders written by one process, and by two."""
    folder = tmp_path_factory.mktemp("distributed")
    toy_survey.write(folder / "toy", 1200)
    port, script = free_port(), Path(two_processes.__file__)
    both = [process(script, port, i, folder / "toy", folder / "two") for i in range(2)]
    two_processes.train_all(folder / "toy", folder / "one", jax.devices()[:1])
    for worker in both:
        out, err = worker.communicate(timeout=300)
        assert worker.returncode == 0, err
        assert "the file ñ is damaged; fetch it again" in out
    return folder / "one", folder / "two"


@pytest.mark.long
@pytest.mark.parametrize(
    ("what", "tolerance"),
    [("float32", 1e-5), ("evaluation", 1e-5), ("streamed", 1e-9), ("resident", 1e-9)],
)
def test_two_processes_compute_what_one_does(
    trained: tuple[Path, Path], what: str, tolerance: float
):
    alone, together = (np.load(folder / f"{what}.npz") for folder in trained)
    assert alone.files == together.files
    for name in alone.files:
        assert alone[name].dtype == together[name].dtype
        np.testing.assert_allclose(together[name], alone[name], rtol=0, atol=tolerance)


@pytest.mark.long
def test_spectra_on_the_device_give_the_weights_of_streamed_ones(trained: tuple[Path, Path]):
    """In float64 the scan and the loop differ by rounding alone."""
    for folder in trained:
        loop, scan = (np.load(folder / f"{what}.npz") for what in ("streamed", "resident"))
        *loop_state, _ = loop.files[: len(scan.files)]
        for name in loop_state:
            np.testing.assert_allclose(scan[name], loop[name], rtol=0, atol=1e-9)


@pytest.mark.long
def test_the_run_folder_of_two_processes_is_that_of_one(trained: tuple[Path, Path]):
    """Killed and resumed; except for the digits that float32 loses on the way."""
    alone, together = (run.read_metrics(folder / "run") for folder in trained)
    assert [row["step"] for row in together] == [row["step"] for row in alone]
    assert [set(row) for row in together] == [set(row) for row in alone]
    losses = [
        [row.get("loss", row.get("valid_loss")) for row in rows] for rows in (alone, together)
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.02)
    steps = {checkpoint.latest_step(folder / "run", checkpoint.LAST) for folder in trained}
    assert steps == {alone[-1]["step"]}
    assert json.loads((trained[1] / "run" / run.METRICS).read_text().splitlines()[0])["step"] == 1


MEET = """
import sys
from spectranet_jax.spectra import InputError
from spectranet_jax.training import distributed
try:
    distributed.start(*eval(sys.argv[1]), wait=1)
except InputError as error:
    sys.exit(f"error: {error}")
"""


@pytest.mark.slow
def test_what_keeps_processes_from_meeting_is_reported_in_a_sentence():
    port = free_port()
    unreachable = process("-c", MEET, ("127.0.0.1:%d" % port, 2, 1))  # noqa: UP031
    alone = process("-c", MEET, (None, None, None))
    for worker, words in (
        (unreachable, f" 1 s at 127.0.0.1:{port}"),
        (alone, "--coordinator"),
    ):
        _, err = worker.communicate(timeout=60)
        assert worker.returncode == 1
        assert words in err and err.startswith("error: ") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"coordinator": "a:1", "processes": 2, "process": 0}, "--distributed"),
        ({"distributed": True, "processes": 2}, "--coordinator, --processes and --process"),
        ({"distributed": True, "coordinator": "a", "processes": 2, "process": 0}, "HOST:PORT"),
        ({"distributed": True, "coordinator": "a:x", "processes": 2, "process": 0}, "HOST:PORT"),
        ({"distributed": True, "coordinator": "a:1", "processes": 2, "process": 2}, "from 0 to 1"),
    ],
)
def test_flags_that_do_not_go_together_are_reported(settings: dict, words: str):
    with pytest.raises(InputError, match=words):
        check(Config(**settings))


def test_a_cluster_tells_all_by_itself():
    check(Config(distributed=True))
    check(Config(distributed=True, coordinator="[::1]:9000", processes=2, process=1))
