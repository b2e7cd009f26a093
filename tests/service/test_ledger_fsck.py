"""Checking a whole ledger: what anybody changes in any of its files is found, and its place named."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from shutil import copy2

import pytest

from armslength.ledger import ErasedField, Kind, OpenField, format_openings, parse_openings
from armslength.service import LedgerCheck, LedgerFinding, adopt_keys, check_ledger
from armslength.store import LedgerFolder, PublicFolder, StoreError, read_ledger_folder
from armslength.tlog import Checkpoint, Note, SigningKey, sign_note
from tests.service.ledgers import MARK, Chance, act, copied, erasure, ledger_folder, opened, record, recorded
from tests.service.logs import NOW

FULL = 260
"""Records that fill the first tile, before the interesting ones."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with everything in it: full tiles, map heads, an act on several customers, every kind of erasure."""
    folder = ledger_folder(tmp_path_factory.mktemp("fsck") / "ledger")
    with opened(folder) as ledger:
        for future in [ledger.append(act(f"filling {number}", "acme")) for number in range(FULL)]:
            future.result()
    with opened(folder) as ledger:
        recorded(
            ledger,
            act("several", "acme", "beta", "gone"),
            act("of the firm", kind=Kind.PEOPLE_CHANGE),
            act("lent", "beta", fields={"action": "read", "address": f"Elm Street {MARK}", "name": "Ben"}),
            act("used", "gone"),
            act("alone", "delta"),
            erasure("one field", "beta", [{"sequence": 1, "labels": ["address"]}]),
            erasure("one record", "beta", [{"sequence": 0}]),
            erasure("everything", "gone"),
        )
    record(folder, act("after", "beta"), act("after that", "acme"))
    return folder.path


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> LedgerFolder:
    return read_ledger_folder(copied(whole, tmp_path / "ledger"))


def found(folder: LedgerFolder) -> list[tuple[str, str]]:
    return [(finding.where, finding.problem) for finding in check_ledger(folder).findings]


def places(folder: LedgerFolder) -> set[str]:
    return {where for where, _ in found(folder)}


def change(path: Path, *statements: str, values: Iterable[object] = ()) -> None:
    """Change a store behind its keeper's back; fails where nothing changed."""
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            assert db.execute(statement, tuple(values)).rowcount != 0, statement
        db.commit()


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def test_a_ledger_that_nobody_touched_adds_up(whole: Path) -> None:
    """A check that cries wolf is one that nobody runs."""
    stages: list[tuple[str, int, int]] = []
    checked = check_ledger(read_ledger_folder(whole, signing=False), progress=lambda *told: stages.append(told))
    size = checked.size
    heads = size - checked.records
    assert checked == LedgerCheck(
        size=size,
        records=FULL + 7 + 3 + 2 + 1 - 1,
        customers=5,
        opened=checked.records - 3,
        erased=3,
        lost=0,
        published=size,
        findings=(),
    )
    assert heads == 3
    assert {stage for stage, _, _ in stages} == {"entries", "published"}
    assert all(done <= total == size for _, done, total in stages)
    assert stages[-1] == ("published", size, size)


def test_an_empty_ledger_adds_up(tmp_path: Path) -> None:
    """The first thing that anybody does is to check what was just made."""
    checked = check_ledger(ledger_folder(tmp_path / "ledger"))
    assert (checked.size, checked.records, checked.customers, checked.findings) == (0, 0, 0, ())


def test_nothing_is_written_by_checking(folder: LedgerFolder) -> None:
    """Who may only read could not check; and a check that mends hides what was wrong."""
    before = {
        each: each.read_bytes()
        for each in folder.path.rglob("*")
        if each.is_file() and not each.name.endswith(("-shm", "-wal"))
    }
    check_ledger(folder)
    assert {each: each.read_bytes() for each in before} == before


# The log's database

FIRST_ERASURE = FULL + 8
LEAST = "(SELECT min(idx) FROM erasures)"

