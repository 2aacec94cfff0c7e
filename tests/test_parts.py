"""A catalog in parts: divided among jobs, merged into what one process would have written."""

from pathlib import Path

import numpy as np
import pytest
import toy_runs
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from make_fits import write_spec
from naming import naming
from same_bytes import same_bytes

from spectranet_jax.catalog import parts
from spectranet_jax.catalog.parts import Part
from spectranet_jax.catalog.pieces import Piece
from spectranet_jax.commands import merge, predict
from spectranet_jax.spectra import InputError

COUNT = 4


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten spec files with names of growing length, the first three unreadable; two models."""
    folder = tmp_path_factory.mktemp("parts")
    rng = np.random.default_rng(1)
    (folder / "in").mkdir()
    for fiber in range(10):
        path = folder / "in" / f"spec-{fiber}{'x' * fiber}.fits"
        if fiber < 3:
            path.write_text("no")
        else:
            write_spec(path, (7000, 56000, fiber), flux=rng.normal(2, 1, 460), pixels=460)
    for seed in (1, 2):
        toy_runs.untrained(folder / f"run{seed}", seed=seed)
    return folder


@pytest.fixture(scope="module")
def whole(source: Path) -> bytes:
    """The catalog that one process writes."""
    run(source, "whole.fits")
    return (source / "whole.fits").read_bytes()


def run(folder: Path, out: str, part: str = "", model: str = "run1", given: str = "in") -> None:
    """Predict in that folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        predict.work(predict.Config((given,), (model,), Path(out), workers=1, part=part))


@pytest.fixture(scope="module")
def predicted(source: Path) -> list[str]:
    """All parts, the first of them without a spectrum that can be read."""
    for number in range(1, COUNT + 1):
        run(source, "c.fits", f"{number}/{COUNT}")
    return sorted(str(path) for path in source.glob("c.part-*"))


def merged(files: list[str], out: Path) -> bytes:
    merge.work(merge.Config(tuple(files), out))
    return out.read_bytes()


@pytest.mark.slow
def test_parts_merge_into_the_very_catalog(
    predicted: list[str], whole: bytes, tmp_path: Path, capsys: pytest.CaptureFixture
):
    assert [Path(file).name for file in predicted] == [
        f"c.part-{number:05d}-of-00004.fits" for number in (1, 2, 3, 4)
    ]
    capsys.readouterr()
    same_bytes(merged(predicted, tmp_path / "c.fits"), whole)
    assert "c.fits, 10 rows of 4 parts" in capsys.readouterr().out
    same_bytes(merged(predicted[::-1], tmp_path / "backwards.fits"), whole)
    pattern = [f"{Path(predicted[0]).parent}/c.part-*.fits"]
    same_bytes(merged(pattern, tmp_path / "pattern.fits"), whole)


@pytest.mark.slow
def test_more_parts_than_files(source: Path, tmp_path: Path):
    """A part of no file is a catalog without rows."""
    some = "in/spec-[78]*"
    for number in (1, 2, 3):
        run(source, str(tmp_path / "c.fits"), f"{number}/3", given=some)
    files = [str(path) for path in tmp_path.iterdir()]
    assert sorted(fits.getval(file, "NAXIS2", 1) for file in files) == [0, 1, 1]
    run(source, str(tmp_path / "whole.fits"), given=some)
    same_bytes(merged(files, tmp_path / "merged.fits"), tmp_path / "whole.fits")


@given(st.integers(0, 200), st.integers(1, 50))
def test_shares_are_even_and_in_order(pieces: int, count: int):
    inputs = [Piece(str(number)) for number in range(pieces)]
    parts_inputs = [Part(number, count).pieces_of(inputs) for number in range(1, count + 1)]
    assert [piece for part_inputs in parts_inputs for piece in part_inputs] == inputs
    assert {len(part_inputs) for part_inputs in parts_inputs} <= {
        pieces // count,
        -(-pieces // count),
    }


@pytest.mark.parametrize("text", ["3", "0/4", "5/4", "a/b", "1/0", "-1/4", "1/4/2", "1.0/2", "/"])
def test_what_is_no_part_is_reported(text: str):
    with pytest.raises(InputError, match=naming("--part", "i/n")):
        parts.parse(text)


def test_parts_are_fits(source: Path, predicted: list[str], tmp_path: Path):
    with pytest.raises(InputError, match=naming("c.ecsv", "FITS")):
        run(source, "c.ecsv", "1/2")
    with pytest.raises(InputError, match=naming("c.ecsv", "FITS")):
        merge.work(merge.Config(tuple(predicted), tmp_path / "c.ecsv"))


@pytest.mark.slow
def test_parts_that_do_not_belong_together_are_refused(
    source: Path, predicted: list[str], whole: bytes, tmp_path: Path
):
    stranger = str(tmp_path / "c.part-00002-of-00004.fits")
    others = [file for file in predicted if "part-00002" not in file]

    def refused(files: list[str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            merged(files, tmp_path / "out.fits")
        assert not (tmp_path / "out.fits").exists()

    refused(others, naming("1 of 4 parts", "--part 2/4"))
    refused(others[:1], naming("3 of 4 parts", "2, 3, 4"))
    refused([*predicted, predicted[0]], r"are both part 1/4")
    refused([], "there is nothing to merge; name the parts")
    copy = tmp_path / "copy.fits"
    copy.write_bytes(Path(predicted[1]).read_bytes())
    refused([*predicted, str(copy)], r"part-00002-of-00004.fits and .*copy.fits are both part 2/4")
    run(source, str(tmp_path / "c.fits"), "2/4", model="run2")
    refused([*others, stranger], r"made by other models or settings than .* \(\w+ differs\)")
    Path(stranger).unlink()
    run(source, str(tmp_path / "c.fits"), "2/4", given="./in")
    refused([*others, stranger], r"is a part of another list of files than")
    run(source, str(tmp_path / "c.fits"), "2/5")
    five = str(tmp_path / "c.part-00002-of-00005.fits")
    refused([*others, five], r"is one of 4 parts and .* one of 5; give the parts of one catalog")
    (tmp_path / "whole.fits").write_bytes(whole)
    refused([*others, str(tmp_path / "whole.fits")], r"whole\.fits is not a part of a catalog")
    (tmp_path / "text.fits").write_text("no")
    refused([*others, str(tmp_path / "text.fits")], r"text\.fits is not a FITS file")
    cut = tmp_path / "cut.fits"
    cut.write_bytes(Path(predicted[1]).read_bytes()[:-2880])
    refused([*others, str(cut)], r"cut\.fits (is truncated|cannot be read as FITS)")


def test_a_catalog_is_not_overwritten_unasked(predicted: list[str], whole: bytes, tmp_path: Path):
    out = tmp_path / "c.fits"
    out.write_text("mine")
    with pytest.raises(InputError, match=naming("--out", "--overwrite")):
        merged(predicted, out)
    assert out.read_text() == "mine"
    merge.work(merge.Config(tuple(predicted), out, overwrite=True))
    same_bytes(out, whole)
