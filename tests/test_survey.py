"""Datasets of files of many kinds: what is joined, counted, and left out."""

import csv
import hashlib
from contextlib import nullcontext

import numpy as np
import pytest
from astropy.io import fits
from make_fits import superset, table, write_catalog, write_coadd, write_spec, write_spplate
from short_plates import config, make
from stored_spectra import stored

from data_prep import survey_files as surveys
from data_prep.check import source_list_damage
from data_prep.join import NO_TARGET, SAME_FILE
from data_prep.selection import NO_ROW
from spectranet_jax.datasets import manifest
from spectranet_jax.readers import read
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, rebin


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(surveys, "contact_sheet", lambda *_: None)


@pytest.fixture(scope="module")
def plates(tmp_path_factory):
    return make(tmp_path_factory.mktemp("plates"))


def test_a_plate_and_its_spec_files_make_the_same_dataset(tmp_path, rng):
    flux, ivar = rng.normal(3, 1, (6, 4600)), rng.uniform(1, 2, (6, 4600))
    fibers = [1, 2, 3, 500, 501, 1000]
    folder = tmp_path / "plate" / "spectra"
    folder.mkdir(parents=True)
    write_spplate(folder / "spPlate-4055-55359.fits", flux=flux, ivar=ivar, fibers=fibers)
    keys = [(4055, 55359, fiber) for fiber in fibers[:4]]
    write_catalog(tmp_path / "plate" / "catalog.fits", keys, superset([1, 4, 3, 30]))
    contents = surveys.prepare(config(tmp_path / "plate", tmp_path / "d"), "data_prep.sdss")
    assert contents.report["reasons"] == {NO_ROW: 2}  # fibers that the catalog does not choose
    block, _ = stored(tmp_path / "d")
    assert block.name.tolist() == [b"4055-55359-%04d" % fiber for fiber in fibers[:4]]
    loglam = 3.55 + 1e-4 * np.arange(4600)
    expected = rebin(loglam, np.float32(flux[:4]), np.float32(ivar[:4]), grid=GRID)
    np.testing.assert_allclose(block.flux, expected[0], rtol=2e-6)
    np.testing.assert_allclose(block.ivar, expected[1], rtol=2e-6)
    assert block.label.tolist() == [0, 1, 2, 3]


def test_desi_is_joined_on_the_target(tmp_path, rng):
    folder = tmp_path / "spectra"
    folder.mkdir()
    write_coadd(folder / "coadd-0.fits", [11, 12, 13], rng, step=8)
    write_coadd(folder / "coadd-1.fits", [13, 5], rng, step=8)
    (folder / "again.fits").write_bytes((folder / "coadd-0.fits").read_bytes())
    for n, (ids, kinds) in enumerate([([11, 12, 13], ["STAR", "QSO", "GALAXY"]), ([5], ["QSO"])]):
        columns = {
            "TARGETID": np.int64(ids),
            "Z": np.arange(len(ids)) / 2,
            "ZWARN": np.int64([0] * len(ids)),
            "SPECTYPE": kinds,
        }
        hdus = fits.HDUList([fits.PrimaryHDU(), table(columns, "REDSHIFTS")])
        hdus.writeto(tmp_path / f"redrock-{n}.fits")
    settings = surveys.Config((f"{tmp_path}/redrock-*.fits",), (str(folder),), tmp_path / "d")
    contents = surveys.prepare(settings, "data_prep.desi")
    assert contents.report["reasons"] == {SAME_FILE: 3} and contents.report["rows_in"] == 8
    block, splits = stored(tmp_path / "d")
    assert block.object_id.tolist() == [11, 12, 13, 13, 5]
    assert contents.report["by_object"] == 4  # TARGETID 13 of coadd-1, and again.fits
    assert block.label.tolist() == [0, 2, 1, 1, 2] and block.z.tolist() == [0, 0.5, 1, 1, 0]
    assert splits[2] == splits[3]  # two spectra of one object
    spectrum = read(folder / "coadd-1.fits")[1]
    expected = rebin(spectrum.loglam, spectrum.flux, spectrum.ivar, grid=GRID)[0]
    np.testing.assert_allclose(block.flux[4], expected, rtol=2e-6)


def test_repeats_of_an_object_are_joined_by_thing_id_and_share_a_split(tmp_path, rng):
    folder = tmp_path / "spectra"
    folder.mkdir()
    keys = [(7000 + i, 56000, 5) for i in range(6)]
    for key in keys:
        write_spec(folder / f"{key[0]}.fits", key, flux=rng.normal(3, 1, 4600), thing_id=77)
    write_catalog(tmp_path / "catalog.fits", keys[:1], superset([3], thing_id=[77]))
    contents = surveys.prepare(config(tmp_path, tmp_path / "d", seed=2), "data_prep.sdss")
    assert contents.report["rows_out"] == 6
    block, splits = stored(tmp_path / "d")
    assert set(block.object_id.tolist()) == {77} and len(set(splits.tolist())) == 1


def test_spectra_with_masked_pixels_are_counted(tmp_path):
    folder = tmp_path / "spectra"
    folder.mkdir()
    flux, ivar = np.arange(4600.0), np.ones(4600)
    flux[7], ivar[9] = np.nan, -1
    pixels = [(flux, np.ones(4600)), (np.arange(4600), ivar), (flux, ivar)]
    for fiber, (f, w) in enumerate(pixels, start=1):
        write_spec(folder / f"{fiber}.fits", (7000, 56000, fiber), flux=f, ivar=w)
    write_spec(folder / "sound.fits", (7000, 56000, 9))
    keys = [(7000, 56000, fiber) for fiber in (1, 2, 3, 9)]
    write_catalog(tmp_path / "catalog.fits", keys, superset([3] * 4))
    contents = surveys.prepare(config(tmp_path, tmp_path / "d"), "data_prep.sdss")
    assert contents.report["masked"] == 3 and contents.report["rows_out"] == 4


