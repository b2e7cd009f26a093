"""The graph of all that follows by OR: membership, standing grants, powers, classes, nesting, custody.

Quorums are the only AND; they are the `rules` beside the graph. Nodes are numbered in blocks; every edge remembers
the row behind it, so that a derivation can be read off backwards.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate
from armslength.reach.rules import Rule
from armslength.reach.spread import Edges, Ints, edges


class Why(enum.IntEnum):
    """What makes an edge true; its `row` is a number in the estate's memberships, grants or assets, or of a permit."""

    MEMBER = 0  # person or group in a group: a membership
    OPENED = 1  # enrolment in a nested group opens the group: a membership
    ENTERED = 2  # somebody acts and the group is opened
    ASSUMED = 3  # assuming a group assumes its members: a membership
    GRANT = 4  # a grant
    PERMIT = 5  # a permit
    OPEN_TO = 6  # a permit is open to the person
    CLASS = 7  # an asset
    WITHIN = 8  # an asset
    KEY = 9  # use, operate or custody of a key
    GATE = 10  # operate on the gate, or custody of it


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where each block of nodes starts. `slot` numbers the actions that matter; T assets, C classes, A slots."""

    people: int
    groups: int
    terms: int
    assets: int
    classes: int
    slot: dict[int, int]
    operate: int

    @cached_property
    def available(self) -> int:
        """Somebody who acts is in group g: `available + g`."""
        return self.people

    @cached_property
    def somebody(self) -> int:
        return self.available + self.groups

    @cached_property
    def opened(self) -> int:
        """All who act are in group g by enrolment: `opened + g`."""
        return self.somebody + 1

    @cached_property
    def assumed(self) -> int:
        """Each member of group g acts: `assumed + g`."""
        return self.opened + self.groups

    @cached_property
    def waived(self) -> int:
        return self.assumed + self.groups

    @cached_property
    def gate(self) -> int:
        return self.waived + self.terms

    @cached_property
    def over(self) -> int:
        """The action of slot a on asset t and all within: `over + a * T + t`."""
        return self.gate + 1

    @cached_property
    def over_class(self) -> int:
        return self.over + len(self.slot) * self.assets

    @cached_property
    def exact(self) -> int:
        """The action of slot a on asset t alone, by a permit: `exact + a * T + t`."""
        return self.over_class + len(self.slot) * self.classes

    @cached_property
    def custody(self) -> int:
        """The state holds asset t and its key: every action on t itself."""
        return self.exact + len(self.slot) * self.assets

    @cached_property
    def unlocks(self) -> int:
        """The coalition can use or operate the key asset t."""
        return self.custody + self.assets

    @cached_property
    def rules(self) -> int:
        """Rule and crowd nodes start here."""
        return self.unlocks + self.assets

    @property
    def brought(self) -> tuple[tuple[int, int], ...]:
        """Where people, opened groups and waived terms stand: each block's first node and how many there are."""
        return (0, self.people), (self.opened, self.groups), (self.waived, self.terms)


@dataclass(frozen=True, kw_only=True, eq=False)
class Graph:
    """`edges` with their `why` and `row` (by `Edges.origin`); `rules` by number; `crowds` are nodes that stand for the
    people to whom a standing permit is open; `keyed` are the custody edges: (unlocks k → custody t) for states
    hosting t.
    """

    estate: Estate
    layout: Layout
    nodes: int
    source: Ints
    edges: Edges
    why: npt.NDArray[np.int8]
    row: Ints
    rules: tuple[Rule, ...]
    keyed: tuple[tuple[int, int, frozenset[int]], ...]
    hosted: tuple[tuple[int, frozenset[int]], ...]
    power_sources: Ints

    def __getstate__(self) -> dict[str, object]:
        """For another process: the estate stays here."""
        return {name: value for name, value in vars(self).items() if name not in ("estate", "reverse")}

    @cached_property
    def reverse(self) -> Edges:
        """The same edges by target; `origin` is the same numbering."""
        order = self.edges.origin
        target = np.empty_like(self.edges.target)
        target[order] = self.edges.target
        return edges(self.nodes, target, self.source)

    def can(self, action: int, asset: int) -> tuple[int, ...]:
        """The nodes any of which gives `action` on `asset`."""
        at, count = self.layout, self.layout.assets
        found = [at.over + at.operate * count + asset, at.custody + asset]
        slot = at.slot.get(action)
        if slot is not None:
            found += [at.over + slot * count + asset, at.exact + slot * count + asset]
        return tuple(dict.fromkeys(found))
