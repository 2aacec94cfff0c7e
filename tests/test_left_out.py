"""Settings that leave out a part of the report's recipe, without effect on older runs."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toy_survey

from experiments.pipeline import recipe_of
from experiments.reporting.saw_tooth import saw_tooth
from experiments.settings import Training, of_the_run
from spectranet_jax import networks, tasks
from spectranet_jax.datasets.split import first, open_split
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.normalize import median_divided


@pytest.mark.slow
def test_flux_is_divided_by_the_median_of_its_measured_pixels(rng: np.random.Generator) -> None:
    flux = rng.normal(3, 1, (20, 443))
    ivar = np.where(rng.random(flux.shape) < 0.1, 0, rng.gamma(2, 1, flux.shape))
    ivar[0, :-2], ivar[1] = 0, 0  # two pixels, whose mean is the median; and none
    ivar[0, -2:] = 1
    median = [np.median(f[i > 0]) if (i > 0).any() else 1 for f, i in zip(flux, ivar, strict=True)]
    expected = np.where(ivar > 0, flux / np.array(median)[:, None], 0)
    np.testing.assert_allclose(median_divided(flux, ivar), expected)
    single = (flux.astype(np.float32), ivar.astype(np.float32))
    compiled = jax.jit(median_divided)(*map(jnp.asarray, single))
    assert compiled.dtype == median_divided(*single).dtype == np.float32
    np.testing.assert_allclose(compiled, expected, rtol=1e-5)


def test_a_median_of_zero_divides_nothing() -> None:
    assert (median_divided(np.array([-1.0, 0.0, 1.0]), np.ones(3)) == 0).all()


@pytest.mark.slow
def test_without_batch_normalization_its_parameters_alone_are_missing() -> None:
    flux = jnp.ones((2, GRID.size), jnp.float32)
    whole, without = (
        networks.build("SpectraNetClassifier", GRID, **fields).init(jax.random.key(0), flux)
        for fields in ({}, {"batch_norm": False})
    )
    assert set(whole["params"]) - set(without["params"]) == {"BatchNorm_0"}
    assert "batch_stats" not in without
    count = sum(leaf.size for leaf in jax.tree.leaves(without["params"]))
    assert count == 330_316 - 2 * 16


def test_a_chunk_of_the_usual_size_leaves_no_trace_in_the_config() -> None:
    """So that earlier runs can be resumed."""
    assert "chunk" not in of_the_run(Training(schedule="chunked"))
    assert of_the_run(Training(schedule="chunked", chunk=300))["chunk"] == 300


def test_first_spectra_of_a_split_are_those_at_its_beginning(tmp_path: Path) -> None:
    toy_survey.write(tmp_path / "toy", 400)
    task = tasks.build("classify", GRID)
    split = open_split(tmp_path / "toy", "train", task.select)
    some = first(split, 100)
    assert len(some) == 100 and len(first(split, 10**6)) == len(split)
    np.testing.assert_array_equal(some.columns["object_id"], split.columns["object_id"][:100])
    rows = np.array([0, 99])
    np.testing.assert_array_equal(some.pixels(rows)[0], split.pixels(rows)[0])

    settings = Training(schedule="chunked", chunk=40, batch=20, epochs=3)
    network = {"name": "SpectraNetClassifier"}
    order = recipe_of(settings, some, network, task).order
    assert order.steps == 2 * 3 * 2  # two whole chunks, two batches, three epochs
    seen = np.concatenate([order.positions(step) for step in range(6)])
    assert len(np.unique(seen)) == 40


def test_the_saw_tooth_is_read_off_the_losses() -> None:
    """Two chunks of three passes of two steps."""
    losses = [5, 5, 4, 4, 3, 1, 7, 5, 4, 4, 1, 1]
    rows: list[dict[str, float]] = [{"step": s, "loss": v} for s, v in enumerate(losses, 1)]
    rows += [{"step": 6, "valid_loss": 9.0}, {"step": 12, "valid_loss": 9.0}]
    assert saw_tooth(rows, 3) == pytest.approx((2, 2.0, 6.0))
