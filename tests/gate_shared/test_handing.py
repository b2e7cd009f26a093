"""Acts that one gate hands to another: none is lost, none is recorded of which somebody was told no, and whoever
administers the database between them reads none, and has none recorded again or taken for recorded."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from armslength.gate import Denied, PersonId, Refused, events_in
from armslength.ledger import Kind, Record, parse_entry
from armslength.service import Gate, Redeemed
from armslength.service.gate_replay import records_of
from armslength.service.ledger_records import read_records
from armslength.service.shared_act import Turned
from armslength.service.shared_recent import RecentActs
from armslength.store import open_log, read_ledger_folder
from armslength.tlog import format_base64url
from tests.gate_model.workshop import POINT, passkey, target
from tests.gate_shared.pair import Pair, ledger_of, signed
from tests.gate_shared.server import until
from tests.gate_shared.test_races import asked, lent, use


def sql(pair: Pair, text: str) -> str:
    return pair.server.sql(text, f"{pair.name}_log").strip()


@pytest.fixture
def kept(pair: Pair) -> Pair:
    """What is put into the inbox is kept in a table of the administrator's own."""
    sql(
        pair,
        "CREATE TABLE public.kept AS SELECT act, gate, body, mac FROM ledger_log.inbox WHERE false;"
        " CREATE TABLE public.lost (lost boolean); INSERT INTO public.lost VALUES (false);"
        " CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
        " INSERT INTO public.kept VALUES (NEW.act, NEW.gate, NEW.body, NEW.mac);"
        " IF (SELECT lost FROM public.lost) THEN DELETE FROM ledger_log.inbox WHERE act = NEW.act; END IF;"
        " RETURN NULL; END';"
        " CREATE TRIGGER keep AFTER INSERT ON ledger_log.inbox FOR EACH ROW EXECUTE FUNCTION public.keep()",
    )
    return pair


@contextmanager
def taken_out(pair: Pair) -> Iterator[None]:
    """Nothing that is put into the inbox meanwhile is there."""
    sql(pair, "UPDATE public.lost SET lost = true")
    yield
    sql(pair, "UPDATE public.lost SET lost = false")


def put_in_again(pair: Pair) -> None:
    """What was kept first; and waits until it is out again."""
    sql(
        pair,
        "ALTER TABLE ledger_log.inbox DISABLE TRIGGER keep;"
        " INSERT INTO ledger_log.inbox (act, gate, body, mac) SELECT act, gate, body, mac FROM public.kept LIMIT 1"
        " ON CONFLICT DO NOTHING",
    )
    until(lambda: sql(pair, "SELECT count(*) FROM ledger_log.inbox") == "0")
    pair.synced()


def redeem(gate: Gate, who: str, action: str, *customers: str) -> object:
    """A use without a lease, or its refusal."""
    return gate.redeem(
        point=POINT,
        executor=PersonId(who),
        action=action,
        resource=target("asset:meetings"),
        customers=customers,
        use=os.urandom(16),
    )


def count(pair: Pair, kind: type) -> int:
    """How many of one kind are in the ledger."""
    folder = read_ledger_folder(pair.path / "gates" / "a" / "ledger", signing=False)
    return sum(isinstance(each.event, kind) for each in events_in(records_of(folder, 0)))


def uses(pair: Pair) -> int:
    """How many records of uses there are, those of one act each by itself."""
    folder = read_ledger_folder(pair.path / "gates" / "a" / "ledger", signing=False)
    return sum(each.record.kind is Kind.USE for each in read_records(folder))


