"""The checker's own reading of policy.cedar: one permit, one person, one action, one target at a time.

Nothing is grouped and no answer is kept: each policy is asked by itself with the context left out, so that what is
known only at run time is unknown (semantics, "Cedar policies").
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import cedarpy

from armslength.estate import ENROLL, Estate, Kind
from armslength.reach.checker_cedar import DEEP, FIRST, Form, Said, Uid, alone, ask, entity, scope
from armslength.reach.checker_condition import Comes, compared, may_pass
from armslength.reach.checker_ground import wrong

MANY_GROUPS = 10
"""Of so many groups entered by enrolment every subset is tried; of more only all together."""

_TYPES: Mapping[str, str] = {"person": "Person", "group": "Group", "asset": "Asset", "class": "Class", "terms": "Terms"}

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n\r]*|;|\)|@\s*\w+|\b(?:permit|forbid)\b', re.DOTALL)
_UID = re.compile(r'\{"type":("(?:[^"\\]|\\.)*"),"id":("(?:[^"\\]|\\.)*")\}')


class _Policy:
    """One policy. `conditions` is None where they are nested more deeply than JSON can be read; then the policy may
    compare the `principal` and the `resource` with everything that it names."""

    def __init__(self, text: str) -> None:
        self.alone = cedarpy.PolicySet.from_str(text)
        written = cedarpy.policies_to_json_str(text)
        self.uids = {(str(json.loads(kind)), str(json.loads(name))) for kind, name in _UID.findall(written)}
        self.conditions: list[Form] | None = None
        self.compared = dict.fromkeys(("principal", "resource"), self.uids)
        try:
            form = _form(written)
            self.compared = {name: set(compared(form, name, self.uids)) for name in self.compared}
            self.conditions = form["conditions"]
        except RecursionError:
            form = _form(cedarpy.policies_to_json_str(_head(text)))
        notes = form.get("annotations", {})
        self.permits, self.scope = form["effect"] == "permit", scope(form)
        self.id, self.terms = str(notes.get("id") or "").strip(), str(notes.get("terms") or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """Who and what Cedar is asked about; without a principal it is unknown who asks."""

    asked: Mapping[str, Uid]
    entities: tuple[Form, ...]

    def of(self, policies: cedarpy.PolicySet) -> Said:
        return ask(policies, self.asked, self.entities)

    def part(self, form: Form) -> Comes:
        """What a part of a condition can come to."""
        holds, fails = alone(form, "when"), alone(form, "unless")
        if holds is None or fails is None:
            return Comes.TRUE | Comes.FALSE | Comes.OPEN
        said = self.of(holds)
        found = Comes.TRUE if said.may else Comes.NOTHING
        found |= Comes.FALSE if self.of(fails).may else Comes.NOTHING
        found |= Comes.OPEN if said.unknown - {"principal"} else Comes.NOTHING
        return found or Comes.FAILS


class Policies:
    """The policies of one estate on one day; `exposed` tells X(p) as state indexes."""

    def __init__(self, estate: Estate, exposed: Callable[[int], frozenset[int]]) -> None:
        self.estate, self._exposed = estate, exposed
        policies = [_Policy(text) for text in _split(estate.policy.text if estate.policy is not None else "")]
        self._forbids = [policy for policy in policies if not policy.permits]
        self._permits = {policy.id: policy for policy in policies if policy.permits}
        index = {Kind.PERSON: estate.people.ids, Kind.GROUP: estate.groups.ids, Kind.ASSET: estate.assets.ids}
        self._index = {kind: {name: i for i, name in enumerate(names)} for kind, names in index.items()}

    @property
    def permits(self) -> tuple[str, ...]:
        """The `@id` of each permit."""
        return tuple(self._permits)

    def terms(self, policy: str) -> str:
        """The terms that a permit carries, "" for standing access."""
        return self._permit(policy).terms

    def open(self, policy: str, person: int, entered: frozenset[str], action: str, target: str) -> bool:
        """Whether, for some group set between the person's own groups and those with the groups `entered` ("group:…")
        by enrolment, this permit with every forbid is no definite refusal. Raises Fault for a permit or a target that
        the estate does not have."""
        permit = self._permit(policy)
        own = self._groups_of(person)
        more = sorted({ref.partition(":")[2] for ref in entered} - own)

        def passes(groups: frozenset[str]) -> bool:
            said = (self._question(f, action, target, person, groups).of(f.alone).must for f in self._forbids)
            return self._question(permit, action, target, person, groups).of(permit.alone).may and not any(said)

        sizes = range(len(more), -1, -1) if len(more) <= MANY_GROUPS else (len(more),)
        return any(passes(own | set(chosen)) for size in sizes for chosen in combinations(more, size))

    def held(self, policy: str, action: str, target: str) -> bool:
        """Whether the permit, without forbids, could let some person pass, in the estate or not (rule 7)."""
        permit = self._permit(policy)
        question = self._question(permit, action, target)
        if not question.of(permit.scope).may:
            return False
        if permit.conditions is None or question.of(permit.alone) is DEEP:
            return True
        try:
            return may_pass(permit.conditions, question.part)
        except RecursionError:
            return True

    def _permit(self, policy: str) -> _Policy:
        known = self._permits.get(policy.strip())
        return known if known is not None else wrong(f"no permit has the id {policy!r}")

    @cached_property
    def _shifting(self) -> bool:
        """Whether anybody could be enrolled in anything; then the people that a policy names for themselves are
        unknown, since their groups are (docs/decisions/0002-cedar-partial-evaluation.md)."""
        estate = self.estate
        return bool((estate.grants.action == estate.actions.index(ENROLL)).any()) or any(
            self.held(policy, ENROLL, f"group:{group}") for policy in self._permits for group in estate.groups.ids
        )

    # entities, made from the tables

    def _question(
        self, policy: _Policy, action: str, target: str, person: int | None = None, groups: Iterable[str] = ()
    ) -> _Question:
        """About a person in these groups, or about whoever there may be."""
        kind, _, name = target.partition(":")
        resource = (_TYPES[kind], name)
        entities: dict[Uid, Form] = {}
        asked: dict[str, Uid] = {"action": ("Action", action)}
        people = {("Person", name): name for kind, name in policy.uids if kind == "Person"}
        shifting = bool(people) and (bool(self.estate.groups.ids) if person is None else self._shifting)
        if person is not None:
            principal = ("Person", self.estate.people.ids[person])
            asked["principal"] = _another(principal, policy, "principal") if shifting else principal
            entities[asked["principal"]] = self._person_entity(asked["principal"], person, groups)
        # What is not among the entities would be unknown to partial evaluation, not absent.
        asked["resource"] = _another(resource, policy, "resource") if shifting else resource
        if kind == "person" and asked["resource"] not in entities:
            found = self._index[Kind.PERSON].get(name)
            if found is not None:
                entities[asked["resource"]] = self._person_entity(asked["resource"], found, self._groups_of(found))
        for uid in (asked["resource"], asked["action"], *sorted(policy.uids)):
            if not (shifting and uid in people):
                self._add(uid, entities)
        if asked["resource"] not in entities:
            wrong(f"{target!r} is not in the estate")
        return _Question(asked=asked, entities=tuple(entities.values()))

    def _add(self, uid: Uid, entities: dict[Uid, Form]) -> None:
        """The entity and, for an asset, everything it lies within."""
        kind, name = uid
        if uid in entities:
            return
        if kind == "Person" and name in self._index[Kind.PERSON]:
            person = self._index[Kind.PERSON][name]
            entities[uid] = self._person_entity(uid, person, self._groups_of(person))
        elif kind == "Asset" and name in self._index[Kind.ASSET]:
            t, assets, states = self._index[Kind.ASSET][name], self.estate.assets, self.estate.states
            parents = []
            if assets.of_class[t] >= 0:
                parents.append(("Class", self.estate.classes[assets.of_class[t]]))
            if assets.within[t] >= 0:
                parents.append(("Asset", assets.ids[assets.within[t]]))
            attributes = {
                "hosted_in": sorted(states[s] for s in assets.hosts[t]),
                "shielded_from": sorted(states[s] for s in assets.shielded_from[t]),
            }
            entities[uid] = entity(uid, attributes, parents)
            for parent in parents:
                self._add(parent, entities)
        elif (
            (kind == "Group" and name in self._index[Kind.GROUP])
            or (kind == "Class" and name in self.estate.classes)
            or (kind == "Terms" and any(terms.id == name for terms in self.estate.settings.terms))
            or kind == "Action"
        ):
            entities[uid] = entity(uid, {}, [])

    def _person_entity(self, uid: Uid, person: int, groups: Iterable[str]) -> Form:
        people, states = self.estate.people, self.estate.states
        attributes: dict[str, object] = {"states": sorted(states[s] for s in self._exposed(person))}
        for column in ("unit", "entity"):
            attributes[column] = people.columns[column][person] if column in people.columns else ""
        return entity(uid, attributes, [("Group", g) for g in sorted(groups)])

    def _groups_of(self, person: int) -> frozenset[str]:
        """The ids of every group that the person is in by the tables, through nesting."""
        groups = self.estate.groups
        found: set[int] = set()
        todo = [(int(Kind.PERSON), person)]
        while todo:
            kind, member = todo.pop()
            for g in groups.group[(groups.member_kind == kind) & (groups.member == member)].tolist():
                if g not in found:
                    found.add(g)
                    todo.append((int(Kind.GROUP), g))
        return frozenset(groups.ids[g] for g in found)


def _another(uid: Uid, policy: _Policy, name: str) -> Uid:
    """Another name for a person whom the policy names without comparing the one who asks, or is aimed at, with it."""
    while uid[0] == "Person" and uid in policy.uids and uid not in policy.compared[name]:
        uid = (uid[0], uid[1] + "-")
    return uid


def _form(written: str) -> Form:
    form: Form = json.loads(written)["staticPolicies"][FIRST]
    return form


def _head(text: str) -> str:
    """The policy without its conditions."""
    begun = False
    for token in _TOKEN.finditer(text):
        begun = begun or token.group() in ("permit", "forbid")
        if begun and token.group() == ")":
            return f"{text[: token.end()]};"
    return text


def _split(text: str) -> Iterator[str]:
    """The text of each policy: a `;` outside strings and comments ends one."""
    start = 0
    for token in _TOKEN.finditer(text):
        if token.group() == ";":
            yield text[start : token.end()]
            start = token.end()
