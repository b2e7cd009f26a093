"""A ledger as a program uses it: acts are recorded once, receipts can be proven, an old history is not opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from armslength.ledger import FIRM, Disclosed, Json, Kind, Record, parse_canonical, parse_record
from armslength.service import (
    Act,
    Ledger,
    Whose,
    add_keys,
    check_ledger,
    create_ledger,
    customer_bundle,
    ledger_status,
    open_ledger,
    prove_entry,
)
from armslength.store import (
    Damaged,
    LedgerFolder,
    LedgerSettings,
    LogDatabase,
    Overtaken,
    StoreError,
    read_ledger_folder,
)
from armslength.tlog import (
    EMPTY,
    Checkpoint,
    Malformed,
    Note,
    Receipt,
    TlogProof,
    Unverified,
    leaf_hash,
    verify_signature,
)
from tests.service.ledgers import (
    ORIGIN,
    Chance,
    Clock,
    act,
    copied,
    erasure,
    ledger_folder,
    opened,
    record,
    recorded,
)
from tests.service.logs import NOW, seed

DAY = 86_400


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return ledger_folder(tmp_path / "ledger")


def leaf(folder: LedgerFolder, index: int) -> Record:
    with LogDatabase(folder.log) as log:
        return parse_record(log.leaves(index, index + 1)[0])


def told(folder: LedgerFolder, whose: Whose) -> list[dict[str, Json]]:
    """What a customer's bundle discloses, record by record."""
    bundle = customer_bundle(folder, whose)
    return [
        {
            field.label: parse_canonical(field.value, label=field.label)
            for field in opened.fields
            if isinstance(field, Disclosed)
        }
        for opened in bundle.opened
    ]


# Recording


def test_an_act_is_recorded_for_each_customer_and_its_receipt_names_the_leaves(folder: LedgerFolder) -> None:
    """A customer who is left out would never learn of it."""
    with opened(folder) as ledger:
        first, second = recorded(ledger, act("one", "acme", "beta"), act("two", kind=Kind.ESTATE_CHANGE))
        assert (first.first, len(first.leaves), first.size, first.origin) == (0, 2, 2, ORIGIN)
        assert (second.first, len(second.leaves), second.size) == (2, 1, 3)
    for receipt, expected in ((first, act("one", "acme", "beta")), (second, act("two", kind=Kind.ESTATE_CHANGE))):
        for offset, hashed in enumerate(receipt.leaves):
            entry = leaf(folder, receipt.first + offset)
            assert leaf_hash(entry.leaf()) == hashed
            assert (entry.kind, entry.act, entry.time) == (expected.kind, expected.id, NOW - NOW % 60)
    assert leaf(folder, 0).customer != leaf(folder, 1).customer
    assert leaf(folder, 2).customer == FIRM
    assert told(folder, Whose(name="acme")) == told(folder, Whose(name="beta"))
    assert told(folder, Whose()) == [{"action": "read", "note": "two Marker4711"}]


def test_leaves_say_nothing_of_whom_or_what(folder: LedgerFolder) -> None:
    """They are published; and equal acts must not look equal."""
    with opened(folder) as ledger:
        recorded(ledger, act("one", "acme", "beta"), act("same", fields={"a": 1}), act("again", fields={"a": 1}))
    with LogDatabase(folder.log) as log:
        entries = b"".join(log.leaves(0, 4))
    for word in (b"acme", b"beta", b"read", b"note", b"Marker"):
        assert word not in entries
    commitments = {leaf(folder, index).commitment for index in range(4)}
    assert len(commitments) == 4


def test_a_receipt_can_be_proven_to_whoever_knows_the_policy(folder: LedgerFolder) -> None:
    """It would be a piece of paper."""
    with opened(folder) as ledger:
        (receipt,) = recorded(ledger, act("one", "acme"))
        with pytest.raises(Unverified) as early:
            prove_entry(folder, receipt.first)
        assert str(early.value) == "entry 0 is not in a published checkpoint yet: the newest has 0 entries"
        assert not ledger.witnessed(receipt)
        ledger.publish()
        assert ledger.witnessed(receipt)
        assert not ledger.witnessed(replace(receipt, origin="other.example/log", _durable=Receipt.DURABLE))
        recorded(ledger, *(act(f"more {number}", "acme") for number in range(5)))
        ledger.publish()
    entry, proof = prove_entry(folder, receipt.first)
    assert leaf_hash(entry) == receipt.leaves[0]
    again = TlogProof.parse(proof.format())
    assert again.verify(leaf_hash(entry), folder.policy).checkpoint.size == 7
    with pytest.raises(Unverified):
        again.verify(leaf_hash(entry + b" "), folder.policy)
    with pytest.raises(Unverified, match="entry 7 is not in a published checkpoint yet: the newest has 7 entries"):
        prove_entry(folder, 7)


