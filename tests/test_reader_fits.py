"""Errors caught when a file is read, and those that are not; checksums; headers read as text."""

import numpy as np
import pytest
from astropy.io import fits
from make_fits import table, write_coadd, write_spec
from naming import naming

from data_prep.truth import read as read_truth
from spectranet_jax import readers
from spectranet_jax.readers.first_row import values_after
from spectranet_jax.readers.fits import open_fits
from spectranet_jax.readers.hdu import Hdu, checksum_flag
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag


@pytest.mark.parametrize("error", [KeyError, MemoryError, ValueError, AttributeError, OSError])
def test_an_error_of_a_reader_stays_what_it_is(tmp_path, error):
    path = write_spec(tmp_path / "spec.fits")
    with pytest.raises(error, match="ours"), open_fits(path) as hdus:
        assert hdus[1].columns
        raise error("ours")


def test_a_lack_of_memory_is_no_damage(tmp_path, monkeypatch):
    def none_left(*_, **__):
        raise MemoryError

    path = write_spec(tmp_path / "spec.fits")
    monkeypatch.setattr(fits.BinTableHDU, "data", property(none_left))
    with pytest.raises(MemoryError):
        readers.read(path)


@pytest.mark.parametrize("touch", [lambda hdu: hdu.numbers("f4", "flux"), lambda hdu: hdu.columns])
def test_what_astropy_raises_is_a_sentence(tmp_path, monkeypatch, touch):
    path = write_spec(tmp_path / "spec.fits")
    with open_fits(path) as hdus:
        hdu = Hdu(path, object())
        assert hdus[1].name == "COADD"
        with pytest.raises(InputError, match=f"^{path} .*damaged"):
            hdu.numbers("f4", "flux")
        monkeypatch.setattr(fits.BinTableHDU, "data", property(lambda _: 1 / 0))
        monkeypatch.setattr(fits.BinTableHDU, "columns", property(lambda _: 1 / 0))
        with pytest.raises(InputError, match=f"^{path} .*damaged"):
            touch(Hdu(path, hdus[1]._hdu))


def test_a_file_that_ends_early_is_reported(tmp_path):
    fits.PrimaryHDU().writeto(tmp_path / "x.fits")
    with open_fits(tmp_path / "x.fits") as hdus:
        assert hdus.at(1) is None and [hdu.name for hdu in hdus] == ["PRIMARY"]
        with pytest.raises(InputError, match="ends after 1"):
            hdus[1]


def edited(path, rng):
    """A coadd with checksums of which a number is changed, and the sums are not."""
    write_coadd(path, [11, 12], rng, step=8, checksum=True)
    with fits.open(path) as hdus:
        offset = hdus["R_FLUX"].fileinfo()["datLoc"]
    content = bytearray(path.read_bytes())
    content[offset + 2] ^= 1
    path.write_bytes(content)
    return path


def test_data_that_do_not_sum_are_read_and_flagged(tmp_path, rng):
    whole = tmp_path / "whole.fits"
    write_coadd(whole, [11, 12], rng, step=8, checksum=True)
    assert [s.flags for s in readers.read(whole)] == [0, 0]
    spectra = readers.read(edited(tmp_path / "edited.fits", rng))
    assert [s.flags for s in spectra] == [Flag.CHECKSUM] * 2
    (group,) = readers.rebinned(spectra, [GRID])
    assert (group[1] & Flag.CHECKSUM).all()


def test_the_sum_of_an_image_before_it_was_compressed_is_no_damage(tmp_path, rng):
    write_coadd(tmp_path / "whole.fits", [11, 12], rng, step=8)
    with fits.open(tmp_path / "whole.fits") as hdus:
        image = fits.CompImageHDU(
            hdus["R_FLUX"].data, name="R_FLUX", compression_type="GZIP_1", quantize_level=0
        )
        image.header["DATASUM"] = "1"
        hdus["R_FLUX"] = image
        hdus.writeto(tmp_path / "packed.fits")
    spectra = readers.read(tmp_path / "packed.fits")
    assert [s.flags for s in spectra] == [0, 0]
    expected = readers.read(tmp_path / "whole.fits")
    np.testing.assert_array_equal(spectra[1].flux, expected[1].flux)


def test_astropys_own_sums_are_ours(tmp_path, rng):
    """For images and tables of any size, also no multiple of the bytes summed at once."""
    images = [rng.integers(-(2**31), 2**31, n).astype(np.int32) for n in (3, 100_003)]
    columns = {"A": rng.integers(0, 9, 777), "B": rng.normal(size=777)}
    hdus = [fits.PrimaryHDU(), *map(fits.ImageHDU, images), table(columns)]
    fits.HDUList(hdus).writeto(tmp_path / "x.fits", checksum=True)
    with open_fits(tmp_path / "x.fits") as opened:
        every = list(opened)
        assert len(every) == 4 and all("DATASUM" in hdu for hdu in every)
        assert not checksum_flag(*every)


