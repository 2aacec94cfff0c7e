"""LineNet's options at prediction: the class prior, and the threshold of a BAL."""

from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.labels import CLASSES

PRIORS = {
    "equal": (0.25, 0.25, 0.25, 0.25),
    "survey": (0.31, 0.06, 0.57, 0.06),
}
"""Class priors by name; "survey" is a BOSS quasar plate (7102: 44, 9, 79 and 8 of 140)."""


def parse_class_prior(text: str) -> tuple[float, ...]:
    """Return the prior that --class-prior names or lists, (4,), normalized to sum 1.

    Raises:
        InputError: if it is neither a name nor four numbers.
    """
    if text in PRIORS:
        return PRIORS[text]
    try:
        values = [float(word) for word in text.split(",")]
    except ValueError:
        values = []
    if len(values) != len(CLASSES) or not all(0 <= v < float("inf") for v in values):
        values = []
    if not sum(values) > 0:
        raise InputError(
            f"--class-prior {text} is not a prior; give {', '.join(PRIORS)}, or four numbers for"
            f" {', '.join(CLASSES)}, as 0.3,0.1,0.5,0.1"
        )
    return tuple(value / sum(values) for value in values)


def parse_bal_threshold(value: float) -> float:
    """Return the value of --bal-threshold, a probability.

    Raises:
        InputError: if it is none.
    """
    if not 0 <= value <= 1:
        raise InputError(f"--bal-threshold {value} is not a probability; give 0 to 1")
    return value
