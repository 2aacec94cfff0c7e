"""Choice of the constants of refined redshifts and of p(z) anew, for another model.

Mock spectra decide what they show: what errors from chi2 are multiplied by (`refine.STATISTICAL`),
and the weight of the network's redshift in that of a quasar (`refine.KINDS`). Real spectra decide
the rest: the width that p(z) of quasars above z = 1.57 is convolved with
(`corrected_posterior.LINE_SHIFTS`), and of quasars below it the floor of the error and the doubt.
These are chosen from all labeled spectra, and from all but one set, which is then what they are
judged on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from data_prep.mock.survey import blocks
from experiments.refined_methods import of_network
from experiments.refined_scores import NORMAL_FRACTIONS, Bools, held
from spectranet_jax.evaluation import redshift_scores
from spectranet_jax.evaluation.corrected_posterior import (
    LINE_SHIFTS,
    corrected,
    highest_density_level,
    likeliest_width,
)
from spectranet_jax.inference import Model
from spectranet_jax.inference.basis import shipped
from spectranet_jax.inference.refine import KINDS, PIXEL_KMS, STATISTICAL
from spectranet_jax.inference.refined_columns import HIGHEST, QUASARS, refined_columns
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT
from spectranet_jax.spectra.native import STEP

FLOORS = (30.0, 40.0, 50.0, 60.0, 75.0)
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4)
DOUBTS = (0.2, 0.4, 0.6, 0.8, 1.0)
FACTORS = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2.0)
"""Values from which the floor, km/s, the network's weight, the doubt and the factor are chosen."""

FAINT, BRIGHT = (2, 20), (20, np.inf)
"""Ranges of the mock spectra's S/N per 690 km/s: errors of faint ones come from chi2, those of
bright ones from basis vectors that do not fit."""

MOCK = {"GALAXY": 2048, "QSO": 12288}
"""Mock spectra of each kind; a twentieth of the quasars are bright, below z = 1.57 and refined."""

SEED, RIGHT = 1000, 1000.0
"""Seed of the mock spectra, and limit of the redshift errors that count, km/s."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fits:
    """Fits of n spectra, in native pixels of log10(1 + z), before any constant acts on them.

    Attributes:
        network: (n,), the network's redshift.
        fit: (n,), where the fit's is.
        sigma: (n,), its error from chi2.
        truth: (n,).
    """

    network: Floats
    fit: Floats
    sigma: Floats
    truth: Floats

    @classmethod
    def of(cls, columns: Mapping[str, Any], truth: Floats, kind: str) -> "Fits":
        """Fits from refined columns of one kind, whose constants are those of `refine.KINDS`."""
        settings = KINDS[kind]
        z, z_err, z_net = (np.ma.filled(columns[n], np.nan) for n in ("Z", "Z_ERR", "Z_NET"))
        result, network = (np.log10(1 + value) / STEP for value in (z, z_net))
        fit = (result - settings.network * network) / (1 - settings.network)
        error = z_err / (1 + z) * SPEED_OF_LIGHT
        squared = (error**2 - settings.floor**2) / PIXEL_KMS**2 - (
            settings.doubt * (network - fit)
        ) ** 2
        return cls(
            network, fit, np.sqrt(np.maximum(squared, 0)) / STATISTICAL, np.log10(1 + truth) / STEP
        )

    def take(self, rows: Bools) -> "Fits":
        """Return the fits of chosen spectra."""
        return Fits(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def velocity(self, weight: float) -> Floats:
        """Return errors of the redshift with this weight of the network's, km/s."""
        return (self.fit + weight * (self.network - self.fit) - self.truth) * PIXEL_KMS

    def pull(self, floor: float, weight: float, doubt: float, factor: float) -> Floats:
        """Return absolute errors over Z_ERR."""
        chi2, differ = factor * self.sigma, doubt * (self.network - self.fit)
        error = np.hypot(np.hypot(chi2, differ) * PIXEL_KMS, floor)
        return np.abs(self.velocity(weight)) / error


