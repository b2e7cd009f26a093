"""What the database holds that is no record, and would be believed all the same by whoever reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from starlette.requests import Request

from armslength.console.sessions import Sessions
from armslength.gate import PersonId, Rejected
from armslength.tlog import format_base64url
from tests.gate_model.edits import Edit, sql, tampered_with
from tests.gate_model.scene import asked, scene
from tests.gate_model.workshop import Workshop


@pytest.fixture
def sessions(copied: Workshop) -> Iterator[Sessions]:
    gate = copied.open()
    yield Sessions(gate.database, key=gate.derived("sessions"), https=False, idle=600, longest=3600)
    copied.close()


def browser(sessions: Sessions, cookie: str, secret: bytes) -> Request:
    """A request of whoever holds this secret."""
    return Request({"type": "http", "headers": [(b"cookie", f"{cookie}={format_base64url(secret)}".encode())]})


def test_nobody_is_signed_in_by_a_row(copied: Workshop, sessions: Sessions) -> None:
    """Who writes sessions into the database would ask as anybody, and their own exposures would not be seen."""
    now = int(copied.clock.now)
    mine = sessions.open(PersonId("ana"), now=now)
    assert sessions.of(browser(sessions, sessions.cookie, mine), now=now) is not None
    made_up = bytes(range(32))
    row = (hashlib.sha256(made_up).digest(), "bo", now, now, 600, now + 600)
    tampered_with(
        copied,
        Edit(
            "sessions",
            "",
            lambda db: (
                db.execute("UPDATE sessions SET person='bo'"),
                db.execute("INSERT INTO sessions (digest, person, made, seen, idle, ends) VALUES (?,?,?,?,?,?)", row),
            ),
        ),
    )
    for secret in (mine, made_up):
        assert sessions.of(browser(sessions, sessions.cookie, secret), now=now) is None


def test_an_approval_signs_nobody_in(copied: Workshop, sessions: Sessions) -> None:
    """Approvers' signatures lie in the database; whoever could choose the challenge of a sign-in would be them."""
    now = int(copied.clock.now)
    secret, challenge = sessions.begin(now=now)
    mine = browser(sessions, sessions.visit_cookie, secret)
    sessions.finish(mine, now=now)
    approved = copied.gate.request(scene().waiting).request.challenge()
    tampered_with(copied, Edit("ceremonies", "", sql("UPDATE ceremonies SET doc=? WHERE kind='sign-in'", approved)))
    assert sessions.challenge(mine, now=now) == challenge != approved
    with pytest.raises(Rejected):
        sessions.finish(mine, now=now)


def test_a_customers_link_goes_to_nobody_else(copied: Workshop) -> None:
    """With it, whoever changes a notice would say yes in the customer's name."""
    gate = copied.open()
    try:
        request = asked(copied, "bo", "export", "asset:records", customers=("acme",)).request
        link = gate.voice_token(request.id, "acme")
        tampered_with(copied, Edit("outbox", "", sql("UPDATE outbox SET person='ana' WHERE mark LIKE '%customer=%'")))
        strays = sql(
            "INSERT INTO outbox (mark, kind, person, body, made, due, tries) SELECT mark || 'x', 'waiting', 'ana',"
            " body, made, due, 0 FROM outbox WHERE mark LIKE '%customer=%'"
        )
        tampered_with(copied, Edit("outbox", "", strays))
        sent = copied.deliver()
        assert [whom for whom, text in sent if link in text] == ["acme"]
    finally:
        copied.close()
