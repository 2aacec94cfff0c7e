"""Grouping of spectra by object, from all ids in files and catalogs.

One spectrum may know an object as SDSS_ID, another as CATALOGID, and a row of a catalog know both:
then all three are of one object, and must not be divided among splits.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from data_prep.truth import Truth
from spectranet_jax.spectra.identity import NONE, OBJECTS

Ids = Mapping[str, NDArray[np.int64]]
"""Field of `identity.OBJECTS` -> (n,), -1 for none."""


def objects_of(
    truth: Truth, rows: NDArray[np.int64], ids: Ids
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return one id per object, for its rows in the catalogs and its spectra.

    Args:
        truth: n rows.
        rows: (m,), the row of each spectrum, -1 for none.
        ids: what the spectra's files call the objects, (m,) each.

    Returns:
        int64 (n,) of the rows, and (m,) of the spectra: `preferred`, or a number below -1 for an
        object that nothing names but of which the catalog lists several spectra; -1 for others.
    """
    count, spectra = len(truth), np.arange(len(rows)) + len(truth)
    every = {
        name: np.concatenate(
            [
                truth.ids.get(name, np.full(count, NONE)),
                ids.get(name, np.full(len(rows), NONE)),
            ]
        )
        for name in truth.ids.keys() | ids.keys()
    }
    pairs = np.stack([rows, spectra], axis=-1)[rows >= 0]
    group = groups(every, pairs, count + len(rows))
    chosen = preferred(every, group)
    repeated = np.unique(truth.other_row)
    repeated = repeated[chosen[repeated] == NONE]
    stand_in = np.full(int(group.max(initial=-1)) + 1, NONE)
    stand_in[group[repeated]] = -2 - truth.fiber[repeated]
    chosen = np.where(chosen == NONE, stand_in[group], chosen)
    return chosen[:count], chosen[count:]


def groups(ids: Ids, pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the number of the object of each of n items, int64 (n,), from 0.

    Args:
        ids: what the things are called.
        pairs: (k, 2), pairs of things that are known to be of one object.
        count: n.
    """
    ends = [pairs.reshape(-1, 2)]
    nodes = count
    for values in ids.values():
        named = np.flatnonzero(values != NONE)
        distinct, place = np.unique(values[named], return_inverse=True)
        ends.append(np.stack([named, nodes + place], axis=-1))
        nodes += len(distinct)
    first, second = np.concatenate(ends).T
    links = coo_array((np.ones(len(first), np.bool_), (first, second)), shape=(nodes, nodes))
    return connected_components(links, directed=False)[1][:count].astype(np.int64)


def preferred(ids: Ids, group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one id per group, int64 (n,): the smallest of the first of `OBJECTS` that it has.

    -1 where a group has none.

    Args:
        ids: what the things are called.
        group: (n,), of each thing.
    """
    largest = np.iinfo(np.int64).max
    chosen = np.full(int(group.max(initial=-1)) + 1, NONE, np.int64)
    for name in reversed(OBJECTS):
        if name in ids:
            least = np.full(len(chosen), largest)
            named = ids[name] != NONE
            np.minimum.at(least, group[named], ids[name][named])
            chosen = np.where(least < largest, least, chosen)
    return chosen[group]
