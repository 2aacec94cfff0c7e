import dataclasses
import json

import pytest

from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.manifest import FILE_NAME, SCHEMA, Manifest, Shard
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError


def make_manifest(**changes):
    content = {
        "grid": GRID,
        "shards": {
            "train": [Shard("train-0", 600, 2, "aa"), Shard("train-1", 512, 1, "bb")],
            "valid": [],
            "test": [Shard("test-0", 9, 1, "cc")],
        },
        "counts": {"train": {"QSO": 1112}, "valid": {}, "test": {"QSO": 9}},
        "split": {"rule": "hash", "seed": 3, "fractions": [0.6, 0.2, 0.2]},
        "sources": [{"file": "a.fits", "sha256": "00"}],
        "creator": {"program": "spectranet-jax"},
        "report": {"rows_in": 1121, "rows_out": 1121, "reasons": {}},
        "noiseless": ["train"],
    }
    return Manifest(**(content | changes))


def test_reading_gives_back_what_was_written(tmp_path):
    manifest.write(tmp_path, make_manifest())
    assert manifest.read(tmp_path) == make_manifest()
    content = json.loads((tmp_path / FILE_NAME).read_text())
    assert content["schema"] == SCHEMA and content["fingerprint"] == make_manifest().fingerprint


def test_the_fingerprint_follows_the_data_and_nothing_else():
    base = make_manifest()
    shards = base.shards
    other = make_manifest(creator={}, sources=[], report={}, counts={})
    assert other.fingerprint == base.fingerprint
    backward = {split: list(reversed(shards[split])) for split in reversed(shards)}
    assert make_manifest(shards=backward).fingerprint == base.fingerprint
    changed = [dataclasses.replace(shards["test"][0], sha256="cd")]
    assert make_manifest(shards=shards | {"test": changed}).fingerprint != base.fingerprint
    renamed = [dataclasses.replace(shards["test"][0], file="test-1")]
    assert make_manifest(shards=shards | {"test": renamed}).fingerprint != base.fingerprint
    assert make_manifest(shards=shards | {"test": []}).fingerprint != base.fingerprint


def edit(**changes):
    def write(folder):
        manifest.write(folder, make_manifest())
        content = json.loads((folder / FILE_NAME).read_text())
        content |= changes
        content = {k: v for k, v in content.items() if v is not None}
        (folder / FILE_NAME).write_text(json.dumps(content))

    return write


def text(content):
    return lambda folder: (folder / FILE_NAME).write_bytes(content)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder.rmdir(), "is not a folder; prepare"),
        (lambda _: None, "holds no manifest.json: .* prepare it anew"),
        (text(b"{"), "is not a manifest"),
        (text(b"[]"), "is not a manifest"),
        (text(b"\xff"), "is not a manifest"),
        (
            edit(schema=SCHEMA + 1),
            f"has schema {SCHEMA + 1} and this version reads schema {SCHEMA}",
        ),
        (edit(grid=None), "lacks what a manifest holds"),
        (edit(counts=None), "lacks what a manifest holds"),
        (edit(shards=["train"]), "lacks what a manifest holds"),
        (edit(shards={"train": [{"file": "x"}]}), "lacks what a manifest holds"),
    ],
)
def test_what_is_no_dataset_is_told(tmp_path, make, sentence):
    folder = tmp_path / "data"
    folder.mkdir()
    make(folder)
    with pytest.raises(InputError, match=sentence):
        manifest.read(folder)
