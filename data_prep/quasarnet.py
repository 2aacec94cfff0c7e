"""Make a dataset folder from QuasarNET's data set, which the report used (data_dr12.fits).

python -m data_prep.quasarnet data_dr12.fits truth_DR12Q.fits --out data/quasarnet
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tyro
from numpy.typing import NDArray

from data_prep import truth as truths
from data_prep.catalog_layouts import BalRule
from data_prep.division import FRACTIONS, check_fractions
from data_prep.objects import objects_of
from data_prep.pictures import contact_sheet
from data_prep.selection import Selection
from data_prep.split_lists import check_lists, division
from data_prep.summary import SHEET, creator, print_summary
from data_prep.write import Plan, Provenance, first_block, write_dataset
from spectranet_jax.command_line import command
from spectranet_jax.datasets.checksums import sha256_of
from spectranet_jax.datasets.folder import check_free
from spectranet_jax.datasets.manifest import Manifest
from spectranet_jax.datasets.records import Block
from spectranet_jax.progress import notice_if_slow, progress
from spectranet_jax.readers import quasarnet_file as quasarnet
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import FIBER, NONE, fiber_key

SLICE = 8 * 512
"""Spectra in memory at once: 29 MB of float64."""

NO_THING_ID = "without THING_ID, and of a plate, MJD and fiber without a row in the catalog"


@dataclass(frozen=True)
class Config:
    """Flags of `python -m data_prep.quasarnet`."""

    data: tyro.conf.Positional[Path]
    """QuasarNET's spectra, data_dr12.fits."""
    truth: tyro.conf.Positional[Path]
    """QuasarNET's truth, truth_DR12Q.fits."""
    out: Path
    """The dataset folder to make."""
    bal: BalRule = "flag-and-bi"
    """How a BAL is defined: by QuasarNET's rule (visual flag and BI_CIV agree), or by CLASS_PERSON.
    """
    balance: bool = False
    """Draw the same number of spectra of each class within a split."""
    seed: int = 0
    """Seed of the split by object and of the order."""
    split_fractions: tuple[float, float, float] = FRACTIONS
    """Fractions of the objects in the splits train, valid and test."""
    split_lists: Path | None = None
    """Folder with a published split to use instead of the fractions: lists of plate-mjd-fiber named
    *test*.lst, *valid*.lst and optionally *train*.lst."""


def prepare(config: Config) -> Manifest:
    """Read, join, split and write; see `Config`.

    Spectra are joined with the truth by plate, MJD and fiber, and by THING_ID where no row has
    these.

    Raises:
        InputError: if a file is not laid out as QuasarNET's, nothing matches, or a class to
            balance is empty.
    """
    check_free(config.out)
    check_fractions(config.split_fractions)
    check_lists(config.split_lists)
    with notice_if_slow(f"reading {config.truth}"):
        truth = truths.read(config.truth, bal=config.bal)
    index = quasarnet.read_index(config.data)
    reasons: Counter[str] = Counter()
    report: dict[str, Any] = {"rows_in": len(index), "reasons": reasons, "by_object": 0}
    joined = _join(truth, index)
    if not (joined.rows >= 0).any():
        raise InputError(
            f"no spectrum of {config.data} matches a row of {config.truth} by plate, MJD and fiber,"
            " or by THING_ID; give the truth that belongs to these spectra"
        )
    selection = Selection(truth, quasarnet.GRID, reasons)
    manifest = write_dataset(
        config.out,
        _blocks(config.data, index, joined, selection, report),
        _plan(config, truth, joined),
        Provenance(creator("data_prep.quasarnet", config), _sources(config, truth), (), report),
    )
    contact_sheet(config.out / SHEET, [first_block(config.out, manifest)], quasarnet.GRID)
    print_summary(manifest, config.out)
    return manifest


def _plan(config: Config, truth: truths.Truth, joined: "_Joined") -> Plan:
    return Plan(
        grid=quasarnet.GRID,
        expected=len(joined.rows),
        seed=config.seed,
        division=division(
            config.split_lists, config.seed, config.split_fractions, truth.fiber, joined.of_rows
        ),
        balance=truth.classes if config.balance else (),
    )


def _sources(config: Config, truth: truths.Truth) -> list[dict[str, Any]]:
    meaning = {"kinds": list(truth.kinds), "bal": config.bal}
    return [
        {"data": str(config.data), "sha256": sha256_of(config.data)},
        {"truth": str(config.truth), "sha256": sha256_of(config.truth)} | meaning,
    ]


class _Joined(NamedTuple):
    """Of the spectra, (n,): row of the truth, whether matched by object alone, `fiber_key`, object;
    and the object of each row of the truth.
    """

    rows: NDArray[np.int64]
    by_object: NDArray[np.bool_]
    fiber: NDArray[np.int64]
    of_spectra: NDArray[np.int64]
    of_rows: NDArray[np.int64]


def _join(truth: truths.Truth, index: quasarnet.Index) -> _Joined:
    fiber = fiber_key(index.plate, index.mjd, index.fiber)
    things = {"THING_ID": np.where(index.thing_id > 0, index.thing_id, NONE)}
    rows, by_object = truth.rows_of({FIBER: fiber}, things)
    of_rows, of_spectra = objects_of(truth, rows, things)
    return _Joined(rows, by_object, fiber, of_spectra, of_rows)


def _blocks(
    data: Path,
    index: quasarnet.Index,
    joined: _Joined,
    selection: Selection,
    report: dict[str, Any],
) -> Iterator[Block]:
    nameless = index.thing_id <= 0
    with progress("reading spectra", len(index)) as advance:
        for rows, flux, ivar in quasarnet.read_slices(data, SLICE):
            keys = np.stack([index.plate[rows], index.mjd[rows], index.fiber[rows]], axis=-1)
            names = [b"%04d-%d-%04d" % tuple(key) for key in keys.tolist()]
            block = selection.take(
                rows=joined.rows[rows],
                by_object=joined.by_object[rows],
                fiber=joined.fiber[rows],
                flux=flux,
                ivar=ivar,
                name=np.array(names, np.bytes_),
                source=np.full(len(names), data.name.encode()),
                object_id=joined.of_spectra[rows],
                left_out={NO_THING_ID: nameless[rows] & (joined.rows[rows] < 0)},
            )
            report["by_object"] = selection.by_object
            yield block
            advance(len(names))


if __name__ == "__main__":
    command(Config, prepare, __doc__)
