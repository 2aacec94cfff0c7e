"""The figure of one spectrum shows the values given, and nothing covers anything."""

import struct
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy import stats

from spectranet_jax.evaluation.line_labels import ABSORPTION, EMISSION, written
from spectranet_jax.evaluation.spectrum_figure import Answer, spectrum_figure
from spectranet_jax.spectra import CLASSES
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.labels import CLASS_COLORS
from spectranet_jax.spectra.lines import REST

pytestmark = pytest.mark.slow

EDGES = np.linspace(-0.005, 0.815, 821)
LINES = dict.fromkeys([*EMISSION["QSO"], *EMISSION["GALAXY"], *ABSORPTION["GALAXY"]])


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that the test has made so far; to render them would take most of its time."""
    made: list[Figure] = []

    def savefig(self: Figure, path: Path, **_: object) -> None:
        made.append(self)
        Path(path).touch()

    monkeypatch.setattr(Figure, "savefig", savefig)
    return made


def spectrum() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    ivar = rng.uniform(1, 9, GRID.size).astype(np.float32)
    ivar[100:103] = ivar[-4:] = 0
    return rng.normal(5, 0.5, GRID.size).astype(np.float32), ivar


def draw(flux: np.ndarray, ivar: np.ndarray, path: Path, **answer: Any) -> Path:
    """Draw a spectrum with an answer of these fields."""
    return spectrum_figure(flux, ivar, path, GRID, Answer(**answer))


def answer(kind: str, z: float) -> dict[str, Any]:
    """Return all predictions for a spectrum of a class at z."""
    chances = np.full(4, 0.02)
    chances[CLASSES.index(kind)] = 0.94
    p = np.diff(stats.norm.cdf(EDGES, np.log10(1 + z), 6e-4)) * 0.9
    p += np.diff(stats.norm.cdf(EDGES, 0.3, 6e-4)) * 0.1
    return {
        "name": "spec-7102-56666-0123.fits   7102-56666-0123",
        "note": "S/N 9.3",
        "probabilities": chances,
        "z": z,
        "z_err": 0.0021,
        "p_3000": 0.9,
        "z_second": 10**0.3 - 1,
        "mass_second": 0.1,
        "p": p.astype(np.float32),
        "edges": EDGES,
        "evidence": {name: 0.1 * i - 0.45 for i, name in enumerate(LINES)},
    }


STAR = {"probabilities": np.array([0.97, 0.01, 0.01, 0.01]), "name": "star.fits"}
ALL: dict[str, dict[str, Any]] = {
    "quasar": answer("QSO", 2.3456),
    "galaxy": answer("GALAXY", 0.31),
    "star": STAR | {"p": np.full(820, 1 / 820), "edges": EDGES},
    "class alone": STAR,
    "redshift alone": {k: v for k, v in answer("QSO", 1.2).items() if k != "probabilities"},
    "nothing": {},
}


@pytest.mark.parametrize("arguments", ALL.values(), ids=ALL.keys())
def test_a_figure_is_one_png_file_of_equal_bytes(arguments: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "figures" / "one.png"
    assert draw(*spectrum(), path, **arguments) == path
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert width == 2160
    assert 800 <= height <= 1320
    assert [p.name for p in path.parent.iterdir()] == ["one.png"]
    draw(*spectrum(), path, **arguments)
    assert path.read_bytes() == content


def visible(figure: Figure) -> list[Text]:
    """Return visible texts, without those of ticks beyond the axis."""
    texts_shown = []
    for text in figure.findobj(Text):
        if not (isinstance(text, Text) and text.get_text().strip() and text.get_visible()):
            continue
        if text.axes is not None and not text.axes.axison and text not in text.axes.texts:
            continue
        texts_shown.append(text)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low <= tick.get_loc() <= high:
                    texts_shown = [t for t in texts_shown if t not in (tick.label1, tick.label2)]
    return texts_shown


def test_the_title_says_what_the_catalog_does(tmp_path: Path, drawn: list[Figure]) -> None:
    """A quasar that is probably a BAL is not called BAL below the threshold."""
    chances = np.array([0.0, 0.02, 0.28, 0.7])
    for kind, first in (("", "QSO_BAL 70%"), ("QSO", "QSO 28%")):
        arguments = answer("QSO", 2.1) | {"probabilities": chances, "kind": kind}
        draw(*spectrum(), tmp_path / "one.png", **arguments)
        title = drawn[-1].axes[0].texts[0]
        assert title.get_text() == first
        assert to_hex(title.get_color()) == CLASS_COLORS[first.split()[0]]


EVERYWHERE = [
    *(("QSO", z) for z in (0.05, 0.36, 0.9, 1.7, 2.4, 3.3, 5.3)),
    *(("GALAXY", z) for z in (0.0, 0.12, 0.31, 0.75)),
    ("QSO_BAL", 2.0),
    ("STAR", 0.0),
]


@pytest.mark.parametrize(("kind", "z"), EVERYWHERE)
def test_no_text_covers_another_or_leaves_the_picture(
    kind: str, z: float, tmp_path: Path, drawn: list[Figure]
) -> None:
    draw(*spectrum(), tmp_path / "one.png", **answer(kind, z))
    figure = drawn[0]
    figure.draw_without_rendering()
    texts = visible(figure)
    assert len(texts) > 30
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    for first, box in boxes:
        assert box.x0 >= -1 and box.y0 >= -1, first
        assert box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1, first
    for (first, a), (second, b) in combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        along = min(a.y1, b.y1) - max(a.y0, b.y0)
        # Boxes have room above and below their letters.
        assert across < 2 or along < 2, (first, second, across, along)


def panel(figure: Figure, title: str) -> Axes:
    return next(a for a in figure.axes if a.get_title(loc="left") == title)


def titles(figure: Figure) -> list[str]:
    return [title for a in figure.axes if (title := a.get_title(loc="left"))]


def test_the_headline_says_class_redshift_and_confidence(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    arguments = answer("QSO_BAL", 2.3456) | {"name": "x" * 300 + "end.fits", "note": "flags 4"}
    draw(*spectrum(), tmp_path / "one.png", **arguments)
    first, rest, name = (t.get_text() for t in drawn[0].axes[0].texts[:3])
    if name.startswith("z ="):
        rest, name = name, rest
    assert first == "QSO_BAL 94%"
    assert rest == "z = 2.3456 ± 0.0021     P(|Δv| < 3,000 km/s) = 90%"
    assert name.startswith("…xxx") and name.endswith("xend.fits   flags 4")
    assert len(name) < 130
    assert to_hex(drawn[0].axes[0].texts[0].get_color()) == CLASS_COLORS["QSO_BAL"]


def test_flux_error_and_gaps_are_those_given(tmp_path: Path, drawn: list[Figure]) -> None:
    flux, ivar = spectrum()
    flux[50] = np.nan
    draw(flux, ivar, tmp_path / "one.png", **ALL["quasar"])
    axes = drawn[0].axes[1]
    band, line = (p for p in axes.patches if hasattr(p, "get_data"))
    good = (ivar > 0) & np.isfinite(flux)
    shown = line.get_data()
    assert list(shown.edges) == list(GRID.edges)
    assert np.array_equal(np.isfinite(shown.values), good)
    assert shown.values[good].tolist() == flux[good].tolist()
    upper, lower = band.get_data().values, band.get_data().baseline
    assert (upper - lower)[good] == pytest.approx(2 / np.sqrt(ivar[good]), rel=1e-4)
    gaps = [p.get_extents().transformed(axes.transData.inverted()) for p in axes.patches
            if not hasattr(p, "get_data")]  # fmt: skip
    expected = [(50, 51), (100, 103), (439, 443)]
    shown = sorted((gap.x0, gap.x1) for gap in gaps)
    edges = GRID.edges
    assert np.array(shown) == pytest.approx(np.array([(edges[a], edges[b]) for a, b in expected]))


def test_a_narrow_line_is_shown_whole_and_a_noisy_bin_sets_no_scale(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    flux, ivar = spectrum()
    flux[200], ivar[200] = 60, 4
    flux[300], ivar[300] = -900, 1e-6
    draw(flux, ivar, tmp_path / "one.png", **ALL["galaxy"])
    low, high = drawn[0].axes[1].get_ylim()
    assert 60 < high < 75
    assert -10 < low < 5


def test_lines_stand_at_their_observed_wavelengths(tmp_path: Path, drawn: list[Figure]) -> None:
    """For a galaxy at z = 0.31: those on the grid, absorption dashed and in italics."""
    draw(*spectrum(), tmp_path / "one.png", **answer("GALAXY", 0.31))
    axes = drawn[0].axes[1]
    edges = GRID.edges
    names = [*EMISSION["GALAXY"], *ABSORPTION["GALAXY"]]
    at = {n: REST[n] * 1.31 for n in names if edges[0] <= REST[n] * 1.31 <= edges[-1]}
    assert "CaII 8500" not in at and "CaII K" in at
    marks = [line for line in axes.get_lines() if len(line.get_xdata()) == 2]
    fractions = np.log(np.array(sorted(at.values())) / edges[0]) / np.log(edges[-1] / edges[0])
    assert [float(line.get_xdata()[0]) for line in marks] == pytest.approx(fractions.tolist())
    ordered = sorted(at, key=at.__getitem__)
    assert [text.get_text() for text in axes.texts] == [written(name) for name in ordered]
    for name, line, text in zip(ordered, marks, axes.texts, strict=True):
        absorbs = name in ABSORPTION["GALAXY"]
        assert (line.get_linestyle() == "--") == absorbs
        assert (text.get_fontstyle() == "italic") == absorbs


def test_evidence_is_of_the_lines_on_the_grid(tmp_path: Path, drawn: list[Figure]) -> None:
    evidence = {"Halpha": 9.0, "CIV": 2.0, "Lya": -1.0, "MgII": float("nan")}
    arguments = answer("QSO", 2.3) | {"evidence": evidence}
    draw(*spectrum(), tmp_path / "one.png", **arguments)
    axes = panel(drawn[0], "evidence by line")
    assert [bar.get_width() for bar in axes.patches] == [-1, 2]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Lyα", "C IV"]
    low, high = axes.get_ylim()
    assert low > high  # the bluest on top
    arguments |= {"evidence": {"Halpha": 1.0}}
    draw(*spectrum(), tmp_path / "two.png", **arguments)
    assert "evidence by line" not in titles(drawn[1])


def test_p_of_z_and_both_redshifts_are_shown(tmp_path: Path, drawn: list[Figure]) -> None:
    arguments = answer("QSO", 2.3456)
    draw(*spectrum(), tmp_path / "one.png", **arguments)
    whole, near = panel(drawn[0], "p(z)"), panel(drawn[0], "near z")
    assert whole.patches[1].get_data().values.max() == pytest.approx(arguments["p"].max(), rel=1e-5)
    first, second = whole.get_lines()
    assert first.get_xdata() == pytest.approx([np.log10(3.3456)])
    assert second.get_xdata() == pytest.approx([0.3])
    assert (first.get_label(), second.get_label()) == ("z = 2.346 (90%)", "z = 0.995 (10%)")
    velocity = near.patches[0].get_data().edges
    assert velocity == pytest.approx(299_792.458 * (10**EDGES / 3.3456 - 1))
    (bar,) = near.containers
    assert bar.lines[2][0].get_segments()[0][:, 0] == pytest.approx(
        np.array([-1, 1]) * 299_792.458 * 0.0021 / 3.3456
    )
    draw(*spectrum(), tmp_path / "two.png", **arguments | {"mass_second": 5e-4})
    assert len(panel(drawn[1], "p(z)").get_lines()) == 1


def test_class_bars_are_the_probabilities(tmp_path: Path, drawn: list[Figure]) -> None:
    chances = np.array([0.0, 0.003, 0.9965, 0.0005])
    draw(*spectrum(), tmp_path / "one.png", probabilities=chances)
    axes = panel(drawn[0], "class")
    assert [bar.get_width() for bar in axes.patches] == chances.tolist()
    assert [text.get_text() for text in axes.texts] == ["0%", "<1%", ">99%", "<1%"]
    assert [to_hex(bar.get_facecolor()) for bar in axes.patches] == list(CLASS_COLORS.values())


def test_what_is_not_said_has_no_panel(tmp_path: Path, drawn: list[Figure]) -> None:
    expected = {
        "quasar": ["p(z)", "near z", "class", "evidence by line"],
        "star": ["p(z), not used", "class"],
        "class alone": ["class"],
        "redshift alone": ["p(z)", "near z", "evidence by line"],
        "nothing": [],
    }
    for name, shown in expected.items():
        draw(*spectrum(), tmp_path / "one.png", **ALL[name])
        assert titles(drawn[-1]) == shown
        headline = " ".join(text.get_text() for text in drawn[-1].axes[0].texts)
        assert ("no redshift" in headline) == (name in ("star", "class alone", "nothing"))
        assert ("no class" in headline) == (name in ("redshift alone", "nothing"))


def test_a_spectrum_without_data_says_so(tmp_path: Path, drawn: list[Figure]) -> None:
    for flux in (0.0, np.nan):
        empty = np.full(GRID.size, flux), np.zeros(GRID.size)
        draw(*empty, tmp_path / "one.png", name="spec.fits", note="NO_DATA")
        assert [text.get_text() for text in drawn[-1].axes[1].texts] == ["no data"]


def test_a_name_is_no_formula(tmp_path: Path, drawn: list[Figure]) -> None:
    draw(*spectrum(), tmp_path / "one.png", name=r"$\frac{a$_{.fits")
    assert r"$\frac{a$_{.fits" in [text.get_text() for text in drawn[0].axes[0].texts]
