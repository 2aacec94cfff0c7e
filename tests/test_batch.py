"""What a worker makes of files."""

import hashlib
import io
from dataclasses import fields
from pathlib import Path

import numpy as np
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from make_fits import write_spec, write_spplate

from data_prep import batch
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.identity import OBJECTS, OBSERVATIONS


def plate(path, fibers=40, pixels=400):
    rng = np.random.default_rng(2)
    flux, ivar = rng.normal(3, 1, (fibers, pixels)), rng.uniform(1, 2, (fibers, pixels))
    return write_spplate(path, flux=flux, ivar=ivar)


def test_checksums_are_those_of_the_files_also_where_a_thread_takes_them(tmp_path, monkeypatch):
    files = [write_spec(tmp_path / "a.fits"), plate(tmp_path / "b.fits")]
    monkeypatch.setattr(batch, "HASHED_MEANWHILE", 200_000)
    assert files[0].stat().st_size < 200_000 < files[1].stat().st_size
    read = batch.read_files([str(f) for f in files], grid=GRID)
    expected = [(str(f), hashlib.sha256(f.read_bytes()).hexdigest()) for f in files]
    assert [(name, digest) for name, digest, _, _ in read.files] == expected
    assert [n for _, _, n, _ in read.files] == [1, 40] and len(read) == 41
    assert read.file.tolist() == [0] + [1] * 40


def test_pixels_that_are_no_numbers_are_marked(tmp_path):
    path = plate(tmp_path / "p.fits")
    with fits.open(path, mode="update") as hdus:
        hdus[0].data[3, 5], hdus["IVAR"].data[21, 6], hdus["IVAR"].data[39, 0] = np.nan, np.inf, -1
    read = batch.read_files([str(path)], grid=GRID)
    assert np.flatnonzero(read.flags & Flag.BAD_PIXELS).tolist() == [3, 21, 39]
    assert np.isfinite(read.flux).all() and np.isfinite(read.ivar).all() and (read.ivar >= 0).all()


def test_of_a_file_that_fails_in_its_middle_nothing_is_kept(tmp_path, monkeypatch):
    """Spectra come in pieces: those before the damage are not trusted either."""
    sound, damaged = plate(tmp_path / "a.fits"), plate(tmp_path / "b.fits", fibers=50)
    whole = fits.ImageHDU.section.fget

    def breaks(hdu):
        section = whole(hdu)

        class Broken:
            def __getitem__(self, rows):
                if Path(hdu.fileinfo()["file"].name) == damaged and rows.start >= 32:
                    raise OSError("Input/output error")
                return section[rows]

        return Broken()

    monkeypatch.setattr(fits.ImageHDU, "section", property(breaks))
    read = batch.read_files([str(damaged), str(sound)], grid=GRID)
    (_, digest, spectra, reason), (_, _, others, fine) = read.files
    assert (digest, spectra, others, fine) == ("", 0, 40, "")
    assert reason.startswith(f"{damaged} cannot be read as FITS")
    assert len(read) == 40 and set(read.file.tolist()) == {1}


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=4),
    names=st.text("añ-9", min_size=0, max_size=12),
    cut=st.floats(0, 1, exclude_max=True),
)
def test_batches_come_back_from_bytes_one_after_the_other_and_a_cut_one_does_not(sizes, names, cut):
    rng = np.random.default_rng(sum(sizes))
    batches = [
        batch.Batch(
            files=[(f"{names}.fits", "ab12", size, names)],
            name=np.array([f"{names}{row}".encode() for row in range(size)], np.bytes_),
            keys=rng.integers(-1, 1 << 62, (size, len(OBSERVATIONS))),
            ids=rng.integers(-1, 1 << 62, (size, len(OBJECTS))),
            on_target=rng.random(size) < 0.9,
            file=np.zeros(size, np.int32),
            flux=rng.normal(size=(size, 443)).astype(np.float32),
            ivar=rng.random((size, 443)).astype(np.float32),
            flags=rng.integers(0, 128, size, dtype=np.int32),
        )
        for size in sizes
    ]
    encoded = [batch.encode(one) for one in batches]
    file = io.BytesIO(b"".join(encoded) + encoded[0][: int(cut * len(encoded[0]))])
    for expected in batches:
        found = batch.decode(file)
        assert found is not None and found.files == expected.files
        for field in fields(batch.Batch)[1:]:
            np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))
    assert batch.decode(file) is None
