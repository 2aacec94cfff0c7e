"""Many files from the archive, a few at a time: what came, what is missing, what failed and why."""

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
"""The archive is shared by all; more connections are not faster for long."""

UNREACHABLE_FILES = 3
"""If so many files are asked for and the archive answers none of them, it is no use to go on."""

Check = Callable[[Path], str]
"""What is wrong with a file that is there, or came whole; "" if nothing."""


class Target(NamedTuple):
    """A file that is wanted.

    Attributes:
        path: where it goes; what is there already stays.
        urls: where it may be, the likeliest place first.
        check: of its content, if that is known.
    """

    path: Path
    urls: Sequence[str]
    check: Check | None = None


@dataclass(frozen=True)
class Summary:
    """What became of the files: counts, and the names of those that are not there."""

    there: int
    fetched: int
    bytes_fetched: int
    missing: list[str]
    failed: list[str]


def fetch_many(out: Path, targets: Sequence[Target], connections: int) -> Summary:
    """Fetch what is not there yet.

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
    checksums = Checksums(trouble.tell)
    there, fetched, size, unreachable = 0, 0, 0, 0
    missing: list[str] = []
    failed: list[str] = []
    with (
        ThreadPoolExecutor(connections) as pool,
        progress("fetching files", len(targets)) as advance,
    ):
        jobs = ((pool, checksums, trouble, target) for target in targets)
        try:
            for target, came, reason, answered in _some_at_a_time(jobs, 4 * connections):
                if reason == "missing":
                    missing.append(target.path.name)
                elif reason:
                    failed.append(f"{target.path.name}  # {reason}")
                elif came:
                    fetched, size = fetched + 1, size + came
                else:
                    there += 1
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
    summary = Summary(there, fetched, size, sorted(missing), sorted(failed))
    _tell(out, summary)
    if failed:
        raise InputError(
            f"{len(failed)} of {len(targets)} files could not be fetched, the first because"
            f" {summary.failed[0].partition('# ')[2]}; run the same command again later"
        )
    return summary


class _Trouble:
    """Tells of the first failure to reach the archive at once, and ends the tries once given up."""

    def __init__(self) -> None:
        self.given_up = False
        self._told = False
        self._lock = threading.Lock()

    def tell(self, sentence: str) -> None:
        if self.given_up:
            raise FetchError("the download has ended")
        with self._lock:
            first, self._told = not self._told, True
        if first:
            print(sentence, file=sys.stderr, flush=True)


class _Outcome(NamedTuple):
    """A file, the bytes that came, why it is not there, and whether the archive answered."""

    target: Target
    came: int = 0
    reason: str = ""
    answered: bool = True


Job = tuple[ThreadPoolExecutor, Checksums, _Trouble, Target]


def _some_at_a_time(jobs: Iterable[Job], most: int) -> Iterator[_Outcome]:
    """Outcomes as they come, with few jobs waiting: a catalog names half a million files."""
    running: set[Future[_Outcome]] = set()
    for pool, checksums, trouble, target in jobs:
        running.add(pool.submit(_one, checksums, trouble, target))
        if len(running) >= most:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


def _one(checksums: Checksums, trouble: _Trouble, target: Target) -> _Outcome:
    """Fetch a file from where it is."""
    path, check = target.path, target.check or (lambda _: "")
    if path.exists():
        return _Outcome(target, reason=check(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    for url in target.urls:
        try:
            came = fetch(url, path, checksums.of(url), tell=trouble.tell)
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


def _tell(out: Path, summary: Summary) -> None:
    print(f"already there: {summary.there}")
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
