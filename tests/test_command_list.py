"""`python -m experiments` and `python -m data_prep` list their commands."""

import subprocess
import sys
from pathlib import Path

import pytest

from spectranet_jax.command_list import commands, overview, show

ROOT = Path(__file__).parents[1]
KNOWN = {
    "experiments": {"classify", "redshift", "linenet", "quasarnet", "evaluate", "compare"},
    "data_prep": {"sdss", "desi", "quasarnet", "mock", "multimodal", "download", "describe"},
}


@pytest.mark.parametrize("package", KNOWN)
def test_every_command_is_listed_with_what_its_docstring_says_first(package: str):
    listed = commands(ROOT / package)
    assert KNOWN[package] <= set(listed)
    for name, text in listed.items():
        path = ROOT / package / name
        entry = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
        assert 'if __name__ == "__main__":' in entry.read_text("utf-8")
        assert text and text in entry.read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("package", KNOWN)
def test_the_list_fits_a_terminal_and_loses_no_word(package: str):
    text = overview(package, ROOT / package)
    assert max(map(len, text.splitlines())) <= 80
    together = " ".join(text.split())
    for name, line in commands(ROOT / package).items():
        assert f" {name} {line} " in together


def test_modules_without_a_command_are_left_out(tmp_path: Path):
    (tmp_path / "library.py").write_text('"""Is imported."""')
    (tmp_path / "tool.py").write_text('"""Works.\n\nMore."""\nif __name__ == "__main__":\n    pass')
    assert commands(tmp_path) == {"tool": "Works."}


@pytest.mark.slow
@pytest.mark.parametrize("package", KNOWN)
def test_the_list_needs_no_heavy_import(package: str):
    code = (
        "import runpy, sys\n"
        f"runpy.run_module({package!r}, run_name='__main__', alter_sys=True)\n"
        "assert not {'jax', 'numpy', 'tyro'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == overview(package, ROOT / package) + "\n" and done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]])
def test_help_is_the_list(words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["x", *words])
    show("data_prep", ROOT / "data_prep")
    assert "data_prep.COMMAND" in capsys.readouterr().out


def test_a_command_given_as_a_word_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["x", "classify"])
    with pytest.raises(SystemExit) as stop:
        show("experiments", ROOT / "experiments")
    out, error = capsys.readouterr()
    assert (stop.value.code, out, error.count("\n")) == (2, "", 1)
    assert "'classify'" in error and "python -m experiments" in error
