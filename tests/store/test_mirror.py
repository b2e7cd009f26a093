"""The monitor's folder: a mirror that is whole at every moment, and a state that goes on from any crash."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from armslength.ledger import AuditState, Chain
from armslength.service import FindingKind, Round
from armslength.store import (
    Damaged,
    KeptEvidence,
    Mirror,
    MonitorFolder,
    Overtaken,
    Place,
    SeenClaim,
    StorageFailed,
    StoreError,
)
from armslength.tlog import (
    Edge,
    Entries,
    Note,
    Tile,
    Tiling,
    format_entries,
    leaf_hash,
    root_at,
    tree_root,
)
from tests.ledger.histories import history
from tests.service.monitored import Firm, is_whole, watching, write_tree
from tests.tlog.signers import LOG, checkpoint, signed
from tests.tlog.trees import files

ENTRIES = tuple(f"entry {number}".encode() for number in range(700))


def put(mirror: Mirror, entries: tuple[bytes, ...]) -> None:
    mirror.put(files(entries).items())


# The tree


def test_what_was_put_is_read_back(tmp_path: Path) -> None:
    """The mirror is what evidence is made from."""
    mirror = Mirror(tmp_path / "mirror")
    put(mirror, ENTRIES)
    assert mirror.leaves(200, 600, size=700) == list(ENTRIES[200:600])
    assert mirror.tile(Tile(level=1, index=0, width=2)) == files(ENTRIES)["tile/1/000.p/2"]
    for size in (1, 255, 256, 257, 512, 700):
        assert root_at(size, mirror.nodes(700)) == tree_root(map(leaf_hash, ENTRIES[:size]))
        assert root_at(size, mirror.nodes(size)) == tree_root(map(leaf_hash, ENTRIES[:size]))


def test_a_tiling_goes_on_wherever_the_mirror_ends(tmp_path: Path) -> None:
    """A restart would otherwise make other tiles than the log has."""
    mirror = Mirror(tmp_path / "mirror")
    put(mirror, ENTRIES)
    for size in (0, 1, 256, 300, 512):
        tiling, whole = mirror.tiling(size), Tiling()
        whole.extend([leaf_hash(entry) for entry in ENTRIES])
        tiling.extend([leaf_hash(entry) for entry in ENTRIES[size:]])
        assert tiling.partials() == whole.partials()


def test_a_file_that_is_gone_or_cut_is_damage(tmp_path: Path) -> None:
    """Evidence made from a damaged disk would accuse an honest log."""
    mirror = Mirror(tmp_path / "mirror")
    put(mirror, ENTRIES)
    (tmp_path / "mirror/tile/0/001").unlink()
    (tmp_path / "mirror/tile/0/000").write_bytes(b"short")
    (tmp_path / "mirror/tile/entries/001").write_bytes(b"\xff\xff")
    (tmp_path / "mirror/tile/entries/002.p/188").unlink()
    for call in (
        lambda: mirror.tile(Tile(level=0, index=0)),
        lambda: mirror.tile(Tile(level=0, index=1)),
        lambda: mirror.entries(Entries(index=1)),
        lambda: mirror.leaves(512, 700, size=700),
    ):
        with pytest.raises(Damaged):
            call()


def test_discarding_takes_what_is_beyond_and_nothing_else(tmp_path: Path) -> None:
    """What a hostile log served must not stay among what was verified."""
    mirror = Mirror(tmp_path / "mirror")
    put(mirror, ENTRIES[:300])
    before = sorted(path for path in (tmp_path / "mirror").rglob("*") if path.is_file())
    put(mirror, ENTRIES)
    mirror.discard(old=300, new=700)
    assert sorted(path for path in (tmp_path / "mirror").rglob("*") if path.is_file()) == before


def test_pruning_leaves_every_tile_of_the_newest_checkpoint(tmp_path: Path) -> None:
    """A reader of the mirror could verify nothing."""
    mirror = Mirror(tmp_path / "mirror")
    note = signed(checkpoint(21), [LOG])
    for old, new in ((0, 200), (200, 300), (300, 520), (520, 700)):
        put(mirror, ENTRIES[:new])
        mirror.prune(old=old, new=new)
        assert root_at(new, mirror.nodes(new)) == tree_root(map(leaf_hash, ENTRIES[:new]))
        assert all((tmp_path / "mirror" / name).is_file() for name in files(ENTRIES[:new]))
    assert not (tmp_path / "mirror/tile/entries/000.p").exists()
    mirror.publish(note)
    assert mirror.published() == note.format().encode()


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    """A mirror that is not written must not be believed."""
    (tmp_path / "mirror").write_text("in the way")
    with pytest.raises(StorageFailed):
        put(Mirror(tmp_path / "mirror"), ENTRIES)


# The state


def place(size: int, *, fetched: int | None = None) -> Place:
    note = signed(checkpoint(size), [LOG])
    at = checkpoint(size)
    fetched = size if fetched is None else fetched
    return Place(origin=at.origin, size=size, root=at.root, note=note.format(), since=99, fetched=fetched)


def test_the_state_is_what_was_last_written(tmp_path: Path) -> None:
    """A monitor that forgets what it saw can be shown another history."""
    with MonitorFolder(tmp_path / "m") as folder:
        assert (folder.place(), folder.audit(), folder.kept()) == (None, AuditState.empty(), ())
        folder.begin("log.example/main", now=7)
        folder.settle(place(21))
        folder.fetched(512, ["tile/0/000", "tile/0/001"])
        folder.fetched(768, ["tile/0/001"])
        folder.undispute(["tile/0/000"])
    with MonitorFolder(tmp_path / "m") as folder:
        assert folder.place() == place(21, fetched=768)
        assert folder.disputes() == ("tile/0/001",)


def test_the_audit_is_what_was_last_saved(tmp_path: Path) -> None:
    """One chain that is not saved makes every later record of that customer an alarm."""
    chains = {bytes([n]) * 32: Chain(edge=Edge.empty().extended([bytes(32)] * n), last=bytes([n]) * 32) for n in (1, 7)}
    edge = Edge.empty().extended([bytes(32)] * 11)
    shifted = {bytes([1]) * 32: 5}
    state = AuditState(edge=edge, time=1_800_000_000, mapped=10, chains=chains, shifted=shifted)
    with MonitorFolder(tmp_path / "m") as folder:
        folder.begin("log.example/main", now=7)
        folder.audited(state, problems=2, evidence=[])
        folder.audited(AuditState(edge=edge, time=state.time, mapped=10, chains={}), problems=1, evidence=[])
    with MonitorFolder(tmp_path / "m") as folder:
        assert folder.audit() == AuditState(edge=edge, time=state.time, mapped=10, chains=chains)
        assert folder.problems() == 3


def test_claims_are_remembered_since_they_were_first_seen_and_not_without_end(tmp_path: Path) -> None:
    """A log that withholds must not start the clock anew with each lie, nor fill the disk."""

    def claim(size: int, since: int, source: str = "w") -> SeenClaim:
        return SeenClaim(source=source, size=size, root=bytes([size]) * 32, note="note", since=since)

    with MonitorFolder(tmp_path / "m") as folder:
        folder.claim(claim(5, 1), most=3)
        folder.claim(claim(5, 9), most=3)
        assert folder.claims() == (claim(5, 1),)
        for size in range(6, 40):
            folder.claim(claim(size, size), most=3)
        folder.claim(claim(5, 1, "another"), most=3)
        assert folder.claims() == (claim(5, 1, "another"), claim(5, 1), claim(6, 6), claim(39, 39))
        folder.reached(claim(6, 6))
        assert claim(6, 6) not in folder.claims()


def test_evidence_is_kept_as_long_as_its_file_is(tmp_path: Path) -> None:
    """Who has dealt with a finding moves the file away; until then it is told."""
    kept = KeptEvidence(name="split-1.json", kind="split", words="two trees", stands=True, since=5)
    with MonitorFolder(tmp_path / "m") as folder:
        folder.write_evidence(kept.name, b"{}")
        folder.keep(kept)
        assert folder.kept() == (kept,)
    (tmp_path / "m/evidence/split-1.json").unlink()
    with MonitorFolder(tmp_path / "m") as folder:
        assert folder.kept() == ()
        folder.write_evidence(kept.name, b"{}")
        assert folder.kept() == (kept,)


def test_one_process_holds_a_folder(tmp_path: Path) -> None:
    """Two would write over each other."""
    with MonitorFolder(tmp_path / "m"), pytest.raises(Overtaken):
        MonitorFolder(tmp_path / "m")
    MonitorFolder(tmp_path / "m").close()


def test_a_state_of_another_program_or_damaged_is_refused(tmp_path: Path) -> None:
    """A state that cannot be read must not be taken for none, or the log's history begins anew."""
    MonitorFolder(tmp_path / "m").close()
    (tmp_path / "m/state.db").write_bytes(b"not a database, and long enough to be read as one" * 100)
    with pytest.raises(StoreError):
        MonitorFolder(tmp_path / "m")
    MonitorFolder(tmp_path / "m2").close()


