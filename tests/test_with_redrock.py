"""A catalog and redrock's redshifts joined by TARGETID."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from spectranet_jax.catalog.with_redrock import counts, join_redrock, read_redrock
from spectranet_jax.commands import join_redrock as command
from spectranet_jax.inference.catalog import write
from spectranet_jax.spectra.errors import InputError


def redrock_file(path: Path, rows: list[tuple[int, str, float]], extension: str) -> Path:
    """A redrock file of (TARGETID, SPECTYPE, Z)."""
    target, spectype, z = zip(*rows, strict=True)
    table = Table({"TARGETID": np.array(target, np.int64), "SPECTYPE": np.array(spectype, "S6")})
    table["Z"] = z
    table["ZERR"], table["DELTACHI2"] = 1e-4, 50.0
    table["ZWARN"] = np.zeros(len(rows), np.int64)
    table["SUBTYPE"] = np.array([""] * len(rows), "S20")
    hdu = fits.table_to_hdu(table)
    hdu.name = extension
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


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(catalog(), tmp_path / "catalog.fits")
    redrock_file(tmp_path / "redrock-1.fits", [(1, "QSO", 2.0)], "REDSHIFTS")
    out = tmp_path / "joined.fits"
    command.run(
        [str(tmp_path / "catalog.fits"), str(tmp_path / "redrock-1.fits"), "--out", str(out)]
    )
    assert "5 rows" in capsys.readouterr().out
    assert Table.read(out)["AGREE_RR"].tolist() == [0, None, None, None, None]
    with pytest.raises(SystemExit):  # it is read, and there already
        command.run([str(out), str(tmp_path / "redrock-1.fits"), "--out", str(out), "--overwrite"])
    assert "joined.fits" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["missing.fits", "catalog.fits"])
def test_what_is_no_redrock_file_is_refused(tmp_path: Path, wrong: str) -> None:
    write(catalog(), tmp_path / "catalog.fits")
    with pytest.raises(InputError, match=wrong):
        read_redrock([tmp_path / wrong])


def test_a_real_redrock_file(shared: Path) -> None:
    redrock = read_redrock([shared / "formats" / "redrock-4-80613-thru20210324.fits"])
    assert redrock.pair.tolist() == ["4-80613-thru20210324"]
    assert redrock.columns["SPECTYPE_RR"][0] in ("STAR", "GALAXY", "QSO")
