"""Records read back: exactly what was recorded, in its order, or said to be gone; never something else."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from armslength.ledger import FIRM, Json, Kind, Records, format_scope, parse_record
from armslength.service import Act, AppendError, LedgerRecord, adopt_keys, read_records
from armslength.store import Damaged, KeyDatabase, LedgerFolder, LogDatabase, Overtaken, StorageFailed
from tests.service.ledgers import Chance, act, copied, erasure, ledger_folder, opened, record, recorded


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    """Entries 0 to 6: a, of acme; b, of acme and beta; c, of the firm; a map head; d and e, of acme."""
    made = ledger_folder(tmp_path / "ledger")
    record(made, said("a", "acme"), said("b", "acme", "beta"), said("c"))
    record(made, said("d", "acme"), said("e", "acme"))
    return made


def said(name: str, *customers: str) -> Act:
    fields: dict[str, Json] = {"name": name, "firm_event": {"of": [name, 1, None, 1.5]}}
    return act(name, *customers, fields=fields)


def names(records: list[LedgerRecord]) -> list[tuple[int, object]]:
    return [(each.index, None if each.fields is None else each.fields.get("name")) for each in records]


def test_what_was_recorded_is_read_in_its_order(folder: LedgerFolder) -> None:
    """A gate that starts would know other leases than it gave."""
    found = list(read_records(folder))
    assert names(found) == [(0, "a"), (1, "b"), (2, "b"), (3, "c"), (5, "d"), (6, "e")]
    assert [each.record.act for each in found[:3]] == [act(name).id for name in "abb"]
    assert found[3].record.customer == FIRM
    assert found[0].fields == {"name": "a", "firm_event": {"of": ["a", 1, None, 1.5]}}
    assert all(each.record.kind is Kind.USE and not each.lost for each in found)


@pytest.mark.parametrize("since", range(9))
def test_it_goes_on_from_where_somebody_was(folder: LedgerFolder, since: int) -> None:
    """A record between a snapshot and now would be left out: a revocation, say."""
    assert list(read_records(folder, since)) == [each for each in read_records(folder) if each.index >= since]


def test_it_reads_beside_whoever_writes(folder: LedgerFolder) -> None:
    """A gate has its ledger open all the time."""
    with opened(folder) as ledger:
        reading = read_records(folder)
        first = next(reading)
        recorded(ledger, said("f", "acme"))
        assert names([first, *reading]) == names(list(read_records(folder)))[:-1]
        assert names(list(read_records(folder)))[-1][1] == "f"


def test_what_was_erased_is_gone_and_not_lost(folder: LedgerFolder) -> None:
    """An erasure would stop the gate, or be taken for tampering."""
    record(folder, erasure("gone", "acme"))
    found = list(read_records(folder))
    assert names(found)[:7] == [(0, None), (1, None), (2, "b"), (3, "c"), (5, None), (6, None), (8, None)]
    assert not any(each.lost for each in found)
    assert found[6].record.kind is Kind.ERASURE
    assert found[6].fields is not None
    assert found[6].fields["reason"] == "gdpr-17"


def test_of_a_record_that_lost_a_field_the_rest_is_read(folder: LedgerFolder) -> None:
    """A customer's address is erased, and that there was a lease must still be known."""
    scope = format_scope(Records(records=((0, ("name",)), (1, None))))
    record(folder, erasure("less", "acme", scope))
    found = list(read_records(folder))
    assert found[0].fields == {"firm_event": {"of": ["a", 1, None, 1.5]}}
    assert (found[0].erased, found[1].erased) == ({"name"}, {"name", "firm_event"})
    assert found[1].fields is None
    assert found[2].fields == {"name": "b", "firm_event": {"of": ["b", 1, None, 1.5]}}
    assert not any(each.lost for each in found)


