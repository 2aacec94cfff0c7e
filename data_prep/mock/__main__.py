"""Make a mock survey: `python -m data_prep.mock --out data/mock --spectra 60000`."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from spectranet_jax.command_line import command
from spectranet_jax.readers.workers import cores
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import QUASARNET_GRID
from spectranet_jax.spectra.instruments import INSTRUMENTS
from spectranet_jax.spectra.labels import CLASSES


@dataclass(frozen=True)
class Config:
    """A mock survey."""

    out: Path
    """The dataset folder to make."""
    spectra: int = 60_000
    """Number of spectra, with equal numbers of STAR, GALAXY, QSO and QSO_BAL."""
    counts: str = ""
    """Number of spectra by class instead, such as STAR=1000,QSO=2000; other classes get none."""
    seed: int = 0
    """Seed of every draw: on the same kind of machine, the same seed gives the same bytes."""
    noiseless: bool = False
    """Make the training spectra noise-free, so that every training step draws fresh noise and other
    effects of the instrument."""
    native: bool = False
    """Draw spectra at native pixels, and keep these in addition to the bins (38 kB per spectrum),
    so that refined redshifts can be evaluated. The spectra differ from those without --native."""
    workers: int = field(default_factory=lambda: min(4, cores()))
    """Number of threads."""
    templates: Path | None = None
    """Folder of observed spectra to mix in, as made by `data_prep.download --templates`. By default
    the folder that RR_TEMPLATE_DIR names; without one, all spectra are drawn from physics alone."""
    instrument: tuple[str, ...] = tuple(INSTRUMENTS)
    """Instruments to observe with; one is drawn for each spectrum."""
    without: tuple[str, ...] = ()
    """Ingredients to leave out, such as "host and iron": see data_prep/mock/ingredients.py."""


def class_counts(spectra: int, counts: str) -> dict[str, int]:
    """Return the spectra of each class: those of `counts`, or `spectra` divided equally.

    Raises:
        InputError: if `counts` cannot be read, or there is nothing to make.
    """
    if counts:
        try:
            wanted = {
                name.strip(): int(number)
                for name, number in (pair.split("=") for pair in counts.split(","))
            }
        except ValueError as error:
            raise InputError(
                f"--counts {counts} cannot be read; write it as STAR=1000,QSO=2000"
            ) from error
    else:
        each, remainder = divmod(spectra, len(CLASSES))
        wanted = {name: each + (i < remainder) for i, name in enumerate(CLASSES)}
    if sum(wanted.values()) <= 0:
        raise InputError("there is nothing to make; give --spectra or --counts above 0")
    return wanted


def main(config: Config) -> None:
    if config.seed < 0:
        raise InputError(f"--seed {config.seed} is negative; give 0 or more")
    if config.workers < 1:
        raise InputError(f"--workers {config.workers} is too few; give 1 or more")
    wanted = class_counts(config.spectra, config.counts)
    from data_prep.mock.dataset import prepare
    from data_prep.mock.ingredients import at_hand
    from data_prep.summary import print_summary
    from spectranet_jax.datasets.atomic import check_writable

    check_writable(config.out, folder=True)

    ingredients = replace(
        at_hand(frozenset(config.without), config.templates), observed_by=config.instrument
    )
    made = prepare(
        config.out,
        wanted,
        config.seed,
        QUASARNET_GRID,
        config.workers,
        config.noiseless,
        ingredients,
        config.native,
    )
    print_summary(made, config.out)


if __name__ == "__main__":
    command(Config, main, "Make a mock survey of stars, galaxies, quasars and BAL quasars.")
