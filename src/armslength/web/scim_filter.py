"""Filters of lists (RFC 7644, section 3.4.2.2): of one name or id that is equal, perhaps with more conditions.

That is what providers ask before they write. Anything else would have to read a whole directory, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scim2_models import EnterpriseUser, Group, ScimFilter, User

from armslength.web.scim_attributes import GROUP, USER
from armslength.web.scim_failure import ScimRefusal

LONGEST = 4096
_FIRST = re.compile(r"\s*([\w:.$-]+)\s+eq\s+\"((?:[^\"\\]|\\.)*)\"\s*(?:(and)\b(.*))?", re.IGNORECASE | re.DOTALL)
_BY: Mapping[str, Mapping[str, str]] = {
    "user": {"username": "name", "externalid": "external", "id": "id"},
    "group": {"displayname": "name", "externalid": "external", "id": "id"},
}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PLAIN = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked up (`name`, `external` or `id`, and its value), and what those found have to be besides."""

    by: str
    value: str
    fits: Callable[[Mapping[str, Any]], bool]


def parse_filter(kind: str, text: str) -> Wanted:
    """Raises `ScimRefusal`."""
    if len(text) > LONGEST:
        raise ScimRefusal(400, f"a filter of more than {LONGEST} characters", "invalidFilter")
    match = _FIRST.fullmatch(text)
    name = "" if match is None else _bare(match[1])
    by = _BY[kind].get(name)
    if match is None or by is None:
        expected = ", ".join(f'{each} eq "…"' for each in _BY[kind])
        raise ScimRefusal(400, f"expected a filter that begins with one of: {expected}", "invalidFilter")
    value = _unescaped(match[2])
    if match[3] is None:
        return Wanted(by=by, value=value, fits=lambda resource: True)
    if re.search(r"\b(or|not)\b", re.sub(r"\"(?:[^\"\\]|\\.)*\"", "", match[4]), re.IGNORECASE):
        raise ScimRefusal(400, "conditions are joined by and alone", "invalidFilter")
    return Wanted(by=by, value=value, fits=_besides(kind, match[4]))


def _besides(kind: str, text: str) -> Callable[[Mapping[str, Any]], bool]:
    model: Any = User[EnterpriseUser] if kind == "user" else Group
    try:
        made: Any = ScimFilter[model](text.strip())
    except Exception:  # what parses it there fails in several ways, and each of them means no
        raise ScimRefusal(400, "a filter cannot be read", "invalidFilter") from None

    def fits(resource: Mapping[str, Any]) -> bool:
        try:
            return bool(made.match(model.model_validate(dict(resource))))
        except Exception:
            raise ScimRefusal(400, "a filter asks what cannot be told", "invalidFilter") from None

    return fits


def names_in(values: Iterable[str]) -> frozenset[str]:
    """Of `attributes` and `excludedAttributes`: names in lower case, without a schema before them."""
    return frozenset(_bare(name).partition(".")[0] for text in values for name in text.split(",") if name.strip())


def _bare(name: str) -> str:
    plain = name.strip().lower()
    for urn in (USER.lower(), GROUP.lower()):
        plain = plain.removeprefix(f"{urn}:")
    return plain.rpartition(":")[2] if plain.startswith("urn:") else plain


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        what = match[1]
        if what[0] == "u" and len(what) == 5:
            return chr(int(what[1:], 16))
        if what not in _PLAIN:
            raise ScimRefusal(400, "a filter's text has an escape that is none", "invalidFilter")
        return _PLAIN[what]

    return _ESCAPE.sub(one, text)
