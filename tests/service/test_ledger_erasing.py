"""Erasure: what was erased is nowhere any more, what was not is as it was, and every proof still holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from armslength.ledger import (
    Disclosed,
    Erased,
    Json,
    Kind,
    Opened,
    OpenField,
    Withheld,
    parse_canonical,
    parse_openings,
    parse_record,
    verify_bundle,
)
from armslength.service import Act, Refusal, Whose, adopt_keys, check_ledger, customer_bundle, prove_entry
from armslength.store import Damaged, KeyDatabase, LedgerFolder, LogDatabase, Overtaken, StoreError
from armslength.tlog import Malformed, leaf_hash
from tests.service.ledgers import MARK, Chance, act, copied, erasure, ledger_folder, opened, record, recorded
from tests.service.logs import NOW

ADDRESS = f"12 Elm Street {MARK}"


def lent(name: str, customer: str = "Ada Lovelace") -> Act:
    return act(
        name,
        customer,
        fields={"action": f"read {MARK} {name}", "address": f"{ADDRESS} {name}", "phone": f"{MARK} 555 {name}"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    """Two customers with three records each, and one that is of both."""
    made = ledger_folder(tmp_path / "ledger")
    with opened(made, chance=Chance("first")) as ledger:
        for number in range(3):
            recorded(ledger, lent(f"a{number}"), lent(f"b{number}", "Ben"))
        recorded(ledger, act("both", "Ada Lovelace", "Ben"))
    return made


def handle(folder: LedgerFolder, name: str) -> bytes:
    keys = KeyDatabase(folder.keys)
    try:
        found = keys.customer(name)
    finally:
        keys.close()
    assert found is not None
    return found.handle


def raw(folder: LedgerFolder) -> bytes:
    """Every byte of every file of the ledger, whatever SQLite keeps beside its own included."""
    return b"".join(path.read_bytes() for path in folder.path.rglob("*") if path.is_file())


def secrets(folder: LedgerFolder, index: int) -> list[bytes]:
    """What opens the record at an index, and what it says, as the files hold them: openings, wrapped key, payload."""
    keys = KeyDatabase(folder.keys)
    try:
        with LogDatabase(folder.log) as log:
            record = parse_record(log.leaves(index, index + 1)[0])
            kept, box = keys.openings(index, record.commitment), log.payload(index)
    finally:
        keys.close()
    assert kept is not None
    assert box is not None
    openings = [field.opening for field in parse_openings(kept.openings) if isinstance(field, OpenField)]
    return [*openings, kept.wrapped, box]


def shown(bundle_records: tuple[Opened, ...]) -> list[dict[str, Json]]:
    """Of each record: values, and how a field that has none is told."""
    found = []
    for each in bundle_records:
        fields: dict[str, Json] = {}
        for field in each.fields:
            match field:
                case Disclosed(label=label, value=value):
                    fields[label] = parse_canonical(value, label=label)
                case Erased(label=label):
                    fields[label] = "ERASED"
                case Withheld(label=label):
                    fields[label] = "WITHHELD"
        found.append(fields)
    return found


def verified(folder: LedgerFolder, whose: Whose, *, since: tuple[int, ...] = ()) -> list[dict[str, Json]]:
    """What a customer's bundle shows; fails unless all of it verifies."""
    bundle = customer_bundle(folder, whose, since=since)
    verdict = verify_bundle(bundle, policy=folder.policy, customer=bundle.customer, now=NOW)
    assert verdict.holds, [check for check in verdict.checks if check.outcome != "holds"]
    return shown(bundle.opened)


def said(name: str) -> dict[str, Json]:
    return {label: parse_canonical(value, label=label) for label, value in lent(name).values.items()}


# What is erased


