"""The targets of one policy as entities for Cedar, one of each look."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cedarpy
import numpy as np

from armslength.estate import Kind
from armslength.reach.permit_cedar import Entity, given, residual
from armslength.reach.permit_columns import TYPES, Bools, Columns
from armslength.reach.permit_form import Uid
from armslength.reach.permit_gate import could_pass
from armslength.reach.permit_policy import Policy
from armslength.reach.permit_side import Side
from armslength.reach.permit_sight import Place, Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One policy and the targets of one kind; `enrollable` are the groups that some enrolment could give."""

    columns: Columns
    policy: Policy
    policies: cedarpy.PolicySet
    sight: Sight
    targets: Side
    enrollable: frozenset[int]

    def concerns(self, action: str) -> bool:
        """Whether the policy's scope can let `action` on such targets pass."""
        return self.policy.concerns(action, TYPES[self.targets.kind])

    def passable(self, action: str) -> Bools:
        """Shape [rows of targets]: where the permit could pass for some person, in the estate or not."""
        found = np.zeros(len(self.targets.rows), dtype=np.bool_)
        if self.concerns(action):
            act: Uid = ("Action", action)
            for column in range(len(found)):
                target = self.target(column)
                every = {act: Entity(uid=act, attributes={})} | self.subjects(column, target.uid) | {target.uid: target}
                entities = given(every.values())
                found[column] = could_pass(residual(self.policies, entities, act, target.uid))
        return found

    def target(self, column: int) -> Entity:
        """The target that stands for one row of `targets`."""
        index = int(self.targets.rows.first[column])
        return self._entity(self.targets.kind, index, self.sight.target_places, "target")

    def asker(self, person: int, entered: frozenset[int]) -> Entity:
        """A person who asks, having entered these groups."""
        own = self._entity(Kind.PERSON, person, self.sight.person_places, "asker")
        names = self.columns.ids(Kind.GROUP)
        return replace(own, parents=own.parents | ({("Group", names[group]) for group in entered} & self.sight.uids))

    def _entity(self, kind: Kind, index: int, places: frozenset[Place], word: str) -> Entity:
        """As the tables have it. Where the policy does not ask after it by name it gets another, since ids are opaque
        to Cedar: so the one who asks and the one who is aimed at are never taken for the same."""
        uid = TYPES[kind], self.columns.ids(kind)[index]
        if not any(uid in place.uids for place in places):
            while (uid := (TYPES[kind], f"{word}-{index}")) in self.sight.uids:
                word += "-"
        return self._named(kind, index, uid)

    def _named(self, kind: Kind, index: int, uid: Uid) -> Entity:
        above = self.columns.above(kind, index, self.sight.uids)
        return Entity(uid=uid, attributes=self.columns.attributes(kind, index), parents=above)

    def subjects(self, column: int, target: Uid) -> dict[Uid, Entity]:
        """The entities whose own attributes or parents the policy may look at. People whose groups can change are left
        out: unknown."""
        found: dict[Uid, Entity] = {}
        for uid in self.sight.subjects:
            place = self.columns.find(uid)
            if uid[0] == "Action":
                found[uid] = Entity(uid=uid, attributes={})
            elif place is not None and not (place[0] is Kind.PERSON and self.enrollable):
                found[uid] = self._named(*place, uid)
        holders = zip(self.targets.subjects, self.targets.holds[column].tolist(), strict=True)
        for (uid, _), holds in holders:
            if holds and uid in found:
                found[uid] = replace(found[uid], parents=found[uid].parents | {target})
        return found
