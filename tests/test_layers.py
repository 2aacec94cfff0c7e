"""The layers of the house, held by reading every source file: who may import what.

    spectra < {readers, datasets} < {networks, evaluation} < tasks < training < inference
        < catalog < commands < experiments

and `data_prep` beside them, on `spectra`, `readers` and `datasets` alone. What talks to a terminal
(progress, tables, command line) stands beside the rooms and knows `spectra` alone. A rule looks at
one file and answers with a sentence for each offense; every rule is shown to fire, and to let the
innocent pass.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = "spectranet_jax"
PACKAGES = ("spectranet_jax", "data_prep", "experiments")
FLOORS = (
    {"spectra"},
    {"readers", "datasets"},
    {"networks", "evaluation"},
    {"tasks"},
    {"training"},
    {"inference"},
    {"catalog"},
    {"commands"},
)
FACADE = f"{LIBRARY}/__init__.py"
"""What a user imports: its names come at first use."""

TERMINAL = tuple(
    f"spectranet_jax.{name}" for name in ("progress", "tables", "help_text", "command_line")
)
"""What stands beside the rooms."""

"""Rooms of the library, the lowest first; those of one floor know nothing of each other."""

KNOWN_TO_DATA_PREP = (
    *("spectranet_jax.spectra.", "spectranet_jax.readers.", "spectranet_jax.datasets."),
    *(f"{name}." for name in TERMINAL),
)

WITHOUT_JAX = ("spectra", "readers", "datasets", "evaluation")

PICKLERS = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
SHAPELESS = {"utils", "util", "helpers", "helper", "misc", "common"}


@dataclass(frozen=True)
class Source:
    """One file: its path from the repository's root, and its syntax tree."""

    path: str
    tree: ast.Module

    @cached_property
    def imports(self) -> frozenset[str]:
        """Dotted names of what it imports, at any level of the code."""
        return frozenset(self._imports())

    def _imports(self) -> Iterator[str]:
        # `from a import b` is both a and a.b, since b may be a module.
        parts = Path(self.path).with_suffix("").parts
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = parts[: len(parts) - node.level] if node.level else ()
                base = ".".join([*above, *([node.module] if node.module else [])])
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Call) and name_of(node.func) in (
                "__import__",
                "import_module",
                "importlib.import_module",
            ):
                yield from (a.value for a in node.args if isinstance(a, ast.Constant))

    @property
    def room(self) -> str:
        """The room of a file of the library, "" for those beside the rooms and outside."""
        parts = Path(self.path).parts
        return parts[1] if parts[0] == "spectranet_jax" and len(parts) > 2 else ""

    @property
    def top(self) -> str:
        return Path(self.path).parts[0]

    @property
    def is_entry(self) -> bool:
        """Whether `python -m` runs it."""
        conditions = (ast.unparse(node.test) for node in self.tree.body if isinstance(node, ast.If))
        return "__name__ == '__main__'" in conditions

    @property
    def speaks(self) -> bool:
        """Whether it is a command, or what the commands share."""
        entry = self.top == "data_prep" and self.is_entry
        shared = (f"{LIBRARY}/command_line.py", f"{LIBRARY}/help_text.py")
        return self.top == "experiments" or self.room == "commands" or entry or self.path in shared

    def of(self, *packages: str) -> list[str]:
        """Those imports that belong to one of the packages, sorted."""
        return sorted(
            name
            for name in self.imports
            if any(name == package or name.startswith(package + ".") for package in packages)
        )


