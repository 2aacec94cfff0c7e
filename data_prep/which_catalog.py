"""Recognition of the catalog in a file, and checks that it has what is needed."""

from collections.abc import Set as AbstractSet
from itertools import product
from pathlib import Path

from data_prep.catalog_layouts import CATALOGS, CLASS_COLUMNS, BalRule, Catalog
from data_prep.one_class import all_are, is_of_quasars
from data_prep.row_identity import names_rows
from spectranet_jax.readers.fits import Fits
from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.spectra import InputError

FLAG_AND_BI: dict[str, frozenset[str]] = {
    "Superset_DR12Q": frozenset({"BAL_FLAG_VI", "BI_CIV"}),
    "DR12Q": frozenset({"BAL_FLAG_VI", "BI_CIV"}),
    "DR16Q": frozenset({"BAL_PROB", "BI_CIV"}),
}
"""Columns that the rule "flag-and-bi" needs, by catalog that it applies to."""


def check_rule(path: Path, catalog: Catalog, available: AbstractSet[str], rule: BalRule) -> None:
    """Raise InputError if a catalog cannot identify BALs by the requested rule."""
    if rule == "flag-and-bi" and not (FLAG_AND_BI.get(catalog.name, {""}) <= available):
        raise InputError(
            f"{path}, a {catalog.name} catalog, has no visual BAL flag and BI_CIV, so"
            " --bal flag-and-bi cannot be used with it; pass --bal class"
        )


def which_catalog(hdus: Fits, every: str) -> tuple[Catalog, Hdu]:
    """Return the catalog that a file holds, and its table.

    Args:
        hdus: the file.
        every: class of all rows of a table that does not tell it; "" if that is not known.

    Raises:
        InputError: if it holds none that is known.
    """
    tables = [hdu for hdu in hdus if hdu.columns]
    for catalog, table in product(CATALOGS, tables):
        if catalog.needed <= table.columns and not catalog.without & table.columns:
            return catalog, table
    for table in tables:
        if _has_redshifts_alone(table.columns):
            if not every and not is_of_quasars(hdus.path, table.name):
                raise InputError(
                    f"{hdus.path} has redshifts, but no classes (CLASS or SPECTYPE); if all rows"
                    " are of one class, name it, as with --all-are QSO, else give a catalog with"
                    " classes"
                )
            return all_are(every or "QSO"), table
    if not tables:
        raise InputError(
            f"{hdus.path} holds no table; give a catalog like {CATALOGS[0].name}, or a table of"
            " your labels"
        )
    raise InputError(
        f"{hdus.path} is not a catalog that is read{_lack([t.columns for t in tables])}; give"
        f" {', '.join(c.name for c in CATALOGS)}, or a catalog of quasars alone"
    )


def _has_redshifts_alone(columns: AbstractSet[str]) -> bool:
    return "Z" in columns and names_rows(columns) and not CLASS_COLUMNS & columns


def _lack(tables: list[frozenset[str]]) -> str:
    """Return what the most similar catalog needs; "" if no table has half of its columns."""
    fraction, name, lacking = min(
        (
            (
                len(catalog.needed - columns) / len(catalog.needed),
                catalog.name,
                sorted(catalog.needed - columns),
            )
            for catalog, columns in product(CATALOGS, tables)
            if not catalog.without & columns
        )
    )
    return f": for {name} it lacks {', '.join(lacking)}" if fraction <= 0.5 else ""
