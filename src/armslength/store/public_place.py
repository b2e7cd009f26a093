"""Where a log is published, if that is no folder: a bucket of an S3-compatible service, and a prefix in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from armslength.store.failure import StoreError

SCHEME = "s3://"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_REGION = re.compile(r"[a-z0-9-]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """`endpoint`, `region`: None for what the environment says (`AWS_ENDPOINT_URL`, `AWS_REGION`), else AWS's own.
    `credentials`: the file they are in, None for the environment's."""

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    credentials: Path | None = None

    def __str__(self) -> str:
        return f"{SCHEME}{self.name}/{self.prefix}".rstrip("/")

    def __truediv__(self, name: str) -> str:
        """What stands at a path in it, for a message."""
        return f"{self}/{name}"


def is_bucket(said: str) -> bool:
    return said.startswith(SCHEME)


def parse_bucket(
    said: str, *, endpoint: str = "", region: str = "", credentials: Path | None = None
) -> tuple[Bucket | None, list[str]]:
    """`s3://BUCKET/PREFIX`, or everything that is wrong with it and with the rest."""
    problems = []
    name, _, prefix = said.removeprefix(SCHEME).partition("/")
    words = prefix.strip("/").split("/") if prefix.strip("/") else []
    if not is_bucket(said) or not _BUCKET.fullmatch(name) or ".." in name:
        problems.append(f"{said!r}: expected s3://BUCKET/PREFIX")
    elif not all(_WORD.fullmatch(word) for word in words):
        problems.append(f"{said!r}: expected words of letters, digits, dots, dashes and underscores in the prefix")
    if endpoint and not _is_endpoint(endpoint):
        problems.append(f"the endpoint {endpoint!r}: expected http:// or https:// and a host, and no credentials")
    if region and not _REGION.fullmatch(region):
        problems.append(f"the region {region!r}: expected its name")
    if problems:
        return None, problems
    place = Bucket(
        name=name,
        prefix="/".join(words),
        endpoint=endpoint.rstrip("/") or None,
        region=region or None,
        credentials=credentials,
    )
    return place, []


def bucket_of(said: str, *, endpoint: str, region: str, credentials: Path | None) -> Bucket:
    """As `parse_bucket`. Raises `StoreError`."""
    place, problems = parse_bucket(said, endpoint=endpoint, region=region, credentials=credentials)
    if place is None:
        raise StoreError("\n".join(problems))
    return place


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(
            parts.scheme in ("http", "https")
            and parts.hostname
            and parts.port != 0
            and "@" not in parts.netloc
            and not (parts.path.strip("/") or parts.query or parts.fragment)
        )
    except ValueError:
        return False
