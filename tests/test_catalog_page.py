"""docs/columns.md lists the columns and bits that the code writes, and nothing else."""

import columns_page

from spectranet_jax import tasks
from spectranet_jax.inference.columns import COLUMNS
from spectranet_jax.spectra import QUASARNET_GRID, flags, zwarn


def test_the_page_lists_what_the_code_writes() -> None:
    page = columns_page.PAGE.read_text("utf-8")
    assert page == columns_page.page(), "python docs/columns_page.py writes docs/columns.md anew"
    of_models = (tasks.build(name, QUASARNET_GRID).columns for name in ("linenet", "quasarnet"))
    names = [*COLUMNS, *(name for columns in of_models for name in columns)]
    for name in (*names, *zwarn.ZWarn.__members__, *flags.Flag.__members__):
        assert f"| {name} |" in page, name
