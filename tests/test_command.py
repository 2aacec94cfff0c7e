"""Compiled programs are kept from one process to the next, and do not change results."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spectranet_jax.commands import command

ROOT = Path(__file__).parents[1]
VARIABLES = (
    "JAX_COMPILATION_CACHE_DIR",
    "JAX_ENABLE_COMPILATION_CACHE",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES",
)

STEPS = """
import hashlib, json, sys
from spectranet_jax.commands.command import use_cache
use_cache(sys.argv[1] == "cache")
import jax, toy_survey
from spectranet_jax import networks, tasks
from spectranet_jax.spectra.grid import QUASARNET_GRID
from spectranet_jax.training import optimizers
from spectranet_jax.training.steps import init_state, make_train_step
events = []
jax.monitoring.register_event_listener(lambda event, **_: events.append(event.split("/")[-1]))
task = tasks.build("classify", QUASARNET_GRID)
network = networks.build("SpectraNetClassifier", QUASARNET_GRID, channels=[8, 8, 8, 8])
optimizer, _ = optimizers.build("adam", "constant", 1e-3, 100)
data = toy_survey.block(64)
batch = {"flux": data.flux, "ivar": data.ivar, "label": data.label.astype("int32")}
state = jax.jit(lambda key: init_state(network, task, optimizer, key))(jax.random.key(0))
train_step = jax.jit(make_train_step(network, task, optimizer), donate_argnums=0)
for _ in range(3):
    state, loss = train_step(state, batch, jax.random.key(1))
digits = b"".join(jax.device_get(leaf).tobytes() for leaf in jax.tree.leaves((state, loss)))
print(json.dumps({
    "state": hashlib.sha256(digits).hexdigest(),
    "hits": events.count("cache_hits"),
    "misses": events.count("cache_misses"),
}))
"""


def in_a_process(caches: Path, cache: str = "cache", **environment: str) -> dict[str, Any]:
    """Run three training steps in a separate process, which prints only its result."""
    kept = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "XDG_CACHE_HOME": str(caches)}
    done = subprocess.run(
        [sys.executable, "-c", STEPS, cache],
        capture_output=True,
        text=True,
        check=True,
        env=kept | paths | environment,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.long
def test_a_second_process_takes_its_programs_from_the_cache(tmp_path: Path):
    first = in_a_process(tmp_path)
    kept = contents(tmp_path)
    assert first["hits"] == 0 and first["misses"] >= 2  # the fresh state, and the step
    assert len(kept) >= 2 and all(name.startswith("spectranet-jax/") for name in kept)
    second = in_a_process(tmp_path)
    assert second["hits"] >= 2
    # A program is kept if it took long to compile: on a busy machine, more of them.
    assert contents(tmp_path).items() >= kept.items()
    without = in_a_process(tmp_path / "other", "no-cache")
    assert without["hits"] == without["misses"] == 0 and not (tmp_path / "other").exists()
    assert first["state"] == second["state"] == without["state"]  # bit for bit

    for path in tmp_path.rglob("*-cache"):
        path.write_bytes(path.read_bytes()[:100])
    damaged = in_a_process(tmp_path)
    assert damaged["state"] == first["state"] and damaged["hits"] == 0


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Remove JAX's variables, and restore them afterwards."""
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that it is restored even if the code sets it
        monkeypatch.delenv(name)
    return monkeypatch


def test_the_cache_is_in_the_folder_of_the_user(environment: pytest.MonkeyPatch, tmp_path: Path):
    environment.setenv("HOME", str(tmp_path))
    environment.setattr(sys, "platform", "linux")
    for named, caches in (("", ".cache"), ("relative", ".cache"), (str(tmp_path / "x"), "x")):
        environment.setenv("XDG_CACHE_HOME", named)
        assert command.cache_folder().parent == tmp_path / caches / "spectranet-jax"
    environment.delenv("XDG_CACHE_HOME")
    environment.setattr(sys, "platform", "darwin")
    assert command.cache_folder().parent == tmp_path / "Library" / "Caches" / "spectranet-jax"


def test_another_kind_of_cpu_has_another_folder(environment: pytest.MonkeyPatch):
    cache = command.cache_folder()
    environment.setattr(Path, "read_text", lambda *_, **__: "flags : fpu avx512\nflags : other\n")
    assert command.cache_folder().name != cache.name


def test_what_the_user_told_jax_holds(environment: pytest.MonkeyPatch, tmp_path: Path):
    environment.setenv("XDG_CACHE_HOME", str(tmp_path))
    environment.setenv("JAX_COMPILATION_CACHE_DIR", "/elsewhere")
    environment.setattr(command.warnings, "filterwarnings", lambda *_: None)
    command.use_cache(True)
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "/elsewhere"
    command.use_cache(False)
    assert os.environ["JAX_ENABLE_COMPILATION_CACHE"] == "false"


def test_without_a_home_there_is_no_cache(environment: pytest.MonkeyPatch):
    def no_home(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    environment.setenv("XDG_CACHE_HOME", "")
    environment.setattr(Path, "expanduser", no_home)
    command.use_cache(True)
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_a_folder_that_cannot_be_written_is_no_cache(
    environment: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "file").touch()
    environment.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    command.use_cache(True)
    environment.setenv("XDG_CACHE_HOME", str(tmp_path))
    environment.setattr(os, "access", lambda *_: False)  # root may write everywhere
    command.use_cache(True)
    assert not any(name in os.environ for name in VARIABLES)
