"""HDF5 files that are hostile or damaged: refused in a sentence, and no other file is read."""

import h5py
import numpy as np
import pytest
from make_hdf5 import sdss_columns, write_hdf5
from naming import naming

from data_prep import multimodal
from spectranet_jax import readers
from spectranet_jax.readers.file_reading import read_file
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity_columns import identity_columns


def sdss_file(path, count=5):
    flux = np.random.default_rng(0).normal(3, 1, (count, 900)).astype(np.float32)
    loglam = np.tile(3.56 + 5e-4 * np.arange(900), (count, 1))
    keys = [(7102, 56666, 1 + fiber) for fiber in range(count)]
    columns = sdss_columns(loglam, flux, np.ones_like(flux), keys, ["QSO"] * count, [1.0] * count)
    return write_hdf5(path, columns)


def external_link(file, other):
    del file["Z"]
    file["Z"] = h5py.ExternalLink(str(other), "Z")


def soft_link(file, _other):
    del file["Z"]
    file["Z"] = h5py.SoftLink("/ra")


def soft_link_through_another_file(file, other):
    del file["Z"]
    file["group"] = h5py.ExternalLink(str(other), "/")
    file["Z"] = h5py.SoftLink("/group/Z")


def virtual_dataset(file, other):
    del file["Z"]
    layout = h5py.VirtualLayout((5,), "f4")
    layout[:] = h5py.VirtualSource(str(other), "Z", (5,))
    file.create_virtual_dataset("Z", layout)


def external_data(file, other):
    del file["Z"]
    file.create_dataset("Z", (5,), "f4", external=[(str(other), 0, 20)])


@pytest.mark.parametrize(
    "refer",
    [external_link, soft_link, soft_link_through_another_file, virtual_dataset, external_data],
)
def test_a_file_that_refers_to_another_is_refused(tmp_path, refer):
    other = sdss_file(tmp_path / "secret.hdf5")
    path = sdss_file(tmp_path / "x.hdf5")
    with h5py.File(path, "r+") as file:
        refer(file, other)
    with pytest.raises(InputError, match=naming("x.hdf5", "not followed")):
        readers.read(path)
    with pytest.raises(InputError, match=naming("x.hdf5", "not followed")):
        multimodal.prepare(multimodal.Config((str(path),), tmp_path / "d"))


@pytest.mark.slow
def test_damage_anywhere_is_a_sentence(tmp_path):
    content = sdss_file(tmp_path / "x.hdf5", 2).read_bytes()
    rng = np.random.default_rng(5)
    for trial in range(150):
        damaged = bytearray(content)
        places = rng.integers(0, 20_000 if trial % 2 else len(content), 8)
        for place in places:
            damaged[place] ^= 1 << int(rng.integers(8))
        path = tmp_path / "damaged.hdf5"
        path.write_bytes(damaged[: rng.integers(1, len(content))] if trial % 5 == 0 else damaged)
        reading = read_file(str(path), [GRID], identity_columns)
        assert all(str(path) in error for error in reading.errors)
