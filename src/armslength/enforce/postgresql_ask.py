"""A person's side: makes a password, has the point make a role with its verifier, and knows how to connect."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

from armslength import __version__
from armslength.enforce.failure import NotAllowed, Unreachable
from armslength.enforce.postgresql_password import SALT_SIZE, scram_verifier
from armslength.enforce.unanswered import unanswered
from armslength.gate import Refused, Why

SECONDS = 30.0
"""For the point's answer, which waits for the gate and the database."""
AGAIN = 2
"""How often it is asked once more, for the same, where its answer was lost."""
MOST_BYTES = 65_536
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAccess:
    """`server` is how the point says it is reached (`host=… port=…`), perhaps empty; `until` when it ends."""

    role: str
    database: str
    server: str
    until: str
    password: str = field(repr=False)

    @property
    def connection(self) -> str:
        """For psql and drivers, without the password."""
        return f"{self.server} user={self.role} dbname={_value(self.database)}".strip()


def open_database(
    point: str,
    lease: str,
    *,
    customers: Sequence[str] = (),
    authority: Path | None = None,
    chance: Callable[[int], bytes] = secrets.token_bytes,
) -> DatabaseAccess:
    """Have the point at this URL open the database for a lease. Raises `NotAllowed`, `Unreachable`, and `ValueError`
    for a URL on which a lease should not travel."""
    parts = urlsplit(point)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError(f"the point's URL {point[:80]!r}: expected https:// and a host")
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise ValueError(f"the point's URL {point[:80]!r}: expected https, as your lease travels on it")
    password = base64.urlsafe_b64encode(chance(32)).decode().rstrip("=")
    form = {"lease": lease, "verifier": scram_verifier(password, chance(SALT_SIZE)), "customers": list(customers)}
    more: dict[str, Any] = {} if authority is None else {"ca_certs": str(authority)}
    with urllib3.PoolManager(retries=False, headers={"User-Agent": f"armslength/{__version__}"}, **more) as pool:
        status, answer = _asked(pool, point.rstrip("/") + "/open", json.dumps(form).encode())
    if status != 200:
        raise NotAllowed(_refused(answer, status))
    try:
        return DatabaseAccess(
            role=str(answer["role"]),
            database=str(answer["database"]),
            server=str(answer["server"]),
            until=str(answer["until"]),
            password=password,
        )
    except KeyError:
        raise Unreachable("the point's answer says nothing of a role") from None


def _asked(pool: urllib3.PoolManager, url: str, body: bytes) -> tuple[int, dict[str, Any]]:
    headers = {**pool.headers, "Content-Type": "application/json"}
    for left in reversed(range(AGAIN + 1)):
        try:
            response = pool.request("POST", url, body=body, headers=headers, redirect=False, timeout=SECONDS)
            if len(response.data) > MOST_BYTES:
                raise Unreachable("the point's answer is too long")
            found = json.loads(response.data)
            if not isinstance(found, dict):
                raise ValueError
            return response.status, found
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if not left or isinstance(error, urllib3.exceptions.SSLError):
                raise unanswered(url, error) from None
        except ValueError:
            raise Unreachable("the point's answer is no JSON object") from None
    raise AssertionError


def _refused(answer: dict[str, Any], status: int) -> Refused:
    try:
        why = Why(str(answer.get("why")))
    except ValueError:
        why = Why.ERROR
    says = answer.get("says")
    return Refused(why=why, says=says[:1000] if isinstance(says, str) else f"the point answered {status}")


def _value(text: str) -> str:
    """As a connection string quotes it."""
    plain = text.replace("_", "").replace("-", "").isalnum()
    return text if plain else "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
