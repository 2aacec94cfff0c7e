"""What does not change the behavior of code does not count as a change of it."""

from pathlib import Path

import pytest

from data_prep.mock.bare_code import bare_code

CODE = '''"""Module."""

WIDTH = 3
"""Bins."""


def area(height: int) -> str:
    """Return an area."""
    if height > 2:  # tall
        return "tall"

    return f"{WIDTH * height} bins"
'''

SAME = {
    "a docstring": ('"""Return an area."""', '"""Return\n    the area of it."""'),
    "a docstring less": ('    """Return an area."""\n', ""),
    "a constant's docstring": ('"""Bins."""\n', ""),
    "a comment": ("  # tall", ""),
    "blank lines": ("\n\n    return f", "\n    return f"),
    "spaces": ("WIDTH = 3", "WIDTH  =  3"),
}

OTHER = {
    "a number": ("WIDTH = 3", "WIDTH = 4"),
    "a text": ('"tall"', '"tall."'),
    "an indentation": ('    return f"', '        return f"'),
    "a formatted text": ("} bins", "} bin"),
}


def bare(folder: Path, code: str) -> bytes:
    (folder / "code.py").write_text(code)
    return bare_code(folder / "code.py")


@pytest.mark.parametrize("change", SAME)
def test_the_same_code_has_the_same_bytes(tmp_path: Path, change: str):
    changed = CODE.replace(*SAME[change])
    assert changed != CODE and bare(tmp_path, changed) == bare(tmp_path, CODE)


@pytest.mark.parametrize("change", OTHER)
def test_other_code_has_other_bytes(tmp_path: Path, change: str):
    changed = CODE.replace(*OTHER[change])
    assert changed != CODE and bare(tmp_path, changed) != bare(tmp_path, CODE)
