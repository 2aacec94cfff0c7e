"""The flags that every training command has. Cheap to import: `--help` reads only this."""

import dataclasses
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from experiments import starting_model
from experiments.starting_model import Described
from spectranet_jax.commands.command import Command
from spectranet_jax.datasets import manifest
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.training import memory, run

LEAST = {"epochs": 1, "batch": 1, "chunk": 1, "spectra": 4, "seed": 0}
"""Smallest values that make sense; a mock survey has at least one spectrum per class."""

NOT_OF_THE_RUN = ("data", "out", "seed", "cache", "profile",
                  "distributed", "coordinator", "processes", "process", "skip_damaged")  # fmt: skip
"""Settings that config.json has elsewhere, or that do not affect the results."""

LATER = ("chunk", "init")
"""Settings that older runs lack: config.json has them only where they are not the default, so that
those runs can be resumed.
"""

FINE_TUNING: dict[str, Any] = {"epochs": 20, "batch": 32}
RATE_FRACTION = 0.1
"""Defaults with --init, and the learning rate as a fraction of the usual one; docs/fine-tuning.md
says how they were chosen.
"""


@dataclass(frozen=True)
class Training(Command):
    """Settings of a training run; the defaults are those of Table 1."""

    task: ClassVar[str]
    """Name of the task that the network is trained for."""

    data: Path | None = None
    """dataset folder written by a data_prep command; by default a mock survey is made"""
    init: str | None = None
    """fine-tune this model instead of training from random weights: shipped model, run folder,
    exported folder, or Keras weights of a QuasarNET. Other defaults then apply: 20 epochs, batches
    of 32, a tenth of the rate, and the model's own network (docs/fine-tuning.md)"""
    out: Path | None = None
    """run folder to write, by default runs/NAME; run the same command again to resume"""
    epochs: int = 5
    """passes over the data (shuffled), or over each chunk of the data (chunked)"""
    batch: int = 256
    """spectra per step"""
    schedule: Literal["shuffled", "chunked"] = "shuffled"
    """order of the spectra: all of them in every epoch (shuffled), or one chunk after the other, as
    in the report (chunked)"""
    chunk: int = 4000
    """spectra per chunk (chunked)"""
    optimizer: Literal["adam", "sgd"] = "adam"
    """Adam, or SGD with momentum 0.9 and gradients clipped at norm 1"""
    rate: float = 1e-3
    """peak learning rate, reached after a warm-up of 5% of the steps"""
    decay: Literal["cosine", "constant"] = "cosine"
    """learning rate after the warm-up: half a cosine down to 0, or the peak"""
    dropout: float = 0.1
    """fraction of activations dropped in training"""
    seed: int = 0
    """seed of initial weights, order, dropout, and of the mock survey if one is made"""
    spectra: int = 60_000
    """spectra of the mock survey, if one is made"""
    skip_damaged: bool = False
    """leave out damaged blocks of the dataset and count them, instead of stopping"""
    profile: bool = False
    """write a trace of some steps to RUN/profile, for Perfetto or TensorBoard"""
    distributed: bool = False
    """train together with the other processes of this SLURM or Open MPI job (docs/scaling.md)"""
    coordinator: str | None = None
    """outside of such a job: HOST:PORT on the machine of process 0; needs --processes, --process"""
    processes: int | None = None
    """number of processes that train together"""
    process: int | None = None
    """number of this process, from 0"""

    @classmethod
    def of_model(cls, model: Described) -> dict[str, Any]:
        """Return the flags that the model determines, with their values."""
        return {"dropout": model.network.get("dropout")}


Config = TypeVar("Config", bound=Training)


def defaults(config: Config) -> Config:
    """Return the defaults that apply with these flags: those of fine-tuning if --init is given.

    Raises:
        InputError: if --init does not name a model that this command can fine-tune.
    """
    usual = type(config)()
    if config.init is None:
        return usual
    return dataclasses.replace(usual, **of_fine_tuning(usual), **_of_model(config))


def of_fine_tuning(usual: Training) -> dict[str, Any]:
    """Return the flags with other defaults in fine-tuning, except those that the model determines.

    Args:
        usual: the defaults without --init.
    """
    return FINE_TUNING | {"rate": RATE_FRACTION * usual.rate}


