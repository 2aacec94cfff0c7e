"""A catalog and redrock's redshifts joined by TARGETID."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from spectranet_jax.catalog.catalog_file import write
from spectranet_jax.catalog.read_back import read_catalog
from spectranet_jax.catalog.redrock_files import read_redrock
from spectranet_jax.catalog.with_redrock import counts, join_redrock
from spectranet_jax.commands import join_redrock as command
from spectranet_jax.spectra.errors import InputError


def redrock_file(
    path: Path, rows: list[tuple[int, str, float]], extension: str = "REDSHIFTS", **others: Any
) -> Path:
    """A redrock file of (TARGETID, SPECTYPE, Z), with other columns as given."""
    target, spectype, z = zip(*rows, strict=True)
    table = Table({"TARGETID": np.array(target, np.int64), "SPECTYPE": np.array(spectype, "S6")})
    table["Z"] = z
    table["ZERR"], table["DELTACHI2"] = 1e-4, 50.0
    table["ZWARN"] = np.zeros(len(rows), np.int64)
    table["SUBTYPE"] = np.array([""] * len(rows), "S20")
    for name, values in others.items():
        table[name] = values
    hdu = fits.table_to_hdu(table)
    hdu.name = extension
    path.parent.mkdir(exist_ok=True)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path


def catalog() -> Table:
    table = Table(masked=True)
    table["FILE"] = ["coadd-1.fits", "coadd-1.fits", "coadd-2.fits", "coadd-2.fits", "c.fits"]
    table["TARGETID"] = MaskedColumn([1, 2, 3, 4, 0], mask=[False] * 4 + [True])
    table["CLASS"] = MaskedColumn(
        ["QSO_BAL", "GALAXY", "QSO", "STAR", ""], mask=[False] * 4 + [True]
    )
    table["Z"] = MaskedColumn([2.0, 0.5, 3.0, 0, 0], mask=[False, False, False, True, True])
    table["FLAGS"] = [0, 0, 0, 0, 1]
    return table


def test_agreement_by_class_and_within_3000_kms(tmp_path: Path) -> None:
    files = [
        redrock_file(tmp_path / "redrock-1.fits", [(2, "GALAXY", 0.6), (1, "QSO", 2.01)], "ZBEST"),
        redrock_file(tmp_path / "redrock-2.fits", [(3, "GALAXY", 1.0)], "REDSHIFTS"),
    ]
    joined = join_redrock(catalog(), read_redrock(files))
    assert joined["AGREE_RR"].tolist() == [0, 2, 3, None, None]
    assert joined["Z_RR"].tolist() == [2.01, 0.6, 1.0, None, None]
    assert joined["DV_RR"][0] == pytest.approx(299_792.458 * (2.0 - 2.01) / 3.01)
    assert joined["CLASS"].tolist() == catalog()["CLASS"].tolist()
    assert counts(joined)["not compared"] == 2
    assert sum(counts(joined).values()) == len(joined)


def test_of_two_tiles_the_file_named_like_the_spectra_counts(tmp_path: Path) -> None:
    files = [
        redrock_file(tmp_path / "redrock-2.fits", [(1, "QSO", 1.0)], "REDSHIFTS"),
        redrock_file(tmp_path / "redrock-1.fits", [(1, "QSO", 2.0)], "REDSHIFTS"),
    ]
    assert join_redrock(catalog(), read_redrock(files))["Z_RR"][0] == 2.0
    others = catalog()
    others["FILE"] = ["spectra"] * 5
    with pytest.raises(InputError, match="TARGETID 1 "):
        join_redrock(others, read_redrock(files))


def test_stars_have_no_velocity_between_them(tmp_path: Path) -> None:
    file = redrock_file(tmp_path / "redrock-2.fits", [(4, "STAR", 1e-4)], "REDSHIFTS")
    joined = join_redrock(catalog(), read_redrock([file]))
    assert joined["AGREE_RR"].tolist() == [None, None, None, 0, None]
    assert joined["DV_RR"].mask.all()


LARGE = 39633345008634465
"""Above 2^53: a float would round it."""


def test_targetids_are_exact(tmp_path: Path) -> None:
    rows = [(LARGE - 1, "QSO", 1.0), (LARGE, "QSO", 2.0), (LARGE + 1, "QSO", 3.0)]
    ours = catalog()
    ours["TARGETID"] = MaskedColumn([LARGE, 2, 3, 4, 0], mask=[False] * 4 + [True])
    file = redrock_file(tmp_path / "redrock-1.fits", rows)
    assert join_redrock(ours, read_redrock([file]))["Z_RR"].tolist() == [2, None, None, None, None]
    rounded = redrock_file(tmp_path / "rounded.fits", rows, TARGETID=np.float64([LARGE] * 3))
    with pytest.raises(InputError, match=r"rounded\.fits .*TARGETID"):
        read_redrock([rounded])
    ours["TARGETID"] = np.float64([LARGE] * 5)
    with pytest.raises(InputError, match=r"TARGETID.* row 1"):
        join_redrock(ours, read_redrock([file]))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("TARGETID", np.int64([[1, 2]])),
        ("ZERR", ["small"]),
        ("Z", np.float64([[1, 2]])),
        ("ZWARN", np.float64([0.5])),
        ("SPECTYPE", [1.0]),
    ],
)
def test_a_column_of_another_kind_is_refused(tmp_path: Path, column: str, values: Any) -> None:
    file = redrock_file(tmp_path / "redrock-1.fits", [(1, "QSO", 2.0)], **{column: values})
    with pytest.raises(InputError, match=rf"redrock-1\.fits .*{column}"):
        read_redrock([file])


@pytest.mark.parametrize("no_redshift", [{"Z": [np.nan]}, {"ZWARN": np.int64([512 | 4])}])
def test_what_redrock_has_no_redshift_of_is_not_compared(
    tmp_path: Path, no_redshift: dict[str, Any]
) -> None:
    row = [(1, "QSO", 2.0)]
    files = [
        redrock_file(tmp_path / name / "redrock-9.fits", row, **no_redshift) for name in ("a", "b")
    ]
    for used in (files[:1], files):  # the same row twice is no contradiction
        joined = join_redrock(catalog(), read_redrock(used))
        assert joined["SPECTYPE_RR"][0] == "QSO"
        assert joined["DV_RR"].mask.all() and joined["AGREE_RR"].mask.all()
        assert counts(joined)["not compared"] == 5


@pytest.mark.parametrize("other", [{"SPECTYPE": ["STAR"]}, {"ZWARN": np.int64([4])}, {"Z": [1.0]}])
def test_rows_of_one_target_that_differ_are_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    row = [(1, "QSO", 2.0)]
    files = [
        redrock_file(tmp_path / "redrock-8.fits", row),
        redrock_file(tmp_path / "redrock-9.fits", row, **other),
    ]
    with pytest.raises(InputError, match="TARGETID 1 "):
        join_redrock(catalog(), read_redrock(files))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(catalog(), tmp_path / "catalog.fits")
    redrock_file(tmp_path / "redrock-1.fits", [(1, "QSO", 2.0)], "REDSHIFTS")
    out = tmp_path / "joined.fits"
    command.run(
        [str(tmp_path / "catalog.fits"), str(tmp_path / "redrock-1.fits"), "--out", str(out)]
    )
    assert "5 rows" in capsys.readouterr().out
    joined = Table.read(out)
    assert joined["AGREE_RR"].tolist() == [0, None, None, None, None]
    digest = hashlib.sha256((tmp_path / "redrock-1.fits").read_bytes()).hexdigest()
    assert joined.meta["RR1"] == f"redrock-1.fits sha256:{digest}"
    assert joined.meta["RR_KMS"] == 3000
    with pytest.raises(SystemExit):  # it is read, and there already
        command.run([str(out), str(tmp_path / "redrock-1.fits"), "--out", str(out), "--overwrite"])
    assert "joined.fits" in capsys.readouterr().err


def test_a_text_that_is_no_catalog_is_not_to_be_predicted_again(tmp_path: Path) -> None:
    (tmp_path / "notes.ecsv").write_text("no catalog\n")
    with pytest.raises(InputError, match=r"notes\.ecsv is not a catalog") as error:
        read_catalog(tmp_path / "notes.ecsv")
    assert "again" not in str(error.value)


@pytest.mark.parametrize("wrong", ["missing.fits", "catalog.fits"])
def test_what_is_no_redrock_file_is_refused(tmp_path: Path, wrong: str) -> None:
    write(catalog(), tmp_path / "catalog.fits")
    with pytest.raises(InputError, match=wrong):
        read_redrock([tmp_path / wrong])


def test_a_real_redrock_file(shared: Path) -> None:
    redrock = read_redrock([shared / "formats" / "redrock-4-80613-thru20210324.fits"])
    assert redrock.pair.tolist() == ["4-80613-thru20210324"]
    assert redrock.columns["SPECTYPE_RR"][0] in ("STAR", "GALAXY", "QSO")
