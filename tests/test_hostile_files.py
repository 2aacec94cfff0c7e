"""Files made to harm: none runs code, takes all memory, or reaches outside its folder."""

import gzip
import json
import os
import shutil
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import toy_runs
from astropy.io import fits
from make_fits import write_spec
from naming import naming

from data_prep import truth
from spectranet_jax.catalog.plots import file_name
from spectranet_jax.datasets import checksums
from spectranet_jax.inference import load
from spectranet_jax.inference.redrock import REDROCK, read_redrock
from spectranet_jax.inspection.reference import read_table
from spectranet_jax.readers import header_limits, opening, paths, read, vi_file
from spectranet_jax.readers.fits import open_fits
from spectranet_jax.spectra import InputError

READERS = {
    "spectrum": lambda path: read(path),
    "catalog": lambda path: truth.read(path),
    "table": lambda path: read_table(path),
    "csv": lambda path: vi_file.read(path),
    "weights": lambda path: load(path),
    "list": lambda path: paths([f"@{path}"]),
    "template": lambda path: read_redrock(path, REDROCK["GALAXY"]),
}
"""Readers of files that a stranger may have made."""


class Trap:
    """An object that writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pkl", ".fits", ".csv", ".ecsv", ".h5"])
def test_no_reader_unpickles(tmp_path: Path, reader: str, suffix: str):
    mark, path = tmp_path / "sprung", tmp_path / f"trap{suffix}"
    trap = np.array([Trap(mark)], object)
    with path.open("wb") as file:
        if suffix == ".npz":
            np.savez(file, flux=trap)
        else:
            np.save(file, trap, allow_pickle=True)
    with pytest.raises(InputError, match=naming(path.name)):
        READERS[reader](path)
    assert not mark.exists()
    content = np.load(path, allow_pickle=True)
    with np.errstate(all="ignore"):
        content["flux"] if suffix == ".npz" else content
    assert mark.exists()  # the trap works, where pickle is allowed


def card(keyword: str, value: object) -> bytes:
    return f"{keyword:<8}= {value!s:>20}".ljust(80).encode()


def header(*cards: bytes) -> bytes:
    text = b"".join(cards) + b"END".ljust(80)
    return text.ljust(-(-len(text) // 2880) * 2880)


SIMPLE = (card("SIMPLE", "T"), card("BITPIX", -32))
PRIMARY = header(card("SIMPLE", "T"), card("BITPIX", 8), card("NAXIS", 0))


def table(columns: int = 3, row: int = 12, rows: int = 10, form: str = "E") -> bytes:
    cards = [b"XTENSION= 'BINTABLE'".ljust(80), card("BITPIX", 8), card("NAXIS", 2)]
    cards += [card("NAXIS1", row), card("NAXIS2", rows), card("PCOUNT", 0), card("GCOUNT", 1)]
    cards.append(card("TFIELDS", columns))
    for number, name in enumerate(("FLUX", "IVAR", "LOGLAM"), start=1):
        cards += [card(f"TTYPE{number}", f"'{name}'"), card(f"TFORM{number}", f"'{form}'")]
    return header(*cards)


def pointers() -> bytes:
    """Return rows whose arrays of variable length claim to be gigabytes long."""
    rows = np.zeros((10, 3, 2), ">i4")
    rows[:, :, 0] = 2**31 - 1
    return PRIMARY + table(row=24, form="1PE(4600)") + rows.tobytes().ljust(2880, b"\0")


def compressed(**changed: int) -> bytes:
    hdu = fits.CompImageHDU(np.zeros((2, 4600), np.float32), name="B_FLUX")
    name = Path("compressed.fits")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(name, overwrite=True)
    content = name.read_bytes()
    for keyword, value in changed.items():
        at = content.index(keyword.encode().ljust(8) + b"=")
        content = content[:at] + card(keyword, value) + content[at + 80 :]
    return content


ABSURD = {
    "an image of 10^18 pixels": lambda: header(
        *SIMPLE, card("NAXIS", 2), card("NAXIS1", 10**9), card("NAXIS2", 10**9)
    ),
    "10^9 axes": lambda: header(*SIMPLE, card("NAXIS", 10**9)),
    "a negative axis": lambda: header(*SIMPLE, card("NAXIS", 1), card("NAXIS1", -5)),
    "10^9 columns": lambda: PRIMARY + table(columns=10**9) + bytes(2880),
    "10^12 rows": lambda: PRIMARY + table(rows=10**12) + bytes(2880),
    "10^12 rows of nothing": lambda: PRIMARY + table(row=0, rows=10**12, form="0E"),
    "rows of 10^12 bytes": lambda: PRIMARY + table(row=10**12, form="9999999E") + bytes(2880),
    "sizes whose product overflows": lambda: PRIMARY + table(row=2**33, rows=2**33) + bytes(2880),
    "arrays of variable length": pointers,
    "a compressed image of 10^16 pixels": lambda: compressed(ZNAXIS1=10**8, ZNAXIS2=10**8),
    "a compressed tile of 10^11 pixels": lambda: compressed(ZTILE1=10**8, ZTILE2=10**3),
    "columns after a compressed image": lambda: compressed() + table(columns=10**9) + bytes(2880),
    "columns after a size told twice": lambda: (
        header(SIMPLE[0], card("BITPIX", 8), card("NAXIS", 1), card("NAXIS1", 5), card("NAXIS1", 0))
        + bytes(2880)
        + table(columns=10**9)
        + bytes(2880)
    ),
    "a header without end": lambda: SIMPLE[0] + b"COMMENT".ljust(80) * 300_000,
}


@pytest.mark.parametrize("what", ABSURD)
@pytest.mark.parametrize("packed", [False, True])
def test_an_absurd_size_is_refused_before_it_is_allocated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, packed: bool
):
    monkeypatch.chdir(tmp_path)
    content = ABSURD[what]()
    path = tmp_path / ("bad.fits.gz" if packed else "bad.fits")
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=naming(path.name)):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 120 << 20  # NumPy's and astropy's is traced
    finally:
        tracemalloc.stop()


def test_a_longest_allowed_header_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_spec(tmp_path / "spec.fits")
    with fits.open(tmp_path / "spec.fits", mode="update") as hdus:
        hdus[0].header.update({f"KEY{number}": number for number in range(400)})
    sizes = [2880 * count for count in range(1, 40)]
    messages = []
    for longest in sizes:
        monkeypatch.setattr(header_limits, "LONGEST", longest)
        try:
            messages.append(len(read(tmp_path / "spec.fits")))
        except InputError as error:
            assert "without an end" in str(error)
            messages.append(0)
    assert messages == sorted(messages) and messages[0] == 0 and messages[-1] == 1


@pytest.mark.slow
def test_a_bomb_is_refused_at_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file that does not begin as FITS costs nothing; one that does, no more than the bound."""
    monkeypatch.setattr(opening, "UNPACKED_AT_LEAST", 8 << 20)
    path = tmp_path / "bomb.fits.gz"
    path.write_bytes(gzip.compress(bytes(64 << 20)))
    with pytest.raises(InputError, match=naming(path.name, "not a FITS file")):
        read(path)
    path.write_bytes(gzip.compress(PRIMARY + bytes(64 << 20)))
    written = []
    real = opening._write
    monkeypatch.setattr(
        opening, "_write", lambda p, piece, to: (written.append(len(piece)), real(p, piece, to))
    )
    with pytest.raises(InputError, match=naming(path.name, "unpacks")):
        read(path)
    assert sum(written) <= 8 << 20
    honest = np.random.default_rng(0).normal(size=(9, 1 << 17))  # 9 MiB: beyond the least bound
    fits.PrimaryHDU(honest).writeto(path.with_suffix(""))
    path.write_bytes(gzip.compress(path.with_suffix("").read_bytes(), 1))
    with open_fits(path) as hdus:
        np.testing.assert_array_equal(hdus[0].numbers(np.float64), honest)


