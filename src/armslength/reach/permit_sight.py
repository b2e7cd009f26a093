"""What one policy can see of a person and of a target; whoever and whatever looks alike to it need be asked about once.

Ids are opaque to Cedar: a policy tells two people apart by their attributes, by being or lying in entities that it
names, and by lying in the target. So that classes stay few, a part that is true or false by these alone counts as one
thing seen, its truth: an atom reads attributes (`principal.unit == "ops"`), a place is one of some named entities
(`principal in [Group::"a", Group::"b"]`). A policy that cannot be followed is taken to see everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import permutations

from armslength.estate import Kind
from armslength.reach.permit_form import (
    TRUTHS,
    TWO,
    Form,
    Strange,
    Uid,
    from_context,
    is_var,
    named_by,
    opened,
    parts,
    uid_of,
)
from armslength.reach.permit_policy import Policy

ATTRIBUTES: Mapping[Kind, tuple[str, ...]] = {
    Kind.PERSON: ("states", "unit", "entity"),
    Kind.ASSET: ("hosted_in", "shielded_from"),
    Kind.GROUP: (),
    Kind.TERMS: (),
}
_PERSON = frozenset(ATTRIBUTES[Kind.PERSON])
_ANY = frozenset(name for names in ATTRIBUTES.values() for name in names)

_DEEPEST = 40
"""Levels of an atom; Cedar reads a form back to some 128 levels of its text, two or three for each of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """A part of a condition that is true, false or an error by the attributes that it reads, whatever else is the case.
    `text` is its JSON form, the same for the same part of any policy."""

    text: str
    person: frozenset[str]
    target: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """To be one of `uids` (`exact`), or to be or lie in one."""

    uids: frozenset[Uid]
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """`person`, `target`: attributes whose values are seen; `person_places`, `target_places`: where it is seen to be.
    `uids`: all entities that the policy names; `subjects`: those whose own attributes or parents may be seen.
    `target_met`: the target may be compared with other than what the policy names, as with its subjects; `person_met`
    likewise; `both`: with one another."""

    atoms: tuple[Atom, ...]
    person: frozenset[str]
    target: frozenset[str]
    person_places: frozenset[Place]
    target_places: frozenset[Place]
    uids: frozenset[Uid]
    subjects: frozenset[Uid]
    person_met: bool
    target_met: bool

    @property
    def both(self) -> bool:
        """Whether the person may be compared with the target."""
        return self.person_met and self.target_met

    def naming(self, uid: Uid) -> Sight:
        """The sight of the same policy had it named one entity more."""
        uids = self.uids | {uid}
        return replace(
            self,
            uids=uids,
            person_places=self.person_places | _everywhere(frozenset({uid})),
            target_places=self.target_places | _everywhere(frozenset({uid})),
        )


def sight(policy: Policy) -> Sight:
    """What `policy` can see."""
    walk = _Walk()
    try:
        walk.follow([condition["body"] for condition in policy.body])
    except (Strange, KeyError, TypeError, AttributeError):  # the last three: a known part of unknown shape
        walk = _Walk(person=set(_PERSON), target=set(_ANY), subjects=set(policy.uids), person_met=True, target_met=True)
    anywhere = _everywhere(policy.uids)
    person_places = walk.person_places | _scoped(policy.scope["principal"])
    target_places = walk.target_places | _scoped(policy.scope["resource"])
    return Sight(
        atoms=tuple(walk.atoms.values()),
        person=frozenset(walk.person),
        target=frozenset(walk.target),
        person_places=frozenset(person_places | anywhere if walk.person_met else person_places),
        target_places=frozenset(target_places | anywhere if walk.target_met else target_places),
        uids=policy.uids,
        subjects=frozenset(walk.subjects),
        person_met=walk.person_met,
        target_met=walk.target_met,
    )


def _everywhere(uids: frozenset[Uid]) -> set[Place]:
    return {Place(uids=frozenset({uid}), exact=exact) for uid in uids for exact in (True, False)}


def _scoped(scope: Form) -> set[Place]:
    """The place that a scope's `==`, `in` or `is … in` asks for."""
    named = scope.get("entity") or scope.get("in", {}).get("entity")
    return {Place(uids=frozenset({(named["type"], named["id"])}), exact=scope["op"] == "==")} if named else set()


