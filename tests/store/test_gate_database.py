"""A gate's database: of two who race one wins, what was said to be kept is kept, and what was tampered with is
found."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armslength.store import (
    Away,
    Ceremony,
    Damaged,
    GateDatabase,
    GateRow,
    GateSnapshot,
    Overtaken,
    Remembered,
    RowClaim,
    RowColumns,
    Session,
    StorageFailed,
    StoreError,
)
from tests.store.gate_places import ORIGIN, GatePlace

NOW = 1_800_000_000
ACT, OTHER = b"a" * 16, b"b" * 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gate.db"


@pytest.fixture
def database(gate_place: GatePlace) -> Iterator[GateDatabase]:
    with closing(gate_place.open(create=True)) as made:
        yield made


@pytest.fixture
def filed(path: Path) -> Iterator[GateDatabase]:
    """In a file, for what is true of files."""
    with closing(GateDatabase(path, origin=ORIGIN, create=True)) as made:
        yield made


def row(id: str = "one", *, kind: str = "request", version: int = 1, word: str = "made", due: int = NOW) -> GateRow:
    columns = RowColumns(person="ana", status=word, due=due)
    return GateRow(kind=kind, id=id, version=version, doc=word.encode(), columns=columns)


def insert(database: GateDatabase, *rows: GateRow) -> None:
    with database.writing() as tables:
        for each in rows:
            tables.rows.insert(each)


def read(database: GateDatabase, id: str = "one", kind: str = "request") -> GateRow | None:
    with database.reading() as tables:
        return tables.rows.read(kind, id)


def claim(database: GateDatabase, act: bytes, *, version: int = 1, at: int = NOW) -> None:
    database.change(lambda tables: tables.rows.claim("request", "one", version=version, act=act, at=at))


def settle(database: GateDatabase, act: bytes | None, *, version: int = 1, word: str = "changed") -> None:
    after = row(version=version + 1, word=word)
    database.change(
        lambda tables: tables.rows.settle(
            "request", "one", version=version, act=act, doc=after.doc, becomes=after.version, columns=after.columns
        )
    )


# Rows


def test_an_object_goes_from_version_to_version(database: GateDatabase) -> None:
    """A gate would answer from an older state than the one it recorded."""
    assert read(database) is None
    insert(database, row())
    assert read(database) == row()
    claim(database, ACT)
    assert read(database) == replace(row(), claim=ACT)
    with database.reading() as tables:
        assert tables.rows.claims() == (RowClaim(kind="request", id="one", act=ACT, at=NOW),)
    settle(database, ACT)
    assert read(database) == row(version=2, word="changed")
    settle(database, None, version=2, word="again")
    assert read(database) == row(version=3, word="again")


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda database: insert(database, row(version=5)), "there is a request one already"),
        (lambda database: claim(database, ACT, version=2), "the request one is no longer at version 2"),
        (lambda database: claim(database, OTHER), "another operation is under way on the request one"),
        (lambda database: settle(database, OTHER), "another operation is under way on the request one"),
        (lambda database: settle(database, None), "another operation is under way on the request one"),
        (lambda database: settle(database, ACT, version=3), "the request one is no longer at version 3"),
    ],
)
def test_whoever_comes_second_changes_nothing(
    database: GateDatabase, attempt: Callable[[GateDatabase], None], said: str
) -> None:
    """A request that was declined meanwhile would still become a lease."""
    insert(database, row())
    claim(database, ACT)
    with pytest.raises(Overtaken, match=said):
        attempt(database)
    assert read(database) == replace(row(), claim=ACT)


def test_what_is_not_there_cannot_be_claimed_or_settled(database: GateDatabase) -> None:
    """A lease whose row somebody deleted would be used on."""
    for attempt in (lambda: claim(database, ACT), lambda: settle(database, ACT)):
        with pytest.raises(Overtaken, match="there is no request one"):
            attempt()


def test_a_claim_is_claimed_again_by_its_own_act_and_ended_by_it_alone(database: GateDatabase) -> None:
    """An operation that is tried again would lock itself out; one that fails would free what another holds."""
    insert(database, row())
    claim(database, ACT)
    claim(database, ACT, at=NOW + 5)
    release = lambda act: database.change(lambda tables: tables.rows.release("request", "one", act=act))  # noqa: E731
    assert not release(OTHER)
    assert read(database) == replace(row(), claim=ACT)
    assert release(ACT)
    assert not release(ACT)
    claim(database, OTHER)


def test_of_many_who_claim_at_once_one_wins(database: GateDatabase) -> None:
    """Two approvals that complete two quorums at once would make two leases."""
    insert(database, row())
    start = threading.Barrier(16)

    def attempt(number: int) -> bytes | None:
        act = bytes([number]) * 16
        start.wait()
        try:
            claim(database, act)
        except Overtaken:
            return None
        return act

    with ThreadPoolExecutor(16) as pool:
        won = [act for act in pool.map(attempt, range(16)) if act is not None]
    assert len(won) == 1
    assert read(database) == replace(row(), claim=won[0])


def test_two_programs_race_as_two_threads_do(gate_place: GatePlace, database: GateDatabase) -> None:
    """A second gate on the same file would take no heed of the first."""
    insert(database, row())
    with closing(gate_place.open()) as second:
        claim(second, ACT)
        with pytest.raises(Overtaken):
            claim(database, OTHER)
        assert read(database) == replace(row(), claim=ACT)


def test_rows_are_found_by_person_status_and_time(database: GateDatabase) -> None:
    """A lease that has to end would be overlooked."""
    bo = RowColumns(person="bo", status="live", due=NOW + 5)
    rows = [
        row("one", due=NOW + 9),
        row("two", due=NOW + 3),
        replace(row("three"), columns=bo),
        replace(row("four"), columns=RowColumns()),
        row("one", kind="lease"),
    ]
    insert(database, *rows)
    with database.reading() as tables:
        find = tables.rows.find
        assert [each.id for each in find("request")] == ["two", "three", "one", "four"]
        assert [each.id for each in find("request", person="ana")] == ["two", "one"]
        assert [each.id for each in find("request", status="live")] == ["three"]
        assert [each.id for each in find("request", due=NOW + 5)] == ["two", "three"]
        assert [each.id for each in find("request", due=NOW + 5, person="ana")] == ["two"]
        assert [each.id for each in find("request", limit=1)] == ["two"]
        assert list(tables.rows.all("request")) == sorted(rows[:4], key=lambda each: each.id)
        assert (tables.rows.count("request"), tables.rows.count("key")) == (4, 0)
        assert tables.rows.kinds() == {"request", "lease"}


def test_rows_are_written_again_where_they_differ_and_only_there(gate_place: GatePlace, database: GateDatabase) -> None:
    """A start would leave what somebody wrote into the database, or not tell that there was something."""
    wanted = [row(str(number)) for number in range(6)]
    insert(database, *wanted)
    tampered = [
        "UPDATE rows SET doc=x'00' WHERE id='0'",
        "UPDATE rows SET version=9 WHERE id='1'",
        "UPDATE rows SET person='eve' WHERE id='2'",
        "UPDATE rows SET due=NULL WHERE id='3'",
        "DELETE FROM rows WHERE id='4'",
    ]
    with database.writing() as tables:
        for statement in tampered:
            tables.rows._db.exec_driver_sql(gate_place.said(statement))
    with database.writing() as tables:
        assert tables.rows.put_many(wanted) == len(tampered)
        assert tables.rows.put_many(wanted) == 0
        assert tables.rows.put_many([]) == 0
        assert list(tables.rows.all("request")) == wanted
    database.change(lambda tables: tables.rows.claim("request", "5", version=1, act=ACT, at=NOW))
    with database.writing() as tables:
        assert tables.rows.put_many(wanted) == 1  # the claim of whoever was here before
        assert tables.rows.claims() == ()
        assert tables.rows.delete("request", [str(number) for number in range(1200)]) == 6
        assert tables.rows.count("request") == 0


@given(
    words=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20), max_size=5),
    doc=st.binary(max_size=50),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_and_bytes_come_back_as_they_were(database: GateDatabase, words: list[str], doc: bytes) -> None:
    """An id or a document in another spelling would be tampering, or pass for what it is not."""
    rows = [
        GateRow(kind="k", id=id, version=1, doc=doc, columns=RowColumns(person=id, status=id))
        for id in dict.fromkeys(words)
    ]
    with database.writing() as tables:
        tables.rows.delete("k", tables.rows.ids("k"))
    insert(database, *rows)
    for each in rows:
        assert read(database, each.id, "k") == each
    with database.reading() as tables:
        assert list(tables.rows.all("k")) == sorted(rows, key=lambda each: each.id)


# Transactions


def test_what_is_raised_undoes_what_was_done(database: GateDatabase) -> None:
    """Half of an operation would be there."""

    class Odd(Exception):
        pass

    def fails(database: GateDatabase) -> None:
        with database.writing() as tables:
            tables.rows.insert(row())
            raise Odd

    with pytest.raises(Odd):
        fails(database)

    def work(tables: object) -> None:
        tables.rows.insert(row())  # type: ignore[attr-defined]
        raise Odd

    with pytest.raises(Odd):
        database.change(work)
    assert read(database) is None


def test_one_that_fails_takes_nobody_along(database: GateDatabase) -> None:
    """Whoever sends nonsense at the same moment would undo another's approval."""
    inside, held = threading.Event(), threading.Event()

    def hold() -> None:
        with database.writing():
            inside.set()
            held.wait(10)

    def attempt(number: int) -> str | None:
        wrong = replace(row(str(number)), version=0)  # refused by the table itself
        made = row("0") if number % 4 == 1 else wrong if number % 4 == 2 else row(str(number))
        try:
            database.change(lambda tables: tables.rows.insert(made))
        except StoreError as error:
            return type(error).__name__
        return None

    with ThreadPoolExecutor(41) as pool:
        holding = pool.submit(hold)
        inside.wait(10)
        outcomes = [pool.submit(attempt, number) for number in range(40)]
        held.set()
        holding.result()
        said = [each.result() for each in outcomes]
    assert [said[number] for number in range(40) if number % 4 == 2] == ["Damaged"] * 10
    assert [said[number] for number in range(1, 40) if number % 4 in (0, 3)] == [None] * 19
    same = [said[0], *(said[number] for number in range(1, 40, 4))]
    assert (same.count(None), same.count("Overtaken")) == (1, 10)
    with database.reading() as tables:
        there = {each.id for each in tables.rows.all("request")}
    assert there == {"0"} | {str(number) for number in range(40) if number % 4 in (0, 3)}


