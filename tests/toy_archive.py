"""A local archive that does everything a server may do."""

import http.server
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from data_prep import fetch


def content_of(name: str) -> bytes:
    """Return bytes that begin and end like a FITS file, different for each name."""
    body = np.random.default_rng(len(name) + sum(name.encode())).bytes(100 * 2880 - 10)
    return b"SIMPLE  = " + body


class Server(http.server.ThreadingHTTPServer):
    """Serves any file by its name, and misbehaves as `behavior[name]` tells, once an entry.

    Files hold what `contents` has for their names, or else `content_of`.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behavior: dict[str, list[str]] = {}
        self.requests: list[tuple[str, str]] = []
        self.checksums: dict[str, str] = {}
        self.contents: dict[str, bytes] = {}
        self.lock = threading.Lock()
        self.now = self.most = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/sas"

    def handle_error(self, *_args) -> None:
        pass  # lost connections are the point


@contextmanager
def served(monkeypatch: Any) -> Iterator[Server]:
    """Yield the running archive, whose user does not wait between tries."""
    monkeypatch.setattr(fetch.time, "sleep", lambda _: None)
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield made
        finally:  # else the thread keeps a test that failed from ending
            made.shutdown()
            thread.join()


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
        content, etag = self.server.contents.get(name) or content_of(name), '"one"'
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
