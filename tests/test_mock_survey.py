import re
import subprocess
import sys

import numpy as np
import pytest
from naming import naming

from data_prep.mock import __main__ as entry
from data_prep.mock import bals, dataset, quasars, survey
from data_prep.mock.ingredients import Ingredients
from data_prep.pictures import contact_sheet
from spectranet_jax.datasets import manifest, records
from spectranet_jax.datasets.records import concatenate
from spectranet_jax.datasets.split import open_split
from spectranet_jax.spectra import CLASSES, InputError, labels, noise
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.instruments import INSTRUMENTS, fractions
from spectranet_jax.spectra.spectrographs import Spectrographs

COUNTS = {"STAR": 520, "GALAXY": 512, "QSO": 300, "QSO_BAL": 100}


@pytest.fixture(scope="module")
def block():
    return concatenate(list(survey.blocks(COUNTS, seed=3, workers=2, grid=GRID)))


@pytest.mark.slow
def test_the_survey_does_not_depend_on_the_workers(block):
    alone = concatenate(list(survey.blocks(COUNTS, seed=3, workers=1, grid=GRID)))
    assert records.encode(alone) == records.encode(block)


@pytest.mark.slow
def test_another_seed_gives_another_survey(block):
    other = next(survey.blocks(COUNTS, seed=4, grid=GRID))
    assert not np.array_equal(other.flux, block.flux[: len(other)])


@pytest.mark.slow
def test_a_larger_survey_begins_with_the_smaller_one(block):
    more = concatenate(list(survey.blocks({"QSO": 700}, seed=3, grid=GRID)))
    quasars = block.take(block.label == labels.QSO)
    assert records.encode(more.take(slice(300))) == records.encode(quasars)


def test_rows_say_what_they_are(block):
    for label, name in enumerate(CLASSES):
        assert np.sum(block.label == label) == COUNTS[name]
    assert len(np.unique(block.object_id)) == len(block)
    assert block.name[0] == b"mock-%09d" % block.object_id[0]
    stars = block.label == labels.STAR
    assert np.isnan(block.z[stars]).all()
    assert np.isfinite(block.z[~stars]).all()
    bal = block.label == labels.QSO_BAL
    # The flag is open where a trough of Mg II is seen and C IV is not on the grid.
    unsure = block.bal[~bal] == labels.BAL_UNSURE
    assert np.all(block.bal[~bal][~unsure] == labels.NOT_BAL)
    assert unsure.mean() < 0.02 and np.all(block.z[~bal][unsure] < 1.55)
    assert np.mean(block.bal[bal] == labels.BAL) > 0.6
    assert np.all((block.z[bal] > 1.5) & (block.z[bal] < 5))
    assert np.all(block.z_conf == labels.CONFIDENT)


@pytest.mark.slow
def test_magnitudes_of_bals_are_those_of_their_own_redshifts(monkeypatch):
    """z of a BAL that would be off the search window is drawn again, before its magnitude is."""
    seen = {}

    def draw(_, magnitude, z):
        seen["z"] = z
        return np.where(z > survey.BEYOND_I, 99.0, magnitude)

    def light(rng, z, magnitude, *rest):
        seen["drawn"], seen["magnitude"] = z, magnitude
        return quasars.quasars(rng, z, magnitude, *rest)

    monkeypatch.setattr(survey, "redshifts", lambda rng, n, _: rng.uniform(0.5, 6.5, n))
    monkeypatch.setattr(survey, "quasar_magnitudes", draw)
    monkeypatch.setattr(survey, "quasars", light)
    next(survey.blocks({"QSO_BAL": 1}, seed=3, workers=1, grid=GRID))
    assert bals.DETECTABLE[0] <= seen["drawn"].min() < seen["drawn"].max() <= bals.DETECTABLE[1]
    np.testing.assert_array_equal(seen["z"], seen["drawn"])
    assert seen["magnitude"].max() < 99


