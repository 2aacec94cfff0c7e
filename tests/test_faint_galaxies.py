"""The measurement of faint emission-line galaxies."""

import numpy as np
import pytest
from naming import naming

from experiments import faint_galaxies
from experiments.faint_galaxies import Config, oxygen_sn
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.lines import REST
from spectranet_jax.spectra.native import NATIVE_GRID


def test_the_matched_filter_gives_the_sn_of_a_line_of_known_strength(rng):
    """A line of three pixels, each three sigma: 3 sqrt(3), give or take 1."""
    n, z = 400, np.full(400, 1.0)
    light = np.ones((n, NATIVE_GRID.size))
    middle = int(NATIVE_GRID.bin_of(np.log10(REST["[OII]"] * 2)))
    light[:, middle - 1 : middle + 2] += 3 * 0.2
    flux = light + rng.normal(0, 0.2, light.shape)
    sn = oxygen_sn(light, flux, np.full(light.shape, 25.0), z)
    assert sn.mean() == pytest.approx(3 * 3**0.5, abs=0.2)
    assert sn.std() == pytest.approx(1, abs=0.15)


@pytest.mark.slow
def test_the_table_counts_every_galaxy(capsys):
    faint_galaxies.work(Config(spectra=60))
    printed = capsys.readouterr().out
    rows = [row.split("│") for row in printed.splitlines() if row.startswith("│")]
    assert sum(int(row[2]) for row in rows if " to " in row[1]) == 60


def test_wrong_settings_have_a_sentence():
    with pytest.raises(InputError, match=naming("hubble", "desi")):
        faint_galaxies.work(Config(instrument="hubble"))
    with pytest.raises(InputError, match="--spectra"):
        faint_galaxies.work(Config(spectra=0))
