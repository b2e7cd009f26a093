"""A monitor as a whole, against real servers: an honest log gives nothing to find, and each way to cheat is found."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from armslength.ledger import MapHead, Record, parse_entry
from armslength.service import FindingKind, Monitor, MonitorFinding, MonitorSettings, Round, Severity, check_evidence
from armslength.store import Overtaken
from armslength.tlog import Algorithm, Checkpoint, Note, Policy, SigningKey, format_entries
from tests.ledger.histories import history
from tests.service.ledgers import Chance, copied
from tests.service.monitored import (
    Firm,
    ed25519,
    is_whole,
    kinds,
    only,
    policy_of,
    served,
    sign,
    trusting,
    watching,
    witnessing,
    write_tree,
)
from tests.store.liars import answering, http
from tests.tlog.trees import files

PROGRAM = Path(sys.executable).parent / "armslength"


@pytest.fixture
def firm(tmp_path: Path) -> Firm:
    made = Firm(tmp_path / "ledger")
    made.record(20)
    return made


@pytest.fixture
def url(firm: Firm) -> Iterator[str]:
    with served(firm.public) as found:
        yield found


@pytest.fixture
def monitor(firm: Firm, url: str, tmp_path: Path) -> Iterator[Monitor]:
    with watching(url, firm.policy, tmp_path / "monitor", firm.clock) as made:
        yield made


def mirror(tmp_path: Path) -> Path:
    return tmp_path / "monitor" / "mirror"


def proven(finding: MonitorFinding, policy: Policy) -> str:
    """What the evidence proves to who has the file and the policy."""
    assert finding.evidence is not None and finding.severity is Severity.PROVEN
    verdict = check_evidence(Path(finding.evidence).read_bytes(), Policy.parse(policy.format()))
    assert verdict.stands, verdict
    return "\n".join(verdict.words)


def alone(finding: MonitorFinding, policy: Policy, tmp_path: Path) -> str:
    """What the evidence proves in a process that has it and the policy, and nothing else."""
    assert finding.evidence is not None and finding.severity is Severity.PROVEN
    place = tmp_path / "court"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    shutil.copy(finding.evidence, place / "evidence.json")
    (place / "policy").write_text(policy.format())
    program = (
        "import pathlib\n"
        "from armslength.service import check_evidence\n"
        "from armslength.tlog import Policy\n"
        "found = check_evidence(pathlib.Path('evidence.json').read_bytes(), Policy.parse(open('policy').read()))\n"
        "assert found.stands, found\n"
        "print('\\n'.join(found.words))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=place, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


# An honest log


def test_an_honest_log_is_followed_and_nothing_is_found(firm: Firm, monitor: Monitor, tmp_path: Path) -> None:
    """An auditor whose monitor cries at honest logs switches it off."""
    for number in (1, 300, 7, 700, 2):
        found = monitor.round()
        assert found.findings == ()
        assert found.size == found.checked == len(firm.leaves())
        is_whole(mirror(tmp_path))
        firm.record(number)
    assert monitor.round().findings == ()


def test_the_mirror_is_byte_for_byte_the_log(firm: Firm, monitor: Monitor, tmp_path: Path) -> None:
    """Who takes the mirror after the log is gone would get something else."""
    firm.record(600)
    monitor.round()
    copies = [path for path in mirror(tmp_path).rglob("*") if path.is_file()]
    assert len(copies) == 8
    for path in copies:
        assert path.read_bytes() == (firm.public / path.relative_to(mirror(tmp_path))).read_bytes()


def test_a_mirror_can_be_followed_in_turn(firm: Firm, monitor: Monitor, tmp_path: Path) -> None:
    """A customer without a way to the log would have to trust whoever mirrors it."""
    monitor.round()
    firm.record(300)
    monitor.round()
    with (
        served(mirror(tmp_path)) as url,
        watching(url, firm.policy, tmp_path / "second", firm.clock) as second,
    ):
        found = second.round()
    assert (found.findings, found.size) == ((), len(firm.leaves()))


def test_a_monitor_goes_on_where_it_was(firm: Firm, url: str, tmp_path: Path) -> None:
    """A restart that began anew would believe whatever history is shown then."""
    for number in (5, 300, 1):
        with watching(url, firm.policy, tmp_path / "monitor", firm.clock) as monitor:
            found = monitor.round()
            assert (found.findings, found.checked) == ((), len(firm.leaves()))
        firm.record(number)


def test_a_log_in_a_folder_is_followed_as_one_on_the_web(firm: Firm, tmp_path: Path) -> None:
    """An auditor who is given a disk could check nothing."""
    with watching(firm.public, firm.policy, tmp_path / "monitor", firm.clock) as monitor:
        assert monitor.round().findings == ()


def test_partial_tiles_that_were_deleted_are_taken_from_the_full_ones(firm: Firm, tmp_path: Path) -> None:
    """tlog-tiles lets a log delete them; a monitor that needs them would call an honest log broken."""
    old = firm.note()
    firm.record(500)
    write_tree(tmp_path / "copy", firm.leaves(), old)
    for partial in (tmp_path / "copy").rglob("*.p"):
        if "000" in partial.name:
            shutil.rmtree(partial)
    with served(tmp_path / "copy") as url, watching(url, firm.policy, tmp_path / "m", firm.clock) as monitor:
        found = monitor.round()
    assert (found.findings, found.size) == ((), Checkpoint.parse(old.text).size)


def test_an_empty_log_is_followed(tmp_path: Path) -> None:
    """A monitor that starts before the log does would fail on the first day."""
    firm = Firm(tmp_path / "ledger")
    firm.show(())
    with served(firm.public) as url, watching(url, firm.policy, tmp_path / "monitor", firm.clock) as monitor:
        assert monitor.round().findings == ()
        assert firm.record(3) == 4
        assert monitor.round().size == 4


# What is served is not what was signed


def test_an_altered_entry_is_named(firm: Firm, monitor: Monitor, tmp_path: Path) -> None:
    """Whoever changes a record on the server would have everyone read the new one."""
    monitor.round()
    size = firm.record(40)
    honest = files(firm.leaves())
    altered = list(firm.leaves())
    altered[45] = altered[45].replace(b'"use"', b'"lease"')
    write_bundles(firm, altered)
    finding = only(monitor.round(), FindingKind.ALTERED)
    assert "entry 45 " in finding.words and finding.severity is Severity.ALARM
    is_whole(mirror(tmp_path))
    for name, data in honest.items():
        (firm.public / name).write_bytes(data)
    found = monitor.round()
    assert (found.findings, found.size) == ((), size)


def test_an_entry_that_was_mirrored_cannot_be_served_otherwise(firm: Firm, monitor: Monitor) -> None:
    """Old records would be changed for those who come later."""
    monitor.round()
    firm.record(40)
    altered = list(firm.leaves())
    altered[3] = altered[3].replace(b'"use"', b'"lease"')
    write_bundles(firm, altered)
    assert "entry 3 " in only(monitor.round(), FindingKind.ALTERED).words


def test_a_dropped_entry_is_found(firm: Firm, monitor: Monitor) -> None:
    """A record could vanish from what is served while the checkpoint still counts it."""
    monitor.round()
    firm.record(40)
    leaves = firm.leaves()
    bundle = firm.public / "tile/entries/000.p" / str(len(leaves))
    bundle.write_bytes(format_entries(leaves[:30] + leaves[31:]))
    assert "ends within entry" in only(monitor.round(), FindingKind.UNSERVED).words


def test_reordered_entries_are_found(firm: Firm, monitor: Monitor) -> None:
    """The order is what says who knew what when."""
    monitor.round()
    firm.record(40)
    leaves = list(firm.leaves())
    leaves[33], leaves[37] = leaves[37], leaves[33]
    write_bundles(firm, leaves)
    assert "entry 33 " in only(monitor.round(), FindingKind.ALTERED).words


def test_entries_and_tiles_altered_together_are_found(firm: Firm, monitor: Monitor, tmp_path: Path) -> None:
    """Who controls the server alters both; only the signature is out of reach."""
    monitor.round()
    firm.record(300)
    altered = list(firm.leaves())
    altered[250] = altered[250].replace(b'"use"', b'"lease"')
    note = firm.note()
    write_tree(firm.public, altered, note)
    assert "neither" in only(monitor.round(), FindingKind.ALTERED).words
    is_whole(mirror(tmp_path))


@pytest.mark.parametrize("tile", ["tile/0/001", "tile/1/000.p/2", "tile/0/002.p/108"])
def test_an_altered_tile_is_named_until_it_is_mended(firm: Firm, monitor: Monitor, tile: str, tmp_path: Path) -> None:
    """Customers' proofs are made from tiles: a wrong one makes an honest record look forged."""
    firm.record(598)
    path = firm.public / tile
    honest = path.read_bytes()
    path.write_bytes(bytes([honest[0] ^ 1]) + honest[1:])
    found = monitor.round()
    assert tile in only(found, FindingKind.TILE).words
    assert found.checked == len(firm.leaves())
    is_whole(mirror(tmp_path))
    assert kinds(monitor.round()) == [FindingKind.TILE]
    path.write_bytes(honest)
    assert monitor.round().findings == ()


