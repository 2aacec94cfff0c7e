"""The shipped models, trained on mock spectra alone, on labeled real ones.

`pytest tests/test_real_spectra.py -s` prints what docs/linenet.md tells of the network alone, on
bins; `python -m experiments.headline` what the README tells, refined as `spectranet predict` does.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from predicted import predict_files
from rich.console import Console

from experiments.labeled_catalog import kinds
from experiments.labeled_index import read_rows
from spectranet_jax import readers
from spectranet_jax.evaluation import quasar_scores, redshift_scores
from spectranet_jax.evaluation.quasar_scores import Answers, Truth
from spectranet_jax.evaluation.score_tables import interval, quasar_table, range_table
from spectranet_jax.inference import load
from spectranet_jax.readers import rebin_all
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.instruments import SDSS
from spectranet_jax.spectra.labels import BAL_UNSURE, CLASS_PERSON, CLASSES

pytestmark = pytest.mark.slow


def listed(shared: Path) -> list[dict[str, str]]:
    """The rows of the index of real spectra."""
    return read_rows(shared / "index.csv", ("file", "label", "z", "subtype", "survey", "sn_median"))


def right(called: list[str], true: list[str]) -> tuple[int, int]:
    """Spectra correct in four classes, and in three (QSO and QSO_BAL as one)."""
    four = np.array(called) == np.array(true)
    three = kinds(np.array(called)) == kinds(np.array(true))
    return int(four.sum()), int(three.sum())


def test_plate_7102_by_its_visual_inspection(shared: Path):
    """At least 34 of 40 in four classes and 38 in three."""
    truth = fits.getdata(shared / "boss-dr12-7102" / "Superset_DR12Q-excerpt.fits")
    inspected = {
        f"{row['PLATE']:04d}-{row['MJD']}-{row['FIBERID']:04d}": CLASSES[
            CLASS_PERSON[row["CLASS_PERSON"]]
        ]
        for row in truth
    }
    files = sorted(map(str, (shared / "boss-dr12-7102").glob("spec-*.fits*")))
    table = predict_files([load("classifier")], files)
    assert len(table) == 40
    four, three = right(table["CLASS"].tolist(), [inspected[name] for name in table["ID"]])
    assert four >= 34 and three >= 38


@pytest.mark.parametrize(
    ("folder", "spectra", "at_least"),
    [
        ("boss-dr12-galaxies", 49, 47),
        ("boss-dr16-quasars", 40, 38),
        ("broad-line-quasars", 46, 42),
        ("sdss-mixed", 39, 34),
    ],
)
def test_other_surveys_by_their_labels(shared: Path, folder: str, spectra: int, at_least: int):
    """In three classes, since these catalogs do not tell BALs apart."""
    rows = [row for row in listed(shared) if row["file"].startswith(f"{folder}/")]
    table = predict_files([load("classifier")], [str(shared / row["file"]) for row in rows])
    assert len(table) == spectra
    assert not (table["FLAGS"] & int(Flag.UNREADABLE | Flag.NO_DATA)).any()
    _, three = right(table["CLASS"].tolist(), [row["label"] for row in rows])
    assert three >= at_least


FOLDERS = {
    "boss-dr12-7102": 37,
    "boss-dr12-galaxies": 48,
    "boss-dr16-quasars": 39,
    "broad-line-quasars": 44,
    "sdss-mixed": 37,
}
"""Folder of real spectra -> how many LineNet must classify correctly in three classes at least."""


class Known(NamedTuple):
    """A catalog by LineNet, and the labels of its spectra."""

    table: Table
    folder: np.ndarray
    label: np.ndarray
    z: np.ndarray
    subtype: np.ndarray
    survey: np.ndarray
    sn: np.ndarray


@pytest.fixture(scope="module")
def known(shared: Path) -> Known:
    rows = [row for row in listed(shared) if row["file"].split("/")[0] in FOLDERS]
    return Known(
        predict_files([load("linenet")], [str(shared / row["file"]) for row in rows]),
        np.array([row["file"].split("/")[0] for row in rows]),
        np.array([row["label"] for row in rows]),
        np.array([float(row["z"] or "nan") for row in rows]),
        np.array([row["subtype"] for row in rows]),
        np.array([row["survey"] for row in rows]),
        np.array([float(row["sn_median"]) for row in rows]),
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_linenet_tells_classes(known: Known, folder: str):
    rows = known.folder == folder
    called = known.table["CLASS"][rows].tolist()
    four, three = right(called, known.label[rows].tolist())
    print(f"{folder}: {four} of {rows.sum()} in four classes, {three} in three")
    assert three >= FOLDERS[folder]


def test_linenet_gives_redshifts_of_quasars(known: Known):
    """NMAD below 300 km/s, 97% within 1000, none biased; redrock reaches 348 on plate 7102."""
    quasar = np.char.startswith(known.label, "QSO")
    label = np.array([CLASSES.index(name) for name in known.label])
    called = np.char.startswith(np.array(known.table["CLASS"].tolist()), "QSO")
    z = np.ma.filled(known.table["Z"], np.nan)
    truth = Truth(label, known.z, np.full(len(label), BAL_UNSURE))
    scores = quasar_scores.scores(truth, Answers(is_qso=called, z=z))
    console = Console(width=160)
    console.print(quasar_table("Real spectra", {"LineNet": scores}))
    console.print(range_table("Redshifts of real quasars", scores.redshift_by_range))
    assert (called & quasar).sum() / quasar.sum() > 0.97
    assert (called & quasar).sum() / called.sum() > 0.97
    of_all = scores.redshift
    assert of_all.nmad_dv < 330
    assert of_all.within["1000"].fraction > 0.95
    assert of_all.within["3000"].fraction > 0.98
    for of_range in scores.redshift_by_range.values():
        assert abs(of_range.median_dv) < 150


def test_linenet_gives_redshifts_of_galaxies(known: Known):
    galaxy = known.label == "GALAXY"
    z = np.ma.filled(known.table["Z"], np.nan)[galaxy]
    scores = redshift_scores.scores(z, known.z[galaxy])
    print(
        f"galaxies: {scores.n}, NMAD {scores.nmad_dv:.0f} km/s,"
        f" within 1000 km/s {interval(scores.within['1000'])}"
    )
    assert scores.nmad_dv < 150 and scores.within["1000"].fraction > 0.92


def test_linenet_finds_the_broad_absorption_of_plate_7102(known: Known):
    """Among inspected spectra: both BALs found, and of 23 other quasars at most two called BAL."""
    plate = known.folder == "boss-dr12-7102"
    called = np.array(known.table["CLASS"].tolist())
    assert (called[plate & (known.label == "QSO_BAL")] == "QSO_BAL").all()
    assert (called[plate & (known.label == "QSO")] == "QSO_BAL").sum() <= 2


def test_linenet_calls_bright_early_types_galaxies(known: Known):
    """Those of the pipeline's GALAXY without emission, at S/N above 5 a pixel."""
    early = (known.label == "GALAXY") & (known.subtype == "") & (known.sn > 5)
    called = np.array(known.table["CLASS"].tolist())[early] == "GALAXY"
    print(f"early types at S/N above 5: {called.sum()} of {called.size} called GALAXY")
    assert called.size >= 10 and called.all()


