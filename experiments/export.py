"""Turn a trained run into weights to ship: safetensors, config and card, free of checkpoints.

    python -m experiments.export runs/classify --name classifier
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from data_prep.command import command

WEIGHTS = Path("spectranet_jax/weights")


@dataclass(frozen=True)
class Config:
    """Settings of an export."""

    run: Annotated[Path, tyro.conf.Positional]
    """run folder, evaluated"""
    name: str
    """name of the model, under which `load` and --model find it"""
    out: Path = WEIGHTS
    """folder that the model's folder is written to"""


def work(config: Config) -> None:
    """Export as configured."""
    from spectranet_jax.inference import load, weights
    from spectranet_jax.spectra.atomic import write_text
    from spectranet_jax.training import run

    model = load(config.run)
    folder = config.out / config.name
    evaluation = run.read_evaluation(config.run)
    weights.save(folder / weights.FILE_NAME, model.variables)
    write_text(folder / run.CONFIG, json.dumps(model.config, indent=1) + "\n")
    write_text(folder / run.EVALUATION, json.dumps(evaluation, indent=1) + "\n")
    print(f"{folder}: sha256 {model.sha256}")


if __name__ == "__main__":
    command(Config, work, __doc__)
