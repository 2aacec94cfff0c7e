"""Merge the answers of several inspectors, exported from the pages of spectranet inspect.

    spectranet merge-vi anna.csv ben.csv --out merged.csv

Spectra on which all inspectors agree go to one file. The others go to a second file, with one row
per answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from spectranet_jax.command_line import command, one_or_more
from spectranet_jax.spectra.errors import InputError

NAMED = 20
"""Disagreements that are printed."""


@dataclass(frozen=True)
class Config:
    """Settings of a merge of answers."""

    files: Annotated[tuple[Path, ...], tyro.conf.Positional, one_or_more("CSV")]
    """files that the inspectors exported"""
    out: Path = Path("merged-vi.csv")
    """file to write, with the answers that agree"""
    disagreements: Path | None = None
    """file to write, with the answers that disagree; by default the name of --out with
    -disagreements added"""
    overwrite: bool = False
    """replace files that exist"""


def work(config: Config) -> None:
    """Write both files, and print the disagreements."""
    from spectranet_jax.datasets.atomic import write_text
    from spectranet_jax.inspection.merging import is_answer, listed, merge, title
    from spectranet_jax.readers import vi_file

    beside = config.out.with_name(f"{config.out.stem}-disagreements{config.out.suffix}")
    disputed_path = config.disagreements or beside
    if not config.files:
        raise InputError("name the files to merge, as in spectranet merge-vi anna.csv ben.csv")
    if config.out.absolute() == disputed_path.absolute():
        raise InputError(f"{config.out} cannot be both files; pass another --disagreements")
    for path in (config.out, disputed_path):
        if path.exists() and any(path.samefile(read) for read in config.files if read.exists()):
            raise InputError(f"{path} is among the files to be read; choose another --out")
        if path.exists() and not config.overwrite:
            raise InputError(f"{path} exists; choose another --out, or pass --overwrite")
    files = [vi_file.read(path) for path in config.files]
    agreed, disputed = merge(files)
    write_text(config.out, vi_file.written(agreed))
    write_text(disputed_path, vi_file.written(listed(disputed)))
    for reasons, rows in disputed[:NAMED]:
        answers = " | ".join(_answer(row) for row in rows)
        print(f"{title(rows[0])}: {', '.join(reasons)} differ: {answers}")
    if len(disputed) > NAMED:
        print(f"and {len(disputed) - NAMED} more, all in {disputed_path}")
    for path, rows in zip(config.files, files, strict=True):
        if half := sum(not is_answer(row) for row in rows):
            print(
                f"{path}: {half} of {len(rows)} rows have no class or no quality and are left out"
            )
    print(f"{config.out}: {len(agreed)} spectra; {disputed_path}: {len(disputed)} that disagree")


def _answer(row: dict[str, str]) -> str:
    inspector = row.get("VI_SCANNER") or "?"
    return f"{inspector}: {row['VI_CLASS']} z={row['VI_Z'] or '-'} quality {row['VI_QUALITY']}"


def run(arguments: Sequence[str]) -> None:
    """Run `spectranet merge-vi` with these arguments."""
    command(Config, work, __doc__ or "", arguments, "spectranet merge-vi")
