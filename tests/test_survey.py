"""Preparing a dataset from files of many kinds, at any size, through any cut."""

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from contextlib import nullcontext
from dataclasses import make_dataclass
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from make_fits import superset, table, write_catalog, write_coadd, write_spec, write_spplate
from test_data_prep_commands import stored

from data_prep import batch as batches
from data_prep import survey as surveys
from data_prep.check import source_list_damage
from data_prep.join import NO_TARGET, SAME_FILE
from data_prep.journal import Journal
from data_prep.selection import NO_ROW
from spectranet_jax.datasets import manifest
from spectranet_jax.readers import read, workers
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, rebin

FILES, KILLED_AFTER = 48, 5


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(surveys, "contact_sheet", lambda *_: None)


@pytest.fixture
def small(monkeypatch):
    """Few files are many, and a worker reads two at a time."""
    monkeypatch.setattr(surveys, "FEW_PARTS", 1)
    monkeypatch.setattr(surveys, "TOGETHER_FILES", 2)


@pytest.fixture(scope="module")
def plates(tmp_path_factory):
    """48 short spec files and their catalog."""
    folder = tmp_path_factory.mktemp("plates")
    rng = np.random.default_rng(3)
    keys = [(7000, 56000, 1 + i) for i in range(FILES)]
    (folder / "spectra").mkdir()
    for key in keys:
        path = folder / "spectra" / "spec-{}-{}-{:04d}.fits".format(*key)
        write_spec(path, key, flux=rng.normal(3, 1, 4600))
    codes = np.array([1, 4, 3, 30])[np.arange(FILES) % 4]
    write_catalog(folder / "catalog.fits", keys, superset(codes))
    return folder


def config(folder: Path, out: Path, **options) -> surveys.Config:
    spectra = (str(folder / "spectra"),)
    return surveys.Config((str(folder / "catalog.fits"),), spectra, out, **options)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.array_record")}


def test_a_plate_and_its_spec_files_make_the_same_dataset(tmp_path, rng):
    flux, ivar = rng.normal(3, 1, (6, 4600)), rng.uniform(1, 2, (6, 4600))
    fibers = [1, 2, 3, 500, 501, 1000]
    folder = tmp_path / "plate" / "spectra"
    folder.mkdir(parents=True)
    write_spplate(folder / "spPlate-4055-55359.fits", flux=flux, ivar=ivar, fibers=fibers)
    keys = [(4055, 55359, fiber) for fiber in fibers[:4]]
    write_catalog(tmp_path / "plate" / "catalog.fits", keys, superset([1, 4, 3, 30]))
    contents = surveys.prepare(config(tmp_path / "plate", tmp_path / "d"), "data_prep.sdss")
    assert contents.report["reasons"] == {NO_ROW: 2}  # fibers that the catalog does not choose
    block, _ = stored(tmp_path / "d")
    assert block.name.tolist() == [b"4055-55359-%04d" % fiber for fiber in fibers[:4]]
    loglam = 3.55 + 1e-4 * np.arange(4600)
    expected = rebin(loglam, np.float32(flux[:4]), np.float32(ivar[:4]), grid=GRID)
    np.testing.assert_allclose(block.flux, expected[0], rtol=2e-6)
    np.testing.assert_allclose(block.ivar, expected[1], rtol=2e-6)
    assert block.label.tolist() == [0, 1, 2, 3]