def test_a_tile_that_is_gone_is_named(firm: Firm, monitor: Monitor) -> None:
    """As above, where nobody can make a proof at all."""
    firm.record(598)
    (firm.public / "tile/0/000").unlink()
    assert "tile/0/000 is not served" in only(monitor.round(), FindingKind.TILE).words


def write_bundles(firm: Firm, leaves: Sequence[bytes]) -> None:
    """Serve other entries, and leave tiles and checkpoint as they are."""
    for name, data in files(leaves).items():
        if name.startswith("tile/entries/"):
            (firm.public / name).write_bytes(data)


# Rollback


def test_a_truncated_log_that_is_signed_again_is_proven(firm: Firm, monitor: Monitor, tmp_path: Path) -> None:
    """The last records would be unmade: no customer who looks later would know that they were there."""
    monitor.round()
    leaves = firm.leaves()
    firm.clock.now += 60
    firm.show(leaves[:10])
    finding = only(monitor.round(), FindingKind.ROLLBACK)
    said = alone(finding, firm.policy, tmp_path)
    assert "signed a tree of 10 entries" in said and "21 entries" in said
    is_whole(mirror(tmp_path))
    assert Checkpoint.parse(Note.parse((mirror(tmp_path) / "checkpoint").read_bytes()).text).size == 21


