"""A worker's reading of files for a dataset: spectra, names and checksums, and their bytes."""

import hashlib

import numpy as np
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from make_fits import write_spec, write_spplate

from data_prep import labeled_files
from data_prep.labeled_files import IDS, KEYS, ON_TARGET
from spectranet_jax.readers.file_reading import FileRead, Reading
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.identity import OBJECTS, OBSERVATIONS


def plate(path, fibers=40, pixels=400):
    rng = np.random.default_rng(2)
    flux, ivar = rng.normal(3, 1, (fibers, pixels)), rng.uniform(1, 2, (fibers, pixels))
    return write_spplate(path, flux=flux, ivar=ivar)


def test_checksums_are_those_of_the_files_also_where_a_thread_takes_them(tmp_path, monkeypatch):
    files = [write_spec(tmp_path / "a.fits"), plate(tmp_path / "b.fits")]
    monkeypatch.setattr(labeled_files, "HASHED_MEANWHILE", 200_000)
    assert files[0].stat().st_size < 200_000 < files[1].stat().st_size
    read = labeled_files.read_files([str(f) for f in files], grid=GRID)
    expected = [(str(f), hashlib.sha256(f.read_bytes()).hexdigest()) for f in files]
    assert [(file.name, file.sha256) for file in read.files] == expected
    assert [file.spectra for file in read.files] == [1, 40] and len(read) == 41
    assert read.file_index.tolist() == [0] + [1] * 40
    assert read.file == [str(files[0])] + [str(files[1])] * 40


def test_pixels_that_are_no_numbers_are_marked(tmp_path):
    path = plate(tmp_path / "p.fits")
    with fits.open(path, mode="update") as hdus:
        hdus[0].data[3, 5], hdus["IVAR"].data[21, 6], hdus["IVAR"].data[39, 0] = np.nan, np.inf, -1
    read = labeled_files.read_files([str(path)], grid=GRID)
    assert np.flatnonzero(read.flags & Flag.BAD_PIXELS).tolist() == [3, 21, 39]
    flux, ivar = read.pixels[GRID]
    assert np.isfinite(flux).all() and np.isfinite(ivar).all() and (ivar >= 0).all()


def test_of_a_file_that_fails_in_its_middle_nothing_is_kept(tmp_path, monkeypatch):
    """Spectra come in pieces: those before the damage are not trusted either."""
    sound, damaged = plate(tmp_path / "a.fits"), plate(tmp_path / "b.fits", fibers=50)
    whole = fits.ImageHDU.section.fget

    def breaks(hdu):
        section = whole(hdu)

        class Broken:
            def __getitem__(self, rows):
                if hdu.shape[0] == 50 and rows.start >= 32:
                    raise OSError("Input/output error")
                return section[rows]

        return Broken()

    monkeypatch.setattr(fits.ImageHDU, "section", property(breaks))
    read = labeled_files.read_files([str(damaged), str(sound)], grid=GRID)
    broken, whole_file = read.files
    assert (broken.sha256, broken.spectra) == ("", 0)
    assert (whole_file.spectra, whole_file.error) == (40, "")
    assert broken.error.startswith(f"{damaged} ") and read.errors == [broken.error]
    assert len(read) == 40 and set(read.file_index.tolist()) == {1}


@settings(max_examples=60, deadline=None)
@given(size=st.integers(0, 9), name=st.text("añ-9\udce9", min_size=0, max_size=12))
def test_a_reading_survives_its_bytes(size, name):
    rng = np.random.default_rng(size)
    pixels = rng.random((2, size, 443)).astype(np.float32)
    reading = Reading(
        files=[FileRead(f"{name}.fits", size, name, "ab12")],
        file_index=np.zeros(size, np.int32),
        name=np.array([f"{name}{row}" for row in range(size)], np.str_),
        flags=rng.integers(0, 128, size, dtype=np.int32),
        pixels={GRID: (pixels[0], pixels[1])},
        columns={
            KEYS: rng.integers(-1, 1 << 62, (size, len(OBSERVATIONS))),
            IDS: rng.integers(-1, 1 << 62, (size, len(OBJECTS))),
            ON_TARGET: rng.random(size) < 0.9,
        },
    )
    same_as(labeled_files.decode(labeled_files.encode(reading), GRID), reading)


def same_as(again: Reading, reading: Reading) -> None:
    assert again.files == reading.files and list(again.columns) == list(reading.columns)
    for name in ("file_index", "name", "flags"):
        np.testing.assert_array_equal(getattr(again, name), getattr(reading, name))
    for name, values in reading.columns.items():
        np.testing.assert_array_equal(again.columns[name], values)
    np.testing.assert_array_equal(again.pixels[GRID], reading.pixels[GRID])


def test_files_that_were_read_survive_their_bytes_also_unreadable_ones(tmp_path):
    paths = [str(write_spec(tmp_path / "a.fits")), str(plate(tmp_path / "b.fits")), "gone.fits"]
    reading = labeled_files.read_files(paths, grid=GRID)
    same_as(labeled_files.decode(labeled_files.encode(reading), GRID), reading)
    assert [file.spectra for file in reading.files] == [1, 40, 0]
    assert "gone.fits does not exist" in reading.files[2].error
