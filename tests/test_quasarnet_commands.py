"""QuasarNET at the command line: trained, compared, and predicting from SDSS and DESI files."""

import json
from pathlib import Path

import numpy as np
import pytest
import toy_runs
import toy_survey
from astropy.table import Table
from make_fits import write_spec
from predicted import predict_files

from experiments import classify, compare, evaluate, quasarnet, redshift
from spectranet_jax.commands import predict
from spectranet_jax.inference import load
from spectranet_jax.inference.reconfigure import reconfigured
from spectranet_jax.spectra import CLASSES, InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.tasks.quasarnet_task import LINES
from spectranet_jax.training import run

COLUMNS = [*(f"{what}_{line}" for what in "CZ" for line in (*LINES, "CIV_BAL")), "IS_QSO"]
PREDICTIONS = ["Z", *COLUMNS]

SMALL = {"filters": 4, "convolutions": 3, "boxes": 5, "epochs": 2, "batch": 64, "rate": 5e-3}


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands") / "toy"
    toy_survey.write(folder, 600)
    return folder


@pytest.fixture(scope="module")
def trained(toys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a small QuasarNET."""
    folder = tmp_path_factory.mktemp("trained") / "quasarnet"
    quasarnet.work(quasarnet.Config(data=toys, out=folder, **SMALL))
    return folder


@pytest.mark.slow
def test_training_leaves_a_run_that_evaluates_the_same_again(trained: Path, tmp_path: Path):
    config = run.read_config(trained)
    assert config["network"] == {
        "name": "QuasarNet", "filters": [4, 4, 4], "padding": "valid", "hidden": 4, "boxes": 5,
        "dropout": 0.0,
    }  # fmt: skip
    assert config["settings"]["optimizer"] == "adam"
    scores = run.read_evaluation(trained)["test"]["scores"]
    assert scores["redshift"]["n"] == scores["quasars"] > 50
    figures = sorted(path.name for path in (trained / "figures").iterdir())
    assert figures == ["loss.png", "redshift.png", "residuals.png"]
    evaluate.work(evaluate.Config(str(trained), out=tmp_path / "again"))
    assert run.read_evaluation(tmp_path / "again")["test"]["scores"] == scores


@pytest.mark.long
def test_one_table_of_three_networks(trained, toys, tmp_path, capsys):
    classifier, regressor = tmp_path / "classify", tmp_path / "redshift"
    short = {"data": toys, "epochs": 1, "batch": 64}
    classify.work(classify.Config(out=classifier, **short))
    redshift.work(redshift.Config(out=regressor, target="qso", **short))
    capsys.readouterr()
    names = tuple(map(str, (classifier, regressor, trained)))
    compare.work(compare.Config(names, json=tmp_path / "scores.json"))
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("classify", "redshift", "quasarnet"))
    scores = json.loads((tmp_path / "scores.json").read_text())
    of_classifier, of_regressor, of_quasarnet = scores.values()

    # Each network's figures are those of its own evaluation, where that has them.
    scores_by_model = {name: run.read_evaluation(Path(name))["test"]["scores"] for name in names}
    assert scores_by_model[names[2]].items() >= of_quasarnet.items()
    assert of_regressor["redshift"]["nmad_dv"] == pytest.approx(
        scores_by_model[names[1]]["nmad_dv"], rel=1e-5
    )
    counts = np.array(scores_by_model[names[0]]["confusion"]["counts"])
    quasars = [CLASSES.index("QSO"), CLASSES.index("QSO_BAL")]
    correct = counts[np.ix_(quasars, quasars)].sum() + counts[:2, :2].sum()
    assert of_classifier["accuracy"]["count"] == correct
    assert len({row["n"] for row in scores.values()}) == 1  # the same spectra
    assert of_classifier["redshift"] is None and of_classifier["completeness"] is None
    assert of_regressor["accuracy"] is None and of_regressor["bal_recall"] is None


@pytest.mark.slow
def test_models_of_different_data_are_not_compared_unasked(toys, tmp_path):
    toy_runs.untrained(tmp_path / "a")
    with pytest.raises(InputError, match="nothing to compare; name"):
        compare.work(compare.Config(()))
    with pytest.raises(InputError, match=r"nowhere.*--data"):
        compare.work(compare.Config((str(tmp_path / "a"),)))
    toy_runs.untrained(tmp_path / "b")
    config = json.loads((tmp_path / "b" / "config.json").read_text())
    config["data"]["fingerprint"] = "1" * 64
    (tmp_path / "b" / "config.json").write_text(json.dumps(config))
    both = (str(tmp_path / "a"), str(tmp_path / "b"))
    with pytest.raises(InputError, match=r"nowhere, nowhere.*--data"):
        compare.work(compare.Config(both))
    compare.work(compare.Config(both, data=toys, json=tmp_path / "scores.json"))
    assert list(json.loads((tmp_path / "scores.json").read_text())) == ["a", "b"]


@pytest.mark.slow
def test_settings_out_of_range_are_reported(toys, tmp_path):
    for field, sentence in (("boxes", "--boxes 0 is too small"), ("filters", "--filters 0")):
        with pytest.raises(InputError, match=sentence):
            quasarnet.work(quasarnet.Config(data=toys, out=tmp_path, **{field: 0}))
    with pytest.raises(InputError, match=r"6 .*\b10\b"):
        quasarnet.work(quasarnet.Config(data=toys, out=tmp_path / "run", convolutions=6))
    assert not (tmp_path / "run").exists()


def masked(path: Path) -> Path:
    return write_spec(path, (1, 2, 3), ivar=np.zeros(4600))


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".fits", ".ecsv"])
def test_a_catalog_of_sdss_and_desi_files_with_keras_weights(shared, tmp_path, suffix):
    """One row per input: spectra of both surveys, a dead one, a masked file, one not FITS."""
    (tmp_path / "page.fits").write_text("<html>404</html>")
    files = (
        shared / "boss-dr12-7102" / "spec-7102-56666-0082.fits",
        shared / "quasarnp" / "test_coadd.fits.gz",
        masked(tmp_path / "masked.fits"),
        tmp_path / "page.fits",
        shared / "formats" / "coadd-4-80613-thru20210324.fits.gz",
    )
    weights = str(shared / "quasarnp" / "test_weights_6_layer.h5")
    out = tmp_path / f"catalog{suffix}"
    predict.work(predict.Config(tuple(map(str, files)), model=(weights,), out=out))
    table = Table.read(out)
    assert len(table) == 1 + 25 + 1 + 1 + 1
    assert table.colnames[-len(COLUMNS) :] == COLUMNS
    assert list(table["ID"][1:26]) == [str(row) for row in range(25)]
    assert table["ID"][0] == "7102-56666-0082" and table["ID"][28] == "39633345008634465"
    without = [12, 26, 27]
    for name in PREDICTIONS:
        mask = np.ma.getmaskarray(table[name])
        assert np.flatnonzero(mask).tolist() == without, name
    flags = np.asarray(table["FLAGS"])
    assert flags[27] == Flag.UNREADABLE and all(flags[[12, 26]] & Flag.NO_DATA)
    given = np.setdiff1d(np.arange(len(table)), without)
    confidence = np.stack([np.asarray(table[f"C_{line}"])[given] for line in LINES])
    assert (np.asarray(table["IS_QSO"])[given] == (confidence.max(axis=0) > 0.5)).all()
    z = np.stack([np.asarray(table[f"Z_{line}"])[given] for line in LINES])
    best = z[confidence.argmax(axis=0), np.arange(len(given))]
    np.testing.assert_array_equal(np.asarray(table["Z"])[given], best)
    assert table.meta["MODEL1"] == "test_weights_6_layer.h5"


@pytest.mark.slow
def test_the_threshold_moves_what_is_a_quasar(shared):
    model = load(shared / "quasarnp" / "test_weights.h5")
    (moved,) = reconfigured([model], {"--threshold": 0.9})
    coadd = [str(shared / "quasarnp" / "test_coadd.fits.gz")]
    table, stricter = (predict_files([m], coadd) for m in (model, moved))
    confidence = np.max([table[f"C_{line}"].filled(0) for line in LINES], axis=0)
    assert (table["IS_QSO"].filled(0) == (confidence > 0.5)).all()
    assert (stricter["IS_QSO"].filled(0) == (confidence > 0.9)).all()
    assert stricter["IS_QSO"].sum() < table["IS_QSO"].sum()
    np.testing.assert_array_equal(table["Z"].filled(0), stricter["Z"].filled(0))
    assert json.loads(stricter.meta["CONFIG1"])["task"]["threshold"] == 0.9


@pytest.mark.slow
def test_beside_a_classifier_its_columns_are_appended(shared, tmp_path):
    models = [load(toy_runs.untrained(tmp_path / "c")), load(shared / "quasarnp/test_weights.h5")]
    table = predict_files(models, [str(shared / "quasarnp" / "test_coadd.fits.gz")])
    assert table["CLASS"].mask.sum() == 1 and table.colnames[-len(COLUMNS) :] == COLUMNS
    assert table["C_LYA"].mask.sum() == table["Z"].mask.sum() == 1


@pytest.mark.slow
def test_keras_weights_are_evaluated_where_it_is_said(shared, toys, tmp_path):
    weights = str(shared / "quasarnp" / "test_weights.h5")
    with pytest.raises(InputError, match="--out"):
        evaluate.work(evaluate.Config(weights, data=toys))
    with pytest.raises(InputError, match="--data"):
        evaluate.work(evaluate.Config(weights, out=tmp_path))
    evaluate.work(evaluate.Config(weights, data=toys, out=tmp_path / "keras"))
    assert run.read_evaluation(tmp_path / "keras")["test"]["scores"]["n"] > 100
