"""DESI coadd and spectra files, real and made."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from make_fits import table, write_spec
from naming import naming

from spectranet_jax import readers
from spectranet_jax.readers import read, rebin_all
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag, pixel_flags

RANGES = {"B": (3600, 5800), "R": (5760, 7620), "Z": (7520, 9824)}


def arms(n: int, names: str = "BRZ") -> dict[str, np.ndarray]:
    """Arrays of a coadd file by HDU name, with a step of 4 Angstrom."""
    made = {}
    for arm in names:
        wavelength = np.arange(*RANGES[arm], 4.0)
        shape = (n, len(wavelength))
        made[f"{arm}_WAVELENGTH"] = wavelength
        made[f"{arm}_FLUX"] = (np.arange(n)[:, None] + wavelength / 1e4).astype(np.float32)
        made[f"{arm}_IVAR"] = np.full(shape, 2, np.float32)
        made[f"{arm}_MASK"] = np.zeros(shape, np.int32)
    return made


def write(path: Path, images: dict[str, np.ndarray], targets: Any = None) -> Path:
    hdus: list = [fits.PrimaryHDU()]
    hdus += [fits.ImageHDU(values, name=name) for name, values in images.items()]
    if targets is not None:
        hdus.insert(3, table({"TARGETID": np.int64(targets)}, "FIBERMAP"))
    fits.HDUList(hdus).writeto(path)
    return path


def test_a_row_a_target_arms_concatenated(tmp_path):
    path = write(tmp_path / "coadd.fits", arms(2), [39633345008634465, -2713437])
    first, second = read(path)
    assert first.name == "39633345008634465" and first.identity["TARGETID"] == 39633345008634465
    assert second.name == "-2713437" and second.source == str(path)
    expected = np.concatenate([np.arange(*RANGES[arm], 4.0) for arm in "BRZ"])
    assert first.loglam.dtype == np.float64
    np.testing.assert_allclose(first.loglam, np.log10(expected), rtol=1e-15)
    np.testing.assert_allclose(second.flux, 1 + expected / 1e4, rtol=1e-6)
    assert (second.ivar == 2).all()
    assert first.flux.dtype == first.ivar.dtype == np.float32


def test_a_petal_is_the_same_read_in_pieces(tmp_path):
    """40 targets are three pieces; the arms' images are set side by side."""
    images = arms(40)
    images["B_MASK"][33, 4] = 1
    spectra = read(write(tmp_path / "x.fits", images, range(100, 140)))
    assert [s.identity["TARGETID"] for s in spectra] == list(range(100, 140))
    whole = np.concatenate([images[f"{arm}_FLUX"] for arm in "BRZ"], axis=1)
    np.testing.assert_array_equal(np.stack([s.flux for s in spectra]), whole)
    assert np.argwhere(np.stack([s.ivar for s in spectra]) == 0).tolist() == [[33, 4]]


def test_hdus_in_any_order_are_the_same(tmp_path):
    images = arms(2)
    a = read(write(tmp_path / "a.fits", images, [5, 6]))
    shuffled = dict(sorted(images.items(), key=lambda item: item[0][::-1]))
    b = read(write(tmp_path / "b.fits", shuffled, [5, 6]))
    for first, second in zip(a, b, strict=True):
        np.testing.assert_array_equal(first.loglam, second.loglam)
        np.testing.assert_array_equal(first.flux, second.flux)
        assert first.name == second.name


def test_masks_and_bad_flux_leave_no_weight(tmp_path):
    images = arms(2)
    images["R_MASK"][1, 7] = 4
    images["B_FLUX"][0, 3] = np.nan
    images["Z_FLUX"][0, 5] = np.inf
    good, bad = len(images["B_WAVELENGTH"]), len(images["R_WAVELENGTH"])
    first, second = read(write(tmp_path / "x.fits", images, [5, 6]))
    assert np.flatnonzero(first.ivar == 0).tolist() == [3, good + bad + 5]
    assert np.flatnonzero(second.ivar == 0).tolist() == [good + 7]
    assert pixel_flags(first.flux, first.ivar) & Flag.BAD_PIXELS  # so that the catalog tells
    assert not pixel_flags(second.flux, second.ivar) & Flag.BAD_PIXELS
    flux, _ = rebin_all([first], grid=GRID)
    assert np.isfinite(flux).all()


