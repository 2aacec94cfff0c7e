"""Positions on the sky."""

from typing import Any

import numpy as np


def position(ra: Any, dec: Any) -> dict[str, float]:
    """Return RA and DEC of an identity, in degrees (ICRS); {} where they are not a position.

    Surveys write 0, 0 or -999 where they know none.

    Args:
        ra, dec: cells of a header or a table.
    """
    try:
        ra, dec = float(ra), float(dec)
    except (TypeError, ValueError):
        return {}
    possible = 0 <= ra <= 360 and -90 <= dec <= 90 and (ra, dec) != (0, 0)
    return {"RA": ra, "DEC": dec} if possible and np.isfinite([ra, dec]).all() else {}
