"""What an administrator of the database can do to it: for every column of every table, at least one edit."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from armslength.tlog import format_base64url
from tests.gate_model.scene import scene
from tests.gate_model.workshop import Workshop, passkey

Change = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True)
class Edit:
    """`found`: whether a gate that runs finds it by looking through its rows, and one that starts says that something
    was changed. What is not found is only what nobody decides on, or what the next question is refused for."""

    column: str
    words: str
    change: Change
    found: bool = False


def sql(statement: str, *values: object) -> Change:
    def change(db: sqlite3.Connection) -> None:
        assert db.execute(statement, values).rowcount != 0, "the edit changes nothing"

    return change


def on_kind(kind: str, assignment: str, *values: object) -> Change:
    return sql(f"UPDATE rows SET {assignment} WHERE kind=?", *values, kind)


def redone(kind: str, change: Callable[[dict[str, object]], object]) -> Change:
    """The documents of a kind, written as a gate would."""

    def work(db: sqlite3.Connection) -> None:
        for id, doc in db.execute("SELECT id, doc FROM rows WHERE kind=?", (kind,)).fetchall():
            form = json.loads(doc)
            change(form)
            said = json.dumps(form, sort_keys=True, separators=(",", ":")).encode()
            assert said != doc
            db.execute("UPDATE rows SET doc=? WHERE kind=? AND id=?", (said, kind, id))

    return work


def forged(kind: str, change: Callable[[dict[str, object]], str]) -> Change:
    """One more row, made from one that is there. `change` gives its id."""

    def work(db: sqlite3.Connection) -> None:
        doc, person = db.execute("SELECT doc, person FROM rows WHERE kind=? LIMIT 1", (kind,)).fetchone()
        form = json.loads(doc)
        id = change(form)
        said = json.dumps(form, sort_keys=True, separators=(",", ":")).encode()
        db.execute("INSERT INTO rows (kind, id, version, doc, person) VALUES (?, ?, 1, ?, ?)", (kind, id, said, person))

    return work


def old_back(db: sqlite3.Connection) -> None:
    version, doc = scene().old
    db.execute(
        "UPDATE rows SET version=?, doc=?, status='live' WHERE kind='lease' AND id=?", (version, doc, scene().revoked)
    )


def _anas(form: dict[str, object]) -> str:
    """A lease of Ana's."""
    terms = form["terms"]
    assert isinstance(terms, dict)
    terms.update(executor="ana", action="list", resource={"type": "asset", "id": "meetings"})
    form.update(status={"case": "live"}, uses=0)
    terms["id"] = "lease_" + "A" * 22
    return "lease_" + "A" * 22


def _dis(form: dict[str, object]) -> str:
    """A passkey of Di's that somebody else has."""
    key = passkey("di", 9)
    form.update(
        person="di",
        credential=format_base64url(key.credential),
        public_key=format_base64url(key.public_key),
        revoked=None,
    )
    return format_base64url(key.credential)


def _signed(form: dict[str, object]) -> None:
    """An approval more than there are."""
    approvals = form["approvals"]
    assert isinstance(approvals, list)
    form["approvals"] = [*approvals, {**(approvals or [{}])[0], "approver": "ed"}]