def tables(model: Model, index: Mapping[str, Any], spectra: tuple[Any, Any, Any]) -> list[Table]:
    """Return the constants chosen on real spectra, and on mock spectra.

    Args:
        model: of the task linenet.
        index: file and z of n labeled spectra; the set of each is the folder of its file.
        spectra: as `refined.read` has them.
    """
    (binned, native, phase), z = spectra, index["z"]
    columns, declared = of_network(model, *binned)
    edges = declared.edges
    refined = refined_columns(columns, declared, phase, native[0], native[1], shipped())
    sets = np.array([Path(file).parts[0] for file in index["file"]])
    is_quasar = np.isin(columns["CLASS"], QUASARS) & (index["label"] != "GALAXY")
    low = is_quasar & refined["REFINED"] & (z < HIGHEST)
    high = is_quasar & ~refined["REFINED"] & (z >= HIGHEST)
    p = np.asarray(columns["P_OF_Z"], np.float64)[high]
    mock_quasars = mock_fits(model, "QSO", BRIGHT)
    weight = weight_of_network(mock_quasars)
    return [
        quasar_table(Fits.of(refined, z, "QSO").take(low), sets[low], weight),
        width_table(p, edges, z[high], phase[high], sets[high]),
        weight_table(mock_quasars, weight),
        factor_table(mock_fits(model, "GALAXY", FAINT)),
    ]


