"""ZWARN: why a catalog row's class or redshift should not be trusted; 0 means no warning.

The bits up to 2048 are those of redrock's ZWARN (redrock.zwarning) where the meaning is the same,
so that selections written for DESI catalogs keep theirs; redrock's other bits are never set.
"""

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.flags import Flag


class ZWarn(IntFlag):
    """A reason not to trust class or redshift."""

    SKY = 1 << 0  # a sky fiber (OBJTYPE is SKY)
    LITTLE_COVERAGE = 1 << 1  # more than a quarter of the grid's bins are empty
    LOW_Z_PROBABILITY = 1 << 2  # P_3000 is below the model's threshold (redrock: SMALL_DELTA_CHI2)
    Z_FITLIMIT = 1 << 5  # the best fit at native pixels is at the end of the range of redshifts
    UNPLUGGED = 1 << 7  # a defective fiber: OBJTYPE is BAD, or FIBERSTATUS has a bit other than 8
    NODATA = 1 << 9  # no spectrum, or a spectrum without data
    POORDATA = 1 << 11  # errors contradict the data, or the file was changed or damaged
    LOW_CLASS_PROBABILITY = 1 << 16  # the probability of the class is below the model's threshold
    NOT_ASSESSED = 1 << 17  # the model gives no probability for the class or for the redshift


FROM_FLAGS = {
    Flag.UNREADABLE: ZWarn.NODATA,
    Flag.NO_DATA: ZWarn.NODATA,
    Flag.NOISE_MISMATCH: ZWarn.POORDATA,
    Flag.CHECKSUM: ZWarn.POORDATA,
    Flag.LITTLE_COVERAGE: ZWarn.LITTLE_COVERAGE,
    Flag.FIT_AT_EDGE: ZWarn.Z_FITLIMIT,
}
"""Quality flag -> the warning that it sets. PARTIAL sets none: all SDSS-I/II spectra have it."""


def zwarn(
    flags: NDArray[np.integer],
    p_class: NDArray[np.floating],
    p_redshift: NDArray[np.floating],
    threshold: float,
) -> NDArray[np.int32]:
    """Return the warning bits of n rows, int32 (n,).

    Args:
        flags: (n,) quality bits of `spectra.flags`.
        p_class: (n,) probability of the class that is given, QSO and QSO_BAL together; NaN where
            the model does not tell.
        p_redshift: (n,) probability that the redshift is right (P_3000), 1 for stars, which have
            none; NaN where the model does not tell.
        threshold: probability below which either is warned of.
    """
    bits = np.zeros(len(flags), np.int32)
    for flag, warning in FROM_FLAGS.items():
        bits |= np.where(flags & flag, warning, 0).astype(np.int32)
    no_data = (bits & ZWarn.NODATA) != 0
    unknown = np.isnan(p_class) | np.isnan(p_redshift)
    reasons = {
        ZWarn.LOW_CLASS_PROBABILITY: p_class < threshold,
        ZWarn.LOW_Z_PROBABILITY: p_redshift < threshold,
        ZWarn.NOT_ASSESSED: unknown,
    }
    for warning, holds in reasons.items():
        bits |= np.where(holds & ~no_data, warning, 0).astype(np.int32)
    return bits


RESTRICTED = 1 << 3
"""Bit of DESI's FIBERSTATUS for a positioner of restricted range, whose spectra are good."""


def fiber_warnings(columns: Columns, count: int) -> NDArray[np.int32]:
    """Return the warning bits of sky fibers and of fibers out of order, int32 (count,).

    Args:
        columns: OBJTYPE and FIBERSTATUS, (count,), masked where unknown; either may be absent.
        count: rows.
    """
    kind = np.ma.filled(columns.get("OBJTYPE", np.full(count, "")), "")
    status = np.ma.filled(columns.get("FIBERSTATUS", np.zeros(count, np.int64)), 0)
    sky = np.where(kind == "SKY", ZWarn.SKY, 0)
    broken = (kind == "BAD") | ((status & ~RESTRICTED) != 0)
    return (sky | np.where(broken, ZWarn.UNPLUGGED, 0)).astype(np.int32)


WRONG_ALLOWED = 0.002
"""Fraction of the rows with ZWARN 0 that may have a wrong class or redshift, on mock spectra: one
in 500, below the failures that surveys allow in their own catalogs of quasars."""

CANDIDATES = np.arange(100, 200) / 200
"""Thresholds to choose among, ascending from 0.5."""


def choose_threshold(
    p: NDArray[np.floating],
    right: NDArray[np.bool_],
    wrong_allowed: float,
    weight: NDArray[np.floating] | None = None,
) -> float:
    """Return the lowest threshold at which few enough of the passing spectra are wrong.

    A threshold of `CANDIDATES` counts only if all higher ones keep to the limit too, as far as
    anything passes them.

    Args:
        p: (n,) the lower of both probabilities of each spectrum.
        right: (n,) whether class and redshift are right.
        wrong_allowed: fraction of what passes that may be wrong.
        weight: (n,) how many spectra each stands for, above 0; by default one.
    """
    weight = np.ones(len(p)) if weight is None else weight
    chosen = CANDIDATES[-1]
    for threshold in CANDIDATES[::-1]:
        passes = p >= threshold
        if passes.any() and 1 - np.average(right[passes], weights=weight[passes]) > wrong_allowed:
            break
        chosen = threshold
    return float(chosen)
