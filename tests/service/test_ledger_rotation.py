"""New keys for a log: old proofs verify as before, and whoever knows only the old keys is told why not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from armslength.ledger import Disclosed, parse_canonical
from armslength.service import (
    Refusal,
    Whose,
    add_keys,
    check_ledger,
    customer_bundle,
    ledger_status,
    prove_entry,
    retire_keys,
)
from armslength.store import LedgerFolder, PublicFolder, StoreError, read_ledger_folder
from armslength.tlog import Algorithm, Note, Policy, Unverified, VerifierKey, leaf_hash
from tests.service.ledgers import Chance, act, ledger_folder, opened, record
from tests.service.logs import NOW
from tests.service.watchers import Watcher, lines, trusted, watching


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    made = ledger_folder(tmp_path / "ledger")
    record(made, act("before", "acme"))
    return made


def added(folder: LedgerFolder, name: str = "added") -> tuple[VerifierKey, ...]:
    return add_keys(folder.path, chance=Chance(name))


def retired(folder: LedgerFolder, *keys: VerifierKey) -> tuple[VerifierKey, ...]:
    return retire_keys(folder.path, [key.id.hex() for key in keys], chance=Chance("retired"))


def published(folder: LedgerFolder) -> Note:
    note = PublicFolder(folder.public).published()
    assert note is not None
    return note


def signers(folder: LedgerFolder, policy: Policy) -> set[VerifierKey]:
    """The keys of a policy that signed what is published; fails where the policy refuses it."""
    return set(policy.endorse(published(folder), now=NOW).logs)


def test_between_adding_and_retiring_everybody_accepts_and_then_only_who_has_the_new_keys(
    folder: LedgerFolder,
) -> None:
    """A customer who was not told yet would take the ledger for forged; one who was never told has to learn why."""
    old = {key.verifier for key in folder.signers}
    entry, proof = prove_entry(folder, 0)
    new = set(added(folder))
    assert len(new) == 2
    assert not new & old
    now = read_ledger_folder(folder.path)
    assert {key.verifier for key in now.signers} == old | new == {log.key for log in now.policy.logs}
    assert signers(folder, folder.policy) == old
    assert signers(folder, now.policy) == old | new
    record(now, act("between", "acme"))
    assert signers(folder, folder.policy) == old

    assert set(retired(folder, *sorted(old, key=lambda key: key.text))) == old
    now = read_ledger_folder(folder.path)
    assert {key.verifier for key in now.signers} == new
    assert {log.key for log in now.policy.logs} == old | new
    assert signers(folder, now.policy) == new
    with pytest.raises(Unverified) as refused:
        signers(folder, folder.policy)
    assert "log.example.com/acts" in str(refused.value)
    assert "sign" in str(refused.value)
    record(now, act("after", "acme"))

    for policy in (folder.policy, now.policy):
        proof.verify(leaf_hash(entry), policy)
    _, newer = prove_entry(now, 0)
    newer.verify(leaf_hash(entry), now.policy)
    with pytest.raises(Unverified):
        newer.verify(leaf_hash(entry), folder.policy)
    assert check_ledger(now).findings == ()


def test_the_log_itself_says_which_keys_came_and_went(folder: LedgerFolder) -> None:
    """A key that nobody admits to have added is how a thief would sign."""
    new = added(folder)
    gone = retired(folder, folder.signers[1].verifier)
    said = []
    for opened_record in customer_bundle(read_ledger_folder(folder.path), Whose()).opened:
        for field in opened_record.fields:
            assert isinstance(field, Disclosed)
            said.append((field.label, parse_canonical(field.value, label=field.label)))
    changes = [(label, value) for label, value in said if label in ("added", "retired")]
    assert changes == [("added", [key.text for key in new]), ("retired", [key.text for key in gone])]


@pytest.mark.parametrize("algorithm", [Algorithm.ED25519, Algorithm.COSIGNATURE_ML_DSA_44])
def test_one_of_the_keys_can_go_if_an_ed25519_key_is_left(folder: LedgerFolder, algorithm: Algorithm) -> None:
    """Today's witnesses and tools read nothing else: a log without one would be witnessed by nobody."""
    (key,) = (each.verifier for each in folder.signers if each.algorithm is algorithm)
    if algorithm is Algorithm.ED25519:
        with pytest.raises(Refusal, match="no Ed25519 key would be left to sign; add new keys first"):
            retired(folder, key)
        assert read_ledger_folder(folder.path).signers == folder.signers
        added(folder)
    size = ledger_status(folder).size
    assert retired(folder, key) == (key,)
    now = read_ledger_folder(folder.path)
    assert key not in {each.verifier for each in now.signers}
    assert key not in signers(folder, now.policy)
    assert ledger_status(now).size > size
    assert key not in ledger_status(now).signing


