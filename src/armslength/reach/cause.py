"""Causes: which rows, settings and policies that stand on one side only made a length differ (docs/formats/diff.md).

Where the new side needs fewer, they are looked for in the derivation of the new side, else in that of the old. What a
derivation does not name but rests on counts as well: the exposures of a quorum's members, the settings of its terms,
what an asset has from those that it lies within, the policies that could forbid.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from armslength.estate import Estate
from armslength.reach.difference import Difference, LengthChange
from armslength.reach.exposure import exposure
from armslength.reach.membership import Membership
from armslength.reach.permit_policy import policies
from armslength.reach.result import Step
from armslength.reach.turnover import Path, Rows, Turnover, turnover


class Turn(enum.Enum):
    """What became of it; a changed row is named on the new side."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCause:
    """A row of a table, by data row. `row` is on the new side, or on the old for one that was removed; `before` is the
    old row of a changed one."""

    table: str
    turn: Turn
    row: int
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingCause:
    """A setting of estate.toml by its path, with its value on either side, None where it has none."""

    path: Path
    turn: Turn
    old: object
    new: object

    def __hash__(self) -> int:  # values may be lists
        return hash((self.path, self.turn))


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCause:
    """A policy by its @id."""

    id: str
    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedCause:
    """A tie that somebody declared; which one is told nowhere."""

    turn: Turn


Cause = RowCause | SettingCause | PolicyCause | SealedCause

_FORBIDS = re.compile(r"^\s*forbid\s*\(", re.MULTILINE)


