"""Texts of --help, filled to the width of the terminal, without the docstrings' line breaks."""

import ast
import dataclasses
import inspect
import io
import shutil
import sys
import textwrap
import typing
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import tyro
from tyro.constructors import StructConstructorSpec, StructFieldSpec, StructTypeInfo

WIDEST = 80

PLACE = "<what the command does>"
"""Placeholder of the description, which tyro would not wrap."""


def one_line(text: str) -> str:
    """Return a paragraph without line breaks."""
    return " ".join(text.split())


def wrapped(text: str, width: int) -> str:
    """Fill paragraphs to a width; of a command too long for it, the lines end as in a shell."""
    filled = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.strip().startswith("python -m "):
            filled.append(" \\\n".join(_lines(paragraph, width - 2)))
        else:
            filled.append(textwrap.fill(one_line(paragraph), width))
    return "\n\n".join(filled)


def _lines(command: str, width: int) -> list[str]:
    """Split the words of a command into lines, with those after the first indented."""
    return textwrap.wrap(
        command,
        width,
        subsequent_indent=8 * " ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def field_texts(config: type) -> dict[str, str]:
    """Return the docstring of each field of a dataclass, inherited ones included, in one line."""
    texts: dict[str, str] = {}
    for base in reversed(config.__mro__):
        if dataclasses.is_dataclass(base):
            texts |= _field_docstrings(base)
    return texts


def _field_docstrings(config: type) -> dict[str, str]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(config))).body
    assert isinstance(body, ast.ClassDef)
    return {
        field.target.id: one_line(str(text.value.value))
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def dataclass_rule(info: StructTypeInfo) -> StructConstructorSpec | None:
    """Make tyro treat a dataclass as usual, but with `field_texts`."""
    config: Any = info.type
    if not (isinstance(config, type) and dataclasses.is_dataclass(config)):
        return None
    types, texts = typing.get_type_hints(config, include_extras=True), field_texts(config)
    fields = (
        StructFieldSpec(
            field.name, types[field.name], _default(field, info.default), texts.get(field.name)
        )
        for field in dataclasses.fields(config)
    )
    return StructConstructorSpec(instantiate=config, fields=tuple(fields))


def _default(field: "dataclasses.Field[Any]", instance: Any) -> Any:
    if dataclasses.is_dataclass(instance):
        return getattr(instance, field.name)
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return tyro.MISSING


@contextmanager
def describing(description: str) -> Iterator[None]:
    """Replace the placeholder in --help printed within the block by the wrapped description."""
    printed = _Terminal(sys.stdout)
    try:
        with redirect_stdout(printed):
            yield
    finally:
        width = min(WIDEST, shutil.get_terminal_size().columns)
        text = printed.getvalue().replace(PLACE, wrapped(description, width))
        usage, line_break, rest = text.partition("\n")
        sys.stdout.write("\n".join(_lines(usage, width)) + line_break + rest)


class _Terminal(io.StringIO):
    """A standard output that is kept, and passes for the terminal it replaces."""

    def __init__(self, stdout: Any) -> None:
        super().__init__()
        self._stdout = stdout

    def isatty(self) -> bool:
        return bool(self._stdout.isatty())

    @property
    def encoding(self) -> Any:  # type: ignore[override]  # by it tyro chooses how to draw a box
        return self._stdout.encoding
