"""Files of spectra found again: moved, in part, and rows without a spectrum."""

from pathlib import Path

import pytest
from astropy.table import Table
from make_fits import write_coadd, write_spec

from spectranet_jax.inspection.matching import spectra_of


@pytest.fixture
def folders(tmp_path):
    for folder, fiber in (("old/a", 1), ("old/b", 2)):
        (tmp_path / folder).mkdir(parents=True)
        write_spec(tmp_path / folder / "spec.fits", (7102, 56666, fiber))
    return tmp_path


NAMES = ["7102-56666-0001", "7102-56666-0002"]


def table() -> Table:
    return Table({"FILE": ["old/a/spec.fits", "old/b/spec.fits"], "ID": NAMES})


def matched(folder: Path, *arguments: Path) -> tuple[list[str | None], list[str]]:
    spectra, sentences = spectra_of(table(), folder, [str(path) for path in arguments])
    return [None if spectrum is None else spectrum.name for spectrum in spectra], sentences


def test_files_of_one_name_are_told_apart_by_their_folders(folders):
    (folders / "old").rename(folders / "new")
    assert matched(folders, folders / "new/b", folders / "new/a") == (NAMES, [])


def test_a_file_that_did_not_move_need_not_be_named(folders):
    (folders / "new").mkdir()
    (folders / "old/b/spec.fits").rename(folders / "new/other.fits")
    rows = table()
    rows["FILE"] = ["old/a/spec.fits", "gone/other.fits"]
    spectra, sentences = spectra_of(rows, folders, [str(folders / "new")])
    assert [spectrum.name for spectrum in spectra] == NAMES and sentences == []


def test_files_that_cannot_be_told_apart_are_a_sentence(folders):
    (folders / "old/a").rename(folders / "x")
    (folders / "old/b").rename(folders / "y")
    names, sentences = matched(folders, folders / "x", folders / "y")
    assert names == [None, None] and len(sentences) == 2 and "old/a/spec.fits" in sentences[0]


def test_a_row_whose_spectrum_is_not_in_its_file_is_a_sentence(tmp_path, rng):
    write_coadd(tmp_path / "coadd.fits", [7, 8], rng)
    rows = Table({"FILE": ["coadd.fits"] * 3, "ID": ["7", "9", "7"]})
    spectra, sentences = spectra_of(rows, tmp_path)
    assert [spectrum is None for spectrum in spectra] == [False, True, True]
    assert len(sentences) == 2
    assert "no spectrum named '9'" in sentences[0] and "2 spectra named '7'" in sentences[1]