def test_readers_see_one_moment_while_others_write(database: GateDatabase) -> None:
    """A check of several rows would compare those of one moment with those of another."""
    insert(database, row())
    with database.reading() as tables:
        before = tables.rows.read("request", "one")
        settle(database, None)
        assert tables.rows.read("request", "one") == before
    assert read(database) == row(version=2, word="changed")


def test_a_reader_changes_nothing(database: GateDatabase) -> None:
    """A change outside the one writer would not be durable when it is said to be."""

    def attempt() -> None:
        with database.reading() as tables:
            tables.rows.insert(row())

    with pytest.raises(StorageFailed, match="read-?only"):
        attempt()
    assert read(database) is None


def test_many_threads_read_and_write(database: GateDatabase) -> None:
    """Under load a gate would mix up two people's answers."""

    def work(number: int) -> bool:
        mine = row(str(number), word=f"word {number}")
        database.change(lambda tables: tables.rows.insert(mine))
        for version in range(1, 11):
            after = row(str(number), version=version + 1, word=f"{number} at {version}")
            database.change(
                lambda tables, after=after: tables.rows.settle(  # type: ignore[misc]
                    "request",
                    str(number),
                    version=after.version - 1,
                    act=None,
                    doc=after.doc,
                    becomes=after.version,
                    columns=after.columns,
                )
            )
            if read(database, str(number)) != after:
                return False
        return True

    with ThreadPoolExecutor(24) as pool:
        assert all(pool.map(work, range(48)))


