import numpy as np
import pytest

from spectranet_jax import tasks
from spectranet_jax.networks.line_evidence import LINES, Output
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.labels import CLASSES, CONFIDENT, GALAXY, QSO, QSO_BAL, STAR
from spectranet_jax.spectra.zsteps import ZSteps
from spectranet_jax.tasks.linenet_loss import SMOOTHING
from spectranet_jax.tasks.linenet_task import bounded_inputs

STEPS = ZSteps.of(GRID)


def output_of(class_logits, bal_logit, z=1.5, sigma=2.0):
    """An output whose p(z) is a Gaussian of `sigma` steps about z, one row per row of logits."""
    n = len(class_logits)
    steps = np.arange(STEPS.size) + 0.5
    of_z = -0.5 * ((steps - np.log10(1 + z) / STEPS.width) / sigma) ** 2
    return Output(
        class_logits=np.asarray(class_logits, np.float32),
        bal_logit=np.asarray(bal_logit, np.float32),
        z_logits=np.tile(of_z, (n, 1)).astype(np.float32),
        evidence=np.tile(np.arange(len(LINES), dtype=np.float32), (n, 1)),
    )


def softmax(x):
    p = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def test_four_classes_are_three_and_a_question():
    logits = [[1.0, -0.5, 2.0], [0.0, 3.0, 0.0]]
    columns = tasks.build("linenet", GRID).decode(output_of(logits, [1.4, -2.0]))
    p = np.stack([columns[f"P_{name}"] for name in CLASSES], -1)
    of_three, of_bal = softmax(np.array(logits)), 1 / (1 + np.exp([-1.4, 2.0]))
    np.testing.assert_allclose(p[:, :2], of_three[:, :2], rtol=1e-5)
    np.testing.assert_allclose(p[:, QSO_BAL], of_three[:, 2] * of_bal, rtol=1e-5)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-6)
    assert columns["CLASS"].tolist() == ["QSO_BAL", "GALAXY"]
    assert (
        columns["P_BAL"][0] == pytest.approx(of_bal[0]) and np.ma.getmaskarray(columns["P_BAL"])[1]
    )


def test_the_redshift_is_that_of_the_posterior_and_a_star_has_none():
    columns = tasks.build("linenet", GRID).decode(
        output_of([[0, 0, 9.0], [9.0, 0, 0]], [-5, -5], z=1.5)
    )
    assert columns["Z"][0] == pytest.approx(1.5, abs=1e-5)
    # 2 steps of 5e-4 in log10(1 + z), and the width of a step.
    sigma = 2.5 * np.log(10) * STEPS.width * np.hypot(2, 12**-0.5)
    assert columns["Z_ERR"][0] == pytest.approx(sigma, rel=0.01)
    assert columns["P_3000"][0] > 0.999
    for name in ("Z", "Z_ERR", "P_3000", "Z2", "EV_CIV"):
        assert np.ma.getmaskarray(columns[name])[1]
    assert columns["EV_CIV"][0] == LINES.index("CIV")


def test_priors_multiply_and_thresholds_move_broad_absorption():
    output = output_of([[0.0, 0.0, 0.3]], [0.0])
    plain = tasks.build("linenet", GRID, bal_threshold=0.5).decode(output)
    assert plain["CLASS"][0] == "QSO_BAL"  # P_BAL is 0.5, the threshold
    strict = tasks.build("linenet", GRID).decode(output)
    assert strict["CLASS"][0] == "QSO" and strict["P_BAL"][0] == plain["P_BAL"][0]
    prior = (0.4, 0.1, 0.1, 0.1)
    starry = tasks.build("linenet", GRID, prior=prior).decode(output)
    before = np.array([plain[f"P_{name}"][0] for name in CLASSES])
    after = np.array([starry[f"P_{name}"][0] for name in CLASSES])
    np.testing.assert_allclose(after, before * prior / (before * prior).sum(), rtol=1e-5)
    assert starry["CLASS"][0] == "STAR"


