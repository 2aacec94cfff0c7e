import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spectranet_jax import networks
from spectranet_jax.networks import line_evidence as linenet
from spectranet_jax.spectra.grid import QUASARNET_GRID as GRID
from spectranet_jax.spectra.lines import REST
from spectranet_jax.spectra.zsteps import STEPS_PER_BIN, ZSteps
from spectranet_jax.tasks.linenet_task import bounded_inputs as inputs

STEPS = ZSteps.of(GRID)

SMALL = {"features": 8, "hidden": 8, "dilations": [1, 4, 32], "correction": False}
"""A LineNet that is quick to run, and equivariant: the dense correction is off."""


def random_variables(network, seed=0):
    """Weights none of which is zero, so that every path counts."""
    zeros = jnp.zeros((1, GRID.size))
    shapes = jax.eval_shape(network.init, jax.random.key(0), zeros, zeros)
    leaves, tree = jax.tree.flatten(shapes)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    draws = [
        jax.random.normal(k, leaf.shape) * max(leaf.shape[0], 1) ** -0.5
        for k, leaf in zip(keys, leaves, strict=True)
    ]
    return jax.tree.unflatten(tree, draws)


@pytest.fixture(scope="module")
def small():
    network = networks.build("LineNet", GRID, **SMALL)
    return network, random_variables(network)


def content(rng, first, length=180):
    """A spectrum that was measured in `length` bins from `first` on, with two bins masked."""
    flux, weight = np.zeros((1, GRID.size)), np.zeros((1, GRID.size))
    flux[0, first : first + length] = rng.normal(0, 1, length)
    weight[0, first : first + length] = rng.uniform(0.5, 3, length)
    flux[0, first + 50 : first + 52] = weight[0, first + 50 : first + 52] = 0
    return jnp.asarray(flux, jnp.float32), jnp.asarray(weight, jnp.float32)


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 2, 3, 5, 7, 16, 31, 64, 130, 260])
def test_a_spectrum_shifted_by_k_bins_shifts_p_of_z_by_k_bins(small, k):
    """Exactly, for every k and not for multiples of a stride alone: there is no stride."""
    network, variables = small
    answer = network.apply(variables, *content(np.random.default_rng(5), 2))
    shifted = network.apply(variables, *content(np.random.default_rng(5), 2 + k))
    moved = STEPS_PER_BIN * k
    logits = np.asarray(answer.z_logits[:, :-moved])
    assert logits.std() > 0.1  # there is something to compare
    np.testing.assert_allclose(shifted.z_logits[:, moved:], logits, rtol=0, atol=2e-5)
    if int(answer.z_logits.argmax()) + moved < STEPS.size and logits.argmax() > 0:
        assert int(shifted.z_logits[:, moved:].argmax()) == int(logits.argmax())


@pytest.mark.slow
def test_the_dense_correction_is_what_spoils_it():
    network = networks.build("LineNet", GRID, **SMALL | {"correction": True})
    variables = random_variables(network)
    answer = network.apply(variables, *content(np.random.default_rng(5), 2))
    shifted = network.apply(variables, *content(np.random.default_rng(5), 12))
    assert np.abs(shifted.z_logits[:, 20:] - answer.z_logits[:, :-20]).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("line, z", [("CIV", 2.3), ("Halpha", 0.1), ("Lya", 4.7), ("MgII", 0.9)])
def test_a_line_is_sought_where_its_redshift_puts_it(line, z):
    """Evidence for a line in one place only is evidence for the one redshift that puts it there."""
    fine = GRID.size * STEPS_PER_BIN
    place = np.log10(REST[line] * (1 + z) / GRID.start) / STEPS.width - 0.5
    maps = np.maximum(0, 1 - np.abs(np.arange(fine) - place))[None, None]  # a triangle about it
    (row,) = linenet.shifted(jnp.asarray(maps, jnp.float32), [line], GRID, ZSteps.of(GRID))
    x = STEPS.width * (np.arange(STEPS.size) + 0.5)
    centroid = float((row[0] * x).sum() / row[0].sum())
    assert 10**centroid - 1 == pytest.approx(z, abs=2e-4 * (1 + z))
    assert row.shape == (1, STEPS.size)


@pytest.mark.slow
def test_shifting_agrees_with_interpolation_bin_by_bin(rng):
    fine = GRID.size * STEPS_PER_BIN
    maps = rng.normal(0, 1, (2, len(linenet.LINES), fine))
    rows = linenet.shifted(jnp.asarray(maps, jnp.float32), linenet.LINES, GRID, ZSteps.of(GRID))
    padded = np.pad(maps, ((0, 0), (0, 0), (1, 1)))
    for i, line in enumerate(linenet.LINES):
        at = np.log10(REST[line] / GRID.start) / STEPS.width + np.arange(STEPS.size)
        expected = [np.interp(at, np.arange(-1, fine + 1), m, 0, 0) for m in padded[:, i]]
        np.testing.assert_allclose(rows[i], expected, atol=2e-4)


def test_what_was_not_measured_is_neutral(small, rng):
    """Neither the bins beyond the covered range nor those after them affect the bins within."""
    network, variables = small
    flux, ivar = (np.asarray(array) for array in content(rng, 100))
    answers = []
    for nonsense in (0, 1e6):
        spectrum = inputs(np.where(ivar > 0, flux, np.float32(nonsense)), ivar)
        answers.append(network.apply(variables, *map(jnp.asarray, spectrum)).z_logits)
    np.testing.assert_array_equal(*answers)
    empty = jnp.zeros((1, GRID.size))
    assert np.ptp(np.asarray(network.apply(variables, empty, empty).z_logits)) == 0


def test_coverage_runs_from_the_first_to_the_last_measured_bin():
    weight = jnp.asarray([[0, 0, 2.0, 0, 1, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 1]])
    expected = [[0, 0, 1, 1, 1, 0], [0] * 6, [1] * 6]
    np.testing.assert_array_equal(linenet.coverage(weight), expected)


@pytest.mark.slow
def test_shapes_and_evidence(small, rng):
    network, variables = small
    flux, weight = (
        jnp.concatenate(two) for two in zip(content(rng, 9), content(rng, 99), strict=True)
    )
    output = network.apply(variables, flux, weight)
    assert output.class_logits.shape == (2, 3) and output.bal_logit.shape == (2,)
    assert output.z_logits.shape == (2, STEPS.size)
    # Evidence of the lines adds up to log p(z) at its peak.
    assert output.evidence.shape == (2, len(linenet.LINES))
    np.testing.assert_allclose(output.evidence.sum(1), output.z_logits.max(1), rtol=1e-4)


def test_evidence_is_read_in_the_window_of_most_mass_and_not_at_the_highest_bin():
    """A narrow peak of a third beside a broad one of two thirds: the redshift is the latter's."""
    steps = np.arange(STEPS.size)
    broad = np.exp(-0.5 * ((steps - 1088) / 4.0) ** 2)
    p = 0.65 * broad / broad.sum()
    p[352] = 0.35
    assert p.argmax() == 352
    assert (
        int(linenet.peak(jnp.log(jnp.asarray(p[None] + 1e-12, jnp.float32)), STEPS.window)[0])
        == 1088
    )
