"""The measurement of refined redshifts, on real spectra and on numbers made up."""

from pathlib import Path

import numpy as np
import pytest

from experiments import refined_mock, refined_scores
from experiments.refined import Config, work
from experiments.refined_methods import by_methods
from experiments.refined_scores import Method
from spectranet_jax import readers
from spectranet_jax.inference import load
from spectranet_jax.inference.basis import shipped
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT
from spectranet_jax.spectra.native import native_pixels
from spectranet_jax.spectra.phase import phase


def index(n: int = 40) -> dict[str, np.ndarray]:
    return {
        "file": np.array([f"{'ab'[i % 2]}/{i}.fits" for i in range(n)]),
        "label": np.array(["GALAXY", "QSO"] * (n // 2)),
        "z": np.where(np.arange(n) < n // 2, 0.5, 2.0),
    }


def method(velocity: np.ndarray, error: float, truth: np.ndarray) -> Method:
    z = truth + (1 + truth) * velocity / SPEED_OF_LIGHT
    return Method(z, (1 + truth) * error / SPEED_OF_LIGHT, np.full(len(truth), 0.6))


def cells(table: object, row: int = 0) -> list[str]:
    return [list(column.cells)[row] for column in table.columns]  # type: ignore[attr-defined]


def test_a_table_has_the_scores_of_its_rows() -> None:
    of, rows = index(), np.arange(40) < 20
    velocity = np.where(rows, np.linspace(-95, 105, 40).round(), 5000.0)
    velocity[19] = 800
    table = refined_scores.group_table("some", rows, of["z"], {"x": method(velocity, 90, of["z"])})
    name, n, median, nmad, within, errors = cells(table)
    assert (name, n) == ("x", "20")
    assert int(median) == round(np.median(velocity[rows]))
    assert float(nmad.split()[0]) == pytest.approx(
        1.4826 * np.median(np.abs(velocity[rows] - np.median(velocity[rows]))), abs=0.06
    )
    assert within == "0.95 0.95 1.00"
    assert errors.split()[1].startswith("0.95")


def test_a_star_marks_what_does_not_hold() -> None:
    assert refined_scores.held(np.ones(50, bool), 0.683).endswith("*")
    assert not refined_scores.held(np.arange(50) < 34, 0.683).endswith("*")
    assert refined_scores.held(np.zeros(0, bool), 0.5) == "-"


def test_redshifts_that_are_missing_are_left_out() -> None:
    of = index()
    velocity = np.full(40, 10.0)
    velocity[:5] = np.nan
    table = refined_scores.group_table(
        "all", of["z"] > 0, of["z"], {"x": method(velocity, 9, of["z"])}
    )
    assert cells(table)[1] == "35"


def test_groups_are_kinds_and_folders() -> None:
    groups = refined_scores.groups(index())
    assert set(groups) == {
        "all galaxies", "a: galaxies", "all quasars, z < 1.57", "b: quasars, z < 1.57",
        "all quasars, 1.57 to 2.5", "b: quasars, 1.57 to 2.5",
    }  # fmt: skip
    assert groups["all galaxies"].sum() == 20


def test_repeats_are_paired_and_scored(tmp_path: Path) -> None:
    """Of three spectra of one object, three pairs; scatter is of one epoch, not of a difference."""
    of = index()
    lines = ["object,file"] + [f"7,a/{i}.fits" for i in (0, 2, 4)] + ["8,a/6.fits", "9,none.fits"]
    (tmp_path / "repeats.csv").write_text("\n".join(lines))
    pairs = refined_scores.read_pairs(tmp_path / "repeats.csv", of["file"])
    assert pairs.tolist() == [[0, 2], [0, 4], [2, 4]]
    velocity = np.zeros(40)
    velocity[[0, 2, 4]] = 0, 30, 60
    table = refined_scores.repeats_table(pairs, of, {"x": method(velocity, 25, of["z"])})
    _, count, scatter, errors = cells(table)
    assert count == "3"
    assert float(scatter) == pytest.approx(1.4826 * 30 / 2**0.5, abs=0.1)
    assert errors.split()[0].startswith("0.67")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [("file,z\n", "no column label"), ("file,label,z\na,STAR,0\n", "names no GALAXY")],
)
def test_an_index_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "index.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        work(Config(tmp_path, cache=False))


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"index\.csv"):
        work(Config(tmp_path, cache=False))


@pytest.mark.slow
def test_real_spectra_are_measured(
    real_sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bright galaxies: refined to 20 km/s each, where the network errs by up to 150."""
    files = sorted((real_sets / "bright-galaxies").glob("*.fits*"))[:4]
    known = (real_sets / "index.csv").read_text().splitlines()
    rows = [line for line in known if any(f"/{file.name}," in line for file in files)]
    (tmp_path / "index.csv").write_text("\n".join([known[0], *rows]))
    (tmp_path / "bright-galaxies").symlink_to((real_sets / "bright-galaxies").resolve())
    work(Config(tmp_path, cache=False))
    output = capsys.readouterr().out
    [line, *_] = [line.split("│") for line in output.splitlines() if "refined" in line]
    assert line[2].strip() == "4"
    assert abs(float(line[3])) < 20
    assert max(map(len, output.splitlines())) <= 80
    assert line[5].split() == ["1.00", "1.00", "1.00"]


def test_samples_are_joined_in_order() -> None:
    of = index()
    halves = [method(np.full(20, v), 10, of["z"][:20]) for v in (1.0, 2.0)]
    whole = refined_scores.joined(halves)
    np.testing.assert_array_equal(whole.z, np.concatenate([half.z for half in halves]))
    assert whole.level.shape == (40,)


def test_ranges_are_by_noise_and_redshift() -> None:
    of = index() | {"sn": np.tile([1.0, 7.0], 20)}
    ranges = refined_scores.ranges(of)
    assert ranges["galaxies, S/N 0 to 2"].sum() == 20
    assert ranges["quasars below z = 1.57, z 0.3 to 0.6"].sum() == 10
    assert "galaxies, S/N 5 to 10" not in ranges


@pytest.mark.slow
def test_mock_spectra_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """At native pixels the network is 33 km/s off, and what is refined is not."""
    refined_mock.work(refined_mock.Config(spectra=256, cache=False))
    lines = [line.split("│") for line in capsys.readouterr().out.splitlines() if "│" in line]
    dv = {line[1].strip(): float(line[3]) for line in reversed(lines) if "(" in line[4]}
    assert dv["network"] == pytest.approx(-33, abs=15)
    assert abs(dv["refined"]) < 5


@pytest.mark.parametrize("setting", [{"spectra": 0}, {"seed": -1}])
def test_mock_settings_out_of_range_are_refused(setting: dict[str, int]) -> None:
    [flag] = setting
    with pytest.raises(InputError, match=f"--{flag}"):
        refined_mock.work(refined_mock.Config(**setting, cache=False))


@pytest.mark.slow
def test_a_desi_galaxy_agrees_with_redrock(shared: Path) -> None:
    """Of three arms of linear pixels: where redrock is sure, to 3 of both errors."""
    file = "formats/coadd-4-80613-thru20210324.fits.gz"
    labels = (shared / "desi-labels.csv").read_text().splitlines()
    [row] = [line.split(",") for line in labels if line.startswith(f"{file},0,")]
    model, spectra = load("linenet"), readers.read(shared / file)[:1]
    offset = np.array([phase(s.loglam, s.ivar, model.grid) for s in spectra])
    binned, native = readers.rebin_all(spectra, model.grid), native_pixels(spectra)
    truth = np.array([float(row[6])])
    methods = by_methods(model, binned, native, offset, truth, {"refined": shipped()})
    z, z_err = methods["refined"].z[0], methods["refined"].z_err[0]
    assert abs(z - float(row[6])) < 3 * np.hypot(z_err, float(row[7]))
    assert z_err < (1 + z) * 20 / SPEED_OF_LIGHT


def test_a_method_without_p_of_z_has_no_coverage() -> None:
    of = index()
    known = method(np.zeros(40), 9, of["z"])
    unknown = Method(known.z, known.z_err, np.full(40, np.nan))
    table = refined_scores.coverage_table(of, {"known": known, "redrock": unknown})
    assert {name.split(": ")[1] for name in table.columns[0].cells} == {"known"}
