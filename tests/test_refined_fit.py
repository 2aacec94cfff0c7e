"""Constants of refined redshifts chosen anew: `experiments.refined --fit`."""

from pathlib import Path

import numpy as np
import pytest

from data_prep.mock.survey import blocks
from experiments import refined, refined_fit
from experiments.refined_fit import Fits, chosen, weight_of_network
from experiments.refined_methods import of_network
from spectranet_jax.inference import load
from spectranet_jax.inference.basis import shipped
from spectranet_jax.inference.refine import KINDS, PIXEL_KMS, STATISTICAL
from spectranet_jax.inference.refined_columns import refined_columns
from spectranet_jax.spectra import QUASARNET_GRID as GRID


def drawn(n: int, doubt: float = 0.0, floor: float = 0.0) -> Fits:
    """Fits whose errors, network and truth are as the constants say."""
    rng = np.random.default_rng(3)
    sigma = rng.uniform(0.2, 0.8, n)
    apart = rng.normal(0, 3, n)
    error = np.hypot(np.hypot(STATISTICAL * sigma, doubt * apart), floor / PIXEL_KMS)
    return Fits(1000 + apart, np.full(n, 1000.0), sigma, 1000 + error * rng.normal(0, 1, n))


def test_constants_that_spectra_were_drawn_with_are_chosen() -> None:
    fits = drawn(4000, doubt=0.4, floor=60)
    assert weight_of_network(fits) == 0.0
    floor, doubt = chosen(fits, weight=0.0)
    assert doubt == pytest.approx(0.4, abs=0.21)
    assert floor == pytest.approx(60, abs=15)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["GALAXY", "QSO"])
def test_fits_are_what_refinement_had_before_its_constants(kind: str) -> None:
    """With these applied again, they give the catalog's errors."""
    [block] = blocks({kind: 100}, 5, GRID, native=True)
    model, of = load("linenet"), block.native
    columns, declared = of_network(model, block.flux, block.ivar)
    table = refined_columns(columns, declared, of["phase"], of["flux"], of["ivar"], shipped())
    rows = table["REFINED"] & (columns["CLASS"] == kind)
    assert rows.sum() > 15
    z, z_err = (np.ma.getdata(table[name])[rows] for name in ("Z", "Z_ERR"))
    fits, how = Fits.of(table, block.z, kind).take(rows), KINDS[kind]
    pull = fits.pull(how.floor, how.network, how.doubt, STATISTICAL)
    near = np.abs(z - block.z[rows]) < 0.003
    expected = np.abs(z - block.z[rows]) / z_err
    np.testing.assert_allclose(pull[near], expected[near], rtol=0.02, atol=1e-3)


def test_a_set_is_judged_by_what_the_others_chose() -> None:
    fits = drawn(90, floor=50)
    sets = np.repeat(["a", "b", "c"], 30)
    table = refined_fit.quasar_table(fits, sets, weight=0.1)
    assert list(table.columns[0].cells) == ["a", "b", "c", "all of these", "nothing", "as shipped"]
    others = chosen(fits.take(sets != "b"), weight=0.1)
    assert [list(column.cells)[1] for column in table.columns[1:3]] == [f"{x:g}" for x in others]
    assert list(table.columns[3].cells) == ["30", "30", "30", "90", "90", "90"]


@pytest.mark.slow
def test_the_command_prints_what_it_would_choose(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    """Of a few real quasars of two sets, and of mock galaxies."""
    monkeypatch.setattr(refined_fit, "MOCK", {"GALAXY": 100, "QSO": 400})
    sets = ("boss-dr16-quasars", "broad-line-quasars")
    heading, *lines = (shared / "index.csv").read_text().splitlines()
    rows = [[line for line in lines if line.startswith(f"{name}/")][:24] for name in sets]
    (tmp_path / "index.csv").write_text("\n".join([heading, *rows[0], *rows[1]]))
    for name in sets:
        (tmp_path / name).symlink_to((shared / name).resolve())
    refined.work(refined.Config(tmp_path, fit=True, cache=False))
    output = capsys.readouterr().out
    assert output.count("as shipped") == 4
    assert max(map(len, output.splitlines())) <= 80
