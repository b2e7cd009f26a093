"""Clauses: what every valid plan must meet, and why it must.

A clause is made from statuses of rows that may not all stand together. Two kinds exist.

*A derivation.* A derivation of a pair with too few outsiders rests on rows in certain statuses. Any plan under which
each of these rows has one of the statuses listed for it leaves the derivation standing, whatever else it changes, so
a valid plan takes at least one of them elsewhere. This holds because each rule of the derivation looks at nothing but
its own rows and at what no change touches (exposures, assets, terms as declared, policies):

- A membership used (rules 1, 2, 5) counts while its row is kept.
- A standing grant counts while it is standing: the requester acts and holds it.
- A grant met by a quorum or by waived terms counts while it carries those terms, and also while it is standing: then
  the requester alone suffices.
- A grant usable because the coalition holds the gate (rule 7) counts while it carries any terms, whichever.
- A permit counts while the groups of the one who asks, and of a person aimed at, are what they were: policies may
  forbid as well as permit by group, so every membership row that could change which of the groups named in the
  policies they are in must keep its present status, rows already dropped included.
- Custody and the ties of compelled people rest on no row that a repair changes.

Rows added to nothing and grants in other statuses elsewhere can only add facts; facts already derived stay.

*A group or terms to keep.* A set of dropped memberships that leaves a group without members, or terms in use without
a quorum to spare (`repair_able`), may not all be dropped while the terms are in use there.

As every clause holds for every valid plan, the least cost that meets all clauses known is a proven lower bound; a
plan that costs as much and leaves nothing broken is a least-cost plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from armslength.reach.repair_menu import Key, Menu, Status

Statuses = frozenset[Status]


@dataclass(frozen=True, slots=True)
class Clause:
    """Met if an option of `any_of` is chosen, or if of some set of `unless` none is. The rest says where it comes from
    and takes no part in equality: `keys` of the rows, `pair` (column, number) with the `outsiders` of its derivation;
    for options that drop somebody's membership, how many `others` might stand in; `any_of` in `parts`, one a row, where
    that is known."""

    any_of: frozenset[int]
    unless: frozenset[frozenset[int]]
    keys: tuple[Key, ...] = field(compare=False, default=())
    pair: tuple[int, int] | None = field(compare=False, default=None)
    outsiders: tuple[int, ...] = field(compare=False, default=())
    others: Mapping[int, int] = field(compare=False, default_factory=dict)
    parts: tuple[frozenset[int], ...] = field(compare=False, default=())

    def met(self, chosen: frozenset[int]) -> bool:
        """Whether a plan meets it."""
        return not self.any_of.isdisjoint(chosen) or any(some.isdisjoint(chosen) for some in self.unless)

    @property
    def hopeless(self) -> bool:
        """No allowed change meets it."""
        return not self.any_of and not self.unless


def clause(
    menu: Menu,
    standing: Mapping[Key, Statuses],
    pair: tuple[int, int] | None = None,
    outsiders: Iterable[int] = (),
) -> Clause:
    """The clause that not every key of `standing` may have a status of those listed for it."""
    parts: dict[frozenset[int], None] = {}
    unless: set[frozenset[int]] = set()
    for key, statuses in standing.items():
        inside, outside = menu.divided(key, statuses)
        if menu.original(key) not in statuses:
            unless.add(inside)
        elif outside:
            parts[outside] = None
    return Clause(
        any_of=frozenset[int]().union(*parts),
        unless=frozenset(unless),
        keys=tuple(sorted(standing)),
        pair=pair,
        outsiders=tuple(outsiders),
        parts=tuple(parts),
    )
