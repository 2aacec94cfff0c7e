"""The contents of a dataset folder, in memory."""

import numpy as np
from array_record.python.array_record_module import ArrayRecordReader

from spectranet_jax.datasets import manifest, records
from spectranet_jax.datasets.manifest import SPLITS


def stored(folder):
    """All spectra of a dataset by name, and the split of each."""
    contents, blocks, splits = manifest.read(folder), [], []
    for split in SPLITS:
        for shard in contents.shards[split]:
            reader = ArrayRecordReader(str(folder / shard.file))
            blocks += [records.decode(r) for r in reader.read(list(range(reader.num_records())))]
            reader.close()
            splits += [split] * shard.spectra
    block = records.concatenate(blocks)
    order = np.argsort(block.name)
    return block.take(order), np.array(splits)[order]
