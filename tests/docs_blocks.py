"""The commands and the Python of README, CONTRIBUTING and docs, as their pages give them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

COMMANDS = ("python", "spectranet", "make", "srun", "sbatch", "git", "pip", ".venv/bin/python")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A command or a block of Python.

    Attributes:
        page: its path from the repository's root.
        line: of the page, from 1.
        text: a command with its continued lines joined, or lines of Python.
    """

    page: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def _fences(page: Path, language: str) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for match in FENCE.finditer(text):
        if match[1] == language:
            line = text[: match.start(2)].count("\n") + 1
            yield Block(page.relative_to(ROOT).as_posix(), line, match[2])


def python(page: Path) -> list[Block]:
    """Blocks of Python, in their order."""
    return list(_fences(page, "python"))


def commands(page: Path) -> list[Block]:
    """Commands in blocks of sh and in indented blocks, in their order.

    A script for a scheduler, and a block that calls one, is a command as a whole.
    """
    blocks = []
    for block in _fences(page, "sh"):
        if "#!" in block.text or "sbatch" in block.text:
            blocks.append(block)
        else:
            blocks += _lines(block)
    text = FENCE.sub(lambda match: "\n" * match[0].count("\n"), page.read_text("utf-8"))
    for match in re.finditer(r"(?:^    .*\n)+", text, re.MULTILINE):
        line = text[: match.start()].count("\n") + 1
        block = Block(page.relative_to(ROOT).as_posix(), line, match[0].replace("\n    ", "\n"))
        if block.text.split()[0] in COMMANDS:
            blocks += _lines(block)
    return sorted(blocks, key=lambda block: block.line)


def _lines(block: Block) -> Iterator[Block]:
    joined, start = "", block.line
    for number, line in enumerate(block.text.splitlines(), block.line):
        start = start if joined else number
        joined += re.sub(r"(^|\s+)#.*$", "", line).strip()
        if joined.endswith("\\"):
            joined = joined[:-1]
        elif joined:
            yield Block(block.page, start, joined)
            joined = ""
