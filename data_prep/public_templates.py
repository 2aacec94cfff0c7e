"""Addresses and checksums of published templates for the mock survey: public_templates.csv.

Galaxies of redrock's templates, quasars of its archetypes, and PyHammer's stars (Kesseli et al.
2017, ApJS 230, 16), on GitHub. A checksum is `Content.sha256` of a file's numbers. It stays the
same if the file is compressed with gzip, or if parts that are not read are removed.
"""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

from data_prep.fetch_many import Target
from data_prep.mock import template_files
from spectranet_jax.spectra import InputError

TABLE = Path(__file__).with_name("public_templates.csv")
"""Columns ORIGIN, FILE, SHA256."""

BASE_URL = "https://raw.githubusercontent.com"

PLACES = {
    "redrock-templates": (
        "desihub/redrock-templates/a85ec737371570e8ac067561e11a2b8c9dcea562",
        "redrock",
    ),
    "redrock-archetypes": (
        "desihub/redrock-archetypes/0da2727cd5e5b5f9986fb3ed30c976e708c376a4",
        "redrock",
    ),
    "PyHammer": ("BU-hammerTeam/PyHammer/master/resources/templates", "pyhammer"),
}
"""Origin -> where its files are below `BASE_URL`, and the subfolder to save them in."""


def targets(out: Path, base_url: str = BASE_URL) -> Iterator[Target]:
    """Yield the files to fetch into a folder of templates.

    Args:
        out: the folder.
        base_url: GitHub's address of raw files, or a mirror's.
    """
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            place, subfolder = PLACES[row["ORIGIN"]]
            url = f"{base_url}/{place}/{quote(row['FILE'])}"
            check = partial(_wrong, row["SHA256"])
            yield Target(out / subfolder / row["FILE"], [url], check)


def _wrong(sha256: str, path: Path) -> str:
    """Return what is wrong with a file that should have this checksum; "" if nothing."""
    try:
        [content] = template_files.read(path)
    except InputError as error:
        return str(error)
    if (actual := content.sha256()) == sha256:
        return ""
    return f"its content has SHA-256 {actual}, but {sha256} is listed in {TABLE.name}"
