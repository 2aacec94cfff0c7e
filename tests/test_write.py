import hashlib
from pathlib import Path

import numpy as np
import pytest
from array_record.python.array_record_module import ArrayRecordReader

from data_prep import write
from data_prep.division import FRACTIONS, by_hash, split_of
from data_prep.write import BALANCED_AWAY, Plan, Provenance, first_block, write_dataset
from spectranet_jax.datasets import manifest, records
from spectranet_jax.datasets.manifest import SPLITS
from spectranet_jax.datasets.records import Block
from spectranet_jax.spectra import CLASSES, InputError
from spectranet_jax.spectra import QUASARNET_GRID as GRID

FIELDS = records.ARRAYS


def make_block(n, rng=None, classes=(0.4, 0.3, 0.2, 0.1)):
    rng = rng or np.random.default_rng(5)
    flux = rng.normal(size=(n, 443)).astype(np.float32)
    number = np.arange(n)
    return Block(
        flux=flux,
        ivar=np.abs(flux),
        label=rng.choice(4, n, p=classes).astype(np.int8),
        bal=rng.integers(-1, 2, n).astype(np.int8),
        z=np.where(number % 5, rng.random(n), np.nan),
        z_conf=np.full(n, 3, np.int8),
        object_id=np.where(number % 9, number // 3, -1),  # repeats, and some without an object
        name=np.array([b"s%d" % i for i in number]),
        source=np.array([b"file%d" % (i % 12) for i in number]),
        sn=rng.random(n).astype(np.float32),
    )


def write_all(
    out, block, size=100, seed=3, fractions=FRACTIONS, report=None, creator=None, **options
):
    blocks = (block.take(slice(i, i + size)) for i in range(0, len(block), size))
    plan = Plan(GRID, len(block), seed, by_hash(seed, fractions), **options)
    return write_dataset(out, blocks, plan, Provenance(creator or {}, report=report or {}))


def read_shard(path: Path) -> list[Block]:
    reader = ArrayRecordReader(str(path))
    blocks = [records.decode(r) for r in reader.read(list(range(reader.num_records())))]
    reader.close()
    return blocks


def read_split(out: Path, contents, split: str) -> list[Block]:
    return [b for shard in contents.shards[split] for b in read_shard(out / shard.file)]


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(write, "SHARD_SIZE", 300)


def test_every_spectrum_is_there_once_unchanged_and_in_the_split_of_its_object(tmp_path):
    block = make_block(2000)
    contents = write_all(tmp_path / "data", block)
    by_split = {s: records.concatenate(read_split(tmp_path / "data", contents, s)) for s in SPLITS}
    expected = split_of(block.object_id, block.name, 3)
    for s, split in enumerate(SPLITS):
        stored = by_split[split]
        assert sorted(stored.name.tolist()) == sorted(block.name[expected == s].tolist())
        rows = np.array([int(n[1:]) for n in stored.name.tolist()])
        assert (rows != np.sort(rows)).any()  # permuted
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(stored, field), getattr(block, field)[rows])
        counts = {c: int((stored.label == i).sum()) for i, c in enumerate(CLASSES)}
        assert contents.counts[split] == counts
    objects = [set(b.object_id.tolist()) - {-1} for b in by_split.values()]
    assert not (objects[0] & objects[1] or objects[0] & objects[2] or objects[1] & objects[2])


@pytest.mark.usefixtures("small_shards")
def test_the_manifest_on_disk_describes_the_files(tmp_path):
    out = tmp_path / "data"
    contents = write_all(out, make_block(2000), noiseless=["train"], creator={"program": "test"})
    assert manifest.read(out) == contents
    assert contents.noiseless == ["train"] and contents.creator == {"program": "test"}
    assert contents.split["seed"] == 3 and contents.split["fractions"] == [0.6, 0.2, 0.2]
    assert contents.report == {"rows_in": 2000, "rows_out": 2000, "reasons": {}}
    shards = [shard for split in SPLITS for shard in contents.shards[split]]
    assert [len(contents.shards[s]) for s in SPLITS] == [4, 2, 2]  # ceil(expected / 300)
    assert contents.shards["valid"][1].file == "valid-00001-of-00002.array_record"
    assert {p.name for p in out.iterdir()} == {s.file for s in shards} | {manifest.FILE_NAME}
    for shard in shards:
        assert hashlib.sha256((out / shard.file).read_bytes()).hexdigest() == shard.sha256
        sizes = [len(b) for b in read_shard(out / shard.file)]
        assert len(sizes) == shard.blocks and sum(sizes) == shard.spectra
        assert all(n == records.BLOCK_SIZE for n in sizes[:-1])


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("size", [7, 512, 2000])
def test_bytes_do_not_depend_on_how_spectra_arrive(tmp_path, rng, size):
    block = make_block(1500)
    first = write_all(tmp_path / "a", block)
    arrived = block.take(rng.permutation(len(block)))
    second = write_all(tmp_path / "b", arrived, size=size)
    assert first == second
    for shard in first.shards["train"]:
        assert (tmp_path / "a" / shard.file).read_bytes() == (
            tmp_path / "b" / shard.file
        ).read_bytes()