def test_a_full_temporary_folder_is_reported(tmp_path: Path):
    path = tmp_path / "spec.fits.gz"
    path.write_bytes(gzip.compress(PRIMARY))

    class Full:
        def write(self, _: bytes) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=naming(path.name, "TMPDIR")):
        opening._write(path, b"", Full())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/evil", "..", "a/../../b", "\0", "\udcff", "ü" * 300, "$x^{$", ""]
)
def test_a_picture_stays_in_its_folder(tmp_path: Path, name: str):
    for file in (name, "spec.fits"):
        path = tmp_path / file_name(7, file, name)
        assert path.resolve().parent == tmp_path.resolve()
        path.touch()
        assert path.name.startswith("000007-") and path.name.endswith(".png")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_runs.untrained(tmp_path_factory.mktemp("run") / "run")


@pytest.mark.slow
def test_metadata_of_a_checkpoint_name_nothing_outside_it(run: Path, tmp_path: Path):
    """Names of parameters are those of the network that config.json describes, never the file's."""
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    outside = tmp_path / "outside"
    (step,) = (folder / "checkpoints" / "best").glob("*/state")
    shutil.copytree(step, outside)
    metadata = step / "_METADATA"
    content = json.loads(metadata.read_text())

    def astray(value: object) -> object:
        if isinstance(value, dict):
            return {k: astray(v) for k, v in value.items()}
        if isinstance(value, list):
            return [astray(v) for v in value]
        return f"../../../../../outside/{value}" if isinstance(value, str) else value

    metadata.write_text(json.dumps(astray(content)))
    checksums.write(step.parent)  # as the stranger would
    before = {path: path.stat().st_atime_ns for path in outside.rglob("*") if path.is_file()}
    expected = load(run).sha256
    try:
        assert load(folder).sha256 == expected
    except InputError as error:
        assert "checkpoint" in str(error)
    assert {path: path.stat().st_atime_ns for path in before} == before
    shutil.rmtree(step)
    (folder / "checkpoints" / "best" / "0").exists()
    with pytest.raises(InputError, match=naming("checkpoint")):
        load(folder)