def test_a_clock_that_steps_back_takes_neither_records_nor_signatures_with_it(folder: LedgerFolder) -> None:
    """A log whose time runs back is one that every monitor reports."""
    clock = Clock(NOW)
    with opened(folder, clock=clock) as ledger:
        recorded(ledger, act("one", "acme"))
        clock.now -= DAY
        recorded(ledger, act("two", "acme"))
    with opened(folder, clock=clock) as ledger:
        recorded(ledger, act("three", "acme"))
    assert leaf(folder, 0).time == leaf(folder, 1).time == leaf(folder, 3).time == NOW - NOW % 60
    with LogDatabase(folder.log) as log:
        note = Note.parse(log.state().note)
    times = {at for _, at in _signed(folder, note)}
    assert times == {NOW}
    assert check_ledger(folder).findings == ()


def _signed(folder: LedgerFolder, note: Note) -> list[tuple[str, int]]:
    found = [verify_signature(note, log.key) for log in folder.policy.logs]
    return [(each.key.label, each.timestamp) for each in found if each is not None and each.timestamp is not None]


# The same act again


def asked_again(folder: LedgerFolder, ledger: Ledger, *acts: Act) -> list[tuple[int, tuple[bytes, ...]]]:
    before = ledger_status(folder).size
    receipts = recorded(ledger, *acts)
    assert ledger_status(folder).size == before
    return [(receipt.first, receipt.leaves) for receipt in receipts]


def test_the_same_act_again_is_the_same_record(folder: LedgerFolder) -> None:
    """A caller that lost the answer would record its act twice."""
    acts = [act("one", "acme", "beta"), act("two"), act("three", "acme")]
    with opened(folder) as ledger:
        first = [(receipt.first, receipt.leaves) for receipt in recorded(ledger, *acts)]
        assert asked_again(folder, ledger, *acts) == first
        recorded(ledger, act("another", "acme"))
        (again,) = recorded(ledger, acts[0])
        assert again.size == 5  # of the tree that is durable now
    with opened(folder) as ledger:
        assert asked_again(folder, ledger, *acts) == first


@pytest.mark.parametrize(
    "other",
    [
        act("one", "acme", "beta", fields={"action": "read"}),
        act("one", "acme", "beta", fields={"action": "read", "note": "one Marker4711", "more": 1}),
        act("one", "acme", "beta", fields={"action": "write", "note": "one Marker4711"}),
        act("one", "acme", "beta", kind=Kind.LEASE),
        act("one", "acme"),
        act("one", "acme", "beta", "gamma"),
        act("one", "beta", "acme"),
        act("one", "acme", "gamma"),
        act("one"),
        act("one", "acme", kind=Kind.ERASURE, fields={"scope": "everything"}),
    ],
)
def test_another_act_under_the_same_id_is_refused(folder: LedgerFolder, other: Act) -> None:
    """It would be believed to be recorded, and is not."""
    with opened(folder) as ledger:
        recorded(ledger, act("one", "acme", "beta"))
        for _ in range(2):
            with pytest.raises(Malformed, match="this act id was used for another act"):
                recorded(ledger, other)
    with opened(folder) as ledger, pytest.raises(Malformed, match="this act id was used for another act"):
        recorded(ledger, other)
    assert [leaf(folder, index).act for index in range(2)] == [other.id] * 2
    assert ledger_status(folder).rows["records"] == 2


def test_twice_in_one_batch_is_once(folder: LedgerFolder) -> None:
    """Two threads send the same act at the same time, after a time-out of one of them."""
    with opened(folder) as ledger:
        futures = [ledger.append(each) for each in [act("one", "acme")] * 5 + [act("one", "beta")] + [act("two")] * 2]
        receipts = [future.result() for future in (*futures[:5], *futures[6:])]
        assert [receipt.first for receipt in receipts] == [0, 0, 0, 0, 0, 1, 1]
        with pytest.raises(Malformed, match="this act id was used for another act"):
            futures[5].result()
    assert ledger_status(folder).rows["records"] == 2


