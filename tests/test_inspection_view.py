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
    look.press("4")  # nobody saw it
    assert "no spectrum" in look.text("message") and look.text("progress-text") == "0 / 2"
    look.press("0")
    assert look.text("progress-text") == "1 / 2"
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
    assert look.text("why-what") == "class"
    look.press("n")
    assert look.page.locator("#why").is_hidden()


def test_the_list_sorts_by_class_and_flagged_rows_first(visit):
    shown = content(4)
    shown.table["CLASS"][1], shown.table["ZWARN"][2] = "GALAXY", 4
    look = visit(shown)
    names = shown.table["ID"].tolist()
    listed = look.page.locator(".item .id")
    look.page.select_option("#sort", "class")
    assert listed.all_text_contents() == [names[1], names[0], names[2], names[3]]
    look.page.select_option("#sort", "ZWARN first")
    assert listed.all_text_contents() == [names[2], names[0], names[1], names[3]]


def test_disagreement_is_offered_only_beside_another_catalog(visit):
    option = "#sort option[value=disagreement]"
    assert visit().page.locator(option).count() == 1
    shown = content(2)
    alone = visit(Content(shown.table, shown.spectra, shown.p_of_z, shown.edges))
    assert alone.page.locator(option).count() == alone.page.locator("#dv-low").count() == 0


def test_the_contact_sheet_marks_the_spectrum_that_the_keys_are_for(visit):
    look = visit(content(40), thumbnails=True)
    look.press(*"n" * 38)
    marked = look.page.locator("#sheet [aria-current=true]")
    assert marked.count() == 1 and look.name() in marked.inner_text()
    assert marked.evaluate("e => e.getBoundingClientRect().bottom <= innerHeight + 1")


def test_the_tab_key_passes_the_contact_sheet_in_one_step(visit):
    look = visit(thumbnails=True)
    assert look.page.locator("#sheet button:not([tabindex='-1'])").count() == 1
    look.page.focus("#sheet [aria-current=true]")
    look.press("n", "n")
    assert look.name() in look.page.evaluate("document.activeElement.textContent")
    name = look.name()
    look.page.keyboard.press("Enter")
    look.settle()
    assert look.page.locator("#view").is_visible() and look.name() == name


def test_a_message_does_not_outlive_its_spectrum(visit):
    look = visit(blind=True)
    look.press("4")
    assert look.text("message") != ""
    look.press("n")
    assert look.text("message") == ""
    look.press(".")
    assert "no redshift" in look.text("message") and look.page.input_value("#z") == ""


def test_a_warning_that_answers_are_not_kept_stays(visit):
    look = visit()
    look.page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error(); }; }")
    look.press("4", "n")
    assert "export" in look.text("message")


def test_a_catalog_without_probabilities_has_no_empty_percent(visit):
    shown = content(2)
    shown.table.remove_columns([name for name in shown.table.colnames if name.startswith("P_")])
    look = visit(shown)
    assert "()" not in look.text("model") and look.page.locator("#sure").is_hidden()


def test_a_list_without_spectra_says_so(visit):
    look = visit()
    look.page.click("#limits summary")
    look.page.fill("#z-low", "9")
    look.page.evaluate("document.activeElement.blur()")
    for key in "nm":
        look.press(key)
        assert "filters" in look.text("message")


def test_marks_of_a_model_without_classes_are_about_its_redshift(visit):
    shown = content(1)
    shown.table["CLASS"] = [""]
    look = visit(Content(shown.table, shown.spectra, attributions=[shown.spectra[0].flux]))
    assert look.text("why-what") == "redshift"


def test_a_position_is_shown_without_the_noise_of_float64(visit):
    shown = content(1)
    shown.table["RA"] = [166.1068299999999]
    assert visit(shown).page.input_value("#position") == "166.10683, -2.5"
