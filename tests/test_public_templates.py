"""Templates from their makers: downloads are compared with the checksums in the repository."""

import csv

import pytest
from make_templates import write_folder
from naming import naming
from toy_archive import served

from data_prep import public_templates
from data_prep.download import Config, download
from data_prep.mock import template_files
from data_prep.mock.template_folder import templates
from spectranet_jax.spectra import InputError

FILES = {
    "rrtemplate-galaxy.fits": "redrock-templates",
    "rrarchetype-qso.fits": "redrock-archetypes",
    "A1_+0.0_Dwarf.fits": "PyHammer",
}


@pytest.fixture
def makers(tmp_path, monkeypatch):
    """A server of three synthetic files, and a table of them."""
    folder, lines = write_folder(tmp_path / "made"), ["ORIGIN,FILE,SHA256"]
    with served(monkeypatch) as server:
        for path in template_files.find(folder):
            if path.name in FILES:
                [content] = template_files.read(path)
                lines.append(f"{FILES[path.name]},{path.name},{content.sha256()}")
                server.contents[path.name.replace("+", "%2B")] = path.read_bytes()
        (tmp_path / "table.csv").write_text("".join(f"{line}\n" for line in lines))
        monkeypatch.setattr(public_templates, "TABLE", tmp_path / "table.csv")
        yield server


def test_what_is_fetched_is_a_folder_of_templates(makers, tmp_path):
    out = tmp_path / "templates"
    assert download(Config(out, templates=True, base_url=makers.url)).fetched == 3
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.fits")) == [
        "pyhammer/A1_+0.0_Dwarf.fits",
        "redrock/rrarchetype-qso.fits",
        "redrock/rrtemplate-galaxy.fits",
    ]
    paths = sorted(path for path, _ in makers.requests)
    assert paths[0].startswith("/sas/BU-hammerTeam/PyHammer/")
    assert set(templates(out).banks) == {"STAR", "GALAXY", "QSO"}
    assert templates(out).origins == tuple(template_files.LICENSES)
    assert download(Config(out, templates=True, base_url=makers.url)).present == 3


def test_another_file_than_the_listed_one_is_refused(makers, tmp_path):
    name = "rrtemplate-galaxy.fits"
    content = bytearray(makers.contents[name])
    content[len(content) // 2] ^= 1
    makers.contents[name] = bytes(content)
    with pytest.raises(InputError, match=naming(1, 3, "SHA-256")):
        download(Config(tmp_path / "templates", templates=True, base_url=makers.url))
    assert not (tmp_path / "templates" / "redrock" / name).exists()


def test_one_thing_at_a_time(tmp_path):
    with pytest.raises(InputError, match=naming("--sets", "--templates")):
        download(Config(tmp_path, templates=True, sets=True))


def test_the_table_is_of_the_published_files(shared):
    """Our copies of redrock's files have the listed checksums, and so have PyHammer's stars."""
    with public_templates.TABLE.open(encoding="utf-8", newline="") as file:
        rows = {(row["ORIGIN"], row["FILE"]): row["SHA256"] for row in csv.DictReader(file)}
    assert len(rows) == len(list(public_templates.targets(shared))) == 230
    copies = {
        "redrock/rrtemplate-galaxy.fits.gz": lambda _: "rrtemplate-galaxy.fits",
        "redrock/rrarchetype-qso.fits.gz": lambda _: "rrarchetype-qso.fits",
        "pyhammer_templates_228.npz": lambda c: f"{c.subtype[0].replace(' ', '_')}.fits",
    }
    sums = {
        (content.origin, name_of(content)): content.sha256()
        for copy, name_of in copies.items()
        for content in template_files.read(shared / "templates" / copy)
    }
    assert sums == rows
