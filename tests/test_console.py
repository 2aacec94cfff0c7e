"""The console command, and the package as a user imports it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from make_fits import write_coadd, write_spec
from naming import naming

import spectranet_jax as snj
from spectranet_jax.commands import main as console
from spectranet_jax.spectra import InputError, rebin

ROOT = Path(__file__).parents[1]


def test_the_wheel_has_the_command():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"spectranet": "spectranet_jax.commands.main:main"}


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_every_command_within_80_columns(capsys, words):
    console.main(words)
    output = capsys.readouterr().out
    assert all(name in output for name in console.COMMANDS)
    assert max(map(len, output.splitlines())) <= 80


def test_an_unknown_command_is_a_sentence(capsys):
    with pytest.raises(SystemExit) as stop:
        console.main(["perdict"])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and "'perdict'" in error and "predict" in error
    assert error.count("\n") == 1


def test_the_version_is_the_packages(capsys):
    console.main(["--version"])
    assert snj.__version__ in capsys.readouterr().out


@pytest.mark.slow
def test_predict_writes_what_the_notebook_gives(tmp_path, rng, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_spec(Path("spec.fits"), flux=rng.normal(3, 1, 4600))
    write_coadd(Path("coadd.fits"), [11, 12], rng)
    console.main(["predict", "spec.fits", "coadd.fits", "--out", "c.fits", "--no-cache"])
    assert re.search(naming("c.fits", 3), capsys.readouterr().out)
    table = Table.read("c.fits")
    spectra = [spectrum for name in ("spec.fits", "coadd.fits") for spectrum in snj.read(name)]
    ours = snj.load().predict(spectra)
    assert ours["ID"].tolist() == table["ID"].tolist() == ["7102-56666-0520", "11", "12"]
    for name in ("CLASS", "FLAGS", "FILE"):
        assert ours[name].tolist() == table[name].tolist()
    np.testing.assert_array_equal(ours["P_STAR"], table["P_STAR"])
    alone = snj.load().predict(spectra[0])
    assert len(alone) == 1 and alone["P_STAR"][0] == ours["P_STAR"][0]


@pytest.mark.slow
def test_arrays_are_taken_too_and_half_of_them_is_reported(rng):
    model = snj.load()
    loglam = np.log10(np.linspace(3700, 9500, 3000))
    flux, ivar = rebin(loglam, rng.normal(3, 1, 3000), np.ones(3000), model.grid)
    assert len(model.predict(flux, ivar)) == 1
    with pytest.raises(InputError, match=naming("ndarray", "spectranet_jax.from_arrays")):
        model.predict(flux)
    with pytest.raises(AttributeError, match="nonsense"):
        snj.nonsense  # noqa: B018
    assert len(model.predict([])) == 0


READ = """
import sys
import spectranet_jax as snj
snj.read(sys.argv[1])
from spectranet_jax.readers import workers
heavy = {"jax", "flax", "optax", "orbax", "grain", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.slow
def test_reading_imports_no_jax(tmp_path):
    path = write_spec(tmp_path / "spec.fits")
    subprocess.run([sys.executable, "-c", READ, str(path)], cwd=ROOT, check=True)
