"""Every command of README and docs runs, page by page, at reduced size.

What it needs is made beforehand: spectra and catalogs in the layouts that the pages name. A command
that cannot run here is declared, with the reason, in `docs_not_run.NOT_RUN`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import docs_blocks
import docs_folder
import pytest
from docs_not_run import NOT_RUN, why_not

PAGES = [page for page in docs_blocks.PAGES if docs_blocks.commands(page)]

SMALLER = {
    r"experiments\.(classify|redshift|linenet|quasarnet)\b": " --epochs 1 --batch 8",
    r"experiments\.linenet\b(?!.*--init)": " --features 4",
    r"experiments\.quasarnet\b(?!.*--init)": " --filters 4",
    r"experiments\.finetuned\b": " --labels 24",
    r"experiments\.zwarn\b": " --spectra 64",
    r"experiments\.refined_mock\b": " --spectra 8",
    r"data_prep\.mock\b(?!.*--counts)": " --spectra 200",
}
"""Pattern of a command -> flags that are added, of which the last one counts."""

REPLACED = {
    r"/path/to/my-spectra|spectra/\*/": "spectra",
    r"\bpath/to/labeled\b|\bFOLDER\b": "real",
    r"\bDATASET\b": "data/boss",
    r"\b5000\b|\b20000\b": "16",
    r"--workers 16": "--workers 2",
    r"--spectra 400": "--spectra 100",
}
"""A name, or a value that is too large -> its replacement."""


def runnable(command: str) -> str:
    """The command as the shell is given it here."""
    for pattern, instead in REPLACED.items():
        command = re.sub(pattern, instead, command)
    first, *rest = command.split(" && ")
    smaller = [
        part + "".join(more for pattern, more in SMALLER.items() if re.search(pattern, part))
        for part in (first, *rest)
    ]
    return " && ".join(smaller)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return docs_folder.prepare(tmp_path_factory.mktemp("docs"))


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(docs_blocks.ROOT)))
def test_the_commands_of_a_page_run(page: Path, prepared: Path, tmp_path: Path):
    blocks = [b for b in docs_blocks.commands(page) if why_not(b.text) is None]
    if not blocks:
        pytest.skip("no command here that a test can run: tests/docs_not_run.py says why")
    folder = docs_folder.copy_for(blocks[0].page, prepared, tmp_path)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(docs_blocks.ROOT),
        "JAX_PLATFORMS": "cpu",
        "XDG_CACHE_HOME": str(prepared / "cache"),
    }
    for block in blocks:
        command = runnable(block.text)
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
        )
        output = (done.stdout + done.stderr)[-2000:]
        assert done.returncode == 0, f"{block}\nwas run as {command}\nand fails:\n{output}"


def test_every_command_is_run_or_declared_for_a_reason_that_is_still_needed():
    commands = [block.text for page in PAGES for block in docs_blocks.commands(page)]
    assert len(commands) > 50
    for pattern in NOT_RUN:
        assert any(re.search(pattern, command) for command in commands), f"{pattern} is not needed"