def test_a_temperature_above_one_widens_the_posterior():
    output = output_of([[0, 0, 9.0]], [-5], sigma=1.5)
    plain, wide = (tasks.build("linenet", GRID, temperature=t).decode(output) for t in (1.0, 4.0))
    assert wide["Z_ERR"][0] / plain["Z_ERR"][0] == pytest.approx(2, rel=0.05)


def test_a_temperature_between_windows_is_not_that_of_their_shape():
    """Redshifts 1 and 2.5, the first one 4 times as probable, at temperatures 1/4 and 2."""
    steps = np.arange(STEPS.size) + 0.5
    peaks = [np.exp(-0.5 * ((steps - np.log10(1 + z) / STEPS.width) / 3) ** 2) for z in (1.0, 2.5)]
    logits = np.log(4 * peaks[0] + peaks[1] + 1e-30)[None].astype(np.float32)
    output = output_of([[0, 0, 9.0]], [-5])._replace(z_logits=logits)
    one = tasks.build("linenet", GRID, temperature=0.25)
    two = tasks.build("linenet", GRID, temperature=0.25, between=2.0)
    assert "between" not in one.config and two.config["between"] == 2.0
    assert tasks.build(grid=GRID, **two.config) == two
    plain, of_both = one.decode(output), two.decode(output)
    assert plain["P_3000"][0] == pytest.approx(4**4 / (4**4 + 1), abs=1e-3)
    assert of_both["P_3000"][0] == pytest.approx(2 / 3, abs=0.02)  # roots of 4 and 1
    assert of_both["P_3000_Z2"][0] == pytest.approx(1 / 3, abs=0.02)
    assert of_both["Z"][0] == pytest.approx(plain["Z"][0], abs=1e-4)
    assert of_both["Z_ERR"][0] == pytest.approx(plain["Z_ERR"][0], rel=0.1)


