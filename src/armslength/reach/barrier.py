"""Barriers: what stands between a state and an action on an asset, way by way (semantics, rules 3 to 6).

A way is what would give the action if its holder acted or its terms were met: a grant or permit of the action or of
`operate`, on the asset or on what it lies in, and custody. Each is judged by what the state has with nobody's help.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from armslength.estate import OPERATE, Estate, Kind, Ref, Terms
from armslength.reach.answer import Reach
from armslength.reach.columns import Column, has
from armslength.reach.exposure import Exposure
from armslength.reach.membership import Membership
from armslength.reach.pairs import pairs
from armslength.reach.result import Beyond, Question, Row
from armslength.reach.solution import Model, Solution

MOST_ROWS = 6
"""Rows that one barrier names; a way repeated in a hundred rows is still one way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyHolds:
    """No grant, permit, power or custody gives `action` on `asset` (ids)."""

    action: str
    asset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyIn:
    """`holder` (a group) holds it by `rows`, or somebody may by the permit `policy`, but there is nobody who does."""

    holder: str
    rows: tuple[Row, ...] = ()
    policy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfReach:
    """Standing access of `holder` ("group:ops", "person:bo", "everyone") by `rows`, or by the permit `policy`: it has
    so many `people`, none of whom the state can compel, so one of them is needed."""

    holder: str
    people: int
    rows: tuple[Row, ...] = ()
    policy: str | None = None


class Binding(enum.Enum):
    """Which condition of the terms keeps the state out; TOGETHER where each could be met, but not all at once."""

    APART = "apart"
    APPROVALS = "approvals"
    DISTINCT = "distinct"
    PLACES = "from"
    REQUESTER = "requester"
    TOGETHER = "together"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughTerms:
    """A way that goes through the terms `terms` (an id), by `rows` or by the permit `policy`: at least `outsiders`
    people are needed, for the reason `why`. `able`: how many places of the quorum the state could fill; it is not told
    for APART, REQUESTER and TOGETHER."""

    terms: str
    why: Binding
    outsiders: int
    able: int = 0
    rows: tuple[Row, ...] = ()
    policy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyElsewhere:
    """The state hosts `asset`, but its key (ids) can be neither used nor operated from there."""

    asset: str
    key: str


Barrier = NobodyHolds | NobodyIn | OutOfReach | ThroughTerms | KeyElsewhere
_Way = NobodyIn | OutOfReach | ThroughTerms


def barriers(found: Reach, i: int) -> tuple[Barrier, ...]:
    """What keeps the state of result `i` from having its action by itself: standing access first, then terms, then
    custody; empty where it can. Rows that stop it alike stand in one barrier."""
    if found.at_least[i] == 0:
        return ()
    length = found.length(i)
    outsiders = length.cap + 1 if isinstance(length, Beyond) else int(found.at_least[i])
    state, action, asset = int(found.state[i]), int(found.action[i]), int(found.asset[i])
    ways = _Ways(found.estate, found.exposure, found.question, state, action, asset, outsiders)
    return ways.barriers()


