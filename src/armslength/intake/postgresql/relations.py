"""Tables, views and sequences: assets, who may do what with them, and what is done through them."""

from __future__ import annotations

from armslength.estate import OPERATE
from armslength.intake.harvest import Harvest, Matter
from armslength.intake.postgresql.audience import Audience
from armslength.intake.postgresql.cluster import Database, Kind, Relation, RelationName
from armslength.intake.postgresql.names import part, relation_part
from armslength.intake.postgresql.predefined import WRITE_ALL
from armslength.intake.postgresql.routines import Routines

ACTIONS = {
    "SELECT": ("read",),
    "INSERT": ("write",),
    "UPDATE": ("write",),
    "DELETE": ("write",),
    "TRUNCATE": ("write",),
    "MAINTAIN": ("maintain",),
    "TRIGGER": (OPERATE,),
    "REFERENCES": ("read",),
}
"""Of tables and views. TRIGGER runs code with the rights of whoever writes; REFERENCES tells which values there are."""
SEQUENCE_ACTIONS = {"SELECT": ("read",), "USAGE": ("read", "write"), "UPDATE": ("read", "write")}
WIDER = {
    "TRIGGER": "TRIGGER on it is taken for control of it: what a trigger does is done as whoever writes",
    "REFERENCES": "REFERENCES on it is taken for reading it: it tells which values there are",
}
PARENTS = (Kind.TABLE, Kind.PARTITIONED, Kind.FOREIGN)


class Relations:
    def __init__(self, database: Database, id: str, audience: Audience, harvest: Harvest, routines: Routines) -> None:
        self._relations, self._part = database.relations, part(database.name)
        self._id, self._audience, self._harvest, self._routines = id, audience, harvest, routines
        self._through: dict[tuple[str, RelationName], None] = {}

    def map(self) -> list[RelationName]:
        """Gives the views that somebody reads or writes through."""
        for name, relation in self._relations.items():
            self._relation(name, relation)
        self._pass_through()
        views = (Kind.VIEW, Kind.MATERIALIZED)
        return [name for _, name in self._through if self._relations[name].kind in views]

    def _relation_id(self, name: RelationName) -> str:
        return f"{self._id}/{part(name[0])}/{relation_part(name[1])}"

    def _relation(self, name: RelationName, relation: Relation) -> None:
        harvest, audience, id = self._harvest, self._audience, self._relation_id(name)
        harvest.asset(
            id,
            kind=f"postgresql-{relation.kind}",
            within=f"{self._id}/{part(name[0])}",
            traits=("row-security",) if relation.row_security else (),
            origin=relation.origin,
        )
        audience.own(relation.owner, id, relation.origin)
        owner = audience.role(relation.owner)
        if owner and relation.reads and relation.kind in PARENTS:
            # What its children hold is read and written by rights on the parent alone.
            self._behind(OPERATE, name, relation, audience.roles.holds(owner), relation.origin)
        actions = SEQUENCE_ACTIONS if relation.kind is Kind.SEQUENCE else ACTIONS
        said: set[tuple[str, str, str]] = set()
        for (grantee, privilege, column), origin in relation.rights.items():
            for action in actions.get(privilege, ()):
                holder = audience.holder(grantee, name[0])
                if (holder, action, column) in said:
                    continue
                said.add((holder, action, column))
                target = id
                if column:
                    target = f"{id}/{part(column)}"
                    harvest.asset(target, kind="postgresql-column", within=id, origin=relation.origin)
                harvest.grant(holder, action, f"asset:{target}", origin=origin)
                if relation.reads or relation.fires:
                    self._behind(action, name, relation, holder, origin)
            if privilege in WIDER:
                item = audience.told(relation.kind, *name)
                audience.review(Matter.WIDER, item, WIDER[privilege], origin=origin)
        if relation.fires and WRITE_ALL in audience.roles:
            self._fire(relation, audience.roles.holds(WRITE_ALL), relation.origin)

    def _behind(self, action: str, name: RelationName, relation: Relation, holder: str, origin: str) -> None:
        """What an action on a relation does to others."""
        for further in _further(action, relation):
            self._harvest.member(self._group(further, name, relation.origin), holder, origin=origin)
        if action == "write":
            self._fire(relation, holder, origin)

    def _fire(self, relation: Relation, holder: str, origin: str) -> None:
        for trigger in sorted(relation.fires):
            self._routines.fired(holder, trigger, origin)

    def _group(self, action: str, name: RelationName, origin: str) -> str:
        """The bare id of those who have the action on what lies behind a relation."""
        id = self._harvest.id("through", action, self._part, part(name[0]), relation_part(name[1]))
        if (action, name) not in self._through:
            self._through[action, name] = None
            self._harvest.group(id, origin=origin)
        return id

    def _pass_through(self) -> None:
        relations, harvest = self._relations, self._harvest
        waiting = list(self._through)
        while waiting:
            action, name = waiting.pop()
            relation = relations[name]
            group = self._group(action, name, relation.origin)
            for other in sorted(relation.reads):
                behind = relations[other]
                harvest.grant(f"group:{group}", action, f"asset:{self._relation_id(other)}", origin=relation.origin)
                if action == "write":
                    self._fire(behind, f"group:{group}", relation.origin)
                for further in _further(action, behind):
                    if (further, other) not in self._through:
                        waiting.append((further, other))
                    member = self._group(further, other, behind.origin)
                    if member != group:
                        harvest.member(member, f"group:{group}", origin=relation.origin)


def _further(action: str, relation: Relation) -> tuple[str, ...]:
    """What an action on it is taken to do with what lies behind it."""
    if not relation.passes():
        return ()
    match action:
        case "write":
            return ("read", "write") if relation.ruled else ("write",)
        case "read":
            return ("read",)
        case _ if action == OPERATE and relation.kind in PARENTS:
            return ("read", "write")
        case _:
            return ()
