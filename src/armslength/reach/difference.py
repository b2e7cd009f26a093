"""Difference: which lengths differ between two estates on the same day, and which floors break (docs/formats/diff.md).

The two sides are put the same pairs. A state or an action that one side never names is asked of that side all the same:
nobody there is exposed to such a state, and only custody or `operate` gives such an action. Only an asset that a side
does not have has no length there: it stands above every number, and a length that comes from nothing does not fall.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from armslength.estate import POWERS, Estate, Floor, Kind, Ref, with_action, with_state
from armslength.reach.answer import Reach, reach
from armslength.reach.ascent import Beside
from armslength.reach.result import NOBODY, Between, Beyond, Exact, Gap, Length, Question, Step

Longs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NULL, ABSENT = 126, 127
"""In columns of lengths: nobody can up to the cap, and the side has no such asset. Both stand above every number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A pair as one side answers it: `length`, None where it does not have the asset; `gaps` with group indexes of that
    side."""

    length: Length | None
    gaps: tuple[Gap, ...]

    @property
    def known(self) -> int:
        """What it needs at least if nobody is in an unknown group; `NULL` or `ABSENT` above every number."""
        match self.length:
            case None:
                return ABSENT
            case Exact(length=n) | Between(at_least=n):
                return n
            case Beyond():
                return NULL

    @property
    def least(self) -> int:
        """What it can need at least, unknown groups counted."""
        return min([self.known, *(gap.length for gap in self.gaps)])


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthChange:
    """A pair that differs. `floor`: the highest floor of either side that covers it, None where none does; `broken`:
    one of the new side does not hold; `broke`: and none was broken before; `fell`: the new side needs fewer outsiders,
    unknown groups counted. `number` is its place among the changes."""

    state: str
    action: str
    asset: str
    old: Side
    new: Side
    floor: int | None
    broken: bool
    broke: bool
    fell: bool
    number: int

    def fails(self, below: int | None = None) -> bool:
        """Whether it is a reason to stop: a floor that held breaks or a protected length falls; with `below`, only a
        protected length that falls under it or comes in under it."""
        if self.floor is None:
            return False
        if below is None:
            return self.broke or self.fell
        return self.new.least < below and self.new.least < self.old.least


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is compared: the day, the cap, and whether pairs under no floor count too (`everything`)."""

    at: dt.date
    cap: int = 3
    everything: bool = False


class Difference:
    """The changes between two estates, ordered by state, action and asset. `pairs` were compared."""

    def __init__(self, old: _Half, new: _Half, keys: _Keys, asked: Compared) -> None:
        self.old, self.new, self.asked = old.estate, new.estate, asked
        self._halves = (old, new)
        wanted = np.unique(np.concatenate([old.keys, new.keys]))
        self.pairs = len(wanted)
        places = [half.find(wanted) for half in self._halves]
        floors = [half.own_floor(wanted) for half in self._halves]
        floor = np.maximum(*floors)
        caps = np.maximum(asked.cap, floor - 1)
        lengths = [half.lengths(place, caps) for half, place in zip(self._halves, places, strict=True)]
        gaps = [half.gap(place, caps) for half, place in zip(self._halves, places, strict=True)]
        known = [np.minimum(least, gap) for (least, _), gap in zip(lengths, gaps, strict=True)]
        broken = [(own >= 0) & (least < own) for own, least in zip(floors, known, strict=True)]
        absent = lengths[0][0] == ABSENT
        nothing = [np.minimum(part, NULL) for part in (*lengths[0], *lengths[1], *gaps)]
        changed = (nothing[0] != nothing[2]) | (nothing[1] != nothing[3]) | (nothing[4] != nothing[5])
        broke = broken[1] & ~broken[0]
        fell = ~absent & ((known[1] < known[0]) | (lengths[1][1] < lengths[0][1]))
        listed = np.flatnonzero(changed | broke)
        self._places = [place[listed] for place in places]
        self._caps = caps[listed]
        self.changes: tuple[LengthChange, ...] = tuple(
            self._change(
                number, keys.ids(int(wanted[k])), int(floor[k]), bool(broken[1][k]), bool(broke[k]), bool(fell[k])
            )
            for number, k in enumerate(listed.tolist())
        )

    def _change(
        self, number: int, ids: tuple[str, str, str], floor: int, broken: bool, broke: bool, fell: bool
    ) -> LengthChange:
        cap = int(self._caps[number])
        old, new = (half.side(int(place[number]), cap) for half, place in zip(self._halves, self._places, strict=True))
        return LengthChange(
            state=ids[0],
            action=ids[1],
            asset=ids[2],
            old=old,
            new=new,
            floor=floor if floor >= 0 else None,
            broken=broken,
            broke=broke,
            fell=fell,
            number=number,
        )

    def steps(self, change: LengthChange) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """The derivations of a change on the old and the new side; empty where nobody can."""
        old, new = (
            half.steps(int(place[change.number])) for half, place in zip(self._halves, self._places, strict=True)
        )
        return old, new