LOG_TAMPERINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "entry: a byte of a commitment": (
        "log.db entries",
        (
            "UPDATE entries SET leaf=CAST(replace(CAST(leaf AS TEXT), substr(CAST(leaf AS TEXT), 60, 3), 'AAA')"
            " AS BLOB) WHERE idx=7",
        ),
    ),
    "entry: another kind": (
        "log.db entries",
        ("UPDATE entries SET leaf=CAST(replace(CAST(leaf AS TEXT), '\"use\"', '\"lease\"') AS BLOB) WHERE idx=7",),
    ),
    "entry: dropped in the middle": ("log.db entries", ("DELETE FROM entries WHERE idx=7",)),
    "entry: the last dropped": ("log.db entries", ("DELETE FROM entries WHERE idx=(SELECT max(idx) FROM entries)",)),
    "entry: two exchanged": (
        "log.db entries",
        (
            "UPDATE entries SET idx=-1 WHERE idx=7",
            "UPDATE entries SET idx=7 WHERE idx=8",
            "UPDATE entries SET idx=8 WHERE idx=-1",
        ),
    ),
    "entry: one added at the end": (
        "log.db entries",
        ("INSERT INTO entries SELECT max(idx)+1, leaf FROM entries",),
    ),
    "entry: one added before the first": ("log.db entries", ("INSERT INTO entries VALUES (-1, x'00')",)),
    "entry: empty": ("log.db entries", ("UPDATE entries SET leaf=x'' WHERE idx=7",)),
    "entry: no bytes": ("log.db entries", ("UPDATE entries SET leaf=CAST(leaf AS TEXT) WHERE idx=7",)),
    "customer: another handle": (
        "log.db records, entry 0",
        ("UPDATE customers SET handle=zeroblob(31) WHERE customer=1",),
    ),
    "customer: no bytes": ("log.db customers", ("UPDATE customers SET handle=CAST(handle AS TEXT) WHERE customer=1",)),
    "customer: dropped": ("log.db records, entry 0", ("DELETE FROM customers WHERE customer=1",)),
    "customer: one added": ("log.db customers", ("INSERT INTO customers VALUES (99, zeroblob(31))",)),
    "record: another place": ("log.db records, entry 7", ("UPDATE records SET idx=8 WHERE idx=7",)),
    "record: another number": ("log.db records, entry 7", ("UPDATE records SET sequence=70000 WHERE idx=7",)),
    "record: two exchanged": (
        "log.db records, entry 7",
        (
            "UPDATE records SET idx=-1 WHERE idx=7",
            "UPDATE records SET idx=7 WHERE idx=8",
            "UPDATE records SET idx=8 WHERE idx=-1",
        ),
    ),
    "record: dropped": ("log.db records, entry 7", ("DELETE FROM records WHERE idx=7",)),
    "record: one added": ("log.db records", ("INSERT INTO records VALUES (1, 70000, 7)",)),
    "record: of a customer that is none": ("log.db records", ("INSERT INTO records VALUES (99, 0, 7)",)),
    "act: another place": ("log.db acts, entry 7", ("UPDATE acts SET first=8 WHERE first=7",)),
    "act: more leaves": ("log.db acts, entry 7", ("UPDATE acts SET count=2 WHERE first=7",)),
    "act: more leaves, from before": ("log.db acts, entry 7", ("UPDATE acts SET first=6, count=2 WHERE first=7",)),
    "act: fewer leaves": (f"log.db acts, entry {FULL + 1}", (f"UPDATE acts SET count=2 WHERE first={FULL + 1}",)),
    "act: no leaves": ("log.db acts, entry 7", ("UPDATE acts SET count=0 WHERE first=7",)),
    "act: another id": ("log.db acts, entry 7", ("UPDATE acts SET act=zeroblob(16) WHERE first=7",)),
    "act: dropped": ("log.db acts, entry 7", ("DELETE FROM acts WHERE first=7",)),
    "act: one added": ("log.db acts", ("INSERT INTO acts VALUES (zeroblob(16), 7, 1)",)),
    "act: two exchanged": (
        "log.db acts, entry 7",
        (
            "UPDATE acts SET first=-1 WHERE first=7",
            "UPDATE acts SET first=7 WHERE first=8",
            "UPDATE acts SET first=8 WHERE first=-1",
        ),
    ),
    "erasure: dropped": (f"log.db erasures, entry {FIRST_ERASURE}", ("DELETE FROM erasures WHERE idx=" + LEAST,)),
    "erasure: one added": (
        "log.db erasures, entry 7",
        ("INSERT INTO erasures SELECT 7, commitment, wrapped, openings FROM erasures LIMIT 1",),
    ),
    "erasure: another place": (
        f"log.db erasures, entry {FIRST_ERASURE}",
        ("UPDATE erasures SET idx=7 WHERE idx=" + LEAST,),
    ),
    "erasure: what opens it": (
        f"log.db erasures, entry {FIRST_ERASURE}",
        ("UPDATE erasures SET wrapped=zeroblob(length(wrapped)) WHERE idx=" + LEAST,),
    ),
    "erasure: its openings": (
        f"log.db erasures, entry {FIRST_ERASURE}",
        ("UPDATE erasures SET openings=zeroblob(length(openings)) WHERE idx=" + LEAST,),
    ),
    "erasure: its commitment": (
        f"log.db erasures, entry {FIRST_ERASURE}",
        ("UPDATE erasures SET commitment=zeroblob(32) WHERE idx=" + LEAST,),
    ),
    "tile: a byte": (
        "log.db tile/0/000",
        ("UPDATE tiles SET hashes=CAST(substr(hashes, 1, 100) || x'00' || substr(hashes, 102) AS BLOB)",),
    ),
    "tile: cut short": ("log.db tile/0/000", ("UPDATE tiles SET hashes=CAST(substr(hashes, 1, 8160) AS BLOB)",)),
    "tile: dropped": ("log.db tile/0/000", ("DELETE FROM tiles",)),
    "tile: one added": ("log.db tiles", ("INSERT INTO tiles VALUES (0, 1, zeroblob(8192))",)),
    "tile: another level": ("log.db tile/0/000", ("UPDATE tiles SET level=1",)),
    "payload: a byte": (
        "keys.db, entry 7",
        ("UPDATE payloads SET box=CAST(substr(box, 1, 20) || x'00' || substr(box, 22) AS BLOB) WHERE idx=7",),
    ),
    "payload: two exchanged": (
        "keys.db, entry 7",
        (
            "UPDATE payloads SET idx=-1 WHERE idx=7",
            "UPDATE payloads SET idx=7 WHERE idx=8",
            "UPDATE payloads SET idx=8 WHERE idx=-1",
        ),
    ),
    "payload: dropped": ("log.db payloads, entry 7", ("DELETE FROM payloads WHERE idx=7",)),
    "payload: one added past the end": ("log.db payloads", ("INSERT INTO payloads VALUES (9999, x'00')",)),
    "payload: one added before the first": ("log.db payloads", ("INSERT INTO payloads VALUES (-1, x'00')",)),
    "payload: one added to a map head": ("log.db payloads", (f"INSERT INTO payloads VALUES ({FULL}, x'00')",)),
    "payload: one back that was erased": (
        f"keys.db, entry {FULL + 2}",
        (f"INSERT INTO payloads VALUES ({FULL + 2}, x'00')",),
    ),
    "head: another size": ("log.db heads", ("UPDATE heads SET size=2, edge=zeroblob(32) WHERE size=1",)),
    "head: another edge": ("log.db heads", ("UPDATE heads SET edge=zeroblob(length(edge)) WHERE customer=1",)),
    "head: another last": ("log.db heads", ("UPDATE heads SET last=zeroblob(32) WHERE customer=1",)),
    "head: dropped": ("log.db heads", ("DELETE FROM heads WHERE customer=1",)),
    "head: of a customer that is none": (
        "log.db heads",
        ("INSERT INTO heads SELECT 99, size, edge, last FROM heads WHERE customer=1",),
    ),
    "head: two exchanged": (
        "log.db heads",
        (
            "UPDATE heads SET customer=-1 WHERE customer=1",
            "UPDATE heads SET customer=1 WHERE customer=2",
            "UPDATE heads SET customer=2 WHERE customer=-1",
        ),
    ),
    "state: another origin": ("log.db state", ("UPDATE state SET origin='other.example/log'",)),
    "state: another size": ("log.db state", ("UPDATE state SET size=size-1",)),
    "state: another root": ("log.db state", ("UPDATE state SET root=zeroblob(32)",)),
    "state: another edge": ("log.db state", ("UPDATE state SET edge=zeroblob(length(edge))",)),
    "state: another time": ("log.db state", ("UPDATE state SET time=time+60",)),
    "state: mapped less": ("log.db state", ("UPDATE state SET mapped=mapped-3",)),
    "state: mapped at a record": ("log.db state", ("UPDATE state SET mapped=mapped-1",)),
    "state: nothing mapped": ("log.db state", ("UPDATE state SET mapped=0",)),
    "state: mapped past the end": ("log.db state", ("UPDATE state SET mapped=9999",)),
    "state: mapped at the end": ("log.db state", ("UPDATE state SET mapped=size",)),
    "state: no checkpoint": ("log.db state", ("UPDATE state SET note='nothing'",)),
    "state: gone": ("log.db state", ("DELETE FROM state",)),
}


