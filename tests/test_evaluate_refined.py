"""`experiments.evaluate --refine`: refined redshifts of a dataset with native pixels."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from naming import naming

from data_prep.mock import dataset
from data_prep.mock.survey import blocks
from experiments import evaluate, refined_blocks, refined_mock
from spectranet_jax.inference import load
from spectranet_jax.inference.basis import shipped
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError

COUNTS = {"STAR": 20, "GALAXY": 150, "QSO": 60}


def prepared(folder: Path, native: bool) -> Path:
    dataset.prepare(folder, COUNTS, seed=8, grid=GRID, native=native)
    return folder


@pytest.mark.slow
@pytest.mark.usefixtures("no_contact_sheet")
def test_refined_redshifts_stand_beside_those_of_the_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = prepared(tmp_path / "native", native=True)
    config = evaluate.Config("linenet", data, out=tmp_path / "out", refine=True, cache=False)
    evaluate.work(config)
    output = capsys.readouterr().out
    of_galaxies = output[output.index("all galaxies, km/s") :]
    rows = [line.split("\u2502") for line in of_galaxies.splitlines() if "\u2502" in line][:3]
    nmad = {row[1].strip(): float(row[4].split()[0]) for row in rows}
    assert nmad["refined"] < 0.6 * nmad["network"]
    assert (tmp_path / "out/evaluation.json").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("no_contact_sheet")
def test_a_dataset_without_native_pixels_is_refused_before_any_work(tmp_path: Path) -> None:
    data = prepared(tmp_path / "plain", native=False)
    config = evaluate.Config("linenet", data, out=tmp_path / "out", refine=True, cache=False)
    with pytest.raises(InputError, match=naming(data, "--refine", "--native", "--data")):
        evaluate.work(config)
    assert not (tmp_path / "out/evaluation.json").exists()


@pytest.mark.slow
def test_stars_and_unknown_redshifts_take_no_part() -> None:
    model = load("linenet")
    [block] = blocks({"GALAXY": 6}, seed=8, grid=GRID, native=True)
    block = block.take(slice(6))
    label, z = block.label.copy(), block.z.copy()
    label[0], z[1] = 0, np.nan
    other = dataclasses.replace(block, label=label, z=z)
    index, methods = refined_blocks.measured([other], model, {"refined": shipped()})
    np.testing.assert_array_equal(index["z"], block.z[2:])
    assert all(len(method.z) == 4 for method in methods.values())
    with pytest.raises(InputError, match="galaxy or quasar"):
        refined_blocks.measured([other.take(slice(1))], model, {})


def test_redrock_that_cannot_be_used_is_refused(tmp_path: Path, monkeypatch) -> None:
    config = refined_mock.Config(spectra=1, redrock=tmp_path, cache=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InputError, match=naming("redrock", "compare", "--redrock")):
        refined_mock.work(config)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    with pytest.raises(InputError, match=naming(tmp_path, "--redrock", "templates")):
        refined_mock.work(config)


@pytest.mark.slow
def test_redrock_itself_finds_a_bright_galaxy(shared: Path) -> None:
    pytest.importorskip("redrock")
    from experiments.redrock_itself import fitted

    [block] = blocks({"GALAXY": 40}, seed=8, grid=GRID, native=True)
    best = block.take(np.argsort(block.sn)[-1:])
    z, z_err = fitted(best.native["flux"], best.native["ivar"], shared / "templates/redrock")
    assert z == pytest.approx(best.z, abs=0.001) and 0 < z_err < 0.001
