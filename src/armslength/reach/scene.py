"""Scenes: how a rule stands in a column once certain sources are held, and how few more people then fire it.

Scenes are kept, so that a search pays only for the people who join one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from armslength.reach.ballot import SPARE, Ballot, Stand
from armslength.reach.bundles import Bundles
from armslength.reach.classes import Classes
from armslength.reach.columns import Words, as_int
from armslength.reach.ground import Ground
from armslength.reach.headcount import Headcount
from armslength.reach.quorum import Quorums
from armslength.reach.rules import Rule
from armslength.reach.seating import Seating
from armslength.reach.spread import Flags, Ints, within
from armslength.reach.stakes import Staking, among

Role = tuple[int, int, int, bytes]
"""The classes among requesters and approvers (-1: none), who brings the person, and by which ways they belong."""
NO_ROLE: Role = (-1, -1, 0, b"")
SCENES = 50_000
"""Scenes kept at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Site:
    """A rule in a column on the ground: the sources that `matter` to it [Wh], as a number `bits`, the groups that are
    `opened` and whether its terms are `waived`."""

    matter: Words
    bits: int
    opened: frozenset[int]
    waived: bool


@dataclass(slots=True, kw_only=True, eq=False)
class Scene:
    """A rule in a column once the sources of `held` [Wh] are held, as a number `mask`: its ballot with the groups then
    `opened`, and who of those asked about acts then. No fewer outsiders than `short` can do. The rest is made when it
    is asked for: the `stand` of the ballot; where the terms are waived, who can hold (people indexes; None for
    everyone), and whether one of these acts (`ready`); and the ballot `later`, once every group is open that people
    could open; None where they could open none and not waive the terms."""

    rule: Rule
    column: int
    opened: frozenset[int]
    waived: bool
    ballot: Ballot
    short: int
    held: Words
    mask: int
    acts: dict[int, bool] = field(default_factory=dict)
    stand: Stand | None = None
    ready: tuple[bool, Ints | None] | None = None
    later: tuple[Ballot | None] | None = None


