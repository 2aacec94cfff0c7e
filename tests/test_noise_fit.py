"""The noise of an instrument, measured from spectra that its own table made, and from real ones."""

import numpy as np
import pytest
from naming import naming

from data_prep import noise
from data_prep.mock.draws import NumpyDraws
from data_prep.noise_fit import fit
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, observation
from spectranet_jax.spectra.instruments import INSTRUMENTS
from spectranet_jax.spectra.spectrographs import Spectrographs, at


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_the_table_that_made_spectra_is_found_again(name):
    """Of 400 flat spectra of very different brightness, observed with noise and masks alone."""
    instrument, rng = INSTRUMENTS[name], np.random.default_rng(1)
    level = np.exp(rng.normal(0.5, 1.5, (400, 1)))
    spectrographs = Spectrographs.of((name,), GRID)
    noise_free = np.broadcast_to(level, (400, GRID.size)).astype(np.float32)
    which = np.zeros(400, int)
    flux, ivar = observation.observe(
        NumpyDraws(rng), noise_free, spectrographs, which, ("noise", "masks")
    )
    found = fit(flux, ivar, GRID)
    expected = np.interp(found.wavelength, GRID.centers, np.sqrt(spectrographs.tables.sky[0]))
    middle = (found.wavelength > 4200) & (found.wavelength < 8900)
    np.testing.assert_allclose(found.sigma[middle], expected[middle], rtol=0.12)
    photons = np.interp(found.wavelength, GRID.centers, at(instrument.photons, GRID))
    np.testing.assert_allclose(found.photons[middle], photons[middle], rtol=0.4)
    np.testing.assert_allclose(found.scatter, instrument.scatter, atol=0.06)
    low, high = instrument.coverage
    assert found.coverage[0] == pytest.approx(max(low, 3600), rel=0.004)
    assert found.coverage[1] == pytest.approx(min(high, 9984), rel=0.004)


def test_noise_that_ivar_underestimates_is_noticed():
    rng = np.random.default_rng(2)
    ivar = np.full((200, GRID.size), 4.0)
    flux = 5 + 1.3 * rng.normal(0, 0.5, ivar.shape)
    found = fit(flux, ivar, GRID)
    np.testing.assert_allclose(found.inflation, 1.3, rtol=0.1)
    np.testing.assert_allclose(found.sigma**2 + 5 * found.photons, 0.25, rtol=0.02)


def test_too_few_spectra_have_a_sentence():
    with pytest.raises(InputError, match="5"):
        fit(np.ones((3, GRID.size)), np.ones((3, GRID.size)), GRID)


def test_the_command_measures_desi(shared, capsys):
    """Median sigma of FACTS.md 6.8, of other coadds of the same instrument, within 30%."""
    noise.main(noise.Config((str(shared / "quasarnp" / "test_coadd.fits.gz"),)))
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines()[1:]]
    sigma = {float(row[0]): float(row[1]) for row in rows if row[0].isdigit()}
    for wavelength, expected in {4500: 0.075, 5500: 0.050, 6500: 0.026, 8500: 0.0165}.items():
        assert sigma[wavelength] == pytest.approx(expected, rel=0.3)
    assert "9824" in printed


def test_the_command_names_what_it_cannot_read(tmp_path):
    (tmp_path / "empty.fits").write_bytes(b"")
    with pytest.raises(InputError, match=naming("empty.fits")):
        noise.main(noise.Config((str(tmp_path / "empty.fits"),)))
