"""Small graphs for the tests of this folder, and estates made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from armslength.intake import Harvest, Problems
from armslength.intake.opengraph import Kinds, map_opengraph
from armslength.reach import Beyond, Question, reach
from tests.intake.firms import DAY, estate_of, hr, put_together

USERS, GROUPS = ("ana", "bo", "cy"), ("ops", "admins")


def node(id: str, *kinds: str, **properties: Any) -> dict[str, Any]:
    return {"id": id, "kinds": list(kinds), "properties": properties}


def edge(start: str, kind: str, end: str) -> dict[str, Any]:
    return {"start": {"match_by": "id", "value": start}, "end": {"value": end}, "kind": kind}


def graph(nodes: Iterable[Mapping[str, Any]], edges: Iterable[Mapping[str, Any]]) -> bytes:
    return json.dumps({"graph": {"nodes": list(nodes), "edges": list(edges)}}).encode()


def directory(*edges: tuple[str, str, str]) -> bytes:
    """Three users, two groups, two computers, a domain, an OU and a vault, with these edges between them."""
    nodes = [node(u, "User", "Base", email=f"{u}@x.com", name=u.upper()) for u in USERS]
    nodes += [node(g, "Group", "Base", name=g.upper()) for g in GROUPS]
    nodes += [node(c, "Computer", "Base", name=c.upper()) for c in ("pc", "srv")]
    nodes += [node("corp", "Domain", "Base"), node("staff", "OU"), node("vault", "AZKeyVault", "AZBase")]
    return graph(nodes, (edge(*one) for one in edges))


def taken(*documents: bytes, kinds: Kinds | None = None) -> Harvest:
    harvest = Harvest(name="og", kind="opengraph")
    map_opengraph({f"g{n}.json": data for n, data in enumerate(documents)}, harvest, Problems(), kinds)
    return harvest


def rows(harvest: Harvest, table: str, columns: int) -> list[tuple[str, ...]]:
    """The first columns of the rows, sorted."""
    return sorted(row[:columns] for row in harvest.rows(table))


def could(data: bytes, who: str, action: str, asset: str, kinds: Kinds | None = None) -> bool:
    """Whether a state that can compel this one user gets the action on the asset with nobody else."""
    people = [{"id": u, "mail": f"{u}@x.com", "workplace": "CN" if u == who else "US"} for u in USERS]
    made = taken(data, kinds=kinds)
    # Powers are not listed by themselves: who operates something can do an action that nobody is granted.
    made.group(nobody := made.id("nobody"), origin="test")
    made.grant(f"group:{nobody}", "anything", f"asset:og/{asset}", origin="test")
    action = "anything" if action == "operate" else action
    estate = estate_of(put_together(hr(*people), made))
    found = reach(estate, Question(at=DAY, cap=0, everything=True))
    for number in range(len(found)):
        one = found.result(number)
        place = (estate.states[one.state], estate.actions[one.action], estate.assets.ids[one.asset])
        if place == ("CN", action, f"og/{asset}"):
            return not isinstance(one.length, Beyond)
    return False
