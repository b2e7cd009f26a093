"""What the database's administrator makes of somebody's cookie: nothing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from armslength.console import console_app
from armslength.console.sessions import MOST_SESSIONS
from armslength.gate import PersonId
from armslength.service import SoftKey
from armslength.web import running
from tests.console.desk import Client, Desk, desk, signed_in


class Clock:
    """The console's, moved by hand."""

    by = 0.0

    def __call__(self) -> float:
        return time.time() + self.by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def here(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with desk(tmp_path / "gate", console_clock=clock, session_minutes=30, session_hours=1) as one:
        yield one


def sessions(here: Desk) -> list[tuple[object, ...]]:
    """The rows, by whoever can read the file."""
    with closing(sqlite3.connect(here.path / "gate.db")) as db:
        return db.execute("SELECT digest, person, made, seen, idle, ends FROM sessions").fetchall()


def edited(here: Desk, change: Callable[[sqlite3.Connection], object]) -> None:
    with closing(sqlite3.connect(here.path / "gate.db")) as db, db:
        change(db)


def put_back(here: Desk, rows: list[tuple[object, ...]]) -> None:
    edited(here, lambda db: db.executemany("INSERT OR REPLACE INTO sessions VALUES (?,?,?,?,?,?)", rows))
    assert {row[0] for row in rows} <= {row[0] for row in sessions(here)}


def another_key(here: Desk, person: str) -> SoftKey:
    """A second passkey of theirs, on another device."""
    key = SoftKey(seed=b"2" * 32, rp_id=here.gate.party.rp_id, origin=here.gate.settings.url)
    token = here.gate.invite(PersonId(person))
    invitation = here.gate.begin_enrolment(token)
    here.gate.found(here.gate.finish_enrolment(token, key.register(invitation.challenge).document()).id)
    return key


def test_a_sign_out_cannot_be_undone_in_the_database(here: Desk) -> None:
    """Somebody signs out on a borrowed computer; whoever took the cookie and keeps the database goes on as them."""
    client = signed_in(here, "ana")
    thief, rows = Client(here.url, jar=dict(client.jar)), sessions(here)
    assert thief.get("/requests")[0] == 200
    assert client.post("/sign-out", {"csrf": client.csrf("/ask")})[0] == 303
    put_back(here, rows)
    assert thief.get("/requests")[0] == 303
    put_back(here, rows)
    assert thief.post("/away/me", {"csrf": "x"})[0] == 303


@pytest.mark.parametrize(("seconds", "why"), [(31 * 60, "silence"), (61 * 60, "its hours")])
def test_no_row_makes_a_session_longer(here: Desk, clock: Clock, seconds: int, why: str) -> None:
    """Time is what ends the session of whoever never signs out."""
    client = signed_in(here, "ana")
    clock.by += seconds
    later = int(clock())
    edited(here, lambda db: db.execute("UPDATE sessions SET seen=?, idle=9999999, ends=ends + 9999999", (later,)))
    assert client.get("/requests")[0] == 303, why


def test_a_row_still_ends_a_session(here: Desk) -> None:
    """That is how a revoked passkey signs its person out."""
    client, other = signed_in(here, "ana"), signed_in(here, "bo")
    edited(here, lambda db: db.execute("DELETE FROM sessions WHERE person='ana'"))
    assert client.get("/requests")[0] == 303 and other.get("/requests")[0] == 200


def test_nor_does_a_row_bring_back_who_was_signed_out_by_a_revocation(here: Desk, clock: Clock) -> None:
    """Whoever stole one of two devices stays in, though its passkey was revoked."""
    another_key(here, "gus")
    client = signed_in(here, "gus")
    rows = sessions(here)
    here.gate.revoke_key(here.keys["gus"].credential, PersonId("gus"), "stolen")
    put_back(here, rows)
    assert client.get("/requests")[0] == 303


def test_who_keeps_a_passkey_signs_in_again(here: Desk, clock: Clock) -> None:
    """Losing one device must not lock out somebody who has another."""
    second = another_key(here, "gus")
    here.gate.revoke_key(here.keys["gus"].credential, PersonId("gus"), "lost")
    clock.by += 2
    client = Client(here.url)
    assert client.post("/sign-in", client.sign_in_fields(second))[0] == 303
    assert client.get("/requests")[0] == 200


def test_after_a_start_everybody_signs_in_again(tmp_path: Path) -> None:
    """What was signed out before is known to nobody any more, so nothing from before is taken."""
    with desk(tmp_path / "gate") as here:
        client, rows = signed_in(here, "ana"), sessions(here)
        with running(console_app(here.gate), quick=True) as url:
            again = Client(here.url, jar=dict(client.jar), port=int(url.rpartition(":")[2]))
            put_back(here, rows)
            assert again.get("/requests")[0] == 303
        assert client.get("/requests")[0] == 200


def test_one_person_has_so_many_sessions(here: Desk) -> None:
    """What is remembered of each is memory; and a session that was forgotten about somewhere is a way in."""
    clients = [signed_in(here, "ana") for _ in range(MOST_SESSIONS + 1)]
    assert clients[0].get("/requests")[0] == 303
    assert clients[1].get("/requests")[0] == clients[-1].get("/requests")[0] == 200