def shipped_as(run: Path, folder: Path, weights: bytes) -> Path:
    folder.mkdir()
    shutil.copy(run / "config.json", folder)
    (folder / "weights.safetensors").write_bytes(weights)
    return folder


@pytest.mark.parametrize(
    "tensors",
    [
        {"../../evil": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}},
        {"a": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}},
        {"__metadata__": {"file": "../../../etc/passwd"}},
    ],
)
def test_a_strangers_safetensors_is_refused(run: Path, tmp_path: Path, tensors: dict[str, object]):
    front = json.dumps(tensors).encode()
    weights = struct.pack("<Q", len(front)) + front + bytes(4)
    folder = shipped_as(run, tmp_path / "run", weights)
    with pytest.raises(InputError, match=naming("weights.safetensors")):
        load(folder)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run"]


def test_a_safetensors_of_an_endless_header_is_refused(run: Path, tmp_path: Path):
    folder = shipped_as(run, tmp_path / "run", struct.pack("<Q", 2**60) + b"{}")
    with pytest.raises(InputError, match=naming("weights.safetensors")):
        load(folder)


@pytest.mark.parametrize("suffix", [".xml", ".vot", ".hdf5", ".html", ".tex", ""])
def test_a_table_that_may_name_other_files_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
):
    """A VOTable's STREAM has an address, which astropy would fetch."""
    path = tmp_path / f"table{suffix}"
    path.write_text(
        '<?xml version="1.0"?><VOTABLE version="1.3"><RESOURCE><TABLE><FIELD name="Z"'
        ' datatype="double"/><DATA><BINARY><STREAM href="file:///etc/passwd"/></BINARY></DATA>'
        "</TABLE></RESOURCE></VOTABLE>"
    )
    with pytest.raises(InputError, match=naming(path.name)):
        read_table(path)
    monkeypatch.setattr("urllib.request.urlopen", lambda *_: pytest.fail("an address was opened"))
    with pytest.raises(InputError, match=naming(path.name)):
        truth.read(path)
