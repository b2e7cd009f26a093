"""Drills, as the gate that runs has them: it tells the people, takes their words and signatures, and records each step.

The host announces a drill and ends it (`gate_drill_desk`), through sealed rows. What the gate records are findings of
the detection `gate-drill`, which no state is made of: a drill gives no lease, ends none, and stands in nobody's way.

The order of a step, and what a crash after each leaves: it is recorded (done again it is recorded twice, and whoever
reads takes the first); its row is written. A drill that nobody ends is recorded as over, and not met.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from armslength.gate import (
    Assertion,
    Conflict,
    GateError,
    PersonId,
    Rejected,
    Tampered,
    Why,
    check_drill_signature,
    drill_quorum,
    parse_drill,
    posix,
    unable_in_drill,
)
from armslength.gate import Drill as Form
from armslength.ledger import Json, Kind
from armslength.service.act import Act
from armslength.service.gate_book import NOTHING, PATIENCE
from armslength.service.gate_drill_rows import FOR_EVER, SealedRows
from armslength.service.gate_failure import Unavailable
from armslength.service.gate_notice import NoticeKind, Told, told
from armslength.service.gate_office import Office
from armslength.service.gate_row import Object
from armslength.service.ledger_failure import AppendError
from armslength.store import GateTables
from armslength.tlog import TlogError, format_base64url

DETECTION = "gate-drill"
TRANSCRIPT = "gate-ceremony"
"""Of the finding that holds the digest of a ceremony's transcript."""
DAY = 86_400
STEPS = ("acknowledged", "signed")
"""What each person does, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillStanding:
    """How the drill that is under way stands. Times are POSIX seconds; by person when they said that they were told,
    and when they signed, in that order. `quorum` is who made one first."""

    drill: Form
    concerned: tuple[PersonId, ...]
    announced: int | None
    refused: str | None
    acknowledged: Mapping[PersonId, int]
    signed: Mapping[PersonId, int]
    quorum: tuple[PersonId, ...] | None
    quorum_at: int | None
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDrill:
    """The newest that is over: when in POSIX seconds, of which terms, and whether a quorum signed it."""

    id: str
    at: int
    terms: str
    met: bool


def drill_notice(drill: Form, person: PersonId, *, at: int) -> Told:
    """What somebody concerned is told. It names no act: it passes through other people's servers."""
    says = (
        "DRILL, not an emergency: the emergency terms are rehearsed. Open the page, say that you were told, and sign"
        " the drill if you can. It opens nothing."
    )
    return told(NoticeKind.DRILL, drill.id, says, at=at, person=person)


def standing(
    rows: SealedRows, tables: GateTables, now: int, *, of: Collection[PersonId] | None = None
) -> DrillStanding | None:
    """The drill under way; None: there is none. What people did is read `of` these alone; None: of all. Raises
    `Tampered`."""
    doc = rows.look(tables, "drill", now=now)
    if doc is None:
        return None
    try:
        drill = parse_drill(doc["drill"])
        people = doc["concerned"]
        assert isinstance(people, list)
    except (Rejected, KeyError, AssertionError) as error:
        raise Tampered(f"the row of a drill is none: {error}") from None
    concerned = tuple(PersonId(str(each)) for each in people)
    done: dict[str, dict[PersonId, int]] = {}
    for step in STEPS:
        asked = [each for each in concerned if of is None or each in of]
        found = {each: rows.look(tables, "drill", drill.id, step, each, now=now) for each in asked}
        times = {each: _at(said) for each, said in found.items() if said is not None}
        done[step] = dict(sorted(times.items(), key=lambda each: each[1]))
    announced, quorum, closed = (
        rows.look(tables, "drill", drill.id, name, now=now) for name in ("announced", "quorum", "closed")
    )
    refused = rows.look(tables, "drill", drill.id, "refused", now=now)
    return DrillStanding(
        drill=drill,
        concerned=concerned,
        announced=None if announced is None else _at(announced),
        refused=None if refused is None else str(refused.get("why")),
        acknowledged=done["acknowledged"],
        signed=done["signed"],
        quorum=None if quorum is None else tuple(PersonId(str(each)) for each in _list(quorum.get("people"))),
        quorum_at=None if quorum is None else _at(quorum),
        closed=closed is not None,
    )