@pytest.mark.parametrize("what", LOG_TAMPERINGS)
def test_whatever_is_changed_in_the_log_is_found(folder: LedgerFolder, what: str) -> None:
    """Who can write to the disk could change what was recorded, or where it is found."""
    where, statements = LOG_TAMPERINGS[what]
    change(folder.log, *statements)
    assert where in {place.replace(str(folder.path) + "/", "") for place in places(folder)}, found(folder)


def exchanged(path: Path, column: str, *where: str) -> None:
    """Exchange a value between two rows of `customers`, around whatever has to be unique."""
    (one, two) = (ask(path, f"SELECT {column} FROM customers WHERE {each}")[0][0] for each in where)
    with closing(sqlite3.connect(path)) as db:
        for value, old in ((b"aside", one), (one, two), (two, b"aside")):
            assert db.execute(f"UPDATE customers SET {column}=? WHERE {column}=?", (value, old)).rowcount == 1
        db.commit()


def test_the_handles_of_two_customers_exchanged_are_found(folder: LedgerFolder) -> None:
    """Each would be shown the other's records."""
    exchanged(folder.log, "handle", "customer=1", "customer=2")
    wrong = {place for place in places(folder) if place.startswith("log.db records, entry ")}
    assert {f"log.db records, entry {index}" for index in range(FULL)} < wrong


