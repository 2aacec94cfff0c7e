"""The limits of headers, and the begin of the next one, by hand."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from naming import naming

from spectranet_jax.readers.header_limits import BLOCK, MOST, check_header
from spectranet_jax.spectra import InputError


def header(**cards: int) -> bytes:
    text = "".join(f"{keyword:<8}= {value:>20}".ljust(80) for keyword, value in cards.items())
    text += "END".ljust(80)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode()


@pytest.mark.parametrize("columns", [1, MOST, MOST + 1])
def test_a_table_has_at_most_as_many_columns_as_fits_allows(tmp_path: Path, columns: int):
    path = tmp_path / "wide.fits"
    path.write_bytes(header(BITPIX=8, NAXIS=0, TFIELDS=columns))
    refused = pytest.raises(InputError, match=naming("wide.fits", "TFIELDS", columns))
    with path.open("rb") as file, refused if columns > 999 else nullcontext():
        check_header(path, file, 0)


@pytest.mark.parametrize(
    ("cards", "blocks"),
    [
        ({"BITPIX": 8, "NAXIS": 0}, 0),
        ({"BITPIX": 8, "NAXIS": 1, "NAXIS1": 2880}, 1),
        ({"BITPIX": 8, "NAXIS": 1, "NAXIS1": 2881}, 2),
        ({"BITPIX": -64, "NAXIS": 2, "NAXIS1": 36, "NAXIS2": 11}, 2),  # 3,168 bytes
        ({"BITPIX": 8, "NAXIS": 2, "NAXIS1": 80, "NAXIS2": 36, "PCOUNT": 1, "GCOUNT": 1}, 2),
        ({"BITPIX": 16, "NAXIS": 1, "NAXIS1": 700, "PCOUNT": 20, "GCOUNT": 3}, 2),  # 4,320
    ],
)
def test_the_next_header_begins_after_the_data(tmp_path: Path, cards: dict, blocks: int):
    """FITS 4.0, equations 1 and 2: |BITPIX| / 8 * GCOUNT * (PCOUNT + NAXIS1 * ...) bytes."""
    path = tmp_path / "a.fits"
    path.write_bytes(bytes(BLOCK) + header(**cards) + bytes(blocks * BLOCK))
    with path.open("rb") as file:
        file.seek(7)
        assert check_header(path, file, BLOCK) == (2 + blocks) * BLOCK
        assert file.tell() == 7
