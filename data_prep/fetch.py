"""One file over HTTP, whole or not at all: resumed, checked, tried again with patience."""

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
"""Seconds of silence after which a connection counts as lost."""

PIECE = 1 << 16
HEADERS = {"User-Agent": f"spectranet-jax/{__version__}", "Accept-Encoding": "identity"}
FOR_EVER = {400, 401, 403, 404, 405, 410, 414, 451}
"""Statuses that another try does not change."""


class MissingError(Exception):
    """The server has no such file."""


class FetchError(Exception):
    """The file could not be fetched whole; the message says why."""


class UnreachableError(FetchError):
    """The server did not answer, time after time."""


Tell = Callable[[str], None]
"""Called with a sentence each time that a server cannot be reached."""


def silent(_sentence: str) -> None:
    """Tell nobody."""


def fetch(url: str, path: Path, sha1: str = "", tries: int = TRIES, tell: Tell = silent) -> int:
    """Fetch a file to `path`, which appears only when it is whole; bytes that came over the wire.

    What an earlier try left in `path`.part is kept and the rest asked for (Range, RFC 9110), as
    long as the file on the server is the same (ETag or date). Whole is what has the length that
    the server announces, and the SHA-1 where one is given.

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
            if error.code == 416:  # what we have is longer than the file
                _discard(part)
            reason = f"the server answers {error.code} ({error.reason})"
            pause = max(pause, _patience(error.headers))
        except _DamagedError as error:
            _discard(part)
            reason = str(error)
        except _NoAnswerError as error:
            failure, reason = UnreachableError, str(error)
            tell(error.sentence)
        except (OSError, http.client.HTTPException) as error:  # lost, cut short
            reason = f"the connection was lost ({error or type(error).__name__})"
        except _ShortError as error:
            reason = str(error)
    raise failure(f"{reason}, {tries} times")


class _NoAnswerError(OSError):
    """Not even an error came from the server."""

    def __init__(self, url: str, error: Exception) -> None:
        cause = getattr(error, "reason", error)  # what an URLError wraps
        why = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        host = urlsplit(url).netloc
        super().__init__(f"{host} cannot be reached ({why})")
        self.sentence = f"cannot reach {host}: {why}; trying again"


class _ShortError(Exception):
    """Fewer bytes came than were announced; those that came stay."""


class _DamagedError(Exception):
    """What came is not the file."""


def _fetch_rest(url: str, part: Path) -> int:
    """Append what `part` lacks; the bytes that came."""
    have = part.stat().st_size if part.exists() else 0
    version = _version(part).read_text() if have and _version(part).exists() else ""
    headers = dict(HEADERS)
    if have and version:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    with _open(url, headers) as answer:
        appending = answer.status == 206 and _range_start(answer.headers) == have
        if answer.status == 206 and not appending:
            raise _DamagedError("the server sent another range than was asked for")
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
    """Beside the part: which version of the file it is a part of."""
    return part.with_name(part.name + "-of")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _version(part).unlink(missing_ok=True)


def _patience(headers: Any) -> float:
    """Seconds that the server asks us to wait, at most a minute."""
    asked = headers.get("Retry-After", "") if headers else ""
    return min(float(asked), LONGEST_PAUSE) if asked.isdecimal() else 0.0


def _check(part: Path, sha1: str) -> None:
    """Raise _DamagedError unless the file can be what was asked for."""
    with part.open("rb") as file:
        begin = file.read(30)
        size = part.stat().st_size
        if part.name.endswith(".fits.part") and not begin.startswith(b"SIMPLE  ="):
            raise _DamagedError("what came is no FITS file")
        if part.name.endswith(".fits.part") and size % 2880:  # FITS is made of such blocks
            raise _DamagedError(f"what came has {size} bytes, which is no whole FITS file")
        file.seek(0)
        if sha1 and (digest := hashlib.file_digest(file, "sha1").hexdigest()) != sha1:
            raise _DamagedError(f"what came has SHA-1 {digest}, and {sha1} is published")


class Checksums:
    """The SHA-1 sums that the archive publishes: a *.sha1sum file in many of its folders.

    A folder is asked once, from whichever thread comes first; none published is no error.
    """

    def __init__(self, tell: Tell = silent) -> None:
        self._tell = tell
        self._of_folder: dict[str, dict[str, str]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, url: str) -> str:
        """The SHA-1 of a file, hexadecimal; "" where none is published."""
        folder, _, name = url.rpartition("/")
        with self._lock:
            lock = self._locks.setdefault(folder, threading.Lock())
        with lock:
            if folder not in self._of_folder:
                self._of_folder[folder] = _published(folder, self._tell)
        return self._of_folder[folder].get(name, "")


def _published(folder: str, tell: Tell) -> dict[str, str]:
    try:
        page = _text(f"{folder}/")
        match = re.search(r"""href=["']?([^"'>/]+\.sha1sum)["'>]""", page, re.IGNORECASE)
        lines = _text(f"{folder}/{match.group(1)}").splitlines() if match else []
    except _NoAnswerError as error:
        tell(error.sentence)
        return {}
    except (OSError, http.client.HTTPException):
        return {}  # HTTPError and URLError are OSErrors
    pairs = (line.split() for line in lines)
    return {p[1].lstrip("*").rpartition("/")[2]: p[0] for p in pairs if len(p) == 2}


def _text(url: str) -> str:
    with _open(url, HEADERS) as answer:
        return str(answer.read(1 << 24).decode("utf-8", "replace"))