def noted(folder: LedgerFolder, altered: Callable[[Note], str]) -> None:
    ((note,),) = ask(folder.log, "SELECT note FROM state")
    assert isinstance(note, str)
    change(folder.log, "UPDATE state SET note=?", values=[altered(Note.parse(note))])


def flipped(note: Note, place: int) -> str:
    """The note with one bit of one of its signatures changed."""
    signatures = list(note.signatures)
    old = signatures[place]
    blob = bytearray(old.blob)
    blob[-1] ^= 1
    signatures[place] = type(old)(name=old.name, key_id=old.key_id, blob=bytes(blob))
    return Note(text=note.text, signatures=tuple(signatures)).format()


def signed_afresh(note: Note, signers: Iterable[SigningKey], **changes: object) -> str:
    checkpoint = Checkpoint.parse(note.text)
    said = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root, **changes}
    text = Checkpoint(**said).format()  # type: ignore[arg-type]
    return Note(
        text=text,
        signatures=tuple(sign_note(text, key, timestamp=NOW if key.algorithm.timestamped else None) for key in signers),
    ).format()


@pytest.mark.parametrize(
    ("altered", "said"),
    [
        (lambda note, keys: flipped(note, 0), "does not verify"),
        (lambda note, keys: flipped(note, 1), "does not verify"),
        (lambda note, keys: signed_afresh(note, [key.named("x.example/y") for key in keys]), "signed by no log key"),
        (lambda note, keys: signed_afresh(note, keys, size=3), "the checkpoint is of size 3, the state of"),
        (lambda note, keys: signed_afresh(note, keys, root=bytes(32)), "another root than the state"),
    ],
)
def test_a_stored_checkpoint_that_is_not_the_logs_is_found(
    folder: LedgerFolder, altered: Callable[[Note, tuple[SigningKey, ...]], str], said: str
) -> None:
    """The next start, or the publisher, would show it to the world."""
    noted(folder, lambda note: altered(note, folder.signers))
    findings = found(folder)
    assert [where for where, _ in findings] == ["log.db state"]
    assert said in findings[0][1]