# Evidence


def test_evidence_is_known_by_its_bytes(database: GateDatabase) -> None:
    """An approver would be shown another document than the one they sign for."""
    with database.writing() as tables:
        digest = tables.evidence.put("text/plain", b"why", at=NOW)
        assert digest == hashlib.sha256(b"why").digest()
        assert tables.evidence.put("text/html", b"why", at=NOW + 9) == digest
        found = tables.evidence.get(digest)
        assert found is not None
        assert (found.media_type, found.data, tables.evidence.size(digest)) == ("text/plain", b"why", 3)
        assert (tables.evidence.get(bytes(32)), tables.evidence.size(bytes(32))) == (None, None)


def test_evidence_that_was_changed_is_not_shown(gate_place: GatePlace, database: GateDatabase) -> None:
    """A forged packet is how reviewers were deceived before."""
    with database.writing() as tables:
        digest = tables.evidence.put("text/plain", b"why", at=NOW)
        tables.rows._db.exec_driver_sql(gate_place.said("UPDATE evidence SET data=x'00'"))
    with database.reading() as tables, pytest.raises(Damaged, match="no longer the document that was put in"):
        tables.evidence.get(digest)


def test_evidence_that_no_request_names_is_swept(database: GateDatabase) -> None:
    """What somebody uploads and forgets would stay for ever, or what a request names would go."""
    with database.writing() as tables:
        loose, kept, fresh = (tables.evidence.put("text/plain", data, at=NOW) for data in (b"1", b"2", b"3"))
        tables.evidence.keep([kept])
        tables.evidence.put("text/plain", b"3", at=NOW + 9)
        assert tables.evidence.sweep(before=NOW + 5) == 1
        assert [tables.evidence.size(each) for each in (loose, kept, fresh)] == [None, 1, 1]
        with pytest.raises(Overtaken, match="there is no evidence"):
            tables.evidence.keep([kept, loose])


