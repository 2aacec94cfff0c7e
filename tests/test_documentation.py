"""What README and docs point to exists, and nothing in them is left to be filled in."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_fits import write_spec

import spectranet_jax as snj
from spectranet_jax.catalog import catalog_file

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert links or page.name != "README.md"
    for link in links:
        assert (page.parent / link).exists(), f"{page.name} links to {link}, which is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_is_left_to_be_filled_in(page: Path):
    assert not re.findall(r"@[A-Z_]+@", page.read_text(encoding="utf-8"))


def test_commands_named_in_the_documentation_exist():
    for page in PAGES:
        for name in re.findall(r"python -m ((?:experiments|data_prep)\.\w+)", page.read_text()):
            module = ROOT / name.replace(".", "/")
            assert module.with_suffix(".py").exists() or (module / "__main__.py").exists(), name


def test_targets_of_make_named_in_the_documentation_exist():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for page in PAGES:
        named = re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)
        assert set(named) <= set(targets), page.name


def test_ci_runs_every_test():
    """`make test` all but the long tests, `make test-slow` these."""
    makefile = (ROOT / "Makefile").read_text()
    chosen = dict(re.findall(r"^(test\S*): .*\n.*pytest -m (.*) \$", makefile, re.MULTILINE))
    assert chosen["test"] == '"not long"' and chosen["test-slow"] == "long"
    assert {"make test", "make test-slow"} <= set((ROOT / ".ci" / "run").read_text().splitlines())


def test_the_lines_for_a_notebook_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Both ways to the same answer: from the file, and from its arrays."""
    monkeypatch.chdir(tmp_path)
    flux = np.random.default_rng(0).normal(3, 1, 4600)
    path = "spec-7102-56666-0082.fits"
    write_spec(Path(path), flux=flux)
    catalog_file.write(snj.load().predict(snj.read(path)), Path("my-catalog.fits"))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    model = names["model"]
    assert len(names["reliable"]) <= len(names["catalog"]) == 1
    of_file, of_arrays = model.predict(snj.read(path)), model.predict(names["mine"])
    assert of_file["CLASS"].tolist() == of_arrays["CLASS"].tolist()
    assert of_file["Z_NET"][0] == pytest.approx(of_arrays["Z_NET"][0], abs=1e-6)
