"""Measure the noise of an instrument from survey files: python -m data_prep.noise FILES.

Prints values for a table in `spectranet_jax/spectra/instruments.py`. At each wavelength: sigma of a
690 km/s bin without source light, variance per unit of flux (photons), and the inflation. For the
instrument: the scatter of sigma from spectrum to spectrum, and the coverage. Twenty or more spectra
of any objects are enough.
"""

from dataclasses import dataclass
from typing import Annotated

import tyro

from spectranet_jax.command_line import command, one_or_more
from spectranet_jax.spectra.errors import InputError


@dataclass(frozen=True)
class Config:
    """Flags of `python -m data_prep.noise`."""

    files: Annotated[tuple[str, ...], tyro.conf.Positional, one_or_more("FILE")]
    """survey files, folders of them, or patterns"""


def main(config: Config) -> None:
    """Read, fit and print."""
    import numpy as np

    from data_prep.noise_fit import fit
    from spectranet_jax import readers
    from spectranet_jax.progress import progress
    from spectranet_jax.spectra.grid import QUASARNET_GRID, rebin

    paths = readers.spectrum_paths(config.files)
    binned = []
    with progress("reading spectra", len(paths)) as advance:
        for path in paths:
            for spectrum in readers.read(path):
                flux, ivar = rebin(spectrum.loglam, spectrum.flux, spectrum.ivar, QUASARNET_GRID)
                if ivar.any():
                    binned.append((flux, ivar))
            advance(1)
    if not binned:
        raise InputError("none of the files has a pixel with a measurement; give other files")
    flux, ivar = (np.array(arrays) for arrays in zip(*binned, strict=True))
    noise = fit(flux, ivar, QUASARNET_GRID)
    print(f"{'wavelength':>10} {'sigma':>8} {'photons':>9} {'inflation':>9}")
    for knot in zip(noise.wavelength, noise.sigma, noise.photons, noise.inflation, strict=True):
        print("{:10.0f} {:8.4f} {:9.5f} {:9.2f}".format(*knot))
    print(f"spectra: {len(flux):,}")
    print("scatter of sigma (natural log), below and above: {:.2f}, {:.2f}".format(*noise.scatter))
    print("coverage: {:.0f} to {:.0f} Angstrom".format(*noise.coverage))


if __name__ == "__main__":
    command(Config, main, __doc__)