def test_who_opened_what_is_known_for_each_request(database: GateDatabase) -> None:
    """Somebody could approve what they have not seen, because they saw it elsewhere or another did."""
    with database.writing() as tables:
        one, two = (tables.evidence.put("text/plain", data, at=NOW) for data in (b"1", b"2"))
        for _ in range(2):
            tables.evidence.open("req_1", "ana", one, at=NOW)
        tables.evidence.open("req_2", "ana", two, at=NOW)
        tables.evidence.open("req_1", "bo", two, at=NOW)
        assert tables.evidence.opened("req_1", "ana") == {one}
        assert tables.evidence.opened("req_3", "ana") == frozenset()
        with pytest.raises(Overtaken):
            tables.evidence.open("req_1", "ana", bytes(32), at=NOW)
        assert tables.evidence.drop([one, bytes(32)]) == 1
        assert tables.evidence.opened("req_1", "ana") == frozenset()


def test_what_is_dropped_is_nowhere_any_more(path: Path, filed: GateDatabase) -> None:
    """An erasure would leave the document on the disk, for whoever takes a copy."""
    mark = b"Marker4711" * 500
    digest = filed.change(lambda tables: tables.evidence.put("text/plain", mark, at=NOW))
    filed.change(lambda tables: tables.rows.insert(replace(row(), doc=mark)))
    filed.change(lambda tables: tables.evidence.drop([digest]))
    settle(filed, None)
    with filed.reading():
        filed.purge()  # somebody reads: it does what it can
    filed.purge()
    assert read(filed) == row(version=2, word="changed")
    assert not [each.name for each in path.parent.iterdir() if b"Marker4711" in each.read_bytes()]


