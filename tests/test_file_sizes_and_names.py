"""No file grows too long to be read at a sitting, and no two modules answer to the same name."""

from collections import defaultdict
from pathlib import Path

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


def test_no_file_is_too_long() -> None:
    assert too_long(python_files(*PACKAGES, "tests")) == []


def test_a_file_that_is_too_long_is_named() -> None:
    files = {"tests/at_most.py": "\n" * LONGEST, "tests/beyond.py": "\n" * (LONGEST + 1)}
    assert too_long(files) == ["beyond"]


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
