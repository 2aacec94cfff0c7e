"""What README and docs point to exists, and nothing in them is left to be filled in."""

import re
from pathlib import Path

import pytest

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
