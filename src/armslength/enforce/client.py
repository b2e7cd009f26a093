"""Asks the gate, over HTTP: for leave, for its keys, its list and its routes; and brings it uses that waited.

No redirect is followed and no proxy is taken from the environment. An answer that is not what the protocol says is no
answer (`Unreachable`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import urllib3

from armslength import __version__
from armslength.enforce.act import Act
from armslength.enforce.failure import Unreachable
from armslength.enforce.settings import PointSettings
from armslength.enforce.spool import SpooledUse
from armslength.gate import LeaseId, Moment, Refused, Rejected, Routes, Why, is_id, parse_jwks, parse_moment
from armslength.tlog import Json, format_base64url

MOST_BYTES = 8 * 1024 * 1024
"""Of an answer."""
MOST_USES = 500
"""That are sent at once."""
CONNECTIONS = 32
_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """The gate's yes, which it has recorded. `lease` and `end` are None for standing access; `token` is the lease as
    the gate signed it, if it gave it."""

    lease: LeaseId | None
    end: Moment | None
    token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """All of the uses were answered to. `problems`: what the gate says of those that do not fit their lease, or are
    none (`turned_away`), in words for the operator."""

    problems: tuple[str, ...]
    turned_away: int


class GateClient:
    """Connections to one gate, kept open; any number of threads may use them."""

    def __init__(self, settings: PointSettings) -> None:
        self._url, self._seconds = settings.url.rstrip("/"), settings.timeout_seconds
        more: dict[str, Any] = {}
        if settings.authority is not None:
            more["ca_certs"] = str(settings.authority)
        self._pool = urllib3.PoolManager(
            retries=False,
            maxsize=CONNECTIONS,
            headers={"User-Agent": f"armslength/{__version__}", "Authorization": f"Bearer {settings.secret}"},
            **more,
        )

    def close(self) -> None:
        self._pool.clear()

    def redeem(self, act: Act, *, use: bytes, token: str | None) -> Redeemed | Refused:
        """The gate's answer to one act. `use` is 16 bytes of chance for this act alone: where the connection breaks it
        is asked once more with the same, which is the same use. Raises `Unreachable`."""
        asked: dict[str, Json] = {
            "executor": act.person,
            "action": act.action,
            "resource": {"type": act.resource.type, "id": act.resource.id},
            "customers": list(act.customers),
            "use": format_base64url(use),
        }
        if token is not None:
            asked["lease"] = token
        if act.context:
            asked["context"] = dict(act.context)
        body = json.dumps(asked, separators=(",", ":")).encode()
        try:
            return _redeemed(_json("/gate/v1/redeem", *self._asked("POST", "/gate/v1/redeem", body)))
        except _Broken:
            return _redeemed(_json("/gate/v1/redeem", *self._asked("POST", "/gate/v1/redeem", body)))

    def send(self, uses: Sequence[SpooledUse]) -> Sent:
        """Bring uses that were spooled. Raises `Unreachable`: then send all of them again; each is recorded once."""
        problems: list[str] = []
        away = 0
        waiting = [uses[start : start + MOST_USES] for start in range(0, len(uses), MOST_USES)]
        while waiting:
            some = waiting.pop(0)
            asked: dict[str, Json] = {"uses": [use.form() for use in some]}
            status, body = self._asked("POST", "/gate/v1/uses", json.dumps(asked, separators=(",", ":")).encode())
            if status != 400:
                problems += _problems(_json("/gate/v1/uses", status, body), len(some))
            elif len(some) > 1:  # one of them must not keep the others from being recorded
                waiting = [[use] for use in some] + waiting
            else:
                problems.append(_odd("/gate/v1/uses", status, body))
                away += 1
        return Sent(problems=tuple(problems), turned_away=away)

    def post(self, path: str, form: Mapping[str, Json]) -> tuple[int, Json]:
        """The gate's answer to what a point of a special kind brings. Raises `Unreachable` where it is neither 200 nor
        400, whose body is then None."""
        status, body = self._asked("POST", path, json.dumps(form, separators=(",", ":")).encode())
        return (status, None) if status == 400 else (status, _json(path, status, body))

    def standing(self, leases: Sequence[LeaseId]) -> dict[LeaseId, Refused | None]:
        """Why what each of these leases opened has to end now, None where it may go on. Raises `Unreachable`."""
        asked: dict[str, Json] = {"leases": list(leases)}
        body = json.dumps(asked, separators=(",", ":")).encode()
        answer = _json("/gate/v1/standing", *self._asked("POST", "/gate/v1/standing", body))
        rows = answer.get("standing") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or len(rows) != len(leases):
            raise Unreachable("the gate's answer is not about the leases that were asked about")
        found: dict[LeaseId, Refused | None] = {}
        for lease, row in zip(leases, rows, strict=True):
            if not isinstance(row, dict) or row.get("lease") != lease or not isinstance(row.get("stands"), bool):
                raise Unreachable("the gate's answer is not about the leases that were asked about")
            found[lease] = None if row["stands"] else _refused(row)
        return found

    def revocations(self) -> str:
        """The signed list, not verified yet. Raises `Unreachable`."""
        status, body = self._asked("GET", "/gate/v1/revocations", None)
        if status != 200:
            raise Unreachable(_odd("/gate/v1/revocations", status, body))
        try:
            return body.decode("ascii").strip()
        except UnicodeDecodeError:
            raise Unreachable("the gate's list is not text") from None

    def keys(self) -> dict[str, bytes]:
        """The gate's public keys by name. Raises `Unreachable`."""
        try:
            return parse_jwks(self._got("/access/v1/jwks"))
        except Rejected as error:
            raise Unreachable(f"the gate's keys: {error}") from None

    def routes(self, known: Routes | None) -> Routes:
        """The routes of the estate that holds; `known` again where they are the same. Raises `Unreachable`."""
        answer = self._got("/gate/v1/routes")
        form = answer.get("routes") if isinstance(answer, dict) else None
        if known is not None and known.form() == form:
            return known
        try:
            return Routes.parse(form)
        except Rejected as error:
            raise Unreachable(f"the gate's routes: {error}"[:500]) from None

    def _got(self, path: str) -> Json:
        return _json(path, *self._asked("GET", path, None))

    def _asked(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        end = time.monotonic() + self._seconds
        headers = {**self._pool.headers, **({} if body is None else {"Content-Type": "application/json"})}
        try:
            response = self._pool.request(
                method,
                self._url + path,
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(total=self._seconds),
            )
            parts, size = [], 0
            try:
                while part := _part(response):
                    parts.append(part)
                    size += len(part)
                    if size > MOST_BYTES or time.monotonic() > end:
                        raise Unreachable(f"the gate's answer to {path} is too long, or too slow")
            except BaseException:
                response.close()
                raise
            response.release_conn()
        except urllib3.exceptions.ProtocolError as error:  # a connection that was kept may be closed by now
            raise _Broken(f"the connection to the gate broke at {path}") from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Unreachable(f"no answer from the gate to {path}: {type(error).__name__}") from error
        return response.status, b"".join(parts)


class _Broken(Unreachable):
    """The connection ended before the answer did."""


def _part(response: urllib3.BaseHTTPResponse) -> bytes:
    """What has come, without waiting for more of it."""
    return response.read1(_CHUNK) if isinstance(response, urllib3.HTTPResponse) else response.read(_CHUNK)


def _json(path: str, status: int, body: bytes) -> Json:
    if status != 200:
        raise Unreachable(_odd(path, status, body))
    try:
        found: Json = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreachable(f"the gate's answer to {path} is not JSON") from None
    return found


def _odd(path: str, status: int, body: bytes) -> str:
    line = body[:300].decode("utf-8", "replace").strip().partition("\n")[0]
    return f"the gate answered {status} to {path}: {''.join(c if c.isprintable() else '?' for c in line)}"


def _redeemed(answer: Json) -> Redeemed | Refused:
    decision = answer.get("decision") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(decision, bool):
        raise Unreachable("the gate's answer says neither yes nor no")
    if not decision:
        return _refused(answer)
    lease, until, token = answer.get("lease"), answer.get("until"), answer.get("token")
    if lease is None:
        return Redeemed(lease=None, end=None, token=None)
    try:
        if not isinstance(lease, str) or not is_id(lease, "lease"):
            raise Rejected(["the lease has no id"])
        end = parse_moment(str(until))
    except Rejected as error:
        raise Unreachable(f"the gate's yes: {error}") from None
    return Redeemed(lease=LeaseId(lease), end=end, token=token if isinstance(token, str) else None)


def _refused(answer: Mapping[str, Json]) -> Refused:
    reason, says = answer.get("why"), answer.get("says")
    try:
        why = Why(str(reason))
    except ValueError:  # of a newer gate
        why = Why.ERROR
    return Refused(why=why, says=str(says)[:1000] if isinstance(says, str) else "the gate did not allow it")


def _problems(answer: Json, count: int) -> list[str]:
    taken = answer.get("taken") if isinstance(answer, dict) else None
    if not isinstance(taken, list) or len(taken) != count or not all(isinstance(each, dict) for each in taken):
        raise Unreachable("the gate's answer is not about the uses that were sent")
    return [f"{each.get('use')}: {each['problem']}"[:300] for each in taken if each.get("problem") is not None]
