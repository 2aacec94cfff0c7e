"""Headers of FITS files that promise more than the file holds, found before astropy sees them.

astropy would allocate what a header says: a table of 10^9 columns takes all memory there is. The
limits are those of FITS 4.0: 999 axes (section 4.4.1.1) and 999 columns (section 7.3.1).
"""

import math
import os
import re
from pathlib import Path
from typing import IO

from spectranet_jax.readers.damage import Damage
from spectranet_jax.readers.opening import UNPACKED_AT_LEAST, UNPACKED_TIMES
from spectranet_jax.spectra import InputError

BLOCK, CARD = 2880, 80

LONGEST = 16 << 20
"""Limit of the bytes of a header: 200,000 cards."""

MOST = 999
"""Limit of the axes of an image, and of the columns of a table."""

COUNTED = re.compile(rb"(NAXIS|TFIELDS|ZNAXIS)(\d*) *= *([+-]?\d+(?:\.\d*)?(?:[ED][+-]?\d+)?)")
TILE = re.compile(rb"(ZNAXIS|ZTILE)([1-9]\d*) *= *\+?(\d+)")
END = b"END" + (CARD - 3) * b" "


SIZES = re.compile(rb"(BITPIX|NAXIS[1-9]\d*|PCOUNT|GCOUNT) *= *([+-]?\d+)")


def check_header(path: Path, file: IO[bytes], start: int) -> int:
    """Check the header of the HDU that begins at byte `start`, if there is one.

    Returns:
        where the next HDU begins.

    Raises:
        InputError: if it has no end, or an axis longer than the file, or more axes or columns than
            FITS allows, or is of a compressed image that no file of this size holds.
    """
    with Damage(path):
        before = file.tell()
        file.seek(0, os.SEEK_END)
        size = file.tell()
        header = _header(file, start)
        file.seek(before)
    if header is None:
        raise InputError(
            f"{path} has a header without an end in {LONGEST >> 20} MiB: it is damaged; fetch it"
            " again"
        )
    for card in COUNTED.finditer(header):
        if card.start() % CARD == 0:
            _check(path, card, size)
    for kind in (b"ZNAXIS", b"ZTILE"):
        sides = {m[2]: int(m[3]) for m in TILE.finditer(header) if m[1] == kind}
        if 8 * math.prod(sides.values()) > max(UNPACKED_AT_LEAST, UNPACKED_TIMES * size):
            raise InputError(
                f"{path} holds a compressed image that is far too large for a file of {size} bytes;"
                " fetch it again"
            )
    return start + len(header) + -(-_data_bytes(header) // BLOCK) * BLOCK


def _data_bytes(header: bytes) -> int:
    """Bytes of the data (FITS 4.0, equations 1 and 2); of a compressed image, its table's."""
    cards = [match for match in SIZES.finditer(header) if match.start() % CARD == 0]
    sizes = {
        match[1]: int(match[2]) for match in reversed(cards)
    }  # the first of equal keywords counts
    axes = [size for keyword, size in sizes.items() if keyword.startswith(b"NAXIS")]
    pixels = math.prod(axes) if axes else 0
    return (
        abs(sizes.get(b"BITPIX", 8))
        // 8
        * sizes.get(b"GCOUNT", 1)
        * (sizes.get(b"PCOUNT", 0) + pixels)
    )


def _check(path: Path, card: re.Match[bytes], size: int) -> None:
    keyword, number = (card[1] + card[2]).decode(), float(card[3].replace(b"D", b"E"))
    most = MOST if not card[2] else size
    if keyword.startswith("Z") and card[2]:  # of the image before compression
        most = UNPACKED_AT_LEAST
    if not 0 <= number <= most:
        raise InputError(
            f"{path} has a header with {keyword} = {number:.0f}, but holds {size} bytes: it is"
            " truncated or damaged; fetch it again"
        )


def _header(file: IO[bytes], start: int) -> bytes | None:
    """Return the header up to its end, or what there is of it; None if it is too long."""
    file.seek(start)
    blocks: list[bytes] = []
    while len(blocks) * BLOCK < LONGEST:
        blocks.append(file.read(BLOCK))
        if END in blocks[-1] or len(blocks[-1]) < BLOCK:
            return b"".join(blocks)
    return None
