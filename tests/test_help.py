"""The --help of commands, and how soon it appears."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments import classify, redshift
from spectranet_jax.commands import predict
from spectranet_jax.commands.main import COMMANDS as CONSOLE
from spectranet_jax.inference.loading import DEFAULT

pytestmark = pytest.mark.slow  # a process a command

ROOT = Path(__file__).parents[1]
COMMANDS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
    for room in ("data_prep", "experiments")
    for path in (ROOT / room).rglob("*.py")
    if 'if __name__ == "__main__":' in path.read_text("utf-8")
    and path != ROOT / room / "__main__.py"  # which lists the others
) + [f"spectranet {name}" for name in CONSOLE]
HEAVY = {
    "jax",
    "flax",
    "optax",
    "orbax",
    "grain",
    "astropy",
    "matplotlib",
    "sklearn",
    "safetensors",
}


@pytest.fixture(scope="module")
def helps() -> dict[str, dict[str, Any]]:
    """Return what each command's --help prints and imports, in one process each."""
    code = (
        "import contextlib, io, json, runpy, sys\n"
        "(module, *words), text = sys.argv[1].split(), io.StringIO()\n"
        "sys.argv = ['x', *words, '--help']\n"
        "name = 'spectranet_jax.commands.main' if module == 'spectranet' else module\n"
        "with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):\n"
        "    runpy.run_module(name, run_name='__main__', alter_sys=True)\n"
        "print(json.dumps({'text': text.getvalue(), 'modules': sorted(sys.modules)}))"
    )
    texts = {}
    for name in COMMANDS:
        line = [sys.executable, "-c", code, name]
        eighty = os.environ | {"COLUMNS": "80"}
        done = subprocess.run(
            line, capture_output=True, text=True, cwd=ROOT, check=True, env=eighty
        )
        texts[name] = json.loads(done.stdout)
    return texts


def test_all_commands_are_known():
    assert {
        "spectranet predict",
        *(f"experiments.{c}" for c in ("classify", "redshift", "evaluate")),
    } <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_nothing_heavy(helps: dict[str, dict[str, Any]], name: str):
    """The condition for a quick --help: importing jax alone takes a second or more."""
    assert not HEAVY & set(helps[name]["modules"])


@pytest.mark.parametrize("name", COMMANDS)
def test_help_explains_every_flag(helps: dict[str, dict[str, Any]], name: str):
    text = helps[name]["text"]
    assert "usage: " in text and name in text.replace("\n", " ")
    flags = re.findall(r"^\W (--\S+)", text, flags=re.MULTILINE)
    assert flags or "FILE ..." in text
    text = re.sub(r"[\s│]+", " ", text)  # as if nothing were broken
    described = text.count("(default: ") + text.count("(required)") + text.count("(repeatable)")
    assert described >= len(flags)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_to_give_in_words(helps: dict[str, dict[str, Any]], name: str):
    """Not {None}|PATH for a path that may be left out, nor [STR [STR ...]] for several."""
    assert not re.findall(r"\{None\}|\[\[?[A-Z]+ \[|\(default:[\s│]*\)", helps[name]["text"])


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fills_its_paragraphs(helps: dict[str, dict[str, Any]], name: str):
    """At 80 columns: no line beyond, and none ends where the next word would still have room."""
    printed = helps[name]["text"].split("\n")
    assert max(map(len, printed)) <= 80
    for above, below in itertools.pairwise(printed):
        upper, lower = above.strip("│ "), below.strip("│ ")
        indent = len(above) - len(above.lstrip("│ "))
        together = indent == len(below) - len(below.lstrip("│ ")) and upper and lower
        begins = re.match(r"-|\S+( \.\.\.)?  ", lower)  # another flag or argument
        if together and not upper.startswith(("-", "╭", "╰")) and not begins:
            end = len(above) - 2 if above.startswith("│") else 80
            room = end - indent - len(upper)
            assert room <= len(lower.split()[0]), f"{upper!r} is followed by {lower!r}"


def test_defaults_are_the_recipes_of_tables_1_and_3():
    table_1, table_3 = classify.Config(), redshift.Config()
    assert (table_1.optimizer, table_1.rate, table_1.decay, table_1.dropout) == (
        "adam",
        1e-3,
        "cosine",
        0.1,
    )
    assert (table_1.spectra, table_1.epochs, table_1.batch, table_1.schedule) == (
        60_000,
        5,
        256,
        "shuffled",
    )
    assert (table_3.optimizer, table_3.rate, table_3.decay, table_3.dropout) == (
        "sgd",
        1e-2,
        "cosine",
        0.5,
    )
    assert (table_3.epochs, table_3.batch, table_3.schedule) == (10, 256, "shuffled")


def test_predict_uses_the_shipped_linenet_unless_told():
    assert predict.Config(("x.fits",)).model == ()
    assert DEFAULT == "linenet"


@pytest.mark.parametrize("name", [c for c in COMMANDS if not c.startswith("data_prep.")])
def test_every_command_keeps_what_it_compiles(helps: dict[str, dict[str, Any]], name: str):
    joins = ("spectranet merge", "spectranet merge-vi", "spectranet join-redrock")
    compiles = name not in joins
    assert ("--no-cache" in helps[name]["text"]) == compiles
