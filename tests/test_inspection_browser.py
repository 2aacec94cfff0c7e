"""The page in a browser, by real key presses and clicks."""

import numpy as np
import pytest
from browser import Visit
from inspected import HOSTILE, content

from data_prep import truth
from spectranet_jax.inspection.page import Content
from spectranet_jax.readers import vi_file
from spectranet_jax.spectra.labels import GALAXY, QSO, QSO_BAL, STAR, UNKNOWN
from spectranet_jax.spectra.spectrum import Spectrum

pytestmark = pytest.mark.slow


def test_ten_spectra_inspected_reloaded_exported_and_read_as_labels(visit, tmp_path):
    look = visit()
    look.page.fill("#scanner", "anna")
    look.page.keyboard.press("Escape")
    look.press("4", "n")  # as the model says
    look.press("s", "3", "n")
    look.press("g", "4", "n")
    look.press("b", "3", "n")
    look.press("q", "2", "n")  # not secure
    look.press("z")
    look.page.keyboard.type("1.2345")
    look.page.keyboard.press("Enter")
    look.press("q", "4", "n")
    look.press("c")
    look.page.keyboard.type('noisy, "bad"\nsky')
    look.page.keyboard.press("Escape")
    look.press("0", "n")
    look.press("x", "v", "3", "n")  # the second peak of p(z)
    look.press("a", "4", "n")
    look.press("4")
    assert look.text("progress-text") == "10 / 12"
    look.page.reload()
    look.ready()
    assert look.text("progress-text") == "10 / 12"
    rows = vi_file.read(look.export(tmp_path / "vi.csv"))
    assert len(rows) == 10 and {row["VI_SCANNER"] for row in rows} == {"anna"}
    assert rows[6]["VI_COMMENT"] == 'noisy, "bad"\nsky'
    assert rows[0]["PLATE"] == "7000" and rows[0]["RA"] == "150.123456"
    read = truth.read(tmp_path / "vi.csv")
    z = content(12).table["Z"]
    expected = [QSO, STAR, GALAXY, QSO_BAL, UNKNOWN, QSO, UNKNOWN, QSO, QSO, QSO]
    assert read.label.tolist() == expected
    assert read.z_conf.tolist() == [3, 3, 3, 3, 2, 3, 0, 3, 3, 3]
    assert read.z[5] == 1.2345 and read.z[7] == pytest.approx(z[7] / 2, abs=1e-5)
    assert read.z[0] == pytest.approx(z[0], abs=1e-5) and read.z[1] == 0  # of a star


def test_undo_takes_back_step_by_step(visit):
    look = visit()
    first = look.name()
    look.press("g", "4", "n", "s")
    look.press("u")
    assert look.page.get_attribute("#classes [value=STAR]", "aria-pressed") == "false"
    look.press("u")  # the quality, of the first spectrum, which is shown again
    assert look.name() == first and look.text("progress-text") == "0 / 12"
    assert look.page.get_attribute("#classes [value=GALAXY]", "aria-pressed") == "true"
    look.press("u", "u")
    assert "Nothing to undo" in look.text("message")


def lines(look: Visit) -> dict[str, float]:
    """Names of lines in the figure and where they are."""
    columns = look.page.evaluate("inspector.plots.model('emission').data")
    return dict(zip(columns["label"], columns["x"], strict=True))


def test_lines_follow_the_redshift(visit):
    look = visit()
    z = look.z()
    assert lines(look)["Mg II"] == pytest.approx(2798.75 * (1 + z), rel=1e-5)
    look.press(">")
    assert look.z() == pytest.approx((1 + z) * (1 + 1000 / 299792.458) - 1, abs=2e-5)
    assert lines(look)["Mg II"] == pytest.approx(2798.75 * (1 + look.z()), rel=1e-5)
    look.page.focus("#z-slider")
    look.page.keyboard.press("ArrowRight")
    moved = look.z()
    assert 0 < moved - z < 0.02
    look.page.evaluate("document.activeElement.blur()")
    look.press("x")
    box = look.page.locator("#posterior-figure").bounding_box()
    look.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    assert look.z() == pytest.approx(7**0.5 - 1, abs=0.05)  # the middle of 0 to 6 in log(1 + z)
    look.press("l")
    assert lines(look) == {}


