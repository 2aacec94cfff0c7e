"""Tasks: selection, targets, loss, and catalog columns."""

import ast
import dataclasses
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import toy_survey
from hypothesis import given
from hypothesis import strategies as st

from spectranet_jax import tasks
from spectranet_jax.commands import predict
from spectranet_jax.inference import versions
from spectranet_jax.spectra import CLASSES, InputError, normalize
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.tasks.classify_task import quasars_of_classes
from spectranet_jax.tasks.redshift_task import standardization

ALL = [
    {"name": "classify"},
    {"name": "redshift", "target": "qso", "mean": 2.25, "std": 0.75},
    {"name": "redshift", "target": "bal", "mean": -1.0, "std": 2.0},
    {"name": "redshift", "target": "all", "mean": 0.0, "std": 1.0},
]


def truth() -> dict[str, np.ndarray]:
    """Every combination of label, confidence and finite or missing z."""
    label, z_conf, z = np.meshgrid([-1, 0, 1, 2, 3], [0, 1, 2, 3], [0.5, np.nan], indexing="ij")
    return {"label": label.ravel(), "z_conf": z_conf.ravel(), "z": z.ravel()}


@pytest.mark.parametrize("config", ALL, ids=lambda c: c.get("target", c["name"]))
def test_a_task_is_built_again_from_its_config(config: dict):
    assert tasks.build(**config, grid=GRID).config == config


@pytest.mark.parametrize("name", versions.shipped())
def test_the_tasks_of_shipped_models_are_built_again_from_their_configs(name: str):
    """To the last byte of JSON, since catalogs and cards hold it."""
    config = json.loads((versions.shipped()[name] / "config.json").read_text())
    built = tasks.build(**config["task"], grid=LogGrid(**config["grid"]))
    assert json.dumps(built.config) == json.dumps(config["task"])


@pytest.mark.parametrize("name", tasks.TASKS)
def test_a_task_stands_in_the_table_under_its_name(name: str):
    task = tasks.TASKS[name]
    assert task.name == name and task.kind
    fields = {field.name for field in dataclasses.fields(task)}
    assert fields >= {*task.options, *task.calibrated}


def test_an_option_of_a_task_is_a_flag_of_predict():
    """Its --help must not wait for the import of tasks, so the flags are listed there."""
    declared = {o.flag for task in tasks.TASKS.values() for o in task.options.values()}
    assert set(predict.task_options(predict.Config(()))) == declared


ROOT = Path(tasks.__file__).parents[1]
HOMES = ("spectranet_jax.tasks", "spectranet_jax.tasks.task")
LAYOUTS = ("redrock_layout", "quasarnet_layout")
"""They fill other surveys' columns from a catalog's, which are a contract."""
ABOVE = [
    path
    for room in ("training", "inference", "catalog")
    for path in ROOT.glob(f"{room}/*.py")
    if path.stem not in LAYOUTS
]


