"""Identities in files: whole numbers never rounded, damage reported or harmless."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from make_fits import table, write_quasarnet, write_spplate

from spectranet_jax.readers import read
from spectranet_jax.readers.desi_identity import identities
from spectranet_jax.readers.fits import open_fits
from spectranet_jax.readers.quasarnet_file import read_index
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.identity import as_arrays

LARGE = 39633345008634465
"""A TARGETID of DESI: the nearest floats are 4 apart."""


def coadd(path: Path, columns, **header) -> Path:
    """One arm of as many spectra as the columns of FIBERMAP have rows."""
    count = len(next(iter(columns.values())))
    primary = fits.PrimaryHDU()
    primary.header.update(header)
    images = {
        "B_WAVELENGTH": np.arange(3600.0, 3640.0, 4.0),
        "B_FLUX": np.ones((count, 10), np.float32),
        "B_IVAR": np.ones((count, 10), np.float32),
    }
    hdus = [fits.ImageHDU(image, name=name) for name, image in images.items()]
    fits.HDUList([primary, *hdus, table(columns, "FIBERMAP")]).writeto(path)
    return path


def test_text_is_as_it_is_compared_whatever_its_capitals(tmp_path):
    columns = {"TARGETID": np.int64([5, 6]), "OBJTYPE": ["sky", "Tgt"], "SURVEY": ["SV3", ""]}
    first, second = read(coadd(tmp_path / "x.fits", columns, PROGRAM=" Dark "))
    assert first.identity == {"TARGETID": 5, "OBJTYPE": "SKY", "SURVEY": "sv3", "PROGRAM": "dark"}
    assert second.identity == {"TARGETID": 6, "OBJTYPE": "TGT", "PROGRAM": "dark"}


@pytest.mark.parametrize("name", ["COADD_FIBERSTATUS", "FIBERSTATUS"])
def test_the_status_of_a_fiber_is_known_where_the_file_tells_it(tmp_path, name):
    columns = {"TARGETID": np.int64([5, 6]), name: np.int32([0, 1 << 9])}
    spectra = read(coadd(tmp_path / "x.fits", columns))
    assert [s.identity["FIBERSTATUS"] for s in spectra] == [0, 512]
    unknown = read(coadd(tmp_path / "y.fits", {"TARGETID": np.int64([5, 6])}))
    assert "FIBERSTATUS" not in unknown[0].identity


@pytest.mark.parametrize(
    ("targets", "ids"),
    [
        (np.float64([12, np.nan]), [12, None]),
        ([str(LARGE), "nan"], [LARGE, None]),
        ([str(LARGE), ""], [LARGE, None]),
        (np.int32([12, -7]), [12, -7]),
    ],
)
def test_targetid_is_exact_in_any_form_or_unknown(tmp_path, targets, ids):
    spectra = read(coadd(tmp_path / "x.fits", {"TARGETID": targets}))
    assert [s.identity.get("TARGETID") for s in spectra] == ids
    assert [s.name for s in spectra] == [str(r if i is None else i) for r, i in enumerate(ids)]


@pytest.mark.parametrize(
    "wrong",
    [
        np.float64([12, LARGE]),
        np.float32([12, (1 << 24) + 2]),
        np.float64([12, 12.5]),
        ["12", "abc"],
    ],
)
def test_a_targetid_that_would_be_rounded_is_refused_with_its_row(tmp_path, wrong):
    path = coadd(tmp_path / "x.fits", {"TARGETID": wrong})
    with pytest.raises(InputError, match=r"TARGETID, row 2, .* 64-bit") as error:
        read(path)
    assert str(error.value).startswith(f"{path} has {np.array(wrong).tolist()[1]!r} in column")


def with_null(columns, null):
    """The table's integers, in which one means none."""
    made = [fits.Column(name, "K", null=null, array=np.int64(v)) for name, v in columns.items()]
    return fits.BinTableHDU.from_columns(made)


def test_null_is_no_object_in_any_file(tmp_path):
    fibermap = with_null({"TARGETID": [999999, 7]}, 999999)
    path = tmp_path / "coadd.fits"
    coadd(path, {"TARGETID": np.int64([1, 2])})
    with fits.open(path) as hdus:
        fibermap.name = "FIBERMAP"
        fits.HDUList([*hdus[:-1], fibermap]).writeto(tmp_path / "null.fits")
    assert [s.identity for s in read(tmp_path / "null.fits")] == [{}, {"TARGETID": 7}]

    plate = write_spplate(tmp_path / "p.fits", flux=np.ones((2, 60)), ivar=np.ones((2, 60)))
    with fits.open(plate) as hdus:
        hdus[5] = with_null({"FIBERID": [-9, 8]}, -9)
        hdus.writeto(tmp_path / "q.fits")
    assert [s.name for s in read(tmp_path / "q.fits")] == ["q-0001", "4055-55359-0008"]
    assert read(tmp_path / "q.fits")[0].identity == {}

    keys = [(1, 2, 3), (1, 2, 4)]
    data = write_quasarnet(tmp_path / "d.fits", np.ones((2, 886)), [999999, 7], keys)
    columns = {"TARGETID": [999999, 7], "PLATE": [1, 1], "MJD": [2, 2], "FIBERID": [3, 4]}
    with fits.open(data) as hdus:
        fits.HDUList([hdus[0], with_null(columns, 999999)]).writeto(tmp_path / "e.fits")
    assert read_index(tmp_path / "e.fits").thing_id.tolist() == [-1, 7]