def test_an_old_checkpoint_is_stale_and_no_proof(firm: Firm, monitor: Monitor) -> None:
    """A cache that lags is no crime; a monitor that called it one would not be believed about the next."""
    old = firm.note()
    firm.record(10)
    monitor.round()
    (firm.public / "checkpoint").write_text(old.format())
    finding = only(monitor.round(), FindingKind.STALE)
    assert finding.severity is Severity.WARNING and finding.evidence is None


def test_a_log_that_was_rolled_back_and_grew_again_is_proven(firm: Firm, monitor: Monitor, tmp_path: Path) -> None:
    """A larger size alone must not pass for a continuation."""
    monitor.round()
    other = Firm(tmp_path / "other")
    other.record(60, name="others")
    firm.show(firm.leaves()[:10] + other.leaves()[10:])
    found = monitor.round()
    said = alone(only(found, FindingKind.SPLIT), firm.policy, tmp_path)
    assert "does not begin with the tree of 21 entries" in said
    assert found.size == 21
    is_whole(mirror(tmp_path))


@pytest.mark.parametrize("size", [250, 256, 300])
def test_a_new_history_is_proven_wherever_it_begins(tmp_path: Path, size: int) -> None:
    """The last bundle is read again as it grows, and a change of what was mirrored could hide in it."""
    firm = Firm(tmp_path / "ledger")
    firm.record(size + 50)
    leaves = firm.leaves()
    for changed in (0, size - 1):
        firm.show(leaves[:size])
        place = tmp_path / f"monitor {changed}"
        with served(firm.public) as url, watching(url, firm.policy, place, firm.clock) as monitor:
            assert monitor.round().size == size
            firm.show((*leaves[:changed], leaves[changed].replace(b'"use"', b'"lease"'), *leaves[changed + 1 :]))
            found = monitor.round()
            proven(only(found, FindingKind.SPLIT), firm.policy)
            assert found.size == size


def test_a_joint_rollback_of_the_log_and_its_lock_is_proven(firm: Firm, monitor: Monitor, tmp_path: Path) -> None:
    """An operator who restores both from one backup gets past every check that is his own."""
    backup = copied(firm.path, tmp_path / "backup")
    firm.record(10, name="to be forgotten")
    assert monitor.round().findings == ()
    copied(backup, firm.path)
    size = firm.record(10, name="instead")
    found = monitor.round()
    finding = only(found, FindingKind.SPLIT)
    assert f"two different trees of {size} entries" in alone(finding, firm.policy, tmp_path)


def test_a_joint_rollback_is_proven_whatever_is_recorded_after(firm: Firm, monitor: Monitor, tmp_path: Path) -> None:
    """As above, at a smaller and at a larger size."""
    backup = copied(firm.path, tmp_path / "backup")
    firm.record(10, name="to be forgotten")
    monitor.round()
    copied(backup, firm.path)
    firm.record(5, name="instead")
    assert {FindingKind.SPLIT} <= set(kinds(monitor.round()))
    firm.record(50, name="and more")
    found = monitor.round()
    for finding in found.findings:
        proven(finding, firm.policy)
    assert any("does not begin with" in finding.words for finding in found.findings)


# Split views


def test_a_split_view_between_two_readers_shows_at_the_witness(tmp_path: Path, firm: Firm) -> None:
    """Each reader's log is consistent by itself; only what both can ask brings the two together."""
    shared = firm.leaves()
    other = Firm(tmp_path / "other")
    other.record(60, name="others")
    with witnessing(tmp_path / "w", firm.clock) as (made, url):
        policy = Policy.parse(firm.policy.format().replace("quorum none\n", policy_of(made, url)))
        trusting(made, firm)
        told, shown = (*shared, *other.leaves()[21:30]), (*shared, *other.leaves()[31:40])
        cosign(made, firm, told)
        firm.show(shown)
        with served(firm.public) as log, watching(log, policy, tmp_path / "monitor", firm.clock) as monitor:
            found = monitor.round()
            finding = next(each for each in found.findings if each.kind is FindingKind.SPLIT)
            assert "witness" in finding.about
            assert "two different trees of 30 entries" in proven(finding, policy)


@pytest.mark.parametrize("size", [25, 40])
def test_a_split_view_shows_at_the_witness_at_any_size(tmp_path: Path, firm: Firm, size: int) -> None:
    """The two branches need not have one size when somebody looks."""
    shared = firm.leaves()
    other = Firm(tmp_path / "other")
    other.record(60, name="others")
    with witnessing(tmp_path / "w", firm.clock) as (made, url):
        policy = Policy.parse(firm.policy.format().replace("quorum none\n", policy_of(made, url)))
        trusting(made, firm)
        cosign(made, firm, (*shared, *other.leaves()[21:size]))
        firm.show((*shared, *other.leaves()[31:40]))
        with served(firm.public) as log, watching(log, policy, tmp_path / "monitor", firm.clock) as monitor:
            found = monitor.round()
            if size == 40:
                # Nothing can be said of a larger tree by its root; when the log reaches that size, it shows.
                assert FindingKind.SPLIT not in kinds(found)
                firm.show((*shared, *other.leaves()[31:60]))
                found = monitor.round()
            finding = next(each for each in found.findings if each.kind is FindingKind.SPLIT)
            proven(finding, policy)


