"""Scenes: how a rule stands in a column once certain sources are held, and how few more people then fire it.

Scenes are kept, so that a search pays only for the people who join one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from armslength.reach.ballot import SPARE, Ballot, Stand
from armslength.reach.bundles import Bundles
from armslength.reach.classes import Classes, Counts
from armslength.reach.columns import Words, as_int
from armslength.reach.ground import Ground
from armslength.reach.quorum import Quorums
from armslength.reach.rules import Rule
from armslength.reach.seating import Seating
from armslength.reach.spread import Flags, Ints
from armslength.reach.stakes import Staking, among

Role = tuple[int, int, int, bytes]
"""The classes among requesters and approvers (-1: none), who brings the person, and by which ways they belong."""
SCENES = 50_000
"""Scenes kept at a time."""
FEW = 16
"""So many people are looked up one by one; of more, all at once."""
BROUGHT = 4_000_000
"""So many people whom masks bring into tables are kept at a time, all tables together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A rule in a column once the sources of `held` [Wh] are held, as a number `mask`: its ballot with the groups then
    `opened`, as it stands then, and who of those asked about acts then. `ready`, where the terms are waived: whether
    one of `holders` (people indexes; None for everyone) acts. `later`: the ballot once every group is open that people
    could open; None where they could open none and not waive the terms."""

    opened: frozenset[int]
    waived: bool
    holders: Ints | None
    ready: bool
    stand: Stand
    later: Ballot | None
    held: Words
    mask: int
    acts: dict[int, bool] = field(default_factory=dict)


class Scenes:
    """Answers for one ground; equal situations are answered once."""

    def __init__(self, ground: Ground, quorums: Quorums, bundles: Bundles, staking: Staking) -> None:
        self._ground, self._quorums, self._bundles, self._staking = ground, quorums, bundles, staking
        self._everyone = np.arange(ground.board.graph.layout.people, dtype=np.int32)
        self._nobody = np.zeros(0, dtype=np.int32)
        self._scenes: dict[tuple[int, int, bytes], Scene] = {}
        self._mattering: dict[tuple[int, int], tuple[Words, int]] = {}
        self._class: dict[tuple[int, int], int] = {}
        self._ways: dict[tuple[int, int], bytes] = {}
        self._into: dict[tuple[int, bytes], tuple[Ints, Ints]] = {}
        self._kept = 0
        self._joined: dict[tuple[int, bytes], Ints] = {}

    def outsiders(
        self, rule: Rule, column: int, mask: Words, people: tuple[int, ...], most: int
    ) -> tuple[int, ...] | None:
        """The fewest further outsiders, up to `most`, once the sources of `mask` are held and `people` act too."""
        scene = self._scene(rule, column, mask)
        if scene.waived:
            return self._holder(scene, people, most)
        seating = self._seating(scene, column, people, most)
        if seating is None:
            return None
        if not seating.outsiders:
            return ()
        joining = self._joining(column, mask, people)

        def acting(some: Ints) -> Flags:
            return self._ground.acting(some, column) | np.isin(some, joining)

        return self._quorums.name(scene.stand.ballot, seating, acting).outsiders

    def enough(self, rule: Rule, column: int, mask: Words, people: tuple[int, ...], most: int) -> bool:
        """Whether at most so many further outsiders do; who they are is left open."""
        scene = self._scene(rule, column, mask)
        if scene.waived:
            return self._holder(scene, people, most) is not None
        return self._seating(scene, column, people, most) is not None

    def role(self, rule: Rule, column: int, mask: Words, person: int) -> Role | None:
        """What of a person matters to the rule once the sources of `mask` are held: of two with the same role either
        may join in the other's place. None where they hold what brings more."""
        scene = self._scene(rule, column, mask)
        if scene.waived:
            return None
        matters = self._mattering[rule.number, column][1]
        holds, assumes = self._bundles.sources(person)
        if holds & matters:
            return None
        if not self._more(scene, column, (person,)):
            return (-1, -1, 0, b"")
        ballot, ways = scene.stand.ballot, b""
        if scene.later is not None:
            # Who has no part yet may have one once the next opens a group or waives the terms.
            ballot, ways = scene.later, self._ways_in(rule, person)
        # Who else could bring them adds nothing once they are there.
        asks, approves = self._number(ballot.requesters, person), self._number(ballot.approvers, person)
        return (asks, approves, assumes & matters, ways)

    def _seating(self, scene: Scene, column: int, people: tuple[int, ...], most: int) -> Seating | None:
        stand, ballot = scene.stand, scene.stand.ballot
        more = self._more(scene, column, people) if people else people
        filled = self._ground.filled(column)
        if len(more) > SPARE or filled is not None:
            extra = np.array(more, dtype=np.int32)
            asking, approving = (
                classes.added(self.counts(classes, column, scene.held, ()), extra)
                for classes in (ballot.requesters, ballot.approvers)
            )
            return self._quorums.least(ballot, asking, approving, most, filled)
        asks = tuple(sorted(self._number(ballot.requesters, person) for person in more))
        approves = tuple(sorted(self._number(ballot.approvers, person) for person in more))
        return self._quorums.joined(stand, asks, approves, most)

    def _number(self, classes: Classes, person: int) -> int:
        """The class of a person, or -1."""
        key = (id(classes), person)
        found = self._class.get(key)
        if found is None:
            found = self._class[key] = int(classes.of(np.array([person], dtype=np.int32))[0])
        return found

    def _ways_in(self, rule: Rule, person: int) -> bytes:
        key = (rule.number, person)
        found = self._ways.get(key)
        if found is None:
            found = self._ways[key] = self._quorums.ways_in(rule, np.array([person], dtype=np.int32))[0]
        return found

    def _scene(self, rule: Rule, column: int, mask: Words) -> Scene:
        # Most of what is held matters to other rules only.
        known = self._mattering.get((rule.number, column))
        if known is None:
            matters = self._staking.stakes(rule, self._ground.opened(rule, column), chained=True).mask
            known = self._mattering[rule.number, column] = (matters, as_int(matters))
        mask = mask & known[0]
        key = (rule.number, column, mask.tobytes())
        found = self._scenes.get(key)
        if found is None:
            if len(self._scenes) > SCENES:
                self._scenes.clear()
            found = self._scenes[key] = self._make_scene(rule, column, mask)
        return found

    def _make_scene(self, rule: Rule, column: int, mask: Words) -> Scene:
        ground, bundles = self._ground, self._bundles
        opened = ground.opened(rule, column) | bundles.opened(mask, self._quorums.mentioned(rule))
        ballot = self._quorums.ballot(rule, opened)
        waived = ground.waived(rule, column) or bundles.waived(mask, rule.terms)
        holders = rule.holders.people(opened)
        return Scene(
            opened=opened,
            waived=waived,
            holders=holders,
            ready=waived and self._ready(rule, opened, holders, column, mask),
            stand=self._quorums.stand(
                ballot,
                self.counts(ballot.requesters, column, mask, ()),
                self.counts(ballot.approvers, column, mask, ()),
            ),
            later=self._later(rule, opened),
            held=mask,
            mask=as_int(mask),
        )

    def _later(self, rule: Rule, opened: frozenset[int]) -> Ballot | None:
        stakes = self._staking.stakes(rule, opened, chained=False)
        if not stakes.opens and not self._bundles.waived(stakes.held, rule.terms):
            return None
        return self._quorums.ballot(rule, self._quorums.mentioned(rule) if stakes.opens else opened)

    def _more(self, scene: Scene, column: int, people: tuple[int, ...]) -> tuple[int, ...]:
        """Those of `people` who do not act in the scene already."""
        acts, found = scene.acts, []
        for person in people:
            known = acts.get(person)
            if known is None:
                acting = int(self._ground.board.words[column >> 6, person]) >> (column & 63) & 1
                known = acts[person] = bool(acting or self._bundles.sources(person)[1] & scene.mask)
            if not known:
                found.append(person)
        return tuple(found)

    def _ready(
        self, rule: Rule, opened: frozenset[int], holders: Ints | None, column: int, mask: Words
    ) -> bool:
        if self._ground.holder(rule, opened, column) is not None:
            return True
        return bool(among(self._fresh(column, mask), holders).any())

    def _holder(self, scene: Scene, people: tuple[int, ...], most: int) -> tuple[int, ...] | None:
        holders = scene.holders
        if scene.ready or people and among(np.array(people, dtype=np.int32), holders).any():
            return ()
        if holders is not None and not holders.size or not most or not len(self._everyone):
            return None
        return (int(holders[0]) if holders is not None else 0,)

    def counts(self, classes: Classes, column: int, mask: Words, people: tuple[int, ...]) -> Counts:
        """How many of each class act: on the ground, brought by `mask`, or among `people`."""
        counts: Counts = self._ground.counts(classes)[column]
        if mask.any():
            who, of = self._brought_into(classes, mask)
            fresh = of[~self._ground.acting(who, column)]
            if fresh.size:
                counts = counts + np.bincount(fresh, minlength=len(counts))
        if people:
            more = np.array(people, dtype=np.int32)
            more = more[~self._ground.acting(more, column)]
            if mask.any():
                more = more[~self._bundles.assumed(mask, more)]
            counts = classes.added(counts, more)
        return counts

    def _brought_into(self, classes: Classes, mask: Words) -> tuple[Ints, Ints]:
        """Whom a mask brings of the people of a table, and their classes."""
        key = (id(classes), mask.tobytes())
        found = self._into.get(key)
        if found is None:
            flags = self._bundles.assumed(mask, classes.sorted_people)
            self._kept += int(flags.sum())
            if self._kept > BROUGHT:
                self._into.clear()
                self._kept = int(flags.sum())
            found = self._into[key] = (classes.sorted_people[flags], classes.sorted_class[flags])
        return found

    def _joining(self, column: int, mask: Words, people: tuple[int, ...]) -> Ints:
        """Those who act besides the ground: `people` and whom `mask` brings; people indexes, each once."""
        fresh = self._fresh(column, mask)
        if not people:
            return fresh
        more = np.array(people, dtype=np.int32)
        more = more[~self._ground.acting(more, column)]
        if len(more) > FEW:
            return np.union1d(fresh, more)
        if fresh.size and more.size:
            place = np.minimum(np.searchsorted(fresh, more), len(fresh) - 1)
            more = more[fresh[place] != more]
        return np.concatenate([fresh, more]) if fresh.size else more

    def _fresh(self, column: int, mask: Words) -> Ints:
        """Whom a mask brings who does not act on the ground; ascending."""
        if not mask.any():
            return self._nobody
        key = (column, mask.tobytes())
        found = self._joined.get(key)
        if found is None:
            brought = self._bundles.brought(mask)
            found = self._joined[key] = brought[~self._ground.acting(brought, column)]
        return found
