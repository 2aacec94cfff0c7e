"""QuasarNET's data set, the report's own (data_dr12.fits and its truth) -> a dataset folder.

python -m data_prep.quasarnet data_dr12.fits truth_DR12Q.fits --out data/quasarnet
"""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from data_prep import truth as truths
from data_prep.catalogs import BalRule
from data_prep.command import command
from data_prep.folder import check_free
from data_prep.pictures import contact_sheet
from data_prep.progress import progress
from data_prep.readers import quasarnet
from data_prep.selection import Selection
from data_prep.split import FRACTIONS, check_fractions
from data_prep.split_lists import division
from data_prep.summary import SHEET, creator, print_summary, sha256_of
from data_prep.truth import fiber_key
from data_prep.write import first_block, write_dataset
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.manifest import Manifest
from spectranet_jax.spectra.records import Block

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
    """What a BAL is: by QuasarNET's rule (visual flag and BI_CIV agree), or by CLASS_PERSON."""
    balance: bool = False
    """Draw equally many spectra of each class within a split."""
    seed: int = 0
    """Of the split by object and the order."""
    split_fractions: tuple[float, float, float] = FRACTIONS
    """Of the objects in train, valid and test."""
    split_lists: Path | None = None
    """A folder of lists of plate-mjd-fiber, *test*.lst, *valid*.lst and perhaps *train*.lst: a
    published split, instead of the fractions."""


def prepare(config: Config) -> Manifest:
    """Read, join, split and write; see `Config`.

    Spectra are joined with the truth by THING_ID, and by plate, MJD and fiber where it is -1.

    Raises:
        InputError: if a file is not laid out as QuasarNET's, nothing matches, or a class to
            balance is empty.
    """
    check_free(config.out)
    check_fractions(config.split_fractions)
    print(f"reading {config.truth}", file=sys.stderr, flush=True)
    truth = truths.read(config.truth, bal=config.bal)
    index = quasarnet.read_index(config.data)
    report: dict[str, Any] = {"rows_in": len(index), "reasons": Counter()}
    manifest = write_dataset(
        config.out,
        _blocks(config, index, Selection(truth, report["reasons"])),
        expected=len(index),
        seed=config.seed,
        sources=[
            {"data": str(config.data), "sha256": sha256_of(config.data)},
            {"truth": str(config.truth), "sha256": sha256_of(config.truth)}
            | {"kinds": list(truth.kinds), "bal": config.bal},
        ],
        creator=creator("data_prep.quasarnet", config),
        report=report,
        division=division(config.split_lists, truth, config.seed, config.split_fractions),
        balance=truth.classes if config.balance else (),
    )
    contact_sheet(config.out / SHEET, [first_block(config.out, manifest)])
    print_summary(manifest, config.out)
    return manifest


def _blocks(config: Config, index: quasarnet.Index, selection: Selection) -> Iterator[Block]:
    fiber = fiber_key(index.plate, index.mjd, index.fiber)
    nameless = index.thing_id == -1
    truth = selection.truth
    rows = np.where(nameless, truth.rows_of_fibers(fiber), truth.rows_of_objects(index.thing_id))
    if not (rows >= 0).any():
        raise InputError(
            f"no spectrum of {config.data} matches a row of {config.truth} by THING_ID;"
            " give the truth that belongs to these spectra"
        )
    with progress("reading spectra", len(index)) as advance:
        for part, flux, ivar in quasarnet.read_slices(config.data, SLICE):
            keys = np.stack([index.plate[part], index.mjd[part], index.fiber[part]], axis=-1)
            names = [b"%04d-%d-%04d" % tuple(key) for key in keys.tolist()]
            yield selection.take(
                rows=rows[part],
                fiber=fiber[part],
                flux=flux,
                ivar=ivar,
                name=np.array(names, np.bytes_),
                source=np.full(len(names), config.data.name.encode()),
                left_out={NO_THING_ID: nameless[part] & (rows[part] < 0)},
            )
            advance(len(names))


if __name__ == "__main__":
    command(Config, prepare, __doc__)
