"""The files that the commands of README and docs name, in small."""

import shutil
from pathlib import Path

import answers
import numpy as np
import toy_survey
from astropy.io import fits
from astropy.table import Table
from make_fits import write_coadd

from data_prep import example

TARGETS = (11, 12, 13, 14, 15, 16)


def prepare(folder: Path) -> Path:
    """Spectra, catalogs and datasets under the names that pages give them."""
    example.main(example.Config(folder / "made", spectra=80))
    (folder / "made" / "spectra").rename(folder / "spectra")
    truth = Table.read(folder / "made" / "catalog.fits")
    shutil.rmtree(folder / "made")
    truth.write(folder / "Superset_DR12Q.fits")
    _write_spall(folder / "spAll.fits", truth)
    files = sorted((folder / "spectra").iterdir())
    _write_labels(folder, files, truth)
    (folder / "files.txt").write_text("".join(f"{path}\n" for path in files))
    _write_desi(folder)
    _write_quasarnet(folder, truth)
    _write_real(folder / "real", files, truth)
    for name in ("anna", "ben"):
        rows = [
            answers.row("QSO", "2.1", "4", name, FIBERID=str(fiber), PLATE="7102", MJD="56666")
            for fiber in range(41, 61)
        ]
        answers.write(folder / f"{name}.csv", *rows)
    toy_survey.write(folder / "data" / "boss", 300)
    for name in ("mine", "mock"):
        shutil.copytree(folder / "data" / "boss", folder / "data" / name)
    return folder


def copy_for(page: str, prepared: Path, folder: Path) -> Path:
    """A copy of the prepared files, without what the page's own commands make.

    Args:
        page: its path from the repository's root.
        prepared: what `prepare` gives.
        folder: an empty folder.
    """
    shutil.copytree(
        prepared, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("cache", "data")
    )
    for name in NEEDS.get(page, ()):
        shutil.copytree(prepared / "data" / name, folder / "data" / name)
    return folder


NEEDS = {
    "docs/predicting.md": ("boss",),
    "docs/quasarnet.md": ("mine",),
    "docs/sim-to-real.md": ("boss",),
}
"""Page -> datasets that its commands assume."""


def _write_labels(folder: Path, files: list[Path], truth: Table) -> None:
    names = {1: "STAR", 4: "GALAXY", 3: "QSO", 30: "QSO_BAL"}
    table = Table({"FILE": [path.name for path in files], "Z": truth["Z_VI"]})
    table["CLASS"] = [names[code] for code in truth["CLASS_PERSON"]]
    for path in (folder / "labels.csv", folder / "spectra" / "labels.csv"):
        table.write(path)
    targets = Table({"TARGETID": np.array(TARGETS, np.int64), "CLASS": ["QSO", "GALAXY"] * 3})
    targets["Z"] = 1.0
    targets.write(folder / "labels.ecsv")


def _write_spall(path: Path, truth: Table) -> None:
    names = {1: "STAR", 4: "GALAXY", 3: "QSO", 30: "QSO"}
    table = truth["PLATE", "MJD", "FIBERID", "THING_ID"]
    table["CLASS"] = [names[code] for code in truth["CLASS_PERSON"]]
    table["Z"], table["ZWARNING"] = truth["Z_VI"], np.int32(0)
    table.write(path)


def _write_desi(folder: Path) -> None:
    write_coadd(folder / "coadd-1.fits", TARGETS, np.random.default_rng(1))
    table = Table({"TARGETID": np.array(TARGETS, np.int64), "SPECTYPE": ["QSO", "GALAXY"] * 3})
    table["Z"], table["ZERR"] = np.linspace(0.5, 1.5, len(TARGETS)), 1e-4
    table["ZWARN"], table["DELTACHI2"], table["SUBTYPE"] = np.int64(0), 50.0, "A"
    for name, columns in (
        ("redrock-1.fits", table.colnames),
        ("LRG_N_clustering.dat.fits", ["TARGETID", "Z"]),
    ):
        hdu = fits.table_to_hdu(table[columns])
        hdu.name = "REDSHIFTS" if name.startswith("redrock") else "LSS"
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(folder / name)


def _write_quasarnet(folder: Path, truth: Table) -> None:
    """data_dr12.fits and its truth: 443 bins of flux and of ivar for each spectrum."""
    rng = np.random.default_rng(2)
    image = np.hstack([rng.normal(2, 1, (len(truth), 443)), np.ones((len(truth), 443))])
    ids = truth["THING_ID", "PLATE", "MJD", "FIBERID"]
    data = ids.copy()
    data.rename_column("THING_ID", "TARGETID")
    data["TARGETID"] = data["TARGETID"].astype(np.int64)
    table = fits.table_to_hdu(data)
    primary = fits.PrimaryHDU(image.astype(np.float32))
    fits.HDUList([primary, table]).writeto(folder / "data_dr12.fits")
    for name, value in (("BAL_FLAG_VI", truth["CLASS_PERSON"] == 30), ("BI_CIV", 0)):
        truth[name] = np.asarray(value, np.float64 if name == "BI_CIV" else np.int32)
    truth.write(folder / "truth_DR12Q.fits")


def _write_real(folder: Path, files: list[Path], truth: Table) -> None:
    """Labeled spectra as a folder with an index.csv."""
    names = {1: "STAR", 4: "GALAXY", 3: "QSO", 30: "QSO_BAL"}
    (folder / "plate").mkdir(parents=True)
    rows = ["file,label,z"]
    for path, code, z in zip(files, truth["CLASS_PERSON"], truth["Z_VI"], strict=True):
        shutil.copy(path, folder / "plate")
        rows.append(f"plate/{path.name},{names[code]},{z}")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
