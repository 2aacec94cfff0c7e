"""The console command `spectranet`: the first word names the command, the rest are its flags."""

import importlib
import sys
from collections.abc import Sequence

COMMANDS = {
    "predict": "predict class and redshift of spectra, and write a catalog",
    "merge": "join the parts of a catalog that the jobs of a cluster wrote",
    "join-redrock": "add redrock's redshifts of the same DESI targets to a catalog",
    "inspect": "look at the spectra of a catalog in a browser, and correct them",
    "merge-vi": "join the answers of several inspectors in one file",
}
"""Command, a module (join_redrock.py) with `Config`, `work` and `run` -> what it does."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the first word names; without one, or with --help, list them.

    Exit status: 0 done, 2 the input was at fault; see `command_line.command`.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in COMMANDS:
        name = words[0]
        module = f"spectranet_jax.commands.{name.replace('-', '_')}"
        importlib.import_module(module).run(words[1:])
    elif words and words[0] == "--version":
        from spectranet_jax import __version__

        print(f"spectranet-jax {__version__}")
    elif not words or words[0] in ("-h", "--help"):
        print(overview())
    else:
        print(
            f"error: spectranet has no command {words[0]!r}; use {', '.join(COMMANDS)} or --help",
            file=sys.stderr,
        )
        sys.exit(2)


def overview() -> str:
    """Return the list of commands, and what each does."""
    lines = (f"  {name:<13} {description}" for name, description in COMMANDS.items())
    return "\n".join(
        [
            "usage: spectranet COMMAND ...",
            "",
            "What is this spectrum, and what is its redshift?",
            "",
            *lines,
            "",
            "spectranet COMMAND --help explains a command and its flags.",
            "spectranet --version prints the version.",
        ]
    )


if __name__ == "__main__":
    main()
