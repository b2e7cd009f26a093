"""A bucket of an S3-compatible service: objects read, written and listed, within limits of time and size.

What goes wrong is told in our own words: a service's answer, and the client's account of it, can hold what a request
was signed with.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from armslength.store.failure import StorageFailed, StoreError
from armslength.store.public_place import Bucket
from armslength.store.s3_credentials import read_s3_credentials

if TYPE_CHECKING:
    from obstore.store import S3Store

CONNECT_SECONDS, ANSWER_SECONDS, RETRIES, RETRY_SECONDS = 3, 10, 2, 15
"""For one request; a bucket that is away is given up after some 30 s, and asked again later."""
MOST_BYTES = 64_000_000
"""More is no object of a log."""

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An object's bytes, and the tag of exactly this version."""

    data: bytes
    tag: str | None


class S3Bucket:
    """Any number of threads may use it."""

    def __init__(self, place: Bucket) -> None:
        """Raises `StoreError` where the extra `s3` is not installed."""
        try:
            import obstore  # noqa: PLC0415
        except ImportError:
            raise StoreError(f"{place}: pip install 'armslength[s3]' writes to buckets") from None
        self.place = place
        self._client: Any = obstore
        self._lock = threading.Lock()
        self._open: S3Store | None = None

    def get(self, name: str) -> Held | None:
        """None if there is none. Raises `StorageFailed`."""

        def read(store: S3Store) -> Held:
            found = self._client.get(store, name)
            if found.meta["size"] > MOST_BYTES:
                raise StorageFailed(f"{self.place / name}: has {found.meta['size']} bytes, which nothing of a log has")
            return Held(data=bytes(found.bytes()), tag=found.meta.get("e_tag"))

        return self._done(name, read, missing=None)

    def modified(self, name: str) -> float | None:
        """When it was written, in POSIX seconds; None if there is none. Raises `StorageFailed`."""

        def read(store: S3Store) -> float:
            found: dt.datetime = self._client.head(store, name)["last_modified"]
            return found.timestamp()

        return self._done(name, read, missing=None)

    def put(
        self, name: str, data: bytes, *, media: str, caching: str, mode: str | dict[str, str] = "overwrite"
    ) -> bool:
        """`mode`: `overwrite`; `create`, only if there is none; a tag, only in place of exactly that version. Whether
        it was written. Raises `StorageFailed`."""
        from obstore.exceptions import AlreadyExistsError, PreconditionError  # noqa: PLC0415

        def write(store: S3Store) -> bool:
            said = {"Content-Type": media, "Cache-Control": caching}
            try:
                self._client.put(store, name, data, mode=mode, attributes=said, use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
            return True

        return self._done(name, write)

    def delete(self, names: list[str]) -> None:
        """Raises `StorageFailed`."""
        if names:
            self._done(names[0], lambda store: self._client.delete(store, names))

    def names(self, prefix: str) -> Iterator[str]:
        """The names that begin with a whole path, a thousand at a time. Raises `StorageFailed`."""
        listing = self._done(prefix, lambda store: iter(self._client.list(store, prefix=prefix, chunk_size=1000)))
        while (batch := self._done(prefix, lambda store: next(listing, None))) is not None:
            yield from (each["path"] for each in batch)

    def _done(self, name: str, work: Callable[[S3Store], T], **missing: T) -> T:
        from obstore.exceptions import BaseError  # noqa: PLC0415

        try:
            return work(self._store())
        except FileNotFoundError as error:
            if "missing" in missing and "NoSuchBucket" not in str(error):
                return missing["missing"]
            raise StorageFailed(f"{self.place}: the service knows no such bucket") from None
        except BaseError as error:
            problem = _said(error)
            if problem.refused:
                with self._lock:
                    self._open = None  # credentials that were renewed meanwhile are read next time
            raise StorageFailed(f"{self.place / name}: {problem.words}") from None

    def _store(self) -> S3Store:
        with self._lock:
            if self._open is None:
                self._open = _connected(self.place)
            return self._open


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    words: str
    refused: bool


def _said(error: Exception) -> _Said:
    """In words that hold nothing of the request."""
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError  # noqa: PLC0415

    text = str(error)
    status, code = _STATUS.search(text), _CODE.search(text)
    told = "".join(f" {found[1]}" for found in (status, code) if found is not None)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return _Said(words=f"the service does not let us:{told or ' it gave no reason'}", refused=True)
    if status is not None:
        return _Said(words=f"the service failed:{told}", refused=False)
    return _Said(words="the service did not answer in time, or not like S3", refused=False)


def _connected(place: Bucket) -> S3Store:
    from obstore.store import S3Store  # noqa: PLC0415

    settings: dict[str, Any] = {} if place.credentials is None else read_s3_credentials(place.credentials)
    if place.endpoint is not None:
        # The bucket in the path: services of one's own seldom have a name for each.
        settings |= {"endpoint": place.endpoint, "virtual_hosted_style_request": False}
    if place.region is not None:
        settings["region"] = place.region
    client: Any = {"connect_timeout": f"{CONNECT_SECONDS}s", "timeout": f"{ANSWER_SECONDS}s"}
    if (place.endpoint or os.environ.get("AWS_ENDPOINT_URL", "")).startswith("http:"):
        client["allow_http"] = True
    try:
        return S3Store(
            place.name,
            prefix=place.prefix or None,
            client_options=client,
            retry_config={"max_retries": RETRIES, "retry_timeout": dt.timedelta(seconds=RETRY_SECONDS)},
            **settings,
        )
    except Exception as error:
        raise StoreError(f"{place}: the settings for S3 are not taken ({type(error).__name__})") from None
