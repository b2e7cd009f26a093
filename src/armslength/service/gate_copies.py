"""The rows of the gate's database: copies of what the ledger says, never believed before they were compared with it.

A row that differs is a `Tampered`: nothing is decided on it, a finding is recorded, and it stays so until a start has
written the row again.

Neither a claim nor a row waits for the disk: what a power failure takes of them, the next start makes again from the
ledger, which has waited.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from armslength.gate import Conflict, State, Tampered, Why
from armslength.service.gate_failure import Unavailable
from armslength.service.gate_notice import Told
from armslength.service.gate_row import Object, row_of
from armslength.store import Damaged, GateDatabase, GateTables, Overtaken, StoreError

T = TypeVar("T")
STALE = 60
"""Seconds after which a claim is nobody's: this process alone holds the ledger, so no operation of another is under
way; a minute is for one that is just ending."""


class Copies:
    """For any number of threads, each of which holds the objects that it names."""

    def __init__(
        self,
        database: GateDatabase,
        state: State,
        *,
        reading: threading.RLock,
        finding: Callable[[tuple[str, str], str], None],
    ) -> None:
        """`reading` is held while the state changes; `finding` has it recorded that something stored is not what it
        must be."""
        self._database, self._state, self._reading, self._finding = database, state, reading, finding
        self._behind: dict[Object, frozenset[int]] = {}
        """Objects whose rows have still to be written, and the versions at which those rows may be found; 0 stands for
        none there."""
        self._untold: deque[Told] = deque()
        self.tampered: dict[Object, str] = {}
        self.failed: str | None = None

    # The database

    def change(self, work: Callable[[GateTables], T], *, durable: bool = True) -> T:
        """Do `work` in a transaction, durable once this returns if it is to be. Raises `Unavailable` where the database
        fails, `Tampered` where it holds what no gate wrote, `Conflict` where somebody else was first."""
        return self._guarded(lambda: self._database.change(work, durable=durable))

    def read(self, work: Callable[[GateTables], T]) -> T:
        """As `change`, for reading."""

        def reading() -> T:
            with self._database.reading() as tables:
                return work(tables)

        return self._guarded(reading)

    # Before a record

    def check(self, *objects: Object) -> None:
        """That their rows are what the ledger says. Raises `Tampered`, `Unavailable`."""
        self.catch_up(objects)

        def compare(tables: GateTables) -> None:
            for each in objects:
                self._compare(tables, each)

        self.read(compare)

    def claim(self, act: bytes, on: Sequence[Object], beside: Sequence[Object], *, at: int) -> None:
        """Begin an operation, whose record will have the id `act`, on objects that are as the ledger says; those
        `beside` are compared only. Raises `Conflict`, `Tampered`, `Unavailable`."""
        self.catch_up((*on, *beside))

        def claim(tables: GateTables) -> None:
            for each in beside:
                self._compare(tables, each)
            for each in on:
                version = self._compare(tables, each)
                row = tables.rows.read(*each)
                if row is not None and row.claim not in (None, act):
                    self._stale(tables, each, at)
                tables.rows.claim(*each, version=version, act=act, at=at)

        if on:
            self.change(claim, durable=False)
        elif beside:
            self.read(claim)

    def release(self, act: bytes, on: Sequence[Object]) -> None:
        """What was begun did not come to be. If the database fails too, the claim is stale in a minute."""

        def release(tables: GateTables) -> None:
            for each in on:
                tables.rows.release(*each, act=act)

        if on:
            with suppress(Unavailable):
                self.change(release, durable=False)

    # After it

    def changed(self, objects: Sequence[Object], told: Sequence[Told]) -> None:
        """These are others now, one version on, and this is told of it. The caller holds `reading`."""
        for each in objects:
            if each not in self._behind:
                self._behind[each] = frozenset({self._state.version_of(*each) - 1})
        self._untold.extend(told)

    def write(self, *objects: Object, told: Sequence[Told] = ()) -> None:
        """Write the rows of objects that changed, and notices. Raises `Tampered`, and `Unavailable` where the database
        fails: then they are written later, and nothing is decided on them before."""
        written: dict[Object, int] = {}
        telling = list(told)
        with suppress(IndexError):
            while True:
                telling.append(self._untold.popleft())
        if not objects and not telling:
            return

        def work(tables: GateTables) -> None:
            written.clear()
            for each in objects:
                self._write(tables, each, written)
            for one in telling:
                tables.outbox.add(one.mark, one.kind, one.body, at=one.at, person=one.person)

        try:
            self.change(work, durable=False)
        except BaseException:
            self._untold.extend(telling)
            raise
        with self._reading:
            for each, version in written.items():
                if self._state.version_of(*each) == version:
                    self._behind.pop(each, None)
                elif each in self._behind:
                    self._behind[each] = frozenset({version})

    def forget_told(self, *, before: int) -> None:
        """Drop the notices that were to be sent before then, in POSIX seconds."""
        kept = [each for each in self._untold if each.at >= before]
        self._untold.clear()
        self._untold.extend(kept)

    def catch_up(self, objects: Sequence[Object] | None = None) -> None:
        """Write those of these objects (None: of all) that were left behind."""
        with self._reading:
            late = [each for each in (self._behind if objects is None else objects) if each in self._behind]
        if late:
            self.write(*late)

    def behind(self) -> dict[Object, frozenset[int]]:
        """The objects whose rows have still to be written, and the versions at which they may be found."""
        with self._reading:
            return dict(self._behind)

    def written(self) -> None:
        """A start has written every row."""
        self._behind.clear()
        self.tampered.clear()

    # Within a transaction

    def _compare(self, tables: GateTables, which: Object) -> int:
        """The version at which row and state agree. Raises `_Differs`."""
        row, should = tables.rows.read(*which), row_of(self._state, which)
        if should is None and row is None:
            return 0
        if row is None or should is None or (row.version, row.doc) != (should.version, should.doc):
            what = "is missing" if row is None else "is not known to the ledger" if should is None else "differs"
            raise _Differs(which, f"the row of {which[0]} {which[1]} {what}: the ledger says otherwise")
        return should.version

    def _stale(self, tables: GateTables, which: Object, now: int) -> None:
        for claim in tables.rows.claims():
            if (claim.kind, claim.id) == which and claim.at <= now - STALE:
                tables.rows.release(*which, act=claim.act)
                return
        raise Conflict(f"something else is under way on {which[1]}; ask again in a moment")

    def _write(self, tables: GateTables, which: Object, written: dict[Object, int]) -> None:
        with self._reading:
            found, should = self._behind.get(which), row_of(self._state, which)
            if found is None or should is None:
                return  # somebody else has written it
            # Whether this takes effect, a failing commit does not tell.
            self._behind[which] = found | {should.version}
        row = tables.rows.read(*which)
        written[which] = should.version
        if row is None:
            if 0 not in found:
                raise _Differs(which, f"the row of {which[0]} {which[1]} is missing: the ledger says otherwise")
            tables.rows.insert(should)
        elif row.version in found or (row.version, row.doc) == (should.version, should.doc):
            tables.rows.settle(
                *which,
                version=row.version,
                act=row.claim,
                doc=should.doc,
                becomes=should.version,
                columns=should.columns,
            )
        else:
            raise _Differs(which, f"the row of {which[0]} {which[1]} differs: the ledger says otherwise")

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            done = work()
        except _Differs as error:
            self.tampered[error.which] = str(error)
            self._finding(error.which, str(error))
            raise Tampered(str(error)) from None
        except Overtaken as error:
            raise Conflict("something else happened first; look again") from error
        except Damaged as error:
            # What it names is the operator's to read, not the caller's.
            self.tampered["gate", "database"] = str(error)
            self._finding(("database", ""), "the gate's database holds what no gate wrote")
            raise Tampered("the gate's database holds what no gate wrote") from error
        except StoreError as error:
            self.failed = str(error)
            raise Unavailable(Why.STORE, "the gate's database fails; nothing is decided meanwhile") from error
        self.failed = None
        return done


class _Differs(Exception):
    """A row that is not what the ledger says."""

    def __init__(self, which: Object, says: str) -> None:
        self.which = which
        super().__init__(says)
