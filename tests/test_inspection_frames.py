"""The page in a notebook's frame, and the pages of a long catalog, in a browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from browser import Visit, browsing
from inspected import content

from spectranet_jax.inspection import pages
from spectranet_jax.inspection.notebook import Inspection
from spectranet_jax.inspection.page import Look, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as running:
        yield running


def test_the_page_works_in_the_frame_of_a_notebook(browser, tmp_path):
    shown = Inspection(content(2).table, page(content(2), Look(), "0"))
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><p>cell</p>{shown._repr_html_()}", encoding="utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    frame = tab.frame_locator("iframe")
    frame.locator("html[data-ready]").wait_for(timeout=60_000)
    assert frame.locator("#name").inner_text() == content(2).table["ID"][0]
    frame.locator("#classes [value=STAR]").click()
    assert frame.locator("#classes [value=STAR]").get_attribute("aria-pressed") == "true"
    tab.close()


def test_pages_of_a_catalog_share_their_answers(browser, tmp_path):
    selection = content(4)
    files = pages.write(selection, tmp_path / "a b#1.html", Look("c"), "0", largest=2)
    look = Visit(browser, files[1])
    look.press("4")
    with look.page.expect_navigation():
        look.page.select_option("#pages select", index=1)
    look.ready()
    assert look.name() == selection.table["ID"][2] and look.text("progress-text") == "0 / 2"
    with look.page.expect_navigation():
        look.page.select_option("#pages select", index=0)
    look.ready()
    assert look.text("progress-text") == "1 / 2"
    look.page.goto(files[0].as_uri())
    with look.page.expect_navigation():
        look.page.click("li:nth-child(2) a")
    look.ready()
    look.press("3")
    with look.page.expect_download() as download:
        look.page.keyboard.press("e")
    assert download.value.suggested_filename == "c-02-vi-inspector.csv"
    look.close()
