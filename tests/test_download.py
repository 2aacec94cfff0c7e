"""Downloading the spectra of a catalog, from an archive that misbehaves."""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from make_fits import superset, table, write_catalog, write_spec
from naming import naming
from toy_archive import content_of, served

from data_prep import archive, fetch
from data_prep.archive import Wanted
from data_prep.download import Config, download
from spectranet_jax.readers import sdss_spec
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import FIBER

KEYS = [(7102, 56666, fiber) for fiber in range(1, 9)] + [(10656, 58163, 366)]


@pytest.fixture
def server(monkeypatch):
    with served(monkeypatch) as made:
        yield made


@pytest.fixture
def settings(server, tmp_path):
    catalog = write_catalog(tmp_path / "catalog.fits", KEYS, superset([3] * len(KEYS)))
    return Config(tmp_path / "spectra", catalog, "dr12", base_url=server.url)


def name_of(key) -> str:
    return archive.file_name(Wanted(*key), "spec-lite")


def test_every_file_comes_to_its_plate(server, settings):
    summary = download(settings)
    assert (summary.fetched, summary.present, summary.missing, summary.failed) == (9, 0, [], [])
    for key in KEYS:
        path = settings.out / f"{key[0]:04d}" / name_of(key)
        assert path.read_bytes() == content_of(path.name)
    assert (settings.out / "10656" / "spec-10656-58163-0366.fits").exists()
    assert server.requests[0][0].startswith("/sas/dr12/boss/spectro/redux/v5_7_0/spectra/lite/")
    assert server.most <= settings.connections
    asked = len(server.requests)
    again = download(settings)
    assert (again.present, again.fetched, len(server.requests)) == (9, 0, asked)


def test_a_server_in_trouble_loses_nothing(server, settings, capsys):
    names = [name_of(key) for key in KEYS]
    server.checksums = {name: hashlib.sha1(content_of(name)).hexdigest() for name in names}
    server.behavior = {
        names[0]: ["drop", "truncate"],
        names[1]: ["500", "503"],
        names[2]: ["damaged"],
        names[3]: ["never"],
        names[4]: ["page"],
        names[5]: ["truncate", "500", "truncate"],
        names[8]: ["other run"],
    }
    summary = download(settings)
    assert summary.missing == [names[3]] and summary.fetched == 8
    for key in KEYS:
        path = settings.out / f"{key[0]:04d}" / name_of(key)
        assert path.exists() == (path.name != names[3])
        assert not path.exists() or path.read_bytes() == content_of(path.name)
    left = [p.name for p in settings.out.rglob("*") if ".part" in p.name]
    assert left == []
    asked = [wants for path, wants in server.requests if path.endswith(names[5])]
    assert asked[0] == "" and asked[1] == asked[2] == "bytes=144000-"  # half of 100 blocks
    assert asked[3] == "bytes=216000-"
    assert (settings.out / "missing.txt").read_text() == f"{names[3]}\n"
    assert "not in the archive: 1 (listed in" in capsys.readouterr().out
    runs = Counter(p.split("/")[6] for p, _ in server.requests if p.endswith(names[3]))
    assert runs == {"v5_7_0": 1, "v5_7_2": 1}  # asked for once a run: no is no


def test_a_file_that_never_comes_whole_is_reported_and_tried_again_by_the_next_run(
    server, settings
):
    name = name_of(KEYS[0])
    server.behavior = {name: ["500"] * fetch.TRIES, name_of(KEYS[1]): ["403"]}
    with pytest.raises(InputError, match=naming("2 of 9 files", "run the same command")):
        download(settings)
    text = (settings.out / "failed.txt").read_text()
    assert f"{name}  # the server answers 500" in text and "answers 403" in text
    assert not (settings.out / "7102" / name).exists()
    assert download(settings).fetched == 2
    assert not (settings.out / "failed.txt").exists()


def test_an_interrupted_file_is_resumed_by_the_next_run_unless_it_changed(server, tmp_path):
    url, path = f"{server.url}/x/a.fits", tmp_path / "a.fits"
    server.behavior = {"a.fits": ["truncate"]}
    with pytest.raises(fetch.FetchError, match=naming(144000, 288000)):
        fetch.fetch(url, path, tries=1)
    assert not path.exists()
    assert fetch.fetch(url, path) == 144_000
    assert path.read_bytes() == content_of("a.fits")
    path.unlink()
    server.behavior = {"a.fits": ["truncate", "changed"]}
    with pytest.raises(fetch.FetchError):
        fetch.fetch(url, path, tries=1)
    assert fetch.fetch(url, path) == 288_000  # from the start, since it is another file now
    assert path.read_bytes()[10:] == content_of("a.fits")[::-1][10:]


