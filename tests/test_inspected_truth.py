"""Answers of a visual inspection as labels of spectra that are prepared for training."""

import numpy as np
import pytest
from answers import row, write
from make_fits import write_spec

from data_prep import sdss, truth
from spectranet_jax.datasets import manifest
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.labels import GALAXY, QSO, QSO_BAL, STAR, UNKNOWN


def fiber(number):
    return {"PLATE": "7102", "MJD": "56666", "FIBERID": str(number)}


def test_qualities_3_and_4_are_secure(tmp_path):
    rows = [row("QSO_BAL", "2.5", str(quality), **fiber(quality + 1)) for quality in range(5)]
    read = truth.read(write(tmp_path / "vi.csv", *rows, row("STAR", "", "4", **fiber(9))))
    assert read.label.tolist() == [UNKNOWN, UNKNOWN, UNKNOWN, QSO_BAL, QSO_BAL, STAR]
    assert read.z_conf.tolist() == [0, 1, 2, 3, 3, 0]
    assert read.z[3] == 2.5 and np.isnan(read.z[5])
    assert read.bal.tolist() == [0, 0, 0, 1, 1, 0]


@pytest.mark.slow
def test_spectra_are_prepared_with_an_inspectors_labels(tmp_path):
    for number in (1, 2, 3):
        write_spec(tmp_path / f"spec-{number}.fits", (7102, 56666, number))
    answers = [row("GALAXY", "0.5", "4", **fiber(1)), row("GALAXY", "0.5", "1", **fiber(2))]
    path = write(tmp_path / "vi.csv", *answers)
    config = sdss.Config(catalog=(str(path),), spectra=(str(tmp_path),), out=tmp_path / "data")
    sdss.work(config)
    counts = manifest.read(tmp_path / "data").counts.values()
    assert sum(split["GALAXY"] for split in counts) == 1
    assert sum(sum(split.values()) for split in counts) == 1


def test_desi_targets_are_found_by_targetid(tmp_path):
    path = write(tmp_path / "vi.csv", row(TARGETID="39633559463397282"))
    assert truth.read(path).ids["TARGETID"].tolist() == [39633559463397282]


@pytest.mark.parametrize(
    ("rows", "arguments", "names"),
    [
        ([], {}, "no rows"),
        ([row(NAME="x", FILE="")], {}, "PLATE"),
        ([row()], {"bal": "flag-and-bi"}, "--bal class"),
        ([row("STAR", "2.1")], {}, "STAR.*2.1.*row 2"),
        ([row(), row("QSO", "0", **fiber(1))], {}, "QSO.*row 3"),
        ([row("QSO_BAL", "", "3")], {}, "QSO_BAL.*row 2"),
        ([row() | {"DIFFERS": "class"}], {}, "DIFFERS"),
        ([row(), row("GALAXY", quality="3")], {}, "row 2.*row 3"),
        ([row(), row(z="2.12")], {}, "row 2.*row 3"),  # 1935 km/s
        ([row(TARGETID="3.96336E+16")], {}, "3.96336E.16.*TARGETID.*row 2"),
    ],
)
def test_what_cannot_be_truth_is_a_sentence(tmp_path, rows, arguments, names):
    with pytest.raises(InputError, match=f"vi.csv.*{names}"):
        truth.read(write(tmp_path / "vi.csv", *rows), **arguments)


def test_what_is_not_secure_may_contradict_and_stars_may_move(tmp_path):
    rows = [row(), row("STAR", "2.1", "2"), row("GALAXY", "-0.001", **fiber(1))]
    read = truth.read(
        write(tmp_path / "vi.csv", *rows, row(z="2.109"), row("STAR", "0.001", **fiber(2)))
    )
    assert read.label.tolist() == [QSO, UNKNOWN, GALAXY, QSO, STAR]


def by_file(file, kind="QSO", name="x"):
    return row(kind, "0.001" if kind == "STAR" else "2.1", FILE=file, ID=name)


@pytest.mark.slow
def test_spectra_that_only_their_files_name_are_labeled(tmp_path):
    for number, name in enumerate("ab", start=1):
        write_spec(tmp_path / f"{name}.fits", (7102, 56666, number))
    path = write(
        tmp_path / "vi.csv",
        by_file("elsewhere/a.fits", "STAR"),
        by_file("elsewhere/b.fits"),
        row("GALAXY", **fiber(9)),
    )
    config = sdss.Config(catalog=(str(path),), spectra=(str(tmp_path),), out=tmp_path / "data")
    sdss.work(config)
    counts = manifest.read(tmp_path / "data").counts.values()
    assert [sum(split[kind] for split in counts) for kind in ("STAR", "QSO")] == [1, 1]


def test_secure_rows_that_nothing_identifies_are_counted(tmp_path, capsys):
    rows = [by_file("many.fits", "QSO", "1"), by_file("many.fits", "STAR", "2"), row(**fiber(1))]
    read = truth.read(write(tmp_path / "vi.csv", *rows))
    assert "vi.csv: 2 of 3 secure rows" in capsys.readouterr().err
    assert len(read) == 3


def test_files_of_one_name_in_two_folders_do_not_contradict_each_other(tmp_path, capsys):
    path = write(tmp_path / "vi.csv", by_file("a/spec.fits"), by_file("b/spec.fits", "STAR"))
    assert truth.read(path).label.tolist() == [QSO, STAR]
    assert capsys.readouterr().err == ""