def test_a_split_view_shows_in_another_mirror(tmp_path: Path, firm: Firm) -> None:
    """Two auditors who compare need no witness."""
    other = Firm(tmp_path / "other")
    other.record(60, name="others")
    shared = firm.leaves()
    for size in (30, 60):
        elsewhere = (*shared, *other.leaves()[21:size])
        write_tree(tmp_path / "elsewhere", elsewhere, firm.sign(elsewhere))
        firm.show((*shared, *other.leaves()[31:50]))
        place = tmp_path / f"monitor {size}"
        with (
            served(firm.public) as log,
            served(tmp_path / "elsewhere") as mirrored,
            watching(log, firm.policy, place, firm.clock, also=[mirrored]) as monitor,
        ):
            finding = next(each for each in monitor.round().findings if each.kind is FindingKind.SPLIT)
            assert "the mirror" in finding.about
            proven(finding, firm.policy)


def test_a_mirror_that_agrees_is_no_finding_at_any_size(tmp_path: Path, firm: Firm, url: str) -> None:
    """Mirrors lag and lead; only what contradicts is one."""
    for size in (5, 21, 300):
        while len(firm.leaves()) < size:
            firm.record(300)
        leaves = firm.leaves()[:size]
        time = firm.clock.now - 60 if size < 21 else firm.clock.now
        write_tree(tmp_path / f"mirror {size}", leaves, firm.sign(leaves, time=time))
    firm.show(firm.leaves()[:100], firm.sign(firm.leaves()[:100], time=firm.clock.now))
    also = [tmp_path / f"mirror {size}" for size in (21, 300)]
    with watching(url, firm.policy, tmp_path / "monitor", firm.clock, also=also) as monitor:
        found = monitor.round()
    assert FindingKind.SPLIT not in kinds(found)


def test_a_witness_that_signs_a_smaller_tree_later_is_proven(tmp_path: Path, firm: Firm) -> None:
    """A witness whose state was restored from a backup vouches for histories that it should refuse."""
    key = SigningKey(name="witness.example/w", algorithm=Algorithm.COSIGNATURE_ED25519, seed=bytes(31) + b"\1")
    quorum = f"witness w {key.verifier.text} URL\nquorum w\n"
    leaves, now = firm.leaves(), int(firm.clock.now)
    large, small = (firm.sign(leaves[:size], time=now - 100 + size) for size in (20, 10))
    large = large.with_signatures(sign(Checkpoint.parse(large.text), [key], time=now - 50).signatures)
    small = small.with_signatures(sign(Checkpoint.parse(small.text), [key], time=now - 40).signatures)
    firm.show(leaves[:20], large)
    with answering(http(200, small.format().encode())) as url:
        policy = Policy.parse(firm.policy.format().replace("quorum none\n", quorum.replace("URL", url)))
        with watching(firm.public, policy, tmp_path / "monitor", firm.clock) as monitor:
            finding = only(monitor.round(), FindingKind.ROLLBACK)
    assert 'the witness "w" signed a tree of 10 entries' in proven(finding, policy)


def test_what_the_log_signed_for_others_and_does_not_serve_is_withheld(tmp_path: Path, firm: Firm) -> None:
    """A log could show auditors an old state for as long as it likes."""
    leaves = firm.leaves()
    with witnessing(tmp_path / "w", firm.clock) as (made, url):
        lines = policy_of(made, url).replace("quorum both", "quorum none")
        policy = Policy.parse(firm.policy.format().replace("quorum none\n", lines))
        trusting(made, firm)
        cosign(made, firm, leaves)
        firm.show(leaves[:15], firm.sign(leaves[:15], time=firm.clock.now - 60))
        with watching(firm.public, policy, tmp_path / "monitor", firm.clock) as monitor:
            assert monitor.round().findings == ()
            firm.clock.now += 400
            assert "21 entries" in only(monitor.round(), FindingKind.WITHHELD).words
            firm.show(leaves)
            assert monitor.round().findings == ()


def cosign(made: object, firm: Firm, leaves: Sequence[bytes]) -> None:
    """Have a witness cosign any history of the firm's log, from its first entry."""
    from armslength.service import Signed, Witness
    from armslength.tlog import AddCheckpoint

    assert isinstance(made, Witness)
    answer = made.add_checkpoint(AddCheckpoint(old=0, proof=(), note=firm.sign(leaves)).format().encode())
    assert isinstance(answer, Signed), answer


# Witnesses


def test_a_log_under_witnesses_gives_nothing_to_find(tmp_path: Path) -> None:
    """The usual case must be quiet, round after round."""
    clock = Firm(tmp_path / "clock").clock
    with witnessing(tmp_path / "w", clock) as (made, url):
        firm = Firm(tmp_path / "ledger", witnesses=policy_of(made, url))
        firm.clock = clock
        trusting(made, firm)
        with watching(firm.public, firm.policy, tmp_path / "monitor", clock) as monitor:
            for number in (3, 300, 1):
                firm.record(number)
                assert monitor.round().findings == ()


def test_a_missing_quorum_is_told(tmp_path: Path, firm: Firm) -> None:
    """A checkpoint that no witness saw may be shown to one reader alone."""
    with witnessing(tmp_path / "w", firm.clock) as (made, url):
        policy = Policy.parse(firm.policy.format().replace("quorum none\n", policy_of(made, url)))
        with watching(firm.public, policy, tmp_path / "monitor", firm.clock) as monitor:
            found = monitor.round()
    assert "is not met" in only(found, FindingKind.QUORUM).words
    assert found.checked == 21


