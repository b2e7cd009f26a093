"""The targets of one policy as entities for Cedar, one of each look."""

from __future__ import annotations

from dataclasses import dataclass

import cedarpy
import numpy as np

from armslength.estate import Kind
from armslength.reach.permit_cedar import Entity, given, residual
from armslength.reach.permit_columns import TYPES, Bools, Columns
from armslength.reach.permit_gate import could_pass
from armslength.reach.permit_policy import Policy, Uid
from armslength.reach.permit_side import Side
from armslength.reach.permit_sight import Sight


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
        side, first = self.targets, int(self.targets.rows.first[column])
        parents = frozenset(uid for uid, within in zip(side.uids, side.inside[column].tolist(), strict=True) if within)
        attributes = self.columns.attributes(side.kind, first)
        return Entity(uid=self.uid(side, column, "target"), attributes=attributes, parents=parents)

    def subjects(self, column: int, target: Uid) -> dict[Uid, Entity]:
        """The entities whose own attributes or parents the policy may look at. People whose groups can change are left
        out: unknown."""
        found: dict[Uid, Entity] = {}
        for uid in self.sight.subjects:
            place = self.columns.find(uid)
            if uid[0] == "Action":
                found[uid] = Entity(uid=uid, attributes={})
            elif place is None or (place[0] is Kind.PERSON and self.enrollable):
                continue
            else:
                parents = {one for one in self.sight.uids if self.columns.inside(place[0], one)[place[1]]}
                holders = zip(self.targets.subjects, self.targets.holds[column].tolist(), strict=True)
                parents |= {target for (subject, _), holds in holders if holds and subject == uid}
                attributes = self.columns.attributes(*place)
                found[uid] = Entity(uid=uid, attributes=attributes, parents=frozenset(parents))
        return found

    def uid(self, side: Side, row: int, word: str) -> Uid:
        """The name that the policy uses, or one that it does not: ids are opaque to it."""
        number = int(side.named[row])
        if number >= 0:
            return side.names[number]
        kind, name = TYPES[side.kind], f"{word}-{row}"
        while (kind, name) in self.sight.uids:
            name += "-"
        return kind, name
