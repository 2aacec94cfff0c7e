"""Spectra with one bump, whose place tells class and redshift: a network learns them fast."""

from pathlib import Path

import numpy as np

from data_prep.division import by_hash
from data_prep.write import Plan, Provenance, write_dataset
from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.records import Block
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.flags import median_sn


def block(count: int, seed: int = 0) -> Block:
    """`count` toy spectra of all four classes."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 4, count).astype(np.int8)
    z = np.where(label > 0, rng.uniform(0.5, 2.0, count), np.nan)
    center = 100 + 60 * label + 30 * np.nan_to_num(z)
    bump = np.exp(-0.5 * ((np.arange(GRID.size) - center[:, None]) / 8) ** 2)
    flux = (1 + 5 * bump + rng.normal(0, 0.5, bump.shape)).astype(np.float32)
    ivar = np.where(rng.random(bump.shape) < 0.01, 0, 4).astype(np.float32)
    return Block(
        flux=flux,
        ivar=ivar,
        label=label,
        bal=np.where(label == 3, 1, -1).astype(np.int8),
        z=z,
        z_conf=np.full(count, 3, np.int8),
        object_id=np.arange(count, dtype=np.int64),
        name=np.array([f"toy-{seed}-{i}".encode() for i in range(count)]),
        source=np.full(count, b"toy"),
        sn=median_sn(flux, ivar, grid=GRID),
    )


def write(folder: Path, count: int, seed: int = 0) -> manifest.Manifest:
    """A dataset folder of toy spectra."""
    plan = Plan(GRID, count, seed, by_hash(seed))
    return write_dataset(folder, [block(count, seed)], plan, Provenance({"program": "toy"}))