def test_a_customer_who_is_erased_is_nowhere_in_the_files(folder: LedgerFolder) -> None:
    """Whoever takes the disk afterwards could still read who they were, and what was done to them."""
    ada = handle(folder, "Ada Lovelace")
    before = [secret for index in (0, 2, 4, 6) for secret in secrets(folder, index)]
    others = [secret for index in (1, 3, 5, 7) for secret in secrets(folder, index)]
    keys = KeyDatabase(folder.keys)
    customer = keys.customer("Ada Lovelace")
    keys.close()
    assert customer is not None
    assert all(secret in raw(folder) for secret in [*before, customer.key, b"Ada Lovelace"])
    with opened(folder) as ledger:
        recorded(ledger, erasure("all of Ada", "Ada Lovelace"))
        at_once = raw(folder)  # while the ledger is still open
    for found in (at_once, raw(folder)):
        assert not [secret for secret in [*before, customer.key, b"Ada Lovelace"] if secret in found]
        assert all(secret in found for secret in [*others, b"Ben"])
    assert verified(folder, Whose(name="Ben"))[:3] == [said(f"b{number}") for number in range(3)]
    gone = verified(folder, Whose(handle=ada))
    assert gone[:3] == [dict.fromkeys(said("a0"), "ERASED")] * 3
    assert gone[3] == {"action": "ERASED", "note": "ERASED"}
    assert gone[4] == {"scope": "everything", "reason": "gdpr-17"}
    with pytest.raises(Refusal, match="no customer 'Ada Lovelace' in this ledger; one that was erased is known by"):
        customer_bundle(folder, Whose(name="Ada Lovelace"))
    checked = check_ledger(folder)
    assert (checked.findings, checked.erased, checked.lost) == ((), 4, 0)


def test_single_records_and_single_fields_are_erased_and_nothing_else(folder: LedgerFolder) -> None:
    """Half of a record kept that was to go, or one gone that somebody needs."""
    whole, fields, kept = secrets(folder, 0), secrets(folder, 2), secrets(folder, 4)
    scope: Json = [{"sequence": 0}, {"sequence": 1, "labels": ["address", "phone"]}]
    with opened(folder) as ledger:
        recorded(ledger, erasure("some of Ada", "Ada Lovelace", scope))
        at_once = raw(folder)
    action, address, phone, wrapped, box = fields
    for found in (at_once, raw(folder)):
        assert not [secret for secret in [*whole, address, phone, wrapped, box] if secret in found]
        assert all(secret in found for secret in [*kept, action])
    assert verified(folder, Whose(name="Ada Lovelace"))[:3] == [
        dict.fromkeys(said("a0"), "ERASED"),
        {"action": said("a1")["action"], "address": "ERASED", "phone": "ERASED"},
        said("a2"),
    ]
    checked = check_ledger(folder)
    assert (checked.findings, checked.erased, checked.lost) == ((), 1, 0)


def test_no_value_ever_stands_in_the_files_in_the_clear(folder: LedgerFolder) -> None:
    """Erasure destroys keys; what was never encrypted it would leave."""
    found = raw(folder)
    assert MARK.encode() not in found
    assert ADDRESS.encode() not in found


def test_record_keys_are_in_no_file_but_wrapped(tmp_path: Path) -> None:
    """Beside its lock a key is worth nothing."""
    folder = ledger_folder(tmp_path / "ledger")
    chance = Chance("watched")
    with opened(folder, chance=chance) as ledger:
        recorded(ledger, lent("a0"))
    drawn = [data for data in chance.given if len(data) > 100]  # of a record: key, nonces, openings
    assert len(drawn) == 1
    assert drawn[0][:32] not in raw(folder)
    assert drawn[0][-32:] in raw(folder)


def test_erasing_twice_is_as_once(folder: LedgerFolder) -> None:
    """Two officers act on one request, and the second would be told that something is wrong."""
    scope: Json = [{"sequence": 0}, {"sequence": 1, "labels": ["phone"]}]
    with opened(folder) as ledger:
        recorded(ledger, erasure("once", "Ada Lovelace", scope))
        before = verified_open(folder, ledger.publish)
        recorded(ledger, erasure("twice", "Ada Lovelace", scope))
        recorded(ledger, erasure("more", "Ada Lovelace", [{"sequence": 1}]))
        recorded(ledger, erasure("again", "Ada Lovelace", [{"sequence": 1, "labels": ["address"]}]))
    after = verified(folder, Whose(name="Ada Lovelace"))
    assert after[0] == before[0]
    assert after[1] == dict.fromkeys(said("a1"), "ERASED")
    assert after[2:4] == before[2:4]
    with opened(folder) as ledger:
        recorded(ledger, erasure("all", "Ada Lovelace"))
        with pytest.raises(Malformed, match="an erasure of a customer that the log does not know"):
            recorded(ledger, erasure("all again", "Ada Lovelace"))
    assert check_ledger(folder).findings == ()


def verified_open(folder: LedgerFolder, publish: Callable[[], object]) -> list[dict[str, Json]]:
    publish()
    return verified(folder, Whose(name="Ada Lovelace"))


