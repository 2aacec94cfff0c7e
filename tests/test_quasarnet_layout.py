"""A catalog in the layout of DESI's qso_qn files: QN_RR."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from spectranet_jax.catalog import layouts, quasarnet_layout
from spectranet_jax.inference import catalog_rows
from spectranet_jax.networks.line_evidence import Output
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.grid import QUASARNET_GRID
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.tasks.linenet_task import LineNetTask

EVIDENCE = quasarnet_layout.EVIDENCE
SCHEMA = {
    "TARGETID": ">i8", "RA": ">f8", "DEC": ">f8", "DESI_TARGET": ">i8", "IS_QSO_QN_NEW_RR": "b1",
    "SPECTYPE_RR": "S6", "Z_RR": ">f8", "Z_QN": ">f8",
    **{f"{kind}_{line}": ">f8" for line in quasarnet_layout.LINES for kind in "CZ"},
    "Z_NEW": ">f8", "ZERR_NEW": ">f8", "ZWARN_NEW": ">i8", "SPECTYPE_NEW": "S6",
    "SUBTYPE_NEW": "S20", "CHI2_NEW": ">f8", "DELTACHI2_NEW": ">f8", "COEFF_NEW": ">f8",
}  # fmt: skip
"""The schema of desispec, pull request 2407."""


def made_catalog() -> Table:
    """LineNet's own catalog of a quasar at z = 2.5, a star, and a row without data."""
    task = LineNetTask(QUASARNET_GRID)
    logits = np.full((3, task.steps.size), -30.0, np.float32)
    z = np.array([2.5, 0.1, 0.1])
    logits[np.arange(3), np.searchsorted(task.steps.edges, np.log10(1 + z)) - 1] = 30
    evidence = np.tile(-np.arange(len(task.lines), dtype=np.float32), (3, 1))
    kinds = np.array([[0, 0, 4], [4, 0, 3], [0, 0, 4]], np.float32)
    columns = task.decode(Output(kinds, np.full(3, -9, np.float32), logits, evidence))
    flags = np.array([0, 0, Flag.NO_DATA], np.int32)
    known = {name: columns[name] for name in columns if name != "P_OF_Z"}
    return catalog_rows.build(known, flags, {"GRID": str(QUASARNET_GRID)}, task.columns)


def test_the_columns_and_dtypes_are_desis(tmp_path: Path) -> None:
    layouts.write(made_catalog(), "qn", tmp_path / "qn.fits")
    dtype = np.asarray(Table.read(tmp_path / "qn.fits", hdu="QN_RR").as_array()).dtype
    assert set(dtype.names or ()) == set(SCHEMA)
    assert {n: dtype[n].base.newbyteorder(">") for n in SCHEMA} == {
        n: np.dtype(d).newbyteorder(">") for n, d in SCHEMA.items()
    }
    assert dtype["COEFF_NEW"].shape == (10,)


def test_the_line_with_most_evidence_carries_the_probability_of_a_quasar() -> None:
    table = made_catalog()
    made = quasarnet_layout.hdus(table)["QN_RR"]
    quasar = np.ma.filled(np.ma.asarray(table["P_QSO"]) + np.ma.asarray(table["P_QSO_BAL"]), 0)
    confidence = np.stack([made[f"C_{line}"] for line in quasarnet_layout.LINES])
    np.testing.assert_allclose(confidence.max(axis=0), quasar, rtol=1e-6)
    evidence = np.array([table[name][0] for name in EVIDENCE])
    on_grid = [True, True, True, True, False, False]  # at z = 2.5
    expected = quasar[0] * np.exp(evidence - evidence[on_grid].max()) * on_grid
    np.testing.assert_allclose(confidence[:, 0], expected, rtol=1e-6)


def test_a_star_has_the_probability_of_a_quasar_in_every_line_on_the_grid() -> None:
    table = made_catalog()
    assert table["CLASS"][1] == CLASSES[0]
    assert all(table[name].mask[1] for name in EVIDENCE)
    made = quasarnet_layout.hdus(table)["QN_RR"]
    p = table["P_QSO"][1] + table["P_QSO_BAL"][1]
    assert p > 0.2
    confidence = [made[f"C_{line}"][1] for line in quasarnet_layout.LINES]
    np.testing.assert_allclose(confidence, [0, 0, 0, 0, p, p])  # at z = 0.1


def test_the_grid_is_that_of_the_header() -> None:
    table = made_catalog()
    table.meta["GRID"] = "log10 3600.0 + 0.001 x 250, vacuum"  # to 6,402 Angstrom
    made = quasarnet_layout.hdus(table)["QN_RR"]
    assert [made[f"C_{line}"][0] > 0 for line in quasarnet_layout.LINES] == [1, 1, 0, 0, 0, 0]


def test_the_networks_answer_stands_in_the_columns_of_a_second_run() -> None:
    table = made_catalog()
    made = quasarnet_layout.hdus(table)["QN_RR"]
    assert made["Z_NEW"][0] == made["Z_QN"][0] == made["Z_LYA"][0] == table["Z_NET"][0]
    assert made["Z_NEW"][1] == table["Z_NET"][1]
    assert made["ZERR_NEW"][0] == table["Z_ERR"][0]
    assert np.isnan(made["Z_QN"][2])
    assert np.isnan(made["ZERR_NEW"][1])
    assert made["SPECTYPE_NEW"].tolist() == ["QSO", "STAR", ""]
    assert made["ZWARN_NEW"].tolist() == [1 << 17] * 3  # this catalog has none
    assert not made["IS_QSO_QN_NEW_RR"].any()


def test_a_quasarnet_keeps_its_own_confidences() -> None:
    table = made_catalog()
    for number, line in enumerate(quasarnet_layout.LINES):
        table[f"C_{line}"] = [0.1 * number] * 3
        table[f"Z_{line}"] = [1.0 + number] * 3
    made = quasarnet_layout.hdus(table)["QN_RR"]
    assert made["C_Halpha"][0] == 0.5
    assert made["Z_Halpha"][0] == 6


def test_a_catalog_without_lines_is_refused(tmp_path: Path) -> None:
    table = made_catalog()
    table.remove_columns(EVIDENCE)
    with pytest.raises(InputError, match="EV_Lya"):
        layouts.write(table, "qn", tmp_path / "qn.fits")
