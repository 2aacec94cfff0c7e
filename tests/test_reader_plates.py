"""Readers of spPlate and spSpec files, and of the spec files of DR18 and later."""

import gzip

import numpy as np
import pytest
from astropy.io import fits
from make_fits import fiber_of, write_spec, write_spplate, write_spspec
from naming import naming

from spectranet_jax.readers import read, rebin_all
from spectranet_jax.readers.hdu import ROWS_AT_ONCE
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, rebin

PIXELS = 300


def plate(path, **hdus):
    rng = np.random.default_rng(4)
    flux, ivar = rng.normal(3, 1, (4, PIXELS)), rng.uniform(1, 2, (4, PIXELS))
    return write_spplate(path, flux=flux, ivar=ivar, **hdus), np.float32(flux), np.float32(ivar)


@pytest.mark.parametrize("names", [True, False])
def test_every_fiber_of_the_plug_map_is_a_spectrum(tmp_path, names):
    fibers = [1, 7, 500, 1000]
    path, flux, ivar = plate(tmp_path / "p.fits", fibers=fibers, names=names)
    spectra = read(path)
    assert [fiber_of(s) for s in spectra] == [(4055, 55359, fiber) for fiber in fibers]
    assert [s.name for s in spectra][1] == "4055-55359-0007"
    for row, spectrum in enumerate(spectra):
        np.testing.assert_array_equal(spectrum.flux, flux[row])
        np.testing.assert_array_equal(spectrum.ivar, ivar[row])
        assert spectrum.loglam.dtype == np.float64
        np.testing.assert_allclose(spectrum.loglam, 3.55 + 1e-4 * np.arange(PIXELS), rtol=1e-15)


def test_bit_25_of_the_and_mask_alone_masks(tmp_path):
    mask = np.zeros((4, PIXELS), np.int64)
    mask[0, 5], mask[1, 6], mask[2, 7] = 1 << 25, 1 << 24, (1 << 25) + 1
    path, _, _ = plate(tmp_path / "p.fits", and_mask=mask)
    zero = [np.flatnonzero(s.ivar == 0).tolist() for s in read(path)]
    assert zero == [[5], [], [7], []]


def test_a_plate_is_the_same_read_in_pieces(tmp_path):
    """37 fibers are three pieces: the numbers, masks and names are those of the whole images."""
    rng = np.random.default_rng(5)
    shape = (37, PIXELS)
    flux, ivar = np.float32(rng.normal(3, 1, shape)), np.float32(rng.uniform(1, 2, shape))
    mask = np.where(rng.random(shape) < 0.1, 1 << 25, 0)
    path = write_spplate(tmp_path / "p.fits", flux=flux, ivar=ivar, and_mask=mask)
    assert len(flux) > 2 * ROWS_AT_ONCE
    spectra = read(path)
    assert [fiber_of(s)[2] for s in spectra] == list(range(1, 38))
    np.testing.assert_array_equal(np.stack([s.flux for s in spectra]), flux)
    np.testing.assert_array_equal(np.stack([s.ivar for s in spectra]), np.where(mask, 0, ivar))
    for ours, expected in zip(
        rebin_all(spectra, grid=GRID),
        rebin(spectra[0].loglam, flux, np.where(mask, 0, ivar), grid=GRID),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, np.float32(expected))


def cut_away(path, name):
    with fits.open(path) as hdus:
        kept = fits.HDUList([h.copy() for h in hdus if h.name != name])
    kept.writeto(path, overwrite=True)


def other_shape(path):
    with fits.open(path, mode="update") as hdus:
        hdus["IVAR"].data = np.ones((4, PIXELS - 1), np.float32)


def fewer_fibers(path):
    with fits.open(path, mode="update") as hdus:
        hdus["PLUGMAP"].data = hdus["PLUGMAP"].data[:3]


def header(**values):
    def change(path):
        with fits.open(path, mode="update") as hdus:
            hdus[0].header.update(values)

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda path: cut_away(path, "IVAR"), naming("IVAR", "fetch the whole file")),
        (other_shape, naming("flux", "(4, 300)", "IVAR", "(4, 299)")),
        (fewer_fibers, naming("4 spectra", "3 rows", "plug map")),
        (header(VACUUM=False), "wavelengths in air .VACUUM = F"),
        (header(COEFF1=-1e-4), "not log10 of wavelengths"),
        (header(COEFF0=3550.0), "not log10 of wavelengths"),
        (header(COEFF0="x"), "has no wavelengths"),
    ],
)
def test_what_is_wrong_with_a_plate_is_reported(tmp_path, change, sentence):
    path, _, _ = plate(tmp_path / "p.fits")
    change(path)
    with pytest.raises(InputError, match=sentence) as error:
        read(path)
    assert str(error.value).startswith(str(path))


