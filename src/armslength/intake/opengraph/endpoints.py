"""Nodes that edges name otherwise than by their id: by the name that people see, or by properties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from armslength.intake.harvest import Matter
from armslength.intake.node import Node
from armslength.intake.opengraph.document import Graph
from armslength.intake.opengraph.nodes import Nodes, Thing

MOST = 10
"""Nodes that an edge may stand for at one end; more have to be told by id."""

Pair = tuple[str, str]


def checked(edge: Node) -> bool:
    """Whether the edge names some node by properties. What has a wrong shape is reported."""
    late = False
    edge.at("kind").text()
    for key in ("start", "end"):
        end = edge.at(key)
        by = end.at("match_by").text_or("id")
        if by == "property":
            late, matchers = True, list(end.at("property_matchers").items())
            if not matchers:
                end.at("property_matchers").wrong("is empty: expected one matcher or more")
            for matcher in matchers:
                matcher.at("key").text()
                if matcher.at("operator").text_or("equals") != "equals":
                    matcher.at("operator").wrong("expected equals")
        elif by in ("id", "name"):
            end.at("value").text()
        else:
            end.at("match_by").wrong(f"{by!r}: expected id, name or property")
        end.at("kind").text_or()
    return late


@dataclass(slots=True)
class Endpoints:
    nodes: Nodes
    _index: dict[Pair, list[Thing]] = field(default_factory=lambda: defaultdict(list))
    _found: dict[tuple[str, ...], list[Thing]] = field(default_factory=dict)

    def index(self, graphs: Iterable[Graph], edges: Iterable[Node]) -> None:
        """Finds the nodes that have a property which one of these edges asks for."""
        wanted = {pair for edge in edges for key in ("start", "end") for pair in _pairs(edge.at(key))}
        keys = {key for key, _ in wanted}
        for graph in graphs if wanted else ():
            for _, value in graph.each("nodes", lambda done: None):
                properties = value.get("properties") if isinstance(value, dict) else None
                if isinstance(value, dict) and isinstance(properties, dict):
                    for key, told in properties.items():
                        if key in keys and (pair := (key, str(told))) in wanted:
                            self._index[pair].append(self.nodes.by_id[value["id"].strip().upper()])

    def things(self, end: Node) -> list[Thing]:
        """What one end of an edge stands for; one that no document has if it fits none."""
        by = end.at("match_by").text_or("id")
        if by == "id":
            return [self.nodes.elsewhere(end.at("value").text(), end.origin)]
        pairs = _pairs(end) if by == "property" else []
        told = ", ".join(f"{key}={value}" for key, value in pairs) if pairs else end.at("value").text()
        key = (by, told.upper() if by == "name" else told, end.at("kind").text_or())
        if key not in self._found:
            self._found[key] = self._fitting(key, pairs, told, end)
        if len(self._found[key]) > MOST:
            end.wrong(f"fits {len(self._found[key]):,} nodes: expected match_by id, or a name that few have")
            return []
        return self._found[key]

    def _fitting(self, key: tuple[str, str, str], pairs: list[Pair], told: str, end: Node) -> list[Thing]:
        by, _, kind = key
        found = self._index.get(pairs[0], []) if pairs else self.nodes.by_name.get(told.upper(), [])
        for pair in pairs[1:]:
            numbers = {thing.number for thing in self._index.get(pair, [])}
            found = [thing for thing in found if thing.number in numbers]
        # Nodes of the kind that is wanted first: what has none of them may still be it, under another kind.
        found = [thing for thing in found if kind and thing.kind == kind] or found
        if len(found) > 1:
            reason = f"stands for {len(found)} nodes: taken for each of them"
            self.nodes.harvest.review(Matter.WIDER, f"the node {told!r}", reason, origin=end.origin)
        return found or [self.nodes.elsewhere(f"{by}/{told}", end.origin)]


def _pairs(end: Node) -> list[Pair]:
    if end.at("match_by").value != "property":
        return []
    return [(m.at("key").text(), str(m.at("value").value)) for m in end.at("property_matchers").items()]