NOBODY = (
    "INSERT OR REPLACE INTO directory (directory, id, kind, name, external, stamp, doc, mac)"
    " VALUES ('idp', 'u1', 'user', 'ana', '', 1, x'7b7d', x'00')"
)
EDITS: tuple[Edit, ...] = (
    Edit(
        "rows.doc",
        "a revoked lease lives",
        redone("lease", lambda form: form.update(status={"case": "live"}, uses=5)),
        True,
    ),
    Edit("rows.doc", "a lease of another", redone("lease", lambda form: form["terms"].update(executor="ana")), True),  # type: ignore[index]
    Edit(
        "rows.doc",
        "a lease without limit",
        redone("lease", lambda form: form["terms"].update(most_customers=999)),
        True,
    ),  # type: ignore[index]
    Edit("rows.doc", "one approval more", redone("request", _signed), True),
    Edit("rows.doc", "another purpose", redone("request", lambda form: form["request"].update(purpose="x")), True),  # type: ignore[index]
    Edit(
        "rows.doc", "keys of others", redone("key", lambda form: form.update(person="an" + str(form["person"]))), True
    ),
    Edit("rows.doc", "another estate", redone("gate", lambda form: form.update(estate="e5" * 32)), True),
    Edit("rows.doc", "founding open again", redone("gate", lambda form: form.update(founded=False)), True),
    Edit("rows.doc", "no document", on_kind("lease", "doc=?", b"{}"), True),
    Edit(
        "rows.doc",
        "a pending key swapped",
        on_kind("pending-key", "doc=CAST(replace(CAST(doc AS TEXT), 'ola', 'ana') AS BLOB)"),
    ),
    Edit("rows.doc", "an old row", old_back, True),
    *(
        Edit("rows.version", f"{kind} ahead", on_kind(kind, "version=version+1"), True)
        for kind in ("gate", "key", "request", "lease")
    ),
    *(Edit("rows.id", f"{kind} renamed", on_kind(kind, "id='x' || id"), True) for kind in ("key", "request", "lease")),
    Edit("rows.id", "a pending key renamed", on_kind("pending-key", "id='x' || id")),
    *(
        Edit("rows.kind", f"{kind} of another kind", on_kind(kind, "kind='pending-key'"), True)
        for kind in ("key", "request", "lease")
    ),
    *(
        Edit("rows", f"{kind} dropped", sql("DELETE FROM rows WHERE kind=?", kind), True)
        for kind in ("gate", "key", "request", "lease")
    ),
    Edit("rows", "pending keys dropped", sql("DELETE FROM rows WHERE kind='pending-key'")),
    Edit("rows", "a lease made up", forged("lease", _anas)),
    Edit("rows", "a key made up", forged("key", _dis)),
    Edit("rows", "a pending key made up", forged("pending-key", lambda form: "AAAA")),
    Edit("rows.person", "somebody else's", sql("UPDATE rows SET person='ana'")),
    Edit("rows.status", "another", sql("UPDATE rows SET status='live'")),
    Edit("rows.due", "never", sql("UPDATE rows SET due=9999999999")),
    Edit("rows.due", "long ago", sql("UPDATE rows SET due=1")),
    Edit("rows.act", "under way", sql("UPDATE rows SET act=?, claimed=1", b"a" * 16)),
    Edit("rows.claimed", "for ever", sql("UPDATE rows SET act=?, claimed=9999999999", b"a" * 16)),
    Edit("evidence.digest", "another", sql("UPDATE evidence SET digest=?", b"d" * 32)),
    Edit("evidence.media_type", "another", sql("UPDATE evidence SET media_type='text/html'")),
    Edit("evidence.data", "another text", sql("UPDATE evidence SET data=?", b"no order")),
    Edit("evidence.made", "long ago", sql("UPDATE evidence SET made=1")),
    Edit("evidence.kept", "not", sql("UPDATE evidence SET kept=0, made=1")),
    Edit("evidence", "dropped", sql("DELETE FROM evidence")),
    Edit("opened.request", "of another", sql("UPDATE opened SET request='x'")),
    Edit("opened.person", "by another", sql("UPDATE opened SET person='ed'")),
    Edit("opened.digest", "another", sql("UPDATE opened SET digest=?", b"d" * 32)),
    Edit("opened.at", "long ago", sql("UPDATE opened SET at=1")),
    Edit("opened", "by who was shown nothing", lambda db: _opened_by(db, "ed")),
    Edit("idempotency.caller", "another", sql("UPDATE idempotency SET caller='x'")),
    Edit("idempotency.key", "another", sql("UPDATE idempotency SET key='x'")),
    Edit("idempotency.body", "another", sql("UPDATE idempotency SET body=?", b"b" * 32)),
    Edit(
        "idempotency.answer",
        "another request",
        lambda db: db.execute("UPDATE idempotency SET answer=?", (scene().other,)),
    ),
    Edit("idempotency.answer", "no id", sql("UPDATE idempotency SET answer='x'")),
    Edit("idempotency.ends", "long ago", sql("UPDATE idempotency SET ends=1")),
    *(
        Edit(f"sessions.{name}", "another", sql(f"UPDATE sessions SET {name}={name}+1"))
        for name in ("made", "seen", "idle", "ends")
    ),
    Edit("sessions.person", "another", sql("UPDATE sessions SET person='ana'")),
    Edit("sessions.digest", "another", sql("UPDATE sessions SET digest=?", b"d" * 32)),
    Edit("ceremonies.digest", "another", sql("UPDATE ceremonies SET digest=randomblob(32)")),
    Edit("ceremonies.kind", "another", sql("UPDATE ceremonies SET kind='sign-in'")),
    Edit("ceremonies.person", "another", sql("UPDATE ceremonies SET person='ana'")),
    Edit("ceremonies.doc", "another", sql("UPDATE ceremonies SET doc=?", b"x")),
    Edit("ceremonies.ends", "long ago", sql("UPDATE ceremonies SET ends=1")),
    Edit("outbox.number", "another", sql("UPDATE outbox SET number=number+1000")),
    Edit("outbox.mark", "another", sql("UPDATE outbox SET mark='x' || mark")),
    Edit("outbox.kind", "another", sql("UPDATE outbox SET kind='alarm'")),
    Edit("outbox.person", "another", sql("UPDATE outbox SET person='ana'")),
    Edit("outbox.body", "another", sql("UPDATE outbox SET body=?", b"{}")),
    *(Edit(f"outbox.{name}", "another", sql(f"UPDATE outbox SET {name}=1")) for name in ("made", "due", "tries")),
    Edit("outbox.sent", "long ago", sql("UPDATE outbox SET sent=1, due=NULL")),
    Edit("outbox.seal", "made up", sql("UPDATE outbox SET seal=randomblob(32)")),
    Edit("outbox.problem", "one", sql("UPDATE outbox SET problem='x'")),
    *(
        Edit(f"directory.{column}", "somebody whom no directory told of", sql(NOBODY))
        for column in ("directory", "id", "kind", "name", "external", "stamp", "doc", "mac")
    ),
    Edit("away.person", "another", sql("UPDATE away SET person='ed'")),
    Edit("away.start", "long ago", sql("UPDATE away SET start=1")),
    Edit("away.ends", "long ago", sql("UPDATE away SET ends=1")),
    Edit("away.by", "another", sql("UPDATE away SET \"by\"='ana'")),
    Edit("snapshot.one", "gone", sql("DELETE FROM snapshot")),
    Edit("snapshot.position", "another", sql("UPDATE snapshot SET position=position-1")),
    Edit("snapshot.position", "ahead", sql("UPDATE snapshot SET position=position+1000")),
    Edit("snapshot.mac", "another", sql("UPDATE snapshot SET mac=?", b"m" * 32)),
    Edit(
        "snapshot.state",
        "another",
        sql("UPDATE snapshot SET state=CAST(replace(CAST(state AS TEXT), 'taken', 'live') AS BLOB)"),
    ),
    Edit("gate.one", "gone", sql("DELETE FROM gate")),
    Edit("gate.origin", "another", sql("UPDATE gate SET origin='elsewhere.example/acts'")),
    Edit("versions.version", "a later one", sql("INSERT INTO versions VALUES (99)")),
)

BESIDE = ("sessions.", "ceremonies.", "outbox.", "away.", "directory.")
"""Tables of what is no record; their edits are made all at once."""
ALL_BESIDE = Edit(
    "beside",
    "everything that is no record",
    lambda db: [edit.change(db) for edit in EDITS if edit.column.startswith(BESIDE)],
)
TRIED = (*(edit for edit in EDITS if not edit.column.startswith(BESIDE)), ALL_BESIDE)
REFUSED_AT_START = {"gate", "versions"}
"""What a gate does not start with."""


def _opened_by(db: sqlite3.Connection, person: str) -> None:
    names = [row[1] for row in db.execute("PRAGMA table_info(opened)")]
    said = ", ".join("?" if name == "person" else name for name in names)
    db.execute(f"INSERT INTO opened ({', '.join(names)}) SELECT {said} FROM opened", (person,))


def tampered_with(shop: Workshop, edit: Edit) -> None:
    with closing(sqlite3.connect(shop.path / "gate.db", isolation_level=None)) as db:
        db.execute("PRAGMA busy_timeout=5000")
        edit.change(db)
