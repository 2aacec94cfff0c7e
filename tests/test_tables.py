"""Tables on a terminal of 80 columns: nothing wraps, and no number is cut."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.table import Table

from spectranet_jax.tables import fill, print_table, shorten

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
numbers = st.integers(0, 10**18).map("{:,}".format) | st.floats(-1e9, 1e9).map("{:,.3f}".format)


def printed(capsys: pytest.CaptureFixture[str], table: Table) -> list[str]:
    capsys.readouterr()
    print_table(table)
    return capsys.readouterr().out.splitlines()


@pytest.mark.slow
@settings(deadline=None)
@given(st.data())
def test_no_line_is_wider_and_no_number_is_cut(data: st.DataObject) -> None:
    import contextlib
    import io

    headings = data.draw(st.lists(names, min_size=1, max_size=12))
    rows = data.draw(st.lists(st.tuples(names, *[numbers] * len(headings)), max_size=5))
    table = Table(title=data.draw(names), caption=data.draw(names))
    table.add_column(data.draw(names))
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print_table(table)
    lines = out.getvalue().split("\n")
    from rich.cells import cell_len

    assert max(map(cell_len, lines)) <= 80
    body = [line for line in lines if line.startswith("│")]
    tables = sum(line.startswith("┏") for line in lines)
    assert len(body) == tables * len(rows)  # each row on one line of each table
    cells = [cell.strip() for line in body for cell in line.strip("│").split("│")]
    for row in rows:
        assert set(row[1:]) <= set(cells)


def test_a_control_character_takes_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    """It is printed as ?, one column wide, and no number is cut for it."""
    table = Table()
    table.add_column("")
    numbers = ["10", f"{10**17:,}", "0", f"{10**9:,}", f"{10**16:,}"]
    for _ in numbers:
        table.add_column("", justify="right")
    table.add_row("\x1f", *numbers)
    text = "\n".join(printed(capsys, table))
    assert "…" not in text and all(f" {number} " in text for number in numbers)


def test_long_names_differ_by_their_ends(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table()
    table.add_column("run")
    table.add_column("n", justify="right")
    for seed in (1, 2):
        table.add_row(f"runs/{'very-' * 40}long-seed{seed}", "1,000")
    text = "\n".join(printed(capsys, table))
    assert "runs/very" in text and "…" in text
    assert re.findall(r"seed\d", text) == ["seed1", "seed2"]


def test_many_columns_are_several_tables(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table()
    table.add_column("score")
    for model in range(9):
        table.add_column(f"model{model}", justify="right")
    table.add_row("accuracy", *(f"0.{n}00 (0.100 to 0.900)" for n in range(9)))
    lines = printed(capsys, table)
    assert sum("accuracy" in line for line in lines) == 5
    assert [n for line in lines for n in re.findall(r"model(\d)", line)] == list("012345678")


def test_markup_in_a_name_is_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table()
    table.add_column("[bold]")
    table.add_row("[red]runs[/red]")
    text = "\n".join(printed(capsys, table))
    assert "[bold]" in text and "[red]runs[/red]" in text


def test_titles_are_filled() -> None:
    path = "/data/" + "folder/" * 30 + "boss"
    lines = fill(f"On the test spectra of {path}").split("\n")
    assert max(map(len, lines)) <= 80 and lines[-1].endswith("boss") and "…" in lines[-1]
    assert shorten("abcdefghij", 5) == "ab…ij" and shorten("abc", 3) == "abc"
