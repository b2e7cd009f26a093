"""PATCH of a user or a group (RFC 7644, section 3.5.2), as directories write it.

What a path leads to that the gate does not keep is no error and has no effect: a provider that maps more attributes
than are asked for would else be put into quarantine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from armslength.tlog import Json
from armslength.web.scim_attributes import ENTERPRISE, GROUP, USER, Attributes, in_any_case, known, members_in, put
from armslength.web.scim_failure import ScimRefusal

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MOST_OPERATIONS = 1000
LONGEST_PATH = 500
_URNS = tuple(sorted((USER, GROUP, ENTERPRISE), key=len, reverse=True))
_PATH = re.compile(r"([A-Za-z$][\w$-]*)(?:\[(.{1,300})\])?(?:\.([A-Za-z$][\w$-]*))?")
_FILTER = re.compile(r"\s*(type|value)\s+eq\s+\"((?:[^\"\\]|\\[\"\\/])*)\"\s*", re.IGNORECASE)


def patched(kind: str, before: Mapping[str, Json], body: Mapping[str, Any]) -> tuple[Attributes, frozenset[str]]:
    """What becomes of the attributes, and which of them were said. All of it or, where it raises `ScimRefusal`,
    nothing."""
    plain = in_any_case(body)
    schemas, operations = plain.get("schemas"), plain.get("operations")
    if not isinstance(schemas, list) or PATCH.lower() not in [str(each).lower() for each in schemas]:
        raise ScimRefusal(400, f"schemas: expected {PATCH}", "invalidSyntax")
    if not isinstance(operations, list) or not operations:
        raise ScimRefusal(400, "expected Operations", "invalidSyntax")
    if len(operations) > MOST_OPERATIONS:
        raise ScimRefusal(413, f"more than {MOST_OPERATIONS} operations", "tooMany")
    work = _Work(kind, before)
    for each in operations:
        work.do(in_any_case(each))
    return work.attributes, frozenset(work.said)


class _Work:
    def __init__(self, kind: str, before: Mapping[str, Json]) -> None:
        self._kind = kind
        self.attributes: Attributes = dict(before)
        self.said: set[str] = set()

    def do(self, operation: Mapping[str, Any]) -> None:
        op, path, value = operation.get("op"), operation.get("path"), operation.get("value")
        verb = op.lower() if isinstance(op, str) else ""
        if verb not in ("add", "replace", "remove"):
            raise ScimRefusal(400, "op is none of add, replace and remove", "invalidSyntax")
        if path is not None and path != "":
            self._at(verb, path, value)
        elif verb == "remove":
            raise ScimRefusal(400, "what is removed needs a path", "noTarget")
        else:
            for name, part in in_any_case(value).items():
                if name == ENTERPRISE.lower():
                    for inner, one in in_any_case(part).items():
                        self._at(verb, inner, one)
                elif name != "schemas":
                    self._at(verb, name, part)

    def _at(self, verb: str, path: Any, value: Any) -> None:
        if not isinstance(path, str) or len(path) > LONGEST_PATH:
            raise ScimRefusal(400, "a path is no short text", "invalidPath")
        bare = path.strip()
        for urn in _URNS:
            if bare.lower().startswith(f"{urn.lower()}:"):
                bare = bare[len(urn) + 1 :]
                break
        if bare.lower() == ENTERPRISE.lower():
            if verb != "remove":
                for inner, one in in_any_case(value).items():
                    self._at(verb, inner, one)
            return
        match = _PATH.fullmatch(bare)
        if match is None:
            if bare.lower().startswith("urn:"):
                return  # of an extension that is not kept
            raise ScimRefusal(400, "a path cannot be read", "invalidPath")
        name = known(self._kind, match[1])
        if name is None:
            return
        self._change(name, verb, match[2], match[3], value)
        self.said.add(name)

    def _change(self, name: str, verb: str, within: str | None, part: str | None, value: Any) -> None:
        match name:
            case "members":
                self._members(verb, within, value)
            case "addresses":
                self._addresses(verb, within, part, value)
            case _ if within is not None or (part is not None and (name, part.lower()) != ("manager", "value")):
                if name == "manager":
                    return  # their name, or where they are found
                raise ScimRefusal(400, f"{name} has no parts", "invalidPath")
            case _ if verb == "remove" or value is None or value == "":
                if name in ("active", "userName"):
                    raise ScimRefusal(400, f"{name} cannot be removed", "mutability")
                self.attributes.pop(name, None)
            case _:
                if isinstance(value, list) and len(value) == 1:
                    value = value[0]  # as Entra ID writes some
                if isinstance(value, Mapping) and name != "manager":
                    value = in_any_case(value).get("value")
                put(self._kind, self.attributes, name, value)

    def _members(self, verb: str, within: str | None, value: Any) -> None:
        before = [str(each) for each in _list(self.attributes.get("members"))]
        if within is not None:
            key, wanted = _condition(within)
            if verb != "remove" or key != "value":
                raise ScimRefusal(400, "members: expected to remove one by its value", "invalidFilter")
            self.attributes["members"] = [each for each in before if each != wanted]
            return
        given = [] if value is None else members_in(value)
        match verb:
            case "add":
                self.attributes["members"] = members_in([{"value": each} for each in (*before, *given)])
            case "replace":
                self.attributes["members"] = given
            case _:
                gone = frozenset(given)
                self.attributes["members"] = [each for each in before if value is not None and each not in gone]

    def _addresses(self, verb: str, within: str | None, part: str | None, value: Any) -> None:
        before: list[Any] = _list(self.attributes.get("addresses"))
        if within is None:
            if part is not None:
                raise ScimRefusal(400, "addresses: expected to say which", "noTarget")
            rows = [] if verb == "remove" else value if isinstance(value, list) else [value]
            put("user", self.attributes, "addresses", [*(before if verb == "add" else []), *rows])
            return
        key, wanted = _condition(within)
        if key != "type":
            return  # such as the primary one, of which nothing is kept
        kind = wanted.casefold()
        there: dict[str, Any] = next((dict(each) for each in before if each.get("type", "") == kind), {"type": kind})
        rest = [each for each in before if each.get("type", "") != kind]
        if part is not None:
            there.pop(part.lower(), None)
            there |= {} if verb == "remove" or value in (None, "") else {part.lower(): value}
        elif verb == "remove":
            there = {}
        else:
            there.update(in_any_case(value))
        put("user", self.attributes, "addresses", [*rest, *([there] if there else [])])


def _condition(text: str) -> tuple[str, str]:
    match = _FILTER.fullmatch(text)
    if match is None:
        if re.fullmatch(r"\s*[\w.$-]+\s+(pr|(eq|ne|co|sw|ew|gt|ge|lt|le)\s+\S).*", text, re.IGNORECASE):
            return "", ""
        raise ScimRefusal(400, "a filter within a path cannot be read", "invalidFilter")
    return match[1].lower(), re.sub(r"\\(.)", r"\1", match[2])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
