"""What a directory said of a user or a group: its attributes, and when each was last said.

Only attributes that a column of the estate, or the link to a person, is made of are kept. All else that comes, such as
anything about where somebody was born, is dropped before it is stored and is in no log.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Literal

import msgspec

from armslength.gate import Rejected, Tampered, is_name
from armslength.intake import Harvest, IntakeError, Problems
from armslength.intake.scim import map_scim
from armslength.store import DirectoryRow, GateDirectory
from armslength.tlog import Json

DIRECTORY_ATTRIBUTES = (
    "active",
    "addresses",
    "department",
    "displayName",
    "employeeNumber",
    "externalId",
    "manager",
    "organization",
    "title",
    "userName",
)
"""Of a user, by SCIM's names; those of the enterprise extension among them (RFC 7643, sections 4.1 and 4.3)."""
ENTERPRISE_ATTRIBUTES = frozenset({"department", "employeeNumber", "manager", "organization"})
DIRECTORY_GROUP_ATTRIBUTES = ("displayName", "externalId", "members")
LONGEST = 1000
"""Characters of one attribute."""
MOST_ADDRESSES = 20
WORDS = ("unit", "role", "entity", "workplace", "residence", "name")
"""Columns of the people table, as intake maps a user to them."""

_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

Kind = Literal["user", "group", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySaid:
    """A user (`person` is whom it stands for in the estate, "" for nobody), a group (`person` is the group's id there),
    or what is left of a user that was deleted. `times` says of each attribute when it was last said, in POSIX seconds;
    `words` are what intake makes of a user's attributes, by column."""

    kind: Kind
    id: str
    person: str
    attributes: Mapping[str, Json] = field(repr=False)
    times: Mapping[str, int]
    words: Mapping[str, str] = field(repr=False)
    made: int
    changed: int
    version: int

    @property
    def active(self) -> bool:
        return self.kind == "user" and self.attributes.get("active") is not False

    @property
    def oldest(self) -> int:
        """When the attribute was said that was not for longest."""
        return min(self.times.values(), default=0)

    def text(self, name: str) -> str:
        value = self.attributes.get(name)
        return value if isinstance(value, str) else ""

    @property
    def members(self) -> tuple[str, ...]:
        """Of a group: ids of users and groups."""
        value = self.attributes.get("members")
        return tuple(str(each) for each in value) if isinstance(value, list) else ()


def linked(directory: GateDirectory, kind: Kind, id: str, attributes: Mapping[str, Json]) -> str:
    """Whom a user stands for, or which group: byte for byte what the directory wrote, since what only looks like an id
    is none."""
    wanted, prefix = (directory.person, directory.prefix)
    if kind == "group":
        wanted, prefix = (directory.group, directory.group_prefix)
    value = id if wanted == "id" else attributes.get(wanted)
    name = f"{prefix}{value}" if isinstance(value, str) and value else ""
    return name if is_name(name) else ""


def words_of(attributes: Mapping[str, Json]) -> Mapping[str, str]:
    """The columns that intake makes of a user. Raises `IntakeError` where it makes none of them."""
    told = {name: attributes[name] for name in _TELLING if name in attributes}
    words = _words(json.dumps(told, sort_keys=True))
    name = _short(attributes.get("displayName"))
    return {**words, "name": name} if name else words


_TELLING = ("addresses", "department", "organization", "title")
"""What these columns are made of, but for the name: many people have the same."""


@lru_cache(maxsize=16_384)
def _words(told: str) -> Mapping[str, str]:
    plain: dict[str, Json] = json.loads(told)
    more = {name: plain.pop(name) for name in tuple(plain) if name in ENTERPRISE_ATTRIBUTES}
    document = {"schemas": [_USER, _ENTERPRISE], "id": "one", "userName": "one", **plain, _ENTERPRISE: more}
    harvest, problems = Harvest(name="directory", kind="scim"), Problems()
    map_scim({"user": json.dumps([document]).encode()}, harvest, problems)
    columns = harvest.columns("people")
    if problems or len(columns["id"]) != 1:
        raise IntakeError([])
    return {name: columns[name][0] for name in WORDS if columns[name][0]}


def sealed(key: bytes, directory: str, said: DirectorySaid, *, stamp: int) -> DirectoryRow:
    """Its row, under a MAC."""
    doc = _encode(
        {
            "attributes": said.attributes,
            "changed": said.changed,
            "made": said.made,
            "person": said.person,
            "times": said.times,
            "version": said.version,
            "words": said.words,
        }
    )
    return DirectoryRow(
        directory=directory,
        kind=said.kind,
        id=said.id,
        name=said.text("displayName" if said.kind == "group" else "userName").lower(),
        external=said.text("externalId"),
        stamp=stamp,
        doc=doc,
        mac=_mac(key, directory, said.kind, said.id, doc),
    )


def opened(key: bytes, row: DirectoryRow) -> DirectorySaid:
    """What a row says. Raises `Tampered` for one that the gate did not write."""
    problem = Tampered(f"what the directory {row.directory} said of {row.id[:80]!r} is not what the gate wrote")
    if row.kind == "state" or not hmac.compare_digest(row.mac, _mac(key, row.directory, row.kind, row.id, row.doc)):
        raise problem
    read = msgspec.json.decode(row.doc)
    return DirectorySaid(
        kind=row.kind,
        id=row.id,
        person=read["person"],
        attributes=read["attributes"],
        times=read["times"],
        words=read["words"],
        made=read["made"],
        changed=read["changed"],
        version=read["version"],
    )


def sealed_state(key: bytes, directory: str, reconciled: int) -> DirectoryRow:
    """When all of it was last said at once."""
    doc = _encode({"reconciled": reconciled})
    mac = _mac(key, directory, "state", "", doc)
    return DirectoryRow(
        directory=directory, kind="state", id="", name="", external="", stamp=reconciled, doc=doc, mac=mac
    )


def opened_state(key: bytes, row: DirectoryRow) -> int:
    """Raises `Tampered`."""
    if row.kind != "state" or not hmac.compare_digest(row.mac, _mac(key, row.directory, "state", "", row.doc)):
        raise Tampered(f"when the directory {row.directory} last said all of it is not what the gate wrote")
    return int(msgspec.json.decode(row.doc)["reconciled"])


def tombstone(said: DirectorySaid, *, now: int) -> DirectorySaid:
    """What is left of a user that was deleted: for whom it stood, and since when it does not."""
    return DirectorySaid(
        kind="gone",
        id=said.id,
        person=said.person,
        attributes={},
        times={},
        words={},
        made=said.made,
        changed=now,
        version=said.version + 1,
    )


def kept_addresses(value: object) -> list[Json]:
    """Type and words for the place, of addresses at work and at home; no street."""
    found: list[Json] = []
    for each in value if isinstance(value, list) else ():
        if not isinstance(each, Mapping):
            continue
        kind = each.get("type")
        place = next(((n, each[n]) for n in ("country", "locality", "region") if isinstance(each.get(n), str)), None)
        if place is not None and place[1] and len(place[1]) <= LONGEST:
            kind = kind.casefold() if isinstance(kind, str) else ""
            if kind in ("work", "home", "") and len(found) < MOST_ADDRESSES:
                found.append({place[0]: place[1], **({"type": kind} if kind else {})})
    return found


def renewed(times: Mapping[str, int], names: Iterable[str], now: int, every: Sequence[str]) -> dict[str, int]:
    """The times after these attributes were said."""
    said = frozenset(names)
    return {name: now if name in said else times.get(name, now) for name in every}


def _encode(form: object) -> bytes:
    # Under a MAC over these very bytes, so any spelling will do.
    return msgspec.json.encode(form, order="sorted")


def _mac(key: bytes, directory: str, kind: str, id: str, doc: bytes) -> bytes:
    head = json.dumps([directory, kind, id], ensure_ascii=True).encode()
    return hmac.digest(key, head + b"\0" + doc, sha256)


def pulled_user(row: object) -> tuple[str, Mapping[str, Json]]:
    """The id and the attributes of a user as a provider's own service gives it. Raises `Rejected`."""
    plain = _lower(row)
    more = _lower(plain.get(_ENTERPRISE.casefold(), {}))
    found: dict[str, Json] = {}
    for name in DIRECTORY_ATTRIBUTES:
        value = (more if name in ENTERPRISE_ATTRIBUTES else plain).get(name.casefold())
        match name:
            case "active":
                found[name] = value is not False
            case "addresses":
                rows = value if isinstance(value, list) else []
                found[name] = kept_addresses([_lower(each) for each in rows if isinstance(each, Mapping)])
            case "manager":
                inner = _lower(value).get("value") if isinstance(value, Mapping) else None
                found[name] = _short(inner)
            case _:
                found[name] = _short(value)
    return _id_of(plain), {name: value for name, value in found.items() if value not in ("", [])}


def pulled_group(row: object) -> tuple[str, Mapping[str, Json]]:
    """As `pulled_user`, of a group."""
    plain = _lower(row)
    members = plain.get("members")
    ids = (
        [_short(_lower(each).get("value")) for each in members if isinstance(each, Mapping)]
        if isinstance(members, list)
        else []
    )
    found: dict[str, Json] = {"members": [*dict.fromkeys(each for each in ids if each)]}
    for name in ("displayName", "externalId"):
        found[name] = _short(plain.get(name.casefold()))
    return _id_of(plain), {name: value for name, value in found.items() if value not in ("", [])}


def _id_of(plain: Mapping[str, object]) -> str:
    id = plain.get("id")
    if not isinstance(id, str) or not is_name(id):
        raise Rejected(["the directory gave somebody without an id"])
    return id


def _lower(value: object) -> Mapping[str, object]:
    return {str(name).casefold(): part for name, part in value.items()} if isinstance(value, Mapping) else {}


def _short(value: object) -> str:
    """On one line; nothing for what is no text, or too long."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return ""
    return " ".join("".join(char if char.isprintable() else " " for char in value).split())
