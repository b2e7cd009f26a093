"""How gates that do not hold the seat hand their acts to the one that does, and how it answers: two tables in the log's
database.

Nothing in them is believed for being there: the MAC is the gates' own, which the database cannot make, and whoever
reads checks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from armslength.store.failure import Occupied
from armslength.store.ledger_connection import LedgerConnection, shared_log
from armslength.store.ledger_folder import LedgerFolder
from armslength.store.postgresql_log import MOVED, SCHEMA, TABLES
from armslength.store.postgresql_session import PostgresqlSession
from armslength.store.postgresql_tables import PostgresqlTables

ASKED, ANSWERED = "ledger_asked", "ledger_answered"
"""The channels that are notified of what was put in, and of answers."""
_ACTS = "ANY (ARRAY (SELECT decode(a, 'hex') FROM unnest($1::text[]) a))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What `gate` put in, the `number`-th, `age` seconds ago by the database's clock."""

    number: int
    act: bytes
    gate: str
    body: bytes
    mac: bytes
    age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of an act."""

    act: bytes
    body: bytes
    mac: bytes


class Inbox:
    """Any thread may call. Every method raises `StorageFailed` where the database does not answer."""

    def __init__(self, folder: LedgerFolder) -> None:
        """Raises `StoreError` where there is no log in PostgreSQL."""
        self._connection = LedgerConnection(folder)
        self._place = self._connection.place

    def close(self) -> None:
        self._connection.close()

    def put(self, act: bytes, gate: str, body: bytes, mac: bytes) -> None:
        """Hand an act over; to do so again changes nothing. Raises `Occupied` where something else is there under this
        act's id."""
        with self._connection.changing() as session:
            put = session.tell(
                "INSERT INTO ledger_log.inbox (act, gate, body, mac) VALUES ($1::bytea, $2, $3::bytea, $4::bytea)"
                " ON CONFLICT DO NOTHING",
                act,
                gate,
                body,
                mac,
            )
            same = put == 1 or session.ask(
                "SELECT 1 FROM ledger_log.inbox WHERE act = $1::bytea AND body = $2::bytea AND mac = $3::bytea",
                act,
                body,
                mac,
            )
            if not same:
                raise Occupied(f"{self._place}: another act was handed over as {act.hex()}")
            if put == 1:
                session.order(f"NOTIFY {ASKED}")

    def waiting(self, limit: int) -> tuple[Sent, ...]:
        """The acts that were put in and not answered, the oldest first."""
        with self._connection.reading() as session:
            rows = session.ask(
                "SELECT number, act, gate, body, mac, extract(epoch FROM clock_timestamp() - sent)::float8"
                " FROM ledger_log.inbox ORDER BY number LIMIT $1::bigint",
                limit,
            )
        return tuple(
            Sent(number=number, act=act, gate=gate, body=body, mac=mac, age=max(0.0, age))
            for number, act, gate, body, mac, age in rows
        )

    def answer(self, act: bytes, body: bytes, mac: bytes) -> None:
        """Answer an act and take it out; a later answer to the same act stands in the place of the earlier."""
        self.answer_many([(act, body, mac)])

    def answer_many(self, answers: Iterable[tuple[bytes, bytes, bytes]]) -> None:
        """Answer several, all or none: (act, body, MAC). The last of several to one act stands."""
        given = {act: (body, mac) for act, body, mac in answers}
        if not given:
            return
        acts = sorted(given)  # two that answer the same wait for each other, and do not lock each other out
        with self._connection.changing() as session:
            session.tell(
                "INSERT INTO ledger_log.answers (act, body, mac) SELECT decode(act, 'hex'), decode(body, 'hex'),"
                " decode(mac, 'hex') FROM unnest($1::text[], $2::text[], $3::text[]) AS t (act, body, mac)"
                " ON CONFLICT (act) DO UPDATE SET body = excluded.body, mac = excluded.mac, at = excluded.at",
                acts,
                [given[act][0] for act in acts],
                [given[act][1] for act in acts],
            )
            session.tell(f"DELETE FROM ledger_log.inbox WHERE act = {_ACTS}", acts)
            session.order(f"NOTIFY {ANSWERED}")

    def answers(self, acts: Sequence[bytes]) -> dict[bytes, Answer]:
        """The answers to these acts, as far as there are any."""
        if not acts:
            return {}
        with self._connection.reading() as session:
            rows = session.ask(f"SELECT act, body, mac FROM ledger_log.answers WHERE act = {_ACTS}", acts)
        return {act: Answer(act=act, body=body, mac=mac) for act, body, mac in rows}

    def forget(self, acts: Sequence[bytes]) -> None:
        """Drop these acts and their answers."""
        if not acts:
            return
        with self._connection.changing() as session:
            session.tell(f"DELETE FROM ledger_log.inbox WHERE act = {_ACTS}", acts)
            session.tell(f"DELETE FROM ledger_log.answers WHERE act = {_ACTS}", acts)

    def sweep(self, older: float) -> int:
        """Drop what has been there for more than so many seconds, acts that nobody answered among it. Gives how
        many."""
        with self._connection.changing() as session:
            past = "clock_timestamp() - make_interval(secs => $1::float8)"
            acts = session.tell(f"DELETE FROM ledger_log.inbox WHERE sent < {past}", older)
            return acts + session.tell(f"DELETE FROM ledger_log.answers WHERE at < {past}", older)


class Wakeups:
    """Waiting until something happens in a log's database, on a connection of its own. What is notified may be lost, as
    when the connection breaks: whoever waits looks again after a while all the same. For one thread."""

    def __init__(self, folder: LedgerFolder, *channels: str) -> None:
        """`channels` of `MOVED`, `ASKED` and `ANSWERED`; all of them if none is given. Raises `StoreError`."""
        self._listening = "; ".join(f"LISTEN {channel}" for channel in channels or (MOVED, ASKED, ANSWERED))
        self._tables = PostgresqlTables(
            shared_log(folder), SCHEMA, TABLES, writing=True, create=False, opened=self._listen, listens=True
        )

    def close(self) -> None:
        self._tables.close()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; whether something was notified since the last call. Raises `StorageFailed` where the
        connection broke, and the next call makes another."""
        return self._tables.session().notified(seconds)

    def _listen(self, session: PostgresqlSession) -> None:
        session.order(self._listening)
