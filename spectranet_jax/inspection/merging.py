"""Agreement and disagreement of several inspectors about the same spectra.

The rules are those of the visual inspections of DESI (Lan et al. 2023, ApJ 943, 68): inspectors
disagree if they give different classes, redshifts further apart than 1000 km/s, or qualities more
than one apart.
"""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from spectranet_jax.evaluation.redshift_scores import dv
from spectranet_jax.readers.vi_file import Row, quality, redshift
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.identity import NAMING, NONE, object_ids, observation_keys

FURTHEST = 1000.0
"""Greatest difference of redshifts that agree, km/s."""

QUALITY_STEPS = 1
"""Greatest difference of qualities that agree."""


class Disagreement(NamedTuple):
    """Answers about one spectrum that do not agree.

    Attributes:
        reasons: "class", "redshift", "quality".
        rows: the answers.
    """

    reasons: list[str]
    rows: list[Row]


def merge(files: Iterable[Sequence[Row]]) -> tuple[list[Row], list[Disagreement]]:
    """Join the answers of inspectors.

    Rows without class or quality are left out.

    Args:
        files: rows of each inspector's file.

    Raises:
        InputError: if an answer names no spectrum.

    Returns:
        a row per spectrum on which all that looked at it agree: their class, the median redshift,
        the lowest quality, comments and names of all; and the others.
    """
    answers: dict[tuple[str | int, ...], list[Row]] = {}
    for rows in files:
        for row in rows:
            if is_answer(row):
                answers.setdefault(key(row), []).append(row)
    agreed, disputed = [], []
    for group in answers.values():
        if reasons := disagreements(group):
            disputed.append(Disagreement(reasons, group))
        else:
            agreed.append(_joined(group))
    return agreed, disputed


def key(row: Row) -> tuple[str | int, ...]:
    """Return the key of a spectrum: the most reliable fields of `identity.OBSERVATIONS` in the row.

    Else its file's name, ID and OCCURRENCE, or its object. Numbers count, not how they are written:
    FIBERID 0082 is 82.

    Raises:
        InputError: if it has none of them.
    """
    cells = {name: np.array([row[name]]) for name in NAMING if row.get(name)}
    for fields, keys in observation_keys(cells).items():
        if keys[0] != NONE:
            return (*fields, int(keys[0]))
    if row.get("ID"):
        file = row.get("FILE", "").rpartition("/")[2]
        return (file, row["ID"], row.get("OCCURRENCE") or "1")
    for name, ids in object_ids(cells).items():
        if ids[0] != NONE:
            return (name, int(ids[0]))
    raise InputError(
        f"an answer of {row.get('VI_SCANNER') or 'an inspector'} ({row['VI_CLASS']}, z"
        f" {row['VI_Z'] or 'empty'}) names no spectrum; keep ID, or PLATE, MJD and FIBERID, or"
        " TARGETID in the file"
    )


def title(row: Row) -> str:
    """Return a spectrum's name for a reader: its ID, or else the fields of its key."""
    fields = [name for name in key(row) if isinstance(name, str) and row.get(name)]
    return row.get("ID") or "-".join(row[name] for name in fields)


def is_answer(row: Row) -> bool:
    """Return whether an inspector gave class and quality."""
    return bool(row["VI_CLASS"] and row["VI_QUALITY"])


def disagreements(rows: Sequence[Row]) -> list[str]:
    """Return how answers about a spectrum differ; empty if they agree."""
    z = [value for value in map(redshift, rows) if value is not None]
    qualities = [value for value in map(quality, rows) if value is not None]
    stars = {row["VI_CLASS"] for row in rows} == {"STAR"}
    far = bool(z) and dv(max(z), min(z)) > FURTHEST
    return [
        reason
        for reason, differs in (
            ("class", len({row["VI_CLASS"] for row in rows}) > 1),
            ("redshift", far or (0 < len(z) < len(rows) and not stars)),
            ("quality", max(qualities) - min(qualities) > QUALITY_STEPS),
        )
        if differs
    ]


def _joined(rows: Sequence[Row]) -> Row:
    z = [value for value in map(redshift, rows) if value is not None]
    merged = {name: cell for row in reversed(rows) for name, cell in row.items() if cell}
    merged |= {"VI_Z": f"{median(z):.6g}" if z else "", "VI_CLASS": rows[0]["VI_CLASS"]}
    merged["VI_QUALITY"] = min(row["VI_QUALITY"] for row in rows)
    for name, between in (("VI_COMMENT", "; "), ("VI_SCANNER", "+")):
        merged[name] = between.join(dict.fromkeys(filter(None, (r.get(name, "") for r in rows))))
    return merged


def listed(disputed: Iterable[Disagreement]) -> list[Row]:
    """Return rows of a file of disagreements: the answers, each with the column DIFFERS."""
    return [{**row, "DIFFERS": " ".join(other.reasons)} for other in disputed for row in other.rows]
