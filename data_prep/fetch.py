"""Download of one file over HTTP, complete or not at all: resumed, checked, and retried."""

import hashlib
import http.client
import random
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from spectranet_jax import __version__

TRIES = 6
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before the second try; each pause is twice the last, and up to half of it longer."""

TIMEOUT = 60.0
"""Seconds without data after which a connection counts as lost."""

PIECE = 1 << 16
HEADERS = {"User-Agent": f"spectranet-jax/{__version__}", "Accept-Encoding": "identity"}
FOR_EVER = {400, 401, 403, 404, 405, 410, 414, 451}
"""HTTP statuses that are not retried."""


class MissingError(Exception):
    """The server has no such file."""


class FetchError(Exception):
    """The file could not be fetched completely; the message says why."""


class UnreachableError(FetchError):
    """The server did not answer repeatedly."""


Report = Callable[[str], None]
"""Callback with a message each time that a server cannot be reached."""


def silent(_sentence: str) -> None:
    """Ignore the message."""


def fetch(url: str, path: Path, sha1: str = "", tries: int = TRIES, report: Report = silent) -> int:
    """Fetch a file to `path`, which appears only when complete; return the bytes transferred.

    What an earlier try left in `path`.part is kept and the rest asked for (Range, RFC 9110), as
    long as the file on the server is the same (ETag or date). Whole is what has the length that the
    server announces, and the SHA-1 where one is given.

    Raises:
        MissingError: if the server says that there is no such file.
        FetchError: if it is not whole after so many tries; UnreachableError if at the last of them
            the server did not answer.
    """
    came, failure = 0, FetchError
    pause, reason = FIRST_PAUSE, ""
    for attempt in range(tries):
        if attempt:
            time.sleep(pause * random.uniform(1, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE)
        part, failure = path.with_name(path.name + ".part"), FetchError
        try:
            came += _fetch_rest(url, part)
            _check(part, sha1)
            part.replace(path)
            _version(part).unlink(missing_ok=True)
            return came
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (404, 410):
                raise MissingError(url) from None
            if error.code in FOR_EVER:
                raise FetchError(f"the server answers {error.code} ({error.reason})") from None
            if error.code == 416:  # our part is longer than the file
                _discard(part)
            reason = f"the server answers {error.code} ({error.reason})"
            pause = max(pause, _patience(error.headers))
        except _DamagedError as error:
            _discard(part)
            reason = str(error)
        except _NoAnswerError as error:
            failure, reason = UnreachableError, str(error)
            report(error.sentence)
        except (OSError, http.client.HTTPException) as error:  # connection lost
            reason = f"the connection was lost ({error or type(error).__name__})"
        except _ShortError as error:
            reason = str(error)
    raise failure(f"{reason}, {tries} times")


class _NoAnswerError(OSError):
    """No answer came from the server, not even an error."""

    def __init__(self, url: str, error: Exception) -> None:
        cause = getattr(error, "reason", error)  # what an URLError wraps
        detail = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        host = urlsplit(url).netloc
        super().__init__(f"{host} cannot be reached ({detail})")
        self.sentence = f"cannot reach {host}: {detail}; trying again"


class _ShortError(Exception):
    """Fewer bytes came than announced; they are kept."""


class _DamagedError(Exception):
    """The content is not that of the file."""


def _fetch_rest(url: str, part: Path) -> int:
    """Append the rest of the file to `part`; return the bytes transferred."""
    have = part.stat().st_size if part.exists() else 0
    version = _version(part).read_text() if have and _version(part).exists() else ""
    headers = dict(HEADERS)
    if have and version:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    with _open(url, headers) as answer:
        appending = answer.status == 206 and _range_start(answer.headers) == have
        if answer.status == 206 and not appending:
            raise _DamagedError("the server sent another range than requested")
        start = have if appending else 0
        announced = answer.headers.get("Content-Length")
        new = answer.headers.get("ETag", "") or answer.headers.get("Last-Modified", "")
        _version(part).write_text("" if new.startswith("W/") else new)
        came = 0
        with part.open("r+b" if appending else "wb") as file:
            file.seek(start)
            came = _copy(answer, file)
    if announced is not None and came < int(announced):
        raise _ShortError(f"only {start + came} of {start + int(announced)} bytes came")
    return came


def _copy(answer: Any, file: IO[bytes]) -> int:
    came = 0
    try:
        while piece := answer.read(PIECE):
            file.write(piece)
            came += len(piece)
    except http.client.IncompleteRead as error:
        file.write(error.partial)
        raise
    return came


def _open(url: str, headers: Mapping[str, str]) -> Any:
    request = urllib.request.Request(url, headers=dict(headers))
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise _NoAnswerError(url, error) from error


def _range_start(headers: Mapping[str, str]) -> int:
    match = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    return int(match.group(1)) if match else -1


def _version(part: Path) -> Path:
    """Return the file beside the part that has its version."""
    return part.with_name(part.name + "-of")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _version(part).unlink(missing_ok=True)


def _patience(headers: Any) -> float:
    """Return the seconds that the server asks us to wait, at most a minute."""
    asked = headers.get("Retry-After", "") if headers else ""
    return min(float(asked), LONGEST_PAUSE) if asked.isdecimal() else 0.0


def _check(part: Path, sha1: str) -> None:
    """Raise _DamagedError unless the content can be that of the file."""
    with part.open("rb") as file:
        begin = file.read(30)
        size = part.stat().st_size
        if part.name.endswith(".fits.part") and not begin.startswith(b"SIMPLE  ="):
            raise _DamagedError("the content is not a FITS file")
        if part.name.endswith(".fits.part") and size % 2880:  # FITS is made of such blocks
            raise _DamagedError(f"the content has {size} bytes, which is not a complete FITS file")
        file.seek(0)
        if sha1 and (digest := hashlib.file_digest(file, "sha1").hexdigest()) != sha1:
            raise _DamagedError(f"the content has SHA-1 {digest}, but {sha1} is published")


class Checksums:
    """The SHA-1 sums that the archive publishes: a *.sha1sum file in many of its folders.

    A folder is queried once, by the first thread; missing checksums are not an error.
    """

    def __init__(self, report: Report = silent) -> None:
        self._report = report
        self._of_folder: dict[str, dict[str, str]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, url: str) -> str:
        """Return the SHA-1 of a file, hexadecimal; "" where none is published."""
        folder, _, name = url.rpartition("/")
        with self._lock:
            lock = self._locks.setdefault(folder, threading.Lock())
        with lock:
            if folder not in self._of_folder:
                self._of_folder[folder] = _published(folder, self._report)
        return self._of_folder[folder].get(name, "")


def _published(folder: str, report: Report) -> dict[str, str]:
    try:
        page = _text(f"{folder}/")
        match = re.search(r"""href=["']?([^"'>/]+\.sha1sum)["'>]""", page, re.IGNORECASE)
        lines = _text(f"{folder}/{match.group(1)}").splitlines() if match else []
    except _NoAnswerError as error:
        report(error.sentence)
        return {}
    except (OSError, http.client.HTTPException):
        return {}  # HTTPError and URLError are OSErrors
    pairs = (line.split() for line in lines)
    return {p[1].lstrip("*").rpartition("/")[2]: p[0] for p in pairs if len(p) == 2}


def _text(url: str) -> str:
    with _open(url, HEADERS) as answer:
        return str(answer.read(1 << 24).decode("utf-8", "replace"))
