"""The saved answers are what the inspector saw and meant: the page in a browser."""

from pathlib import Path

import pytest
from browser import Visit
from inspected import content

from spectranet_jax.inspection.page import Content
from spectranet_jax.readers import vi_file

pytestmark = pytest.mark.long

Z = content(12).table["Z"]


def answers(look: Visit, path: Path) -> list[tuple[str, str, str]]:
    """Class, redshift and quality of each answer that is exported."""
    rows = vi_file.read(look.export(path / "vi.csv"))
    return [(row["VI_CLASS"], row["VI_Z"], row["VI_QUALITY"]) for row in rows]


def type_z(look: Visit, text: str) -> None:
    look.page.fill("#z", text)


def leave(look: Visit) -> None:
    look.page.keyboard.press("Escape")
    look.page.evaluate("document.activeElement.blur()")


def without_z() -> Content:
    """Quasars of which the first has no redshift."""
    selection = content(3)
    selection.table["Z"].mask[0] = True
    return Content(selection.table, selection.spectra, selection.p_of_z, selection.edges)


def test_keys_before_a_spectrum_is_drawn_are_for_its_own_redshift(visit, tmp_path):
    look = visit()
    look.page.evaluate(
        "for (const key of ['4', 'n', '4', 'n', '4'])"
        " document.dispatchEvent(new KeyboardEvent('keydown', { key }))"
    )
    look.settle()
    saved = [float(z) for _, z, _ in answers(look, tmp_path)]
    assert saved == pytest.approx(Z[:3], abs=1e-6)


def test_a_star_does_not_take_the_redshift_of_a_quasar(visit, tmp_path):
    look = visit()
    look.press("s", "4", "n", "s", "q", "3", "n", "4", "s")
    assert "taken back" in look.text("message")
    look.press("3", "n", "s", "4", "g")  # and a galaxy not that of a star
    assert look.z() == pytest.approx(Z[3], abs=1e-5)
    look.press("3")
    exported = answers(look, tmp_path)
    assert [(kind, quality) for kind, _, quality in exported] == [
        *(("STAR", "4"), ("QSO", "3"), ("STAR", "3"), ("GALAXY", "3"))
    ]
    assert [float(z) for _, z, _ in exported] == pytest.approx([0, Z[1], 0, Z[3]], abs=1e-6)


def test_a_quasar_without_a_redshift_is_not_secure(visit, tmp_path):
    look = visit(without_z())
    assert look.page.input_value("#z") == ""
    look.press("a", "4")
    assert "redshift" in look.text("message") and look.text("progress-text") == "0 / 3"
    look.press("1", "n")
    hidden = visit(blind=True)
    hidden.press("q", "4")
    assert "redshift" in hidden.text("message") and hidden.text("progress-text") == "0 / 12"
    type_z(hidden, "1.5")
    leave_by_tab(hidden)
    hidden.press("4")
    assert answers(look, tmp_path) == [("QSO", "", "1")]
    assert answers(hidden, tmp_path) == [("QSO", "1.5", "4")]


def leave_by_tab(look: Visit) -> None:
    look.page.keyboard.press("Tab")
    look.page.evaluate("document.activeElement.blur()")


def test_a_typed_redshift_is_given_however_the_field_is_left(visit, tmp_path):
    look = visit()
    type_z(look, "1.25")
    look.page.click("#take")
    look.page.evaluate("document.activeElement.blur()")
    look.press("4", "n")
    type_z(look, "1.5")
    leave_by_tab(look)
    look.press("4", "n")
    type_z(look, "1.75")
    look.page.keyboard.press("Enter")
    look.press("u")  # one step
    assert look.text("your-z") == "your z: not yet"
    assert look.z() == pytest.approx(Z[2], abs=1e-5)
    type_z(look, "1.75")
    look.page.keyboard.press("Escape")
    assert look.z() == pytest.approx(Z[2], abs=1e-5)
    assert [z for _, z, _ in answers(look, tmp_path)] == ["1.25", "1.5"]


@pytest.mark.parametrize("text", ["-5", "5000", "-0.9", ""])
def test_what_is_no_redshift_is_reported_and_not_saved(visit, text):
    look = visit()
    type_z(look, text)
    look.page.keyboard.press("Enter")
    assert "redshift" in look.text("message") and look.text("your-z") == "your z: not yet"
    assert look.z() == pytest.approx(Z[0], abs=1e-5)


def test_the_redshift_on_the_screen_is_the_one_saved(visit, tmp_path):
    look = visit()
    look.press("a", ">", ">", ">", "4")
    moved = (1 + Z[0]) * (1 + 1000 / 299792.458) ** 3 - 1
    assert look.z() == pytest.approx(moved, abs=1e-5)
    (saved,) = answers(look, tmp_path)
    assert float(saved[1]) == pytest.approx(moved, abs=1e-5)
    look.press("u")
    assert look.z() == pytest.approx(Z[0], abs=1e-5)


