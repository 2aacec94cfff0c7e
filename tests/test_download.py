"""Downloading from a server that does everything a server may do."""

import hashlib
import http.server
import itertools
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from make_fits import superset, table, write_catalog, write_spec

from data_prep import archive, fetch
from data_prep.archive import Wanted
from data_prep.download import Config, download
from spectranet_jax.spectra import InputError

KEYS = [(7102, 56666, fiber) for fiber in range(1, 9)] + [(10656, 58163, 366)]


def content_of(name: str) -> bytes:
    """Bytes that begin and end like a FITS file, another for each name."""
    body = np.random.default_rng(len(name) + sum(name.encode())).bytes(100 * 2880 - 10)
    return b"SIMPLE  = " + body


class Server(http.server.ThreadingHTTPServer):
    """Serves any file by its name, and misbehaves as `behavior[name]` tells, once an entry."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behavior: dict[str, list[str]] = {}
        self.requests: list[tuple[str, str]] = []
        self.checksums: dict[str, str] = {}
        self.lock = threading.Lock()
        self.now = self.most = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/sas"

    def handle_error(self, *_args) -> None:
        pass  # lost connections are the point


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_args) -> None:
        pass

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        try:
            self.answer()
        finally:
            with self.server.lock:
                self.server.now -= 1

    def answer(self) -> None:
        folder, _, name = self.path.rpartition("/")
        if name.endswith(".sha1sum") or not name:
            return self.checksums(name)
        wants = self.headers.get("Range", "")
        with self.server.lock:
            self.server.requests.append((self.path, wants))
            steps = self.server.behavior.get(name, [])
            step = steps.pop(0) if steps and steps[0] != "never" else (steps or ["serve"])[0]
        if step == "never" or (step == "other run" and "/v5_7_0/" in folder):
            return self.plain(404)
        if step.isdecimal():
            return self.plain(int(step), {"Retry-After": "2"} if step == "503" else {})
        if step == "other run":
            with self.server.lock:
                self.server.behavior[name] = ["other run"]
        content, etag = content_of(name), '"one"'
        if step == "changed":
            content, etag = content_of(name)[::-1], '"two"'
            content = b"SIMPLE  = " + content[10:]
        if step == "damaged":
            content = content[:5000] + b"\0\0\0\0" + content[5004:]
        if step == "page":
            content = b"<html>try later</html>"
        start = 0
        if wants and self.headers.get("If-Range") == etag:
            start = int(wants.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        if step in ("drop", "truncate"):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
            if step == "drop":  # a reset, where the other is an orderly end
                import socket
                import struct

                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            return None
        self.wfile.write(body)
        return None

    def checksums(self, name: str) -> None:
        if not self.server.checksums:
            return self.plain(404)
        text = '<a href="../">up</a> <a href="spectra.sha1sum">sums</a>'
        if name:
            sums = self.server.checksums.items()
            text = "".join(f"{digest}  {file}\n" for file, digest in sums)
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
        return None

    def plain(self, code: int, headers=None) -> None:
        self.send_response(code)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(fetch.time, "sleep", lambda _: None)
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def settings(server, tmp_path):
    catalog = write_catalog(tmp_path / "catalog.fits", KEYS, superset([3] * len(KEYS)))
    return Config("dr12", catalog, tmp_path / "spectra", base_url=server.url)


def name_of(key) -> str:
    return archive.file_name(Wanted(*key), "spec-lite")


def test_every_file_comes_to_its_plate(server, settings):
    summary = download(settings)
    assert (summary.fetched, summary.there, summary.missing, summary.failed) == (9, 0, [], [])
    for key in KEYS:
        path = settings.out / f"{key[0]:04d}" / name_of(key)
        assert path.read_bytes() == content_of(path.name)
    assert (settings.out / "10656" / "spec-10656-58163-0366.fits").exists()
    assert server.requests[0][0].startswith("/sas/dr12/boss/spectro/redux/v5_7_0/spectra/lite/")
    assert server.most <= settings.connections
    asked = len(server.requests)
    again = download(settings)
    assert (again.there, again.fetched, len(server.requests)) == (9, 0, asked)


def test_a_server_in_trouble_loses_nothing(server, settings, capsys):
    names = [name_of(key) for key in KEYS]
    server.checksums = {name: hashlib.sha1(content_of(name)).hexdigest() for name in names}
    server.behavior = {
        names[0]: ["drop", "truncate"],
        names[1]: ["500", "503"],
        names[2]: ["damaged"],
        names[3]: ["never"],
        names[4]: ["page"],
        names[5]: ["truncate", "500", "truncate"],
        names[8]: ["other run"],
    }
    summary = download(settings)
    assert summary.missing == [names[3]] and summary.fetched == 8
    for key in KEYS:
        path = settings.out / f"{key[0]:04d}" / name_of(key)
        assert path.exists() == (path.name != names[3])
        assert not path.exists() or path.read_bytes() == content_of(path.name)
    left = [p.name for p in settings.out.rglob("*") if ".part" in p.name]
    assert left == []
    asked = [wants for path, wants in server.requests if path.endswith(names[5])]
    assert asked[0] == "" and asked[1] == asked[2] == "bytes=144000-"  # half of 100 blocks
    assert asked[3] == "bytes=216000-"
    assert (settings.out / "missing.txt").read_text() == f"{names[3]}\n"
    assert "not in the archive: 1 (listed in" in capsys.readouterr().out
    runs = Counter(p.split("/")[6] for p, _ in server.requests if p.endswith(names[3]))
    assert runs == {"v5_7_0": 1, "v5_7_2": 1}  # asked for once a run: no is no


def test_a_file_that_never_comes_whole_is_told_and_tried_again_by_the_next_run(server, settings):
    name = name_of(KEYS[0])
    server.behavior = {name: ["500"] * fetch.TRIES, name_of(KEYS[1]): ["403"]}
    with pytest.raises(
        InputError, match=r"2 of 9 files could not be fetched.*run the same command"
    ):
        download(settings)
    text = (settings.out / "failed.txt").read_text()
    assert f"{name}  # the server answers 500" in text and "answers 403" in text
    assert not (settings.out / "7102" / name).exists()
    assert download(settings).fetched == 2
    assert not (settings.out / "failed.txt").exists()


def test_an_interrupted_file_is_resumed_by_the_next_run_unless_it_changed(server, tmp_path):
    url, path = f"{server.url}/x/a.fits", tmp_path / "a.fits"
    server.behavior = {"a.fits": ["truncate"]}
    with pytest.raises(fetch.FetchError, match="only 144000 of 288000 bytes came, 1 times"):
        fetch.fetch(url, path, tries=1)
    assert not path.exists()
    assert fetch.fetch(url, path) == 144_000
    assert path.read_bytes() == content_of("a.fits")
    path.unlink()
    server.behavior = {"a.fits": ["truncate", "changed"]}
    with pytest.raises(fetch.FetchError):
        fetch.fetch(url, path, tries=1)
    assert fetch.fetch(url, path) == 288_000  # from the start, since it is another file now
    assert path.read_bytes()[10:] == content_of("a.fits")[::-1][10:]


def test_damage_shows_by_the_published_checksum_only(server, tmp_path):
    server.behavior = {"a.fits": ["damaged"] * 2}
    digest = hashlib.sha1(content_of("a.fits")).hexdigest()
    with pytest.raises(fetch.FetchError, match=f"{digest} is published, 2 times"):
        fetch.fetch(f"{server.url}/a.fits", tmp_path / "a.fits", digest, tries=2)
    assert list(tmp_path.iterdir()) == []
    fetch.fetch(f"{server.url}/a.fits", tmp_path / "a.fits", digest)


def test_pauses_grow_and_heed_the_server(server, tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr(fetch.time, "sleep", pauses.append)
    server.behavior = {"a.fits": ["500", "500", "500", "503"]}
    fetch.fetch(f"{server.url}/a.fits", tmp_path / "a.fits")
    for pause, shortest in zip(pauses, (1, 2, 4, 8), strict=True):
        assert shortest <= pause <= 1.5 * shortest
    server.behavior = {"b.fits": ["503"]}
    fetch.fetch(f"{server.url}/b.fits", tmp_path / "b.fits")
    assert 2 <= pauses[-1] <= 3  # Retry-After: 2


def test_a_server_that_is_not_there_is_told_at_once_and_ends_the_work(settings, capsys):
    from dataclasses import replace

    gone = replace(settings, base_url="http://127.0.0.1:9/sas")
    sentence = r"none of the first 3 files .* 127.0.0.1:9 cannot be reached \(.*refused\), 6 times;"
    with pytest.raises(InputError, match=sentence):
        download(gone)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert lines == ["cannot reach 127.0.0.1:9: Connection refused; trying again"]
    assert captured.out == ""
    assert not [path for path in settings.out.rglob("*") if path.is_file()]


def test_fewer_files_than_that_are_told_one_by_one(settings, server, tmp_path):
    two = write_catalog(tmp_path / "two.fits", KEYS[:2], superset([3, 3]))
    gone = Config("dr12", two, tmp_path / "d", base_url="http://127.0.0.1:9/sas")
    with pytest.raises(InputError, match=r"2 of 2 files .* because 127.0.0.1:9 cannot be reached"):
        download(gone)
    server.behavior = {name_of(key): ["never"] for key in KEYS}
    assert len(download(settings).missing) == len(KEYS)  # an answer, though a sad one


def test_the_remark_counts_what_came_and_what_did_not(server, settings, capsys, monkeypatch):
    monkeypatch.setattr("spectranet_jax.progress.SILENT", 0.0)
    server.behavior = {name_of(KEYS[0]): ["403"], name_of(KEYS[1]): ["never"]}
    with pytest.raises(InputError, match=r"1 of 9 files could not be fetched"):
        download(settings)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "fetching files: 9/9 7 fetched, 1 failed, 1 missing"


def test_a_spectrum_is_no_list_of_what_to_fetch(tmp_path):
    spec = write_spec(tmp_path / "spec.fits", key_in="table")
    with pytest.raises(InputError, match=r"spec.fits is a spectrum, not a catalog"):
        download(Config("dr12", spec, tmp_path / "d"))


@pytest.mark.parametrize(
    ("wanted", "kind", "release", "expected"),
    [
        (
            Wanted(266, 51602, 7),
            "spec-lite",
            "dr16",
            [
                f"dr16/sdss/spectro/redux/{run}/spectra/lite/0266/spec-0266-51602-0007.fits"
                for run in ("26", "103", "104")
            ],
        ),
        (
            Wanted(10656, 58163, 366),
            "spec",
            "dr16",
            ["dr16/eboss/spectro/redux/v5_13_0/spectra/10656/spec-10656-58163-0366.fits"],
        ),
        (
            Wanted(7102, 56666, 0),
            "spPlate",
            "dr17",
            ["dr17/eboss/spectro/redux/v5_13_2/7102/spPlate-7102-56666.fits"],
        ),
        (
            Wanted(2878, 54465, 255, "103"),
            "spec-lite",
            "dr17",
            ["dr17/sdss/spectro/redux/103/spectra/lite/2878/spec-2878-54465-0255.fits"],
        ),
    ],
)
def test_where_the_archive_keeps_a_file(wanted, kind, release, expected):
    assert list(archive.addresses(wanted, kind, release, "b/")) == [f"b/{e}" for e in expected]


def test_plates_are_fetched_once_and_runs_follow_the_catalog(server, tmp_path):
    columns = {"RUN2D": ["v5_13_2 ", "v5_13_2 ", "26      ", "damaged "]}
    keys = [(7102, 56666, 1), (7102, 56666, 2), (266, 51602, 3), (7103, 56666, 1)]
    catalog = write_catalog(tmp_path / "c.fits", keys, columns)
    catalog.write_bytes(catalog.read_bytes().replace(b"damaged", b"d\xe1maged"))
    settings = Config("dr17", catalog, tmp_path / "d", files="spPlate", base_url=server.url)
    assert download(settings).fetched == 3
    assert sorted(path for path, _ in server.requests) == [
        "/sas/dr17/eboss/spectro/redux/v5_13_2/7102/spPlate-7102-56666.fits",
        "/sas/dr17/eboss/spectro/redux/v5_13_2/7103/spPlate-7103-56666.fits",
        "/sas/dr17/sdss/spectro/redux/26/0266/spPlate-0266-51602.fits",
    ]


def test_a_catalog_without_plates_is_told(tmp_path):
    from astropy.io import fits

    path = tmp_path / "c.fits"
    fits.HDUList([fits.PrimaryHDU(), table({"TARGETID": np.int64([1])})]).writeto(path)
    with pytest.raises(InputError, match="has no table with PLATE, MJD and FIBERID"):
        download(Config("dr12", path, tmp_path / "d"))
    with pytest.raises(InputError, match="connections 40 is not from 1 to 16"):
        download(Config("dr12", path, tmp_path / "d", connections=40))


def test_names_are_those_of_the_reader():
    from spectranet_jax.readers.sdss_spec import name_of
    from spectranet_jax.spectra.identity import FIBER

    for key in itertools.chain(KEYS, [(266, 51602, 7)]):
        name = name_of(dict(zip(FIBER, key, strict=True)))
        assert name_of(key) == f"spec-{name}.fits"
        assert Path(name_of(key)).suffix == ".fits"