@pytest.mark.parametrize("again", [False, True])
def test_an_act_whose_records_were_erased_is_still_the_same(folder: LedgerFolder, again: bool) -> None:
    """A late retry would record what was erased once more."""
    asked = act("one", "acme", "beta")
    alone = act("alone", "acme", fields={"name": "Ada", "action": "read"})
    with opened(folder) as ledger:
        first, second = recorded(ledger, asked, alone)
        recorded(ledger, erasure("a field", "acme", [{"sequence": 1, "labels": ["name"]}]))
        assert recorded(ledger, alone)[0].first == second.first
        recorded(ledger, erasure("a record", "beta", [{"sequence": 0}]))
        assert recorded(ledger, asked)[0].first == first.first
        recorded(ledger, erasure("all", "acme"))
        if again:
            recorded(ledger, act("met again", "acme"))
        assert asked_again(folder, ledger, asked, alone) == [(0, first.leaves), (2, second.leaves)]
        assert asked_again(folder, ledger, erasure("all", "acme"), erasure("a record", "beta", [{"sequence": 0}]))
        for changed in (
            act("one", "acme", "beta", kind=Kind.LEASE),
            act("alone", "acme", "beta", fields={"name": "Ada", "action": "read"}),
            erasure("all", "acme", [{"sequence": 0}]),
        ):
            with pytest.raises(Malformed, match="this act id was used for another act"):
                recorded(ledger, changed)


def test_a_name_met_again_after_erasure_is_a_new_customer(folder: LedgerFolder) -> None:
    """What was erased would be tied to what comes after."""
    with opened(folder) as ledger:
        recorded(ledger, act("one", "acme"), erasure("all", "acme"), act("two", "acme"))
    before, order, after = (leaf(folder, index) for index in range(3))
    assert before.customer == order.customer != after.customer
    assert (after.sequence, after.previous) == (0, bytes(32))
    assert [len(told(folder, Whose(handle=each.customer))) for each in (before, after)] == [2, 1]


def test_an_act_refused_leaves_no_customer_behind(folder: LedgerFolder) -> None:
    """An erasure of a mistyped name would make a customer of it."""
    with opened(folder) as ledger:
        with pytest.raises(Malformed, match="an erasure of a customer that the log does not know"):
            recorded(ledger, erasure("typo", "acmee"))
        recorded(ledger, act("one", "acme"))
    assert ledger_status(folder).rows["customers"] == 1


# Opening


def test_a_new_ledger_is_empty_and_signed(tmp_path: Path) -> None:
    """Witnesses and customers begin from it."""
    folder = ledger_folder(tmp_path / "new")
    with LogDatabase(folder.log) as log:
        state = log.state()
    endorsed = folder.policy.endorse(Note.parse(state.note))
    assert endorsed.checkpoint == Checkpoint(origin=ORIGIN, size=0, root=EMPTY)
    assert [key.algorithm.name for key in endorsed.logs] == ["ED25519", "COSIGNATURE_ML_DSA_44"]
    assert (folder.path / "signing.keys").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("origin", ["", "with space.example/x", "plus+example.org/x", "x\ny"])
def test_an_origin_that_is_none_makes_nothing(tmp_path: Path, origin: str) -> None:
    """No checkpoint could be written under it."""
    path = tmp_path / "ledger"
    with pytest.raises(Malformed):
        create_ledger(
            path, settings=LedgerSettings(origin=origin), witnesses="", clock=Clock(), chance=Chance("origin")
        )
    assert not path.exists()


def test_a_second_writer_is_refused_and_the_first_goes_on(folder: LedgerFolder) -> None:
    """Two would sign two histories."""
    with opened(folder) as ledger:
        with pytest.raises(Overtaken, match="another writer holds this log's lock"):
            opened(folder)
        recorded(ledger, act("one", "acme"))
    with open_ledger(folder.path) as ledger:
        recorded(ledger, act("two", "acme"))
    assert check_ledger(folder).findings == ()


def test_an_opening_that_failed_lets_everything_go(folder: LedgerFolder) -> None:
    """Nobody could open the ledger again in the same process."""
    record(folder, act("one", "acme"))
    other = replace(folder, settings=replace(folder.settings, origin="other.example/log"))
    for _ in range(3):
        with pytest.raises(StoreError):
            opened(other)
    record(folder, act("two", "acme"))


