"""How gates that do not hold the seat hand their acts to the one that does, and how it answers: two tables in the log's
database.

Nothing in them is believed for being there, and nothing can be read: body and MAC are sealed with the gates' own key,
which the database does not have, and whoever reads checks them. The database orders and keeps.
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
_THOSE = (
    "(act, mac) IN (SELECT decode(act, 'hex'), decode(mac, 'hex') FROM unnest($1::text[], $2::text[]) AS t (act, mac))"
)
"""What was read and not put anew meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What `gate` put in, the `number`-th."""

    number: int
    act: bytes
    gate: str
    body: bytes
    mac: bytes


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
        """Hand an act over, in the place of what this gate put in under the same id before; an answer to that is gone.
        Raises `Occupied` where another gate's lies there under this id, until that is taken out."""
        with self._connection.changing() as session:
            put = session.tell(
                "WITH answered AS (DELETE FROM ledger_log.answers WHERE act = $1::bytea)"
                " INSERT INTO ledger_log.inbox (act, gate, body, mac) VALUES ($1::bytea, $2, $3::bytea, $4::bytea)"
                " ON CONFLICT (act) DO UPDATE SET body = excluded.body, mac = excluded.mac, sent = excluded.sent"
                " WHERE inbox.gate = excluded.gate",
                act,
                gate,
                body,
                mac,
            )
            if not put:
                raise Occupied(f"{self._place}: another gate has handed over an act as {act.hex()}")
            session.order(f"NOTIFY {ASKED}")

    def waiting(self, limit: int) -> tuple[Sent, ...]:
        """The acts that were put in and not answered, the oldest first."""
        with self._connection.reading() as session:
            rows = session.ask(
                "SELECT number, act, gate, body, mac FROM ledger_log.inbox ORDER BY number LIMIT $1::bigint", limit
            )
        return tuple(
            Sent(number=number, act=act, gate=gate, body=body, mac=mac) for number, act, gate, body, mac in rows
        )

    def answer(self, sent: Sent, body: bytes, mac: bytes) -> None:
        """Answer an act and take it out; nothing where it is out already, or something else was put in its place."""
        self.answer_many([(sent, body, mac)])

    def answer_many(self, answers: Iterable[tuple[Sent, bytes, bytes]]) -> None:
        """Answer several, all or none: (what was asked, body, MAC)."""
        given = {sent.act: (sent, body, mac) for sent, body, mac in answers}
        if not given:
            return
        with self._connection.changing() as session:
            # In one order: two that answer the same wait for each other, and do not lock each other out.
            there = session.ask(
                f"SELECT act FROM ledger_log.inbox WHERE {_THOSE} ORDER BY act FOR UPDATE",
                list(given),
                [sent.mac for sent, _, _ in given.values()],
            )
            acts = [bytes(act) for (act,) in there]
            if not acts:
                return
            session.tell(
                "INSERT INTO ledger_log.answers (act, body, mac) SELECT decode(act, 'hex'), decode(body, 'hex'),"
                " decode(mac, 'hex') FROM unnest($1::text[], $2::text[], $3::text[]) AS t (act, body, mac)"
                " ON CONFLICT (act) DO UPDATE SET body = excluded.body, mac = excluded.mac, at = excluded.at",
                acts,
                [given[act][1] for act in acts],
                [given[act][2] for act in acts],
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

    def forget(self, sent: Sequence[Sent]) -> None:
        """Take these acts out without an answer; what was put in the place of one stays."""
        if not sent:
            return
        with self._connection.changing() as session:
            session.tell(
                f"DELETE FROM ledger_log.inbox WHERE {_THOSE}", [each.act for each in sent], [each.mac for each in sent]
            )

    def sweep(self, older: float) -> int:
        """Drop what has been there for more than so many seconds by the database's clock, acts that nobody answered
        among it. Gives how many."""
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
