"""p(z) of spectra as an object: density, distribution function, quantiles, highest-density sets.

Everything is computed in x = log10(1 + z), where a velocity is the same length at every redshift. A
network gives the probabilities of steps in x, within which the density is uniform. A refinement may
know the redshift far better than a step is wide: then its Gaussian in x replaces the core of p(z),
which is all within 3000 km/s of the refined redshift. Both are kept as they are, not brought to a
common grid, so a peak of 15 km/s beside steps of 345 km/s loses nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectranet_jax.evaluation.gaussian_core import Core
from spectranet_jax.evaluation.highest_density import highest_density
from spectranet_jax.evaluation.posterior import below, cumulative, place
from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT

Floats = NDArray[np.float64]
Rows = int | slice | NDArray[np.integer] | NDArray[np.bool_]

BETA = CATASTROPHIC / SPEED_OF_LIGHT

HALF_CORE = float(np.log10((1 + BETA) / (1 - BETA))) / 2
"""3000 km/s in x: half the width of the core, and of the windows of `posterior.decode`."""


@dataclass(frozen=True, eq=False)
class Peak:
    """The Gaussian in x that replaces the core of p(z), cut off at 3000 km/s.

    Attributes:
        z: (n,) refined redshifts; NaN where there is none, and p(z) stays as it is.
        z_err: (n,) their standard errors, (1 + z) ln 10 times those of x; above 0.
        mass: (n,) probability of the core, 0 to 1; NaN to keep the steps' probability there. The
            probability elsewhere is scaled to the rest. If there is none elsewhere, it is 1.
    """

    z: Floats
    z_err: Floats
    mass: Floats

    def __getitem__(self, rows: Rows) -> "Peak":
        return Peak(self.z[rows], self.z_err[rows], self.mass[rows])


@dataclass(frozen=True, eq=False)
class Posterior:
    """p(z) of n spectra or of one: `posterior[3]` is for one spectrum, `posterior[:3]` for three.

    Methods return arrays that begin with (n,), and without it for one spectrum. Where a spectrum
    has no posterior, as where its row holds NaN or is 0 throughout, they return NaN.

    Attributes:
        p: (n, steps), or (steps,) of one; probabilities of the steps, 0 or more, of any sum.
        edges: (steps + 1,), in log10(1 + z), equally spaced.
        peak: what replaces the core of p(z); None if nothing was refined.

    Raises:
        ValueError: if shapes do not match, a probability is negative or infinite, the edges are not
            equally spaced, a refined redshift has no positive error, or a mass is not 0 to 1.
    """

    p: NDArray[np.floating]
    edges: Floats
    peak: Peak | None = None

    def __post_init__(self) -> None:
        rows = np.atleast_2d(self.p)
        place(rows, self.edges, np.zeros(len(rows)))  # which checks them
        if self.peak is None:
            return
        z, z_err, mass = self.peak.z, self.peak.z_err, self.peak.mass
        if not np.shape(z) == np.shape(z_err) == np.shape(mass) == self.shape:
            raise ValueError(f"z, z_err and mass of the peak must be {self.shape} each")
        if not np.all(np.isnan(z) | (np.isfinite(z_err) & (np.asarray(z_err) > 0))):
            raise ValueError("z_err of the peak must be finite and above 0 where z is")
        if not np.all(np.isnan(mass) | ((np.asarray(mass) >= 0) & (np.asarray(mass) <= 1))):
            raise ValueError("mass of the peak must be 0 to 1, or NaN")

    @property
    def shape(self) -> tuple[int, ...]:
        """(n,), or () of one spectrum."""
        return self.p.shape[:-1]

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("the posterior of one spectrum has no len()")
        return len(self.p)

    def __getitem__(self, rows: Rows) -> "Posterior":
        if not self.shape:
            raise IndexError("the posterior of one spectrum has no rows")
        return Posterior(self.p[rows], self.edges, None if self.peak is None else self.peak[rows])

    def __iter__(self) -> Iterator["Posterior"]:
        return (self[row] for row in range(len(self)))

    def pdf(self, z: ArrayLike) -> Floats:
        """Return the density per unit of z; see `cdf` for the shapes."""
        columns = self._columns(z)
        x, core = _log(columns), self._core
        step = np.floor(self._bins(x))
        in_step = (step >= 0) & (step < self._steps.shape[1]) & ~core.holds(x)
        index = np.where(in_step, step, 0).astype(np.int64)
        density = in_step * np.take_along_axis(self._density, index, axis=1) + core.density(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._shaped(density / ((1 + columns) * np.log(10)), z)

    def cdf(self, z: ArrayLike) -> Floats:
        """Return the probability that the redshift is less than z.

        Args:
            z: for n spectra a number, (n,) with one per spectrum, or (n, k) or (1, k) with k per
                spectrum; for one spectrum of any shape.

        Returns:
            (n,) or (n, k); for one spectrum, of the shape of z. NaN where z is.
        """
        x, core = _log(self._columns(z)), self._core
        before = self._below(np.minimum(x, core.low))
        after = self._below(np.maximum(x, core.high)) - self._below(core.high)
        total = self._scale * (before + after) + core.cdf(x)
        return self._shaped(np.clip(total, 0, 1), z)

    def quantile(self, q: ArrayLike) -> Floats:
        """Redshift below which the probability is q, (n, ...) for q (...); q is 0 to 1."""
        q = np.asarray(q, np.float64)
        if not np.all((q >= 0) & (q <= 1)):
            raise ValueError("q must be 0 to 1")
        level, core = q.reshape(1, -1), self._core
        scale = np.where(self._scale == 0, 1, self._scale)
        to_core = self._scale * self._below(core.low)
        before = self._inverse(level / scale)
        after = self._inverse((level - core.mass) / scale + self._cut_out(core))
        x = np.where(level < to_core, np.minimum(before, core.low), np.maximum(after, core.high))
        in_core = (core.mass > 0) & (level >= to_core) & (level <= to_core + core.mass)
        x = np.where(in_core, core.quantile(level - to_core), x)
        return (10**x - 1).reshape((*self.shape, *q.shape))[()]

    def interval(self, level: float) -> tuple[Floats, Floats]:
        """Ends, (n,) each, of the central interval, with equal probability on either side."""
        low, high = self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)
        return low, high

    def highest_density(self, level: float) -> Floats | list[Floats]:
        """Return the smallest set of redshifts that holds the probability `level`.

        Smallest as a velocity, so it is where the density in log10(1 + z) is highest.

        Args:
            level: above 0, at most 1.

        Returns:
            its intervals in ascending order, (k, 2) with the redshifts where each begins and ends;
            a list of n such arrays for n spectra. k is 0 where there is no posterior.
        """
        if not 0 < level <= 1:
            raise ValueError(f"level {level} must be above 0 and at most 1")
        sets = [self._set(row, level) for row in range(len(self._steps))]
        return sets if self.shape else sets[0]

    def _set(self, row: int, level: float) -> Floats:
        if np.isnan(self._scale[row, 0]):
            return np.zeros((0, 2))
        core = Core(*(part[row, 0] for part in vars(self._core).values()))
        edges = self.edges
        low = np.concatenate([edges[:-1], np.maximum(edges[:-1], core.high)])
        high = np.concatenate([np.minimum(edges[1:], core.low), edges[1:]])
        some = high > low  # a step that the core cuts in two occurs twice
        density = np.tile(self._density[row], 2)[some]
        return 10 ** np.array(highest_density(low[some], high[some], density, core, level)) - 1

    @cached_property
    def _width(self) -> float:
        return float(self.edges[-1] - self.edges[0]) / self._steps.shape[1]

    @cached_property
    def _steps(self) -> Floats:
        """Probabilities of the steps, (n, steps), with sum 1; NaN where there is no posterior."""
        p = np.atleast_2d(np.asarray(self.p, np.float64))
        total = p.sum(axis=1, keepdims=True)
        return p / np.where(total > 0, total, np.nan)

    @cached_property
    def _cumulative(self) -> Floats:
        """Probability of the steps below each edge, (n, steps + 1)."""
        return cumulative(self._steps)

    @cached_property
    def _core(self) -> Core:
        """The core of each spectrum, (n, 1); empty where nothing was refined."""
        nothing = np.full(len(self._steps), np.nan)
        peak = self.peak or Peak(nothing, nothing, nothing)
        z, z_err, mass = (
            np.asarray(values, np.float64).reshape(-1, 1)
            for values in (peak.z, peak.z_err, peak.mass)
        )
        refined = np.isfinite(z)
        z = np.where(refined, z, 0)
        middle = np.where(refined, np.log10(1 + z), self.edges[0])
        sigma = np.where(refined, z_err / (np.log(10) * (1 + z)), 1)
        core = Core(middle, sigma, np.where(refined, HALF_CORE, 0), np.zeros_like(middle))
        of_steps = self._cut_out(core)
        mass = np.where(np.isnan(mass), of_steps, mass)
        return replace(core, mass=np.where(refined, np.where(of_steps < 1, mass, 1), 0))

    def _cut_out(self, core: Core) -> Floats:
        """Return the probability of the steps within the core, (n, 1)."""
        return self._below(core.high) - self._below(core.low)

    @cached_property
    def _scale(self) -> Floats:
        """Factor on the probability outside of the core, (n, 1); NaN without a posterior."""
        outside = 1 - self._cut_out(self._core)
        return np.where(outside == 0, 0, (1 - self._core.mass) / np.where(outside == 0, 1, outside))

    @cached_property
    def _density(self) -> Floats:
        """Probability per unit of x, (n, steps), outside of the core."""
        return self._scale * self._steps / self._width

    def _bins(self, x: Floats) -> Floats:
        """Return places in steps from the first edge."""
        return (x - self.edges[0]) / self._width

    def _below(self, x: Floats) -> Floats:
        """Return the probability of the steps below x, (n, k); NaN where x is."""
        return below(self._cumulative, self._bins(x))

    def _inverse(self, mass: Floats) -> Floats:
        """Least x with the given mass of the steps below it, (n, k); their begin for 0."""
        mass = np.broadcast_to(np.clip(mass, 0, 1), (len(self._steps), mass.shape[1]))
        edge = np.empty(mass.shape, np.int64)
        for row, sums in enumerate(self._cumulative):
            edge[row] = np.searchsorted(sums, mass[row])
        first = np.argmax(self._cumulative > 0, axis=1)[:, None]
        step = np.clip(np.maximum(edge, first) - 1, 0, self._steps.shape[1] - 1)
        left, right = (
            np.take_along_axis(self._cumulative, index, axis=1) for index in (step, step + 1)
        )
        part = (mass - left) / (right - left)
        return self.edges[0] + self._width * (step + part)

    def _columns(self, z: ArrayLike) -> Floats:
        """Return redshifts as (n, k)."""
        z = np.asarray(z, np.float64)
        if not self.shape:
            return z.reshape(1, -1)
        columns = np.atleast_2d(z.T).T
        try:
            return np.broadcast_to(columns, (len(self), columns.shape[1]))
        except ValueError as error:
            n = len(self)
            raise ValueError(f"z {z.shape} must be a number, ({n},), ({n}, k) or (1, k)") from error

    def _shaped(self, values: Floats, z: ArrayLike) -> Floats:
        """Return values of (n, k) in the shape that z asks for."""
        if not self.shape:
            return values.reshape(np.shape(z))[()]
        return values if np.ndim(z) == 2 else values[:, 0]


def _log(z: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log10(1 + z)