def test_what_an_older_store_of_keys_lacks_is_said_to_be_lost(folder: LedgerFolder, tmp_path: Path) -> None:
    """A revocation that nobody can read any more would pass for one that was erased, and its lease go on."""
    older = tmp_path / "older.db"
    shutil.copy(folder.keys, older)
    record(folder, said("f", "acme"), erasure("gone", "beta"), said("g", "acme"))
    shutil.copy(older, folder.keys)
    with pytest.raises(Damaged, match="entry 8: the store of keys is an older copy"):
        list(read_records(folder, 7))  # nobody decided yet to go on without them
    adopt_keys(folder.path, chance=Chance("adopting"))
    found = {each.index: each for each in read_records(folder)}
    assert {index: each.lost for index, each in found.items() if each.fields is None and index > 6} == {
        8: True,
        10: True,
    }
    # Of the customer that was erased since, nothing was lost: it was to go.
    assert (found[2].fields, found[2].lost) == (None, False)
    assert found[9].record.kind is Kind.ERASURE
    assert found[9].fields is not None


@pytest.mark.parametrize(
    ("file", "statement"),
    [
        ("log.db", "UPDATE payloads SET box=(SELECT box FROM payloads WHERE idx=5) WHERE idx=0"),
        ("log.db", "UPDATE payloads SET box=x'00' WHERE idx=0"),
        ("keys.db", "UPDATE openings SET wrapped=(SELECT wrapped FROM openings WHERE idx=5) WHERE idx=0"),
        ("keys.db", "UPDATE openings SET openings=(SELECT openings FROM openings WHERE idx=5) WHERE idx=0"),
        ("keys.db", "UPDATE openings SET openings=x'00' WHERE idx=0"),
        ("log.db", "UPDATE entries SET leaf=(SELECT leaf FROM entries WHERE idx=5) WHERE idx=0"),
        ("log.db", "UPDATE entries SET leaf=x'7b7d' WHERE idx=0"),
    ],
)
def test_what_was_put_in_the_place_of_a_record_is_not_read(folder: LedgerFolder, file: str, statement: str) -> None:
    """Somebody with the files could give the gate another past."""
    with closing(sqlite3.connect(folder.path / file)) as db, db:
        assert db.execute(statement).rowcount == 1
    with pytest.raises(Damaged, match="entries 0 to 7 are not" if "entries" in statement else "entry 0"):
        list(read_records(folder))


@pytest.mark.parametrize("column", ["kind", "customer", "act", "time"])
def test_a_leaf_that_nobody_signed_is_not_read(folder: LedgerFolder, column: str) -> None:
    """The commitment holds what a record says, and nothing else of its leaf: a revocation would pass for a finding."""
    changed: dict[str, Any] = {"kind": Kind.FINDING, "customer": FIRM, "act": bytes(16), "time": 0}
    with closing(sqlite3.connect(folder.path / "log.db")) as db, db:
        (leaf,) = db.execute("SELECT leaf FROM entries WHERE idx=5").fetchone()
        forged = replace(parse_record(leaf), **{column: changed[column]})
        db.execute("UPDATE entries SET leaf=? WHERE idx=5", (forged.leaf(),))
    for since, until in ((0, None), (5, 6), (3, 7)):
        with pytest.raises(Damaged, match="are not those that were signed"):
            list(read_records(folder, since, until=until))


def test_what_was_seen_before_is_missed_where_the_log_is_shorter(folder: LedgerFolder) -> None:
    """A gate that starts would be shown the log as it was before a revocation, and its own size stay the newer one."""
    with pytest.raises(Overtaken, match="9 were seen"):
        list(read_records(folder, 3, until=9))
    with pytest.raises(Overtaken, match="9 were seen"):
        list(read_records(folder, 9))


def test_a_log_that_was_rolled_back_is_not_read(folder: LedgerFolder, tmp_path: Path) -> None:
    """It is signed, and was once all there is; only the lock knows better."""
    older = copied(folder.path, tmp_path / "older")
    record(folder, said("f", "acme"))
    shutil.copy(older / "log.db", folder.path / "log.db")
    with pytest.raises(Overtaken, match="rolled back"):
        list(read_records(folder))