def test_a_peak_can_be_clicked(visit):
    look = visit()
    look.page.click("#peaks button:nth-child(2)")
    assert look.z() == pytest.approx(0.45, abs=1e-5)


def test_smoothing_lowers_the_scatter_and_keeps_masked_pixels(visit):
    look = visit()
    read = "Array.from(inspector.plots.model('flux').data.y)"
    native = np.array(look.page.evaluate(read), float)
    look.press("]", "]", "]")
    smooth = np.array(look.page.evaluate(read), float)
    assert look.text("smooth-text") == "3 pixels"
    assert np.isnan(native[700:720]).all() and np.isnan(smooth[700:720]).all()
    assert np.nanstd(np.diff(smooth)) < 0.3 * np.nanstd(np.diff(native))
    strips = look.page.evaluate("inspector.plots.model('masked').data.x0.length")
    assert strips == 1


def test_a_hostile_name_does_nothing(visit, tmp_path):
    shown = content(3)
    shown.table["FILE"] = [HOSTILE] * 3
    shown.table["ID"] = ["</script><script>window.hacked=2</script>", HOSTILE, "plain"]
    look = visit(shown)
    look.press("c")
    look.page.keyboard.type(HOSTILE)
    look.page.keyboard.press("Escape")
    look.press("n", "4", "t", "t")
    assert look.page.evaluate("window.hacked") is None
    assert look.page.locator("img").count() == 0
    assert look.text("file") == HOSTILE
    rows = vi_file.read(look.export(tmp_path / "vi.csv"))
    assert rows[0]["VI_COMMENT"] == HOSTILE == rows[0]["FILE"]


def test_nothing_is_asked_of_a_network(visit):
    look = visit()
    look.press("n", "t")
    assert {url.split(":")[0] for url in look.requests} <= {"file", "data", "blob"}


def test_blind_hides_the_answer_until_it_is_given(visit):
    look = visit(blind=True)
    assert "QSO" not in look.text("model") and "QSO" not in look.text("list")
    assert look.page.input_value("#z") == "" and look.page.locator("#p-of-z").is_hidden()
    look.press("4")
    assert "class first" in look.text("message") and look.text("progress-text") == "0 / 12"
    look.press("g", "2")
    assert "QSO" in look.text("model") and look.page.locator("#p-of-z").is_visible()


def test_the_list_sorts_and_filters(visit):
    look = visit()
    ids = content(12).table["ID"].tolist()
    assert look.page.locator(".item .id").all_text_contents() == ids
    look.page.select_option("#sort", "S/N")
    assert look.page.locator(".item .id").all_text_contents() == ids[::-1]
    look.page.select_option("#sort", "disagreement")
    assert look.page.locator(".item .id").all_text_contents()[0] == ids[-1]
    look.page.click("#limits summary")
    look.page.fill("#p_3000-high", "0.5")
    assert look.text("shown") == "5 of 12 spectra"
    look.page.click("#filter-clear")
    look.page.keyboard.press("Escape")
    look.page.evaluate("document.activeElement.blur()")
    look.press("4")
    look.page.select_option("#filter-status", "done")
    assert look.text("shown") == "1 of 12 spectra"


def test_an_export_is_imported_elsewhere(visit, tmp_path):
    look = visit()
    look.press("4", "n", "g", "3")
    path = look.export(tmp_path / "vi.csv")
    shown = content(12)
    shown.table["FILE"] = [f"/elsewhere/{name}" for name in shown.table["FILE"].tolist()]
    other = visit(shown)
    assert other.text("progress-text") == "0 / 12"
    other.page.set_input_files("#import-file", str(path))
    other.page.wait_for_selector("#message:not(:empty)")
    assert other.text("progress-text") == "2 / 12" and "2 answers" in other.text("message")
    rows = vi_file.read(other.export(tmp_path / "again.csv"))
    assert [r["VI_CLASS"] for r in rows] == ["QSO", "GALAXY"]
    other.page.keyboard.press("u")
    assert other.text("progress-text") == "0 / 12"


