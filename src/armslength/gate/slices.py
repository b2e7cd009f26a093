"""The policies, sliced: for a question Cedar is given those alone whose scope can fit it.

A policy whose scope does not fit is false without being looked at further, so that it can neither decide nor fail:
leaving it out changes nothing but the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import cedarpy

from armslength.estate import Estate, Kind
from armslength.gate.entities import TYPES
from armslength.gate.question import Illegible
from armslength.reach import Policy, Uid, policies

_KEPT = 4096
"""Slices that are kept; to make one again costs some 20 µs a policy."""

_FAILED = re.compile(r"error while evaluating policy `policy(0|[1-9][0-9]*)`: ")

Scopes = frozenset[int]
"""Which of the entities that scopes ask for somebody or something is, or lies in, by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Cedar says of a question, as numbers of policies in the order of the file. `permits` are those that hold;
    none do where one of `forbids` does. `broken` are the permits that failed, `blind` the forbids that did, `said` what
    Cedar said of these."""

    permits: tuple[int, ...]
    forbids: tuple[int, ...]
    broken: tuple[int, ...] = ()
    blind: tuple[int, ...] = ()
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """Some of the policies: `members` by their `numbers` in the file, `named` all entities that they name."""

    numbers: tuple[int, ...]
    members: tuple[Policy, ...]
    named: frozenset[Uid]
    handle: cedarpy.PolicySet

    def ask(self, question: dict[str, object], entities: cedarpy.Entities) -> Answer:
        """Cedar's answer, with every policy accounted for. Raises `Illegible`; `ValueError` for an answer that cannot
        be; or what Cedar raises."""
        result = cedarpy.is_authorized_batch([question], self.handle, entities)[0]
        told = result.diagnostics
        decision = result.decision
        if decision is cedarpy.Decision.NoDecision:
            raise Illegible("; ".join(told.errors))
        allowed = decision is cedarpy.Decision.Allow
        names = told.id_annotations_by_reason
        held = sorted(self._held(reason, names.get(reason), allowed) for reason in told.reasons)
        found = tuple(self.numbers[place] for place in held)
        permits, forbids = (found, ()) if allowed else ((), found)
        if not told.errors:
            return Answer(permits=permits, forbids=forbids)
        failed = sorted(self._failed(error) for error in told.errors)
        return Answer(
            permits=permits,
            forbids=forbids,
            broken=tuple(self.numbers[place] for place in failed if self.members[place].permits),
            blind=tuple(self.numbers[place] for place in failed if not self.members[place].permits),
            said=tuple(_FAILED.sub("", error, count=1) for error in told.errors),
        )

    def _held(self, reason: str, name: str | None, allowed: bool) -> int:
        """INVARIANT: each reason is a policy of this slice under its own @id, with the effect that was decided."""
        place = int(reason.removeprefix("policy"))
        if self.members[place].id != name or self.members[place].permits is not allowed:
            raise ValueError(f"cedar gave {reason} for a reason, which it cannot be")
        return place

    def _failed(self, error: str) -> int:
        found = _FAILED.match(error)
        if found is None or int(found[1]) >= len(self.members):
            raise ValueError(f"cedar failed of no policy that it was given: {error}")
        return int(found[1])


class Slices:
    """All policies of an estate, each filed under the scope it has."""

    def __init__(self, estate: Estate) -> None:
        self._policies = policies(estate)
        self.ids: tuple[str, ...] = estate.policy.ids if estate.policy is not None else ()
        self.terms: tuple[str | None, ...] = tuple(
            estate.settings.terms[each.terms].id if each.terms >= 0 else None for each in self._policies
        )
        self.every_named: frozenset[Uid] = frozenset().union(*(each.uids for each in self._policies))
        """All entities that some policy names."""
        self._places: dict[tuple[str, Uid], int] = {}
        self._asker = [self._filed(each, "principal") for each in self._policies]
        self._target = [self._filed(each, "resource") for each in self._policies]
        self._aimed: dict[tuple[str, Kind], list[int]] = {}
        self._slices: dict[tuple[str, Kind, Scopes, Scopes], Slice] = {}
        self._permits: dict[Slice, Slice] = {}

    def scopes(self, uid: Uid, above: frozenset[Uid]) -> Scopes:
        """Which scopes something fits that is `uid` and lies in all of `above`."""
        found = {self._places.get(("==", uid)), self._places.get(("in", uid))}
        found.update(self._places.get(("in", one)) for one in above)
        return frozenset(place for place in found if place is not None)

    def of(self, action: str, kind: Kind, asker: Scopes, target: Scopes) -> Slice:
        """The policies whose scope fits an action, a kind of target, and what asker and target are and lie in."""
        key = (action, kind, asker, target)
        found = self._slices.get(key)
        if found is None:
            if len(self._slices) >= _KEPT:
                self._slices.clear()
            askers, targets = {None, *asker}, {None, *target}
            found = self._slices[key] = self._made(
                number
                for number in self._about(action, kind)
                if self._asker[number] in askers and self._target[number] in targets
            )
        return found

    def permits_of(self, some: Slice) -> Slice:
        """The permits of a slice, without its forbids."""
        found = self._permits.get(some)
        if found is None:
            if len(self._permits) >= _KEPT:
                self._permits.clear()
            kept = [number for number in some.numbers if self._policies[number].permits]
            found = self._permits[some] = self._made(kept)
        return found

    def named(self, action: str, kind: Kind) -> frozenset[Uid]:
        """All entities that the policies about an action on targets of a kind name."""
        return frozenset().union(*(self._policies[number].uids for number in self._about(action, kind)))

    def whole(self) -> Slice:
        """Every policy: what a slice must answer alike."""
        return self._made(range(len(self._policies)))

    def _about(self, action: str, kind: Kind) -> list[int]:
        """The policies whose scope fits an action, a kind of target and some person."""
        found = self._aimed.get((action, kind))
        if found is None:
            found = self._aimed[action, kind] = [
                number
                for number, each in enumerate(self._policies)
                if each.concerns(action, TYPES[kind])
                and each.scope["principal"].get("entity_type", TYPES[Kind.PERSON]) == TYPES[Kind.PERSON]
            ]
        return found

    def _filed(self, policy: Policy, part: str) -> int | None:
        """The number of the entity that a part of the scope asks for, None where any will do."""
        scope = policy.scope[part]
        named = scope.get("entity") or scope.get("in", {}).get("entity")
        if named is None:
            return None
        exact = "==" if scope["op"] == "==" else "in"
        return self._places.setdefault((exact, (named["type"], named["id"])), len(self._places))

    def _made(self, numbers: Iterable[int]) -> Slice:
        kept = tuple(numbers)
        members = tuple(self._policies[number] for number in kept)
        return Slice(
            numbers=kept,
            members=members,
            named=frozenset().union(*(member.uids for member in members)),
            handle=cedarpy.PolicySet.from_str("\n".join(member.text for member in members)),
        )
