"""Keras's HDF5 files: both trained QuasarNETs, TensorFlow's own output, and invalid files."""

import json
import shutil
from pathlib import Path

import h5py
import jax
import numpy as np
import pytest
from naming import naming

from spectranet_jax import networks, readers
from spectranet_jax.inference import keras_weights, load
from spectranet_jax.networks import boxes
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, normalize, rebin
from spectranet_jax.tasks import quasarnet_task

SIX, FOUR = "test_weights_6_layer.h5", "test_weights.h5"


def tensorflow(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return normalized spectra (24, 443), and the output of TensorFlow's QuasarNET (24, 7, 26)."""
    folder = shared / "quasarnp"
    output = np.moveaxis(np.load(folder / "qnet_output_6_layer.npy"), 0, 1)
    return np.load(folder / "coadd_x.npy"), output


@pytest.mark.parametrize(
    ("name", "filters", "padding", "stored"),
    [(FOUR, (25,) * 4, "valid", 36_857), (SIX, (100,) * 6, "same", None)],
)
def test_the_network_is_derived_from_the_file(shared, name, filters, padding, stored):
    fields, variables, _ = keras_weights.read(shared / "quasarnp" / name)
    network = networks.build("QuasarNet", GRID, **fields)
    assert (network.filters, network.padding) == (filters, padding)
    assert (network.width, network.stride, network.boxes, network.lines) == (10, 2, 13, 7)
    assert network.hidden == filters[0] and network.dropout == 0.2 and network.rescale
    if stored:
        leaves = [
            a for tree in variables.values() for layer in tree.values() for a in layer.values()
        ]
        assert sum(leaf.size for leaf in leaves) == stored


@pytest.mark.slow
def test_the_forward_pass_is_tensorflows(shared):
    x, expected = tensorflow(shared)
    model = load(shared / "quasarnp" / SIX)
    output = jax.jit(model.network.apply)(model.variables, x.astype(np.float32))
    np.testing.assert_allclose(output, expected, rtol=0, atol=3e-6)


@pytest.mark.slow
def test_without_the_rescale_of_offsets_it_is_not(shared):
    """The rescale that QuasarNP 0.2.0 omits here, where Lambda layers are called lambda_0..6."""
    x, expected = tensorflow(shared)
    fields, variables, _ = keras_weights.read(shared / "quasarnp" / SIX)
    network = networks.build("QuasarNet", GRID, **(fields | {"rescale": False}))
    difference = np.abs(jax.jit(network.apply)(variables, x.astype(np.float32)) - expected)
    assert difference[..., :13].max() < 3e-6
    assert difference[..., 13:].max() == pytest.approx(0.0957, abs=5e-5)


@pytest.mark.slow
def test_from_the_desi_coadd_to_the_redshift(shared):
    """The whole recipe: read, rebin, normalize as QuasarNET, apply, decode."""
    model = load(shared / "quasarnp" / SIX)
    spectra = readers.read(shared / "quasarnp" / "test_coadd.fits.gz")
    flux, ivar = (
        np.stack(arrays)
        for arrays in zip(
            *(rebin(s.loglam, s.flux, s.ivar, grid=GRID) for s in spectra), strict=True
        )
    )
    assert np.flatnonzero(~ivar.any(axis=1)).tolist() == [11]
    x, expected = tensorflow(shared)
    assert np.allclose(np.delete(quasarnet_task.zero_flux(flux, ivar), 11, axis=0), x)
    assert not np.allclose(np.delete(normalize(flux, ivar), 11, axis=0), x)
    (ours,) = model.task.inputs(*readers.rebin_all(spectra, grid=GRID))  # as it is fed, in float32
    np.testing.assert_allclose(np.delete(ours, 11, axis=0), x, rtol=1e-4, atol=5e-5)

    table = model.predict(flux, ivar)
    assert len(table) == 25 and table["Z"].mask.tolist() == [row == 11 for row in range(25)]
    columns = model.task.decode(expected)
    kept = table[[row for row in range(25) if row != 11]]
    for name, theirs in columns.items():
        if name.startswith("C_"):
            np.testing.assert_allclose(kept[name], theirs, rtol=0, atol=2e-4)
    assert (np.asarray(kept["IS_QSO"]) == columns["IS_QSO"]).all()
    dv = 299_792.458 * (np.asarray(kept["Z"]) - columns["Z"]) / (1 + columns["Z"])
    assert np.abs(dv).max() < 10
    # One of them, by hand from TensorFlow's numbers: the most confident line is Ly-alpha.
    box = int(expected[4, 0, :13].argmax())
    by_hand = boxes.decode(
        np.array([box]),
        expected[4, 0, 13 + box : 14 + box],
        boxes.LINES["LYA"],
        13,
        grid=GRID,
    )
    assert kept["Z"][4] == pytest.approx(by_hand[0], abs=1e-5) == pytest.approx(3.92, abs=0.001)


@pytest.mark.slow
def test_it_is_fed_as_it_was_trained(shared):
    """Pixels without measurement enter as flux 0; the mean would change the answer."""
    model = load(shared / "quasarnp" / FOUR)
    assert model.task.config["empty_pixels"] == "zero"
    assert model.config["network"]["name"] == "QuasarNet" and model.name == FOUR
    assert len(model.sha256) == 64


def test_the_grid_that_a_file_carries_must_be_ours(shared, tmp_path):
    for name, grid, spacing in (
        ("log", GRID.edges[:-1], "logarithmic"),
        ("linear", 3600 + 13.6 * np.arange(458), "linear"),
    ):
        path = tmp_path / f"{name}.h5"
        shutil.copyfile(shared / "quasarnp" / FOUR, path)
        with h5py.File(path, "a") as file:
            file["model_grid"] = grid
            file.attrs["grid_spacing"] = spacing
    assert keras_weights.read(tmp_path / "log.h5").fields["filters"] == [25] * 4
    with pytest.raises(InputError, match=naming(458, "linear")):
        load(tmp_path / "linear.h5")


def change_config(file: h5py.File, change) -> None:
    config = json.loads(file.attrs["model_config"])
    change({layer["config"]["name"]: layer for layer in config["config"]["layers"]})
    file.attrs["model_config"] = json.dumps(config)


def other_padding(layers: dict) -> None:
    layers["conv_2"]["config"]["padding"] = "same"


def other_epsilon(layers: dict) -> None:
    for layer in layers.values():
        if layer["class_name"] == "BatchNormalization":
            layer["config"]["epsilon"] = 1e-5


def fewer_lines(layers: dict) -> None:
    layers["fc_box_6"]["config"]["name"] = "something"


def drop(name: str):
    def damage(file: h5py.File) -> None:
        del file[name]

    return damage


def reshape(file: h5py.File) -> None:
    name = "model_weights/fc_common/fc_common/kernel:0"
    kernel = file[name][()]
    del file[name]
    file[name] = kernel[:-25]


def no_config(file: h5py.File) -> None:
    del file.attrs["model_config"]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (no_config, "holds no Keras model with its configuration"),
        (drop("model_weights"), "holds no Keras model with its configuration"),
        (drop("model_weights/conv_3"), "cannot be read as a QuasarNET"),
        (drop("model_weights/batch_normalization_2"), "cannot be read as a QuasarNET"),
        (drop("model_weights/fc_box_1/fc_box_1/bias:0"), "cannot be read as a QuasarNET"),
        (reshape, "weights that do not fit its configuration"),
        (lambda f: change_config(f, other_padding), "layers differ in padding"),
        (lambda f: change_config(f, other_epsilon), "epsilon 0.001"),
        (lambda f: change_config(f, fewer_lines), "a network with 6 lines"),
        (lambda f: f.attrs.__setitem__("model_config", "{"), "cannot be read as a QuasarNET"),
        (lambda f: f.attrs.__setitem__("model_config", "[1]"), "cannot be read as a QuasarNET"),
    ],
)
def test_what_is_no_quasarnet_is_reported(shared, tmp_path, damage, sentence):
    path = tmp_path / "weights.h5"
    shutil.copyfile(shared / "quasarnp" / FOUR, path)
    with h5py.File(path, "a") as file:
        damage(file)
    with pytest.raises(InputError, match=sentence) as error:
        load(path)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("part", [0.0, 0.001, 0.01, 0.3, 0.9])
