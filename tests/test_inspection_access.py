"""The page can be used by the keyboard alone, read by a screen reader, and seen by all."""

from collections.abc import Iterator
from typing import Any

import pytest
from browser import Visit, browsing
from inspected import content

from spectranet_jax.inspection import pages
from spectranet_jax.inspection.page import Look

pytestmark = pytest.mark.slow

CONTROLS = "button, input, select, textarea, [role=listbox]"

NAMELESS = """() => [...document.querySelectorAll('button, input, select, textarea')].filter((e) =>
  !(e.textContent.trim() && e.tagName === 'BUTTON') && !e.getAttribute('aria-label')
  && ![...(e.labels ?? [])].some((label) => label.textContent.trim())).map((e) => e.outerHTML)"""

REACHED = """() => { const e = document.activeElement; return e.id || e.outerHTML; }"""

FAINT = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { for (let at = e; at; at = at.parentElement) {
    const color = parse(getComputedStyle(at).backgroundColor);
    if (color.length < 4 || color[3] === 1) return color; } return [255, 255, 255]; };
  return [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility()
    && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
    && !['SCRIPT', 'STYLE', 'OPTION'].includes(e.tagName)).map((e) => {
      const [one, other] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      return [ratio, e.outerHTML.slice(0, 80)];
    }).filter(([ratio]) => ratio < 4.5); }"""

OUTSIDE = """() => [...document.querySelectorAll('header *, .bar *, .side button, .filters *')]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)
  .map((e) => e.outerHTML.slice(0, 80))"""

CUT = """() => [...document.querySelectorAll('button')].filter((e) => e.checkVisibility()
  && e.scrollWidth > e.clientWidth + 1).map((e) => e.outerHTML)"""


@pytest.fixture(scope="module", params=[1280, 1920])
def look(request: Any, tmp_path_factory: Any) -> Iterator[Visit]:
    path = tmp_path_factory.mktemp("access") / "look.html"
    pages.write(content(12), path, Look("catalog.fits"), "0")
    with browsing() as browser:
        visit = Visit(browser, path, request.param)
        visit.press("g", "4")
        yield visit
        visit.close()


def test_every_control_has_a_name(look):
    assert look.page.evaluate(NAMELESS) == []


def test_the_tab_key_reaches_every_control(look):
    look.page.evaluate("document.body.focus()")
    reached = set()
    for _ in range(80):
        look.page.keyboard.press("Tab")
        reached.add(look.page.evaluate(REACHED))
    every = look.page.evaluate(
        f"[...document.querySelectorAll('{CONTROLS}')].filter(e => e.checkVisibility())"
        ".map(e => e.id || e.outerHTML)"
    )
    assert set(every) - reached == set() and len(every) > 30


def test_text_has_the_contrast_of_aa(look):
    assert look.page.evaluate(FAINT) == []


def test_everything_fits_the_width(look):
    assert look.page.evaluate(OUTSIDE) == [] and look.page.evaluate(CUT) == []


def test_the_help_names_every_key_and_closes_by_the_keyboard(look):
    look.page.keyboard.press("?")
    assert look.page.locator("#help-keys kbd").count() >= 25
    look.page.keyboard.press("n")  # is not for the page beneath
    look.page.keyboard.press("Escape")
    assert look.page.locator("#help").is_hidden() and look.name() == content(1).table["ID"][0]


def test_a_message_is_reported_to_a_screen_reader(look):
    assert look.page.get_attribute("#message", "aria-live") == "polite"
    assert look.page.locator(".item[aria-selected=true]").count() == 1
