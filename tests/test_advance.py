"""Streamed or on the device: the same batches, stretch by stretch."""

from dataclasses import dataclass
from types import SimpleNamespace

import jax
import numpy as np
import pytest
import toy_survey
from hypothesis import given, settings
from hypothesis import strategies as st

from spectranet_jax import tasks
from spectranet_jax.datasets.split import Split, open_split
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import LogGrid
from spectranet_jax.training import advance
from spectranet_jax.training.examples import Examples
from spectranet_jax.training.order import ORDERS, Order
from spectranet_jax.training.sharding import placement
from spectranet_jax.training.stream import training_batches

TASK = tasks.build("classify", GRID)


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    folder = tmp_path_factory.mktemp("advance") / "toy"
    toy_survey.write(folder, 1500)
    return open_split(folder, "train", TASK.select)


@pytest.mark.slow
@pytest.mark.parametrize(("schedule", "count"), [("shuffled", 8), ("chunked", 1)])
def test_batches_from_the_device_are_those_that_are_streamed(
    split: Split, monkeypatch: pytest.MonkeyPatch, schedule: str, count: int
):
    monkeypatch.setattr(advance, "UPLOAD", 200 * GRID.bytes_per_spectrum)
    assert len(split) % 200
    fields = {"chunk": 384} if schedule == "chunked" else {}
    order = ORDERS[schedule](split.block_sizes, 64, 2, 1, **fields)
    examples = Examples.of(split, TASK)
    place = placement(64, jax.devices()[:count])
    spectra = advance.upload(examples, place)
    assert all(rows.sharding.is_fully_replicated for rows in spectra.values())
    take = jax.jit(advance.take)
    for step, batch in enumerate(training_batches(examples, order, range(order.steps))):
        taken = jax.device_get(take(spectra, order.positions(step).astype(np.int32)))
        assert taken.keys() == batch.keys()
        for name, rows in batch.items():
            assert taken[name].dtype == rows.dtype
            np.testing.assert_array_equal(taken[name], rows)


@settings(deadline=None)
@given(
    epochs=st.integers(1, 4),
    per_epoch=st.integers(1, 50),
    every=st.lists(st.integers(1, 60), min_size=1, max_size=2),
    data=st.data(),
)
def test_stretches_follow_upon_one_another_and_end_where_they_must(
    epochs: int, per_epoch: int, every: list[int], data: st.DataObject
):
    order = Order(lambda _: np.arange(1), epochs * per_epoch, per_epoch)
    first = data.draw(st.integers(0, order.steps))
    stop = data.draw(st.integers(first, order.steps))
    parts = list(advance.stretches(order, first, stop, *every))
    assert [step for begin, end in parts for step in range(begin, end)] == [*range(first, stop)]
    ends = {end for _, end in parts}
    must = {
        step
        for step in range(first + 1, stop + 1)
        if step == stop or any(step % per_epoch % interval == 0 for interval in every)
    }
    assert ends == must
    # However often it is killed at such an end, it goes on by the same stretches.
    for _, end in parts:
        assert [*advance.stretches(order, end, stop, *every)] == [p for p in parts if p[0] >= end]


def device(platform: str, gigabytes: float | None) -> SimpleNamespace:
    stats = None if gigabytes is None else {"bytes_limit": int(gigabytes * 1e9)}
    return SimpleNamespace(platform=platform, memory_stats=lambda: stats)


@dataclass(frozen=True)
class Sized:
    """A split, of which only the number of its spectra counts."""

    count: int
    grid: LogGrid = GRID

    def __len__(self) -> int:
        return self.count


@pytest.mark.parametrize(
    ("devices", "spectra", "resident"),
    [
        ([device("cpu", None)], 10, False),
        ([device("gpu", 60)], 48_000, True),
        ([device("gpu", 60)], 8_000_000, True),  # 28.4 GB of 60
        ([device("gpu", 60)], 9_000_000, False),
        ([device("gpu", 60), device("gpu", 1)], 1_000_000, False),  # the least of them counts
        ([device("gpu", None)], 10, False),
    ],
)
def test_spectra_lie_on_accelerators_where_they_fill_half_of_them_at_most(
    devices: list, spectra: int, resident: bool
):
    place = SimpleNamespace(split=SimpleNamespace(addressable_devices=devices))
    targets = {"label": np.zeros(3, np.int32)}
    halves = [Examples(Sized(n), targets) for n in (spectra // 2, spectra - spectra // 2)]
    assert advance.fits(halves, place) is resident
