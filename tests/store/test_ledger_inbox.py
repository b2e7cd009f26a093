"""The inbox: acts are handed over in order, each gate's newest of one id, and an answer takes out in the same moment
what it is the answer to, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from armslength.store import Answer, Inbox, LedgerFolder, Occupied, Sent, StorageFailed, Wakeups, open_log
from armslength.store.ledger_inbox import ANSWERED, ASKED
from armslength.store.postgresql_log import MOVED
from tests.service.ledgers import ledger_folder
from tests.store.places import ServerPlace
from tests.store.stores import ADA, Growth


@pytest.fixture
def folder(server: ServerPlace, tmp_path: Path) -> LedgerFolder:
    return ledger_folder(tmp_path / "ledger", log=server.dsn, keys=server.dsn, lock=server.dsn)


@pytest.fixture
def inbox(folder: LedgerFolder) -> Iterator[Inbox]:
    with closing(Inbox(folder)) as found:
        yield found


def acts(count: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in range(count)]


def taken(inbox: Inbox, act: bytes) -> Sent:
    """As a writer reads it."""
    return next(sent for sent in inbox.waiting(99) if sent.act == act)


def test_what_was_put_in_waits_in_its_order_until_it_is_answered(inbox: Inbox) -> None:
    """An act that is lost is one that somebody believes to be recorded."""
    for number, act in enumerate(acts(5)):
        inbox.put(act, "paris", b"body %d" % number, b"mac %d" % number)
    waiting = inbox.waiting(3)
    assert [(sent.act, sent.gate, sent.body, sent.mac) for sent in waiting] == [
        (act, "paris", b"body %d" % number, b"mac %d" % number) for number, act in enumerate(acts(3))
    ]
    assert [sent.number for sent in waiting] == sorted(sent.number for sent in waiting)
    first, second, _, fourth, _ = inbox.waiting(9)
    inbox.answer(second, b"done", b"mac 1")
    inbox.answer_many([(first, b"refused", b"mac 2"), (fourth, b"", b"")])
    assert [sent.act for sent in inbox.waiting(10)] == [acts(5)[2], acts(5)[4]]
    assert inbox.answers(acts(5)) == {
        act: Answer(act=act, body=body, mac=mac)
        for act, body, mac in [
            (acts(5)[0], b"refused", b"mac 2"),
            (acts(5)[1], b"done", b"mac 1"),
            (acts(5)[3], b"", b""),
        ]
    }
    assert inbox.answers([]) == {}
    inbox.answer_many([])


def test_what_a_gate_puts_in_anew_stands_in_the_place_of_its_own_and_of_its_answer(inbox: Inbox) -> None:
    """A no to the first try would be believed of the second, which is recorded."""
    (act,) = acts(1)
    inbox.put(act, "paris", b"body", b"mac")
    inbox.answer(taken(inbox, act), b"no", b"mac 1")
    inbox.put(act, "paris", b"another", b"mac 2")
    assert inbox.answers([act]) == {}
    before = taken(inbox, act)
    inbox.put(act, "paris", b"a third", b"mac 3")
    assert [(sent.number, sent.body) for sent in inbox.waiting(2)] == [(before.number, b"a third")], "its place is kept"
    with pytest.raises(Occupied, match=f"another gate has handed over an act as {act.hex()}"):
        inbox.put(act, "lyon", b"body", b"mac")
    inbox.forget([taken(inbox, act)])
    inbox.put(act, "lyon", b"body", b"mac")
    assert taken(inbox, act).gate == "lyon"


def test_an_answer_is_to_what_was_read_and_takes_nothing_else_out(inbox: Inbox) -> None:
    """What was put in meanwhile would wait for ever, and what was answered before would have another answer."""
    (act,) = acts(1)
    inbox.put(act, "paris", b"body", b"mac")
    first = taken(inbox, act)
    inbox.put(act, "paris", b"another", b"mac 2")
    inbox.answer(first, b"no", b"")
    inbox.forget([first])
    assert inbox.answers([act]) == {}
    second = taken(inbox, act)
    assert second.body == b"another"
    inbox.answer(second, b"no to this", b"")
    inbox.answer(first, b"no", b"")
    assert inbox.answers([act])[act].body == b"no to this"
    assert inbox.waiting(9) == ()


def test_what_is_done_with_is_forgotten_and_what_is_old_swept(inbox: Inbox, server: ServerPlace) -> None:
    """Nothing that nobody waits for may stay for ever."""
    for act in acts(4):
        inbox.put(act, "paris", b"body", b"mac")
    inbox.answer_many([(sent, b"done", b"") for sent in inbox.waiting(2)])
    inbox.forget([taken(inbox, acts(4)[2])])
    inbox.forget([])
    assert sorted(inbox.answers(acts(4))) == acts(4)[:2]
    assert [sent.act for sent in inbox.waiting(9)] == [acts(4)[3]]
    server.server.sql(
        "UPDATE ledger_log.answers SET at = at - interval '1 h';"
        "UPDATE ledger_log.inbox SET sent = sent - interval '1 h'"
    )
    inbox.put(acts(4)[2], "paris", b"body", b"mac")
    assert inbox.sweep(60.0) == 3
    assert inbox.sweep(60.0) == 0
    assert inbox.answers(acts(4)) == {}
    assert [sent.act for sent in inbox.waiting(9)] == [acts(4)[2]]


def test_many_gates_put_in_and_one_answers(folder: LedgerFolder, inbox: Inbox) -> None:
    """Every act is answered once, whoever asks while whoever answers."""
    gates, each = 4, 50
    problems: list[Exception] = []
    answered: set[bytes] = set()

    def ask(gate: int) -> None:
        try:
            with closing(Inbox(folder)) as mine:
                for number in range(each):
                    mine.put(bytes([gate, number]) * 8, f"gate{gate}", b"body", b"mac")
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=ask, args=(gate,)) for gate in range(gates)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 20
    while len(answered) < gates * each and time.monotonic() < until:
        waiting = inbox.waiting(64)
        assert not answered & {sent.act for sent in waiting}
        answered |= {sent.act for sent in waiting}
        inbox.answer_many([(sent, b"done", b"") for sent in waiting])
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(inbox.answers(sorted(answered))) == gates * each


def test_who_waits_is_woken_by_what_happens(folder: LedgerFolder, inbox: Inbox) -> None:
    """A second for every act would be a second for everybody who waits for an approval."""
    with closing(Wakeups(folder, ASKED, ANSWERED)) as wakeups, closing(Wakeups(folder, MOVED)) as moved:
        begun = time.monotonic()
        assert not wakeups.wait(0.2)
        assert 0.2 <= time.monotonic() - begun < 2
        inbox.put(acts(1)[0], "paris", b"body", b"mac")
        assert wakeups.wait(5)
        assert not wakeups.wait(0)
        timer = threading.Timer(0.2, inbox.answer, (taken(inbox, acts(1)[0]), b"done", b""))
        timer.start()
        begun = time.monotonic()
        assert wakeups.wait(10)
        assert time.monotonic() - begun < 3
        timer.join()
        assert not moved.wait(0.05)
        with open_log(folder, writing=True) as log:
            log.write(Growth().next([ADA]))
        assert moved.wait(5)


def test_a_wait_whose_connection_breaks_is_a_failure_and_the_next_one_waits_again(
    folder: LedgerFolder, inbox: Inbox, server: ServerPlace
) -> None:
    """Whoever waits on a dead connection would be woken by nothing, and would not know."""
    with closing(Wakeups(folder)) as wakeups:
        assert not wakeups.wait(0)
        server.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT 1'")
        with pytest.raises(StorageFailed):
            wakeups.wait(5)
        wakeups.wait(0)
        inbox.put(acts(1)[0], "paris", b"body", b"mac")
        assert wakeups.wait(5)
