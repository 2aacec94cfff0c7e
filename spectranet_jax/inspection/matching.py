"""The spectra of the rows of a catalog, read again from their files."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from astropy.table import Table

from spectranet_jax import readers
from spectranet_jax.inspection.cells import texts
from spectranet_jax.inspection.occurrence import occurrences
from spectranet_jax.progress import progress
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.spectrum import Spectrum


def spectra_of(
    table: Table, folder: Path, arguments: Sequence[str] = ()
) -> tuple[list[Spectrum | None], list[str]]:
    """Return the spectrum of each row, None where it cannot be found.

    Of spectra of one name in a file, as the exposures of a DESI spectra file, the first row of that
    name is of the first, and so on; see `occurrences` for rows that were selected or sorted.

    Args:
        table: n rows of a catalog, with FILE and ID.
        folder: where the catalog is: names of files may be relative to it.
        arguments: files and folders of spectra, where they are not as the catalog names them.

    Returns:
        (n,) spectra, and a sentence per file that was not found or could not be read, and per
        spectrum that its file does not hold.

    Raises:
        InputError: if the table has no FILE or ID, or an argument stands for no file.
    """
    for name in ("FILE", "ID"):
        if name not in table.colnames:
            raise InputError(
                f"the catalog has no column {name}; give a catalog of spectranet predict"
            )
    files = texts(table, "FILE")
    names = list(zip(texts(table, "ID"), occurrences(table).tolist(), strict=True))
    given = readers.spectrum_paths(list(arguments)) if arguments else []
    by_file: dict[str, list[int]] = {}
    for row, file in enumerate(files):
        by_file.setdefault(file, []).append(row)
    spectra: list[Spectrum | None] = [None] * len(files)
    sentences = []
    with progress("reading spectra", len(by_file)) as advance:
        for file, rows in by_file.items():
            try:
                path = _place(file, folder, given)
                for row, spectrum in list(_pick(path, rows, [names[r] for r in rows])):
                    spectra[row] = spectrum
                sentences += [_absent(file, *names[r]) for r in rows if spectra[r] is None]
            except InputError as error:
                sentences.append(str(error))
            advance(1)
    return spectra, sentences


def _absent(file: str, name: str, occurrence: int) -> str:
    """Return a sentence about a row whose spectrum is not in its file."""
    number = "no spectrum" if occurrence == 1 else f"fewer than {occurrence} spectra"
    return f"{file} contains {number} named {name!r}"


def _place(file: str, folder: Path, given: Sequence[str]) -> Path:
    """Return the path of a file of the catalog: one of those given, or the place in the catalog.

    Of files of one name, the one whose folders agree best with the catalog's.

    Raises:
        InputError: if it is nowhere, or could be several of the files given.
    """
    named = [path for path in given if Path(path).name == Path(file).name]
    agreement = [_common_end(path, file) for path in named]
    if agreement and agreement.count(max(agreement)) == 1:
        return Path(named[agreement.index(max(agreement))])
    if named:
        raise InputError(
            f"{file} could be {named[0]} or {named[1]}; name only one of them after the catalog"
        )
    for path in (Path(file), folder / file):
        if path.is_file():
            return path
    problem = "is not among the files given, and does not exist" if given else "does not exist"
    raise InputError(f"{file} {problem}; name the files of spectra after the catalog")


def _common_end(first: str, second: str) -> int:
    """Count the last parts of two paths that are equal."""
    pairs = zip(reversed(Path(first).parts), reversed(Path(second).parts), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _pick(
    path: Path, rows: Sequence[int], names: Sequence[tuple[str, int]]
) -> Iterator[tuple[int, Spectrum]]:
    """Yield the spectra of rows, each by its name and its occurrence among those of that name."""
    waiting = dict(zip(names, rows, strict=True))
    seen: Counter[str] = Counter()
    for spectrum in readers.stream(path):
        seen[spectrum.name] += 1
        row = waiting.pop((spectrum.name, seen[spectrum.name]), None)
        if row is not None:
            yield row, spectrum
        if not waiting:
            return
