"""Whoever administers the database that gates share, and has no key of theirs: what they do stops the gates at most."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from armslength.gate import Refused, Used
from armslength.service import Redeemed, shared_leading
from armslength.tlog import Edge, leaf_hash
from tests.gate_shared.pair import Pair, ledger_of
from tests.gate_shared.server import until
from tests.gate_shared.test_races import lent, recorded, use


def sql(pair: Pair, text: str, database: str = "log") -> str:
    return pair.server.sql(text, f"{pair.name}_{database}")


@pytest.fixture
def copied(pair: Pair) -> Iterator[Pair]:
    """What lies in the inbox is kept in a table of the administrator's own."""
    sql(pair, "CREATE TABLE public.kept AS SELECT act, gate, body, mac FROM ledger_log.inbox WHERE false")
    sql(
        pair,
        "CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO public.kept VALUES (NEW.act, NEW.gate, NEW.body, NEW.mac); RETURN NEW; END'",
    )
    sql(
        pair,
        "CREATE TRIGGER keep AFTER INSERT ON ledger_log.inbox FOR EACH ROW EXECUTE FUNCTION public.keep()",
    )
    yield pair


def test_an_act_that_was_handed_over_before_is_not_recorded_again(copied: Pair) -> None:
    pair = copied
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    follower = pair.gates[pair.other()]
    assert isinstance(use(follower, lease, os.urandom(16)), Redeemed)
    before = len(recorded(pair, Used))
    sql(pair, "INSERT INTO ledger_log.inbox (act, gate, body, mac) SELECT act, gate, body, mac FROM public.kept")
    until(lambda: sql(pair, "SELECT count(*) FROM ledger_log.inbox").strip() == "0")
    assert len(recorded(pair, Used)) == before


def test_an_act_that_nobody_handed_over_is_not_recorded(pair: Pair) -> None:
    size = ledger_of(pair.a).following.size
    sql(
        pair,
        "INSERT INTO ledger_log.inbox (act, gate, body, mac) VALUES (decode(repeat('ab', 16), 'hex'), 'b', '{}', '')",
    )
    until(lambda: sql(pair, "SELECT count(*) FROM ledger_log.inbox").strip() == "0")
    pair.synced()
    assert ledger_of(pair.a).following.size == size


def test_an_act_that_is_taken_out_of_the_inbox_did_not_happen(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    monkeypatch.setattr("armslength.service.gate_shared_book.PATIENCE", 2.0)
    sql(
        pair,
        "CREATE FUNCTION public.lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        " CREATE TRIGGER lose BEFORE INSERT ON ledger_log.inbox FOR EACH ROW EXECUTE FUNCTION public.lose()",
    )
    follower = pair.gates[pair.other()]
    outcome = use(follower, lease, os.urandom(16))
    assert isinstance(outcome, Refused), outcome
    assert pair.a.lease(lease.terms.id).uses == 0


def test_an_answer_that_the_writer_did_not_give_is_not_believed(pair: Pair) -> None:
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    stop = threading.Event()

    def lie() -> None:
        while not stop.is_set():
            sql(
                pair,
                'INSERT INTO ledger_log.answers (act, body, mac) SELECT act, \'{"raced":false,"says":"no"}\', mac'
                " FROM ledger_log.inbox ON CONFLICT DO NOTHING",
            )

    liar = threading.Thread(target=lie)
    liar.start()
    try:
        follower = pair.gates[pair.other()]
        assert isinstance(use(follower, lease, os.urandom(16)), Redeemed)
    finally:
        stop.set()
        liar.join()


def test_an_entry_that_nobody_signed_is_read_by_no_gate(pair: Pair) -> None:
    """The tree is made to fit; the signature cannot be."""
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    size = ledger_of(pair.a).following.size
    last = sql(pair, f"SELECT encode(leaf, 'hex') FROM ledger_log.entries WHERE idx = {size - 1}").strip()
    edge = ledger_of(pair.a).following._edge
    forged: Edge = edge.extended([leaf_hash(bytes.fromhex(last))])
    sql(
        pair,
        f"INSERT INTO ledger_log.entries (idx, leaf) VALUES ({size}, decode('{last}', 'hex'));"
        f" UPDATE ledger_log.state SET size = {size + 1}, root = decode('{forged.root().hex()}', 'hex'),"
        f" edge = decode('{b''.join(forged.hashes).hex()}', 'hex')",
    )
    until(lambda: all(gate.ready() is not None for gate in pair.gates.values()))
    for gate in pair.gates.values():
        assert isinstance(use(gate, lease, os.urandom(16)), Refused)
        assert ledger_of(gate).following.size == size


def test_a_log_that_is_rolled_back_is_gone_on_from_by_no_gate(pair: Pair) -> None:
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    sql(pair, "CREATE TABLE public.was AS SELECT * FROM ledger_log.state")
    size = ledger_of(pair.a).following.size
    assert isinstance(use(pair.a, lease, os.urandom(16)), Redeemed)
    pair.synced()
    sql(
        pair,
        f"DELETE FROM ledger_log.entries WHERE idx >= {size}; DELETE FROM ledger_log.acts WHERE first >= {size};"
        " DELETE FROM ledger_log.state; INSERT INTO ledger_log.state SELECT * FROM public.was",
    )
    until(lambda: all(gate.ready() is not None for gate in pair.gates.values()))
    for gate in pair.gates.values():
        assert isinstance(use(gate, lease, os.urandom(16)), Refused)


def test_a_seat_that_is_given_to_nobody_is_taken_by_a_gate(pair: Pair) -> None:
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    sql(pair, "UPDATE ledger_log.seat SET gate = 'nobody/0', epoch = epoch + 1, seen = clock_timestamp()")
    end = time.monotonic() + shared_leading.PATIENCE + 15
    while not isinstance(use(pair.b, lease, os.urandom(16)), Redeemed):
        assert time.monotonic() < end
    assert len(recorded(pair, Used)) == 1


def test_a_gate_that_is_kept_from_hearing_of_the_writer_decides_on_nothing_that_was(pair: Pair) -> None:
    """What the database shows may be what was once true; how far the log goes, the writer says under the gates' key."""
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    sql(
        pair,
        "CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.pledge := OLD.pledge; RETURN NEW; END';"
        " CREATE TRIGGER keep BEFORE UPDATE ON ledger_log.seat FOR EACH ROW EXECUTE FUNCTION public.keep()",
    )
    pair.clock.now += 30
    follower, writer = pair.gates[pair.other()], pair.gates[pair.leader()]
    until(lambda: follower.ready() is not None)
    assert isinstance(use(follower, lease, os.urandom(16)), Refused)
    assert isinstance(use(writer, lease, os.urandom(16)), Redeemed)


def test_a_pledge_that_no_gate_made_confirms_nothing(pair: Pair) -> None:
    follower = pair.gates[pair.other()]
    sql(
        pair,
        "CREATE FUNCTION public.lie() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.pledge := ''1 9999999999999 00''::bytea; RETURN NEW; END';"
        " CREATE TRIGGER lie BEFORE UPDATE ON ledger_log.seat FOR EACH ROW EXECUTE FUNCTION public.lie()",
    )
    until(lambda: follower.ready() is not None)
