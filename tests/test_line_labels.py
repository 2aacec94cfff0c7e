"""Names of lines as papers write them, and their places."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression

from spectranet_jax.evaluation.line_labels import ABSORPTION, EMISSION, on_grid, spread, written
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.spectra.lines import REST

CASES = {
    "Lya": "Lyα",
    "Halpha": "Hα",
    "Hepsilon": "Hε",
    "H8": "H8",
    "Lydelta": "Lyδ",
    "CIV": "C IV",
    "OVI": "O VI",
    "CIII]": "C III]",
    "[OIII]": "[O III] 5008",
    "[OIII] 4960": "[O III] 4960",
    "MgII": "Mg II",
    "HeII 1640": "He II 1640",
    "CIII 977": "C III 977",
    "FeIII UV48": "Fe III UV48",
    "CaII K": "Ca II K",
    "G band": "G band",
    "KI 7668": "K I 7668",
    "Lyman limit": "Lyman limit",
}


@pytest.mark.parametrize(("name", "expected"), CASES.items())
def test_names_are_written_as_in_papers(name: str, expected: str) -> None:
    assert name in REST
    assert written(name) == expected


def test_no_two_lines_are_written_alike() -> None:
    assert len({written(name) for name in REST}) == len(REST)


def test_the_lines_of_the_classes_exist_and_are_named_once() -> None:
    for table in (EMISSION, ABSORPTION):
        assert set(table) <= set(CLASSES)
        assert set().union(*table.values()) <= set(REST)
    for name in CLASSES:
        lines = (*EMISSION.get(name, ()), *ABSORPTION.get(name, ()))
        assert len(set(lines)) == len(lines) > 0


def test_lines_on_the_grid_ascend() -> None:
    """For a quasar at z = 2.5: Ly-alpha at 4255 and Mg II at 9796 are on the grid, not H-beta."""
    places = on_grid(("MgII", "Hbeta", "Lya", "Lyb"), 2.5, GRID)
    assert list(places) == ["Lya", "MgII"]
    assert places["Lya"] == pytest.approx(4254.85, abs=0.01)
    assert on_grid(("MgII",), float("nan"), GRID) == {}


places = st.lists(st.floats(0, 1), max_size=25).map(sorted)


@given(places, st.floats(0.001, 0.1))
def test_labels_keep_their_order_and_distance_and_stay_inside(at: list[float], gap: float) -> None:
    places = spread(np.array(at), gap)
    least = min(gap, 1 / max(len(at) - 1, 1))
    assert places.shape == (len(at),)
    assert (np.diff(places) >= least - 1e-9).all()
    assert ((places >= -1e-9) & (places <= 1 + 1e-9)).all()


@given(places, st.floats(0.001, 0.1))
def test_labels_are_as_near_as_can_be(at: list[float], gap: float) -> None:
    """By scikit-learn's isotonic regression; its bounds are those of the axis."""
    if len(at) * gap > 1 or not at:
        return
    steps = gap * np.arange(len(at))
    top = 1 - gap * (len(at) - 1)
    expected = isotonic_regression(np.array(at) - steps, y_min=0, y_max=top) + steps
    assert spread(np.array(at), gap) == pytest.approx(expected, abs=1e-9)


def test_labels_with_room_stay_where_they_are() -> None:
    at = np.array([0.1, 0.5, 0.9])
    assert spread(at, 0.05) == pytest.approx(at)
    assert spread(np.array([0.5, 0.5]), 0.1) == pytest.approx([0.45, 0.55])
