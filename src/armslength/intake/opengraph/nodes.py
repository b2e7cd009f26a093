"""The nodes of all documents: what each is, and what stands for it in the estate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from armslength.intake.harvest import Harvest, Matter
from armslength.intake.node import Node
from armslength.intake.opengraph.document import Graph, Tell
from armslength.intake.opengraph.kinds_file import Kinds
from armslength.intake.opengraph.meaning import Role
from armslength.intake.opengraph.node_kinds import GENERAL

EVERYBODY = ("S-1-1-0", "S-1-5-11", "S-1-5-4", "S-1-5-2", "S-1-5-15")
"""Windows' groups of everyone who signs in: Everyone, Authenticated Users, Interactive, Network, This Organization."""


@dataclass(slots=True)
class Thing:
    """One node. `number` is its place in the order of first mention; `group` and `asset` are references."""

    number: int
    role: Role
    kind: str
    id: str
    group: str
    asset: str
    origin: str
    domain: str = ""
    name: str = ""
    acts: bool = False
    """Whether `group` is said already."""
    seen: bool = False
    """Whether `asset` is said already."""
    contained: bool = False
    node: Node | None = None
    """Kept of our own nodes only."""


@dataclass(slots=True)
class Nodes:
    """Found by id, whatever its letter case, since BloodHound takes ids so."""

    harvest: Harvest
    kinds: Kinds
    by_id: dict[str, Thing] = field(default_factory=dict)
    by_name: dict[str, list[Thing]] = field(default_factory=dict)
    unmapped: Counter[str] = field(default_factory=Counter)
    _first: dict[str, str] = field(default_factory=dict)

    def read(self, graph: Graph, tell: Tell) -> dict[str, Thing]:
        """Every node of a document; gives those that edges of this document name by a key of its own."""
        keyed: dict[str, Thing] = {}
        for place, value in graph.each("nodes", tell):
            thing = self._read(graph, place, value)
            if thing is not None and graph.keys is not None:
                keyed[graph.keys[place]] = thing
        return keyed

    def _read(self, graph: Graph, place: int, value: object) -> Thing | None:
        node = graph.node("nodes", place, value)
        told, listed, properties = node.object().get("id"), node.object().get("kinds"), node.object().get("properties")
        if isinstance(told, str) and told.isprintable() and told.strip() and isinstance(listed, list) and listed:
            id, kinds = told.strip(), listed
        else:
            id, kinds = node.at("id").text(), [part.text() for part in node.at("kinds").items()]
            if not kinds:
                node.at("kinds").wrong("is empty: expected at least one kind")
        if properties is None:
            properties = {}
        elif not isinstance(properties, dict):
            node.at("properties").object()
            return None
        if not all(isinstance(kind, str) and kind.isprintable() and kind for kind in kinds):
            node.at("kinds").wrong("expected texts that are not empty, without control characters")
            return None
        if not id or not kinds:
            return None
        return self._add(graph, place, id, kinds, properties)

    def _add(self, graph: Graph, place: int, id: str, kinds: list[str], properties: Mapping[str, object]) -> Thing:
        role, kind = self._role(kinds)
        if properties.get("serviceprincipaltype") == "ManagedIdentity":
            # Nobody can have its secret: it is had by controlling what it belongs to.
            role = Role.GROUP
        thing = self.by_id.get(id.upper())
        if thing is None:
            thing = self._new(id, role, kind, graph.origin("nodes", place))
        elif thing.role is Role.ELSEWHERE or (role is not Role.ELSEWHERE and role < thing.role):
            # Two documents may tell of one node; an account is more than a group, and both more than a thing.
            thing.role, thing.kind, thing.origin = role, kind, graph.origin("nodes", place)
        if role is Role.ELSEWHERE:
            self.unmapped[kind] += 1
            self._first.setdefault(kind, thing.origin)
        name = properties.get("name")
        if isinstance(name, str) and name and name.isprintable():
            thing.name = name
            same = self.by_name.setdefault(name.upper(), [])
            if not same or same[-1] is not thing:
                same.append(thing)
        domain = properties.get("domainsid")
        if isinstance(domain, str) and domain.upper() != id.upper():
            thing.domain = domain.upper()
        if role is Role.OWN:
            thing.node = graph.node("nodes", place, {"properties": properties}).at("properties")
            told, _, own = str(properties.get("reference")).partition(":")
            if own and (kind, told) in (("ALGroup", "group"), ("ALAsset", "asset")):
                # Edges of other kinds may name it too: it is the same group or asset for them.
                thing.id = self.harvest.id(own)
                thing.group, thing.asset, thing.acts = f"group:{thing.id}", f"asset:{thing.id}", told == "group"
        if role is Role.ACCOUNT or role is Role.ELSEWHERE:
            self._identify(graph.node("nodes", place, {"properties": properties}), thing)
        return thing

    def _role(self, kinds: list[str]) -> tuple[Role, str]:
        """The strongest of the roles that the node's kinds have."""
        best = Role.ELSEWHERE
        named = next((kind for kind in kinds if kind not in GENERAL), kinds[0])
        for kind in kinds:
            role = self.kinds.nodes.get(kind)
            if role is not None and (role is Role.OWN or role < best):
                best, named = role, kind
                if role is Role.OWN:
                    break
        return best, named

    def _new(self, id: str, role: Role, kind: str, origin: str) -> Thing:
        made = self.harvest.id(id)
        thing = Thing(len(self.by_id), role, kind, made, f"group:{made}", f"asset:{made}", origin)
        self.by_id[id.upper()] = thing
        return thing

    def elsewhere(self, id: str, origin: str) -> Thing:
        """The node with this id, whether or not a document has it."""
        found = self.by_id.get(id.upper())
        return found if found is not None else self._new(id, Role.ELSEWHERE, "", origin)

    def _identify(self, node: Node, thing: Thing) -> None:
        """What an account is known by. A name that is shown to people is none of it."""
        properties, h, seen = node.at("properties").object(), self.harvest, thing.origin

        def cell(key: str) -> str:
            value = properties.get(key)
            return value.strip() if isinstance(value, str) and value.isprintable() else ""

        upn, azure = cell("userprincipalname"), thing.kind == "AZUser"
        for mail in (cell("email"), cell("mail"), upn):
            local, at, domain = mail.rpartition("@")
            if at and local and domain and "#EXT#" not in mail.upper() and " " not in mail:
                h.identifier(thing.group, "mail", mail.lower(), origin=seen)
        h.identifier(thing.group, "employee", cell("employeeid"), origin=seen)
        if azure:
            h.identifier(thing.group, "subject", thing.id.removeprefix(f"{h.name}/").lower(), origin=seen)
        if upn:
            h.identifier(thing.group, "login", f"{h.name}:{upn}", origin=seen)
        if (sam := cell("samaccountname")) and not azure:
            h.identifier(thing.group, "login", f"ad:{sam}", origin=seen)

    # what is said of a node

    def group(self, thing: Thing) -> str:
        """The group of those who are, hold or act as the node."""
        if not thing.acts:
            thing.acts, bare, h = True, thing.group.removeprefix("group:"), self.harvest
            match thing.role:
                case Role.ACCOUNT:
                    h.account(bare, note=f"{thing.kind} {thing.name}".rstrip(), origin=thing.origin)
                case Role.GROUP | Role.THING | Role.OWN:
                    h.group(bare, origin=thing.origin)
                    if thing.kind == "ALPerson":
                        h.member(bare, f"person:{thing.id.removeprefix(f'{h.name}/')}", origin=thing.origin)
                case Role.ELSEWHERE:
                    told = (
                        f"of kind {thing.kind}, which is not mapped" if thing.kind else "no document has it as a node"
                    )
                    h.unknown(bare, f"{told}: ask who can act as it", origin=thing.origin)
        return thing.group

    def asset(self, thing: Thing, within: str = "") -> str:
        if not thing.seen:
            thing.seen = True
            self.harvest.asset(
                thing.asset.removeprefix("asset:"),
                kind=thing.kind or "elsewhere",
                within=within,
                origin=thing.origin,
                traits=(f"name:{thing.name}",) if thing.name else (),
            )
        return thing.asset

    def everybody(self) -> None:
        """Every account of the graph is in the groups of everyone who signs in, and others may be."""
        wide = [thing for thing in self.by_id.values() if thing.role is Role.GROUP and thing.id.endswith(EVERYBODY)]
        if not wide:
            return
        all_of_them, h = self.harvest.id("everybody who signs in"), self.harvest
        note = "whoever can sign in; accounts of trusted domains as well: ask who they are"
        h.unknown(all_of_them, note, origin=wide[0].origin)
        for thing in wide:
            h.member(self.group(thing).removeprefix("group:"), f"group:{all_of_them}", origin=thing.origin)
            reason = "taken for every account of the graph, and others"
            h.review(Matter.WIDER, thing.id, reason, origin=thing.origin)
        for thing in self.by_id.values():
            if thing.role is Role.ACCOUNT:
                h.member(all_of_them, self.group(thing), origin=thing.origin)

    def tell_unmapped(self) -> None:
        for kind, count in sorted(self.unmapped.items()):
            reason = (
                f"{count:,} nodes of a kind that is not mapped: only what edges of mapped kinds say of them counts; "
                "say what it is in a --map-file"
            )
            self.harvest.review(Matter.UNMAPPED, f"node kind {kind}", reason, origin=self._first[kind])