def test_damage_shows_by_the_published_checksum_only(server, tmp_path):
    server.behavior = {"a.fits": ["damaged"] * 2}
    digest = hashlib.sha1(content_of("a.fits")).hexdigest()
    with pytest.raises(fetch.FetchError, match=naming(digest, 2)):
        fetch.fetch(f"{server.url}/a.fits", tmp_path / "a.fits", digest, tries=2)
    assert list(tmp_path.iterdir()) == []
    fetch.fetch(f"{server.url}/a.fits", tmp_path / "a.fits", digest)


def test_pauses_grow_and_heed_the_server(server, tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr(fetch.time, "sleep", pauses.append)
    server.behavior = {"a.fits": ["500", "500", "500", "503"]}
    fetch.fetch(f"{server.url}/a.fits", tmp_path / "a.fits")
    for pause, shortest in zip(pauses, (1, 2, 4, 8), strict=True):
        assert shortest <= pause <= 1.5 * shortest
    server.behavior = {"b.fits": ["503"]}
    fetch.fetch(f"{server.url}/b.fits", tmp_path / "b.fits")
    assert 2 <= pauses[-1] <= 3  # Retry-After: 2


def test_a_server_that_is_not_there_is_reported_at_once_and_ends_the_work(settings, capsys):
    gone = replace(settings, base_url="http://127.0.0.1:9/sas")
    sentence = naming("first 3 files", "127.0.0.1:9", "6 times")
    with pytest.raises(InputError, match=sentence):
        download(gone)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert lines == ["cannot reach 127.0.0.1:9: Connection refused; trying again"]
    assert captured.out == ""
    assert not [path for path in settings.out.rglob("*") if path.is_file()]


def test_fewer_files_than_that_are_reported_one_by_one(settings, server, tmp_path):
    two = write_catalog(tmp_path / "two.fits", KEYS[:2], superset([3, 3]))
    gone = Config(tmp_path / "d", two, "dr12", base_url="http://127.0.0.1:9/sas")
    with pytest.raises(InputError, match=r"2 of 2 files .* because 127.0.0.1:9 cannot be reached"):
        download(gone)
    server.behavior = {name_of(key): ["never"] for key in KEYS}
    assert len(download(settings).missing) == len(KEYS)  # an answer, though a sad one


def test_the_remark_counts_what_came_and_what_did_not(server, settings, capsys, monkeypatch):
    monkeypatch.setattr("spectranet_jax.progress.SILENT", 0.0)
    server.behavior = {name_of(KEYS[0]): ["403"], name_of(KEYS[1]): ["never"]}
    with pytest.raises(InputError, match=naming(1, 9)):
        download(settings)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "fetching files: 9/9 7 fetched, 1 failed, 1 missing"


def test_a_spectrum_is_no_list_of_what_to_fetch(tmp_path):
    spec = write_spec(tmp_path / "spec.fits", key_in="table")
    with pytest.raises(InputError, match=naming("spec.fits", "catalog")):
        download(Config(tmp_path / "d", spec, "dr12"))


def test_plates_are_fetched_once_and_runs_follow_the_catalog(server, tmp_path):
    columns = {"RUN2D": ["v5_13_2 ", "v5_13_2 ", "26      ", "damaged "]}
    keys = [(7102, 56666, 1), (7102, 56666, 2), (266, 51602, 3), (7103, 56666, 1)]
    catalog = write_catalog(tmp_path / "c.fits", keys, columns)
    catalog.write_bytes(catalog.read_bytes().replace(b"damaged", b"d\xe1maged"))
    settings = Config(tmp_path / "d", catalog, "dr17", files="spPlate", base_url=server.url)
    assert download(settings).fetched == 3
    assert sorted(path for path, _ in server.requests) == [
        "/sas/dr17/eboss/spectro/redux/v5_13_2/7102/spPlate-7102-56666.fits",
        "/sas/dr17/eboss/spectro/redux/v5_13_2/7103/spPlate-7103-56666.fits",
        "/sas/dr17/sdss/spectro/redux/26/0266/spPlate-0266-51602.fits",
    ]


def test_a_catalog_without_plates_is_reported(tmp_path):
    path = tmp_path / "c.fits"
    fits.HDUList([fits.PrimaryHDU(), table({"TARGETID": np.int64([1])})]).writeto(path)
    with pytest.raises(InputError, match=naming("PLATE", "MJD", "FIBERID")):
        download(Config(tmp_path / "d", path, "dr12"))
    with pytest.raises(InputError, match=naming(40, 1, 16)):
        download(Config(tmp_path / "d", path, "dr12", connections=40))


def test_names_are_those_of_the_reader():
    for key in [*KEYS, (266, 51602, 7)]:
        name = sdss_spec.name_of(dict(zip(FIBER, key, strict=True)))
        assert name_of(key) == f"spec-{name}.fits"
        assert Path(name_of(key)).suffix == ".fits"
