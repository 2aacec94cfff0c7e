"""The shipped classifier, trained on mock spectra alone, on real ones whose class is known."""

import csv
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from experiments.predict import predict_files
from spectranet_jax.inference import load
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.labels import CLASS_PERSON, CLASSES


def right(said: list[str], true: list[str]) -> tuple[int, int]:
    """Spectra rightly told in four classes, and in three (QSO and QSO_BAL as one)."""
    four = np.array(said) == np.array(true)
    three = [np.char.replace(names, "_BAL", "") for names in (said, true)]
    return int(four.sum()), int((three[0] == three[1]).sum())


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
    table = predict_files([load()], files)
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
    with (shared / "index.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith(f"{folder}/")]
    table = predict_files([load()], [str(shared / row["file"]) for row in rows])
    assert len(table) == spectra
    assert not (table["FLAGS"] & int(Flag.UNREADABLE | Flag.NO_DATA)).any()
    _, three = right(table["CLASS"].tolist(), [row["label"] for row in rows])
    assert three >= at_least
