"""Spectra from arrays, with or without units.

    from spectranet_jax.readers.from_arrays import spectrum
    spectrum(wavelength * u.nm, flux * u.mJy, sigma=error * u.mJy, name="J0001+0000")

Plain numbers are Angstrom and any unit of flux per wavelength. What has a unit, as a `Quantity` or
a column of a table, is converted: wavelengths may be frequencies, energies or wavenumbers, and flux
may be per frequency or in photons. Masked arrays, `Masked` quantities and columns keep their masks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from numpy.typing import ArrayLike, NDArray

from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.air import to_vacuum
from spectranet_jax.spectra.spectrum import Spectrum

FLUX_UNIT = u.Unit("1e-17 erg / (s cm2 Angstrom)")

DENSITIES = frozenset(
    {
        "spectral flux density",
        "spectral flux density wav",
        "photon flux density",
        "photon flux density wav",
    }
)
"""Physical types, as astropy names them, of flux that can be converted to flux per wavelength."""

FAR_FROM_ONE = 6
"""Powers of ten: plain numbers further from 1 are scaled, as float32 could not hold their ivar."""

Float64Array = NDArray[np.float64]

UNCERTAINTIES: dict[str, tuple[int, Callable[[Float64Array], Float64Array]]] = {
    "ivar": (-2, lambda ivar: ivar),
    "sigma": (1, lambda sigma: np.where(sigma > 0, 1 / np.where(sigma > 0, sigma, 1) ** 2, 0)),
    "variance": (2, lambda var: np.where(var > 0, 1 / np.where(var > 0, var, 1), 0)),
}
"""Uncertainty by name: its power of the flux's unit, and the conversion to ivar."""


@dataclass(frozen=True)
class Measured:
    """Numbers, float64, with their mask, bool of the same shape, and their unit, or None."""

    values: Float64Array
    mask: NDArray[np.bool_]
    unit: Any

    @classmethod
    def of(cls, what: str, array: Any) -> "Measured":
        """Split an array of any kind into values, mask and unit; an error names it `what`."""
        unit, mask = getattr(array, "unit", None), getattr(array, "mask", False)
        if callable(mask):  # pandas has a method of that name
            mask = False
        plain = getattr(array, "unmasked", array)
        try:
            values = np.asarray(getattr(plain, "value", plain), np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"{what} is not an array of numbers; give one") from error
        return cls(values, np.broadcast_to(mask, values.shape), unit)


def spectrum(
    wavelength: ArrayLike,
    flux: ArrayLike,
    *,
    ivar: ArrayLike | None = None,
    sigma: ArrayLike | None = None,
    variance: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    air: bool = False,
    name: str = "",
) -> Spectrum:
    """Return the spectrum in arrays of shape (pixels,): see `spectra`.

    Raises:
        InputError: as `spectra` does, and if flux has more than one dimension.
    """
    if np.ndim(flux) != 1:
        raise InputError(
            f"flux has shape {np.shape(flux)} where one spectrum is (pixels,); give"
            " from_arrays.spectra the flux of many, (n, pixels)"
        )
    listed = spectra(
        wavelength,
        flux,
        ivar=ivar,
        sigma=sigma,
        variance=variance,
        mask=mask,
        air=air,
        names=[name] if name else None,
    )
    return listed[0]


def spectra(
    wavelength: ArrayLike,
    flux: ArrayLike,
    *,
    ivar: ArrayLike | None = None,
    sigma: ArrayLike | None = None,
    variance: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    air: bool = False,
    names: Sequence[str] | None = None,
) -> list[Spectrum]:
    """Return the spectra in arrays, whose pixels may be in any order.

    A pixel gets ivar 0 where it is masked, where sigma or variance is not positive or not finite.
    NaN in flux or ivar stays, as in the files of surveys, and flags the spectrum BAD_PIXELS, unless
    the pixel is masked. Flux without a unit whose median is far from 1 is scaled by a power of ten.

    Args:
        wavelength: (pixels,), shared by all, or (n, pixels); Angstrom if it has no unit.
        flux: (pixels,) or (n, pixels); proportional to flux per wavelength if it has no unit.
        ivar: inverse variance of flux, of the shape of flux; in flux's unit to the power -2 where
            it has no unit of its own. One of ivar, sigma and variance is needed.
        sigma: standard deviation of flux, likewise.
        variance: likewise.
        mask: of the shape of flux, or (pixels,); True where a pixel does not count.
        air: whether the wavelengths are those in air.
        names: (n,), "0", "1" and so on by default.

    Raises:
        InputError: if the uncertainty is missing, shapes do not belong together, or a unit cannot
            be converted.
    """
    uncertainties = {"ivar": ivar, "sigma": sigma, "variance": variance}
    present = {kind: values for kind, values in uncertainties.items() if values is not None}
    if len(present) != 1:
        raise InputError(
            f"{' and '.join(present) or 'no uncertainty'} of flux came with it; give one of ivar,"
            " sigma and variance"
        )
    kind, values = next(iter(present.items()))
    measured, uncertainty = Measured.of("flux", flux), Measured.of(kind, values)
    angstrom = _angstrom(Measured.of("wavelength", wavelength), air)
    left_out = np.asarray(False if mask is None else mask, np.bool_)
    _check_shapes(angstrom, measured, uncertainty, kind, left_out)
    factor = _factor(measured, angstrom)
    power, to_ivar = UNCERTAINTIES[kind]
    with np.errstate(all="ignore"):  # pixels that are not finite are flagged later
        weight = to_ivar(_in_unit(uncertainty, measured.unit, kind, power) * factor**power)
        density = measured.values * factor
    masked = measured.mask | uncertainty.mask | left_out
    weight = np.where(masked, 0, weight)
    density = np.where(masked & ~np.isfinite(density), 0, density)
    loglam = np.log10(np.where(angstrom > 0, angstrom, np.nan))  # rebin ignores NaN
    return _rows(loglam, density, weight, names)


