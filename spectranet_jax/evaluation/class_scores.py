"""Scores of a classifier, from labels and log-probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation.calibration import binomial_interval, expected_calibration_error
from spectranet_jax.spectra import CLASSES, InputError


@dataclass(frozen=True)
class Confusion:
    """Spectra by true class (rows) and predicted class (columns).

    Attributes:
        counts: how many there are.
        fractions: of the true class; None in the row of a class without spectra.
    """

    counts: list[list[int]]
    fractions: list[list[float | None]]


@dataclass(frozen=True)
class ClassScore:
    """One class; what is undefined is None.

    Attributes:
        precision: None if it is never predicted.
        recall: None without spectra.
        recall_interval: 95% Wilson interval.
        f1: None with neither.
        support: spectra of the class.
    """

    precision: float | None
    recall: float | None
    recall_interval: tuple[float, float]
    f1: float | None
    support: int


@dataclass(frozen=True)
class ClassScores:
    """Everything that evaluation.json holds of a classifier.

    Attributes:
        n: spectra that are scored.
        unlabeled: spectra of unknown class, which are not.
        classes: names in the order of the labels.
        confusion: the confusion matrix.
        per_class: scores of each class by its name.
        accuracy: fraction of correct spectra.
        accuracy_interval: its 95% Wilson interval.
        accuracy_three_class: each NAME_BAL counted as NAME, so that a BAL quasar predicted as QSO
            is right.
        macro_f1: mean of F1 over the classes that have one.
        log_loss: nats; None if it is infinite.
        calibration_error: see `calibration.expected_calibration_error`.
    """

    n: int
    unlabeled: int
    classes: list[str]
    confusion: Confusion
    per_class: dict[str, ClassScore]
    accuracy: float
    accuracy_interval: tuple[float, float]
    accuracy_three_class: float
    macro_f1: float
    log_loss: float | None
    calibration_error: float


def scores(
    label: NDArray[np.integer],
    log_prob: NDArray[np.floating],
    classes: Sequence[str] = CLASSES,
    predicted: NDArray[np.integer] | None = None,
) -> ClassScores:
    """Score a classifier.

    Args:
        label: (n,), true class as index into `classes`; a negative one is unknown, counted and not
            scored.
        log_prob: (n, classes), natural logarithm of the probabilities.
        classes: class names in the order of the labels.
        predicted: (n,), the predicted class; the most probable by default.

    Raises:
        InputError: if no spectrum is labeled, or a log-probability is NaN.
        ValueError: if the shapes do not match, or a label is beyond the classes.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    label, log_prob = np.asarray(label), np.asarray(log_prob, np.float64)
    if log_prob.shape != (len(label), len(classes)):
        raise ValueError(f"log_prob {log_prob.shape} must be {(len(label), len(classes))}")
    if (label >= len(classes)).any():
        raise ValueError(f"label {label.max()} is beyond the {len(classes)} classes")
    known = label >= 0
    unlabeled = int((~known).sum())
    label, log_prob = label[known], log_prob[known]
    called = log_prob.argmax(axis=1) if predicted is None else np.asarray(predicted)[known]
    if len(label) == 0:
        raise InputError("no spectrum has a class to score against; give data with known classes")
    if np.isnan(log_prob).any():
        bad = int(np.isnan(log_prob).any(axis=1).sum())
        raise InputError(
            f"the probabilities of {bad} of {len(label)} spectra are not numbers:"
            " the model has diverged; train it anew with a lower learning rate"
        )

    labels = np.arange(len(classes))
    counts = confusion_matrix(label, called, labels=labels)
    precision, recall, f1, support = precision_recall_fscore_support(
        label, called, labels=labels, zero_division=np.nan
    )
    correct = called == label
    merged = [name.removesuffix("_BAL") for name in classes]
    same_class = np.equal.outer(merged, merged)
    return ClassScores(
        n=len(label),
        unlabeled=unlabeled,
        classes=list(classes),
        confusion=Confusion(counts.tolist(), [_fractions(row) for row in counts.tolist()]),
        per_class={
            name: ClassScore(
                precision=_defined(precision[i]),
                recall=_defined(recall[i]),
                recall_interval=binomial_interval(int(counts[i, i]), int(support[i])),
                f1=_defined(f1[i]),
                support=int(support[i]),
            )
            for i, name in enumerate(classes)
        },
        accuracy=float(correct.mean()),
        accuracy_interval=binomial_interval(int(correct.sum()), len(label)),
        accuracy_three_class=float(counts[same_class].sum() / len(label)),
        macro_f1=float(np.nanmean(f1)),
        log_loss=_defined(-log_prob[np.arange(len(label)), label].mean()),
        calibration_error=expected_calibration_error(
            np.exp(log_prob.max(axis=1)), log_prob.argmax(axis=1) == label
        ),
    )


def _fractions(row: Sequence[int]) -> list[float | None]:
    """Return counts as fractions of their sum; None if that is 0."""
    total = sum(row)
    return [count / total if total else None for count in row]


def _defined(value: float) -> float | None:
    """Return None for NaN and infinity, which JSON lacks."""
    return float(value) if np.isfinite(value) else None