@pytest.mark.slow
def test_every_source_file_is_listed_with_its_checksum(plates, tmp_path):
    (tmp_path / "spectra").mkdir()
    names = sorted(path.name for path in (plates / "spectra").iterdir())[:5]
    for name in names:
        (tmp_path / "spectra" / name).write_bytes((plates / "spectra" / name).read_bytes())
    odd = tmp_path / "spectra" / 'a "b", c.fits'
    odd.write_bytes(b"SIMPLE but cut")
    (tmp_path / "catalog.fits").write_bytes((plates / "catalog.fits").read_bytes())
    contents = surveys.prepare(config(tmp_path, tmp_path / "d"), "data_prep.sdss")
    with (tmp_path / "d" / "sources.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    paths = [odd, *(tmp_path / "spectra" / name for name in names)]
    digests = ["", *(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths[1:])]
    assert [row["file"] for row in rows] == [str(path) for path in paths]
    assert [row["sha256"] for row in rows] == digests
    assert [row["spectra"] for row in rows] == ["0"] + ["1"] * 5
    listed = (tmp_path / "d" / "sources.csv").read_bytes()
    sha256 = hashlib.sha256(listed).hexdigest()
    assert contents.sources[1] == {"spectra": "sources.csv", "files": 6, "sha256": sha256}

    assert source_list_damage(tmp_path / "d", contents) == []
    (tmp_path / "d" / "sources.csv").write_bytes(listed[:-1])
    assert source_list_damage(tmp_path / "d", contents) == ["sources.csv differs from its sha256"]
    (tmp_path / "d" / "sources.csv").unlink()
    assert source_list_damage(tmp_path / "d", contents) == ["sources.csv is missing"]


@pytest.mark.slow
@pytest.mark.parametrize(("silent", "lines"), [(60.0, 0), (0.0, 2)])
def test_unmatched_plates_say_so_and_no_more_unless_it_took_long(
    plates, tmp_path, monkeypatch, capsys, silent, lines
):
    monkeypatch.setattr("spectranet_jax.progress.SILENT", silent)
    other = write_catalog(tmp_path / "o.fits", [(1, 2, 3)], superset([3]))
    monkeypatch.setattr(surveys, "notice_if_slow", lambda _: nullcontext())
    settings = surveys.Config((str(other),), (str(plates / "spectra"),), tmp_path / "d")
    with pytest.raises(InputError, match=r"o\.fits .*; give the catalog"):
        surveys.prepare(settings, "data_prep.sdss")
    assert [p.name for p in tmp_path.rglob("*")] == ["o.fits"]
    assert capsys.readouterr().err.count("\n") == lines


def test_real_desi_files(shared, tmp_path):
    folder = shared / "formats"
    settings = surveys.Config(
        (str(folder / "redrock-4-80613-thru20210324.fits"),),
        (str(folder / "coadd-4-80613-thru20210324.fits.gz"), str(folder / "coadd-sv3*.gz")),
        tmp_path / "d",
    )
    contents = surveys.prepare(settings, "data_prep.desi")
    assert contents.report["rows_in"] == 6 and contents.report["reasons"] == {
        NO_ROW: 4,
        NO_TARGET: 1,
    }
    block, _ = stored(tmp_path / "d")
    assert block.name.tolist() == [b"39633345008634465"] and block.label.tolist() == [1]
    np.testing.assert_allclose(block.z, 0.36874355, atol=1e-8)
    assert contents.sources[0]["kinds"] == ["DESI redrock"]


@pytest.mark.slow
def test_real_plates_with_the_pipelines_classes(shared, tmp_path):
    spectra = f"{shared}/boss-dr16-quasars/spec-3655-*"
    catalog = shared / "formats" / "spAll-plate3655.fits"
    contents = surveys.prepare(
        surveys.Config((str(catalog),), (spectra,), tmp_path / "d"), "data_prep.sdss"
    )
    files = len(list((shared / "boss-dr16-quasars").glob("spec-3655-*")))
    assert contents.report["rows_in"] == files > 30
    assert contents.report["rows_out"] + sum(contents.report["reasons"].values()) == files
    block, _ = stored(tmp_path / "d")
    assert (block.label == 2).all() and len(block) == contents.report["rows_out"]


@pytest.mark.slow
def test_the_real_plate_with_a_published_split(shared, tmp_path):
    folder = shared / "boss-dr12-7102"
    names = sorted(path.name for path in folder.glob("spec-*"))
    lists = tmp_path / "lists"
    lists.mkdir()
    for split, listed_names in (("test", names[:10]), ("valid", names[10:15])):
        text = "".join(f"7102/{name.removesuffix('.gz')}\n" for name in listed_names)
        (lists / f"dr12q_superset_{split}.lst").write_text(text)
    settings = surveys.Config(
        (str(folder / "Superset_DR12Q-excerpt.fits"),),
        (str(folder),),
        tmp_path / "d",
        split_lists=lists,
    )
    contents = surveys.prepare(settings, "data_prep.sdss")
    assert [sum(contents.counts[s].values()) for s in manifest.SPLITS] == [25, 5, 10]
    block, splits = stored(tmp_path / "d")
    listed = {name[5:20].encode() for name in names[:10]}
    assert set(block.name[splits == "test"].tolist()) == listed