# Idempotency


def test_the_same_key_gets_the_same_answer(database: GateDatabase) -> None:
    """A caller whose connection broke would make its request twice."""
    body, other = b"1" * 32, b"2" * 32
    first = Remembered(body=body, answer="req_1")
    with database.writing() as tables:
        remember = tables.idempotency.remember
        assert tables.idempotency.recall("web", "k", now=NOW) is None
        assert remember("web", "k", body=body, answer="req_1", now=NOW, ends=NOW + 10) == first
        assert remember("web", "k", body=body, answer="req_2", now=NOW + 9, ends=NOW + 99) == first
        assert remember("web", "k", body=other, answer="req_3", now=NOW + 9, ends=NOW + 99) == first
        assert remember("app", "k", body=other, answer="req_4", now=NOW, ends=NOW + 99).answer == "req_4"
        assert tables.idempotency.recall("web", "k", now=NOW + 9) == first
        assert tables.idempotency.recall("web", "k", now=NOW + 10) is None
        assert remember("web", "k", body=other, answer="req_5", now=NOW + 10, ends=NOW + 20).answer == "req_5"
        tables.idempotency.forget("web", "k")
        assert tables.idempotency.recall("web", "k", now=NOW + 10) is None
        assert tables.idempotency.sweep(now=NOW + 98) == 0
        assert tables.idempotency.sweep(now=NOW + 99) == 1


# Sessions and ceremonies


def test_a_session_ends_with_its_time_and_with_silence(database: GateDatabase) -> None:
    """Whoever finds a browser that was left open would approve in another's name."""
    digest = hashlib.sha256(b"secret").digest()
    with database.writing() as tables:
        made = tables.sessions.create(digest, "ana", now=NOW, idle=60, ends=NOW + 100)
        assert made == Session(digest=digest, person="ana", made=NOW, seen=NOW, idle=60, ends=NOW + 100)
        assert tables.sessions.read(digest, now=NOW + 59) == made
        assert tables.sessions.read(digest, now=NOW + 60) is None
        assert not tables.sessions.touch(digest, now=NOW + 60)
        assert tables.sessions.touch(digest, now=NOW + 59)
        assert tables.sessions.touch(digest, now=NOW + 10)  # of two requests at once the later one counts
        assert tables.sessions.read(digest, now=NOW + 99) == replace(made, seen=NOW + 59)
        assert tables.sessions.touch(digest, now=NOW + 99)
        assert tables.sessions.read(digest, now=NOW + 100) is None
        assert not tables.sessions.touch(digest, now=NOW + 100)
        with pytest.raises(Overtaken):
            tables.sessions.create(digest, "eve", now=NOW, idle=60, ends=NOW + 100)
        assert (tables.sessions.sweep(now=NOW + 99), tables.sessions.sweep(now=NOW + 100)) == (0, 1)


def test_sessions_are_ended_one_by_one_and_all_at_once(database: GateDatabase) -> None:
    """A person whose key was stolen would stay signed in on the thief's machine."""
    with database.writing() as tables:
        for number, person in enumerate(["ana", "ana", "bo", "ana"]):
            tables.sessions.create(bytes([number]) * 32, person, now=NOW + number, idle=60, ends=NOW + 100)
        assert [each.digest[0] for each in tables.sessions.of("ana", now=NOW + 5)] == [3, 1, 0]
        assert tables.sessions.end(bytes([1]) * 32)
        assert not tables.sessions.end(bytes([1]) * 32)
        assert tables.sessions.end_all("ana") == 2
        assert tables.sessions.of("ana", now=NOW + 5) == ()
        assert len(tables.sessions.of("bo", now=NOW + 5)) == 1