def test_a_file_cut_anywhere_is_reported(shared, tmp_path, part):
    content = (shared / "quasarnp" / FOUR).read_bytes()
    (tmp_path / "cut.h5").write_bytes(content[: int(part * len(content))])
    with pytest.raises(InputError, match=naming("cut.h5", "QuasarNET")):
        load(tmp_path / "cut.h5")


def test_other_files_are_reported(tmp_path):
    (tmp_path / "page.h5").write_text("<html>404</html>")
    with pytest.raises(InputError, match=naming("QuasarNET")):
        load(tmp_path / "page.h5")
    with h5py.File(tmp_path / "spectra.h5", "w") as file:
        file["flux"] = np.zeros(3)
    with pytest.raises(InputError, match="holds no Keras model"):
        load(tmp_path / "spectra.h5")
    with pytest.raises(InputError, match=naming("run folder", "Keras")):
        load(tmp_path / "gone.h5")


@pytest.mark.slow
def test_the_three_lines_of_the_docs(shared, monkeypatch):
    docs = Path(__file__).parents[1] / "docs" / "quasarnet.md"
    code = docs.read_text("utf-8").split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(shared / "quasarnp")
    names: dict = {}
    exec(code, names)
    expected = names["model"].task.decode(tensorflow(shared)[1])
    assert list(names["columns"]) == list(expected)
    np.testing.assert_allclose(names["columns"]["Z"], expected["Z"], rtol=0, atol=1e-6)