def difference(
    old: Estate,
    new: Estate,
    asked: Compared,
    doing: Callable[[str], None] = lambda what: None,
    beside: Beside | None = None,
) -> Difference:
    """Compare two estates. `doing` is told each stage; `beside` as in `reach`."""
    keys = _Keys(old, new)
    highest = max((floor.length for estate in (old, new) for floor in estate.settings.floors), default=0)
    question = Question(at=asked.at, cap=max(asked.cap, min(highest, NULL) - 1), everything=asked.everything)
    doing("computing the old lengths")
    was = reach(old, question, beside=beside)
    before = _Half(old, was, keys)
    doing("computing the new lengths")
    # Question and indexes are those of each side; what is taken over is matched by name.
    after = _Half(new, reach(new, question, before=was, beside=beside), keys)
    doing("comparing")
    theirs = after.keys
    after.ask(before.keys, question)
    before.ask(theirs, question)
    return Difference(before, after, keys, asked)


class _Keys:
    """One number for each (state, action, asset) that either side names; numbers stand in the order of their texts."""

    def __init__(self, old: Estate, new: Estate) -> None:
        self.states = sorted({*old.states, *new.states})
        self.actions = sorted({*old.actions, *new.actions})
        self.assets = sorted({*old.assets.ids, *new.assets.ids})

    def of(self, found: Reach) -> Longs:
        estate = found.estate
        state = _places(estate.states, self.states)[found.state]
        action = _places(estate.actions, self.actions)[found.action]
        asset = _places(estate.assets.ids, self.assets)[found.asset]
        return (state * len(self.actions) + action) * len(self.assets) + asset

    def split(self, keys: Longs) -> tuple[Longs, Longs, Longs]:
        pair, asset = np.divmod(keys, max(1, len(self.assets)))
        state, action = np.divmod(pair, max(1, len(self.actions)))
        return state, action, asset

    def ids(self, key: int) -> tuple[str, str, str]:
        state, action, asset = (int(part) for part in self.split(np.array(key)))
        return self.states[state], self.actions[action], self.assets[asset]


