"""Parsing of a command line into a config: several values, omitted values, and mistakes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spectranet_jax.command_line import command


@dataclass(frozen=True)
class Config:
    """Flags of a made-up command."""

    files: tuple[str, ...]
    """Several texts."""
    folders: tuple[Path, ...] = ()
    """Several paths, or none."""
    fractions: tuple[float, float] = (0.5, 0.5)
    """Two numbers."""
    out: Path | None = None
    """A path, or none."""


def parsed(monkeypatch, *line: str) -> Config:
    got: list[Any] = []
    monkeypatch.setattr("sys.argv", ["x", *line])
    command(Config, got.append, "A command.")
    return got[0]


def test_several_values_are_a_tuple_of_their_type(monkeypatch):
    line = ("--files", "a b", "[c]", "None", "--folders", "d", "e/f", "--fractions", "0.1", "0.9")
    expected = Config(("a b", "[c]", "None"), (Path("d"), Path("e/f")), (0.1, 0.9))
    assert parsed(monkeypatch, *line, "--out", "None") == Config(
        expected.files, expected.folders, expected.fractions, Path("None")
    )
    assert parsed(monkeypatch, *line) == expected
    assert parsed(monkeypatch, "--files") == Config(())


@pytest.mark.parametrize("line", [(), ("--files", "a", "--fractions", "0.1"), ("--nonsense",)])
def test_a_line_that_is_not_understood_ends_with_status_2(monkeypatch, line):
    with pytest.raises(SystemExit) as exit_:
        parsed(monkeypatch, *line)
    assert exit_.value.code == 2


def test_help_has_words_for_what_to_give(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        parsed(monkeypatch, "--help")
    text = capsys.readouterr().out
    for words in ("--files STR ...", "--folders PATH ...", "--fractions FLOAT FLOAT", "--out PATH"):
        assert words in text
    assert "{None}" not in text and "[STR" not in text


@pytest.mark.parametrize(
    ("interrupt", "line"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (KeyboardInterrupt("resume runs/x"), "resume runs/x"),
    ],
)
def test_an_interruption_ends_with_status_130_and_its_message(monkeypatch, capsys, interrupt, line):
    def work(_: Config) -> None:
        raise interrupt

    monkeypatch.setattr("sys.argv", ["x", "--files", "a"])
    with pytest.raises(SystemExit) as exit_:
        command(Config, work, "A command.")
    assert exit_.value.code == 130
    assert capsys.readouterr().err == line + "\n"


def test_a_disk_that_fails_is_one_sentence_and_other_errors_are_not_hidden(monkeypatch, capsys):
    def failing(error: OSError):
        def work(_: Config) -> None:
            raise error

        return work

    monkeypatch.setattr("sys.argv", ["x", "--files", "a"])
    with pytest.raises(SystemExit) as exit_:
        command(Config, failing(OSError(28, "No space left on device", "figure.png")), "A command.")
    assert exit_.value.code == 2
    line = capsys.readouterr().err
    assert line.startswith("error: figure.png: No space left on device;") and line.count("\n") == 1
    with pytest.raises(FileNotFoundError):
        command(Config, failing(FileNotFoundError(2, "No such file", "ours.json")), "A command.")
