"""Sphinx configuration: Markdown pages, reference pages from docstrings, the notebook executed.

`make docs` builds the pages in build/docs; every warning is an error, and no network is needed.
"""

import re
from typing import Any, get_origin

from numpy.typing import ArrayLike
from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

import spectranet_jax

project = "SpectraNET-JAX"
author = "The SpectraNET-JAX developers"
copyright = f"2026, {author}"
version = release = spectranet_jax.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinxcontrib.mermaid",
]
exclude_patterns = ["images"]

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
myst_fence_as_directive = ["mermaid"]
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_use_ivar = True
napoleon_attr_annotations = False
python_maximum_signature_line_length = 88
default_role = "code"

html_theme = "furo"
html_title = "SpectraNET-JAX"
html_static_path = ["static"]
html_css_files = ["wide-tables.css"]
copybutton_exclude = ".linenos, .gp"

OUTSIDE = re.compile(r"\]\((\.\./[^)]+\.md)\)")
"""A link of a page to a Markdown file that is no page."""

ARRAY_LIKE = stringify_annotation(ArrayLike, "smart")

LITERAL = re.compile(r"(`+[^`]*`+)")


def link_to_files(_app: Sphinx, _page: str, content: list[str]) -> None:
    """Make such a link a download."""
    content[0] = OUTSIDE.sub(r"](path:\1)", content[0])


def as_plain_text(*arguments: Any) -> None:
    """Docstrings are plain text with code in backticks: escape what reStructuredText would read.

    An indented block after an empty line is code.
    """
    lines: list[str] = arguments[-1]
    made: list[str] = []
    before = ""
    is_code = False
    for line in lines:
        indented = line.startswith("    ")
        starts = indented and made and not made[-1].strip() and before[:1].strip()
        if starts and not is_code:
            made += ["::", ""]
        is_code = bool(starts) or (is_code and (indented or not line.strip()))
        made.append(line if is_code else _escaped(line))
        before = line if line.strip() else before
    lines[:] = made


def _escaped(line: str) -> str:
    parts = LITERAL.split(line)
    parts[::2] = [re.sub(r"([|*]|(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def short_types(*arguments: Any) -> tuple[str, str | None] | None:
    """Write ArrayLike where a signature spells out what it stands for."""
    signature, returned = arguments[-2:]
    if not signature:
        return None
    return signature.replace(ARRAY_LIKE, "ArrayLike"), returned


def is_alias(_app: Sphinx, _kind: str, _name: str, member: object, skip: bool, _: object) -> bool:
    """Leave out names of types: signatures show what they stand for."""
    return skip or get_origin(member) is not None


def setup(app: Sphinx) -> None:
    app.connect("source-read", link_to_files)
    app.connect("autodoc-process-docstring", as_plain_text, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", short_types)
    app.connect("autodoc-skip-member", is_alias)
