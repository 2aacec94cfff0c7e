"""Memory that a training step frees is kept for the next one, if the C library is glibc."""

import platform
import subprocess
import sys

import pytest

from spectranet_jax.training import memory

FAULTS = """
import sys
from spectranet_jax.training.memory import keep_freed_memory
kept = sys.argv[1] == "kept" and keep_freed_memory()
assert "jax" not in sys.modules
import resource, statistics
import jax, jax.numpy as jnp
@jax.jit
def step(x):  # its products of 64 MB are each needed whole
    y = jnp.outer(jnp.arange(4096.0), x)
    return (y @ x) @ jnp.cumsum(y, axis=0)
def faulted():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    step(jnp.ones(4096)).block_until_ready()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
counts = [faulted() for _ in range(21)]
print(kept, statistics.median(counts))
"""


def faults(how: str) -> tuple[str, float]:
    """Return whether glibc was asked, and the pages that Linux cleared in the median of 21 steps.

    Which pieces are freed in time for the next step is a matter of threads: it takes a few steps
    until there is room for all of them.
    """
    line = [sys.executable, "-c", FAULTS, how]
    kept, count = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()
    return kept, float(count)


@pytest.mark.long
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_a_step_finds_the_memory_of_the_one_before():
    freed, kept = faults("freed"), faults("kept")
    assert freed[0] == "False" and freed[1] > 10_000  # 64 MB are 16,384 pages
    assert kept[0] == "True" and kept[1] < 1_000


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    assert not memory.keep_freed_memory()
