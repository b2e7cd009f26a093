"""A drill from the side of the gate's host: announced, followed and ended beside the gate that runs.

The host writes sealed rows, and the gate that runs does everything else; so it may be followed from another terminal,
on another day, or by somebody else at the host, and killed at any time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from armslength.gate import Conflict, Drill, PersonId, Rejected, Tampered, moment, new_id, posix
from armslength.ledger import Json
from armslength.service.gate_drill import DAY, DrillStanding, LastDrill, drill_notice, last_drill, standing
from armslength.service.gate_drill_plan import DrillPlan
from armslength.service.gate_drill_rows import FOR_EVER, SealedRows
from armslength.service.gate_failure import Unfounded
from armslength.service.gate_notice import NoticeKind, channels
from armslength.store import GateDatabase, GateFolder, GateTables

LONGEST_HOURS = 30 * 24
"""A drill that runs for longer is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of the notice to one person: when a channel took it (POSIX seconds), or how it failed last."""

    at: int | None
    problem: str | None


class DrillDesk:
    """Beside a gate that runs. Close it."""

    def __init__(self, folder: GateFolder, *, clock: Callable[[], float] = time.time) -> None:
        """`folder` with its secrets. Raises `StoreError`."""
        if folder.row_key is None:
            raise Unfounded(f"{folder.path}: its keys were left alone; a drill needs them")
        self.folder, self._clock = folder, clock
        self._rows = SealedRows(folder.row_key)
        self._database = GateDatabase(folder.database, origin=folder.settings.origin, site=folder.settings.site)

    def close(self) -> None:
        self._database.close()

    def now(self) -> int:
        return int(self._clock())

    def standing(self) -> DrillStanding | None:
        """The newest drill; None: none is known. Raises `Tampered`, `StoreError`."""
        now = self.now()
        with self._database.reading() as tables:
            return standing(self._rows, tables, now)

    def last(self) -> LastDrill | None:
        """Raises `Tampered`, `StoreError`."""
        with self._database.reading() as tables:
            return last_drill(self._rows, tables, self.now())

    def forget(self) -> None:
        """Let go of every row that the next row key could not read. Raises `StoreError`."""
        now = self.now()

        def drop(tables: GateTables) -> None:
            for name in ("drill", "last", "transcript"):
                self._rows.drop(tables, name, now=now)

        self._database.change(drop)

    def remember(self, last: LastDrill) -> None:
        """Write down again what the ledger tells of the last drill, where its row was lost."""
        doc: dict[str, Json] = {"at": last.at, "id": last.id, "met": last.met, "terms": last.terms}
        now = self.now()
        self._database.change(lambda tables: self._rows.replace(tables, "last", doc=doc, now=now, ends=now + FOR_EVER))

    def announce(
        self, plan: DrillPlan, *, organiser: str, purpose: str, hours: int, chance: Callable[[int], bytes]
    ) -> Drill:
        """Hand a drill to the gate. Raises `Conflict` where one is under way, `Rejected`, `StoreError`."""
        if not 1 <= hours <= LONGEST_HOURS:
            raise Rejected([f"a drill of {hours} hours: expected 1 to {LONGEST_HOURS}"])
        now = self.now()
        drill = Drill(
            id=new_id("drill", chance(16)),
            gate=self.folder.settings.origin,
            terms=plan.terms.id,
            executor=plan.executor,
            action=plan.action,
            resource=plan.resource,
            organiser=organiser,
            purpose=purpose,
            estate=plan.estate,
            made=moment(now),
            expires=moment(now + 3600 * hours),
        )
        doc: dict[str, Json] = {"concerned": list(plan.concerned), "drill": {**drill.form()}}

        def write(tables: GateTables) -> None:
            try:
                found = standing(self._rows, tables, now, of=())
            except Tampered:  # nobody's: this one takes its place
                found = None
            if found is not None and not (found.closed or found.refused or posix(found.drill.expires) + DAY < now):
                raise Conflict(
                    f"the drill {found.drill.id} is under way: follow it with --resume, or end it with --end"
                )
            self._rows.replace(tables, "drill", doc=doc, now=now, ends=now + 3600 * hours + 90 * DAY)

        self._database.change(write)
        return drill

    def end(self, drill: Drill, *, outcome: str, transcript: str) -> None:
        """Ask the gate to record that it is over: `transcript` is SHA-256 of the protocol, in hex."""
        doc: dict[str, Json] = {"outcome": outcome, "transcript": transcript}
        now = self.now()

        def write(tables: GateTables) -> None:
            if self._rows.look(tables, "drill", drill.id, "closed", now=now) is None:
                self._rows.replace(tables, "drill", drill.id, "closing", doc=doc, now=now, ends=now + 90 * DAY)

        self._database.change(write)

    def hand_over(self, transcript: Mapping[str, Json]) -> bool:
        """Have the gate record what a ceremony came to. Whether nothing else waits there."""
        ends = self.now() + FOR_EVER
        return self._database.change(lambda tables: self._rows.put(tables, "transcript", doc=transcript, ends=ends))

    def taken_over(self) -> bool:
        """Whether the gate has recorded what was handed over."""
        with self._database.reading() as tables:
            return self._rows.look(tables, "transcript", now=self.now()) is None

    def sent(self, given: DrillStanding) -> Mapping[PersonId, Sent]:
        """What became of the notices. Without a channel nobody appears."""
        if not channels(self.folder.settings, NoticeKind.DRILL):
            return {}
        found: dict[PersonId, Sent] = {}
        with self._database.reading() as tables:
            for person in given.concerned:
                notice = tables.outbox.find(drill_notice(given.drill, person, at=0).mark)
                if notice is not None:
                    found[person] = Sent(at=notice.sent_at, problem=notice.problem)
        return found


def protocols(folder: GateFolder) -> Path:
    """Where protocols of drills are written, unless another place is given."""
    return folder.path / "drills"
