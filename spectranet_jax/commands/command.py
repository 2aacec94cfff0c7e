"""What every experiment does around its work: flags in, and compiled programs kept for next time.

JAX compiles a training step for seconds, and would so at every start. It keeps what it compiled in
`$XDG_CACHE_HOME/spectranet-jax` (by default ~/.cache, on a Mac ~/Library/Caches), a folder for each
kind of CPU, where anything may be removed at any time. `--no-cache` does without, for one command;
JAX's own JAX_ENABLE_COMPILATION_CACHE=false, for all; JAX_COMPILATION_CACHE_DIR names another
folder. All this goes by environment variables, which JAX reads when it is imported: a command that
does not come to use JAX does not wait for it.
"""

import hashlib
import os
import platform
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from spectranet_jax import command_line

WORTH_KEEPING = 0.1
"""Compilations longer than this, in seconds, are kept; a step takes 1 to 3 on a CPU."""

Format = Literal["catalog", "redrock", "qn"]
"""Layouts of a catalog's file: our own, and the names of `catalog.layouts.LAYOUTS`."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """The flags that every command has."""

    cache: bool = True
    """keep compiled programs in the user's cache folder, so that the next start is faster"""


Config = TypeVar("Config", bound=Command)


def command(
    config: type[Config], work: Callable[[Config], object], *rest: Any, **more: Any
) -> None:
    """Run `command_line.command`, and keep what JAX compiles for the next time."""

    def work_with_cache(parsed: Config) -> None:
        use_cache(parsed.cache)
        work(parsed)

    command_line.command(config, work_with_cache, *rest, **more)


def use_cache(wanted: bool) -> None:
    """Make JAX, which is not imported yet, keep compiled programs, or not.

    A cache that cannot be written is done without, and one that is damaged is passed over.
    """
    if not wanted:
        os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"
        return
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError where there is no home
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        return
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", str(WORTH_KEEPING))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")  # of any size
    # JAX's warning of a damaged entry or a full disk; it then compiles as if there were no cache.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache entry")


def cache_folder() -> Path:
    """Return the folder of programs compiled for this CPU.

    Machines of a cluster share a home but not always the kind of CPU, and a program made for one
    may hold instructions that another lacks.
    """
    default = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    # The specification requires relative paths to be ignored.
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    caches = named if named.is_absolute() else Path(default).expanduser()
    return caches / "spectranet-jax" / f"{platform.machine()}-{_cpu_features()}"


def _cpu_features() -> str:
    """Return eight digits that distinguish kinds of CPU, if Linux lists their features."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(features.encode()).hexdigest()[:8]
