"""Patterns for what a message must name (file, flag, number, remedy), whatever its wording."""

import re


def naming(*words: object) -> str:
    """Return a pattern for `match=` and `re.search`: texts with each of the words, in any order.

    A word may hold spaces; "run" is not in "running", nor is "3" in "300".
    """
    return "(?s)^" + "".join(rf"(?=.*(?<!\w){re.escape(str(word))}(?!\w))" for word in words)
