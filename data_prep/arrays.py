"""Spectra in memory, such as NumPy arrays, with their labels -> a dataset folder.

    import spectranet_jax as snj
    from data_prep.arrays import write

    spectra = snj.from_arrays(wavelength, flux, ivar=ivar)
    write("data/mine", spectra, classes, z)

Spectra may come from a generator: few of them are in memory at a time.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_prep.catalog_layouts import named
from data_prep.class_names import check_names, labels_of
from data_prep.division import FRACTIONS, by_hash
from data_prep.selection import Selection
from data_prep.summary import lacking_classes
from data_prep.truth import Truth
from data_prep.write import Plan, Provenance, write_dataset
from spectranet_jax import __version__
from spectranet_jax.datasets.manifest import Manifest
from spectranet_jax.datasets.records import BLOCK_SIZE, Block
from spectranet_jax.readers import rebin_all
from spectranet_jax.spectra import QUASARNET_GRID, InputError
from spectranet_jax.spectra.identity import NONE
from spectranet_jax.spectra.identity_columns import identity_columns
from spectranet_jax.spectra.labels import UNKNOWN
from spectranet_jax.spectra.spectrum import Spectrum

GRID = QUASARNET_GRID


def write(
    out: str | Path,
    spectra: Iterable[Spectrum],
    classes: Sequence[str] | NDArray[np.str_],
    z: ArrayLike,
    *,
    object_id: ArrayLike | None = None,
    balance: bool = False,
    split_fractions: tuple[float, float, float] = FRACTIONS,
    seed: int = 0,
    sources: Sequence[dict[str, Any]] = (),
) -> Manifest:
    """Write a dataset folder of n labeled spectra, divided by object into train, valid and test.

    A spectrum of another class, or without data, is left out and counted in the manifest's report.
    If some are QSO_BAL, those that are QSO count as non-BAL.

    Args:
        out: the folder to make.
        spectra: n spectra, as `spectranet_jax.from_arrays` makes them, or `spectranet_jax.read`.
        classes: (n,) STAR, GALAXY, QSO or QSO_BAL, in any usual spelling; others are none of them.
        z: (n,) redshifts, NaN where unknown.
        object_id: (n,) whole numbers, equal for spectra of one object; by default each is of its
            own, unless two have the same name.
        balance: draw equally many of each class within a split.
        split_fractions: of the objects in train, valid and test.
        seed: of the division and the order.
        sources: the manifest's entries on where the spectra come from.

    Raises:
        InputError: if the numbers of spectra, classes, redshifts and ids differ, none is of a class
            of ours, `out` is taken, or a class to balance is empty.
    """
    names = np.asarray(classes, np.str_)
    label = labels_of(names)
    redshift = np.asarray(z, np.float64)
    ids = np.full(len(label), NONE) if object_id is None else np.asarray(object_id, np.int64)
    if not label.shape == redshift.shape == ids.shape:
        raise InputError(
            f"{label.shape} classes, {redshift.shape} redshifts and {ids.shape} ids do not belong"
            " together; give one of each per spectrum"
        )
    check_names(Path("classes"), names)
    answers = named(label, redshift, np.ones(len(label), np.bool_))
    selection = Selection(Truth.of_rows(answers), GRID, Counter())
    plan = Plan(
        grid=GRID,
        expected=len(label),
        seed=seed,
        division=by_hash(seed, split_fractions),
        balance=sorted({*label.tolist()} - {UNKNOWN}) if balance else (),
    )
    creator = {"program": "spectranet-jax", "version": __version__, "command": "data_prep.arrays"}
    report = {"rows_in": len(label), "reasons": selection.reasons}
    manifest = write_dataset(
        Path(out),
        _blocks(spectra, selection, ids),
        plan,
        Provenance(creator, sources, report=report),
    )
    for sentence in lacking_classes(manifest):
        print(sentence, file=sys.stderr)
    return manifest


def _blocks(
    spectra: Iterable[Spectrum], selection: Selection, ids: NDArray[np.int64]
) -> Iterator[Block]:
    """Yield blocks of the usable spectra."""
    start, stream = 0, iter(spectra)
    while some := list(islice(stream, BLOCK_SIZE)):
        rows = np.arange(start, start := start + len(some))
        if start > len(ids):
            break
        flux, ivar = rebin_all(some, GRID)
        yield selection.take(
            rows=rows,
            by_object=np.zeros(len(some), np.bool_),
            fiber=np.full(len(some), NONE),
            flux=flux,
            ivar=ivar,
            name=np.array([s.name.encode("utf-8", "surrogateescape") for s in some], np.bytes_),
            source=np.array([Path(s.source).name.encode() for s in some], np.bytes_),
            object_id=ids[rows],
            identity=identity_columns([s.identity for s in some]),
        )
    if start != len(ids):
        raise InputError(
            f"{'more' if start > len(ids) else start} spectra came with {len(ids)} classes; give"
            " one class per spectrum"
        )
