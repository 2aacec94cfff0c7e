"""The card of a model: what it is, what it was trained on, how well it does, and where it fails."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spectranet_jax.inference import Model

Evaluations = Mapping[str, Mapping[str, Any]]

MOCK = "data_prep.mock"

LIMITS = {
    MOCK: """\
- Trained on mock spectra alone: no template and no real spectrum went in, so no license but this
  project's applies. Most of the survey's numbers are published ones; noise, calibration tilt,
  quasar line strengths, the mixture of old galaxies and the bands of M dwarfs were set against real
  BOSS spectra, plate 7102 among them, which were scored about a dozen times while the survey was
  drawn up. They are a development set, and their scores flatter.
- Made for BOSS spectra of quasar targets; spectra of SDSS-I/II, whose outer bins are empty, work
  too. Other surveys' galaxies may look different.
- Probabilities are calibrated on the mock survey, whose classes are equally frequent. In a sample
  with other frequencies they need to be weighted by them.
- Below a median S/N of 2 a bin of 690 km/s (flag LOW_SN) classes are guesses.
- The same seed gives the same survey, and so the same weights, on the same kind of machine: other
  processors round differently."""
}
"""What made the training data -> what a user should know before trusting the model."""


def write_card(name: str, model: "Model", command: str, evaluations: Evaluations) -> str:
    """Markdown of the card; every number in it comes from the arguments.

    Args:
        name: of the model.
        model: the trained model.
        command: the one that trains it again.
        evaluations: title -> what evaluation.json holds of a split.
    """
    config = model.config
    settings = ", ".join(f"{key} {value}" for key, value in config["settings"].items())
    creator = config["data"]["creator"]
    versions = ", ".join(f"{key} {value}" for key, value in config["versions"].items())
    return f"""# {name}

{config["network"]["name"]}, trained for the task "{config["task"]["name"]}".

| | |
|---|---|
| rebuilt by | `{command}` |
| training data | {config["data"]["folder"]}, fingerprint {config["data"]["fingerprint"]} |
| made by | {", ".join(f"{key} {value}" for key, value in creator.items())} |
| settings | {settings} |
| seed | {config["seed"]} |
| made with | {versions} |
| weights, sha256 over sorted names and bytes | {model.sha256} |

## Scores

{chr(10).join(_scores(title, evaluation) for title, evaluation in evaluations.items())}
## Limits

{LIMITS.get(creator.get("command", ""), "Nobody has written them down.")}
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