def test_a_plate_without_plug_map_or_plate_number_still_names_its_fibers(tmp_path):
    path, _, _ = plate(tmp_path / "p.fits")
    cut_away(path, "PLUGMAP")
    assert [fiber_of(s)[2] for s in read(path)] == [1, 2, 3, 4]
    with fits.open(path, mode="update") as hdus:
        del hdus[0].header["PLATEID"]
    assert [(s.name, s.identity) for s in read(path)][1] == ("p-0002", {})


def test_an_spspec_file_has_ivar_of_its_errors(tmp_path):
    error = np.full(PIXELS, 0.5)
    error[:4] = 0, -1, np.nan, np.inf
    mask = np.zeros(PIXELS)
    mask[10], mask[11] = 1 << 25, 1 << 24
    flux = np.arange(PIXELS)
    path = write_spspec(tmp_path / "s.fit", flux=flux, error=error, mask=mask)
    packed = tmp_path / "s.fit.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for file in (path, packed):
        (spectrum,) = read(file)
        assert fiber_of(spectrum) == (304, 51609, 87) and spectrum.name == "0304-51609-0087"
        assert np.flatnonzero(spectrum.ivar == 0).tolist() == [0, 1, 2, 3, 10]
        assert (spectrum.ivar[11:] == 4).all()
        np.testing.assert_array_equal(spectrum.flux, flux)
        np.testing.assert_allclose(spectrum.loglam[0], 3.5798)


def test_an_image_of_too_few_rows_is_no_spspec_file(tmp_path):
    image = fits.PrimaryHDU(np.zeros((3, PIXELS), np.float32))
    image.header.update({"PLATEID": 1, "FIBERID": 1, "COEFF0": 3.55, "COEFF1": 1e-4})
    image.writeto(tmp_path / "s.fit")
    with pytest.raises(InputError, match=naming("(3, 300)", "spSpec")):
        read(tmp_path / "s.fit")


def test_wavelengths_in_place_of_errors_are_reported(tmp_path):
    wavelength = 3800.0 + np.arange(PIXELS)
    path = write_spspec(
        tmp_path / "s.fit", flux=wavelength, error=wavelength, mask=np.zeros(PIXELS)
    )
    with pytest.raises(InputError, match=naming("third row", "spSpec")):
        read(path)


def test_a_file_of_dr18_is_named_by_its_catalogid(tmp_path):
    key = (15000, 59146, 27021598056513661)
    (spectrum,) = read(write_spec(tmp_path / "x.fits", key, key_in="dr18", upper=True))
    assert spectrum.name == "015000-59146-27021598056513661"
    assert [spectrum.identity[k] for k in ("FIELD", "MJD", "CATALOGID")] == list(key)


def test_thing_id_is_read_from_the_catalog_values(tmp_path):
    (spectrum,) = read(write_spec(tmp_path / "x.fits", thing_id=515265632))
    assert spectrum.identity["THING_ID"] == 515265632


def test_the_real_files_of_each_format(shared):
    folder = shared / "formats"
    with pytest.raises(InputError, match=naming("spPlate", "IVAR")):
        read(folder / "spPlate-4055-55359-0020.fits")
    (spectrum,) = read(folder / "spSpec-51609-0304-087.fit")
    assert fiber_of(spectrum) == (304, 51609, 87)
    with fits.open(folder / "spSpec-51609-0304-087.fit") as hdus:
        rows, sn_r = np.array(hdus[0].data, np.float64), hdus[0].header["SN_R"]
    np.testing.assert_array_equal(spectrum.flux, rows[0])
    assert (spectrum.ivar > 0).sum() == (rows[2] > 0).sum()
    r_band = (10**spectrum.loglam > 5600) & (10**spectrum.loglam < 6700)
    sn = np.median((spectrum.flux * np.sqrt(spectrum.ivar))[r_band])
    assert sn == pytest.approx(sn_r, rel=0.15)  # the header's own S/N, in r
    (spec,) = read(shared / "boss-dr12-7102" / "spec-7102-56666-0082.fits")
    assert spec.identity["THING_ID"] == 515265632
    coadd = read(folder / "coadd-1-80693-thru20210204.fits.gz")
    assert len(coadd) == 5 and coadd[0].identity["TARGETID"] == 39633559463397282
    flux, ivar = rebin_all(coadd, grid=GRID)
    assert (ivar[:, :435] > 0).all() and not ivar[:, 436:].any()  # 9824 Angstrom is in bin 435
    assert np.isfinite(flux).all()
