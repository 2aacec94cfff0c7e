"""Columns of a catalog from a network's redshifts: refined, and corrected."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation import posterior
from spectranet_jax.evaluation.corrected_posterior import corrected
from spectranet_jax.inference.basis import Basis
from spectranet_jax.inference.refine import refine
from spectranet_jax.spectra import phase as zero_point
from spectranet_jax.spectra.column import Columns
from spectranet_jax.tasks.task import PosteriorColumns

HIGHEST = 1.57
"""Redshift from which quasars keep the network's redshift: C IV enters the spectrum, and lines
differ from each other by more than the network errs.
"""

QUASARS = ("QSO", "QSO_BAL")


def refined_columns(
    columns: Columns,
    declared: PosteriorColumns,
    phase: NDArray[np.floating],
    flux: NDArray[np.floating],
    ivar: NDArray[np.floating],
    bases: Mapping[str, Basis],
) -> dict[str, NDArray[Any]]:
    """Return the redshift columns of n spectra; rows are independent of each other.

    Args:
        columns: of the network: CLASS, Z, Z_ERR, Z_NET, and the second redshift, (n,), masked where
            there is none, and p(z), (n, steps).
        declared: where p(z), its edges and the second redshift are.
        phase: (n,), of the spectra's pixels on the network's grid, dex: see `spectra.phase`.
        flux: (n, 4750), on the native grid: see `spectra.native`.
        ivar: (n, 4750), likewise.
        bases: basis vectors by kind; none, {}, for no refinement.

    Returns:
        Z, Z_ERR: refined where REFINED; else of the corrected p(z) for quasars from `HIGHEST` on;
        else the network's. Z_NET, Z_NET_ERR: the network's. The second redshift. In all of them the
        phase is corrected. Z_CHI2: of the fit, per degree of freedom, where REFINED. p(z):
        corrected, float32. P_3000: its probability within 3000 km/s of Z. WANTED, REFINED,
        AT_EDGE: bool, whether the class and the redshift are those of spectra that are refined,
        whether it was, and whether the fit was at its edge. All (n,), masked where there is none,
        but p(z).
    """
    edges = declared.edges
    kind = np.asarray(columns["CLASS"])
    blank = np.ma.getmaskarray(columns["Z"])
    z_net = zero_point.corrected(np.where(blank, np.nan, np.ma.getdata(columns["Z"])), phase)
    is_quasar = np.isin(kind, QUASARS)
    with np.errstate(invalid="ignore"):
        high = is_quasar & (z_net >= HIGHEST)
    basis_of = np.select([kind == "GALAXY", is_quasar & ~high], ["GALAXY", "QSO"], "")
    p, moved_edges = columns[declared.p], edges + np.asarray(phase)[:, None]
    fit = refine(flux, ivar, z_net, p, moved_edges, basis_of, bases)
    p = corrected(p, edges, phase, fit.refined, fit.z, fit.z_err, high)

    z, z_err = np.where(fit.refined, fit.z, z_net), np.ma.getdata(columns["Z_ERR"]).copy()
    z_err[fit.refined] = fit.z_err[fit.refined]
    of_lines = posterior.decode(p[high], edges)
    z[high], z_err[high] = of_lines.z, of_lines.z_err
    second = columns[declared.z_second]
    of_all = zero_point.corrected(np.ma.filled(columns["Z_NET"], np.nan), phase)

    def known(values: NDArray[np.floating]) -> Any:
        return np.ma.masked_array(values, mask=blank | ~np.isfinite(values))

    return {
        "Z": known(z),
        "Z_ERR": known(z_err),
        "Z_NET": np.ma.masked_invalid(of_all),
        "Z_NET_ERR": columns["Z_ERR"],
        declared.z_second: np.ma.masked_array(
            zero_point.corrected(np.ma.getdata(second), phase), mask=np.ma.getmaskarray(second)
        ),
        "Z_CHI2": known(np.where(fit.refined, fit.chi2, np.nan)),
        declared.p: p.astype(np.float32),
        "P_3000": known(posterior.mass_within(p, edges, z)),
        "WANTED": basis_of != "",
        "REFINED": fit.refined,
        "AT_EDGE": fit.at_edge,
    }
