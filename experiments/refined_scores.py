"""Scores of redshifts by each method on the same labeled spectra, and their tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from experiments import labeled_index
from spectranet_jax.evaluation import redshift_scores
from spectranet_jax.evaluation.corrected_posterior import highest_density_level
from spectranet_jax.evaluation.fraction import fraction_if_any
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT

LIMITS = (100, 300, 1000)
"""Limits within which redshifts are counted, km/s."""
SN = (0, 2, 5, 10, 20, 50, np.inf)
Z = (0, 0.1, 0.3, 0.6, 1.0, 1.57)
LEVELS = (0.5, 0.68, 0.9, 0.95)
NORMAL_FRACTIONS = (0.683, 0.954)
"""Fractions of a normal distribution within one and two standard deviations."""

EXCLUDED = "* the 95% binomial interval excludes the expected fraction"
WITHIN = "100 / 300 / 1000"
IN_ERRORS = "1 / 2 Z_ERR"

Index = dict[str, NDArray[Any]]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Method:
    """Redshifts of n spectra by one method; NaN where there is none.

    Attributes:
        z: (n,).
        z_err: (n,).
        level: (n,), of p(z) whose set of highest density just reaches the true redshift; NaN of a
            method without p(z).
    """

    z: NDArray[np.float64]
    z_err: NDArray[np.float64]
    level: NDArray[np.float64]

    @classmethod
    def of(
        cls, columns: Mapping[str, Any], edges: NDArray[np.float64], truth: NDArray[np.float64]
    ) -> "Method":
        """Return the method with these columns, P_OF_Z included, at true redshifts (n,)."""
        z, z_err = (np.ma.filled(columns[name], np.nan) for name in ("Z", "Z_ERR"))
        refined = np.asarray(columns.get("REFINED", np.zeros(len(z), bool)))
        level = highest_density_level(columns["P_OF_Z"], edges, truth, refined, z, z_err)
        return cls(np.asarray(z, np.float64), np.asarray(z_err, np.float64), level)


def read_index(folder: Path, labels: Sequence[str]) -> Index:
    """Read file, label and z of the spectra with some labels in a folder's index.csv, (n,) each."""
    index = labeled_index.read_index(folder)
    chosen = np.isin(index.label, labels)
    if not chosen.any():
        raise InputError(
            f"{folder / labeled_index.INDEX} names no {' or '.join(labels)}; give another folder"
        )
    return {name: column[chosen] for name, column in vars(index).items()}


def read_pairs(path: Path, files: NDArray[np.str_]) -> NDArray[np.int64]:
    """Read the rows of `files` that are of one object, (pairs, 2)."""
    row_of = {file: row for row, file in enumerate(files)}
    objects: dict[str, list[int]] = {}
    for row in labeled_index.read_rows(path, ("object", "file")):
        if row["file"] in row_of:
            objects.setdefault(row["object"], []).append(row_of[row["file"]])
    pairs = [pair for rows in objects.values() for pair in combinations(rows, 2)]
    return np.array(pairs, np.int64).reshape(-1, 2)


def kinds(index: Index) -> dict[str, Bools]:
    """Return which spectra are galaxies, and quasars by redshift."""
    galaxy = index["label"] == "GALAXY"
    ranges = {
        f"quasars, {name}": ~galaxy & (index["z"] >= low) & (index["z"] < high)
        for name, (low, high) in redshift_scores.RANGES.items()
    }
    return {"galaxies": galaxy, **ranges}


def groups(index: Index) -> dict[str, Bools]:
    """Return which spectra are of each kind, and of each kind and folder: at least three."""
    folder = np.array([Path(file).parts[0] for file in index["file"]])
    named = {}
    for kind, rows in kinds(index).items():
        named[f"all {kind}"] = rows
        named |= {f"{name}: {kind}": rows & (folder == name) for name in np.unique(folder)}
    return {name: rows for name, rows in named.items() if rows.sum() > 2}


