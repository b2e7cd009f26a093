"""The edges of all documents, as rows: a membership, a power or an action between two nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from armslength.intake.harvest import Matter
from armslength.intake.node import Node
from armslength.intake.opengraph.document import Graph, Tell
from armslength.intake.opengraph.edge_kinds import BOTH_WAYS, CONTAINS
from armslength.intake.opengraph.endpoints import Endpoints, checked
from armslength.intake.opengraph.meaning import Effect, Meaning, Role
from armslength.intake.opengraph.nodes import Nodes, Thing
from armslength.intake.opengraph.own import OwnEdges, is_own

ON_ASSETS = (Effect.CONTROL, Effect.OPERATE, Effect.GRANT)


@dataclass(slots=True)
class Edges:
    nodes: Nodes
    own: OwnEdges
    endpoints: Endpoints
    within: dict[int, tuple[Thing, Thing]] = field(default_factory=dict)
    """By the number of what lies within: it and what it lies in."""
    late: list[tuple[Graph, int, Node]] = field(default_factory=list)
    graphs: list[Graph] = field(default_factory=list)
    unmapped: Counter[str] = field(default_factory=Counter)
    told: dict[str, tuple[Meaning, str]] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)
    _done: set[tuple[int, int, str]] = field(default_factory=set)
    _acting: list[tuple[Thing, Thing, str]] = field(default_factory=list)
    """Who controls which thing: who acts as it as well, if some edge leaves it."""

    def read(self, graph: Graph, keyed: Mapping[str, Thing], tell: Tell) -> None:
        self.graphs.append(graph)
        for place, value in graph.each("edges", tell):
            plain = _plain(value) if isinstance(value, dict) else None
            if plain is None:
                self._closely(graph, place, value)
                continue
            kind, a, b = plain
            origin = graph.origin("edges", place)
            if graph.keys is None:
                first, second = self.nodes.elsewhere(a, origin), self.nodes.elsewhere(b, origin)
            elif a in keyed and b in keyed:
                first, second = keyed[a], keyed[b]
            else:
                graph.node("edges", place, value).wrong("names a node that the answer does not have")
                continue
            self._edge(kind, first, second, value, origin, graph, place)

    def _closely(self, graph: Graph, place: int, value: object) -> None:
        """An edge that names a node otherwise than by its id, or that has a wrong shape, which is reported."""
        node = graph.node("edges", place, value)
        late = checked(node)
        if node.problems:
            return
        if late:
            self.late.append((graph, place, node))
        else:
            self._named(graph, place, node)

    def _named(self, graph: Graph, place: int, node: Node) -> None:
        kind, starts = node.at("kind").text(), self.endpoints.things(node.at("start"))
        for end in self.endpoints.things(node.at("end")):
            for start in starts:
                self._edge(kind, start, end, node.value, node.origin, graph, place)

    def finish(self) -> None:
        """The edges that name nodes by their properties, which takes another look at all nodes."""
        self.endpoints.index(self.graphs, (node for _, _, node in self.late))
        for graph, place, node in self.late:
            self._named(graph, place, node)

    # what an edge gives

    def _edge(self, kind: str, start: Thing, end: Thing, value: object, origin: str, graph: Graph, place: int) -> None:
        if is_own(kind) and (start.role is Role.OWN or end.role is Role.OWN):
            self.own.edge(kind, start, end, graph.node("edges", place, value))
            return
        meaning = self.nodes.kinds.edges.get(kind)
        if meaning is None:
            self.unmapped[kind] += 1
            self._first.setdefault(kind, origin)
            return
        if meaning.wider or meaning.told:
            self.told.setdefault(kind, (meaning, origin))
        if meaning.backward:
            start, end = end, start
        self._give(meaning, start, end, kind, origin)
        if kind in BOTH_WAYS:
            self._give(meaning, end, start, kind, origin)

    def _give(self, meaning: Meaning, start: Thing, end: Thing, kind: str, origin: str) -> None:
        effect = meaning.effect
        key = (start.number, end.number, meaning.action or effect.name)
        if effect is Effect.NOTHING or key in self._done:
            return
        self._done.add(key)
        nodes, h = self.nodes, self.nodes.harvest
        holder = nodes.group(start)
        # What is no thing has no actions on it: whoever may do something with an account is taken to have it.
        is_asset = end.role in (Role.THING, Role.ELSEWHERE) or end.kind == "ALAsset"
        asset = nodes.asset(end) if end.role is Role.ELSEWHERE and effect in ON_ASSETS else end.asset
        match effect:
            case Effect.MEMBER:
                h.member(nodes.group(end).removeprefix("group:"), holder, origin=origin)
                return
            case Effect.ASSUME:
                h.grant(holder, "assume", nodes.group(end), origin=origin)
                return
            case Effect.GRANT if is_asset:
                h.grant(holder, meaning.action, asset, origin=origin)
                return
            case Effect.GRANT:
                reason = f"{meaning.action} on an account or a group: taken for control of it"
                h.review(Matter.WIDER, f"edge kind {kind}", reason, origin=origin)
            case Effect.CONTROL | Effect.OPERATE if is_asset:
                h.grant(holder, "operate", asset, origin=origin)
            case _:
                pass
        if kind in CONTAINS:
            end.contained = True
            if end.role is Role.THING and start.role is Role.THING:
                self.within.setdefault(end.number, (end, start))
        if end.role is Role.THING and effect is not Effect.ENROLL:
            if effect is not Effect.OPERATE:
                self._acting.append((start, end, origin))
        elif effect is not Effect.OPERATE or not is_asset:
            h.grant(holder, "enroll", nodes.group(end), origin=origin)

    def acting(self) -> None:
        """Who controls a thing acts as it: a row only where some edge leaves it, since others give nothing."""
        for start, end, origin in self._acting:
            if end.acts:
                self.nodes.harvest.grant(start.group, "enroll", end.group, origin=origin)

    def domains(self) -> None:
        """Who controls a domain controls what is in it, also where no container says that it is."""
        control = Meaning(effect=Effect.CONTROL)
        for thing in list(self.nodes.by_id.values()):
            domain = self.nodes.by_id.get(thing.domain) if thing.domain and not thing.contained else None
            if domain is not None and domain is not thing and domain.role is Role.THING and thing.role is not Role.OWN:
                self._give(control, domain, thing, "", thing.origin)

    def tell_unmapped(self) -> None:
        h = self.nodes.harvest
        for kind, count in sorted(self.unmapped.items()):
            reason = f"{count:,} edges of a kind that is not mapped: say what it means in a --map-file"
            h.review(Matter.UNMAPPED, f"edge kind {kind}", reason, origin=self._first[kind])
        for kind, (meaning, origin) in sorted(self.told.items()):
            matter = Matter.WIDER if meaning.wider else Matter.UNMAPPED
            h.review(matter, f"edge kind {kind}", meaning.wider or meaning.told, origin=origin)


def _plain(value: Mapping[str, object]) -> tuple[str, str, str] | None:
    """The kind of an edge and the ids that it names; None where it names a node otherwise, or has another shape."""
    found = []
    for end in (value.get("start"), value.get("end")):
        if not isinstance(end, dict) or end.get("match_by", "id") != "id":
            return None
        found.append(end.get("value"))
    kind, (first, second) = value.get("kind"), found
    if not (isinstance(kind, str) and isinstance(first, str) and isinstance(second, str)):
        return None
    if not (kind.isprintable() and first.isprintable() and second.isprintable()):
        return None
    first, second = first.strip(), second.strip()
    return (kind, first, second) if kind and first and second else None