# Kills


def killed(run: Callable[[Callable[[str], None]], None], at: int) -> str | None:
    """Run in a process that kills itself at the step with this number. Gives the step's name; None if it ended
    before."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        steps: list[str] = []

        def step(name: str) -> None:
            steps.append(name)
            if len(steps) == at:
                os.write(write, name.encode())
                os.kill(os.getpid(), signal.SIGKILL)

        status = 70
        try:
            run(step)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    _, status = os.waitpid(child, 0)
    with os.fdopen(read) as pipe:
        name = pipe.read()
    assert name or status == 0, status
    return name or None


def looked(firm: Firm, folder: Path, step: Callable[[str], None] = lambda name: None) -> Round:
    with watching(firm.public, firm.policy, folder, firm.clock, step=step) as monitor:
        return monitor.round()


def whole(folder: Path) -> None:
    if (folder / "mirror/checkpoint").exists():
        is_whole(folder / "mirror")


def test_a_kill_at_any_step_loses_nothing(tmp_path: Path) -> None:
    """Whoever can stop a monitor at the right moment could make it forget, or believe what it did not verify."""
    firm = Firm(tmp_path / "ledger")
    leaves = history([[0, 1, 2]] * 200)
    steps, at = [], 0
    while True:
        at += 1
        folder = tmp_path / f"monitor {at}"
        names = []
        for size in (300, 800):
            firm.show(leaves[:size], firm.sign(leaves[:size], time=firm.clock.now + size))
            firm.clock.now += 1000
            names.append(killed(lambda step, folder=folder: void(looked(firm, folder, step)), at))
            whole(folder)
            found = looked(firm, folder)
            assert (found.size, found.checked) == (size, size)
            assert {finding.kind for finding in found.findings} <= {FindingKind.SILENCE}
            is_whole(folder / "mirror")
        steps += names
        if names == [None, None]:
            break
    assert {"files", "fetched", "settled", "published", "evidence", "audited"} == {each for each in steps if each}


def test_a_kill_at_any_step_hides_no_proof(tmp_path: Path) -> None:
    """Evidence that is lost with the process was never found."""
    firm = Firm(tmp_path / "ledger")
    leaves = history([[0, 1, 2]] * 100)
    broken = [*leaves[:50], b"{}", *leaves[51:300]]
    at = 0
    while True:
        at += 1
        folder = tmp_path / f"monitor {at}"
        firm.show(broken)
        names = [killed(lambda step, folder=folder: void(looked(firm, folder, step)), at)]
        first = {finding.kind for finding in looked(firm, folder).findings}
        assert FindingKind.CONTENT in first
        other = history([[2, 1, 0]] * 120, name="other")
        firm.show(other, firm.sign(other, time=firm.clock.now + 1))
        names.append(killed(lambda step, folder=folder: void(looked(firm, folder, step)), at))
        found = looked(firm, folder)
        assert {FindingKind.CONTENT, FindingKind.SPLIT} <= {finding.kind for finding in found.findings}
        assert found.size == 300
        is_whole(folder / "mirror")
        if names == [None, None]:
            break


def test_a_long_way_is_gone_on_with_where_it_was_left(tmp_path: Path) -> None:
    """A log of many millions could never be taken over a connection that breaks once a day."""
    firm = Firm(tmp_path / "ledger")
    leaves = history([list(range(40))] * 500)
    write_tree(firm.public, leaves, firm.sign(leaves))
    folder = tmp_path / "monitor"
    assert killed(lambda step: void(looked(firm, folder, step)), 2) == "fetched"
    with MonitorFolder(folder) as kept:
        reached = kept.place()
    assert reached is not None and (reached.size, reached.fetched) == (0, 16_384)
    # What is there already is not asked for again.
    for index in range(64):
        (firm.public / Entries(index=index).path).unlink()
    assert killed(lambda step: void(looked(firm, folder, step)), 6) == "audited"
    found = looked(firm, folder)
    assert (found.size, found.checked) == (len(leaves), len(leaves))


def test_what_was_fetched_wrongly_is_fetched_again(tmp_path: Path) -> None:
    """A server that lies for an hour would otherwise have stopped the monitor for ever."""
    firm = Firm(tmp_path / "ledger")
    leaves = history([list(range(40))] * 500)
    altered = [*leaves[:70], leaves[70].replace(b'"use"', b'"lease"'), *leaves[71:]]
    firm.show(leaves)
    honest = (firm.public / "tile/entries/000").read_bytes()
    (firm.public / "tile/entries/000").write_bytes(format_entries(altered[:256]))
    folder = tmp_path / "monitor"
    assert killed(lambda step: void(looked(firm, folder, step)), 2) == "fetched"
    (firm.public / "tile/entries/000").write_bytes(honest)
    found = looked(firm, folder)
    assert found.size == len(leaves)
    assert {finding.kind for finding in found.findings} == {FindingKind.SILENCE}


def void(found: Round) -> None:
    """The child's findings are its own."""


