"""A derivation's steps as a graph to draw: people, groups, grants, powers and assets, and what leads to what.

Facts that say the same of several people at the same depth are drawn once with a count, so a quorum of five reviewers
is one box. Equal depth keeps the graph free of cycles although a group or a person may turn up at two depths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from armslength.estate import POWERS
from armslength.reach import Fact, Step
from armslength.report.plain import short


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A box. `kind` is compelled, accomplice, assumed, group, grant, power, thing, goal, terms, gate or host; `kicker`
    says it in a word, so that shape and colour are never alone."""

    kind: str
    kicker: str
    title: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    start: int
    end: int
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Edges index `nodes` and always lead from a lower to a higher depth; `depth[i]` is that of node i."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    depth: tuple[int, ...]


_TIES = {
    "workplace": "works there",
    "residence": "lives there",
    "employer": "employed there",
    "owner": "employer owned there",
    "travel": "travelling there",
    "sealed": "tie is sealed",
}
_BY = {"standing": "standing access", "quorum": "with a quorum", "waived": "terms waived", "gate": "past the gate"}


def _bare(reference: str) -> str:
    return reference.split(":", 1)[1] if ":" in reference else reference


def graph(steps: Sequence[Step], people: Mapping[str, str]) -> Graph:
    """The graph of a derivation; `people` labels each `person:…` (a role, or a name)."""
    if not steps:
        return Graph(nodes=(), edges=(), depth=())
    return _Drawing(steps, people).graph()


class _Drawing:
    def __init__(self, steps: Sequence[Step], people: Mapping[str, str]) -> None:
        self.steps = steps
        self.people = people
        self.made: dict[Fact, int] = {}
        self.boxes: dict[tuple[object, ...], int] = {}
        self.nodes: list[Node] = []
        self.depth: list[int] = []
        self.edges: dict[tuple[int, int], set[str]] = {}

    def graph(self) -> Graph:
        for step in self.steps:
            self.add(step)
        self.name_the_goal()
        return _merged(_drawn_close(self.nodes, self.depth, self.edges))

    def person(self, reference: str) -> str:
        return short(self.people.get(reference, "a person"), 60)

    def title(self, reference: str) -> str:
        return self.person(reference) if reference.startswith("person:") else short(_bare(reference), 60)

    def box(self, node: Node, depth: int, *key: object) -> int:
        """The box of this key at this depth, made when new."""
        full = (node.kind, node.title, depth, *key)
        if full not in self.boxes:
            self.boxes[full] = len(self.nodes)
            self.nodes.append(node)
            self.depth.append(depth)
        return self.boxes[full]

    def link(self, start: int, end: int, label: str = "") -> None:
        if start != end:
            self.edges.setdefault((start, end), set()).add(label)

    def below(self, needs: Sequence[Fact]) -> int:
        return max((self.depth[self.made[n]] + 1 for n in needs if n in self.made), default=0)

    def add(self, step: Step) -> None:
        match step.rule:
            case "compelled" | "accomplice":
                self.add_person(step)
            case "member" | "enrolled":
                self.add_membership(step)
            case "grant" | "permit":
                self.add_grant(step)
            case "assumed":
                self.add_assumed(step)
            case "has":
                self.alias(step)
            case _:
                self.add_passage(step)

    def add_person(self, step: Step) -> None:
        reference = step.fact[1]
        if step.rule == "compelled":
            node = Node(
                kind="compelled", kicker="Compelled", title=self.person(reference), note=_TIES.get(step.tie or "", "")
            )
        else:
            node = Node(kind="accomplice", kicker="Outsider", title=self.person(reference), note="needed besides")
        self.made[step.fact] = self.box(node, 0, reference)

    def add_membership(self, step: Step) -> None:
        _, person, group = step.fact
        needs = step.needs or (("acts", person),)
        depth = self.below(needs)
        opened = self.made.get(("enrolled", group))
        actor = self.made.get(("acts", person))
        if (
            step.rule == "enrolled"
            and opened is not None
            and actor is not None
            and self.depth[actor] < self.depth[opened]
        ):
            self.made[step.fact] = opened
            self.link(actor, opened)
            return
        through = max(0, len(step.rows) - 1)
        note = f"through {through} nested" if through else ""
        kicker = "Group, enrolled in" if step.rule == "enrolled" else "Group"
        node = Node(kind="group", kicker=kicker, title=short(_bare(group), 60), note=note)
        index = self.box(node, depth, step.rule)
        self.made[step.fact] = index
        for need in needs:
            if need in self.made:
                self.link(self.made[need], index)

    def add_grant(self, step: Step) -> None:
        depth = self.below(step.needs)
        verb, reference = step.fact[0], step.fact[-1]
        action = {"enrolled": "enroll", "assumed": "assume", "waived": "amend"}.get(verb, step.fact[1])
        kind = "power" if action in POWERS else "grant"
        kicker = ("Policy" if step.rule == "permit" else "Grant") if kind == "grant" else "Power"
        note = _BY.get(step.by or "", "")
        if step.by == "quorum" and step.approvers:
            note = f"quorum of {len(step.approvers) + 1}"
        node = Node(kind=kind, kicker=kicker, title=short(action, 40), note=note)
        index = self.box(node, depth, step.fact, step.rows, step.policy)
        entered = {need[1] for need in step.needs if need[0] == "in"}
        for need in step.needs:
            if need in self.made and not (need[0] == "acts" and need[1] in entered):
                self.link(self.made[need], index, self.part(step, need))
        self.made[step.fact] = self.box(self.outcome(verb, reference), depth + 1, reference, verb)
        self.link(index, self.made[step.fact])

    def outcome(self, verb: str, reference: str) -> Node:
        if verb == "assumed" and reference.startswith("person:"):
            return Node(kind="assumed", kicker="Taken over", title=self.person(reference), note="acts for the state")
        if verb == "enrolled":
            return Node(kind="group", kicker="Group, now open", title=self.title(reference), note="to whoever acts")
        if verb == "waived":
            return Node(kind="terms", kicker="Terms waived", title=self.title(reference))
        return Node(kind="thing", kicker=reference.split(":", 1)[0].capitalize(), title=self.title(reference))

    def part(self, step: Step, need: Fact) -> str:
        if step.by != "quorum" or len(need) < 2:
            return ""
        return "asks" if need[1] == step.requester else "approves" if need[1] in step.approvers else ""

    def add_assumed(self, step: Step) -> None:
        if ("assumed", step.fact[1]) in self.made:
            self.made[step.fact] = self.made["assumed", step.fact[1]]
            return
        node = self.outcome("assumed", step.fact[1])
        index = self.box(node, self.below(step.needs), step.fact)
        self.made[step.fact] = index
        for need in step.needs:
            if need in self.made:
                self.link(self.made[need], index)

    def alias(self, step: Step) -> None:
        need = next((n for n in step.needs if n in self.made), None)
        if need is not None:
            self.made[step.fact] = self.made[need]

    def add_passage(self, step: Step) -> None:
        """Class, within, custody, gate: one thing leads to another."""
        reference = step.fact[-1] if len(step.fact) > 1 else "gate"
        kicker = {"class": "Asset in the class", "within": "Asset within", "gate": "The gate"}.get(step.rule, "Asset")
        kind = "gate" if step.rule == "gate" else "thing"
        depth = self.below(step.needs)
        if step.rule == "custody":
            host = self.box(Node(kind="host", kicker="Custody", title="hosted in the state"), depth, reference)
            self.made.setdefault(("hosted", reference), host)
            depth += 1
        index = self.box(Node(kind=kind, kicker=kicker, title=self.title(reference)), depth, reference, step.rule)
        if step.rule == "custody":
            self.link(self.made["hosted", reference], index)
        for need in step.needs:
            if need in self.made:
                self.link(self.made[need], index, "key" if step.rule == "custody" else "")
        self.made[step.fact] = index

    def name_the_goal(self) -> None:
        last = self.steps[-1]
        index = self.made.get(last.fact)
        if index is not None and last.fact[0] == "can":
            node = self.nodes[index]
            self.nodes[index] = replace(node, kind="goal", note=f"state can {short(last.fact[1], 40)}")


