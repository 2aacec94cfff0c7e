"""Download of many files from the archive, a few at a time, with a report of each outcome."""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from data_prep.fetch import Checksums, FetchError, MissingError, UnreachableError, fetch
from spectranet_jax.datasets.atomic import write_text
from spectranet_jax.progress import progress
from spectranet_jax.spectra import InputError

MISSING_LIST, FAILED_LIST = "missing.txt", "failed.txt"

MOST_CONNECTIONS = 16
"""Limit of connections: the archive is shared, and more are not faster for long."""

UNREACHABLE_FILES = 3
"""If this many files are requested and the archive answers none, the download stops."""

Check = Callable[[Path], str]
"""Return what is wrong with an existing or fetched file; "" if nothing."""


class Target(NamedTuple):
    """A file to fetch.

    Attributes:
        path: where it goes; an existing file stays.
        urls: where it may be, the likeliest place first.
        check: of its content, if that is known.
    """

    path: Path
    urls: Sequence[str]
    check: Check | None = None


@dataclass(frozen=True)
class Summary:
    """Outcome of the files: counts, and the names of those that are missing."""

    present: int
    fetched: int
    bytes_fetched: int
    missing: list[str]
    failed: list[str]


def fetch_many(out: Path, targets: Sequence[Target], connections: int) -> Summary:
    """Fetch missing files.

    Files that the archive does not have are listed in missing.txt, others that could not be
    fetched, or are not what they should be, in failed.txt, which the next run tries again.

    Args:
        out: the folder of the lists.
        targets: the files.
        connections: files fetched at a time, up to `MOST_CONNECTIONS`.

    Raises:
        InputError: if files could not be fetched, at once where the archive does not answer at all.
    """
    trouble = _Trouble()
    checksums = Checksums(trouble.report)
    present, fetched, size, unreachable = 0, 0, 0, 0
    missing: list[str] = []
    failed: list[str] = []
    with (
        ThreadPoolExecutor(connections) as pool,
        progress("fetching files", len(targets)) as advance,
    ):
        jobs = ((pool, checksums, trouble, target) for target in targets)
        try:
            for target, came, reason, answered in _outcomes(jobs, 4 * connections):
                if reason == "missing":
                    missing.append(target.path.name)
                elif reason:
                    failed.append(f"{target.path.name}  # {reason}")
                elif came:
                    fetched, size = fetched + 1, size + came
                else:
                    present += 1
                unreachable += not answered
                if fetched + len(missing) + len(failed) == unreachable == UNREACHABLE_FILES:
                    raise InputError(
                        f"none of the first {unreachable} files could be fetched because {reason};"
                        " check the network and --base-url, then run the same command again"
                    )
                counts = (("fetched", fetched), ("failed", len(failed)), ("missing", len(missing)))
                advance(1, ", ".join(f"{count} {what}" for what, count in counts if count))
        except (InputError, KeyboardInterrupt):
            trouble.given_up = True
            pool.shutdown(cancel_futures=True)
            raise
    summary = Summary(present, fetched, size, sorted(missing), sorted(failed))
    _print_summary(out, summary)
    if failed:
        raise InputError(
            f"{len(failed)} of {len(targets)} files could not be fetched, the first because"
            f" {summary.failed[0].partition('# ')[2]}; run the same command again later"
        )
    return summary


class _Trouble:
    """Reports the first failure to reach the archive at once, and ends the tries once given up."""

    def __init__(self) -> None:
        self.given_up = False
        self._reported = False
        self._lock = threading.Lock()

    def report(self, sentence: str) -> None:
        if self.given_up:
            raise FetchError("the download has ended")
        with self._lock:
            first, self._reported = not self._reported, True
        if first:
            print(sentence, file=sys.stderr, flush=True)


class _Outcome(NamedTuple):
    """A file, the bytes transferred, why it is missing, and whether the archive answered."""

    target: Target
    came: int = 0
    reason: str = ""
    answered: bool = True


Job = tuple[ThreadPoolExecutor, Checksums, _Trouble, Target]


def _outcomes(jobs: Iterable[Job], most: int) -> Iterator[_Outcome]:
    """Yield outcomes as they come, with few jobs waiting: a catalog names half a million files."""
    running: set[Future[_Outcome]] = set()
    for pool, checksums, trouble, target in jobs:
        running.add(pool.submit(_fetch_target, checksums, trouble, target))
        if len(running) >= most:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in finished)
    while running:
        finished, running = wait(running, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in finished)


def _fetch_target(checksums: Checksums, trouble: _Trouble, target: Target) -> _Outcome:
    """Fetch a file from the first address that has it."""
    path, check = target.path, target.check or (lambda _: "")
    if path.exists():
        return _Outcome(target, reason=check(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    for url in target.urls:
        try:
            came = fetch(url, path, checksums.of(url), report=trouble.report)
        except MissingError:
            continue
        except FetchError as error:
            answered = not isinstance(error, UnreachableError)
            return _Outcome(target, reason=str(error), answered=answered)
        if wrong := check(path):
            path.unlink()
            return _Outcome(target, reason=wrong)
        return _Outcome(target, came)
    return _Outcome(target, reason="missing")


def _print_summary(out: Path, summary: Summary) -> None:
    print(f"already there: {summary.present}")
    print(f"fetched: {summary.fetched} ({summary.bytes_fetched / 1e6:.1f} MB)")
    lists: Sequence[tuple[str, list[str], str]] = (
        ("not in the archive", summary.missing, MISSING_LIST),
        ("not fetched", summary.failed, FAILED_LIST),
    )
    for what, names, file in lists:
        print(f"{what}: {len(names)}" + (f" (listed in {out / file})" if names else ""))
        if names:
            write_text(out / file, "".join(f"{name}\n" for name in names))
        else:
            (out / file).unlink(missing_ok=True)
    sys.stdout.flush()
