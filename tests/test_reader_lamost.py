"""LAMOST spectra in both layouts, and files of other surveys that resemble known ones."""

import numpy as np
import pytest
from astropy.io import fits
from make_fits import table

from spectranet_jax import readers
from spectranet_jax.inference import load
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError

PIXELS = 300
WAVELENGTH = 10 ** (3.5682 + 1e-3 * np.arange(PIXELS))


def image(path, rows, **header):
    hdu = fits.PrimaryHDU(np.float32(rows))
    hdu.header.update(header)
    hdu.writeto(path, overwrite=True)
    return path


def dr5(path, rng, mask=None, **header):
    """Rows as of LAMOST's DR5, and the keywords that an spSpec file has too."""
    mask = np.zeros(PIXELS) if mask is None else mask
    rows = [rng.normal(500, 30, PIXELS), np.full(PIXELS, 0.004), WAVELENGTH, mask, mask]
    known = {"TELESCOP": "LAMOST", "COEFF0": 3.5682, "COEFF1": 1e-3, "FIBERID": 61}
    named = {"LMJD": 55895, "PLANID": "B9505", "SPID": 16}
    return image(path, rows, **known | named | header)


def dr8(path, like):
    """The same as a table of one row."""
    with fits.open(like) as hdus:
        rows, header = hdus[0].data, hdus[0].header
        primary = fits.PrimaryHDU()
        for key in ("TELESCOP", "LMJD", "PLANID", "SPID", "FIBERID"):
            primary.header[key] = header[key]
    names = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK")
    columns = [
        fits.Column(name, f"{PIXELS}E", array=row[None])
        for name, row in zip(names, rows, strict=True)
    ]
    fits.HDUList([primary, fits.BinTableHDU.from_columns(columns, name="COADD")]).writeto(path)
    return path


def test_both_layouts_give_the_same_spectrum(tmp_path, rng):
    mask = np.zeros(PIXELS)
    mask[7], mask[8], mask[9] = 32, 8, 32 + 8  # 8 is a bright sky, which ivar tells
    old = dr5(tmp_path / "old.fits", rng, mask)
    new = dr8(tmp_path / "new.fits", old)
    (a,), (b,) = readers.read(old), readers.read(new)
    assert a.name == b.name == "55895-B9505_sp16-061"
    np.testing.assert_allclose(10**a.loglam, WAVELENGTH, rtol=1e-6)
    for first, second in ((a.loglam, b.loglam), (a.flux, b.flux), (a.ivar, b.ivar)):
        np.testing.assert_array_equal(first, second)
    assert np.flatnonzero(a.ivar == 0).tolist() == [7, 9]
    assert a.ivar[0] == np.float32(0.004)  # the row of ivar, not that of wavelengths


@pytest.mark.slow
def test_real_lamost_stars_are_stars(shared):
    """An M3 and a DB, by their headers."""
    paths = sorted((shared / "cases" / "01-lamost").glob("*.fits"))
    flux, ivar = readers.rebin_all([readers.read(path)[0] for path in paths], grid=GRID)
    table = load().predict(flux, ivar)
    assert table["CLASS"].tolist() == ["STAR", "STAR"] and (table["P_STAR"] > 0.99).all()
    assert (table["SN"] > 10).all()


def one_row(names, extension, **header):
    def make(path):
        columns = [fits.Column(name, "50E", array=np.ones((1, 50))) for name in names]
        hdu = fits.BinTableHDU.from_columns(columns, name=extension)
        primary = fits.PrimaryHDU()
        primary.header.update(header)
        fits.HDUList([primary, hdu]).writeto(path)

    return make


def an_image(shape=(5, 50), **header):
    return lambda path: image(path, np.ones(shape), **header)


def a_table_without_wavelengths(path):
    columns = {"FLUX": np.ones(9, np.float32), "IVAR": np.ones(9, np.float32)}
    fits.HDUList([fits.PrimaryHDU(), table(columns)]).writeto(path)


FOREIGN = {
    "mwmStar": (one_row(("FLUX", "IVAR", "WAVELENGTH"), "BOSS/APO"), "mwmStar"),
    "mwmVisit": (one_row(("FLUX", "IVAR", "LOGLAM"), "APOGEE/LCO"), "mwmStar"),
    "phase 3": (one_row(("WAVE", "FLUX", "ERR"), "SPECTRUM", ORIGIN="ESO"), "ESO"),
    "lamost mrs": (one_row(("FLUX", "IVAR"), "COADD_B", TELESCOP="LAMOST"), "LAMOST"),
    "rows, lamost's but 3": (an_image((3, 50), TELESCOP="LAMOST", COEFF0=3.6), "LAMOST"),
    "another five rows": (an_image(COEFF0=3.6, COEFF1=1e-4, FIBERID=3), "no spectra"),
    "many rows": (an_image((90, 50), COEFF0=3.6, COEFF1=1e-4), "no spectra"),
    "iraf": (an_image((50,), CRVAL1=3700.0, CDELT1=1.2), "IRAF"),
    "no wavelengths": (a_table_without_wavelengths, "no wavelengths"),
    "a picture": (an_image((60, 60)), "no spectra"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_refused_by_name(tmp_path, kind):
    make, named = FOREIGN[kind]
    path = tmp_path / "x.fits"
    make(path)
    with pytest.raises(InputError, match=named) as error:
        readers.read(path)
    assert str(error.value).startswith(str(path))
    assert ("damaged" not in str(error.value) and "fetch" not in str(error.value)) or (
        kind == "no wavelengths"
    )
