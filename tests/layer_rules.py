"""The rules of the layers: each checks a file and returns a sentence for every violation."""

import ast
import sys
from collections.abc import Callable
from pathlib import Path

from source_files import LIBRARY, Source, name_of

FLOORS = (
    {"spectra"},
    {"readers", "datasets"},
    {"networks", "evaluation"},
    {"tasks"},
    {"training"},
    {"inference"},
    {"catalog"},
    {"inspection"},
    {"commands"},
)
"""Rooms of the library, the lowest first; those of the same floor do not import each other."""

FACADE = f"{LIBRARY}/__init__.py"
"""The module that users import: its names are imported at first use."""

TERMINAL = tuple(
    f"{LIBRARY}.{name}"
    for name in ("progress", "stopping", "tables", "help_text", "command_line", "command_list")
)
"""Modules beside the rooms."""

KNOWN_TO_DATA_PREP = (
    *(f"{LIBRARY}.{room}." for room in ("spectra", "readers", "datasets")),
    *(f"{name}." for name in TERMINAL),
)

WITHOUT_JAX = ("spectra", "readers", "datasets", "evaluation")

PICKLERS = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
SHAPELESS = {"utils", "util", "helpers", "helper", "misc", "common"}

Rule = Callable[[Source], list[str]]


def rooms_know_only_those_below(source: Source) -> list[str]:
    if source.top != LIBRARY or source.path == FACADE:  # whose own rule is below
        return []
    floors = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
    if source.room and source.room not in floors:
        return [f"{source.path} is in no room of the design; give {source.room} a floor"]
    wrong = source.of("data_prep", "experiments")
    for name in source.of(LIBRARY):
        room = name.split(".")[1] if "." in name else ""
        own_floor = floors[source.room] if source.room else 1  # beside the rooms: as above spectra
        below = room in floors and floors[room] < own_floor
        if room in floors and room != source.room and not below:
            wrong.append(name)
    return [f"{source.path} imports {name}, which does not lie below it" for name in wrong]


def no_jax_where_spectra_are_prepared_and_scored(source: Source) -> list[str]:
    if source.top != "data_prep" and source.room not in WITHOUT_JAX:
        return []
    names = source.of("jax", "jaxlib", "flax", "optax", "orbax", "grain")
    return [f"{source.path} imports {name}, but must run without JAX" for name in names]


def data_prep_knows_what_needs_no_network(source: Source) -> list[str]:
    if source.top != "data_prep":
        return []
    allowed = {LIBRARY, f"{LIBRARY}.__version__"}
    names = [
        name
        for name in source.of(LIBRARY, "experiments")
        if name not in allowed and not (name + ".").startswith(KNOWN_TO_DATA_PREP)
    ]
    return [
        f"{source.path} imports {name}, but may know spectra, readers and datasets alone"
        for name in names
    ]


def only_in(*packages: str, homes: tuple[str, ...]) -> Rule:
    """The rule that packages are imported in certain files or folders and nowhere else."""

    def rule(source: Source) -> list[str]:
        if source.path.startswith(homes):
            return []
        return [
            f"{source.path} imports {name}, which has its place in {' and '.join(homes)} only"
            for name in source.of(*packages)
        ]

    return rule


def only_commands_read_the_command_line(source: Source) -> list[str]:
    if source.reads_arguments:
        return []
    names = source.of("argparse", "tyro", "click", "getopt", "optparse", "sys.argv")
    if "sys.argv" in {name_of(node) for node in ast.walk(source.tree)}:
        names.append("sys.argv")
    return [f"{source.path} uses {name}, but is not a command" for name in names]


def no_pickle(source: Source) -> list[str]:
    offenses = [f"{source.path} imports {name}: no pickle" for name in source.of(*PICKLERS)]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            never = isinstance(node.value, ast.Constant) and node.value.value is False
            if not never:
                offenses.append(
                    f"{source.path}, line {node.value.lineno}, allows pickle in NumPy files"
                )
        if isinstance(node, ast.Call):
            called = name_of(node.func)
            if called.rpartition(".")[2] in ("read_pickle", "to_pickle", "unsafe_load"):
                offenses.append(f"{source.path}, line {node.lineno}, calls {called}: no pickle")
            if called in ("eval", "exec", "compile"):
                offenses.append(f"{source.path}, line {node.lineno}, runs text as code by {called}")
            if called == "torch.load" and not _says(node, "weights_only"):
                offenses.append(f"{source.path}, line {node.lineno}, unpickles by torch.load")
            if called == "yaml.load" and "safe" not in ast.unparse(node).lower():
                offenses.append(f"{source.path}, line {node.lineno}, makes objects by yaml.load")
    return offenses


def readers_open_regular_files_alone(source: Source) -> list[str]:
    home = f"{LIBRARY}/readers/opening.py"
    if source.room != "readers" or source.path == home:
        return []
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    named = [(call.lineno, ast.unparse(call.func)) for call in calls]
    wrong = ("open", "read_bytes")
    return [
        f"{source.path}, line {line}, opens a file by {name}; only {home} may, lest it is a FIFO"
        for line, name in named
        if name.rpartition(".")[2] in wrong and name != "fits.open"
    ]


def _says(call: ast.Call, argument: str) -> bool:
    """Return whether a call passes True for an argument."""
    given = {k.arg: k.value for k in call.keywords}.get(argument)
    return isinstance(given, ast.Constant) and given.value is True


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def importing_the_package_is_light(source: Source) -> list[str]:
    if source.path != FACADE:
        return []
    body = [node for node in source.tree.body if not _is_for_types(node)]
    imports = Source(source.path, ast.Module(body, [])).imports
    heavy = [n for n in imports if n.split(".")[0] not in sys.stdlib_module_names]
    return [f"{source.path} imports {name}, but must import nothing heavy" for name in heavy]


def modules_have_telling_names(source: Source) -> list[str]:
    shapeless = SHAPELESS.intersection(Path(source.path).with_suffix("").parts)
    return [f"{source.path} is called {name}, which does not say what it is" for name in shapeless]