def test_a_payload_that_was_taken_away_is_not_taken_for_an_erased_one(folder: LedgerFolder) -> None:
    """A revocation could be made to look erased, by whoever deletes a row of the log: its keys tell."""
    with closing(sqlite3.connect(folder.path / "log.db")) as db, db:
        assert db.execute("DELETE FROM payloads WHERE idx=5").rowcount == 1
    with pytest.raises(Damaged, match="entry 5: its payload is missing, and its keys are there"):
        list(read_records(folder))


def test_a_record_whose_keys_are_gone_is_said_to_be_lost(folder: LedgerFolder) -> None:
    """It could not be told from one that was erased."""
    with closing(sqlite3.connect(folder.path / "keys.db")) as db, db:
        assert db.execute("DELETE FROM openings WHERE idx=5").rowcount == 1
    found = {each.index: each for each in read_records(folder)}
    assert (found[5].fields, found[5].lost) == (None, True)
    assert [index for index, each in found.items() if each.lost] == [5]


LESS = format_scope(Records(records=((0, ("name",)),)))


@pytest.mark.parametrize("scope", ["everything", LESS])
@pytest.mark.parametrize(("store", "verb"), [(LogDatabase, "replace_payloads"), (KeyDatabase, "settle")])
def test_an_erasure_that_is_under_way_does_not_look_like_a_payload_taken_away(
    folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch, scope: Json, store: type, verb: str
) -> None:
    """Every gate that reads at that moment would stop for good, and after a crash until somebody writes again."""
    was = getattr(store, verb)

    def dies(self: object, given: object) -> None:
        if given:
            raise StorageFailed("killed")
        was(self, given)

    with opened(folder) as ledger:
        monkeypatch.setattr(store, verb, dies)
        with pytest.raises(AppendError):
            recorded(ledger, erasure("gone", "acme", scope))
        found = {each.index: each for each in read_records(folder)}
    assert found[0].fields == (None if scope == "everything" else {"firm_event": {"of": ["a", 1, None, 1.5]}})
    assert (found[6].fields is None) == (scope == "everything")


def test_a_record_that_is_erased_between_two_looks_at_it_is_read_as_erased(
    folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys and payload are read one after the other, and an erasure may come in between."""
    look = KeyDatabase.between

    def late(self: KeyDatabase, first: int, until: int) -> object:
        found = look(self, first, until)
        monkeypatch.undo()
        record(folder, erasure("less", "acme", LESS), erasure("beta is gone", "beta"))
        return found

    monkeypatch.setattr(KeyDatabase, "between", late)
    found = {each.index: each for each in read_records(folder)}
    assert found[0].fields == {"firm_event": {"of": ["a", 1, None, 1.5]}}
    assert found[0].erased == {"name"}
    assert found[2].fields is None
    assert found[1].fields == {"name": "b", "firm_event": {"of": ["b", 1, None, 1.5]}}


def test_keys_restored_from_before_an_erasure_are_not_read_with_until_it_was_done_again(
    folder: LedgerFolder, tmp_path: Path
) -> None:
    """What the erasure took would be read as if somebody else had taken it."""
    older = tmp_path / "older.db"

    def copy(step: str) -> None:
        if step == "lock":
            with closing(sqlite3.connect(folder.path / "keys.db")) as db:
                db.execute("VACUUM INTO ?", (str(older),))

    with opened(folder, step=copy) as ledger:
        recorded(ledger, erasure("gone", "acme"))
    shutil.copy(older, folder.path / "keys.db")
    with pytest.raises(Damaged, match="the store of keys is an older copy"):
        list(read_records(folder))
    adopt_keys(folder.path, chance=Chance("adopting"))
    assert names(list(read_records(folder)))[0] == (0, None)