def test_desi_is_joined_on_the_target(tmp_path, rng):
    folder = tmp_path / "spectra"
    folder.mkdir()
    write_coadd(folder / "coadd-0.fits", [11, 12, 13], rng, step=8)
    write_coadd(folder / "coadd-1.fits", [13, 5], rng, step=8)
    (folder / "again.fits").write_bytes((folder / "coadd-0.fits").read_bytes())
    for n, (ids, kinds) in enumerate([([11, 12, 13], ["STAR", "QSO", "GALAXY"]), ([5], ["QSO"])]):
        columns = {
            "TARGETID": np.int64(ids),
            "Z": np.arange(len(ids)) / 2,
            "ZWARN": np.int64([0] * len(ids)),
            "SPECTYPE": kinds,
        }
        hdus = fits.HDUList([fits.PrimaryHDU(), table(columns, "REDSHIFTS")])
        hdus.writeto(tmp_path / f"redrock-{n}.fits")
    settings = surveys.Config((f"{tmp_path}/redrock-*.fits",), (str(folder),), tmp_path / "d")
    contents = surveys.prepare(settings, "data_prep.desi")
    assert contents.report["reasons"] == {SAME_FILE: 3} and contents.report["rows_in"] == 8
    block, splits = stored(tmp_path / "d")
    assert block.object_id.tolist() == [11, 12, 13, 13, 5]
    assert contents.report["by_object"] == 4  # TARGETID 13 of coadd-1, and again.fits
    assert block.label.tolist() == [0, 2, 1, 1, 2] and block.z.tolist() == [0, 0.5, 1, 1, 0]
    assert splits[2] == splits[3]  # two spectra of one object
    spectrum = read(folder / "coadd-1.fits")[1]
    expected = rebin(spectrum.loglam, spectrum.flux, spectrum.ivar, grid=GRID)[0]
    np.testing.assert_allclose(block.flux[4], expected, rtol=2e-6)


def test_repeats_of_an_object_are_joined_by_thing_id_and_share_a_split(tmp_path, rng):
    folder = tmp_path / "spectra"
    folder.mkdir()
    keys = [(7000 + i, 56000, 5) for i in range(6)]
    for key in keys:
        write_spec(folder / f"{key[0]}.fits", key, flux=rng.normal(3, 1, 4600), thing_id=77)
    write_catalog(tmp_path / "catalog.fits", keys[:1], superset([3], thing_id=[77]))
    contents = surveys.prepare(config(tmp_path, tmp_path / "d", seed=2), "data_prep.sdss")
    assert contents.report["rows_out"] == 6
    block, splits = stored(tmp_path / "d")
    assert set(block.object_id.tolist()) == {77} and len(set(splits.tolist())) == 1


def test_spectra_with_masked_pixels_are_counted(tmp_path):
    folder = tmp_path / "spectra"
    folder.mkdir()
    flux, ivar = np.arange(4600.0), np.ones(4600)
    flux[7], ivar[9] = np.nan, -1
    pixels = [(flux, np.ones(4600)), (np.arange(4600), ivar), (flux, ivar)]
    for fiber, (f, w) in enumerate(pixels, start=1):
        write_spec(folder / f"{fiber}.fits", (7000, 56000, fiber), flux=f, ivar=w)
    write_spec(folder / "sound.fits", (7000, 56000, 9))
    keys = [(7000, 56000, fiber) for fiber in (1, 2, 3, 9)]
    write_catalog(tmp_path / "catalog.fits", keys, superset([3] * 4))
    contents = surveys.prepare(config(tmp_path, tmp_path / "d"), "data_prep.sdss")
    assert contents.report["masked"] == 3 and contents.report["rows_out"] == 4


def test_a_batch_survives_its_bytes(tmp_path, plates):
    paths = [*sorted(map(str, (plates / "spectra").iterdir()))[:2], "gone.fits"]
    batch = batches.read_files(paths, grid=GRID)
    (tmp_path / "b").write_bytes(batches.encode(batch) * 2)
    with (tmp_path / "b").open("rb") as file:
        for _ in range(2):
            again = batches.decode(file)
            assert again is not None and again.files == batch.files
            for name in ("name", "keys", "ids", "on_target", "file", "flux", "ivar", "flags"):
                np.testing.assert_array_equal(getattr(again, name), getattr(batch, name))
        assert batches.decode(file) is None
    assert [n for _, _, n, _ in batch.files] == [1, 1, 0]
    assert "does not exist" in batch.files[2][3]


