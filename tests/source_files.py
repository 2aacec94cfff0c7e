"""The source files of the three packages as syntax trees, and what each of them imports."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARY = "spectranet_jax"
PACKAGES = (LIBRARY, "data_prep", "experiments")


@dataclass(frozen=True)
class Source:
    """A file: its path from the repository's root, and its syntax tree."""

    path: str
    tree: ast.Module

    @cached_property
    def imports(self) -> frozenset[str]:
        """Dotted names of what it imports, at any level of the code."""
        return frozenset(self._imports())

    def _imports(self) -> Iterator[str]:
        # `from a import b` is both a and a.b, since b may be a module.
        parts = Path(self.path).with_suffix("").parts
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = parts[: len(parts) - node.level] if node.level else ()
                base = ".".join([*above, *([node.module] if node.module else [])])
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Call) and name_of(node.func) in (
                "__import__",
                "import_module",
                "importlib.import_module",
            ):
                yield from (a.value for a in node.args if isinstance(a, ast.Constant))

    @property
    def room(self) -> str:
        """The room of a file of the library, "" for those beside the rooms and outside."""
        parts = Path(self.path).parts
        return parts[1] if parts[0] == LIBRARY and len(parts) > 2 else ""

    @property
    def top(self) -> str:
        """The package that it belongs to."""
        return Path(self.path).parts[0]

    @property
    def is_entry(self) -> bool:
        """Whether `python -m` runs it."""
        conditions = (ast.unparse(node.test) for node in self.tree.body if isinstance(node, ast.If))
        return "__name__ == '__main__'" in conditions

    @property
    def reads_arguments(self) -> bool:
        """Whether it is a command, or what the commands share."""
        entry = self.top == "data_prep" and self.is_entry
        shared = (f"{LIBRARY}/{name}.py" for name in ("command_line", "command_list", "help_text"))
        return self.top == "experiments" or self.room == "commands" or entry or self.path in shared

    def of(self, *packages: str) -> list[str]:
        """Those imports that belong to any of the packages, sorted."""
        return sorted(
            name
            for name in self.imports
            if any(name == package or name.startswith(package + ".") for package in packages)
        )


def name_of(node: ast.AST) -> str:
    """`a.b.c` for an expression that is such a dotted name, "" for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = name_of(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def parse(path: str, text: str) -> Source:
    """The source file of a path and a text."""
    return Source(path, ast.parse(text, path))


def python_files(*folders: str) -> dict[str, str]:
    """Path from the repository's root -> text, for every Python file below the folders."""
    paths = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}
