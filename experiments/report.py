"""Reproduce the report: train its networks, test its claims, and write everything on one page.

    python -m experiments.report --quick

The page is one HTML file that needs no network. It takes about 4 minutes on two cores with --quick,
about 45 by default, and about 2 hours with --full. Run the same command again to resume;
complete runs are not trained again.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from experiments.reporting.sizes import DEFAULT, FULL, QUICK, Sizes
from spectranet_jax.commands.command import Command, command
from spectranet_jax.progress import notice_if_slow
from spectranet_jax.spectra.errors import InputError

LEAST = 400
"""Smallest mock survey from which every figure can be drawn."""


@dataclass(frozen=True)
class Config(Command):
    """Settings of the report."""

    data: Path | None = None
    """dataset folder with all four classes, written by a data_prep command; by default mock surveys
    are made"""
    out: Path | None = None
    """folder for the page report.html and a run folder per training; by default runs/report,
    runs/report-quick or runs/report-full"""
    quick: bool = False
    """make every table and figure from few spectra, in about 4 minutes on two cores"""
    full: bool = False
    """train on as many spectra as the report; takes hours"""
    spectra: int | None = None
    """spectra of the mock surveys, by default 41,000; all other numbers of spectra scale with it"""
    real: Path | None = None
    """folder of labeled spectra with index.csv (file, label, z) to compare models on; by default
    ../shared/data, if it exists"""
    quasarnet_weights: Path | None = None
    """Keras file of a trained QuasarNET to compare with; by default the command trains one"""


def sizes_of(config: Config) -> Sizes:
    """Return the sizes of the trainings.

    Raises:
        InputError: if flags contradict each other, or there would be too few spectra.
    """
    if config.quick and config.full:
        raise InputError("--quick and --full exclude each other; leave one of them out")
    sizes = QUICK if config.quick else FULL if config.full else DEFAULT
    if config.spectra is None:
        return sizes
    if config.data is not None:
        raise InputError(
            "--spectra sets the size of mock surveys, and excludes --data; leave one of them out"
        )
    if config.spectra < LEAST:
        raise InputError(f"--spectra {config.spectra} is too small; give {LEAST} or more")
    return sizes.of(config.spectra)


def check_classes(data: Path) -> None:
    """Raise InputError if a folder is not a dataset, or lacks a class in one of its splits."""
    from spectranet_jax.datasets import manifest
    from spectranet_jax.spectra import CLASSES

    counts = manifest.read(data).counts
    for split, of_split in counts.items():
        for name in CLASSES:
            if not of_split.get(name):
                raise InputError(
                    f"--data {data} has no {name} in its {split} split, and the report has four"
                    " classes; give a dataset that has them all in every split"
                )


def folder_of(config: Config) -> Path:
    """Return the folder of the page and the runs."""
    kind = "-quick" if config.quick else "-full" if config.full else ""
    return config.out or Path(f"runs/report{kind}")


def work(config: Config) -> None:
    """Run the missing trainings, and write the page."""
    from spectranet_jax.datasets.atomic import check_writable
    from spectranet_jax.inference.finding import find
    from spectranet_jax.training.memory import keep_freed_memory

    sizes, out = sizes_of(config), folder_of(config)
    check_writable(out, folder=True)
    if config.data is not None:
        check_classes(config.data)
    if config.real is not None and not (config.real / "index.csv").is_file():
        raise InputError(f"--real {config.real} holds no index.csv; give a folder that has one")
    if config.quasarnet_weights is not None:
        find(config.quasarnet_weights)
    keep_freed_memory()
    with notice_if_slow("report: starting"):
        from experiments.pipeline import resumable
        from experiments.reporting import making, report_page, stages
        from experiments.reporting.closing_table import closing_table
        from experiments.reporting.results import Results
        from spectranet_jax.tables import print_table

    out.mkdir(parents=True, exist_ok=True)
    surveys = making.surveys(config.data, sizes)
    sizes = making.within(sizes, surveys)
    listed = stages.stages(sizes, with_peer=config.quasarnet_weights is None)
    with resumable(out):
        for number, stage in enumerate(listed, start=1):
            print(f"{number}/{len(listed)} {stage.name}", end=" ", flush=True)
            _, anew = making.made(stage, out, surveys[stage.survey])
            print("trained" if anew else "is whole", flush=True)
    line = " ".join(["python -m experiments.report", *sys.argv[1:]])
    inputs = report_page.Inputs(
        out, sizes, surveys, config.real, config.quasarnet_weights, line, mock=config.data is None
    )
    page = report_page.write(inputs)
    print_table(closing_table(Results(out, sizes)))
    print(f"page: {page}")


if __name__ == "__main__":
    command(Config, work, __doc__)
