"""The mock survey: classes, magnitudes and the instrument."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data_prep.mock import bals
from data_prep.mock.draws import NumpyDraws
from data_prep.mock.galaxies import galaxies
from data_prep.mock.ingredients import EVERYTHING, Ingredients
from data_prep.mock.profiles import Array
from data_prep.mock.quasars import quasars, redshifts
from data_prep.mock.stars import stars
from spectranet_jax.datasets.records import BLOCK_SIZE, Block
from spectranet_jax.spectra import CLASSES, InputError, labels, noise, observation
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.flags import median_sn
from spectranet_jax.spectra.grid import Binning, LogGrid
from spectranet_jax.spectra.native import NATIVE_GRID
from spectranet_jax.spectra.phase import phase
from spectranet_jax.spectra.spectrographs import Spectrographs

Rows = Callable[[NDArray[np.int64], NDArray[np.bytes_]], NDArray[np.bool_]]
"""Object ids and names -> a selection of them, bool (n,)."""


def select_none(object_id: NDArray[np.int64], _name: NDArray[np.bytes_]) -> NDArray[np.bool_]:
    """Select none of them, bool (n,)."""
    return np.zeros(len(object_id), bool)


def blocks(
    counts: Mapping[str, int],
    seed: int,
    grid: LogGrid,
    workers: int = 2,
    noiseless: Rows = select_none,
    ingredients: Ingredients = EVERYTHING,
    native: bool = False,
) -> Iterator[Block]:
    """Yield mock spectra in blocks of one class each, at most `BLOCK_SIZE` spectra.

    A block depends on (seed, class, its place in the class) alone: more workers give the same
    survey, and a larger count begins with the smaller one's spectra.

    Args:
        counts: class name -> spectra; a class left out has none.
        seed: of every draw.
        grid: the bins.
        workers: threads.
        noiseless: object ids and names -> bool (n,), the spectra that are stored noise-free, before
            the instrument, with the ivar of a median observation: for training that draws another
            observation each time.
        ingredients: what spectra are made of.
        native: draw at native pixels, and bin them by the rule that survey spectra are binned by,
            so that blocks hold both; other draws than those without.

    Raises:
        InputError: if a class is unknown, or a count negative.
    """
    jobs = []
    for name, count in counts.items():
        if name not in CLASSES:
            raise InputError(f"{name} is not a class; choose among {', '.join(CLASSES)}")
        if count < 0:
            raise InputError(f"{count} spectra of {name} cannot be made; give 0 or more")
        label = CLASSES.index(name)
        for chunk, start in enumerate(range(0, count, BLOCK_SIZE)):
            jobs.append((label, chunk, min(BLOCK_SIZE, count - start)))
    make = partial(
        _block, seed, grid=grid, noiseless=noiseless, ingredients=ingredients, native=native
    )
    return _made(jobs, make, workers)


def _made(
    jobs: list[tuple[int, int, int]], make: Callable[[int, int], Block], workers: int
) -> Iterator[Block]:
    """Yield blocks in the order of jobs, made a few ahead of their use."""
    with ThreadPoolExecutor(workers) as pool:
        ahead = []
        for label, chunk, count in jobs:
            ahead.append((pool.submit(make, label, chunk), count))
            if len(ahead) > 2 * workers:
                future, wanted = ahead.pop(0)
                yield future.result().take(slice(wanted))
        for future, wanted in ahead:
            yield future.result().take(slice(wanted))


def _block(
    seed: int,
    label: int,
    chunk: int,
    grid: LogGrid,
    noiseless: Rows,
    ingredients: Ingredients,
    native: bool,
) -> Block:
    """Return one block of `BLOCK_SIZE` spectra of a class."""
    bins, grid = grid, NATIVE_GRID if native else grid
    rng, n = np.random.default_rng((seed, label, chunk)), BLOCK_SIZE
    magnitude = magnitudes(rng, n)
    z, balnicity = np.full(n, np.nan), np.zeros(n, np.float32)
    if label == labels.STAR:
        noise_free, own = stars(rng, n, grid, ingredients)
        magnitude = np.where(np.isnan(own), magnitude, own)
    elif label == labels.GALAXY:
        noise_free, z, own = galaxies(rng, n, grid, ingredients)
        magnitude = np.where(np.isnan(own), galaxy_magnitudes(rng, magnitude, z), own)
    else:
        bal = label == labels.QSO_BAL
        z = redshifts(rng, n, ingredients)
        if bal:
            low, high = bals.DETECTABLE
            z = np.where((z > low) & (z < high), z, rng.uniform(low, 3.2, n))
        magnitude = quasar_magnitudes(rng, magnitude, z)
        noise_free, balnicity = quasars(rng, z, magnitude, grid, bal, ingredients)
    noise_free = calibrated(noise_free, magnitude, grid, z)
    spectrographs = Spectrographs.of(ingredients.instruments, grid)
    which = spectrographs.choose(NumpyDraws(rng).uniform(n))
    effects = tuple(e for e in ingredients.effects if e in observation.SCORED)
    flux, ivar = observation.observe(NumpyDraws(rng), noise_free, spectrographs, which, effects)

    index = np.arange(n) + chunk * n
    object_id = index * len(CLASSES) + label
    name = np.array([b"mock-%09d" % i for i in object_id])
    bare = noiseless(object_id, name)[:, None]
    level = np.ones((n, 1), np.float32)
    median = 1 / noise.variance(noise_free, level, spectrographs.rows(which))
    flux, ivar = np.where(bare, noise_free, flux), np.where(bare, median, ivar)
    at_native: Columns = {}
    if native:
        (flux, ivar), at_native = binned(flux, ivar, bins)
    is_bal = np.where(balnicity > 0, labels.BAL, labels.BAL_UNSURE)
    troughs = (label == labels.QSO_BAL) | np.isnan(balnicity)  # NaN: C IV is off the grid
    return Block(
        flux=flux,
        ivar=ivar,
        label=np.full(n, label, np.int8),
        bal=np.where(troughs, is_bal, labels.NOT_BAL).astype(np.int8),
        z=z.astype(np.float64),
        z_conf=np.full(n, labels.CONFIDENT, np.int8),
        object_id=object_id.astype(np.int64),
        name=name,
        source=np.array([b"mock " + name.encode() for name in spectrographs.share])[which],
        sn=median_sn(flux, ivar, bins),
        native=at_native,
    )


def binned(flux: Array, ivar: Array, grid: LogGrid) -> tuple[tuple[Array, Array], Columns]:
    """Return flux and ivar (n, 4750) in bins, float32 (n, bins), and columns of `Block.native`."""
    loglam = np.log10(NATIVE_GRID.centers)
    columns = {"flux": flux, "ivar": ivar, "phase": phase(loglam, ivar, grid)}
    means, weights = Binning.of(loglam, grid)(flux, ivar)
    return (means.astype(np.float32), weights.astype(np.float32)), columns


def magnitudes(rng: np.random.Generator, n: int) -> Array:
    """Draw PSF i magnitudes, float32 (n,): 16/50/84% at 19.0, 20.8, 21.8, tails to 14.5 and 23.5.

    S/N a bin is some 260 at the bright end and 0.6 at the faint one.
    """
    common = np.clip(22.6 - rng.gamma(3.2, 0.58, n), 14.5, 22.5)
    tail = rng.random(n)
    ends = [rng.uniform(14.5, 19.5, n), rng.uniform(22.0, 23.5, n)]
    return np.select([tail < 0.12, tail > 0.96], ends, common).astype(np.float32)


def galaxy_magnitudes(rng: np.random.Generator, magnitude: Array, z: NDArray[np.float64]) -> Array:
    """Draw magnitudes of galaxies at z (n,), float32: half of those below 0.2 are 15 to 18.5."""
    bright = (z < 0.2) & (rng.random(len(z)) < 0.5)
    return np.where(bright, rng.uniform(15, 18.5, len(z)), magnitude).astype(np.float32)


BEYOND_I = 5.3
"""Redshift above which the Lyman-alpha forest darkens the i band: magnitudes are then z band."""

BANDS = {"i": (6900.0, 8200.0), "z": (8300.0, 9900.0)}
"""Band -> its range of wavelengths, Angstrom."""


def quasar_magnitudes(rng: np.random.Generator, magnitude: Array, z: NDArray[np.float64]) -> Array:
    """Return magnitudes of quasars at z (n,), float32, with new draws from 18.5 to 21.3 beyond
    `BEYOND_I`."""
    distant = rng.triangular(18.5, 20.8, 21.3, len(z))
    return np.where(z > BEYOND_I, distant, magnitude).astype(np.float32)


def calibrated(noise_free: Array, magnitude: Array, grid: LogGrid, z: NDArray[np.float64]) -> Array:
    """Scale spectra to units of the survey, 1e-17 erg/s/cm^2/Angstrom, float32 (n, bins).

    Magnitudes are of the z band where z (n,) is above `BEYOND_I`, else (also for NaN) of the i
    band.
    """
    levels = {}
    for band, (low, high) in BANDS.items():
        inside = (grid.centers > low) & (grid.centers < high)
        mean = np.maximum(noise_free[:, inside].mean(axis=1), 1e-12)
        # 3631 Jy (AB) at 7500 Angstrom is 1.94e8 in our unit; a fiber collects 75% of it.
        levels[band] = 0.75 * 1.94e8 * (7550 / ((low + high) / 2)) ** 2 / mean
    level = np.where(z > BEYOND_I, levels["z"], levels["i"])
    return (noise_free * (level * 10 ** (-0.4 * magnitude))[:, None]).astype(np.float32)
