"""Balanced classes within a split: a selection of spectra that does not depend on their order.

A spectrum stays if a hash of its name is at most a cut; the cuts are known when all have come.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data_prep.division import name_key
from spectranet_jax.datasets.manifest import SPLITS
from spectranet_jax.datasets.records import Block
from spectranet_jax.spectra import CLASSES, InputError

_SALT = 2
"""Salt of a hash that is independent of the split and the shard."""


@dataclass(frozen=True)
class BalanceKeys:
    """The data that balancing needs, 10 bytes per spectrum.

    Attributes:
        seed: of the draw.
        split, label: of the spectra, a block at a time.
        key: hashes of their names.
    """

    seed: int
    split: list[NDArray[np.int8]] = field(default_factory=list)
    label: list[NDArray[np.int8]] = field(default_factory=list)
    key: list[NDArray[np.uint64]] = field(default_factory=list)

    def add(self, block: Block, split: NDArray[np.int8]) -> None:
        """Record a block's spectra, which go to these splits."""
        self.split.append(split)
        self.label.append(block.label)
        self.key.append(name_key(block.name, self.seed, _SALT))

    @property
    def rows(self) -> int:
        return sum(map(len, self.split))

    def cuts(self, labels: Sequence[int]) -> NDArray[np.uint64]:
        """Return the cuts that balance these classes: see `balance`."""
        return balance(
            np.concatenate(self.split), np.concatenate(self.label), np.concatenate(self.key), labels
        )


def within(
    block: Block, cut: NDArray[np.uint64], labels: Sequence[int], seed: int
) -> NDArray[np.bool_]:
    """Return which spectra of a split stay, bool (n,).

    Args:
        block: n spectra of the split.
        cut: (labels,) of the split, as `balance` has them.
        labels: the classes that are balanced; all others are left out.
        seed: of the draw.
    """
    key = name_key(block.name, seed, _SALT)
    kept = [
        (block.label == label) & (key <= limit) for label, limit in zip(labels, cut, strict=True)
    ]
    return np.any(kept, axis=0)


def balance(
    split: NDArray[np.int8], label: NDArray[np.int8], key: NDArray[np.uint64], labels: Sequence[int]
) -> NDArray[np.uint64]:
    """Cuts that leave equally many spectra of each label in a split, uint64 (splits, labels).

    A spectrum stays if its key is at most `cut[split, position of its label in labels]`: those of
    the smallest keys stay, which is a random draw since keys are hashes.

    Args:
        split: (n,) index into `manifest.SPLITS`.
        label: (n,) class; one that is not in `labels` does not count.
        key: (n,) a hash of the spectrum.
        labels: the classes to draw equally from.

    Raises:
        InputError: if a class is empty in a split that holds spectra.
    """
    cut = np.zeros((len(SPLITS), len(labels)), np.uint64)
    for s in np.unique(split):
        keys = [np.sort(key[(split == s) & (label == wanted)]) for wanted in labels]
        sizes = [len(k) for k in keys]
        lacking = [CLASSES[wanted] for wanted, size in zip(labels, sizes, strict=True) if not size]
        if lacking:
            raise InputError(
                f"the {SPLITS[s]} split has no spectrum of {', '.join(lacking)}, so the classes"
                " cannot be balanced; give more spectra of each, or do not balance"
            )
        cut[s] = [k[min(sizes) - 1] for k in keys]
    return cut