class _Half:
    """One side: its own answer, and what it was asked besides."""

    def __init__(self, estate: Estate, own: Reach, keys: _Keys) -> None:
        self.estate, self._names = estate, keys
        self._answers = [own]
        self._kept: Longs = np.zeros(0, dtype=np.int64)
        self.keys = keys.of(own)
        self._floor = own.floor.astype(np.int64)
        self._sort()

    def ask(self, wanted: Longs, question: Question) -> None:
        """Answer the pairs of `wanted` that the own answer lacks, where the side has the asset."""
        names = self._names
        missing = np.setdiff1d(wanted, self.keys)
        has = np.isin(np.array(names.assets, dtype=object), np.array(self.estate.assets.ids, dtype=object))
        missing = missing[has[names.split(missing)[2]]] if len(missing) else missing
        if not len(missing):
            return
        states, actions, assets = ([int(n) for n in np.unique(part)] for part in names.split(missing))
        estate = _widened(
            self.estate,
            question.at,
            [names.states[s] for s in states],
            [names.actions[a] for a in actions],
            [names.assets[t] for t in assets],
        )
        index = {asset: i for i, asset in enumerate(estate.assets.ids)}
        more = reach(
            estate,
            replace(
                question,
                everything=True,
                states=frozenset(estate.states.index(names.states[s]) for s in states),
                actions=frozenset(estate.actions.index(names.actions[a]) for a in actions),
                assets=frozenset(index[names.assets[t]] for t in assets),
            ),
        )
        keys = names.of(more)
        kept = np.isin(keys, missing)
        self._answers.append(more)
        self.keys = np.concatenate([self.keys, keys[kept]])
        self._kept = np.flatnonzero(kept)
        self._floor = np.concatenate([self._floor, np.full(int(kept.sum()), -1, dtype=np.int64)])
        self._sort()

    def _sort(self) -> None:
        self._order = np.argsort(self.keys, kind="stable")
        self._sorted = self.keys[self._order]

    def find(self, wanted: Longs) -> Longs:
        """The place of each key, or -1."""
        if not len(self.keys):
            return np.full(len(wanted), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        return np.where(self._sorted[at] == wanted, self._order[at], -1)

    def own_floor(self, wanted: Longs) -> Longs:
        place = self.find(wanted)
        return np.where(place >= 0, self._floor[place], -1) if len(self._floor) else place

    def lengths(self, place: Longs, caps: Longs) -> tuple[Longs, Longs]:
        """The least and the most that each pair can need, by its own cap."""
        least = np.concatenate([self._answers[0].at_least, *(a.at_least[self._kept] for a in self._answers[1:])])
        most = np.concatenate([self._answers[0].at_most, *(a.at_most[self._kept] for a in self._answers[1:])])
        found = []
        for column in (least, most):
            numbers = np.where(column == NOBODY, NULL, column.astype(np.int64))
            if not len(numbers):
                found.append(np.full(len(place), ABSENT, dtype=np.int64))
                continue
            here = np.where(place >= 0, numbers[place], ABSENT)
            found.append(np.where((here < NULL) & (here > caps), NULL, here))
        return found[0], found[1]

    def gap(self, place: Longs, caps: Longs) -> Longs:
        """The length that unknown groups would bring, `NULL` where that is none."""
        found = np.full(len(place), NULL, dtype=np.int64)
        if self.estate.groups.unknown:
            for k in np.flatnonzero(place >= 0).tolist():
                answer, i = self._at(int(place[k]))
                found[k] = min((gap.length for gap in answer.gaps(i) if gap.length <= caps[k]), default=NULL)
        return found

    def _at(self, place: int) -> tuple[Reach, int]:
        own = self._answers[0]
        return (own, place) if place < len(own) else (self._answers[1], int(self._kept[place - len(own)]))

    def side(self, place: int, cap: int) -> Side:
        if place < 0:
            return Side(length=None, gaps=())
        answer, i = self._at(place)
        length = answer.length(i)
        match length:
            case Exact(length=n) if n > cap:
                length = Beyond(cap=cap)
            case Beyond():
                length = Beyond(cap=cap)
            case Between(at_least=n) if n > cap:
                length = Beyond(cap=cap)
            case _:
                pass
        return Side(length=length, gaps=tuple(gap for gap in answer.gaps(i) if gap.length <= cap))

    def steps(self, place: int) -> tuple[Step, ...]:
        if place < 0:
            return ()
        answer, i = self._at(place)
        return answer.steps(i)


def _widened(
    estate: Estate, at: dt.date, states: Sequence[str], actions: Sequence[str], assets: Sequence[str]
) -> Estate:
    """The estate with floors of 0 that make it answer for `states` that do not appear in it on the day, for `actions`
    that nothing names there, and for powers."""
    for code in states:
        estate = with_state(estate, code)
    for action in actions:
        estate = with_action(estate, action)
    index = {asset: i for i, asset in enumerate(estate.assets.ids)}
    places = {index[asset] for asset in assets}
    against = frozenset(estate.states.index(code) for code in states)
    # A floor on any asset makes its action one that is listed, but powers never are: those need a floor on each asset.
    # A floor covers what lies within, so assets that lie within another need none.
    tops = [t for t in sorted(places) if not _inside(estate, t, places)]
    floors = tuple(
        Floor(
            number=-1,
            line=1,
            action=action,
            target=Ref(kind=Kind.ASSET, index=asset),
            length=0,
            against=against,
            exempt=None,
        )
        for action in actions
        for asset in (tops if action in POWERS else tops[:1])
    )
    return replace(estate, settings=replace(estate.settings, floors=floors))


def _inside(estate: Estate, asset: int, places: Iterable[int]) -> bool:
    above = int(estate.assets.within[asset])
    while above >= 0:
        if above in places:
            return True
        above = int(estate.assets.within[above])
    return False


def _places(names: Sequence[str], known: Sequence[str]) -> Longs:
    place = {name: i for i, name in enumerate(known)}
    return np.array([place[name] for name in names], dtype=np.int64)
