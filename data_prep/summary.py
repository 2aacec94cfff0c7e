"""Provenance and summary of a dataset: its creator, and a table of its contents."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spectranet_jax import __version__
from spectranet_jax.datasets.manifest import SPLITS, Manifest
from spectranet_jax.spectra import CLASSES

SHEET = "contact_sheet.png"
"""Examples of each class, beside the shards."""

REPORTED_COUNTS = {
    "by_object": "joined by the object, since the catalog has no row of the observation",
    "checksum": "in files that do not match their DATASUM: edited, or damaged",
}
"""Counts of a manifest's report that are printed unless 0 -> their description."""

NAMED_FILES = 10
"""Unreadable files named on the terminal; the report in the manifest names all."""


def creator(command: str, config: Any) -> dict[str, Any]:
    """Return the manifest's `creator`: program, version, command and its flags (a dataclass)."""
    flags = dataclasses.asdict(config)
    return {
        "program": "spectranet-jax",
        "version": __version__,
        "command": command,
        "config": {k: str(v) if isinstance(v, Path) else v for k, v in flags.items()},
    }


def lacking_classes(manifest: Manifest) -> list[str]:
    """Return a sentence for each split that holds spectra, but none of some class."""
    held = {name: {c for c in CLASSES if manifest.counts[name].get(c)} for name in SPLITS}
    nowhere = [c for c in CLASSES if not any(c in classes for classes in held.values())]
    sentences = [f"no split has a spectrum of {', '.join(nowhere)}"] if nowhere else []
    for name, classes in held.items():
        lacking = [c for c in CLASSES if c not in classes and c not in nowhere]
        if classes and lacking:
            sentences.append(f"the {name} split has no spectrum of {', '.join(lacking)}")
    return sentences


def print_summary(manifest: Manifest, folder: Path) -> None:
    """Print spectra by class and split, rows in and out with reasons, fingerprint and folder."""
    from rich.table import Table

    from spectranet_jax.tables import print_table

    table = Table()
    table.add_column("class")
    for split in SPLITS:
        table.add_column(split, justify="right")
    table.add_column("all", justify="right")
    classes = list(dict.fromkeys(c for split in SPLITS for c in manifest.counts[split]))
    for name in classes:
        row = [manifest.counts[split].get(name, 0) for split in SPLITS]
        table.add_row(name, *map(str, row), str(sum(row)))
    table.add_section()
    total = [sum(manifest.counts[split].values()) for split in SPLITS]
    table.add_row("all", *map(str, total), str(sum(total)))
    print_table(table)
    rows_in = manifest.report["rows_in"]
    print(f"rows in: {rows_in}, out: {manifest.report['rows_out']}")
    for reason, rows in manifest.report["reasons"].items():
        print(f"  left out: {rows} of {rows_in} {reason}")
    for count, description in REPORTED_COUNTS.items():
        if rows := manifest.report.get(count):
            print(f"  {rows} of {rows_in} {description}")
    for sentence in lacking_classes(manifest):
        print(sentence)
    print(f"fingerprint: {manifest.fingerprint}")
    print(f"dataset: {folder} (examples in {SHEET})")


def warn_of_unreadable(unreadable: Sequence[str]) -> None:
    """Name the first of the files that cannot be read."""
    sys.stdout.flush()
    for sentence in unreadable[:NAMED_FILES]:
        print(f"left out: {sentence}", file=sys.stderr)
    if len(unreadable) > NAMED_FILES:
        print(f"left out: {len(unreadable) - NAMED_FILES} more, see the manifest", file=sys.stderr)
