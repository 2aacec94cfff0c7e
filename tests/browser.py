"""A headless Chromium of the system for tests of pages; without one they skip, with the reason."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--no-first-run"),
)


def chromium() -> str:
    """Return the browser's path; skip where it, or the package that drives it, is not installed."""
    pytest.importorskip("playwright", reason="no browser driver: pip install playwright")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no browser: none of " + ", ".join(NAMES) + " is installed")
    return path


@contextmanager
def browsing() -> Iterator[Any]:
    """Yield a running browser."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page in a browser of its own, so that no other test's answers are in it.

    Attributes:
        page: Playwright's.
        requests: addresses that were asked for.
        errors: of the page's code.
    """

    def __init__(self, browser: Any, path: Path, width: int = 1280, height: int = 800) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True
        )
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        self.page.goto(path.as_uri())
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_selector("html[data-ready]", timeout=60_000)

    def press(self, *keys: str) -> None:
        """Press keys, each after the spectrum that the last one asked for is shown."""
        for key in keys:
            self.page.keyboard.press(key)
            self.settle()

    def settle(self) -> None:
        self.page.wait_for_function(
            "() => { const { list, index, plots, data } = inspector;"
            " return document.getElementById('name').textContent === (inspector.row.id"
            " || '(no name)') && plots.data === data; }"
        )

    def text(self, identifier: str) -> str:
        return str(self.page.inner_text(f"#{identifier}"))

    def name(self) -> str:
        return self.text("name")

    def z(self) -> float:
        return float(self.page.input_value("#z"))

    def export(self, path: Path) -> Path:
        """Press the key that exports answers, and save them."""
        with self.page.expect_download() as download:
            self.page.keyboard.press("e")
        download.value.save_as(path)
        return path

    def close(self) -> None:
        assert self.errors == []
        self.context.close()