def test_the_note_of_the_mirror_is_the_logs(tmp_path: Path) -> None:
    """A mirror must show what the log signed, cosignatures and all."""
    firm = Firm(tmp_path / "ledger")
    firm.record(3)
    looked(firm, tmp_path / "m")
    assert Note.parse((tmp_path / "m/mirror/checkpoint").read_bytes()) == firm.note()


@pytest.mark.slow
def test_kills_at_random_lose_nothing(tmp_path: Path) -> None:
    """The steps that have names are not the only places where a process can end."""
    firm = Firm(tmp_path / "ledger")
    leaves = history([[0, 1, 2]] * 2000)
    chance = random.Random(4711)
    folder, size = tmp_path / "monitor", 0
    for _ in range(300):
        size += chance.randrange(0, 50)
        firm.show(leaves[:size], firm.sign(leaves[:size], time=firm.clock.now + size))
        firm.clock.now += 1
        child = os.fork()
        if child == 0:
            try:
                looked(firm, folder)
            finally:
                os._exit(0)
        time.sleep(chance.random() * 0.1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        whole(folder)
    found = looked(firm, folder)
    assert (found.size, found.checked) == (size, size)
    assert {finding.kind for finding in found.findings} <= {FindingKind.SILENCE, FindingKind.FUTURE}
    is_whole(folder / "mirror")
