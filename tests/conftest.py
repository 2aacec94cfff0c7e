"""Strict modes for every test, and the folder of real spectra if there is one."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.pop("RR_TEMPLATE_DIR", None)  # else mock surveys and refinement would differ
matplotlib.use("Agg")

PROGRAMS = "programs"
PROGRAMS_KEY = pytest.StashKey[str]()

SHARED = Path(__file__).parents[2] / "shared" / "data"
SETS = "SPECTRANET_SETS"
"""Environment variable that names a folder of labeled real spectra, for the tests of these."""

FETCHED = (
    "`python -m data_prep.download --sets --out real` fetches the labeled spectra among them from"
    f" the SDSS archive, and {SETS}=real runs the tests of these"
)


def pytest_configure(config: pytest.Config) -> None:
    import jax

    jax.config.update("jax_num_cpu_devices", 8)
    jax.config.update("jax_numpy_rank_promotion", "raise")
    jax.config.update("jax_compilation_cache_dir", _programs(config))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def _programs(config: pytest.Config) -> str:
    """Return a folder of this session: many tests compile equal programs, each of them once."""
    if hasattr(config, "workerinput"):  # one of several processes
        return config.workerinput[PROGRAMS]
    config.stash[PROGRAMS_KEY] = programs = tempfile.mkdtemp(prefix="spectranet-jax-programs-")
    config.add_cleanup(lambda: shutil.rmtree(programs, ignore_errors=True))
    return programs


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass the folder of compiled programs to a process that runs a part of the tests."""
    node.workerinput[PROGRAMS] = node.config.stash[PROGRAMS_KEY]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real spectra and references; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no real files in {SHARED}; {FETCHED}")
    return SHARED


@pytest.fixture(scope="session")
def real_sets() -> Path:
    """The folder of labeled real spectra, its index.csv and a folder a set; skips as `shared`."""
    folder = Path(os.environ.get(SETS, SHARED))
    if not (folder / "index.csv").is_file():
        pytest.skip(f"no real spectra in {folder}; {FETCHED}")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20181123)


@pytest.fixture(scope="module")
def no_contact_sheet() -> Iterator[None]:
    """Make mock surveys without their contact sheet, which takes longer than the survey."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data_prep.mock.dataset.contact_sheet", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def one_device() -> Iterator[None]:
    """Train and evaluate on one device, as a command does; eight take longer to compile for."""
    import jax

    with pytest.MonkeyPatch.context() as patch:
        devices = jax.devices()[:1]
        patch.setattr(jax, "devices", lambda: devices)
        patch.setattr(jax, "device_count", lambda: 1)
        yield


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that the test has saved so far."""
    saved: list[Figure] = []
    save = Figure.savefig

    def savefig(self: Figure, *args: object, **kwargs: object) -> None:
        saved.append(self)
        save(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Figure, "savefig", savefig)
    return saved


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from browser import browsing

    with browsing() as running:
        yield running


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a page of content, by default of 12 quasars; fails if its code had an error."""
    from browser import Visit
    from inspected import content

    from spectranet_jax.inspection import pages
    from spectranet_jax.inspection.page import Content, Look, fingerprint

    open_ones = []

    def opened(shown: Content | None = None, width: int = 1280, **look: Any) -> Visit:
        shown = content(12) if shown is None else shown
        path = tmp_path / "look.html"
        pages.write(shown, path, Look("catalog.fits", **look), fingerprint(shown.table))
        open_ones.append(Visit(browser, path, width))
        return open_ones[-1]

    yield opened
    for visit in open_ones:
        visit.close()
