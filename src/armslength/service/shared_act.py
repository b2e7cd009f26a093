"""An act that one gate hands to another, which holds the writer's seat, and what that one answers.

Both lie in a database that neither believes: each is under a MAC with a key that the gates share and the database does
not have. An act says at which versions its gate saw the objects that it was decided on, so that the writer can refuse
what was decided on something else than the ledger says by then.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from armslength.ledger import Json, Kind
from armslength.service.act import Act
from armslength.service.gate_row import KINDS, Object
from armslength.tlog import Malformed, canonical, format_base64url, parse_base64url, parse_canonical

ACT_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """`seen` are the versions of the objects that the act was decided on; 0 for one that was not there."""

    act: Act
    seen: Mapping[Object, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """The writer does not record it: `raced` where something else happened first to what it was decided on, so that
    whoever decides anew may ask anew; otherwise the act itself is at fault."""

    raced: bool
    says: str


class Sealer:
    """Puts acts and answers under the gates' MAC, and takes them out."""

    def __init__(self, row_key: bytes) -> None:
        self._key = hmac.digest(row_key, b"armslength gates hand acts", sha256)

    def seal_act(self, handed: Handed) -> tuple[bytes, bytes]:
        """Body and MAC."""
        act = handed.act
        body = canonical(
            {
                "act": format_base64url(act.id),
                "customers": list(act.customers),
                "fields": {label: parse_canonical(value, label=label) for label, value in act.values.items()},
                "kind": act.kind.value,
                "seen": [[kind, id, version] for (kind, id), version in sorted(handed.seen.items())],
            },
            label="handed act",
        )
        return body, self._mac(b"act", b"", body)

    def open_act(self, body: bytes, mac: bytes) -> Handed | None:
        """None for what no gate handed over."""
        if not hmac.compare_digest(mac, self._mac(b"act", b"", body)):
            return None
        try:
            return _handed(parse_canonical(body, label="handed act"))
        except (Malformed, ValueError, KeyError, TypeError):
            return None  # of a gate that runs another version

    def seal_answer(self, act: bytes, turned: Turned) -> tuple[bytes, bytes]:
        body = canonical({"raced": turned.raced, "says": turned.says}, label="answer")
        return body, self._mac(b"answer", act, body)

    def open_answer(self, act: bytes, body: bytes, mac: bytes) -> Turned | None:
        """None for what no gate answered to this act."""
        if not hmac.compare_digest(mac, self._mac(b"answer", act, body)):
            return None
        said = parse_canonical(body, label="answer")
        if not isinstance(said, dict):
            return None
        return Turned(raced=said.get("raced") is True, says=str(said.get("says")))

    def seal_pledge(self, size: int, milliseconds: int) -> bytes:
        """That the log has so many entries at this time (POSIX), as its writer knows."""
        body = b"%d %d" % (size, milliseconds)
        return body + b" " + self._mac(b"pledge", b"", body).hex().encode()

    def open_pledge(self, pledge: bytes) -> tuple[int, int] | None:
        """Size and time; None for what no gate pledged."""
        body, _, mac = pledge.rpartition(b" ")
        if not hmac.compare_digest(mac, self._mac(b"pledge", b"", body).hex().encode()):
            return None
        size, _, milliseconds = body.partition(b" ")
        return int(size), int(milliseconds)

    def _mac(self, what: bytes, act: bytes, body: bytes) -> bytes:
        return hmac.digest(self._key, what + b"\n" + act + b"\n" + body, sha256)


def _handed(said: Json) -> Handed:
    if not isinstance(said, dict):
        raise Malformed("a handed act is an object")
    fields, customers, seen = said["fields"], said["customers"], said["seen"]
    if not isinstance(fields, dict) or not isinstance(customers, list) or not isinstance(seen, list):
        raise Malformed("a handed act has fields, customers and what was seen")
    act = Act(
        id=parse_base64url(str(said["act"]), ACT_SIZE),
        kind=Kind(str(said["kind"])),
        fields=fields,
        customers=tuple(map(str, customers)),
    )
    kinds = {str(kind): kind for kind in KINDS}
    versions: dict[Object, int] = {}
    for each in seen:
        if not isinstance(each, list) or len(each) != 3 or not isinstance(each[2], int):
            raise Malformed("what was seen is a kind, an id and a version")
        versions[kinds[str(each[0])], str(each[1])] = each[2]
    return Handed(act=act, seen=versions)