def test_a_file_that_is_no_answers_is_refused(visit, tmp_path):
    look = visit()
    (tmp_path / "bad.csv").write_text("ID,Z\nx,1\n")
    look.page.set_input_files("#import-file", str(tmp_path / "bad.csv"))
    look.page.wait_for_selector("#message:not(:empty)")
    assert "VI_CLASS" in look.text("message") and look.text("progress-text") == "0 / 12"


def test_the_contact_sheet_leads_to_a_spectrum(visit):
    look = visit(thumbnails=True)
    assert look.page.locator("#sheet button").count() == 12
    look.page.wait_for_function(
        "() => { const c = document.querySelector('#sheet canvas');"
        " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v); }"
    )
    look.page.click("#sheet button:nth-child(3)")
    assert look.page.locator("#view").is_visible()
    assert look.name() == content(12).table["ID"][2]


def test_ra_and_dec_are_copied(visit):
    look = visit()
    assert look.page.input_value("#position") == "150.123456, -2.5"
    look.page.click("#copy")
    look.page.wait_for_selector("#message:not(:empty)")
    assert "150.123456, -2.5" in look.text("message")


def test_a_spectrum_that_is_not_there_is_no_trouble(visit):
    shown = content(3)
    look = visit(Content(shown.table, [None, *shown.spectra[1:]], shown.p_of_z, shown.edges))
    assert look.name() == shown.table["ID"][0]
    look.press("n")
    assert look.name() == shown.table["ID"][1]


def test_the_template_moves_with_the_redshift_and_can_be_hidden(visit):
    shown = content(3)
    templates = [spectrum.flux.astype(float) for spectrum in shown.spectra]
    look = visit(
        Content(shown.table, shown.spectra, templates=templates, attributions=templates, edges=None)
    )
    read = "Array.from(inspector.plots.model('template').data.x)"
    before = np.array(look.page.evaluate(read))
    np.testing.assert_allclose(before, 10 ** shown.spectra[0].loglam, rtol=1e-4)
    look.press(">")
    np.testing.assert_allclose(
        np.array(look.page.evaluate(read)), before * (1 + 1000 / 299792.458), rtol=1e-4
    )
    assert look.page.evaluate("inspector.plots.model('attribution').data.left.length") > 50
    look.page.uncheck("#show-template")
    assert look.page.evaluate(read) == []
    assert look.page.locator("#p-of-z").is_hidden()


def test_the_arms_of_a_spectrograph_are_drawn_apart(visit):
    shown = content(2)
    first = shown.spectra[0]
    arms = np.concatenate([first.loglam[:800], first.loglam[700:]])
    again = np.concatenate([first.flux[:800], first.flux[700:]])
    spectra = [Spectrum("two arms", arms, again, np.ones_like(again), "x"), shown.spectra[1]]
    look = visit(Content(shown.table, spectra, shown.p_of_z, shown.edges))
    y = np.array(look.page.evaluate("Array.from(inspector.plots.model('flux').data.y)"), float)
    assert np.flatnonzero(np.isnan(y)).tolist() == [800, 1601]


def test_the_view_is_zoomed_and_moved_by_keys(visit):
    look = visit()
    read = "(({ start, end }) => [start, end])(inspector.plots.spectrum.x_range)"
    start, end = look.page.evaluate(read)
    look.press("+", "ArrowRight")
    assert look.page.evaluate(read) == pytest.approx(
        [start + 0.375 * (end - start), start + 0.875 * (end - start)]
    )
    look.press("y", "r")
    assert look.page.evaluate(read) == pytest.approx([start, end])
    rest = look.page.evaluate("inspector.plots.rest.end")
    assert rest == pytest.approx(end / (1 + look.z()))
