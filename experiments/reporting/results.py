"""Results of the runs: scores and losses, read from their folders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from experiments.reporting.estimate import Estimate, estimate
from experiments.reporting.sizes import Sizes
from experiments.reporting.stages import EVERY, PARTS, SCHEDULES, claim_name, curve_name
from spectranet_jax.evaluation.class_scores import ClassScores
from spectranet_jax.evaluation.redshift_scores import RedshiftScores
from spectranet_jax.evaluation.scores_json import from_json
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.training import run

Scores = TypeVar("Scores")


@dataclass(frozen=True)
class Results:
    """The runs of the page.

    Attributes:
        out: their folder.
        sizes: their sizes.
    """

    out: Path
    sizes: Sizes

    def metrics(self, name: str) -> list[Mapping[str, Any]]:
        """Return losses by step of a run."""
        return list(run.read_metrics(self.out / name))

    def scores(self, name: str, kind: type[Scores]) -> Scores:
        """Return scores of a run on its test split."""
        return from_json(kind, run.read_evaluation(self.out / name)["test"]["scores"])

    def classes_by_schedule(self) -> dict[str, ClassScores]:
        """Return scores of Table 1."""
        return {name: self.scores(f"classify-{name}", ClassScores) for name in SCHEDULES}

    def redshifts_by_schedule(self, target: str) -> dict[str, RedshiftScores]:
        """Return scores of Table 3 for "qso" or "bal"."""
        names = {name: f"redshift-{target}-{name}" for name in SCHEDULES}
        return {name: self.scores(folder, RedshiftScores) for name, folder in names.items()}

    def claims(self) -> dict[str, Estimate]:
        """Return accuracy with nothing left out, without each part, and without all of them."""
        names = {"nothing": partial(curve_name, "classify", self.sizes.claims)}
        names |= {part: partial(claim_name, part) for part in (*PARTS, EVERY)}
        return {part: self._accuracy(name) for part, name in names.items()}

    def curves(self) -> tuple[dict[int, Estimate], dict[int, Estimate]]:
        """Return accuracy of Table 1 and MSE of Table 3, by the number of training spectra."""
        accuracy, mse = {}, {}
        for count in self.sizes.curve:
            accuracy[count] = self._accuracy(partial(curve_name, "classify", count))
            name = partial(curve_name, "redshift", count)
            mse[count] = estimate([self._mse(name(seed)) for seed in range(self.sizes.seeds)])
        return accuracy, mse

    def _accuracy(self, name: Callable[[int], str]) -> Estimate:
        """Return accuracy over the seeds, of runs that are named by a function of the seed."""
        names = map(name, range(self.sizes.seeds))
        return estimate([self.scores(folder, ClassScores).accuracy for folder in names])

    def _mse(self, name: str) -> float:
        mse = self.scores(name, RedshiftScores).mse
        if mse is None:
            raise InputError(f"{self.out / name} gives no finite redshift; remove it to train anew")
        return mse