@pytest.mark.parametrize("path", ABOVE, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_room_above_knows_a_task_or_a_column_of_one(path: Path):
    """They import the table and the base alone, and name no column that only some tasks have."""
    built = [tasks.build(name, GRID) for name in ("classify", "linenet", "quasarnet")]
    columns = {"P_OF_Z"}.union(*(task.columns for task in built))
    assert len(columns) > 30
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(HOMES[0]):
            assert node.module in HOMES
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert node.value not in columns


@pytest.mark.parametrize(("target", "labels"), [("qso", {2}), ("bal", {3}), ("all", {2, 3})])
def test_redshift_takes_the_secure_ones_of_its_classes(target: str, labels: set[int]):
    columns = truth()
    task = tasks.build("redshift", GRID, target=target, mean=0.0, std=1.0)
    expected = [
        int(label) in labels and conf == 3 and z == 0.5
        for label, conf, z in zip(columns["label"], columns["z_conf"], columns["z"], strict=True)
    ]
    assert task.select(columns).tolist() == expected and sum(expected) == len(labels)
    assert set(task.applies_to) == labels


def test_classification_takes_all_that_have_a_class():
    columns = truth()
    task = tasks.build("classify", GRID)
    assert (task.select(columns) == (columns["label"] >= 0)).all()
    assert task.applies_to == (0, 1, 2, 3)
    assert task.targets(columns)["label"].dtype == np.int32


@given(
    st.lists(st.floats(0, 7), min_size=1, max_size=30),
    st.floats(-5, 5),
    st.floats(0.01, 10),
)
def test_redshift_is_standardized_inside_and_reported_in_z(z: list, mean: float, std: float):
    task = tasks.build("redshift", GRID, target="qso", mean=mean, std=std)
    target = task.targets({"z": np.array(z)})["z"]
    assert target.dtype == np.float32
    decoded = task.decode(target)["Z"]
    assert decoded.dtype == np.float64
    np.testing.assert_allclose(decoded, z, atol=2e-6)


def test_standardized_training_redshifts_have_mean_0_and_deviation_1():
    z = np.random.default_rng(0).gamma(3, 0.8, 1000)
    mean, std = standardization(z)
    target = tasks.build("redshift", GRID, target="all", mean=mean, std=std).targets({"z": z})["z"]
    assert target.mean() == pytest.approx(0, abs=1e-5)
    assert target.std() == pytest.approx(1, abs=1e-5)
    assert standardization(np.full(5, 2.5)) == (2.5, 1.0)


def test_redshift_loss_is_the_squared_error():
    task = tasks.build("redshift", GRID, target="qso", mean=1.0, std=2.0)
    loss = task.loss(jnp.array([0.5, -1.0]), {"z": jnp.array([0.0, 1.0])})
    assert loss.tolist() == [0.25, 4.0]


def test_classification_loss_is_the_cross_entropy():
    log_prob = np.log(np.array([[0.7, 0.1, 0.1, 0.1], [0.2, 0.2, 0.2, 0.4]], np.float32))
    loss = tasks.build("classify", GRID).loss(jnp.array(log_prob), {"label": jnp.array([0, 3])})
    np.testing.assert_allclose(loss, -np.log([0.7, 0.4]), rtol=1e-6)


def test_decoded_probabilities_sum_to_1_and_the_class_is_the_likeliest():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 5, (500, 4))
    log_prob = np.float32(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))
    columns = tasks.build("classify", GRID).decode(log_prob)
    p = np.stack([columns[f"P_{name}"] for name in CLASSES], axis=1)
    assert p.dtype == np.float32 and (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1, dtype=np.float64), 1, atol=1e-6)
    assert columns["CLASS"].tolist() == [CLASSES[i] for i in logits.argmax(axis=1)]


def test_scores_are_those_of_the_columns():
    task = tasks.build("classify", GRID)
    log_prob = np.log(np.float32([[0.97, 0.01, 0.01, 0.01], [0.1, 0.6, 0.2, 0.1]]))
    scores = task.scores(task.decode(log_prob), {"label": np.array([0, 2])})
    assert scores.accuracy == 0.5
    assert scores.log_loss == pytest.approx(-(np.log(0.97) + np.log(0.2)) / 2, rel=1e-6)
    task = tasks.build("redshift", GRID, target="qso", mean=1.0, std=2.0)
    scores = task.scores(task.decode(np.float32([0.5, 0.0])), {"z": np.array([2.0, 1.1])})
    assert scores.mse == pytest.approx(0.01 / 2)


@pytest.mark.parametrize("config", ALL[:2], ids=lambda c: c["name"])
def test_the_network_sees_the_normalized_flux(config: dict):
    block = toy_survey.block(5)
    (seen,) = tasks.build(**config, grid=GRID).inputs(block.flux, block.ivar)
    np.testing.assert_array_equal(seen, normalize(block.flux, block.ivar))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            {"name": "segment"},
            "'segment'.*classify, .*linenet, quasarnet",
        ),
        ({"name": "redshift"}, "redshift cannot be set up: .*missing"),
        ({"name": "classify", "classes": 3}, "classify cannot be set up: .*classes"),
        (
            {"name": "redshift", "target": "star", "mean": 0.0, "std": 1.0},
            "'star'.*qso, bal, all",
        ),
    ],
)
def test_a_config_of_no_task_is_refused(config: dict, words: str):
    with pytest.raises(InputError, match=words):
        tasks.build(**config, grid=GRID)


def test_a_bal_is_a_quasar_and_no_other_class_is_a_bal():
    answers = quasars_of_classes(np.array(["STAR", "GALAXY", "QSO", "QSO_BAL"]))
    assert answers.is_qso.tolist() == [False, False, True, True]
    assert answers.is_bal.tolist() == [False, False, False, True]
