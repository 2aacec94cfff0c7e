"""The run folder: all that a training run writes and needs to resume.

- config.json: network, task and settings; enough to build both again
- metrics.jsonl: one JSON object per line, the loss of each step and the validation of each epoch
- checkpoints/: `last` to resume from, `best` to evaluate and predict with, each with SHA256SUMS
- calibration.json: fields of the task that were fitted to the validation split after training
- evaluation.json and figures/: written by evaluation
- profile/: a trace of some steps, if asked for
"""

import json
from pathlib import Path
from typing import Any

from spectranet_jax.datasets.atomic import check_writable, write_text
from spectranet_jax.spectra.errors import InputError

CONFIG = "config.json"
METRICS = "metrics.jsonl"
EVALUATION = "evaluation.json"
CALIBRATION = "calibration.json"

EPOCHS = "settings.epochs"

MAY_CHANGE = ("versions.", "data.folder")
"""Settings that may differ when a run is resumed: its versions, and the place of the same data."""

Row = dict[str, Any]


def one_network(network: Row) -> Row:
    """Return the fields of the network in config.json; of an ensemble, those of a member."""
    return network.get("member", network)


def write_config(run: Path, config: Row) -> None:
    """Write config.json, or check that the existing one is the same.

    Raises:
        InputError: if the folder holds a run with other settings.
    """
    check_folder(run, config)
    path = run / CONFIG
    if not path.exists():
        write_text(path, json.dumps(config, indent=1) + "\n")


def check_folder(run: Path, config: Row) -> None:
    """Check that a run can be written to a folder, before any work for it.

    Args:
        run: the folder, which may be absent, empty, or hold the same run.
        config: the known parts of config.json.

    Raises:
        InputError: if the folder cannot be made, or holds something else, or other settings.
    """
    check_writable(run, folder=True)
    if not (run / CONFIG).exists():
        if run.is_dir() and any(run.iterdir()):
            raise InputError(f"{run} is not empty and is not a run folder; choose another --out")
        return
    written = read_config(run)
    if "experiment" in config and written.get("experiment") != config["experiment"]:
        raise InputError(
            f"{run} holds a run of experiments.{written.get('experiment')}; choose another --out"
        )
    before, now = _flat({key: written.get(key, {}) for key in config}), _flat(config)
    differing = [
        key
        for key in before | now
        if before.get(key) != now.get(key) and not key.startswith(MAY_CHANGE)
    ]
    if differing == [EPOCHS]:
        raise InputError(
            f"{run} was planned for --epochs {before[EPOCHS]}, which sets its learning rates, so"
            f" it cannot be extended to {now.get(EPOCHS)}; give another --out,"
            f" or --epochs {before[EPOCHS]} to resume"
        )
    if differing:
        raise InputError(
            f"{run} holds a run with other settings ({', '.join(differing)});"
            " choose another --out, repeat the settings to resume it, or remove it"
        )


def read_config(run: Path) -> Row:
    """Return the contents of config.json.

    Raises:
        InputError: if the folder is no run folder.
    """
    path = run / CONFIG
    if not path.is_file():
        raise InputError(
            f"{run} is not a run folder: it has no {CONFIG}; give the --out of a training run"
        )
    return _parse(path, _text(path))


def read_metrics(run: Path) -> list[Row]:
    """Return the rows of metrics.jsonl, in order, without a truncated last line.

    Raises:
        InputError: if a line is no row.
    """
    path = run / METRICS
    if not path.is_file():
        return []
    rows = [_parse(path, line) for line in _text(path).split("\n")[:-1]]
    if not all(isinstance(row.get("step"), int) for row in rows):
        raise InputError(f"{path} has a line without its step; the run folder is damaged")
    return rows


def keep_metrics(run: Path, step: int) -> list[Row]:
    """Remove the rows past `step`, which a resumed run will write again; return the others."""
    kept = [row for row in read_metrics(run) if row["step"] <= step]
    write_text(run / METRICS, "".join(json.dumps(row) + "\n" for row in kept))
    return kept


def append_metrics(run: Path, rows: list[Row]) -> None:
    """Add rows to metrics.jsonl.

    Raises:
        InputError: if they cannot be written.
    """
    try:
        with (run / METRICS).open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows))
    except OSError as error:
        raise InputError(
            f"cannot write {run / METRICS}: {error.strerror or error};"
            " make room and repeat the command to resume"
        ) from error


def read_calibration(run: Path) -> Row:
    """Return the contents of calibration.json; empty if nothing was calibrated."""
    path = run / CALIBRATION
    return _parse(path, _text(path)) if path.is_file() else {}


def write_calibration(run: Path, fields: Row) -> None:
    """Write calibration.json."""
    write_text(run / CALIBRATION, json.dumps(fields, indent=1) + "\n")


def read_evaluation(run: Path) -> Row:
    """Return the contents of evaluation.json, by split; empty if there is none yet."""
    path = run / EVALUATION
    return _parse(path, _text(path)) if path.is_file() else {}


def write_evaluation(run: Path, split: str, evaluation: Row) -> None:
    """Write the evaluation of a split to evaluation.json, beside those of other splits."""
    content = read_evaluation(run) | {split: evaluation}
    write_text(run / EVALUATION, json.dumps(content, indent=1) + "\n")


def _flat(tree: Row, prefix: str = "") -> Row:
    """Flatten nested settings to dotted names, as in "settings.epochs"."""
    flat: Row = {}
    for key, value in tree.items():
        flat |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return flat


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); restore or remove it") from error


def _parse(path: Path, text: str) -> Row:
    try:
        row = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not valid JSON ({error}); restore or remove it") from error
    if not isinstance(row, dict):
        raise InputError(f"{path} does not hold what a training run writes; restore or remove it")
    return row