def _drawn_close(nodes: list[Node], depth: list[int], edges: dict[tuple[int, int], set[str]]) -> Graph:
    """Sources move right beside what they serve, which keeps lines short."""
    first = list(depth)
    for i in range(len(nodes)):
        ends = [depth[b] for a, b in edges if a == i]
        if ends and not any(b == i for _, b in edges):
            first[i] = min(ends) - 1
    drawn = tuple(
        Edge(start=a, end=b, label=" and ".join(sorted(labels - {""}))) for (a, b), labels in sorted(edges.items())
    )
    return Graph(nodes=tuple(nodes), edges=drawn, depth=tuple(first))


def _merged(full: Graph) -> Graph:
    """Boxes that say the same and stand between the same boxes become one with a count."""
    before: dict[int, list[tuple[int, str]]] = {i: [] for i in range(len(full.nodes))}
    after: dict[int, list[tuple[int, str]]] = {i: [] for i in range(len(full.nodes))}
    for edge in full.edges:
        after[edge.start].append((edge.end, edge.label))
        before[edge.end].append((edge.start, edge.label))
    alike: dict[tuple[object, ...], list[int]] = {}
    for i, node in enumerate(full.nodes):
        key = (node, full.depth[i], tuple(sorted(before[i])), tuple(sorted(after[i])))
        alike.setdefault(key, []).append(i)
    place: dict[int, int] = {}
    nodes: list[Node] = []
    depth: list[int] = []
    for members in alike.values():
        node = full.nodes[members[0]]
        place.update(dict.fromkeys(members, len(nodes)))
        nodes.append(replace(node, title=f"{len(members)} × {node.title}") if len(members) > 1 else node)
        depth.append(full.depth[members[0]])
    edges = sorted({(place[e.start], place[e.end], e.label) for e in full.edges})
    return Graph(
        nodes=tuple(nodes), edges=tuple(Edge(start=a, end=b, label=c) for a, b, c in edges), depth=tuple(depth)
    )
