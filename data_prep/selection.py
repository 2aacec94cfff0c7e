"""Selection of the spectra of a dataset, and the reasons why others are left out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from data_prep.truth import Truth
from spectranet_jax.datasets.records import Block
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.flags import Flag, median_sn, quality_flags
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.labels import UNKNOWN

NO_ROW = "without a row in the catalog"
NO_CLASS = "of none of the classes, or not securely (another CLASS_PERSON, a pipeline's warning)"
NO_DATA = "without data (every ivar is 0, or the flux is constant)"
REPEATED = "of a plate, MJD and fiber that had come before"


@dataclass
class Selection:
    """Joins spectra with their truth, and counts those left out by reason.

    Attributes:
        truth: the catalog.
        grid: the bins of the spectra.
        reasons: reason -> spectra left out for it so far.
        by_object: spectra taken so far whose row is of their object, but of another observation.
        seen: `fiber_key` of the spectra taken so far.
    """

    truth: Truth
    grid: LogGrid
    reasons: Counter[str]
    by_object: int = 0
    seen: set[int] = field(default_factory=set)

    def take(
        self,
        rows: NDArray[np.int64],
        by_object: NDArray[np.bool_],
        fiber: NDArray[np.int64],
        flux: NDArray[np.float32],
        ivar: NDArray[np.float32],
        name: NDArray[np.bytes_],
        source: NDArray[np.bytes_],
        object_id: NDArray[np.int64],
        identity: Columns = MappingProxyType({}),
        native: Columns = MappingProxyType({}),
        left_out: Mapping[str, NDArray[np.bool_]] = MappingProxyType({}),
    ) -> Block:
        """Return the usable spectra as a block, in order.

        Args:
            rows: (n,) the catalog row of each, -1 for none.
            by_object: (n,) whether it is that by the object alone.
            fiber: (n,) `fiber_key`, -1 where unknown.
            flux, ivar: (n, bins).
            name, source: (n,) bytes.
            object_id: (n,) of what object each is, -1 where nothing tells.
            identity: columns of `spectra.identity_columns`, (n,) each.
            native: columns of `Block.native`, (n, ...) each, or none.
            left_out: reasons of the survey's own, which come before all others -> (n,) bool.
        """
        matched = rows >= 0
        label = np.where(matched, self.truth.label[rows], UNKNOWN)
        reasons = {
            NO_ROW: ~matched,
            NO_CLASS: label == UNKNOWN,
            NO_DATA: quality_flags(flux, ivar, self.grid) & Flag.NO_DATA != 0,
        }
        kept = self._leave_out(np.ones(len(rows), np.bool_), {**left_out, **reasons})
        kept = self._leave_out(kept, {REPEATED: self._repeated(kept, fiber)})
        self.by_object += int(by_object[kept].sum())
        rows, flux, ivar = rows[kept], flux[kept], ivar[kept]
        return Block(
            flux=flux,
            ivar=ivar,
            label=self.truth.label[rows],
            bal=self.truth.bal[rows],
            z=self.truth.z[rows],
            z_conf=self.truth.z_conf[rows],
            object_id=object_id[kept],
            name=name[kept],
            source=source[kept],
            sn=median_sn(flux, ivar, self.grid),
            identity={column: values[kept] for column, values in identity.items()},
            native={column: values[kept] for column, values in native.items()},
        )

    def _leave_out(
        self, kept: NDArray[np.bool_], reasons: Mapping[str, NDArray[np.bool_]]
    ) -> NDArray[np.bool_]:
        """Return which spectra are still kept; each is counted under its first reason only."""
        for why, rows in reasons.items():
            if (kept & rows).any():
                self.reasons[why] += int((kept & rows).sum())
            kept = kept & ~rows
        return kept

    def _repeated(self, kept: NDArray[np.bool_], fiber: NDArray[np.int64]) -> NDArray[np.bool_]:
        repeated = np.zeros(len(kept), np.bool_)
        for row in np.flatnonzero(kept & (fiber >= 0)):
            repeated[row] = int(fiber[row]) in self.seen
            self.seen.add(int(fiber[row]))
        return repeated
