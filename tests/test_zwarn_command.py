"""The threshold of ZWARN: chosen on mock spectra, measured on real ones, written to a model."""

import json
from pathlib import Path

import numpy as np
import pytest
import toy_runs
import toy_survey
from naming import naming

from experiments.labeled_catalog import kinds, predicted
from experiments.labeled_index import read_index
from experiments.zwarn import Config, work, write
from spectranet_jax.datasets import checksums
from spectranet_jax.evaluation.combined_scores import is_right
from spectranet_jax.inference import load, weights
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.labels import GALAXY, QSO, QSO_BAL, STAR
from spectranet_jax.tasks import linenet_trust

EDGES = np.linspace(0, 0.8, 801)


def at(z: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Return p(z) with probability `sure` in the step of z, the rest uniform over all, (n, 800)."""
    p = np.repeat((1 - sure[:, None]) / 800, 800, axis=1)
    p[np.arange(len(z)), np.searchsorted(EDGES, np.log10(1 + z), side="right") - 1] += sure
    return p


def test_a_wrong_class_or_redshift_is_not_right() -> None:
    kind = np.array([STAR, GALAXY, QSO, QSO, GALAXY, QSO])
    label = np.array([STAR, GALAXY, QSO_BAL, QSO, QSO, QSO])
    z = np.array([0.7, 0.3, 2.0, 2.1, 1.0, 9.0])
    z_true = np.array([0.0, 0.3001, 2.0, 2.0, 1.0, np.nan])
    right = is_right(kind, z, label, z_true)
    assert right.tolist() == [True, True, True, False, False, True]


def test_the_threshold_leaves_out_what_is_wrong() -> None:
    """Of 4,000 spectra those below 0.9 are wrong half of the time, the others never."""
    rng = np.random.default_rng(0)
    n = 4000
    sure = np.where(rng.random(n) < 0.3, 0.8, 0.97)
    z = rng.uniform(0.5, 3, n)
    wrong = (sure < 0.9) & (rng.random(n) < 0.5)
    p = np.zeros((n, 4))
    p[:, QSO] = 1
    threshold = linenet_trust.threshold(p, at(z, sure), EDGES, np.full(n, QSO), z + wrong * 0.3)
    assert 0.8 < threshold <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("shipped", [False, True])
def test_the_threshold_is_written_where_the_model_is_read(tmp_path: Path, shipped: bool) -> None:
    folder = toy_runs.untrained(tmp_path / "run")
    config = json.loads((folder / "config.json").read_text())
    if shipped:
        weights.save(folder / weights.FILE_NAME, load(folder).variables)
        checksums.write(folder, [weights.FILE_NAME, "config.json"])
    path = write(folder, 0.9)
    assert path.name == ("config.json" if shipped else "calibration.json")
    written = json.loads(path.read_text())
    assert (written["task"] if shipped else written)["zwarn_threshold"] == 0.9
    if shipped:
        assert checksums.damage(folder) == ""
        del written["task"]["zwarn_threshold"]
        assert written == config


def test_an_index_tells_files_labels_and_redshifts(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("file,z,label\na.fits,0.5,GALAXY\nb.fits,,SKY\n")
    labeled = read_index(tmp_path)
    assert labeled.file.tolist() == ["a.fits", "b.fits"]
    assert labeled.z[0] == 0.5
    assert np.isnan(labeled.z[1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ("index.csv", "label")),
        ("", ("index.csv", "file")),
        ("file,z\na,1\n", ("index.csv", "label")),
        ("file,label,z\na,QSO,high\n", ("index.csv", "line 2", "number")),
    ],
)
def test_an_index_that_cannot_be_used(tmp_path: Path, text: str | None, words: tuple) -> None:
    if text is not None:
        (tmp_path / "index.csv").write_text(text)
    with pytest.raises(InputError, match=naming(*words)):
        read_index(tmp_path)


def test_a_model_without_p_of_z_is_refused() -> None:
    with pytest.raises(InputError, match=naming("classifier", "LineNet")):
        work(Config("classifier"))


@pytest.mark.slow
def test_what_is_trusted_of_the_real_spectra_is_right(real_sets: Path) -> None:
    """Quasars and galaxies with ZWARN 0: 98% pure; no sky fiber is trusted, no SDSS-I/II barred."""
    labeled = read_index(real_sets)
    rows = predicted(load(), real_sets, labeled)
    trusted = np.asarray(rows["ZWARN"] == 0)
    called, true = kinds(rows["CLASS"]), kinds(labeled.label)
    near = np.abs(rows["Z_NET"] - labeled.z) / (1 + labeled.z) < 0.01
    for kind in (GALAXY, QSO):
        chosen = trusted & (called == kind)
        assert np.mean((true == kind)[chosen] & near[chosen]) >= 0.98
        assert np.mean(chosen[true == kind]) >= 0.93
    assert not trusted[labeled.label == "SKY"].any()
    partial = (rows["FLAGS"] & Flag.PARTIAL) != 0
    assert np.mean(trusted[partial & np.isin(true, [GALAXY, QSO])]) > 0.9


@pytest.mark.slow
def test_another_survey_under_the_name_of_the_mock_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    toy_survey.write(tmp_path / "data" / "mock-zwarn-400-seed77", 400)
    with pytest.raises(InputError, match=naming("mock-zwarn-400-seed77", "--mock")):
        work(Config(spectra=400))
