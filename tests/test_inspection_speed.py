"""Speed and size of a page of 500 spectra: building, opening, and moving on."""

import time

import numpy as np
import pytest
from browser import Visit, browsing
from inspected import EDGES, catalog, posterior, spectrum

from spectranet_jax.inspection import pages
from spectranet_jax.inspection.page import Content, Look

pytestmark = pytest.mark.slow

COUNT, PIXELS = 500, 4600

NEXT = """async () => {
  const times = [];
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  for (const index of inspector.list.order.slice(1, 41)) {
    const start = performance.now();
    await inspector.show(index);
    await painted();
    times.push(performance.now() - start);
  }
  return times;
}"""


def test_a_page_of_500_spectra_is_fast_and_small(tmp_path, capsys):
    z = np.linspace(0.9, 3.1, COUNT)
    spectra = [spectrum(i, at, PIXELS) for i, at in enumerate(z)]
    content = Content(catalog(spectra, z), spectra, posterior(z), EDGES)
    start = time.perf_counter()
    (path,) = pages.write(content, tmp_path / "look.html", Look(), "0")
    rate = COUNT / (time.perf_counter() - start)
    size = path.stat().st_size / 1e6
    with browsing() as browser:
        Visit(browser, path).close()  # the browser itself has started
        start = time.perf_counter()
        visit = Visit(browser, path)
        opened = time.perf_counter() - start
        times = np.array(visit.page.evaluate(NEXT))
        visit.close()
    median, worst = float(np.median(times)), float(times.max())
    with capsys.disabled():
        print(
            f"\n{COUNT} spectra: built at {rate:.0f} per second, {size:.1f} MB, opens in"
            f" {opened:.2f} s, next in {median:.0f} ms (at most {worst:.0f})"
        )
    assert size < 40 and len(times) == 40  # how fast is printed, as it depends on the machine
