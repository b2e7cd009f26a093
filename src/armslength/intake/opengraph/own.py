"""The graph that `armslength graph` wrote, read back: the same memberships and grants, under ids of this source.

People who were written without names come back as groups of so many of a role whose members nobody knows: gaps.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from armslength.estate import POWERS
from armslength.intake.harvest import Harvest, Matter
from armslength.intake.json_document import json_node
from armslength.intake.node import Node
from armslength.intake.opengraph.nodes import Nodes, Thing
from armslength.intake.problem import Problems

_GRANTS = ("ALCan_", "ALMayAsk_", "ALReach_")
_EDGES = frozenset(
    "ALMemberOf ALOperate ALEnroll ALAssume ALAmend ALWithin ALHasClass ALHostedIn ALKey ALExposedTo ALNeeds "
    "ALApprovedBy ALEmployedBy ALOwnedBy ALStateOf ALAnswersTo".split()
)
_POWERS = {f"AL{power.capitalize()}": power for power in POWERS}
_TARGETS = ("asset", "class", "group", "person", "people", "terms")


def is_own(kind: str) -> bool:
    return kind[:2] == "AL" and (kind in _EDGES or kind.startswith(_GRANTS))


@dataclass(slots=True)
class OwnEdges:
    harvest: Harvest
    _named_people: bool = False
    _references: dict[int, str] = field(default_factory=dict)

    def edge(self, kind: str, start: Thing, end: Thing, edge: Node) -> None:
        """Memberships and grants; the other edges say what their nodes say as well."""
        power = _POWERS.get(kind)
        if kind != "ALMemberOf" and power is None and not kind.startswith(("ALCan_", "ALMayAsk_")):
            return
        holder, target = self.reference(start), self.reference(end)
        if kind == "ALMemberOf":
            if target != "everyone" and self._fits(holder, ("person", "group"), edge.at("start")):
                if self._fits(target, ("group",), edge.at("end")):
                    self.harvest.member(target.removeprefix("group:"), holder, origin=edge.origin)
            return
        properties = edge.at("properties")
        action = power or properties.at("action").text()
        terms = properties.at("terms").texts() if kind.startswith("ALMayAsk_") else [""]
        if kind.startswith("ALMayAsk_") and not terms:
            properties.at("terms").wrong("is empty: expected the terms under which it may be asked for")
        if holder != "everyone" and not self._fits(holder, ("person", "group"), edge.at("start")):
            return
        if action and self._fits(target, _TARGETS, edge.at("end")):
            for one in terms:
                under = self.harvest.id(one) if one else ""
                self.harvest.grant(holder, action, target, terms=under, origin=edge.origin)

    def reference(self, thing: Thing) -> str:
        """What a node stands for, as rows of this source name it; "" for what no row can name."""
        found = self._references.get(thing.number)
        if found is None:
            found = thing.group if thing.node is None else self._named(thing.node.at("reference").text())
            self._references[thing.number] = found
        return found

    def _named(self, reference: str) -> str:
        kind, _, id = reference.partition(":")
        match kind:
            case "person" | "class":
                return reference if id else ""
            case "group" | "asset" | "terms":
                return f"{kind}:{self.harvest.id(id)}" if id else ""
            case "people":
                return f"group:{self.harvest.id('people', id)}" if id else ""
            case _:
                return "everyone" if reference == "everyone" else ""

    @staticmethod
    def _fits(reference: str, kinds: tuple[str, ...], end: Node) -> bool:
        if reference.partition(":")[0] in kinds:
            return True
        end.wrong(f"stands for no {' or '.join(kinds)}: expected a node of that kind")
        return False

    def things(self, nodes: Nodes) -> None:
        """What the nodes say themselves."""
        self._named_people = any(thing.kind == "ALPerson" and thing.node is not None for thing in nodes.by_id.values())
        for thing in nodes.by_id.values():
            if thing.node is not None:
                self._thing(thing, thing.node)

    def _thing(self, thing: Thing, node: Node) -> None:
        h, origin, reference = self.harvest, thing.origin, self.reference(thing)
        kind, _, bare = reference.partition(":")

        def cell(key: str) -> str:
            return node.at(key).text_or()

        def named(key: str) -> str:
            return self._named(told).partition(":")[2] if (told := cell(key)) else ""

        match thing.kind:
            case "ALGroup" if kind == "group":
                if node.at("unknown").flag():
                    h.unknown(bare, cell("note") or "the graph does not tell who is in it", origin=origin)
                else:
                    h.group(bare, origin=origin)
            case "ALPeople" if kind == "group":
                note = f"{node.at('count').whole(1)} people of the role {cell('role') or 'that no table tells'}"
                h.account(bare, note=note, origin=origin)
            case "ALPerson" if kind == "person":
                cells = {key: cell(key) for key in ("unit", "role", "entity", "workplace", "residence")}
                more = {key: part.text_or() for key, part in self._object(node.at("more")).members()}
                h.person(bare, name=cell("person"), more=json.dumps(more) if more else "", origin=origin, **cells)
            case "ALEntity":
                word, _, told = cell("reference").partition(":")
                if word != "entity" or not told:
                    node.at("reference").wrong("does not fit the node's kind")
                h.entity(told, state=cell("state"), parent=cell("parent"), origin=origin)
            case "ALAsset" if kind == "asset":
                if (subjects := node.at("subjects").whole(0)) < 0:
                    node.at("subjects").wrong("expected 0 or more")
                h.asset(
                    bare,
                    kind=cell("assetkind"),
                    class_=cell("class"),
                    within=named("within"),
                    hosted_in=" ".join(node.at("hosted_in").texts()),
                    key=named("key"),
                    subjects=str(subjects) if subjects else "",
                    origin=origin,
                )
            case "ALTerms" if kind == "terms":
                self._terms(bare, node.at("document"), origin)
            case "ALGroup" | "ALPeople" | "ALPerson" | "ALAsset" | "ALTerms":
                node.at("reference").wrong("does not fit the node's kind")
            case _:
                pass

    def _terms(self, id: str, document: Node, origin: str) -> None:
        told = dict(self._object(document).object())
        if told.get("distinct") and not self._named_people:
            # There is no people table to judge it by; without it a quorum is easier to have.
            del told["distinct"]
            reason = "its distinct is left out, since the graph names no people: reach may say more than there is"
            self.harvest.review(Matter.WIDER, f"terms {id}", reason, origin=origin)
        if isinstance(approvers := told.get("approvers"), str):
            told["approvers"] = self._named(approvers)
        places = told.get("from")
        for place in places if isinstance(places, list) else ():
            if isinstance(place, dict) and isinstance(of := place.get("of"), str):
                place["of"] = self._named(of)
        try:
            self.harvest.terms(id, json.dumps(told), origin=origin)
        except TypeError:
            document.wrong("has a value that terms cannot have: expected texts, numbers, arrays and objects")

    @staticmethod
    def _object(node: Node) -> Node:
        """The JSON object that a text spells; an empty one if there is none."""
        if (text := node.text_or()) == "":
            return Node({}, node.file, node.path, node.problems)
        inner = json_node(node.file, text.encode(), trial := Problems())
        if inner is None or trial or not isinstance(inner.value, dict):
            node.wrong("is no JSON object")
            return Node({}, node.file, node.path, node.problems)
        return Node(inner.value, node.file, node.path, node.problems)
