"""Pages as files: one, or several with an index, and a server for this machine alone."""

import html
from collections.abc import Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote

from spectranet_jax.datasets.atomic import write_text
from spectranet_jax.inspection.page import Content, Look, page
from spectranet_jax.spectra.errors import InputError

LARGEST = 1000
"""Maximum of spectra on a page."""

LOCAL = "127.0.0.1"


def write(
    content: Content, out: Path, look: Look, fingerprint: str, largest: int = LARGEST
) -> list[Path]:
    """Write the pages of spectra to inspect.

    Args:
        content: n spectra; more than `largest` go on several pages, and `out` is their index.
        out: HTML file.
        look: how pages present spectra.
        fingerprint: of the catalog.
        largest: spectra on a page, at most.

    Returns:
        the files, the one to open first.
    """
    files = paths(out, len(content), largest)
    files = files[1:] or files
    size = -(-len(content) // len(files))
    parts = [content.part(i * size, (i + 1) * size) for i in range(len(files))]
    listed = [(path.name, len(part)) for path, part in zip(files, parts, strict=True)]
    for number, (part, path) in enumerate(zip(parts, files, strict=True)):
        page_look = Look(look.title, look.blind, look.thumbnails, listed, number)
        write_text(path, page(part, page_look, fingerprint))
    if out not in files:
        write_text(out, index(look, listed))
        return [out, *files]
    return files


def paths(out: Path, count: int, largest: int = LARGEST) -> list[Path]:
    """Return the files that `write` makes of `count` spectra: a page, or an index and its pages."""
    number = -(-count // largest)
    if number <= 1:
        return [out]
    return [out, *(out.with_name(f"{out.stem}-{i + 1:02d}{out.suffix}") for i in range(number))]


def index(look: Look, listed: Sequence[tuple[str, int]]) -> str:
    """Return the HTML of a list of pages, the least sure spectra first unless the look is blind."""
    title = html.escape(look.title)
    order = "" if look.blind else "The least sure spectra are on the first page. "
    items = "\n".join(
        f'<li><a href="{quote(name)}">{html.escape(name)}</a>: {count} spectra</li>'
        for name, count in listed
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title>"
        "<style>body{font:16px/1.6 system-ui,sans-serif;max-width:44rem;margin:3rem auto}</style>"
        f"</head><body><h1>{title}</h1>"
        f"<p>{order}Answers are kept in the browser, and each page exports its own:"
        f" <code>spectranet merge-vi</code> makes one file of them.</p>"
        f"<ol>\n{items}\n</ol></body></html>\n"
    )


def serve(files: Sequence[Path], port: int) -> ThreadingHTTPServer:
    """Return a server of these files to this machine alone; call `serve_forever` on it.

    Args:
        files: the one at / first.
        port: 0 for any that is free.

    Raises:
        InputError: if the port cannot be used.
    """
    served = {f"/{path.name}": path for path in files} | {"/": files[0]}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = served.get(unquote(self.path.partition("?")[0]))
            # Another site's page could reach a server on localhost under another host name.
            host = self.headers.get("Host", "").partition(":")[0]
            if path is None or host not in (LOCAL, "localhost"):
                self.send_error(404)
                return
            content = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            if self.command != "HEAD":
                with suppress(ConnectionError):  # the browser has left the page
                    self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815  # as http.server names it

        def log_message(self, format: str, *args: object) -> None:
            del format, args  # the terminal shows only the address

    try:
        return ThreadingHTTPServer((LOCAL, port), Handler)
    except (OSError, OverflowError) as error:
        raise InputError(f"port {port} cannot be used ({error}); pass another --port") from error
