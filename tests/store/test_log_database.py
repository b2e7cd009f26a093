"""The log's database: a batch is in it whole or not at all, and only where it belongs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from armslength.ledger import Kind
from armslength.store import (
    Damaged,
    LogDatabase,
    LogStore,
    Overtaken,
    StorageFailed,
    StoreError,
    log_entries,
    log_nodes,
    log_tile,
)
from armslength.tlog import (
    Edge,
    Tile,
    consistency_proof,
    entries_of,
    inclusion_proof,
    leaf_hash,
    root_at,
    tiles_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tests.store.places import FilePlace, Place
from tests.store.stores import ADA, BEN, Growth, log_state
from tests.tlog.trees import files


@pytest.fixture
def made(place: Place) -> Place:
    with place.log(writing=True, create=True) as log:
        log.create(log_state(Edge.empty()))
    return place


@pytest.fixture
def log(made: Place) -> Iterator[LogStore]:
    with made.log(writing=True) as found:
        yield found


@pytest.fixture
def filed(path: Path) -> Iterator[LogDatabase]:
    with LogDatabase(path, writing=True) as found:
        yield found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "log.db"
    with LogDatabase(made, writing=True, create=True) as log:
        log.create(log_state(Edge.empty()))
    return made


def test_a_batch_that_was_written_is_there_for_whoever_opens_it_next(made: Place, log: LogStore) -> None:
    """What a receipt was given for must be found again."""
    growth = Growth()
    for number in range(4):
        batch = growth.next([ADA, BEN, ADA], map_head=number == 2)
        log.write(batch)
    log.close()
    with made.log() as again:
        assert again.state() == batch.after
        assert again.leaves(0, 13) == tuple(growth.leaves)
        assert [leaf for piece in again.pieces(2, 13, 4) for leaf in piece] == growth.leaves[2:13]
        assert again.leaves(5, 5) == ()
        assert again.act(batch.acts[1][0]) == (11, 1)
        assert again.act(bytes(16)) is None
        many = [n.to_bytes(16, "big") for n in range(1, 5000)]
        assert again.acts([*many, *(act for act, _, _ in batch.acts)]) == {
            act: (first, count) for act, first, count in batch.acts
        }
        assert again.heads() == growth.heads
        ada = [(placed, growth.leaves[placed]) for placed in (0, 2, 3, 5, 6, 8, 10, 12)]
        assert again.records_of(ADA, until=13) == tuple(ada)
        assert again.records_of(ADA, until=8) == tuple(ada[:5])
        assert again.records_of(bytes(32), until=13) == ()
        assert [again.index_of(BEN, sequence) for sequence in range(5)] == [1, 4, 7, 11, None]
        assert (again.payload(1), again.payload(9)) == (b"box of 1", None)
        assert again.sizes() == {
            "entries": 13,
            "customers": 2,
            "records": 12,
            "acts": 12,
            "erasures": 0,
            "tiles": 0,
            "payloads": 12,
            "heads": 2,
        }


def test_a_batch_for_another_state_leaves_nothing(made: Place, log: LogStore) -> None:
    """Two writers on one log would interleave two histories."""
    ours, theirs = Growth(), Growth()
    log.write(ours.next([ADA]))
    before = made.everything()
    for batch in (theirs.next([BEN]), theirs.next([BEN])):
        late = replace(batch, before=replace(batch.before, hashes=(bytes(32),))) if batch.before.size == 1 else batch
        with pytest.raises(Overtaken, match=f"{made}: no longer at size {batch.before.size}: another writer was here"):
            log.write(late)
        assert made.everything() == before
    log.write(ours.next([BEN]))
    assert log.records_of(BEN, until=9) == ((1, ours.leaves[1]),)


@pytest.mark.parametrize("table", ["entries", "records", "acts", "payloads", "tiles", "erasures"])
def test_a_batch_that_fails_half_way_leaves_nothing(made: Place, log: LogStore, table: str) -> None:
    """A log with the entries of half a batch has another root than the one that was signed."""
    growth = Growth()
    log.write(growth.next([ADA] * 250))
    batch = growth.next([BEN] * 10, kind=Kind.ERASURE)
    rows = {
        "entries": "INSERT INTO entries VALUES (255, x'00')",
        "records": "INSERT INTO records VALUES (2, 5, 0)",
        "acts": f"INSERT INTO acts VALUES (x'{batch.acts[5][0].hex()}', 0, 1)",
        "payloads": "INSERT INTO payloads VALUES (255, x'00')",
        "tiles": "INSERT INTO tiles VALUES (0, 0, x'00')",
        "erasures": "INSERT INTO erasures VALUES (255, x'00', x'00', x'00')",
    }
    undone = {
        "entries": "DELETE FROM entries WHERE idx=255",
        "records": "DELETE FROM records WHERE customer=2",
        "acts": f"DELETE FROM acts WHERE act=x'{batch.acts[5][0].hex()}'",
        "payloads": "DELETE FROM payloads WHERE idx=255",
        "tiles": "DELETE FROM tiles WHERE n=0",
        "erasures": "DELETE FROM erasures WHERE idx=255",
    }
    made.altered(rows[table])
    before = made.everything()
    with pytest.raises(Damaged, match=f"{made}: .*(?i:unique) constraint.*{table}"):
        log.write(batch)
    assert made.everything() == before
    made.altered(undone[table])
    log.write(batch)
    assert len(log.records_of(BEN, until=260)) == 10
    assert log.erasures(0) == batch.erasures
    assert [each.index for each in log.erasures(258)] == [258, 259]


def test_customers_of_a_batch_that_failed_are_not_remembered(made: Place, log: LogStore) -> None:
    """The number of a customer that was rolled back would be given to the next, and the two mixed up."""
    growth = Growth()
    batch = growth.next([ADA])
    made.altered("INSERT INTO entries VALUES (0, x'00')")
    with pytest.raises(Damaged):
        log.write(batch)
    made.altered("DELETE FROM entries")
    other = Growth()
    log.write(other.next([BEN]))
    log.write(other.next([ADA]))
    assert log.records_of(BEN, until=9) == ((0, other.leaves[0]),)
    assert log.records_of(ADA, until=9) == ((1, other.leaves[1]),)


def test_tiles_bundles_and_proofs_are_those_of_the_entries(log: LogStore) -> None:
    """What is published and proven is read from here."""
    growth = Growth()
    log.write(growth.next([ADA] * 300))
    log.write(growth.next([BEN] * 231))
    size = len(growth.leaves)
    stored = files(growth.leaves)
    read = log_tile(log)
    assert {tile.path: read(tile) for tile in tiles_of(size)} | {
        each.path: log_entries(log, each) for each in entries_of(size)
    } == stored
    node = log_nodes(log, size)
    hashes = [leaf_hash(leaf) for leaf in growth.leaves]
    assert root_at(size, node) == tree_root(hashes)
    for index in (0, 255, 256, 511, 512, size - 1):
        proof = inclusion_proof(index, size, node)
        verify_inclusion(index=index, size=size, leaf=hashes[index], proof=proof, root=tree_root(hashes))
    for old in (1, 255, 300, size - 1):
        proof = consistency_proof(old, size, node)
        root = tree_root(hashes[:old])
        verify_consistency(old=old, new=size, old_root=root, new_root=tree_root(hashes), proof=proof)


def test_a_payload_that_is_replaced_or_taken_away_is_nowhere_in_the_files(path: Path, filed: LogDatabase) -> None:
    """What was erased would still be on the disk, for whoever takes a copy."""
    growth = Growth()
    batch = growth.next([ADA] * 40)
    boxes = {index: b"to be erased %04d" % index * (1 + 40 * index) for index, _ in batch.payloads}
    filed.write(replace(batch, payloads=tuple(boxes.items())))
    filed.replace_payloads({index: (b"another" if index % 2 else None) for index in boxes if index > 1})
    raw = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert {index for index in boxes if b"to be erased %04d" % index in raw} == {0, 1}
    assert [filed.payload(index) for index in range(4)] == [boxes[0], boxes[1], None, b"another"]
    filed.replace_payloads({2: b"a box again", 3: b"newer"})
    assert (filed.payload(2), filed.payload(3)) == (None, b"newer")


def test_a_payload_that_is_replaced_or_taken_away_is_not_read_again(made: Place, log: LogStore) -> None:
    """What was erased would be told on."""
    batch = Growth().next([ADA] * 5)
    log.write(batch)
    log.replace_payloads({1: None, 2: b"another", 3: b"", 9: b"of nothing"})
    with made.log() as again:
        assert [again.payload(index) for index in range(5)] == [b"box of 0", None, b"another", b"", b"box of 4"]
    log.replace_payloads({})
    log.replace_payloads({1: b"a box again"})
    assert (log.payload(1), log.payload(9), log.sizes()["payloads"]) == (None, None, 4)


def test_what_is_read_within_a_snapshot_is_of_one_moment(made: Place, log: LogStore) -> None:
    """A bundle made while somebody records would not fit the checkpoint it is made for."""
    growth = Growth()
    log.write(growth.next([ADA]))
    with made.log() as reader:
        with reader.snapshot():
            before = reader.state()
            log.write(growth.next([ADA, BEN]))
            assert (reader.state(), reader.sizes()["entries"]) == (before, 1)
            with pytest.raises(Damaged):
                reader.leaves(0, 2)
        assert reader.state() == log.state() != before


def test_a_reader_can_change_nothing(made: Place) -> None:
    """Whoever only looks must not be able to do harm."""
    with (
        made.log() as reader,
        pytest.raises(StorageFailed, match="attempt to write a readonly database|read-only transaction"),
    ):
        reader.write(Growth().next([ADA]))


def test_a_log_is_made_once(made: Place, log: LogStore) -> None:
    """Making it again would forget the one that is there."""
    log.write(Growth().next([ADA]))
    with pytest.raises(StoreError, match=f"{made}: already holds a log"):
        log.create(log_state(Edge.empty()))
    assert log.state().size == 1


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A mistyped path would begin a second log."""
    for writing in (True, False):
        with pytest.raises(StorageFailed, match=f"{tmp_path / 'log.db'}: unable to open database file"):
            LogDatabase(tmp_path / "log.db", writing=writing)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("writing", [True, False])
