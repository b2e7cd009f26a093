"""The estate as OpenGraph JSON for BloodHound, in pieces (docs/intake/opengraph.md).

People are told as in reports: without names those who are alike in everything that is shown are one node with their
number. Declared ties are left out, and so is a state that only they name. BloodHound keeps one edge of a kind between
two nodes and takes ids without regard to letter case; what would fall together is kept apart here.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from armslength.estate import POWERS, Basis, Estate, Kind
from armslength.report.plain import counted

SOURCE_KIND = "Armslength"
_ICONS = {
    "ALPerson": ("user", "#8ecae6"),
    "ALPeople": ("users", "#8ecae6"),
    "ALEveryone": ("globe", "#8ecae6"),
    "ALGroup": ("user-group", "#ffd166"),
    "ALAsset": ("database", "#ef8354"),
    "ALClass": ("tags", "#f4a261"),
    "ALState": ("flag", "#c9ada7"),
    "ALTerms": ("handshake", "#95d5b2"),
    "ALEntity": ("building", "#b8b8ff"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachEdge:
    """One answer of reach: `length` None where it is more than was looked for."""

    state: str
    action: str
    asset: str
    length: int | None
    floor: int | None


def opengraph(estate: Estate, at: dt.date, *, names: bool = False, answers: Iterable[ReachEdge] = ()) -> Iterator[str]:
    """One JSON object, one node or edge a line, ASCII; the same estate, day and flags give the same text. `at`: the day
    whose journeys count."""
    made, told = _Graph(estate, at, names), tuple(answers)
    made.add_nodes(told)
    yield f'{{"metadata": {{"source_kind": "{SOURCE_KIND}"}}, "graph": {{"nodes": [\n'
    yield from _lines(made.nodes.values())
    yield '\n], "edges": [\n'
    yield from _lines(chain(made.edges(), _reach(made, told)))
    yield "\n]}}\n"


def opengraph_types() -> str:
    """The icons of our kinds of nodes, as BloodHound's API takes them (POST /api/v2/custom-nodes)."""
    icons = {
        kind: {"icon": {"type": "font-awesome", "name": name, "color": colour}}
        for kind, (name, colour) in _ICONS.items()
    }
    return json.dumps({"custom_types": icons}, indent=1) + "\n"


def _lines(values: Iterable[Mapping[str, object]]) -> Iterator[str]:
    between = ""
    for value in values:
        yield between + json.dumps(value)
        between = ",\n"