def test_a_writer_that_is_busy_does_not_lock_out_whoever_hands_over(pair: Pair) -> None:
    """People at the one site would be refused as long as those at the other work."""
    writer, other = pair.gates[pair.leader()], pair.gates[pair.other()]
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            redeem(writer, "bo", "view", "acme")

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.3)
        for _ in range(2):
            begun = time.monotonic()
            assert isinstance(redeem(other, "bo", "view", "acme"), Redeemed)
            assert time.monotonic() - begun < 4
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_use_that_is_tried_again_is_not_told_the_answer_to_its_first_try(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be refused, and recorded a moment later: of two uses the customer's lease had one."""
    writer, site = pair.gates[pair.leader()], pair.other()
    lease = lent(writer, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    handing = ledger_of(writer)._handing
    record_all, slow = handing.record_all, [0.0]

    def slowly(*given: object) -> object:
        time.sleep(slow.pop() if slow else 0.0)
        outcomes, more = record_all(*given)  # type: ignore[arg-type]
        slow.extend(3.0 for each in outcomes if isinstance(each, Turned))
        return outcomes, more

    monkeypatch.setattr(handing, "record_all", slowly)
    first = [True]

    def step(name: str) -> None:
        if name == "claimed" and first and armed:
            first.clear()
            assert isinstance(use(writer, lease, os.urandom(16)), Redeemed)

    armed: list[bool] = []
    pair.gates.pop(site).close()
    other = pair.open(site, step=step)
    pair.synced()
    until(lambda: other.ready() is None)
    armed.append(True)
    answer = use(other, lease, os.urandom(16))
    assert isinstance(answer, Redeemed), answer
    pair.synced()
    assert writer.lease(lease.terms.id).uses == 2


def test_what_lies_in_the_inbox_can_be_read_by_no_administrator(kept: Pair) -> None:
    pair = kept
    assert isinstance(redeem(pair.gates[pair.other()], "bo", "view", "acme"), Redeemed)
    body = bytes.fromhex(sql(pair, "SELECT encode(body, 'hex') FROM public.kept LIMIT 1"))
    assert b"acme" not in body and b"firm_event" not in body


def test_an_act_that_was_kept_back_does_not_come_true_later(kept: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """An approval of which its approver was told that it did not go through would open a lease when it suits."""
    pair = kept
    monkeypatch.setattr("armslength.service.gate_shared_book.PATIENCE", 1.0)
    writer, other = pair.gates[pair.leader()], pair.gates[pair.other()]
    request = asked(writer, "bo", "end", "asset:meetings")
    signed(writer, request, "di", passkey("di"))
    pair.synced()
    with taken_out(pair):
        assert isinstance(signed(other, request, "ed", passkey("ed")), Exception)
        until(lambda: sql(pair, "SELECT count(*) > 0 FROM public.kept") == "t")
        pair.clock.now += 1200
        until(lambda: all(gate.ready() is None for gate in pair.gates.values()))
    put_in_again(pair)
    assert [each.approver for each in writer.request(request.id).approvals] == ["di"]
    assert writer.live() == ()


def test_a_use_is_recorded_once_though_the_table_of_acts_forgets_it_and_it_is_put_in_again(kept: Pair) -> None:
    pair = kept
    assert isinstance(redeem(pair.gates[pair.other()], "bo", "view", "acme"), Redeemed)
    pair.synced()
    assert uses(pair) == 1
    sql(pair, "DELETE FROM ledger_log.acts WHERE act IN (SELECT act FROM public.kept)")
    put_in_again(pair)
    assert uses(pair) == 1


def test_a_gate_that_was_started_just_now_knows_what_was_recorded_lately(kept: Pair) -> None:
    """The administrator would only have to wait for the seat to change hands."""
    pair = kept
    other = ledger_of(pair.gates[pair.other()])
    assert isinstance(redeem(pair.gates[pair.other()], "bo", "view", "acme"), Redeemed)
    pair.synced()
    act = bytes.fromhex(sql(pair, "SELECT encode(act, 'hex') FROM public.kept LIMIT 1"))
    recent = RecentActs(
        other.folder, other.following, clock=lambda: pair.clock.now, monotonic=time.monotonic, chance=os.urandom
    )
    with open_log(other.folder) as log:
        recent.follow(log)
    assert act in recent
    later = RecentActs(
        other.folder, other.following, clock=lambda: pair.clock.now + 9999, monotonic=time.monotonic, chance=os.urandom
    )
    with open_log(other.folder) as log:
        later.follow(log)
    assert later.size == recent.size


def test_a_refusal_counts_as_recorded_only_where_the_log_that_was_signed_shows_it(kept: Pair) -> None:
    """Who was refused would be in nobody's records."""
    pair = kept
    other = pair.gates[pair.other()]
    assert isinstance(redeem(other, "eli", "end"), Refused)
    until(lambda: count(pair, Denied) == 1)
    pair.synced()
    index, leaf = next(
        (int(index), bytes.fromhex(leaf))
        for index, leaf in (
            row.split("|") for row in sql(pair, "SELECT idx, encode(leaf, 'hex') FROM ledger_log.entries").splitlines()
        )
        if isinstance(entry := parse_entry(bytes.fromhex(leaf)), Record) and entry.kind == "refusal"
    )
    entry = parse_entry(leaf)
    assert isinstance(entry, Record)
    sql(pair, "DELETE FROM public.kept")
    pair.clock.now += 60  # the same is told once a minute
    until(lambda: all(gate.ready() is None for gate in pair.gates.values()))
    with taken_out(pair):
        assert isinstance(redeem(other, "eli", "end"), Refused)
        until(lambda: sql(pair, "SELECT count(*) > 0 FROM public.kept") == "t")
        act = sql(pair, "SELECT encode(act, 'hex') FROM public.kept LIMIT 1")
        forged = leaf.replace(
            format_base64url(entry.act).encode(), format_base64url(bytes.fromhex(act)).encode()
        ).replace(format_base64url(entry.commitment).encode(), format_base64url(bytes(32)).encode())
        sql(
            pair,
            f"UPDATE ledger_log.entries SET leaf = decode('{forged.hex()}', 'hex') WHERE idx = {index};"
            f" INSERT INTO ledger_log.acts VALUES (decode('{act}', 'hex'), {index}, 1)",
        )
        time.sleep(0.5)
        sql(
            pair,
            f"UPDATE ledger_log.entries SET leaf = decode('{leaf.hex()}', 'hex') WHERE idx = {index};"
            f" DELETE FROM ledger_log.acts WHERE act = decode('{act}', 'hex')",
        )
    until(lambda: count(pair, Denied) == 2)


def test_a_refusal_that_nobody_takes_in_time_is_kept_until_it_is_recorded(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, other = pair.gates[pair.leader()], pair.gates[pair.other()]
    handing = ledger_of(writer)._handing
    record_all: Callable[..., object] = handing.record_all
    go = threading.Event()

    def blocked(*given: object) -> object:
        return record_all(*given) if go.is_set() else ((), False)

    monkeypatch.setattr(handing, "record_all", blocked)
    assert isinstance(redeem(other, "eli", "end"), Refused)
    until(lambda: sql(pair, "SELECT count(*) FROM ledger_log.inbox") == "1")
    pair.clock.now += 60
    sql(pair, "UPDATE ledger_log.inbox SET sent = sent - interval '1 h'")
    go.set()
    until(lambda: not len(ledger_of(other)._waiting))

    def recorded() -> bool:
        other.tick()
        return count(pair, Denied) == 1

    until(recorded)
