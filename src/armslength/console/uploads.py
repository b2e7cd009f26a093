"""Documents that a browser sends: how many at a time, how much a day, and none before the form's token is seen.

The token is the first field of each form with files. What comes without it is not read on; for what comes with it there
are few places, because it is held in memory until it is stored, and each person has one of them at a time.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hmac
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from starlette.formparsers import MultiPartException
from starlette.requests import Request

from armslength.console.form import Form, parse_parts
from armslength.console.rates import Rate
from armslength.console.words import span_text
from armslength.gate import PersonId

UPLOAD_BYTES = 32 << 20
"""Of a form with files, all together."""
AT_ONCE = 8
"""Forms with files that are read or dealt with at a time."""
DAY_BYTES = 512 << 20
"""Of one person in a day."""
DAY = 86_400.0
SECONDS = 60.0
"""Until a form is there, from when it has its place."""
PATIENCE = 20.0
"""Seconds until its token is there, and that it then waits for a place, unread."""
DRAINED = 8
"""Times `UPLOAD_BYTES` that are let pass of what is too large."""
HEAD_BYTES = 1024
"""Within which the token has to stand."""
_TOKEN = re.compile(
    rb'--[^\r\n]{1,200}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n([A-Za-z0-9_-]{1,100})\r\n', re.IGNORECASE
)
"""How every browser begins a form whose first field is `csrf` (RFC 7578)."""


class NotTaken(Exception):
    """A form with files that is not taken; `seconds` after which it may be, where that helps."""

    def __init__(self, status: int, title: str, says: str, *, seconds: float | None = None) -> None:
        super().__init__(title)
        self.status, self.title, self.says, self.seconds = status, title, says, seconds


class Uploads:
    """Those of one console."""

    def __init__(self, *, at_once: int = AT_ONCE, day_bytes: int = DAY_BYTES, patience: float = PATIENCE) -> None:
        self._at_once, self._day_bytes, self._patience = at_once, day_bytes, patience
        self._bytes = Rate(burst=day_bytes, each=DAY / day_bytes)
        self._sending: set[PersonId] = set()
        self._waiting: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def taken(self, request: Request, person: PersonId, token: str) -> AsyncIterator[Form]:
        """The form, which has its place for as long as the block lasts. Raises `NotTaken`."""
        body = request.stream()
        head = await _head(body, token)
        claimed = request.headers.get("content-length", "")
        size = int(claimed) if claimed.isdigit() else UPLOAD_BYTES
        try:
            if size > UPLOAD_BYTES:
                raise _too_large()
            await self._come_in(person)
            if wait := self._bytes.wait(person, time.monotonic(), size):
                raise _enough(self._day_bytes, wait)
        except NotTaken:
            await _drain(body, min(size, DRAINED * UPLOAD_BYTES))
            raise
        with self._place(person):
            yield await self._read(request, person, head, body, size)

    async def _read(
        self, request: Request, person: PersonId, head: bytes, body: AsyncGenerator[bytes, None], size: int
    ) -> Form:
        """Counts what came, whatever became of it."""
        come = len(head)

        async def counted() -> AsyncGenerator[bytes, None]:
            nonlocal come
            yield head
            async for part in body:
                come += len(part)
                if come > size:
                    raise MultiPartException("more than was said")
                yield part

        try:
            async with asyncio.timeout(SECONDS):
                return await parse_parts(request, counted())
        except TimeoutError:
            says = f"they were not here within {SECONDS:.0f} s; send fewer or smaller ones, or from a better connection"
            raise NotTaken(408, "The documents came too slowly", says) from None
        except (MultiPartException, ValueError, KeyError):
            raise NotTaken(400, "The form cannot be read", "go back, load the page again, and repeat it") from None
        finally:
            self._bytes.take(person, time.monotonic(), min(come, size))

    async def _come_in(self, person: PersonId) -> None:
        """Wait until there is a place for this person, in the order of coming. Raises `NotTaken`."""
        try:
            async with asyncio.timeout(self._patience):
                while person in self._sending or len(self._sending) >= self._at_once:
                    free = asyncio.get_running_loop().create_future()
                    self._waiting.append(free)
                    try:
                        await free
                    finally:
                        self._waiting.remove(free)
        except TimeoutError:
            if person in self._sending:
                says = "others of yours are still on their way; wait until they are there, then go back and send these"
                raise NotTaken(429, "One form with documents at a time", says, seconds=self._patience) from None
            says = "many people send documents at this moment; go back and send yours again in a minute"
            raise NotTaken(503, "No place for documents just now", says, seconds=60) from None

    @contextmanager
    def _place(self, person: PersonId) -> Iterator[None]:
        # INVARIANT: nothing was waited for since `_come_in` found the place free, so it is free, and what the person
        # may send today is what it was.
        self._sending.add(person)
        try:
            yield
        finally:
            self._sending.discard(person)
            for each in self._waiting:
                if not each.done():
                    each.set_result(None)


async def _head(body: AsyncGenerator[bytes, None], token: str) -> bytes:
    """What came first, up to the form's token and the rest of what came with that. Raises `NotTaken`."""
    head = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            async for part in body:
                head += part
                found = _TOKEN.match(head)
                if found is not None and hmac.compare_digest(found[1], token.encode()):
                    return head
                if found is not None or len(head) >= HEAD_BYTES:
                    break
    raise NotTaken(403, "This page was too old", "go back, load it again, and repeat what you did")


async def _drain(body: AsyncGenerator[bytes, None], size: int) -> None:
    """Let pass what is still sent, so that whoever sent it reads the answer and no broken connection."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            async for part in body:
                size -= len(part)
                if size < 0:
                    return


def _too_large() -> NotTaken:
    says = f"the documents have more than {UPLOAD_BYTES >> 20} MB together; send fewer, or smaller ones"
    return NotTaken(413, "Too large", says)


def _enough(day_bytes: int, wait: float) -> NotTaken:
    says = (
        f"no more than {day_bytes >> 20} MB are taken of one person in a day; what you send now can be taken in"
        f" {span_text(dt.timedelta(seconds=wait))}. Send smaller documents, or ask a colleague to send them"
    )
    return NotTaken(429, "Too many documents for one day", says, seconds=wait)
