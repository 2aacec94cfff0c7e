"""Prediction from files: a row for each, in order, whatever the files are like."""

import gzip
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import toy_runs
from astropy.io import fits
from astropy.table import Table
from make_fits import write_spec
from naming import naming
from predicted import predict_files

from spectranet_jax.commands.predict import Config, work
from spectranet_jax.inference import Model, load
from spectranet_jax.readers import paths, read
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, rebin
from spectranet_jax.spectra.flags import Flag

COUNT = 5


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_runs.untrained(tmp_path_factory.mktemp("predict") / "run", seed=1)


@pytest.fixture(scope="module")
def model(run: Path) -> Model:
    return load(run)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Spec files of different spectra in the folder that the test runs in."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    names = [f"in/spec-{i}.fits" for i in range(COUNT)]
    for i, name in enumerate(names):
        write_spec(Path(name), (7000, 56000, 1 + i), flux=i + 3 * rng.normal(2, 1, 4600))
    return names


def predicted(model: Model, arguments: Sequence[str]) -> Table:
    return predict_files([model], paths(arguments))


def row(table: Table, index: int) -> list[object]:
    """Return a row's cells except the file's name."""
    return [table[name].tolist()[index] for name in table.colnames if name != "FILE"]


@pytest.mark.slow
def test_one_row_a_file_in_the_order_given(model: Model, files: list[str]):
    alone = [row(predicted(model, [name]), 0) for name in files]
    assert len({str(cells) for cells in alone}) == COUNT
    mixed = [files[i] for i in (3, 0, 4, 0, 2, 1)]
    table = predicted(model, mixed)
    assert table["FILE"].tolist() == mixed
    assert [row(table, i) for i in range(6)] == [alone[i] for i in (3, 0, 4, 0, 2, 1)]
    assert table["ID"].tolist() == [f"7000-56000-{1 + i:04d}" for i in (3, 0, 4, 0, 2, 1)]


def test_a_row_is_what_the_arrays_give(model: Model, files: list[str]):
    (spectrum,) = read(Path(files[2]))
    flux, ivar = rebin(spectrum.loglam, spectrum.flux, spectrum.ivar, grid=GRID)
    arrays = model.predict(flux, ivar)
    table = predicted(model, files)[2:3]
    for name in ("CLASS", "P_STAR", "P_GALAXY", "P_QSO", "P_QSO_BAL", "SN", "FLAGS"):
        assert table[name].tolist() == arrays[name].tolist()


def test_files_are_named_as_they_were_given(model: Model, files: list[str], tmp_path: Path):
    arguments = ["./in", "in/", "in/../in/spec-0.fits", f"{tmp_path}/in/spec-1.fits", "./in/*-2.*"]
    folder = [f"spec-{i}.fits" for i in range(COUNT)]
    expected = [f"./in/{f}" for f in folder] + files + arguments[2:4] + ["./in/spec-2.fits"]
    assert predicted(model, arguments)["FILE"].tolist() == expected
    Path("list.txt").write_text("# a list\n./in/spec-3.fits\n\n  in/spec-4.fits \n")
    assert predicted(model, ["@list.txt"])["FILE"].tolist() == [
        "./in/spec-3.fits",
        "in/spec-4.fits",
    ]


