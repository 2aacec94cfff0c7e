"""Shipped models by version: each gives these rows whatever is shipped after it."""

import json
from pathlib import Path

import numpy as np
import pytest
import toy_runs

from experiments.export import version_of
from spectranet_jax.inference import load, versions, weights

ROWS = {
    "linenet@1": {
        "CLASS": ["QSO", "GALAXY", "STAR"],
        "P_QSO": [0.999753, 0.015778, 0.000133],
        "Z_NET": [2.202779, 0.249967, 0.000828],
        "P_3000": [1.0, 0.999864, None],
    },
    "linenet@2": {
        "CLASS": ["QSO", "GALAXY", "STAR"],
        "P_QSO": [0.999712, 0.417463, 0.000011],
        "Z_NET": [2.202563, 0.249652, 0.000863],
        "P_3000": [1.0, 0.447596, None],
    },
    "linenet@3": {
        "CLASS": ["QSO", "GALAXY", "STAR"],
        "P_QSO": [0.999679, 0.433515, 0.000033],
        "Z_NET": [2.203024, 0.24975, 0.000124],
        "P_3000": [1.0, 0.968382, None],
    },
    "classifier@1": {"CLASS": ["QSO", "GALAXY", "STAR"], "P_QSO": [0.843256, 0.126114, 0.014598]},
    "classifier@2": {"CLASS": ["QSO", "GALAXY", "STAR"], "P_QSO": [0.928704, 0.089665, 0.002685]},
}
"""Rows of each version for `spectra` when it was shipped."""

CLOSE = {
    "P_QSO": {"rel": 2e-3, "abs": 1e-4},
    "Z_NET": {"rel": 2e-3, "abs": 1e-4},
    "P_3000": {"abs": 1e-3},
}
"""Column -> how close values must be on another kind of machine."""


def spectra(grid) -> tuple[np.ndarray, np.ndarray]:
    """A quasar at z = 2.2, a galaxy at 0.25 and a hot star, with a fixed pattern as noise."""
    wavelength = grid.centers
    pattern = 0.15 * np.sin(1.7 * np.arange(len(wavelength)) ** 1.1)

    def line(rest: float, z: float, strength: float, width: float) -> np.ndarray:
        return strength * np.exp(-0.5 * (np.log(wavelength / (rest * (1 + z))) / width) ** 2)

    quasar = 5 * (wavelength / 6000) ** -1.5
    for rest, strength in ((1215.67, 12), (1549.06, 6), (1908.73, 3), (2798.75, 2.5)):
        quasar += line(rest, 2.2, strength, 0.008)
    galaxy = 2 + 3 / (1 + np.exp(-(wavelength / 5000 - 1) * 80))
    for rest, strength in (
        (3934.8, 1.2),
        (3969.6, 1.1),
        (4305.6, 0.7),
        (5176.6, 0.8),
        (5895.6, 0.6),
    ):
        galaxy -= line(rest, 0.25, strength, 0.003)
    star = 8 * (wavelength / 5000) ** -3
    for rest in (3889.1, 3970.1, 4102.9, 4341.7, 4862.7, 6564.6):
        star *= 1 - line(rest, 0, 0.55, 0.006)
    flux = np.stack([quasar, galaxy, star]) + pattern
    return flux.astype(np.float32), np.full(flux.shape, 25.0, np.float32)


@pytest.mark.parametrize("name", ROWS)
def test_a_version_gives_the_rows_that_it_gave(name: str) -> None:
    model, rows = load(name), ROWS[name]
    table = model.predict(*spectra(model.grid))
    assert table.meta["MODEL1"] == name
    assert table["CLASS"].tolist() == rows["CLASS"]
    for column in sorted(rows.keys() - {"CLASS"}):
        given = np.ma.filled(np.ma.asarray(table[column], float), np.nan)
        expected = np.array(rows[column], float)
        assert given == pytest.approx(expected, **CLOSE[column], nan_ok=True), column


def test_a_name_alone_is_the_newest_version(tmp_path: Path) -> None:
    for folder in ("net@1", "net@2", "net@10", "other@1", "net", "net@x"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / weights.FILE_NAME).touch()
    models = versions.shipped(tmp_path)
    assert models["net"] == models["net@10"] == tmp_path / "net@10"
    assert models.keys() == {"net", "net@1", "net@2", "net@10", "other", "other@1"}
    assert versions.next_version("net", tmp_path) == "net@11"
    assert versions.next_version("new", tmp_path) == "new@1"


@pytest.mark.slow
def test_equal_weights_keep_their_version(tmp_path: Path) -> None:
    run = toy_runs.untrained(tmp_path / "run")
    model = load(run)
    folder = tmp_path / "shipped" / "toy@1"
    weights.save(folder / weights.FILE_NAME, model.variables)
    (folder / "config.json").write_text(json.dumps(model.config))
    assert version_of(model.sha256, "toy", folder.parent) == "toy@1"
    assert version_of("0" * 64, "toy", folder.parent) == "toy@2"
    assert version_of(model.sha256, "other", folder.parent) == "other@1"
