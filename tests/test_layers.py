"""The layers of the code, checked in every source file: who may import what.

    spectra < {readers, datasets} < {networks, evaluation} < tasks < training < inference
        < catalog < inspection < commands < experiments

and `data_prep` beside them, on `spectra`, `readers` and `datasets` alone. What talks to a terminal
(progress, tables, command line) stands beside the rooms and knows `spectra` alone. Every rule is
shown to fire, and to let the innocent pass.
"""

from dataclasses import dataclass

import pytest
from layer_rules import (
    FLOORS,
    Rule,
    data_prep_knows_what_needs_no_network,
    importing_the_package_is_light,
    modules_have_telling_names,
    no_jax_where_spectra_are_prepared_and_scored,
    no_pickle,
    only_commands_read_the_command_line,
    only_in,
    readers_open_regular_files_alone,
    rooms_know_only_those_below,
)
from source_files import LIBRARY, PACKAGES, Source, parse, python_files


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
    "data_prep knows what needs no network": Case(
        data_prep_knows_what_needs_no_network,
        (
            ("data_prep/a.py", "from spectranet_jax.evaluation import figures"),
            ("data_prep/mock/a.py", "from spectranet_jax import networks"),
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
    "HDF5 only where Keras's weights, and spectra in HDF5, are read": Case(
        only_in(
            "h5py",
            homes=(f"{LIBRARY}/inference/keras_weights.py", f"{LIBRARY}/readers/hdf5.py"),
        ),
        ((f"{LIBRARY}/inference/weights.py", "import h5py"),),
        ((f"{LIBRARY}/inference/keras_weights.py", "def f():\n    import h5py"),),
    ),
    "Bokeh only where figures of pages are made": Case(
        only_in("bokeh", homes=(f"{LIBRARY}/inspection/bokeh_figures.py",)),
        ((f"{LIBRARY}/inspection/page.py", "from bokeh.resources import Resources"),),
        ((f"{LIBRARY}/inspection/bokeh_figures.py", "from bokeh.plotting import figure"),),
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
        only_commands_read_the_command_line,
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
            ("data_prep/a.py", "pandas.read_pickle(path)"),
            ("data_prep/a.py", "eval(text)"),
            ("experiments/a.py", "torch.load(path)"),
            ("experiments/a.py", "torch.load(path, weights_only=False)"),
            ("experiments/a.py", "yaml.load(text, yaml.Loader)"),
        ),
        (
            ("data_prep/a.py", "np.load(path)\nnp.save(path, a, allow_pickle=False)"),
            ("experiments/a.py", "torch.load(path, weights_only=True)\nmodel.eval()"),
            ("experiments/a.py", "re.compile(text)\nyaml.load(text, yaml.SafeLoader)"),
        ),
    ),
    "readers open regular files alone": Case(
        readers_open_regular_files_alone,
        (
            (f"{LIBRARY}/readers/a.py", "with path.open('rb') as file:\n    pass"),
            (f"{LIBRARY}/readers/a.py", "open(path)"),
            (f"{LIBRARY}/readers/a.py", "Path(name).read_bytes()"),
        ),
        (
            (f"{LIBRARY}/readers/a.py", "with open_regular(path) as file:\n    fits.open(file)"),
            (f"{LIBRARY}/readers/opening.py", "os.open(path, os.O_RDONLY)"),
            ("data_prep/a.py", "path.open('rb')"),
        ),
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
    "modules have telling names": Case(
        modules_have_telling_names,
        (("data_prep/utils.py", ""), (f"{LIBRARY}/utils/arrays.py", "")),
        ((f"{LIBRARY}/spectra/grid.py", ""),),
    ),
}


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    """Every file of the three packages."""
    return [parse(path, text) for path, text in python_files(*PACKAGES).items()]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_house_keeps_the_rule(name: str, sources: list[Source]) -> None:
    offenses = [sentence for source in sources for sentence in CASES[name].rule(source)]
    if offenses:
        pytest.fail("\n".join(offenses), pytrace=False)


GUILTY = [(name, *source) for name, case in CASES.items() for source in case.guilty]
INNOCENT = [(name, *source) for name, case in CASES.items() for source in case.innocent]


@pytest.mark.parametrize(("name", "path", "text"), GUILTY)
def test_the_rule_fires(name: str, path: str, text: str) -> None:
    """With a sentence that names the file."""
    offenses = CASES[name].rule(parse(path, text))
    assert offenses
    assert all(sentence.startswith(path) for sentence in offenses)


@pytest.mark.parametrize(("name", "path", "text"), INNOCENT)
def test_the_rule_lets_the_innocent_pass(name: str, path: str, text: str) -> None:
    assert CASES[name].rule(parse(path, text)) == []


def test_the_sentence_names_the_import() -> None:
    source = parse("spectranet_jax/networks/linenet.py", "from spectranet_jax.evaluation import x")
    offense = rooms_know_only_those_below(source)[0]
    assert source.path in offense and "spectranet_jax.evaluation" in offense


def test_every_file_is_read(sources: list[Source]) -> None:
    """No rule holds for lack of files: each room and each package has some, and they import."""
    assert {source.room for source in sources} >= set().union(*FLOORS)
    assert {source.top for source in sources} == set(PACKAGES)
    imported = frozenset().union(*(source.imports for source in sources))
    assert {"numpy", "jax", "grain", "orbax.checkpoint", "flax.linen", "tyro"} <= imported