def test_what_is_begun_is_finished_once(database: GateDatabase) -> None:
    """A challenge or an enrolment link that was seen by others would work for them as well."""
    begun = Ceremony(kind="sign-in", person=None, doc=b"{}", ends=NOW + 10)
    one, two = b"1" * 32, b"2" * 32
    with database.writing() as tables:
        tables.ceremonies.begin(one, begun)
        tables.ceremonies.begin(two, replace(begun, person="ana"))
        with pytest.raises(Overtaken):
            tables.ceremonies.begin(one, begun)
        assert tables.ceremonies.look(one, "sign-in", now=NOW) == begun
        assert tables.ceremonies.take(one, "enrol", now=NOW) is None
        assert tables.ceremonies.take(one, "sign-in", now=NOW + 9) == begun
        assert tables.ceremonies.take(one, "sign-in", now=NOW + 9) is None
        assert tables.ceremonies.take(two, "sign-in", now=NOW + 10) is None
        assert tables.ceremonies.sweep(now=NOW + 10) == 0  # taking it too late ended it
        tables.ceremonies.begin(one, begun)
        assert tables.ceremonies.sweep(now=NOW + 10) == 1


def test_of_two_who_finish_at_once_one_does(database: GateDatabase) -> None:
    """A stolen link would enrol the thief's key beside the person's."""
    database.change(
        lambda tables: tables.ceremonies.begin(b"1" * 32, Ceremony(kind="enrol", person="ana", doc=b"", ends=NOW + 10))
    )

    def take(_: int) -> bool:
        return database.change(lambda tables: tables.ceremonies.take(b"1" * 32, "enrol", now=NOW)) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1


# Outbox


def test_a_notice_is_sent_once_and_tried_until_it_is(database: GateDatabase) -> None:
    """Those concerned would not learn of an emergency access, or be told again with each start."""
    with database.writing() as tables:
        box = tables.outbox
        assert box.add("lease_1", "break-glass", b"{}", at=NOW)
        assert not box.add("lease_1", "break-glass", b"{}", at=NOW + 9)
        assert box.add("lease_2", "lease", b"{}", at=NOW + 1, person="ana")
        assert box.take(now=NOW - 1, again=NOW + 60) == ()
        first, second = box.take(now=NOW + 1, again=NOW + 60)
        assert (first.mark, first.tries, first.sent, second.person) == ("lease_1", 0, False, "ana")
        assert box.take(now=NOW + 1, again=NOW + 60) == ()
        assert box.waiting() == 2
        box.sent(first.number, at=NOW + 2, seal=b"seal")
        box.failed(second.number, "no answer " * 100, again=NOW + 30)
        assert box.waiting() == 1
        (again,) = box.take(now=NOW + 30, again=NOW + 90)
        assert (again.mark, again.tries, again.sent) == ("lease_2", 1, False)
        assert again.problem is not None
        assert len(again.problem) == 500
        box.failed(again.number, "given up", again=None)
        assert box.take(now=NOW + 999, again=NOW + 9999) == ()
        (told,) = box.newest(person="ana")
        assert (told.problem, told.sent, told.tries) == ("given up", False, 2)
        assert [(each.mark, each.sent_at, each.seal) for each in box.newest(person=None)] == [
            ("lease_1", NOW + 2, b"seal")
        ]
        assert not box.add("lease_1", "break-glass", b"{}", at=NOW + 99)
        assert (box.sweep(before=NOW), box.sweep(before=NOW + 2)) == (0, 2)


def test_notices_that_nobody_finished_are_given_again(database: GateDatabase) -> None:
    """A program that ends while it sends would lose them."""
    with database.writing() as tables:
        tables.outbox.add("one", "lease", b"{}", at=NOW)
        taken = tables.outbox.take(now=NOW, again=NOW + 60)
        assert tables.outbox.take(now=NOW + 59, again=NOW + 120) == ()
        (again,) = tables.outbox.take(now=NOW + 60, again=NOW + 120)
        assert (again.number, again.tries) == (taken[0].number, 1)


