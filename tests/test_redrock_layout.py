"""A catalog in DESI's layouts: REDSHIFTS with FIBERMAP, and QN_RR."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from spectranet_jax.catalog import layouts, quasarnet_layout, redrock_layout
from spectranet_jax.catalog.targetid import target_ids
from spectranet_jax.spectra.errors import InputError


def catalog() -> Table:
    """A quasar, a star, a galaxy without a second redshift, and a row without data."""
    none = [False, False, False, True]
    table = Table(masked=True)
    table["CLASS"] = MaskedColumn(["QSO_BAL", "STAR", "GALAXY", ""], mask=none)
    table["Z"] = MaskedColumn([2.5, 0, 0.3, 0], mask=[False, True, False, True])
    table["Z_ERR"] = MaskedColumn([1e-3, 0, 1e-4, 0], mask=[False, True, False, True])
    table["Z_NET"] = MaskedColumn([2.51, 0.1, 0.3, 0], mask=none)
    table["P_3000"] = MaskedColumn([0.9, 0, 1, 0], mask=[False, True, False, True])
    table["P_3000_Z2"] = MaskedColumn([0.1, 0, 0, 0], mask=[False, True, False, True])
    table["P_QSO"] = MaskedColumn([0.2, 0.1, 0, 0], mask=none)
    table["P_QSO_BAL"] = MaskedColumn([0.7, 0, 0, 0], mask=none)
    table["ZWARN"] = [0, 4, 0, 512]
    table["RA"] = MaskedColumn([10.0, 20, 30, 0], mask=none)
    table["DEC"] = MaskedColumn([-1.0, -2, -3, 0], mask=none)
    table["TARGETID"] = MaskedColumn([39628, 0, 2**60 + 1, 0], mask=[False, True, False, True])
    table["PLATE"] = MaskedColumn([0, 7102, 0, 0], mask=[True, False, True, True])
    table["MJD"] = MaskedColumn([0, 56666, 0, 0], mask=[True, False, True, True])
    table["FIBERID"] = MaskedColumn([0, 82, 0, 0], mask=[True, False, True, True])
    for number, column in enumerate(quasarnet_layout.LINES.values()):
        table[column] = MaskedColumn([-1.0 * number, 0, 0, 0], mask=none)
    table.meta["VERSION"] = "spectranet-jax"
    table.meta["SHA256_1"] = "0" * 64
    return table


def test_every_row_has_a_target_id() -> None:
    ids = target_ids(catalog()).tolist()
    assert ids == [39628, 7102566660082, 2**60 + 1, -4]


def test_redrocks_columns_and_what_stands_where_nothing_is_known() -> None:
    made = redrock_layout.hdus(catalog())
    redshifts, fibermap = made["REDSHIFTS"], made["FIBERMAP"]
    assert redshifts["SPECTYPE"].tolist() == ["QSO", "STAR", "GALAXY", ""]
    assert redshifts["SUBTYPE"].tolist() == ["BAL", "", "", ""]
    assert redshifts["Z"].tolist() == [2.5, 0, 0.3, 0]
    assert redshifts["ZWARN"].tolist() == [0, 4, 0, 512]
    np.testing.assert_allclose(redshifts["DELTACHI2"], [2 * np.log(9), 0, 0, 0])
    assert redshifts["COEFF"].shape == (4, 10)
    assert fibermap["TARGET_RA"][:3].tolist() == [10, 20, 30]
    assert np.isnan(fibermap["TARGET_RA"][3])


def test_the_dtypes_are_those_of_a_real_redrock_file(shared: Path, tmp_path: Path) -> None:
    layouts.write(catalog(), "redrock", tmp_path / "redrock-x.fits")
    with (
        fits.open(shared / "formats" / "redrock-4-80613-thru20210324.fits") as real,
        fits.open(tmp_path / "redrock-x.fits") as ours,
    ):
        for name in ("REDSHIFTS", "FIBERMAP"):
            theirs = real[name].columns.dtype
            for column in ours[name].columns.names:
                assert ours[name].columns.dtype[column].kind == theirs[column].kind, column
                if theirs[column].kind != "S":
                    assert ours[name].columns.dtype[column] == theirs[column], column
        assert set(real["REDSHIFTS"].columns.names) == set(ours["REDSHIFTS"].columns.names)
        assert ours["REDSHIFTS"].header["SHA256_1"] == "0" * 64


def test_the_line_with_most_evidence_carries_the_probability_of_a_quasar() -> None:
    made = quasarnet_layout.hdus(catalog())["QN_RR"]
    confidence = np.stack([made[f"C_{line}"] for line in quasarnet_layout.LINES])
    np.testing.assert_allclose(confidence[:, 0], 0.9 * np.exp(-np.arange(6.0)))
    np.testing.assert_allclose(confidence.max(axis=0), [0.9, 0.1, 0, 0])
    assert made["Z_LYA"][0] == made["Z_QN"][0] == 2.51
    assert np.isnan(made["Z_QN"][3])


def test_a_quasarnet_keeps_its_own_confidences() -> None:
    table = catalog()
    for number, line in enumerate(quasarnet_layout.LINES):
        table[f"C_{line}"] = [0.1 * number] * 4
        table[f"Z_{line}"] = [1.0 + number] * 4
    made = quasarnet_layout.hdus(table)["QN_RR"]
    assert made["C_Halpha"][0] == 0.5
    assert made["Z_Halpha"][0] == 6


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    table = catalog()
    table.remove_columns(list(quasarnet_layout.LINES.values()))
    with pytest.raises(InputError, match="EV_Lya"):
        layouts.write(table, "qn", tmp_path / "qn.fits")
    with pytest.raises(InputError, match=r"out\.ecsv"):
        layouts.check("redrock", tmp_path / "out.ecsv")
    with pytest.raises(InputError, match="redrock or qn"):
        layouts.check("votable", tmp_path / "out.fits")
