"""What is accepted as spectra, and the remedy for everything else; without specutils."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.nddata import NDData
from astropy.table import Table

from spectranet_jax.readers.from_arrays import spectra
from spectranet_jax.readers.in_memory import as_spectra
from spectranet_jax.spectra import InputError

WAVELENGTH = np.linspace(3700, 9000, 100)
MANY = spectra(WAVELENGTH, np.ones((3, 100)), sigma=np.ones((3, 100)), names=["a", "", "c"])


def test_one_many_and_any_iterable() -> None:
    assert as_spectra(MANY[0]) == [MANY[0]]
    for group in (MANY, tuple(MANY), iter(MANY), [MANY[:1], MANY[1:]]):
        got = as_spectra(group)
        assert [each.name for each in got] == ["a", "1", "c"]
        assert got[0] is MANY[0]
        assert got[1].flux is MANY[1].flux
    assert as_spectra([]) == []


class DataFrame:
    """Stands for that of pandas."""


ARRAYS = "spectranet_jax.from_arrays"

REFUSED: dict[str, tuple[Any, str]] = {
    "a path": (Path("spec.fits"), r"spectranet_jax\.read"),
    "a name of a file": ("spec.fits", r"a str .*spectranet_jax\.read"),
    "a table": (Table({"flux": [1.0]}), f"Table.*{ARRAYS}"),
    "a row": (Table({"flux": [1.0]})[0], f"Row.*{ARRAYS}"),
    "a pandas frame": (DataFrame(), f"DataFrame.*columns.*{ARRAYS}"),
    "an array": (np.ones((2, 3, 4)), rf"\(2, 3, 4\).*{ARRAYS}"),
    "NDData": (NDData([1, 2]), f"NDData.*{ARRAYS}"),
    "a dict": ({"flux": 1}, f"dict.*{ARRAYS}"),
    "a number": (3.0, f"float.*{ARRAYS}"),
    "nothing": (None, r"NoneType.*spectranet_jax\.read"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_everything_else_has_a_remedy(case: str) -> None:
    value, sentence = REFUSED[case]
    with pytest.raises(InputError, match=sentence):
        as_spectra(value)
    with pytest.raises(InputError, match=f"number 3.*{sentence}"):
        as_spectra([*MANY, value])


@pytest.mark.slow
def test_neither_specutils_nor_jax_is_imported() -> None:
    code = (
        "import sys, spectranet_jax.readers.in_memory as o; o.as_spectra([])\n"
        "print({'specutils', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
