"""The pattern by which tests read messages finds whole words, in any order, and misses none."""

import re

import pytest
from naming import naming

TEXT = "spectra/a+b.fits holds 300 rows,\nand --rows asks for (4, 5); choose another file"


@pytest.mark.parametrize(
    "words", [("--rows", 300), ("spectra/a+b.fits",), ("(4, 5)", "choose"), ()]
)
def test_words_are_found_in_any_order(words):
    assert re.search(naming(*words), TEXT)
    assert re.search(naming(*reversed(words)), TEXT)


@pytest.mark.parametrize("words", [("--rows", 30), ("row",), ("aab.fits",), (300, "remove")])
def test_a_word_that_is_missing_or_only_a_piece_is_not_found(words):
    assert not re.search(naming(*words), TEXT)
