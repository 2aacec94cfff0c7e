"""One page: a file that holds its spectra, its code and its style, and needs no network.

What the page shows goes in as JSON in which `<` is escaped, and its code sets it as text, so a file
name is never read as HTML. A content security policy lets the page run its own scripts alone and
load nothing.
"""

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.evaluation.line_labels import ABSORPTION, EMISSION, written
from spectranet_jax.inspection.bokeh_figures import figures, script
from spectranet_jax.inspection.cells import numbers, texts
from spectranet_jax.inspection.listed_rows import rows
from spectranet_jax.inspection.packing import pack
from spectranet_jax.spectra.labels import CLASS_COLORS, CLASSES
from spectranet_jax.spectra.lines import REST
from spectranet_jax.spectra.spectrum import Spectrum

MODULES = (
    *(
        "dom",
        "store",
        "redshift",
        "pixels",
        "smoothing",
        "posterior",
        "lines",
        "plots",
        "panel",
        "list",
    ),
    *("sheet", "csv", "files", "inspector", "keys", "main"),
)
"""Modules of the page's code, in `page/`; the last one starts it."""


@dataclass(frozen=True)
class Content:
    """The spectra to inspect; all fields have a row per spectrum.

    Attributes:
        table: rows of a catalog.
        spectra: None where there is none to show.
        p_of_z: (n, zsteps) probability of each step of redshift; None if the model gives none.
        edges: (zsteps + 1,) of the steps in log10(1 + z), equally spaced.
        templates: fits at the catalog's redshift, (pixels,) each; None where there is none.
        attributions: how much each pixel speaks for the class, (pixels,) each.
        reference_z: (n,) redshifts of another catalog, NaN where it has none.
        places: (n,) rows in the whole catalog, under which answers are kept; by default the first.
        reference_class: (n,) classes of the other catalog, "" where it has none.
    """

    table: Table
    spectra: Sequence[Spectrum | None]
    p_of_z: NDArray[np.floating] | None = None
    edges: NDArray[np.floating] | None = None
    templates: Sequence[NDArray[np.floating] | None] = ()
    attributions: Sequence[NDArray[np.floating] | None] = ()
    reference_z: NDArray[np.floating] | None = None
    places: Sequence[int] | None = None
    reference_class: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.table)

    def part(self, start: int, stop: int) -> "Content":
        """Return the rows from `start` up to `stop`."""
        chosen = slice(start, stop)
        return Content(
            self.table[chosen],
            self.spectra[chosen],
            None if self.p_of_z is None else self.p_of_z[chosen],
            self.edges,
            self.templates[chosen],
            self.attributions[chosen],
            None if self.reference_z is None else self.reference_z[chosen],
            (self.places or range(len(self)))[chosen],
            self.reference_class[chosen],
        )


@dataclass(frozen=True)
class Look:
    """How a page presents its spectra.

    Attributes:
        title: name of the catalog.
        blind: hide the model's answers until the inspector has answered.
        thumbnails: begin with the contact sheet.
        pages: file names and numbers of spectra of all pages of the catalog, and this one's number.
    """

    title: str = "spectra"
    blind: bool = False
    thumbnails: bool = False
    pages: Sequence[tuple[str, int]] = field(default_factory=tuple)
    number: int = 0


def page(content: Content, look: Look, fingerprint: str) -> str:
    """Return the HTML of a page.

    Args:
        content: what to inspect.
        look: how.
        fingerprint: of the catalog: answers are kept in the browser under it.
    """
    about = {
        "title": look.title,
        "blind": look.blind,
        "thumbnails": look.thumbnails,
        "pages": [list(entry) for entry in look.pages],
        "number": look.number,
        "fingerprint": fingerprint,
        "classes": list(CLASSES),
        "colors": CLASS_COLORS,
        "lines": [_line(name) for name in _named_lines()],
        "edges": _steps(content.edges),
        "rows": rows(
            content.table,
            content.spectra,
            content.reference_z,
            content.places,
            content.reference_class,
        ),
    }
    blocks = [_data("about", about), _data("figures", figures())]
    for i, spectrum in enumerate(content.spectra):
        packed = pack(
            spectrum,
            None if content.p_of_z is None else content.p_of_z[i],
            content.templates[i] if len(content.templates) else None,
            content.attributions[i] if len(content.attributions) else None,
        )
        blocks.append(_data(f"spectrum-{i}", packed))
    # A hash of the page's own content, which no name within it can contain.
    nonce = hashlib.sha256("".join(blocks).encode()).hexdigest()[:32]
    filled = {
        "NONCE": nonce,
        "TITLE": html.escape(look.title),
        "STYLE": _file("style.css"),
        "IMPORTS": _json({"imports": {f"inspect/{name}": _module(name) for name in MODULES}}),
        "BOKEH": script(),
        "DATA": "\n".join(blocks),
    }
    return _fill(_file("page.html"), filled)


def fingerprint(table: Table) -> str:
    """Identity of a catalog: a hash of its rows' names, classes and redshifts, in order."""
    digest = hashlib.sha256()
    for name in ("FILE", "ID", "CLASS"):
        digest.update(json.dumps(texts(table, name)).encode())
    digest.update(np.nan_to_num(numbers(table, "Z"), nan=-9).astype("<f8").tobytes())
    return digest.hexdigest()[:16]


def _fill(template: str, values: dict[str, str]) -> str:
    """Fill a template's {{NAME}}s; inserted values are not expanded again."""
    pieces = template.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, after = piece.split("}}", 1)
        filled += [values[name], after]
    return "".join(filled)


def _data(identifier: str, value: Any) -> str:
    return f'<script type="application/json" id="{identifier}">{_json(value)}</script>'


def _json(value: Any) -> str:
    """Return JSON that is safe in a script element: nothing in it ends or begins one."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _file(name: str) -> str:
    return (resources.files(__package__) / "page" / name).read_text(encoding="utf-8")


def _module(name: str) -> str:
    """Return a module as a data URL that holds it."""
    return "data:text/javascript;base64," + base64.b64encode(_file(f"{name}.js").encode()).decode()


def _named_lines() -> list[str]:
    named = {name for group in (EMISSION, ABSORPTION) for names in group.values() for name in names}
    return [name for name in REST if name in named]


def _line(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": written(name),
        "rest": REST[name],
        "emission": [kind for kind, names in EMISSION.items() if name in names],
        "absorption": [kind for kind, names in ABSORPTION.items() if name in names],
    }


def _steps(edges: NDArray[np.floating] | None) -> dict[str, float] | None:
    if edges is None:
        return None
    return {"first": float(edges[0]), "width": float(edges[1] - edges[0])}