class _Ways:
    """The ways to one action on one asset, beside what a state has on the ground."""

    def __init__(
        self, estate: Estate, exposed: Exposure, asked: Question, state: int, action: int, asset: int, outsiders: int
    ) -> None:
        self.estate, self.state, self.action, self.asset, self.outsiders = estate, state, action, asset, outsiders
        one = frozenset
        question = replace(
            asked, cap=0, everything=True, states=one({state}), actions=one({action}), assets=one({asset})
        )
        self.model = Model(estate, exposed, pairs(estate, exposed, question), asked.at, lambda: False)
        ground = Solution(self.model, [Column(state=state)], 0).board
        true, at = has(ground.words, 0), self.model.graph.layout
        self.acting: npt.NDArray[np.bool_] = true[: at.people]
        self.opened = frozenset(np.flatnonzero(true[at.opened : at.opened + at.groups]).tolist())
        self.outside = ~exposed.to(state)
        self.membership: Membership = self.model.membership

    def barriers(self) -> tuple[Barrier, ...]:
        found: dict[Barrier, Barrier] = {}
        for barrier in (*self._grants(), *self._permits()):
            held = found.setdefault(replace(barrier, rows=()), barrier)
            if held is not barrier and isinstance(held, _Way) and len(held.rows) < MOST_ROWS:
                found[replace(barrier, rows=())] = replace(held, rows=(*held.rows, *barrier.rows))
        found |= {barrier: barrier for barrier in self._custody()}
        if not found:
            ids = self.estate.assets.ids
            return (NobodyHolds(action=self.estate.actions[self.action], asset=ids[self.asset]),)
        order = (OutOfReach, ThroughTerms, KeyElsewhere, NobodyIn, NobodyHolds)
        return tuple(sorted(found.values(), key=lambda barrier: order.index(type(barrier))))

    def _actions(self) -> tuple[int, ...]:
        return (self.action, self.estate.actions.index(OPERATE))

    def _above(self) -> list[int]:
        """The asset and all that it lies within."""
        found = [self.asset]
        while (above := int(self.estate.assets.within[found[-1]])) >= 0:
            found.append(above)
        return found

    def _grants(self) -> Iterator[_Way]:
        estate, grants, above = self.estate, self.estate.grants, self._above()
        classes = [c for c in estate.assets.of_class[above].tolist() if c >= 0]
        covers = (grants.target_kind == Kind.ASSET) & np.isin(grants.target, above)
        covers |= (grants.target_kind == Kind.CLASS) & np.isin(grants.target, classes)
        file = estate.tables["grants"].file
        for i in np.flatnonzero(covers & np.isin(grants.action, self._actions())).tolist():
            holder = Ref(kind=Kind(int(grants.holder_kind[i])), index=int(grants.holder[i]))
            rows = (Row(file=file, row=int(grants.row[i])),)
            who = self._people(holder)
            if not who.any():
                yield NobodyIn(holder=self._written(holder), rows=rows)
            elif grants.terms[i] < 0:
                yield OutOfReach(holder=self._written(holder), people=int(who.sum()), rows=rows)
            else:
                yield replace(self._through(estate.settings.terms[int(grants.terms[i])], who), rows=rows)

    def _permits(self) -> Iterator[_Way]:
        above = self._above()
        for permit in self.model.permits:
            if permit.target_kind is not Kind.ASSET or permit.action not in self._actions():
                continue
            # A permit gives the asset that Cedar judged; one to operate it reaches what lies within (rule 5).
            reached = [self.asset] if permit.action == self.action else above
            if not np.isin(permit.targets, reached).any():
                continue
            who = np.zeros(len(self.acting), dtype=np.bool_)
            for opening in permit.openings:
                if opening.groups <= self.opened:
                    who |= opening.people
            if not who.any():
                yield NobodyIn(holder="", policy=permit.policy)
            elif permit.terms < 0:
                yield OutOfReach(holder="", people=int(who.sum()), policy=permit.policy)
            else:
                yield replace(self._through(self.estate.settings.terms[permit.terms], who), policy=permit.policy)

    def _custody(self) -> Iterator[KeyElsewhere]:
        assets, upward = self.estate.assets, self.estate.settings.upward
        hosts = frozenset[int]().union(*(upward[s] for s in assets.hosts[self.asset]))
        if self.state in hosts and (key := int(assets.lock[self.asset])) >= 0:
            yield KeyElsewhere(asset=assets.ids[self.asset], key=assets.ids[key])

    def _through(self, terms: Terms, holders: npt.NDArray[np.bool_]) -> ThroughTerms:
        """Which condition fails first for those who act on the ground. Each is told only where it fails by itself."""
        asking = holders & self.acting
        approving = self._people(terms.approvers) & self.acting
        # A requester who could approve as well takes one place, not two.
        spare = approving.sum() - (1 if not (asking & ~approving).any() and asking.any() else 0)
        able = int(asking.any()) + min(int(spare), terms.approvals)
        why = Binding.TOGETHER
        if ((asking | approving) & self.outside).sum() < terms.apart and self.state not in self.estate.settings.home:
            why, able = Binding.APART, 0
        elif not asking.any():
            why, able = Binding.REQUESTER, 0
        elif spare < terms.approvals:
            why = Binding.APPROVALS
        elif (short := self._places(terms, approving)) is not None:
            why, able = Binding.PLACES, terms.approvals + 1 - short
        elif (values := self._values(terms, asking | approving)) is not None:
            why, able = Binding.DISTINCT, values
        return ThroughTerms(terms=terms.id, why=why, outsiders=self.outsiders, able=able)

    def _places(self, terms: Terms, approving: npt.NDArray[np.bool_]) -> int | None:
        """How many places of `from` stay empty for want of people, if any do."""
        empty = sum(max(0, p.count - int((approving & self._people(p.of)).sum())) for p in terms.places)
        return empty or None

    def _values(self, terms: Terms, members: npt.NDArray[np.bool_]) -> int | None:
        """How many different values the scarcest `distinct` column has, where that is too few for the quorum."""
        least = terms.approvals + 1
        for column in terms.distinct:
            values = self.estate.people.columns[column].to_numpy()[members]
            least = min(least, len(set(values.tolist()) - {""}))
        return least if least <= terms.approvals else None

    def _people(self, ref: Ref) -> npt.NDArray[np.bool_]:
        """Shape [P]: who belongs to a reference, by the tables or by enrolment that the state has itself."""
        found = np.zeros(len(self.acting), dtype=np.bool_)
        match ref.kind:
            case Kind.EVERYONE:
                found[:] = True
            case Kind.PERSON:
                found[ref.index] = True
            case Kind.GROUP:
                found[self.membership.members(ref.index)] = True
                if ref.index in self.opened:
                    found |= self.acting
            case Kind.ASSET | Kind.CLASS | Kind.TERMS:
                raise ValueError(f"{ref.kind.name.lower()} holds nothing")
        return found

    def _written(self, ref: Ref) -> str:
        match ref.kind:
            case Kind.PERSON:
                return f"person:{self.estate.people.ids[ref.index]}"
            case Kind.GROUP:
                return f"group:{self.estate.groups.ids[ref.index]}"
            case _:
                return "everyone"