def test_a_secure_quality_does_not_outlive_its_redshift(visit):
    look = visit()
    look.press("4")
    type_z(look, "0")
    look.page.keyboard.press("Enter")
    assert "taken back" in look.text("message") and look.text("progress-text") == "0 / 12"


def test_undo_leaves_the_newer_answer_of_another_tab(visit):
    look = visit()
    other = look.context.new_page()
    other.goto(look.page.url)
    other.wait_for_selector("html[data-ready]")
    look.press("g")
    other.wait_for_selector("#classes [value=GALAXY][aria-pressed=true]")
    other.keyboard.press("b")
    look.page.wait_for_selector("#classes [value=QSO_BAL][aria-pressed=true]")
    look.press("u")
    assert "another tab" in look.text("message")
    assert look.page.get_attribute("#classes [value=QSO_BAL]", "aria-pressed") == "true"


def namesakes() -> Content:
    """Return three spectra of one file and ID."""
    selection = content(3)
    selection.table["FILE"], selection.table["ID"] = ["f.fits"] * 3, ["7"] * 3
    return selection


def imported(look: Visit, path: Path) -> str:
    """The message after a file is imported."""
    look.page.evaluate("document.getElementById('message').textContent = ''")
    look.page.set_input_files("#import-file", str(path))
    look.page.wait_for_selector("#message:not(:empty)")
    return look.text("message")


def test_an_answer_about_a_namesake_is_imported_for_the_same_spectrum(visit, tmp_path):
    look, other = visit(namesakes()), visit(namesakes())
    look.press("n", "n", "g", "4")
    path = look.export(tmp_path / "vi.csv")
    assert "1 answers" in imported(other, path)
    assert other.page.evaluate("[...inspector.store.answers.keys()]") == [2]


def test_an_answer_that_could_be_of_several_spectra_is_refused(visit, tmp_path):
    look = visit(namesakes())
    path = tmp_path / "vi.csv"
    path.write_text("FILE,ID,VI_CLASS,VI_Z,VI_QUALITY\nf.fits,7,QSO,2,4\n")
    message = imported(look, path)
    assert "Nothing imported" in message and "row 2" in message and "3 spectra" in message
    assert look.text("progress-text") == "0 / 3"


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        ("Quasar,2,4", "VI_CLASS"),
        ("QSO,-5,4", "VI_Z"),
        ("QSO,high,4", "VI_Z"),
        ("QSO,2,9", "VI_QUALITY"),
        ("STAR,2,4", "VI_Z"),
        ("QSO,0x2,4", "VI_Z"),
        ("QSO", "3 cells"),  # of a file that was cut off
        ('QSO,2,"4\n', "row 2"),
        ("QSO,2,4,1", "row 2"),
        ("QSO,,4", "VI_Z"),
    ],
)
def test_an_import_refuses_what_is_no_answer(visit, tmp_path, cells, named):
    look = visit()
    look.press("4")
    (file, name), path = content(1).table["FILE", "ID"][0], tmp_path / "vi.csv"
    path.write_text(f"FILE,ID,VI_CLASS,VI_Z,VI_QUALITY\n{file},{name},{cells}\n")
    message = imported(look, path)
    assert "Nothing imported" in message and named in message and "row 2" in message
    assert look.text("progress-text") == "1 / 12"


@pytest.mark.parametrize("agrees", [False, True])
def test_an_import_asks_before_it_replaces_answers(visit, tmp_path, agrees):
    look = visit()
    look.press("4")
    asked = []

    def reply(dialog):
        asked.append(dialog.message)
        dialog.accept() if agrees else dialog.dismiss()

    look.page.on("dialog", reply)
    (file, name), path = content(1).table["FILE", "ID"][0], tmp_path / "vi.csv"
    path.write_text(f"FILE,ID,VI_CLASS,VI_Z,VI_QUALITY\n{file},{name},GALAXY,0.5,2\n")
    assert ("1 in place of yours" in imported(look, path)) == agrees
    assert len(asked) == 1 and asked[0].startswith("1 ")
    pressed = look.page.get_attribute("#classes [value=GALAXY]", "aria-pressed")
    assert pressed == str(agrees).lower()


def test_blind_shows_nothing_of_the_model_before_and_after_undo(visit):
    selection = content(4)
    fits = [spectrum.flux.astype(float) for spectrum in selection.spectra]
    look = visit(
        Content(
            selection.table,
            selection.spectra,
            selection.p_of_z,
            selection.edges,
            fits,
            fits,
            selection.reference_z,
        ),
        blind=True,
    )

    def shown() -> list[bool]:
        marks = "inspector.plots.model('attribution').data.left.length"
        template = "inspector.plots.model('template').data.x.length"
        visible = [look.page.locator(f"#{i}").is_visible() for i in ("accept", "template-label")]
        return [look.page.evaluate(marks) > 0, look.page.evaluate(template) > 0, *visible]

    assert not any(shown())
    look.press("q", "2")
    assert all(shown())
    look.press("u")
    assert not any(shown())
    look.page.click("#limits summary")
    assert look.page.locator("#filter-zwarn").is_hidden()