def name_of(node: ast.AST) -> str:
    """`a.b.c` of the expression that says so, "" of any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = name_of(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


Rule = Callable[[Source], list[str]]


def rooms_know_only_those_below(source: Source) -> list[str]:
    if source.top != LIBRARY or source.path == FACADE:  # whose own rule is below
        return []
    floors = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
    if source.room and source.room not in floors:
        return [f"{source.path} is in no room of the design; give {source.room} a floor"]
    wrong = source.of("data_prep", "experiments")
    for name in source.of("spectranet_jax"):
        room = name.split(".")[1] if "." in name else ""
        here = floors[source.room] if source.room else 1  # beside the rooms: as above spectra
        below = room in floors and floors[room] < here
        if room in floors and room != source.room and not below:
            wrong.append(name)
    return [f"{source.path} imports {name}, which does not lie below it" for name in wrong]


def no_jax_where_spectra_are_prepared_and_scored(source: Source) -> list[str]:
    if source.top != "data_prep" and source.room not in WITHOUT_JAX:
        return []
    found = source.of("jax", "jaxlib", "flax", "optax", "orbax", "grain")
    return [f"{source.path} imports {name}, but must run without JAX" for name in found]


def data_prep_knows_spectra_and_datasets_alone(source: Source) -> list[str]:
    if source.top != "data_prep":
        return []
    allowed = {"spectranet_jax", "spectranet_jax.__version__"}
    found = [
        name
        for name in source.of("spectranet_jax", "experiments")
        if name not in allowed and not (name + ".").startswith(KNOWN_TO_DATA_PREP)
    ]
    return [
        f"{source.path} imports {name}, but may know spectra and datasets alone" for name in found
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


def only_entries_read_the_command_line(source: Source) -> list[str]:
    if source.speaks:
        return []
    found = source.of("argparse", "tyro", "click", "getopt", "optparse", "sys.argv")
    if "sys.argv" in {name_of(node) for node in ast.walk(source.tree)}:
        found.append("sys.argv")
    return [f"{source.path} uses {name}, but is not a command" for name in found]


def no_pickle(source: Source) -> list[str]:
    found = [f"{source.path} imports {name}: no pickle" for name in source.of(*PICKLERS)]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            never = isinstance(node.value, ast.Constant) and node.value.value is False
            if not never:
                found.append(
                    f"{source.path}, line {node.value.lineno}, allows pickle in NumPy files"
                )
    return found


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def importing_the_package_is_light(source: Source) -> list[str]:
    if source.path != FACADE:
        return []
    body = [node for node in source.tree.body if not _is_for_types(node)]
    imports = Source(source.path, ast.Module(body, [])).imports
    heavy = [n for n in imports if n.split(".")[0] not in sys.stdlib_module_names]
    return [f"{source.path} imports {name}, but must import nothing heavy" for name in heavy]


def modules_say_what_they_are(source: Source) -> list[str]:
    found = SHAPELESS.intersection(Path(source.path).with_suffix("").parts)
    return [f"{source.path} is called {name}, which says nothing of it" for name in found]


@dataclass(frozen=True)
class Case:
    """A rule, sources (path and text) that break it, and sources that it must let pass."""

    rule: Rule
    guilty: tuple[tuple[str, str], ...]
    innocent: tuple[tuple[str, str], ...]


CASES = {
    "rooms know only those below": Case(
        rooms_know_only_those_below,
        (
            (f"{LIBRARY}/spectra/a.py", "from spectranet_jax.networks import build"),
            (f"{LIBRARY}/networks/a.py", "import spectranet_jax.evaluation.figures"),
            (f"{LIBRARY}/evaluation/a.py", "from spectranet_jax import networks"),
            (f"{LIBRARY}/tasks/a.py", "def f():\n    from spectranet_jax.training import loop"),
            (f"{LIBRARY}/tasks/a.py", "from ..training import loop"),
            (f"{LIBRARY}/training/__init__.py", "from ..inference import load"),
            (f"{LIBRARY}/training/a.py", "from spectranet_jax.inference.model import load"),
            (f"{LIBRARY}/inference/a.py", "from experiments import predict"),
            (f"{LIBRARY}/inference/a.py", "import importlib\nimportlib.import_module('data_prep')"),
            (f"{LIBRARY}/attic/a.py", ""),
        ),
        (
            (f"{LIBRARY}/spectra/a.py", "from spectranet_jax.spectra.grid import LogGrid"),
            (f"{LIBRARY}/spectra/a.py", "from .grid import LogGrid\nfrom . import grid"),
            (f"{LIBRARY}/tasks/a.py", "from spectranet_jax.evaluation import redshift"),
            (f"{LIBRARY}/inference/a.py", "from spectranet_jax import __version__, training"),
            ("experiments/a.py", "from spectranet_jax.inference import load\nimport data_prep"),
        ),
    ),
    "no JAX where spectra are prepared and scored": Case(
        no_jax_where_spectra_are_prepared_and_scored,
        (
            (f"{LIBRARY}/spectra/a.py", "import jax.numpy as jnp"),
            (f"{LIBRARY}/spectra/a.py", "def f():\n    import jax"),
            (f"{LIBRARY}/evaluation/a.py", "from jax import Array"),
            ("data_prep/mock/a.py", "if True:\n    from grain import MapDataset"),
            ("data_prep/a.py", "import optax"),
            ("data_prep/a.py", "__import__('flax')"),
            ("data_prep/a.py", "import orbax.checkpoint as ocp"),
        ),
        (
            (f"{LIBRARY}/tasks/a.py", "import jax"),
            (f"{LIBRARY}/spectra/a.py", "import spectranet_jax.spectra.grid\nimport numpy"),
            ("data_prep/a.py", "from array_record import python"),
        ),
    ),
    "data_prep knows spectra and datasets alone": Case(
        data_prep_knows_spectra_and_datasets_alone,
        (
            ("data_prep/a.py", "from spectranet_jax.evaluation import figures"),
            ("data_prep/readers/a.py", "from spectranet_jax import networks"),
            ("data_prep/a.py", "from experiments import settings"),
        ),
        (
            ("data_prep/a.py", "from spectranet_jax import __version__, spectra"),
            ("data_prep/a.py", "from spectranet_jax.spectra.grid import GRID"),
            ("experiments/a.py", "from spectranet_jax import networks"),
        ),
    ),
    "grain only in stream.py": Case(
        only_in("grain", homes=(f"{LIBRARY}/training/stream.py",)),
        (
            (f"{LIBRARY}/training/loop.py", "import grain"),
            ("experiments/a.py", "from grain.python import X"),
        ),
        (
            (f"{LIBRARY}/training/stream.py", "import grain"),
            (f"{LIBRARY}/training/loop.py", "import grainy"),
        ),
    ),
    "ArrayRecord only where datasets are written and read": Case(
        only_in("array_record", homes=("data_prep/write.py", f"{LIBRARY}/datasets/shards.py")),
        (("data_prep/a.py", "from array_record.python import array_record_module"),),
        (("data_prep/write.py", "from array_record.python import array_record_module"),),
    ),
    "orbax only in checkpoint.py": Case(
        only_in("orbax", homes=(f"{LIBRARY}/training/checkpoint.py",)),
        ((f"{LIBRARY}/inference/model.py", "import orbax.checkpoint as ocp"),),
        ((f"{LIBRARY}/training/checkpoint.py", "import orbax.checkpoint as ocp"),),
    ),
    "HDF5 only where Keras's weights are read": Case(
        only_in("h5py", homes=(f"{LIBRARY}/inference/keras_weights.py",)),
        ((f"{LIBRARY}/inference/weights.py", "import h5py"),),
        ((f"{LIBRARY}/inference/keras_weights.py", "def f():\n    import h5py"),),
    ),
    "Flax only in networks": Case(
        only_in("flax", homes=(f"{LIBRARY}/networks/",)),
        (
            (f"{LIBRARY}/training/steps.py", "from flax import struct"),
            ("experiments/a.py", "import flax.linen as nn"),
        ),
        ((f"{LIBRARY}/networks/a.py", "import flax.linen as nn"),),
    ),
    "only commands read the command line": Case(
        only_entries_read_the_command_line,
        (
            (f"{LIBRARY}/training/loop.py", "import sys\nprint(sys.argv[1:])"),
            (f"{LIBRARY}/training/loop.py", "from sys import argv"),
            (f"{LIBRARY}/inference/a.py", "import tyro\nif __name__ == '__main__':\n    pass"),
            ("data_prep/write.py", "import argparse\nlog = logger(__name__)"),
        ),
        (
            ("experiments/a.py", "import tyro"),
            ("data_prep/a.py", "import tyro\nif __name__ == '__main__':\n    pass"),
            ("spectranet_jax/command_line.py", "import tyro"),
            (f"{LIBRARY}/training/loop.py", "import sys\nprint(sys.stderr)"),
        ),
    ),
    "no pickle": Case(
        no_pickle,
        (
            (f"{LIBRARY}/spectra/a.py", "import pickle"),
            ("experiments/a.py", "from joblib import dump"),
            ("data_prep/a.py", "np.load(path, allow_pickle=True)"),
            ("data_prep/a.py", "np.load(path, allow_pickle=choice)"),
        ),
        (("data_prep/a.py", "np.load(path)\nnp.save(path, a, allow_pickle=False)"),),
    ),
    "importing the package is light": Case(
        importing_the_package_is_light,
        (
            (f"{LIBRARY}/__init__.py", "from spectranet_jax.inference import load"),
            (f"{LIBRARY}/__init__.py", "from .spectra import GRID"),
            (f"{LIBRARY}/__init__.py", "import numpy"),
        ),
        (
            (f"{LIBRARY}/__init__.py", "import importlib.metadata\n__version__ = '1'"),
            (f"{LIBRARY}/spectra/__init__.py", "import numpy"),
        ),
    ),
    "modules say what they are": Case(
        modules_say_what_they_are,
        (("data_prep/utils.py", ""), (f"{LIBRARY}/utils/arrays.py", "")),
        ((f"{LIBRARY}/spectra/grid.py", ""),),
    ),
}


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    """Every file of the three packages."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [read(str(path.relative_to(ROOT).as_posix()), path.read_text("utf-8")) for path in paths]


