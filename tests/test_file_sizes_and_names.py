"""No file grows too long to be read at a sitting, and no two modules have the same name."""

from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from source_files import PACKAGES, Source, parse, python_files

LONGEST = 300


def too_long(files: dict[str, str]) -> list[str]:
    """Names of the files, without .py, that have more than `LONGEST` lines; from path -> text."""
    return [Path(path).stem for path, text in files.items() if text.count("\n") > LONGEST]


def shared_names(sources: list[Source]) -> list[str]:
    """Names of modules that two files have, commands aside: their names are a contract."""
    homes = defaultdict(set)
    for source in sources:
        name = Path(source.path).stem
        if not source.is_entry and name not in ("__init__", "__main__"):
            homes[name].add(source.path)
    return [name for name, paths in homes.items() if len(paths) > 1]


def circle(sources: list[Source]) -> list[str]:
    """Return modules that import one another in a circle, wherever in their code; [] if none."""
    modules = {name_of_module(source.path): source for source in sources}

    def imported(source: Source) -> set[str]:
        names = source.imports & modules.keys()
        # `from package import module` imports the module; the package holds nothing of its own.
        return {name for name in names if not any(n.startswith(name + ".") for n in names)}

    try:
        TopologicalSorter({n: imported(s) - {n} for n, s in modules.items()}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def name_of_module(path: str) -> str:
    """`a.b.c` of a/b/c.py, `a.b` of a/b/__init__.py."""
    return ".".join(Path(path).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.slow
def test_no_modules_import_one_another_in_a_circle() -> None:
    assert circle([parse(path, text) for path, text in python_files(*PACKAGES).items()]) == []


def test_a_circle_is_seen_also_where_a_function_imports() -> None:
    files = {"p/a.py": "from p import b", "p/b.py": "def f():\n    from p.c import x"}
    sources = [parse(path, text) for path, text in files.items()]
    assert circle([*sources, parse("p/c.py", "import os")]) == []
    assert set(circle([*sources, parse("p/c.py", "import p.a")])) == {"p.a", "p.b", "p.c"}


def test_no_file_is_too_long() -> None:
    assert too_long(python_files(*PACKAGES, "tests")) == []


def test_a_file_that_is_too_long_is_named() -> None:
    files = {"tests/at_most.py": "\n" * LONGEST, "tests/beyond.py": "\n" * (LONGEST + 1)}
    assert too_long(files) == ["beyond"]


@pytest.mark.slow
def test_no_two_modules_have_the_same_name() -> None:
    sources = [parse(path, text) for path, text in python_files(*PACKAGES).items()]
    assert shared_names(sources) == []


def test_a_shared_name_is_seen_wherever_it_is_but_not_in_commands() -> None:
    command = "if __name__ == '__main__':\n    pass"
    files = [
        *(("data_prep/a.py", ""), ("data_prep/mock/a.py", "")),
        *(("data_prep/b.py", command), ("spectranet_jax/readers/b.py", "")),
        *(("experiments/__init__.py", ""), ("data_prep/__init__.py", "")),
    ]
    assert shared_names([parse(*file) for file in files]) == ["a"]
