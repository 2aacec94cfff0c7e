"""Weights as a file are the weights in memory."""

import hashlib
import json
import struct
from pathlib import Path

import jax
import numpy as np
import pytest
import toy_runs
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from naming import naming

from spectranet_jax.inference import load, versions, weights
from spectranet_jax.inference.loading import DEFAULT
from spectranet_jax.spectra import InputError

TREE = {
    "params": {
        "Dense_0": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)},
        "a": np.ones(2),
    },
    "batch_stats": {"mean": np.zeros(3, np.float32)},
}

NAMES = st.text("abcdefgh_0123", min_size=1, max_size=6)
LEAVES = arrays(np.float32, array_shapes(min_dims=0, max_dims=3, max_side=4))
TREES = st.recursive(
    st.dictionaries(NAMES, LEAVES, min_size=1, max_size=3),
    lambda inner: st.dictionaries(NAMES, inner | LEAVES, min_size=1, max_size=3),
    max_leaves=8,
)


def equal(first: weights.Tree, second: weights.Tree) -> bool:
    """Whether two trees have the same names, dtypes, shapes and bytes (so NaN equals NaN)."""
    a, b = weights.flatten(first), weights.flatten(second)
    return list(a) == list(b) and all(
        a[k].dtype == b[k].dtype and a[k].shape == b[k].shape and a[k].tobytes() == b[k].tobytes()
        for k in a
    )


@pytest.mark.slow
@given(TREES)
def test_flatten_and_unflatten_are_inverse(tree: weights.Tree):
    assert equal(weights.unflatten(weights.flatten(tree)), tree)


def test_names_are_paths_in_sorted_order():
    names = ["batch_stats/mean", "params/Dense_0/kernel", "params/a"]
    assert list(weights.flatten(TREE)) == names


@pytest.mark.slow
@given(TREES)
def test_a_file_gives_back_the_very_weights(tmp_path_factory: pytest.TempPathFactory, tree):
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    weights.save(path, tree)
    assert equal(weights.load(path, tree), tree)


def test_the_file_is_what_the_format_says(tmp_path: Path):
    """safetensors: a 64-bit little-endian length, a JSON header, the arrays."""
    path = tmp_path / "w.safetensors"
    weights.save(path, TREE)
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    kernel = header["params/Dense_0/kernel"]
    assert kernel["dtype"] == "F32" and kernel["shape"] == [2, 3]
    start, stop = (8 + length + offset for offset in kernel["data_offsets"])
    assert np.frombuffer(content[start:stop], "<f4").tolist() == [0, 1, 2, 3, 4, 5]


def test_transposed_views_are_stored_as_they_read(tmp_path: Path):
    tree = {"a": np.arange(6, dtype=np.float32).reshape(2, 3).T, "b": np.arange(9.0)[::2]}
    weights.save(tmp_path / "w.safetensors", tree)
    assert equal(weights.load(tmp_path / "w.safetensors", tree), tree)


def test_sha256_is_over_sorted_names_and_bytes():
    expected = hashlib.sha256()
    expected.update(b"batch_stats/mean\0" + bytes(12))
    expected.update(b"params/Dense_0/kernel\0" + np.arange(6, dtype="<f4").tobytes())
    expected.update(b"params/a\0" + np.ones(2, "<f8").tobytes())
    assert weights.sha256(TREE) == expected.hexdigest()
    turned = {key: TREE[key] for key in reversed(TREE)}
    assert weights.sha256(turned) == weights.sha256(TREE)
    other = {**TREE, "batch_stats": {"mean": np.full(3, 1e-30, np.float32)}}
    assert weights.sha256(other) != weights.sha256(TREE)


@pytest.mark.parametrize("kept", [slice(0), slice(-1), slice(20), slice(8, None), slice(1, None)])
def test_a_damaged_file_is_a_sentence(tmp_path: Path, kept: slice):
    path = tmp_path / "w.safetensors"
    weights.save(path, TREE)
    path.write_bytes(path.read_bytes()[kept])
    with pytest.raises(InputError, match=naming("w.safetensors", "fetch")):
        weights.load(path, TREE)


def test_a_dtype_that_does_not_exist_is_a_sentence(tmp_path: Path):
    path = tmp_path / "w.safetensors"
    weights.save(path, TREE)
    path.write_bytes(path.read_bytes().replace(b'"F32"', b'"F99"'))
    with pytest.raises(InputError, match=naming("safetensors")):
        weights.load(path, TREE)


def test_a_missing_file_is_a_sentence(tmp_path: Path):
    with pytest.raises(InputError, match=naming("safetensors")):
        weights.load(tmp_path / "w.safetensors", TREE)


@pytest.mark.parametrize(
    "other",
    [
        {"params": TREE["params"]},
        {**TREE, "more": np.ones(1)},
        {**TREE, "batch_stats": {"mean": np.zeros(4, np.float32)}},
        {**TREE, "batch_stats": {"mean": np.zeros(3, np.float64)}},
        {**TREE, "batch_stats": {"var": np.zeros(3, np.float32)}},
    ],
)
def test_weights_of_another_network_are_refused(tmp_path: Path, other: weights.Tree):
    weights.save(tmp_path / "w.safetensors", other)
    with pytest.raises(InputError, match="weights of another network"):
        weights.load(tmp_path / "w.safetensors", TREE)


def test_equal_weights_are_equal_bytes(tmp_path: Path):
    for name in ("a", "b"):
        weights.save(tmp_path / f"{name}.safetensors", TREE)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert not list(tmp_path.glob(".writing*"))


def test_who_can_read_a_text_can_read_weights(tmp_path: Path):
    (tmp_path / "text").touch()
    weights.save(tmp_path / "w.safetensors", TREE)
    assert (tmp_path / "w.safetensors").stat().st_mode == (tmp_path / "text").stat().st_mode


def test_a_checkpoint_and_its_safetensors_are_the_same_weights(tmp_path: Path):
    model = load(toy_runs.untrained(tmp_path / "run"))
    weights.save(tmp_path / "w.safetensors", model.variables)
    loaded = weights.load(tmp_path / "w.safetensors", model.variables)
    assert equal(loaded, jax.device_get(model.variables))
    assert weights.sha256(loaded) == model.sha256


@pytest.mark.slow
def test_what_is_shipped_is_whole():
    """Each shipped model has weights, config and card, and its card names its weights."""
    assert DEFAULT in versions.shipped()
    for name, folder in versions.shipped().items():
        model = load(name)
        newest = versions.shipped()[name.split("@")[0]].name
        assert model.name == folder.name == (name if "@" in name else newest)
        assert model.sha256 in (folder / "CARD.md").read_text("utf-8")
