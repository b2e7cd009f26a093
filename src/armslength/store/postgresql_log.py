"""The log in a PostgreSQL database: what `LogDatabase` is on a file, and the seat of the one who writes it.

A batch goes in whole or not at all, only onto the size and root it was made for, and only while its writer holds the
seat: each of its transactions touches the seat's row first, so a writer that was stopped and wakes up after another
one took the seat writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

from armslength.ledger import Chain
from armslength.store.failure import Damaged, Overtaken, StoreError
from armslength.store.key_database import Openings
from armslength.store.log_database import HASH, ROOTS, LogBatch, LogState, log_edge
from armslength.store.postgresql_place import PostgresqlPlace
from armslength.store.postgresql_session import PostgresqlSession
from armslength.store.postgresql_tables import SETTINGS, PostgresqlTables
from armslength.tlog import WIDTH, parse_tile, tree_root

SCHEMA = "ledger_log"
TABLES = {
    "entries": "idx bigint PRIMARY KEY,\nleaf bytea NOT NULL",
    "customers": "customer bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\nhandle bytea NOT NULL UNIQUE",
    "records": "customer bigint NOT NULL,\nsequence bigint NOT NULL,\nidx bigint NOT NULL,\n"
    "PRIMARY KEY (customer, sequence)",
    "acts": "act bytea PRIMARY KEY,\nfirst bigint NOT NULL,\ncount bigint NOT NULL",
    "erasures": "idx bigint PRIMARY KEY,\ncommitment bytea NOT NULL,\nwrapped bytea NOT NULL,\nopenings bytea NOT NULL",
    "tiles": "level bigint NOT NULL,\nn bigint NOT NULL,\nhashes bytea NOT NULL,\nUNIQUE (level, n)",
    # Ciphertext and hashes do not compress.
    "payloads": "idx bigint PRIMARY KEY,\nbox bytea NOT NULL",
    "heads": "customer bigint PRIMARY KEY,\nsize bigint NOT NULL,\nedge bytea NOT NULL,\nlast bytea NOT NULL",
    "state": "one bigint PRIMARY KEY CHECK (one = 1),\norigin text NOT NULL,\nsize bigint NOT NULL,\n"
    "root bytea NOT NULL,\nedge bytea NOT NULL,\nnote text NOT NULL,\nmapped bigint NOT NULL,\ntime bigint NOT NULL",
    "seat": "one bigint PRIMARY KEY CHECK (one = 1),\ngate text NOT NULL,\nepoch bigint NOT NULL,\n"
    "seen timestamp with time zone NOT NULL,\npledge bytea NOT NULL DEFAULT ''::bytea",
    "inbox": "number bigint GENERATED ALWAYS AS IDENTITY,\nact bytea PRIMARY KEY,\ngate text NOT NULL,\n"
    "body bytea NOT NULL,\nmac bytea NOT NULL,\nsent timestamp with time zone NOT NULL DEFAULT clock_timestamp(),\n"
    "UNIQUE (number)",
    "answers": "act bytea PRIMARY KEY,\nbody bytea NOT NULL,\nmac bytea NOT NULL,\n"
    "at timestamp with time zone NOT NULL DEFAULT clock_timestamp()",
}
MOVED = "ledger_moved"
"""The channel that is notified of every batch."""
SILENT = 60.0
"""Seconds after which a writer that takes no part in the seat's order, such as a command at a terminal, believes that
whoever holds the seat is gone."""
_SIZES = ("entries", "customers", "records", "acts", "erasures", "tiles", "payloads", "heads")


class PostgresqlLog:
    """The log in a database; `writing` for the one writer, otherwise it can change nothing."""

    def __init__(
        self, place: PostgresqlPlace, *, writing: bool = False, create: bool = False, seat: int | None = None
    ) -> None:
        """A writer writes as long as the seat's epoch is `seat`; without one it takes the seat for nobody in
        particular. Raises `StoreError`, `Overtaken` where a gate holds the seat."""
        self._place = place
        self._seat = seat
        self._numbers: dict[bytes, int] = {}
        self._roots: dict[tuple[int, int], bytes] = {}
        self._stale = False
        self._tables = PostgresqlTables(place, SCHEMA, TABLES, writing=writing, create=create)
        try:
            if writing and seat is None and not create:
                self._seat = self._seated(self._tables.session())
        except BaseException:
            self._tables.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._tables.close()

    @property
    def seat(self) -> int | None:
        """The epoch under which it writes."""
        return self._seat

    def snapshot(self) -> AbstractContextManager[None]:
        """Within it, everything that is read is of one moment, whatever a writer does meanwhile."""
        return self._tables.snapshot()

    def integrity(self) -> list[tuple[str, str]]:
        """What is wrong with the tables as such: (table or nothing, problem)."""
        return self._tables.integrity()

    # What it stands at

    def create(self, state: LogState) -> None:
        """The first state, of an empty log. Raises `StoreError` if there is one."""
        with self._tables.transaction() as session:
            if session.ask("SELECT 1 FROM ledger_log.state"):
                raise StoreError(f"{self._place}: already holds a log")
            session.tell(
                "INSERT INTO ledger_log.state"
                " VALUES (1, $1, $2::bigint, $3::bytea, $4::bytea, $5, $6::bigint, $7::bigint)",
                *_row(state),
            )
            session.tell("INSERT INTO ledger_log.seat (one, gate, epoch, seen) VALUES (1, '', 0, clock_timestamp())")
        self._seat = self._seated(self._tables.session())

    def state(self) -> LogState:
        """Raises `Damaged` if it does not add up."""
        rows = self._ask("SELECT origin, size, root, edge, note, mapped, time FROM ledger_log.state")
        if not rows:
            raise Damaged(f"{self._place}: holds no log")
        origin, size, root, edge, note, mapped, time = rows[0]
        state = LogState(origin=origin, edge=log_edge(self._place, size, edge), note=note, mapped=mapped, time=time)
        if state.edge.root() != root:
            raise Damaged(f"{self._place}: the root at size {size} is not that of its edge")
        return state

    def head(self) -> tuple[int, bytes]:
        """The size and root that it says it stands at, cheaply. Raises `Damaged` where there is none."""
        rows = self._ask("SELECT size, root FROM ledger_log.state")
        if not rows:
            raise Damaged(f"{self._place}: holds no log")
        return rows[0][0], rows[0][1]

    # Writing

    def write(self, batch: LogBatch) -> None:
        """Add a batch, durably. Raises `Overtaken` if the log is no longer at `batch.before`, or the seat is another's:
        another writer was here."""
        try:
            self._write(batch)
        except BaseException:
            self._numbers.clear()  # some may be of customers that were rolled back
            raise
        if self._stale:
            self._stale = not self._tables.sweep("payloads")

    def _write(self, batch: LogBatch) -> None:
        first = batch.before.size
        with self._tables.transaction() as session:
            self._fence(session)
            moved = session.tell(
                "UPDATE ledger_log.state SET origin = $1, size = $2::bigint, root = $3::bytea, edge = $4::bytea,"
                " note = $5, mapped = $6::bigint, time = $7::bigint WHERE size = $8::bigint AND root = $9::bytea",
                *_row(batch.after),
                first,
                batch.before.root(),
            )
            if moved != 1:
                raise Overtaken(f"{self._place}: no longer at size {first}: another writer was here")
            session.tell(
                "INSERT INTO ledger_log.entries SELECT $1::bigint + place - 1, decode(leaf, 'hex')"
                " FROM unnest($2::text[]) WITH ORDINALITY AS t (leaf, place)",
                first,
                batch.leaves,
            )
            if batch.records:
                numbers = self._numbered(session, {placed.record.customer for placed in batch.records})
                session.tell(
                    "INSERT INTO ledger_log.records SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])",
                    [numbers[p.record.customer] for p in batch.records],
                    [p.record.sequence for p in batch.records],
                    [p.index for p in batch.records],
                )
            if batch.acts:
                session.tell(
                    "INSERT INTO ledger_log.acts SELECT decode(act, 'hex'), first, count"
                    " FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS t (act, first, count)",
                    [act for act, _, _ in batch.acts],
                    [index for _, index, _ in batch.acts],
                    [count for _, _, count in batch.acts],
                )
            if batch.erasures:
                session.tell(
                    "INSERT INTO ledger_log.erasures SELECT idx, decode(c, 'hex'), decode(w, 'hex'), decode(o, 'hex')"
                    " FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS t (idx, c, w, o)",
                    [o.index for o in batch.erasures],
                    [o.commitment for o in batch.erasures],
                    [o.wrapped for o in batch.erasures],
                    [o.openings for o in batch.erasures],
                )
            if batch.payloads:
                session.tell(
                    "INSERT INTO ledger_log.payloads SELECT idx, decode(box, 'hex')"
                    " FROM unnest($1::bigint[], $2::text[]) AS t (idx, box)",
                    [index for index, _ in batch.payloads],
                    [box for _, box in batch.payloads],
                )
            if batch.tiles:
                session.tell(
                    "INSERT INTO ledger_log.tiles SELECT level, n, decode(hashes, 'hex')"
                    " FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS t (level, n, hashes)",
                    [tile.level for tile, _ in batch.tiles],
                    [tile.index for tile, _ in batch.tiles],
                    [data for _, data in batch.tiles],
                )
            if batch.heads:
                self._heads(session, batch.heads)
            session.order(f"NOTIFY {MOVED}")

    def settle(self) -> None:
        """Wait until a commit of unknown outcome has one: whatever session of this writer's is still at it holds the
        state's row. Raises `Overtaken` if the seat is another's."""
        with self._tables.transaction() as session:
            self._fence(session)
            session.ask("SELECT 1 FROM ledger_log.state FOR UPDATE")

    def replace_payloads(self, boxes: Mapping[int, bytes | None]) -> None:
        """Put other payloads in the place of some, or none: what an erasure does. The log itself does not change.
        When it returns, what was there is in no table, but where somebody reads within an older snapshot; the server's
        write-ahead log, its backups and free space on its disk may hold it for longer (docs/ledger.md)."""
        if not boxes:
            return
        kept = {index: box for index, box in boxes.items() if box is not None}
        with self._tables.transaction() as session:
            self._fence(session)
            session.tell(
                "DELETE FROM ledger_log.payloads WHERE idx = ANY($1::bigint[])",
                [index for index, box in boxes.items() if box is None],
            )
            session.tell(
                "UPDATE ledger_log.payloads p SET box = decode(t.box, 'hex')"
                " FROM unnest($1::bigint[], $2::text[]) AS t (idx, box) WHERE p.idx = t.idx",
                list(kept),
                list(kept.values()),
            )
        self._stale = not self._tables.sweep("payloads")

    def _seated(self, session: PostgresqlSession) -> int | None:
        """A new epoch for a writer that has no name; None where there is no log yet."""
        rows = session.ask(
            "UPDATE ledger_log.seat SET gate = '', epoch = epoch + 1, seen = clock_timestamp() WHERE gate = ''"
            " OR abs(extract(epoch FROM clock_timestamp() - seen)) > $1::float8 RETURNING epoch",
            SILENT,
        )
        if rows:
            return int(rows[0][0])
        held = session.ask("SELECT gate FROM ledger_log.seat")
        if held:
            raise Overtaken(
                f"{self._place}: the gate {held[0][0]!r} holds the seat of this log's writer; one writes at a time: end"
                f" it first, and where it was killed wait {SILENT:.0f} s"
            )
        return None

    def _fence(self, session: PostgresqlSession) -> None:
        """That the seat is still this writer's; nobody else can take it before the transaction ends."""
        rows = session.ask(
            "WITH mine AS (UPDATE ledger_log.seat SET seen = clock_timestamp() WHERE epoch = $1::bigint RETURNING 1)"
            f" {SETTINGS} FROM mine",
            -1 if self._seat is None else self._seat,
        )
        if not rows:
            raise Overtaken(
                f"{self._place}: the seat of this log's writer is another's by now: another writer was here"
            )
        self._tables.durable(*rows[0])

    def _heads(self, session: PostgresqlSession, heads: Mapping[bytes, Chain]) -> None:
        numbers = self._numbered(session, heads.keys())
        chains = sorted((numbers[handle], chain) for handle, chain in heads.items())
        session.tell(
            "INSERT INTO ledger_log.heads SELECT customer, size, decode(edge, 'hex'), decode(last, 'hex')"
            " FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS t (customer, size, edge, last)"
            " ON CONFLICT (customer) DO UPDATE SET size = excluded.size, edge = excluded.edge, last = excluded.last",
            [number for number, _ in chains],
            [chain.size for _, chain in chains],
            [b"".join(chain.edge.hashes) for _, chain in chains],
            [chain.last for _, chain in chains],
        )

    def _numbered(self, session: PostgresqlSession, handles: Iterable[bytes]) -> Mapping[bytes, int]:
        """The numbers of customers, those that are new among them."""
        wanted = [handle for handle in handles if handle not in self._numbers]
        if wanted:
            found = session.ask(
                "SELECT handle, customer FROM ledger_log.customers"
                " WHERE handle = ANY (ARRAY (SELECT decode(h, 'hex') FROM unnest($1::text[]) h))",
                wanted,
            )
            new = set(wanted) - {handle for handle, _ in found}
            if new:
                found += session.ask(
                    "INSERT INTO ledger_log.customers (handle) SELECT decode(h, 'hex') FROM unnest($1::text[]) h"
                    " RETURNING handle, customer",
                    sorted(new),
                )
            self._numbers.update((handle, number) for handle, number in found)
        return self._numbers

    # Reading

    def leaves(self, first: int, until: int) -> tuple[bytes, ...]:
        """The entries first … until − 1. Raises `Damaged` if one is missing."""
        rows = self._ask(
            "SELECT leaf FROM ledger_log.entries WHERE idx >= $1::bigint AND idx < $2::bigint ORDER BY idx",
            first,
            until,
        )
        if len(rows) != max(0, until - first):
            raise Damaged(f"{self._place}: entries {first} to {until - 1}: {len(rows)} of {until - first} are there")
        return tuple(leaf for (leaf,) in rows)

    def pieces(self, first: int, until: int, step: int = 4096) -> Iterator[Sequence[bytes]]:
        """The entries first … until − 1, some at a time."""
        for start in range(first, until, step):
            yield self.leaves(start, min(start + step, until))

    def tile(self, level: int, index: int) -> bytes:
        """A full tile's hashes. Raises `Damaged` if it is missing or of another length."""
        rows = self._ask(
            "SELECT hashes FROM ledger_log.tiles WHERE level = $1::bigint AND n = $2::bigint", level, index
        )
        if not rows or len(rows[0][0]) != WIDTH * HASH:
            raise Damaged(f"{self._place}: tile {index} of level {level} is missing or not 8192 bytes")
        return bytes(rows[0][0])

    def tile_root(self, level: int, index: int) -> bytes:
        """A full tile's root. Those asked for last are kept, since a full tile never changes."""
        root = self._roots.pop((level, index), None) or tree_root(parse_tile(self.tile(level, index), WIDTH))
        self._roots[level, index] = root
        if len(self._roots) > ROOTS:
            del self._roots[next(iter(self._roots))]
        return root

    def acts(self, acts: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """(first index, number of leaves) of those of these acts that are in the log."""
        if not acts:
            return {}
        rows = self._ask(
            "SELECT act, first, count FROM ledger_log.acts"
            " WHERE act = ANY (ARRAY (SELECT decode(a, 'hex') FROM unnest($1::text[]) a))",
            acts,
        )
        return {act: (first, count) for act, first, count in rows}

    def act(self, act: bytes) -> tuple[int, int] | None:
        """(first index, number of leaves) of an act that is in the log."""
        rows = self._ask("SELECT first, count FROM ledger_log.acts WHERE act = $1::bytea", act)
        return (rows[0][0], rows[0][1]) if rows else None

    def heads(self) -> dict[bytes, Chain]:
        """Each customer's chain at the newest map head, by handle."""
        session = self._tables.session()
        with session.patient():
            rows = session.ask(
                "SELECT customer, handle, size, edge, last"
                " FROM ledger_log.heads JOIN ledger_log.customers USING (customer)"
            )
        self._numbers.update((handle, number) for number, handle, _, _, _ in rows)
        return {
            handle: Chain(edge=log_edge(self._place, size, edge), last=last) for _, handle, size, edge, last in rows
        }

    def records_of(self, handle: bytes, *, until: int) -> tuple[tuple[int, bytes], ...]:
        """(index, leaf) of a customer's records before index `until`, in their order."""
        rows = self._ask(
            "SELECT idx, leaf FROM ledger_log.records JOIN ledger_log.customers USING (customer)"
            " JOIN ledger_log.entries USING (idx) WHERE handle = $1::bytea AND idx < $2::bigint ORDER BY sequence",
            handle,
            until,
        )
        return tuple((index, leaf) for index, leaf in rows)

    def index_of(self, handle: bytes, sequence: int) -> int | None:
        """Where in the log a customer's record is."""
        rows = self._ask(
            "SELECT idx FROM ledger_log.records JOIN ledger_log.customers USING (customer)"
            " WHERE handle = $1::bytea AND sequence = $2::bigint",
            handle,
            sequence,
        )
        return int(rows[0][0]) if rows else None

    def erasures(self, first: int) -> tuple[Openings, ...]:
        """The erasure records from `first` on, each with what opens it."""
        rows = self._ask(
            "SELECT idx, commitment, wrapped, openings FROM ledger_log.erasures WHERE idx >= $1::bigint ORDER BY idx",
            first,
        )
        return tuple(Openings(index=i, commitment=c, wrapped=w, openings=o) for i, c, w, o in rows)

    def payload(self, index: int) -> bytes | None:
        rows = self._ask("SELECT box FROM ledger_log.payloads WHERE idx = $1::bigint", index)
        return bytes(rows[0][0]) if rows else None

    def payloads(self, first: int, until: int) -> dict[int, bytes]:
        """The payloads of the entries first … until − 1 that have one."""
        return dict(
            self._ask(
                "SELECT idx, box FROM ledger_log.payloads WHERE idx >= $1::bigint AND idx < $2::bigint", first, until
            )
        )

    def sizes(self) -> Mapping[str, int]:
        """The rows of each table, for `fsck` and `status`."""
        counts = self._tables.counts()
        return {table: counts[table] for table in _SIZES}

    def _ask(self, sql: str, *values: Any) -> list[list[Any]]:
        return self._tables.session().ask(sql, *values)


def _row(state: LogState) -> tuple[str | int | bytes, ...]:
    edge = state.edge
    return (state.origin, edge.size, edge.root(), b"".join(edge.hashes), state.note, state.mapped, state.time)