def test_what_comes_after_an_erasure_of_everything_is_not_erased(folder: LedgerFolder) -> None:
    """The same name again would lose its new records at the next start."""
    ada = handle(folder, "Ada Lovelace")
    with opened(folder) as ledger:
        recorded(ledger, erasure("all", "Ada Lovelace"), lent("new"))
    for _ in range(2):
        assert verified(folder, Whose(name="Ada Lovelace")) == [said("new")]
        assert len(verified(folder, Whose(handle=ada))) == 5
        with opened(folder):
            pass
    assert handle(folder, "Ada Lovelace") != ada


def test_the_firms_own_records_can_be_erased_one_by_one(folder: LedgerFolder) -> None:
    """A name in a change of people is personal data as well."""
    with opened(folder) as ledger:
        recorded(
            ledger,
            act("joined", kind=Kind.PEOPLE_CHANGE, fields={"person": f"Cleo {MARK}", "change": "joined"}),
            act("of the firm", kind=Kind.ERASURE, fields={"scope": [{"sequence": 0, "labels": ["person"]}]}),
        )
    assert verified(folder, Whose())[0] == {"person": "ERASED", "change": "joined"}
    assert verified(folder, Whose(name="Ben"))[:1] == [said("b0")]
    assert check_ledger(folder).findings == ()


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ([{"sequence": 4}], "record 4 is to be erased, but the customer has 4"),
        ([{"sequence": 0}, {"sequence": 9}], "record 9 is to be erased, but the customer has 4"),
        ([{"sequence": 0, "labels": ["adress"]}], "the field 'adress' of record 0 is to be erased, but there is none"),
        (
            [{"sequence": 0, "labels": ["x", "y"]}, {"sequence": 7}],
            "the field 'x' of record 0 is to be erased, but there is none; the field 'y' of record 0 is to be erased,"
            " but there is none; record 7 is to be erased, but the customer has 4",
        ),
    ],
)
def test_an_erasure_of_what_is_not_there_is_refused_with_every_mistake(
    folder: LedgerFolder, scope: Json, expected: str
) -> None:
    """It would be recorded, and believed."""
    with opened(folder) as ledger, pytest.raises(Malformed) as refused:
        recorded(ledger, erasure("wrong", "Ada Lovelace", scope))
    assert str(refused.value) == expected
    assert verified(folder, Whose(name="Ada Lovelace"))[0] == said("a0")


def test_an_erasure_record_is_never_erased(folder: LedgerFolder) -> None:
    """What is missing could then no longer be told from what is hidden."""
    with opened(folder) as ledger:
        recorded(ledger, erasure("some", "Ada Lovelace", [{"sequence": 0}]))
        with pytest.raises(Malformed, match="record 4 is an erasure itself: it holds no personal data and stays"):
            recorded(ledger, erasure("of it", "Ada Lovelace", [{"sequence": 4}]))
        recorded(ledger, erasure("all", "Ada Lovelace"))
    assert check_ledger(folder).findings == ()


# Proofs


def test_every_proof_from_before_an_erasure_still_holds(folder: LedgerFolder) -> None:
    """Erasure would be a way to get rid of evidence."""
    ada = handle(folder, "Ada Lovelace")
    proofs = [(index, *prove_entry(folder, index)) for index in range(7)]
    saved = customer_bundle(folder, Whose(name="Ada Lovelace"))
    kept = verify_bundle(saved, policy=folder.policy, customer=ada, now=NOW).worth_saving
    assert kept is not None
    record(folder, erasure("all", "Ada Lovelace"))
    for index, entry, proof in proofs:
        assert proof.verify(leaf_hash(entry), folder.policy).checkpoint.size == 9
        again, newer = prove_entry(folder, index)
        assert again == entry
        newer.verify(leaf_hash(entry), folder.policy)
    assert verify_bundle(saved, policy=folder.policy, customer=ada, now=NOW).holds
    bundle = customer_bundle(folder, Whose(handle=ada), since=[kept.checkpoint.size])
    assert verify_bundle(bundle, policy=folder.policy, saved=kept, customer=ada, now=NOW).holds
    assert (folder.public / "tile" / "entries" / "000.p" / "11").exists()


# Stores restored from backups


def restored(folder: LedgerFolder, backup: Path, name: str) -> None:
    for each in folder.path.glob(f"{name}*"):
        each.unlink()
    for each in backup.glob(f"{name}*"):
        (folder.path / each.name).write_bytes(each.read_bytes())