def test_an_arm_may_be_missing(tmp_path):
    images = arms(1, "BZ")
    del images["B_MASK"]
    (spectrum,) = read(write(tmp_path / "x.fits", images))
    assert spectrum.name == "0" and spectrum.identity == {}
    _, ivar = rebin_all([spectrum], grid=GRID)
    middle = slice(210, 318)  # 5840 to 7490 Angstrom
    assert not ivar[0, middle].any() and ivar[0, :200].all() and ivar[0, 325:430].all()


def test_rows_of_one_target_stay_rows(tmp_path):
    spectra = read(write(tmp_path / "spectra.fits", arms(3), [7, 7, 8]))
    assert [s.name for s in spectra] == ["7", "7", "8"]


def lack(*names: str):
    def made() -> dict[str, np.ndarray]:
        return {name: values for name, values in arms(2).items() if name not in names}

    return made


def one_row_less() -> dict[str, np.ndarray]:
    return arms(2) | {"R_IVAR": arms(1)["R_IVAR"]}


def arms_of_different_length() -> dict[str, np.ndarray]:
    return arms(2, "BR") | arms(1, "Z")


@pytest.mark.parametrize(
    ("images", "targets", "sentence"),
    [
        (lack("R_IVAR"), None, "R_FLUX but no R_IVAR"),
        (lack("Z_WAVELENGTH"), None, "Z_FLUX but no Z_WAVELENGTH"),
        (one_row_less, None, naming("arm R")),
        (arms_of_different_length, None, "B 2, R 2, Z 1"),
        (lambda: arms(2), [1, 2, 3], naming("2 spectra", "3 rows", "FIBERMAP")),
        (lack("B_FLUX", "R_FLUX", "Z_FLUX"), None, "no spectra in a layout"),
    ],
)
def test_what_is_wrong_is_reported(tmp_path, images, targets, sentence):
    path = write(tmp_path / "x.fits", images(), targets)
    with pytest.raises(InputError, match=sentence) as error:
        read(path)
    assert str(error.value).startswith(str(path))


def test_real_coadds(shared):
    for name, ids in {
        "coadd-1-80693-thru20210204.fits.gz": [39633559463397282, 39633559467591522],
        "coadd-4-80613-thru20210324.fits.gz": [39633345008634465],
        "coadd-sv3-dark-26065.fits.gz": [-2713437, -2713415, 39627866878511337],
    }.items():
        spectra = readers.read(shared / "formats" / name)
        assert [s.identity["TARGETID"] for s in spectra[: len(ids)]] == ids
        assert all(len(s.loglam) == 2751 + 2326 + 2881 for s in spectra)
        with fits.open(shared / "formats" / name) as hdus:
            masked = np.concatenate([hdus[f"{arm}_MASK"].data != 0 for arm in "BRZ"], axis=1)
        for spectrum, mask in zip(spectra, masked, strict=True):
            assert not spectrum.ivar[mask].any()


def test_the_reference_coadd_has_no_fibermap(shared):
    spectra = readers.read(shared / "quasarnp" / "test_coadd.fits.gz")
    assert [s.name for s in spectra] == [str(row) for row in range(25)]


def test_the_content_tells_the_reader(tmp_path, shared):
    """Whatever the name of the file."""
    coadd = write(tmp_path / "spec-1234.fits", arms(2), [5, 6])
    spec = write_spec(tmp_path / "coadd-1.fits")
    assert [s.name for s in readers.read(coadd)] == ["5", "6"]
    assert [s.name for s in readers.read(spec)] == ["7102-56666-0520"]
    (tmp_path / "page.fits").write_text("<html>404</html>")
    with pytest.raises(InputError, match=naming("FITS")):
        readers.read(tmp_path / "page.fits")
    with pytest.raises(InputError, match="REDSHIFTS"):
        readers.read(shared / "formats" / "redrock-4-80613-thru20210324.fits")
