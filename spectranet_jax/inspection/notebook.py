"""The page in a notebook: `snj.inspect(model, spectra)` as the last line of a cell."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from astropy.table import Table

from spectranet_jax.datasets.atomic import write_text
from spectranet_jax.inference.model import Model
from spectranet_jax.inspection.answers import posteriors, reasons
from spectranet_jax.inspection.overlay import templates
from spectranet_jax.inspection.page import Content, Look, fingerprint, page
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.spectrum import Spectrum

MOST = 100
"""Maximum of spectra in a notebook, whose file stores the page."""


@dataclass(frozen=True, repr=False)
class Inspection:
    """A page for a notebook, which shows it as the value of a cell.

    Attributes:
        catalog: the model's answers, one row per spectrum.
        html: the page.
    """

    catalog: Table
    html: str

    def __repr__(self) -> str:
        return f"Inspection of {len(self.catalog)} spectra; .save(path) writes the page"

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" title="Inspection of spectra"'
            ' style="width:100%;height:760px;border:1px solid #8a93a1"'
            ' allow="clipboard-write"></iframe>'
        )

    def save(self, path: str | Path) -> None:
        """Write the page to a file, for a browser.

        Raises:
            InputError: if it cannot be written.
        """
        write_text(Path(path), self.html)


def inspect(
    model: Model, spectra: Spectrum | Sequence[Spectrum], blind: bool = False, why: bool = False
) -> Inspection:
    """Show spectra and a model's answers in a notebook.

    Args:
        model: as `load` gives it.
        spectra: up to `MOST`, as `read` gives them.
        blind: hide the model's answers until the inspector's are given.
        why: mark the wavelengths that support the model's class or are against it.

    Raises:
        InputError: if there are none, or too many.
    """
    chosen = [spectra] if isinstance(spectra, Spectrum) else list(spectra)
    if not 1 <= len(chosen) <= MOST:
        raise InputError(
            f"inspect shows 1 to {MOST} spectra in a notebook, not {len(chosen)}; write a catalog,"
            " and use spectranet inspect for more"
        )
    table = model.predict(chosen)
    p_of_z, edges = posteriors(model, chosen) or (None, None)
    attributed = reasons(model, chosen) if why else ()
    content = Content(table, chosen, p_of_z, edges, templates(table, chosen), attributed)
    return Inspection(table, page(content, Look(model.name, blind), fingerprint(table)))