def test_linenet_is_precise_where_lines_are_narrow_and_bright(known: Known):
    """Galaxies with emission at S/N above 10: redrock reaches 25 to 60 km/s at native pixels."""
    narrow = (known.label == "GALAXY") & (known.subtype != "") & (known.sn > 10)
    z = np.ma.filled(known.table["Z"], np.nan)[narrow]
    dv = redshift_scores.dv(z, known.z[narrow])
    print(
        f"narrow lines: {narrow.sum()}, NMAD {redshift_scores.nmad(dv):.0f} km/s, dv {dv.round()}"
    )
    assert narrow.sum() >= 5 and redshift_scores.nmad(dv) < 150


def test_linenet_loses_little_by_the_coverage_of_sdss(known: Known, shared: Path):
    """Spectra of BOSS without what SDSS-I/II does not cover, 3815 to 9200 Angstrom."""
    rows = [row for row in listed(shared) if row["file"].split("/")[0] in FOLDERS]
    boss = known.survey == "BOSS/eBOSS"
    spectra = [
        rebin_all(readers.read(shared / rows[i]["file"]), grid=GRID) for i in np.flatnonzero(boss)
    ]
    flux, ivar = (np.concatenate(arrays) for arrays in zip(*spectra, strict=True))
    low, high = SDSS.coverage
    ivar = np.where((GRID.centers > low) & (GRID.centers < high), ivar, 0)
    table = load("linenet").predict(flux, ivar)
    label = known.label[boss].tolist()
    before = right(known.table["CLASS"][boss].tolist(), label)[1]
    after = right(table["CLASS"].tolist(), label)[1]
    quasar = np.char.startswith(known.label, "QSO")[boss]
    scatter = [
        redshift_scores.scores(np.ma.filled(z, np.nan)[quasar], known.z[boss][quasar])
        for z in (known.table["Z"][boss], table["Z"])
    ]
    within = [each.within["3000"].count for each in scatter]
    print(
        f"{boss.sum()} of BOSS, whole and as SDSS-I/II: {before} and {after} right in three"
        f" classes; of {quasar.sum()} quasars {within[0]} and {within[1]} within 3000 km/s, NMAD"
        f" {scatter[0].nmad_dv:.0f} and {scatter[1].nmad_dv:.0f}"
    )
    assert after >= before - 3 and within[1] >= within[0] - 2
