"""`python -m experiments.report`: a tiny page of all runs, its contents, and its reading."""

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import browsing
from naming import naming

from experiments import report
from experiments.reporting import making, stages
from experiments.reporting.report_page import environment
from experiments.reporting.sizes import DEFAULT, FULL, QUICK
from spectranet_jax.inference import load
from spectranet_jax.spectra import InputError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,  # since they train some 45 networks
    pytest.mark.usefixtures("one_device"),
]

TINY = dataclasses.replace(QUICK, epochs=2, claim_epochs=1, curve=(450, 900), seeds=2)
SPECTRA = 400
ITEMS = [f"table-{n}" for n in range(1, 7)] + [f"figure-{n}" for n in range(1, 10)]


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Few trainings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "QUICK", TINY)
        patch.setattr("data_prep.mock.dataset.contact_sheet", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the page was made, as the working directory."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        report.work(report.Config(quick=True, spectra=SPECTRA))
        yield folder


@pytest.fixture(scope="module")
def page(folder: Path) -> Path:
    return folder / "runs/report-quick/report.html"


def test_every_table_and_figure_stands_on_the_page_once(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for item in ITEMS:
        assert text.count(f'id="{item}"') == 1, item
    for number in (
        *("330,316", "1,658,593", "1,800", "4,608", "216 × 100", "18 × 256"),
        *("0.97477", "0.8225", "0.8714", "89.76%", "16,144", "16,000", "4,096", "5,800"),
        *("0.0172", "0.101", "0.131", "data_dr12.fits", "truth_DR12Q.fits"),
    ):
        assert number in text, number
    assert text.count("<li>") >= 8 and "443 217 108 50 25 8 4" in text


def test_the_page_needs_nothing_but_itself(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r'src="(\w+):', text)) == {"data"}
    assert "<script" not in text and "<link" not in text and "@import" not in text


def test_provenance_stands_at_the_foot(folder: Path, page: Path) -> None:
    foot = page.read_text(encoding="utf-8").partition('id="provenance"')[2]
    for data in (folder / "data").iterdir():
        assert json.loads((data / "manifest.json").read_text())["fingerprint"] in foot
    classifier = page.parent / "classify-chunked"
    assert load(classifier).sha256 in foot and "experiments.report" in foot


def test_a_whole_run_is_left_as_it_is_and_a_broken_one_is_resumed(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = page.read_text(encoding="utf-8")
    broken = page.parent / "claims/without-dropout-seed1"
    weights = load(broken).sha256
    (broken / "evaluation.json").unlink()
    report.work(report.Config(quick=True, spectra=SPECTRA))
    done = re.findall(r"^\d+/\d+ (\S+) (.*)$", capsys.readouterr().out, re.MULTILINE)
    assert [name for name, what in done if what == "trained"] == ["claims/without-dropout-seed1"]
    assert len(done) == len(stages.stages(TINY.of(SPECTRA)))
    assert load(broken).sha256 == weights
    assert page.read_text(encoding="utf-8") == before


def test_runs_are_ordinary_run_folders_without_the_part(page: Path) -> None:
    parts = ("dropout", "batch-normalization", "weighted-renormalization", "all-four")
    without = {name: load(page.parent / f"claims/without-{name}-seed0") for name in parts}
    assert without["batch-normalization"].variables["batch_stats"] == {}
    assert without["dropout"].config["settings"]["dropout"] == 0
    assert without["weighted-renormalization"].task.name == "classify-plain"
    every = without["all-four"]
    assert every.variables["batch_stats"] == {} and every.task.name == "classify-plain"
    assert every.config["settings"]["decay"] == "constant"
    assert every.config["network"]["dropout"] == 0


def test_other_settings_are_refused_in_the_same_folder(page: Path) -> None:
    sizes = dataclasses.replace(TINY.of(SPECTRA), claim_epochs=2)
    stage = next(iter(stages.claims(sizes)))
    data = Path("data") / f"mock-all-{SPECTRA}-seed101"
    with pytest.raises(InputError, match=naming(page.parent / stage.name, "--epochs")):
        making.made(stage, page.parent, data)


def test_flags_that_exclude_each_other() -> None:
    with pytest.raises(InputError, match=naming("--quick", "--full")):
        report.sizes_of(report.Config(quick=True, full=True))
    with pytest.raises(InputError, match=naming("--spectra", "10")):
        report.sizes_of(report.Config(spectra=10))
    with pytest.raises(InputError, match=naming("--spectra", "--data")):
        report.sizes_of(report.Config(spectra=1000, data=Path("x")))


def test_sizes_are_those_of_the_report() -> None:
    for sizes in (DEFAULT, FULL):
        assert (sizes.training, sizes.chunk, sizes.epochs, sizes.bal) == (24_000, 4_000, 10, 29_000)
    assert (DEFAULT.claims, DEFAULT.claim_epochs, DEFAULT.seeds) == (12_000, 5, 3)
    assert FULL.survey == 80_000 and max(FULL.curve) == 48_000
    assert DEFAULT.within(5_000, 2_000).curve == (1_500, 2_000)


def test_what_comes_from_files_is_escaped() -> None:
    text = '{% from "parts.html" import table %}{{ table(content) }}'
    from experiments.reporting.table import Table, row

    hostile = "<img src=x onerror=alert(1)>"
    content = Table("Table 1", hostile, ("", hostile), [row(hostile, hostile)], hostile)
    made = environment().from_string(text).render(content=content)
    assert "<img" not in made and made.count("&lt;img") == 5


@pytest.mark.long
def test_real_spectra_and_given_weights_join_the_comparison(page: Path, shared: Path) -> None:
    before = page.read_text(encoding="utf-8")
    weights = shared / "quasarnp/test_weights_6_layer.h5"
    report.work(report.Config(quick=True, spectra=SPECTRA, real=shared,
                              quasarnet_weights=weights))  # fmt: skip
    text = page.read_text(encoding="utf-8")
    page.write_text(before, encoding="utf-8")
    assert 'id="table-7"' in text and 'id="table-7"' not in before
    assert "its weights are those that were given" in text
    real = text.partition('id="table-6"')[2].partition("</table>")[0]
    assert re.findall(r"rowgroup[^>]*>(\d+ \w+)", real)[:2] == ["193 galaxies", "94 quasars"]
    assert real.count("QuasarNET") == 3 and real.count("LineNet") == 4


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as running:
        yield running


@pytest.mark.long
@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_shows_it_without_an_error_and_nothing_overflows(
    browser: Any, page: Path, width: int, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    shown = context.new_page()
    errors: list[str] = []
    shown.on("pageerror", lambda error: errors.append(str(error)))
    shown.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    shown.on("requestfailed", lambda request: errors.append(request.url[:60]))
    shown.goto(page.as_uri())
    for item in ITEMS:
        assert shown.locator(f"#{item}").is_visible(), item
    images = shown.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth])")
    assert len(images) == 9 and all(complete and wide > 100 for complete, wide in images)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    shown.screenshot(path=tmp_path / "page.png", full_page=True)
    assert errors == []
    context.close()
