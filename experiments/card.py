"""The card of a model: what it is, what it was trained on, how well it does, and where it fails."""

from collections.abc import Mapping
from typing import Any

from spectranet_jax.inference import Model

Evaluations = Mapping[str, Mapping[str, Any]]


def write_card(name: str, model: Model, command: str, evaluations: Evaluations, limits: str) -> str:
    """Markdown of the card; every number in it comes from the arguments.

    Args:
        name: of the model.
        model: the trained model.
        command: the one that trains it again.
        evaluations: title -> what evaluation.json holds of a split.
        limits: what a user should know before trusting it.
    """
    config = model.config
    settings = ", ".join(f"{key} {value}" for key, value in config["settings"].items())
    versions = ", ".join(f"{key} {value}" for key, value in config["versions"].items())
    return f"""# {name}

{config["network"]["name"]}, trained for the task "{config["task"]["name"]}".

| | |
|---|---|
| rebuilt by | `{command}` |
| training data | {config["data"]["folder"]}, fingerprint {config["data"]["fingerprint"]} |
| settings | {settings} |
| seed | {config["seed"]} |
| made with | {versions} |
| weights, sha256 over sorted names and bytes | {model.sha256} |
| templates that went in | none: every training spectrum is computed from published numbers |

## Scores

{chr(10).join(_scores(title, evaluation) for title, evaluation in evaluations.items())}
## Limits

{limits}
"""


def _scores(title: str, evaluation: Mapping[str, Any]) -> str:
    scores = evaluation["scores"]
    low, high = scores["accuracy_interval"]
    rows = "\n".join(
        f"| {name} | {_cell(row['precision'])} | {_cell(row['recall'])} | {_cell(row['f1'])}"
        f" | {row['support']:,} |"
        for name, row in scores["per_class"].items()
    )
    return f"""### {title}

{scores["n"]:,} spectra, data fingerprint {evaluation["data"]["fingerprint"]}. Accuracy in four
classes {scores["accuracy"]:.3f} (95%: {low:.3f} to {high:.3f}), with QSO and QSO_BAL as one
{scores["accuracy_three_class"]:.3f}; log-loss {_cell(scores["log_loss"])}, calibration error
{scores["calibration_error"]:.3f}.

| class | precision | recall | F1 | spectra |
|---|---|---|---|---|
{rows}
"""


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