def test_a_witness_that_is_down_or_lies_is_told_and_the_rest_goes_on(tmp_path: Path, firm: Firm) -> None:
    """One broken witness must not end the watch, nor pass unseen."""
    key = SigningKey(name="witness.example/w", algorithm=Algorithm.COSIGNATURE_ED25519, seed=bytes(31) + b"\1")
    strange = sign(Checkpoint.parse(firm.note().text), [replace_seed(key)], time=int(firm.clock.now))
    for answer, words in (
        (http(500, b"oops"), "500"),
        (http(200, b"\xff\xfe garbage"), "no checkpoint"),
        (http(200, b"x" * 3_000_000), "more than"),
        (http(200, strange.format().encode()), "does not count"),
        (http(200, firm.note().format().encode()), "without its own cosignature"),
    ):
        with answering(answer) as url:
            lines = f"witness w {key.verifier.text} {url}\nquorum none\n"
            policy = Policy.parse(firm.policy.format().replace("quorum none\n", lines))
            with watching(firm.public, policy, tmp_path / words, firm.clock) as monitor:
                found = monitor.round()
        assert words in only(found, FindingKind.WITNESS).words
        assert found.checked == 21


def replace_seed(key: SigningKey) -> SigningKey:
    return SigningKey(name=key.name, algorithm=key.algorithm, seed=bytes(31) + b"\2")


def test_a_witness_that_forgot_what_it_cosigned_is_told(tmp_path: Path, firm: Firm) -> None:
    """A witness with an empty state will cosign any history next."""
    key = SigningKey(name="witness.example/w", algorithm=Algorithm.COSIGNATURE_ED25519, seed=bytes(31) + b"\1")
    note = firm.note()
    cosigned = sign(Checkpoint.parse(note.text), [key], time=int(firm.clock.now)).signatures
    firm.show(firm.leaves(), note.with_signatures(cosigned))
    with answering(http(404)) as url:
        lines = f"witness w {key.verifier.text} {url}\nquorum w\n"
        policy = Policy.parse(firm.policy.format().replace("quorum none\n", lines))
        with watching(firm.public, policy, tmp_path / "monitor", firm.clock) as monitor:
            assert "cosigned nothing" in only(monitor.round(), FindingKind.WITNESS).words


# Signatures


def test_an_unsigned_checkpoint_does_not_count(firm: Firm, monitor: Monitor) -> None:
    """Anyone who can write the file could make the log."""
    monitor.round()
    stranger = SigningKey(name="stranger.example", algorithm=Algorithm.ED25519, seed=bytes(32))
    checkpoint = replace(Checkpoint.parse(firm.note().text), size=22)
    (firm.public / "checkpoint").write_text(sign(checkpoint, [stranger], time=0).format())
    found = monitor.round()
    assert "not signed by a key of its log" in only(found, FindingKind.UNSIGNED).words
    assert (found.served, found.size) == (None, 21)


def test_a_checkpoint_by_the_wrong_key_does_not_count(firm: Firm, monitor: Monitor) -> None:
    """A forger would write the log's name over his own key's signature."""
    monitor.round()
    checkpoint = replace(Checkpoint.parse(firm.note().text), size=22)
    forger = [replace_seed(key) for key in firm.folder.signers]
    true = sign(checkpoint, firm.folder.signers, time=int(firm.clock.now)).signatures
    false = sign(checkpoint, forger, time=int(firm.clock.now)).signatures
    # Under the true key's id, so that it claims to be by it.
    forged = [replace(theirs, key_id=ours.key_id) for ours, theirs in zip(true, false, strict=True)]
    (firm.public / "checkpoint").write_text(Note(text=checkpoint.format(), signatures=tuple(forged)).format())
    assert "does not verify" in only(monitor.round(), FindingKind.UNSIGNED).words


def test_another_log_in_its_place_is_told(firm: Firm, tmp_path: Path) -> None:
    """A policy may trust several logs; one must not stand in for the other."""
    key = SigningKey(name="other.example/log", algorithm=Algorithm.ED25519, seed=bytes(32))
    policy = Policy.parse(f"log {key.verifier.text}\n" + firm.policy.format())
    with watching(firm.public, policy, tmp_path / "monitor", firm.clock) as monitor:
        monitor.round()
        checkpoint = replace(Checkpoint.parse(firm.note().text), origin="other.example/log")
        (firm.public / "checkpoint").write_text(sign(checkpoint, [key], time=0).format())
        assert "other.example/log" in only(monitor.round(), FindingKind.OTHER_LOG).words


def test_a_cosignature_from_the_future_does_not_count(tmp_path: Path, firm: Firm) -> None:
    """Who signs ahead of time can vouch today for what is not there yet."""
    key = SigningKey(name="witness.example/w", algorithm=Algorithm.COSIGNATURE_ED25519, seed=bytes(31) + b"\1")
    policy = Policy.parse(
        firm.policy.format().replace("quorum none\n", f"witness w {key.verifier.text}\nquorum w\n")
    )
    note = firm.note()
    ahead = sign(Checkpoint.parse(note.text), [key], time=int(firm.clock.now) + 4000).signatures
    firm.show(firm.leaves(), note.with_signatures(ahead))
    with watching(firm.public, policy, tmp_path / "monitor", firm.clock) as monitor:
        assert sorted(kinds(monitor.round())) == [FindingKind.FUTURE, FindingKind.QUORUM]


