"""Training steps on 1, 2, 4 and 8 devices, the batch divided among them.

Without an accelerator these are virtual devices of one CPU, which share its cores: that measures
the cost of dividing the work, not a speed-up.
"""

import json
import subprocess
import sys
from collections.abc import Callable

from experiments.benchmarks.rows import Row, Setting, medians

COUNTS = (1, 2, 4, 8)

MEASURE = """
import json, sys
from spectranet_jax.training.memory import keep_freed_memory
keep_freed_memory()
from experiments.benchmarks.rows import Setting
from experiments.benchmarks.scale import seconds_by_count
print(json.dumps(seconds_by_count(Setting(**json.loads(sys.argv[1])))))
"""


def scale_rows(setting: Setting) -> list[Row]:
    """Measure steps/s and spectra/s, against one device."""
    # The number of virtual devices is fixed per process, so another process is used.
    asked = json.dumps(
        {"batch": setting.batch, "repeats": setting.repeats, "precision": setting.precision}
    )
    line = [sys.executable, "-c", MEASURE, asked]
    printed = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True).stdout
    measured = json.loads(printed.splitlines()[-1])
    kind = measured["kind"]
    seconds = {int(count): took for count, took in measured["seconds"].items()}
    return [
        Row(f"training step, Table 1, {count} x {kind}", amount / seconds[count], "one device",
            amount / seconds[1], unit, seconds[1] / seconds[count])
        for unit, amount in (("steps/s", 1), ("spectra/s", setting.batch))
        for count in seconds
    ]  # fmt: skip


def seconds_by_count(setting: Setting) -> dict[str, object]:
    """Return the kind of device, and the seconds of a step on each possible number of them."""
    import jax

    jax.config.update("jax_num_cpu_devices", max(COUNTS))
    devices = jax.devices()
    counts = [n for n in COUNTS if n <= len(devices) and setting.batch % n == 0]
    sides = {str(count): _step(setting, devices[:count]) for count in counts}
    virtual = "virtual " if devices[0].platform == "cpu" else ""
    return {
        "kind": virtual + devices[0].device_kind,
        "seconds": medians(sides, setting.repeats),
    }


def _step(setting: Setting, devices: list) -> Callable[[], object]:
    """Return a training step that starts from its own last state, on batches sent by the host."""
    import jax

    from experiments.benchmarks import ours
    from spectranet_jax.training import optimizers
    from spectranet_jax.training.sharding import placement
    from spectranet_jax.training.steps import init_state, make_train_step

    place = placement(setting.batch, devices)
    network, task = ours.SUBJECTS["Table 1"].build()
    optimizer, _ = optimizers.build("adam", "constant", 1e-3, 1000)
    made = make_train_step(network, task, optimizer, precision=setting.matmul_precision)
    step = jax.jit(
        made,
        in_shardings=(place.replicated, place.split, place.replicated),
        out_shardings=(place.replicated, place.replicated),
        donate_argnums=0,
    )
    state = place.everywhere(init_state(network, task, optimizer, jax.random.key(0)))
    key = jax.device_put(jax.random.key(1), place.replicated)
    spectra = ours.spectra(setting.batch)

    def call() -> None:
        nonlocal state
        state, loss = step(state, place.batch(spectra), key)
        jax.block_until_ready((state, loss))

    return call
