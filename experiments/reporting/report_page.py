"""From run folders to the page: results are read, computed, drawn, and put into the template."""

import base64
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from experiments.reporting import (
    beyond_figures,
    beyond_tables,
    real_spectra,
    report_figures,
    report_tables,
)
from experiments.reporting.compared import PEER, Spectra, replies
from experiments.reporting.contradictions import contradictions
from experiments.reporting.estimate import difference
from experiments.reporting.layers_table import layers
from experiments.reporting.number_formats import FILTERS
from experiments.reporting.provenance import provenance
from experiments.reporting.results import Results
from experiments.reporting.saw_tooth import saw_tooth
from experiments.reporting.sizes import Sizes
from experiments.reporting.stages import EVERY, SCHEDULES, TARGETS
from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.atomic import write_text
from spectranet_jax.evaluation import report
from spectranet_jax.evaluation.report import TABLE_1, TABLE_3
from spectranet_jax.inference import load
from spectranet_jax.progress import progress
from spectranet_jax.spectra.labels import CLASS_COLORS

PAGE = "report.html"
TEMPLATE = Path(__file__).parent / "template"
BESIDE = Path("../shared/data")
"""Where labeled real spectra are, unless the user names them."""


@dataclass(frozen=True)
class Inputs:
    """Inputs of the page.

    Attributes:
        out: folder of the runs and of the page.
        sizes: how much was trained.
        surveys: dataset of each of `stages.SURVEYS`.
        real: folder of labeled real spectra; None for the one beside the checkout, if any.
        weights: Keras file of a QuasarNET; None for the one trained here.
        command: the line that made the page.
        mock: whether the datasets are mock surveys.
    """

    out: Path
    sizes: Sizes
    surveys: dict[str, Path]
    real: Path | None
    weights: Path | None
    command: str
    mock: bool


def write(inputs: Inputs) -> Path:
    """Write the page into the folder of the runs, and return its path."""
    page = environment().get_template("report.html").render(context(inputs))
    write_text(inputs.out / PAGE, page)
    return inputs.out / PAGE


def environment() -> Environment:
    """Return templates in which every string is escaped, and a missing name is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= FILTERS
    return made


def context(inputs: Inputs) -> dict[str, Any]:
    """Return all that the template shows."""
    results = Results(inputs.out, inputs.sizes)
    with progress("writing the page", total=3) as advance:
        parts = of_the_report(inputs, results) | of_the_claims(results)
        advance(1, "predicting the test spectra with all models")
        parts |= on_test_spectra(inputs)
        advance(1, "predicting real spectra with all models")
        parts |= on_real_spectra(inputs)
        advance(1)
    return {
        **parts,
        "sizes": inputs.sizes,
        "mock": inputs.mock,
        "counts": {name: manifest.read(data).counts for name, data in inputs.surveys.items()},
        "report": report,
        "contradictions": contradictions(),
        "colors": CLASS_COLORS,
        "provenance": provenance(inputs.out, inputs.surveys, inputs.command),
    }


def of_the_report(inputs: Inputs, results: Results) -> dict[str, Any]:
    """Return Tables 1 to 4 and Figures 1 to 4."""
    grid = manifest.read(inputs.surveys["all"]).grid
    classes = results.classes_by_schedule()
    errors = {name: results.redshifts_by_schedule(target) for target, name in TARGETS.items()}
    built = {name: layers(name, grid) for name in ("SpectraNetClassifier", "SpectraNetRegressor")}

    def loss(kind: str, label: str) -> str:
        logs = {title: results.metrics(f"{kind}-{name}") for name, title in SCHEDULES.items()}
        return embedded(lambda path: report_figures.losses(logs, path, label))

    return {
        "classes": classes,
        "tooth": saw_tooth(results.metrics("classify-chunked"), inputs.sizes.epochs),
        "errors": errors,
        "table_1": report_tables.layers_table(
            "Table 1",
            "Network of the classes, as built",
            built["SpectraNetClassifier"],
            TABLE_1,
        ),
        "table_2": report_tables.classes_table(classes),
        "table_3": report_tables.layers_table(
            "Table 3",
            "Network of the redshift, as built",
            built["SpectraNetRegressor"],
            TABLE_3,
        ),
        "table_4": report_tables.errors_table(errors),
        "figure_1": loss("classify", "cross-entropy (nats)"),
        "figure_2": embedded(lambda path: report_figures.confusions(classes, path)),
        "figure_3": loss("redshift-qso", "squared error"),
        "figure_4": loss("redshift-bal", "squared error"),
    }


def of_the_claims(results: Results) -> dict[str, Any]:
    """Return the effect of parts of the recipe, and of more data."""
    accuracies, curves = results.claims(), results.curves()
    complete = accuracies["nothing"]
    printed = report.ACCURACY_IMPROVED
    return {
        "claims": accuracies,
        "losses": {
            n: difference(complete, estimate)
            for n, estimate in accuracies.items()
            if estimate is not complete
        },
        "every": EVERY,
        "claimed": printed[0] - printed[1],
        "curves": curves,
        "figure_5": embedded(lambda path: report_figures.claims(accuracies, printed, path)),
        "figure_6": embedded(lambda path: report_figures.more_data(*curves, path)),
    }


def on_test_spectra(inputs: Inputs) -> dict[str, Any]:
    """Return the report's networks beside QuasarNET and LineNet, on the spectra of Table 2."""
    spectra = Spectra.of_test(inputs.surveys["all"])
    answers = replies(spectra, *models(inputs))
    return {
        "answers": answers,
        "linenet": load(),
        "peer_is_trained_here": inputs.weights is None,
        "table_5": beyond_tables.models_table(spectra, answers),
        "figure_7": embedded(lambda path: beyond_figures.redshifts(spectra, answers, path)),
        "figure_8": embedded(lambda path: beyond_figures.trends(spectra, answers, path)),
        "figure_9": embedded(lambda path: beyond_figures.calibration(spectra, answers, path)),
    }


def on_real_spectra(inputs: Inputs) -> dict[str, Any]:
    """Return the same on labeled real spectra, if there are any."""
    folder = inputs.real or (BESIDE if (BESIDE / "index.csv").is_file() else None)
    real = real_spectra.measured(folder, *models(inputs)) if folder else None
    return {
        "real": real,
        "table_6": real and beyond_tables.real_table(real.groups, real.truth, real.redshifts),
        "redrock": beyond_tables.redrock_table("Table 7" if real else "Table 6"),
    }


def models(inputs: Inputs) -> tuple[dict[str, Path], dict[str, str | Path]]:
    """Return the runs of the report's networks, and QuasarNET's by its name on the page."""
    runs = {target: inputs.out / f"redshift-{target}-shuffled" for target in TARGETS}
    peers: dict[str, str | Path] = {PEER: inputs.weights or inputs.out / "quasarnet"}
    return runs | {"classify": inputs.out / "classify-shuffled"}, peers


def embedded(draw: Callable[[Path], object]) -> str:
    """Return a figure as a data URL: an SVG image, in which no script can run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.svg"
        draw(path)
        return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
