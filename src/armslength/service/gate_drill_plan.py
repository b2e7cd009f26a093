"""What a drill would be: which act under which terms, who could form its quorum now, and what is wrong already.

Asked of a gate's folder, whether or not the gate runs. It reads, and changes nothing.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass

from armslength.estate import Terms
from armslength.gate import (
    Candidates,
    Decider,
    Freshness,
    Open,
    PersonId,
    Presence,
    Question,
    Request,
    RequestId,
    State,
    Target,
    Window,
    events_in,
    moment,
    new_id,
    ways,
    who_could,
)
from armslength.service.gate_failure import Unfounded
from armslength.service.gate_notice import NoticeKind, channels
from armslength.service.gate_office import MOST_CONCERNED
from armslength.service.gate_replay import records_of
from armslength.service.question import Refusal
from armslength.store import GateDatabase, GateFolder, read_ledger_folder

MOST_TRIED = 2000
"""People who are tried as the one who would carry it out, where nobody was named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillWanted:
    """What to rehearse, as far as it was said: terms, who would carry it out, the action, and on what."""

    terms: str | None = None
    executor: PersonId | None = None
    action: str | None = None
    resource: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillPlan:
    """`concerned` is everybody who may approve and who would carry it out; `keyless` of them have no passkey that
    counts, `single` one alone, `away` cannot be asked now. `quorums` are a few sets that would be enough now. `lacks`
    is what is wrong before anybody was told."""

    terms: Terms
    executor: PersonId
    action: str
    resource: Target
    estate: str
    concerned: tuple[PersonId, ...]
    keyless: tuple[PersonId, ...]
    single: tuple[PersonId, ...]
    away: tuple[PersonId, ...]
    quorums: tuple[tuple[PersonId, ...], ...]
    could: tuple[PersonId, ...]
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGate:
    """What the ledger says of a gate that may run: its state, and the estate that holds as decided on today."""

    folder: GateFolder
    state: State
    decider: Decider
    now: int


def known_gate(folder: GateFolder, *, clock: Callable[[], float] = time.time) -> KnownGate:
    """Raises `Unfounded` for a gate that was never started, `StoreError`."""
    ledger = read_ledger_folder(folder.ledger, signing=False)
    state = State()
    for happened in events_in(records_of(ledger, 0)):
        state.apply(happened.event, act=happened.act, index=happened.index, origin=ledger.settings.origin)
    if state.estate is None:
        raise Unfounded(f"{folder.path}: no estate was adopted yet: start the gate once")
    now = int(clock())
    day = dt.datetime.fromtimestamp(now, dt.UTC).date()
    estate = folder.estates.read(state.estate)
    fresh, there = Freshness(limit=None, adopted=day), Presence(gone=state.gone)
    decider = Decider(estate, state.estate, day=day, freshness=fresh, presence=there)
    return KnownGate(folder=folder, state=state, decider=decider, now=now)


def plan_drill(given: KnownGate, wanted: DrillWanted) -> DrillPlan:
    """Raises `Refusal` where nothing of the kind could be asked for, `StoreError`."""
    terms, executor, action, resource = _act(given, wanted)
    decider, roster = given.decider, given.decider.roster
    approvers = roster.approvers(terms.id)[:MOST_CONCERNED]
    held: dict[PersonId, int] = {}
    for key in given.state.keys.values():
        if key.revoked is None:
            held[key.key.person] = held.get(key.key.person, 0) + 1
    database = GateDatabase(given.folder.database, origin=given.folder.settings.origin, site=given.folder.settings.site)
    try:
        with database.reading() as tables:
            gone = tables.away.at(given.now)
    finally:
        database.close()
    available = frozenset(held) - gone
    found = _could(given, terms.id, executor, action, resource, available)
    keyless = tuple(person for person in approvers if person not in held)
    single = tuple(person for person in approvers if held.get(person) == 1)
    away = tuple(person for person in approvers if person in gone)
    concerned = tuple(dict.fromkeys((*approvers, executor)))
    return DrillPlan(
        terms=terms,
        executor=executor,
        action=action,
        resource=resource,
        estate=decider.digest,
        concerned=concerned,
        keyless=keyless,
        single=single,
        away=away,
        quorums=found.sets,
        could=found.people,
        lacks=tuple(_lacks(given, found, keyless, approvers)),
    )


def _act(given: KnownGate, wanted: DrillWanted) -> tuple[Terms, PersonId, str, Target]:
    estate, glass = given.decider.estate, given.folder.settings.break_glass
    name = wanted.terms or next(iter(glass), None)
    if name is None:
        raise Refusal(["which terms? gate.toml names none as break_glass: give --terms"])
    terms = next((each for each in estate.settings.terms if each.id == name), None)
    if terms is None:
        raise Refusal([f"--terms {name!r}: the estate has no such terms"])
    tried = 0
    for way in ways(given.decider):
        kind, _, id = way.target.partition(":")
        if way.terms != name or kind not in ("asset", "group", "person", "terms"):
            continue
        target = Target(type=kind, id=way.id or id)
        if wanted.action not in (None, way.action) or wanted.resource not in (None, target):
            continue
        for person in way.people(estate.people.ids):
            if wanted.executor not in (None, PersonId(person)):
                continue
            tried += 1
            if tried > MOST_TRIED:
                break
            if _opens(given.decider, PersonId(person), way.action, target, name):
                return terms, PersonId(person), way.action, target
    asked = [f"--terms {name}"]
    asked += [] if wanted.executor is None else [f"--who {wanted.executor}"]
    asked += [] if wanted.action is None else [f"--action {wanted.action}"]
    asked += [] if wanted.resource is None else [f"--on {wanted.resource}"]
    raise Refusal([f"nobody could ask for anything by {' '.join(asked)}: policy opens no way there without a context"])


def _opens(decider: Decider, person: PersonId, action: str, target: Target, terms: str) -> bool:
    look = decider.look(
        Question(executor=person, asker=person, author=None, action=action, resource=target, context={})
    )
    return isinstance(look, Open) and any(each.terms == terms for each in look.passages)


def _could(
    given: KnownGate, terms: str, executor: PersonId, action: str, resource: Target, available: frozenset[PersonId]
) -> Candidates:
    """As for a request, which is made here to be judged and for nothing else: nobody signs it, nothing records it."""
    made = moment(given.now)
    window = Window(start=made, end=made + dt.timedelta(hours=2))
    request = Request(
        id=RequestId(new_id("req", bytes(16))),
        gate=given.folder.settings.origin,
        executor=executor,
        asker=executor,
        author=None,
        action=action,
        resource=resource,
        customers=(),
        purpose="a drill",
        context={},
        evidence=(),
        window=window,
        made=made,
        expires=made + dt.timedelta(hours=1),
    )
    return who_could(given.decider, request, (), available, only=frozenset({terms}))


def _lacks(
    given: KnownGate, found: Candidates, keyless: tuple[PersonId, ...], approvers: tuple[PersonId, ...]
) -> list[str]:
    problems = []
    if not found.sets:
        problems.append("no quorum can be made now of the people who have a passkey and are not away")
    if keyless:
        problems.append(f"{len(keyless)} of {len(approvers)} who may approve have no passkey")
    if not channels(given.folder.settings, NoticeKind.DRILL):
        problems.append("gate.toml has no channel for drill notices: people are told in the console alone")
    return problems