@dataclass(slots=True)
class _Graph:
    estate: Estate
    at: dt.date
    names: bool
    nodes: dict[str, dict[str, object]] = field(default_factory=dict)
    """By reference."""
    _taken: dict[str, str] = field(default_factory=dict)
    """Ids without regard to case, and whose they are."""
    _kinds: dict[str, str] = field(default_factory=dict)
    _people: list[str] = field(default_factory=list)
    """The node of each person: its reference."""
    _travels: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add_nodes(self, answers: Iterable[ReachEdge]) -> None:
        """Every node that an edge will name: edges are made one at a time, since there may be millions."""
        for journey in self.estate.travel:
            if journey.start <= self.at <= journey.until:
                self._travels[journey.person].append(journey.state)
        self._add_people()
        self._add_groups_assets_classes()
        self._add_entities_terms()
        if (self.estate.grants.holder_kind == Kind.EVERYONE).any():
            self.called(Kind.EVERYONE, 0)
        for answer in answers:
            if answer.length is not None:
                self.state(answer.state)
        for _ in self._places():
            pass

    def edges(self) -> Iterator[dict[str, object]]:
        yield from self._memberships()
        yield from self._grants()
        yield from self._places()
        yield from self._terms()

    # nodes

    def node(self, reference: str, kind: str, name: str, **more: object) -> str:
        """The node's id. `more`: properties; what is empty is left out."""
        if reference not in self.nodes:
            id = f"AL:{reference}"
            if id.upper() in self._taken:
                id = f"{id}#{hashlib.sha256(reference.encode()).hexdigest()[:12]}"
            self._taken[id.upper()] = reference
            told = {key: value for key, value in more.items() if value not in ("", None, [], False)}
            properties = {"name": name or reference, "reference": reference, **told}
            self.nodes[reference] = {"id": id, "kinds": [kind], "properties": properties}
        return str(self.nodes[reference]["id"])

    def edge(self, start: str, kind: str, end: str, **more: object) -> dict[str, object]:
        """Between two nodes, by their references."""
        made: dict[str, object] = {
            "start": {"match_by": "id", "value": self.nodes[start]["id"]},
            "end": {"match_by": "id", "value": self.nodes[end]["id"]},
            "kind": kind,
        }
        if more:
            made["properties"] = more
        return made

    def state(self, code: str) -> str:
        self.node(reference := f"state:{code}", "ALState", code)
        return reference

    def called(self, kind: int, index: int) -> str:
        """The reference of what a row names."""
        estate = self.estate
        match Kind(kind):
            case Kind.PERSON:
                return self._people[index]
            case Kind.GROUP:
                return f"group:{estate.groups.ids[index]}"
            case Kind.ASSET:
                return f"asset:{estate.assets.ids[index]}"
            case Kind.CLASS:
                return f"class:{estate.classes[index]}"
            case Kind.TERMS:
                return f"terms:{estate.settings.terms[index].id}"
            case Kind.EVERYONE:
                self.node("everyone", "ALEveryone", "everyone")
                return "everyone"

    def _add_people(self) -> None:
        estate, people = self.estate, self.estate.people
        if self.names:
            told = {column for terms in estate.settings.terms for column in terms.distinct} - {"role", "unit"}
            more = sorted(told - {"workplace", "residence", "entity", "name", "id", "manager"})
            for p, id in enumerate(people.ids):
                cells = {key: self._cell(key, p) for key in ("role", "unit")}
                cells |= {"person": self._cell("name", p)}
                for key, column in (("workplace", people.workplace), ("residence", people.residence)):
                    cells[key] = estate.states[column[p]] if column[p] >= 0 else ""
                cells["entity"] = estate.entities.ids[people.entity[p]] if people.entity[p] >= 0 else ""
                # What quorums are judged by goes along, so that terms mean the same when they are read back.
                cells["more"] = json.dumps({column: self._cell(column, p) for column in more}) if more else ""
                self.node(f"person:{id}", "ALPerson", cells["person"] or id, **cells)
                self._people.append(f"person:{id}")
            return
        shown = self._shown()
        alike: dict[str, list[int]] = defaultdict(list)
        for p in range(len(people.ids)):
            alike[shown[p]].append(p)
        self._people = [""] * len(people.ids)
        for key, members in sorted(alike.items()):
            reference = f"people:{hashlib.sha256(key.encode()).hexdigest()[:20]}"
            role = self._cell("role", members[0])
            name = f"{role or 'people'} ({counted(len(members), 'person', 'people')})"
            self.node(reference, "ALPeople", name, role=role, count=len(members))
            for p in members:
                self._people[p] = reference

    def _shown(self) -> list[str]:
        """What is shown of each person: who have the same are told as one node."""
        estate = self.estate
        parts: list[list[object]] = [
            [self._cell("role", p), int(estate.people.entity[p]), sorted(self._ties(p))]
            for p in range(len(estate.people.ids))
        ]
        groups, grants = estate.groups, estate.grants
        for i in (groups.member_kind == Kind.PERSON).nonzero()[0]:
            parts[groups.member[i]].append(["in", estate.groups.ids[groups.group[i]]])
        for i in (grants.holder_kind == Kind.PERSON).nonzero()[0]:
            target = [int(grants.target_kind[i]), int(grants.target[i]), int(grants.terms[i])]
            parts[grants.holder[i]].append(["can", estate.actions[grants.action[i]], *target])
        for i in (grants.target_kind == Kind.PERSON).nonzero()[0]:
            # Who can be assumed by somebody stands alone, so that nobody else seems to be.
            parts[grants.target[i]].append(["assumed", int(grants.target[i])])
        for terms in estate.settings.terms:
            for of in (terms.approvers, *(place.of for place in terms.places)):
                if of.kind is Kind.PERSON:
                    parts[of.index].append(["approves", terms.id])
        return [json.dumps([*part[:3], *sorted(part[3:], key=json.dumps)]) for part in parts]

    def _cell(self, column: str, person: int) -> str:
        found = self.estate.people.columns.get(column)
        return str(found[person]) if found is not None else ""

    def _add_groups_assets_classes(self) -> None:
        estate, assets = self.estate, self.estate.assets
        for g, id in enumerate(estate.groups.ids):
            self.node(f"group:{id}", "ALGroup", id, unknown=g in estate.groups.unknown)
        for name in estate.classes:
            self.node(f"class:{name}", "ALClass", name)
        for t, id in enumerate(assets.ids):
            self.node(
                f"asset:{id}",
                "ALAsset",
                id,
                assetkind=assets.kind[t],
                within=f"asset:{assets.ids[assets.within[t]]}" if assets.within[t] >= 0 else "",
                key=f"asset:{assets.ids[assets.key[t]]}" if assets.key[t] >= 0 else "",
                hosted_in=sorted(estate.states[s] for s in assets.hosted_in[t]),
                subjects=max(int(assets.subjects[t]), 0) or None,
                **{"class": estate.classes[assets.of_class[t]] if assets.of_class[t] >= 0 else ""},
            )

    def _add_entities_terms(self) -> None:
        estate, entities = self.estate, self.estate.entities
        for e, id in enumerate(entities.ids):
            state = estate.states[entities.state[e]] if entities.state[e] >= 0 else ""
            parent = entities.ids[entities.parent[e]] if entities.parent[e] >= 0 else ""
            self.node(f"entity:{id}", "ALEntity", id, state=state, parent=parent)
        for terms in estate.settings.terms:
            document = json.dumps(self._settings(terms.id), sort_keys=True)
            told = {"approvals": terms.approvals, "apart": terms.apart, "minutes": terms.minutes}
            self.node(f"terms:{terms.id}", "ALTerms", terms.id, document=document, **told)

    def _settings(self, id: str) -> dict[str, object]:
        """The settings of terms, with people called as the graph calls them."""
        terms = next(terms for terms in self.estate.settings.terms if terms.id == id)
        every = self.estate.settings.parsed["terms"]
        assert isinstance(every, dict)
        told = {key: value for key, value in every[id].items() if value not in (None, [])}
        told["approvers"] = self.called(terms.approvers.kind, terms.approvers.index)
        if terms.places:
            told["from"] = [{"of": self.called(p.of.kind, p.of.index), "count": p.count} for p in terms.places]
        return told

    # edges

    def _memberships(self) -> Iterator[dict[str, object]]:
        groups = self.estate.groups
        seen: dict[tuple[str, str], None] = {}
        for group, kind, member in zip(groups.group, groups.member_kind, groups.member, strict=True):
            seen[(self.called(kind, member), f"group:{groups.ids[group]}")] = None
        for start, end in seen:
            yield self.edge(start, "ALMemberOf", end)
        grants = self.estate.grants
        if (grants.holder_kind == Kind.EVERYONE).any():
            self.called(Kind.EVERYONE, 0)
            for person in dict.fromkeys(self._people):
                yield self.edge(person, "ALMemberOf", "everyone")

    def _grants(self) -> Iterator[dict[str, object]]:
        """Standing access first; what has terms is an edge of another kind, since it is no way by itself."""
        grants, estate = self.estate.grants, self.estate
        under: dict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
        standing: dict[tuple[str, str, str], None] = {}
        for i in range(len(grants)):
            holder = self.called(grants.holder_kind[i], grants.holder[i])
            target = self.called(grants.target_kind[i], grants.target[i])
            key = (holder, estate.actions[grants.action[i]], target)
            if grants.terms[i] < 0:
                standing[key] = None
            else:
                under[key][estate.settings.terms[grants.terms[i]].id] = None
        for holder, action, target in standing:
            kind = f"AL{action.capitalize()}" if action in POWERS else self.kind("ALCan_", action)
            yield self.edge(holder, kind, target, action=action)
        needs: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        for (holder, action, target), terms in under.items():
            yield self.edge(holder, self.kind("ALMayAsk_", action), target, action=action, terms=list(terms))
            for one in terms:
                needs[(holder, f"terms:{one}")][action] = None
        for (holder, one), actions in needs.items():
            yield self.edge(holder, "ALNeeds", one, actions=list(actions))

    def kind(self, prefix: str, action: str) -> str:
        """The kind of edge for an action: letters, digits and underscores; another one for each action."""
        made = prefix + "_".join(part[:1].upper() + part[1:] for part in re.findall("[A-Za-z0-9]+", action))
        if self._kinds.setdefault(made.upper(), action) != action or made == prefix:
            made = f"{made}_{hashlib.sha256(action.encode()).hexdigest()[:8]}"
        return made

    def _places(self) -> Iterator[dict[str, object]]:
        estate, assets, entities = self.estate, self.estate.assets, self.estate.entities
        for t, id in enumerate(assets.ids):
            asset = f"asset:{id}"
            if assets.within[t] >= 0:
                yield self.edge(asset, "ALWithin", f"asset:{assets.ids[assets.within[t]]}")
            if assets.of_class[t] >= 0:
                yield self.edge(asset, "ALHasClass", f"class:{estate.classes[assets.of_class[t]]}")
            if assets.key[t] >= 0:
                yield self.edge(asset, "ALKey", f"asset:{assets.ids[assets.key[t]]}")
            for state in sorted(assets.hosted_in[t]):
                yield self.edge(asset, "ALHostedIn", self.state(estate.states[state]))
        for e, id in enumerate(entities.ids):
            if entities.state[e] >= 0:
                yield self.edge(f"entity:{id}", "ALStateOf", self.state(estate.states[entities.state[e]]))
            if entities.parent[e] >= 0:
                yield self.edge(f"entity:{id}", "ALOwnedBy", f"entity:{entities.ids[entities.parent[e]]}")
        yield from self._exposures()
        index = {str(code): s for s, code in enumerate(estate.states)}
        for reference in [r for r in self.nodes if r.startswith("state:")]:
            for above in sorted(estate.settings.upward[index[reference.removeprefix("state:")]]):
                if (other := self.state(estate.states[above])) != reference:
                    yield self.edge(reference, "ALAnswersTo", other)

    def _exposures(self) -> Iterator[dict[str, object]]:
        estate = self.estate
        done: set[str] = set()
        for p, person in enumerate(self._people):
            if person in done:
                continue
            done.add(person)
            if estate.people.entity[p] >= 0:
                yield self.edge(person, "ALEmployedBy", f"entity:{estate.entities.ids[estate.people.entity[p]]}")
            bases: dict[str, dict[str, None]] = defaultdict(dict)
            for basis, code in self._ties(p):
                bases[code][basis] = None
            for code, by in sorted(bases.items()):
                yield self.edge(person, "ALExposedTo", self.state(code), bases=list(by))

    def _ties(self, person: int) -> list[tuple[str, str]]:
        """Basis and state of every tie that counts on the day and may be told: never a declared one."""
        estate, people, entities = self.estate, self.estate.people, self.estate.entities
        found = [(Basis.WORKPLACE, people.workplace[person]), (Basis.RESIDENCE, people.residence[person])]
        entity, basis = int(people.entity[person]), Basis.EMPLOYER
        while entity >= 0:
            found.append((basis, entities.state[entity]))
            entity, basis = int(entities.parent[entity]), Basis.OWNER
        found += [(Basis.TRAVEL, state) for state in self._travels.get(person, ())]
        counting = estate.settings.bases
        return [(basis.value, str(estate.states[s])) for basis, s in found if basis in counting and s >= 0]

    def _terms(self) -> Iterator[dict[str, object]]:
        for terms in self.estate.settings.terms:
            counts: dict[str, int] = {self.called(terms.approvers.kind, terms.approvers.index): 0}
            for place in terms.places:
                of = self.called(place.of.kind, place.of.index)
                counts[of] = counts.get(of, 0) + place.count
            for of, count in counts.items():
                more = {"at_least": count} if count else {}
                yield self.edge(f"terms:{terms.id}", "ALApprovedBy", of, **more)


def _reach(made: _Graph, answers: Iterable[ReachEdge]) -> Iterator[dict[str, object]]:
    """What each state could have, by an edge for each action; a length that is more than was looked for is no edge."""
    for answer in answers:
        if answer.length is None or f"asset:{answer.asset}" not in made.nodes:
            continue
        more: dict[str, object] = {"action": answer.action, "length": answer.length}
        if answer.floor is not None:
            more |= {"floor": answer.floor, "broken": answer.length < answer.floor}
        kind = made.kind("ALReach_", answer.action)
        yield made.edge(made.state(answer.state), kind, f"asset:{answer.asset}", **more)
