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
        "effects": ("noise", "sky"),
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
    ("make", "words"),
    [
        (lambda folder: folder.rmdir(), r"data .*data_prep\.mock"),
        (lambda _: None, r"data .*manifest\.json.*data_prep"),
        (text(b"{"), r"manifest\.json is not"),
        (text(b"[]"), r"manifest\.json is not"),
        (text(b"\xff"), r"manifest\.json is not"),
        (
            edit(schema=SCHEMA + 1),
            rf"manifest\.json .*\b{SCHEMA + 1}\b.*\b{SCHEMA}\b",
        ),
        (edit(grid=None), r"manifest\.json lacks"),
        (edit(counts=None), r"manifest\.json lacks"),
        (edit(shards=["train"]), r"manifest\.json lacks"),
        (edit(shards={"train": [{"file": "x"}]}), r"manifest\.json lacks"),
        (edit(effects=["noise", "rain"]), r"manifest\.json .*'rain'"),
        (edit(effects=5), r"manifest\.json lacks"),
    ],
)
def test_what_is_no_dataset_is_reported(tmp_path, make, words):
    folder = tmp_path / "data"
    folder.mkdir()
    make(folder)
    with pytest.raises(InputError, match=words):
        manifest.read(folder)


@pytest.mark.parametrize(
    ("noiseless", "settings", "effects"),
    [
        (["train"], {"config": {"effects": ["sky"]}}, ("sky",)),
        ([], {"config": {"effects": ["sky"]}}, None),
        (["train"], {}, None),
    ],
)
def test_effects_of_datasets_from_before_the_field_are_those_of_the_settings(
    tmp_path, noiseless, settings, effects
):
    edit(effects=None, noiseless=noiseless, creator=settings)(tmp_path)
    assert "effects" not in json.loads((tmp_path / FILE_NAME).read_text())
    assert manifest.read(tmp_path).effects == effects
