"""Functions that do more than their caller may, and who can have them do it."""

from __future__ import annotations

from armslength.estate import ENROLL
from armslength.intake.harvest import Harvest, Matter
from armslength.intake.postgresql.audience import Audience
from armslength.intake.postgresql.cluster import Database, RelationName, Rights, Routine
from armslength.intake.postgresql.names import part
from armslength.intake.postgresql.predefined import FILE_FUNCTIONS
from armslength.intake.postgresql.reviewed import Reviewed


class Routines:
    def __init__(self, database: Database, id: str, audience: Audience, harvest: Harvest, reviewed: Reviewed) -> None:
        self._database, self._id, self._audience, self._harvest = database, id, audience, harvest
        self._reviewed = {
            key for key, routine in database.routines.items() if reviewed.has(database.name, key[0], routine.signature)
        }

    def map(self) -> None:
        for (schema, _), routine in self._database.routines.items():
            self._asset(schema, routine)
        for (schema, _), routine in self._database.routines.items():
            for (grantee, privilege, _), origin in routine.rights.items():
                # A function for DDL events is called by the server alone.
                if privilege == "EXECUTE" and not routine.on_event:
                    self._call(self._audience.holder(grantee, schema), schema, routine, origin)
        for (schema, name), rights in self._database.builtin.items():
            self._builtin(schema, name, rights)

    def fired(self, holder: str, trigger: RelationName, origin: str) -> None:
        """Whoever writes has a trigger's function called, asked for EXECUTE or not."""
        schema, name = trigger
        routine = self._database.routines.get((schema, f"{name}()"))
        if routine is not None:
            self._call(holder, schema, routine, origin)

    def _routine_id(self, schema: str, routine: Routine) -> str:
        return f"{self._id}/{part(schema)}/{part(routine.signature)}"

    def _asset(self, schema: str, routine: Routine) -> None:
        words = (("security-definer", routine.definer), ("untrusted", routine.unbounded))
        id = self._routine_id(schema, routine)
        self._harvest.asset(
            id,
            kind="postgresql-function",
            within=f"{self._id}/{part(schema)}",
            traits=[word for word, holds in words if holds],
            origin=routine.origin,
        )
        self._audience.own(routine.owner, id, routine.origin)

    def _call(self, holder: str, schema: str, routine: Routine, origin: str) -> None:
        audience = self._audience
        self._harvest.grant(holder, "execute", f"asset:{self._routine_id(schema, routine)}", origin=origin)
        if (schema, routine.signature) in self._reviewed:
            return
        item = audience.told("function", schema, routine.signature)
        owner = audience.role(routine.owner)
        if routine.definer and owner:
            self._harvest.grant(holder, ENROLL, f"group:{audience.roles.acts(owner)}", origin=origin)
            reason = f"it runs as {owner}: who may call it is taken for {owner}, unless --reviewed says it is safe"
            audience.review(Matter.WIDER, item, reason, origin=routine.origin)
        if routine.unbounded:
            self._harvest.grant(holder, ENROLL, f"group:{audience.roles.operators}", origin=origin)
            reason = "its language knows no bounds: who may call it is taken to control the cluster, unless --reviewed"
            audience.review(Matter.WIDER, item, reason, origin=routine.origin)

    def _builtin(self, schema: str, name: str, rights: Rights) -> None:
        audience = self._audience
        item, origin = audience.told("function", schema, name), next(iter(rights.values()))
        if name not in FILE_FUNCTIONS:
            reason = "somebody was let call it who could not by default: what it gives is not known here"
            return audience.review(Matter.UNMAPPED, item, reason, origin=origin)
        reason = "it reaches the server's files or accounts: who may call it is taken to control the cluster"
        audience.review(Matter.WIDER, item, reason, origin=origin)
        for (grantee, _, _), said in rights.items():
            holder = audience.holder(grantee, schema)
            self._harvest.grant(holder, ENROLL, f"group:{audience.roles.operators}", origin=said)