# The store of keys


def openings_of(folder: LedgerFolder, index: int) -> bytes:
    ((data,),) = ask(folder.keys, f"SELECT openings FROM openings WHERE idx={index}")
    assert isinstance(data, bytes)
    return data


def with_openings(folder: LedgerFolder, index: int, data: bytes) -> None:
    change(folder.keys, "UPDATE openings SET openings=? WHERE idx=?", values=[data, index])


KEY_TAMPERINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "customer: another key": ("keys.db, entry 7", ("UPDATE customers SET key=zeroblob(32) WHERE name='acme'",)),
    "customer: a key of another length": ("keys.db, entry 7", ("UPDATE customers SET key=x'00' WHERE name='acme'",)),
    "customer: dropped": ("keys.db customers", ("DELETE FROM customers WHERE name='acme'",)),
    "customer: another handle": ("keys.db customers", ("UPDATE customers SET handle=zeroblob(31) WHERE name='acme'",)),
    "customer: the firm dropped": ("keys.db customers", ("DELETE FROM customers WHERE name=''",)),
    "customer: the firm's key": (
        f"keys.db, entry {FULL + 4}",
        ("UPDATE customers SET key=zeroblob(32) WHERE name=''",),
    ),
    "openings: dropped": ("keys.db, entry 7", ("DELETE FROM openings WHERE idx=7",)),
    "openings: another commitment": ("keys.db, entry 7", ("UPDATE openings SET commitment=zeroblob(32) WHERE idx=7",)),
    "openings: another place": ("keys.db, entry 7", ("UPDATE openings SET idx=9999 WHERE idx=7",)),
    "openings: another key": ("keys.db, entry 7", ("UPDATE openings SET wrapped=zeroblob(60) WHERE idx=7",)),
    "openings: no key": ("keys.db, entry 7", ("UPDATE openings SET wrapped=x'' WHERE idx=7",)),
    "openings: rubbish": ("keys.db, entry 7", ("UPDATE openings SET openings=x'00' WHERE idx=7",)),
    "openings: a re-used key": (
        "keys.db, entry 7",
        ("UPDATE openings SET wrapped=(SELECT wrapped FROM openings WHERE idx=8) WHERE idx=7",),
    ),
    "openings: another record's": (
        "keys.db, entry 7",
        ("UPDATE openings SET openings=(SELECT openings FROM openings WHERE idx=8) WHERE idx=7",),
    ),
    "openings: a key back that was erased": (
        f"keys.db, entry {FULL + 2}",
        (f"UPDATE openings SET wrapped=zeroblob(60) WHERE idx={FULL + 2}",),
    ),
    "state: another origin": ("keys.db state", ("UPDATE state SET origin='other.example/log'",)),
    "state: erasures done that lie ahead": ("keys.db state", ("UPDATE state SET erased=9999",)),
    "state: gone": ("keys.db state", ("DELETE FROM state",)),
    "staged: what is left": ("keys.db staged", ("INSERT INTO staged VALUES (7, NULL)",)),
}


@pytest.mark.parametrize("what", KEY_TAMPERINGS)
def test_whatever_is_changed_in_the_store_of_keys_is_found(folder: LedgerFolder, what: str) -> None:
    """A record would be shown as erased, or not be shown, and no erasure was ever asked for."""
    where, statements = KEY_TAMPERINGS[what]
    change(folder.keys, *statements)
    assert where in {place.replace(str(folder.path) + "/", "") for place in places(folder)}, found(folder)


