"""Describe a dataset folder: counts, redshifts, S/N, coverage, examples, provenance and damage.

python -m data_prep.describe data/boss
"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from data_prep.check import checked_blocks, source_list_damage
from data_prep.dataset_sheet import CARD, FIGURE, SHEET, Tally, counts_table, facts, write_card
from spectranet_jax.command_line import command
from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.atomic import check_writable
from spectranet_jax.progress import progress
from spectranet_jax.spectra import InputError

NAMED_BLOCKS = 20
"""Damaged blocks named on the terminal; the card names all."""


@dataclass(frozen=True)
class Config:
    """Flags of `python -m data_prep.describe`."""

    dataset: tyro.conf.Positional[Path]
    """Dataset folder to describe."""
    out: Path | None = None
    """Folder for card.html, card.png and card_examples.png; by default the dataset folder."""


def describe(config: Config) -> Tally:
    """Read every block, print and write the card; see `Config`.

    Raises:
        InputError: if this is no dataset, or a block is damaged; the card is written all the same.
    """
    contents = manifest.read(config.dataset)
    if config.out is not None:
        check_writable(config.out, folder=True)
    tally, damage = Tally(contents.grid.size), source_list_damage(config.dataset, contents)
    blocks = sum(shard.blocks for split in contents.shards.values() for shard in split)
    with progress("checking blocks", blocks) as advance:
        for checked in checked_blocks(config.dataset, contents):
            if checked.block is None:
                damage.append(checked.damage)
            else:
                tally.add(checked.block)
            advance(1, f"{len(damage)} damaged" if damage else "")
    out = config.out or config.dataset
    write_card(out, contents, tally, damage)

    rows = counts_table(contents)
    for row in rows:
        print(f"{row[0]:<10}" + "".join(f"{cell:>10}" for cell in row[1:]))
    width = max(len(name) for name, _ in facts(contents, tally))
    for name, value in facts(contents, tally):
        print(f"{name:<{width}}  {value}")
    pictures = f" (with {FIGURE}{f' and {SHEET}' if tally.examples else ''})"
    print(f"card: {out / CARD}{pictures}")
    if damage:
        for sentence in damage[:NAMED_BLOCKS]:
            print(f"damaged: {sentence}")
        raise InputError(
            f"{config.dataset} is damaged in {len(damage)} places, the first: {damage[0]};"
            " prepare it"
            " anew, or copy it again"
        )
    print(f"all {blocks} blocks are intact")
    return tally


if __name__ == "__main__":
    command(Config, describe, __doc__)
