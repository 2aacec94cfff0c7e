"""Addresses of the archive, release by release; which of them are unverified."""

import pytest
from make_fits import superset, write_catalog
from naming import naming
from toy_archive import served

from data_prep import archive
from data_prep.archive import Wanted
from data_prep.download import Config, download
from spectranet_jax.spectra import InputError


@pytest.fixture
def server(monkeypatch):
    with served(monkeypatch) as made:
        yield made


@pytest.mark.parametrize(
    ("wanted", "kind", "release", "expected"),
    [
        (
            Wanted(266, 51602, 7),
            "spec-lite",
            "dr16",
            [
                f"dr16/sdss/spectro/redux/{run}/spectra/lite/0266/spec-0266-51602-0007.fits"
                for run in ("26", "103", "104")
            ],
        ),
        (
            Wanted(10656, 58163, 366),
            "spec",
            "dr16",
            [
                f"dr16/eboss/spectro/redux/v5_13_0/spectra/{folder}spec-10656-58163-0366.fits"
                for folder in ("full/10656/", "10656/")
            ],
        ),
        (
            Wanted(7102, 56666, 0),
            "spPlate",
            "dr17",
            ["dr17/eboss/spectro/redux/v5_13_2/7102/spPlate-7102-56666.fits"],
        ),
        (
            Wanted(2878, 54465, 255, "103"),
            "spec-lite",
            "dr17",
            ["dr17/sdss/spectro/redux/103/spectra/lite/2878/spec-2878-54465-0255.fits"],
        ),
        (
            Wanted(15038, 59146, 0, "v6_0_4", 4375991629),
            "spec-lite",
            "dr18",
            [
                f"dr18/{root}/redux/v6_0_4/spectra/lite/15038p/59146/"
                "spec-15038-59146-04375991629.fits"
                for root in ("spectro/sdss", "spectro/boss")
            ],
        ),
        (
            Wanted(15038, 59146, 0, "", 63050394825406077),
            "spec",
            "dr19",
            [
                f"dr19/{root}/redux/v6_1_3/spectra/{folder}015038/59146/"
                "spec-015038-59146-63050394825406077.fits"
                for root in ("spectro/sdss", "spectro/boss")
                for folder in ("full/", "")
            ],
        ),
        (
            Wanted(266, 51602, 7, "26"),
            "spec-lite",
            "dr19",
            [
                f"dr19/{root}/redux/26/spectra/lite/0266/spec-0266-51602-0007.fits"
                for root in ("spectro/sdss", "spectro/boss")
            ],
        ),
    ],
)
def test_where_the_archive_keeps_a_file(wanted, kind, release, expected):
    assert list(archive.addresses(wanted, kind, release, "b/")) == [f"b/{e}" for e in expected]


@pytest.mark.parametrize("release", ["dr18", "dr19"])
def test_spectra_of_sdss_v_come_by_field_and_catalogid(server, tmp_path, release, capsys):
    path = tmp_path / "spAll.csv"
    path.write_text("FIELD,MJD,CATALOGID\n15038,59146,4375991629\n15038,59146,-1\n15038,0,7\n")
    settings = Config(tmp_path / "d", path, release, base_url=server.url)
    assert download(settings).fetched == 1
    run, folder, name = {
        "dr18": ("v6_0_4", "15038p", "spec-15038-59146-04375991629.fits"),
        "dr19": ("v6_1_3", "015038", "spec-015038-59146-4375991629.fits"),
    }[release]
    assert [asked for asked, _ in server.requests] == [
        f"/sas/{release}/spectro/sdss/redux/{run}/spectra/lite/{folder}/59146/{name}"
    ]
    assert (tmp_path / "d" / "15038" / name).exists()
    assert f"the addresses of {release} are unverified" in capsys.readouterr().err


@pytest.mark.parametrize("release", ["dr12", "dr14", "dr16", "dr17"])
def test_releases_before_dr18_are_not_called_unverified(server, tmp_path, release, capsys):
    catalog = write_catalog(tmp_path / "catalog.fits", [(7102, 56666, 1)], superset([3]))
    download(Config(tmp_path / "d", catalog, release, base_url=server.url))
    assert "unverified" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ("--catalog", "--sample", "--sets")),
        ({"sample": True, "sets": True}, ("--catalog", "--sample", "--sets")),
        ({"catalog": "fields.csv"}, ("--release",)),
        ({"catalog": "fields.csv", "release": "dr17"}, ("SDSS-V", "dr17", "dr18")),
        ({"catalog": "fields.csv", "release": "dr18", "files": "spPlate"}, ("spPlate",)),
    ],
)
def test_what_is_wanted_must_be_told(tmp_path, options, words):
    (tmp_path / "fields.csv").write_text("FIELD,MJD,CATALOGID\n15038,59146,4375991629\n")
    if "catalog" in options:
        options = options | {"catalog": tmp_path / options["catalog"]}
    with pytest.raises(InputError, match=naming(*words)):
        download(Config(tmp_path / "d", **options))
