"""The checker and the shim find what they are there to find: each claim of the other tests rests on it."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from pathlib import Path

import pytest

from armslength.store import LedgerFolder, read_ledger_folder
from tests.faults.checker import check
from tests.faults.harness import ROOT
from tests.faults.history import History
from tests.faults.shim import Call, built
from tests.service.ledgers import act, copied, erasure, ledger_folder, opened, record


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[LedgerFolder, History]:
    folder, history = ledger_folder(tmp_path_factory.mktemp("made") / "ledger"), History()
    with opened(folder) as ledger:
        acts = [act(f"act {n}", "ann", "bob") for n in range(130)]
        history.asked.update({each.id: each for each in acts})
        for future in [ledger.append(each) for each in acts]:
            receipt = future.result()
            history.receipt(receipt.act, receipt.first, receipt.leaves)
    record(folder, act("on cem", "cem"), erasure("erases cem", "cem"))
    record(folder, erasure("erases a field", "ann", [{"labels": ["note"], "sequence": 1}]))
    history.checkpoint((folder.public / "checkpoint").read_text())
    return folder, history


@pytest.fixture
def told(made: tuple[LedgerFolder, History], tmp_path: Path) -> tuple[LedgerFolder, History]:
    """A ledger with a full tile, erasures and a published checkpoint, and what was said of it."""
    folder = read_ledger_folder(copied(made[0].path, tmp_path / "ledger"))
    history = deepcopy(made[1])
    assert check(folder.path, history) == []
    return folder, history


TAMPERINGS = {
    "an entry is gone": ("log.db", "DELETE FROM entries WHERE idx=5"),
    "an entry is another": ("log.db", "UPDATE entries SET leaf=(SELECT leaf FROM entries WHERE idx=6) WHERE idx=5"),
    "a tile is another": ("log.db", "UPDATE tiles SET hashes=zeroblob(8192)"),
    "a tile is gone": ("log.db", "DELETE FROM tiles"),
    "an act is gone": ("log.db", "DELETE FROM acts WHERE first=4"),
    "an act is elsewhere": ("log.db", "UPDATE acts SET first=6 WHERE first=4"),
    "a record is elsewhere": ("log.db", "UPDATE records SET idx=6 WHERE idx=5"),
    "an erasure is gone": ("log.db", "DELETE FROM erasures"),
    "a kept chain is gone": ("log.db", "DELETE FROM heads WHERE customer=1"),
    "a kept chain is another": ("log.db", "UPDATE heads SET last=zeroblob(32) WHERE customer=1"),
    "the checkpoint's size is another": ("log.db", "UPDATE state SET size=size-1"),
    "the checkpoint is another's": (
        "log.db",
        "UPDATE state SET note=replace(note, 'log.example.com', 'log.example.net')",
    ),
    "a payload is gone": ("log.db", "DELETE FROM payloads WHERE idx=5"),
    "a payload is another's": ("log.db", "UPDATE payloads SET box=(SELECT box FROM payloads WHERE idx=6) WHERE idx=5"),
    "a payload is of nothing": ("log.db", "INSERT INTO payloads VALUES (9999, x'00')"),
    "an opening is gone": ("keys.db", "DELETE FROM openings WHERE idx=5"),
    "a key is gone": ("keys.db", "DELETE FROM customers WHERE name='bob'"),
    "a key is another": ("keys.db", "UPDATE customers SET key=zeroblob(32) WHERE name='bob'"),
    "a customer has another name": ("keys.db", "UPDATE customers SET name='eve' WHERE name='bob'"),
    "erasures are still to be done": ("keys.db", "UPDATE state SET erased=0"),
    "a payload is still staged": ("keys.db", "INSERT INTO staged VALUES (5, x'00')"),
    "the lock is behind": ("lock.db", "UPDATE lock SET size=size-1"),
    "the lock has another root": ("lock.db", "UPDATE lock SET root=zeroblob(32)"),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_the_checker_finds_every_row_that_is_not_as_it_has_to_be(
    told: tuple[LedgerFolder, History], tampering: str
) -> None:
    """A checker that misses one sort of damage lets ten thousand kills pass that did it."""
    folder, history = told
    name, statement = TAMPERINGS[tampering]
    with closing(sqlite3.connect(folder.path / name)) as db:
        assert db.execute(statement).rowcount > 0
        db.commit()
    assert check(folder.path, history) != []


def leaf(history: History) -> None:
    history.leaves[3] = bytes(32)


def receipt(history: History) -> None:
    history.given[next(iter(history.given))] = (7, (history.leaves[7],))


def signed(history: History) -> None:
    history.signed[100] = bytes(32)


def ahead(history: History) -> None:
    history.signed[10_000] = bytes(32)


def lost(history: History) -> None:
    history.leaves[10_000] = bytes(32)


@pytest.mark.parametrize("saying", [leaf, receipt, signed, ahead, lost])
def test_the_checker_finds_whatever_was_said_that_is_not_so(
    told: tuple[LedgerFolder, History], saying: Callable[[History], None]
) -> None:
    """An acknowledged record lost, an index used twice, a checkpoint of another history: what the ledger promises."""
    folder, history = told
    saying(history)
    assert check(folder.path, history) != []


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/entries/000", "tile/1/000.p/1"])
def test_the_checker_finds_every_published_file_that_is_another(told: tuple[LedgerFolder, History], path: str) -> None:
    """Whoever reads the log has only these."""
    folder, history = told
    file = folder.public / path
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert check(folder.path, history) != []


def test_a_history_finds_two_answers_to_one_question() -> None:
    """The first sign of a lost record is that its index is given again."""
    history = History()
    history.receipt(bytes(16), 0, (bytes(32),))
    history.receipt(bytes([1]) * 16, 0, (bytes([1]) * 32,))
    assert len(history.problems) == 1
    history.receipt(bytes(16), 5, (bytes(32),))
    assert len(history.problems) == 2


# The shim

SCRIPT = """
import os, sys
from pathlib import Path
from tests.faults.shim import Call, Deed, Power, Shim

