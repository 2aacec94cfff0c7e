"""Spec files sliced from memory: the same numbers as astropy's, or left to it."""

import gzip

import numpy as np
import pytest
from astropy.io import fits
from make_fits import write_coadd, write_spec

from spectranet_jax import readers
from spectranet_jax.readers import sdss_spec
from spectranet_jax.readers.fits import open_fits
from spectranet_jax.readers.plain_spec import read_plain


def by_astropy(path):
    with open_fits(path) as hdus:
        return list(sdss_spec.spectra(hdus))


def assert_equal(plain, other):
    (first,), (second,) = plain, other
    assert (first.name, first.source, first.flags) == (second.name, second.source, second.flags)
    assert list(first.identity.items()) == list(second.identity.items())
    assert list(map(type, first.identity.values())) == list(map(type, second.identity.values()))
    for name in ("loglam", "flux", "ivar"):
        ours, theirs = getattr(first, name), getattr(second, name)
        assert ours.dtype == theirs.dtype and ours.dtype.isnative and ours.flags.writeable
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("key_in", ["header", "table", "dr18", ""])
@pytest.mark.parametrize("upper", [False, True])
def test_a_plain_file_is_read_as_astropy_reads_it(tmp_path, key_in, upper):
    rng = np.random.default_rng(2)
    mask = rng.integers(0, 2, 4600) << 25
    flux = rng.normal(3, 1, 4600)
    flux[:3] = np.nan, np.inf, -np.inf
    options = {"flux": flux, "ivar": rng.uniform(0, 2, 4600), "and_mask": mask, "thing_id": 77}
    path = write_spec(tmp_path / "s.fits", key_in=key_in, upper=upper, **options)
    plain = read_plain(path)
    assert plain is not None
    assert_equal(plain, by_astropy(path))


def packed(path):
    path.write_bytes(gzip.compress(path.read_bytes()))


def cut(path):
    path.write_bytes(path.read_bytes()[:40_000])


def edited(**keywords):
    def edit(path):
        with fits.open(path, mode="update") as hdus:
            for keyword, value in keywords.items():
                hdus[1].header[keyword] = value

    return edit


def with_checksum(path):
    with fits.open(path) as hdus:
        copy = fits.HDUList([hdu.copy() for hdu in hdus])
    copy.writeto(path, overwrite=True, checksum=True)


@pytest.mark.parametrize(
    "change", [packed, cut, with_checksum, edited(TSCAL1=2.0), edited(TNULL4=0), edited(PCOUNT=4)]
)
def test_what_is_not_plain_is_left_to_astropy(tmp_path, change):
    path = write_spec(tmp_path / "s.fits", thing_id=77)
    assert read_plain(path) is not None
    change(path)
    assert read_plain(path) is None


def test_other_files_are_left_to_astropy(tmp_path):
    coadd = tmp_path / "c.fits"
    write_coadd(coadd, [1], np.random.default_rng(0), step=8)
    without = write_spec(tmp_path / "s.fits", loglam_in="header")
    for path in (coadd, without, tmp_path / "gone.fits", tmp_path):
        assert read_plain(path) is None
    assert len(readers.read(without)) == 1


@pytest.mark.slow
def test_every_real_spec_file_is_read_as_astropy_reads_it(shared, tmp_path):
    """Those of the archive are plain, once unpacked."""
    plain = 0
    for file in sorted(shared.rglob("spec-*.fits*")):
        content = file.read_bytes()
        path = tmp_path / "spec.fits"
        path.write_bytes(gzip.decompress(content) if file.suffix == ".gz" else content)
        spectra = read_plain(path)
        if spectra is not None:
            assert_equal(spectra, by_astropy(path))
            plain += 1
    assert plain >= 380