def test_a_log_that_signs_ahead_of_its_time_is_told(firm: Firm, monitor: Monitor) -> None:
    """A signature of next year would be later than every honest one, and hide which of two came first."""
    firm.show(firm.leaves(), firm.sign(firm.leaves(), time=firm.clock.now + 10_000))
    assert "ahead of this clock" in only(monitor.round(), FindingKind.FUTURE).words


# What the entries say


def signed_as_is(firm: Firm, leaves: Sequence[bytes], tmp_path: Path) -> tuple[Round, list[str]]:
    """A monitor's first look at a log that its operator made so; what each piece of evidence proves elsewhere."""
    firm.show(leaves)
    with served(firm.public) as url, watching(url, firm.policy, tmp_path / "monitor", firm.clock) as monitor:
        found = monitor.round()
    assert found.checked == len(leaves)
    return found, [proven(finding, firm.policy) for finding in found.findings]


def record_at(firm: Firm, index: int) -> Record:
    entry = parse_entry(firm.leaves()[index])
    assert isinstance(entry, Record)
    return entry


def test_a_gap_in_a_customers_records_is_proven(firm: Firm, tmp_path: Path) -> None:
    """An operator who leaves a record out, and signs what is left, hides an act from the one it was done to."""
    leaves = firm.leaves()
    found, said = signed_as_is(firm, leaves[:8] + leaves[9:20], tmp_path)
    finding = only(found, FindingKind.CONTENT)
    assert "entry 10 " in finding.words and "some are missing" in said[0]
    assert alone(finding, firm.policy, tmp_path).splitlines() == said[0].splitlines()


def test_a_record_dropped_at_the_beginning_is_proven(firm: Firm, tmp_path: Path) -> None:
    """The first act is as easily hidden as any other."""
    found, said = signed_as_is(firm, firm.leaves()[1:20], tmp_path)
    assert "expected 0" in said[0] and kinds(found) == [FindingKind.CONTENT]


def test_records_out_of_order_are_proven(firm: Firm, tmp_path: Path) -> None:
    """Swapped, they would tell the customer another story."""
    leaves = list(firm.leaves()[:20])
    leaves[5], leaves[8] = leaves[8], leaves[5]
    found, said = signed_as_is(firm, leaves, tmp_path)
    assert set(kinds(found)) == {FindingKind.CONTENT}
    assert any("comes after record" in each for each in said)


def test_a_record_put_in_twice_is_proven(firm: Firm, tmp_path: Path) -> None:
    """A sequence number with two records leaves one of them out of every count."""
    leaves = firm.leaves()[:20]
    twin = replace(record_at(firm, 19), act=bytes(16))
    found, said = signed_as_is(firm, (*leaves, twin.leaf()), tmp_path)
    assert "comes after record" in said[0] and kinds(found) == [FindingKind.CONTENT]


def test_a_wrong_map_head_is_proven(firm: Firm, tmp_path: Path) -> None:
    """A customer believes the map about how many records there are: one that counts fewer hides them."""
    head = parse_entry(firm.leaves()[20])
    assert isinstance(head, MapHead)
    found, said = signed_as_is(firm, (*firm.leaves()[:20], replace(head, root=bytes(32)).leaf()), tmp_path)
    assert "entry 20" in said[0] and "map head" in said[0] and kinds(found) == [FindingKind.CONTENT]


def test_a_map_head_out_of_its_place_is_proven(firm: Firm, tmp_path: Path) -> None:
    """It would cover fewer entries than a customer thinks."""
    head = parse_entry(firm.leaves()[20])
    assert isinstance(head, MapHead)
    found, said = signed_as_is(firm, (*firm.leaves()[:20], replace(head, size=19).leaf()), tmp_path)
    assert "says it covers 19" in "".join(said)


def test_a_time_that_runs_back_is_proven(firm: Firm, tmp_path: Path) -> None:
    """A record dated back would say that an approval came before the act."""
    leaves = firm.leaves()[:19]
    back = replace(record_at(firm, 19), time=record_at(firm, 19).time - 600)
    found, said = signed_as_is(firm, (*leaves, back.leaf()), tmp_path)
    assert "rule of its time" in said[0] and kinds(found) == [FindingKind.CONTENT]


@pytest.mark.parametrize("entry", [b"", b"{}", b"\xff\xfe", b'{"act":"x"}', b"x" * 60_000])
def test_an_entry_that_is_no_record_is_proven(firm: Firm, tmp_path: Path, entry: bytes) -> None:
    """What nobody can read could be an act on anyone."""
    found, said = signed_as_is(firm, (*firm.leaves()[:20], entry, firm.leaves()[20]), tmp_path)
    assert "neither a record nor a map head" in said[0]


