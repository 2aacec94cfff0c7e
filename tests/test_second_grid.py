"""A grid of half the step: physics is the same on it, and networks train and predict on it."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toy_runs
import toy_survey
from make_fits import write_spec
from naming import naming
from predicted import predict_files

from data_prep.mock.dataset import prepare
from data_prep.mock.draws import NumpyDraws
from data_prep.mock.survey import blocks
from experiments.linenet import Config, work
from spectranet_jax import networks, tasks
from spectranet_jax.datasets.split import check_grid, open_split
from spectranet_jax.inference import load, predict
from spectranet_jax.spectra import QUASARNET_GRID, InputError, LogGrid, noise, observation
from spectranet_jax.spectra.flags import median_sn
from spectranet_jax.spectra.spectrographs import Spectrographs
from spectranet_jax.spectra.zsteps import STEPS_PER_BIN, ZSteps

FINE = LogGrid(start=3600.0, dloglam=5e-4, size=886)

FINEST = LogGrid(start=3600.0, dloglam=1e-4, size=4430)


def test_the_grids_cover_the_same_wavelengths():
    ends = QUASARNET_GRID.edges[[0, -1]]
    for grid in (FINE, FINEST):
        np.testing.assert_allclose(grid.edges[[0, -1]], ends, rtol=1e-12)
    assert QUASARNET_GRID.bin_kms == pytest.approx(690.30, abs=0.01)


@pytest.mark.parametrize("grid", [FINE, FINEST])
def test_noise_gives_the_same_signal_to_noise_in_any_bins(grid):
    """For one noise-free spectrum: (S/N)^2 summed over 690 km/s. Sky lines are narrower."""
    of_grid = {}
    for either in (QUASARNET_GRID, grid):
        flux = np.full((1, either.size), 2.0, np.float32)
        boss = Spectrographs.of(("boss",), either)
        variance = noise.variance(flux, np.ones((1, 1), np.float32), boss.tables)[0]
        of_grid[either] = (4.0 / variance).reshape(443, -1).sum(axis=1)
    off = np.abs(of_grid[grid] / of_grid[QUASARNET_GRID] - 1)
    assert np.median(off) < 1e-3 and (off < 0.02).mean() > 0.9 and off.max() < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("grid", [FINE, FINEST])
def test_a_whole_observation_has_the_same_signal_to_noise(grid):
    """Median S/N of 690 km/s, gaps, and the fraction of bins without a measurement."""
    per_kms = {}
    for either in (QUASARNET_GRID, grid):
        draws = NumpyDraws(np.random.default_rng(4))
        noise_free = np.full((600, either.size), 2.0, np.float32)
        spectrographs = Spectrographs.of(("boss", "sdss", "desi"), either)
        which = spectrographs.choose(draws.uniform(600))
        flux, ivar = observation.observe(
            draws, noise_free, spectrographs, which, observation.SCORED
        )
        per_kms[either] = np.median(median_sn(flux, ivar, either)), (ivar == 0).mean()
    for ours, theirs, tolerance in zip(
        per_kms[grid], per_kms[QUASARNET_GRID], (0.08, 0.35), strict=True
    ):
        assert ours == pytest.approx(theirs, rel=tolerance)


@pytest.mark.slow
def test_mock_spectra_look_alike_on_both_grids():
    """The same seed, averaged to the wider bins: continua agree, though draws differ."""
    medians = []
    for grid in (QUASARNET_GRID, FINE):
        (block,) = blocks({"GALAXY": 512}, 3, grid, workers=1, noiseless=lambda i, _: i >= 0)
        flux = block.flux.reshape(512, 443, -1).mean(axis=2)
        medians.append(np.median(flux / np.median(flux, axis=1, keepdims=True), axis=0))
    np.testing.assert_allclose(medians[1], medians[0], rtol=0.15)


def test_steps_of_the_redshift_follow_the_grid():
    assert (ZSteps.of(QUASARNET_GRID).size, ZSteps.of(FINE).size) == (1640, 3280)
    for grid in (QUASARNET_GRID, FINE, FINEST):
        steps = ZSteps.of(grid)
        assert steps.edges[-1] == pytest.approx(0.82, abs=steps.width)
        assert (steps.window - 1) * steps.kms < 3000 <= steps.window * steps.kms


@pytest.mark.slow
def test_a_shift_by_a_bin_is_a_shift_of_p_of_z_there_too():
    network = networks.build(
        "LineNet", FINE, features=4, hidden=8, dilations=[1, 4], correction=False, dropout=0.0
    )
    zeros = jnp.zeros((1, FINE.size))
    shapes = jax.eval_shape(network.init, jax.random.key(0), zeros, zeros)
    rng = np.random.default_rng(1)
    variables = jax.tree.map(lambda leaf: rng.normal(0, 0.3, leaf.shape).astype("f4"), shapes)

    def spectrum(first):
        rng = np.random.default_rng(5)
        flux, weight = np.zeros((2, 1, FINE.size), np.float32)
        flux[0, first : first + 200] = rng.normal(0, 1, 200)
        weight[0, first : first + 200] = rng.uniform(0.5, 3, 200)
        return flux, weight

    answer = network.apply(variables, *spectrum(30)).z_logits
    for k in (1, 7, 100):
        moved = network.apply(variables, *spectrum(30 + k)).z_logits
        assert np.asarray(answer[:, : -STEPS_PER_BIN * k]).std() > 0.01
        np.testing.assert_allclose(
            moved[:, STEPS_PER_BIN * k :], answer[:, : -STEPS_PER_BIN * k], atol=2e-5
        )


@pytest.mark.long
@pytest.mark.usefixtures("no_contact_sheet")
def test_linenet_trains_evaluates_and_predicts_on_it(tmp_path: Path, monkeypatch):
    """By the command, from a mock survey on that grid; then from files, and beside another grid."""
    monkeypatch.chdir(tmp_path)
    counts = dict.fromkeys(("STAR", "GALAXY", "QSO", "QSO_BAL"), 60)
    prepare(Path("fine"), counts, 3, FINE, noiseless=True)
    work(Config(data=Path("fine"), out=Path("run"), epochs=1, batch=32, features=4, members=1))
    config = json.loads(Path("run/config.json").read_text())
    assert config["grid"] == dataclasses.asdict(FINE)
    scores = json.loads(Path("run/evaluation.json").read_text())["test"]["scores"]
    assert scores["spectra"] > 0

    model = load(Path("run"))
    assert model.grid == model.network.grid == FINE
    rng = np.random.default_rng(2)
    files = [str(write_spec(Path(f"{n}.fits"), flux=rng.normal(3, 1, 4600))) for n in range(3)]
    table = predict_files([model], files)
    assert np.ma.count(table["CLASS"]) == 3 and table.meta["GRID"] == str(FINE)

    # Two models of two grids: each answers for the same spectra as it does alone.
    fields = toy_runs.REGRESSOR, toy_runs.REDSHIFT | {"target": "qso"}
    coarse = load(toy_runs.untrained(Path("toy"), *fields))
    assert coarse.grid == QUASARNET_GRID
    classifier = dataclasses.replace(
        model, task=tasks.build("classify", FINE), network=_classifier(FINE), variables={}
    )
    object.__setattr__(classifier, "variables", _random(classifier))
    both = predict_files([classifier, coarse], files)
    assert both["CLASS"].tolist() == predict_files([classifier], files)["CLASS"].tolist()
    z = np.ma.getdata(predict_files([coarse], files)["Z"])
    called = both["CLASS"] == "QSO"
    np.testing.assert_array_equal(np.ma.getdata(both["Z"])[called], z[called])
    assert (both.meta["GRID1"], both.meta["GRID2"]) == (str(FINE), str(QUASARNET_GRID))
    with pytest.raises(InputError, match=naming("grids")):
        predict([classifier, coarse], np.ones((1, 443)), np.ones((1, 443)))


def _classifier(grid: LogGrid):
    return networks.build("SpectraNetClassifier", grid, channels=[4, 4, 4, 4])


def _random(model):
    from spectranet_jax.training.steps import init_variables

    return init_variables(model.network, model.task, jax.random.key(1))


@pytest.mark.slow
def test_weights_and_data_on_another_grid_are_refused(tmp_path: Path):
    run = toy_runs.untrained(tmp_path / "run")
    model = load(run)
    with pytest.raises(InputError, match=naming("(n, 443)", "(2, 886)")):
        model.predict(np.ones((2, 886)), np.ones((2, 886)))
    config = json.loads((run / "config.json").read_text())
    config["grid"] = dataclasses.asdict(FINE)
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=naming(run, "config.json")):
        load(run)
    toy_survey.write(tmp_path / "toy", 40)
    split = open_split(tmp_path / "toy", "train", lambda truth: truth["label"] >= 0)
    check_grid(split, QUASARNET_GRID)
    with pytest.raises(InputError, match=naming(tmp_path / "toy", "0.0005 x 886")):
        check_grid(split, FINE)
