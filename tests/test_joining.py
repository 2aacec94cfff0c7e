"""Joined catalogs equal the catalog of all rows at once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from naming import naming
from same_bytes import same_bytes
from test_catalog import HEADER

from spectranet_jax.catalog import catalog_file, joining
from spectranet_jax.inference import catalog_rows
from spectranet_jax.spectra import CLASSES, InputError
from spectranet_jax.spectra.column import Column

EXTRA = {"IS_QSO": Column("i2", "called quasar"), "NOTE": Column("U9", "text of a model")}


def columns(count: int, seed: int, widest: int) -> dict[str, Any]:
    """Columns of `count` rows whose names are up to `widest` long, some of them not ASCII."""
    rng = np.random.default_rng(seed)

    def texts(letter: str) -> np.ndarray:
        return np.array([letter * int(n) for n in rng.integers(0, widest + 1, count)], str)

    return {
        "FILE": texts("ñ"),
        "ID": texts("7"),
        "CLASS": rng.choice(CLASSES[: 1 + seed], count),
        "Z": np.ma.masked_array(rng.normal(size=count), mask=rng.random(count) < 0.5),
        "SN": np.float32(rng.normal(size=count)),
        "IS_QSO": np.ma.masked_array(rng.integers(0, 2, count), mask=rng.random(count) < 0.5),
        "NOTE": texts("a "),
        "FLAGS": rng.choice([0, 16, 2, 1], count).astype(np.int32),
    }


def build(columns: dict[str, Any]) -> Table:
    values = {name: column for name, column in columns.items() if name != "FLAGS"}
    return catalog_rows.build(values, columns["FLAGS"], HEADER, EXTRA)


def joined_and_whole(folder: Path, suffix: str) -> tuple[Path, Path]:
    """Return four catalogs joined, one of them without rows, and the catalog of all their rows."""
    parts = [columns(*sizes) for sizes in ((5, 0, 4), (0, 1, 1), (3000, 2, 30), (7, 3, 2))]
    files = []
    for number, part in enumerate(parts):
        files.append(folder / f"{number}{joining.ROWS_SUFFIX[suffix]}")
        catalog_file.write(build(part), files[-1])
    whole = {name: np.ma.concatenate([part[name] for part in parts]) for name in parts[0]}
    catalog_file.write(build(whole), folder / f"whole{suffix}")
    joining.join(files, folder / f"joined{suffix}")
    return folder / f"joined{suffix}", folder / f"whole{suffix}"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".fits", ".fit", ".ecsv"])
def test_joined_catalogs_are_the_whole_to_the_last_byte(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(joining, "ROWS", 700)  # so that a catalog is copied in several goes
    joined, whole = joined_and_whole(tmp_path, suffix)
    same_bytes(joined, whole)


def test_joined_parquet_has_the_rows_of_the_whole(tmp_path: Path):
    parquet = pytest.importorskip("pyarrow.parquet")
    joined, whole = (parquet.read_table(p) for p in joined_and_whole(tmp_path, ".parquet"))
    assert joined.column_names == whole.column_names
    assert all(joined[name].equals(whole[name]) for name in whole.column_names)


def test_one_catalog_joined_is_itself_but_for_keywords_left_out(tmp_path: Path):
    table = build(columns(4, 1, 3))
    catalog_file.write(table, tmp_path / "plain.fits")
    table.meta |= {"PART": "1/2", "INPUT": "x" * 99}
    catalog_file.write(table, tmp_path / "part.fits")
    joining.join([tmp_path / "part.fits"], tmp_path / "out.fits", without=("PART", "INPUT"))
    same_bytes(tmp_path / "out.fits", tmp_path / "plain.fits")


def test_what_cannot_be_joined_is_reported(tmp_path: Path):
    first, second, out = (tmp_path / f"{name}.fits" for name in ("one", "two", "out"))
    catalog_file.write(build(columns(3000, 1, 3)), first)
    catalog_file.write(catalog_rows.build({}, np.zeros(3, np.int32), HEADER), second)
    with pytest.raises(InputError, match=naming("two.fits", "one.fits", "columns")):
        joining.join([first, second], out)
    second.write_bytes(first.read_bytes()[:-2880])
    with pytest.raises(InputError, match=r"two\.fits is truncated"):
        joining.join([first, second], out)
    assert not out.exists() and len(list(tmp_path.iterdir())) == 2
