from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from naming import naming

from data_prep.mock import compact, empirical, galaxies
from data_prep.mock.empirical import SHIPPED, banks
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, rebin
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT


def write(path: Path, kind: str, flux: np.ndarray, subtype: list[str], start=3.4, step=1e-4):
    columns = [
        fits.Column("ARCHETYPE", f"{flux.shape[1]}E", array=flux),
        fits.Column("SUBTYPE", "8A", array=np.array(subtype)),
    ]
    header = fits.Header({"CRVAL1": start, "CDELT1": step, "LOGLAM": True, "RRTYPE": kind})
    fits.BinTableHDU.from_columns(columns, header, name="ARCHETYPES").writeto(path)


def with_line(wavelength: np.ndarray, center: float) -> np.ndarray:
    return 1 + 20 * np.exp(-0.5 * ((wavelength - center) / 9) ** 2)


def centroid(wavelength: np.ndarray, flux: np.ndarray, near: float) -> float:
    part = np.abs(wavelength / near - 1) < 0.015
    return float(np.sum(wavelength[part] * (flux[part] - 1)) / np.sum(flux[part] - 1))


@pytest.mark.parametrize("start, step", [(3.4, 1e-4), (3.4, 2e-4), (2500.0, 0.1), (2500.0, 0.5)])
def test_a_line_of_a_template_stands_where_the_redshift_puts_it(start, step, tmp_path):
    """Whatever the file's pixels: they are centers, and read as edges a line would move."""
    wavelength = start + step * np.arange(int((3.98 - start) / step) if start < 10 else 70_000)
    wavelength = 10**wavelength if start < 10 else wavelength
    line = 5000.0
    flux = with_line(wavelength, line)[None].astype(np.float32)
    write(tmp_path / "rrarchetype-a.fits", "STAR", flux, ["A"], start, step)
    kind, bank = empirical.read(tmp_path / "rrarchetype-a.fits")
    assert kind == "STAR"
    z = np.linspace(0.1, 0.5, 23)
    seen = bank.seen(np.zeros(23, np.int64), z, GRID)
    expected = line * (1 + z)
    centroids = [centroid(GRID.centers, *pair) for pair in zip(seen, expected, strict=True)]
    shift = (np.array(centroids) / expected - 1) * SPEED_OF_LIGHT
    assert np.abs(shift).max() < 30
    assert abs(shift.mean()) < 5


def test_a_template_at_rest_is_what_the_rule_of_the_survey_makes_of_it():
    bank = banks(SHIPPED)["STAR"]
    loglam = np.log10(bank.grid.centers)
    expected, weight = rebin(loglam, bank.flux[:5], np.ones_like(bank.flux[:5]), grid=GRID)
    seen = bank.seen(np.arange(5), np.zeros(5), GRID)
    whole = np.flatnonzero(weight[0] > 0)[2:-2]
    # A bin holds five fine ones, of which one at its edge may fall to either side.
    np.testing.assert_allclose(
        seen[:, whole].mean(axis=1), expected[:, whole].mean(axis=1), rtol=2e-3
    )
    assert np.median(np.abs(seen[:, whole] / expected[:, whole] - 1)) < 0.01


def test_beyond_its_ends_a_template_goes_on_level(tmp_path):
    flux = np.ones((1, 3000), np.float32)
    write(tmp_path / "rrarchetype-a.fits", "STAR", flux, ["A"], 3.65)
    bank = empirical.read(tmp_path / "rrarchetype-a.fits")[1]
    np.testing.assert_allclose(bank.seen(np.array([0]), np.zeros(1), GRID), 1, rtol=1e-4)


def test_what_comes_with_the_code():
    held = banks(SHIPPED)
    assert {kind: len(bank) > 40 for kind, bank in held.items()} == dict.fromkeys(
        empirical.KINDS, True
    )
    for bank in held.values():
        assert np.isfinite(bank.flux).all()
        assert bank.flux.min() >= 0
    old = galaxies.break_4000(held["GALAXY"]) > galaxies.PASSIVE_BREAK
    assert 100 < old.sum() < 400
    assert {name[0] for name in held["STAR"].subtype} == set("OBAFGKML")
    for licence in ("LICENSE-redrock.md", "LICENSE-redrock-archetypes.md", "LICENSE-pyhammer.txt"):
        assert "Copyright (c) 2016" in (SHIPPED / licence).read_text()
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 4e6


