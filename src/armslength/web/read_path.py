"""What anyone may read of a log, over HTTP (c2sp.org/tlog-tiles): the files of its public folder, and no others.

Any static server can take its place. This one serves a path only if it is the one spelling of a checkpoint, a tile, an
entry bundle, or another file that a log publishes; anything else is 404, whatever lies in the folder. Names are looked
up one by one without following a symbolic link, so that no path leads out of the folder.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from armslength.store import PublicStore, StoreError
from armslength.tlog import Entries, Malformed, Tile
from armslength.web.edge import LOG, Edge, named, told
from armslength.web.metrics import ReadMetrics

CHUNK = 65_536
"""Bytes read at a time; whatever is no longer goes out in one piece."""
FRESH = "max-age=3"
"""For what changes: a client must not be kept on an old checkpoint."""
FOREVER = "public, max-age=31536000, immutable"
"""For what is the same whenever it is there (tlog-tiles, Merkle Tree)."""

_TEXT, _BYTES, _HTML = "text/plain; charset=utf-8", "application/octet-stream", "text/html; charset=utf-8"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""For a page that computes by itself and talks to nobody."""
_CUSTOMER = re.compile(r"customer/[A-Za-z0-9_-]{43}/")
_MAP = re.compile(r"map/[a-z0-9][a-z0-9._-]{0,99}")
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A path that a log may serve: its kind, in a word for the log and the figures, and how it goes out."""

    kind: str
    path: str
    media: str
    caching: str

    @property
    def compressible(self) -> bool:
        return self.kind == "entries"


_OTHERS = {
    "checkpoint": Offered(kind="checkpoint", path="checkpoint", media=_TEXT, caching=FRESH),
    "policy": Offered(kind="policy", path="policy", media=_TEXT, caching=FRESH),
    "verify.html": Offered(kind="page", path="verify.html", media=_HTML, caching=FRESH),
}


def offered(path: str) -> Offered | None:
    """What stands at `path` in a log's public folder, if it is a path that logs have; None for any other."""
    if path in _OTHERS:
        return _OTHERS[path]
    if _MAP.fullmatch(path):
        return Offered(kind="map", path=path, media=_BYTES, caching=FRESH)
    customer = _CUSTOMER.match(path)
    rest = path[customer.end() :] if customer else path
    if customer and rest == "checkpoint":
        return Offered(kind="checkpoint", path=path, media=_TEXT, caching=FRESH)
    for kind, parse in (("entries", Entries.parse), ("tile", Tile.parse)):
        try:
            parse(rest)
        except Malformed:
            continue
        return Offered(kind=kind, path=path, media=_BYTES, caching=FOREVER)
    return None


def read_path_app(public: Path | PublicStore, metrics: ReadMetrics, *, seconds: float = 60.0) -> Starlette:
    """The app that serves the folder at `public`, or what is published elsewhere; an answer has `seconds` to be
    over."""

    async def read(request: Request) -> Response:
        # The path as it was sent: no path of a log needs an escape, so there is only one way to ask for each.
        raw = bytes(request.scope["raw_path"]).decode("ascii", "replace")
        asked = offered(raw.removeprefix("/")) if raw.startswith("/") else None
        named(request.scope, asked.kind if asked is not None else "other")
        response = await _served(public, asked, request) if asked is not None else told(404, "no such path in a log")
        metrics.served(asked.kind if asked is not None else "other", response.status_code)
        return response

    app = Starlette(
        routes=[Route("/{path:path}", read, methods=["GET"])], middleware=[Middleware(Edge, seconds=seconds)]
    )
    app.router.redirect_slashes = False
    return app


async def _passed_on(public: PublicStore, asked: Offered, request: Request) -> Response:
    """From a bucket, whole: its own URL serves it better."""
    try:
        data = await run_in_threadpool(public.read, asked.path)
    except StoreError as error:
        LOG.error("cannot read %s: %s", asked.kind, type(error).__name__)
        return told(500, "cannot be read")
    if data is None:
        return told(404, "not there")
    headers = {"Content-Type": asked.media, "Cache-Control": asked.caching}
    if asked.kind == "page":
        headers["Content-Security-Policy"] = _PAGE_POLICY
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(len(data))})
    return Response(data, headers=headers)


async def _served(public: Path | PublicStore, asked: Offered, request: Request) -> Response:
    if not isinstance(public, Path):
        return await _passed_on(public, asked, request)
    try:
        file, size, first = await run_in_threadpool(_opened, public, asked.path)
    except OSError as error:
        if error.errno in _GONE:
            return told(404, "not there")
        LOG.error("cannot read %s: %s", asked.kind, error.strerror)
        return told(500, "cannot be read")
    headers = {"Content-Type": asked.media, "Cache-Control": asked.caching}
    if asked.kind == "page":
        headers["Content-Security-Policy"] = _PAGE_POLICY
    compressed = False
    if asked.compressible:
        headers["Vary"] = "Accept-Encoding"
        compressed = _takes_gzip(request.headers.get("accept-encoding", ""))
    if compressed:
        headers["Content-Encoding"] = "gzip"
    elif request.method == "HEAD":
        headers["Content-Length"] = str(size)
    if request.method == "HEAD":
        file.close()
        return Response(headers=headers)
    if not compressed and len(first) == size:
        file.close()
        return Response(first, headers=headers)
    if not compressed:
        headers["Content-Length"] = str(size)
    return StreamingResponse(_pieces(file, first, size, compressed), headers=headers)


def _opened(public: Path, path: str) -> tuple[BinaryIO, int, bytes]:
    """The plain file at `path` below `public`, its size and its first piece. Raises `OSError`."""
    *folders, name = path.split("/")
    where = os.open(public, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            below = os.open(folder, flags, dir_fd=where)
            os.close(where)
            where = below
        # A pipe would be waited for.
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=where)
    finally:
        os.close(where)
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise OSError(errno.ENOENT, "no plain file")
    file = os.fdopen(handle, "rb", buffering=0)
    try:
        return file, status.st_size, file.read(CHUNK)
    except BaseException:
        file.close()
        raise


async def _pieces(file: BinaryIO, first: bytes, size: int, compressed: bool) -> AsyncIterator[bytes]:
    """The file's `size` bytes; as gzip if `compressed`."""
    packer = zlib.compressobj(wbits=31) if compressed else None
    with file:
        piece, left = first, size
        while piece and left > 0:
            piece = piece[:left]
            left -= len(piece)
            yield await run_in_threadpool(packer.compress, piece) if packer is not None else piece
            piece = await run_in_threadpool(file.read, CHUNK)
    if packer is not None:
        yield packer.flush()


def _takes_gzip(said: str) -> bool:
    for part in said.split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().lower() == "gzip":
            return re.fullmatch(r"\s*(q=0(\.0{0,3})?)\s*", weight) is None
    return False
