"""With these people away, what could nobody be given? Asked of a gate's folder, whether or not the gate runs."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from armslength.gate import Decider, Freshness, Impossible, PersonId, Roster, State, events_in, impossible
from armslength.service.gate_failure import Unfounded
from armslength.service.gate_replay import records_of
from armslength.service.question import Refusal
from armslength.store import read_gate_folder, read_ledger_folder


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
    decider = Decider(estate, state.estate, day=day, freshness=Freshness(limit=None, adopted=day))
    keyed = frozenset(key.key.person for key in state.keys.values() if key.revoked is None)
    everybody = frozenset(PersonId(person) for person in estate.people.ids)
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
