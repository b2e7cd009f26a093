"""The protocol of a drill: made of the ledger alone, each signature checked afresh, the quorum judged again.

Who doubts it runs the same over the ledger, years later: nothing of it rests on the gate's database, but for what
became of notices, which is said apart.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from armslength.gate import (
    Decider,
    Drill,
    Freshness,
    GateError,
    Party,
    PersonId,
    Rejected,
    State,
    check_drill_signature,
    drill_quorum,
    format_moment,
    moment,
    parse_assertion,
    parse_drill,
    posix,
)
from armslength.ledger import Json, Kind
from armslength.service.gate_drill import DETECTION
from armslength.service.gate_drill_desk import Sent
from armslength.service.gate_drill_plan import KnownGate
from armslength.service.ledger_records import read_records
from armslength.store import StoreError, read_ledger_folder
from armslength.tlog import format_base64url


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRecord:
    """What the ledger holds of one drill. Times are POSIX seconds. `signed` are signatures that hold, in their order;
    `unsound` what stands there and does not hold. `quorum` is judged afresh from those."""

    index: int
    drill: Drill
    announced: int
    concerned: tuple[PersonId, ...]
    acknowledged: Mapping[PersonId, int]
    signed: Mapping[PersonId, int]
    unsound: tuple[str, ...]
    quorum: tuple[PersonId, ...] | None
    quorum_at: int | None
    closed: int | None
    outcome: str | None
    transcript: str | None

    @property
    def met(self) -> bool:
        return self.quorum is not None


def read_drills(given: KnownGate, *, since: int = 0) -> tuple[DrillRecord, ...]:
    """Every drill that the ledger tells of, the oldest first. Raises `StoreError`."""
    found: dict[str, list[tuple[int, Mapping[str, Json]]]] = {}
    for record in read_records(read_ledger_folder(given.folder.ledger, signing=False), since):
        if record.record.kind is not Kind.FINDING or record.fields is None:
            continue
        if record.fields.get("detection") != DETECTION:
            continue
        said = record.fields.get("evidence")
        if isinstance(said, dict) and isinstance(id := said.get("drill"), str):
            found.setdefault(id, []).append((record.index, said))
    read = (_read(given, steps) for steps in found.values())
    return tuple(each for each in read if each is not None)


def _read(given: KnownGate, steps: Sequence[tuple[int, Mapping[str, Json]]]) -> DrillRecord | None:
    first = next(((index, said) for index, said in steps if said.get("step") == "announced"), None)
    if first is None:
        return None
    index, announced = first
    try:
        drill = parse_drill(announced.get("form"))
    except Rejected:
        return None
    settings = given.folder.settings
    party = Party(rp_id=settings.domain, origins=(settings.url,))
    told: dict[PersonId, int] = {}
    signed: dict[PersonId, int] = {}
    unsound: list[str] = []
    closed: Mapping[str, Json] | None = None
    for place, said in steps:
        at, person = said.get("at"), said.get("person")
        if type(at) is not int:
            continue
        match said.get("step"), person:
            case "acknowledged", str():
                told.setdefault(PersonId(person), at)
            case "signed", str():
                if PersonId(person) in signed:
                    continue
                if (
                    problem := _unsound(given.state, drill, PersonId(person), said.get("assertion"), party, at)
                ) is None:
                    signed[PersonId(person)] = at
                else:
                    unsound.append(f"entry {place}: the signature of {person} does not hold: {problem}")
            case "closed", _:
                closed = closed or said
            case _:
                pass
    quorum, quorum_at = _quorum(given, drill, signed)
    people = announced.get("concerned")
    outcome, transcript = (None if closed is None else closed.get(name) for name in ("outcome", "transcript"))
    closed_at = None if closed is None else closed.get("at")
    return DrillRecord(
        index=index,
        drill=drill,
        announced=at if type(at := announced.get("at")) is int else posix(drill.made),
        concerned=tuple(PersonId(str(each)) for each in people) if isinstance(people, list) else (),
        acknowledged=told,
        signed=signed,
        unsound=tuple(unsound),
        quorum=quorum,
        quorum_at=quorum_at,
        closed=closed_at if type(closed_at) is int else None,
        outcome=outcome if isinstance(outcome, str) else None,
        transcript=transcript if isinstance(transcript, str) else None,
    )


def _unsound(state: State, drill: Drill, person: PersonId, form: Json, party: Party, at: int) -> str | None:
    try:
        assertion = parse_assertion(form)
        key = state.keys.get(format_base64url(assertion.credential))
        if key is None:
            return "the passkey is not known"
        check_drill_signature(drill, person, assertion, key.key, party, at=moment(at))
    except GateError as error:
        return str(error)
    return None


def _quorum(
    given: KnownGate, drill: Drill, signed: Mapping[PersonId, int]
) -> tuple[tuple[PersonId, ...] | None, int | None]:
    """Judged under the estate of the drill, on its day: by those who had signed when it was there first."""
    day = drill.made.date()
    try:
        estate = given.folder.estates.read(drill.estate)
        decider = Decider(estate, drill.estate, day=day, freshness=Freshness(limit=None, adopted=day))
        people = tuple(signed)
        for count in range(1, len(people) + 1):
            found = drill_quorum(decider, drill, people[:count])
            if found is not None:
                return found, signed[people[count - 1]]
    except (StoreError, KeyError):
        return None, None
    return None, None


# The protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReview:
    """What people say of it: what failed besides what is found here, what will be done, and who looked at it."""

    failed: tuple[str, ...]
    todo: tuple[str, ...]
    reviewer: str


def shortcomings(
    record: DrillRecord, sent: Mapping[PersonId, Sent], lacks: Sequence[str], reviewed: DrillReview | None
) -> tuple[str, ...]:
    """What did not work, as far as it shows, then what people add."""
    found = list(lacks)
    found += [
        f"the notice to {person} was not taken: {each.problem or 'it waits still'}"
        for person, each in sent.items()
        if each.at is None
    ]
    silent = [person for person in record.concerned if person not in record.acknowledged]
    if silent:
        found.append(f"did not say that they were told: {', '.join(silent)}")
    found += list(record.unsound)
    if not record.met:
        found.append("no quorum signed")
    return (*found, *(() if reviewed is None else reviewed.failed))


def protocol_text(
    record: DrillRecord, sent: Mapping[PersonId, Sent], lacks: Sequence[str], reviewed: DrillReview | None
) -> str:
    """To be kept and printed: Markdown."""
    return "".join(f"{line}\n" for line in _lines(record, sent, lacks, reviewed))


def protocol_document(
    record: DrillRecord, sent: Mapping[PersonId, Sent], lacks: Sequence[str], reviewed: DrillReview | None
) -> dict[str, Json]:
    """The same for programs."""
    return {
        "acknowledged": {person: _time(at) for person, at in record.acknowledged.items()},
        "announced": _time(record.announced),
        "closed": None if record.closed is None else _time(record.closed),
        "concerned": list(record.concerned),
        "drill": {**record.drill.form()},
        "entry": record.index,
        "failed": list(shortcomings(record, sent, lacks, reviewed)),
        "met": record.met,
        "notices": {
            person: {"problem": each.problem, "taken": None if each.at is None else _time(each.at)}
            for person, each in sent.items()
        },
        "outcome": record.outcome,
        "quorum": None if record.quorum is None else list(record.quorum),
        "seconds_to_first_signature": _since(record, min(record.signed.values(), default=None)),
        "seconds_to_quorum": _since(record, record.quorum_at),
        "signed": {person: _time(at) for person, at in record.signed.items()},
        "transcript": record.transcript,
    }


def protocol_digest(text: str) -> str:
    """SHA-256 in hex: what the ledger holds of a protocol."""
    return hashlib.sha256(text.encode()).hexdigest()


def _lines(
    record: DrillRecord, sent: Mapping[PersonId, Sent], lacks: Sequence[str], reviewed: DrillReview | None
) -> Iterator[str]:
    drill = record.drill
    yield f"# Protocol of a drill at {drill.gate}"
    yield ""
    yield f"Drill `{drill.id}`, entry {record.index} of the ledger. It opened nothing, and could not."
    yield ""
    yield f"- Rehearsed: that {drill.executor} does {drill.action} on {drill.resource}, under the terms {drill.terms}"
    yield f"- Why: {_one_line(drill.purpose)}"
    yield f"- Organiser: {drill.organiser}"
    yield f"- What was signed: SHA-256 `{drill.challenge().hex()}` of the drill's form"
    yield ""
    yield f"## {'A quorum signed' if record.met else 'No quorum signed'}"
    yield ""
    yield f"- Announced: {_time(record.announced)}"
    first = min(record.signed.values(), default=None)
    yield f"- First signature: {_took(record, first)}"
    yield f"- Quorum: {_took(record, record.quorum_at)}"
    if record.quorum:
        yield f"- The quorum: {', '.join(record.quorum)}"
    yield ""
    yield "## Who did what"
    yield ""
    yield "| person | notice taken | says that they were told | signed |"
    yield "|---|---|---|---|"
    for person in record.concerned:
        notice = sent.get(person)
        taken = "no channel" if notice is None else "not taken" if notice.at is None else _time(notice.at)
        told, signed = record.acknowledged.get(person), record.signed.get(person)
        yield f"| {person} | {taken} | {_or_no(told)} | {_or_no(signed)} |"
    yield ""
    yield "## What failed"
    yield ""
    failed = shortcomings(record, sent, lacks, reviewed)
    yield from (f"- {_one_line(each)}" for each in failed)
    if not failed:
        yield "- Nothing that anybody found."
    if reviewed is not None:
        yield ""
        yield "## What will be done"
        yield ""
        yield from (f"- {_one_line(each)}" for each in reviewed.todo or ("Nothing.",))
        yield ""
        yield f"Reviewed by {reviewed.reviewer}."
    yield ""
    yield "Signatures:"
    yield ""
    yield "Organiser ______________________    Reviewer ______________________"


def _took(record: DrillRecord, at: int | None) -> str:
    if at is None:
        return "never"
    span = dt.timedelta(seconds=max(0, at - record.announced))
    return f"{_time(at)}, {span} after it was announced"


def _since(record: DrillRecord, at: int | None) -> int | None:
    return None if at is None else max(0, at - record.announced)


def _or_no(at: int | None) -> str:
    return "no" if at is None else _time(at)


def _time(at: int) -> str:
    return format_moment(moment(at))


def _one_line(text: str) -> str:
    return " ".join(text.split())