def test_an_old_store_of_keys_obeys_before_anything_is_read(folder: LedgerFolder, tmp_path: Path) -> None:
    """A restored backup would bring back what somebody had a right to have erased."""
    ada = handle(folder, "Ada Lovelace")
    backup = copied(folder.path, tmp_path / "backup")
    bens = secrets(folder, 1)
    record(
        folder,
        erasure("all", "Ada Lovelace"),
        erasure("some", "Ben", [{"sequence": 0}, {"sequence": 1, "labels": ["phone"]}]),
        lent("since", "Ben"),
        lent("met since", "Cid"),
    )
    restored(folder, backup, "keys.db")
    assert b"Ada Lovelace" in raw(folder)
    with pytest.raises(Overtaken, match="it is an older copy; find the newest, or go on without what it lacks"):
        opened(folder)
    adopted = adopt_keys(folder.path, chance=Chance("adopting"))
    assert (adopted.followed, adopted.size) == (9, 14)
    found = raw(folder)
    assert b"Ada Lovelace" not in found
    assert not [secret for secret in bens if secret in found]
    assert set(verified(folder, Whose(handle=ada))[0].values()) == {"ERASED"}
    ben = verified(folder, Whose(name="Ben"))
    assert ben[0] == dict.fromkeys(said("b0"), "ERASED")
    assert ben[1]["phone"] == "ERASED"
    assert ben[2] == said("b2")
    checked = check_ledger(folder)
    assert checked.findings == ()
    assert checked.lost == 3  # two recorded since, and one that lost a field since
    with pytest.raises(Refusal, match="is not behind the log: there is nothing to adopt"):
        adopt_keys(folder.path, chance=Chance("adopting again"))
    record(folder, lent("met anew", "Cid"))
    assert verified(folder, Whose(name="Cid")) == [said("met anew")]


def test_a_log_and_keys_restored_together_obey_nothing_that_they_do_not_know(
    folder: LedgerFolder, tmp_path: Path
) -> None:
    """The lock knows more than both, and is asked first."""
    backup = copied(folder.path, tmp_path / "backup")
    record(folder, erasure("all", "Ada Lovelace"))
    restored(folder, backup, "keys.db")
    restored(folder, backup, "log.db")
    with pytest.raises(Overtaken, match="it was rolled back"):
        opened(folder)


@pytest.mark.parametrize("step", ["log", "lock"])
def test_an_erasure_cut_off_after_it_was_recorded_is_done_at_the_next_start(folder: LedgerFolder, step: str) -> None:
    """It would be recorded as done, and never be."""

    class Cut(BaseException):
        pass

    secret = secrets(folder, 0)

    def cut(at: str) -> None:
        if at == step:
            raise Cut

    ledger = opened(folder, step=cut)
    with pytest.raises(Exception, match="Cut"):
        recorded(ledger, erasure("all", "Ada Lovelace"))
    ledger.close()
    assert all(each in raw(folder) for each in secret)
    with opened(folder):
        found = raw(folder)
        assert not [each for each in [*secret, b"Ada Lovelace"] if each in found]
    assert check_ledger(folder).findings == ()


def test_an_erasure_that_cannot_be_read_keeps_the_ledger_shut(folder: LedgerFolder) -> None:
    """Nobody could tell what is to be erased, and it would quietly not be."""

    def cut(at: str) -> None:
        if at == "lock":
            raise StoreError("cut")

    ledger = opened(folder, step=cut)
    with pytest.raises(Exception, match="cut"):
        recorded(ledger, erasure("all", "Ada Lovelace"))
    ledger.close()
    with closing(sqlite3.connect(folder.log)) as db:
        db.execute("DELETE FROM payloads WHERE idx=(SELECT max(idx) FROM erasures)")
        db.commit()
    with pytest.raises(Damaged, match="entry 9 orders an erasure, but what it erases cannot be read"):
        opened(folder)


def test_somebody_who_reads_meanwhile_does_not_keep_what_is_erased(folder: LedgerFolder) -> None:
    """A check that takes an hour would keep it in the write-ahead log, on the disk, as long as the ledger runs."""
    secret = secrets(folder, 0)
    with opened(folder) as ledger:
        with LogDatabase(folder.log) as reader, reader.snapshot():
            assert reader.payload(0) is not None
            recorded(ledger, erasure("all", "Ada Lovelace"))
            assert reader.payload(0) == secret[-1]
        recorded(ledger, lent("later", "Ben"))
        found = raw(folder)
        assert not [each for each in secret if each in found]