@dataclass(slots=True, kw_only=True)
class _Walk:
    atoms: dict[str, Atom] = field(default_factory=dict)
    person: set[str] = field(default_factory=set)
    target: set[str] = field(default_factory=set)
    person_places: set[Place] = field(default_factory=set)
    target_places: set[Place] = field(default_factory=set)
    subjects: set[Uid] = field(default_factory=set)
    person_met: bool = False
    target_met: bool = False

    def follow(self, forms: list[Form]) -> None:
        """Notes what the forms see. Conditions are as deep as they are long (`a || b || …`): nothing here recurses."""
        todo = list(forms)
        while todo:
            todo.extend(self._visit(todo.pop()))

    def _visit(self, form: Form) -> Iterable[Form]:
        """Notes what a form sees by itself; returns its parts that are still to be visited."""
        name, inner = opened(form)
        if name in TRUTHS and (reads := _reads(form)) is not None:
            if reads[0] or reads[1]:
                text = json.dumps(form, sort_keys=True)
                self.atoms[text] = Atom(text=text, person=reads[0], target=reads[1])
            return ()
        match name:
            case "Value":
                if (uid := uid_of(form)) is not None:
                    self.subjects.add(uid)
                return ()
            case "Var":
                self.person_met |= inner == "principal"
                self.target_met |= inner == "resource"
                return ()
            case ".":
                return self._attribute(inner["left"], str(inner["attr"]))
            case "has":
                return () if is_var(inner["left"]) else (inner["left"],)
            case "is" if "in" in inner:
                return ({"in": {"left": inner["left"], "right": inner["in"]}},)
            case "is":
                return () if is_var(inner["left"]) else (inner["left"],)
            case _ if name in TWO and (self._placed(name, **inner) or _in_doubt(name, **inner)):
                return ()
            case _:
                return parts(name, inner)

    def _placed(self, name: str, left: Form, right: Form) -> bool:
        """Takes note of a comparison of the person, target or action with entities that the policy names."""
        if name == "contains" or (name in ("==", "!=") and is_var(right)):
            left, right = right, left
        named = named_by(right)
        if name not in ("in", "==", "!=", "contains") or not is_var(left) or named is None:
            return False
        place = Place(uids=named, exact=name != "in")
        if left["Var"] == "principal":
            self.person_places.add(place)
        elif left["Var"] == "resource":
            self.target_places.add(place)
        return True

    def _attribute(self, of: Form, name: str) -> Iterable[Form]:
        match of:
            case {"Var": "principal"}:
                self.person |= _PERSON & {name}
            case {"Var": "resource"}:
                self.target |= _ANY & {name}
            case {"Var": _}:
                pass
            case _ if not from_context(of):
                self.person |= _PERSON & {name}
                self.target |= _ANY & {name}
                return (of,)
            case _:
                pass
        return ()


def _in_doubt(name: str, left: Form, right: Form) -> bool:
    """A comparison of an attribute with what the context holds: unknown, whatever the attribute's value."""
    if name in ("&&", "||"):
        return False
    return any(from_context(one) and _is_plain(other) for one, other in permutations((left, right)))


def _is_plain(form: Form) -> bool:
    match form:
        case {"Var": "principal" | "resource"} | {".": {"left": {"Var": "principal" | "resource"}}} | {"Value": _}:
            return True
        case _:
            return False


def _reads(form: Form) -> tuple[frozenset[str], frozenset[str]] | None:
    """The attributes of the person and of the target that alone decide what `form` is; None where more does, or where
    it is too deep to be asked about by itself."""
    person: set[str] = set()
    target: set[str] = set()
    level, depth = [form], 0
    while level:
        depth += 1
        below: list[Form] = []
        for part in level:
            name, inner = opened(part)
            match name:
                case "Value" if not isinstance(inner, dict):
                    pass
                case "." | "has" if inner["left"] == {"Var": "principal"}:
                    person |= _PERSON & {inner["attr"]} if name == "." else frozenset()
                case "." | "has" if inner["left"] == {"Var": "resource"}:  # whether it has one depends on its kind
                    target |= _ANY & {inner["attr"]}
                case "Value" | "Var" | "." | "has" | "is" | "in" | "unknown":
                    return None
                case _:
                    below.extend(parts(name, inner))
        if depth > _DEEPEST:
            return None
        level = below
    return frozenset(person), frozenset(target)