@pytest.mark.parametrize(
    "kind, name, tolerance", [("STAR", "Halpha", 40), ("GALAXY", "CaII K", 150)]
)
def test_templates_are_in_vacuum_and_at_rest(kind, name, tolerance):
    """Air and vacuum differ by 83 km/s."""
    bank = banks(SHIPPED)[kind]
    rows = (
        np.array([row[0] in "AF" for row in bank.subtype])
        if kind == "STAR"
        else galaxies.break_4000(bank) > galaxies.PASSIVE_BREAK
    )
    near = np.abs(bank.grid.centers / REST[name] - 1) < 0.004
    wavelength, mean = bank.grid.centers[near], np.median(bank.flux[rows][:, near], axis=0)
    sides = np.interp(wavelength, wavelength[[0, -1]], mean[[0, -1]])
    depth = np.maximum(sides - mean, 0)
    shift = (np.sum(wavelength * depth) / np.sum(depth) / REST[name] - 1) * SPEED_OF_LIGHT
    assert abs(shift) < tolerance


def test_a_folder_of_the_user_takes_the_place_of_its_kinds(tmp_path, monkeypatch):
    flux = np.ones((3, 6000), np.float32)
    write(tmp_path / "rrarchetype-s.fits", "STAR", flux, ["WD:DA", "CV", "BAL"])
    read_banks = banks(tmp_path)
    assert list(read_banks["STAR"].subtype) == ["WD:DA", "CV"]  # broad absorption is ours to add
    assert len(read_banks["QSO"]) == len(banks(SHIPPED)["QSO"])
    monkeypatch.setenv("RR_TEMPLATE_DIR", str(tmp_path))
    assert empirical.folder(None) == tmp_path
    assert empirical.folder(SHIPPED) == SHIPPED
    monkeypatch.delenv("RR_TEMPLATE_DIR")
    assert empirical.folder(None) == SHIPPED


def test_wrong_folders_have_a_sentence(tmp_path):
    with pytest.raises(InputError, match=naming(tmp_path / "missing", "name a folder")):
        banks(tmp_path / "missing")
    (tmp_path / "rrtemplate-x.fits").write_bytes(b"no FITS")
    with pytest.raises(InputError, match=naming("rrtemplate-x.fits", "redrock")):
        banks(tmp_path)


def test_basis_vectors_alone_give_no_spectra(tmp_path):
    header = fits.Header({"CRVAL1": 3.4, "CDELT1": 1e-4, "RRTYPE": "QSO", "RRSUBTYP": "LOZ"})
    vectors = fits.ImageHDU(np.ones((4, 5000)), header, name="BASIS_VECTORS")
    fits.HDUList([fits.PrimaryHDU(), vectors]).writeto(tmp_path / "rrtemplate-q.fits")
    assert len(empirical.read(tmp_path / "rrtemplate-q.fits")[1]) == 0
    assert len(banks(tmp_path)["QSO"]) == len(banks(SHIPPED)["QSO"])


def test_coarse_basis_vectors_alone_give_none_either(tmp_path):
    header = fits.Header({"CRVAL1": 3.4, "CDELT1": 1e-3, "RRTYPE": "QSO", "RRSUBTYP": "LOZ"})
    vectors = fits.ImageHDU(np.ones((4, 500)), header, name="BASIS_VECTORS")
    fits.HDUList([fits.PrimaryHDU(), vectors]).writeto(tmp_path / "rrtemplate-q.fits")
    assert len(empirical.read(tmp_path / "rrtemplate-q.fits")[1]) == 0


def test_a_template_off_the_wavelengths_in_use_has_a_sentence(tmp_path):
    write(tmp_path / "rrarchetype-a.fits", "QSO", np.ones((2, 1000)), ["", ""], 4.0)
    with pytest.raises(InputError, match=naming("rrarchetype-a.fits", 0, 1216, 5100)):
        banks(tmp_path)


def test_a_large_table_is_thinned_evenly(tmp_path):
    flux = np.ones((2 * empirical.MOST + 1, 1500), np.float32)
    write(tmp_path / "rrarchetype-a.fits", "STAR", flux, ["A"] * len(flux), 3.4, 4e-4)
    _, bank = empirical.read(tmp_path / "rrarchetype-a.fits")
    assert len(bank) == -(-len(flux) // 3)  # every third


@pytest.mark.slow
def test_the_shipped_templates_are_the_published_ones(shared, tmp_path):
    folder = shared / "templates"
    compact.compact(folder / "redrock", folder / "pyhammer_templates_228.npz", tmp_path)
    for path in sorted(SHIPPED.glob("*.fits")):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_every_template_of_redrock_can_be_read(shared):
    read_banks = banks(shared / "templates" / "redrock")
    kinds = {name.split(":")[0] for name in read_banks["STAR"].subtype}
    assert {"A", "B", "CV", "F", "G", "K", "M", "WD", "Carbon"} <= kinds
    assert all(len(bank) > 40 for bank in read_banks.values())
