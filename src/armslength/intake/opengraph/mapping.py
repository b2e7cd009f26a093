"""Graphs to rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from armslength.intake.harvest import Harvest
from armslength.intake.opengraph.document import Graph, read_graph
from armslength.intake.opengraph.edges import Edges
from armslength.intake.opengraph.endpoints import Endpoints
from armslength.intake.opengraph.kinds_file import Kinds
from armslength.intake.opengraph.meaning import Role
from armslength.intake.opengraph.nodes import Nodes, Thing
from armslength.intake.opengraph.own import OwnEdges
from armslength.intake.problem import Problems


def map_opengraph(
    documents: Mapping[str, bytes],
    harvest: Harvest,
    problems: Problems,
    kinds: Kinds | None = None,
    tell: Callable[[int], None] = lambda done: None,
) -> None:
    """Each document is a graph; together they are one. `tell` hears how many bytes were read since it last heard.

    Raises `IntakeError` with every problem.
    """
    graphs = [graph for file, data in documents.items() if (graph := read_graph(file, data, problems)) is not None]
    problems.stop()
    nodes = Nodes(harvest, kinds or Kinds())
    edges = Edges(nodes, OwnEdges(harvest), Endpoints(nodes))
    keyed = [nodes.read(graph, tell) for graph in graphs]
    problems.stop()
    _read_edges(graphs, keyed, edges, tell)
    problems.stop()
    edges.finish()
    edges.domains()
    edges.acting()
    edges.own.things(nodes)
    problems.stop()
    _assets(nodes, edges)
    for thing in nodes.by_id.values():
        if thing.role in (Role.ACCOUNT, Role.GROUP):
            nodes.group(thing)
    nodes.everybody()
    nodes.tell_unmapped()
    edges.tell_unmapped()


def _read_edges(graphs: list[Graph], keyed: list[dict[str, Thing]], edges: Edges, tell: Callable[[int], None]) -> None:
    for graph, keys in zip(graphs, keyed, strict=True):
        edges.read(graph, keys, tell)


def _assets(nodes: Nodes, edges: Edges) -> None:
    """Every thing is an asset, within what contains it; of containers in a circle one is let out."""
    for number in list(_circles(edges.within)):
        del edges.within[number]
    for thing in nodes.by_id.values():
        if thing.role is Role.THING:
            inside = edges.within.get(thing.number)
            nodes.asset(thing, within=inside[1].asset.removeprefix("asset:") if inside is not None else "")


def _circles(within: dict[int, tuple[Thing, Thing]]) -> Iterator[int]:
    """The numbers that must not lie within anything, so that no chain of containers comes back to itself."""
    settled: set[int] = set()
    for start in within:
        path: dict[int, None] = {}
        at = start
        while at in within and at not in settled:
            if at in path:
                yield at
                break
            path[at] = None
            at = within[at][1].number
        settled.update(path)
