"""The checker's own reading of policy.cedar: one permit, one person, one action, one target at a time.

Nothing is grouped and no answer is kept: each is one question to Cedar with the context left out, so that what is known
only at run time is unknown (semantics, "Cedar policies").
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

import cedarpy

from armslength.estate import Estate, Kind
from armslength.reach.checker_ground import wrong

MANY_GROUPS = 10
"""So many groups entered by enrolment can one step name: every subset of them is tried."""

Uid = tuple[str, str]
_TYPES: Mapping[str, str] = {"person": "Person", "group": "Group", "asset": "Asset", "class": "Class", "terms": "Terms"}
_ESCAPES = {"\0": "\\0", "\t": "\\t", "\r": "\\r", "\n": "\\n", "'": "\\'", '"': '\\"', "\\": "\\\\"}
_FIRST = "policy0"
"""What Cedar calls the first policy of a text."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|;|\b(?:when|unless)\b', re.DOTALL)
_UID = re.compile(r'\{"type":("(?:[^"\\]|\\.)*"),"id":("(?:[^"\\]|\\.)*")\}')


class _Policy:
    """One policy, read without following its conditions: they may be nested deeper than JSON can be read."""

    def __init__(self, text: str) -> None:
        self.text = text
        cut = next((token.start() for token in _TOKEN.finditer(text) if token.group() in ("when", "unless")), None)
        head = text if cut is None else f"{text[:cut]};"
        form: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(head))["staticPolicies"][_FIRST]
        notes = form.get("annotations", {})
        self.permits = form["effect"] == "permit"
        self.id, self.terms = str(notes.get("id") or "").strip(), str(notes.get("terms") or "")
        written = cedarpy.policies_to_json_str(text)
        self.uids = {(str(json.loads(kind)), str(json.loads(name))) for kind, name in _UID.findall(written)}

    def for_anyone(self) -> cedarpy.PolicySet:
        """The policy alone, for any principal."""
        try:
            form: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(self.text))
            form["staticPolicies"][_FIRST]["principal"] = {"op": "All"}
            return cedarpy.PolicySet.from_json_str(json.dumps(form))
        except (RecursionError, ValueError):
            # Too deep to be edited. Left as it is, its scope stays open too: the principal is unknown.
            return cedarpy.PolicySet.from_str(self.text)


class Policies:
    """The policies of one estate on one day; `exposed` tells X(p) as state indexes."""

    def __init__(self, estate: Estate, exposed: Callable[[int], frozenset[int]]) -> None:
        self.estate, self._exposed = estate, exposed
        policies = [_Policy(text) for text in _split(estate.policy.text if estate.policy is not None else "")]
        self._forbids = "\n".join(policy.text for policy in policies if not policy.permits)
        self._permits = {policy.id: policy for policy in policies if policy.permits}
        self._with_forbids: dict[str, cedarpy.PolicySet] = {}
        self._mentioned = sorted({uid for policy in policies for uid in policy.uids})
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
        if len(more) > MANY_GROUPS:
            wrong(f"more than {MANY_GROUPS} groups are entered by enrolment")
        if policy not in self._with_forbids:
            self._with_forbids[policy] = cedarpy.PolicySet.from_str(f"{permit.text}\n{self._forbids}")
        policies = self._with_forbids[policy]
        principal = ("Person", self.estate.people.ids[person])
        return any(
            self._ask(policies, principal, person, own | set(chosen), action, target)
            for size in range(len(more), -1, -1)
            for chosen in combinations(more, size)
        )

    def held(self, policy: str, action: str, target: str) -> bool:
        """Whether the permit, whoever the principal and without forbids, is no definite refusal (rule 7)."""
        return self._ask(self._permit(policy).for_anyone(), None, -1, frozenset(), action, target)

    def _permit(self, policy: str) -> _Policy:
        return self._permits[policy] if policy in self._permits else wrong(f"no permit has the id {policy!r}")

    def _ask(
        self,
        policies: cedarpy.PolicySet,
        principal: Uid | None,
        person: int,
        groups: Iterable[str],
        action: str,
        target: str,
    ) -> bool:

        kind, _, name = target.partition(":")
        resource = (_TYPES[kind], name)
        entities: dict[Uid, dict[str, Any]] = {}
        if principal is not None:
            entities[principal] = self._person_entity(person, groups)
        # What is not among the entities would be unknown to partial evaluation, not absent.
        for uid in (resource, ("Action", action), *self._mentioned):
            self._add(uid, entities)
        if resource not in entities:
            wrong(f"{target!r} is not in the estate")
        asked = {"action": _spelled(("Action", action)), "resource": _spelled(resource)}
        if principal is not None:
            asked["principal"] = _spelled(principal)
        answer = cedarpy.is_authorized_partial(asked, policies, json.dumps(list(entities.values())))
        if not answer.residuals:
            wrong(f"Cedar does not read the question about {target!r}")
        return answer.decision is not cedarpy.Decision.Deny

    # entities, made from the tables

    def _add(self, uid: Uid, entities: dict[Uid, dict[str, Any]]) -> None:
        """The entity and, for an asset, everything it lies within."""
        kind, name = uid
        if uid in entities:
            return
        if kind == "Person" and name in self._index[Kind.PERSON]:
            person = self._index[Kind.PERSON][name]
            entities[uid] = self._person_entity(person, self._groups_of(person))
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
            entities[uid] = _entity(uid, attributes, parents)
            for parent in parents:
                self._add(parent, entities)
        elif (
            (kind == "Group" and name in self._index[Kind.GROUP])
            or (kind == "Class" and name in self.estate.classes)
            or (kind == "Terms" and any(terms.id == name for terms in self.estate.settings.terms))
            or kind == "Action"
        ):
            entities[uid] = _entity(uid, {}, [])

    def _person_entity(self, person: int, groups: Iterable[str]) -> dict[str, Any]:
        people, states = self.estate.people, self.estate.states
        attributes: dict[str, object] = {"states": sorted(states[s] for s in self._exposed(person))}
        for column in ("unit", "entity"):
            attributes[column] = people.columns[column][person] if column in people.columns else ""
        return _entity(("Person", people.ids[person]), attributes, [("Group", g) for g in sorted(groups)])

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


def _split(text: str) -> Iterator[str]:
    """The text of each policy: a `;` outside strings and comments ends one."""
    start = 0
    for token in _TOKEN.finditer(text):
        if token.group() == ";":
            yield text[start : token.end()]
            start = token.end()


def _entity(uid: Uid, attributes: Mapping[str, object], parents: Iterable[Uid]) -> dict[str, Any]:
    above = [{"type": kind, "id": name} for kind, name in parents]
    return {"uid": {"type": uid[0], "id": uid[1]}, "attrs": dict(attributes), "parents": above}


def _spelled(uid: Uid) -> str:
    """As Cedar itself would print it: it reads a request in no other spelling."""
    spelled = []
    for place, letter in enumerate(uid[1]):
        if letter in _ESCAPES:
            spelled.append(_ESCAPES[letter])
        elif not letter.isprintable() or (place == 0 and unicodedata.category(letter) in ("Mn", "Me")):
            spelled.append(f"\\u{{{ord(letter):x}}}")
        else:
            spelled.append(letter)
    return f'{uid[0]}::"{"".join(spelled)}"'