def ranges(index: Index) -> dict[str, Bools]:
    """Return which spectra are of each kind, and of each kind by S/N and redshift: at least three.

    Quasars are those below z = 1.57.
    """
    galaxy = index["label"] == "GALAXY"
    quasar = ~galaxy & (index["z"] < redshift_scores.RANGES["z < 1.57"][1])
    named = {}
    for kind, of in (("galaxies", galaxy), ("quasars below z = 1.57", quasar)):
        named[f"all {kind}"] = of
        for heading, values, ends in (("S/N", index["sn"], SN), ("z", index["z"], Z)):
            for low, high in pairwise(ends):
                rows = of & (values >= low) & (values < high)
                named[f"{kind}, {heading} {low:g} to {high:g}"] = rows
    return {name: rows for name, rows in named.items() if rows.sum() > 2}


def joined(methods: "Sequence[Method]") -> "Method":
    """Join one method's redshifts of parts of a sample, in order."""
    names = ("z", "z_err", "level")
    return Method(*(np.concatenate([getattr(m, name) for m in methods]) for name in names))


def group_table(
    title: str, rows: Bools, truth: NDArray[np.float64], methods: Mapping[str, Method]
) -> Table:
    """Return errors of spectra, km/s, a line per method; those without a redshift are left out."""
    table = Table(title=f"{title}, km/s")
    table.add_column("method")
    for heading in ("n", "dv", "NMAD (95%)", WITHIN, IN_ERRORS):
        table.add_column(heading, justify="right")
    for name, method in methods.items():
        of = rows & np.isfinite(method.z)
        if not of.any():
            continue
        velocity = redshift_scores.dv(method.z[of], truth[of])
        pull = np.abs(method.z[of] - truth[of]) / method.z_err[of]
        ends = redshift_scores.nmad_interval(velocity)
        table.add_row(
            name,
            str(of.sum()),
            f"{np.median(velocity):.0f}",
            f"{redshift_scores.nmad(velocity):.1f}"
            + (f" ({ends[0]:.0f}-{ends[1]:.0f})" if ends else ""),
            " ".join(f"{np.mean(np.abs(velocity) <= limit):.2f}" for limit in LIMITS),
            " ".join(held(pull <= k, level) for k, level in enumerate(NORMAL_FRACTIONS, start=1)),
        )
    return table


def held(inside: Bools, level: float) -> str:
    """Return the fraction inside; with a star where its 95% interval excludes `level`."""
    counted = fraction_if_any(inside)
    if counted is None:
        return "-"
    low, high = counted.interval
    return f"{counted.fraction:.2f}{' ' if low <= level <= high else '*'}"


def coverage_table(index: Index, methods: Mapping[str, Method]) -> Table:
    """Return how often sets of highest density of p(z) hold the true redshift."""
    table = Table(title="sets of highest density of p(z) that hold the true redshift")
    table.add_column("spectra")
    for level in LEVELS:
        table.add_column(f"{level:.0%}", justify="right")
    for kind, rows in kinds(index).items():
        for name, method in methods.items():
            reached = method.level[rows & np.isfinite(method.level) & np.isfinite(method.z)]
            if len(reached):
                table.add_row(f"{kind}: {name}", *(held(reached <= x, x) for x in LEVELS))
    return table


def repeats_table(pairs: NDArray[np.int64], index: Index, methods: Mapping[str, Method]) -> Table:
    """Return the scatter per epoch of objects observed again, and whether errors hold."""
    table = Table(title="repeat observations: differences, over the quadrature sum of Z_ERR")
    table.add_column("spectra")
    for heading in ("pairs", "km/s per epoch", IN_ERRORS):
        table.add_column(heading, justify="right")
    for kind, rows in kinds(index).items():
        for name, method in methods.items():
            known = rows & np.isfinite(method.z)
            first, second = pairs[known[pairs].all(axis=1)].T
            if not len(first):
                continue
            difference = np.abs(method.z[first] - method.z[second])
            pull = difference / np.hypot(method.z_err[first], method.z_err[second])
            velocity = SPEED_OF_LIGHT * difference / (1 + index["z"][first])
            table.add_row(
                f"{kind}: {name}",
                str(len(first)),
                f"{1.4826 * np.median(velocity) / 2**0.5:.1f}",
                " ".join(
                    held(pull <= k, level) for k, level in enumerate(NORMAL_FRACTIONS, start=1)
                ),
            )
    return table
