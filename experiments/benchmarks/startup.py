"""Start-up time of a command: with nothing compiled yet, and with cached programs."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from experiments.benchmarks.rows import Row, Setting

TURNS = 3
"""Starts of a whole command, of which the median counts."""

COMPILE = """
import sys
from spectranet_jax.commands.command import use_cache
use_cache(True)
from experiments.benchmarks.startup import compile_seconds
print(compile_seconds(sys.argv[1], int(sys.argv[2])))
"""


def startup_rows(setting: Setting) -> list[Row]:
    """Measure seconds, each in processes of their own; second starts against first ones."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        environment = os.environ | {"XDG_CACHE_HOME": f"{scratch}/cache"}
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
        for subject in ("Table 1", "Table 3"):
            program = ["-c", COMPILE, subject, str(setting.batch)]
            first, second = (float(_python(program, environment)) for _ in range(2))
            rows.append(_row(f"compiling state and step, {subject}", second, first))
        mock = ["-m", "data_prep.mock", "--spectra", "1000", "--out", f"{scratch}/mock"]
        _python(mock, environment)
        train = ["-m", "experiments.classify", "--data", f"{scratch}/mock", "--epochs", "1"]
        environment["XDG_CACHE_HOME"] = f"{scratch}/another"
        first, second = (
            _seconds([*train, "--out", f"{scratch}/run-{turn}"], environment) for turn in range(2)
        )
        rows.append(_row("experiments.classify, 1000 spectra, 1 epoch", second, first))
        asked, bare = (
            sorted(_seconds(line, environment) for _ in range(TURNS))[TURNS // 2]
            for line in (["-m", "experiments.classify", "--help"], ["-c", "pass"])
        )
    return [
        *rows,
        Row("experiments.classify --help", asked, "Python alone", bare, "s", bare / asked),
    ]


def compile_seconds(subject: str, batch: int) -> float:
    """Seconds that XLA takes to compile the fresh state and the training step, untraced."""
    import jax

    from experiments.benchmarks import ours
    from spectranet_jax.training import optimizers
    from spectranet_jax.training.steps import init_state, make_train_step

    network, task = ours.SUBJECTS[subject].build()
    optimizer, _ = optimizers.build("adam", "constant", 1e-3, 1000)
    init = jax.jit(lambda key: init_state(network, task, optimizer, key))
    step = jax.jit(make_train_step(network, task, optimizer), donate_argnums=0)
    key = jax.random.key(0)
    state = jax.eval_shape(init, key)
    lowered = init.lower(key), step.lower(state, ours.spectra(batch), key)
    start = time.perf_counter()
    for program in lowered:
        program.compile()
    return time.perf_counter() - start


def _row(case: str, second: float, first: float) -> Row:
    return Row(f"{case}, second start", second, "first start", first, "s", first / second)


def _seconds(arguments: Sequence[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    _python(arguments, environment)
    return time.perf_counter() - start


def _python(arguments: Sequence[str], environment: dict[str, str]) -> str:
    """Return the output of another Python."""
    line = [sys.executable, *arguments]
    finished = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
    return finished.stdout