@pytest.mark.parametrize("column", ["key", "handle"])
def test_two_customers_exchanged_are_found(folder: LedgerFolder, column: str) -> None:
    """Each would be handed the other's records."""
    exchanged(folder.keys, column, "name='acme'", "name='beta'")
    assert {"keys.db, entry 7", f"keys.db, entry {FULL + 5}"} <= places(folder)


def test_an_opening_used_for_another_field_is_found(folder: LedgerFolder) -> None:
    """What opens one field would be shown for another."""
    index = 7
    fields = parse_openings(openings_of(folder, index))
    assert all(isinstance(field, OpenField) for field in fields)
    one, two = fields
    swapped = [
        OpenField(label=one.label, commitment=one.commitment, opening=two.opening),  # type: ignore[union-attr]
        OpenField(label=two.label, commitment=two.commitment, opening=one.opening),  # type: ignore[union-attr]
    ]
    with_openings(folder, index, format_openings(swapped))
    assert found(folder) == [("keys.db, entry 7", 'the field "action" is not what was committed to')]
    with_openings(folder, index, format_openings(fields[:1]))
    assert places(folder) == {"keys.db, entry 7"}


@pytest.mark.parametrize("labels", [("action",), ("note",), ("action", "note")])
def test_a_field_shown_as_erased_that_no_erasure_asked_for_is_found(
    folder: LedgerFolder, labels: tuple[str, ...]
) -> None:
    """What somebody would rather not show could be called erased."""
    index = 7
    fields = parse_openings(openings_of(folder, index))
    less = [
        ErasedField(label=field.label, commitment=field.commitment) if field.label in labels else field
        for field in fields
    ]
    with_openings(folder, index, format_openings(less))
    if len(labels) == len(fields):
        change(folder.keys, f"UPDATE openings SET wrapped=x'' WHERE idx={index}")
        change(folder.log, f"DELETE FROM payloads WHERE idx={index}")
    assert f"keys.db, entry {index}" in places(folder), found(folder)


def test_a_store_of_keys_that_is_older_than_the_log_is_found_until_the_log_says_so(
    folder: LedgerFolder, tmp_path: Path
) -> None:
    """Restored from a backup, it opens what was erased since, and lacks what was recorded since."""
    before = copied(folder.path, tmp_path / "before")
    size = check_ledger(folder).size
    record(
        folder,
        act("since", "acme"),
        act("met since", "zeta"),
        erasure("since too", "beta", [{"sequence": 4, "labels": ["note"]}]),
        erasure("all of delta", "delta"),
    )
    assert found(folder) == []
    for each in folder.path.glob("keys.db*"):
        each.unlink()
    for each in before.glob("keys.db*"):
        copy2(each, folder.path / each.name)
    told = dict(found(folder))
    assert told["keys.db state"] == f"was written for {size} entries, the log has {size + 5}: an older copy"
    not_done = "the erasure is recorded and not done here; the ledger does it when it is next opened"
    assert told[f"log.db erasures, entry {size + 2}"] == told[f"log.db erasures, entry {size + 3}"] == not_done
    lost = "lost: it is not there, and no erasure in the log asks for that"
    assert told[f"keys.db, entries {size} to {size + 1}"] == lost
    adopt_keys(folder.path, chance=Chance("adopting"))
    checked = check_ledger(folder)
    assert checked.findings == ()
    assert checked.lost == 3  # the two since, and the one that lost a field since
    change(folder.keys, "DELETE FROM openings WHERE idx=7")
    assert found(folder) == [("keys.db, entry 7", lost)]


# The lock


LOCK_TAMPERINGS = {
    "UPDATE lock SET size=9999": "9999 entries were signed, the log has",
    "UPDATE lock SET root=zeroblob(32)": "another root at size",
    "UPDATE lock SET size=3": "another root at size 3",
    "UPDATE lock SET root=x'00'": "is no size and root",
    "UPDATE lock SET size='many'": "is no size and root",
    "UPDATE lock SET origin='other.example/log'": "knows no log",
    "DELETE FROM lock": "knows no log",
}


