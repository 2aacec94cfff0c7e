"""Comments and names of inspectors in the page: none is lost."""

import pytest

from spectranet_jax.readers import vi_file

pytestmark = pytest.mark.long


def exported(look, path):
    return vi_file.read(look.export(path / "vi.csv"))


def write_comment(look, text):
    look.press("c")
    look.page.keyboard.type(text)


def test_a_comment_is_continued_and_not_replaced(visit, tmp_path):
    look = visit()
    write_comment(look, "broad Mg II")
    look.page.keyboard.press("Escape")
    look.press("n", "p")
    write_comment(look, ", noisy")
    look.page.keyboard.press("Escape")
    assert [row["VI_COMMENT"] for row in exported(look, tmp_path)] == ["broad Mg II, noisy"]


def test_a_comment_in_an_open_field_survives_a_reload(visit, tmp_path):
    look = visit()
    write_comment(look, "sky line")
    look.page.reload()
    look.ready()
    assert [row["VI_COMMENT"] for row in exported(look, tmp_path)] == ["sky line"]


def test_a_name_that_is_given_late_counts_for_all_answers(visit, tmp_path):
    look = visit()
    look.press("4")
    assert [row["VI_SCANNER"] for row in exported(look, tmp_path)] == [""]
    assert "Inspector" in look.text("message")
    look.page.fill("#scanner", "anna")
    look.page.keyboard.press("Escape")
    assert [row["VI_SCANNER"] for row in exported(look, tmp_path)] == ["anna"]
