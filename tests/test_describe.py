import re

import numpy as np
import pytest
from naming import naming
from test_write import make_block, write_all

from data_prep import describe as describing
from data_prep import write
from data_prep.dataset_sheet import SN_EDGES, Z_EDGES, Tally
from data_prep.describe import Config, describe
from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.manifest import SPLITS
from spectranet_jax.spectra import CLASSES, InputError


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Drawing the examples takes seconds; `test_the_card_shows...` draws."""
    monkeypatch.setattr("data_prep.dataset_sheet.contact_sheet", lambda *_: None)


def test_the_tally_is_that_of_the_spectra():
    block = make_block(1500)
    block.ivar[:300, :20] = 0
    block.z_conf[::7] = 2
    redshifts = [
        "missing" if np.isnan(z) else "secure" if conf == 3 else "unsure"
        for z, conf in zip(block.z, block.z_conf, strict=True)
    ]
    tally = Tally(443)
    for start in range(0, 1500, 400):
        tally.add(block.take(slice(start, start + 400)))
    assert tally.spectra == 1500
    for label in range(len(CLASSES)):
        z = block.z[(block.label == label) & np.isfinite(block.z)]
        np.testing.assert_array_equal(tally.z[label], np.histogram(z, Z_EDGES)[0])
        assert tally.sn[label].sum() == (block.label == label).sum()
        assert sum((b.label == label).sum() for b in tally.examples) == 18
    assert [tally.z_secure, tally.z_unsure, tally.z_missing] == [
        sum(block.label[row] != 0 and state == kind for row, state in enumerate(redshifts))
        for kind in ("secure", "unsure", "missing")
    ]
    assert tally.z_secure + tally.z_unsure + tally.z_missing == (block.label != 0).sum()
    quasars = block.bal[block.label >= 2].tolist()
    counts = [tally.bal, tally.no_bal, tally.bal_unsure]
    assert counts == [quasars.count(value) for value in (1, -1, 0)] and sum(counts) == len(quasars)
    np.testing.assert_array_equal(tally.covered, (block.ivar > 0).sum(axis=0))
    assert len(tally.sn[0]) == len(SN_EDGES) - 1


@pytest.mark.slow
def test_the_card_shows_what_the_dataset_holds(tmp_path, capsys, monkeypatch):
    monkeypatch.undo()
    contents = write_all(tmp_path / "d", make_block(1500), creator={"program": "test <x>"})
    describe(Config(tmp_path / "d"))
    printed = capsys.readouterr().out
    page = (tmp_path / "d" / "card.html").read_text()
    for split in SPLITS:
        for name in CLASSES:
            assert f"<td>{contents.counts[split][name]}</td>" in page
    assert contents.fingerprint in page and contents.fingerprint in printed
    assert "test &lt;x&gt;" in page and "Every block is intact" in page
    assert re.search(r"all \d blocks are intact", printed)
    for picture in ("card.png", "card_examples.png"):
        assert picture in page
        assert (tmp_path / "d" / picture).read_bytes()[1:4] == b"PNG"
    assert manifest.read(tmp_path / "d") == contents  # a card is no part of the dataset


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 4
    path.write_bytes(content)


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "SHARD_SIZE", 1500)
    return tmp_path / "d", write_all(tmp_path / "d", make_block(4000))


@pytest.mark.slow
def test_a_damaged_block_is_named(dataset, tmp_path, capsys):
    folder, contents = dataset
    shard = contents.shards["train"][1]
    assert shard.blocks == 3
    flip(folder / shard.file, 0.5)  # in the second of three blocks
    with pytest.raises(InputError, match=naming("1 places", f"{shard.file}, block 1 of 3")):
        describe(Config(folder, out=tmp_path / "card"))
    assert f"damaged: {shard.file}, block 1 of 3, is damaged" in capsys.readouterr().out
    assert f"<li>{shard.file}, block 1 of 3" in (tmp_path / "card" / "card.html").read_text()
    assert not (folder / "card.html").exists()


def test_every_block_of_every_shard_is_looked_at(dataset):
    folder, contents = dataset
    shards = [shard for split in SPLITS for shard in contents.shards[split]]
    for shard in shards:
        flip(folder / shard.file, 1000 / (folder / shard.file).stat().st_size)
    damage = [c.damage for c in describing.checked_blocks(folder, contents) if c.block is None]
    assert [d.partition(",")[0] for d in damage] == [shard.file for shard in shards]


def test_a_shard_that_is_cut_lost_or_changed_elsewhere_is_reported(dataset):
    folder, contents = dataset
    a, b, c = (
        folder / shard.file for shard in contents.shards["train"][:2] + contents.shards["test"][:1]
    )
    a.write_bytes(a.read_bytes()[:70_000])
    b.unlink()
    flip(c, 1 - 1e-7)
    damage = [x.damage for x in describing.checked_blocks(folder, contents) if x.block is None]
    assert damage[0].startswith(f"{a.name} holds 0 blocks where 3 were written")
    assert damage[1] == f"{b.name} is missing"
    assert damage[2] == f"{c.name} differs from its sha256, outside its blocks"


def test_a_record_that_another_program_wrote_is_reported(dataset):
    from array_record.python.array_record_module import ArrayRecordWriter

    folder, contents = dataset
    shard = contents.shards["valid"][0]
    writer = ArrayRecordWriter(str(folder / shard.file), "group_size:1")
    for _ in range(shard.blocks):
        writer.write(b"something else")
    writer.close()
    damage = [x.damage for x in describing.checked_blocks(folder, contents) if x.block is None]
    assert damage[0] == f"{shard.file}, block 0 of {shard.blocks}, is damaged (checksum differs)"


def test_what_is_no_dataset_is_reported(tmp_path):
    with pytest.raises(InputError, match=r"holds no manifest.json"):
        describe(Config(tmp_path))