@pytest.mark.slow
def test_evidence_that_would_be_too_long_says_what_it_lacks(firm: Firm, tmp_path: Path) -> None:
    """A file of gigabytes proves nothing to anybody; a claim without its proof must not look like one."""
    leaves = history([list(range(50))] * 2000)
    head = parse_entry(leaves[-1])
    assert isinstance(head, MapHead)
    leaves[-1] = replace(head, root=bytes(32)).leaf()
    firm.show(leaves)
    settings = MonitorSettings(silence=0)
    with watching(firm.public, firm.policy, tmp_path / "monitor", firm.clock, settings=settings) as monitor:
        finding = only(monitor.round(), FindingKind.CONTENT)
    assert finding.severity is Severity.ALARM and finding.evidence is not None
    verdict = check_evidence(Path(finding.evidence).read_bytes(), firm.policy)
    assert not verdict.stands and verdict.lacks is not None and "from 0 to 101,999" in verdict.lacks


def test_huge_entries_fill_no_memory(firm: Firm, tmp_path: Path) -> None:
    """A log may hold entries of 64 kB each; a monitor that takes thousands at a time would be killed for its memory."""
    sizes: list[int] = []
    firm.show([bytes([number % 256]) * 65_535 for number in range(2000)])

    def step(name: str) -> None:
        if name == "files":
            sizes.append(len(list((tmp_path / "monitor/mirror/tile/entries").iterdir())))

    with watching(firm.public, firm.policy, tmp_path / "monitor", firm.clock, step=step) as monitor:
        found = monitor.round()
    assert sizes == [2, 4, 6, 8]
    assert found.checked == 2000


def test_what_was_proven_stays_found_until_its_file_is_moved(firm: Firm, url: str, tmp_path: Path) -> None:
    """A finding that is shown once, at night, is never read."""
    firm.show((*firm.leaves()[:20], b"{}"))
    for _ in range(2):
        with watching(url, firm.policy, tmp_path / "monitor", firm.clock) as monitor:
            evidence = only(monitor.round(), FindingKind.CONTENT).evidence
            assert kinds(monitor.round()) == [FindingKind.CONTENT]
    assert evidence is not None
    Path(evidence).rename(tmp_path / "kept.json")
    with watching(url, firm.policy, tmp_path / "monitor", firm.clock) as monitor:
        assert monitor.round().findings == ()


def test_a_log_with_many_problems_fills_no_disk(firm: Firm, tmp_path: Path) -> None:
    """A hostile log could make its monitors write evidence without end."""
    firm.show([b"nothing %d" % number for number in range(400)])
    with watching(firm.public, firm.policy, tmp_path / "monitor", firm.clock) as monitor:
        found = monitor.round()
        again = monitor.round()
    assert len(list((tmp_path / "monitor" / "evidence").iterdir())) == 50
    assert any("400 problems" in finding.words for finding in found.findings)
    assert len(again.findings) == len(found.findings)


def test_evidence_is_of_no_use_against_another_log(firm: Firm, monitor: Monitor, tmp_path: Path) -> None:
    """Evidence that convinced whoever trusts other keys would convict the innocent."""
    monitor.round()
    firm.clock.now += 60
    firm.show(firm.leaves()[:10])
    evidence = only(monitor.round(), FindingKind.ROLLBACK).evidence
    assert evidence is not None
    stranger = SigningKey(name="log.example.com/acts", algorithm=Algorithm.ED25519, seed=Chance("stranger")(32))
    policy = Policy.parse(f"log {stranger.verifier.text}\nquorum none\n")
    verdict = check_evidence(Path(evidence).read_bytes(), policy)
    assert not verdict.stands and verdict.origin is None


# Time


def test_a_log_that_stops_is_told(firm: Firm, monitor: Monitor) -> None:
    """Whoever wants an act unrecorded stops the log first: silence must not look like peace."""
    assert monitor.round().findings == ()
    firm.clock.now += 2000
    assert "no new checkpoint for 2,000 s" in only(monitor.round(), FindingKind.SILENCE).words


def test_a_log_without_heartbeats_is_told(firm: Firm, monitor: Monitor) -> None:
    """New signatures over the old entries say only that a machine is on."""
    monitor.round()
    firm.clock.now += 2000
    firm.show(firm.leaves(), firm.sign(firm.leaves()))
    assert FindingKind.SILENCE in kinds(monitor.round())


def test_silence_can_be_allowed(firm: Firm, url: str, tmp_path: Path) -> None:
    """An archive that is closed is not broken."""
    settings = MonitorSettings(silence=0, timeout=5)
    with watching(url, firm.policy, tmp_path / "monitor", firm.clock, settings=settings) as monitor:
        firm.clock.now += 1e6
        assert monitor.round().findings == ()


def test_entries_of_the_future_are_told(firm: Firm, monitor: Monitor) -> None:
    """They would hold off the alarm about silence."""
    ahead = replace(record_at(firm, 19), time=record_at(firm, 19).time + 6000)
    firm.show((*firm.leaves()[:19], ahead.leaf()))
    assert "ahead of this clock" in only(monitor.round(), FindingKind.FUTURE).words


# Servers