class Causes:
    """Finds the causes of changes of one difference."""

    def __init__(self, found: Difference) -> None:
        self._found = found
        self._turnover: Turnover = turnover(found.old, found.new)
        self._exposed = [exposure(estate, found.asked.at) for estate in (found.old, found.new)]
        self._people = [{p: i for i, p in enumerate(estate.people.ids)} for estate in (found.old, found.new)]
        self._tables = [{t.file: n for n, t in estate.tables.items()} for estate in (found.old, found.new)]
        self._of_policies: dict[bool, dict[str, int]] = {}
        self._assets = [{a: i for i, a in enumerate(estate.assets.ids)} for estate in (found.old, found.new)]

    def of(self, change: LengthChange) -> tuple[Cause, ...]:
        """In the order of the derivation; empty where no one row, setting or policy made the difference."""
        old, new = change.old, change.new
        if (old.least, old.known) == (new.least, new.known):
            return self._floors(change)
        fewer = (new.least, new.known) < (old.least, old.known)
        side = new if fewer else old
        # Where only unknown groups bring it so low, there is no derivation to look into.
        by_gap = old.least != new.least and side.least < side.known
        steps = self._found.steps(change)[fewer]
        found = dict.fromkeys(self._gap(change, fewer) if by_gap else self._derived(steps, change, fewer))
        if not found:
            found = dict.fromkeys(self._anywhere(fewer))
        return tuple(found)

    # what a derivation names

    def _derived(self, steps: Sequence[Step], change: LengthChange, new: bool) -> Iterator[Cause]:
        rules = {step.rule for step in steps}
        quorum = any(step.by == "quorum" for step in steps)
        for step in steps:
            if step.rule != "compelled" or self._moved(step.fact[1]):
                for row in step.rows:
                    yield from self._row(self._tables[new][row.file], row.row, new)
            match step.rule:
                case "compelled":
                    yield from self._compelled(step, new)
                case "accomplice":
                    yield from self._person_row(step.fact[1], new, only_new=True)
                case "grant" | "permit":
                    yield from self._granted(step, new)
                case "custody":
                    yield from self._above(step.fact[2], new)
                case "gate":
                    yield from self._settings(("gate",), new)
                case _:
                    pass
        if "permit" in rules:
            yield from self._above(f"asset:{change.asset}", new)
            for id_, texts in self._turnover.policies.items():
                if any(text is not None and _FORBIDS.search(text) for text in texts):
                    yield self._policy(id_, new)
        if "compelled" in rules or "custody" in rules or quorum:
            yield from self._settings(("states",), new)
            yield from self._settings(("bases",), new)
        if quorum:
            yield from self._settings(("home",), new)

    def _row(self, table: str, row: int, new: bool) -> Iterator[RowCause]:
        rows: Rows = self._turnover.rows[table]
        here = rows.fresh if new else rows.gone
        if row in here:
            other = here[row]
            if other is None:
                yield RowCause(table=table, row=row, turn=_turn(new))
            elif new:
                yield RowCause(table=table, row=row, turn=Turn.CHANGED, before=other)
            else:
                yield RowCause(table=table, row=other, turn=Turn.CHANGED, before=row)

    def _compelled(self, step: Step, new: bool) -> Iterator[Cause]:
        if step.tie == "sealed":
            yield from self._declared(step.fact[1], new)
        if step.tie in ("employer", "owner"):
            yield from self._person_row(step.fact[1], new)
            yield from self._employers(step.fact[1], new)

    def _declared(self, person: str, new: bool) -> Iterator[SealedCause]:
        rows, estate = self._turnover.rows["declared"], self._estate(new)
        index = self._people[new].get(person.partition(":")[2])
        if any(tie.person == index and tie.row in (rows.fresh if new else rows.gone) for tie in estate.declared):
            yield SealedCause(turn=_turn(new))

    def _person_row(self, person: str, new: bool, only_new: bool = False) -> Iterator[RowCause]:
        index = self._people[new].get(person.partition(":")[2])
        if index is not None:
            yield from (c for c in self._row("people", index, new) if not only_new or c.turn is not Turn.CHANGED)

    def _employers(self, person: str, new: bool) -> Iterator[RowCause]:
        estate = self._estate(new)
        index = self._people[new].get(person.partition(":")[2])
        entity = int(estate.people.entity[index]) if index is not None else -1
        while entity >= 0:
            yield from self._row("entities", entity, new)
            entity = int(estate.entities.parent[entity])

    def _granted(self, step: Step, new: bool) -> Iterator[Cause]:
        if step.policy is not None:
            if step.policy in self._turnover.policies:
                yield self._policy(step.policy, new)
            if step.requester is not None:
                yield from self._person_row(step.requester, new)
        if step.by == "quorum":
            terms = self._terms(step, new)
            if terms is not None:
                yield from self._settings(("terms", terms), new)
            for person in (step.requester, *step.approvers):
                if person is not None and self._differs(person):
                    yield from self._ties(person)

    def _terms(self, step: Step, new: bool) -> str | None:
        estate = self._estate(new)
        if step.rows:
            return estate.tables["grants"].cells(step.rows[0].row).get("terms") or None
        place = self._policy_terms(new).get(step.policy or "", -1)
        return estate.settings.terms[place].id if place >= 0 else None

    def _policy_terms(self, new: bool) -> dict[str, int]:
        found = self._of_policies.get(new)
        if found is None:
            found = self._of_policies[new] = {policy.id: policy.terms for policy in policies(self._estate(new))}
        return found

    def _moved(self, person: str) -> bool:
        """Whether the person is exposed to other states on one side than on the other, or is on one side only."""
        places = [people.get(person.partition(":")[2]) for people in self._people]
        if places[0] is None or places[1] is None:
            return True
        old, new = (
            frozenset(estate.states[s] for s in exposed.sets[int(exposed.of[place])])
            for estate, exposed, place in zip(self._estates(), self._exposed, places, strict=True)
            if place is not None
        )
        return old != new

    def _differs(self, person: str) -> bool:
        """Whether what a quorum looks at in a person is not the same on both sides."""
        place = self._people[True].get(person.partition(":")[2])
        return self._moved(person) or place in self._turnover.rows["people"].fresh

    def _ties(self, person: str) -> Iterator[Cause]:
        """What changed in where a person is and for whom they work, on either side."""
        name = person.partition(":")[2]
        yield from self._person_row(person, True)
        if name not in self._people[True]:
            yield from self._person_row(person, False)
        for new in (True, False):
            yield from self._employers(person, new)
            rows, index = self._turnover.rows["travel"], self._people[new].get(name)
            for journey in self._estate(new).travel:
                if journey.person == index and journey.row in (rows.fresh if new else rows.gone):
                    yield from self._row("travel", journey.row, new)
            yield from self._declared(person, new)

    def _above(self, asset: str, new: bool) -> Iterator[RowCause]:
        """The asset and all that it lies within: hosts and keys pass down."""
        within, at = self._estate(new).assets.within, self._assets[new].get(asset.partition(":")[2], -1)
        while at >= 0:
            yield from self._row("assets", at, new)
            at = int(within[at])

    # what no derivation names

    def _gap(self, change: LengthChange, new: bool) -> Iterator[Cause]:
        """Rows that name a group whose members nobody told, or one that it is nested in."""
        estate, side = self._estate(new), change.new if new else change.old
        groups = {group for gap in side.gaps for group in gap.groups}
        names = {estate.groups.ids[g] for group in groups for g in Membership(estate).upward(group)}
        for table, columns in (("unknown", ("group",)), ("groups", ("group", "member")), ("grants", ("holder",))):
            rows, cells = self._turnover.rows[table], estate.tables[table].columns
            for row in rows.fresh if new else rows.gone:
                if any(cells[c][row] in names or cells[c][row].partition(":")[2] in names for c in columns):
                    yield from self._row(table, row, new)

    def _floors(self, change: LengthChange) -> tuple[Cause, ...]:
        """No length differs: a floor was raised, or covers more than before."""
        asset = self._assets[True].get(change.asset, -1)
        moved = tuple(self._row("assets", asset, True)) if asset >= 0 else ()
        return moved or (SettingCause(path=("floor",), turn=Turn.CHANGED, old=None, new=change.floor),)

    def _anywhere(self, new: bool) -> Iterator[Cause]:
        """Settings and policies are few: where nothing else tells, any that changed may be it."""
        for first in ("bases", "gate", "home", "states", "terms"):
            yield from self._settings((first,), new)
        for id_ in self._turnover.policies:
            yield self._policy(id_, new)

    def _settings(self, start: Path, new: bool) -> Iterator[SettingCause]:
        for path, (old_value, new_value) in self._turnover.settings.items():
            if path[: len(start)] == start:
                turn = _turn_of(old_value, new_value)
                yield SettingCause(path=path, turn=turn, old=old_value, new=new_value)

    def _policy(self, id_: str, new: bool) -> PolicyCause:
        return PolicyCause(id=id_, turn=_turn_of(*self._turnover.policies[id_]))

    def _estate(self, new: bool) -> Estate:
        return self._found.new if new else self._found.old

    def _estates(self) -> tuple[Estate, Estate]:
        return self._found.old, self._found.new


def _turn(new: bool) -> Turn:
    return Turn.ADDED if new else Turn.REMOVED


def _turn_of(old: object, new: object) -> Turn:
    return Turn.ADDED if old is None else Turn.REMOVED if new is None else Turn.CHANGED
