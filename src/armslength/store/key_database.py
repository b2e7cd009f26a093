"""What can be erased: customers' names, handles and keys, and each record's key and openings. One SQLite file of its
own.

What is erased here is gone: SQLite overwrites it and the write-ahead log is emptied. A backup of this file still
holds it; `erased` says up to which entry of the log this file has obeyed its erasures, so that a restored one obeys
the rest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from armslength.ledger import FIRM
from armslength.store.database import Transaction, connect, guarded, migrate
from armslength.store.failure import Damaged, StoreError

SCHEMA = """
CREATE TABLE customers (handle BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, key BLOB NOT NULL) WITHOUT ROWID; CREATE
TABLE openings (idx INTEGER PRIMARY KEY, commitment BLOB NOT NULL, wrapped BLOB NOT NULL, openings BLOB NOT NULL);
CREATE TABLE staged (idx INTEGER PRIMARY KEY, box BLOB); CREATE TABLE state (one INTEGER PRIMARY KEY CHECK
(one = 1), origin TEXT NOT NULL, erased INTEGER NOT NULL)
"""
"""`openings` are by the record's index in the log; `staged` are the payloads of records that lost a field, until the
log's database has taken them."""

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
    wrapped: bytes
    openings: bytes


class KeyDatabase:
    """One connection to the file; `writing` for the one writer."""

    def __init__(self, path: Path, *, writing: bool = False, create: bool = False) -> None:
        """Raises `StoreError` where the file cannot be opened, is damaged, or is of another version."""
        self._path = path
        self._known: dict[str, Customer] = {}
        self._db = connect(path, writing=writing, create=create)
        try:
            migrate(self._db, path, SCHEMA, writing=writing)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    @guarded
    def create(self, origin: str, firm_key: bytes) -> None:
        """The first state: the firm alone. Raises `StoreError` if there is one."""
        with Transaction(self._db):
            if self._db.execute("SELECT 1 FROM state").fetchone():
                raise StoreError(f"{self._path}: already holds the keys of a log")
            self._db.execute("INSERT INTO state VALUES (1,?,0)", (origin,))
            self._db.execute("INSERT INTO customers VALUES (?,?,?)", (FIRM, FIRM_NAME, firm_key))

    @guarded
    def origin(self) -> str:
        row = self._db.execute("SELECT origin FROM state").fetchone()
        if row is None:
            raise Damaged(f"{self._path}: holds no keys of a log")
        return str(row[0])

    @guarded
    def customer(self, name: str) -> Customer | None:
        """The customer of this name, or None: never seen, or erased."""
        known = self._known.get(name)
        if known is None:
            row = self._db.execute("SELECT handle, key FROM customers WHERE name=?", (name,)).fetchone()
            if row is None:
                return None
            known = self._known[name] = Customer(name=name, handle=row[0], key=row[1])
        return known

    @guarded
    def by_handle(self, handle: bytes) -> Customer | None:
        row = self._db.execute("SELECT name, key FROM customers WHERE handle=?", (handle,)).fetchone()
        return Customer(name=row[0], handle=handle, key=row[1]) if row else None

    @guarded
    def write(self, customers: Iterable[Customer], openings: Iterable[Openings]) -> None:
        """Keep new customers and the secrets of records about to be logged, durably, before the log has them.

        Those of a record that never reached the log are replaced when its index is used, or dropped at the next start.
        """
        with Transaction(self._db):
            self._db.executemany("INSERT INTO customers VALUES (?,?,?)", [(c.handle, c.name, c.key) for c in customers])
            self._db.executemany(
                "INSERT OR REPLACE INTO openings VALUES (?,?,?,?)",
                [(o.index, o.commitment, o.wrapped, o.openings) for o in openings],
            )

    @guarded
    def openings(self, index: int) -> Openings | None:
        row = self._db.execute("SELECT commitment, wrapped, openings FROM openings WHERE idx=?", (index,)).fetchone()
        return Openings(index=index, commitment=row[0], wrapped=row[1], openings=row[2]) if row else None

    @guarded
    def drop_from(self, size: int) -> int:
        """Drop the secrets of records that the log of `size` entries does not have. Gives how many there were."""
        with Transaction(self._db):
            return self._db.execute("DELETE FROM openings WHERE idx>=?", (size,)).rowcount

    # Erasure

    @guarded
    def erased(self) -> int:
        """The erasures among the first so many entries of the log have been obeyed here."""
        row = self._db.execute("SELECT erased FROM state").fetchone()
        if row is None:
            raise Damaged(f"{self._path}: holds no keys of a log")
        return int(row[0])

    @guarded
    def erase(self, *, customer: bytes | None, replaced: Mapping[int, tuple[Openings, bytes | None]]) -> None:
        """Destroy a customer's name and key if `customer` is a handle, and put other secrets in the place of those of
        the records by index: without the openings erased, and under another key. The payload that goes with them is
        staged, or None where nothing of the record is left."""
        with Transaction(self._db):
            if customer is not None:
                self._db.execute("DELETE FROM customers WHERE handle=?", (customer,))
            self._db.executemany(
                "UPDATE openings SET wrapped=?, openings=? WHERE idx=?",
                [(new.wrapped, new.openings, index) for index, (new, _) in replaced.items()],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO staged VALUES (?,?)", [(index, box) for index, (_, box) in replaced.items()]
            )
        self._known.clear()
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

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