folder = Path(sys.argv[1])
shim = Shim()


def write(name, *pieces, sync=False):
    handle = os.open(folder / name, os.O_RDWR | os.O_CREAT)
    os.lseek(handle, 0, os.SEEK_END)
    for piece in pieces:
        os.write(handle, piece)
    if sync:
        os.fsync(handle)
    os.close(handle)


def sync_folder():
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def watch(power, seed=1):
    attic = folder.with_name("attic")
    attic.mkdir(exist_ok=True)
    shim.watch(folder, power=power, attic=attic, seed=seed, report=1)


"""


def shimmed(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", SCRIPT + code, str(folder)],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(built())},
        capture_output=True,
        text=True,
    )


def test_power_takes_what_was_not_synced_and_nothing_else(tmp_path: Path) -> None:
    """A power failure that loses less than a real one would prove less than it says."""
    folder = tmp_path / "disk"
    done = shimmed(
        folder,
        "write('old', b'old ' * 1000)\n"
        "watch(Power.LOST)\n"
        "write('old', b'new ' * 1000)\n"
        "write('synced', b'kept', sync=True)\n"
        "sync_folder()\n"
        "write('synced', b' and lost')\n"
        "write('named', b'never named', sync=True)\n"
        "os.replace(folder / 'old', folder / 'renamed')\n"
        "os.unlink(folder / 'synced')\n"
        "shim.die('here')\n",
    )
    assert done.returncode == -9 and done.stdout == "died\there\t\n", done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"old": b"old " * 1000, "synced": b"kept"}


def test_power_that_is_lost_in_part_keeps_some_of_what_was_not_synced(tmp_path: Path) -> None:
    """Sectors reach a disk in any order: a checksum has to see that the middle of a write is missing."""
    found = set()
    for seed in range(4):
        folder = tmp_path / f"disk {seed}"
        shimmed(
            folder,
            "write('file', bytes(8192), sync=True)\n"
            f"watch(Power.PARTLY, {seed})\n"
            "handle = os.open(folder / 'file', os.O_RDWR)\n"
            "os.write(handle, b'x' * 8192)\n"
            "shim.die('here')\n",
        )
        data = (folder / "file").read_bytes()
        found.add(tuple(data[at] for at in range(0, 8192, 512)))
    assert len(found) > 1 and all(len(set(sectors)) == 2 for sectors in found)


def test_a_write_that_is_torn_is_there_in_part(tmp_path: Path) -> None:
    """Half a frame at the end of a log is what a crash usually leaves."""
    folder = tmp_path / "disk"
    done = shimmed(
        folder,
        "watch(Power.KEPT)\nshim.plan(Deed.TORN, at=2, calls=(Call.WRITE,))\nwrite('file', b'whole', b'x' * 4000)\n",
    )
    assert done.returncode == -9 and done.stdout.startswith("died\ttorn write\t")
    size = (folder / "file").stat().st_size
    assert 5 < size < 4005


@pytest.mark.parametrize("call", list(Call))
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_each_kind_of_call_can_be_made_to_fail(tmp_path: Path, call: Call, error: int) -> None:
    """A kind that never fails here was never tried."""
    folder = tmp_path / "disk"
    done = shimmed(
        folder,
        "write('file', b'there')\n"
        "watch(Power.KEPT)\n"
        f"shim.plan(Deed.FAIL, error={error}, calls=(Call.{call.name},), many=1000)\n"
        "handle = os.open(folder / 'file', os.O_RDWR)\n"
        "for name, change in {\n"
        "    'WRITE': lambda: os.write(handle, b'x'),\n"
        "    'SYNC': lambda: os.fsync(handle),\n"
        "    'TRUNCATE': lambda: os.ftruncate(handle, 0),\n"
        "    'CREATE': lambda: os.open(folder / 'made', os.O_RDWR | os.O_CREAT),\n"
        "    'MKDIR': lambda: os.mkdir(folder / 'folder'),\n"
        "    'RENAME': lambda: os.rename(folder / 'file', folder / 'renamed'),\n"
        "    'UNLINK': lambda: os.unlink(folder / ('renamed' if (folder / 'renamed').exists() else 'file')),\n"
        "}.items():\n"
        "    try:\n"
        "        change()\n"
        "    except OSError as error:\n"
        "        print(name, error.errno)\n",
    )
    assert done.stdout == f"{call.name} {error}\n", done.stderr


def test_the_shim_leaves_other_folders_alone(tmp_path: Path) -> None:
    """The interpreter and the test's own pipes have to go on working."""
    folder = tmp_path / "disk"
    done = shimmed(
        folder,
        "watch(Power.LOST)\n"
        "shim.plan(Deed.FAIL, error=5, many=1000)\n"
        "(folder.parent / 'outside').write_bytes(b'written')\n"
        "print(shim.hits())\n",
    )
    assert done.stdout == "0\n" and (tmp_path / "outside").read_bytes() == b"written", done.stderr
