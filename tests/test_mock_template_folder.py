"""Folders of templates: the makers' files in any packing, and what a survey says of them."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from make_templates import bump, write_archetypes, write_basis, write_folder, write_star
from naming import naming

from data_prep.mock import dataset, template_files, template_folder
from data_prep.mock.ingredients import EVERYTHING, TEMPLATES, Ingredients, at_hand
from data_prep.mock.template_folder import folder, templates
from spectranet_jax.datasets import manifest
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError


@pytest.fixture
def where(tmp_path) -> Path:
    return write_folder(tmp_path / "templates")


def test_a_folder_gives_a_bank_of_each_kind(where):
    held = templates(where)
    assert {kind: len(bank) for kind, bank in held.banks.items()} == {
        "STAR": 42,
        "GALAXY": 24,
        "QSO": 12,
    }
    for bank in held.banks.values():
        assert np.isfinite(bank.flux).all()
        assert bank.flux.min() >= 0
        assert np.median(bank.flux, axis=1).min() > 0.3
    assert set(held.banks["STAR"].subtype) >= {"WD:DA", "A1 +0.0 Dwarf"}


def test_packing_and_subfolders_do_not_change_what_templates_are(where, tmp_path):
    """Flat, compressed, and PyHammer's stars in one npz: the same spectra, the same checksum."""
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in (where / "redrock").iterdir():
        (flat / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    stars = sorted((where / "pyhammer").iterdir())
    contents = [content for path in stars for content in template_files.read(path)]
    label = [tuple(f"{content.subtype[0]} ".split(" "))[:3] for content in contents]
    np.savez(
        flat / "pyhammer_all.npz",
        loglam=3.5563 + 1e-4 * np.arange(-3, 4500),
        flux=np.array([np.pad(c.vectors[0], (3, 0), constant_values=np.nan) for c in contents]),
        label=np.array(label, [("type", "U4"), ("feh", "U6"), ("lum", "U8")]),
    )
    first, second = templates(where), templates(flat)
    for kind, bank in first.banks.items():
        other = second.banks[kind]
        order, others = (np.argsort(names, stable=True) for names in (bank.subtype, other.subtype))
        np.testing.assert_array_equal(bank.subtype[order], other.subtype[others])
        np.testing.assert_allclose(bank.flux[order], other.flux[others], rtol=1e-5)
    assert second.account()["spectra"] == first.account()["spectra"]
    assert second.sha256 == first.sha256


@pytest.mark.slow
def test_another_spectrum_makes_other_templates(where, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(where, other)
    assert templates(other).sha256 == templates(where).sha256
    star = other / "pyhammer" / "A1_+0.0_Dwarf.fits"
    star.unlink()
    write_star(star, np.ones(4500))
    template_folder.templates.cache_clear()
    assert templates(other).sha256 != templates(where).sha256


def test_stars_that_pyhammer_observed_are_not_combined_from_vectors(where):
    def types() -> list[str]:
        template_folder.templates.cache_clear()
        return [name for name in templates(where).banks["STAR"].subtype if len(name) < 3]

    flux = np.ones((2, 6000)) + bump(np.arange(6000.0), "Mgb", 1)
    for name in ("A", "WD"):
        path = where / f"rrtemplate-STAR-{name}-v0.1.fits"
        write_basis(path, "STAR", flux, np.eye(2), name)
    assert types() == ["WD", "WD"]
    shutil.rmtree(where / "pyhammer")
    assert types() == ["A", "A", "WD", "WD"]


def test_kinds_without_templates_are_drawn_from_physics_alone(tmp_path):
    flux = np.ones((3, 6000), np.float32)
    write_archetypes(tmp_path / "rrarchetype-s.fits", "STAR", flux, ["WD:DA", "CV", "BAL"])
    write_basis(tmp_path / "rrtemplate-q.fits", "QSO", np.ones((4, 5000)), None, "LOZ")
    write_basis(tmp_path / "rrtemplate-c.fits", "QSO", np.ones((4, 500)), None, "LOZ", step=1e-3)
    ingredients = Ingredients(templates=tmp_path)
    bank = ingredients.bank("STAR")
    assert bank is not None
    assert list(bank.subtype) == ["WD:DA", "CV"]  # broad absorption is ours to add
    assert ingredients.bank("QSO") is None and ingredients.bank("GALAXY") is None


def test_the_folder_is_that_of_the_flag_or_of_the_environment(where, monkeypatch):
    assert folder() is None and at_hand().lacks_templates
    monkeypatch.setenv("RR_TEMPLATE_DIR", str(where))
    assert folder() == where and not at_hand().lacks_templates
    assert folder(where / "redrock") == where / "redrock"
    assert EVERYTHING.bank("STAR") is None
    assert not at_hand(frozenset({TEMPLATES})).lacks_templates  # left out on purpose


def test_wrong_folders_have_a_sentence(tmp_path):
    with pytest.raises(InputError, match=naming(tmp_path / "missing", "name a folder")):
        Ingredients(templates=tmp_path / "missing")
    (tmp_path / "rrtemplate-x.fits").write_bytes(b"no FITS")
    with pytest.raises(InputError, match=naming("rrtemplate-x.fits", "redrock")):
        templates(tmp_path)
    Ingredients(frozenset({TEMPLATES}), tmp_path)  # not read


@pytest.mark.parametrize("name", ["pyhammer.npz", "A0.fits", "rrarchetype-a.fits.gz"])
def test_damaged_files_of_any_format_have_a_sentence(name, tmp_path):
    (tmp_path / name).write_bytes(b"PK\3\4 SIMPLE")
    with pytest.raises(InputError, match=naming(name, "fetch it anew")):
        templates(tmp_path)


def test_a_template_off_the_wavelengths_in_use_has_a_sentence(tmp_path):
    write_archetypes(tmp_path / "rrarchetype-a.fits", "QSO", np.ones((2, 1000)), ["", ""], 4.0)
    with pytest.raises(InputError, match=naming("rrarchetype-a.fits", 0, 1216, 5100)):
        templates(tmp_path)


def test_a_large_table_is_thinned_evenly(tmp_path):
    flux = np.ones((2 * template_folder.MOST + 1, 1500), np.float32)
    path = tmp_path / "rrarchetype-a.fits"
    write_archetypes(path, "STAR", flux, ["A"] * len(flux), 3.4, 4e-4)
    assert len(templates(tmp_path).banks["STAR"]) == -(-len(flux) // 3)  # every third


@pytest.mark.slow
@pytest.mark.usefixtures("no_contact_sheet")
def test_a_survey_says_what_templates_it_has(where, tmp_path, capsys):
    def made(name: str, ingredients: Ingredients) -> dict:
        dataset.prepare(tmp_path / name, {"GALAXY": 20}, 1, GRID, ingredients=ingredients)
        return manifest.read(tmp_path / name).creator["config"]["templates"]

    assert made("bare", EVERYTHING) is None
    [line] = [line for line in capsys.readouterr().out.splitlines() if "RR_TEMPLATE_DIR" in line]
    assert "--templates" in line
    account = made("with", Ingredients(templates=where))
    assert account["sha256"] == templates(where).sha256
    assert account["spectra"]["GALAXY"] == 24
    assert set(account["licenses"].values()) == {"BSD-3-Clause", "MIT"}
    assert made("left out", Ingredients(frozenset({TEMPLATES}), where)) is None
    assert "RR_TEMPLATE_DIR" not in capsys.readouterr().out

    with pytest.raises(InputError, match=naming("templates", "RR_TEMPLATE_DIR", "--data")):
        dataset.check_recipe(tmp_path / "with", dataset.creator({"GALAXY": 20}, 1))
    prints = {manifest.read(tmp_path / name).fingerprint for name in ("bare", "with", "left out")}
    assert len(prints) == 2


@pytest.mark.slow
def test_every_published_template_can_be_read(shared):
    held = templates(shared / "templates")
    assert set(held.banks) == set(template_files.KINDS)
    assert held.origins == tuple(template_files.LICENSES)
    assert {name[0] for name in held.banks["STAR"].subtype} >= set("OBAFGKML")
    only_redrock = templates(shared / "templates" / "redrock")
    kinds = {name.split(":")[0] for name in only_redrock.banks["STAR"].subtype}
    assert {"A", "B", "CV", "F", "G", "K", "M", "WD", "Carbon"} <= kinds
    assert all(len(bank) > 40 for bank in only_redrock.banks.values())
