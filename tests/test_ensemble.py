import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spectranet_jax import networks, tasks
from spectranet_jax.networks.ensemble import mixture
from spectranet_jax.networks.line_evidence import LINES, Output, peak
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.zsteps import ZSteps

pytestmark = pytest.mark.slow

STEPS = ZSteps.of(GRID)

FIELDS = {"features": 4, "hidden": 4, "dilations": [1]}


@pytest.fixture(scope="module")
def variables():
    """Return the variables of an ensemble of two, as initialized; dropout has none."""
    network = networks.build("LineNetEnsemble", GRID, members=2, member=FIELDS)
    flux = jnp.zeros((3, GRID.size), jnp.float32)
    return network.init(jax.random.key(0), flux, flux)


def sure_of(z, sigma=1.0, quasar=0.9, bal=0.2):
    steps = np.arange(STEPS.size) + 0.5
    of_z = -0.5 * ((steps - np.log10(1 + z) / STEPS.width) / sigma) ** 2
    return Output(
        jnp.log(jnp.asarray([[(1 - quasar) / 2, (1 - quasar) / 2, quasar]])),
        jnp.asarray([np.log(bal / (1 - bal))]),
        jnp.asarray(of_z[None], jnp.float32),
        jnp.ones((1, len(LINES))),
    )


def test_members_start_from_seeds_of_their_own_and_answer_as_one(rng, variables):
    network = networks.build("LineNetEnsemble", GRID, members=2, member=FIELDS)
    alone = networks.build("LineNet", GRID, **FIELDS)
    flux = jnp.asarray(rng.normal(0, 1, (3, 443)), jnp.float32)
    members = [{"params": variables["params"][f"member_{i}"]} for i in range(2)]
    answers = [alone.apply(v, flux, jnp.ones_like(flux)) for v in members]
    assert not np.allclose(answers[0].class_logits, answers[1].class_logits)
    together = network.apply(variables, flux, jnp.ones_like(flux))
    p = np.mean([jax.nn.softmax(a.class_logits) for a in answers], axis=0)
    np.testing.assert_allclose(jax.nn.softmax(together.class_logits), p, rtol=1e-5)


@pytest.mark.long
def test_the_loss_in_training_is_the_mean_of_the_members_own(rng, variables):
    network = networks.build("LineNetEnsemble", GRID, members=2, member=FIELDS | {"dropout": 0.0})
    alone = networks.build("LineNet", GRID, **FIELDS | {"dropout": 0.0})
    flux = jnp.asarray(rng.normal(0, 1, (2, 443)), jnp.float32)
    weight = jnp.ones_like(flux)
    task = tasks.build("linenet", GRID)
    batch = {
        "label": jnp.asarray([1, 2]),
        "either": jnp.asarray([False, True]),
        "log_z": jnp.asarray([9.0, 800.0]),
        "has_z": jnp.ones(2),
    }
    of_both = task.loss(network.apply(variables, flux, weight, train=True), batch)
    by_member = [
        task.loss(alone.apply({"params": variables["params"][f"member_{i}"]}, flux, weight), batch)
        for i in range(2)
    ]
    np.testing.assert_allclose(of_both, np.mean(by_member, axis=0), rtol=1e-5)


def test_disagreement_enters_the_error_of_the_redshift():
    decode = tasks.build("linenet", GRID).decode
    first, second = sure_of(2.0), sure_of(2.0 + 3 * 0.004)  # 1200 km/s apart
    alone, both = decode(mixture([first, first])), decode(mixture([first, second]))
    assert alone["Z_ERR"][0] == pytest.approx(decode(first)["Z_ERR"][0], rel=1e-4)
    assert both["Z"][0] == pytest.approx(2.006, abs=1e-4)
    expected = np.hypot(alone["Z_ERR"][0], 0.006)
    assert both["Z_ERR"][0] == pytest.approx(expected, rel=0.02)


def test_broad_absorption_is_averaged_over_those_that_see_a_quasar():
    both = mixture([sure_of(2.0, quasar=0.9, bal=0.8), sure_of(2.0, quasar=0.1, bal=0.1)])
    p_bal = 1 / (1 + np.exp(-float(both.bal_logit[0])))
    assert p_bal == pytest.approx((0.9 * 0.8 + 0.1 * 0.1) / (0.9 + 0.1), rel=1e-4)


@pytest.mark.long
def test_evidence_is_every_members_for_the_one_redshift(rng, variables):
    network = networks.build("LineNetEnsemble", GRID, members=2, member=FIELDS)
    alone = networks.build("LineNet", GRID, **FIELDS)
    flux = jnp.asarray(rng.normal(0, 1, (3, 443)), jnp.float32)
    weight = jnp.ones_like(flux)
    key = jax.random.key(7)  # evidence starts from 0: give it something to say
    variables = jax.tree.map(
        lambda leaf: leaf + 0.1 * jax.random.normal(key, leaf.shape), variables
    )
    together = network.apply(variables, flux, weight)
    at = peak(together.z_logits, STEPS.window)
    members = [{"params": variables["params"][f"member_{i}"]} for i in range(2)]
    by_member = [alone.apply(v, flux, weight, at=at).evidence for v in members]
    assert not np.allclose(by_member[0], by_member[1])
    np.testing.assert_allclose(together.evidence, np.mean(by_member, axis=0), rtol=1e-4, atol=1e-5)