def dribbling(connection: socket.socket) -> None:
    """An answer that never ends, a byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (http(200, b"\xff\xfe\x00 garbage"), FindingKind.UNREADABLE, "no checkpoint"),
        (http(200, b"<html>welcome</html>"), FindingKind.UNREADABLE, "no checkpoint"),
        (http(200, b"x" * 5_000_000), FindingKind.UNREACHABLE, "more than 1048576 bytes"),
        (dribbling, FindingKind.UNREACHABLE, "no answer within"),
        (http(404), FindingKind.UNREACHABLE, "404"),
        (http(500, b"oops"), FindingKind.UNREACHABLE, "500"),
        (http(302, Location="http://elsewhere.example/"), FindingKind.UNREACHABLE, "302"),
        (b"what?\r\n\r\n", FindingKind.UNREACHABLE, ""),
    ],
    ids=["garbage", "a page", "huge", "slow", "404", "500", "redirect", "no HTTP"],
)
def test_a_server_that_misbehaves_is_told_and_nothing_is_lost(
    firm: Firm, url: str, tmp_path: Path, answer: bytes, kind: FindingKind, words: str
) -> None:
    """Whoever wants to blind a monitor begins with its connection."""
    settings = MonitorSettings(timeout=1)
    with watching(url, firm.policy, tmp_path / "monitor", firm.clock) as monitor:
        monitor.round()
    with (
        answering(answer) as bad,
        watching(bad, firm.policy, tmp_path / "monitor", firm.clock, settings=settings) as monitor,
    ):
        found = monitor.round()
        assert words in only(found, kind).words
        assert (found.served, found.size, found.checked) == (None, 21, 21)
    is_whole(mirror(tmp_path))
    with watching(url, firm.policy, tmp_path / "monitor", firm.clock) as monitor:
        assert monitor.round().findings == ()


def test_a_server_that_is_gone_is_told(firm: Firm, tmp_path: Path) -> None:
    """As above."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with watching(f"http://127.0.0.1:{port}", firm.policy, tmp_path / "monitor", firm.clock) as monitor:
        only(monitor.round(), FindingKind.UNREACHABLE)


def test_entries_that_cannot_be_had_are_told_and_taken_later(firm: Firm, monitor: Monitor, tmp_path: Path) -> None:
    """A log could sign what it never shows."""
    size = firm.record(40_000 // 64)
    hidden = firm.public / "tile/entries/001"
    hidden.rename(tmp_path / "hidden")
    found = monitor.round()
    assert "tile/entries/001" in only(found, FindingKind.UNSERVED).words
    assert found.size == 0
    (tmp_path / "hidden").rename(hidden)
    found = monitor.round()
    assert (found.findings, found.size) == ((), size)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 70_000, b"x" * 20_000_000], ids=len)
def test_garbage_in_place_of_entries_is_told(firm: Firm, monitor: Monitor, data: bytes, tmp_path: Path) -> None:
    """The parser reads what a hostile server sends."""
    monitor.round()
    firm.record(300)
    (firm.public / "tile/entries/000").write_bytes(data)
    assert "tile/entries/000" in only(monitor.round(), FindingKind.UNSERVED).words
    is_whole(mirror(tmp_path))


def test_a_size_that_no_log_has_keeps_nobody_busy(firm: Firm, monitor: Monitor) -> None:
    """One signed number could fill every monitor's memory."""
    monitor.round()
    huge = replace(Checkpoint.parse(firm.note().text), size=2**62)
    (firm.public / "checkpoint").write_text(sign(huge, firm.folder.signers, time=int(firm.clock.now)).format())
    found = monitor.round()
    assert (kinds(found), found.size) == ([FindingKind.UNSERVED], 21)


def test_a_root_of_no_entries_that_is_not_that_of_nothing_is_told(tmp_path: Path) -> None:
    """The empty log is the beginning of every log; a false one would be none's."""
    firm = Firm(tmp_path / "ledger")
    false = Checkpoint(origin=firm.folder.settings.origin, size=0, root=bytes(32))
    firm.show((), sign(false, firm.folder.signers, time=1))
    with watching(firm.public, firm.policy, tmp_path / "monitor", firm.clock) as monitor:
        only(monitor.round(), FindingKind.ALTERED)


def test_two_monitors_do_not_share_a_folder(firm: Firm, monitor: Monitor, url: str, tmp_path: Path) -> None:
    """Each would write over the other's mirror."""
    with pytest.raises(Overtaken), watching(url, firm.policy, tmp_path / "monitor", firm.clock):
        pass


def test_a_rollback_without_signed_times_is_no_proof_and_no_silence(firm: Firm, monitor: Monitor) -> None:
    """A log that leaves its timestamped signature out leaves no proof; somebody still has to look."""
    leaves = firm.leaves()
    monitor.round()
    checkpoint = Checkpoint.parse(firm.sign(leaves[:10]).text)
    firm.show(leaves[:10], sign(checkpoint, ed25519(firm.folder.signers), time=0))
    assert "or it was rolled back" in only(monitor.round(), FindingKind.STALE).words


def test_the_page_tells_of_every_kind_with_its_severity() -> None:
    """Who is woken by a word looks it up."""
    page = (Path(__file__).parents[2] / "docs/monitor.md").read_text("utf-8")
    rows = [line.split("|") for line in page.split("## What it finds")[1].split("\n## ")[0].splitlines() if "`" in line]
    told = {kind.strip(" `"): row[3] for row in rows if len(row) == 5 for kind in row[1].split(",")}
    for kind in FindingKind:
        severity = MonitorFinding(kind=kind, about="", words="", stands="proven" in told[kind]).severity
        assert told[kind].strip().startswith(severity), kind
