"""Figures of calibration and of redshift errors show the values given."""

import struct
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from spectranet_jax.evaluation.calibration import binomial_interval, reliability, risk_coverage
from spectranet_jax.evaluation.calibration_figures import (
    coverage_plot,
    pit_histogram,
    reliability_diagram,
    risk_coverage_curve,
)
from spectranet_jax.evaluation.redshift_scores import nmad
from spectranet_jax.evaluation.velocity_figure import velocity_histogram
from spectranet_jax.spectra.labels import CLASS_COLORS, CLASSES

RNG = np.random.default_rng(7)
LOG_PROB = np.log(RNG.dirichlet(np.full(4, 0.4), 700))
LABEL = RNG.integers(-1, 4, 700)
UNIT = RNG.random(500)
CONFIDENCE, WRONG = RNG.random(300), RNG.random(300) < 0.2
Z, VELOCITY = RNG.uniform(0.2, 4, 900), 400 * RNG.standard_t(2, 900)

Draw = Callable[[Path], Path]
ALL: dict[str, Draw] = {
    "reliability": lambda path: reliability_diagram(LABEL, LOG_PROB, path),
    "pit": lambda path: pit_histogram(UNIT, path),
    "coverage": lambda path: coverage_plot({"central": UNIT, "other": UNIT**2}, path),
    "risk": lambda path: risk_coverage_curve({"P_3000": CONFIDENCE}, WRONG, path),
    "velocity": lambda path: velocity_histogram(Z, VELOCITY, path),
}
NONE = np.zeros(0)
EMPTY: dict[str, Draw] = {
    "reliability": lambda path: reliability_diagram(np.full(3, -1), LOG_PROB[:3], path),
    "pit": lambda path: pit_histogram(np.full(3, np.nan), path),
    "coverage": lambda path: coverage_plot({"central": np.full(3, np.nan)}, path),
    "risk": lambda path: risk_coverage_curve({"P_3000": NONE}, NONE, path),
    "velocity": lambda path: velocity_histogram(Z[:3], np.full(3, np.nan), path),
}


@pytest.mark.slow
@pytest.mark.parametrize("draw", ALL.values(), ids=ALL.keys())
def test_a_figure_is_one_png_file_of_equal_bytes(draw: Draw, tmp_path: Path) -> None:
    before = matplotlib.rcParams.copy()
    path = tmp_path / "figures" / "one.png"
    assert draw(path) == path
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert 1000 <= width <= 2200
    assert 700 <= height <= 2200
    assert [p.name for p in path.parent.iterdir()] == ["one.png"]
    assert matplotlib.rcParams == before
    draw(path)
    assert path.read_bytes() == content


@pytest.mark.slow
@pytest.mark.parametrize("draw", EMPTY.values(), ids=EMPTY.keys())
def test_nothing_to_draw_is_still_a_figure(draw: Draw, tmp_path: Path) -> None:
    assert draw(tmp_path / "one.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("draw", ALL.values(), ids=ALL.keys())
def test_every_panel_names_what_is_drawn(draw: Draw, tmp_path: Path, drawn: list[Figure]) -> None:
    draw(tmp_path / "one.png")
    for axes in drawn[0].axes:
        assert axes.get_ylabel()
    assert drawn[0].axes[-1].get_xlabel()


def points(axes: matplotlib.axes.Axes) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """x, y and the (n, 2) ends of the error bars of each set of points."""
    curves = []
    for container in axes.containers:
        assert isinstance(container, ErrorbarContainer)
        line, _, (bars,) = container.lines
        assert line is not None
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        curves.append((np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), ends))
    return curves


