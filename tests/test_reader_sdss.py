import csv
import gzip
import shutil

import numpy as np
import pytest
from astropy.io import fits
from make_fits import fiber_of, table, write_coadd, write_spec, write_spplate, write_spspec
from naming import naming

from spectranet_jax.readers import paths, read, rebin_all, spectrum_paths
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, rebin


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"upper": True, "name": ""},  # DR16
        {"key_in": "table"},
        {"loglam_in": "header"},
    ],
)
def test_a_spec_file_in_every_dress(tmp_path, options):
    (spectrum,) = read(write_spec(tmp_path / "x.fits", (3655, 55240, 7), **options))
    assert fiber_of(spectrum) == (3655, 55240, 7) and spectrum.name == "3655-55240-0007"
    assert spectrum.source == str(tmp_path / "x.fits")
    assert spectrum.loglam.dtype == np.float64
    np.testing.assert_allclose(spectrum.loglam, 3.5527 + 1e-4 * np.arange(4600), atol=3e-7)
    np.testing.assert_allclose(spectrum.flux, 2 + np.sin(np.arange(4600) / 50), rtol=1e-6)
    assert (spectrum.ivar == 1).all()
    assert spectrum.flux.dtype == spectrum.ivar.dtype == np.float32


def test_only_combinerej_masks_a_pixel(tmp_path):
    mask = np.zeros(4600, int)
    mask[10], mask[20], mask[30] = 1 << 25, 1 << 24, (1 << 25) + (1 << 23)
    (spectrum,) = read(write_spec(tmp_path / "x.fits", and_mask=mask))
    assert np.flatnonzero(spectrum.ivar == 0).tolist() == [10, 30]


def test_a_gzipped_file_is_the_same(tmp_path):
    plain = write_spec(tmp_path / "x.fits")
    with plain.open("rb") as source, gzip.open(tmp_path / "x.fits.gz", "wb") as target:
        shutil.copyfileobj(source, target)
    (a,), (b,) = read(plain), read(tmp_path / "x.fits.gz")
    np.testing.assert_array_equal(a.flux, b.flux)
    assert a.identity == b.identity


def test_a_file_without_plate_is_named_after_itself(tmp_path):
    (spectrum,) = read(write_spec(tmp_path / "mystery.fits", key_in=""))
    assert spectrum.name == "mystery" and not spectrum.identity


def test_rebin_all_is_rebin_of_each(tmp_path):
    spectra = [
        read(write_spec(tmp_path / f"{f}.fits", (1, 2, f), flux=np.full(4600, f)))[0]
        for f in (3, 4)
    ]
    flux, ivar = rebin_all(spectra, grid=GRID)
    assert flux.dtype == ivar.dtype == np.float32
    for row, s in enumerate(spectra):
        expected = rebin(s.loglam, s.flux, s.ivar, grid=GRID)
        np.testing.assert_array_equal(flux[row], expected[0].astype(np.float32))
        np.testing.assert_array_equal(ivar[row], expected[1].astype(np.float32))
    assert rebin_all([], grid=GRID)[0].shape == (0, 443)


def truncated(path):
    write_spec(path)
    path.write_bytes(path.read_bytes()[:40_000])


