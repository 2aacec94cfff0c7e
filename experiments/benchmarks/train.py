"""A training step of Tables 1 and 3: ours, its plain Flax form, and PyTorch's two layouts.

LineNet's has no peer; Table 1 stands beside it.
"""

from functools import partial

from experiments.benchmarks import ours
from experiments.benchmarks.rows import Row, Setting, medians, rates
from experiments.benchmarks.torch_found import torch_peers

SUBJECTS = ("Table 1", "Table 3")


def train_rows(setting: Setting) -> list[Row]:
    """Measure spectra trained on per second."""
    peers = torch_peers()
    rows: list[Row] = []
    for subject in SUBJECTS:
        sides = {
            "ours": ours.train_step(subject, setting),
            "plain Flax": ours.train_step(subject, setting, plain=True),
        }
        if peers is not None:
            step = partial(peers.train_step, subject, setting)
            sides |= {layout: step(layout) for layout in peers.LAYOUTS}
        seconds = medians(sides, setting.repeats)
        rows += rates(f"training step, {subject}", seconds, setting.batch)
    sides = {name: ours.train_step(name, setting) for name in ("LineNet", "Table 1")}
    seconds = medians(sides, setting.repeats)
    return [*rows, *rates("training step, LineNet", seconds, setting.batch)]