def test_fields_of_another_type_are_unknown(tmp_path):
    columns = {"TARGETID": np.int64([5, 6]), "NIGHT": ["20210101", "none"]}
    headers = {"TILEID": "several", "HPXPIXEL": 10**20, "SURVEY": 3}
    first, second = read(coadd(tmp_path / "x.fits", columns, **headers))
    assert first.identity == {"TARGETID": 5, "NIGHT": 20210101}
    assert second.identity == {"TARGETID": 6}
    as_arrays([first.identity, second.identity])


@pytest.mark.slow
def test_no_flipped_bit_of_fibermap_is_more_than_an_error_of_one_sentence(tmp_path):
    columns = {
        "TARGETID": np.int64([LARGE, 6]),
        "OBJTYPE": ["TGT", "SKY"],
        "SURVEY": ["main", "sv3"],
        "TILEID": np.int32([80613, 80613]),
    }
    path = coadd(tmp_path / "x.fits", columns)
    with fits.open(path) as hdus:
        place, header = hdus["FIBERMAP"].fileinfo(), hdus["FIBERMAP"].header
        start, size = place["datLoc"], header["NAXIS1"] * header["NAXIS2"]
    content = path.read_bytes()
    for bit in range(8 * size):
        changed = bytearray(content)
        changed[start + bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with open_fits(path) as hdus:
            as_arrays(identities(hdus, 2))


def with_values(path, *columns, before=(), checksum=False):
    """A spec file of 9 pixels, whose catalog values are these columns, (name, form, value)."""
    pixels = {"flux": np.ones(9), "ivar": np.ones(9), "loglam": 3.6 + 1e-3 * np.arange(9)}
    made = [
        fits.Column(name, form, array=[value], **({"bzero": 1 << 63} if unsigned else {}))
        for name, form, value in columns
        for unsigned in [isinstance(value, np.uint64)]
    ]
    spall = fits.BinTableHDU.from_columns(made, name="SPALL")
    coadd = table({k: np.float32(v) for k, v in pixels.items()}, "COADD")
    fits.HDUList([fits.PrimaryHDU(), coadd, *before, spall]).writeto(path, checksum=checksum)
    return path


@pytest.mark.parametrize(
    ("columns", "ids"),
    [
        (
            [("SDSS_ID", "K", np.uint64(7)), ("CATALOGID", "K", np.uint64(27021598056513661))],
            {"SDSS_ID": 7, "CATALOGID": 27021598056513661},
        ),
        ([("SDSS_ID", "D", 7.0), ("CATALOGID", "17A", "27021598056513661")],
         {"SDSS_ID": 7, "CATALOGID": 27021598056513661}),
        ([("SDSS_ID", "K", 7), ("CATALOGID", "D", 27021598056513661.0)], {"SDSS_ID": 7}),
        ([("SDSS_ID", "3K", [7, 8, 9]), ("CATALOGID", "J", 5)], {"CATALOGID": 5}),
    ],
)  # fmt: skip
def test_ids_are_known_in_any_form_that_is_exact(tmp_path, columns, ids):
    (spectrum,) = read(with_values(tmp_path / "x.fits", *columns))
    assert spectrum.identity == ids


def test_catalog_values_are_found_by_name(tmp_path):
    other = table({"A": np.int32([3])}, "OTHER")
    path = with_values(tmp_path / "x.fits", ("SDSS_ID", "K", 7), before=[other])
    assert read(path)[0].identity == {"SDSS_ID": 7}


def test_a_damaged_identity_is_flagged(tmp_path):
    columns = [(name, "J", 7102) for name in ("PLATE", "MJD", "FIBERID")]
    path = with_values(tmp_path / "x.fits", *columns, checksum=True)
    (sound,) = read(path)
    with fits.open(path) as hdus:
        place = hdus["SPALL"].fileinfo()["datLoc"]
    content = bytearray(path.read_bytes())
    content[place + 3] ^= 1
    path.write_bytes(content)
    (damaged,) = read(path)
    assert (sound.identity["PLATE"], damaged.identity["PLATE"]) == (7102, 7103)
    assert (sound.flags, damaged.flags) == (0, Flag.CHECKSUM)
