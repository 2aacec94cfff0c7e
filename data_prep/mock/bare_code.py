"""Source code without what does not change its behavior."""

import tokenize
from collections.abc import Iterator
from pathlib import Path

LAYOUT = {tokenize.INDENT: "\1", tokenize.DEDENT: "\2", tokenize.NEWLINE: "\n"}
"""Tokens of the layout, whose own text depends on the width of the indentation."""


def bare_code(path: Path) -> bytes:
    """Return a Python file's code without comments, docstrings, blank lines and spaces."""
    return "".join(_texts(path)).encode()


def _texts(path: Path) -> Iterator[str]:
    """Give the text of every token that counts."""
    with tokenize.open(path) as file:
        tokens = [
            token
            for token in tokenize.generate_tokens(file.readline)
            if token.type not in (tokenize.COMMENT, tokenize.NL)
        ]
    line: list[tokenize.TokenInfo] = []
    for token in tokens:
        line.append(token)
        if token.type == tokenize.NEWLINE:
            yield from _line(line)
            line = []
    yield from _line(line)


def _line(line: list[tokenize.TokenInfo]) -> Iterator[str]:
    """Give the texts of a line; a string alone on it is a docstring."""
    layout = [token for token in line if token.type in (tokenize.INDENT, tokenize.DEDENT)]
    rest = line[len(layout) :]
    is_docstring = len(rest) == 2 and rest[0].type == tokenize.STRING
    for token in layout if is_docstring else line:
        yield LAYOUT.get(token.type, token.string)
