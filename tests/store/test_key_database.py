"""The store of keys: what is erased from it is nowhere any more, and what was never logged is dropped."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from armslength.ledger import FIRM
from armslength.store import FIRM_NAME, Customer, Damaged, KeyDatabase, KeyStore, Openings, StorageFailed, StoreError
from tests.service.logs import seed
from tests.store.places import Place

ORIGIN = "log.example.com/acts"


@pytest.fixture
def made(place: Place) -> Place:
    with closing(place.keys(writing=True, create=True)) as keys:
        keys.create(ORIGIN, seed("firm"))
    return place


@pytest.fixture
def keys(made: Place) -> Iterator[KeyStore]:
    with closing(made.keys(writing=True)) as found:
        yield found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "keys.db"
    with closing(KeyDatabase(made, writing=True, create=True)) as keys:
        keys.create(ORIGIN, seed("firm"))
    return made


@pytest.fixture
def filed(path: Path) -> Iterator[KeyDatabase]:
    with closing(KeyDatabase(path, writing=True)) as found:
        yield found


def customer(name: str) -> Customer:
    return Customer(name=name, handle=seed(f"handle {name}"), key=seed(f"key {name}"))


def openings(index: int, word: str = "") -> Openings:
    return Openings(
        index=index,
        commitment=seed(f"commitment {index}"),
        wrapped=seed(f"wrapped {index}{word}"),
        openings=seed(f"openings {index}{word}") * 4,
    )


def kept(keys: KeyStore, index: int) -> Openings | None:
    return keys.openings(index, seed(f"commitment {index}"))


def emptied(index: int) -> Openings:
    return Openings(index=index, commitment=seed(f"commitment {index}"), wrapped=b"", openings=b"nothing")


def raw(path: Path) -> bytes:
    """The bytes of the file and of everything that SQLite keeps beside it."""
    return b"".join(each.read_bytes() for each in path.parent.iterdir())


def test_what_was_written_is_there_for_whoever_opens_it_next(made: Place, keys: KeyStore) -> None:
    """A key that is lost takes every record of its customer with it."""
    ada, ben = customer("Ada"), customer("Ben")
    keys.write([ada, ben], [openings(0), openings(1)], size=9)
    keys.write([], [openings(2)], size=9)
    keys.close()
    with closing(made.keys()) as again:
        assert again.origin() == ORIGIN
        assert (again.customer("Ada"), again.by_handle(ben.handle)) == (ada, ben)
        assert (again.customer("Cid"), again.by_handle(bytes(31))) == (None, None)
        firm = Customer(name=FIRM_NAME, handle=FIRM, key=seed("firm"))
        assert (again.customer(FIRM_NAME), again.by_handle(FIRM)) == (firm, firm)
        assert [kept(again, index) for index in range(4)] == [openings(0), openings(1), openings(2), None]
        assert (again.erased(), again.staged(), again.followed()) == (0, {}, 9)


def test_the_secrets_of_a_record_that_never_reached_the_log_open_no_other(keys: KeyStore) -> None:
    """A record would be opened with the openings of another that has never been, or lose its own."""
    keys.write([], [openings(index) for index in range(5)], size=5)
    another = replace(openings(3, "another"), commitment=seed("another commitment"))
    keys.write([], [another], size=4)
    assert kept(keys, 3) == openings(3)
    assert keys.openings(3, another.commitment) == another
    assert keys.openings(4, another.commitment) is None
    with pytest.raises(Damaged, match="(?i)unique constraint.*openings"):
        keys.write([], [openings(3, "once more")], size=5)
    keys.keep(openings(3, "once more"))
    assert kept(keys, 3) == openings(3)
    keys.keep(openings(7))
    assert kept(keys, 7) == openings(7)


def test_it_says_for_which_size_of_the_log_it_was_written(made: Place, keys: KeyStore) -> None:
    """One restored from a backup would be taken for the newest, and what it lacks for erased."""
    assert keys.followed() == 0
    keys.write([customer("Ada")], [openings(0)], size=3)
    keys.write([], [openings(1)], size=2)
    assert keys.followed() == 3
    keys.follow(7)
    keys.follow(5)
    keys.close()
    with closing(made.keys()) as again:
        assert again.followed() == 7


def test_a_batch_of_secrets_is_there_whole_or_not_at_all(made: Place, keys: KeyStore) -> None:
    """Half of a batch's keys would open half of its records."""
    keys.write([customer("Ada")], [], size=9)
    clash = Customer(name="Ada", handle=seed("another"), key=seed("another"))
    for wrong in (clash, Customer(name="Zoe", handle=customer("Ada").handle, key=bytes(32))):
        with pytest.raises(Damaged, match=f"{made}: .*(?i:unique) constraint.*customers"):
            keys.write([customer("Ben"), wrong], [openings(0)], size=9)
        assert keys.customer("Ben") is None
        assert kept(keys, 0) is None
    assert keys.customer("Ada") == customer("Ada")