def test_spectra_are_finite_and_empty_bins_are_zero(block):
    assert block.flux.dtype == block.ivar.dtype == np.float32
    assert np.isfinite(block.flux).all()
    assert np.isfinite(block.ivar).all()
    assert block.ivar.min() == 0
    assert np.all(block.flux[block.ivar == 0] == 0)
    assert np.all((block.ivar > 0).any(axis=1))


@pytest.mark.slow
def test_signal_to_noise_is_that_of_the_survey(block):
    """Plate 7102: 5/25/50% at 2.6, 5.2, 8.5; the mock has longer tails: to bright ones, for
    SDSS-I, and to faint ones; still longer ones with the wide range, for DESI's faint galaxies."""
    usual = Ingredients(frozenset({"wide range"}))
    plain = concatenate(list(survey.blocks(COUNTS, seed=3, ingredients=usual, grid=GRID)))
    for made in (plain, block):
        of_boss = made.sn[made.source == b"mock boss"]
        faint, *middle = np.percentile(of_boss, [5, 25, 50])
        assert 1.2 < faint < 2.9
        np.testing.assert_allclose(middle, [5.2, 8.5], rtol=0.35)
        assert np.percentile(of_boss, 97) > 60


def test_every_instrument_observes_its_share_over_its_own_wavelengths(block):
    for name, share in fractions(tuple(INSTRUMENTS)).items():
        mine = block.source == b"mock " + name.encode()
        assert mine.mean() == pytest.approx(share, abs=0.05)
        usual = np.flatnonzero((block.ivar[mine] > 0).mean(axis=0) > 0.5)
        low, high = INSTRUMENTS[name].coverage
        assert GRID.centers[usual[0]] == pytest.approx(max(low, 3600), rel=0.004)
        assert GRID.centers[usual[-1]] == pytest.approx(min(high, 9984), rel=0.004)


def test_one_instrument_can_be_asked_for():
    ingredients = Ingredients(observed_by=("sdss",))
    (one,) = survey.blocks({"QSO": 100}, seed=1, grid=GRID, ingredients=ingredients)
    assert set(one.source.tolist()) == {b"mock sdss"}
    with pytest.raises(InputError, match=naming("hubble", "boss", "sdss", "desi")):
        Ingredients(observed_by=("hubble",))


@pytest.mark.parametrize(
    "counts, words", [({"PLANET": 5}, ("PLANET", "STAR")), ({"STAR": -1}, ("STAR", "-1"))]
)
def test_wrong_counts_are_named(counts, words):
    with pytest.raises(InputError, match=naming(*words)):
        survey.blocks(counts, seed=1, grid=GRID)


def test_counts_of_the_command_line():
    assert entry.class_counts(10, "") == {"STAR": 3, "GALAXY": 3, "QSO": 2, "QSO_BAL": 2}
    assert entry.class_counts(10, "STAR=4, QSO=1") == {"STAR": 4, "QSO": 1}
    for spectra, counts in ((0, ""), (10, "QSO=0"), (10, "QSO"), (10, "QSO=many")):
        with pytest.raises(InputError, match="--counts"):
            entry.class_counts(spectra, counts)


