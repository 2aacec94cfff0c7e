"""Public spectra by name: downloads are compared with the checksums in the repository."""

import csv
import gzip
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from make_fits import write_spec
from naming import naming
from stored_spectra import stored
from toy_archive import served

from data_prep import public_sets, sdss
from data_prep import survey_files as surveys
from data_prep.archive import RUNS
from data_prep.download import Config, download
from data_prep.public_sets import SAMPLE, content_sha256, public_spectra
from spectranet_jax.spectra import CLASSES, InputError

ROWS = [
    (SAMPLE, "dr12", "v5_7_0", 7102, 56666, 1, "QSO", "2.5"),
    (SAMPLE, "dr12", "v5_7_0", 7102, 56666, 2, "STAR", "0"),
    ("faint", "dr17", "", 266, 51602, 3, "GALAXY", "0.1"),
    ("sky", "dr17", "26", 267, 51602, 4, "SKY", ""),
]
HEADING = "SET,RELEASE,RUN2D,PLATE,MJD,FIBERID,CLASS,Z,SHA256"


@pytest.fixture
def server(monkeypatch):
    with served(monkeypatch) as made:
        yield made


@pytest.fixture
def archive(server, tmp_path, monkeypatch):
    """The spectra of `ROWS` in an archive, and a table of them."""
    lines = [HEADING]
    for row in ROWS:
        *_, plate, mjd, fiber, _, _ = row
        name = f"spec-{plate:04d}-{mjd}-{fiber:04d}.fits"
        path = write_spec(tmp_path / name, (plate, mjd, fiber), flux=np.arange(4600) % 7 + fiber)
        server.contents[name] = path.read_bytes()
        lines.append(",".join(map(str, (*row, content_sha256(path)))))
        path.unlink()
    (tmp_path / "table.csv").write_text("".join(f"{line}\n" for line in lines))
    monkeypatch.setattr(public_sets, "TABLE", tmp_path / "table.csv")
    return server


def test_the_sample_comes_with_labels_and_makes_a_dataset(archive, tmp_path, monkeypatch, capsys):
    out = tmp_path / "spectra"
    summary = download(Config(out, sample=True, base_url=archive.url))
    assert summary.fetched == 2 and f"labels: {out / 'labels.csv'}" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        "labels.csv",
        "spec-7102-56666-0001.fits",
        "spec-7102-56666-0002.fits",
    ]
    assert archive.requests[0][0].startswith("/sas/dr12/boss/spectro/redux/v5_7_0/spectra/lite/")
    monkeypatch.setattr(surveys, "contact_sheet", lambda *_: None)
    sdss.work(sdss.Config((str(out / "labels.csv"),), (str(out),), tmp_path / "d"))
    block, _ = stored(tmp_path / "d")
    assert [CLASSES[label] for label in block.label] == ["QSO", "STAR"]
    assert block.z.tolist() == [2.5, 0.0]
    assert download(Config(out, sample=True, base_url=archive.url)).present == 2


def test_the_sets_come_to_a_folder_each(archive, tmp_path):
    out = tmp_path / "sets"
    archive.behavior = {"spec-0266-51602-0003.fits": ["404", "serve"]}  # not of run 26
    assert download(Config(out, sets=True, base_url=archive.url)).fetched == 2
    assert (out / "faint" / "spec-0266-51602-0003.fits").exists()
    assert (out / "sky" / "labels.csv").read_text().splitlines()[1] == "267,51602,4,SKY,"
    asked = [path for path, _ in archive.requests if "0266" in path]
    assert [path.split("/")[6] for path in asked] == ["26", "103"]


def test_a_file_that_is_another_does_not_stay(archive, tmp_path):
    first, second = (f"spec-7102-56666-000{n}.fits" for n in (1, 2))
    archive.contents[first] = archive.contents[second]
    out = tmp_path / "spectra"
    with pytest.raises(InputError, match=naming("1 of 2 files", "SHA-256")):
        download(Config(out, sample=True, base_url=archive.url))
    assert not (out / first).exists() and (out / second).exists()
    assert (out / "failed.txt").read_text().startswith(f"{first}  # its spectrum has SHA-256 ")
    write_spec(out / first, (7102, 56666, 1), flux=np.ones(4600))  # someone else's
    with pytest.raises(InputError, match=naming("1 of 2 files", "SHA-256")):
        download(Config(out, sample=True, base_url=archive.url))
    assert (out / first).exists()


def test_a_checksum_is_of_what_is_read_alone(tmp_path):
    def written(file, **options):
        return content_sha256(write_spec(tmp_path / file, **options))

    same = written("a.fits")
    assert written("b.fits", upper=True, name="", key_in="table", key=(1, 2, 3)) == same
    (tmp_path / "c.fits.gz").write_bytes(gzip.compress((tmp_path / "a.fits").read_bytes()))
    assert content_sha256(tmp_path / "c.fits.gz") == same
    changed = np.ones(4600)
    changed[99] = 0
    others = {written("d.fits", ivar=changed), written("e.fits", and_mask=1 - changed)}
    assert len(others | {same}) == 3


def test_the_table_names_twenty_spectra_of_four_classes_and_the_sets():
    rows = public_spectra()
    sample = [row for row in rows if row.set == SAMPLE]
    assert len(sample) == len({row.wanted for row in sample}) == 20
    assert {row.label for row in sample} == set(CLASSES)
    for row in rows:
        assert row.release in RUNS and re.fullmatch("[0-9a-f]{64}", row.sha256)
        assert row.label in (*CLASSES, "SKY") and (row.z or row.label == "SKY")
        run = row.wanted.run
        assert run in (*RUNS[row.release], "26", "103", "104") or row.wanted.plate < 3510
    places = Counter((row.set, row.wanted.plate, row.wanted.mjd, row.wanted.fiber) for row in rows)
    assert set(places.values()) == {1}


@pytest.mark.slow
def test_the_table_is_that_of_the_real_files(shared):
    """Labels, redshifts and checksums, for each file but that of a run that was never published."""
    with (shared / "index.csv").open() as file:
        listed = [row for row in csv.DictReader(file) if row["run2d"] != "v5_11_0"]
    fiber = ("plate", "mjd", "fiber")
    real = {
        (Path(row["file"]).parts[0], *(int(float(row[name])) for name in fiber)): row
        for row in listed
    }
    rows = public_spectra()
    assert len(real) == sum(row.set != SAMPLE for row in rows)
    for row in rows:
        key = (row.wanted.plate, row.wanted.mjd, row.wanted.fiber)
        sets = [row.set] if row.set != SAMPLE else ["boss-dr12-7102", "bright-galaxies"]
        (index,) = (real[name, *key] for name in sets if (name, *key) in real)
        assert content_sha256(shared / index["file"]) == row.sha256
        assert row.label == index["label"]
        assert float(row.z or "nan") == pytest.approx(float(index["z"] or "nan"), nan_ok=True)
