"""Sizes of the trainings of the page: quick, default, and those of the report."""

import dataclasses
from dataclasses import dataclass

SMALLEST_BATCH = 8


@dataclass(frozen=True)
class Sizes:
    """Sizes of the runs of the page.

    Attributes:
        survey: spectra of the mock survey of all classes, and of the one of QSO; 60% of them, give
            or take some, are to train on.
        bal: spectra of the mock survey of QSO_BAL.
        training: spectra to train on at most, in both schedules.
        chunk: spectra per chunk of the report's schedule.
        epochs: passes over the data, or over each chunk of it.
        batch: spectra per step.
        claims: spectra to train on where a part is left out.
        claim_epochs: passes over these, and over those of the curve.
        curve: numbers of spectra to train on.
        seeds: trainings of each kind, where an interval is wanted.
    """

    survey: int
    bal: int
    training: int
    chunk: int
    epochs: int
    batch: int
    claims: int
    claim_epochs: int
    curve: tuple[int, ...]
    seeds: int = 3

    def of(self, spectra: int) -> "Sizes":
        """Return these sizes for a survey of `spectra` spectra; other counts change likewise."""
        factor = spectra / self.survey

        def scaled(count: int) -> int:
            return max(round(factor * count), 1)

        counts = ("survey", "bal", "training", "chunk", "claims")
        return dataclasses.replace(
            self,
            batch=max(
                min(self.batch, scaled(self.chunk) // 2, scaled(self.curve[0]) // 2), SMALLEST_BATCH
            ),
            curve=tuple(scaled(count) for count in self.curve),
            **{name: scaled(getattr(self, name)) for name in counts},
        )

    def within(self, training: int, quasars: int) -> "Sizes":
        """Return these sizes with no more training spectra than a dataset has, QSO among them."""
        return dataclasses.replace(
            self,
            training=min(self.training, training),
            claims=min(self.claims, training),
            curve=tuple(sorted({min(count, training, quasars) for count in self.curve})),
        )


DEFAULT = Sizes(41_000, 29_000, 24_000, 4_000, 10, 256, 12_000, 5, (1_500, 3_000, 6_000, 12_000))
FULL = Sizes(
    80_000, 29_000, 24_000, 4_000, 10, 256, 24_000, 10, (3_000, 6_000, 12_000, 24_000, 48_000)
)
QUICK = Sizes(3_200, 2_100, 1_800, 300, 6, 64, 900, 3, (225, 450, 900))