class Scenes:
    """Answers for one ground; equal situations are answered once."""

    def __init__(
        self, ground: Ground, quorums: Quorums, bundles: Bundles, staking: Staking, headcount: Headcount
    ) -> None:
        self._ground, self._quorums, self._bundles, self._staking = ground, quorums, bundles, staking
        self._headcount = headcount
        self._everyone = np.arange(ground.board.graph.layout.people, dtype=np.int32)
        self._nobody = np.zeros(0, dtype=np.int32)
        self._scenes: dict[tuple[int, int, bytes], Scene] = {}
        self._sites: dict[tuple[int, int], Site] = {}
        self._class: dict[tuple[int, int], int] = {}
        self._ways: dict[tuple[int, int], bytes] = {}
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
        brought, joined = self._fresh(column, mask), np.array(people, dtype=np.int32)

        def acting(some: Ints) -> Flags:
            found: Flags = self._ground.acting(some, column) | within(some, brought)
            found |= (some[:, None] == joined).any(axis=1)
            return found

        return self._quorums.outsiders(scene.ballot, seating, acting)

    def enough(self, rule: Rule, column: int, mask: Words, people: tuple[int, ...], most: int) -> bool:
        """Whether at most so many further outsiders do; who they are is left open."""
        scene = self._scene(rule, column, mask)
        if scene.waived:
            return self._holder(scene, people, most) is not None
        return self._seating(scene, column, people, most) is not None

    def seating(self, rule: Rule, column: int, mask: Words, people: tuple[int, ...], most: int) -> Seating | None:
        """The cheapest quorum with at most `most` further outsiders, even if the terms are waived."""
        return self._seating(self._scene(rule, column, mask), column, people, most)

    def role(self, rule: Rule, column: int, mask: Words, person: int) -> Role | None:
        """What of a person matters to the rule once the sources of `mask` are held: of two with the same role either
        may join in the other's place. None where they hold what brings more."""
        scene = self._scene(rule, column, mask)
        if scene.waived:
            return None
        matters = self.matters(rule, column)
        holds, assumes = self._bundles.sources(person)
        if holds & matters:
            return None
        if not self._more(scene, column, (person,)):
            return NO_ROLE
        ballot, ways, later = scene.ballot, b"", self._later(scene)
        if later is not None:
            # Who has no part yet may have one once the next opens a group or waives the terms.
            ballot, ways = later, self._ways_in(rule, person)
        # Who else could bring them adds nothing once they are there.
        asks, approves = self._number(ballot.requesters, person), self._number(ballot.approvers, person)
        return (asks, approves, assumes & matters, ways)

    def matters(self, rule: Rule, column: int) -> int:
        """The sources that matter to the rule in a column, a bit each."""
        return self._site(rule, column).bits

    def _seating(self, scene: Scene, column: int, people: tuple[int, ...], most: int) -> Seating | None:
        if scene.short > most + len(people):
            return None
        ballot = scene.ballot
        more = self._more(scene, column, people) if people else people
        asks = [self._number(ballot.requesters, person) for person in more]
        approves = [self._number(ballot.approvers, person) for person in more]
        # Only who has a part makes one outsider fewer.
        if scene.short > most + sum(one >= 0 or other >= 0 for one, other in zip(asks, approves, strict=True)):
            return None
        filled = self._ground.filled(column)
        if len(more) > SPARE or filled is not None:
            extra = np.array(more, dtype=np.int32)
            asking, approving = (
                classes.added(self._headcount.counts(classes, column, scene.held, ()), extra)
                for classes in (ballot.requesters, ballot.approvers)
            )
            return self._quorums.least(ballot, asking, approving, most, filled)
        return self._quorums.joined(self._stand(scene), tuple(sorted(asks)), tuple(sorted(approves)), most)

    def _number(self, classes: Classes, person: int) -> int:
        """The class of a person, or -1."""
        key = (id(classes), person)
        found = self._class.get(key)
        if found is None:
            found = self._class[key] = classes.one(person)
        return found

    def _ways_in(self, rule: Rule, person: int) -> bytes:
        key = (rule.number, person)
        found = self._ways.get(key)
        if found is None:
            found = self._ways[key] = self._quorums.ways_in(rule, np.array([person], dtype=np.int32))[0]
        return found

    def _scene(self, rule: Rule, column: int, mask: Words) -> Scene:
        # Most of what is held matters to other rules only.
        site = self._site(rule, column)
        mask = mask & site.matter
        key = (rule.number, column, mask.tobytes())
        found = self._scenes.get(key)
        if found is None:
            if len(self._scenes) > SCENES:
                self._scenes.clear()
            found = self._scenes[key] = self._make_scene(rule, column, mask, site)
        return found

    def _site(self, rule: Rule, column: int) -> Site:
        found = self._sites.get((rule.number, column))
        if found is None:
            found = self._sites[rule.number, column] = self._make_site(rule, column)
        return found

    def _make_site(self, rule: Rule, column: int) -> Site:
        opened = self._ground.opened(rule, column)
        matter = self._staking.stakes(rule, opened, chained=True).mask
        return Site(matter=matter, bits=as_int(matter), opened=opened, waived=self._ground.waived(rule, column))

    def _make_scene(self, rule: Rule, column: int, mask: Words, site: Site) -> Scene:
        bundles = self._bundles
        opened = site.opened | bundles.opened(mask, self._quorums.mentioned(rule))
        ballot = self._quorums.ballot(rule, opened)
        waived = site.waived or bundles.waived(mask, rule.terms)
        return Scene(
            rule=rule,
            column=column,
            opened=opened,
            waived=waived,
            ballot=ballot,
            short=0 if waived else self._headcount.short(ballot, mask)[column],
            held=mask,
            mask=as_int(mask),
        )

    def _stand(self, scene: Scene) -> Stand:
        if scene.stand is None:
            counts = self._headcount.counts
            ballot, column, held = scene.ballot, scene.column, scene.held
            scene.stand = self._quorums.stand(
                ballot, counts(ballot.requesters, column, held, ()), counts(ballot.approvers, column, held, ())
            )
        return scene.stand

    def _later(self, scene: Scene) -> Ballot | None:
        if scene.later is None:
            rule, opened = scene.rule, scene.opened
            stakes = self._staking.stakes(rule, opened, chained=False)
            found = None
            if stakes.opens or self._bundles.waived(stakes.held, rule.terms):
                found = self._quorums.ballot(rule, self._quorums.mentioned(rule) if stakes.opens else opened)
            scene.later = (found,)
        return scene.later[0]

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

    def _ready(self, scene: Scene) -> tuple[bool, Ints | None]:
        if scene.ready is None:
            holders = scene.rule.holders.people(scene.opened)
            ready = self._ground.holder(scene.rule, scene.opened, scene.column) is not None
            if not ready:
                ready = bool(among(self._fresh(scene.column, scene.held), holders).any())
            scene.ready = (ready, holders)
        return scene.ready

    def _holder(self, scene: Scene, people: tuple[int, ...], most: int) -> tuple[int, ...] | None:
        ready, holders = self._ready(scene)
        if ready or people and among(np.array(people, dtype=np.int32), holders).any():
            return ()
        if holders is not None and not holders.size or not most or not len(self._everyone):
            return None
        return (int(holders[0]) if holders is not None else 0,)

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
