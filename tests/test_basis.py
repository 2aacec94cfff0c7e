"""Basis vectors: our files, redrock's files, and how they are made."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from naming import naming

from data_prep.mock import rest_frame
from experiments.basis import Config, work
from spectranet_jax.inference.basis import (
    FILE_NAME,
    FOLDERS,
    Basis,
    load,
    save,
    shipped,
)
from spectranet_jax.inference.redrock import (
    LISTED,
    REDROCK,
    _newest,
    is_for_mocks,
    on_native_steps,
    read_redrock,
    redrock,
)
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.native import STEP


def test_shipped_vectors_are_orthonormal_and_cover_the_optical() -> None:
    bases = shipped()
    assert set(bases) == {"GALAXY", "QSO"}
    for basis in bases.values():
        first, last = (basis.start + np.array([0, basis.vectors.shape[1] - 1])) * STEP
        assert 10**first < 1501
        assert 10**last > 9970
        np.testing.assert_allclose(
            basis.vectors @ basis.vectors.T, np.eye(len(basis.vectors)), atol=1e-6
        )


def test_shipped_cards_name_their_file() -> None:
    import hashlib

    import spectranet_jax

    for folder in FOLDERS.values():
        where = Path(spectranet_jax.__file__).parent / "weights" / folder
        digest = hashlib.sha256((where / FILE_NAME).read_bytes()).hexdigest()
        assert digest in (where / "CARD.md").read_text("utf-8")


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    basis = Basis(32000, np.random.default_rng(0).normal(0, 1, (3, 50)))
    save(tmp_path / FILE_NAME, basis)
    got = load(tmp_path / FILE_NAME)
    assert got.start == 32000
    np.testing.assert_array_equal(got.vectors, basis.vectors.astype(np.float32))


def test_wide_pixels_are_means_of_three() -> None:
    basis = Basis(100, np.arange(20.0)[None])
    for begin, wide in enumerate(basis.wide):
        assert wide.start == 100 + begin
        np.testing.assert_allclose(wide.vectors[0, :5], begin + 1 + 3.0 * np.arange(5))


@pytest.mark.parametrize("content", [b"", b"not safetensors"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"basis\.safetensors.*experiments\.basis"):
        load(path)


def redrock_file(path: Path, first: float, step: float, values: np.ndarray) -> None:
    hdu = fits.PrimaryHDU(values)
    hdu.header["CRVAL1"], hdu.header["CDELT1"] = first, step
    hdu.writeto(path)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_redrock_vectors_come_on_native_pixels(tmp_path: Path, logarithmic: bool) -> None:
    """A line stays where it is, in files of either scale."""
    scale = np.arange(3.5, 3.7, 1e-4) if logarithmic else np.arange(3200, 5000, 0.1)
    wavelength = 10**scale if logarithmic else scale
    line = np.exp(-0.5 * ((wavelength - 4000) / 6) ** 2)
    path = tmp_path / "rrtemplate.fits"
    redrock_file(path, scale[0], scale[1] - scale[0], np.stack([np.ones_like(line), line]))
    basis = read_redrock(path, REDROCK["GALAXY"]._replace(limits=(3500, 4600), blur=60.0))
    loglam = STEP * (basis.start + np.arange(basis.vectors.shape[1]))
    assert 3500 < 10 ** loglam[0] < 3502
    assert 4598 < 10 ** loglam[-1] < 4600
    np.testing.assert_allclose(basis.vectors[0], basis.vectors[0, 0])
    np.testing.assert_allclose(np.linalg.norm(basis.vectors, axis=1), 1)
    mean = (loglam * basis.vectors[1]).sum() / basis.vectors[1].sum()
    assert mean == pytest.approx(np.log10(4000), abs=2e-6)


def test_pixels_are_averaged_and_blurred() -> None:
    """The variance of a line grows by that of the blur."""
    loglam = np.arange(3.5, 3.6, 1e-5)
    line = np.exp(-0.5 * ((loglam - 3.55) / 2e-4) ** 2)[None]
    widths = []
    for blur in (0.0, 150.0):
        basis = on_native_steps(loglam, line, blur)
        place = np.arange(basis.vectors.shape[1])
        p = basis.vectors[0] / basis.vectors[0].sum()
        widths.append((p * (place - (p * place).sum()) ** 2).sum())
    assert widths[0] == pytest.approx(2**2 + 1 / 12, abs=0.02)
    assert widths[1] - widths[0] == pytest.approx((150 / 69.03) ** 2, rel=0.01)


def write_templates(path: Path, kind: str, subtype: str = "", start: float = 3.0) -> None:
    """Two vectors, from 1000 Angstrom to beyond 12,000."""
    header = fits.Header({"CRVAL1": start, "CDELT1": 1e-4, "RRTYPE": kind, "RRSUBTYP": subtype})
    vectors = np.stack([np.linspace(1, 2, 11000), np.sin(np.arange(11000) / 50)])
    fits.PrimaryHDU(vectors, header).writeto(path)


def test_a_folder_without_templates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=naming("GALAXY", "RR_TEMPLATE_DIR")):
        redrock(tmp_path)
    (tmp_path / "rrtemplate-galaxy.fits").write_bytes(b"nothing")
    with pytest.raises(InputError, match=naming("rrtemplate-galaxy.fits", "fetch it anew")):
        redrock(tmp_path)
    with pytest.raises(InputError, match=naming("absent", "folder")):
        redrock(tmp_path / "absent")


def test_a_folder_for_mock_surveys_is_not_refined_with(tmp_path: Path) -> None:
    """It has galaxies, and no vectors of quasars: `download --templates` makes such a one."""
    write_templates(tmp_path / "rrtemplate-galaxy.fits", "GALAXY")
    assert is_for_mocks(tmp_path)
    write_templates(tmp_path / "rrtemplate-QSO-LOZ-v1.1.fits", "QSO", "LOZ")
    assert not is_for_mocks(tmp_path) and not is_for_mocks(tmp_path / "absent")


def test_templates_are_known_by_the_names_of_every_release(tmp_path: Path) -> None:
    """Before 2024 rrtemplate-galaxy.fits, since then rrtemplate-GALAXY-None-v2.6.fits."""
    write_templates(tmp_path / "rrtemplate-GALAXY-None-v2.6.fits", "GALAXY")
    for version in ("1.9", "1.10", "1.1"):
        write_templates(tmp_path / f"rrtemplate-QSO-LOZ-v{version}.fits", "QSO", "LOZ")
    write_templates(tmp_path / "rrtemplate-QSO-LOZ-v2.0b1.fits", "QSO", "LOZ")
    assert redrock(tmp_path).keys() == {"GALAXY", "QSO"}
    assert _newest(tmp_path, REDROCK["QSO"]).name == "rrtemplate-QSO-LOZ-v1.10.fits"
    (tmp_path / LISTED).write_text("rrtemplate-QSO-LOZ-v1.1.fits\n")
    assert _newest(tmp_path, REDROCK["QSO"]).name == "rrtemplate-QSO-LOZ-v1.1.fits"


@pytest.mark.parametrize(
    ("kind", "start"), [("QSO", 3.0), ("GALAXY", 4.5), ("GALAXY", 20000.0), ("GALAXY", 0.0)]
)
def test_templates_of_another_kind_or_range_are_refused(
    tmp_path: Path, kind: str, start: float
) -> None:
    """Quasars, from 31,623 or 20,000 Angstrom on, or with a pixel that is no number."""
    write_templates(tmp_path / "rrtemplate-galaxy.fits", kind, start=start or 3.0)
    if not start:
        with fits.open(tmp_path / "rrtemplate-galaxy.fits", mode="update") as hdus:
            hdus[0].data[:, 5000] = np.nan
    with pytest.raises(InputError, match=naming("rrtemplate-galaxy.fits")):
        redrock(tmp_path)


def test_redrock_as_desi_ships_it(shared: Path) -> None:
    bases = redrock(shared / "templates/redrock")
    assert {kind: len(basis.vectors) for kind, basis in bases.items()} == {"GALAXY": 5, "QSO": 4}


def test_principal_vectors_are_those_of_the_svd() -> None:
    flux = np.random.default_rng(1).normal(0, 1, (30, 200)) + np.linspace(1, 3, 200)
    got = rest_frame.principal(flux, 4)
    unit = flux / np.linalg.norm(flux, axis=1, keepdims=True)
    expected = np.linalg.svd(unit, full_matrices=False)[2][:4]
    np.testing.assert_allclose(np.abs((got * expected).sum(axis=1)), 1, rtol=1e-9)
    assert (got.sum(axis=1) > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", rest_frame.KINDS)
def test_mock_spectra_cover_the_rest_frame(kind: str) -> None:
    generator, limits = rest_frame.KINDS[kind]
    start, grid = rest_frame.rest_grid(*limits)
    assert np.log10(grid.centers[0]) == pytest.approx(start * STEP)
    flux = generator(np.random.default_rng(0), 40, grid, rest_frame.EVERYTHING)
    assert flux.shape == (40, grid.size)
    assert np.isfinite(flux).all()
    assert (np.median(flux, axis=1) > 0).all()
    line = grid.bin_of(np.log10(np.array([5008.24, 4975.0])))
    assert np.mean(flux[:, line[0]] > flux[:, line[1]]) > 0.4  # [O III] shines in most


def test_the_command_writes_the_same_vectors_again(tmp_path: Path) -> None:
    files = []
    for name in ("first", "second"):
        work(Config(out=tmp_path / name, spectra=12, galaxy_vectors=3, quasar_vectors=2))
        files += [sorted((tmp_path / name).rglob("*.*"))]
    assert [path.name for path in files[0]] == ["CARD.md", FILE_NAME] * 2
    for first, second in zip(*files, strict=True):
        assert first.read_bytes() == second.read_bytes()
    card = files[0][0].read_text("utf-8")
    assert "python -m experiments.basis --spectra 12 --galaxy-vectors 3 --quasar-vectors 2" in card
    assert len(load(files[0][1]).vectors) == 3


@pytest.mark.parametrize("setting", [{"galaxy_vectors": 0}, {"quasar_vectors": 13}, {"seed": -1}])
def test_settings_out_of_range_are_refused(tmp_path: Path, setting: dict[str, int]) -> None:
    [flag] = setting
    with pytest.raises(InputError, match=f"--{flag.replace('_', '-')}"):
        work(Config(out=tmp_path, **({"spectra": 12, "galaxy_vectors": 3} | setting)))
