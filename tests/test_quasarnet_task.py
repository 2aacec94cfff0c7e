"""QuasarNET's task: targets, the loss against plain NumPy, columns, and that it learns."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toy_survey

from spectranet_jax import networks, tasks
from spectranet_jax.datasets.split import open_split
from spectranet_jax.networks import boxes
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, normalize
from spectranet_jax.spectra.labels import GALAXY, QSO, QSO_BAL, STAR, UNKNOWN
from spectranet_jax.tasks import quasarnet_task
from spectranet_jax.training import checkpoint, optimizers, run
from spectranet_jax.training.loop import train
from spectranet_jax.training.order import ORDERS
from spectranet_jax.training.recipe import Recipe, Session
from spectranet_jax.training.scoring import make_evaluate
from spectranet_jax.training.sharding import placement
from spectranet_jax.training.steps import init_variables

TASK = tasks.build("quasarnet", GRID)


def truth(label, z, bal=0, z_conf=3) -> dict[str, np.ndarray]:
    label = np.asarray(label)
    return {
        "label": label.astype(np.int8),
        "z": np.broadcast_to(np.asarray(z, float), label.shape),
        "bal": np.broadcast_to(np.int8(bal), label.shape),
        "z_conf": np.broadcast_to(np.int8(z_conf), label.shape),
    }


def test_only_sure_spectra_take_part():
    label = [STAR, GALAXY, QSO, QSO_BAL, QSO, QSO, UNKNOWN]
    z = [np.nan, 0.3, 2.0, 2.0, np.nan, 2.0, 2.0]
    z_conf = [0, 2, 3, 3, 3, 2, 3]
    selected = TASK.select(truth(label, z, z_conf=z_conf))
    assert selected.tolist() == [True, True, True, True, False, False, False]


def test_targets_are_the_lines_of_quasars():
    """At z = 2.5 Ly-alpha to Mg II are on the grid; at 0.3 Mg II (just), Hbeta, Halpha."""
    target = TASK.targets(truth([QSO, QSO, STAR, GALAXY], [2.5, 0.3, 0.0, 0.3], -1))
    on_grid = target["box"] != boxes.OFF_GRID
    assert target["box"].shape == (4, 7) and target["box"].dtype == np.int32
    assert on_grid[:, :6].tolist() == [
        [True, True, True, True, False, False],
        [False, False, False, True, True, True],
        [False] * 6,
        [False] * 6,
    ]
    assert not on_grid[:, 6].any()  # no BAL
    # Ly-alpha at 4254.8 Angstrom, between the box edges 4212 and 4555.
    assert target["box"][0, 0] == 2
    z = boxes.decode(target["box"][0, :3], target["offset"][0, :3], 1.0, 13, grid=GRID)
    rest = [boxes.LINES[line] for line in ("LYA", "CIV", "CIII")]
    np.testing.assert_allclose((1 + z) / rest - 1, 2.5, atol=1e-5)


def test_an_unsure_bal_label_takes_no_part():
    target = TASK.targets(truth([QSO_BAL, QSO, QSO_BAL, QSO, STAR], 2.5, [1, -1, 0, 0, -1]))
    assert (target["box"][:, 6] != boxes.OFF_GRID).tolist() == [True, False, False, False, False]
    assert target["counts"][:, 6].tolist() == [1, 1, 0, 0, 1]
    assert (target["counts"][:, :6] == 1).all()


def numpy_loss(output: np.ndarray, target: dict, weight: np.ndarray) -> float:
    """The loss of Busca & Balland (2018) head by head and box by box, in float64."""
    total = 0.0
    boxes_per_line = output.shape[-1] // 2
    for head in range(output.shape[1]):
        positive, negative, error = [], [], []
        for row in range(len(output)):
            if not weight[row] * target["counts"][row, head]:
                continue
            for box in range(boxes_per_line):
                p = float(output[row, head, box])
                if box == target["box"][row, head]:
                    positive.append(-np.log(p))
                    offset = output[row, head, boxes_per_line + box]
                    error.append((offset - target["offset"][row, head]) ** 2)
                else:
                    negative.append(-np.log(1 - p))
        total += sum(np.mean(part) for part in (positive, negative, error) if part)
    return total


@pytest.mark.parametrize("filled", [False, True])
def test_the_loss_equals_plain_numpy(filled: bool, rng: np.random.Generator):
    n = 40
    known = truth(
        rng.choice([STAR, GALAXY, QSO, QSO_BAL], n), rng.uniform(0, 5, n), rng.integers(-1, 2, n)
    )
    target = TASK.targets(known)
    output = rng.uniform(0.01, 0.99, (n, 7, 26)).astype(np.float32)
    weight = np.ones(n)
    batch = {name: jnp.asarray(values) for name, values in target.items()}
    if filled:
        weight[30:] = 0
        batch["weight"] = jnp.asarray(weight, jnp.float32)
    parts = np.asarray(jax.jit(TASK.loss)(output, batch))
    assert parts.shape == (n,)
    mean = parts[weight > 0].mean()
    assert mean == pytest.approx(numpy_loss(output, target, weight), rel=1e-5)


@pytest.mark.slow
def test_a_head_without_a_line_in_the_batch_adds_only_its_alarms(rng: np.random.Generator):
    """No division by the number of its positives, which is 0; and the gradient is finite."""
    target = TASK.targets(truth([STAR, GALAXY], [0.0, 0.3], -1))
    output = rng.uniform(0.01, 0.99, (2, 7, 26)).astype(np.float32)
    loss, gradient = jax.value_and_grad(lambda o: TASK.loss(o, target).mean())(output)
    expected = sum(-np.log(1 - output[:, head, :13]).mean() for head in range(7))
    assert loss == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(gradient).all()


@pytest.mark.slow
def test_certain_and_wrong_is_finite():
    target = TASK.targets(truth([QSO, STAR], [2.5, 0.0], -1))
    for certain in (0.0, 1.0):
        output = jnp.full((2, 7, 26), certain)
        assert np.isfinite(TASK.loss(output, target)).all()


def test_columns_by_hand():
    task = tasks.build("quasarnet", GRID, lines=["CIV", "MgII"], bal_lines=["CIV"], boxes=4)
    output = np.zeros((2, 3, 8))
    output[0, 0, 2], output[0, 0, 6] = 0.9, 0.25  # C IV in box 2
    output[0, 1, 0], output[0, 1, 4] = 0.6, 0.5
    output[0, 2, 3], output[0, 2, 7] = 0.4, 1.05  # past the last pixel
    output[1, :, 1] = [0.2, 0.3, 0.7]
    columns = task.decode(output)
    assert list(columns) == [
        *("C_CIV", "C_MgII", "C_CIV_BAL", "Z_CIV", "Z_MgII", "Z_CIV_BAL", "IS_QSO", "Z")
    ]
    assert set(columns) - {"Z"} == set(task.columns)
    np.testing.assert_allclose(columns["C_CIV"], [0.9, 0.2])
    np.testing.assert_allclose(columns["C_CIV_BAL"], [0.4, 0.7])
    assert columns["IS_QSO"].tolist() == [True, False]  # a BAL line makes no quasar
    assert columns["Z"].tolist() == [columns["Z_CIV"][0], columns["Z_MgII"][1]]
    expected = boxes.decode(np.array([3]), np.array([1.05]), boxes.LINES["CIV"], 4, grid=GRID)[0]
    assert columns["Z_CIV_BAL"][0] == expected > GRID.edges[-2] / boxes.LINES["CIV"] - 1
    lower = tasks.build(**(task.config | {"threshold": 0.2}), grid=GRID)
    assert lower.decode(output)["IS_QSO"].tolist() == [True, True]


def test_the_confidences_are_quasarnets(shared):
    """C of six lines for 383 spectra, as QuasarNET decoded them from its output."""
    folder = shared / "quasarnp"
    output = np.moveaxis(np.load(folder / "predict_data.npy"), 0, 1)  # (383, 7, 26)
    columns = TASK.decode(output)
    confidence = np.stack([columns[f"C_{line}"] for line in quasarnet_task.LINES])
    np.testing.assert_allclose(confidence, np.load(folder / "predict_lya.npy"), rtol=0, atol=1e-12)
    expected = np.load(folder / "predict_bal.npy")[0]
    np.testing.assert_allclose(columns["Z_CIV_BAL"], expected, rtol=0, atol=1e-12)


def test_the_config_builds_the_task_again():
    config = TASK.config
    assert tasks.build(**config, grid=GRID).config == config
    assert tasks.build(**{**config, "lines": ["LYA"], "bal_lines": []}, grid=GRID).targets(
        truth([QSO], 2.5)
    )["box"].shape == (1, 1)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"lines": ["LYB"]}, "LYA, CIV, .*, not LYB"),
        ({"lines": []}, "not none"),
        ({"empty_pixels": "nan"}, "empty_pixels 'nan' is not zero or mean"),
        ({"bins": 3}, "cannot be set up"),
    ],
)
def test_what_cannot_be_asked_is_refused(fields: dict, sentence: str):
    with pytest.raises(InputError, match=sentence):
        tasks.build("quasarnet", GRID, **fields)


@pytest.mark.slow
def test_an_empty_pixel_enters_as_zero_flux(rng: np.random.Generator):
    flux = (10 + rng.normal(size=(5, 443))).astype(np.float32)
    ivar = np.where(rng.random(flux.shape) < 0.1, 0, 2).astype(np.float32)
    ivar[3] = 0
    flux[4] = 7
    (x,) = jax.jit(TASK.inputs)(flux, ivar)
    neutral = normalize(flux, ivar)
    np.testing.assert_allclose(np.where(ivar > 0, x, 0), neutral, atol=2e-5)
    for row in range(3):
        weight = ivar[row] / ivar[row].sum()
        mean = (weight * flux[row]).sum(dtype=np.float64)
        rms = np.sqrt((weight * (flux[row] - mean) ** 2).sum(dtype=np.float64))
        assert (ivar[row] == 0).any()
        np.testing.assert_allclose(x[row][ivar[row] == 0], -mean / rms, rtol=1e-4)
    assert (np.asarray(x[3:]) == 0).all()  # neither data nor structure
    (other,) = tasks.build("quasarnet", GRID, empty_pixels="mean").inputs(flux, ivar)
    np.testing.assert_array_equal(other, neutral)


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quasarnet") / "toy"
    toy_survey.write(folder, 2000)
    return folder


@pytest.mark.long
def test_it_learns_where_the_bump_is(toys: Path, tmp_path: Path):
    """Toy quasars have one bump, whose pixel tells the redshift: found by a small QuasarNET."""
    task = tasks.build("quasarnet", GRID, lines=["CIII"])
    training, validation = (open_split(toys, s, task.select) for s in ("train", "valid"))
    order = ORDERS["shuffled"](training.block_sizes, 32, 8, 0)
    optimizer = optimizers.build("adam", "cosine", 1e-2, order.steps)
    network = networks.build("QuasarNet", GRID, filters=[16, 16, 16], hidden=32, lines=2)
    session = Session(tmp_path, batch=32, seed=0, devices=jax.devices()[:1])
    train(Recipe(network, task, optimizer, order), session, training, validation)
    rows = [row["valid_loss"] for row in run.read_metrics(tmp_path) if "valid_loss" in row]
    assert min(rows) < 0.5 * rows[0]
    place = placement(32, jax.devices()[:1])
    like = jax.eval_shape(lambda key: init_variables(network, task, key), jax.random.key(0))
    like = jax.tree.map(
        lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=place.replicated), like
    )
    best = checkpoint.restore(tmp_path, checkpoint.BEST, like)
    scores = make_evaluate(network, task, validation, jax.devices()[:1])(best).scores
    assert scores.accuracy.fraction > 0.8  # a guess gives 0.5
    assert scores.completeness.fraction > 0.4  # and here a tenth
    assert scores.redshift.median_dv < 3000
