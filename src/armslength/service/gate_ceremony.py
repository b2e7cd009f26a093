"""A key ceremony, step by step: who has to be in the room, what is done next, and what is on record of it.

Everything that is known of a ceremony is its transcript and the files of the gate. So it may be killed anywhere and
gone on with, by other people too if they are apart; and one at a time is held, whoever asks for a second.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from armslength.gate import Conflict, Decider, Form, PersonId, Rejected, Tampered
from armslength.ledger import Json, Kind
from armslength.service.act import ACT_SIZE, Act
from armslength.service.gate_ceremony_acts import Chance, Read, done, mend, perform, policy_keys, present
from armslength.service.gate_ceremony_script import Script, Step, script_of
from armslength.service.gate_ceremony_transcript import (
    Transcript,
    new_transcript,
    read_transcript,
    transcript_digest,
    transcript_text,
)
from armslength.service.gate_drill import TRANSCRIPT
from armslength.service.gate_drill_desk import DrillDesk
from armslength.service.gate_drill_plan import known_gate
from armslength.service.ledger import Ledger
from armslength.service.ledger_records import read_records
from armslength.service.question import Refusal
from armslength.store import GateFolder, StorageFailed, StoreError, read_gate_folder, read_ledger_folder, replace_file

FOLDER = "ceremonies"
FEWEST = 2
"""Who confirm each step."""
_FIRST = frozenset("at before ceremony entries gate kind line people policy present previous".split())


def check_room(decider: Decider, people: Sequence[PersonId]) -> None:
    """That a ceremony may be held with these people, of whom the first two confirm. Raises `Refusal` with every
    problem, and names no state: an exposure may be by a tie that somebody declared. Home states are left out, as in a
    quorum: everybody is in theirs."""
    roster, estate = decider.roster, decider.estate
    home = {str(estate.states[state]) for state in estate.settings.home}
    problems = [f"{person[:40]!r} is not in the people table" for person in people if not roster.knows(person)]
    if len(set(people)) < max(FEWEST, len(people)):
        problems.append("name two people at least who are in the room, each once: --with PERSON --with PERSON")
    if problems:
        raise Refusal(problems)
    reach = {person: roster.states(roster.places[person]) - home for person in people}
    if frozenset.intersection(*reach.values()):
        problems.append("one state could compel everybody in the room: somebody else has to be there")
    first, second = people[:FEWEST]
    if reach[first] & reach[second]:
        problems.append(f"{first} and {second} cannot confirm for each other: they are not apart")
    if problems:
        raise Refusal(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class CeremonyState:
    """What its transcript says. `before` is what was read at its beginning; `known` the policy's keys then; `entries`
    where the ledger stood."""

    id: str
    script: Script
    people: tuple[str, ...]
    room: tuple[PersonId, ...]
    before: Mapping[str, str]
    known: tuple[str, ...]
    entries: int
    confirmed: frozenset[str]


class CeremonyRoom:
    """Alone with a gate's ceremonies while it is held. Raises `Conflict` where somebody else is at one."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time, chance: Chance) -> None:
        self.path, self._clock, self._chance = path, clock, chance
        self.folder: GateFolder = read_gate_folder(path)
        self.place = path / FOLDER
        try:
            self.place.mkdir(mode=0o700, exist_ok=True)
            self._lock = os.open(self.place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageFailed(f"{self.place}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise Conflict("a ceremony is being held here by another program: one at a time") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    # Beginning and going on

    def unfinished(self) -> Transcript | None:
        """The transcript of the ceremony that was broken off; None: none was. Raises `Tampered`, `StoreError`."""
        for path in sorted(self.place.glob("*.jsonl"), reverse=True):
            found = read_transcript(path)
            if not found.lines:
                path.unlink()  # killed before its first line was whole
            elif found.lines[-1].get("line") not in ("over", "abandoned"):
                return found
        return None

    def begin(self, kind: str, people: Sequence[str], room: Sequence[PersonId]) -> Ceremony:
        """Raises `Refusal` with every problem, `Conflict` where one was broken off, `StoreError`."""
        if (left := self.unfinished()) is not None:
            raise Conflict(f"{left.path.stem} was broken off: go on with --resume, or give it up with --abandon")
        script = script_of(kind, people)
        if isinstance(script, str):
            raise Refusal([script])
        given = known_gate(self.folder, clock=self._clock)
        check_room(given.decider, room)
        if script.kind in ("found", "spare"):
            strange = [each for each in people if not given.decider.roster.knows(PersonId(each))]
            if strange:
                raise Refusal([f"{each[:40]!r} is not in the people table" for each in strange])
        now = int(self._clock())
        id = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}-{script.kind}"
        if (self.place / f"{id}.jsonl").exists():
            raise Conflict("a ceremony of this kind began in this second: begin again")
        before = present(script.kind, self.folder, people, lambda: given.state)
        if script.stopped:
            self._note(id, script, "begun", room, {})
        transcript = new_transcript(self.place / f"{id}.jsonl").added(
            {
                "at": now,
                "before": {**before},
                "ceremony": id,
                "entries": given.state.position,
                "gate": self.folder.settings.origin,
                "kind": script.kind,
                "line": "begun",
                "people": list(people),
                "policy": list(policy_keys(self.folder)),
                "present": list(room),
            }
        )
        return Ceremony(self, transcript)

    def resume(self, room: Sequence[PersonId]) -> Ceremony:
        """Raises `Refusal`, `Tampered` for a transcript that somebody changed, `StoreError`."""
        left = self.unfinished()
        if left is None:
            raise Refusal(["no ceremony was broken off here"])
        check_room(known_gate(self.folder, clock=self._clock).decider, room)
        now = int(self._clock())
        return Ceremony(self, left.added({"at": now, "line": "resumed", "present": list(room)}))

    def now(self) -> int:
        return int(self._clock())

    # For a ceremony

    def present(self, state: CeremonyState) -> Read:
        self.folder = read_gate_folder(self.path)
        return present(state.script.kind, self.folder, state.people, lambda: known_gate(self.folder).state)

    def perform(self, state: CeremonyState) -> None:
        perform(state.script.kind, read_gate_folder(self.path), state.people, chance=self._chance)

    def mend(self, state: CeremonyState) -> None:
        mend(
            state.script.kind, read_gate_folder(self.path), known=state.known, since=state.entries, chance=self._chance
        )

    def record(self, state: CeremonyState, step: str, digests: Mapping[str, Json]) -> bool:
        """Whether the ledger has it; where the gate runs, it was handed over and will."""
        return self._note(state.id, state.script, step, state.room, digests)

    def _note(self, id: str, script: Script, step: str, room: Sequence[PersonId], digests: Mapping[str, Json]) -> bool:
        evidence: dict[str, Json] = {
            "at": int(self._clock()),
            "ceremony": id,
            "kind": script.kind,
            "present": list(room),
            "step": step,
            **digests,
        }
        act = Act(id=self._chance(ACT_SIZE), kind=Kind.FINDING, fields={"detection": TRANSCRIPT, "evidence": evidence})
        # A ledger that several gates share is theirs while they run.
        if step == "begun" or not self.folder.settings.site:
            # That the gate is stopped shows here, before anybody does anything.
            try:
                with Ledger(read_ledger_folder(self.folder.ledger)) as ledger:
                    ledger.append(act).result()
                return True
            except StoreError as error:
                if step == "begun":
                    raise Refusal([*str(error).splitlines(), "stop the gate first, on each of its hosts"]) from None
        desk = DrillDesk(read_gate_folder(self.path), clock=self._clock)
        try:
            if not desk.hand_over(evidence):
                raise StorageFailed("another transcript waits to be recorded: start the gate, and go on with --resume")
        finally:
            desk.close()
        return False


class Ceremony:
    """One ceremony that is being held."""

    def __init__(self, room: CeremonyRoom, transcript: Transcript) -> None:
        self._room, self.transcript = room, transcript

    @property
    def state(self) -> CeremonyState:
        """Raises `Tampered` for lines that no ceremony writes."""
        return _state(self.transcript)

    def next(self) -> Step | None:
        """The step that comes; None: all are confirmed."""
        state = self.state
        return next((step for step in state.script.steps if step.id not in state.confirmed), None)

    def read(self) -> Read:
        """What is to be read aloud now."""
        return self._room.present(self.state)

    def is_done(self) -> bool:
        """Whether the act has been done whole."""
        state = self.state
        return done(state.script.kind, state.before, self.read(), state.people)

    def act(self) -> None:
        """Do what the script's act does, unless it is done. Raises `Refusal`, `StoreError`; again after a kill."""
        state = self.state
        self._room.mend(state)
        if not self.is_done():
            self._add({"line": "doing", "step": "act"})
            self._room.perform(state)
        self._add({"line": "done", "read": {**self.read()}, "step": "act"})

    def acted(self) -> None:
        """People have done it themselves. Raises `Rejected` where they have not."""
        if not self.is_done():
            raise Rejected(["it is not done yet"])
        self._add({"line": "done", "read": {**self.read()}, "step": "act"})

    def confirm(self, step: Step, by: Sequence[PersonId], read: Mapping[str, str]) -> None:
        """Both say that it was done as it stands there. Raises `Rejected`."""
        state = self.state
        if tuple(by) != state.room[:FEWEST]:
            raise Rejected([f"each step is confirmed by {' and '.join(state.room[:FEWEST])}"])
        if step != self.next():
            raise Rejected([f"the step {step.id} is not the one that comes"])
        if step.act and not self.is_done():
            raise Rejected(["it is not done yet"])
        self._add({"by": list(by), "line": "confirmed", "read": {**read}, "step": step.id})

    def finish(self) -> tuple[str, Path, bool]:
        """The transcript ends, is printed beside itself, and its SHA-256 is recorded. Gives that, the printed file, and
        whether the ledger has it already."""
        if self.next() is not None:
            raise Rejected(["not every step was confirmed"])
        return self._closed({"line": "over"}, "over")

    def abandon(self, why: str) -> tuple[str, Path, bool]:
        """Given up: the keys are as they were, or as they are after the act; nothing half is left."""
        self._room.mend(self.state)
        return self._closed({"line": "abandoned", "why": why[:2000]}, "abandoned")

    def _closed(self, line: Mapping[str, Json], step: str) -> tuple[str, Path, bool]:
        # A kill after this line leaves a transcript that is over and on no record: --verify says so, and records it.
        self._add(line)
        return self._room_closed(step)

    def _room_closed(self, step: str) -> tuple[str, Path, bool]:
        digest = transcript_digest(self.transcript.path)
        printed = self.transcript.path.with_suffix(".md")
        replace_file(printed, transcript_text(self.transcript.lines, digest=digest).encode(), mode=0o600)
        recorded = self._room.record(self.state, step, {"transcript": digest})
        return digest, printed, recorded

    def _add(self, line: Mapping[str, Json]) -> None:
        self.transcript = self.transcript.added({"at": self._room.now(), **line})


def recorded_again(room: CeremonyRoom, path: Path) -> tuple[str, Path, bool]:
    """Have a transcript recorded that is over and that the ledger does not know, as after a kill at its very end."""
    transcript = read_transcript(path)
    if not transcript.lines or transcript.lines[-1].get("line") not in ("over", "abandoned"):
        raise Rejected([f"{path}: the ceremony is not over"])
    return Ceremony(room, transcript)._room_closed(str(transcript.lines[-1]["line"]))


def ceremony_record(folder: GateFolder, digest: str) -> int | None:
    """The entry of the ledger that holds this transcript's SHA-256; None: none does. Raises `StoreError`."""
    for record in read_records(read_ledger_folder(folder.ledger, signing=False)):
        if record.record.kind is Kind.FINDING and record.fields is not None:
            said = record.fields.get("evidence")
            if (
                record.fields.get("detection") == TRANSCRIPT
                and isinstance(said, dict)
                and said.get("transcript") == digest
            ):
                return record.index
    return None


def _state(transcript: Transcript) -> CeremonyState:
    try:
        return _read(transcript)
    except Rejected as error:
        raise Tampered(f"{transcript.path}: {error}") from None


def _read(transcript: Transcript) -> CeremonyState:
    first = transcript.lines[0]
    read = Form(first, "first line", _FIRST)
    read.exactly("line", "begun")
    people, room, known = read.texts("people"), read.texts("present"), read.texts("policy")
    id, kind, before, entries = read.text("ceremony"), read.text("kind"), read.mapping("before"), read.number("entries")
    read.done()
    script = script_of(kind, people)
    if isinstance(script, str):
        raise Rejected([script])
    confirmed: set[str] = set()
    for line in transcript.lines[1:]:
        match line.get("line"), line.get("step"), line.get("present"):
            case "confirmed", str() as step, _:
                confirmed.add(step)
            case "resumed", _, list() as present_again:
                room = tuple(map(str, present_again))
            case _:
                pass
    return CeremonyState(
        id=id,
        script=script,
        people=people,
        room=tuple(map(PersonId, room)),
        before={name: str(value) for name, value in before.items()},
        known=known,
        entries=entries,
        confirmed=frozenset(confirmed),
    )
