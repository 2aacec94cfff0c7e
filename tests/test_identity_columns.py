"""Position and ids of spectra, from files to the columns of a catalog."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from make_fits import table

from spectranet_jax.readers import read
from spectranet_jax.spectra.identity_columns import (
    IDENTITY_COLUMNS,
    NO_NUMBER,
    identity_columns,
    unknown,
)
from spectranet_jax.spectra.sky_position import position


@pytest.mark.parametrize(
    ("ra", "dec", "known"),
    [
        (187.5, -13.8, True),
        (0, 12, True),
        (360, 90, True),
        (0, 0, False),
        (-999, -999, False),
        (361, 0, False),
        (10, 91, False),
        (np.nan, 0, False),
        (None, 5, False),
        ("", "", False),
    ],
)
def test_a_position_is_one_on_the_sky(ra: object, dec: object, known: bool) -> None:
    assert position(ra, dec) == ({"RA": ra, "DEC": dec} if known else {})


def test_columns_have_a_value_that_means_unknown() -> None:
    known = {"SURVEY": "sv3", "RA": 1.5, "DEC": -2.5, "TARGETID": -2713437, "PLATE": 7102}
    columns = identity_columns([known, {}])
    assert columns.keys() == IDENTITY_COLUMNS.keys()
    for name, values in columns.items():
        assert unknown(values).tolist() == [name not in known, True], name
    assert columns["TARGETID"].tolist() == [-2713437, NO_NUMBER]


def test_the_field_of_the_imaging_is_not_that_of_sdss_v() -> None:
    boss, sdss_v = {"PLATE": 7102, "FIELD": 25}, {"FIELD": 15000, "CATALOGID": 7}
    assert identity_columns([boss, sdss_v])["FIELD"].tolist() == [NO_NUMBER, 15000]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            "boss-dr12-7102/spec-7102-56666-0082.fits",
            {"SURVEY": "boss", "PLATE": 7102, "MJD": 56666, "FIBERID": 82, "THING_ID": 515265632},
        ),
        ("formats/spec-5400-56308-0772.fits", {"PLATE": 5400, "MJD": 56308, "FIBERID": 772}),
        ("formats/spSpec-51609-0304-087.fit", {"SURVEY": "sdss", "PLATE": 304, "FIBERID": 87}),
        ("formats/coadd-sv3-dark-26065.fits.gz", {"SURVEY": "sv3", "TARGETID": -2713437}),
        ("formats/coadd-4-80613-thru20210324.fits.gz", {"OBJTYPE": "TGT", "FIBERSTATUS": 0}),
        ("cases/01-lamost/spec-55895-B9505_sp16-061.fits", {"SURVEY": "lamost"}),
    ],
)
def test_real_files_tell_who_they_are(shared: Path, file: str, expected: dict[str, object]) -> None:
    identity = read(shared / file)[0].identity
    assert {name: identity[name] for name in expected} == expected
    assert "RA" in identity


def test_the_position_of_a_real_file_is_the_objects_and_not_the_telescopes(shared: Path) -> None:
    path = shared / "boss-dr12-7102" / "spec-7102-56666-0082.fits"
    identity = read(path)[0].identity
    with fits.open(path) as hdus:
        row, telescope = hdus[2].data[0], hdus[0].header
        assert identity["RA"] == pytest.approx(row["PLUG_RA"], abs=1e-6)
        assert identity["DEC"] == pytest.approx(row["PLUG_DEC"], abs=1e-6)
        assert abs(identity["RA"] - telescope["RA"]) > 0.1  # type: ignore[operator]


def test_where_the_header_does_not_tell_the_row_of_the_catalog_does(tmp_path: Path) -> None:
    pixels = {
        "flux": np.ones(5, "f4"),
        "loglam": np.linspace(3.6, 3.9, 5),
        "ivar": np.ones(5, "f4"),
    }
    values = {"RACAT": [12.5], "DECCAT": [-3.25], "RA": [0.0], "DEC": [0.0], "SURVEY": ["MWM"]}
    path = tmp_path / "spec.fits"
    fits.HDUList([fits.PrimaryHDU(), table(pixels, "COADD"), table(values, "SPALL")]).writeto(path)
    identity = read(path)[0].identity
    assert (identity["RA"], identity["DEC"], identity["SURVEY"]) == (12.5, -3.25, "mwm")
