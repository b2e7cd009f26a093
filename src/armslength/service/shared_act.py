"""An act that one gate hands to another, which holds the writer's seat, and what that one answers.

Both lie in a database that neither believes, and that is to read nothing: each is sealed with a key that the gates
share and the database does not have. An act says at which versions its gate saw the objects that it was decided on, so
that the writer can refuse what was decided on something else than the ledger says by then; and when it was asked for,
so that one that is put there again later is nothing new. An answer is to one sealing of one act, and to no other.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from armslength.ledger import Json, Kind
from armslength.service.act import Act
from armslength.service.gate_row import KINDS, Object
from armslength.tlog import Malformed, canonical, parse_canonical

NONCE_SIZE = 12
TAG_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """`seen` are the versions of the objects that the act was decided on; 0 for one that was not there."""

    act: Act
    seen: Mapping[Object, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An act that the gate `site` handed over, and when it was asked for by that gate's clock, in POSIX seconds."""

    handed: Handed
    site: str
    asked: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """As it lies in the database. `mac` is the cipher's own."""

    body: bytes
    mac: bytes

    @property
    def digest(self) -> bytes:
        """Of this sealing: to seal the same once more gives another."""
        return sha256(self.body + self.mac).digest()


Turning = Literal["raced", "late", "wrong"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """The writer does not record it. `raced`: something else happened first to what it was decided on, so that whoever
    decides anew may ask anew. `late`: not as it was handed over; the same act may be asked for again. `wrong`: the act
    itself is at fault."""

    why: Turning
    says: str


class Sealer:
    """Seals acts and answers, and opens them."""

    def __init__(self, row_key: bytes, *, chance: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._cipher = AESGCM(hmac.digest(row_key, b"armslength gates seal acts", sha256))
        self._key = hmac.digest(row_key, b"armslength gates pledge", sha256)
        self._chance = chance

    def seal_act(self, handed: Handed, *, site: str, asked: float) -> Sealed:
        act = handed.act
        body = canonical(
            {
                "asked": int(1000 * asked),
                "customers": list(act.customers),
                "fields": {label: parse_canonical(value, label=label) for label, value in act.values.items()},
                "kind": act.kind.value,
                "seen": [[kind, id, version] for (kind, id), version in sorted(handed.seen.items())],
                "site": site,
            },
            label="handed act",
        )
        return self._sealed(body, b"act", act.id)

    def open_act(self, act: bytes, sealed: Sealed) -> Opened | None:
        """None for what no gate handed over as this act."""
        body = self._opened(sealed, b"act", act)
        if body is None:
            return None
        try:
            return _handed(act, parse_canonical(body, label="handed act"))
        except (Malformed, ValueError, KeyError, TypeError):
            return None  # of a gate that runs another version

    def seal_answer(self, act: bytes, to: Sealed, turned: Turned) -> Sealed:
        return self._sealed(canonical({"says": turned.says, "why": turned.why}, label="answer"), b"answer", act, to)

    def open_answer(self, act: bytes, to: Sealed, answer: Sealed) -> Turned | None:
        """None for what no gate answered to this sealing of this act."""
        body = self._opened(answer, b"answer", act, to)
        if body is None:
            return None
        said = parse_canonical(body, label="answer")
        if not isinstance(said, dict) or said.get("why") not in get_args(Turning):
            return None
        return Turned(why=said["why"], says=str(said.get("says")))

    def seal_pledge(self, size: int, milliseconds: int) -> bytes:
        """That the log has so many entries at this time (POSIX), as its writer knows."""
        body = b"%d %d" % (size, milliseconds)
        return body + b" " + self._mac(body).hex().encode()

    def open_pledge(self, pledge: bytes) -> tuple[int, int] | None:
        """Size and time; None for what no gate pledged."""
        body, _, mac = pledge.rpartition(b" ")
        if not hmac.compare_digest(mac, self._mac(body).hex().encode()):
            return None
        size, _, milliseconds = body.partition(b" ")
        return int(size), int(milliseconds)

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, sha256)

    def _sealed(self, body: bytes, what: bytes, act: bytes, to: Sealed | None = None) -> Sealed:
        nonce = self._chance(NONCE_SIZE)
        sealed = nonce + self._cipher.encrypt(nonce, body, _bound(what, act, to))
        return Sealed(body=sealed[:-TAG_SIZE], mac=sealed[-TAG_SIZE:])

    def _opened(self, sealed: Sealed, what: bytes, act: bytes, to: Sealed | None = None) -> bytes | None:
        if len(sealed.body) < NONCE_SIZE or len(sealed.mac) != TAG_SIZE:
            return None
        nonce, body = sealed.body[:NONCE_SIZE], sealed.body[NONCE_SIZE:]
        try:
            return self._cipher.decrypt(nonce, body + sealed.mac, _bound(what, act, to))
        except InvalidTag:
            return None


def _bound(what: bytes, act: bytes, to: Sealed | None) -> bytes:
    """What is sealed is of no use as anything else."""
    return what + b"\n" + act + (b"" if to is None else to.digest)


def _handed(act: bytes, said: Json) -> Opened:
    if not isinstance(said, dict):
        raise Malformed("a handed act is an object")
    fields, customers, seen, asked = said["fields"], said["customers"], said["seen"], said["asked"]
    if not isinstance(fields, dict) or not isinstance(customers, list) or not isinstance(seen, list):
        raise Malformed("a handed act has fields, customers and what was seen")
    if not isinstance(asked, int):
        raise Malformed("a handed act says when it was asked for")
    made = Act(id=act, kind=Kind(str(said["kind"])), fields=fields, customers=tuple(map(str, customers)))
    kinds = {str(kind): kind for kind in KINDS}
    versions: dict[Object, int] = {}
    for each in seen:
        if not isinstance(each, list) or len(each) != 3 or not isinstance(each[2], int):
            raise Malformed("what was seen is a kind, an id and a version")
        versions[kinds[str(each[0])], str(each[1])] = each[2]
    return Opened(handed=Handed(act=made, seen=versions), site=str(said["site"]), asked=asked / 1000)