@pytest.mark.parametrize("stores", ["log.db", "log.db lock.db", "log.db keys.db", "log.db lock.db keys.db public"])
def test_a_log_that_was_rolled_back_is_not_signed_on_where_anything_shows_it(
    folder: LedgerFolder, tmp_path: Path, stores: str
) -> None:
    """A second history under the firm's keys is the one thing that no customer will ever forgive."""
    record(folder, act("one", "acme"), act("two", "acme"))
    backup = copied(folder.path, tmp_path / "backup")
    record(folder, act("three", "acme"), erasure("late", "acme", [{"sequence": 0}]))
    for name in stores.split():
        for each in folder.path.glob(f"{name}*"):
            if each.is_dir():
                copied(backup / name, each)
            elif not each.name.endswith(".held"):
                each.unlink()
        for each in backup.glob(f"{name}*"):
            if not each.is_dir():
                (folder.path / each.name).write_bytes(each.read_bytes())
    if "public" in stores:  # nothing is left that could tell: only witnesses could
        record(folder, act("another", "acme"))
        return
    with pytest.raises(Overtaken, match="it was rolled back; restore what is missing, and never sign on from here"):
        opened(folder)
    assert ledger_status(folder).problems[0].endswith("it was rolled back")


def test_an_old_lock_alone_is_moved_on(folder: LedgerFolder, tmp_path: Path) -> None:
    """The log continues what it says; a crash between the two leaves the same."""
    record(folder, act("one", "acme"))
    backup = copied(folder.path, tmp_path / "backup")
    record(folder, act("two", "acme"))
    for each in folder.path.glob("lock.db*"):
        if not each.name.endswith(".held"):
            each.unlink()
    for each in backup.glob("lock.db*"):
        (folder.path / each.name).write_bytes(each.read_bytes())
    assert check_ledger(folder).findings == ()
    record(folder, act("three", "acme"))
    status = ledger_status(folder)
    assert status.held == status.size == 6


def test_a_lock_of_another_history_is_not_moved_on(folder: LedgerFolder, tmp_path: Path) -> None:
    """Somebody else's log would be taken for this one."""
    record(folder, act("one", "acme"))
    twin = copied(folder.path, tmp_path / "twin")
    record(folder, act("ours", "acme"))
    record(read_ledger_folder(twin), act("theirs", "acme"), act("theirs too", "acme"))
    for each in (*twin.glob("log.db*"), *twin.glob("keys.db*")):
        (folder.path / each.name).write_bytes(each.read_bytes())
    with pytest.raises(Overtaken, match="another root than the one signed at size 4"):
        opened(folder)


@pytest.mark.parametrize("name", ["log.db", "keys.db", "lock.db"])
def test_a_store_that_is_missing_is_told_and_not_made(folder: LedgerFolder, name: str) -> None:
    """A disk that is not mounted would begin another log."""
    record(folder, act("one", "acme"))
    for each in folder.path.glob(f"{name}*"):
        each.unlink()
    with pytest.raises(StoreError, match=f"{folder.path / name}: unable to open database file"):
        opened(folder)
    assert not (folder.path / name).exists()


def test_the_keys_of_another_log_are_refused(folder: LedgerFolder, tmp_path: Path) -> None:
    """Records would be sealed under keys that belong to others."""
    other = ledger_folder(tmp_path / "other", origin="other.example/log")
    for each in other.path.glob("keys.db*"):
        (folder.path / each.name).write_bytes(each.read_bytes())
    with pytest.raises(Damaged, match=f"the log is of '{ORIGIN}', its keys of 'other.example/log', the settings say"):
        opened(folder)


def test_every_start_after_rotation_and_erasure_goes_on_from_the_same_state(folder: LedgerFolder) -> None:
    """A start that sees something else than the last end saw is the beginning of a second history."""
    sizes = []
    for number in range(4):
        with opened(folder) as ledger:
            sizes.append(ledger.health().writer.size)
            recorded(ledger, act(f"{number}", "acme", f"customer {number}"))
            if number == 1:
                recorded(ledger, erasure("some", "customer 1"))
        if number == 2:
            add_keys(folder.path, chance=Chance("added"))
            folder = read_ledger_folder(folder.path)
        assert check_ledger(folder).findings == ()
    assert sizes == [0, 3, 7, 14]  # a rotation is two records, each with a map head


def test_a_ledger_of_one_seed_is_the_same_each_time(tmp_path: Path) -> None:
    """What the tests above say of bytes they say of every run."""
    roots = set()
    for number in range(2):
        folder = ledger_folder(tmp_path / f"{number}" / "ledger")
        with opened(folder, chance=Chance("same")) as ledger:
            recorded(ledger, act("one", "acme"))
        with LogDatabase(folder.log) as log:
            roots.add(log.state().edge.root())
    assert len(roots) == 1
    assert seed("a") != seed("b")
