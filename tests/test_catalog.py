"""The catalog: what is in its columns and header, and that files keep it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from naming import naming
from same_bytes import same_bytes

from spectranet_jax.catalog import catalog_file
from spectranet_jax.catalog.tally import of_classes
from spectranet_jax.inference import catalog_rows
from spectranet_jax.inference.columns import COLUMNS, known_columns
from spectranet_jax.spectra import CLASSES, InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.identity_columns import identity_columns

NUMBERS = [name for name, column in COLUMNS.items() if column.dtype[0] == "f"]
CONFIG = {"network": {"name": "SpectraNetClassifier", "channels": [8] * 4}, "note": "más" * 60}
HEADER = {
    "VERSION": "spectranet-jax 1",
    "MODEL1": "año nuevo",
    "SEED1": 7,
    "CONFIG1": json.dumps(CONFIG),
}
FLAGS = np.array([0, Flag.LOW_SN, Flag.NO_DATA | Flag.PARTIAL, Flag.UNREADABLE], np.int32)


def example() -> Table:
    """Four rows: clean, noisy, dead and unreadable; Z holds for the first one only."""
    p = np.float32([[0.7, 0.1, 0.1, 0.1]] * 4)
    predictions: dict[str, Any] = {
        "FILE": np.array(["./a b.fits", "ñandú/ß.fits", "c.fits", "d.fits"]),
        "ID": np.array(["7102-56666-0001", "39627", "x", ""]),
        "CLASS": np.array(["STAR", "QSO_BAL", "QSO", "GALAXY"]),
        "Z": np.ma.masked_array([1 / 3, 2.0, 3.0, 4.0], mask=[False, True, False, False]),
        "SN": np.float32([5, 1, 0, 0]),
    } | {f"P_{name}": p[:, i] for i, name in enumerate(CLASSES)}
    return catalog_rows.build(predictions, FLAGS, HEADER)


def mask(table: Table, name: str) -> list[bool]:
    return np.ma.getmaskarray(table[name]).tolist()


def test_columns_are_those_of_the_contract():
    table = example()
    assert table.colnames == [
        "FILE", "ID", "SURVEY", "RA", "DEC", "PLATE", "MJD", "FIBERID", "FIELD", "CATALOGID",
        "SDSS_ID", "TARGETID", "THING_ID", "OBJTYPE", "FIBERSTATUS", "CLASS", "P_STAR",
        "P_GALAXY", "P_QSO", "P_QSO_BAL", "Z", "Z_ERR", "P_3000", "ZWARN", "Z_NET", "Z_NET_ERR",
        "Z_CHI2", "P_BAL", "SN", "FLAGS", "ERROR",
    ]  # fmt: skip
    for name, column in COLUMNS.items():
        assert table[name].description == column.description
        assert table[name].dtype.kind == column.dtype[0]
        assert (table[name].unit or "") == column.unit
    assert {n for n in NUMBERS if table[n].dtype == np.float64} == {"Z", "Z_NET", "RA", "DEC"}
    assert table["Z"].dtype == np.float64 and table["CLASS"].dtype == np.dtype("U7")
    for flag in Flag:
        assert f"{flag.value} {flag.name}" in table["FLAGS"].description


def test_what_is_not_known_is_masked():
    table = example()
    assert mask(table, "FILE") == mask(table, "FLAGS") == [False] * 4
    assert mask(table, "ID") == mask(table, "SN") == [False, False, False, True]
    assert mask(table, "CLASS") == mask(table, "P_STAR") == [False, False, True, True]
    assert mask(table, "Z") == [False, True, True, True]
    for name in ("Z_ERR", "P_3000", "P_BAL"):
        assert mask(table, name) == [True] * 4
    assert of_classes(table, CLASSES) == {
        "STAR": 1, "GALAXY": 0, "QSO": 0, "QSO_BAL": 1, "no class": 2,
    }  # fmt: skip


@pytest.mark.parametrize("suffix", [".fits", ".fit", ".ecsv"])
def test_a_file_keeps_columns_masks_descriptions_and_header(tmp_path: Path, suffix: str):
    table, path = example(), tmp_path / f"catalog{suffix}"
    catalog_file.write(table, path)
    back = Table.read(path, format=catalog_file.FORMATS[suffix])
    back.convert_bytestring_to_unicode()
    assert back.colnames == table.colnames
    for name in table.colnames:
        assert back[name].description == table[name].description
        assert back[name].dtype.newbyteorder("=").kind == table[name].dtype.kind
        assert mask(back, name) == mask(table, name), name
        ours, theirs = (t[name][~np.array(mask(t, name))].tolist() for t in (table, back))
        assert ours == theirs, name
    if suffix != ".ecsv":
        assert all(back[n].dtype.itemsize == table[n].dtype.itemsize for n in NUMBERS)
    assert back["Z"].dtype.itemsize == 8 and back["FLAGS"].dtype.itemsize == 4
    header = {key.upper(): value for key, value in back.meta.items()}
    assert header["VERSION"] == "spectranet-jax 1" and header["SEED1"] == 7
    assert json.loads(header["CONFIG1"]) == CONFIG


def test_a_header_value_that_fits_cannot_hold_is_escaped(tmp_path: Path):
    catalog_file.write(example(), tmp_path / "c.fits")
    assert fits.getheader(tmp_path / "c.fits", 1)["MODEL1"] == "a\\xf1o nuevo"
    catalog_file.write(example(), tmp_path / "c.ecsv")
    assert Table.read(tmp_path / "c.ecsv").meta["MODEL1"] == "año nuevo"


def test_a_fits_header_says_what_columns_hold(tmp_path: Path):
    """In TCOMMn, where tools other than astropy look."""
    catalog_file.write(example(), tmp_path / "c.fits")
    header = fits.getheader(tmp_path / "c.fits", 1)
    comments = {header[f"TTYPE{n}"]: header[f"TCOMM{n}"] for n in range(1, header["TFIELDS"] + 1)}
    assert comments == {name: column.description for name, column in COLUMNS.items()}
    assert header["EXTNAME"] == "CATALOG"
    units = {header[f"TTYPE{n}"]: header.get(f"TUNIT{n}") for n in range(1, header["TFIELDS"] + 1)}
    assert (units["RA"], units["DEC"], units["MJD"], units["Z"]) == ("deg", "deg", "d", None)
    fewer = Table.read(tmp_path / "c.fits")
    fewer.remove_column("FILE")
    catalog_file.write(fewer, tmp_path / "d.fits")
    assert fits.getheader(tmp_path / "d.fits", 1)["TCOMM1"] == COLUMNS["ID"].description


def test_the_fits_file_satisfies_the_standard(tmp_path: Path):
    catalog_file.write(example(), tmp_path / "c.fits")
    with fits.open(tmp_path / "c.fits") as hdus:
        for hdu in hdus:
            hdu.verify("exception")
        columns = hdus[1].columns
        assert {columns[n].format for n in NUMBERS} == {"E", "D"}
        assert columns["CLASS"].format == "7A" and columns["FLAGS"].format == "J"


@pytest.mark.parametrize("suffix", [".fits", ".ecsv"])
def test_equal_catalogs_are_equal_bytes(tmp_path: Path, suffix: str):
    for name in "ab":
        catalog_file.write(example(), tmp_path / f"{name}{suffix}")
    same_bytes(tmp_path / f"a{suffix}", tmp_path / f"b{suffix}")


def test_masked_values_do_not_reach_the_file(tmp_path: Path):
    for name, hidden in (("a", 5.0), ("b", -1.0)):
        z = np.ma.masked_array([1.0, hidden], mask=[False, True])
        table = catalog_rows.build({"Z": z}, np.zeros(2, np.int32), {})
        catalog_file.write(table, tmp_path / f"{name}.fits")
    same_bytes(tmp_path / "a.fits", tmp_path / "b.fits")


def test_a_catalog_without_rows_can_be_written(tmp_path: Path):
    table = catalog_rows.build({}, np.zeros(0, np.int32), {})
    for suffix in (".fits", ".ecsv"):
        catalog_file.write(table, tmp_path / f"c{suffix}")
        assert len(Table.read(tmp_path / f"c{suffix}")) == 0


def test_parquet_where_pyarrow_is_installed(tmp_path: Path):
    path = tmp_path / "c.parquet"
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match=naming("pyarrow", ".fits", ".ecsv", "pip install")):
            catalog_file.write(example(), path)
        assert not any(tmp_path.iterdir())
        return
    catalog_file.write(example(), path)
    assert Table.read(path)["FILE"].tolist() == example()["FILE"].tolist()


@pytest.mark.parametrize("name", ["c.csv", "c", "c.fits.gz", ".fits"])
def test_an_unknown_format_is_a_sentence(tmp_path: Path, name: str):
    with pytest.raises(InputError, match=naming(name, "end it in .fits")):
        catalog_file.check_path(tmp_path / name)


def test_what_cannot_be_written_is_reported_beforehand(tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.fits").mkdir()
    for name in ("file/c.fits", "file/deeper/c.fits", "folder.fits"):
        for check in (catalog_file.check_path, lambda path: catalog_file.write(example(), path)):
            with pytest.raises(InputError, match=f"cannot write .*{name}"):
                check(tmp_path / name)
    catalog_file.check_path(tmp_path / "new" / "deeper" / "c.fits")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.fits"]


def test_a_former_catalog_is_replaced_and_folders_are_made(tmp_path: Path):
    path = tmp_path / "new" / "c.fits"
    for rows in (4, 2):
        catalog_file.write(example()[:rows], path)
        assert len(Table.read(path)) == rows
    assert [p.name for p in path.parent.iterdir()] == ["c.fits"]


@pytest.mark.parametrize("suffix", [".fits", ".ecsv"])
def test_identifiers_keep_every_digit_and_are_masked_where_unknown(tmp_path: Path, suffix: str):
    identity = identity_columns(
        [
            {"TARGETID": 39633345008634465, "RA": 12.25, "DEC": -3.5, "SURVEY": "sv3"},
            {"PLATE": 7102, "MJD": 56666, "FIBERID": 82, "THING_ID": 999999},
            {"TARGETID": -2713437},
        ]
    )
    known = known_columns(["a", "b", "c"], ["1", "2", "3"], ["", "", "cut"], identity)
    flags = np.array([0, 0, Flag.UNREADABLE], np.int32)
    catalog_file.write(catalog_rows.build(known, flags, {}), tmp_path / f"c{suffix}")
    table = Table.read(tmp_path / f"c{suffix}")
    assert table["TARGETID"].tolist() == [39633345008634465, None, None]
    assert table["THING_ID"].tolist() == [None, 999999, None]
    assert table["RA"].tolist() == [12.25, None, None]
    assert table["PLATE"].tolist() == [None, 7102, None]
    assert [str(text) for text in table["ERROR"]][2] == "cut"
    assert mask(table, "ERROR")[:2] == [True, True]
