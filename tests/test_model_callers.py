"""What a notebook calls: arrays with units or spectra in, rows and p(z) out."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from matplotlib.figure import Figure
from matplotlib.text import Text
from naming import naming

import spectranet_jax as snj
from spectranet_jax.evaluation.redshift_posterior import Posterior
from spectranet_jax.inference import Model
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.spectrum import Spectrum


@pytest.fixture(scope="module")
def linenet() -> Model:
    return snj.load()


def quasar(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wavelength in Angstrom, flux and sigma of broad lines at z = 2.2 on a power law."""
    rng = np.random.default_rng(seed)
    wavelength = 10 ** np.arange(3.56, 3.99, 1e-4)
    flux = 5 * (wavelength / 6000) ** -1.5
    for line, strength in ((1215.67, 12.0), (1549.06, 6.0), (1908.73, 3.0), (2798.75, 2.5)):
        velocity = 299_792.458 * (wavelength / (line * 3.2) - 1)
        flux += strength * np.exp(-0.5 * (velocity / 2000) ** 2)
    flux[wavelength < 1215.67 * 3.2] *= 0.8
    sigma = np.full(len(wavelength), 0.5)
    return wavelength, flux + rng.normal(0, sigma), sigma


@pytest.mark.slow
def test_arrays_with_units_are_one_spectrum_whatever_the_units(linenet: Model) -> None:
    wavelength, flux, sigma = quasar()
    unit = 1e-17 * u.erg / u.s / u.cm**2 / u.AA
    plain = snj.spectrum(wavelength, flux, sigma=sigma, name="plain")
    nanometers = snj.spectrum(
        (wavelength * u.AA).to(u.nm), (flux * unit).to(u.W / u.m**3), sigma=(sigma * unit)
    )
    table = linenet.predict([plain, nanometers])
    assert table["ID"].tolist()[0] == "plain"
    assert table["CLASS"].tolist() == ["QSO", "QSO"]
    assert table["Z"][0] == pytest.approx(2.2, abs=0.02)
    assert table["Z"][1] == pytest.approx(table["Z"][0], abs=1e-5)


@pytest.mark.slow
def test_many_rows_share_their_wavelengths(linenet: Model) -> None:
    wavelength, first, sigma = quasar()
    _, second, _ = quasar(1)
    spectra = snj.from_arrays(wavelength, np.stack([first, second]), sigma=np.stack([sigma] * 2))
    together = linenet.predict(spectra)
    assert len(together) == 2
    assert linenet.predict(spectra[1])["Z"][0] == together["Z"][1]


@pytest.mark.slow
def test_the_posterior_of_one_and_of_many(linenet: Model) -> None:
    wavelength, flux, sigma = quasar()
    spectrum = snj.spectrum(wavelength, flux, sigma=sigma)
    dead = snj.spectrum(wavelength, 0 * flux, sigma=sigma)
    single, listed = linenet.posterior(spectrum), linenet.posterior([spectrum, dead])
    assert isinstance(single, Posterior)
    assert single.shape == ()
    assert listed.shape == (2,)
    row = linenet.predict(spectrum)[0]
    inside = single.cdf(row["Z"] + 0.04) - single.cdf(row["Z"] - 0.04)
    assert inside == pytest.approx(row["P_3000"], abs=0.02)
    assert np.isnan(listed.cdf(2.2)[1])
    low, high = single.interval(0.9)
    assert low < row["Z"] < high


def test_what_is_no_spectrum_is_refused(linenet: Model) -> None:
    with pytest.raises(InputError, match=naming("dict", "spectranet_jax.from_arrays")):
        linenet.predict({"flux": [1, 2]})
    with pytest.raises(InputError, match=naming("classifier", "load()")):
        snj.load("classifier").posterior([])


def test_a_spectrum_from_memory_says_so() -> None:
    wavelength, flux, sigma = quasar()
    spectrum = snj.spectrum(wavelength, flux, sigma=sigma, name="mine")
    assert isinstance(spectrum, Spectrum)
    assert "mine" in repr(spectrum)
    assert "memory" in repr(spectrum)


@pytest.mark.slow
def test_the_picture_of_a_row_shows_its_class_and_redshift(
    linenet: Model, tmp_path: Path, drawn: list[Figure]
) -> None:
    wavelength, flux, sigma = quasar()
    spectrum = snj.spectrum(wavelength, flux, sigma=sigma, name="mine")
    table = linenet.predict(spectrum)
    path = snj.plot_spectrum(spectrum, table[0], tmp_path / "mine.png")
    assert path.stat().st_size > 10_000
    texts = " ".join(text.get_text() for text in drawn[-1].findobj(Text))
    assert "mine" in texts
    assert f"{table['Z'][0]:.3f}" in texts
    table.meta.pop("CONFIG1")
    with pytest.raises(InputError, match=naming("CONFIG1")):
        snj.plot_spectrum(spectrum, table[0], tmp_path / "no.png")
