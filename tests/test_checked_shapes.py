"""The packages whose shapes are checked while tests run."""

import importlib
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_package_that_is_to_be_checked_is_there():
    """A name that is gone would switch its checks off without a word."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    words = settings["tool"]["pytest"]["ini_options"]["addopts"].replace("\\\n", "").split()
    (listed,) = (word for word in words if word.startswith("--jaxtyping-packages="))
    *packages, checker = listed.partition("=")[2].split(",")
    assert checker == "beartype.beartype" and len(packages) > 8
    for name in packages:
        importlib.import_module(name)