def _rows(
    loglam: Float64Array, flux: Float64Array, ivar: Float64Array, names: Sequence[str] | None
) -> list[Spectrum]:
    flux, ivar = np.atleast_2d(flux), np.atleast_2d(ivar)
    called = [str(row) for row in range(len(flux))] if names is None else list(names)
    if len(called) != len(flux):
        raise InputError(
            f"{len(called)} names came with {len(flux)} spectra; give one per spectrum"
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite: a bad pixel
        flux, ivar = flux.astype(np.float32), ivar.astype(np.float32)
    axes = [loglam] * len(flux) if loglam.ndim == 1 else loglam
    return [Spectrum(*row, "") for row in zip(called, axes, flux, ivar, strict=True)]


def _check_shapes(
    angstrom: Float64Array,
    flux: Measured,
    uncertainty: Measured,
    kind: str,
    mask: NDArray[np.bool_],
) -> None:
    shape = flux.values.shape
    fits = len(shape) in (1, 2) and 0 not in shape[-1:] and uncertainty.values.shape == shape
    fits &= angstrom.shape in (shape[-1:], shape) and mask.shape in ((), shape[-1:], shape)
    if not fits:
        raise InputError(
            f"wavelength {angstrom.shape}, flux {shape}, {kind} {uncertainty.values.shape}"
            f"{f' and mask {mask.shape}' if mask.shape else ''} do not belong together; give"
            " (pixels,) for one spectrum, and (n, pixels) for many, which may share the wavelengths"
        )


def _angstrom(wavelength: Measured, in_air: bool) -> Float64Array:
    """Return vacuum wavelengths, Angstrom; NaN where they are masked."""
    unit = u.AA if wavelength.unit is None else wavelength.unit
    if not (isinstance(unit, u.UnitBase) and unit.is_equivalent(u.AA, u.spectral())):
        raise InputError(
            f"wavelengths in {unit} cannot be converted to Angstrom; give lengths, frequencies or"
            " energies"
        )
    if in_air and not unit.is_equivalent(u.AA):
        raise InputError(f"wavelengths in {unit} are the same in air; leave out air=True")
    with np.errstate(divide="ignore"):  # a frequency of 0
        values = u.Quantity(wavelength.values, unit).to_value(u.AA, u.spectral())
    values = np.where(wavelength.mask, np.nan, values)
    return to_vacuum(values) if in_air else values


def _factor(flux: Measured, angstrom: Float64Array) -> Float64Array:
    """Factor from flux to `FLUX_UNIT`, or from plain numbers to near 1, (#n, #pixels)."""
    if flux.unit is None or flux.unit.is_equivalent(u.dimensionless_unscaled):
        return _power_of_ten(flux)
    if not (isinstance(flux.unit, u.UnitBase) and DENSITIES & set(flux.unit.physical_type)):
        raise InputError(
            f"flux in {flux.unit} cannot be converted to erg/s/cm2/Angstrom; convert it, or give"
            " plain numbers (flux.value) that are proportional to flux per wavelength"
        )
    at = np.where(angstrom > 0, angstrom, np.nan) * u.AA
    unity = u.Quantity(np.ones(angstrom.shape), flux.unit)
    return unity.to_value(FLUX_UNIT, u.spectral_density(at))


def _power_of_ten(flux: Measured) -> Float64Array:
    """Return the power of ten that brings spectra far from 1 near it, else 1: (..., 1)."""
    usable = np.isfinite(flux.values) & (flux.values != 0) & ~flux.mask
    size = np.where(usable, np.abs(flux.values), np.nan)
    size[~usable.any(axis=-1)] = 1.0  # nanmedian warns of an all-NaN row
    power = np.floor(np.log10(np.nanmedian(size, axis=-1, keepdims=True)))
    return 10.0 ** np.where(np.abs(power) > FAR_FROM_ONE, -power, 0)


def _in_unit(uncertainty: Measured, unit: Any, kind: str, power: int) -> Float64Array:
    """Return the uncertainty's numbers in the flux's unit to that power."""
    if uncertainty.unit is None or (unit is None and uncertainty.unit == u.dimensionless_unscaled):
        return uncertainty.values
    wanted = u.dimensionless_unscaled if unit is None else unit**power
    try:
        return u.Quantity(uncertainty.values, uncertainty.unit).to_value(wanted)
    except u.UnitConversionError as error:
        of_flux = "no unit" if unit is None else f"the unit {unit}"
        raise InputError(
            f"{kind} is in {uncertainty.unit} while flux has {of_flux}; give {kind} in {wanted}, or"
            " plain numbers in that unit"
        ) from error
