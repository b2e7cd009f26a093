"""The rows of the gate's database: copies of what the ledger says, never believed before they were compared with it.

A row that differs is a `Tampered`: nothing is decided on it, a finding is recorded, and it stays so until a start has
written the row again. Where another gate moves the state on, a row that was read before and compared after it differs
as well, for a moment: so it is looked at once more, and told of only if nothing moved in between. What only takes away
is not decided on rows, so nobody can keep it from being recorded by way of them: its rows are written after it, or left
behind.

Neither a claim nor a row waits for the disk: what a power failure takes of them, the next start makes again from the
ledger, which has waited.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from armslength.gate import Conflict, GateError, State, Tampered, Why
from armslength.service.gate_anew import anew
from armslength.service.gate_failure import Raced, Unavailable
from armslength.service.gate_notice import Told
from armslength.service.gate_row import Object, row_of
from armslength.store import Damaged, GateDatabase, GateRow, GateTables, Overtaken, StoreError

T = TypeVar("T")
Versions = dict[int, bytes | None]
"""The versions at which a row may be found, 0 standing for none there, and what it must say then; None: not known."""
Mark = tuple[int, Versions]
LOOKS = 4
"""Times that a row is looked at which differs."""


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
        self._behind: dict[Object, Versions] = {}
        """Objects whose rows have still to be written."""
        self._before: dict[Object, tuple[int, bytes]] = {}
        """What rows say of which something is being recorded: version and document."""
        self._under_way: set[bytes] = set()
        """Acts of this process, which alone holds the ledger: a claim of any other is nobody's."""
        self._untold: dict[str, Told] = {}
        """By mark, in their order."""
        self.tampered: dict[Object, str] = {}
        self._failing: dict[str, str] = {}
        """How reading and writing failed last, if they do."""

    # The database

    def change(self, work: Callable[[GateTables], T], *, durable: bool = True) -> T:
        """Do `work` in a transaction, durable once this returns if it is to be. Raises `Unavailable` where the database
        fails, `Tampered` where it holds what no gate wrote, `Conflict` where somebody else was first."""
        return self._guarded("writing", lambda: self._database.change(work, durable=durable))

    def read(self, work: Callable[[GateTables], T]) -> T:
        """As `change`, for reading."""

        def reading() -> T:
            with self._database.reading() as tables:
                return work(tables)

        return self._guarded("reading", reading)

    @property
    def failed(self) -> str | None:
        """How the database failed last; None: it does not."""
        return next(iter(list(self._failing.values())), None)

    def probe(self) -> None:
        """See whether a database that could not be written can be again. Raises `Unavailable`."""
        if "writing" in self._failing:
            self.change(lambda tables: None, durable=False)

    # Before a record

    def check(self, *objects: Object) -> None:
        """That their rows are what the ledger says. Raises `Tampered`, `Unavailable`."""

        def compare() -> None:
            self.catch_up(objects)
            self.read(lambda tables: [self._compare(tables, each) for each in objects])

        anew(compare)()

    def claim(self, act: bytes, on: Sequence[Object], beside: Sequence[Object], *, at: int) -> None:
        """Begin an operation, whose record will have the id `act`, on objects that are as the ledger says; those
        `beside` are compared only. Raises `Conflict` (`Raced` where another gate was first), `Tampered`,
        `Unavailable`."""
        self.catch_up((*on, *beside))

        def claim(tables: GateTables) -> dict[Object, GateRow]:
            found = {}
            for each in beside:
                self._compare(tables, each)
            for each in on:
                row = self._compare(tables, each)
                if row is not None:
                    found[each] = row
                    if row.claim not in (None, act):
                        self._let_go(tables, each, row.claim)
                tables.rows.claim(*each, version=0 if row is None else row.version, act=act, at=at)
            return found

        if on:
            with self._reading:
                self._under_way.add(act)
            try:
                found = self.change(claim, durable=False)
            except BaseException:
                with self._reading:
                    self._under_way.discard(act)
                raise
            with self._reading:
                self._before.update({each: (row.version, row.doc) for each, row in found.items()})
        elif beside:
            self.read(lambda tables: [self._compare(tables, each) for each in beside])

    def foresee(self, on: Sequence[Object]) -> None:
        """Begin an operation that only takes away: whatever the rows say, it is recorded. What they must say is kept
        until they are written."""
        with self._reading:
            for each in on:
                if (row := row_of(self._state, each)) is not None:
                    self._before[each] = row.version, row.doc

    def release(self, act: bytes, on: Sequence[Object]) -> None:
        """What was begun is over, and left these as they were. If the database fails, the claim is nobody's all the
        same."""

        def release(tables: GateTables) -> None:
            for each in on:
                tables.rows.release(*each, act=act)

        with self._reading:
            claimed = act in self._under_way
            self._under_way.discard(act)
            for each in on:
                self._before.pop(each, None)
        if on and claimed:
            with suppress(GateError):
                self.change(release, durable=False)

    # After it

    def changed(self, objects: Sequence[Object], told: Sequence[Told]) -> None:
        """These are others now, one version on, and this is told of it. The caller holds `reading`."""
        for each in objects:
            before = self._state.version_of(*each) - 1
            version, doc = self._before.pop(each, (before, None))
            if each not in self._behind:
                self._behind[each] = {before: doc if version == before else None}
        self._untold.update({each.mark: each for each in told})

    def write(self, *objects: Object, told: Sequence[Told] = ()) -> None:
        """Write the rows of objects that changed, and notices. Those that can be written are, whatever is wrong with
        others. Raises `Tampered`, and `Unavailable` where the database fails: then they are written later, and nothing
        is decided on them before."""
        with self._reading:
            self._untold.update({each.mark: each for each in told})
            telling = list(self._untold.values())
        if not objects and not telling:
            return
        differing = self._written(objects, telling)
        for _ in range(LOOKS):
            if not differing:
                return
            seen = {error.which: self._mark(error.which) for error in differing}
            again = self._written(list(seen), ())
            found = [error for error in again if error.mark in (None, seen[error.which])]
            for error in found:
                self._found(error)
            if found:
                raise Tampered(str(found[0]))
            differing = again
        if differing:
            raise Raced(f"something else happened first to {differing[0].which[1]}")

    def _written(self, objects: Sequence[Object], telling: Sequence[Told]) -> list[_Differs]:
        """Write these; gives those that could not be, because they differ."""
        written: dict[Object, GateRow] = {}
        differing: list[_Differs] = []

        def work(tables: GateTables) -> None:
            written.clear()
            differing.clear()
            for each in objects:
                try:
                    self._write(tables, each, written)
                except _Differs as error:
                    differing.append(error)
            tell(tables, telling)

        self.change(work, durable=False)
        with self._reading:
            self.are_told(telling)
            for each, row in written.items():
                if self._state.version_of(*each) == row.version:
                    self._behind.pop(each, None)
                elif each in self._behind:
                    self._behind[each] = {row.version: row.doc}
        return differing

    def write_if_possible(self, objects: Sequence[Object]) -> None:
        """As `write`, of what holds whether its rows are written or not: what fails is left behind."""
        if "writing" not in self._failing:  # nobody waits for it each time
            with suppress(GateError):
                self.write(*objects)

    def untold(self) -> tuple[Told, ...]:
        """The notices that have still to be written down."""
        with self._reading:
            return tuple(self._untold.values())

    def are_told(self, notices: Sequence[Told]) -> None:
        for each in notices:
            if self._untold.get(each.mark) is each:
                del self._untold[each.mark]

    def forget_told(self, *, before: int) -> None:
        """Drop the notices that were to be sent before then, in POSIX seconds."""
        with self._reading:
            self.are_told([each for each in self._untold.values() if each.at < before])

    def catch_up(self, objects: Sequence[Object] | None = None) -> None:
        """Write those of these objects (None: of all) that were left behind."""
        with self._reading:
            late = [each for each in (self._behind if objects is None else objects) if each in self._behind]
        if late:
            self.write(*late)

    def behind(self) -> dict[Object, Versions]:
        """The objects whose rows have still to be written, and the versions at which they may be found."""
        with self._reading:
            return {each: dict(versions) for each, versions in self._behind.items()}

    def left_behind(self, objects: Mapping[Object, Collection[int]]) -> None:
        """These were behind already when the snapshot was written that a start goes on from."""
        self._behind.update({each: dict.fromkeys(versions) for each, versions in objects.items()})

    def written(self) -> None:
        """A start has written every row."""
        self._behind.clear()
        self.tampered.clear()

    # Within a transaction

    def _compare(self, tables: GateTables, which: Object) -> GateRow | None:
        """The row, on which the state agrees. Raises `_Differs`, and `Raced` where another gate moved the state on and
        the row has still to follow."""
        row = _read(tables, which)
        with self._reading:
            should, late, mark = row_of(self._state, which), dict(self._behind.get(which, {})), self._mark(which)
        if should is None and row is None:
            return None
        if row is None or should is None or (row.version, row.doc) != (should.version, should.doc):
            found = 0 if row is None else row.version
            if found in late and (row is None or late[found] in (None, row.doc)):
                raise Raced(f"something else happened first to {which[1]}")
            what = "is missing" if row is None else "is not known to the ledger" if should is None else "differs"
            raise _Differs(which, f"the row of {which[0]} {which[1]} {what}: the ledger says otherwise", mark)
        return row

    def _mark(self, which: Object) -> Mark:
        """Where the state and the row of an object stand: while this stays, so does what the row must be."""
        with self._reading:
            return self._state.version_of(*which), dict(self._behind.get(which, {}))

    def _let_go(self, tables: GateTables, which: Object, act: bytes | None) -> None:
        """The time in a claim says nothing: whoever has the database can write any."""
        if act in self._under_way:
            raise Conflict(f"something else is under way on {which[1]}; ask again in a moment")
        if act is not None:
            tables.rows.release(*which, act=act)

    def _write(self, tables: GateTables, which: Object, written: dict[Object, GateRow]) -> None:
        with self._reading:
            found, should = self._behind.get(which), row_of(self._state, which)
            if found is None or should is None:
                return  # somebody else has written it
            found = dict(found)
        row = _read(tables, which)
        if row is None:
            if 0 not in found:
                says = f"the row of {which[0]} {which[1]} is missing: the ledger says otherwise"
                raise _Differs(which, says, self._mark(which))
        elif (row.version, row.doc) != (should.version, should.doc):
            if row.version not in found or found[row.version] not in (None, row.doc):
                says = f"the row of {which[0]} {which[1]} differs: the ledger says otherwise"
                raise _Differs(which, says, self._mark(which))
        with self._reading:
            if which in self._behind:  # whether this takes effect, a failing commit does not tell
                self._behind[which][should.version] = should.doc
        written[which] = should
        if row is None:
            tables.rows.insert(should)
        else:
            tables.rows.settle(
                *which,
                version=row.version,
                act=row.claim,
                doc=should.doc,
                becomes=should.version,
                columns=should.columns,
            )

    def _found(self, error: _Differs) -> None:
        self.tampered[error.which] = str(error)
        self._finding(error.which, str(error))

    def _surely(self, work: Callable[[], T]) -> T:
        """As `work`, done anew where a row differs. Raises `_Differs` for one that does so again although nothing moved
        meanwhile, `Raced` where something moved each time."""
        which: Object | None = None
        mark: Mark | None = None
        for _ in range(LOOKS):
            try:
                return work()
            except _Differs as error:
                if error.which == which and error.mark in (mark, None):
                    raise
                which, mark = error.which, self._mark(error.which)
        raise Raced(f"something else happened first to {'' if which is None else which[1]}")

    def _guarded(self, what: str, work: Callable[[], T]) -> T:
        try:
            done = self._surely(work)
        except _Differs as error:
            self._found(error)
            raise Tampered(str(error)) from None
        except Overtaken as error:
            raise Conflict("something else happened first; look again") from error
        except Damaged as error:
            # What it names is the operator's to read, not the caller's.
            self.tampered["gate", "database"] = str(error)
            self._finding(("database", ""), "the gate's database holds what no gate wrote")
            raise Tampered("the gate's database holds what no gate wrote") from error
        except StoreError as error:
            self._failing[what] = str(error)
            raise Unavailable(Why.STORE, "the gate's database fails; nothing is decided meanwhile") from error
        self._failing.pop(what, None)
        return done


def _read(tables: GateTables, which: Object) -> GateRow | None:
    try:
        return tables.rows.read(*which)
    except Damaged as error:
        raise _Differs(which, f"the row of {which[0]} {which[1]} is none that a gate writes") from error


def tell(tables: GateTables, notices: Sequence[Told]) -> None:
    for one in notices:
        tables.outbox.add(one.mark, one.kind, one.body, at=one.at, person=one.person)


class _Differs(Exception):
    """A row that is not what the ledger says."""

    def __init__(self, which: Object, says: str, mark: Mark | None = None) -> None:
        """`mark`: where the state stood; None: it is no row at all, wherever that stands."""
        self.which, self.mark = which, mark
        super().__init__(says)
