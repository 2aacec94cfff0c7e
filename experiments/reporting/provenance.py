"""Provenance of the page: versions, data, seeds, runs."""

from pathlib import Path
from typing import Any

from experiments.pipeline import versions
from spectranet_jax.datasets import manifest
from spectranet_jax.inference import load
from spectranet_jax.training import run


def provenance(out: Path, surveys: dict[str, Path], command: str) -> dict[str, Any]:
    """Return the contents of the page's foot.

    Args:
        out: folder of the runs.
        surveys: dataset by its name.
        command: the line that made the page.
    """
    datasets = {
        folder: manifest.read(folder).fingerprint for folder in dict.fromkeys(surveys.values())
    }
    folders = sorted(path.parent for path in out.rglob(run.CONFIG))
    runs = [
        (
            folder.relative_to(out).as_posix(),
            run.read_config(folder)["seed"],
            run.read_evaluation(folder)["test"]["sha256"],
        )
        for folder in folders
        if "test" in run.read_evaluation(folder)
    ]
    return {
        "command": command,
        "versions": versions(),
        "datasets": datasets,
        "runs": runs,
        "shipped": {(model := load()).name: model.sha256},
    }
