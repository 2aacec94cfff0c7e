"""ZWARN: 0 is a row to trust."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.zwarn import ZWarn, choose_threshold, fiber_warnings, zwarn

REDROCK = {
    "SKY": 0,
    "LITTLE_COVERAGE": 1,
    "Z_FITLIMIT": 5,
    "UNPLUGGED": 7,
    "NODATA": 9,
    "POORDATA": 11,
}
"""Bits of redrock's mask of the same names (redrock.zwarning.ZWarningMask)."""


def test_bits_of_redrocks_names_are_redrocks() -> None:
    assert {name: 1 << bit for name, bit in REDROCK.items()} == {n: ZWarn[n] for n in REDROCK}


@pytest.mark.parametrize(
    ("flag", "p_class", "p_redshift", "expected"),
    [
        (0, 0.99, 0.99, 0),
        (Flag.PARTIAL | Flag.LOW_SN | Flag.BAD_PIXELS, 0.99, 0.99, 0),
        (0, 0.90, 0.99, ZWarn.LOW_CLASS_PROBABILITY),
        (0, 0.99, 0.90, ZWarn.LOW_Z_PROBABILITY),
        (0, 0.99, np.nan, ZWarn.NOT_ASSESSED),
        (0, np.nan, 0.90, ZWarn.NOT_ASSESSED | ZWarn.LOW_Z_PROBABILITY),
        (Flag.UNREADABLE, np.nan, np.nan, ZWarn.NODATA),
        (Flag.NO_DATA, 0.25, 0.1, ZWarn.NODATA),
        (Flag.NOISE_MISMATCH, 0.99, 0.99, ZWarn.POORDATA),
        (Flag.CHECKSUM, 0.99, 0.99, ZWarn.POORDATA),
        (Flag.LITTLE_COVERAGE, 0.99, 0.99, ZWarn.LITTLE_COVERAGE),
        (Flag.FIT_AT_EDGE, 0.99, 0.99, ZWarn.Z_FITLIMIT),
    ],
)
def test_each_reason_has_its_bit(
    flag: int, p_class: float, p_redshift: float, expected: int
) -> None:
    bits = zwarn(np.array([flag]), np.array([p_class]), np.array([p_redshift]), threshold=0.95)
    assert bits.dtype == np.int32
    assert bits.tolist() == [expected]


def test_fibers_on_the_sky_or_out_of_order_are_warned_of() -> None:
    kinds = np.ma.masked_array(["TGT", "SKY", "BAD", "TGT", ""], [0, 0, 0, 0, 1])
    status = np.ma.masked_array([0, 0, 0, 1 << 9, 7], [0, 0, 0, 0, 1])
    bits = fiber_warnings({"OBJTYPE": kinds, "FIBERSTATUS": status}, 5)
    assert bits.tolist() == [0, ZWarn.SKY, ZWarn.UNPLUGGED, ZWarn.UNPLUGGED, 0]
    assert fiber_warnings({}, 2).tolist() == [0, 0]
    assert fiber_warnings({"FIBERSTATUS": np.array([8, 9])}, 2).tolist() == [0, ZWarn.UNPLUGGED]


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.001, 0.01, 0.05]))
def test_above_the_chosen_threshold_no_more_is_wrong_than_allowed(seed: int, wrong: float) -> None:
    rng = np.random.default_rng(seed)
    p = rng.random(400)
    right = rng.random(400) < p  # calibrated
    threshold = choose_threshold(p, right, wrong)
    passes = p >= threshold
    lower = p >= threshold - 1 / 200
    assert threshold == 199 / 200 or not passes.any() or 1 - right[passes].mean() <= wrong
    assert threshold in (0.5, 199 / 200) or 1 - right[lower].mean() > wrong


def test_a_calibrated_model_needs_a_lower_threshold_than_an_overconfident_one() -> None:
    rng = np.random.default_rng(0)
    p = 1 - 0.5 * rng.random(20_000) ** 2
    calibrated = choose_threshold(p, rng.random(20_000) < p, 0.01)
    overconfident = choose_threshold(p, rng.random(20_000) < p**3, 0.01)
    assert 0.9 < calibrated < overconfident


def test_a_weight_is_that_of_as_many_spectra() -> None:
    rng = np.random.default_rng(1)
    p, copies = rng.random(2000), rng.integers(1, 5, 2000)
    right = rng.random(2000) < p**0.2
    repeated = choose_threshold(np.repeat(p, copies), np.repeat(right, copies), 0.05)
    assert choose_threshold(p, right, 0.05, copies) == repeated
    assert 0.5 < repeated < 199 / 200 and repeated != choose_threshold(p, right, 0.05)
