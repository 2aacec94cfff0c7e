"""Measurement of speed: the sides in turn in one process, on one core, medians of each."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Precision = Literal["float32", "tf32", "bfloat16"]

MATMUL_PRECISION: Mapping[Precision, str] = {
    "float32": "float32",
    "tf32": "tensorfloat32",
    "bfloat16": "bfloat16",
}
"""JAX's names of precisions (`jax_default_matmul_precision`)."""


@dataclass(frozen=True)
class Setting:
    """Settings of every measurement.

    Attributes:
        batch: spectra per step.
        repeats: measurements of each side.
        precision: of the factors of products and convolutions; sums are float32.
    """

    batch: int = 256
    repeats: int = 9
    precision: Precision = "float32"

    @property
    def matmul_precision(self) -> str:
        """JAX's name of the precision."""
        return MATMUL_PRECISION[self.precision]


@dataclass(frozen=True)
class Row:
    """One comparison; `ratio` above 1 means that ours is faster."""

    case: str
    ours: float
    peer: str
    peer_figure: float
    unit: str
    ratio: float


def rates(case: str, seconds: Mapping[str, float], spectra: int) -> list[Row]:
    """Return a row for each peer, in spectra/s; the first side is ours."""
    (ours, *peers) = ((name, spectra / took) for name, took in seconds.items())
    return [Row(case, ours[1], name, rate, "spectra/s", ours[1] / rate) for name, rate in peers]


def medians(sides: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return median seconds of each function; they are called in turn, after one uncounted call."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(repeats + 1):
        for name, call in sides.items():
            start = time.perf_counter()
            call()
            if turn > 0:
                seconds[name].append(time.perf_counter() - start)
    return {name: sorted(values)[len(values) // 2] for name, values in seconds.items()}


@contextmanager
def one_core() -> Iterator[bool]:
    """Limit this process to one core, and BLAS to one thread; yield whether the system allows it.

    JAX counts the cores it may use when it comes to its first array, which must be in here.
    """
    from threadpoolctl import threadpool_limits

    before = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
    with threadpool_limits(1):
        if not before:
            yield False
            return
        os.sched_setaffinity(0, {max(before)})
        try:
            yield True
        finally:
            os.sched_setaffinity(0, before)
