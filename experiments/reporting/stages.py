"""The runs behind the page, as one table: network, spectra and settings of each.

A stage becomes an ordinary run folder: `experiments.evaluate`, `experiments.compare` and
`spectranet predict` take it like any other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from experiments import quasarnet, redshift
from experiments.reporting.sizes import Sizes
from experiments.settings import Training
from spectranet_jax.spectra.labels import CLASSES

SCHEDULES = {"chunked": "chunked, as the report trained", "shuffled": "shuffled"}
"""Name of a schedule -> its name in figures."""

TARGETS = {"qso": "QSO", "bal": "QSO_BAL"}

SURVEYS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "all": (CLASSES, 101),
    "qso": (("QSO",), 102),
    "bal": (("QSO_BAL",), 103),
}
"""Mock survey -> its classes and its seed. The seeds differ, so that no test spectrum of one
network is a training spectrum of another; LineNet's survey has seed 0.
"""


@dataclass(frozen=True)
class Settings(Training):
    """Settings of a run of the page."""

    training_spectra: int = 24_000
    """spectra to train on, at most"""


@dataclass(frozen=True)
class Stage:
    """A run to make.

    Attributes:
        name: of its folder.
        settings: of the training; where it is written and what it reads is added later.
        network: its name and fields.
        survey: a key of `SURVEYS`.
        task: its name.
        target: of a redshift run.
    """

    name: str
    settings: Settings
    network: Mapping[str, Any]
    survey: str = "all"
    task: str = "classify"
    target: str | None = None


@dataclass(frozen=True)
class Part:
    """A part of the report's recipe, and the changes that leave it out.

    Attributes:
        settings: fields of `Settings` that change.
        network: fields of the network that change.
        task: name of the task that takes the place of "classify".
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    task: str = "classify"


PARTS = {
    "dropout": Part(settings={"dropout": 0.0}, network={"dropout": 0.0}),
    "batch normalization": Part(network={"batch_norm": False}),
    "learning-rate scheduler": Part(settings={"decay": "constant"}),
    "weighted renormalization": Part(task="classify-plain"),
}
"""Part that the report credits with its accuracy -> the changes that leave it out."""

EVERY = "all four"


def every_part() -> Part:
    """Return all parts left out together."""
    return Part(
        {name: value for part in PARTS.values() for name, value in part.settings.items()},
        {name: value for part in PARTS.values() for name, value in part.network.items()},
        "classify-plain",
    )


def classifier(name: str, settings: Settings, part: Part = Part()) -> Stage:
    """Return a run of Table 1's network, without some part."""
    network = {"name": "SpectraNetClassifier", "dropout": settings.dropout} | dict(part.network)
    return Stage(name, replace(settings, **part.settings), network, task=part.task)


def regressor(name: str, target: str, settings: Settings) -> Stage:
    """Return a run of Table 3's network with its recipe."""
    defaults = redshift.Config()
    settings = replace(
        settings, optimizer=defaults.optimizer, rate=defaults.rate, dropout=defaults.dropout
    )
    network = {"name": "SpectraNetRegressor", "dropout": defaults.dropout}
    return Stage(name, settings, network, target, "redshift", target)


def main_settings(sizes: Sizes, schedule: Any) -> Settings:
    """Return the settings of the runs of the report's own tables."""
    return Settings(
        schedule=schedule,
        epochs=sizes.epochs,
        batch=sizes.batch,
        chunk=sizes.chunk,
        training_spectra=sizes.training,
    )


def by_schedule(sizes: Sizes) -> Iterator[Stage]:
    """Yield Table 1, and Table 3 of QSO and of QSO_BAL, in both schedules."""
    for schedule in SCHEDULES:
        settings = main_settings(sizes, schedule)
        yield classifier(f"classify-{schedule}", settings)
        for target in TARGETS:
            yield regressor(f"redshift-{target}-{schedule}", target, settings)


def peer(sizes: Sizes) -> Stage:
    """Return QuasarNET, trained on the spectra of Table 1."""
    defaults = quasarnet.Config()
    settings = replace(
        main_settings(sizes, "shuffled"), rate=defaults.rate, dropout=defaults.dropout
    )
    return Stage("quasarnet", settings, quasarnet.network_of(defaults), task="quasarnet")


def curve_name(kind: str, spectra: int, seed: int) -> str:
    """Return the folder of a run of the data curve."""
    return f"more-data/{kind}-{spectra}-seed{seed}"


def claim_name(part: str, seed: int) -> str:
    """Return the folder of a run without some part."""
    return f"claims/without-{part.replace(' ', '-')}-seed{seed}"


def short_settings(sizes: Sizes, spectra: int, seed: int) -> Settings:
    """Return the settings of the runs of the claims and of the data curve."""
    return Settings(
        epochs=sizes.claim_epochs, batch=sizes.batch, training_spectra=spectra, seed=seed
    )


def claims(sizes: Sizes) -> Iterator[Stage]:
    """Yield Table 1 complete, without each part, and without all of them, from each seed."""
    for seed in range(sizes.seeds):
        settings = short_settings(sizes, sizes.claims, seed)
        yield classifier(curve_name("classify", sizes.claims, seed), settings)
        for name, part in (PARTS | {EVERY: every_part()}).items():
            yield classifier(claim_name(name, seed), settings, part)


def curve(sizes: Sizes) -> Iterator[Stage]:
    """Yield Table 1, and Table 3 of QSO, on more and more spectra, from each seed."""
    for spectra in sizes.curve:
        for seed in range(sizes.seeds):
            settings = short_settings(sizes, spectra, seed)
            yield classifier(curve_name("classify", spectra, seed), settings)
            yield regressor(curve_name("redshift", spectra, seed), "qso", settings)


def stages(sizes: Sizes, with_peer: bool = True) -> list[Stage]:
    """Return all runs of the page, each once, in the order in which they are made."""
    listed = [*by_schedule(sizes), *claims(sizes), *curve(sizes)]
    return list({stage.name: stage for stage in [*listed, *([peer(sizes)] * with_peer)]}.values())
