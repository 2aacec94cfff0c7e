"""Memory that one training step has freed, kept for the next one.

XLA takes memory anew for every step on a CPU, hundreds of MB. Freed at the step's end, it would go
back to Linux, which clears each page as it is touched again: a third of a step's time.
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
"""Parameters of mallopt, see its manual page and malloc.h of glibc."""


def keep_freed_memory() -> bool:
    """Have glibc keep what is freed, up to 2 GiB of it; gives whether it was asked to.

    Must come before JAX is imported: a thread stays with the pool of memory that it began with, and
    only the first one may grow beyond 64 MiB. Where there is no glibc, nothing is changed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # the last one on Windows
        return False
    asked = ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1))
    return all(mallopt(parameter, value) for parameter, value in asked)
