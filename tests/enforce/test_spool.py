"""The spool: what was added is there, whatever happens next; what cannot be added is said at once."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.enforce import Batch, Spool, SpooledUse, SpoolFailed
from armslength.gate import LeaseId, PersonId, Target

LEASE = LeaseId("lease_" + "A" * 22)


def use(number: int, customer: str = "c-1") -> SpooledUse:
    return SpooledUse(
        id=number.to_bytes(16, "big"),
        lease=LEASE,
        executor=PersonId("ana"),
        action="read",
        resource=Target(type="asset", id="rooms"),
        customers=(customer,),
        at=1_800_000_000 + number,
    )


def taken(spool: Spool) -> list[SpooledUse]:
    """All that waits, sent and gone."""
    found: list[SpooledUse] = []
    while (batch := spool.next()) is not None:
        found += batch.uses
        spool.done(batch)
    return found


def test_what_was_added_is_sent_in_its_order(tmp_path: Path) -> None:
    """A customer's bundle would lack accesses that happened while the gate was away."""
    spool = Spool(tmp_path, file_bytes=1000)
    uses = [use(number, f"c-{number} é\n☃") for number in range(40)]
    for each in uses:
        spool.add(each)
    assert len(list(tmp_path.glob("*.waiting")) + list(tmp_path.glob("*.open"))) > 3
    assert taken(spool) == uses
    assert spool.waiting() == 0 and taken(spool) == []
    spool.close()


def test_what_was_not_sent_waits_for_the_next_process(tmp_path: Path) -> None:
    """A restart while the gate is away would lose what happened before it."""
    spool = Spool(tmp_path)
    spool.add(use(1))
    batch = spool.next()
    assert isinstance(batch, Batch) and spool.next() is None
    spool.back(batch)
    spool.add(use(2))
    spool.close()
    assert taken(Spool(tmp_path)) == [use(1), use(2)]


KILLED = """
import os, sys
from pathlib import Path
from armslength.enforce import Spool
from tests.enforce.test_spool import use
spool = Spool(Path(sys.argv[1]))
for number in range(1_000_000):
    spool.add(use(number))
    print(number, flush=True)  # the act
"""


@pytest.mark.parametrize("after", [1, 20, 100])
def test_every_act_of_a_killed_process_has_its_use(tmp_path: Path, root: Path, after: int) -> None:
    """An act without a record is what the ledger exists to rule out."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        acts = [int(process.stdout.readline()) for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        acts += [int(line) for line in process.stdout.read().splitlines()]
    found = [int.from_bytes(each.id, "big") for each in taken(Spool(tmp_path))]
    assert found == list(range(len(found))) and len(acts) <= len(found) <= len(acts) + 1


@given(cut=st.integers(1, 400))
def test_a_torn_end_is_cut_and_nothing_before_it(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """After a power cut the point would either refuse to start, or forget uses that were acknowledged."""
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder)
    for number in range(2):
        spool.add(use(number))
    (path,) = folder.glob("*.open")
    whole = path.stat().st_size
    spool.add(use(2))
    spool.close()
    data = path.read_bytes()
    left = max(whole, len(data) - cut)
    path.write_bytes(data[:left])
    again = Spool(folder)
    assert taken(again) == [use(0), use(1)] + ([use(2)] if left == len(data) else [])
    assert again.kept == 0


def test_damage_in_the_middle_loses_nothing_else_and_is_kept(tmp_path: Path) -> None:
    """Somebody who edits a line to hide an access would have it thrown away by us."""
    spool = Spool(tmp_path)
    for number in range(3):
        spool.add(use(number))
    (path,) = tmp_path.glob("*.open")
    spool.close()
    path.write_bytes(path.read_bytes().replace(b'"at":1800000001', b'"at":1800000009'))
    again = Spool(tmp_path)
    assert taken(again) == [use(0), use(2)]
    assert again.kept == 1 and b"1800000009" in next(tmp_path.glob("*.kept")).read_bytes()


def test_a_full_spool_says_no(tmp_path: Path) -> None:
    """A gate that is away for long would fill the disk of the service, or uses would be dropped in silence."""
    spool = Spool(tmp_path, most_bytes=1000, file_bytes=300)
    added = 0
    with pytest.raises(SpoolFailed, match="holds 1000 bytes"):
        for number in range(100):
            spool.add(use(number))
            added += 1
    assert 2 <= added < 6 and spool.waiting() <= 1000
    assert taken(spool) == [use(number) for number in range(added)]
    spool.add(use(200))


def test_a_full_disk_says_no_and_heals(tmp_path: Path) -> None:
    """The act would happen with half a line as its only trace."""
    spool = Spool(tmp_path)
    spool.add(use(0))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    (path,) = tmp_path.glob("*.open")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, hard))  # 50 bytes of the line fit
        with pytest.raises(SpoolFailed):
            spool.add(use(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    spool.add(use(2))
    assert taken(spool) == [use(0), use(2)]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_a_full_file_system_says_no_and_heals(tmp_path: Path) -> None:
    """As above, with the error that a real full disk gives."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "gate-f-test", str(small)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not possible here: {mounted.stderr.strip()}")
    try:
        spool = Spool(small, file_bytes=8192)
        added = []
        with pytest.raises(SpoolFailed, match="No space left"):
            for number in range(1000):
                spool.add(use(number))
                added.append(use(number))
        assert len(added) > 20
        assert taken(spool) == added
        spool.add(use(5000))
        assert taken(spool) == [use(5000)]
        spool.close()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    """Workers of one service would send each other's half-written files, or the same ones twice."""
    one, other = Spool(tmp_path), Spool(tmp_path)
    one.add(use(1))
    other.add(use(2))
    batch = one.next()
    assert batch is not None and batch.uses == (use(1),)
    assert one.next() is None  # the other's file is being written
    second = other.next()
    assert second is not None and second.uses == (use(2),)  # and the first is being sent
    one.done(batch)
    other.done(second)
    assert taken(one) == taken(other) == []


def test_many_threads_share_a_flush_and_lose_nothing(tmp_path: Path) -> None:
    """Under load a use could be acknowledged by the flush of another that was before it."""
    spool = Spool(tmp_path, file_bytes=20_000)
    numbers = iter(range(10_000))
    lock = threading.Lock()
    mine: list[int] = []

    def work() -> None:
        for _ in range(50):
            with lock:
                number = next(numbers)
            spool.add(use(number))
            with lock:
                mine.append(number)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    sent = []
    while any(thread.is_alive() for thread in threads):
        sent += taken(spool)
    for thread in threads:
        thread.join()
    sent += taken(spool)
    assert sorted(int.from_bytes(each.id, "big") for each in sent) == sorted(mine) == list(range(400))


def test_files_are_for_the_owner_only(tmp_path: Path) -> None:
    """Who accessed which customer would be readable by everybody on the machine."""
    folder = tmp_path / "spool"
    spool = Spool(folder)
    spool.add(use(1))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
