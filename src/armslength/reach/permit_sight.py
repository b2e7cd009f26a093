"""What one policy can see of a person and of a target; whoever and whatever looks alike to it need be asked about once.

Ids are opaque to Cedar: a policy tells two people apart by their attributes, by being or lying in an entity that the
policy names, and by lying in the target. So the sight of a policy is the attributes that it reads and the entities
that it names. To keep classes few, a part that reads attributes only and is true or false (`principal.unit == "ops"`)
counts as one thing seen, its truth, instead of the attributes' values. A policy that cannot be followed is taken to
see everything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from armslength.estate import Kind
from armslength.reach.permit_policy import Form, Policy, Uid

ATTRIBUTES: Mapping[Kind, tuple[str, ...]] = {
    Kind.PERSON: ("states", "unit", "entity"),
    Kind.ASSET: ("hosted_in", "shielded_from"),
    Kind.GROUP: (),
    Kind.TERMS: (),
}
_PERSON = frozenset(ATTRIBUTES[Kind.PERSON])
_ANY = frozenset(name for names in ATTRIBUTES.values() for name in names)

_ONE = frozenset({"!", "neg", "isEmpty"})
_TRUTHS = frozenset({"==", "!=", "<", "<=", ">", ">=", "contains", "containsAll", "containsAny", "isEmpty", "like"})
_TWO = (_TRUTHS - {"isEmpty", "like"}) | {"in", "&&", "||", "+", "-", "*", "getTag", "hasTag"}
_CALLS = frozenset(
    "decimal lessThan lessThanOrEqual greaterThan greaterThanOrEqual ip isIpv4 isIpv6 isLoopback isMulticast isInRange"
    " datetime duration offset durationSince toDate toTime toMilliseconds toSeconds toMinutes toHours toDays".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """A part of a condition that is true, false or an error by the attributes that it reads, whatever else is the case.
    `text` is its JSON form, the same for the same part of any policy."""

    text: str
    person: frozenset[str]
    target: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """`person`, `target`: attributes whose values are seen. `uids`: entities that the person or the target may be or
    lie in. `subjects`: entities whose own attributes or parents may be seen. `target_met`: the target may be compared
    with more than what the policy names, as with its subjects; `person_met` likewise; `both`: with one another."""

    atoms: tuple[Atom, ...]
    person: frozenset[str]
    target: frozenset[str]
    uids: frozenset[Uid]
    subjects: frozenset[Uid]
    person_met: bool
    target_met: bool

    @property
    def both(self) -> bool:
        return self.person_met and self.target_met


def sight(policy: Policy) -> Sight:
    """What `policy` can see."""
    everything = Sight(
        atoms=(),
        person=_PERSON,
        target=_ANY,
        uids=policy.uids,
        subjects=policy.uids,
        person_met=True,
        target_met=True,
    )
    if policy.body is None:
        return everything
    walk = _Walk()
    try:
        for condition in policy.body:
            walk.visit(condition["body"])
    except (_Strange, KeyError, TypeError, AttributeError):  # the last three: a known part of unknown shape
        return everything
    return Sight(
        atoms=tuple(walk.atoms.values()),
        person=frozenset(walk.person),
        target=frozenset(walk.target),
        uids=policy.uids,
        subjects=frozenset(walk.subjects),
        person_met=walk.person_met,
        target_met=walk.target_met,
    )


class _Strange(Exception):
    """A form that this page does not know."""


@dataclass(slots=True)
class _Walk:
    atoms: dict[str, Atom] = field(default_factory=dict)
    person: set[str] = field(default_factory=set)
    target: set[str] = field(default_factory=set)
    subjects: set[Uid] = field(default_factory=set)
    person_met: bool = False
    target_met: bool = False

    def visit(self, form: Form) -> None:
        name, inner = _opened(form)
        if name in _TRUTHS and (reads := _reads(form)) is not None:
            if reads[0] or reads[1]:
                text = json.dumps(form, sort_keys=True)
                self.atoms[text] = Atom(text=text, person=reads[0], target=reads[1])
            return
        match name:
            case "Value":
                if (uid := _uid(form)) is not None:
                    self.subjects.add(uid)
            case "Var":
                self.person_met |= inner == "principal"
                self.target_met |= inner == "resource"
            case ".":
                self._attribute(inner["left"], str(inner["attr"]))
            case "has":
                if not _is_var(inner["left"]):
                    self.visit(inner["left"])
            case "like":
                self.visit(inner["left"])
            case "is":
                if not _is_var(inner["left"]):
                    self.visit(inner["left"])
                if "in" in inner and not (_is_var(inner["left"]) and _named(inner["in"])):
                    self.visit({"in": {"left": inner["left"], "right": inner["in"]}})
            case "in" | "==" | "!=" if _is_var(inner["left"]) and _named(inner["right"]):
                pass
            case "==" | "!=" if _is_var(inner["right"]) and _named(inner["left"]):
                pass
            case "if-then-else":
                for part in ("if", "then", "else"):
                    self.visit(inner[part])
            case "Set":
                for part in inner:
                    self.visit(part)
            case "Record":
                for part in inner.values():
                    self.visit(part)
            case _ if name in _ONE:
                self.visit(inner["arg"])
            case _ if name in _TWO:
                self.visit(inner["left"])
                self.visit(inner["right"])
            case _ if name in _CALLS:
                for part in inner:
                    self.visit(part)
            case _:
                raise _Strange(name)

    def _attribute(self, of: Form, name: str) -> None:
        match of:
            case {"Var": "principal"}:
                self.person |= _PERSON & {name}
            case {"Var": "resource"}:
                self.target |= _ANY & {name}
            case {"Var": _}:
                pass
            case _:
                if not _from_context(of):
                    self.person |= _PERSON & {name}
                    self.target |= _ANY & {name}
                    self.visit(of)


def _opened(form: Form) -> tuple[str, Any]:
    if not isinstance(form, dict) or len(form) != 1:
        raise _Strange
    return next(iter(form.items()))


def _is_var(form: Form) -> bool:
    return "Var" in form


def _uid(form: Form) -> Uid | None:
    match form:
        case {"Value": {"__entity": {"type": str(kind), "id": str(name)}}}:
            return kind, name
        case _:
            return None


def _named(form: Form) -> bool:
    """An entity that the policy names, or a set of such."""
    match form:
        case {"Set": list(parts)}:
            return all(_uid(part) is not None for part in parts)
        case _:
            return _uid(form) is not None


def _from_context(form: Form) -> bool:
    """`context.a.b`: what it holds is unknown, whoever asks."""
    while "." in form:
        form = form["."]["left"]
    return form.get("Var") == "context"


def _reads(form: Form) -> tuple[frozenset[str], frozenset[str]] | None:
    """The attributes of the person and of the target that alone decide what `form` is; None where more does."""
    name, inner = _opened(form)
    parts: list[Form]
    match name:
        case "Value":
            return None if isinstance(inner, dict) else (frozenset(), frozenset())
        case "." | "has":
            seen = frozenset({str(inner["attr"])})
            match inner["left"]:
                case {"Var": "principal"}:
                    return _PERSON & seen if name == "." else frozenset(), frozenset()
                case {"Var": "resource"}:  # whether it has one depends on its kind
                    return frozenset(), _ANY & seen
                case _:
                    return None
        case "Set":
            parts = inner
        case "like":
            parts = [inner["left"]]
        case "if-then-else":
            parts = [inner["if"], inner["then"], inner["else"]]
        case _ if name in _ONE:
            parts = [inner["arg"]]
        case _ if name in _TWO:
            parts = [inner["left"], inner["right"]]
        case _ if name in _CALLS:
            parts = inner
        case _:
            return None
    person: frozenset[str] = frozenset()
    target: frozenset[str] = frozenset()
    for part in parts:
        reads = _reads(part)
        if reads is None:
            return None
        person, target = person | reads[0], target | reads[1]
    return person, target
