"""What the page shows of a spectrum, and where it moves next: in a browser."""

import numpy as np
import pytest
from inspected import content

from spectranet_jax.inspection.page import Content
from spectranet_jax.spectra.spectrum import Spectrum

pytestmark = pytest.mark.long


def test_a_spectrum_that_is_missing_says_why(visit):
    shown = content(2)
    shown.table["ERROR"] = ["the file is cut off", ""]
    look = visit(Content(shown.table, [None, shown.spectra[1]], shown.p_of_z, shown.edges))
    assert "the file is cut off" in look.text("missing")
    look.press("n")
    assert look.page.locator("#missing").is_hidden()


def test_a_line_of_three_pixels_is_in_sight_and_a_spike_is_not(visit):
    shown = content(1)
    first = shown.spectra[0]
    flux = first.flux.copy()
    flux[300:303] = 60, 100, 60
    flux[1000] = 300
    spectrum = Spectrum(first.name, first.loglam, flux, first.ivar, first.source)
    look = visit(Content(shown.table, [spectrum], shown.p_of_z, shown.edges))
    assert 100 < look.page.evaluate("inspector.plots.spectrum.y_range.end") < 200
    np.testing.assert_allclose(
        look.page.evaluate("inspector.plots.model('error').data.y[300]"), 0.2, rtol=1e-3
    )


def test_a_visit_goes_on_where_the_last_one_ended(visit):
    look = visit()
    look.press("4", "n", "4", "n", "n", "4")
    names = content(12).table["ID"].tolist()
    look.page.reload()
    look.ready()
    assert look.name() == names[2]
    look.press("m")
    assert look.name() == names[4]


def test_keys_are_not_lost_to_a_filter_or_to_altgr(visit):
    look = visit()
    look.page.select_option("#filter-class", "QSO")
    look.page.focus("#filter-class")
    look.press("s")
    assert look.page.input_value("#filter-class") == "QSO"
    assert look.page.get_attribute("#classes [value=STAR]", "aria-pressed") == "true"
    look.page.evaluate(
        "document.dispatchEvent(new KeyboardEvent('keydown', { key: ']', ctrlKey: true,"
        " altKey: true, modifierAltGraph: true }))"
    )
    assert look.text("smooth-text") == "1 pixels"


def test_the_readout_is_of_the_spectrum_in_sight(visit):
    look = visit()
    box = look.page.locator("#spectrum-figure").bounding_box()
    look.page.mouse.move(box["x"] + 300, box["y"] + 200)
    look.page.wait_for_selector("#readout:not(:empty)")
    look.press("n")
    assert look.text("readout") == ""


def test_p_of_z_is_zoomed_by_the_wheel_and_reset(visit):
    look = visit()
    read = "(({ start, end }) => end - start)(inspector.plots.posterior.x_range)"
    whole = look.page.evaluate(read)
    box = look.page.locator("#posterior-figure").bounding_box()
    look.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    look.page.mouse.wheel(0, -200)
    look.page.wait_for_function(f"{read} < {0.95 * whole}")
    look.press("r")
    assert look.page.evaluate(read) == pytest.approx(whole)


def test_what_marks_mean_is_written_beside_them(visit):
    shown = content(2)
    marks = [shown.spectra[0].flux.astype(float), None]
    look = visit(Content(shown.table, shown.spectra, attributions=marks))
    assert "blue" in look.text("why") and "sure" in look.text("sure")
    look.press("n")
    assert look.page.locator("#why").is_hidden()
