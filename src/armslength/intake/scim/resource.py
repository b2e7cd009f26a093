"""A resource of SCIM, read by scim2-models: names of attributes in any letter case, what is not used left out before.

Only what is used is validated: a photo or a certificate that no reader would accept must not keep a directory out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from armslength.estate import Problem
from armslength.intake.node import Node
from armslength.intake.problem import IntakeError

if TYPE_CHECKING:
    from scim2_models import EnterpriseUser, Group, User

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")

_USER: Mapping[str, tuple[str, ...]] = {
    "id": (), "externalid": (), "username": (), "displayname": (), "title": (), "usertype": (), "active": (),
    "name": ("formatted", "givenname", "familyname"),
    "addresses": ("type", "primary", "country", "region", "locality"),
    "groups": ("value",),
    ENTERPRISE.casefold(): ("employeenumber", "costcenter", "organization", "division", "department", "manager"),
}  # fmt: skip
"""Attributes that are used, in lower case, and of what lies in them."""
_GROUP: Mapping[str, tuple[str, ...]] = {"id": (), "displayname": (), "members": ("value", "type")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What is used of a user, as text on one line; the models of all users would take a gigabyte at a hundred
    thousand. `places`: type in lower case and words for a place; `node`: where it stands."""

    id: str
    external_id: str
    user_name: str
    name: str
    title: str
    user_type: str
    active: bool
    places: tuple[tuple[str, str], ...]
    groups: tuple[str, ...]
    employee: str
    unit: str
    division: str
    cost_center: str
    organization: str
    manager: str
    node: Node


@dataclass(frozen=True, slots=True)
class Mail:
    value: str
    type: str
    origin: str


class Reader:
    """Raises `IntakeError` where scim2-models is not installed."""

    def __init__(self, file: str) -> None:
        try:
            import scim2_models
        except ImportError:
            missing = "needs scim2-models, which is not installed: pip install 'armslength[intake]'"
            raise IntakeError([Problem(file=file, message=missing)]) from None
        self._enterprise = scim2_models.EnterpriseUser
        self._user, self._group = scim2_models.User[scim2_models.EnterpriseUser], scim2_models.Group
        self._policy = scim2_models.ScimPolicy(unknown=scim2_models.ScimPolicy.Unknown.ignore)

    def user(self, node: Node) -> Account | None:
        """None after what is wrong was reported."""
        found: User[EnterpriseUser] | None = self._read(self._user, node, _USER)
        return _account(found, found[self._enterprise], node) if found is not None else None

    def group(self, node: Node) -> Group | None:
        found: Group | None = self._read(self._group, node, _GROUP)
        return found

    def _read(self, model: Any, node: Node, used: Mapping[str, tuple[str, ...]]) -> Any:
        kept = {}
        for key, value in node.object().items():
            plain = key.casefold()
            within = used.get(plain)
            if within is not None:
                if plain in kept:
                    node.at(key).wrong("stands twice, in two letter cases: expected it once")
                kept[plain] = (key, _pruned(value, within))
        if not isinstance(node.value, dict):
            return None
        try:
            return model.model_validate(dict(kept.values()), scim_policy=self._policy)
        except ValueError as error:  # of pydantic, which is the models' and not ours
            told: Any = error
            for one in told.errors(include_url=False, include_context=False, include_input=False):
                path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in one["loc"])
                node.problems.add(node.file, f"{one['msg'][:1].lower()}{one['msg'][1:]}", path=f"{node.path}{path}")
            return None


def _account(user: User[EnterpriseUser], more: EnterpriseUser | None, node: Node) -> Account:
    places = []
    for address in user.addresses or ():
        words = line(address.country or address.locality or address.region)
        if words:
            kind = str(address.type.value).casefold() if address.type else ""
            places.append((kind, words.upper() if len(words) == 2 else words))
    manager = more.manager.value if more is not None and more.manager is not None else ""
    return Account(
        id=(user.id or "").strip(),
        external_id=line(user.external_id),
        user_name=line(user.user_name),
        name=line(user.display_name or (user.name.formatted if user.name is not None else "")),
        title=line(user.title),
        user_type=line(user.user_type),
        active=user.active is not False,
        places=tuple(places),
        groups=tuple(name for one in user.groups or () if (name := line(one.value))),
        employee=line(more.employee_number) if more is not None else "",
        unit=line(more.department) if more is not None else "",
        division=line(more.division) if more is not None else "",
        cost_center=line(more.cost_center) if more is not None else "",
        organization=line(more.organization) if more is not None else "",
        manager=manager or "",
        node=node,
    )


def line(text: str | None) -> str:
    """On one line, without what a terminal or a table would obey."""
    if not text or (text.isprintable() and text == text.strip()):
        return text or ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _pruned(value: object, within: tuple[str, ...]) -> object:
    """Without what is not used, such as a `$ref` that is no address."""
    match value:
        case list():
            return [_pruned(part, within) for part in value]
        case dict() if within:
            return {k: _pruned(v, ("value",)) for k, v in value.items() if k.casefold() in within}
        case _:
            return value


def any_case(node: Node, name: str) -> Node:
    """The part under a name that any letter case may spell."""
    for key in node.object():
        if key.casefold() == name:
            return node.at(key)
    return Node(None, node.file, f"{node.path}.{name}", node.problems)


def mails(node: Node) -> list[Mail]:
    """Addresses of a user, with their type; by ourselves, since readers of mail addresses refuse those of intranets."""
    found = []
    for part in any_case(node, "emails").items():
        value, kind = any_case(part, "value").text_or(), any_case(part, "type").text_or()
        if MAIL.fullmatch(value):
            found.append(Mail(value, kind.casefold(), part.origin))
    return found


def kind_of(node: Node) -> str:
    """`user`, `group`, or what else it is."""
    value = node.value
    if not isinstance(value, dict):
        node.object()
        return ""
    lower = {key.casefold(): part for key, part in value.items()}
    schemas = lower.get("schemas")
    names = [name for name in schemas if isinstance(name, str)] if isinstance(schemas, list) else []
    plain = {name.casefold() for name in names}
    if USER.casefold() in plain:
        return "user"
    if GROUP.casefold() in plain:
        return "group"
    if not names and "username" in lower:
        return "user"
    if not names and "displayname" in lower:
        return "group"
    return names[0] if names else "a resource without a schema"
