"""Rows of the catalog for the page: plain values that JSON can hold."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.evaluation.redshift_scores import dv
from spectranet_jax.inspection.cells import numbers, sureness, texts
from spectranet_jax.inspection.occurrence import occurrences
from spectranet_jax.inspection.words import flag_words, zwarn_words
from spectranet_jax.spectra.identity import OBJECTS, OBSERVATIONS
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.spectra.lines import REST, evidence_column
from spectranet_jax.spectra.spectrum import Spectrum

IDENTITY = (
    *("RA", "DEC"),
    *dict.fromkeys((*(name for fields in OBSERVATIONS for name in fields), *OBJECTS)),
)
"""Columns that name spectra and objects, with the position on the sky first."""

HIDDEN = ("FOLDER", "PAIR")
"""Fields of `spectra.identity` that only place a file among others."""

NOT_FOUND = "its file is missing, cannot be read, or does not contain it"

NUMBERS = {
    "z": "Z",
    "z_err": "Z_ERR",
    "z_net": "Z_NET",
    "p_3000": "P_3000",
    "z2": "Z2",
    "p_3000_z2": "P_3000_Z2",
    "p_bal": "P_BAL",
    "sn": "SN",
    "zwarn": "ZWARN",
}
"""Key on the page -> column."""


def rows(
    table: Table,
    spectra: Sequence[Spectrum | None],
    reference_z: NDArray[np.floating] | None = None,
    places: Sequence[int] | None = None,
    reference_class: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return the page's data of each row of a catalog, except its pixels.

    Args:
        table: n rows of a catalog; columns may be absent.
        spectra: (n,) the spectra, None where there is none.
        reference_z: (n,) redshifts of another catalog, NaN where it has none.
        places: (n,) row in the whole catalog of each; by default they are its first rows.
        reference_class: (n,) classes of the other catalog, "" where it has none.
    """
    count = len(table)
    number = {key: _plain(numbers(table, column)) for key, column in NUMBERS.items()}
    number["occurrence"] = occurrences(table).tolist()
    number["row"] = list(range(count) if places is None else places)
    reference = (
        np.full(count, np.nan) if reference_z is None else np.asarray(reference_z, np.float64)
    )
    text = {key: texts(table, key.upper()) for key in ("file", "id", "class")}
    text["reference_class"] = list(reference_class) or [""] * count
    z = numbers(table, "Z")
    z = np.where(np.isnan(z) & (np.array(text["class"]) == "STAR"), 0, z)
    number |= {
        "sureness": _plain(sureness(table)),
        "reference_z": _plain(reference),
        "dv": _plain(dv(z, reference)),
    }
    error = texts(table, "ERROR")
    named = names(table, spectra)
    p = {name: _plain(numbers(table, f"P_{name}")) for name in CLASSES}
    evidence = {
        line: _plain(numbers(table, evidence_column(line)))
        for line in REST
        if evidence_column(line) in table.colnames
    }
    flags = np.nan_to_num(numbers(table, "FLAGS")).astype(np.int64).tolist()
    zwarn = np.nan_to_num(numbers(table, "ZWARN")).astype(np.int64).tolist()
    return [
        {key: values[i] for key, values in (number | text).items()}
        | {
            "identity": named[i],
            "missing": "" if spectra[i] is not None else error[i] or NOT_FOUND,
            "class_differs": _differ(text["class"][i], text["reference_class"][i]),
            "p": {name: values[i] for name, values in p.items() if values[i] is not None},
            "evidence": {k: values[i] for k, values in evidence.items() if values[i] is not None},
            "flags": flag_words(flags[i]),
            "warnings": zwarn_words(zwarn[i]),
        }
        for i in range(count)
    ]


def names(table: Table, spectra: Sequence[Spectrum | None]) -> list[dict[str, str]]:
    """Return the fields that name each spectrum, as text, from the catalog or its file.

    Args:
        table: n rows of a catalog; masked cells are unknown.
        spectra: (n,) the spectra, for the fields that the table lacks.
    """
    columns = {name: texts(table, name) for name in IDENTITY if name in table.colnames}
    identities = []
    for i, spectrum in enumerate(spectra):
        known = {} if spectrum is None else spectrum.identity
        cells = {
            name: columns[name][i] if name in columns else str(known.get(name, ""))
            for name in IDENTITY
        }
        identities.append({k: v for k, v in cells.items() if v and k not in HIDDEN})
    return identities


def _differ(first: str, second: str) -> bool:
    """Return whether classes are known and differ; a BAL quasar is a quasar."""
    kinds = {first.removesuffix("_BAL"), second.removesuffix("_BAL")}
    return len(kinds) == 2 and "" not in kinds


def _plain(values: Any) -> list[float | None]:
    """Return numbers for JSON: to nine digits, None for values that are not finite."""
    return [float(f"{v:.9g}") if np.isfinite(v) else None for v in np.asarray(values).tolist()]