@pytest.mark.slow
def test_reliability_is_accuracy_with_its_interval(tmp_path: Path, drawn: list[Figure]) -> None:
    reliability_diagram(LABEL, LOG_PROB, tmp_path / "one.png")
    top, count, each = drawn[0].axes[0], drawn[0].axes[1], drawn[0].axes[2]
    if count.get_xlabel() != "confidence":
        count, each = each, count
    known = LABEL >= 0
    p, label = np.exp(LOG_PROB[known]), LABEL[known]
    curve = reliability(p.max(axis=1), p.argmax(axis=1) == label)
    filled = curve.count > 0
    ((x, y, ends),) = points(top)
    assert x == pytest.approx(curve.confidence[filled])
    assert y == pytest.approx(curve.accuracy[filled])
    for n, accuracy, end in zip(curve.count[filled], y, ends, strict=True):
        assert end == pytest.approx(binomial_interval(round(accuracy * n), int(n)))
    assert [bar.get_height() for bar in count.patches] == curve.count.tolist()
    of_class = points(each)
    assert len(of_class) == 4
    for i, (x, y, _) in enumerate(of_class):
        expected = reliability(p[:, i], label == i)
        assert x == pytest.approx(expected.confidence[expected.count > 0])
        assert y == pytest.approx(expected.accuracy[expected.count > 0])
    handles, names = each.get_legend_handles_labels()
    assert names == list(CLASSES)
    assert [to_hex(h.lines[0].get_color()) for h in handles] == list(CLASS_COLORS.values())


def test_the_pit_histogram_is_a_density(tmp_path: Path, drawn: list[Figure]) -> None:
    values = np.concatenate([np.full(30, 0.01), np.full(10, 1.0), [np.nan]])
    pit_histogram(values, tmp_path / "one.png")
    axes = drawn[0].axes[0]
    heights = axes.patches[0].get_data().values
    assert heights.tolist() == [15.0, *[0.0] * 18, 5.0]
    assert axes.get_title(loc="left") == "40 spectra"
    assert axes.get_ylim()[1] > 15


def test_the_coverage_is_reported_at_the_levels(tmp_path: Path, drawn: list[Figure]) -> None:
    """For uniform levels, coverage is the level; for their powers of 1.5, its power of 2/3."""
    even = (np.arange(2000) + 0.5) / 2000
    coverage_plot({"even": even, "wide": even**1.5}, tmp_path / "one.png")
    axes = drawn[0].axes[0]
    (_, honest, _), (_, wide, _) = points(axes)
    levels = np.array([0.5, 0.68, 0.9, 0.95])
    assert honest == pytest.approx(levels, abs=1e-3)
    assert wide == pytest.approx(levels ** (2 / 3), abs=1e-3)
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["even: 50%, 68%, 90%, 95%", "wide: 63%, 77%, 93%, 97%"]


def test_the_risk_curve_lies_between_the_best_and_none(tmp_path: Path, drawn: list[Figure]) -> None:
    risk_coverage_curve({"P_3000": CONFIDENCE}, WRONG, tmp_path / "one.png", "beyond 3000 km/s")
    axes = drawn[0].axes[0]
    best, level, given = axes.get_lines()
    expected = risk_coverage(CONFIDENCE, WRONG)
    assert list(given.get_ydata()) == expected.risk.tolist()
    assert list(given.get_xdata()) == expected.coverage.tolist()
    assert level.get_ydata()[0] == WRONG.mean()
    right = int((~WRONG).sum())
    assert not np.any(best.get_ydata()[:right])
    assert given.get_label() == f"P_3000: area {expected.area:.2g}"
    assert axes.get_ylabel() == "beyond 3000 km/s"


def test_every_error_is_in_the_histogram_of_its_range(tmp_path: Path, drawn: list[Figure]) -> None:
    velocity = VELOCITY.copy()
    velocity[:4] = [np.nan, 1e6, -1e6, np.inf]
    velocity_histogram(Z, velocity, tmp_path / "one.png")
    axes = drawn[0].axes[0]
    finite = np.isfinite(velocity)
    groups = [Z < 1.57, (Z >= 1.57) & (Z < 2.5), Z >= 2.5]
    stairs = [patch for patch in axes.patches if hasattr(patch, "get_data")]
    assert [int(s.get_data().values.sum()) for s in stairs] == [
        int((g & finite).sum()) for g in groups
    ]
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    for text, group in zip(texts, groups, strict=True):
        assert text.endswith(f"NMAD {nmad(velocity[group & finite]):,.0f}")
    beyond = int((np.abs(velocity[finite]) > 3000).sum())
    assert axes.get_title(loc="left") == f"900 spectra; {beyond} beyond ±3,000 km/s; 2 without z"
