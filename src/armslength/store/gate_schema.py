"""The tables of a gate's database, as SQLAlchemy Core sees them. `gate_migrations` makes them; a test holds the two to
each other.

rows          one row for each object of the gate's state: its canonical document, which is a copy of what the ledger
              says, and columns to find it by
evidence      documents that requests name by digest; opened: who was shown which, for which request
idempotency   what a caller's key was answered with
sessions      who is signed in; ceremonies: challenges and links that are good once
outbox        notices that are to be sent
away          people who cannot be asked for a time
snapshot      the folded state up to a position of the ledger
directory     what directories said of people and groups

Where several gates are on one PostgreSQL database, rows and snapshot are each gate's own, and the others are shared.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, MetaData, Table, Text
from sqlalchemy import Integer as SqliteInteger

METADATA = MetaData()
Integer = BigInteger().with_variant(SqliteInteger(), "sqlite")
"""64 bits: POSIX seconds do not end in 2038."""

VERSIONS = Table(
    "versions",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
)

GATE = Table(
    "gate",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False),
)

ROWS = Table(
    "rows",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("doc", LargeBinary, nullable=False),
    Column("person", Text),
    Column("status", Text),
    Column("due", Integer),
    Column("act", LargeBinary),
    Column("claimed", Integer),
)
"""`act` and `claimed` are set while an operation that has begun is not over: its record's act id, and when it began."""
SHARED_ROWS = ROWS.to_metadata(MetaData(), name="shared_rows")
"""The rows that stand for nothing in the ledger, such as passkeys that wait for a voucher, where several gates share
them. A gate alone has them among its own."""
Index("rows_by_person", ROWS.c.kind, ROWS.c.person, ROWS.c.status)
Index("rows_by_due", ROWS.c.kind, ROWS.c.due)

EVIDENCE = Table(
    "evidence",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("made", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
)

OPENED = Table(
    "opened",
    METADATA,
    Column("request", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("digest", LargeBinary, ForeignKey("evidence.digest", ondelete="CASCADE"), primary_key=True),
    Column("at", Integer, nullable=False),
)
Index("opened_by_digest", OPENED.c.digest)

IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("answer", Text, nullable=False),
    Column("ends", Integer, nullable=False),
)
Index("idempotency_by_ends", IDEMPOTENCY.c.ends)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("person", Text, nullable=False),
    Column("made", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("idle", Integer, nullable=False),
    Column("ends", Integer, nullable=False),
)
Index("sessions_by_person", SESSIONS.c.person)
Index("sessions_by_ends", SESSIONS.c.ends)

CEREMONIES = Table(
    "ceremonies",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("person", Text),
    Column("doc", LargeBinary, nullable=False),
    Column("ends", Integer, nullable=False),
)
Index("ceremonies_by_ends", CEREMONIES.c.ends)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("mark", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("person", Text),
    Column("body", LargeBinary, nullable=False),
    Column("made", Integer, nullable=False),
    Column("due", Integer),
    Column("tries", Integer, nullable=False),
    Column("problem", Text),
    Column("sent", Integer),
    Column("seal", LargeBinary),
)
"""`due` is when it is to be sent; nothing once it was, or once it only stands in the console. `sent` is when a channel
took it; `seal` is the gate's, that this is so."""
Index("outbox_by_mark", OUTBOX.c.mark, unique=True)
Index("outbox_by_due", OUTBOX.c.due)
Index("outbox_by_person", OUTBOX.c.person, OUTBOX.c.number)

AWAY = Table(
    "away",
    METADATA,
    Column("person", Text, primary_key=True),
    Column("start", Integer, nullable=False),
    Column("ends", Integer),
    Column("by", Text, nullable=False),
)

DIRECTORY = Table(
    "directory",
    METADATA,
    Column("directory", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("external", Text, nullable=False),
    Column("stamp", Integer, nullable=False),
    Column("doc", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)
Index("directory_by_kind", DIRECTORY.c.directory, DIRECTORY.c.kind, DIRECTORY.c.id)
Index("directory_by_name", DIRECTORY.c.directory, DIRECTORY.c.kind, DIRECTORY.c.name)
Index("directory_by_external", DIRECTORY.c.directory, DIRECTORY.c.kind, DIRECTORY.c.external)
Index("directory_by_stamp", DIRECTORY.c.directory, DIRECTORY.c.stamp)

SNAPSHOT = Table(
    "snapshot",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("state", LargeBinary, nullable=False),
)
