"""A catalog in the layout of DESI's redrock files: REDSHIFTS and FIBERMAP."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from spectranet_jax.catalog import layouts, redrock_layout
from spectranet_jax.catalog.targetid import target_ids
from spectranet_jax.commands.command import Format
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
    table.meta["VERSION"] = "spectranet-jax"
    table.meta["SHA256_1"] = "0" * 64
    return table


def test_every_row_has_a_target_id() -> None:
    ids = target_ids(catalog()).tolist()
    assert ids == [39628, 7102566660082, 2**60 + 1, -4]


def test_a_target_of_sdss_v_has_its_catalogid() -> None:
    table = catalog()
    table["CATALOGID"] = MaskedColumn([1, 2, 3, 63050394846126565], mask=[True, True, True, False])
    assert target_ids(table).tolist() == [39628, 7102566660082, 2**60 + 1, 63050394846126565]


def test_fibers_on_the_sky_and_out_of_order_are_no_targets() -> None:
    table = catalog()
    table["OBJTYPE"] = MaskedColumn(["SKY", "BAD", "TGT", ""], mask=[False, False, False, True])
    table["FIBERSTATUS"] = MaskedColumn([0, 0, 512, 0], mask=[False, False, False, True])
    fibermap = redrock_layout.hdus(table)["FIBERMAP"]
    assert fibermap["OBJTYPE"].tolist() == ["SKY", "BAD", "TGT", "TGT"]
    assert fibermap["COADD_FIBERSTATUS"].tolist() == [0, redrock_layout.BADFIBER, 512, 0]
    table["FIBERSTATUS"] = MaskedColumn([0, 0, 0, 1])  # a stuck positioner of a real coadd
    assert redrock_layout.hdus(table)["FIBERMAP"]["OBJTYPE"].tolist() == ["SKY", "BAD", "TGT", ""]
    unknown = redrock_layout.hdus(catalog())["FIBERMAP"]
    assert set(unknown["OBJTYPE"]) == {"TGT"}
    assert not unknown["COADD_FIBERSTATUS"].any()


def test_a_catalog_without_zwarn_is_not_trusted() -> None:
    table = catalog()
    table["ZWARN"] = MaskedColumn([0, 4, 0, 0], mask=[False, False, False, True])
    assert redrock_layout.hdus(table)["REDSHIFTS"]["ZWARN"].tolist() == [0, 4, 0, 1 << 17]
    table.remove_column("ZWARN")
    assert set(redrock_layout.hdus(table)["REDSHIFTS"]["ZWARN"]) == {1 << 17}


def test_redrocks_columns_and_what_stands_where_nothing_is_known() -> None:
    made = redrock_layout.hdus(catalog())
    redshifts, fibermap = made["REDSHIFTS"], made["FIBERMAP"]
    assert redshifts["SPECTYPE"].tolist() == ["QSO", "STAR", "GALAXY", ""]
    assert redshifts["SUBTYPE"].tolist() == ["BAL", "", "", ""]
    assert redshifts["Z"].tolist() == [2.5, 0, 0.3, 0]
    assert redshifts["ZWARN"].tolist() == [0, 4, 0, 512]
    np.testing.assert_allclose(redshifts["DELTACHI2"], [2 * np.log(9), 0, 2 * np.log(1e30), 0])
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


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"out\.ecsv"):
        layouts.check("redrock", tmp_path / "out.ecsv")
    with pytest.raises(InputError, match="redrock or qn"):
        layouts.check("votable", tmp_path / "out.fits")


def test_every_layout_can_be_asked_for() -> None:
    assert get_args(Format) == ("catalog", *layouts.LAYOUTS)