def mock_fits(model: Model, kind: str, of_sn: tuple[float, float]) -> Fits:
    """Return fits of mock spectra with refined and right redshifts, in a range of S/N."""
    parts = []
    for block in blocks({kind: MOCK[kind]}, SEED, model.grid, native=True):
        columns, declared = of_network(model, block.flux, block.ivar)
        of = block.native
        refined = refined_columns(columns, declared, of["phase"], of["flux"], of["ivar"], shipped())
        right = np.abs(redshift_scores.dv(np.ma.filled(refined["Z"], np.nan), block.z)) < RIGHT
        classes = QUASARS if kind == "QSO" else (kind,)
        rows = refined["REFINED"] & np.isin(columns["CLASS"], classes) & right
        rows &= (block.sn > of_sn[0]) & (block.sn < of_sn[1])
        parts.append(Fits.of(refined, block.z, kind).take(rows))
    names = Fits.__dataclass_fields__
    return Fits(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def off(pull: Floats) -> float:
    """Return how far the fractions within one and two errors are from a normal distribution's.

    As chi2: squared differences over their binomial variances, so that the tail counts for what it
    tells.
    """
    within = np.array([np.mean(pull <= k) for k in (1, 2)])
    wanted = np.array(NORMAL_FRACTIONS)
    return float(((within - wanted) ** 2 / (wanted * (1 - wanted))).sum())


def weight_of_network(fits: Fits) -> float:
    """Return the weight of the network's redshift with the least mean error."""
    return min(WEIGHTS, key=lambda weight: float(np.abs(fits.velocity(weight)).mean()))


def chosen(fits: Fits, weight: float) -> tuple[float, float]:
    """Return the floor, km/s, and the doubt with which errors hold best, at this weight."""
    return min(
        product(FLOORS, DOUBTS),
        key=lambda pair: off(fits.pull(pair[0], weight, pair[1], STATISTICAL)),
    )


def without_each(sets: NDArray[np.str_]) -> Iterator[tuple[str, Bools]]:
    """Yield every set by name, and the mask of its spectra."""
    for name in np.unique(sets):
        yield str(name), sets == name


def quasar_table(fits: Fits, sets: NDArray[np.str_], weight: float) -> Table:
    """Errors of quasars below z = 1.57 chosen from all sets, and without each, judged on it."""
    table = Table(title="quasars below z = 1.57, chosen on real spectra")
    _columns(table, "chosen without", "floor", "doubt", "n", "NMAD", "1 / 2 Z_ERR")
    pull = np.zeros(len(sets))
    for name, rows in without_each(sets):
        floor, doubt = constants = chosen(fits.take(~rows), weight)
        pull[rows] = fits.take(rows).pull(floor, weight, doubt, STATISTICAL)
        table.add_row(name, *_numbers(constants), *_held(pull[rows], fits.velocity(weight)[rows]))
    table.add_section()
    table.add_row("all of these", "", "", *_held(pull, fits.velocity(weight)))
    settings = KINDS["QSO"]
    for name, of, (floor, doubt) in (
        ("nothing", weight, chosen(fits, weight)),
        ("as shipped", settings.network, (settings.floor, settings.doubt)),
    ):
        scores = _held(fits.pull(floor, of, doubt, STATISTICAL), fits.velocity(of))
        table.add_row(name, *_numbers((floor, doubt)), *scores)
    return table


def width_table(
    p: Floats, edges: Floats, z: Floats, phase: Floats, sets: NDArray[np.str_]
) -> Table:
    """Return the width of line shifts of quasars above z = 1.57, likewise.

    Args:
        p: (n, steps), the network's p(z).
        edges: (steps + 1,), in log10(1 + z).
        z: (n,), true redshifts.
        phase: (n,), of the spectra's pixels, dex.
        sets: (n,), where each is from.
    """
    table = Table(title="quasars above z = 1.57, chosen on real spectra")
    _columns(table, "chosen without", "width, km/s", "n", "in sets of 68%", "of 95%")
    level = np.zeros(len(sets))
    for name, rows in without_each(sets):
        width = likeliest_width(p[~rows], edges, z[~rows], phase[~rows])
        level[rows] = _levels(p[rows], edges, z[rows], phase[rows], width)
        table.add_row(name, f"{width:g}", *_covered(level[rows]))
    table.add_section()
    table.add_row("all of these", "", *_covered(level))
    widths = {"nothing": likeliest_width(p, edges, z, phase), "as shipped": LINE_SHIFTS}
    for name, width in widths.items():
        table.add_row(name, f"{width:g}", *_covered(_levels(p, edges, z, phase, width)))
    return table


def weight_table(fits: Fits, best: float) -> Table:
    """Return the network's weight in the redshifts of bright mock quasars below z = 1.57."""
    table = Table(title=f"quasars of S/N above {BRIGHT[0]}, chosen on mock spectra")
    _columns(table, "chosen on", "weight", "n", "mean error, km/s")
    for name, weight in {"these": best, "as shipped": KINDS["QSO"].network}.items():
        error = np.abs(fits.velocity(weight)).mean()
        table.add_row(name, f"{weight:g}", str(len(fits.truth)), f"{error:.1f}")
    return table


def factor_table(fits: Fits) -> Table:
    """Return the factor on errors from chi2, of mock galaxies."""
    table = Table(title=f"galaxies of S/N {FAINT[0]} to {FAINT[1]}, chosen on mock spectra")
    _columns(table, "chosen on", "factor", "n", "NMAD", "1 / 2 Z_ERR")
    settings = KINDS["GALAXY"]

    def pull(factor: float) -> Floats:
        return fits.pull(settings.floor, settings.network, settings.doubt, factor)

    best = min(FACTORS, key=lambda factor: off(pull(factor)))
    for name, factor in {"these": best, "as shipped": STATISTICAL}.items():
        table.add_row(name, f"{factor:g}", *_held(pull(factor), fits.velocity(settings.network)))
    return table


def _levels(p: Floats, edges: Floats, z: Floats, phase: Floats, width: float) -> Floats:
    no, nothing = np.zeros(len(p), bool), np.full(len(p), np.nan)
    of_z = corrected(p, edges, phase, no, nothing, nothing, ~no, width)
    return highest_density_level(of_z, edges, z, no, nothing, nothing)


def _covered(level: Floats) -> tuple[str, ...]:
    return str(len(level)), *(held(level <= wanted, wanted) for wanted in (0.68, 0.95))


def _held(pull: Floats, velocity: Floats) -> tuple[str, ...]:
    within = " ".join(held(pull <= k, level) for k, level in enumerate(NORMAL_FRACTIONS, start=1))
    return str(len(pull)), f"{redshift_scores.nmad(velocity):.1f}", within


def _numbers(values: tuple[float, ...]) -> list[str]:
    return [f"{value:g}" for value in values]


def _columns(table: Table, first: str, *other_columns: str) -> None:
    table.add_column(first)
    for heading in other_columns:
        table.add_column(heading, justify="right")
