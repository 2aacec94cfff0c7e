"""A catalog with refined redshifts: the same bytes however it is cut, better than bins allow."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from same_bytes import same_bytes

from spectranet_jax.catalog import pieces as module_of_pieces
from spectranet_jax.catalog import streaming
from spectranet_jax.catalog.finished import Finished
from spectranet_jax.catalog.pieces import pieces
from spectranet_jax.commands import merge, predict


@pytest.fixture(scope="module")
def inputs(shared: Path) -> list[str]:
    galaxies = sorted((shared / "bright-galaxies").glob("*.fits*"))[:6]
    quasars = sorted((shared / "boss-dr16-quasars").glob("*.fits*"))[:4]
    coadd = shared / "formats" / "coadd-sv3-dark-26065.fits.gz"
    return [str(path) for path in (*galaxies, *quasars, coadd)]


def made(out: Path, inputs: list[str], *flags: str) -> bytes:
    predict.run([*inputs, "--out", str(out), *flags])
    return out.read_bytes() if out.exists() else b""


@pytest.mark.long
def test_chunks_workers_and_parts_change_no_byte(
    inputs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(tmp_path / "whole.fits", inputs)
    rows = Table.read(tmp_path / "whole.fits")
    assert (~rows["Z_CHI2"].mask).sum() >= 8  # or there is nothing to compare
    assert rows.meta["REFINED"].startswith("shipped")
    monkeypatch.setattr(streaming, "CHUNK", 2 * 42_000)
    monkeypatch.setattr(streaming, "SERIAL_FILES", 1)
    same_bytes(made(tmp_path / "small.fits", inputs, "--workers", "2"), whole)
    for number in (1, 2, 3):
        made(tmp_path / "p.fits", inputs, "--part", f"{number}/3")
    parts = sorted(map(str, tmp_path.glob("p.part-*.fits")))
    merge.run([*parts, "--out", str(tmp_path / "merged.fits")])
    same_bytes(tmp_path / "merged.fits", whole)
    assert len(pieces(inputs)) == len(inputs)


@pytest.mark.slow
def test_a_run_that_is_resumed_changes_no_byte(
    inputs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(tmp_path / "whole.fits", inputs)
    monkeypatch.setattr(streaming, "CHUNK", 2 * 42_000)
    monkeypatch.setattr(module_of_pieces, "TOGETHER_PIECES", 2)
    add, added = Finished.add, []

    def interrupted(self: Finished, *rows: Any) -> None:
        add(self, *rows)
        added.append(rows)
        if len(added) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(SystemExit, match="130"):
        patch.setattr(Finished, "add", interrupted)
        made(tmp_path / "c.fits", inputs)
    assert not (tmp_path / "c.fits").exists()
    same_bytes(made(tmp_path / "c.fits", inputs), whole)


@pytest.mark.slow
def test_a_refined_galaxy_is_where_its_survey_puts_it(inputs: list[str], tmp_path: Path) -> None:
    """Within 30 km/s of the pipeline's fit to the same pixels; the network errs by up to 200."""
    made(tmp_path / "c.fits", inputs[:6])
    rows = Table.read(tmp_path / "c.fits")
    truth = np.array([fits.getdata(name, 2)["Z"][0] for name in inputs[:6]])
    velocity = 299_792.458 * (rows["Z"] - truth) / (1 + truth)
    assert np.abs(velocity).max() < 30
    made(tmp_path / "n.fits", inputs[:6], "--no-refine")
    plain = Table.read(tmp_path / "n.fits")
    assert plain["Z_CHI2"].mask.all()
    np.testing.assert_array_equal(plain["Z"], rows["Z_NET"])
    np.testing.assert_array_equal(plain["CLASS"], rows["CLASS"])
    assert plain.meta["REFINED"] == "none"