def test_two_spectra_of_the_same_name_do_not_make_the_order_matter(tmp_path):
    block = make_block(40)
    twins = records.concatenate([block, block.take(slice(0, 40))])
    twins.flux[40:] += 1
    backward = twins.take(np.arange(80)[::-1])
    same = write_all(tmp_path / "a", twins) == write_all(tmp_path / "b", backward)
    assert same


def test_another_seed_is_another_dataset(tmp_path):
    block = make_block(300)
    first = write_all(tmp_path / "a", block)
    assert write_all(tmp_path / "b", block, seed=4).fingerprint != first.fingerprint


def test_texts_have_one_width_in_a_shard_however_they_arrive(tmp_path):
    block = make_block(1200)
    contents = write_all(tmp_path / "data", block, size=10)  # s0 to s9 arrive with width 2
    blocks = read_split(tmp_path / "data", contents, "train")
    assert len(blocks) == 2
    assert {b.name.dtype for b in blocks} == {np.dtype("S5")}
    assert {b.source.dtype for b in blocks} == {np.dtype("S6")}


def test_balancing_comes_after_the_split_and_is_counted(tmp_path):
    block = make_block(2000)
    plain = write_all(tmp_path / "plain", block)
    report = {"rows_in": 2100, "reasons": {"too faint": 100}}
    balanced = write_all(tmp_path / "even", block, balance=(0, 1, 2, 3), report=report)
    for split in SPLITS:
        smallest = min(plain.counts[split].values())
        assert balanced.counts[split] == dict.fromkeys(CLASSES, smallest)
        kept, all_of_them = (
            {n for b in read_split(out, c, split) for n in b.name.tolist()}
            for out, c in ((tmp_path / "even", balanced), (tmp_path / "plain", plain))
        )
        assert kept < all_of_them
    out = sum(sum(c.values()) for c in balanced.counts.values())
    assert balanced.report == {
        "rows_in": 2100,
        "rows_out": out,
        "reasons": {"too faint": 100, BALANCED_AWAY: 2000 - out},
    }


def test_balancing_leaves_out_the_classes_that_are_not_asked_for(tmp_path):
    contents = write_all(tmp_path / "data", make_block(500), balance=(2, 3))
    assert contents.counts["train"]["STAR"] == contents.counts["train"]["GALAXY"] == 0
    assert contents.counts["train"]["QSO"] == contents.counts["train"]["QSO_BAL"] > 0


def test_a_split_that_gets_nothing_has_no_shard(tmp_path):
    contents = write_all(tmp_path / "data", make_block(20), fractions=(1.0, 0.0, 0.0))
    assert contents.shards["valid"] == contents.shards["test"] == []
    assert sum(contents.counts["train"].values()) == 20


def test_the_first_block_is_a_block_of_the_dataset(tmp_path):
    contents = write_all(tmp_path / "data", make_block(2000))
    block = first_block(tmp_path / "data", contents)
    assert len(block) == 512
    stored = read_split(tmp_path / "data", contents, "train")[0]
    np.testing.assert_array_equal(block.flux, stored.flux)


def empty_class(tmp_path):
    write_all(tmp_path / "out", make_block(100, classes=(0.5, 0.5, 0, 0)), balance=(0, 1, 2))


def nothing(tmp_path):
    report = {"rows_in": 7, "reasons": {"too faint": 7}}
    plan = Plan(GRID, 7, 0, by_hash(0))
    write_dataset(tmp_path / "out", [], plan, Provenance({}, report=report))


def taken_by_a_dataset(tmp_path):
    write_all(tmp_path / "taken", make_block(10))
    write_all(tmp_path / "taken", make_block(10))


def taken_by_something_else(tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.tex").touch()
    write_all(tmp_path / "taken", make_block(10))


def under_a_file(tmp_path):
    (tmp_path / "taken").touch()
    write_all(tmp_path / "taken" / "out", make_block(10))


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        (empty_class, "train split has no spectrum of QSO.*give more"),
        (nothing, r"no spectrum is left to write to .*out \(too faint: 7\)"),
        (taken_by_a_dataset, "already holds a dataset; choose another folder, or remove it"),
        (taken_by_something_else, "is not an empty folder; choose another"),
        (under_a_file, "cannot write .*Not a directory"),
    ],
)
def test_what_cannot_be_written_is_reported_and_leaves_nothing_behind(tmp_path, do, sentence):
    with pytest.raises(InputError, match=sentence):
        do(tmp_path)
    assert [p.name for p in tmp_path.iterdir() if p.name != "taken"] == []


def test_an_interrupted_stream_leaves_nothing_behind(tmp_path):
    def blocks():
        yield make_block(10)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path / "out", blocks(), Plan(GRID, 9, 0, by_hash(0)), Provenance({}))
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_free(tmp_path):
    (tmp_path / "out").mkdir()
    write_all(tmp_path / "out", make_block(10))
    assert manifest.read(tmp_path / "out").report["rows_out"] == 10


def test_spectra_lie_in_shards_as_they_are_in_memory(tmp_path: Path):
    """Not compressed, which noise hardly shrinks and reading would wait for."""
    block = make_block(600)
    write_all(tmp_path / "data", block)
    content = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("*.array_record"))
    as_they_are = [row.tobytes() in content for row in block.flux]
    assert np.mean(as_they_are) > 0.9  # some lie across a border of ArrayRecord's own blocks
