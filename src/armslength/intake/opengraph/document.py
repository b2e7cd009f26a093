"""One document, OpenGraph or what BloodHound answers to a query: its nodes and edges as slices of the bytes, decoded a
few thousand at a time.

A graph of a million edges has some 200 MB; as Python values all at once it would take ten times that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from armslength.intake.json_document import json_node
from armslength.intake.node import Node, below
from armslength.intake.problem import Problems

CHUNK = 2000
"""Nodes or edges that are decoded at one time."""
EXPECTED = 'expected OpenGraph, {"graph": {"nodes": […], "edges": […]}}'

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The parts of a file, each still JSON."""

    file: str
    nodes: list[msgspec.Raw]
    edges: list[msgspec.Raw]
    problems: Problems
    keys: list[str] | None = None
    """Where the file is an answer of BloodHound: the keys of its nodes, by which its edges name them."""

    def each(self, what: str, tell: Tell) -> Iterator[tuple[int, object]]:
        """(place, value) of every node or edge; `tell` hears how many bytes they were. Keys that come twice are
        reported, and so is what is no JSON of RFC 8259."""
        parts = self.nodes if what == "nodes" else self.edges
        for start in range(0, len(parts), CHUNK):
            data = b"[" + b",".join(parts[start : start + CHUNK]) + b"]"
            root = json_node(self.file, data, self.problems)
            tell(len(data))
            if root is None:
                return
            assert isinstance(root.value, list)
            if self.keys is None:
                yield from enumerate(root.value, start)
            else:
                yield from ((place, _unified(value)) for place, value in enumerate(root.value, start))

    def node(self, what: str, place: int, value: object) -> Node:
        """The part with its path, for what is wrong or has to be looked at closely."""
        return Node(value, self.file, self._path(what, place), self.problems)

    def origin(self, what: str, place: int) -> str:
        return f"{self.file} {self._path(what, place)}"

    def _path(self, what: str, place: int) -> str:
        if self.keys is None:
            return f"$.graph.{what}[{place}]"
        return below("$.data.nodes", self.keys[place]) if what == "nodes" else f"$.data.edges[{place}]"


def read_graph(file: str, data: bytes, problems: Problems) -> Graph | None:
    """The graph, or None after what is wrong was reported."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        top = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        answer = "graph" not in top and "data" in top and "meta" not in top
        inner = top.get("data" if answer else "graph")
        graph = {} if inner is None else msgspec.json.decode(inner, type=dict[str, msgspec.Raw])
        named = msgspec.json.decode(graph.get("nodes", b"{}"), type=dict[str, msgspec.Raw]) if answer else {}
        parts = {key: _list(graph.get(key)) for key in ("nodes", "edges") if not (answer and key == "nodes")}
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        # The slow reader says what is wrong, and where; what it finds sound has another shape.
        if json_node(file, data, problems) is not None:
            problems.add(file, f"has another shape: {EXPECTED}", path="$")
        return None
    if not {"nodes", "edges"} & set(graph):
        problems.add(file, _other(set(top)), path="$")
        return None
    # A key of the frame that comes twice would hide what the first held: seen with the long parts cut out.
    frame = data
    long = [memoryview(graph[key]) for key in ("edges", "nodes") if key in graph and not (answer and key == "nodes")]
    for part in sorted(long, key=len, reverse=True):  # a short one, such as [], may stand within the longer one too
        place = frame.find(part)
        if place >= 0:
            frame = frame[:place] + b"null" + frame[place + len(part) :]
    if json_node(file, frame, problems) is None:
        return None
    nodes = list(named.values()) if answer else parts["nodes"]
    return Graph(file=file, nodes=nodes, edges=parts["edges"], problems=problems, keys=list(named) if answer else None)


def _list(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    return [] if raw is None or bytes(raw) == b"null" else msgspec.json.decode(raw, type=list[msgspec.Raw])


def _unified(value: object) -> object:
    """A node or an edge of an answer of BloodHound, as OpenGraph spells it. What has another shape stays as it is."""
    if not isinstance(value, dict):
        return value
    if "source" in value:
        return {
            "start": {"value": value["source"]},
            "end": {"value": value.get("target")},
            "kind": value.get("kind"),
        }
    kinds = value.get("kinds") or [value.get("kind")]
    return {"id": value.get("objectId"), "kinds": kinds, "properties": value.get("properties")}


def _other(keys: set[str]) -> str:
    """What a document of another kind is, and how to make the right one."""
    if {"meta", "data"} <= keys:
        return (
            f"is a collection of SharpHound or AzureHound, which BloodHound itself has to make a graph of: {EXPECTED}; "
            "upload it there and take the answer to a query for all edges (docs/intake/opengraph.md tells how)"
        )
    return f"has no graph with nodes and edges: {EXPECTED}"