def test_a_journal_gives_back_whole_batches_only(tmp_path, plates):
    batch = batches.read_files([str(next((plates / "spectra").iterdir()))], grid=GRID)
    path = tmp_path / "journal"
    record = Journal(path, "key")
    assert list(record.batches()) == []
    record.add(batch)
    record.add(batch)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])  # cut in the middle of a write
    record = Journal(path, "key")
    assert len(list(record.batches())) == 1
    record.add(batch)
    assert path.read_bytes() == whole
    damaged = bytearray(whole)
    damaged[len(whole) // 4] ^= 1
    path.write_bytes(damaged)
    assert len(list(Journal(path, "key").batches())) == 0
    assert list(Journal(path, "another key").batches()) == []
    assert path.read_bytes() == b"another key\n"


@pytest.mark.usefixtures("small")
def test_a_cut_run_goes_on_and_makes_the_same_bytes(plates, tmp_path, monkeypatch, capsys):
    whole = surveys.prepare(config(plates, tmp_path / "whole", workers=1), "data_prep.sdss")
    calls = []

    def reading(chunk, grid):
        calls.append(chunk)
        if len(calls) == KILLED_AFTER:
            raise KeyboardInterrupt
        return read_files(chunk, grid)

    read_files = batches.read_files
    monkeypatch.setattr(surveys, "read_files", reading)
    cut = config(plates, tmp_path / "cut", workers=1)
    with pytest.raises(KeyboardInterrupt):
        surveys.prepare(cut, "data_prep.sdss")
    assert [p.name for p in tmp_path.iterdir() if p.name != "whole"] == [".finished-cut"]
    assert "the same command goes on from there" in capsys.readouterr().err
    first = set(calls)
    resumed = surveys.prepare(cut, "data_prep.sdss")
    read_again = calls[KILLED_AFTER:]
    assert not set(read_again) & (first - {calls[KILLED_AFTER - 1]})
    assert len(read_again) == FILES // 2 - (KILLED_AFTER - 1)
    assert resumed.fingerprint == whole.fingerprint and resumed.report == whole.report
    assert resumed.sources == whole.sources
    assert bytes_of(tmp_path / "cut") == bytes_of(tmp_path / "whole")
    assert not (tmp_path / ".finished-cut").exists()


def test_a_run_of_few_files_goes_on_too(plates, tmp_path, monkeypatch):
    """48 spec files are three parts, as many as one process reads."""
    calls = []

    def reading(chunk, grid):
        calls.append(chunk)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return read_files(chunk, grid)

    read_files = batches.read_files
    monkeypatch.setattr(surveys, "read_files", reading)
    with pytest.raises(KeyboardInterrupt):
        surveys.prepare(config(plates, tmp_path / "d"), "data_prep.sdss")
    assert len({*calls}) == 2
    assert [p.name for p in tmp_path.iterdir()] == [".finished-d"]
    calls[:] = [()] * 2
    contents = surveys.prepare(config(plates, tmp_path / "d"), "data_prep.sdss")
    assert len(calls) - 2 == 2  # the two parts that were left
    assert contents.report["rows_out"] == FILES
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


def test_of_what_an_earlier_run_read_names_alone_stay_in_memory(tmp_path, plates):
    one = batches.read_files([str(next((plates / "spectra").iterdir()))], grid=GRID)
    record = Journal(tmp_path / "journal", "key")
    for _ in range(10):
        record.add(batches.concatenate([one] * 300))
    tracemalloc.start()
    surveys._read(config(plates, tmp_path / "d"), [], [()] * 10, Journal(record.path, "key"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * record.path.stat().st_size


def test_what_a_run_of_another_form_read_does_not_count(monkeypatch):
    keys = {surveys._key([], np.zeros((0, 2), np.int64))}
    for name, value in (
        ("Batch", make_dataclass("Batch", ["name", "aims"])),
        ("OBSERVATIONS", surveys.OBSERVATIONS[::-1]),
    ):
        monkeypatch.setattr(surveys, name, value)
        keys.add(surveys._key([], np.zeros((0, 2), np.int64)))
    assert len(keys) == 3


def test_every_source_file_is_listed_with_its_checksum(plates, tmp_path):
    (tmp_path / "spectra").mkdir()
    names = sorted(path.name for path in (plates / "spectra").iterdir())[:5]
    for name in names:
        (tmp_path / "spectra" / name).write_bytes((plates / "spectra" / name).read_bytes())
    odd = tmp_path / "spectra" / 'a "b", c.fits'
    odd.write_bytes(b"SIMPLE but cut")
    (tmp_path / "catalog.fits").write_bytes((plates / "catalog.fits").read_bytes())
    contents = surveys.prepare(config(tmp_path, tmp_path / "d"), "data_prep.sdss")
    with (tmp_path / "d" / "sources.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    paths = [odd, *(tmp_path / "spectra" / name for name in names)]
    digests = ["", *(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths[1:])]
    assert [row["file"] for row in rows] == [str(path) for path in paths]
    assert [row["sha256"] for row in rows] == digests
    assert [row["spectra"] for row in rows] == ["0"] + ["1"] * 5
    listed = (tmp_path / "d" / "sources.csv").read_bytes()
    sha256 = hashlib.sha256(listed).hexdigest()
    assert contents.sources[1] == {"spectra": "sources.csv", "files": 6, "sha256": sha256}

    assert source_list_damage(tmp_path / "d", contents) == []
    (tmp_path / "d" / "sources.csv").write_bytes(listed[:-1])
    assert source_list_damage(tmp_path / "d", contents) == ["sources.csv differs from its sha256"]
    (tmp_path / "d" / "sources.csv").unlink()
    assert source_list_damage(tmp_path / "d", contents) == ["sources.csv is missing"]


PROGRAM = """
import sys, time
from pathlib import Path
from data_prep import survey
survey.FEW_PARTS, survey.TOGETHER_FILES = 1, 2
survey.contact_sheet = lambda *_: None
if __name__ == "__main__":
    folder, out, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    settings = survey.Config(
        (str(folder / "catalog.fits"),), (str(folder / "spectra"),), out, workers=workers
    )
    read_files = survey.read_files
    def slowly(chunk, grid):
        time.sleep(0.15)
        return read_files(chunk, grid)
    survey.read_files = slowly
    survey.prepare(settings, "data_prep.sdss")
"""


@pytest.mark.long
@pytest.mark.usefixtures("small")
def test_a_killed_run_goes_on(plates, tmp_path):
    """SIGKILL in the middle: nothing can be tidied up, and still nothing is lost or twice."""
    whole = surveys.prepare(config(plates, tmp_path / "whole", workers=1), "data_prep.sdss")
    program, out = tmp_path / "program.py", tmp_path / "cut"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(plates), str(out), "1"]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    journal = tmp_path / ".finished-cut"
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        while not (journal.exists() and journal.stat().st_size > 30_000):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    key = journal.read_bytes().partition(b"\n")[0].decode()
    done = sum(1 for _ in Journal(journal, key).batches())
    assert 0 < done < FILES // 2
    resumed = surveys.prepare(config(plates, out, workers=1), "data_prep.sdss")
    assert resumed.fingerprint == whole.fingerprint
    assert bytes_of(out) == bytes_of(tmp_path / "whole")
    assert {p.name for p in tmp_path.iterdir()} == {"whole", "cut", "program.py"}


def read_or_die(chunk, grid=GRID):
    """Read files; the first worker that comes to the middle kills itself, once."""
    killed = Path(os.environ["SPECTRANET_TEST_KILLED"])
    if "-0025." in chunk[0] and not killed.exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return batches.read_files(chunk, grid=grid)


@pytest.mark.long
@pytest.mark.usefixtures("small")
def test_a_cluster_that_loses_a_worker_makes_the_same_dataset(plates, tmp_path, monkeypatch):
    """A real cluster of two processes, one of them killed while the dataset is made."""
    distributed = pytest.importorskip("distributed")
    whole = surveys.prepare(config(plates, tmp_path / "whole", workers=1), "data_prep.sdss")
    killed = tmp_path / "killed"
    monkeypatch.setenv("SPECTRANET_TEST_KILLED", str(killed))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        monkeypatch.setattr(surveys, "read_files", read_or_die)
        settings = config(plates, tmp_path / "d", scheduler=cluster.scheduler_address)
        contents = surveys.prepare(settings, "data_prep.sdss")
    assert killed.exists()
    assert contents.report["rows_in"] == contents.report["rows_out"] == FILES
    assert contents.fingerprint == whole.fingerprint and contents.sources == whole.sources
    assert bytes_of(tmp_path / "d") == bytes_of(tmp_path / "whole")


@pytest.mark.long
def test_a_killed_process_of_this_machine_is_told(plates, tmp_path, monkeypatch):
    monkeypatch.setenv("SPECTRANET_TEST_KILLED", str(tmp_path / "killed"))
    names = [str(path) for path in sorted((plates / "spectra").iterdir())]
    with (
        pytest.raises(InputError, match=r"a worker process was killed.*run the same command again"),
        workers.in_order(read_or_die, [(name,) for name in names], 2) as results,
    ):
        list(results)


def test_results_come_in_order_and_few_wait():
    from concurrent.futures import ThreadPoolExecutor

    started = []

    def late(number):
        started.append(number)
        time.sleep(0.002 * (number % 3))
        return number

    with ThreadPoolExecutor(4) as pool:
        for number, result in enumerate(workers._results(pool, late, range(40), 8)):
            assert result == number and len(started) <= number + 9


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "SECONDS_TO_CONNECT", 0.2)
    with (
        pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1"),
        workers.in_order(len, ["a"], 2, "tcp://127.0.0.1:1"),
    ):
        pass


def test_slurm_jobs_start_in_this_folder():
    slurm = pytest.importorskip("dask_jobqueue.slurm")
    job = slurm.SLURMJob("tcp://scheduler:8786", name="spectra", **workers._slurm_settings())
    script = str(job.job_script())
    assert f"cd '{Path.cwd()}'" in script and "#SBATCH" in script and "dask" in script


@pytest.mark.parametrize(("silent", "lines"), [(60.0, 0), (0.0, 2)])
def test_unmatched_plates_say_so_and_no_more_unless_it_took_long(
    plates, tmp_path, monkeypatch, capsys, silent, lines
):
    monkeypatch.setattr("spectranet_jax.progress.SILENT", silent)
    other = write_catalog(tmp_path / "o.fits", [(1, 2, 3)], superset([3]))
    monkeypatch.setattr(surveys, "telling", lambda _: nullcontext())
    settings = surveys.Config((str(other),), (str(plates / "spectra"),), tmp_path / "d")
    with pytest.raises(InputError, match="no spectrum matches a row of"):
        surveys.prepare(settings, "data_prep.sdss")
    assert [p.name for p in tmp_path.rglob("*")] == ["o.fits"]
    assert capsys.readouterr().err.count("\n") == lines


def test_real_desi_files(shared, tmp_path):
    folder = shared / "formats"
    settings = surveys.Config(
        (str(folder / "redrock-4-80613-thru20210324.fits"),),
        (str(folder / "coadd-4-80613-thru20210324.fits.gz"), str(folder / "coadd-sv3*.gz")),
        tmp_path / "d",
    )
    contents = surveys.prepare(settings, "data_prep.desi")
    assert contents.report["rows_in"] == 6 and contents.report["reasons"] == {
        NO_ROW: 4,
        NO_TARGET: 1,
    }
    block, _ = stored(tmp_path / "d")
    assert block.name.tolist() == [b"39633345008634465"] and block.label.tolist() == [1]
    np.testing.assert_allclose(block.z, 0.36874355, atol=1e-8)
    assert contents.sources[0]["kinds"] == ["DESI redrock"]


def test_real_plates_with_the_pipelines_classes(shared, tmp_path):
    spectra = f"{shared}/boss-dr16-quasars/spec-3655-*"
    catalog = shared / "formats" / "spAll-plate3655.fits"
    contents = surveys.prepare(
        surveys.Config((str(catalog),), (spectra,), tmp_path / "d"), "data_prep.sdss"
    )
    files = len(list((shared / "boss-dr16-quasars").glob("spec-3655-*")))
    assert contents.report["rows_in"] == files > 30
    assert contents.report["rows_out"] + sum(contents.report["reasons"].values()) == files
    block, _ = stored(tmp_path / "d")
    assert (block.label == 2).all() and len(block) == contents.report["rows_out"]


def test_the_real_plate_with_a_published_split(shared, tmp_path):
    folder = shared / "boss-dr12-7102"
    names = sorted(path.name for path in folder.glob("spec-*"))
    lists = tmp_path / "lists"
    lists.mkdir()
    for split, part in (("test", names[:10]), ("valid", names[10:15])):
        text = "".join(f"7102/{name.removesuffix('.gz')}\n" for name in part)
        (lists / f"dr12q_superset_{split}.lst").write_text(text)
    settings = surveys.Config(
        (str(folder / "Superset_DR12Q-excerpt.fits"),),
        (str(folder),),
        tmp_path / "d",
        split_lists=lists,
    )
    contents = surveys.prepare(settings, "data_prep.sdss")
    assert [sum(contents.counts[s].values()) for s in manifest.SPLITS] == [25, 5, 10]
    block, splits = stored(tmp_path / "d")
    listed = {name[5:20].encode() for name in names[:10]}
    assert set(block.name[splits == "test"].tolist()) == listed
