import gzip

import numpy as np
import pytest
from make_fits import write_catalog, write_quasarnet

from spectranet_jax.readers.quasarnet_file import read_index, read_slices
from spectranet_jax.spectra import InputError

KEYS = [(4000 + i, 55000, 1 + i) for i in range(10)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_halves_of_the_image_are_flux_and_ivar(tmp_path, rng, dtype):
    image = np.abs(rng.normal(size=(10, 886))).astype(dtype)
    path = write_quasarnet(tmp_path / "d.fits", image, np.arange(10), KEYS)
    index = read_index(path)
    assert index.thing_id.tolist() == list(range(10)) and len(index) == 10
    assert list(zip(index.plate, index.mjd, index.fiber, strict=True)) == KEYS
    parts, flux, ivar = zip(*read_slices(path, 4), strict=True)
    assert parts == (slice(0, 4), slice(4, 8), slice(8, 10))
    assert flux[0].dtype == ivar[0].dtype == np.float32
    np.testing.assert_array_equal(np.concatenate(flux), image[:, :443].astype(np.float32))
    np.testing.assert_array_equal(np.concatenate(ivar), image[:, 443:].astype(np.float32))


def test_pixels_that_are_no_measurement_become_zero(tmp_path):
    image = np.ones((1, 886))
    image[0, :3] = np.nan, np.inf, 1e60  # 1e60 overflows float32
    image[0, 443 + 3 : 443 + 6] = np.nan, -1, 0
    ((_, flux, ivar),) = read_slices(write_quasarnet(tmp_path / "d.fits", image, [1], KEYS[:1]), 9)
    assert flux[0, :7].tolist() == ivar[0, :7].tolist() == [0, 0, 0, 0, 0, 0, 1]


def test_no_more_than_a_slice_is_in_memory(tmp_path):
    import tracemalloc

    rows = 4000
    path = write_quasarnet(
        tmp_path / "d.fits", np.ones((rows, 886)), np.arange(rows), [(1, 1, 1)] * rows
    )
    tracemalloc.start()
    for _ in read_slices(path, 100):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < rows * 886 * 8 / 4


def the_truth(path):
    write_catalog(path, KEYS, {"THING_ID": np.arange(10)})


def another_grid(path):
    write_quasarnet(path, np.ones((10, 916)), np.arange(10), KEYS)


def another_length(path):
    write_quasarnet(path, np.ones((9, 886)), np.arange(10), KEYS)


def truncated(path):
    write_quasarnet(path, np.ones((10, 886)), np.arange(10), KEYS)
    path.write_bytes(path.read_bytes()[:30_000])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (the_truth, "no table with TARGETID, PLATE, MJD and FIBERID; give QuasarNET's data_dr12"),
        (another_grid, r"image \(10, 916\) where \(10, 886\) is expected"),
        (another_length, r"image \(9, 886\) where \(10, 886\) is expected"),
        (truncated, "truncated or damaged"),
        (lambda _: None, "does not exist"),
    ],
)
def test_what_is_no_data_file_is_reported(tmp_path, make, sentence):
    make(tmp_path / "d.fits")
    with pytest.raises(InputError, match=sentence):
        read_index(tmp_path / "d.fits")


def test_a_packed_file_is_the_same(tmp_path, rng):
    image, keys = rng.uniform(1, 2, (5, 886)), [(1, 2, fiber) for fiber in range(5)]
    plain = write_quasarnet(tmp_path / "d.fits", image, np.arange(5), keys)
    packed = tmp_path / "d.fits.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert len(read_index(packed)) == 5
    for (_, *first), (_, *second) in zip(
        read_slices(plain, 2), read_slices(packed, 2), strict=True
    ):
        np.testing.assert_array_equal(first, second)
