"""Datasets with native pixels: what is stored, of survey files and of mock spectra, and read."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from make_fits import superset, write_catalog, write_spec
from naming import naming
from stored_spectra import stored

from data_prep import survey_files
from data_prep.division import by_hash
from data_prep.labeled_files import read_files
from data_prep.mock import dataset
from data_prep.mock.survey import blocks
from data_prep.write import Plan, Provenance, write_dataset
from experiments import refined_blocks
from experiments.refined_methods import of_network
from spectranet_jax.commands import predict
from spectranet_jax.datasets import manifest, pixels
from spectranet_jax.datasets.records import ARRAYS, Block, concatenate, decode, encode
from spectranet_jax.datasets.split import open_split
from spectranet_jax.inference import load
from spectranet_jax.inference.basis import shipped
from spectranet_jax.inference.refined_columns import refined_columns
from spectranet_jax.readers import read
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, rebin
from spectranet_jax.spectra.native import NATIVE_GRID, native_pixels
from spectranet_jax.spectra.phase import phase

pytestmark = pytest.mark.slow

LOGLAM = np.log10(NATIVE_GRID.centers)
COUNTS = {"GALAXY": 30, "QSO": 30}


@pytest.fixture(scope="module")
def block() -> Block:
    return concatenate(list(blocks(COUNTS, seed=3, grid=GRID, native=True)))


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mock") / "native"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "contact_sheet", lambda *_: None)
        dataset.prepare(folder, COUNTS, seed=3, grid=GRID, native=True)
    return folder


def test_bins_of_a_mock_spectrum_are_its_native_pixels_by_the_rule_of_the_survey(block: Block):
    """So both are of one observation, and the phase is that of SDSS pixels."""
    flux, ivar = rebin(LOGLAM, block.native["flux"], block.native["ivar"], GRID)
    np.testing.assert_array_equal(block.flux, flux.astype(np.float32))
    np.testing.assert_array_equal(block.ivar, ivar.astype(np.float32))
    assert np.median(block.native["phase"]) == pytest.approx(0.0475e-3, abs=1e-6)


def test_a_block_keeps_native_pixels_with_its_rows(block: Block):
    back = decode(encode(block))
    for name, values in block.native.items():
        np.testing.assert_array_equal(back.native[name], values)
        np.testing.assert_array_equal(block.take([4, 2]).native[name], values[[4, 2]])
        twice = concatenate([block, block]).native[name]
        np.testing.assert_array_equal(twice, np.concatenate([values, values]))
    per_spectrum = (len(encode(block)) - len(encode(without(block)))) / len(block)
    assert per_spectrum == pytest.approx(38_008, abs=20)


def without(block: Block) -> Block:
    return dataclasses.replace(block, native={})


def test_a_block_without_them_has_the_columns_it_always_had(block: Block):
    record = encode(without(block))
    length = int.from_bytes(record[4:8], "little")
    assert [heading[0] for heading in json.loads(record[12 : 12 + length])] == list(ARRAYS)
    assert decode(record).native == {}


def test_the_manifest_names_the_grid_where_there_are_any(mock: Path, tmp_path: Path, block: Block):
    assert manifest.read(mock).native == NATIVE_GRID
    plan = Plan(GRID, 60, 0, by_hash(0))
    write_dataset(tmp_path / "plain", [without(block)], plan, Provenance({}))
    assert manifest.read(tmp_path / "plain").native is None
    assert "native" not in json.loads((tmp_path / "plain" / manifest.FILE_NAME).read_text())


def test_shards_have_as_many_bytes_with_native_pixels_as_without():
    plan = Plan(GRID, 100_000, 0, by_hash(0))
    native = dataclasses.replace(plan, native=NATIVE_GRID)
    assert plan.shards == [1, 1, 1]
    assert native.shards == [12, 4, 4]  # of 5,118 spectra of 41.5 kB


def test_what_a_plan_says_of_native_pixels_is_held_to(tmp_path: Path, block: Block):
    plan = Plan(GRID, 60, 0, by_hash(0), native=NATIVE_GRID)
    with pytest.raises(ValueError, match="native"):
        write_dataset(tmp_path / "d", [without(block)], plan, Provenance({}))


def test_a_split_gives_bins_and_native_pixels_of_any_rows(mock: Path, block: Block):
    split = open_split(mock, "train", lambda known: known["label"] > 0)
    assert split.native is not None and split.phase is not None
    rows = np.array([5, 0, 7])
    of = [block.name.tolist().index(name) for name in split.columns["name"][rows]]
    for values, wanted in zip(split.pixels(rows), (block.flux, block.ivar), strict=True):
        np.testing.assert_array_equal(values, wanted[of])
    for values, name in zip(split.native(rows), ("flux", "ivar"), strict=True):
        np.testing.assert_array_equal(values, block.native[name][of])
    np.testing.assert_array_equal(split.phase[rows], block.native["phase"][of])
    whole = concatenate(list(refined_blocks.blocks_of(split)))
    np.testing.assert_array_equal(whole.native["flux"][rows], block.native["flux"][of])


def test_bins_in_memory_do_not_hold_native_pixels_there(block: Block):
    """A view would keep all bytes of the record."""
    record = decode(encode(block))
    assert pixels._images(record, Path("d"), None)[0].base is None
    assert pixels._images(decode(encode(without(block))), Path("d"), None)[0].base is not None


def test_a_block_on_other_native_pixels_is_refused(block: Block):
    other = dataclasses.replace(block, native={n: v[..., :9] for n, v in block.native.items()})
    for wrong in (other, without(block)):
        with pytest.raises(InputError, match=naming("d", "anew")):
            pixels.native_columns(wrong, NATIVE_GRID, Path("d"))


@pytest.mark.usefixtures("no_contact_sheet")
def test_a_noise_free_survey_is_noise_free_at_native_pixels_too(tmp_path: Path):
    made = dataset.prepare(tmp_path / "d", COUNTS, 5, GRID, noiseless=True, native=True)
    assert made.noiseless == ["train"] and made.native == NATIVE_GRID
    block, splits = stored(tmp_path / "d")
    rough = np.median(np.abs(np.diff(block.native["flux"], 2)), axis=1) * block.sn
    rough /= np.mean(np.abs(block.native["flux"]), axis=1)  # an arm may be missing
    assert np.median(rough[splits == "train"]) < 0.1 * np.median(rough[splits == "test"])


def test_redshifts_of_a_dataset_are_refined_where_it_has_native_pixels(
    mock: Path, tmp_path: Path, block: Block
):
    """As are those of the same spectra from any other source."""
    predict.run([str(mock), "--out", str(tmp_path / "c.fits")])
    got = Table.read(tmp_path / "c.fits")
    model, native = load("linenet"), block.native
    columns, declared = of_network(model, block.flux, block.ivar)
    alone = refined_columns(
        columns, declared, native["phase"], native["flux"], native["ivar"], shipped()
    )
    order = [list(got["ID"]).index(name.decode()) for name in block.name]
    assert alone["REFINED"].sum() > 20
    for name in ("Z", "Z_CHI2"):
        values = np.ma.filled(got[name][order], -1.0)
        np.testing.assert_allclose(values, np.ma.filled(alone[name], -1.0), rtol=1e-5)


def test_survey_files_keep_their_native_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Bins stay what they were, and the phase is that of the file's pixels."""
    monkeypatch.setattr(survey_files, "contact_sheet", lambda *_: None)
    rng = np.random.default_rng(1)
    keys = [(7000, 56000, 1 + i) for i in range(9)]
    (tmp_path / "spectra").mkdir()
    for key in keys:
        path = tmp_path / "spectra" / "spec-{}-{}-{:04d}.fits".format(*key)
        write_spec(path, key, flux=rng.normal(3, 1, 4600))
    write_catalog(tmp_path / "catalog.fits", keys, superset([3] * 9, z=np.arange(9) / 10))
    config = survey_files.Config(
        (str(tmp_path / "catalog.fits"),), (str(tmp_path / "spectra"),), tmp_path / "plain"
    )
    survey_files.prepare(config, "data_prep.sdss")
    config = dataclasses.replace(config, out=tmp_path / "native", native=True)
    assert survey_files.prepare(config, "data_prep.sdss").native == NATIVE_GRID
    plain, native = (stored(tmp_path / name)[0] for name in ("plain", "native"))
    assert encode(without(native)) == encode(plain)
    for row in range(9):
        [spectrum] = read(tmp_path / "spectra" / native.source[row].decode())
        flux, ivar = native_pixels([spectrum])
        np.testing.assert_array_equal(native.native["flux"][row], flux[0])
        np.testing.assert_array_equal(native.native["ivar"][row], ivar[0])
        assert native.native["phase"][row] == phase(spectrum.loglam, spectrum.ivar, GRID)


def test_an_unreadable_file_has_no_native_pixels(tmp_path: Path):
    (tmp_path / "spec-bad.fits").write_text("nonsense")
    reading = read_files([str(tmp_path / "spec-bad.fits")], GRID, native=True)
    assert reading.errors and reading.columns["native.flux"].shape == (0, NATIVE_GRID.size)


def test_desi_spectra_have_the_phase_of_their_own_pixels(shared: Path):
    """Not that of the native grid, on which their pixels are shared."""
    reading = read_files(
        [str(shared / "formats/coadd-4-80613-thru20210324.fits.gz")], GRID, native=True
    )
    assert len(reading) > 0
    assert np.median(np.abs(reading.columns["native.phase"])) < 0.01e-3
    covered = (reading.columns["native.ivar"] > 0).mean(axis=1)
    assert np.median(covered) > 0.8