@pytest.mark.parametrize("statement", LOCK_TAMPERINGS)
def test_whatever_is_changed_in_the_lock_is_found(folder: LedgerFolder, statement: str) -> None:
    """It is what finds a log that was rolled back."""
    change(folder.lock, statement)
    (finding,) = found(folder)
    assert finding[0] == "lock.db"
    assert LOCK_TAMPERINGS[statement] in finding[1]


@pytest.mark.parametrize("name", ["lock.db", "log.db", "keys.db"])
@pytest.mark.parametrize("data", [b"", b"rubbish" * 1000])
def test_a_store_that_is_none_is_told(folder: LedgerFolder, name: str, data: bytes) -> None:
    """Not as a fault of the program."""
    for each in folder.path.glob(f"{name}*"):
        each.unlink()
    (folder.path / name).write_bytes(data)
    if name == "lock.db":
        assert places(folder) == {"lock.db"}
    else:
        with pytest.raises(StoreError, match=name):
            check_ledger(folder)


def test_a_damaged_page_of_a_store_is_found(folder: LedgerFolder) -> None:
    """A disk that goes bad says so by a wrong byte here and there, in an index as well as in a row."""
    for name in ("log.db", "keys.db"):
        path = folder.path / name
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (root,) = db.execute(
                "SELECT rootpage FROM sqlite_schema WHERE type='index' AND tbl_name='customers'"
            ).fetchone()
            (page,) = db.execute("PRAGMA page_size").fetchone()
        data = bytearray(path.read_bytes())
        data[root * page - 5] ^= 0xFF  # the cells of a page are at its end
        path.write_bytes(data)
        assert any(where.startswith(name) for where in places(folder)), (name, found(folder))


# What is published


def published_files(folder: LedgerFolder) -> list[str]:
    names = [str(path.relative_to(folder.public)) for path in folder.public.rglob("*") if path.is_file()]
    return sorted(names)


PUBLIC = [
    "checkpoint",
    "tile/0/000",
    "tile/entries/000",
    "tile/0/001.p",
    "tile/entries/001.p",
    "tile/1/000.p/1",
]


def the_file(folder: LedgerFolder, name: str) -> Path:
    """The published file of this name; of a folder of partial tiles the newest."""
    path = folder.public / name
    return max(path.iterdir(), key=lambda each: int(each.name)) if path.is_dir() else path


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.parametrize("how", ["a byte", "cut short", "longer", "rubbish", "empty"])
def test_whatever_is_changed_in_what_is_published_is_found(folder: LedgerFolder, name: str, how: str) -> None:
    """Readers would be told something else than was recorded."""
    path = the_file(folder, name)
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(
        {
            "a byte": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "cut short": data[:-1],
            "longer": data + b"\0",
            "rubbish": b"rubbish",
            "empty": b"",
        }[how]
    )
    assert f"public/{path.relative_to(folder.public)}" in places(folder), found(folder)


@pytest.mark.parametrize("name", PUBLIC[1:])
def test_a_published_file_that_is_missing_is_found(folder: LedgerFolder, name: str) -> None:
    """Nobody could verify what is under it."""
    path = the_file(folder, name)
    path.unlink()
    assert found(folder) == [(f"public/{path.relative_to(folder.public)}", "missing")]


@pytest.mark.parametrize("kind", ["tile/0", "tile/entries"])
def test_a_partial_tile_for_readers_of_an_older_checkpoint_is_checked_too(folder: LedgerFolder, kind: str) -> None:
    """Whoever still holds that checkpoint would be told something else than was recorded."""
    (path, *_) = sorted((folder.public / f"{kind}/001.p").iterdir(), key=lambda each: int(each.name))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert found(folder) == [(f"public/{path.relative_to(folder.public)}", "not what the log has there")]


