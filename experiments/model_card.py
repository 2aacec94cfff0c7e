"""The card of a model: what it is, what it was trained on, how well it does, and where it fails."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spectranet_jax.evaluation.scores_json import from_json
from spectranet_jax.training.run import one_network

if TYPE_CHECKING:
    from spectranet_jax.inference import Model
    from spectranet_jax.tasks import Task

Evaluations = Mapping[str, Mapping[str, Any]]

MOCK = "data_prep.mock"

EARLIER = {
    "redrock-templates": "BSD-3-Clause",
    "redrock-archetypes": "BSD-3-Clause",
    "PyHammer": "MIT",
}
"""Licenses of the templates of earlier surveys, whose manifests call them "shipped"."""


def templates_used(creator: Mapping[str, Any]) -> str:
    """Return the templates in a training survey with their licenses; "none" without templates."""
    config = creator.get("config", {})
    templates = config.get("templates")
    if creator.get("command") != MOCK or "empirical templates" in config["without"]:
        return "none"
    if isinstance(templates, str) and templates != "shipped":
        return "of unknown origin and license"  # earlier versions recorded only a folder's path
    licenses = EARLIER if templates == "shipped" else (templates or {}).get("licenses", {})
    return ", ".join(f"{origin} ({name} license)" for origin, name in licenses.items()) or "none"


def limits(creator: Mapping[str, Any]) -> str:
    """Return what users of a model should know about its training data, Markdown."""
    if creator.get("command") != MOCK:
        return "No limits are recorded for this training data."
    config = creator["config"]
    templates = templates_used(creator)
    origin = "No templates were used: all spectra are drawn from physics alone."
    if templates != "none":
        origin = f"""Some of the spectra are drawn from templates: {templates}.
  Training, validation and test spectra are drawn from the same templates, so scores on mock spectra
  are optimistic."""
    counts = ", ".join(f"{name} {count:,}" for name, count in config["counts"].items())
    left_out = ", ".join(config["without"]) or "nothing"
    return f"""\
- Trained on mock spectra only, and on no survey spectrum. {origin}
- Ingredients left out of the survey: {left_out}.
- Much of the survey was tuned on real BOSS and SDSS spectra, including plate 7102. They were scored
  about forty times during its development. They are a development set, and their scores are
  optimistic.
- {_instruments(config)}
- Class probabilities are calibrated on the mock survey ({counts}). For a
  sample with other class fractions they must be reweighted: LineNet does so with `--class-prior`.
- Below a median S/N of 2 per 690 km/s bin (flag LOW_SN), classes are guesses.
- The same seed gives the same survey, and so the same weights, on the same kind of machine. Other
  processors round differently."""


def _instruments(survey: Mapping[str, Any]) -> str:
    """Return the card's limit on instruments; the first mock surveys had BOSS alone."""
    if "instruments" not in survey:
        return """\
Made for BOSS spectra of quasar targets. Spectra of SDSS-I/II also work; their outer bins are
  empty. Galaxies of other surveys may look different."""
    names = ", ".join(name.upper() for name in survey["instruments"])
    return f"""\
Made for the noise, coverage and resolution of these instruments: {names}. Predictions may be
  worse for spectra of others, and for targets much fainter than those of these surveys."""


def started_from(config: Mapping[str, Any]) -> str:
    """Return the row of the card that names the model that was fine-tuned; "" without one."""
    if "init" not in config:
        return ""
    init = config["init"]
    return (
        f"| fine-tuned from | {init['model']}, whose weights have the sha256 {init['sha256']} and"
        f" whose training data had the fingerprint {init['data']}; its limits apply here, too |\n"
    )


def _reach(network: dict[str, Any]) -> str:
    """Return the row of the card with the redshifts that the network can give; "" without one."""
    reach = one_network(network).get("reach")
    if reach is None:
        return ""
    low, high = (10**shift - 1 for shift in reach)
    return f"| redshifts | {low:.4f} to {high:.2f} |\n"


def write_card(name: str, model: "Model", command: str, evaluations: Evaluations) -> str:
    """Return the card as Markdown; every number in it comes from the arguments.

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
{_reach(config["network"])}{started_from(config)}| rebuilt by | `{command}` |
| training data | {config["data"]["folder"]}, fingerprint {config["data"]["fingerprint"]} |
| made by | {", ".join(f"{key} {value}" for key, value in creator.items())} |
| templates | {templates_used(creator)} |
| settings | {settings} |
| seed | {config["seed"]} |
| made with | {versions} |
| weights, sha256 over sorted names and bytes | {model.sha256} |

## Scores

{chr(10).join(_scores(model.task, title, evaluation) for title, evaluation in evaluations.items())}
## Limits

{limits(creator)}
"""


def _scores(task: "Task", title: str, evaluation: Mapping[str, Any]) -> str:
    content = evaluation["scores"]
    scores: Any = from_json(task.scored, content)
    first, *later_sections = task.card(scores)
    begin = f"{content['spectra']:,} spectra, data fingerprint {evaluation['data']['fingerprint']}."
    return "\n".join([f"### {title}\n\n{begin} {first}", *later_sections])
