"""The base of the tasks, the questions for a network, each a frozen dataclass in its own file.

The fields of a task are its config. Its flags, columns, tables and figures are declared on it too:
nothing outside of `tasks` knows a task by its name.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import jax
import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets.split import Split
from spectranet_jax.evaluation.quasar_scores import Answers
from spectranet_jax.spectra.column import Column, Columns
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.labels import CLASSES

if TYPE_CHECKING:
    from rich.table import Table

Scores = TypeVar("Scores")

Draw = Callable[[Path], object]
"""Function that draws one figure into a PNG file."""


@dataclass(frozen=True)
class Option:
    """A field that may be changed at prediction, without new training.

    Attributes:
        flag: as on the command line, with its two dashes.
        parse: the flag's value -> the field's; raises InputError where it is none.
    """

    flag: str
    parse: Callable[[Any], Any]


@dataclass(frozen=True)
class PosteriorColumns:
    """Names of the columns of p(z) and evidence that the figure of a spectrum shows.

    Attributes:
        p: probabilities of the redshift, (n, bins of z); decoded, but in no catalog.
        edges: (bins of z + 1,), in log10(1 + z).
        z_second: second-best redshift.
        mass_second: its probability.
        evidence: name in `spectra.lines.REST` -> the evidence of that line.
    """

    p: str
    edges: NDArray[np.float64]
    z_second: str
    mass_second: str
    evidence: Mapping[str, str]


@dataclass(frozen=True)
class Task(ABC, Generic[Scores]):
    """The question for a network; all its arrays have one row per spectrum.

    Attributes:
        grid: the bins of the spectra.
        name: under which `tasks.build` makes it.
        kind: what a model of it is called in messages.
        scored: the dataclass of its scores.
        loss_label: what its loss is, with its unit.
        options: fields that may be changed at prediction.
        counted: columns of 0 and 1 -> what the summary of a catalog calls the rows that have 1.
        calibrated: fields that `calibrate` fits.
        noiseless_survey: whether the mock survey that it is trained on is noise-free, of a task
            whose models may be shipped; None of others.
        later: fields that older models lack: `config` has them only where they are not the default,
            so that the `config` of older models stays the same.
    """

    grid: LogGrid

    name: ClassVar[str]
    kind: ClassVar[str]
    scored: ClassVar[type]
    loss_label: ClassVar[str] = "loss"
    options: ClassVar[Mapping[str, Option]] = {}
    counted: ClassVar[Mapping[str, str]] = {}
    calibrated: ClassVar[tuple[str, ...]] = ()
    noiseless_survey: ClassVar[bool | None] = None
    later: ClassVar[tuple[str, ...]] = ()

    @property
    def config(self) -> dict[str, Any]:
        """Return name and fields from which, with the grid, `tasks.build` makes this task again."""
        fields = [field for field in dataclasses.fields(self) if field.name != "grid"]
        values = {field.name: getattr(self, field.name) for field in fields}
        usual = {f.name for f in fields if f.name in self.later and values[f.name] == f.default}
        kept = {name: _plain(value) for name, value in values.items() if name not in usual}
        return {"name": self.name} | kept

    @property
    def applies_to(self) -> tuple[int, ...]:
        """Labels for which the decoded columns are defined."""
        return tuple(range(len(CLASSES)))

    @property
    def columns(self) -> dict[str, Column]:
        """Decoded columns that are not in every catalog, by name."""
        return {}

    @property
    def redshifts(self) -> tuple[str, ...]:
        """Decoded columns that are binned redshifts, to be corrected for the pixels' phase."""
        return ("Z",)

    @property
    def zwarn_threshold(self) -> float | None:
        """Probability of class and of redshift below which ZWARN warns; None: not assessed."""
        return None

    @property
    def posterior(self) -> PosteriorColumns | None:
        """Columns for the figure of a spectrum's p(z); None without one."""
        return None

    @abstractmethod
    def select(self, truth: Columns) -> NDArray[np.bool_]:
        """Return the spectra that take part, bool (n,)."""

    def trained_on(self, _truth: Columns) -> "Task[Scores]":
        """Return the task for fine-tuning a network on spectra with these labels."""
        return self

    @abstractmethod
    def targets(self, truth: Columns) -> dict[str, NDArray[Any]]:
        """Return the arrays that the loss reads."""

    @abstractmethod
    def inputs(self, flux: Any, ivar: Any) -> tuple[Any, ...]:
        """Return the network's arguments from raw flux and ivar, (batch, bins). Runs compiled."""

    @abstractmethod
    def loss(self, output: Any, batch: dict[str, Any]) -> jax.Array:
        """Loss of the network's output, (batch,), from the arrays of `targets`. Runs compiled."""

    @abstractmethod
    def decode(self, output: Any) -> dict[str, NDArray[Any]]:
        """Decode the network's output to catalog columns."""

    @abstractmethod
    def quasars(self, columns: Columns) -> Answers:
        """Return the answers of the decoded columns about quasars."""

    @abstractmethod
    def scores(self, columns: Columns, truth: Columns) -> Scores:
        """Return the scores for evaluation.json from decoded columns and the truth."""

    @abstractmethod
    def tables(self, scores: Scores, where: str) -> "list[Table]":
        """Return tables for the terminal; `where` describes the spectra in words."""

    @abstractmethod
    def figures(self, split: Split, columns: Columns) -> dict[str, Draw]:
        """Return a function that draws each figure, by file name without suffix."""

    def calibrate(self, columns: Columns, truth: Columns) -> dict[str, Any]:
        """Return the fields of `calibrated` that make probabilities right on held-out spectra."""
        raise NotImplementedError(f"{self.name} has nothing to calibrate")

    def card(self, scores: Scores) -> list[str]:
        """Return sections of Markdown for the card of a shipped model."""
        raise NotImplementedError(f"models of {self.name} are not shipped")


def _plain(value: Any) -> Any:
    """Return a field as JSON holds it."""
    return list(value) if isinstance(value, tuple) else value
