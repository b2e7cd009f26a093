"""The store of keys in a PostgreSQL database of its own: what `KeyDatabase` is on a file.

It knows the highest epoch of the seat that has written here, and no writer of a lower one writes any more: its
customers and erasures would cross those of the writer that took its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from armslength.ledger import FIRM
from armslength.store.failure import Damaged, Overtaken, StoreError
from armslength.store.key_database import FIRM_NAME, PIECE, Customer, Openings
from armslength.store.postgresql_place import PostgresqlPlace
from armslength.store.postgresql_session import PostgresqlSession
from armslength.store.postgresql_tables import SETTINGS, PostgresqlTables

SCHEMA = "ledger_keys"
TABLES = {
    "customers": "handle bytea PRIMARY KEY,\nname text NOT NULL UNIQUE,\nkey bytea NOT NULL",
    "openings": "idx bigint NOT NULL,\ncommitment bytea NOT NULL,\nwrapped bytea NOT NULL,\nopenings bytea NOT NULL,\n"
    "PRIMARY KEY (idx, commitment)",
    "staged": "idx bigint PRIMARY KEY,\nbox bytea",
    "state": "one bigint PRIMARY KEY CHECK (one = 1),\norigin text NOT NULL,\nfollowed bigint NOT NULL,\n"
    "erased bigint NOT NULL,\nepoch bigint NOT NULL",
}


class PostgresqlKeys:
    """The store in a database; `writing` for the one writer."""

    def __init__(
        self, place: PostgresqlPlace, *, writing: bool = False, create: bool = False, seat: int | None = None
    ) -> None:
        """`seat` is the epoch under which it writes, from the log. Raises `StoreError`, `Overtaken` where a later
        writer was here."""
        self._place, self._writing = place, writing
        self._seat = 0 if seat is None else seat
        self._known: dict[str, tuple[bytes, bytes]] = {}
        """Handle and key by name: plain tuples, so that the garbage collector need not search them."""
        self._stale = False
        self._tables = PostgresqlTables(place, SCHEMA, TABLES, writing=writing, create=create)
        try:
            if writing and not create and self._tables.session().ask("SELECT 1 FROM ledger_keys.state"):
                with self._change():
                    pass  # from here on nobody of before writes
        except BaseException:
            self._tables.close()
            raise

    def close(self) -> None:
        self._tables.close()

    def snapshot(self) -> AbstractContextManager[None]:
        """Within it, everything that is read is of one moment, whatever a writer does meanwhile."""
        return self._tables.snapshot()

    def integrity(self) -> list[tuple[str, str]]:
        """What is wrong with the tables as such: (table or nothing, problem)."""
        return self._tables.integrity()

    def create(self, origin: str, firm_key: bytes) -> None:
        """The first state: the firm alone. Raises `StoreError` if there is one."""
        with self._tables.transaction() as session:
            if session.ask("SELECT 1 FROM ledger_keys.state"):
                raise StoreError(f"{self._place}: already holds the keys of a log")
            session.tell("INSERT INTO ledger_keys.state VALUES (1, $1, 0, 0, $2::bigint)", origin, self._seat)
            session.tell(
                "INSERT INTO ledger_keys.customers VALUES ($1::bytea, $2, $3::bytea)", FIRM, FIRM_NAME, firm_key
            )

    def origin(self) -> str:
        return str(self._state("origin"))

    def customer(self, name: str) -> Customer | None:
        """The customer of this name, or None: never seen, or erased."""
        known = self._known.get(name)
        if known is None:
            rows = self._tables.session().ask("SELECT handle, key FROM ledger_keys.customers WHERE name = $1", name)
            if not rows:
                return None
            known = self._known[name] = (rows[0][0], rows[0][1])
        return Customer(name=name, handle=known[0], key=known[1])

    def by_handle(self, handle: bytes) -> Customer | None:
        rows = self._tables.session().ask(
            "SELECT name, key FROM ledger_keys.customers WHERE handle = $1::bytea", handle
        )
        return Customer(name=rows[0][0], handle=handle, key=rows[0][1]) if rows else None

    def write(self, customers: Iterable[Customer], openings: Iterable[Openings], *, size: int) -> None:
        """Keep new customers and the secrets of records about to be logged, durably, before the log of `size` entries
        has them. Nothing is ever replaced or dropped."""
        met, secrets = list(customers), list(openings)
        with self._change() as session:
            if met:
                session.tell(
                    "INSERT INTO ledger_keys.customers"
                    " SELECT decode(handle, 'hex'), convert_from(decode(name, 'hex'), 'UTF8'), decode(key, 'hex')"
                    " FROM unnest($1::text[], $2::text[], $3::text[]) AS t (handle, name, key)",
                    [c.handle for c in met],
                    [c.name.encode() for c in met],
                    [c.key for c in met],
                )
            if secrets:
                session.tell(
                    "INSERT INTO ledger_keys.openings SELECT idx, decode(c, 'hex'), decode(w, 'hex'), decode(o, 'hex')"
                    " FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS t (idx, c, w, o)",
                    [o.index for o in secrets],
                    [o.commitment for o in secrets],
                    [o.wrapped for o in secrets],
                    [o.openings for o in secrets],
                )
            self._follow(session, size)
        if self._stale:
            self._sweep()

    def keep(self, openings: Openings) -> None:
        """Keep the secrets of a record that this store, restored from a backup, may not have."""
        with self._change() as session:
            session.tell(
                "INSERT INTO ledger_keys.openings VALUES ($1::bigint, $2::bytea, $3::bytea, $4::bytea)"
                " ON CONFLICT DO NOTHING",
                openings.index,
                openings.commitment,
                openings.wrapped,
                openings.openings,
            )

    def openings(self, index: int, commitment: bytes) -> Openings | None:
        """The secrets of the record at `index` with this commitment; None if this store never had them."""
        rows = self._tables.session().ask(
            "SELECT wrapped, openings FROM ledger_keys.openings WHERE idx = $1::bigint AND commitment = $2::bytea",
            index,
            commitment,
        )
        return Openings(index=index, commitment=commitment, wrapped=rows[0][0], openings=rows[0][1]) if rows else None

    def customers(self) -> Iterator[Customer]:
        """Every customer, the firm itself among them."""
        after = b""
        while rows := self._tables.session().ask(
            "SELECT handle, name, key FROM ledger_keys.customers WHERE handle > $1::bytea"
            f" ORDER BY handle LIMIT {PIECE}",
            after,
        ):
            yield from (Customer(name=name, handle=handle, key=key) for handle, name, key in rows)
            after = rows[-1][0]

    def pieces(self) -> Iterator[Sequence[Openings]]:
        """The secrets of every record, some at a time: also of those that never reached the log."""
        index, commitment = -1, b""
        while rows := self._tables.session().ask(
            "SELECT idx, commitment, wrapped, openings FROM ledger_keys.openings"
            f" WHERE (idx, commitment) > ($1::bigint, $2::bytea) ORDER BY idx, commitment LIMIT {PIECE}",
            index,
            commitment,
        ):
            yield [Openings(index=i, commitment=c, wrapped=w, openings=o) for i, c, w, o in rows]
            index, commitment = rows[-1][:2]

    def between(self, first: int, until: int) -> dict[tuple[int, bytes], Openings]:
        """The secrets of the records at first … until − 1, by index and commitment."""
        rows = self._tables.session().ask(
            "SELECT idx, commitment, wrapped, openings FROM ledger_keys.openings"
            " WHERE idx >= $1::bigint AND idx < $2::bigint",
            first,
            until,
        )
        return {(i, c): Openings(index=i, commitment=c, wrapped=w, openings=o) for i, c, w, o in rows}

    def followed(self) -> int:
        """The size of the log that this store has been written for. One restored from a backup is behind the log."""
        return int(str(self._state("followed")))

    def follow(self, size: int) -> None:
        """Take this store, behind as it is, for the one of the log of `size` entries."""
        with self._change() as session:
            self._follow(session, size)

    # Erasure

    def erased(self) -> int:
        """The erasures among the first so many entries of the log have been obeyed here."""
        return int(str(self._state("erased")))

    def erase(self, *, customer: bytes | None, replaced: Mapping[int, tuple[Openings, bytes | None]]) -> None:
        """Destroy a customer's name and key if `customer` is a handle, and put other secrets in the place of those of
        the records by index, staging the payload that goes with them: as `KeyDatabase` does. What remains of what was
        there, and where, docs/ledger.md says."""
        new = [secrets for secrets, _ in replaced.values()]
        with self._change() as session:
            if customer is not None:
                session.tell("DELETE FROM ledger_keys.customers WHERE handle = $1::bytea", customer)
            if replaced:
                session.tell(
                    "UPDATE ledger_keys.openings k SET wrapped = decode(t.w, 'hex'), openings = decode(t.o, 'hex')"
                    " FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS t (idx, c, w, o)"
                    " WHERE k.idx = t.idx AND k.commitment = decode(t.c, 'hex')",
                    list(replaced),
                    [secrets.commitment for secrets in new],
                    [secrets.wrapped for secrets in new],
                    [secrets.openings for secrets in new],
                )
                for index, (_, box) in replaced.items():
                    session.tell(
                        "INSERT INTO ledger_keys.staged VALUES ($1::bigint, $2::bytea)"
                        " ON CONFLICT (idx) DO UPDATE SET box = excluded.box",
                        index,
                        box,
                    )
        self._known.clear()
        self._sweep()

    def staged(self) -> dict[int, bytes | None]:
        """Payloads that the log has still to take, by index; None: none is left."""
        return dict(self._tables.session().ask("SELECT idx, box FROM ledger_keys.staged"))

    def settle(self, erased: int) -> None:
        """The log has taken what was staged, and the erasures before entry `erased` are obeyed."""
        with self._change() as session:
            dropped = session.tell("DELETE FROM ledger_keys.staged")
            session.tell("UPDATE ledger_keys.state SET erased = greatest(erased, $1::bigint)", erased)
        if dropped:
            self._sweep()

    def _sweep(self) -> None:
        self._stale = not self._tables.sweep("customers", "openings", "staged")

    @contextmanager
    def _change(self) -> Iterator[PostgresqlSession]:
        """A transaction that holds the state's row, and begins only where no later writer was here."""
        with self._tables.transaction() as session:
            rows = session.ask(
                "WITH mine AS (UPDATE ledger_keys.state SET epoch = $1::bigint WHERE epoch <= $1::bigint RETURNING 1)"
                f" {SETTINGS} FROM mine",
                self._seat,
            )
            if not rows:
                self._state("epoch")
                raise Overtaken(
                    f"{self._place}: a later writer was here: this one no longer holds the log's seat, or the log's"
                    " database is an older copy"
                )
            self._tables.durable(*rows[0])
            yield session

    def _follow(self, session: PostgresqlSession, size: int) -> None:
        session.tell("UPDATE ledger_keys.state SET followed = greatest(followed, $1::bigint)", size)

    def _state(self, column: str) -> object:
        rows = self._tables.session().ask(f"SELECT {column} FROM ledger_keys.state")
        if not rows:
            raise Damaged(f"{self._place}: holds no keys of a log")
        return rows[0][0]
