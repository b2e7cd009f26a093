"""Who writes the ledger that several gates share: the seat, a row in the log's database.

It is taken by the one whose turn it is, kept by saying so often enough, and lost to another after silence. Each taking
has an epoch of its own, and whatever is written carries it: a holder that was stopped and wakes up has lost, and writes
nothing, whatever it believes.
"""

from __future__ import annotations

from dataclasses import dataclass

from armslength.store.failure import Damaged, Overtaken
from armslength.store.ledger_connection import LedgerConnection
from armslength.store.ledger_folder import LedgerFolder
from armslength.store.postgresql_session import PostgresqlRefused

LOCK_NOT_AVAILABLE = "55P03"
_TIME = "extract(epoch FROM clock_timestamp())::float8"
SOON = 2.0
"""Seconds that taking waits for a holder who is writing at this moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatHeld:
    """`gate` holds it since it took it as `epoch`; `silent` are the seconds since it was last heard of, by the
    database's clock."""

    gate: str
    epoch: int
    silent: float


class Seat:
    """The seat of a log's writer. Any thread may call. Every method raises `StorageFailed` where the database does not
    answer."""

    def __init__(self, folder: LedgerFolder) -> None:
        """Raises `StoreError` where there is no log in PostgreSQL."""
        self._connection = LedgerConnection(folder)
        self._place = self._connection.place

    def close(self) -> None:
        self._connection.close()

    def take(self, gate: str, *, silent: float) -> int | None:
        """Become the writer, where nobody is, `gate` itself was, or who was has been silent for so many seconds by the
        database's clock. Gives the new epoch; None: somebody else is the writer."""
        if not gate:
            raise ValueError("a gate without a name")
        try:
            with self._connection.changing() as session:
                session.order(f"SET LOCAL lock_timeout = {int(1000 * SOON)}")
                # One who was heard of in the future was so before the clock was set back: it says nothing.
                rows = session.ask(
                    "UPDATE ledger_log.seat SET gate = $1, epoch = epoch + 1, seen = clock_timestamp()"
                    " WHERE gate = '' OR gate = $1 OR abs(extract(epoch FROM clock_timestamp() - seen)) > $2::float8"
                    " RETURNING epoch",
                    gate,
                    silent,
                )
        except PostgresqlRefused as refused:
            if refused.code == LOCK_NOT_AVAILABLE:
                return None
            raise
        if not rows and self.holder() is None:
            raise Damaged(f"{self._place}: holds no log")
        return int(rows[0][0]) if rows else None

    def beat(self, gate: str, epoch: int, pledge: bytes = b"") -> float:
        """Say that the holder is there, and what it pledges to the others; gives the database's time, in POSIX seconds.
        Raises `Overtaken` if it is not the holder any more."""
        with self._connection.changing() as session:
            kept = session.ask(
                "UPDATE ledger_log.seat SET seen = clock_timestamp(), pledge = $3::bytea"
                f" WHERE gate = $1 AND epoch = $2::bigint RETURNING {_TIME}",
                gate,
                epoch,
                pledge,
            )
        if len(kept) != 1:
            raise Overtaken(f"{self._place}: the seat of this log's writer is another's by now")
        return float(kept[0][0])

    def leave(self, gate: str, epoch: int) -> None:
        """Give it up, so that another need not wait. Nothing happens where it is lost already."""
        with self._connection.changing() as session:
            session.tell("UPDATE ledger_log.seat SET gate = '' WHERE gate = $1 AND epoch = $2::bigint", gate, epoch)

    def pledge(self) -> tuple[bytes, float]:
        """What the holder pledged last, whoever wrote it, nothing where none did; and the database's time, in POSIX
        seconds."""
        with self._connection.reading() as session:
            rows = session.ask(f"SELECT pledge, {_TIME} FROM ledger_log.seat")
        if not rows:
            raise Damaged(f"{self._place}: holds no log")
        return bytes(rows[0][0]), float(rows[0][1])

    def holder(self) -> SeatHeld | None:
        """Who holds it; None: nobody."""
        with self._connection.reading() as session:
            rows = session.ask(
                "SELECT gate, epoch, extract(epoch FROM clock_timestamp() - seen)::float8 FROM ledger_log.seat"
                " WHERE gate <> ''"
            )
        return SeatHeld(gate=rows[0][0], epoch=rows[0][1], silent=max(0.0, rows[0][2])) if rows else None
