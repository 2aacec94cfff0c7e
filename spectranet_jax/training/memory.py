"""Memory freed by one training step, kept for the next one.

On a CPU, XLA allocates hundreds of MB for every step. Freed at the step's end, they would go back
to Linux, which clears each page when it is used again: a third of a step's time.
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
"""Parameters of mallopt: see its manual page and malloc.h of glibc."""


def keep_freed_memory() -> bool:
    """Make glibc keep up to 2 GiB of freed memory; return whether it was asked to.

    Must come before JAX is imported: a thread stays with the pool of memory that it began with, and
    only the first one may grow beyond 64 MiB. Where there is no glibc, nothing is changed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # Windows raises the last one
        return False
    asked = ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1))
    return all(mallopt(parameter, value) for parameter, value in asked)