def test_a_catalog_with_a_stale_sum_is_read_with_a_warning(tmp_path, capsys):
    columns = {
        "TARGETID": np.int64([1, 2]),
        "Z": [0.5, 1.0],
        "ZWARN": np.int64([0, 0]),
        "SPECTYPE": ["QSO", "STAR"],
    }
    path = tmp_path / "redrock.fits"
    redshifts = table(columns)
    redshifts.header["DATASUM"] = "1"
    fits.HDUList([fits.PrimaryHDU(), redshifts]).writeto(path)
    assert read_truth(path).label.tolist() == [2, 0]
    assert capsys.readouterr().err.startswith(f"warning: {path} ")


ARM = {"B": (3600, 5800), "R": (5760, 7620), "Z": (7520, 9824)}


def arms(names, rng, rows=2):
    hdus = []
    for name in names:
        first, last = ARM.get(name[0], ARM["B"])[0], ARM.get(name[-1], ARM["R"])[1]
        wavelength = np.arange(first, last, 4.0)
        shape = rows, len(wavelength)
        hdus += [
            fits.ImageHDU(wavelength, name=f"{name}_WAVELENGTH"),
            fits.ImageHDU(rng.normal(3, 1, shape).astype(np.float32), name=f"{name}_FLUX"),
            fits.ImageHDU(np.ones(shape, np.float32), name=f"{name}_IVAR"),
        ]
    return hdus


@pytest.mark.parametrize(
    ("names", "used"),
    [
        (["BRZ"], ["BRZ"]),
        (["BR", "Z"], ["Z", "BR"]),
        (["B", "R", "BRZ"], ["BRZ"]),
        (["B", "R", "Z", "BRZ"], ["B", "R", "Z"]),
        (["B", "R", "Z", "BR"], ["B", "R", "Z"]),
        (["B", "BRZ", "RZ"], ["BRZ"]),
        (["ARM1"], ["ARM1"]),
        (["NIR", "VIS"], ["NIR", "VIS"]),
    ],
)
def test_arms_may_be_joined_and_none_counts_twice(tmp_path, rng, names, used):
    made = dict(zip(names, (arms([name], rng) for name in names), strict=True))
    sky = arms(["B"], rng)
    for hdu in sky:
        hdu.name = hdu.name.replace("B_", "SKY_")
    hdus = [fits.PrimaryHDU(), *(hdu for arm in made.values() for hdu in arm)]
    if "B" in names[0]:
        hdus += sky
    fits.HDUList(hdus).writeto(tmp_path / "coadd.fits")
    spectra = readers.read(tmp_path / "coadd.fits")
    expected = np.concatenate([made[name][1].data for name in used], axis=1)
    np.testing.assert_array_equal(np.stack([s.flux for s in spectra]), expected)


def test_arms_that_overlap_are_refused_by_name(tmp_path, rng):
    hdus = [fits.PrimaryHDU(), *arms(["BR", "RZ"], rng)]
    fits.HDUList(hdus).writeto(tmp_path / "coadd.fits")
    with pytest.raises(InputError, match=naming("BR", "RZ")):
        readers.read(tmp_path / "coadd.fits")


def test_an_arm_joined_of_others_in_the_file_does_not_count_twice(tmp_path, rng):
    single = arms("BRZ", rng)
    fits.HDUList([fits.PrimaryHDU(), *single]).writeto(tmp_path / "a.fits")
    both = [fits.PrimaryHDU(), *single, *arms(["BRZ"], rng)]
    fits.HDUList(both).writeto(tmp_path / "b.fits")
    for first, second in zip(
        readers.read(tmp_path / "a.fits"), readers.read(tmp_path / "b.fits"), strict=True
    ):
        np.testing.assert_array_equal(first.flux, second.flux)


def test_the_real_joined_coadd_is_its_arms(shared):
    """Combined by the survey's own code: not pixel by pixel, but the same in the bins."""
    joined = readers.read(shared / "cases" / "04-brz-coadd" / "coadd-sv3-dark-26065-cameras.fits")
    single = readers.read(shared / "formats" / "coadd-sv3-dark-26065.fits.gz")
    assert [s.name for s in joined] == [s.name for s in single]
    (flux, ivar), (flux_2, ivar_2) = (
        readers.rebin_all(joined, grid=GRID),
        readers.rebin_all(single, grid=GRID),
    )
    both = (ivar > 0) & (ivar_2 > 0)
    assert both.sum() > 800
    assert np.median(np.abs(flux - flux_2)[both] * np.sqrt(ivar[both])) < 0.1


@pytest.mark.slow
def test_columns_of_the_real_spectra_are_astropys(shared):
    names = {"PLATE", "MJD", "FIBERID", "THING_ID", "CATALOGID", "FIELD", "SDSS_ID"}
    seen = 0
    for path in sorted(shared.glob("*/spec-*.fits*"))[:60]:
        with fits.open(path) as hdus, open_fits(path) as opened:
            row = hdus[2]
            scalar = {
                c.name.upper(): int(row.data[c.name][0])
                for c in row.columns
                if c.name.upper() in names and c.format in ("I", "J", "K", "1I", "1J", "1K")
            }
            values = values_after(opened[1], names)
        assert values == scalar, path
        seen += len(values)
    assert seen > 100
