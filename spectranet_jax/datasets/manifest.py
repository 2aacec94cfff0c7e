"""The manifest of a dataset folder: the contract between data preparation and training."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spectranet_jax.datasets.atomic import write_text
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.instruments import INSTRUMENTS
from spectranet_jax.spectra.observation import EFFECTS

SCHEMA = 1
FILE_NAME = "manifest.json"
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Shard:
    """One ArrayRecord file: its name in the folder, numbers of spectra and records, checksum."""

    file: str
    spectra: int
    blocks: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Contents and provenance of a dataset folder.

    Attributes:
        grid: the wavelength bins of every spectrum.
        shards: split name -> its shards, in order.
        counts: split name -> class name -> spectra.
        split: how objects were divided: rule, seed and fractions.
        sources: the files that went in, with sha256 where they are files.
        creator: program, version and settings that wrote the folder.
        report: rows in, rows out, and rows left out by reason.
        noiseless: splits with noise-free flux (a mock survey for fresh noise at every step).
        effects: names of `observation.EFFECTS` with which noiseless splits are to be observed; None
            where there is no such split.
        instruments: names of `instruments.INSTRUMENTS` to observe them with; () where there is no
            such split.
        native: the native pixels that every spectrum has beside its bins; None where there are
            none.
        schema: version of this layout.
    """

    grid: LogGrid
    shards: dict[str, list[Shard]]
    counts: dict[str, dict[str, int]]
    split: dict[str, Any]
    sources: list[dict[str, Any]]
    creator: dict[str, Any]
    report: dict[str, Any]
    noiseless: list[str] = field(default_factory=list)
    effects: tuple[str, ...] | None = None
    instruments: tuple[str, ...] = ()
    schema: int = SCHEMA
    native: LogGrid | None = None

    @property
    def fingerprint(self) -> str:
        """Return the sha256 of the shards' names and checksums: equal data, equal fingerprint."""
        shards = sorted(s for split in self.shards.values() for s in map(_identity, split))
        return hashlib.sha256("\n".join(shards).encode()).hexdigest()


def _identity(shard: Shard) -> str:
    return f"{shard.file} {shard.sha256}"


def write(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` into a dataset folder, after all its other files."""
    content = dataclasses.asdict(manifest) | {"fingerprint": manifest.fingerprint}
    if manifest.native is None:
        del content["native"]
    write_text(folder / FILE_NAME, json.dumps(content, indent=1) + "\n")


def read(folder: Path) -> Manifest:
    """Return the manifest of a dataset folder.

    Raises:
        InputError: if the folder is missing, is no dataset, has another schema, or names effects
            that this version does not know.
    """
    path = folder / FILE_NAME
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder; prepare a dataset, as with python -m data_prep.mock"
        )
    if not path.is_file():
        raise InputError(
            f"{folder} holds no {FILE_NAME}: it is not a dataset, or its preparation was cut off;"
            " prepare it anew with one of the data_prep commands"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        schema = content["schema"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a manifest; prepare the dataset anew") from error
    if schema != SCHEMA:
        raise InputError(
            f"{path} has schema {schema} and this version reads schema {SCHEMA};"
            " prepare the dataset anew"
        )
    try:
        content.pop("fingerprint", None)
        for name in {"grid", "native"} & content.keys():
            content[name] = LogGrid(**content[name])
        content["shards"] = {
            split: [Shard(**shard) for shard in shards]
            for split, shards in content["shards"].items()
        }
        content["effects"] = _effects(content)
        content["instruments"] = _instruments(content)
        manifest = Manifest(**content)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} lacks fields of a manifest; prepare the dataset anew") from error
    unknown = set(manifest.effects or ()).difference(EFFECTS)
    unknown |= set(manifest.instruments).difference(INSTRUMENTS)
    if unknown:
        raise InputError(
            f"{path} names effects or instruments that this version does not know"
            f" ({', '.join(map(repr, sorted(unknown)))}); prepare the dataset anew"
        )
    return manifest


def _effects(content: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the field `effects`, which older mock surveys have among their settings."""
    effects = content.get("effects")
    if effects is None and content.get("noiseless"):
        effects = content["creator"].get("config", {}).get("effects")
    return None if effects is None else tuple(map(str, effects))


def _instruments(content: dict[str, Any]) -> tuple[str, ...]:
    """Return the field `instruments`.

    Older noise-free surveys lack it: they simulated BOSS, with the coverage of SDSS-I/II for 15%.
    """
    usual = ("boss", "sdss") if content.get("noiseless") else ()
    return tuple(map(str, content.get("instruments", usual)))
