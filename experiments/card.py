"""The card of a model: what it is, what it was trained on, how well it does, and where it fails."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from experiments.tables import interval

if TYPE_CHECKING:
    from spectranet_jax.inference import Model

Evaluations = Mapping[str, Mapping[str, Any]]

MOCK = "data_prep.mock"

SHIPPED = """redrock's galaxies and quasar archetypes (BSD license) and PyHammer's stars (MIT
  license), whose licenses lie beside them in `data_prep/mock/templates`. Spectra to train, validate
  and test on are drawn from the same templates, so mock scores flatter where templates matter"""


def limits(creator: Mapping[str, Any]) -> str:
    """What a user should know before trusting a model that was trained on these data, Markdown."""
    if creator.get("command") != MOCK:
        return "Nobody has written them down."
    config = creator["config"]
    templates = f"{config['templates']}: see their licenses"
    if "empirical templates" in config["without"]:
        light = "No template went in."
    else:
        origin = SHIPPED if config["templates"] == "shipped" else templates
        light = f"Part of the light is drawn from templates: {origin}."
    counts = ", ".join(f"{name} {count:,}" for name, count in config["counts"].items())
    left_out = ", ".join(config["without"]) or "nothing"
    return f"""\
- Trained on mock spectra alone; no survey spectrum went in. {light}
- Ingredients left out of the survey: {left_out}.
- Much in the survey was set against real BOSS and SDSS spectra, plate 7102 among them, which were
  scored some thirty times while it was drawn up. They are a development set, and their scores
  flatter.
- Made for BOSS spectra of quasar targets; spectra of SDSS-I/II, whose outer bins are empty, work
  too. Other surveys' galaxies may look different.
- Class probabilities are calibrated on the mock survey ({counts}). In a sample
  with other frequencies they need to be weighted: LineNet does so with `--class-prior`.
- Below a median S/N of 2 a bin of 690 km/s (flag LOW_SN) classes are guesses.
- The same seed gives the same survey, and so the same weights, on the same kind of machine: other
  processors round differently."""


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

{limits(creator)}
"""


def _scores(title: str, evaluation: Mapping[str, Any]) -> str:
    scores = evaluation["scores"]
    low, high = scores["accuracy_interval"]
    rows = "\n".join(
        f"| {name} | {_cell(row['precision'])} | {_cell(row['recall'])} | {_cell(row['f1'])}"
        f" | {row['support']:,} |"
        for name, row in scores["per_class"].items()
    )
    parts = [
        f"""### {title}

{scores["n"]:,} spectra, data fingerprint {evaluation["data"]["fingerprint"]}. Accuracy in four
classes {scores["accuracy"]:.3f} (95%: {low:.3f} to {high:.3f}), with QSO and QSO_BAL as one
{scores["accuracy_three_class"]:.3f}; log-loss {_cell(scores["log_loss"])}, calibration error
{scores["calibration_error"]:.3f}.

| class | precision | recall | F1 | spectra |
|---|---|---|---|---|
{rows}
"""
    ]
    if "quasars" in scores:
        parts += [_redshifts(scores), _posterior(scores)]
    return "\n".join(parts)


def _redshifts(scores: Mapping[str, Any]) -> str:
    quasars = scores["quasars"]
    ranges = quasars["redshift_by_range"] or {}
    named = {f"quasars, {name}": part for name, part in ranges.items()}
    named = {"quasars": quasars["redshift"], **named, "galaxies": scores["galaxies"]}
    rows = "\n".join(
        f"| {name} | {part['n']:,} | {part['median_dv']:,.0f} | {part['nmad_dv']:,.0f} | "
        + " | ".join(interval(part["within"][limit]) for limit in ("1000", "3000"))
        + " |"
        for name, part in named.items()
        if part
    )
    return f"""| redshifts | spectra | median dv, km/s | NMAD, km/s | within 1000 | within 3000 |
|---|---|---|---|---|---|
{rows}

Quasars: purity {interval(quasars["purity"])}, completeness {interval(quasars["completeness"])},
of the quasars called so {interval(quasars["catastrophic"])} are off by over 3000 km/s.
Broad absorption: recall {interval(quasars["bal_recall"])}, false alarms
{interval(quasars["bal_false_alarm"])}, area under the ROC curve {_cell(quasars["bal_auc"])}.
"""


def _posterior(scores: Mapping[str, Any]) -> str:
    if scores["posterior"] is None:
        return ""
    held = ", ".join(
        f"{float(level):.0%}: {part['fraction']:.3f}"
        for level, part in scores["posterior"]["highest_density"].items()
    )
    return f"""Intervals of highest density of p(z) that hold the true redshift: {held}; CRPS
{scores["posterior"]["crps_mean"]:,.0f} km/s in the mean.
"""


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