def test_a_customer_who_was_erased_is_nowhere_in_the_files(path: Path, filed: KeyDatabase) -> None:
    """Somebody who takes a copy of the disk afterwards could still read every record."""
    chance = Random(1)
    names = [f"customer {number:05d}" for number in range(400)]
    for number, name in enumerate(names):
        filed.write([customer(name)], [openings(number, "x" * chance.randrange(3))], size=9)
    gone = chance.sample(names, 60)
    assert filed.customer(gone[0]) is not None  # what is remembered in memory has to go as well
    for name in gone:
        filed.erase(customer=customer(name).handle, replaced={})
    assert all(filed.customer(name) is None for name in gone)
    assert all(filed.by_handle(customer(name).handle) is None for name in gone)
    found = raw(path)
    assert [name for name in gone if name.encode() in found or customer(name).key in found] == []
    kept = [name for name in names if name not in gone]
    assert all(filed.customer(name) == customer(name) for name in kept)
    assert customer(kept[0]).key in found


def test_openings_that_were_replaced_are_nowhere_in_the_files(path: Path, filed: KeyDatabase) -> None:
    """A guess at an erased value could still be tested."""
    filed.write([], [openings(index) for index in range(300)], size=9)
    filed.erase(customer=None, replaced={index: (emptied(index), None) for index in range(0, 300, 2)})
    filed.erase(customer=None, replaced={1: (openings(1, "less"), b"a new box")})
    found = raw(path)
    gone = [*range(0, 300, 2), 1]
    assert [i for i in gone if openings(i).wrapped in found or openings(i).openings[:32] in found] == []
    assert openings(3).wrapped in found
    assert kept(filed, 2) == emptied(2)
    assert kept(filed, 1) == openings(1, "less")


def test_what_was_erased_while_somebody_reads_is_gone_with_the_first_write_after(
    path: Path, filed: KeyDatabase
) -> None:
    """A backup that runs would keep an erased key in the write-ahead log for as long as the ledger runs."""
    ada = customer("Ada")
    filed.write([ada], [], size=9)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM customers").fetchall()
        filed.erase(customer=ada.handle, replaced={})
        assert filed.customer("Ada") is None
        assert ada.key in raw(path)  # it cannot be taken from whoever reads
        filed.write([customer("Ben")], [], size=9)
        assert ada.key in raw(path)
        reader.execute("COMMIT")
        filed.write([customer("Cid")], [], size=9)
    assert ada.key not in raw(path)


def test_payloads_stay_staged_until_the_log_has_taken_them(made: Place, keys: KeyStore) -> None:
    """After a crash between the two files a record would keep what was to be erased from it."""
    keys.write([], [openings(0), openings(1)], size=9)
    keys.erase(customer=None, replaced={0: (emptied(0), None), 1: (openings(1, "less"), b"a new box")})
    keys.close()
    with closing(made.keys(writing=True)) as again:
        assert again.staged() == {0: None, 1: b"a new box"}
        assert again.erased() == 0
        again.settle(7)
        assert (again.staged(), again.erased()) == ({}, 7)
        again.settle(5)
        assert again.erased() == 7


def test_a_name_that_is_used_again_after_erasure_is_another_customer(keys: KeyStore) -> None:
    """The records of before and after would be tied together by the handle."""
    keys.write([customer("Ada")], [], size=9)
    keys.erase(customer=customer("Ada").handle, replaced={})
    again = Customer(name="Ada", handle=seed("another handle"), key=seed("another key"))
    keys.write([again], [], size=9)
    assert keys.customer("Ada") == again
    assert keys.by_handle(customer("Ada").handle) is None


def test_it_is_made_once(made: Place, keys: KeyStore) -> None:
    """Making it again would give the firm another key, and no erasure record could be read any more."""
    with pytest.raises(StoreError, match=f"{made}: already holds the keys of a log"):
        keys.create(ORIGIN, seed("another"))
    assert keys.by_handle(FIRM) == Customer(name=FIRM_NAME, handle=FIRM, key=seed("firm"))


def test_a_store_without_a_state_is_damage(place: Place) -> None:
    """An empty file would look like one from which everything was erased."""
    with closing(place.keys(writing=True, create=True)) as keys:
        for call in (keys.origin, keys.erased, keys.followed):
            with pytest.raises(Damaged, match=f"{place}: holds no keys of a log"):
                call()


def test_a_reader_can_change_nothing(made: Place) -> None:
    """Whoever only makes bundles must not be able to erase."""
    with closing(made.keys()) as reader:
        for change in (
            lambda: reader.write([customer("Ada")], [], size=1),
            lambda: reader.follow(3),
            lambda: reader.keep(openings(0)),
            lambda: reader.settle(3),
            lambda: reader.erase(customer=FIRM, replaced={}),
        ):
            with pytest.raises(StorageFailed, match="readonly database|read-only transaction"):
                change()


def test_nothing_is_made_for_who_did_not_ask(tmp_path: Path) -> None:
    """A mistyped path would begin with no keys at all."""
    missing = tmp_path / "nowhere" / "keys.db"
    with pytest.raises(StorageFailed, match=f"{missing}: unable to open database file"):
        KeyDatabase(missing, writing=True)
    with pytest.raises(StorageFailed, match=f"{missing}: No such file or directory"):
        KeyDatabase(missing, writing=True, create=True)


def test_neither_the_file_nor_a_message_shows_a_secret(path: Path) -> None:
    """Names and keys would end up in a log file, or be read by whoever has an account on the machine."""
    assert path.stat().st_mode & 0o077 == 0
    shown = repr(customer("Ada"))
    assert "Ada" not in shown
    assert customer("Ada").key.hex() not in shown
    assert repr(customer("Ada").key) not in shown
    assert repr(openings(0).openings) not in repr(openings(0))
