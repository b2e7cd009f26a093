"""Whoever administers the database that gates share, and has no key of theirs: what they do stops the gates at most."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from armslength.gate import GateError, LeaseState, PersonId, Refused, RequestState, Taken, Unreadable, Used, Waiting
from armslength.ledger import Kind, parse_record
from armslength.service import HOST, Redeemed, check_gate, shared_leading
from armslength.service.shared_following import Following
from armslength.store import Damaged, StoreError
from armslength.tlog import Edge, leaf_hash
from tests.gate_model.workshop import passkey
from tests.gate_shared.pair import Pair, ledger_of, signed
from tests.gate_shared.server import until
from tests.gate_shared.test_races import asked, lent, recorded, use
from tests.service import ledgers


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


# What lies in the log beside its signed leaves: payloads, and the table of whose records they are.

KEPT_BACK = {"payloads": "payloads", "payloads and records": "payloads records"}


def keep_back(pair: Pair, tables: str) -> None:
    """No row gets into these any more; of `records`, none is left either."""
    for table in tables.split():
        sql(
            pair,
            f"CREATE TABLE public.{table} AS SELECT * FROM ledger_log.{table} WHERE {table == 'records'};"
            f" CREATE FUNCTION public.keep_{table}() RETURNS trigger LANGUAGE plpgsql AS"
            f" 'BEGIN INSERT INTO public.{table} SELECT NEW.*; RETURN NULL; END';"
            f" CREATE TRIGGER keep BEFORE INSERT ON ledger_log.{table} FOR EACH ROW"
            f" EXECUTE FUNCTION public.keep_{table}()",
        )
    if "records" in tables:
        sql(pair, "DELETE FROM ledger_log.records")


def give_back(pair: Pair, tables: str) -> None:
    for table in tables.split():
        sql(
            pair,
            f"DROP TRIGGER keep ON ledger_log.{table};"
            f" INSERT INTO ledger_log.{table} SELECT * FROM public.{table} ON CONFLICT DO NOTHING",
        )


def stopped(pair: Pair, lease: LeaseState) -> None:
    """No gate decides on anything, and each says why."""
    until(lambda: all(gate.ready() is not None for gate in pair.gates.values()))
    for gate in pair.gates.values():
        assert isinstance(use(gate, lease, os.urandom(16)), Refused)
        problem = gate.health().shared.problem  # type: ignore[union-attr]
        assert problem is not None and "its payload is missing, and its keys are there" in problem, problem


@pytest.mark.parametrize("tables", KEPT_BACK.values(), ids=KEPT_BACK)
def test_a_revocation_whose_payload_is_kept_back_is_not_taken_for_an_erased_one(pair: Pair, tables: str) -> None:
    """The lease would live on at every gate, and its revocation stand in the ledger."""
    leader = pair.gates[pair.leader()]
    lease = lent(leader, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    keep_back(pair, tables)
    with pytest.raises(GateError):
        leader.revoke(lease.terms.id, HOST, "doubt")
    stopped(pair, lease)
    with pytest.raises(Damaged, match="its payload is missing"):
        check_gate(pair.path / "gates/a", clock=pair.clock)
    give_back(pair, tables)
    for gate in pair.gates.values():
        assert isinstance(use(gate, lease, os.urandom(16)), Refused)
    for site in tuple(pair.gates):
        pair.gates.pop(site).close()
    for site in ("a", "b"):
        pair.open(site)
    for gate in pair.gates.values():
        assert isinstance(gate.lease(lease.terms.id).status, Taken)
    assert check_gate(pair.path / "gates/a", clock=pair.clock).findings == ()


@pytest.mark.parametrize("tables", KEPT_BACK.values(), ids=KEPT_BACK)
def test_an_approval_that_was_taken_back_completes_no_quorum_when_that_is_kept_back(pair: Pair, tables: str) -> None:
    """An access would be opened with one approval that stands, of two."""
    leader, follower = pair.gates[pair.leader()], pair.gates[pair.other()]
    request = asked(leader, "bo", "end", "asset:meetings")
    signed(leader, request, "di", passkey("di"))
    pair.synced()
    keep_back(pair, tables)
    with pytest.raises(GateError):
        leader.unapprove(request.id, PersonId("di"))
    give_back(pair, tables)
    for gate in (follower, leader):
        outcome = signed(gate, request, "ed", passkey("ed"))
        # A gate that looked only once all was given back sees what was taken back, and may take this approval.
        if isinstance(outcome, RequestState):
            assert outcome.took_back == {"di"}, outcome
        assert isinstance(gate.request(request.id).status, Waiting)
        assert not gate.leases()


def as_another_role(pair: Pair, site: str) -> None:
    """Have one gate come to the log as a role of its own, so that it can be told from the other."""
    pair.server.sql(
        "DO 'BEGIN CREATE ROLE another SUPERUSER LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END'",
    )
    pair.gates.pop(site).close()
    settings = pair.path / "gates" / site / "ledger" / "ledger.toml"
    place = pair.server.place(pair.name, "log")
    text = settings.read_text("utf-8")
    assert place in text
    settings.write_text(text.replace(place, place.replace("user=root", "user=another")), "utf-8")
    pair.open(site)


def hide_from(pair: Pair, table: str, columns: str, shown: str) -> None:
    """The role `another` sees only the rows that are `shown`; everybody writes as before."""
    sql(
        pair,
        f"ALTER TABLE ledger_log.{table} RENAME TO {table}_all;"
        f" CREATE VIEW ledger_log.{table} AS SELECT * FROM ledger_log.{table}_all"
        f" WHERE session_user <> 'another' OR {shown};"
        f" CREATE FUNCTION public.put_{table}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
        f" INSERT INTO ledger_log.{table}_all ({columns}) SELECT NEW.*; RETURN NEW; END';"
        f" CREATE TRIGGER put INSTEAD OF INSERT ON ledger_log.{table} FOR EACH ROW"
        f" EXECUTE FUNCTION public.put_{table}()",
    )


def test_uses_that_are_hidden_from_one_gate_are_not_given_by_it_again(pair: Pair) -> None:
    """A lease for two uses would open four times."""
    pair.lead("a")
    as_another_role(pair, "b")
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    size = ledger_of(pair.b).following.size
    hide_from(pair, "payloads", "idx, box", f"idx < {size}")
    hide_from(pair, "records", "customer, sequence, idx", "false")
    assert isinstance(use(pair.a, lease, os.urandom(16)), Redeemed)
    until(lambda: pair.b.ready() is not None)
    assert isinstance(use(pair.b, lease, os.urandom(16)), Refused)
    assert pair.a.ready() is None
    sql(pair, "DROP VIEW ledger_log.payloads; ALTER TABLE ledger_log.payloads_all RENAME TO payloads")
    sql(pair, "DROP VIEW ledger_log.records; ALTER TABLE ledger_log.records_all RENAME TO records")
    pair.gates.pop("a").close()
    assert isinstance(use(pair.b, lease, os.urandom(16)), Refused)
    pair.gates.pop("b").close()
    pair.open("b")
    pair.open("a")
    pair.synced()
    assert pair.b.lease(lease.terms.id).uses == 1


@pytest.mark.parametrize(
    "edit",
    [
        "DELETE FROM ledger_log.records WHERE customer = {acme}",
        "DELETE FROM ledger_log.records WHERE customer = {acme} AND sequence < {last}",
        "UPDATE ledger_log.records SET idx = {first} WHERE customer = {acme} AND idx > {first}",
        "UPDATE ledger_log.customers SET handle = decode(repeat('ab', 32), 'hex') WHERE customer = {acme}",
    ],
    ids=["none", "the erasure alone", "others", "another customer's"],
)
def test_what_an_erasure_took_is_told_by_the_signed_leaves_alone(pair: Pair, edit: str) -> None:
    """A lease would live on though its customer was erased, and nobody could look up any more what it opens."""
    leader = pair.gates[pair.leader()]
    first = ledger_of(leader).following.size
    lease = lent(leader, "bo", "end", "asset:meetings", "di ed", "acme")
    pair.synced()
    for site in tuple(pair.gates):
        pair.gates.pop(site).close()
    ledger = pair.path / "gates/a/ledger"
    with ledgers.opened(ledger, clock=pair.clock) as writer:
        ledgers.recorded(writer, ledgers.erasure("gone", "acme"))
    acme = sql(pair, f"SELECT customer FROM ledger_log.records WHERE idx = {first}").strip()
    last = sql(pair, f"SELECT max(sequence) FROM ledger_log.records WHERE customer = {acme}").strip()
    sql(pair, "CREATE TABLE public.records AS SELECT * FROM ledger_log.records")
    sql(pair, "CREATE TABLE public.customers AS SELECT customer, handle FROM ledger_log.customers")
    sql(pair, edit.format(acme=acme, last=last, first=first))
    with pytest.raises(Damaged, match="the table of customers' records"):
        pair.open("a")
    with pytest.raises(Damaged, match="the table of customers' records"):
        check_gate(pair.path / "gates/a", clock=pair.clock)
    sql(
        pair,
        "DELETE FROM ledger_log.records; INSERT INTO ledger_log.records SELECT * FROM public.records;"
        " UPDATE ledger_log.customers c SET handle = k.handle FROM public.customers k WHERE k.customer = c.customer",
    )
    for site in ("a", "b"):
        assert isinstance(pair.open(site).lease(lease.terms.id).status, Unreadable)


@pytest.mark.parametrize("lie", ["leaf", "state"])
def test_a_gate_that_starts_is_not_shown_one_log_and_given_another_to_read(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    """What was proven would be asked for once more, and a revocation be something else by then, or left out."""
    pair.lead("a")
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    pair.gates.pop("b").close()
    size = sql(pair, "SELECT size FROM ledger_log.state").strip()
    sql(pair, "CREATE TABLE public.was AS SELECT * FROM ledger_log.state")
    pair.a.revoke(lease.terms.id, HOST, "doubt")
    pair.gates.pop("a").close()
    leaf = parse_record(
        bytes.fromhex(sql(pair, f"SELECT encode(leaf, 'hex') FROM ledger_log.entries WHERE idx = {size}"))
    )
    forged = replace(leaf, kind=Kind.FINDING, commitment=bytes(32)).leaf().hex()
    lies = {
        "leaf": f"UPDATE ledger_log.entries SET leaf = decode('{forged}', 'hex') WHERE idx = {size}",
        "state": "DELETE FROM ledger_log.state; INSERT INTO ledger_log.state SELECT * FROM public.was",
    }
    begin = Following.begin

    def shown(self: Following, since: int) -> int:
        found = begin(self, since)
        sql(pair, lies[lie])
        return found

    monkeypatch.setattr(Following, "begin", shown)
    with pytest.raises(StoreError, match="not those that were signed" if lie == "leaf" else "rolled back"):
        pair.open("b")
