"""With these people away, what could nobody be given? Asked of a gate's folder, whether or not the gate runs."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from armslength.gate import (
    Decider,
    Freshness,
    Impossible,
    PersonId,
    Presence,
    Remaining,
    Remains,
    Roster,
    State,
    Way,
    events_in,
    impossible,
)
from armslength.service.gate_failure import Unfounded
from armslength.service.gate_replay import records_of
from armslength.service.question import Refusal
from armslength.store import Source, parsed, read_gate_folder, read_ledger_folder

if TYPE_CHECKING:
    from armslength.service.gate import Gate


def simulate_gate(path: Path, *, away: Sequence[str], clock: Callable[[], float] = time.time) -> tuple[Impossible, ...]:
    """`away`: `person:ID`, or `state:CODE` for everybody whom a state can compel today.

    Only people with a passkey count; a gate without any is asked as if everybody had one. Raises `Refusal` for somebody
    who is not in the estate, `Unfounded` for a gate that was never started, `StoreError`.
    """
    folder = read_gate_folder(path, secrets=False)
    ledger = read_ledger_folder(folder.ledger, signing=False)
    state = State()
    for happened in events_in(records_of(ledger, 0)):
        state.apply(happened.event, act=happened.act, index=happened.index, origin=ledger.settings.origin)
    if state.estate is None:
        raise Unfounded(f"{path}: no estate was adopted yet: start the gate once")
    estate = folder.estates.read(state.estate)
    day = dt.datetime.fromtimestamp(clock(), dt.UTC).date()
    fresh, there = Freshness(limit=None, adopted=day), Presence(gone=state.gone)
    decider = Decider(estate, state.estate, day=day, freshness=fresh, presence=there)
    keyed = frozenset(key.key.person for key in state.keys.values() if key.revoked is None)
    everybody = frozenset(PersonId(person) for person in estate.people.ids if not state.gone(PersonId(person)))
    return impossible(decider, keyed or everybody, _gone(away, decider.roster, [str(s) for s in estate.states]))


def _gone(away: Sequence[str], roster: Roster, states: Sequence[str]) -> frozenset[PersonId]:
    gone: set[PersonId] = set()
    problems = []
    for who in away:
        kind, _, name = who.partition(":")
        if kind == "person" and roster.knows(PersonId(name)):
            gone.add(PersonId(name))
        elif kind == "state" and name in states:
            gone |= {PersonId(person) for person, place in roster.places.items() if name in roster.states(place)}
        else:
            problems.append(f"--away {who!r}: expected person:ID or state:CODE, of the estate that holds")
    if problems:
        raise Refusal(problems)
    return frozenset(gone)


# As a page shows it

MOST_ACTS = 200
"""Acts that are listed, the worst first."""
MOST_HELP = 10
"""People of whom it is tried whether a passkey of theirs would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Who is not there: `away`, everybody who works in some `places`, and passkeys that are `lost` by credential, in
    base64url. Of a person who has another passkey, losing one takes nothing away."""

    away: frozenset[PersonId] = frozenset()
    places: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActLeft:
    """One act before and after. `help` are people whose passkey, made anew or as a spare, would make it possible again,
    each alone; `spare` are those in each quorum that is left who hold one passkey alone."""

    before: Remains
    after: Remains
    help: tuple[PersonId, ...]
    spare: tuple[PersonId, ...]

    @property
    def impossible(self) -> bool:
        return self.before.quorums > 0 and not self.after.quorums


@dataclass(frozen=True, slots=True, kw_only=True)
class LossAnswer:
    """`gone` are how many people with a passkey would not be there; `acts` the worst first, `left_out` more of them."""

    gone: int
    acts: tuple[ActLeft, ...]
    left_out: int


class SeenByKeepers:
    """The estate as those may see it who look after the gate: without the ties that people declared, which are sealed.

    INVARIANT: nothing that a simulation on a page says follows from a declared tie, so that nobody is found out by
    trying. What is counted there may be more than the gate will allow, and the page says so.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._lock = threading.Lock()
        self._kept: tuple[Decider, Decider] | None = None
        self._whole: tuple[Decider, frozenset[PersonId], tuple[Remains, ...]] | None = None

    def decider(self) -> Decider:
        """Of the estate and the day that hold now. Raises `StoreError`."""
        held = self._gate.decider
        with self._lock:
            if self._kept is None or self._kept[0] is not held:
                self._kept = held, self._made(held)
            return self._kept[1]

    def places(self) -> tuple[str, ...]:
        """Where people work, as the people table says."""
        return tuple(sorted(set(_workplaces(self.decider())) - {""}))

    def simulate(self, loss: Loss) -> LossAnswer:
        """Raises `StoreError`."""
        decider = self.decider()
        held = _credentials(self._gate.state)
        ids = [PersonId(each) for each in decider.estate.people.ids]
        gone = set(loss.away)
        if loss.places:
            gone |= {person for person, place in zip(ids, _workplaces(decider), strict=True) if place in loss.places}
        keyless = {person for person, keys in held.items() if keys <= loss.lost}
        everybody = frozenset(held)
        without = _Answers(decider, everybody - gone - keyless)
        before = self._before(decider, everybody)
        pairs = [(each, without.remaining.of(each.way)) for each in before]
        pairs.sort(key=lambda pair: (pair[0].quorums == 0, pair[1].quorums, pair[1].more, -pair[0].quorums))
        # Whose passkey could help: those who are there and have none left, or never had one.
        could = [person for person in ids if person not in gone and (person in keyless or person not in held)]
        lone = {person for person, keys in held.items() if len(keys - loss.lost) == 1}
        acts = tuple(
            ActLeft(
                before=was,
                after=left,
                help=without.helped(was.way, could) if was.quorums and not left.quorums else (),
                spare=tuple(person for person in left.needed if person in lone),
            )
            for was, left in pairs[:MOST_ACTS]
        )
        return LossAnswer(gone=len(everybody & (gone | keyless)), acts=acts, left_out=max(0, len(pairs) - MOST_ACTS))

    def _before(self, decider: Decider, everybody: frozenset[PersonId]) -> tuple[Remains, ...]:
        """With everybody there who has a passkey: the same until somebody gets one, or loses it."""
        kept = self._whole
        if kept is None or kept[0] is not decider or kept[1] != everybody:
            kept = self._whole = decider, everybody, Remaining(decider, everybody).every()
        return kept[2]

    def _made(self, held: Decider) -> Decider:
        files = {name: data for name, data in self._gate.estate_files().items() if name.partition(".")[0] != "declared"}
        estate = parsed(Source(description="the estate", files=files)).estate
        days = self._gate.settings.freshness_days
        limit = None if days is None else dt.timedelta(days=days)
        fresh, there = Freshness(limit=limit, adopted=held.day), Presence(gone=lambda who: self._gate.state.gone(who))
        return Decider(estate, held.digest, day=held.day, freshness=fresh, presence=there)


