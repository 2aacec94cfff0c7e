"""Figures show the values given, and a PNG file appears complete or not at all."""

import itertools
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from spectranet_jax.evaluation import figures
from spectranet_jax.evaluation.redshift_scores import dv
from spectranet_jax.spectra import CLASSES, InputError
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.labels import CLASS_COLORS

COUNTS = np.array([[90, 5, 4, 1], [10, 180, 8, 2], [0, 3, 45, 2], [1, 0, 4, 5]])


def metrics() -> list[dict[str, float]]:
    """Two chunks of 40 steps: within each the loss falls, and it starts higher at the second."""
    rows: list[dict[str, float]] = []
    for step in range(1, 81):
        loss = 1.5 * np.exp(-((step - 1) % 40) / 15) + 0.3
        rows.append({"step": step, "loss": float(loss), "learning_rate": 1e-3 * (1 - step / 80)})
        if step % 20 == 0:
            rows.append({"step": step, "valid_loss": 0.5 + 10 / step + (step == 80)})
    return rows


def redshifts(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return 400 redshifts, of which 30 are far off and 5 are missing."""
    z = rng.uniform(0.5, 4, 400)
    guess = z + (1 + z) * rng.normal(0, 0.001, 400)
    guess[:30] = z[:30] + 0.5
    guess[30:35] = [np.nan, np.nan, np.inf, -np.inf, np.nan]
    return z, guess


def draw_examples(path: Path) -> None:
    rng = np.random.default_rng(1)
    flux = rng.normal(size=(4, GRID.size))
    flux[0, :20] = np.nan
    flux[1] = np.nan
    p = rng.dirichlet(np.ones(4), 4)
    truth = np.array([0, 1, 2, 3])
    figures.examples(flux, GRID.centers, truth, p.argmax(axis=1), p, path)


ALL: dict[str, Callable[[Path], None]] = {
    "loss": lambda path: figures.loss_curve(metrics(), path, "cross-entropy (nats)"),
    "confusion": lambda path: figures.confusion_matrix(COUNTS, path),
    "scatter": lambda path: figures.redshift_scatter(*redshifts(np.random.default_rng(1)), path),
    "residuals": lambda path: figures.residuals(
        (z := redshifts(np.random.default_rng(1)))[0], dv(z[1], z[0]), path
    ),
    "examples": draw_examples,
}


@pytest.mark.slow
@pytest.mark.parametrize("draw", ALL.values(), ids=ALL.keys())
def test_a_figure_is_one_png_file_and_leaves_no_trace(
    draw: Callable[[Path], None], tmp_path: Path
) -> None:
    before = matplotlib.rcParams.copy()
    path = tmp_path / "figures" / "one.png"
    draw(path)
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert b"atplotlib" not in content  # its version would change the bytes
    width, height = struct.unpack(">II", content[16:24])
    assert 1000 <= width <= 2200
    assert 700 <= height <= 2200
    assert [p.name for p in path.parent.iterdir()] == ["one.png"]
    assert matplotlib.rcParams == before
    draw(path)
    assert path.read_bytes() == content  # equal data, equal bytes


@pytest.mark.slow
@pytest.mark.parametrize("draw", ALL.values(), ids=ALL.keys())
def test_labels_name_quantity_and_unit(
    draw: Callable[[Path], None], tmp_path: Path, drawn: list[Figure]
) -> None:
    draw(tmp_path / "one.png")
    figure = drawn[0]
    labels = [a.get_xlabel() for a in figure.axes] + [a.get_ylabel() for a in figure.axes]
    labels += [figure.get_supxlabel(), figure.get_supylabel()]
    given = {label for label in labels if label}
    expected = {
        "loss": {"iteration", "cross-entropy (nats)", "learning rate"},
        "confusion": {"predicted class", "true class"},
        "scatter": {"true redshift $z$", "predicted redshift $z$"},
        "residuals": {
            "true redshift $z$",
            r"$c\,(z_\mathrm{pred} - z) / (1 + z)$  (km/s)",
            "spectra",
        },
        "examples": {"vacuum wavelength (Å)", "normalized flux"},
    }
    assert given == expected[next(name for name, drawing in ALL.items() if drawing is draw)]


def test_the_loss_curve_is_the_metrics(tmp_path: Path, drawn: list[Figure]) -> None:
    rows = metrics()
    figures.loss_curve(rows, tmp_path / "loss.png")
    loss, rate = drawn[0].axes
    training, validation, lowest = loss.get_lines()
    assert list(training.get_xdata()) == list(range(1, 81))
    assert list(training.get_ydata()) == [row["loss"] for row in rows if "loss" in row]
    # The saw-tooth is there: the loss jumps up once, where the second chunk begins.
    assert np.flatnonzero(np.diff(training.get_ydata()) > 0).tolist() == [39]
    assert list(validation.get_xdata()) == [20, 40, 60, 80]
    assert list(lowest.get_xdata()) == [60]
    assert lowest.get_label() == "lowest: 0.6667 at iteration 60"
    assert rate.get_lines()[0].get_ydata() == pytest.approx(1e-3 * (1 - np.arange(1, 81) / 80))


@pytest.mark.slow
def test_a_run_cut_off_before_its_first_validation_has_a_curve(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    figures.loss_curve([{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}], tmp_path / "a.png")
    figures.loss_curve([], tmp_path / "b.png")
    assert len(drawn) == 2
    assert (tmp_path / "b.png").is_file()


def test_the_confusion_matrix_shows_fractions_of_the_true_class(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    figures.confusion_matrix(COUNTS, tmp_path / "confusion.png")
    axes = drawn[0].axes[0]
    texts = [text.get_text() for text in axes.texts]
    expected = []
    for row in COUNTS:
        for count in row:
            expected += [f"{100 * count / row.sum():.1f}%", str(count)]
    assert texts == expected
    assert axes.get_title(loc="left") == "88.89% correct of 360 spectra"
    assert [label.get_text() for label in axes.get_xticklabels()] == list(CLASSES)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first class on top


def test_a_class_without_spectra_has_no_fractions(tmp_path: Path, drawn: list[Figure]) -> None:
    counts = COUNTS.copy()
    counts[3] = 0
    figures.confusion_matrix(counts, tmp_path / "confusion.png")
    assert [text.get_text() for text in drawn[0].axes[0].texts[-8::2]] == ["–"] * 4


def test_every_redshift_is_in_the_scatter(
    tmp_path: Path, drawn: list[Figure], rng: np.random.Generator
) -> None:
    z, guess = redshifts(rng)
    figures.redshift_scatter(z, guess, tmp_path / "scatter.png")
    axes = drawn[0].axes[0]
    sizes = [len(points.get_offsets()) for points in axes.collections]
    assert sizes == [365, 30, 5]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["within 3,000 km/s: 365 of 400", "beyond: 30", "no redshift: 5"]
    for points in axes.collections:
        x, y = points.get_offsets().T
        assert (x >= axes.get_xlim()[0]).all()
        assert ((y >= axes.get_ylim()[0]) & (y <= axes.get_ylim()[1])).all()


def test_every_residual_is_in_the_figure(
    tmp_path: Path, drawn: list[Figure], rng: np.random.Generator
) -> None:
    z, guess = redshifts(rng)
    velocity = dv(guess, z)
    figures.residuals(z, velocity, tmp_path / "residuals.png")
    axes, side = drawn[0].axes
    near, above, below, _ = (len(points.get_offsets()) for points in axes.collections)
    assert (near, above, below) == (365, 30, 0)
    assert sum(patch.get_width() for patch in side.patches) == 365
    median = np.nanmedian(velocity)
    title = axes.get_title(loc="left").replace("−", "-")
    assert title.startswith(f"400 spectra: median {median:+,.0f}, NMAD ")
    assert title.endswith("; 30 beyond ±3,000 km/s; 5 without z")


@pytest.mark.slow
def test_no_redshift_at_all_is_still_a_figure(tmp_path: Path) -> None:
    z = np.linspace(1, 2, 5)
    figures.residuals(z, np.full(5, np.nan), tmp_path / "residuals.png")
    figures.redshift_scatter(z, np.full(5, np.nan), tmp_path / "scatter.png")
    assert len(list(tmp_path.iterdir())) == 2


def test_examples_carry_truth_and_prediction_in_the_colors_of_their_classes(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    flux = np.random.default_rng(1).normal(size=(2, GRID.size))
    p = np.array([[0.1, 0.7, 0.15, 0.05], [0.1, 0.1, 0.2, 0.6]])
    truth, predicted = np.array([1, 2]), np.array([1, 3])
    figures.examples(flux, GRID.centers, truth, predicted, p, tmp_path / "examples.png")
    right, right_bars, wrong, wrong_bars = drawn[0].axes
    assert right.get_title(loc="left") == "GALAXY"
    assert right.get_title(loc="right") == "✓ GALAXY 70%"
    assert wrong.get_title(loc="left") == "QSO"
    assert wrong.get_title(loc="right") == "✗ QSO_BAL 60%"
    assert to_hex(wrong.get_lines()[0].get_color()) == CLASS_COLORS["QSO"]
    assert right.get_facecolor() != wrong.get_facecolor()
    for bars, row in ((right_bars, p[0]), (wrong_bars, p[1])):
        assert [bar.get_width() for bar in bars.patches] == row.tolist()
        assert [to_hex(bar.get_facecolor()) for bar in bars.patches] == list(CLASS_COLORS.values())


def test_every_class_has_a_color() -> None:
    assert tuple(CLASS_COLORS) == CLASSES


def linear(color: str) -> np.ndarray:
    """Linear RGB of an sRGB color (IEC 61966-2-1)."""
    value = np.array(to_rgb(color))
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB, white point D65."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    x, y, z = np.cbrt(to_xyz @ np.clip(rgb, 1e-4, 1) / [0.95047, 1, 1.08883])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


# Machado, Oliveira & Fernandes (2009), severity 1: what a color-blind eye sees, in linear RGB.
SEEN_BY = {
    "all cones": np.eye(3),
    "no L cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no M cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no S cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("eye", SEEN_BY)
def test_colors_of_the_classes_are_reported_apart_by_every_eye(eye: str) -> None:
    """Ten times the just noticeable difference of L*a*b*, 2.3, between any two."""
    seen = {name: lab(SEEN_BY[eye] @ linear(color)) for name, color in CLASS_COLORS.items()}
    for a, b in itertools.combinations(CLASSES, 2):
        assert np.linalg.norm(seen[a] - seen[b]) > 23, (a, b)


@pytest.mark.parametrize("name", CLASSES)
def test_colors_of_the_classes_stand_out_from_the_paper(name: str) -> None:
    """Contrast of 3 to 1 with white, as WCAG 2.1 asks of graphics."""
    luminance = np.array([0.2126, 0.7152, 0.0722]) @ linear(CLASS_COLORS[name])
    assert 1.05 / (luminance + 0.05) >= 3


def test_a_failure_leaves_neither_file_nor_half_of_one(tmp_path: Path) -> None:
    path = tmp_path / "figures" / "confusion.png"
    with pytest.raises(ValueError, match=r"zip|match|shape"):
        figures.confusion_matrix(COUNTS, path, classes=("STAR", "GALAXY"))
    assert not path.exists()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write"):
        figures.confusion_matrix(COUNTS, tmp_path / "file" / "confusion.png")


@pytest.mark.slow
def test_no_display_and_no_pyplot_are_needed(tmp_path: Path) -> None:
    """In a process of its own, with a backend that does not exist as a display."""
    program = (
        "import sys; from pathlib import Path\n"
        "from spectranet_jax.evaluation.figures import confusion_matrix\n"
        "confusion_matrix([[3, 1], [0, 4]], Path(sys.argv[1]), ['A', 'B'])\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'jax' not in sys.modules\n"
    )
    path = tmp_path / "confusion.png"
    subprocess.run([sys.executable, "-c", program, path], check=True, cwd=Path(__file__).parents[1])
    assert path.is_file()