def test_what_else_stands_in_the_published_folder_is_no_finding(folder: LedgerFolder) -> None:
    """The policy, a page, a customer's own log: an operator may put there what readers need."""
    for name in ("policy", "verify.html", "tile/0/notes.p/readme", "acme/tile/0/000.p/1"):
        PublicFolder(folder.public).put(name, b"something")
    assert found(folder) == []


def test_two_published_tiles_exchanged_are_found(folder: LedgerFolder) -> None:
    """Each is right by itself."""
    one, two = (the_file(folder, name) for name in ("tile/0/001.p", "tile/1/000.p/1"))
    a, b = one.read_bytes(), two.read_bytes()
    one.write_bytes(b)
    two.write_bytes(a)
    assert {f"public/{each.relative_to(folder.public)}" for each in (one, two)} <= places(folder)


def test_a_published_checkpoint_that_the_log_does_not_bear_out_is_found(folder: LedgerFolder) -> None:
    """Signed, cosigned, and of another history."""
    public = PublicFolder(folder.public)
    note = public.published()
    assert note is not None
    size = Checkpoint.parse(note.text).size
    origin = folder.settings.origin
    for name, changes, said in (
        (origin, {"root": bytes(32)}, "another root than the log has at that size: there are two histories"),
        (origin, {"size": size + 1}, f"of size {size + 1}, which the log has not: it was rolled back"),
        ("other.example/log", {"origin": "other.example/log"}, "the policy knows the logs"),
    ):
        signers = [key.named(name) for key in folder.signers]
        public.publish(Note.parse(signed_afresh(note, signers, **changes)))
        assert any(where == "public/checkpoint" and said in problem for where, problem in found(folder)), found(folder)


def test_no_more_is_told_than_anybody_reads(folder: LedgerFolder, tmp_path: Path) -> None:
    """A damaged disk would fill the screen for an hour."""
    large = ledger_folder(tmp_path / "large")
    with opened(large) as ledger:
        for future in [ledger.append(act(f"many {number}", "acme")) for number in range(1200)]:
            future.result()
    change(large.keys, "UPDATE customers SET key=zeroblob(32) WHERE name='acme'")
    assert len(check_ledger(large).findings) == 1000


# A ledger in use


def test_a_ledger_at_work_is_checked_as_of_one_moment(folder: LedgerFolder) -> None:
    """Whoever checks a ledger that is in use would be told of damage that is none."""
    steps: list[str] = []
    with opened(folder, chance=Chance("while checked")) as ledger:

        def meanwhile(stage: str, done: int, total: int) -> None:
            if not steps:
                recorded(ledger, act("meanwhile", "acme"), erasure("meanwhile too", "delta"))
                ledger.publish()
            steps.append(stage)

        assert check_ledger(folder, progress=meanwhile).findings == ()
        assert steps


def test_it_adds_up_after_every_step_of_a_commit(folder: LedgerFolder) -> None:
    """As above; and an erasure that is recorded and not done yet is told as just that."""
    at: dict[str, tuple[LedgerFinding, ...]] = {}
    wanted = {"signed", "keys", "log", "lock", "tiles", "published"}

    def looked(step: str) -> None:
        if step in wanted:
            at[step] = check_ledger(folder).findings

    with opened(folder, chance=Chance("looked at"), step=looked) as ledger:
        recorded(ledger, act("looked at", "acme"))
        ledger.publish()
        assert at == dict.fromkeys(wanted, ())
        wanted, at = {"lock", "erased"}, {}
        (receipt,) = recorded(ledger, erasure("looked at too", "acme", [{"sequence": 3}]))
        assert [finding.where for finding in at["lock"]] == [f"log.db erasures, entry {receipt.first}"]
        assert at["erased"] == ()
        wanted = set()


@pytest.mark.parametrize("index", [0, 7])
def test_records_that_are_lost_are_named(folder: LedgerFolder, index: int) -> None:
    """Nobody can read them, and nobody asked for their erasure: whoever keeps the ledger has to know which."""
    change(folder.keys, f"DELETE FROM openings WHERE idx={index}")
    checked = check_ledger(folder)
    assert checked.lost == 1
    assert [finding.where for finding in checked.findings] == [f"keys.db, entry {index}"]
