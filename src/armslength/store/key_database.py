"""What can be erased: customers' names, handles and keys, and each record's key and openings. One SQLite file of its
own.

What is erased here is gone: SQLite overwrites it and the write-ahead log is emptied, at once or, where somebody reads
from it in a transaction of theirs, with the first write after that has ended. A backup of this file still holds it;
`erased` says up to which entry of the log this file has obeyed its erasures, so that a restored one obeys the rest
first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from armslength.ledger import FIRM
from armslength.store.database import Snapshot, Transaction, WriteAhead, connect, guarded, integrity, migrate
from armslength.store.failure import Damaged, StoreError

SCHEMA = """
CREATE TABLE customers (handle BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, key BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE openings (idx INTEGER NOT NULL, commitment BLOB NOT NULL, wrapped BLOB NOT NULL, openings BLOB NOT NULL,
                       PRIMARY KEY (idx, commitment)) WITHOUT ROWID;
CREATE TABLE staged (idx INTEGER PRIMARY KEY, box BLOB);
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL, followed INTEGER NOT NULL,
                    erased INTEGER NOT NULL)
"""
"""`openings` are by the record's index in the log and its commitment, so that those of a record that never reached the
log never stand in the place of another's. `staged` are the payloads of records that lost a field, until the log's
database has taken them. `followed` is the size of the log that this file has been written for."""

PIECE = 4096
"""Rows that are read at a time where all of them are."""
FIRM_NAME = ""
"""The name under which the firm itself stands; no customer has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer as the firm names it, its handle in the log, and the key that wraps its records' keys."""

    name: str
    handle: bytes
    key: bytes

    def __repr__(self) -> str:
        return f"Customer(handle={self.handle.hex()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """A record's secrets: its key wrapped by the customer's (empty once all of it is erased), and its openings as
    `parse_openings` reads them."""

    index: int
    commitment: bytes
    wrapped: bytes = field(repr=False)
    openings: bytes = field(repr=False)


class KeyDatabase:
    """One connection to the file; `writing` for the one writer."""

    def __init__(self, path: Path, *, writing: bool = False, create: bool = False) -> None:
        """Raises `StoreError` where the file cannot be opened, is damaged, or is of another version."""
        self._path = path
        self._known: dict[str, tuple[bytes, bytes]] = {}
        """Handle and key by name: plain tuples, so that the garbage collector need not search them."""
        self._db = connect(path, writing=writing, create=create)
        self._ahead = WriteAhead(self._db)
        try:
            migrate(self._db, path, SCHEMA, writing=writing)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def snapshot(self) -> AbstractContextManager[None]:
        """Within it, everything that is read is of one moment, whatever a writer does meanwhile."""
        return Snapshot(self._db)

    @guarded
    def integrity(self) -> list[tuple[str, str]]:
        """What is wrong with the file as a database: (table or nothing, problem)."""
        return integrity(self._db)

    @guarded
    def create(self, origin: str, firm_key: bytes) -> None:
        """The first state: the firm alone. Raises `StoreError` if there is one."""
        with Transaction(self._db):
            if self._db.execute("SELECT 1 FROM state").fetchone():
                raise StoreError(f"{self._path}: already holds the keys of a log")
            self._db.execute("INSERT INTO state VALUES (1,?,0,0)", (origin,))
            self._db.execute("INSERT INTO customers VALUES (?,?,?)", (FIRM, FIRM_NAME, firm_key))

    @guarded
    def origin(self) -> str:
        return str(self._state("origin"))

    @guarded
    def customer(self, name: str) -> Customer | None:
        """The customer of this name, or None: never seen, or erased."""
        known = self._known.get(name)
        if known is None:
            known = self._db.execute("SELECT handle, key FROM customers WHERE name=?", (name,)).fetchone()
            if known is None:
                return None
            self._known[name] = known
        return Customer(name=name, handle=known[0], key=known[1])

    @guarded
    def by_handle(self, handle: bytes) -> Customer | None:
        row = self._db.execute("SELECT name, key FROM customers WHERE handle=?", (handle,)).fetchone()
        return Customer(name=row[0], handle=handle, key=row[1]) if row else None

    @guarded
    def write(self, customers: Iterable[Customer], openings: Iterable[Openings], *, size: int) -> None:
        """Keep new customers and the secrets of records about to be logged, durably, before the log of `size` entries
        has them. Nothing is ever replaced or dropped: what belongs to a record that never reached the log stands
        beside the rest and opens nothing."""
        with Transaction(self._db):
            self._db.executemany("INSERT INTO customers VALUES (?,?,?)", [(c.handle, c.name, c.key) for c in customers])
            self._db.executemany(
                "INSERT INTO openings VALUES (?,?,?,?)",
                [(o.index, o.commitment, o.wrapped, o.openings) for o in openings],
            )
            self._follow(size)
        self._ahead.again()

    @guarded
    def keep(self, openings: Openings) -> None:
        """Keep the secrets of a record that this file, restored from a backup, may not have."""
        with Transaction(self._db):
            self._db.execute(
                "INSERT OR IGNORE INTO openings VALUES (?,?,?,?)",
                (openings.index, openings.commitment, openings.wrapped, openings.openings),
            )

    @guarded
    def openings(self, index: int, commitment: bytes) -> Openings | None:
        """The secrets of the record at `index` with this commitment; None if this file never had them."""
        row = self._db.execute(
            "SELECT wrapped, openings FROM openings WHERE idx=? AND commitment=?", (index, commitment)
        ).fetchone()
        return Openings(index=index, commitment=commitment, wrapped=row[0], openings=row[1]) if row else None

    def customers(self) -> Iterator[Customer]:
        """Every customer, the firm itself among them."""
        after = b""
        while rows := self._customers(after):
            yield from (Customer(name=name, handle=handle, key=key) for handle, name, key in rows)
            after = rows[-1][0]

    def pieces(self) -> Iterator[Sequence[Openings]]:
        """The secrets of every record, some at a time: also of those that never reached the log."""
        after = (-1, b"")
        while rows := self._piece(*after):
            yield [Openings(index=i, commitment=c, wrapped=w, openings=o) for i, c, w, o in rows]
            after = rows[-1][:2]

    @guarded
    def between(self, first: int, until: int) -> dict[tuple[int, bytes], Openings]:
        """The secrets of the records at first … until − 1, by index and commitment."""
        rows = self._db.execute(
            "SELECT idx, commitment, wrapped, openings FROM openings WHERE idx>=? AND idx<?", (first, until)
        )
        return {(i, c): Openings(index=i, commitment=c, wrapped=w, openings=o) for i, c, w, o in rows}

    @guarded
    def _customers(self, after: bytes) -> list[tuple[bytes, str, bytes]]:
        return self._db.execute(
            f"SELECT handle, name, key FROM customers WHERE handle > ? ORDER BY handle LIMIT {PIECE}", (after,)
        ).fetchall()

    @guarded
    def _piece(self, index: int, commitment: bytes) -> list[tuple[int, bytes, bytes, bytes]]:
        return self._db.execute(
            "SELECT idx, commitment, wrapped, openings FROM openings WHERE (idx, commitment) > (?, ?)"
            f" ORDER BY idx, commitment LIMIT {PIECE}",
            (index, commitment),
        ).fetchall()

    @guarded
    def followed(self) -> int:
        """The size of the log that this file has been written for. One restored from a backup is behind the log."""
        return int(str(self._state("followed")))

    @guarded
    def follow(self, size: int) -> None:
        """Take this file, behind as it is, for the one of the log of `size` entries."""
        with Transaction(self._db):
            self._follow(size)

    def _follow(self, size: int) -> None:
        self._db.execute("UPDATE state SET followed=max(followed, ?)", (size,))

    def _state(self, column: str) -> object:
        row = self._db.execute(f"SELECT {column} FROM state").fetchone()
        if row is None:
            raise Damaged(f"{self._path}: holds no keys of a log")
        return row[0]

    # Erasure

    @guarded
    def erased(self) -> int:
        """The erasures among the first so many entries of the log have been obeyed here."""
        return int(str(self._state("erased")))

    @guarded
    def erase(self, *, customer: bytes | None, replaced: Mapping[int, tuple[Openings, bytes | None]]) -> None:
        """Destroy a customer's name and key if `customer` is a handle, and put other secrets in the place of those of
        the records by index: without the openings erased, and under another key. The payload that goes with them is
        staged, or None where nothing of the record is left."""
        with Transaction(self._db):
            if customer is not None:
                self._db.execute("DELETE FROM customers WHERE handle=?", (customer,))
            self._db.executemany(
                "UPDATE openings SET wrapped=?, openings=? WHERE idx=? AND commitment=?",
                [(new.wrapped, new.openings, index, new.commitment) for index, (new, _) in replaced.items()],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO staged VALUES (?,?)", [(index, box) for index, (_, box) in replaced.items()]
            )
        self._known.clear()
        self._ahead.empty()

    @guarded
    def staged(self) -> dict[int, bytes | None]:
        """Payloads that the log's database has still to take, by index; None: none is left."""
        return dict(self._db.execute("SELECT idx, box FROM staged"))

    @guarded
    def settle(self, erased: int) -> None:
        """The log's database has taken what was staged, and the erasures before entry `erased` are obeyed."""
        with Transaction(self._db):
            self._db.execute("DELETE FROM staged")
            self._db.execute("UPDATE state SET erased=max(erased, ?)", (erased,))
