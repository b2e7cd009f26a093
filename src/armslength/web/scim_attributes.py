"""Attributes of users and groups as a directory spells them, and as the gate keeps them (RFC 7643).

Names may be in any letter case. What the gate does not need is dropped here, before anything else sees it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from armslength.gate import format_moment, moment
from armslength.service import (
    DIRECTORY_ATTRIBUTES,
    DIRECTORY_GROUP_ATTRIBUTES,
    ENTERPRISE_ATTRIBUTES,
    DirectorySaid,
    kept_addresses,
)
from armslength.tlog import Json
from armslength.web.scim_failure import ScimRefusal

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LONGEST = 1000
"""Characters of one attribute."""
MOST_MEMBERS = 100_000

Attributes = dict[str, Json]

EVERY: Mapping[str, Sequence[str]] = {"user": DIRECTORY_ATTRIBUTES, "group": DIRECTORY_GROUP_ATTRIBUTES}
_KNOWN: Mapping[str, Mapping[str, str]] = {
    kind: {name.lower(): name for name in names} for kind, names in EVERY.items()
}
_REQUIRED = {"user": ("userName", USER), "group": ("displayName", GROUP)}


def known(kind: str, name: str) -> str | None:
    """The attribute that a name stands for, in any letter case; None for one that is not kept."""
    return _KNOWN[kind].get(name.lower())


def read_resource(kind: str, body: Mapping[str, Any]) -> Attributes:
    """The attributes of a whole resource, `active` only where it is said. Raises `ScimRefusal`."""
    required, schema = _REQUIRED[kind]
    plain = in_any_case(body)
    schemas = plain.get("schemas")
    if not isinstance(schemas, list) or schema.lower() not in [str(each).lower() for each in schemas]:
        raise ScimRefusal(400, f"schemas: expected {schema} among them", "invalidValue")
    more = plain.get(ENTERPRISE.lower(), {}) if kind == "user" else {}
    if not isinstance(more, Mapping):
        raise ScimRefusal(400, "the enterprise extension is no object", "invalidValue")
    extension = in_any_case(more)
    found: Attributes = {}
    for name in EVERY[kind]:
        given = extension if name in ENTERPRISE_ATTRIBUTES else plain
        if (value := given.get(name.lower())) is not None:
            put(kind, found, name, value)
    if not found.get(required):
        raise ScimRefusal(400, f"{required} is required", "invalidValue")
    return found


def put(kind: str, attributes: Attributes, name: str, value: Any) -> None:
    """Let one attribute be this. Raises `ScimRefusal`."""
    match name:
        case "active":
            attributes[name] = _flag(value)
        case "addresses":
            attributes[name] = kept_addresses([in_any_case(each) for each in _rows(name, value)])
        case "members":
            attributes[name] = members_in(value)
        case "manager":
            attributes[name] = _manager(value)
        case _:
            attributes[name] = text_of(name, value)


def members_in(value: Any) -> list[Json]:
    """Their ids, each once. Raises `ScimRefusal`."""
    found: dict[str, None] = {}
    for each in _rows("members", value):
        found[text_of("members.value", in_any_case(each).get("value"))] = None
    if len(found) > MOST_MEMBERS:
        raise ScimRefusal(413, f"a group of more than {MOST_MEMBERS:,} members", "tooMany")
    return list(found)


def text_of(name: str, value: Any) -> str:
    """On one line, as it was written. Raises `ScimRefusal`."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # as some write an employee's number
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ScimRefusal(400, f"{name} is no text of at most {LONGEST} characters", "invalidValue")
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in value):
        raise ScimRefusal(400, f"{name} has control characters", "invalidValue")
    return value.strip()


def in_any_case(value: Any) -> Mapping[str, Any]:
    """An object by its members' names in lower case. Raises `ScimRefusal` where one stands twice, or for none."""
    if not isinstance(value, Mapping):
        raise ScimRefusal(400, "expected an object", "invalidValue")
    plain = {str(name).lower(): part for name, part in value.items()}
    if len(plain) < len(value):
        raise ScimRefusal(400, "an attribute stands twice, in two letter cases", "invalidSyntax")
    return plain


def resource_of(said: DirectorySaid, *, base: str, only: frozenset[str], left_out: frozenset[str]) -> dict[str, Any]:
    """As it is answered; `only` and `left_out` are names of attributes, in lower case, that were asked for or not."""
    kind = said.kind
    place = "Users" if kind == "user" else "Groups"
    attributes = dict(said.attributes)
    form: dict[str, Any] = {"schemas": [USER if kind == "user" else GROUP], "id": said.id}
    if kind == "user":
        attributes.setdefault("active", True)
    more: dict[str, Any] = {}
    for name in EVERY[kind]:
        if name not in attributes or not _asked(name, only, left_out):
            continue
        value: Any = attributes[name]
        if name == "members":
            value = [{"value": each} for each in said.members]
        elif name == "manager":
            value = {"value": value}
        (more if name in ENTERPRISE_ATTRIBUTES else form)[name] = value
    if more:
        form["schemas"].append(ENTERPRISE)
        form[ENTERPRISE] = more
    if _asked("meta", only, left_out):
        form["meta"] = {
            "resourceType": "User" if kind == "user" else "Group",
            "created": _moment(said.made),
            "lastModified": _moment(said.changed),
            "location": f"{base}/{place}/{said.id}",
            "version": etag(said),
        }
    return form


def etag(said: DirectorySaid) -> str:
    return f'W/"{said.version}"'


def _asked(name: str, only: frozenset[str], left_out: frozenset[str]) -> bool:
    if only:
        return name.lower() in only
    return name.lower() not in left_out


def _moment(seconds: int) -> str:
    return format_moment(moment(seconds))


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):  # as Entra ID writes it
        return value.lower() == "true"
    raise ScimRefusal(400, "active is neither true nor false", "invalidValue")


def _manager(value: Any) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, Mapping):
        value = in_any_case(value).get("value", "")
    return "" if value is None else text_of("manager", value)


def _rows(name: str, value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, list):
        return value
    raise ScimRefusal(400, f"{name} is no list", "invalidValue")
