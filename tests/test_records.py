import dataclasses
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectranet_jax.datasets import records
from spectranet_jax.datasets.records import Block, concatenate, decode, encode
from spectranet_jax.spectra import InputError

FIELDS = records.ARRAYS


def make_block(n=5, seed=0):
    rng = np.random.default_rng(seed)
    return Block(
        flux=rng.normal(size=(n, 7)).astype(np.float32),
        ivar=rng.random((n, 7)).astype(np.float32),
        label=rng.integers(-1, 4, n).astype(np.int8),
        bal=rng.integers(-1, 2, n).astype(np.int8),
        z=np.where(rng.random(n) < 0.3, np.nan, rng.random(n)),
        z_conf=rng.integers(0, 4, n).astype(np.int8),
        object_id=rng.integers(-1, 2**60, n),
        name=np.array([b"7102-56666-%04d" % i for i in range(n)], "S15"),
        source=np.array([b"spec.fits"] * n, "S9"),
        sn=rng.random(n).astype(np.float32),
    )


@pytest.mark.parametrize("n", [0, 1, 5, 512])
def test_decoding_gives_back_what_was_encoded(n):
    block = make_block(n)
    back = decode(encode(block))
    assert len(back) == n
    for name in FIELDS:
        before, after = getattr(block, name), getattr(back, name)
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(after, before)


def test_a_record_is_laid_out_as_documented():
    block = make_block()
    record = encode(block)
    magic, length, _ = struct.unpack_from("<4sII", record)
    assert magic == b"SNB1"
    payload = b"".join(getattr(block, name).tobytes() for name in FIELDS)
    assert record[12 + length :] == payload


def test_byte_order_and_memory_layout_do_not_matter():
    block = make_block()
    odd = Block(*(np.asfortranarray(a.astype(a.dtype.newbyteorder(">"))) for a in columns(block)))
    assert encode(odd) == encode(block)


def columns(block):
    return [getattr(block, name) for name in FIELDS]


@given(at=st.integers(0, 10**6), bit=st.integers(0, 7), keep=st.integers(0, 10**6))
def test_no_damage_passes(at, bit, keep):
    record = encode(make_block(2))
    damaged = bytearray(record)
    damaged[at % len(record)] ^= 1 << bit
    with pytest.raises(InputError, match=r"checksum differs|not a block"):
        decode(bytes(damaged))
    with pytest.raises(InputError, match=r"checksum differs|not a block"):
        decode(record[: keep % len(record)])


def test_columns_of_another_version_are_reported(monkeypatch):
    monkeypatch.setattr(records, "ARRAYS", records.ARRAYS[:-1])
    record = records.encode(make_block())
    monkeypatch.undo()
    with pytest.raises(InputError, match="other columns"):
        decode(record)


def test_take_and_concatenate():
    block = make_block(6)
    parts = [block.take(slice(0, 2)), block.take(np.array([4, 2])), block.take(block.label > 9)]
    joined = concatenate(parts)
    assert len(joined) == 4
    for before, after in zip(columns(block), columns(joined), strict=True):
        np.testing.assert_array_equal(after, before[[0, 1, 4, 2]])


def test_identity_is_kept_with_its_rows_and_changes_no_other_byte():
    block, other = make_block(4), make_block(2, seed=1)
    columns = {"RA": np.array([1.0, np.nan, 3, 4]), "SURVEY": np.array(["sdss", "", "sv3", "main"])}
    known = dataclasses.replace(block, identity=columns)
    back = decode(encode(known))
    assert back.identity.keys() == columns.keys()
    for name, values in columns.items():
        np.testing.assert_array_equal(back.identity[name], values)
        np.testing.assert_array_equal(known.take(np.array([2, 0])).identity[name], values[[2, 0]])
    first = {"RA": np.array([9.0, 8.0]), "SURVEY": np.array(["lamost", "boss"])}
    joined = concatenate([dataclasses.replace(other, identity=first), known])
    assert joined.identity["SURVEY"].tolist() == ["lamost", "boss", "sdss", "", "sv3", "main"]
    without = decode(encode(block))
    assert without.identity == {}
    assert all(getattr(back, n).tobytes() == getattr(without, n).tobytes() for n in FIELDS)