def truncated_gzip(path):
    write_spec(path)
    compressed = gzip.compress(path.read_bytes())
    path.write_bytes(compressed[: len(compressed) // 3])


def catalog(path):
    fits.HDUList([fits.PrimaryHDU(), table({"Z": np.float64([1])})]).writeto(path)


def without_ivar(path):
    columns = {k: np.zeros(9, np.float32) for k in ("flux", "loglam")}
    fits.HDUList([fits.PrimaryHDU(), table(columns, "COADD")]).writeto(path)


def without_pixels(path):
    columns = {k: np.zeros(0, np.float32) for k in ("flux", "loglam", "ivar")}
    fits.HDUList([fits.PrimaryHDU(), table(columns, "COADD")]).writeto(path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (truncated, "truncated or damaged; fetch it again"),
        (truncated_gzip, "truncated or damaged"),
        (lambda path: path.write_text("<html>404</html>"), naming("FITS file", "give the file")),
        (lambda path: path.write_bytes(gzip.compress(b"a,b\n")), "is not a FITS file"),
        (lambda path: path.write_bytes(bytes(5760)), "is not a FITS file"),
        (lambda path: path.write_bytes(b"SIMP"), "truncated or damaged"),
        (lambda path: path.touch(), "cannot be read as FITS"),
        (lambda _: None, "does not exist; check the name"),
        (lambda path: path.mkdir(), "is a folder"),
        (catalog, "no spectra in a layout"),
        (without_ivar, "no spectra in a layout"),
        (without_pixels, "without pixels"),
        (lambda path: write_spec(path, loglam_in=""), "no wavelengths.*loglam.*COEFF0"),
    ],
)
def test_what_is_no_spec_file_is_reported(tmp_path, make, sentence):
    make(tmp_path / "x.fits")
    with pytest.raises(InputError, match=sentence) as error:
        read(tmp_path / "x.fits")
    assert str(error.value).startswith(str(tmp_path / "x.fits"))


@pytest.mark.slow
def test_real_files_of_every_release_are_read(shared):
    with (shared / "index.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["file"].split("/")[0] != "formats"]
    assert len(rows) > 200
    for row in rows:
        (spectrum,) = read(shared / row["file"])
        assert len(spectrum.flux) == int(float(row["npix"])), row["file"]
        assert 10 ** spectrum.loglam[0] == pytest.approx(float(row["wmin"]), abs=0.1), row["file"]
        assert 10 ** spectrum.loglam[-1] == pytest.approx(float(row["wmax"]), abs=0.1), row["file"]
        key = tuple(int(float(row[k])) for k in ("plate", "mjd", "fiber"))
        assert fiber_of(spectrum) == key, row["file"]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("part", [0.01, 0.05, 0.1, 0.5])
def test_a_file_cut_anywhere_is_reported(tmp_path, part, compressed):
    content = write_spec(tmp_path / "whole.fits").read_bytes()
    content = gzip.compress(content) if compressed else content
    cut = tmp_path / "cut.fits"
    cut.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(InputError, match=naming("FITS", "truncated")):
        read(cut)


def test_paths_of_files_folders_patterns_and_lists(tmp_path):
    for name in ("b.fits", "a.fits.gz", "c.fit", "notes.md", "z.csv"):
        (tmp_path / name).touch()
    b, a, c = (f"{tmp_path}/{n}" for n in ("b.fits", "a.fits.gz", "c.fit"))
    listed = tmp_path / "list.txt"
    listed.write_text(f"# mine\n{b}\n\n  {tmp_path}/gone.fits \n")
    assert paths([b]) == [b]
    assert paths([str(tmp_path)]) == [a, b, c]
    assert paths([f"{tmp_path}/*.fit*"]) == [a, b, c]
    assert paths([str(listed)]) == paths([f"@{listed}"]) == [b, f"{tmp_path}/gone.fits"]
    assert paths([c, str(tmp_path), c]) == [c, a, b, c, c]


def test_a_folder_gives_its_spectra_and_says_what_it_leaves_aside(tmp_path, capsys):
    """Catalogs and images are left out; unreadable files are not, nor are files that are named."""
    for n, key in enumerate([(7000, 56000, 1), (7000, 56000, 2)]):
        write_spec(tmp_path / ("spec-7000.fits", "other name.fits")[n], key)
    write_coadd(tmp_path / "x-coadd.fits", [1, 2], np.random.default_rng(1), step=80)
    flux = np.ones((2, 60))
    write_spplate(tmp_path / "x-plate.fits", flux=flux, ivar=flux)
    write_spspec(tmp_path / "x-old.fit", flux=flux[0], error=flux[0], mask=0 * flux[0])
    catalog(tmp_path / "catalog.fits")
    fits.PrimaryHDU(np.zeros((4, 5))).writeto(tmp_path / "picture.fits")
    (tmp_path / "page.fits").write_text("<html>404</html>")
    whole = (tmp_path / "catalog.fits").read_bytes()
    (tmp_path / "cut.fits").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "packed.fits.gz").write_bytes(gzip.compress(whole))
    catalog(tmp_path / "spec-9.fits")  # by its name a spectrum, so the reader tells what it is
    names = ["cut.fits", "other name.fits", "page.fits", "spec-7000.fits", "spec-9.fits"]
    names += ["x-coadd.fits", "x-old.fit", "x-plate.fits"]
    assert spectrum_paths([str(tmp_path)]) == [f"{tmp_path}/{n}" for n in names]
    aside = ", ".join(f"{tmp_path}/{n}" for n in ("catalog.fits", "packed.fits.gz", "picture.fits"))
    assert capsys.readouterr().err.endswith(f": {aside}\n")
    for named in (f"{tmp_path}/catalog.fits", f"{tmp_path}/cat*.fits"):
        assert spectrum_paths([named]) == [f"{tmp_path}/catalog.fits"]
    assert capsys.readouterr().err == ""


def test_of_many_files_left_aside_a_few_are_named(tmp_path, capsys):
    for n in range(9):
        catalog(tmp_path / f"{n}.fits")
    with pytest.raises(InputError, match=naming("FITS", "spectra", "give")):
        spectrum_paths([str(tmp_path)])
    write_spec(tmp_path / "spec.fits")
    assert spectrum_paths([str(tmp_path)]) == [f"{tmp_path}/spec.fits"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("4.fits and 4 more")


def test_paths_are_named_as_they_were_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.fits").touch()
    (tmp_path / "list.txt").write_text("./in//x.fits\n")
    assert paths(["./in/x.fits", "in/../in/x.fits"]) == ["./in/x.fits", "in/../in/x.fits"]
    assert paths(["./in", "./in/"]) == ["./in/x.fits"] * 2
    assert paths(["./i*/*.fits", "list.txt"]) == ["./in/x.fits", "./in//x.fits"]


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("gone.fits", "gone.fits does not exist; check the name"),
        ("*.fits", r"no file matches .*\*.fits; check the pattern"),
        ("empty", "empty holds no .fits"),
        ("empty.lst", "lists no file"),
        ("@gone.lst", "gone.lst cannot be read as a list"),
        ("binary.txt", "cannot be read as a list"),
        ("ascii.txt", naming("ascii.txt", "columns of numbers", ".txt file", "one path per line")),
        ("ascii.lst", naming("ascii.lst", "columns of numbers")),
    ],
)
def test_paths_that_stand_for_nothing_are_reported(tmp_path, monkeypatch, argument, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.lst").touch()
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "ascii.txt").write_text("# wavelength flux\n3600.0 1.2e-17\n")
    (tmp_path / "ascii.lst").write_text("3600.0, 1.2, nan\n")
    with pytest.raises(InputError, match=sentence):
        paths([argument])


def test_a_null_pixel_is_no_flux(tmp_path):
    """For integers that TNULL marks as missing."""
    plain = {"ivar": np.ones(9), "loglam": 3.6 + 1e-3 * np.arange(9)}
    made = [fits.Column(name, "E", array=values) for name, values in plain.items()]
    made.append(fits.Column("flux", "J", null=-99, array=np.int32([3, -99, *range(7)])))
    hdu = fits.BinTableHDU.from_columns(made, name="COADD")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "x.fits")
    (spectrum,) = read(tmp_path / "x.fits")
    assert np.flatnonzero(np.isnan(spectrum.flux)).tolist() == [1]
    flux, ivar = rebin_all([spectrum], grid=GRID)
    assert (ivar > 0).sum() == 8 and flux.min() == 0
