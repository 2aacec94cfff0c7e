import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naming import naming

from data_prep.balance import balance
from data_prep.division import FRACTIONS, mix, name_hash, object_hash, split_of
from spectranet_jax.spectra import InputError

IDS = st.lists(st.integers(-1, 2**62), min_size=1, max_size=60)
SEEDS = st.integers(0, 2**40)


def names_of(ids):
    return np.array([b"%d" % (i % 7) for i in ids])


def test_mix_gives_the_published_sequence_of_splitmix64():
    # The first outputs of the reference implementation from state 0.
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    assert [int(mix(0, seed)[0]) for seed in range(4)] == published


def test_name_hash_is_blake2b():
    # BLAKE2b with an 8-byte digest, of the empty string and of "abc", computed with b2sum -l 64.
    assert [f"{h:016x}" for h in name_hash(np.array([b"", b"abc"])).byteswap()] == [
        "e4a6a0577479b2b4",
        "d8bb14d833d59559",
    ]


@given(ids=IDS, seed=SEEDS)
def test_an_object_stands_in_one_split_wherever_its_rows_are(ids, seed):
    ids = np.array(ids, np.int64)
    split = split_of(ids, names_of(ids), seed)
    again = np.concatenate([ids[::-1], ids, np.arange(100)])  # other order, repeats, more data
    grown = split_of(again, names_of(again), seed)
    assert (grown[: len(ids)] == split[::-1]).all()
    assert (grown[len(ids) : 2 * len(ids)] == split).all()


@given(ids=IDS, seed=SEEDS)
def test_names_matter_only_without_an_object(ids, seed):
    ids = np.array(ids, np.int64)
    named, other = names_of(ids), np.array([b"x%d" % i for i in range(len(ids))])
    changed = object_hash(ids, named, seed) != object_hash(ids, other, seed)
    assert (changed == (ids == -1)).all()


@pytest.mark.parametrize("fractions", [FRACTIONS, (0.9, 0.1, 0.0), (0.0, 0.0, 1.0)])
@pytest.mark.parametrize("ids", [np.arange(20_000), 2**40 + 1024 * np.arange(20_000)])
def test_fractions_hold_within_five_sigma(ids, fractions):
    split = split_of(ids, np.full(len(ids), b""), 7, fractions)
    for s, fraction in enumerate(fractions):
        sigma = np.sqrt(len(ids) * fraction * (1 - fraction))
        assert abs((split == s).sum() - len(ids) * fraction) <= 5 * sigma


def test_seeds_divide_independently():
    ids, names = np.arange(20_000), np.full(20_000, b"")
    both = (split_of(ids, names, 1) == 0) & (split_of(ids, names, 2) == 0)
    assert abs(both.mean() - 0.36) < 5 * np.sqrt(0.36 * 0.64 / 20_000)


@pytest.mark.parametrize("fractions", [(0.5, 0.2, 0.2), (0.6, 0.4), (1.2, -0.1, -0.1)])
def test_fractions_that_are_none_are_refused(fractions):
    with pytest.raises(InputError, match="sum to 1"):
        split_of(np.arange(3), np.full(3, b""), 0, fractions)


def test_balance_keeps_equally_many_of_each_class_in_each_split(rng):
    split, label = rng.integers(0, 3, 3000), rng.choice(4, 3000, p=[0.5, 0.3, 0.15, 0.05])
    key = rng.permutation(3000).astype(np.uint64)
    cut = balance(split.astype(np.int8), label.astype(np.int8), key, (0, 1, 2, 3))
    for s in range(3):
        smallest = min(((split == s) & (label == c)).sum() for c in range(4))
        kept = [((split == s) & (label == c) & (key <= cut[s, c])).sum() for c in range(4)]
        assert kept == [smallest] * 4


def test_balance_names_the_class_that_is_empty():
    split, label = np.zeros(3, np.int8), np.array([0, 0, 3], np.int8)
    with pytest.raises(InputError, match=naming("train", "GALAXY")):
        balance(split, label, np.arange(3, dtype=np.uint64), (0, 1))
