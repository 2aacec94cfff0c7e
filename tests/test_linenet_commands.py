"""LineNet from the command line: from noise-free spectra to a run folder, catalog and figures."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_runs
from astropy.table import Table
from make_fits import write_spec
from naming import naming

from data_prep.mock.dataset import creator, prepare
from experiments import classify, evaluate, linenet, quasarnet, redshift, training_data
from experiments.export import rebuild_command
from experiments.model_card import write_card
from spectranet_jax.catalog import plots
from spectranet_jax.catalog.pieces import pieces
from spectranet_jax.commands import predict
from spectranet_jax.inference import load
from spectranet_jax.networks.line_evidence import LINES
from spectranet_jax.spectra import CLASSES, InputError
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.lines import evidence_column as column
from spectranet_jax.spectra.observation import EFFECTS
from spectranet_jax.spectra.zsteps import REACH, WIDE_REACH
from spectranet_jax.training import augment, run

pytestmark = pytest.mark.usefixtures("no_contact_sheet")


@pytest.fixture(scope="module")
def noise_free(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("linenet") / "light"
    prepare(folder, dict.fromkeys(CLASSES, 60), 3, GRID, noiseless=True)
    return folder


@pytest.fixture(scope="module")
def trained(noise_free: Path) -> Path:
    out = noise_free.parent / "run"
    linenet.work(
        linenet.Config(data=noise_free, out=out, epochs=1, batch=32, features=8, cache=False)
    )
    return out


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predict") / "linenet"
    return toy_runs.untrained(folder, toy_runs.LINENET, {"name": "linenet"})


@pytest.mark.slow
def test_a_run_is_calibrated_scored_and_drawn(trained: Path):
    calibration = json.loads((trained / run.CALIBRATION).read_text())
    assert set(calibration) == {"class_temperature", "temperature", "between", "zwarn_threshold"}
    model = load(trained)
    assert model.task.config["temperature"] == calibration["temperature"]
    scores = run.read_evaluation(trained)["test"]["scores"]
    assert scores["quasars"]["redshift"]["n"] > 5 and scores["galaxies"]["n"] > 3
    assert scores["posterior"]["n"] == scores["quasars"]["redshift"]["n"] + scores["galaxies"]["n"]
    drawn = {path.stem for path in (trained / "figures").glob("*.png")}
    assert drawn > {"pit", "coverage", "reliability", "risk_coverage", "velocity", "redshift"}


@pytest.mark.long
def test_a_run_of_before_the_reach_was_a_field_resumes_with_the_old_one(
    trained: Path, noise_free: Path, tmp_path: Path
):
    """It was killed before its first checkpoint, so that config.json is all that there is."""
    config = run.read_config(trained)
    assert config["network"].pop("reach") == config["task"].pop("reach") == list(WIDE_REACH)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / run.CONFIG).write_text(json.dumps(config))
    settings = linenet.Config(data=noise_free, epochs=1, batch=32, features=8, cache=False)
    linenet.work(replace(settings, out=tmp_path / "run"))
    assert run.read_config(tmp_path / "run") == config
    resumed = load(tmp_path / "run")
    assert resumed.task.reach == resumed.network.reach == REACH


@pytest.mark.slow
def test_evaluation_repeats_to_the_last_digit(trained: Path, tmp_path: Path):
    evaluate.work(evaluate.Config(str(trained), out=tmp_path / "again", cache=False))
    once, again = (run.read_evaluation(f)["test"]["scores"] for f in (trained, tmp_path / "again"))
    assert once == again


@pytest.mark.slow
def test_the_card_tells_redshifts_and_how_to_rebuild(trained: Path, noise_free: Path):
    model = load(trained)
    command = rebuild_command(model.config)
    assert command.startswith("python -m experiments.linenet") and "--features 8" in command
    assert f"--data {noise_free}" in command  # no survey that the command makes by itself
    counts = dict.fromkeys(CLASSES, model.config["settings"]["spectra"] // 4)
    mock = model.config | {"data": {"creator": creator(counts, 0, noiseless=True)}}
    assert "--data" not in rebuild_command(mock)
    card = write_card("toy", model, command, {"test": run.read_evaluation(trained)["test"]})
    scores = run.read_evaluation(trained)["test"]["scores"]
    assert f"| galaxies | {scores['galaxies']['n']} |" in card and "templates | none" in card
    assert "| redshifts | -0.0057 to 6.67 |" in card


def test_light_is_observed_as_the_manifest_says(noise_free: Path):
    split = training_data.training_split(noise_free, lambda truth: truth["label"] >= 0)
    step = training_data.observation(split)
    assert step.func is augment.observe and set(step.keywords["effects"]) == set(EFFECTS)
    fewer, none = (
        replace(split, manifest=replace(split.manifest, effects=effects))
        for effects in (("noise", "sky"), None)
    )
    assert training_data.observation(fewer).keywords["effects"] == ("noise", "sky")
    with pytest.raises(InputError, match=r"light/manifest\.json .*--noiseless"):
        training_data.observation(none)


@pytest.mark.long
@pytest.mark.parametrize(
    ("experiment", "extra"),
    [(classify, {}), (redshift, {"target": "qso"}), (quasarnet, {"filters": 4})],
)
def test_every_network_can_be_trained_on_light(
    experiment: Any, extra: dict[str, Any], noise_free: Path, tmp_path: Path
):
    settings = {
        "data": noise_free,
        "out": tmp_path / "run",
        "epochs": 1,
        "batch": 16,
        "cache": False,
    }
    experiment.work(experiment.Config(**settings, **extra))
    assert run.read_evaluation(tmp_path / "run")["test"]["scores"]["n"] > 3


@pytest.mark.long
def test_several_members_are_one_model(noise_free: Path, tmp_path: Path):
    settings = {"data": noise_free, "epochs": 1, "batch": 32, "features": 4, "cache": False}
    linenet.work(linenet.Config(out=tmp_path / "two", members=2, **settings))
    model = load(tmp_path / "two")
    assert set(model.variables["params"]) == {"member_0", "member_1"}
    rng = np.random.default_rng(0)
    table = model.predict(rng.normal(2, 1, (3, 443)), np.ones((3, 443)))
    assert len(table) == 3 and np.isfinite(table["P_QSO"]).all()


@pytest.mark.parametrize("flag", ["features", "members"])
def test_none_is_too_few(flag: str):
    with pytest.raises(InputError, match=naming(f"--{flag}", 0)):
        linenet.work(linenet.Config(**{flag: 0}, cache=False))


@pytest.mark.slow
def test_light_is_for_training_alone(noise_free: Path, untrained: Path, tmp_path: Path):
    with pytest.raises(InputError, match=str(noise_free)):
        evaluate.work(
            evaluate.Config(
                str(untrained), data=noise_free, split="train", out=tmp_path, cache=False
            )
        )


@pytest.mark.slow
def test_a_catalog_has_evidence_a_line_and_no_redshift_of_stars(untrained: Path):
    rng = np.random.default_rng(1)
    flux = np.cumsum(rng.normal(0, 1, (40, 443)), axis=1)
    table = load(untrained).predict(flux, np.ones_like(flux))
    assert table.colnames[-len(LINES) :] == [column(line) for line in LINES]
    star = np.array(table["CLASS"]) == "STAR"
    for name in ("Z", "Z_ERR", "P_3000", "EV_CIV"):
        assert (np.ma.getmaskarray(table[name]) == star).all(), name
    quasar = np.char.startswith(np.array(table["CLASS"]), "QSO")
    assert (np.ma.getmaskarray(table["P_BAL"]) == ~quasar).all()


@pytest.mark.slow
def test_pictures_of_every_spectrum(untrained: Path, tmp_path: Path, monkeypatch):
    """For a good spectrum, one without data, and one that cannot be read."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    write_spec(Path("spec-a.fits"), (7000, 56000, 1), flux=rng.normal(2, 1, 4600))
    write_spec(Path("spec-b.fits"), (7000, 56000, 2), ivar=np.zeros(4600))
    Path("spec-c.fits").write_bytes(b"not FITS")
    files = ["spec-a.fits", "spec-b.fits", "spec-c.fits"]
    assert plots.plot([load(untrained)], pieces(files), Path("pictures")) == 3
    names = sorted(path.name for path in Path("pictures").iterdir())
    assert [name[:13] for name in names] == ["000001-spec-a", "000002-spec-b", "000003-spec-c"]
    for path in Path("pictures").iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_classifier_alone_is_drawn_too(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_spec(Path("spec-a.fits"), (7000, 56000, 1))
    model = load(toy_runs.untrained(tmp_path / "classify"))
    assert plots.plot([model], pieces(["spec-a.fits"]), Path("pictures")) == 1


@pytest.mark.slow
def test_prior_threshold_and_pictures_from_the_command_line(
    untrained: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    write_spec(Path("spec-a.fits"), (7000, 56000, 1), flux=rng.normal(2, 1, 4600))
    settings = {"model": (str(untrained),), "cache": False}
    for out, prior in (("stars.fits", "1,0,0,0"), ("bals.fits", "0,0,0,1")):
        predict.work(
            predict.Config(
                ("spec-a.fits",),
                out=Path(out),
                class_prior=prior,
                bal_threshold=0.0,
                plots=Path("pictures"),
                **settings,
            )
        )
    classes = [Table.read(name)["CLASS"][0] for name in ("stars.fits", "bals.fits")]
    assert [name.strip() for name in classes] == ["STAR", "QSO_BAL"]
    header = Table.read("stars.fits").meta["CONFIG1"]
    assert json.loads(header)["task"]["prior"] == [1, 0, 0, 0]


@pytest.mark.slow
def test_p_of_z_is_in_no_catalog(untrained: Path):
    model = load(untrained)
    flux = np.ones((2, 443), np.float32)
    columns = model.columns(flux, flux)
    assert columns["P_OF_Z"].shape == (2, 1640)
    np.testing.assert_allclose(columns["P_OF_Z"].sum(1), 1, rtol=1e-4)
    assert "P_OF_Z" not in model.predict(flux, flux).colnames