def read(path: str, text: str) -> Source:
    return Source(path, ast.parse(text, path))


@pytest.mark.parametrize("name", CASES)
def test_the_house_keeps_the_rule(name: str, sources: list[Source]) -> None:
    offenses = [sentence for source in sources for sentence in CASES[name].rule(source)]
    if offenses:
        pytest.fail("\n".join(offenses), pytrace=False)


GUILTY = [(name, *one) for name, case in CASES.items() for one in case.guilty]
INNOCENT = [(name, *one) for name, case in CASES.items() for one in case.innocent]


@pytest.mark.parametrize(("name", "path", "text"), GUILTY)
def test_the_rule_fires(name: str, path: str, text: str) -> None:
    """With a sentence that names the file."""
    offenses = CASES[name].rule(read(path, text))
    assert offenses
    assert all(sentence.startswith(path) for sentence in offenses)


@pytest.mark.parametrize(("name", "path", "text"), INNOCENT)
def test_the_rule_lets_the_innocent_pass(name: str, path: str, text: str) -> None:
    assert CASES[name].rule(read(path, text)) == []


def test_the_sentence_names_the_import() -> None:
    source = read("spectranet_jax/networks/linenet.py", "from spectranet_jax.evaluation import x")
    assert rooms_know_only_those_below(source)[0] == (
        "spectranet_jax/networks/linenet.py imports spectranet_jax.evaluation,"
        " which does not lie below it"
    )


def test_every_file_is_read(sources: list[Source]) -> None:
    """No rule holds for want of files: each room and each package has some, and they import."""
    assert {source.room for source in sources} >= set().union(*FLOORS)
    assert {source.top for source in sources} == set(PACKAGES)
    imported = frozenset().union(*(source.imports for source in sources))
    assert {"numpy", "jax", "grain", "orbax.checkpoint", "flax.linen", "tyro"} <= imported