@pytest.mark.parametrize("ids", [["00000000"], ["nonsense", ""], ["00000000", "11111111"]])
def test_a_key_that_does_not_sign_cannot_be_retired(folder: LedgerFolder, ids: list[str]) -> None:
    """A mistyped id would be taken for done."""
    size = ledger_status(folder).size
    with pytest.raises(Refusal) as refused:
        retire_keys(folder.path, ids, chance=Chance("retired"))
    known = ", ".join(key.verifier.id.hex() for key in folder.signers)
    assert list(refused.value.problems) == [f"no signing key {each!r}: expected one of {known}" for each in ids]
    assert ledger_status(folder).size == size
    assert read_ledger_folder(folder.path).signers == folder.signers


def test_keys_are_changed_by_the_one_who_holds_the_ledger(folder: LedgerFolder) -> None:
    """A server that runs would go on signing with what it read at its start, and nobody notice."""
    with opened(folder):
        changes: list[Callable[[], object]] = [
            lambda: added(folder),
            lambda: retired(folder, folder.signers[1].verifier),
        ]
        for change in changes:
            with pytest.raises(StoreError, match="another writer holds this log's lock"):
                change()
    assert read_ledger_folder(folder.path) == folder


def test_new_keys_are_as_secret_as_the_old(folder: LedgerFolder) -> None:
    """The file is written anew."""
    added(folder)
    path = folder.path / "signing.keys"
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().splitlines()) == 4
    policy = (folder.path / "policy").read_text()
    assert "PRIVATE" not in policy


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[Watcher]:
    with watching(tmp_path, "anna") as (anna,):
        anna.clock.now = time.time()  # as the rotation's own
        yield anna


def test_a_witness_goes_on_through_a_rotation_if_it_is_told_in_between(tmp_path: Path, watcher: Watcher) -> None:
    """The ledger would change its keys and lose its witnesses."""
    folder = ledger_folder(tmp_path / "ledger", witnesses=lines((watcher,), "all"))
    trusted((watcher,), folder)
    record(folder, act("one", "acme"))
    added(folder)
    now = read_ledger_folder(folder.path)
    status = ledger_status(now)
    assert (status.published, status.problems) == (status.size, ())
    trusted((watcher,), now)
    retired(folder, *(key.verifier for key in folder.signers))
    now = read_ledger_folder(folder.path)
    status = ledger_status(now)
    assert (status.published, status.problems) == (status.size, ())
    assert [name for name, _ in now.policy.endorse(published(now)).witnesses] == ["anna"]


def test_a_witness_that_was_not_told_keeps_the_old_checkpoint_published(tmp_path: Path, watcher: Watcher) -> None:
    """What no witness vouches for must not stand there, whoever forgot what."""
    folder = ledger_folder(tmp_path / "ledger", witnesses=lines((watcher,), "all"))
    trusted((watcher,), folder)
    record(folder, act("one", "acme"))
    added(folder)
    before = published(folder)
    retired(folder, *(key.verifier for key in folder.signers))
    now = read_ledger_folder(folder.path)
    assert ledger_status(now).problems == ("2 entries are durable and not published yet",)
    assert published(now).text != before.text  # the record of the change itself was still signed with both
    trusted((watcher,), now)
    with opened(now) as ledger:
        assert ledger.publish().problem is None
    assert ledger_status(now).problems == ()
