"""Spectra of SDSS and DESI in MultimodalUniverse's HDF5 files: reading, prediction, datasets."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from make_fits import write_spec
from make_hdf5 import desi_columns, sdss_columns, write_hdf5
from naming import naming
from stored_spectra import stored

from data_prep import multimodal
from data_prep.join import SAME_FILE, UNREADABLE
from data_prep.selection import NO_CLASS, REPEATED
from spectranet_jax import readers
from spectranet_jax.catalog import pieces
from spectranet_jax.catalog.reading import read_pieces
from spectranet_jax.commands import predict
from spectranet_jax.readers.file_reading import read_file
from spectranet_jax.readers.multimodal_universe import row_count
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.identity_columns import identity_columns
from spectranet_jax.spectra.labels import GALAXY, QSO, STAR

CLASSES = ["QSO", "GALAXY", "STAR", "QSO", ""]
KEYS = [(7102, 56666, fiber) for fiber in range(1, 6)]
Z = [2.5, 0.5, 0.0, 1.25, 0.0]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(multimodal, "contact_sheet", lambda *_: None)


def random_spectra(count, seed=0):
    """Of different lengths, as those of SDSS are."""
    rng = np.random.default_rng(seed)
    sizes = 4600 - np.arange(count) % 7
    loglam = [3.5527 + 1e-4 * np.arange(size) for size in sizes]
    flux = [rng.normal(3, 1, size).astype(np.float32) for size in sizes]
    return loglam, flux, [np.ones(size, np.float32) for size in sizes]


def sdss_file(path, count=5, seed=0, **others):
    keys = [(7102, 56666 + seed, 1 + fiber) for fiber in range(count)]
    classes, z = (CLASSES * count)[:count], (Z * count)[:count]
    return write_hdf5(path, sdss_columns(*random_spectra(count, seed), keys, classes, z, **others))


def desi_file(path, count=3):
    rng = np.random.default_rng(1)
    flux, ivar = rng.normal(2, 1, (count, 7781)), np.ones((count, 7781))
    ids = 39 * 10**15 + np.arange(count)
    return write_hdf5(path, desi_columns(flux, ivar, ids, CLASSES[:count], Z[:count]))


def test_spectra_of_sdss_are_those_of_the_spec_files(tmp_path):
    path = sdss_file(tmp_path / "boss" / "001-of-001.hdf5")
    spectra = readers.read(path)
    assert [s.name for s in spectra] == [f"7102-56666-{n:04d}" for n in range(1, 6)]
    loglam, flux, ivar = random_spectra(5)
    for row, spectrum in enumerate(spectra):
        np.testing.assert_allclose(spectrum.loglam, loglam[row], atol=2e-7)  # lambda is float32
        np.testing.assert_array_equal(spectrum.flux, flux[row])
        np.testing.assert_array_equal(spectrum.ivar, ivar[row])
    assert spectra[0].identity["RA"] == 10 and spectra[4].identity["DEC"] == 5
    assert row_count(path) == 5


def test_bins_are_those_of_the_spec_file_whatever_bits_and_mask_has(tmp_path):
    """The mask marks every bit of and_mask; the reader of spec files uses one of them."""
    loglam, flux, ivar = random_spectra(1)
    ivar[0][100:120] = 0
    mask = np.zeros((1, len(flux[0])), np.bool_)
    mask[0, 100:900] = True
    columns = sdss_columns(loglam, flux, ivar, KEYS[:1], ["QSO"], [1.0], spectrum_mask=mask)
    write_hdf5(tmp_path / "a.hdf5", columns)
    write_spec(tmp_path / "a.fits", KEYS[0], flux=flux[0], ivar=ivar[0])
    ours, theirs = (read_file(str(tmp_path / name), [GRID]) for name in ("a.hdf5", "a.fits"))
    for a, b in zip(ours.pixels[GRID], theirs.pixels[GRID], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_spectra_of_desi_share_their_wavelengths(tmp_path):
    spectra = readers.read(desi_file(tmp_path / "001-of-001.hdf5"))
    assert [s.name for s in spectra] == [str(39 * 10**15 + n) for n in range(3)]
    wavelength = 10 ** spectra[0].loglam
    np.testing.assert_allclose(wavelength, 3600 + 0.8 * np.arange(7781), rtol=1e-12)
    assert all(s.loglam is spectra[0].loglam for s in spectra)
    assert spectra[2].identity["TARGETID"] == 39 * 10**15 + 2


@pytest.mark.slow
def test_predict_reads_a_file_in_pieces_as_whole(tmp_path, monkeypatch):
    path = str(sdss_file(tmp_path / "x" / "a.hdf5", 150))
    monkeypatch.setattr(pieces, "ROWS", 64)
    inputs = pieces.pieces([str(tmp_path / "x")])
    assert [(p.file, p.first, p.last) for p in inputs] == [
        (path, 0, 64), (path, 64, 128), (path, 128, 150)
    ]  # fmt: skip
    assert not any(piece.of_shard for piece in inputs)
    groups = list(pieces.together(inputs, np.full(3, 10)))
    assert [len(group) for group in groups] == [1, 1, 1]
    parts = read_pieces(inputs, [GRID], native_pixels=True)
    whole = read_file(path, [GRID], identity_columns, True)
    assert parts.name.tolist() == whole.name.tolist()
    for a, b in zip(parts.pixels[GRID], whole.pixels[GRID], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(parts.native.flux, whole.native.flux)


@pytest.mark.slow
def test_predict_answers_as_for_the_spec_files(tmp_path, monkeypatch):
    loglam, flux, ivar = random_spectra(3)
    names = []
    for row, key in enumerate(KEYS[:3]):
        names.append(str(tmp_path / f"spec-{row}.fits"))
        grid = {"flux": flux[row], "ivar": ivar[row], "pixels": len(flux[row])}
        write_spec(tmp_path / names[-1], key, **grid)
    columns = sdss_columns(loglam, flux, ivar, KEYS[:3], CLASSES[:3], Z[:3])
    path = write_hdf5(tmp_path / "a.hdf5", columns)
    monkeypatch.setattr(pieces, "ROWS", 2)
    catalogs = []
    for given in (names, [str(path)]):
        out = tmp_path / f"{len(given)}.fits"
        predict.run([*given, "--out", str(out)])
        catalogs.append(Table.read(out))
    ours, theirs = catalogs
    assert ours["ID"].tolist() == theirs["ID"].tolist()
    assert ours["CLASS"].tolist() == theirs["CLASS"].tolist()
    np.testing.assert_allclose(ours["P_STAR"], theirs["P_STAR"], atol=1e-3)
    assert theirs["PLATE"].tolist() == [7102] * 3 and theirs["RA"][0] == 10


def test_files_that_cannot_be_read_are_flagged_rows(tmp_path):
    (tmp_path / "no.hdf5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500))
    (tmp_path / "page.h5").write_text("<html>404</html>")
    names = [str(tmp_path / name) for name in ("no.hdf5", "page.h5")]
    reading = read_pieces(pieces.pieces(names), [GRID])
    assert (reading.flags & Flag.UNREADABLE != 0).tolist() == [True, True]
    assert all(str(name) in error for name, error in zip(names, reading.errors, strict=True))


def prepare(tmp_path, *files, **options):
    config = multimodal.Config(tuple(map(str, files)), tmp_path / "d", **options)
    return multimodal.prepare(config)


def test_a_dataset_of_sdss(tmp_path, capsys):
    path = sdss_file(tmp_path / "boss" / "a.hdf5", ZWARNING=np.int32([0, 0, 0, 4, 0]))
    contents = prepare(tmp_path, path)
    block, _ = stored(tmp_path / "d")
    assert block.label.tolist() == [QSO, GALAXY, STAR]
    assert block.z.tolist() == Z[:3] and block.bal.tolist() == [0, 0, 0]
    assert block.identity["PLATE"].tolist() == [7102] * 3
    assert contents.report["reasons"] == {NO_CLASS: 2} and contents.report["rows_in"] == 5
    assert (tmp_path / "d" / "sources.csv").read_text().splitlines()[1].endswith(",5")
    assert contents.creator["command"] == "data_prep.multimodal"
    assert contents.fingerprint in capsys.readouterr().out


def test_a_dataset_of_desi_is_divided_by_targetid(tmp_path):
    prepare(tmp_path, desi_file(tmp_path / "a.hdf5"))
    block, _ = stored(tmp_path / "d")
    assert block.object_id.tolist() == block.identity["TARGETID"].tolist()
    assert block.object_id.tolist() == [39 * 10**15 + n for n in range(3)]


@pytest.mark.slow
def test_the_dataset_does_not_depend_on_workers_or_parts(tmp_path, monkeypatch):
    files = [sdss_file(tmp_path / f"{seed}.hdf5", 20, seed) for seed in range(3)]
    serial = prepare(tmp_path, *files, workers=1)
    shutil.rmtree(tmp_path / "d")
    monkeypatch.setattr(multimodal, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(multimodal, "SERIAL_PARTS", 1)
    two = prepare(tmp_path, *files, workers=2)
    assert serial.fingerprint == two.fingerprint and serial.sources == two.sources


def test_what_came_before_and_what_is_damaged_is_left_out_and_reported(tmp_path, capsys):
    good = sdss_file(tmp_path / "a.hdf5")
    shutil.copy(good, tmp_path / "b.hdf5")
    desi = desi_file(tmp_path / "c.hdf5")
    shutil.copy(desi, tmp_path / "d.hdf5")
    (tmp_path / "e.hdf5").write_bytes(good.read_bytes()[:3000])
    (tmp_path / "f.hdf5").write_text("no HDF5")
    contents = prepare(tmp_path, *sorted(tmp_path.glob("*.hdf5")))
    reasons = contents.report["reasons"]
    assert reasons[UNREADABLE] == 2 and reasons[SAME_FILE] == 5 + 3
    assert contents.report["rows_out"] == 4 + 3 and REPEATED not in reasons
    err = capsys.readouterr().err
    assert "e.hdf5" in err and "f.hdf5" in err


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"CLASS": None}, ("CLASS", "SPECTYPE")),
        ({"spectrum_ivar": None}, ("spectrum_ivar",)),
        ({"spectrum_lambda": None}, ("spectrum_lambda",)),
        ({"spectrum_ivar": np.ones((5, 7))}, ("(5, 7)",)),
        ({"PLATE": np.int32([1])}, ("PLATE", "1 rows")),
        ({"Z": np.ones((5, 2))}, ("Z", "(5, 2)")),
        ({"Z": np.array([b"a"] * 5)}, ("numbers", "Z")),
    ],
)
def test_files_of_another_layout_are_a_sentence(tmp_path, others, words):
    path = sdss_file(tmp_path / "x.hdf5", **others)
    with pytest.raises(InputError, match=naming("x.hdf5", *words)):
        prepare(tmp_path, path)
    assert not (tmp_path / "d").exists()


MEMORY = """
import sys
from pathlib import Path
from data_prep import multimodal
multimodal.contact_sheet = lambda *_: None
multimodal.prepare(multimodal.Config((sys.argv[1],), Path(sys.argv[2]), workers=1))
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory_does_not_grow_with_the_file(tmp_path):
    """Eight times the spectra: as float32, 220 MB of pixels more on disk."""
    peaks = []
    for count in (1_000, 8_000):
        loglam, flux, ivar = random_spectra(50)
        columns = sdss_columns(loglam, flux, ivar, [KEYS[0]] * 50, ["QSO"] * 50, [1.0] * 50)
        columns = {n: np.concatenate([v] * (count // 50)) for n, v in columns.items()}
        columns["FIBERID"] = np.arange(1, count + 1)
        path = write_hdf5(tmp_path / f"{count}.hdf5", columns)
        line = [sys.executable, "-c", MEMORY, str(path), str(tmp_path / f"d{count}")]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[-1]) / 1e3)
        path.unlink()
    assert peaks[1] < peaks[0] + 60, peaks
