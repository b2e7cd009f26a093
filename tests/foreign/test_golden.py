"""The bytes of keys, tiles, bundles, checkpoints, cosignatures and proofs are fixed by files that Go's packages made.

All of a log but its ML-DSA lines is deterministic with us; with Go those are too."""

from __future__ import annotations

from pathlib import Path

from armslength.tlog import (
    Algorithm,
    Checkpoint,
    Note,
    Policy,
    SigningKey,
    TlogProof,
    VerifierKey,
    fsck,
    inclusion_proof,
    leaf_hash,
    verify_signature,
)
from tests.foreign.checker import run_aics, run_go_checker
from tests.foreign.golden import ENTRIES, GOLDEN, INDEX, make
from tests.foreign.published import (
    ED25519_KEYS,
    KEYS,
    LOG,
    LOG_ML_DSA,
    TIME,
    WITNESS,
    WITNESS_ML_DSA,
    Tree,
    files,
    publish,
    vkeys,
)


def golden_note() -> Note:
    return Note.parse((GOLDEN / "log" / "checkpoint").read_bytes())


def test_go_makes_the_golden_bytes_still(tmp_path: Path) -> None:
    """The golden files would no longer be what other software makes, ML-DSA-44 signatures included."""
    make(tmp_path)
    assert files(tmp_path) == files(GOLDEN)


def test_we_make_the_golden_tiles_and_bundles(tmp_path: Path) -> None:
    """A new release would write other files for the same log, and no mirror could follow it."""
    publish(tmp_path, ENTRIES)
    ours, golden = files(tmp_path), files(GOLDEN / "log")
    assert ours.keys() == golden.keys() and len(golden) == 6
    del ours["checkpoint"], golden["checkpoint"]
    assert ours == golden


def test_we_make_the_golden_checkpoint_and_its_ed25519_lines(tmp_path: Path) -> None:
    """A note signed today could not be compared with one signed by the release before."""
    publish(tmp_path, ENTRIES)
    ours, golden = Note.parse((tmp_path / "checkpoint").read_bytes()), golden_note()
    assert ours.text == golden.text
    for key, mine, theirs in zip(KEYS, ours.signatures, golden.signatures, strict=True):
        assert (mine == theirs) is (key.algorithm is not Algorithm.COSIGNATURE_ML_DSA_44)


def test_the_golden_keys_parse_and_print_as_they_stand() -> None:
    """Keys kept on paper would no longer open anything."""
    lines = (GOLDEN / "keys").read_text().splitlines()
    signing, verifier = lines[: len(KEYS)], lines[len(KEYS) :]
    assert [SigningKey.parse(line) for line in signing] == list(KEYS)
    assert [key.text for key in KEYS] == signing
    assert [VerifierKey.parse(line).text for line in verifier] == verifier == vkeys(KEYS)


def test_we_accept_the_golden_log_and_every_signature_on_it() -> None:
    """Logs that were published in the past would be refused."""
    note = golden_note()
    for key in KEYS:
        verified = verify_signature(note, key.verifier)
        assert verified and verified.timestamp == (None if key is LOG else TIME)
    log = files(GOLDEN / "log")
    assert fsck(log.get, Checkpoint.parse(note.text)) == ()


def test_we_accept_and_make_the_golden_proof() -> None:
    """A proof that a customer kept for years would be worth nothing."""
    text = (GOLDEN / "proof").read_text()
    proof, tree = TlogProof.parse(text), Tree.of(ENTRIES)
    assert proof.format() == text
    hashes = inclusion_proof(INDEX, len(ENTRIES), tree.node)
    assert proof == TlogProof(index=INDEX, hashes=hashes, checkpoint=golden_note())
    policy = Policy.parse(
        f"log {LOG.verifier.text}\nlog {LOG_ML_DSA.verifier.text}\nwitness one {WITNESS.verifier.text}\n"
        f"witness two {WITNESS_ML_DSA.verifier.text}\ngroup both all one two\nquorum both\n"
    )
    assert proof.verify(leaf_hash(ENTRIES[INDEX]), policy).checkpoint.size == len(ENTRIES)


def test_go_and_aics_accept_the_golden_log() -> None:
    """The files that fix the format would themselves be wrong."""
    assert run_go_checker("log", GOLDEN / "log", *vkeys(KEYS)).accepted
    assert run_aics("log", GOLDEN / "log", *vkeys(ED25519_KEYS)).accepted
