"""The notebook of the documents runs from top to bottom, and is kept without outputs."""

import os
from pathlib import Path

import docs_blocks
import nbclient
import nbformat
import pytest

NOTEBOOK = docs_blocks.ROOT / "docs" / "notebook.ipynb"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of Jupyter, which is not ours
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(docs_blocks.ROOT)]))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    book = nbformat.read(NOTEBOOK, as_version=4)
    folder = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources=folder).execute()
    printed = " ".join(
        output.text for cell in book.cells for output in cell.get("outputs", ()) if "text" in output
    )
    assert "quasars are reliable" in printed and "within 3000 km/s: 1.00" in printed
    kinds = {
        kind for cell in book.cells for o in cell.get("outputs", ()) for kind in o.get("data", ())
    }
    assert {"image/png", "text/html"} <= kinds


def test_the_notebook_is_kept_without_outputs():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs") and not cell.get("execution_count")