@pytest.mark.slow
def test_spaces_unicode_and_gzip_in_names(model: Model, files: list[str], tmp_path: Path):
    odd = ["in/a b.fits", "in/ñandú ★.fits", "in/quo'te\".fits", "in/c.fits.gz", "in/[x].fits"]
    for name in odd:
        content = Path(files[0]).read_bytes()
        Path(name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    table = predicted(model, odd)
    assert table["FILE"].tolist() == odd
    assert all(row(table, i) == row(table, 0) for i in range(len(odd)))
    for suffix in (".fits", ".ecsv"):
        config = Config(tuple(odd), (str(tmp_path / "rün 1"),), Path(f"my catalog ñ{suffix}"))
        if suffix == ".fits":
            toy_runs.untrained(tmp_path / "rün 1", seed=1)
        work(config)
        back = Table.read(config.out)
        back.convert_bytestring_to_unicode()
        assert back["FILE"].tolist() == odd


@pytest.mark.slow
def test_an_earlier_catalog_in_the_folder_is_left_aside(
    model: Model, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
):
    toy_runs.untrained(tmp_path / "run", seed=1)
    for name in ("in/first.fits", "in/second.fits"):
        work(Config(("in",), (str(tmp_path / "run"),), Path(name)))
        assert Table.read(name)["FILE"].astype(str).tolist() == files
    assert re.search(naming("left out", "in/first.fits"), capsys.readouterr().err)
    named = predicted(model, ["in/first.fits", files[0]])
    assert named["FLAGS"].tolist()[0] == int(Flag.UNREADABLE)


def damaged(files: list[str]) -> dict[str, bytes]:
    good = Path(files[0]).read_bytes()
    return {
        "cut.fits": good[: len(good) // 2],
        "cut.fits.gz": gzip.compress(good)[:9000],
        "empty.fits": b"",
        "text.fits": b"flux ivar\n1 2\n",
        "zeros.fits": bytes(5760),
        "png.fits": b"\x89PNG\r\n\x1a\n" + bytes(100),
    }


def test_a_bad_file_among_good_ones_is_a_flagged_row_and_a_warning(
    model: Model, files: list[str], capsys: pytest.CaptureFixture
):
    good = predicted(model, files)
    bad = damaged(files)
    for name, content in bad.items():
        Path(name).write_bytes(content)
    Path("folder.fits").mkdir()
    fits.PrimaryHDU(np.zeros((4, 5))).writeto("image.fits")
    Path("list.txt").write_text("gone.fits\nfolder.fits\nimage.fits\n")
    capsys.readouterr()
    table = predicted(model, [files[0], *bad, "list.txt", *files[1:]])
    bad_names = [*bad, "gone.fits", "folder.fits", "image.fits"]
    assert table["FILE"].tolist() == [files[0], *bad_names, *files[1:]]
    hidden = slice(1, 1 + len(bad_names))
    assert set(table["FLAGS"][hidden].tolist()) == {int(Flag.UNREADABLE)}
    for name in table.colnames:
        masked = np.ma.getmaskarray(table[name])
        assert masked[hidden].all() == (name not in ("FILE", "FLAGS", "ZWARN", "ERROR"))
    rows = [0, *range(1 + len(bad_names), len(table))]
    assert [row(table, i) for i in rows] == [row(good, i) for i in range(COUNT)]
    warnings = [s for s in capsys.readouterr().err.splitlines() if s.startswith("warning: ")]
    assert len(warnings) == len(bad_names)
    assert all(n in sentence for n, sentence in zip(bad_names, warnings, strict=True))


def test_when_no_file_can_be_read_it_is_an_error(model: Model, files: list[str]):
    for name, content in damaged(files).items():
        Path(name).write_bytes(content)
        alien = name in ("text.fits", "zeros.fits", "png.fits")
        what = "is not a FITS file" if alien else "cannot be read as FITS: it is truncated"
        with pytest.raises(InputError, match=f"^{name} {what}"):
            predicted(model, [name])
    with pytest.raises(InputError, match=naming(2, "cut.fits")):
        predicted(model, ["cut.fits", "text.fits"])
    with pytest.raises(InputError, match=naming("spec files", "folder")):
        predicted(model, [])


def test_spectra_that_are_dead_damaged_or_cut_off_are_flagged(model: Model, files: list[str]):
    flux = np.random.default_rng(0).normal(2, 1, 4600)
    pixel = np.arange(4600)
    write_spec(Path("dead.fits"), ivar=np.zeros(4600))
    write_spec(Path("rejected.fits"), and_mask=np.full(4600, 1 << 25))
    write_spec(Path("all_nan.fits"), flux=np.full(4600, np.nan))
    write_spec(Path("nan.fits"), flux=np.where(pixel % 9, flux, np.nan))
    write_spec(Path("inf.fits"), flux=flux, ivar=np.where(pixel % 9, 1, np.inf))
    write_spec(Path("negative.fits"), flux=flux, ivar=np.where(pixel % 9, 1, -1))
    write_spec(Path("half.fits"), flux=10 * flux, ivar=np.where(pixel < 2000, 0.01, 0))
    write_spec(Path("noisy.fits"), flux=flux - 2, ivar=np.ones(4600))
    write_spec(Path("sigma.fits"), flux=100 * flux, ivar=np.full(4600, 100))  # in place of 1e-4
    bad, cut = Flag.BAD_PIXELS, Flag.PARTIAL
    nothing = Flag.NO_DATA | cut | Flag.LOW_SN
    expected = {
        "dead.fits": nothing,
        "rejected.fits": nothing,
        "all_nan.fits": nothing | bad,
        "nan.fits": bad,
        "inf.fits": bad,
        "negative.fits": bad,
        "half.fits": cut | Flag.LITTLE_COVERAGE,
        "noisy.fits": Flag.LOW_SN,
        "sigma.fits": Flag.NOISE_MISMATCH,
        files[0]: Flag(0),
    }
    table = predicted(model, list(expected))
    assert dict(zip(table["FILE"], map(Flag, table["FLAGS"].tolist()), strict=True)) == expected
    without = [bool(flag & Flag.NO_DATA) for flag in expected.values()]
    for name in ("CLASS", "P_STAR", "P_QSO_BAL"):
        assert np.ma.getmaskarray(table[name]).tolist() == without
    assert not np.ma.getmaskarray(table["ID"]).any()


def test_a_spectrum_without_pixels_on_the_grid_is_flagged(model: Model, files: list[str]):
    write_spec(Path("x.fits"), loglam_in="header")
    with fits.open("x.fits", mode="update") as hdus:
        hdus[0].header["COEFF0"], hdus[0].header["COEFF1"] = 4.0, 1e-5  # beyond the grid's end
    table = predicted(model, ["x.fits", files[0]])
    assert Flag.NO_DATA in Flag(int(table["FLAGS"][0]))
    assert np.ma.getmaskarray(table["CLASS"]).tolist() == [True, False]


@pytest.mark.slow
def test_a_spectrum_that_is_not_optical_is_a_row_and_a_sentence(
    run: Path, files: list[str], capsys: pytest.CaptureFixture
):
    write_spec(Path("x.fits"), loglam_in="header")
    with fits.open("x.fits", mode="update") as hdus:
        hdus[0].header["COEFF0"] = 4.2  # infrared
    work(Config(("x.fits", files[0]), (str(run),), Path("c.fits")))
    assert Table.read("c.fits")["FLAGS"].tolist()[0] == int(Flag.UNREADABLE)
    assert "x.fits: loglam runs from 4.2 to 4.6599" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_writes_the_catalog_and_counts(
    run: Path, files: list[str], capsys: pytest.CaptureFixture
):
    Path("bad.fits").write_text("no")
    write_spec(Path("dead.fits"), ivar=np.zeros(4600))
    arguments = (*files, "bad.fits", "dead.fits")
    work(Config(arguments, (str(run),), Path("new/c.fits")))
    table = Table.read("new/c.fits")
    assert len(table) == COUNT + 2
    assert table.meta["SHA256_1"] == load(run).sha256
    out = capsys.readouterr().out
    assert "7 rows" in out and "new/c.fits" in out
    for text, count in (("no class", 2), ("1 UNREADABLE", 1), ("2 NO_DATA", 1)):
        (line,) = (s for s in out.splitlines() if text in s)
        assert line.strip("│ ").split()[-1] == str(count)


@pytest.mark.slow
def test_spectra_that_differ_from_their_sum_are_flagged_and_counted(
    run: Path, files: list[str], capsys: pytest.CaptureFixture
):
    for name in files[1:3]:
        fits.setval(name, "DATASUM", value="1", ext=1)
    work(Config(tuple(files), (str(run),), Path("c.fits")))
    flagged = np.flatnonzero(Table.read("c.fits")["FLAGS"] & Flag.CHECKSUM)
    assert flagged.tolist() == [1, 2]
    assert re.search(naming("warning", "2 spectra", "DATASUM"), capsys.readouterr().err)


@pytest.mark.slow
def test_equal_input_gives_equal_bytes(run: Path, files: list[str]):
    for name in "ab":
        work(Config(tuple(files), (str(run),), Path(f"{name}.fits")))
    assert Path("a.fits").read_bytes() == Path("b.fits").read_bytes()


@pytest.mark.slow
def test_a_classifier_and_a_redshift_model_together(run: Path, files: list[str]):
    toy_runs.untrained(Path("z"), toy_runs.REGRESSOR, toy_runs.REDSHIFT)
    work(Config(tuple(files), (str(run), "z"), Path("c.fits")))
    table = Table.read("c.fits")
    quasar = np.isin(table["CLASS"].tolist(), ["QSO", "QSO_BAL"])
    assert (np.ma.getmaskarray(table["Z"]) == ~quasar).all()
    assert table.meta["MODEL1"] == "run" and table.meta["MODEL2"] == "z"


def test_nothing_is_read_where_nothing_can_be_written(
    run: Path, files: list[str], capsys: pytest.CaptureFixture
):
    for out in ("in/c.csv", "in", "in/spec-0.fits/c.fits"):
        with pytest.raises(InputError, match=re.escape(out.partition("/c.fits")[0])):
            work(Config(tuple(files), (str(run),), Path(out)))
    assert "reading" not in capsys.readouterr().err


def test_a_layout_that_the_model_cannot_fill_is_refused_before_anything_is_read(
    run: Path, files: list[str], capsys: pytest.CaptureFixture
):
    with pytest.raises(InputError, match=r"--format qn .*EV_Lya"):
        work(Config(tuple(files), (str(run),), Path("c.fits"), format="qn"))
    assert "reading" not in capsys.readouterr().err


def test_every_format_of_the_real_files(model: Model, shared: Path):
    """SDSS and BOSS, lite and full, are read; other formats are rows with a flag."""
    files = sorted(str(p) for p in (shared / "formats").iterdir() if p.name.endswith(".fits"))
    mixed = [str(p) for p in sorted((shared / "sdss-mixed").rglob("*.fits"))[:20]]
    table = predict_files([model], [*mixed, *files])
    assert table["FILE"].tolist() == mixed + files
    flags = table["FLAGS"]
    assert (flags[: len(mixed)] & (Flag.UNREADABLE | Flag.NO_DATA) == 0).all()
    assert (flags[len(mixed) :] & Flag.UNREADABLE != 0).any()
