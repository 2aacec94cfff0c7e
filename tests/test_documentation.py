"""What README and docs point to exists, and nothing in them is left to be filled in."""

import re
from pathlib import Path

import pytest
from docs_blocks import PAGES, ROOT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert links or page.name != "README.md"
    for link in links:
        assert (page.parent / link).exists(), f"{page.name} links to {link}, which is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
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


def test_help_lists_every_target_that_is_no_file():
    makefile = (ROOT / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.*)", makefile, re.MULTILINE)[0].split()
    assert set(phony) == set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))


def test_every_page_is_on_the_site():
    index = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs").rglob("index.md"))
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.stem == "index" or f"\n{page.stem}\n" in index, page.name


def test_there_is_one_version():
    import spectranet_jax

    version = spectranet_jax.__version__
    assert f'\nversion = "{version}"' in (ROOT / "pyproject.toml").read_text()
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_ci_runs_every_test():
    """`make test` all but the long tests, `make test-slow` these."""
    makefile = (ROOT / "Makefile").read_text()
    chosen = dict(re.findall(r"^(test\S*): .*\n.* -m (.*) \$\(TOGETHER", makefile, re.MULTILINE))
    assert chosen["test"] == '"not long"' and chosen["test-slow"] == "long"
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    called = {" ".join(line.split()[:2]) for line in lines}
    assert {"make lint", "make docs", "make test", "make test-slow"} <= called
