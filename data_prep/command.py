"""What every command does around its work: flags in, one sentence for a user's mistake."""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import tyro

from spectranet_jax.spectra.errors import InputError

Config = TypeVar("Config")

READABLE = (tyro.conf.DisallowNone, tyro.conf.PositionalMetavarFromFieldName)
"""In --help, PATH instead of {None}|PATH (whoever wants no path leaves the flag out), and what a
positional argument is instead of its type."""


def command(config: type[Config], work: Callable[[Config], object], description: str) -> None:
    """Parse the command line into `config`, do the work, and exit.

    Exit status: 0 done, 2 the input was at fault (one sentence on standard error), 130 interrupted,
    141 standard output was closed before the work was done.
    """
    name = sys.modules["__main__"].__spec__
    program = f"python -m {name.name.removesuffix('.__main__')}" if name else None
    parsed = tyro.cli(config, description=description, prog=program, config=READABLE)
    try:
        work(parsed)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # whoever read our output has gone; the work is not done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
