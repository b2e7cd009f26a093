"""Asks a SCIM 2.0 service (RFC 7644) for all its users or groups, page by page, and trusts nothing of what it says
about how many there are.

By cursor (RFC 9865) where the service says that it has them, else by start index. A list that is cut short, comes twice
or never ends is an error, since half a directory looks like a small firm. The token goes to this host only, over TLS,
and stands in no message.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

from armslength.store.exchange import Exchange, NoReply, Reply
from armslength.store.failure import StoreError

PAGE = 200
"""Resources that are asked for at once; a service may give fewer."""
TIMEOUT = 60.0
"""Seconds for a whole page."""
MOST_BYTES = 64_000_000
"""Of a page: one group of half a million members takes as much."""
MOST_IN_ALL = 1_000_000_000
"""Bytes of all pages, as of a document that is given: they are kept until the last is there."""
MOST_RESOURCES = 2_000_000
MOST_REQUESTS = 100_000
TRIES = 5
"""Of a page, where the service says that it is busy (429, 503)."""
LONGEST_WAIT = 60
"""Seconds between two tries, whatever the service asks for."""


class ScimFailed(StoreError):
    """The service did not give all of it. The message has no token and nothing of any user."""


class ScimClient:
    """One service. `base` is the address below which Users and Groups lie, such as https://idp.example/scim/v2."""

    def __init__(
        self,
        base: str,
        token: str | None,
        *,
        timeout: float = TIMEOUT,
        most_bytes: int = MOST_BYTES,
        most_in_all: int = MOST_IN_ALL,
        page: int = PAGE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises `ScimFailed` where the address would show the token, or the token is none."""
        self._base = _address(base)
        if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
            raise ScimFailed("the token is none: expected one line of ASCII characters without spaces")
        self._token, self._timeout, self._most, self._page, self._sleep = token, timeout, most_bytes, page, sleep
        self._most_in_all = most_in_all
        self._exchange = Exchange(connections=1)
        self._by_cursor: bool | None = None
        self._asked = self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exchange.close()

    def pages(self, kind: str) -> Iterator[bytes]:
        """Every page of `Users` or `Groups`, as the service wrote it.

        Raises `ScimFailed` as soon as it is clear that this will not be all of them.
        """
        if self._by_cursor is None:
            self._by_cursor = self._has_cursors()
        if self._by_cursor and self._get(f"/{kind}?count=1&cursor=").status == 400:
            self._by_cursor = False  # it has them elsewhere only
        walk = self._walk_cursors if self._by_cursor else self._walk_index
        yield from walk(kind)

    def _walk_index(self, kind: str) -> Iterator[bytes]:
        seen = _Seen(kind)
        start = 1
        while True:
            body, page = self._list(kind, f"?startIndex={start}&count={self._page}")
            total, resources = page.get("totalResults"), _resources(kind, page)
            if not isinstance(total, int) or isinstance(total, bool) or total < 0:
                raise ScimFailed(f"{kind}: the service does not say how many there are (totalResults)")
            seen.add(resources)
            if seen.count > total:
                raise ScimFailed(f"{kind}: the service says that there are {total:,} and gave {seen.count:,}")
            if not resources:
                # An empty page past the end is the only proof that there is no more than was said.
                if seen.count < total:
                    raise ScimFailed(f"{kind}: the service says that there are {total:,} and gave {seen.count:,}")
                if start == 1:
                    yield body
                return
            yield body
            start += len(resources)

    def _walk_cursors(self, kind: str) -> Iterator[bytes]:
        seen, cursor, cursors, total = _Seen(kind), "", set[str](), None
        while True:
            body, page = self._list(kind, f"?count={self._page}&cursor={quote(cursor, safe='')}")
            seen.add(_resources(kind, page))
            total = page.get("totalResults", total)
            yield body
            following = page.get("nextCursor")
            if not following:
                break
            if not isinstance(following, str) or following in cursors:
                raise ScimFailed(f"{kind}: the service gave the same cursor twice: its list would never end")
            cursors.add(following)
            cursor = following
        if isinstance(total, int) and total != seen.count:
            raise ScimFailed(f"{kind}: the service says that there are {total:,} and gave {seen.count:,}")

    def _has_cursors(self) -> bool:
        """What the service says of itself (RFC 9865 section 4); one that says nothing has none."""
        reply = self._get("/ServiceProviderConfig")
        if reply.status != 200:
            return False
        try:
            pagination = json.loads(reply.body).get("pagination") or {}
            return pagination.get("cursor") is True
        except (ValueError, AttributeError, RecursionError):
            return False

    def _list(self, kind: str, query: str) -> tuple[bytes, dict[str, object]]:
        reply = self._get(f"/{kind}{query}")
        if reply.status != 200:
            raise ScimFailed(f"{kind}: {self._words(reply)}")
        self._read += len(reply.body)
        if self._read > self._most_in_all:
            raise ScimFailed(f"{kind}: the service's lists have more than {self._most_in_all:,} bytes")
        try:
            page = json.loads(reply.body)
        except (ValueError, RecursionError) as error:
            raise ScimFailed(f"{kind}: the service answered with what is no JSON: {str(error)[:100]}") from None
        if not isinstance(page, dict):
            raise ScimFailed(f"{kind}: the service answered with what is no list of SCIM: is the address its base?")
        return reply.body, page

    def _get(self, path: str) -> Reply:
        headers = {"Accept": "application/scim+json, application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        again = 0
        while True:
            self._asked += 1
            if self._asked > MOST_REQUESTS:
                raise ScimFailed(f"the service was asked {MOST_REQUESTS:,} times, and its lists did not end")
            reply = self._exchange.get(f"{self._base}{path}", timeout=self._timeout, limit=self._most, headers=headers)
            if isinstance(reply, NoReply):
                raise ScimFailed(f"{path.partition('?')[0]}: {self._hidden(reply.reason)}")
            if reply.status not in (429, 503) or again + 1 == TRIES:
                return reply
            after = reply.headers.get("retry-after", "")
            plain = after.isascii() and after.isdigit() and len(after) < 6
            self._sleep(min(int(after) if plain else 2**again, LONGEST_WAIT))
            again += 1

    def _words(self, reply: Reply) -> str:
        match reply.status:
            case 401:
                return "the service did not accept the token (401)"
            case 403:
                return "the token may not read this (403)"
            case 404:
                return "not found (404): is the address the base of the service, such as https://HOST/scim/v2?"
            case status if 300 <= status < 400:
                return f"answered {status}, a redirect, which is not followed: the token is for this host only"
        line = reply.body[:2000].decode("utf-8", "replace").strip().partition("\n")[0]
        shown = "".join(char if char.isprintable() else "�" for char in self._hidden(line))[:200]
        return f"answered {reply.status}" + (f": {shown}" if shown else "")

    def _hidden(self, text: str) -> str:
        """Some services repeat in an error what they were sent."""
        return text.replace(self._token, "…") if self._token else text


class _Seen:
    """Ids that came: a list that begins again would else never end, and one that overlaps has a hole elsewhere."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._ids: set[str] = set()

    @property
    def count(self) -> int:
        return len(self._ids)

    def add(self, resources: list[object]) -> None:
        for resource in resources:
            id = resource.get("id") if isinstance(resource, dict) else None
            if not isinstance(id, str) or not id:
                raise ScimFailed(f"{self._kind}: the service gave a resource without an id")
            if id in self._ids:
                told = "gave one twice, so another may be missing: expected a list that does not change meanwhile"
                raise ScimFailed(f"{self._kind}: the service {told}; try again")
            self._ids.add(id)
        if self.count > MOST_RESOURCES:
            raise ScimFailed(f"{self._kind}: the service gave more than {MOST_RESOURCES:,}")


def _resources(kind: str, page: dict[str, object]) -> list[object]:
    found = page.get("Resources")
    if found is None:
        return []
    if not isinstance(found, list):
        raise ScimFailed(f"{kind}: the service's Resources are no list")
    return found


def _address(base: str) -> str:
    try:
        parts = urlsplit(base)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host or parts.port == 0:
            raise ValueError
        if not base.isascii() or not base.isprintable() or " " in base:
            raise ValueError
    except ValueError:
        # What stands before an @ may be a password, however the rest is misspelt.
        shown = "…@" + base.rpartition("@")[2] if "@" in base else base
        raise ScimFailed(f"{shown[:200]!r} is no address: expected one such as https://HOST/scim/v2") from None
    if parts.username is not None or "?" in base or "#" in base:
        raise ScimFailed("the address has more than a host and a path: expected one such as https://HOST/scim/v2")
    if parts.scheme == "http" and not _here(host):
        raise ScimFailed("the token would go over the network unprotected: expected https://")
    return base.rstrip("/")


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