def test_an_empty_or_foreign_file_is_refused(tmp_path: Path, writing: bool) -> None:
    """A copy cut short would be taken for a new log."""
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE photographs (id)")
    with pytest.raises(Damaged, match=f"{foreign}: not a file of armslength"):
        LogDatabase(foreign, writing=writing)
    rubbish = tmp_path / "rubbish.db"
    rubbish.write_bytes(b"rubbish" * 1000)
    with pytest.raises(Damaged, match=f"{rubbish}: file is not a database"):
        LogDatabase(rubbish, writing=writing)
    bare = tmp_path / "bare.db"
    with LogDatabase(bare, writing=True, create=True) as log, pytest.raises(Damaged, match=f"{bare}: holds no log"):
        log.state()


def test_a_file_of_a_later_version_is_left_alone(path: Path) -> None:
    """An older program would write into tables that mean something else."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=2")
    with pytest.raises(StoreError, match=f"{path}: of version 2; this armslength knows version 1"):
        LogDatabase(path, writing=True)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE state SET size=4", "does not fit the size 4"),
        ("UPDATE state SET root=zeroblob(32)", "the root at size 3 is not that of its edge"),
        ("UPDATE state SET edge=zeroblob(64)", "the root at size 3 is not that of its edge"),
        ("UPDATE state SET edge=x''", "an edge of 0 bytes does not fit the size 3"),
        ("UPDATE state SET size=-1", "the size -1 and what is kept with it are no edge of a tree"),
        ("DELETE FROM state", "holds no log"),
    ],
)
def test_a_state_that_does_not_add_up_is_damage_and_names_the_file(
    made: Place, log: LogStore, statement: str, said: str
) -> None:
    """A wrong state would be signed on from."""
    log.write(Growth().next([ADA] * 3))
    made.altered(statement)
    with pytest.raises(Damaged) as damaged:
        log.state()
    assert said in str(damaged.value)
    assert str(damaged.value).startswith(f"{made}: ")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE state SET size='many'", "the size 'many' and what is kept with it are no edge of a tree"),
        ("UPDATE state SET edge='text'", "the size 3 and what is kept with it are no edge of a tree"),
    ],
)
def test_a_value_of_another_type_in_a_file_is_damage(path: Path, filed: LogDatabase, statement: str, said: str) -> None:
    """As above: SQLite takes any value in any column."""
    filed.write(Growth().next([ADA] * 3))
    FilePlace(path).altered(statement)
    with pytest.raises(Damaged, match=f"{path}: {said}"):
        filed.state()


def test_missing_entries_and_tiles_are_damage(made: Place, log: LogStore) -> None:
    """A proof that leaves an entry out would be refused by whoever gets it."""
    growth = Growth()
    log.write(growth.next([ADA] * 260))
    made.altered("DELETE FROM entries WHERE idx=7")
    with pytest.raises(Damaged, match=f"{made}: entries 0 to 9: 9 of 10 are there"):
        log.leaves(0, 10)
    made.altered("UPDATE tiles SET hashes=zeroblob(8191)")
    with pytest.raises(Damaged, match=f"{made}: tile 0 of level 0 is missing or not 8192 bytes"):
        log.tile(0, 0)
    with pytest.raises(Damaged):
        log_tile(log)(Tile(level=1, index=0, width=1))


def test_the_file_says_who_may_read_it_and_whose_it_is(path: Path) -> None:
    """Payloads are for the firm; and a file found on a disk should say what it is."""
    assert path.stat().st_mode & 0o077 == 0
    assert path.read_bytes()[68:72] == b"ArmL"
