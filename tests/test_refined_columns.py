"""Columns of a network, refined and corrected."""

import numpy as np
import pytest

from spectranet_jax.evaluation.posterior import decode
from spectranet_jax.inference.refined_columns import refined_columns
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT
from spectranet_jax.tasks.task import PosteriorColumns
from tests.test_refine import BASES, EDGES, spectra

PHASE = 0.0475e-3
DECLARED = PosteriorColumns("P_OF_Z", EDGES, "Z2", "P_3000_Z2", {})
KIND = np.array(["GALAXY", "QSO", "QSO", "QSO_BAL", "STAR", "GALAXY"])
TRUTH = np.array([0.3, 0.6, 2.4, 2.0, 0.0, 0.5])
CENTERS = (EDGES[1:] + EDGES[:-1]) / 2


def network() -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """What a network says whose redshifts are 33 km/s too low, and native pixels."""
    x = np.log10(1 + TRUTH) - PHASE
    p = np.exp(-0.5 * ((CENTERS - x[:, None]) / 2.5e-4) ** 2) + 1e-6
    p /= p.sum(axis=1, keepdims=True)
    star = KIND == "STAR"
    columns = {
        "CLASS": KIND,
        "Z": np.ma.masked_array(10**x - 1, mask=star),
        "Z_ERR": np.ma.masked_array((1 + TRUTH) * 180 / SPEED_OF_LIGHT, mask=star),
        "Z2": np.ma.masked_array(TRUTH + 0.1, mask=star),
        "Z_NET": 10**x - 1,
        "P_OF_Z": p.astype(np.float32),
    }
    flux, ivar = spectra(np.where(TRUTH < 1, TRUTH, 0.3), 30.0)
    ivar[5] = 0
    return columns, flux, ivar


def columns_of(rows: slice | None = None) -> dict[str, np.ndarray]:
    columns, flux, ivar = network()
    where = rows or slice(None)
    columns = {name: values[where] for name, values in columns.items()}
    phase = np.full(len(columns["Z"]), PHASE)
    return refined_columns(columns, DECLARED, phase, flux[where], ivar[where], BASES)


def kms(z: np.ndarray) -> np.ndarray:
    return np.ma.filled(SPEED_OF_LIGHT * (z - TRUTH) / (1 + TRUTH), np.nan)


def test_galaxies_and_nearby_quasars_are_refined() -> None:
    got = columns_of()
    assert got["REFINED"].tolist() == [True, True, False, False, False, False]
    assert not got["AT_EDGE"].any()
    assert (np.abs(kms(got["Z"])[:2]) < 8).all()
    np.testing.assert_allclose(got["Z_CHI2"][:2], 1, atol=0.2)
    assert np.ma.getmaskarray(got["Z_CHI2"]).tolist() == [False, False, True, True, True, True]


def test_a_fit_at_the_edge_leaves_nothing_that_looks_refined() -> None:
    """The galaxy's spectrum stands 1,700 km/s from where the network found it."""
    columns, flux, ivar = network()
    far = TRUTH + (1 + TRUTH) * 1700 / SPEED_OF_LIGHT
    flux[:1], ivar[:1] = (pixels[:1] for pixels in spectra(far, 30.0))
    got = refined_columns(columns, DECLARED, np.full(6, PHASE), flux, ivar, BASES)
    assert got["AT_EDGE"].tolist() == [True, False, False, False, False, False]
    assert got["REFINED"].tolist() == [False, True, False, False, False, False]
    assert np.ma.getmaskarray(got["Z_CHI2"])[0]
    assert got["Z"][0] == got["Z_NET"][0]
    np.testing.assert_allclose(got["Z_ERR"][0], columns["Z_ERR"][0])


def test_the_phase_is_corrected_everywhere() -> None:
    got = columns_of()
    known = KIND != "STAR"
    np.testing.assert_allclose(kms(got["Z_NET"])[known], 0, atol=0.1)
    np.testing.assert_allclose(got["Z2"][known], (TRUTH[known] + 1.1) * 10**PHASE - 1)
    assert abs(kms(got["Z"])[5]) < 0.1
    assert abs(kms(decode(got["P_OF_Z"], EDGES).z)[2]) < 20


def test_distant_quasars_have_the_error_of_their_lines() -> None:
    got = columns_of()
    error = np.ma.filled(got["Z_ERR"], np.nan) / (1 + TRUTH) * SPEED_OF_LIGHT
    assert (error[2:4] > 290).all()
    np.testing.assert_allclose(error[5], 180, rtol=1e-6)
    np.testing.assert_allclose(np.ma.getdata(got["Z_NET_ERR"]), network()[0]["Z_ERR"].data)
    assert (np.abs(kms(got["Z"])[2:4]) < 40).all()


def test_stars_have_no_redshift() -> None:
    got = columns_of()
    for name in ("Z", "Z_ERR", "Z2", "Z_CHI2", "P_3000"):
        assert np.ma.getmaskarray(got[name])[4]
    assert not np.ma.getmaskarray(got["Z_NET"]).any()


def test_p_3000_is_that_of_the_corrected_posterior() -> None:
    got = columns_of()
    assert got["P_OF_Z"].dtype == np.float32
    np.testing.assert_allclose(got["P_OF_Z"].sum(axis=1), 1, rtol=1e-5)
    assert (got["P_3000"][:2] > 0.99).all()
    assert (got["P_3000"][2:4] < 0.995).all()


@pytest.mark.parametrize("size", [1, 4])
def test_rows_do_not_depend_on_their_batch(size: int) -> None:
    whole = columns_of()
    pieces = [columns_of(slice(i, i + size)) for i in range(0, 6, size)]
    for name, values in whole.items():
        joined = np.ma.concatenate([piece[name] for piece in pieces])
        np.testing.assert_array_equal(np.ma.filled(joined, 0), np.ma.filled(values, 0))
        np.testing.assert_array_equal(np.ma.getmaskarray(joined), np.ma.getmaskarray(values))


def test_without_basis_vectors_nothing_is_refined() -> None:
    columns, flux, ivar = network()
    got = refined_columns(columns, DECLARED, np.full(6, PHASE), flux, ivar, {})
    assert not got["REFINED"].any()
    np.testing.assert_array_equal(got["Z"][:2], got["Z_NET"][:2])