def _of_model(config: Training) -> dict[str, Any]:
    """Return the flags that the model of --init determines, converted to the flags' types.

    Raises:
        InputError: if a value cannot be converted to its flag's type.
    """
    assert config.init is not None
    decided = config.of_model(starting_model.described(config.init, config.task)).items()
    flags = {}
    for flag, value in decided:
        if value is None:
            continue
        kind = type(getattr(config, flag))
        try:
            flags[flag] = kind(value)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"--init {config.init}: its {run.CONFIG} has {flag} {value!r}, which is not of type"
                f" {kind.__name__}; give an unchanged run folder"
            ) from error
    return flags


def check_init(config: Training) -> None:
    """Raise InputError where flags, or the dataset, contradict the model of --init."""
    if config.init is None:
        return
    for flag, value in _of_model(config).items():
        if getattr(config, flag) != value:
            name = flag.replace("_", "-")
            raise InputError(
                f"--{name} {getattr(config, flag)} contradicts --init {config.init}, which has"
                f" {value}; leave --{name} out"
            )
    if config.data is not None:
        grid = starting_model.described(config.init, config.task).grid
        starting_model.check_data(config.init, grid, config.data)


def begin(config: Training, name: str) -> None:
    """Check the settings and the files that they name, and join the other processes if any.

    Must come before anything that imports JAX. Of several processes only the first one prints.

    Raises:
        InputError: if a setting is out of its range, the dataset or the run folder cannot be used,
            or the processes do not meet.
    """
    check(config)
    if config.data is not None:
        if config.spectra != type(config).spectra:
            raise InputError(
                "--spectra sets the size of a mock survey, and excludes --data; leave one of them"
                " out"
            )
        manifest.read(config.data)
    check_init(config)
    run.check_folder(run_folder(config, name), {"experiment": name, "settings": of_the_run(config)})
    memory.keep_freed_memory()
    if config.distributed:
        from spectranet_jax.training import distributed

        distributed.start(config.coordinator, config.processes, config.process)
        if not distributed.leads():
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115, it stays open


def run_folder(config: Training, name: str) -> Path:
    """Return the folder of the run called `name`."""
    return config.out or Path("runs") / name


def of_the_run(config: Training) -> dict[str, Any]:
    """Return the settings that affect the results, except those that config.json has elsewhere."""
    default = {name: getattr(type(config), name) for name in LATER}
    settings = dataclasses.asdict(config).items()
    return {
        name: value
        for name, value in settings
        if name not in NOT_OF_THE_RUN and not (name in LATER and value == default[name])
    }


def check(config: Training) -> None:
    """Raise InputError where a setting is out of its range."""
    for flag, least in LEAST.items():
        value = getattr(config, flag)
        if value < least:
            raise InputError(f"--{flag} {value} is too small; give {least} or more")
    if config.seed >= 2**32:
        raise InputError(f"--seed {config.seed} is too large; give less than 2**32")
    if not 0 < config.rate < math.inf:
        raise InputError(
            f"--rate {config.rate} is not a valid learning rate; give a number above 0"
        )
    if not 0 <= config.dropout < 1:
        raise InputError(
            f"--dropout {config.dropout} is not a valid fraction; give 0 or more, but below 1"
        )
    check_processes(config)


def check_processes(config: Training) -> None:
    """Raise InputError where the flags of several processes do not go together."""
    flags = (config.coordinator, config.processes, config.process)
    if flags == (None, None, None):
        return
    if not config.distributed:
        raise InputError("--coordinator, --processes and --process go with --distributed; add it")
    if config.coordinator is None or config.processes is None or config.process is None:
        raise InputError("--coordinator, --processes and --process go together; give all three")
    host, _, port = config.coordinator.rpartition(":")
    if not host or not (port.isdecimal() and 0 < int(port) < 2**16):
        raise InputError(
            f"--coordinator {config.coordinator} is not an address;"
            " give HOST:PORT, as in node1:12345"
        )
    if not 0 <= config.process < config.processes:
        raise InputError(
            f"--process {config.process} is not among {config.processes} processes;"
            f" number them from 0 to {config.processes - 1}"
        )