def test_targets_of_redshift_are_only_what_a_redshift_is_known_of():
    truth = {
        "label": np.array([STAR, GALAXY, QSO, QSO, QSO, QSO_BAL]),
        "bal": np.array([0, 0, 0, -1, -1, 1]),
        "z": np.array([0.0, 0.5, 2.0, 9.0, np.nan, 3.0]),
        "z_conf": np.array([CONFIDENT] * 5 + [1]),
    }
    target = tasks.build("linenet", GRID).targets(truth)
    assert target["has_z"].tolist() == [0, 1, 1, 0, 0, 0]
    assert target["either"].tolist() == [False, False, True, False, False, False]
    np.testing.assert_allclose(target["log_z"][1:3] * STEPS.width, np.log10([1.5, 3.0]), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("unsure", [False, True])
def test_the_loss_against_numpy(rng, unsure):
    output = Output(
        rng.normal(0, 1, (4, 3)).astype(np.float32),
        rng.normal(0, 1, 4).astype(np.float32),
        rng.normal(0, 2, (4, STEPS.size)).astype(np.float32),
        np.zeros((4, len(LINES)), np.float32),
    )
    batch = {
        "label": np.array([STAR, GALAXY, QSO, QSO_BAL]),
        "either": np.array([False, False, unsure, False]),
        "log_z": np.array([0, 10.2, 800.7, 1639.9], np.float32),
        "has_z": np.array([0, 1, 1, 1], np.float32),
    }
    three, bal = softmax(output.class_logits.astype(float)), 1 / (1 + np.exp(-output.bal_logit))
    p_kind = 1 if unsure else 1 - bal[2]
    p_true = [three[0, 0], three[1, 1], three[2, 2] * p_kind, three[3, 2] * bal[3]]
    expected = -np.log(p_true)
    log_p = np.log(softmax(output.z_logits.astype(float)))
    for i in (1, 2, 3):
        steps = np.arange(STEPS.size) + 0.5
        bell = np.exp(-0.5 * ((steps - batch["log_z"][i]) * STEPS.width / SMOOTHING) ** 2)
        expected[i] -= (bell / bell.sum() * log_p[i]).sum()
    np.testing.assert_allclose(
        tasks.build("linenet", GRID).loss(output, batch), expected, rtol=1e-4
    )


def test_inputs_are_neutral_where_nothing_was_measured(rng):
    flux, ivar = rng.normal(3, 1, (2, 443)), rng.uniform(1, 2, (2, 443))
    ivar[:, 100] = 0
    before = bounded_inputs(flux, ivar)
    flux[:, 100] = 1e6
    after = bounded_inputs(flux, ivar)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a[:, 100] == 0).all()
    scaled = bounded_inputs(7 * flux, ivar / 49)
    for a, b in zip(after, scaled, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


def test_scores_and_calibration_of_what_is_known():
    """Three quasars, one of them at the wrong redshift, a galaxy and a star."""
    task = tasks.build("linenet", GRID)
    logits = [[0, 0, 5.0], [0, 0, 5.0], [0, 0, 5.0], [0, 5.0, 0], [5.0, 0, 0]]
    columns = task.decode(output_of(logits, [3.0, -3.0, -3.0, -3.0, -3.0], z=2.0))
    truth = {
        "label": np.array([QSO_BAL, QSO, QSO, GALAXY, STAR]),
        "bal": np.array([1, -1, -1, -1, -1]),
        "z": np.array([2.0, 2.0, 2.1, 2.0, 0.0]),
        "z_conf": np.full(5, CONFIDENT),
    }
    scores = task.scores(columns, truth)
    assert scores.accuracy == 1 and scores.galaxies.n == 1
    assert scores.quasars.redshift.within["3000"].count == 2
    assert scores.quasars.completeness.fraction == pytest.approx(2 / 3)
    assert scores.posterior.n == 4
    fields = task.calibrate(columns, truth)
    assert fields["class_temperature"] < 1  # always right: it may be surer
    assert fields["temperature"] > 10  # one of four is far beyond what p(z) allows
    tasks.build(**task.config | fields, grid=GRID).decode(output_of(logits, [0.0] * 5))


def test_a_class_temperature_above_one_makes_classes_less_sure():
    output = output_of([[0, 0, 4.0]], [-2.0])
    log_p = np.log(
        [tasks.build("linenet", GRID).decode(output)[f"P_{name}"][0] for name in CLASSES]
    )
    cool = tasks.build("linenet", GRID, class_temperature=2.0).decode(output)
    expected = np.exp(log_p / 2) / np.exp(log_p / 2).sum()
    np.testing.assert_allclose([cool[f"P_{name}"][0] for name in CLASSES], expected, rtol=1e-4)


def test_a_prior_of_classes_that_were_not_in_training_is_refused():
    with pytest.raises(InputError, match=r"\[1\.0, 0\.0, 0\.0, 0\.0\].*give"):
        tasks.build("linenet", GRID, trained_prior=(0.0, 0.4, 0.3, 0.3), prior=(1.0, 0.0, 0.0, 0.0))


def test_what_is_scored_is_what_is_called():
    """P = (.4, 0, .3, .3): no class is more probable than STAR, but a quasar is."""
    p = np.array([0.4, 1e-9, 0.6])
    columns = tasks.build("linenet", GRID, bal_threshold=0.5).decode(
        output_of(np.log(p)[None], [0.0])
    )
    assert columns["CLASS"][0] == "QSO_BAL" and columns["P_STAR"][0] == pytest.approx(0.4)
    truth = {"label": np.array([QSO]), "bal": np.array([0]), "z": np.array([1.5])}
    truth["z_conf"] = np.array([CONFIDENT])
    scores = tasks.build("linenet", GRID).scores(columns, truth)
    assert scores.accuracy_three_class == 1 and scores.accuracy == 0
