"""The spectra of a batch: every one once per epoch, as a function of the step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectranet_jax.spectra import InputError
from spectranet_jax.training.order import GROUP, chunked, shuffled

SIZES = st.lists(st.integers(0, 30), min_size=1, max_size=40).map(np.array)


@pytest.mark.slow
@given(sizes=SIZES, batch=st.integers(1, 64), epoch=st.integers(0, 2), seed=st.integers(0, 9))
def test_an_epoch_sees_no_spectrum_twice_and_all_but_the_last_short_batch(
    sizes: np.ndarray, batch: int, epoch: int, seed: int
):
    if sizes.sum() < batch:
        with pytest.raises(InputError, match=rf"^{sizes.sum()} .*--batch"):
            shuffled(sizes, batch, 3, seed)
        return
    order = shuffled(sizes, batch, 3, seed)
    first = epoch * order.steps_per_epoch
    seen = np.concatenate([order.positions(first + i) for i in range(order.steps_per_epoch)])
    assert len(np.unique(seen)) == len(seen) == sizes.sum() // batch * batch
    assert seen.min() >= 0
    assert seen.max() < sizes.sum()
    assert order.steps == 3 * order.steps_per_epoch


def test_order_depends_on_step_epoch_and_seed_alone():
    sizes = np.full(20, 100)
    order, again, other = (shuffled(sizes, 64, 2, seed) for seed in (1, 1, 2))
    backwards = [again.positions(step) for step in reversed(range(again.steps))]
    for step, batch in enumerate(reversed(backwards)):
        np.testing.assert_array_equal(order.positions(step), batch)
    assert not np.array_equal(order.positions(0), other.positions(0))
    assert not np.array_equal(order.positions(0), order.positions(order.steps_per_epoch))


def test_a_batch_touches_no_more_blocks_than_two_groups_hold():
    sizes = np.full(64, 100)
    order = shuffled(sizes, 128, 1, 0)
    for step in range(order.steps):
        assert len(np.unique(order.positions(step) // 100)) <= 2 * GROUP
    group = np.concatenate([order.positions(step) for step in range(6)]) // 100
    assert len(np.unique(group)) == GROUP  # 768 of the first group's 800 spectra
    assert len(np.unique(order.positions(0) // 100)) == GROUP  # and well mixed


def test_chunked_trains_ten_times_on_each_chunk_before_the_next():
    """The report: 24,000 spectra are six chunks of 4,000, with 10 epochs on each."""
    order = chunked(np.full(48, 500), batch=400, epochs=10, seed=3)
    assert (order.steps, order.steps_per_epoch) == (6 * 10 * 10, 100)
    chunks = []
    for chunk in range(6):
        passes = [
            np.concatenate([order.positions(chunk * 100 + p * 10 + i) for i in range(10)])
            for p in range(10)
        ]
        members = np.unique(passes[0])
        assert len(members) == 4000
        assert all(np.array_equal(np.unique(members_seen), members) for members_seen in passes)
        assert not np.array_equal(passes[0], passes[1])
        chunks.append(members)
    assert len(np.unique(np.concatenate(chunks))) == 24_000


def test_chunked_takes_what_there_is_where_that_is_less_than_a_chunk():
    order = chunked(np.array([300, 200]), batch=100, epochs=2, seed=0)
    assert (order.steps, order.steps_per_epoch) == (10, 10)
    with pytest.raises(InputError, match=r"\b50 .*\b100\b.*--batch"):
        chunked(np.array([50]), batch=100, epochs=2, seed=0)
