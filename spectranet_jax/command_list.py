"""The commands of a package in a checkout, listed without importing them."""

import ast
import sys
import textwrap
from pathlib import Path

WIDTH = 80


def show(package: str, folder: Path) -> None:
    """Print the commands of a package; exit with status 2 if the command line has other words.

    Args:
        package: its name, as in `python -m PACKAGE.COMMAND`.
        folder: where its files are.
    """
    words = [word for word in sys.argv[1:] if word not in ("-h", "--help")]
    if words:
        print(
            f"error: python -m {package} only lists its commands and takes no {words[0]!r};"
            f" run python -m {package}.COMMAND",
            file=sys.stderr,
        )
        sys.exit(2)
    print(overview(package, folder))


def overview(package: str, folder: Path) -> str:
    """Return the usage, and each command of a package with the first line of its docstring."""
    texts = commands(folder)
    column = max(map(len, texts)) + 4
    lines = (
        textwrap.fill(
            text,
            WIDTH,
            initial_indent=f"  {name}".ljust(column),
            subsequent_indent=" " * column,
        )
        for name, text in texts.items()
    )
    return "\n".join(
        [
            f"usage: python -m {package}.COMMAND ...",
            "",
            *lines,
            "",
            f"python -m {package}.COMMAND --help explains a command and its flags.",
        ]
    )


def commands(folder: Path) -> dict[str, str]:
    """Name -> first line of the docstring, for each module or package that `python -m` runs."""
    modules = {path.stem: path for path in folder.glob("*.py") if path.stem != "__main__"}
    packages = {path.parent.name: path for path in folder.glob("*/__main__.py")}
    trees = {
        name: ast.parse(path.read_text("utf-8"))
        for name, path in sorted((modules | packages).items())
    }
    return {
        name: (ast.get_docstring(tree) or "").partition("\n")[0]
        for name, tree in trees.items()
        if any(map(_is_entry, tree.body))
    }


def _is_entry(statement: ast.stmt) -> bool:
    """Return whether a statement is `if __name__ == "__main__":`."""
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"
