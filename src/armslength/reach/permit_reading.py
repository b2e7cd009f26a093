"""All policies of an estate on one day, each read once and viewed as often as kinds of target need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cedarpy
import numpy as np
import numpy.typing as npt

from armslength.estate import AMEND, ASSUME, ENROLL, OPERATE, Kind
from armslength.reach.permit_aim import Aim
from armslength.reach.permit_atoms import Atoms, Told
from armslength.reach.permit_columns import TYPES, Codes, Columns
from armslength.reach.permit_looks import Looks, looks
from armslength.reach.permit_opening import Found, openings
from armslength.reach.permit_policy import Policy, policies
from armslength.reach.permit_side import Side, askers, targets
from armslength.reach.permit_sight import Sight, sight
from armslength.reach.permit_spent import Spent
from armslength.reach.permit_view import View

TARGETS = {
    OPERATE: (Kind.ASSET,),
    ENROLL: (Kind.GROUP,),
    ASSUME: (Kind.PERSON, Kind.GROUP),
    AMEND: (Kind.TERMS,),
}
"""What each power may be aimed at (semantics, rule 5); every other action is aimed at assets."""

_Key = tuple[int, Kind]


@dataclass(slots=True, kw_only=True)
class Reading:
    """The `members` are the policies in the order of the file; what was found of them is kept. `spent`: what it took of
    what is limited."""

    columns: Columns
    enrollable: frozenset[int]
    members: tuple[Policy, ...]
    sights: tuple[Sight, ...]
    atoms: Atoms
    spent: Spent
    _sets: dict[int, cedarpy.PolicySet] = field(default_factory=dict)
    _people: dict[int, Side] = field(default_factory=dict)
    _aims: dict[_Key, Aim] = field(default_factory=dict)
    _looks: dict[tuple[_Key, str], Looks] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Columns, enrollable: frozenset[int], told: Told, spent: Spent) -> Reading:
        """Reads the policies of the columns' estate. `told`: see `Atoms`; `spent` is noted."""
        members = policies(columns.estate)
        sights = tuple(sight(member) for member in members)
        atoms = Atoms.of(columns, (atom for one in sights for atom in one.atoms), told)
        return cls(columns=columns, enrollable=enrollable, members=members, sights=sights, atoms=atoms, spent=spent)

    def actions(self, kind: Kind) -> list[list[int]]:
        """The actions that can be aimed at `kind`, as indexes, those that no policy tells apart together."""
        alike: dict[tuple[str, ...], list[int]] = {}
        named = [frozenset(name for type_, name in member.uids if type_ == "Action") for member in self.members]
        for index, action in enumerate(self.columns.estate.actions):
            if kind in TARGETS.get(action, (Kind.ASSET,)):
                key = tuple(action if action in names else "" for names in named)
                alike.setdefault(key, []).append(index)
        return list(alike.values())

    def opened(self, kind: Kind, action: str) -> Iterator[tuple[Policy, Codes, Found]]:
        """For each permit what it opens, with the people (by index) that `Found.openings` speaks of."""
        if not self.columns.ids(kind):
            return
        live = {
            n: self._look(n, kind, action) for n, one in enumerate(self.members) if one.concerns(action, TYPES[kind])
        }
        live = {n: one for n, one in live.items() if one.live or self._meets(n, kind)}
        forbids = [n for n in live if not self.members[n].permits]
        if any(self._meets(n, kind) for n in live):
            for target, name in enumerate(self.columns.ids(kind)):
                near = {n: self._close(n, kind, action, name) if self._meets(n, kind) else live[n] for n in live}
                yield from self._open(near, forbids, np.array([target]))
        else:
            yield from self._open(live, forbids, np.arange(len(self.columns.ids(kind))))

    def given(self, n: int, kind: Kind, action: str) -> Codes:
        """The targets, ascending, on which permit n alone could pass for some person, whoever that is."""
        if not self.members[n].concerns(action, TYPES[kind]):
            return np.zeros(0, dtype=np.int64)
        aim = self.aim(n, kind)
        return np.flatnonzero(aim.passable(self._called(n, action))[aim.targets.rows.of])

    def aim(self, n: int, kind: Kind) -> Aim:
        """Policy n with the targets of `kind`."""
        if (n, kind) not in self._aims:
            self._aims[n, kind] = self._aimed(n, self.sights[n], kind)
        return self._aims[n, kind]

    def _open(
        self, live: dict[int, Looks], forbids: list[int], targets: Codes
    ) -> Iterator[tuple[Policy, Codes, Found]]:
        barred = _barred([live[n] for n in forbids], targets)
        for n, permit in live.items():
            if not self.members[n].permits:
                continue
            aims = np.flatnonzero(permit.live_targets[permit.targets(targets)])
            people = np.flatnonzero(permit.live_people[permit.person][permit.view.people.rows.of])
            if aims.size and people.size:
                some = np.unpackbits(np.bitwise_or.reduce(barred[aims], axis=0))[: len(forbids)]
                against = [live[forbids[f]] for f in np.flatnonzero(some).tolist()]
                against = [forbid for forbid in against if forbid.live_people[forbid.people(people)].any()]
                for found in openings(permit, against, people, targets[aims]):
                    yield self.members[n], people, found

    def _meets(self, n: int, kind: Kind) -> bool:
        """Whether the policy may look at who is in the very group that is aimed at."""
        return kind is Kind.GROUP and self.sights[n].both

    def _look(self, n: int, kind: Kind, action: str) -> Looks:
        called = self._called(n, action)
        key = (n, kind), called
        if key not in self._looks:
            if n not in self._people:
                self._people[n] = askers(self.columns, self.atoms, self.sights[n], self.enrollable)
            self._looks[key] = looks(self._view(self.aim(n, kind), self._people[n]), called)
        return self._looks[key]

    def _view(self, aim: Aim, people: Side) -> View:
        self.spent.note(pairs=len(people.rows) * len(aim.targets.rows))
        return View(aim=aim, atoms=self.atoms, people=people, spent=self.spent)

    def _close(self, n: int, kind: Kind, action: str, name: str) -> Looks:
        """The policy as it looks at one group, as if it named it."""
        near = self.sights[n].naming(("Group", name))
        people = askers(self.columns, self.atoms, near, self.enrollable)
        return looks(self._view(self._aimed(n, near, kind), people), action)

    def _aimed(self, n: int, sight: Sight, kind: Kind) -> Aim:
        if n not in self._sets:
            self._sets[n] = cedarpy.PolicySet.from_str(self.members[n].text)
        return Aim(
            columns=self.columns,
            policy=self.members[n],
            policies=self._sets[n],
            sight=sight,
            targets=targets(self.columns, self.atoms, sight, kind),
            enrollable=self.enrollable,
        )

    def _called(self, n: int, action: str) -> str:
        """The action, or one for all that the policy does not name; it tells none of these apart."""
        if ("Action", action) in self.members[n].uids:
            return action
        name = "another"
        while ("Action", name) in self.members[n].uids:
            name += "-"
        return name


def _barred(forbids: list[Looks], targets: Codes) -> npt.NDArray[np.uint8]:
    """Shape [targets, forbids / 8]: which forbids may stand in anyone's way there, one bit each."""
    packed: list[npt.NDArray[np.uint8]] = []
    for start in range(0, len(forbids), 8):
        some = [forbid.live_targets[forbid.targets(targets)] for forbid in forbids[start : start + 8]]
        packed.append(np.packbits(np.stack(some, axis=1), axis=1)[:, 0])
    return np.stack(packed, axis=1) if packed else np.zeros((len(targets), 0), dtype=np.uint8)