# Away, snapshot


def test_who_is_away_is_away_for_that_time(database: GateDatabase) -> None:
    """People would be asked who cannot answer, and the request lapse."""
    with database.writing() as tables:
        tables.away.put(Away(person="ana", start=NOW, ends=NOW + 10, by="ana"))
        tables.away.put(Away(person="bo", start=NOW + 5, ends=None, by="eve"))
        assert [tables.away.at(NOW + more) for more in (-1, 0, 5, 10)] == [set(), {"ana"}, {"ana", "bo"}, {"bo"}]
        tables.away.put(Away(person="bo", start=NOW + 9, ends=NOW + 99, by="bo"))
        assert tables.away.at(NOW + 5) == {"ana"}
        assert [(each.person, each.by) for each in tables.away.all()] == [("ana", "ana"), ("bo", "bo")]
        assert tables.away.back("bo")
        assert not tables.away.back("bo")
        assert (tables.away.sweep(now=NOW + 9), tables.away.sweep(now=NOW + 10)) == (0, 1)


def test_there_is_one_snapshot_the_newest(database: GateDatabase) -> None:
    """A start would read more of the ledger than it has to, or the file grow without end."""
    with database.writing() as tables:
        assert tables.snapshots.read() is None
        for position in (5, 9):
            tables.snapshots.write(GateSnapshot(position=position, mac=b"mac", state=b"state"))
        assert tables.snapshots.read() == GateSnapshot(position=9, mac=b"mac", state=b"state")
        tables.snapshots.drop()
        assert tables.snapshots.read() is None


# The file


def test_only_the_owner_may_read_it(path: Path, filed: GateDatabase) -> None:
    """Evidence and sessions are in it."""
    insert(filed, row())
    for each in path.parent.iterdir():
        assert each.stat().st_mode & 0o077 == 0, each


def test_it_is_made_once_and_belongs_to_one_gate(path: Path, filed: GateDatabase) -> None:
    """A mistyped path would put two gates into one database, or an empty one in a gate's place."""
    with pytest.raises(StoreError, match="is there already"):
        GateDatabase(path, origin=ORIGIN, create=True)
    with pytest.raises(StoreError, match=f"of the gate '{ORIGIN}'; expected that of 'other.example.com'"):
        GateDatabase(path, origin="other.example.com")
    with pytest.raises(StorageFailed, match="unable to open"):
        GateDatabase(path.with_name("none.db"), origin=ORIGIN)
    assert not path.with_name("none.db").exists()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 300, None])
def test_a_file_of_another_program_is_refused_and_left_alone(path: Path, content: bytes | None) -> None:
    """A mistyped path would destroy it."""
    if content is None:
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE theirs (one)")
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(Damaged):
        GateDatabase(path, origin=ORIGIN)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER quiet AFTER UPDATE ON rows BEGIN UPDATE rows SET status='live'; END",
        "CREATE VIEW shown AS SELECT * FROM rows",
        "DROP INDEX outbox_by_mark",
        "ALTER TABLE sessions ADD COLUMN more TEXT",
        "DROP TABLE away",
    ],
)
def test_tables_that_were_changed_are_refused(path: Path, filed: GateDatabase, statement: str) -> None:
    """A trigger in the database would undo a revocation whenever nobody looks."""
    filed.close()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(statement)
    with pytest.raises(Damaged, match="differs from what a gate makes, or is missing"):
        GateDatabase(path, origin=ORIGIN)


def test_a_look_by_the_administrator_is_no_change(path: Path, filed: GateDatabase) -> None:
    """A gate would not start after routine care of its database."""
    insert(filed, row())
    filed.close()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("ANALYZE")
    with closing(GateDatabase(path, origin=ORIGIN)) as again:
        assert read(again) == row()
        assert again.integrity() == []