def last_drill(rows: SealedRows, tables: GateTables, now: int) -> LastDrill | None:
    """Raises `Tampered`."""
    doc = rows.look(tables, "last", now=now)
    if doc is None:
        return None
    return LastDrill(id=str(doc.get("id")), at=_at(doc), terms=str(doc.get("terms")), met=doc.get("met") is True)


class Drills:
    """For any number of threads."""

    def __init__(self, office: Office) -> None:
        self._office, self._book = office, office.book
        assert office.folder.row_key is not None
        self._rows = SealedRows(office.folder.row_key)
        self.last: LastDrill | None = None
        self.due = False
        """Whether it is longer ago than the settings allow, or there was none. Both as they were at the last sweep."""

    # What people do

    def under_way(self) -> DrillStanding | None:
        """The one that is under way and that the gate took up. Raises `Unavailable`, `Tampered`."""
        return self._under_way(None)

    def _under_way(self, of: Collection[PersonId] | None) -> DrillStanding | None:
        now = posix(self._book.now())
        found = self._book.copies.read(lambda tables: standing(self._rows, tables, now, of=of))
        if found is None or found.announced is None or found.closed or posix(found.drill.expires) <= now:
            return None
        return found

    def asks(self, person: PersonId) -> str | None:
        """The id of the drill that asks something of them that they have not done. None where that cannot be told as
        well: what is real does not wait for a rehearsal."""
        try:
            found = self._under_way((person,))
        except GateError:
            return None
        if found is None or person not in found.concerned:
            return None
        if person in found.acknowledged and (person in found.signed or not self._able(found, person)):
            return None
        return found.drill.id

    def unable(self, person: PersonId) -> str | None:
        """Why they could be in no quorum of the drill under way; None: they could. Raises `Rejected` for no drill."""
        return unable_in_drill(self._office.decider, self._running(None).drill, person)

    def acknowledge(self, id: str, person: PersonId) -> DrillStanding:
        """Somebody says that they were told of it. Raises `Rejected`, `Unavailable`."""
        found = self._running(id)
        if person not in found.concerned:
            raise Rejected(["this drill does not ask you"])
        with self._book.holding(_object(id)):
            self._step(found.drill, "acknowledged", person, {})
        return self._running(id)

    def sign(self, id: str, person: PersonId, assertion: Assertion) -> DrillStanding:
        """Take a person's signature over the drill's challenge. It is an approval of nothing. Raises `Rejected` with
        every problem, `Conflict` where they signed already."""
        found = self._running(id)
        if person not in found.concerned:
            raise Rejected(["this drill does not ask you"])
        if problem := unable_in_drill(self._office.decider, found.drill, person):
            raise Rejected([problem])
        key = self._book.state.keys.get(format_base64url(assertion.credential))
        if key is None or key.key.person != person or key.revoked is not None:
            raise Rejected([f"this passkey does not count for {person}"])
        with self._book.holding(_object(id)):
            found = self._running(id)
            if person in found.signed:
                raise Conflict(f"{person} signed it already")
            now = self._office.fit()
            check_drill_signature(found.drill, person, assertion, key.key, self._office.party, at=now)
            signature: dict[str, Json] = {**assertion.form()}
            self._step(found.drill, "acknowledged", person, {})  # who signs was told
            self._step(found.drill, "signed", person, {"assertion": signature})
            self._look_for_quorum(self._running(id))
        return self._running(id)

    # What time brings

    def sweep(self) -> None:
        """Take up what the host wrote, and end what is over. Raises `Unavailable`, `Tampered`."""
        now = posix(self._office.fit())
        self._transcripts(now)
        found = self._book.copies.read(lambda tables: standing(self._rows, tables, now, of=()))
        self._remember(self._book.copies.read(lambda tables: last_drill(self._rows, tables, now)), now)
        if found is None or found.closed:
            return
        over = posix(found.drill.expires) <= now
        if found.announced is None and found.refused is None:
            self._announce(found, now, over=over)
            return
        closing = self._book.copies.read(
            lambda tables: self._rows.look(tables, "drill", found.drill.id, "closing", now=now)
        )
        if found.refused is None and (closing is not None or over):
            self._close(found, closing or {"outcome": "nobody ended it", "transcript": None}, now)

    def _announce(self, found: DrillStanding, now: int, *, over: bool) -> None:
        drill = found.drill
        problem = None
        if drill.gate != self._office.settings.origin:
            problem = "it is of another gate"
        elif drill.estate != self._office.digest:
            problem = "another estate holds since: begin it anew"
        elif over:
            problem = "it was over before the gate took it up"
        if problem is not None:
            self._put(("drill", drill.id, "refused"), {"at": now, "why": problem}, _kept(now))
            return
        form: dict[str, Json] = {**drill.form()}
        self._record("announced", drill, now, {"concerned": list(found.concerned), "form": form})
        self._book.copies.write(told=[drill_notice(drill, person, at=now) for person in found.concerned])
        self._put(("drill", drill.id, "announced"), {"at": now}, _kept(now))

    def _close(self, found: DrillStanding, closing: Mapping[str, Json], now: int) -> None:
        drill, met = found.drill, found.quorum is not None
        more = {name: closing.get(name) for name in ("outcome", "transcript")}
        self._record("closed", drill, now, {**more, "met": met})

        def written(tables: GateTables) -> None:
            doc: dict[str, Json] = {"at": now, "id": drill.id, "met": met, "terms": drill.terms}
            self._rows.replace(tables, "last", doc=doc, now=now, ends=now + FOR_EVER)
            self._rows.put(tables, "drill", drill.id, "closed", doc={"at": now}, ends=_kept(now))

        self._book.copies.change(written)
        self._remember(LastDrill(id=drill.id, at=now, terms=drill.terms, met=met), now)

    def _remember(self, last: LastDrill | None, now: int) -> None:
        days = self._office.settings.drill_days
        self.last, self.due = last, days is not None and (last is None or last.at + DAY * days < now)

    def _transcripts(self, now: int) -> None:
        """The digest of a ceremony's transcript that the host left here while the gate ran."""
        doc = self._book.copies.read(lambda tables: self._rows.look(tables, "transcript", now=now))
        if doc is not None:
            self._append({"detection": TRANSCRIPT, "evidence": doc})
            self._book.copies.change(lambda tables: self._rows.drop(tables, "transcript", now=now))

    # Within

    def _able(self, found: DrillStanding, person: PersonId) -> bool:
        return unable_in_drill(self._office.decider, found.drill, person) is None

    def _running(self, id: str | None) -> DrillStanding:
        found = self.under_way()
        if found is None or (id is not None and found.drill.id != id):
            raise Rejected(["there is no such drill under way"])
        return found

    def _step(self, drill: Form, step: str, person: PersonId, more: Mapping[str, Json]) -> None:
        now = posix(self._office.fit())
        name = ("drill", drill.id, step, person)
        if self._book.copies.read(lambda tables: self._rows.look(tables, *name, now=now)) is None:
            self._record(step, drill, now, {"person": person, **more})
            self._put(name, {"at": now}, _kept(posix(drill.expires)))

    def _look_for_quorum(self, found: DrillStanding) -> None:
        if found.quorum is not None:
            return
        try:
            people = drill_quorum(self._office.decider, found.drill, tuple(found.signed))
        except KeyError:
            return
        if people is not None:
            now = posix(self._office.fit())
            self._record("quorum", found.drill, now, {"people": list(people)})
            doc: dict[str, Json] = {"at": now, "people": list(people)}
            self._put(("drill", found.drill.id, "quorum"), doc, _kept(posix(found.drill.expires)))

    def _put(self, name: tuple[str, ...], doc: Mapping[str, Json], ends: int) -> None:
        self._book.copies.change(lambda tables: self._rows.put(tables, *name, doc=doc, ends=ends))

    def _record(self, step: str, drill: Form, at: int, more: Mapping[str, Json]) -> None:
        evidence: dict[str, Json] = {"at": at, "drill": drill.id, "step": step, **more}
        self._append({"detection": DETECTION, "evidence": evidence})

    def _append(self, fields: Mapping[str, Json]) -> None:
        act = Act(id=self._office.draw(), kind=Kind.FINDING, fields=fields)
        try:
            self._book.ledger.append(act).result(PATIENCE)
        except TlogError as error:
            raise Rejected([str(error)]) from None
        except (AppendError, TimeoutError) as error:
            raise Unavailable(Why.LEDGER, NOTHING) from error


def _object(id: str) -> Object:
    """Stands for a drill where something is held."""
    return "request", id


def _kept(at: int) -> int:
    """Until when a row of a drill stays after that time: while somebody may still write its protocol."""
    return at + 90 * DAY


def _at(doc: Mapping[str, Json]) -> int:
    at = doc.get("at")
    if type(at) is not int:
        raise Tampered("a row of a drill has no time")
    return at


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
