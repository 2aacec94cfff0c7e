"""Measure redshifts of mock emission-line galaxies against the S/N of their [O II] doublet.

The galaxies are drawn at native pixels, as faint as DESI's targets, and observed with one
instrument. A matched filter with the true line gives the S/N of [O II]. The table gives, by this
S/N, the fraction of galaxies that are called GALAXY with a refined redshift within 300 and within
1000 km/s of the truth.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from spectranet_jax.commands.command import Command, command
from spectranet_jax.progress import notice_if_slow
from spectranet_jax.spectra.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.table import Table

EDGES = (float("-inf"), 3.0, 6.0, 10.0, float("inf"))
"""Edges of the table's ranges in S/N of [O II]."""

REACH = 1500.0
"""Half the width of the matched filter's window around [O II], km/s."""


@dataclass(frozen=True)
class Config(Command):
    """Settings of the measurement."""

    spectra: int = 2000
    """number of galaxies to draw"""
    instrument: str = "desi"
    """instrument that observes the galaxies: boss, sdss or desi"""
    model: str = "linenet"
    """shipped model, or run folder, of a LineNet"""
    seed: int = 1001
    """seed of every draw"""


def work(config: Config) -> None:
    """Draw, predict, and print the table."""
    from spectranet_jax.inference.finding import find
    from spectranet_jax.spectra.instruments import fractions

    if config.spectra < 1 or config.seed < 0:
        raise InputError("--spectra must be 1 or more, and --seed 0 or more")
    fractions((config.instrument,))  # raises InputError for an unknown name
    find(config.model)
    with notice_if_slow("faint_galaxies: starting"):
        from spectranet_jax.inference import load
        from spectranet_jax.tables import print_table

        model = load(config.model)
    with notice_if_slow(f"faint_galaxies: {config.spectra:,} galaxies"):
        spectra, z, sn = drawn(config.spectra, config.instrument, config.seed)
        rows = model.predict(spectra)
    print_table(oxygen_table(rows, z, sn, config.instrument))


def drawn(n: int, instrument: str, seed: int) -> tuple[list[Any], "NDArray[Any]", "NDArray[Any]"]:
    """Draw emission-line galaxies, and return their spectra, redshifts and S/N of [O II]."""
    import numpy as np

    from data_prep.mock import galaxies
    from data_prep.mock.draws import NumpyDraws
    from data_prep.mock.survey import calibrated
    from spectranet_jax.spectra import observation
    from spectranet_jax.spectra.native import NATIVE_GRID
    from spectranet_jax.spectra.spectrographs import Spectrographs
    from spectranet_jax.spectra.spectrum import Spectrum

    rng, group = np.random.default_rng(seed), galaxies.GROUPS["emission-line"]
    kind = np.full(n, "emission-line")
    z = group.redshift(rng, kind)
    assert group.magnitude is not None
    magnitude = group.magnitude(rng, n)
    light = galaxies.spectra(rng, kind, z, NATIVE_GRID)
    light = calibrated(light, magnitude, NATIVE_GRID, z)
    spectrographs = Spectrographs.of((instrument,), NATIVE_GRID)
    which = np.zeros(n, np.int64)
    flux, ivar = observation.observe(
        NumpyDraws(rng), light, spectrographs, which, observation.SCORED
    )
    loglam = np.log10(NATIVE_GRID.centers)
    tables = spectrographs.rows(which)
    seen = observation.blur(light, tables) * tables.brightness
    sn = oxygen_sn(seen, flux, ivar, z)
    return [Spectrum(f"mock-{i}", loglam, flux[i], ivar[i], "mock") for i in range(n)], z, sn


def oxygen_sn(
    light: "NDArray[Any]", flux: "NDArray[Any]", ivar: "NDArray[Any]", z: "NDArray[Any]"
) -> "NDArray[Any]":
    """Return the S/N of [O II] by a matched filter at native pixels, (n,).

    The filter is the noise-free flux around the doublet, minus its median there.

    Args:
        light: (n, pixels), noise-free flux at the instrument's resolution.
        flux: (n, pixels), observed.
        ivar: (n, pixels), its inverse variance.
        z: (n,), true redshifts.
    """
    import numpy as np

    from spectranet_jax.spectra.lines import REST
    from spectranet_jax.spectra.native import NATIVE_GRID

    reach = NATIVE_GRID.bins(REACH)
    middle = NATIVE_GRID.bin_of(np.log10(REST["[OII]"] * (1 + z)))
    columns = np.clip(middle[:, None] + np.arange(-reach, reach + 1), 0, NATIVE_GRID.size - 1)
    light, flux, ivar = (np.take_along_axis(a, columns, axis=1) for a in (light, flux, ivar))
    continuum = np.median(light, axis=1, keepdims=True)
    line = light - continuum
    norm = np.sqrt((line**2 * ivar).sum(axis=1))
    return (line * (flux - continuum) * ivar).sum(axis=1) / np.maximum(norm, 1e-12)


def oxygen_table(rows: Any, z: "NDArray[Any]", sn: "NDArray[Any]", instrument: str) -> "Table":
    """Return the table of correct redshifts and classes by S/N of [O II]."""
    import numpy as np
    from rich.table import Table

    from spectranet_jax.evaluation.fraction import fraction_if_any
    from spectranet_jax.evaluation.redshift_scores import dv
    from spectranet_jax.evaluation.score_tables import interval, text

    reach = f"z {z.min():.2f} to {z.max():.2f}"
    table = Table(title=f"Mock emission-line galaxies, {reach}, seen by {instrument}")
    for heading in ("S/N of [O II]", "n", "within 300 km/s", "within 1000", "ZWARN 0"):
        table.add_column(heading, justify="right")
    error = np.abs(dv(np.ma.filled(np.ma.asarray(rows["Z"], float), np.nan), z))
    called, sure = np.asarray(rows["CLASS"]) == "GALAXY", np.asarray(rows["ZWARN"]) == 0
    for low, high in pairwise(EDGES):
        some = (sn >= low) & (sn < high)
        near, far, trusted = (
            fraction_if_any(answer[some])
            for answer in (called & (error < 300), called & (error < 1000), sure)
        )
        cells = [
            interval(near),
            *(text(None if f is None else f.fraction, ".3f") for f in (far, trusted)),
        ]
        table.add_row(f"{low:g} to {high:g}", f"{int(some.sum()):,}", *cells)
    return table


if __name__ == "__main__":
    command(Config, work, __doc__)
