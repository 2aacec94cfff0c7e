"""What every command does around its work: parse flags, and report user errors in one sentence."""

import errno
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import Any, TypeVar, get_args

import tyro
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
)

from spectranet_jax import stopping
from spectranet_jax.help_text import PLACE, dataclass_rule, describing
from spectranet_jax.spectra.errors import InputError

Config = TypeVar("Config")

OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)
"""Errors of a disk that is full, read-only or lost."""

READABLE = (tyro.conf.DisallowNone, tyro.conf.PositionalMetavarFromFieldName)
"""In --help, show PATH instead of {None}|PATH (a flag may be left out), and the description of a
positional argument instead of its type.
"""


def one_or_more(metavar: str) -> Any:
    """Mark positional arguments, for which --help should not show an empty default."""
    return tyro.conf.arg(metavar=f"{metavar} ...", help_behavior_hint="(one or more)")


registry = ConstructorRegistry()
"""In --help, STR ... instead of [STR [STR ...]], and (default: none) instead of (default: )."""
registry.struct_rule(dataclass_rule)


@registry.primitive_rule
def _tuple(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    kind = get_args(info.type)
    if info.type_origin is not tuple or kind[1:] != (...,):
        return None
    if tyro.conf.UseAppendAction in info.markers:  # given one by one
        return None
    item = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kind[0], info.markers))
    if not isinstance(item, PrimitiveConstructorSpec) or item.nargs != 1:
        return None
    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{item.metavar} ...",
        instance_from_str=lambda texts: tuple(item.instance_from_str([text]) for text in texts),
        is_instance=lambda value: isinstance(value, tuple) and all(map(item.is_instance, value)),
        str_from_instance=lambda values: (
            [t for v in values for t in item.str_from_instance(v)] or ["none"]
        ),
        choices=item.choices,
    )


def command(
    config: type[Config],
    work: Callable[[Config], object],
    description: str,
    arguments: Sequence[str] | None = None,
    program: str | None = None,
    defaults: Callable[[Config], Config] | None = None,
) -> None:
    """Parse the command line into `config`, do the work, and exit.

    Args:
        config: a dataclass, whose fields are the flags.
        work: what to do with it.
        description: what --help says of the command.
        arguments: words after the program's name; by default those of this process.
        program: its name in --help; by default that of the module that runs.
        defaults: takes the parsed flags and returns the default of every flag, if defaults depend
            on the flags that were given.

    Exit status: 0 done, 2 the input was at fault (one sentence on standard error), 130 interrupted
    and 143 terminated (the message of the KeyboardInterrupt there), 141 standard output was closed
    before the work was done; and what the work exits with by itself.
    """
    spec = sys.modules["__main__"].__spec__
    if program is None and spec:
        program = f"python -m {spec.name.removesuffix('.__main__')}"

    def parse(**default: Any) -> Config:
        with describing(description):
            flags: Config = tyro.cli(
                config,
                **default,
                description=PLACE,
                args=arguments,
                prog=program,
                config=READABLE,
                registry=registry,
            )
        return flags

    parsed = parse()
    for stream in (sys.stdout, sys.stderr):  # a file's name may not be valid text
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with stopping.stoppable():
            work(parsed if defaults is None else parse(default=defaults(parsed)))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output is gone; the work is not done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:  # wherever it comes from, the work is not at fault
        if error.errno not in OF_THE_DISK:
            raise
        print(
            f"error: {error.filename or 'a file'}: {error.strerror}; make room, or check that its"
            " disk is mounted, and run the same command again",
            file=sys.stderr,
        )
        sys.exit(2)
    except KeyboardInterrupt as interrupt:
        print(str(interrupt) or "interrupted", file=sys.stderr)
        sys.exit(stopping.exit_status(interrupt))
