"""A catalog in parts, each predicted by a job of its own, with checks that they belong together.

Part i of n is a FITS catalog of the i-th n-th of the pieces. Its header has its number and the
checksum of the list of files, so that parts can be joined in order, and missing or foreign ones are
found.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from spectranet_jax.catalog.pieces import Piece, names_sha256
from spectranet_jax.readers.fits import open_fits
from spectranet_jax.spectra import InputError

PART, INPUT = "PART", "INPUT"
KEYWORDS = (PART, INPUT)
"""Header keywords of a part alone: i/n, and sha256 of the list of files."""

SUFFIXES = (".fits", ".fit")

OF_THE_ROWS = ("NAXIS1", "NAXIS2", "TFORM", PART)
"""Beginnings of keywords in which parts of one catalog may differ."""

_PART = re.compile(r"[0-9]{1,9}/[0-9]{1,9}")

NAMED = 10
"""Missing parts named in an error."""


class Part(NamedTuple):
    """Part `number` of `of`, from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def path(self, out: Path) -> Path:
        """Return the path of this part of a catalog.

        Raises:
            InputError: if the catalog is no FITS file.
        """
        check_suffix(out)
        name = f"{out.stem}.part-{self.number:05d}-of-{self.of:05d}{out.suffix}"
        return out.with_name(name)

    def pieces_of(self, inputs: Sequence[Piece]) -> Sequence[Piece]:
        """Return the part's pieces: contiguous, and as many as every other part's, or one more."""
        first, last = (n * len(inputs) // self.of for n in (self.number - 1, self.number))
        return inputs[first:last]

    def header(self, inputs: Sequence[Piece]) -> dict[str, str]:
        """Return keywords for the part's header, from all the pieces."""
        return {PART: str(self), INPUT: names_sha256(inputs)}


def parse(text: str) -> Part:
    """Parse i/n.

    Raises:
        InputError: if it means none.
    """
    number, slash, count = text.partition("/")
    if slash and _PART.fullmatch(text) and 1 <= int(number) <= int(count):
        return Part(int(number), int(count))
    raise InputError(
        f"--part {text[:40]} is not a part; give i/n with i from 1 to n, as in --part 3/100"
    )


def check_suffix(out: Path) -> None:
    """Raise InputError unless a catalog's name is that of a FITS file."""
    if out.suffix not in SUFFIXES:
        raise InputError(f"parts are FITS tables, and {out} is not; end --out in .fits")


def in_order(files: Sequence[str]) -> list[Path]:
    """Return the parts of one catalog in their order.

    Raises:
        InputError: if a file is no part, one is missing or doubled, or they are of other lists of
            files, or made by other models.
    """
    if not files:
        raise InputError("there is nothing to merge; name the parts, as in catalog.part-*.fits")
    first, header = files[0], _header(Path(files[0]))
    ordered: dict[int, str] = {}
    for file in files:
        other_header = _header(Path(file))
        _check_same(first, header, file, other_header)
        number = parse(other_header[PART]).number
        if number in ordered:
            raise InputError(
                f"{ordered[number]} and {file} are both part {other_header[PART]}; give one of them"
            )
        ordered[number] = file
    count = parse(header[PART]).of
    missing = [number for number in range(1, count + 1) if number not in ordered]
    if missing:
        named = ", ".join(map(str, missing[:NAMED])) + (", ..." if len(missing) > NAMED else "")
        raise InputError(
            f"{len(missing)} of {count} parts are missing: {named}; predict them, as with"
            f" --part {missing[0]}/{count}, and merge again"
        )
    return [Path(ordered[number]) for number in sorted(ordered)]


def _header(file: Path) -> dict[str, Any]:
    with open_fits(file) as hdus:
        table = hdus.at(1)
        header = {} if table is None else table.header()
    if not all(isinstance(header.get(key), str) for key in KEYWORDS):
        raise InputError(f"{file} is not a part of a catalog; give what predict --part wrote")
    return header


def _check_same(first: str, of_first: dict[str, Any], file: str, of_file: dict[str, Any]) -> None:
    counts = [parse(header[PART]).of for header in (of_first, of_file)]
    if counts[0] != counts[1]:
        raise InputError(
            f"{first} is one of {counts[0]} parts and {file} one of {counts[1]};"
            " give the parts of one catalog"
        )
    if of_first[INPUT] != of_file[INPUT]:
        raise InputError(
            f"{file} is a part of another list of files than {first}; predict all parts"
            " from the same files, named the same way"
        )
    for key in sorted({*of_first, *of_file}):
        if not key.startswith(OF_THE_ROWS) and of_first.get(key) != of_file.get(key):
            raise InputError(
                f"{file} was made by other models or settings than {first} ({key} differs);"
                " predict it again"
            )
