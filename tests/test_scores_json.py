"""Scores to JSON and back: every kind of score, and files of other versions."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from spectranet_jax.evaluation import (
    class_scores,
    posterior_scores,
    quasar_scores,
    redshift_scores,
)
from spectranet_jax.evaluation.combined_scores import CombinedScores, z_err_holds
from spectranet_jax.evaluation.fraction import Fraction, fraction_if_any
from spectranet_jax.evaluation.quasar_scores import Answers, Truth
from spectranet_jax.evaluation.scores_json import from_json, to_json
from spectranet_jax.spectra import InputError


def combined(rng: np.random.Generator) -> CombinedScores:
    """Scores of 60 random spectra, of which no galaxy has a redshift."""
    n = 60
    label, z = rng.integers(0, 4, n), rng.uniform(1.6, 3, n)
    edges = np.linspace(0.3, 0.7, 41)
    answers = Answers(label > 1, z + 0.01, label == 3, rng.random(n))
    of_class = class_scores.scores(label, np.log(rng.dirichlet(np.ones(4), n)))
    return CombinedScores(
        **vars(of_class),
        quasars=quasar_scores.scores(Truth(label, z, rng.integers(-1, 2, n)), answers),
        galaxies=None,
        posterior=posterior_scores.scores(rng.dirichlet(np.ones(40), n), edges, z),
        z_err_holds=z_err_holds(z + 0.01, np.full(n, 0.01), z),
    )


def test_scores_are_read_as_they_were_written(rng: np.random.Generator) -> None:
    scores = combined(rng)
    content = json.loads(json.dumps(to_json(scores), allow_nan=False))
    assert from_json(CombinedScores, content) == scores
    assert from_json(CombinedScores, content | {"loss": 1.0, "spectra": 60}) == scores
    assert list(content)[-4:] == ["quasars", "galaxies", "posterior", "z_err_holds"]


def test_a_redshift_and_no_answer_at_all(rng: np.random.Generator) -> None:
    z = rng.uniform(0, 3, 5)
    for scores in (
        redshift_scores.scores(np.full(5, np.nan), z),
        quasar_scores.scores(Truth(np.zeros(5, int), z, np.zeros(5, int)), Answers()),
    ):
        content: Any = json.loads(json.dumps(to_json(scores), allow_nan=False))
        assert from_json(type(scores), content) == scores


@dataclass(frozen=True)
class Newer:
    """Scores with a field that older files lack, and one that they may lack."""

    n: int
    added: Fraction | None = None


def test_a_file_of_another_version() -> None:
    assert from_json(Newer, {"n": 3, "former": [1]}) == Newer(3)
    with pytest.raises(InputError, match=r"evaluation\.json lacks n.*experiments\.evaluate"):
        from_json(Newer, {"added": None})


def test_fractions_are_counted() -> None:
    three = Fraction.of_true(np.array([True, False, True, True]))
    assert (three.count, three.of, three.fraction) == (3, 4, 0.75)
    assert 0.3 < three.interval[0] < 0.75 < three.interval[1] < 1
    assert fraction_if_any(np.array([], bool)) is None
    with pytest.raises(ValueError, match="no spectra"):
        Fraction.of_true(np.array([], bool))
