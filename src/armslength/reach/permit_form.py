"""Policies in Cedar's JSON form: how the parts of a condition are told apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Form = dict[str, Any]
"""A policy, or a part of one."""

Uid = tuple[str, str]
"""Type and id of an entity: `("Group", "ops")`."""

_ONE = frozenset({"!", "neg", "isEmpty"})
_ASKS = frozenset(
    "isIpv4 isIpv6 isLoopback isMulticast isInRange lessThan lessThanOrEqual greaterThan greaterThanOrEqual".split()
)
_COMPARES = frozenset({"==", "!=", "<", "<=", ">", ">=", "contains", "containsAll", "containsAny"})

TRUTHS = _COMPARES | _ASKS | {"isEmpty", "like"}
"""Operations that are true or false, by the values of their parts alone."""

TWO = _COMPARES | {"in", "&&", "||", "+", "-", "*", "getTag", "hasTag"}
"""Operations with a left and a right part."""

_CALLS = _ASKS | frozenset(
    "decimal ip datetime duration offset durationSince toDate toTime toMilliseconds toSeconds toMinutes toHours toDays"
    " unknown".split()
)


class Strange(Exception):
    """A form that this page does not know."""


def parts(name: str, inner: Any) -> Iterable[Form]:
    """The parts of an operation, a call, a set or a record. Raises Strange for another."""
    match name:
        case "if-then-else":
            return (inner["if"], inner["then"], inner["else"])
        case "Set":
            return list(inner)
        case "Record":
            return list(inner.values())
        case "like":
            return (inner["left"],)
        case _ if name in _ONE:
            return (inner["arg"],)
        case _ if name in TWO:
            return (inner["left"], inner["right"])
        case _ if name in _CALLS:
            return list(inner)
        case _:
            raise Strange(name)


def opened(form: Form) -> tuple[str, Any]:
    """The operation and what it is about. Raises Strange where it is none."""
    if not isinstance(form, dict) or len(form) != 1:
        raise Strange
    return next(iter(form.items()))


def is_var(form: Form) -> bool:
    """`principal`, `action`, `resource` or `context`."""
    return "Var" in form


def uid_of(form: Form) -> Uid | None:
    """The entity that a literal names."""
    match form:
        case {"Value": {"__entity": {"type": str(kind), "id": str(name)}}}:
            return kind, name
        case _:
            return None


def named_by(form: Form) -> frozenset[Uid] | None:
    """The entity that the policy names, or the set of such."""
    match form:
        case {"Set": list(parts)}:
            uids = [uid_of(part) for part in parts]
            return None if None in uids else frozenset(uid for uid in uids if uid is not None)
        case _:
            uid = uid_of(form)
            return None if uid is None else frozenset({uid})


def from_context(form: Form) -> bool:
    """`context.a.b`: what it holds is unknown, whoever asks."""
    while "." in form:
        form = form["."]["left"]
    return form.get("Var") == "context"