def test_a_damaged_file_is_said_to_be(path: Path, filed: GateDatabase) -> None:
    """A gate would decide on whatever is left."""
    insert(filed, *(row(str(number), word="x" * 500) for number in range(500)))
    filed.close()
    data = bytearray(path.read_bytes())
    data[8192 : len(data) - 4096] = os.urandom(len(data) - 4096 - 8192)
    path.write_bytes(data)

    def everything() -> None:
        with closing(GateDatabase(path, origin=ORIGIN)) as again, again.reading() as tables:
            list(tables.rows.all("request"))

    with pytest.raises(Damaged):
        everything()


def test_rows_of_another_type_are_damage(path: Path) -> None:
    """A number in the place of a document would end in an error that nobody expects."""
    with closing(GateDatabase(path, origin=ORIGIN, create=True)) as filed:
        insert(filed, row())
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("PRAGMA writable_schema=ON")
            other.execute("UPDATE sqlite_schema SET sql=replace(sql, ') STRICT', ')') WHERE name='rows'")
            other.execute("PRAGMA schema_version=999")
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE rows SET doc=7")
        with pytest.raises(Damaged, match="holds values of another type than written"):
            read(filed)


def test_a_lock_held_by_another_is_a_failure_that_may_pass(path: Path, filed: GateDatabase) -> None:
    """A backup that takes long would bring the gate down, or have it answer as if it had written."""
    with filed.writing() as tables:
        tables.rows._db.exec_driver_sql("PRAGMA busy_timeout=50")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageFailed, match="locked"):
            filed.change(lambda tables: tables.rows.insert(row()))
        other.execute("ROLLBACK")
    filed.change(lambda tables: tables.rows.insert(row()))
    assert read(filed) == row()


def test_a_full_disk_is_a_failure_that_leaves_what_was_there(path: Path, filed: GateDatabase) -> None:
    """A gate on a full disk would lose what it said it had kept."""
    insert(filed, row())
    with filed.writing() as tables:
        tables.rows._db.exec_driver_sql("PRAGMA max_page_count=50")

    def put() -> None:
        for number in range(200):
            data = str(number).encode() * 5000
            filed.change(lambda tables: tables.evidence.put("text/plain", data, at=NOW))  # noqa: B023

    with pytest.raises(StorageFailed, match="full"):
        put()
    assert read(filed) == row()
    claim(filed, ACT)
    assert filed.integrity() == []


def test_what_was_changed_survives_being_killed(path: Path) -> None:
    """A lease would be gone after a crash, and a revocation with it."""
    program = f"""
import sys
from pathlib import Path
from armslength.store import GateDatabase, GateRow
database = GateDatabase(Path({str(path)!r}), origin={ORIGIN!r}, create=True)
for number in range(10**6):
    database.change(lambda tables: tables.rows.insert(GateRow(kind="k", id=str(number), version=1, doc=b"x")))
    print(number, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        said = -1
        for line in running.stdout:
            said = int(line)
            if said >= 60:
                running.send_signal(signal.SIGKILL)
                break
        rest = running.stdout.read().split()
        said = int(rest[-1]) if rest else said
    with closing(GateDatabase(path, origin=ORIGIN)) as again, again.reading() as tables:
        there = tables.rows.count("k")
    assert said + 1 <= there <= said + 2


def test_a_copy_of_the_file_is_the_whole_of_it_once_closed(path: Path, filed: GateDatabase, tmp_path: Path) -> None:
    """A backup of the file alone would lack the newest changes."""
    insert(filed, row())
    filed.close()
    assert [each.name for each in path.parent.iterdir()] == ["gate.db"]
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    with closing(GateDatabase(copy, origin=ORIGIN)) as again:
        assert read(again) == row()