class _Answers:
    """Remaining quorums without some people, and with one more of them there again."""

    def __init__(self, decider: Decider, present: frozenset[PersonId]) -> None:
        self._decider, self._present = decider, present
        self.remaining = Remaining(decider, present)
        self._with: dict[PersonId, Remaining] = {}
        self._known: dict[tuple[str, object], tuple[PersonId, ...]] = {}

    def helped(self, way: Way, could: Sequence[PersonId]) -> tuple[PersonId, ...]:
        """Who, were they there with a passkey, would make it possible, each alone."""
        key = way.terms, way.holders
        if key not in self._known:
            bench = {one.person for kind in self._decider.roster.bench(way.terms).kinds for one in kind.people}
            tried = [person for person in could if person in bench][:MOST_HELP]
            self._known[key] = tuple(person for person in tried if self._again(person).any(way))
        return self._known[key]

    def _again(self, person: PersonId) -> Remaining:
        found = self._with.get(person)
        if found is None:
            found = self._with[person] = Remaining(self._decider, self._present | {person})
        return found


def _workplaces(decider: Decider) -> list[str]:
    estate = decider.estate
    return [str(estate.states[place]) if place >= 0 else "" for place in estate.people.workplace.tolist()]


def _credentials(state: State) -> Mapping[PersonId, frozenset[str]]:
    found: dict[PersonId, set[str]] = {}
    for id, key in list(state.keys.items()):
        if key.revoked is None:
            found.setdefault(key.key.person, set()).add(id)
    return {person: frozenset(keys) for person, keys in found.items()}
