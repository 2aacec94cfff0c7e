"""Pages of spectra as files: their contents, no network, and no foreign code."""

import json
import re
import threading
import urllib.error
import urllib.request
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy.table import Table
from inspected import HOSTILE, content, spectrum

from spectranet_jax.inspection import pages
from spectranet_jax.inspection.listed_rows import rows
from spectranet_jax.inspection.page import MODULES, Content, Look, fingerprint, page
from spectranet_jax.inspection.reference import reference_of
from spectranet_jax.inspection.words import OF_FLAGS, flag_words, zwarn_words
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag


class Elements(HTMLParser):
    """Tags of a page with their attributes, and the text of each script by its id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == "script" and self.tags[-1][1].get("id"):
            self.scripts.setdefault(str(self.tags[-1][1]["id"]), data)

    def about(self):
        return json.loads(self.scripts["about"])


def made(count=3, **look):
    shown = content(count)
    return Elements(page(shown, Look(**look), fingerprint(shown.table)))


@pytest.mark.slow
def test_a_page_holds_every_row_and_spectrum():
    elements = made(3, title="catalog.fits")
    about = elements.about()
    assert len(about["rows"]) == 3 and about["title"] == "catalog.fits"
    assert {"spectrum-0", "spectrum-1", "spectrum-2", "figures"} <= elements.scripts.keys()
    row = about["rows"][0]
    assert row["z"] == 0.9 and row["z2"] == 0.45 and row["evidence"] == {"CIV": 3.5, "MgII": -0.75}
    assert row["identity"] == {
        "RA": "150.123456",
        "DEC": "-2.5",
        "PLATE": "7000",
        "MJD": "56000",
        "FIBERID": "1",
    }


def test_a_page_loads_nothing():
    elements = made()
    loading = [
        (tag, attributes)
        for tag, attributes in elements.tags
        if ({"src", "srcset", "action", "data"} & attributes.keys())
        or (tag == "link" and attributes.get("href") != "data:,")
    ]
    assert loading == []
    policy = next(a["content"] for _, a in elements.tags if "http-equiv" in a)
    assert policy.startswith("default-src 'none'") and "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


@pytest.mark.slow
def test_only_scripts_with_the_nonce_run():
    elements = made()
    policy = next(a["content"] for _, a in elements.tags if "http-equiv" in a)
    nonce = re.search(r"'nonce-(\w{32})'", policy)[1]
    running = [
        a for tag, a in elements.tags if tag == "script" and a.get("type") != "application/json"
    ]
    assert len(running) == 3 and {a["nonce"] for a in running} == {nonce}


@pytest.mark.slow
@pytest.mark.parametrize(
    "hostile", [HOSTILE, "</script><script>hacked()</script>", "<!--<script", "{{DATA}}"]
)
def test_hostile_names_stay_text(hostile):
    shown = content(2)
    shown.table["FILE"] = [hostile, "a"]
    shown.table["ID"] = ["b", hostile]
    named = Content(shown.table, shown.spectra)
    harmless = made(2)
    elements = Elements(page(named, Look(title=hostile), "0"))
    assert [tag for tag, _ in elements.tags] == [tag for tag, _ in harmless.tags]
    assert elements.about()["rows"][0]["file"] == hostile
    assert elements.about()["rows"][1]["id"] == hostile
    assert elements.about()["title"] == hostile


def test_a_catalog_with_next_to_no_columns_has_a_page():
    shown = content(2)
    bare = shown.table["FILE", "ID"]
    row = Elements(page(Content(bare, [None, shown.spectra[1]]), Look(), "0")).about()["rows"][1]
    assert row["z"] is None and row["p"] == {} and row["class"] == "" and row["flags"] == []


def test_big_numbers_keep_their_digits():
    shown = content(1)
    shown.table["TARGETID"] = np.int64([39633559463397282])
    assert rows(shown.table, shown.spectra)[0]["identity"]["TARGETID"] == "39633559463397282"


def test_disagreement_is_a_velocity():
    shown = content(2)
    row = rows(shown.table, shown.spectra, np.array([np.nan, 3.0]))
    assert row[0]["dv"] is None
    assert row[1]["dv"] == pytest.approx(299792.458 * 0.1 / 4)


def test_a_star_stands_at_zero_and_another_class_is_reported():
    shown = content(4)
    shown.table["CLASS"] = ["STAR", "STAR", "QSO", "QSO_BAL"]
    shown.table["Z"].mask[:2] = True
    theirs = ["QSO", "STAR", "GALAXY", "QSO"]
    listed = rows(shown.table, shown.spectra, np.array([2.3, 0, 1, 1]), None, theirs)
    assert listed[0]["dv"] == pytest.approx(-299792.458 * 2.3 / 3.3) and listed[1]["dv"] == 0
    assert [row["class_differs"] for row in listed] == [True, False, True, False]


def test_each_row_has_the_first_redshift_that_is_known_of_it(tmp_path):
    other = Table(
        {
            **{"PLATE": [7000, 7001, 7002, 7003], "MJD": [56000] * 4, "FIBERID": [1, 2, 3, 4]},
            **{"Z_VI": [-999.0, 2.5, -999, -999], "Z": [0.6, 1, np.nan, np.nan]},
            "SPECTYPE": ["GALAXY", "QSO", "STAR", ""],
        }
    )
    other.write(tmp_path / "other.fits")
    shown = content(5)
    z, kinds = reference_of(tmp_path / "other.fits", shown.table, shown.spectra)
    np.testing.assert_array_equal(z, [0.6, 2.5, 0, np.nan, np.nan])
    assert kinds == ["GALAXY", "QSO", "STAR", "", ""]


def test_bits_are_words():
    assert flag_words(int(Flag.LOW_SN | Flag.NO_DATA)) == [OF_FLAGS["NO_DATA"], OF_FLAGS["LOW_SN"]]
    assert all(flag.name in OF_FLAGS for flag in Flag)
    assert zwarn_words(1 << 2) == ["low probability of the redshift"]
    assert zwarn_words(0) == [] and "4096" in zwarn_words(1 << 12)[0]


def test_the_fingerprint_is_of_the_rows():
    shown, same, other = content(3).table, content(3).table, content(3).table
    other["Z"][1] = 9.0
    assert fingerprint(shown) == fingerprint(same) != fingerprint(other)


@pytest.mark.slow
def test_many_spectra_go_on_several_pages_with_an_index(tmp_path):
    shown = content(5)
    files = pages.write(shown, tmp_path / "look.html", Look("c.fits"), "0", largest=2)
    assert [path.name for path in files] == [
        *("look.html", "look-01.html", "look-02.html", "look-03.html")
    ]
    index = Elements(files[0].read_text())
    links = [a["href"] for tag, a in index.tags if tag == "a"]
    assert links == ["look-01.html", "look-02.html", "look-03.html"]
    abouts = [Elements(path.read_text()).about() for path in files[1:]]
    assert [row["id"] for about in abouts for row in about["rows"]] == shown.table["ID"].tolist()
    assert [about["number"] for about in abouts] == [0, 1, 2]
    assert abouts[0]["pages"] == [["look-01.html", 2], ["look-02.html", 2], ["look-03.html", 1]]


def test_every_module_is_in_the_page():
    text = page(content(1), Look(), "0")
    imports = json.loads(re.search(r'type="importmap"[^>]*>(.*?)</script>', text)[1])
    assert imports["imports"].keys() == {f"inspect/{name}" for name in MODULES}


@pytest.fixture
def server(tmp_path):
    (tmp_path / "secret.html").write_text("secret")
    files = pages.write(content(1), tmp_path / "look.html", Look(), "0")
    with pages.serve(files, 0) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def fetch(server, path, host=None):
    request = urllib.request.Request(f"http://127.0.0.1:{server.server_port}{path}")
    if host:
        request.add_header("Host", host)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def test_the_server_serves_the_page_to_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert "spectrum-0" in fetch(server, "/") and "spectrum-0" in fetch(server, "/look.html")
    for path, host in (("/secret.html", None), ("/../secret.html", None), ("/", "evil.org:80")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            fetch(server, path, host)
        assert refused.value.code == 404
        refused.value.close()


@pytest.mark.slow
def test_the_server_answers_for_the_head_and_without_a_port(server):
    assert "spectrum-0" in fetch(server, "/", "localhost")
    address = f"http://127.0.0.1:{server.server_port}/"
    with urllib.request.urlopen(urllib.request.Request(address, method="HEAD")) as answer:
        assert answer.status == 200 and answer.read() == b""


def test_a_port_in_use_is_a_sentence(server, tmp_path):
    with pytest.raises(InputError, match=rf"{server.server_port}.*--port"):
        pages.serve([tmp_path], server.server_port)


@pytest.mark.slow
def test_a_page_of_boss_spectra_is_small():
    """The limit for 500 of them is 40 MB: 80 kB each."""
    z = np.linspace(1, 3, 4)
    spectra = [spectrum(i, at, pixels=4600) for i, at in enumerate(z)]
    shown = content(4)
    small, large = (
        len(page(Content(shown.table[:n], spectra[:n], shown.p_of_z[:n], shown.edges), Look(), "0"))
        for n in (1, 4)
    )
    assert (large - small) / 3 < 40_000 and small < 3e6
