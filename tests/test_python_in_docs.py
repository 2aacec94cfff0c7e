"""Every block of Python in README and docs runs, page by page, on example files."""

from pathlib import Path
from typing import Any

import docs_blocks
import pytest

import spectranet_jax as snj
from data_prep import example
from spectranet_jax.catalog import catalog_file

pytestmark = pytest.mark.slow

PAGES = [page for page in docs_blocks.PAGES if docs_blocks.python(page)]

NEEDED = {"docs/quasarnet.md": "needs QuasarNP's weights, which tests/test_keras_weights.py runs"}
"""Page -> why its blocks are not run here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Example files, one of them beside the notebook, and catalogs of them."""
    folder = tmp_path_factory.mktemp("docs")
    example.main(example.Config(folder / "example"))
    name = "spec-7102-56666-0021.fits"
    files = sorted((folder / "example" / "spectra").iterdir())
    (folder / name).write_bytes((folder / "example" / "spectra" / name).read_bytes())
    table = snj.load().predict([spectrum for file in files for spectrum in snj.read(file)])
    for out in ("my-catalog.fits", "catalog.fits"):
        catalog_file.write(table, folder / out)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(docs_blocks.ROOT)))
def test_the_blocks_of_a_page_run(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    blocks = docs_blocks.python(page)
    if blocks[0].page in NEEDED:
        pytest.skip(NEEDED[blocks[0].page])
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    for block in blocks:
        try:
            exec(block.text, names)
        except Exception as error:
            raise AssertionError(f"{block.page}:{block.line} fails: {error!r}") from error
    if block.page == "README.md":
        assert 10 < len(names["reliable"]) <= names["quasar"].sum()
    if block.page == "docs/tutorial-catalog.md":
        assert sum(names["right"]) > 30
    if block.page == "docs/predicting.md":  # both ways give the same answer
        of_file, of_arrays = names["table"], names["model"].predict(names["mine"])
        assert of_file["CLASS"].tolist() == of_arrays["CLASS"].tolist()
        assert of_file["Z_NET"][0] == pytest.approx(of_arrays["Z_NET"][0], abs=1e-6)