@pytest.mark.slow
def test_the_command_writes_a_dataset_and_its_pictures(tmp_path):
    out = tmp_path / "mock"
    command = [sys.executable, "-W", "error", "-m", "data_prep.mock", "--out", str(out)]
    done = subprocess.run([*command, "--counts", "QSO=600,QSO_BAL=200"], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    written = manifest.read(out)
    total = {name: sum(c.get(name, 0) for c in written.counts.values()) for name in CLASSES}
    assert total == {"STAR": 0, "GALAXY": 0, "QSO": 600, "QSO_BAL": 200}
    assert (out / "contact_sheet.png").read_bytes().startswith(b"\x89PNG")

    less = ["--counts", "QSO=40", "--out", str(tmp_path / "less"), "--without", "host and iron"]
    done = subprocess.run([*command, *less], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    config = manifest.read(tmp_path / "less").creator["config"]
    assert (config["without"], config["templates"]) == (["host and iron"], None)
    missing = ["--out", str(tmp_path / "none"), "--templates", str(tmp_path / "missing")]
    done = subprocess.run([*command, *missing], capture_output=True)
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert re.search(naming(tmp_path / "missing", "name a folder"), done.stderr.decode())

    done = subprocess.run([*command, "--counts", "PLANET=1"], capture_output=True)
    assert done.returncode == 2
    assert re.search(naming("error", "PLANET", "STAR"), done.stderr.decode())
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("no_contact_sheet")
def test_a_survey_of_another_recipe_is_not_taken_for_this_one(tmp_path):
    out = tmp_path / "mock"
    dataset.prepare(out, {"QSO": 20}, seed=1, grid=GRID)
    wanted = dataset.creator({"QSO": 20}, seed=1)
    dataset.check_recipe(out, wanted)
    others = (dataset.creator({"QSO": 21}, 1), dataset.creator({"QSO": 20}, 1, noiseless=True))
    for other in others:
        with pytest.raises(InputError, match=naming(out, "remove it", "--data")):
            dataset.check_recipe(out, other)
    content = (out / "manifest.json").read_text()
    (out / "manifest.json").write_text(content.replace(dataset.recipe(), "0" * 64))
    with pytest.raises(InputError, match=naming(out, "version", "remove it", "--data")):
        dataset.check_recipe(out, wanted)


@pytest.mark.slow
def test_a_contact_sheet_takes_any_number_of_classes(tmp_path, block):
    sample = block.take(np.flatnonzero(block.label == labels.QSO)[:3])
    contact_sheet(tmp_path / "few.png", [sample], grid=GRID)
    assert (tmp_path / "few.png").stat().st_size > 10_000
    with pytest.raises(InputError, match="no spectra"):
        contact_sheet(tmp_path / "none.png", [block.take(slice(0))], grid=GRID)


@pytest.mark.slow
@pytest.mark.usefixtures("no_contact_sheet")
def test_what_is_to_be_trained_on_is_stored_as_light(tmp_path):
    """Noise-free in train, with noise elsewhere; the split is that of the observed survey."""
    counts = {"STAR": 40, "QSO": 60}
    bare = dataset.prepare(tmp_path / "light", counts, seed=5, noiseless=True, grid=GRID)
    plain = dataset.prepare(tmp_path / "observed", counts, seed=5, grid=GRID)
    assert bare.noiseless == ["train"] and plain.noiseless == []
    noise_free, observed = (
        {split: stored(tmp_path / name, split) for split in manifest.SPLITS}
        for name in ("light", "observed")
    )
    for split in ("valid", "test"):
        np.testing.assert_array_equal(noise_free[split].flux, observed[split].flux)
    train, noisy = noise_free["train"], observed["train"]
    np.testing.assert_array_equal(train.name, noisy.name)
    assert (train.ivar > 0).all() and (noisy.ivar == 0).any()
    # Between neighboring bins light is smooth, and an observation of it is not.
    rough = [np.median(np.abs(np.diff(b.flux, n=2, axis=1)), axis=1) for b in (train, noisy)]
    assert np.median(rough[1] / rough[0]) > 3
    spectrographs = Spectrographs.of(tuple(INSTRUMENTS), GRID)
    names = [b"mock " + name.encode() for name in spectrographs.share]
    tables = spectrographs.rows(np.array([names.index(name) for name in train.source]))
    ones = np.ones((len(train), 1), np.float32)
    np.testing.assert_allclose(train.ivar * noise.variance(train.flux, ones, tables), 1, rtol=1e-5)


def stored(folder, split):
    """All spectra of a split."""
    source = open_split(folder, split, lambda truth: truth["label"] >= 0, draws_noise=True)
    flux, ivar = source.pixels(np.arange(len(source)))
    block = records.Block(flux=flux, ivar=ivar, **source.columns)
    return block.take(np.argsort(block.name))
