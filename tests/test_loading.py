"""Where a trained model is found, and what is refused in a damaged one."""

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_runs
import toy_survey
from astropy.table import Table

from spectranet_jax.inference import load, loading, versions, weights
from spectranet_jax.spectra import InputError
from spectranet_jax.training import checkpoint


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_runs.untrained(tmp_path_factory.mktemp("model") / "clf", seed=1)


def spectra(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    block = toy_survey.block(count, seed)
    return block.flux, block.ivar


def values(table: Table, *names: str) -> list[Any]:
    """The table's cells as Python values, masked ones as None."""
    return [table[name].tolist() for name in names or table.colnames]


def shipped_copy(run: Path, folder: Path) -> Path:
    """Return the folder that a model is shipped in, made from a run folder."""
    folder.mkdir()
    shutil.copy(run / "config.json", folder)
    weights.save(folder / weights.FILE_NAME, load(run).variables)
    return folder


@pytest.mark.slow
def test_a_shipped_model_is_loaded_by_its_name_and_offline(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = shipped_copy(run, tmp_path / "tiny")
    monkeypatch.setattr(versions, "shipped", lambda: {"tiny": folder})
    monkeypatch.setattr(loading, "DEFAULT", "tiny")
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it went online"))
    monkeypatch.chdir(tmp_path)
    loaded, trained = load("tiny"), load(run)
    assert loaded.name == "tiny" and loaded.sha256 == trained.sha256
    flux, ivar = spectra(5)
    assert values(loaded.predict(flux, ivar)) == values(trained.predict(flux, ivar))
    assert load(folder).sha256 == trained.sha256  # a path to it does as well


@pytest.mark.slow
def test_a_name_is_a_shipped_model_and_a_path_is_a_folder(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A run folder with a shipped model's name is not mistaken for it."""
    folder = shipped_copy(run, tmp_path / "shipped")
    monkeypatch.setattr(versions, "shipped", lambda: {"clf": folder})
    monkeypatch.chdir(tmp_path)
    toy_runs.untrained(Path("clf"), seed=5)
    assert load("clf").sha256 == load(run).sha256
    for path in ("./clf", Path("clf"), tmp_path / "clf"):
        assert load(path).sha256 != load(run).sha256


@pytest.mark.slow
def test_the_default_is_a_shipped_model():
    assert load().name == versions.shipped()[loading.DEFAULT].name


def changed(run: Path, folder: Path, **parts: Any) -> Path:
    """Return a copy of a run folder with other parts in its config.json; None leaves a part out."""
    shutil.copytree(run, folder)
    config = json.loads((run / "config.json").read_text()) | parts
    content = {key: part for key, part in config.items() if part is not None}
    (folder / "config.json").write_text(json.dumps(content))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"network": None}, "lacks network.name"),
        ({"network": "SpectraNetClassifier"}, "lacks network.name"),
        ({"task": {}}, "lacks task.name"),
        ({"seed": None}, "lacks seed"),
        ({"data": {"folder": "x"}}, "lacks data.fingerprint"),
        ({"versions": []}, "lacks versions.spectranet-jax"),
        ({"network": {"name": "ResNet"}}, "'ResNet'.*SpectraNetClassifier"),
        (
            {"network": toy_runs.CLASSIFIER | {"depth": 5}},
            "SpectraNetClassifier cannot be built: .*depth",
        ),
        ({"network": toy_runs.CLASSIFIER | {"channels": 8}}, "fit each other|cannot be built"),
        ({"network": toy_runs.CLASSIFIER | {"channels": [8] * 5}}, "another network"),
        ({"network": toy_runs.CLASSIFIER | {"channels": [8, 8, 8, 9]}}, "another network"),
        ({"network": toy_runs.CLASSIFIER | {"channels": [8, 8, 8]}}, "another network"),
        ({"network": toy_runs.CLASSIFIER | {"classes": 3}}, "do not fit each other"),
        ({"network": toy_runs.REGRESSOR}, "do not fit each other"),
        ({"task": toy_runs.REDSHIFT}, "do not fit each other"),
        ({"task": {"name": "redshift"}}, "redshift cannot be set up"),
        ({"task": {"name": "detect"}}, "'detect'.*classify"),
        ({"network": toy_runs.REGRESSOR, "task": toy_runs.REDSHIFT}, "another network"),
    ],
)
@pytest.mark.parametrize("form", ["checkpoint", "safetensors"])
def test_a_config_of_something_else_is_refused(
    run: Path, tmp_path: Path, form: str, parts: dict, words: str
):
    source = run if form == "checkpoint" else shipped_copy(run, tmp_path / "shipped")
    with pytest.raises(InputError, match=words):
        load(changed(source, tmp_path / "changed", **parts))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff\xfe", b'{"network": 1}'])
def test_a_damaged_config_is_refused(run: Path, tmp_path: Path, content: bytes):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "config.json").write_bytes(content)
    with pytest.raises(InputError, match=r"run/config\.json"):
        load(tmp_path / "run")


def test_what_is_not_a_model_is_refused(tmp_path: Path, run: Path):
    with pytest.raises(InputError, match=r"gone .*check the name"):
        load(tmp_path / "gone")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"/file .*HDF5"):
        load(str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"config\.json"):
        load(tmp_path)
    shutil.copytree(run, tmp_path / "killed")
    shutil.rmtree(tmp_path / "killed" / "checkpoints")
    with pytest.raises(InputError, match=f"killed .*{checkpoint.BEST} checkpoint; train it"):
        load(tmp_path / "killed")


def test_damaged_weights_are_refused(run: Path, tmp_path: Path):
    folder = shipped_copy(run, tmp_path / "shipped")
    path = folder / weights.FILE_NAME
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=f"{path.name} .*safetensors"):
        load(folder)


def test_a_model_prints_three_lines():
    """Name, task and grid, and the identity of the weights as it follows from their file."""
    import hashlib

    from safetensors.numpy import load_file

    model = load("linenet")
    lines = repr(model).split("\n")
    assert len(lines) == 3 and max(map(len, lines)) <= 100
    assert "linenet" in lines[0] and "443" in lines[1]
    digest = hashlib.sha256()
    for name, array in sorted(load_file(versions.shipped()["linenet"] / weights.FILE_NAME).items()):
        digest.update(name.encode() + b"\0" + array.tobytes())
    assert lines[2].endswith(digest.hexdigest())
    assert len(repr(model.columns)) < 400  # a bound method holds the model
