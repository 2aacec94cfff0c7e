"""The zero point: the offset of a spectrum's pixels within their bins."""

from pathlib import Path

import numpy as np
import pytest

from spectranet_jax import readers
from spectranet_jax.spectra.grid import QUASARNET_GRID, LogGrid, rebin
from spectranet_jax.spectra.lines import kms
from spectranet_jax.spectra.phase import corrected, phase

SDSS = 3.5563 + 1e-4 * np.arange(4430)
DESI = np.log10(np.arange(3600, 9824.1, 0.8))


def test_sdss_pixels_stand_redward_of_their_bins() -> None:
    """log10(3600) is 3.55630250: pixels 3.5564 to 3.5573 have their mean at 3.55685."""
    offset = phase(SDSS[1:], np.ones(4429), QUASARNET_GRID)
    assert offset == pytest.approx(0.0475e-3, abs=2e-7)
    assert kms(offset) == pytest.approx(32.8, abs=0.1)


def test_desi_pixels_have_no_phase() -> None:
    assert abs(kms(phase(DESI, np.ones(len(DESI)), QUASARNET_GRID))) < 1


def test_pixels_are_weighted_by_ivar_and_others_do_not_count() -> None:
    grid = LogGrid(1000.0, 1e-2, 3)
    loglam = np.array([3.001, 3.004, 3.012, 3.5, np.nan])
    ivar = np.array(
        [[1.0, 3.0, 0.0, 9.0, 9.0], [0, 0, 2, 1, 1], [0, 0, 0, 1, 1], [1, np.nan, -1, 1, 1]]
    )
    expected = [(-0.004 - 0.001 * 3) / 4, -0.003, 0, -0.004]
    np.testing.assert_allclose(phase(loglam, ivar, grid), expected, rtol=0, atol=1e-12)


def test_the_correction_is_a_factor_of_one_plus_z() -> None:
    z = np.array([0.0, 1.0, np.nan])
    dex = np.array([0.0475e-3, 0.0, 0.1])
    np.testing.assert_allclose(corrected(z, dex), [10**0.0475e-3 - 1, 1.0, np.nan])


def test_a_line_is_put_right() -> None:
    """The centroid of a line in bins, with the phase, is where it was drawn; without, it is not."""
    line = np.log10(6000.0)
    flux = np.exp(-0.5 * ((SDSS - line) / 2e-3) ** 2)
    binned, _ = rebin(SDSS, flux, np.ones_like(flux), QUASARNET_GRID)
    centroid = (binned * np.log10(QUASARNET_GRID.centers)).sum() / binned.sum()
    assert kms(centroid - line) == pytest.approx(-32.8, abs=0.5)
    assert abs(kms(centroid + phase(SDSS, np.ones_like(SDSS), QUASARNET_GRID) - line)) < 0.5


@pytest.mark.parametrize(
    ("file", "low", "high"),
    [
        ("bright-galaxies", 32, 36),
        ("boss-dr12-galaxies", 32, 36),
        ("quasarnp/test_coadd.fits.gz", -3, 3),
    ],
)
def test_real_spectra(shared: Path, file: str, low: float, high: float) -> None:
    paths = sorted((shared / file).glob("*.fits*")) or [shared / file]
    for spectrum in readers.read(paths[0]):
        if spectrum.ivar.any():
            offset = kms(phase(spectrum.loglam, spectrum.ivar, QUASARNET_GRID))
            assert low < offset < high
