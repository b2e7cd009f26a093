"""Cosignatures: the signed bytes are those of tlog-cosignature, and each covers what it says it covers."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from armslength.tlog import (
    Algorithm,
    Malformed,
    Note,
    Signature,
    SigningKey,
    Unverified,
    cosigned_message,
    sign_note,
    verify_signature,
)
from tests.tlog.signers import LOG, LOG_PQ, NOW, W1, W2, W3, checkpoint, signed
from tests.tlog.test_checkpoint import SOFA

COSIGNERS = [W1, W2]


def test_the_ed25519_message_is_the_published_one() -> None:
    """No witness's cosignature would verify here, and none of ours elsewhere."""
    published = b"cosignature/v1\ntime 1679315147\n" + SOFA.encode()
    signature = sign_note(SOFA, W1, timestamp=1679315147)
    assert signature.blob[:8] == (1679315147).to_bytes(8, "big")
    Ed25519PublicKey.from_public_bytes(W1.verifier.public).verify(signature.blob[8:], published)


def test_the_ml_dsa_message_is_laid_out_as_the_structure() -> None:
    """As above. The bytes are put together here by hand from the structure in tlog-cosignature."""
    by_hand = bytes.fromhex(
        "737562747265652f76310a00"  # label: subtree/v1, newline, zero
        "12" + b"witness.example/w2".hex() + "00000000641850cb"  # cosigner_name, timestamp 1679315147
        "1b" + b"example.com/behind-the-sofa".hex() + "0000000000000000"  # log_origin, start
        "00000000013e2dc3"  # end 20852163
        "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    )
    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert by_hand == cosigned_message(
        cosigner="witness.example/w2",
        timestamp=1679315147,
        origin="example.com/behind-the-sofa",
        start=0,
        end=20852163,
        root=root,
    )
    signature = sign_note(SOFA, W2, timestamp=1679315147)
    assert signature.blob[:8] == (1679315147).to_bytes(8, "big")
    MLDSA44PublicKey.from_public_bytes(W2.verifier.public).verify(signature.blob[8:], by_hand)


@pytest.mark.parametrize("key", [*COSIGNERS, LOG_PQ], ids=lambda key: key.name)
@pytest.mark.parametrize("timestamp", [1, NOW, 2**63 - 1])
def test_a_cosignature_carries_its_time(key: SigningKey, timestamp: int) -> None:
    """A stale tree would pass for a fresh one."""
    verified = verify_signature(signed(checkpoint(), [key], timestamp=timestamp), key.verifier)
    assert verified is not None
    assert verified.timestamp == timestamp


@pytest.mark.parametrize("key", COSIGNERS, ids=lambda key: key.name)
def test_the_time_is_covered(key: SigningKey) -> None:
    """Whoever serves the checkpoint could make an old cosignature look new."""
    note = signed(checkpoint(), [key])
    for timestamp in (0, NOW - 1, NOW + 1, 2**63, 2**64 - 1):
        blob = timestamp.to_bytes(8, "big") + note.signatures[0].blob[8:]
        forged = Signature(name=key.name, key_id=key.verifier.id, blob=blob)
        with pytest.raises(Unverified):
            verify_signature(Note(text=note.text, signatures=(forged,)), key.verifier)


@pytest.mark.parametrize("key", COSIGNERS, ids=lambda key: key.name)
def test_size_root_and_origin_are_covered(key: SigningKey) -> None:
    """A cosignature of one tree, or of another log, could be put under this one."""
    given = signed(checkpoint(21), [key])
    for text in (
        checkpoint(20).format(),
        checkpoint(21).format().replace("21", "22"),
        checkpoint(21, origin="log.example/mai").format(),
        checkpoint(21, origin="log.example/main ").format(),
    ):
        with pytest.raises(Unverified):
            verify_signature(Note(text=text, signatures=given.signatures), key.verifier)


def test_only_the_ed25519_form_covers_extension_lines() -> None:
    """Somebody would rely on an extension line that anyone can write (tlog-cosignature, ML-DSA-44 signed message)."""
    plain, extended = checkpoint(21), checkpoint(21, extensions=("anything",))
    note = Note(text=extended.format(), signatures=signed(plain, [W1, W2]).signatures)
    assert verify_signature(note, W2.verifier) is not None
    with pytest.raises(Unverified):
        verify_signature(note, W1.verifier)


@pytest.mark.parametrize("key", COSIGNERS, ids=lambda key: key.name)
@pytest.mark.parametrize("text", ["text\n", "a\nb\nc\n", SOFA + "\n", SOFA.replace("20852163", "020852163")])
def test_only_checkpoints_are_cosigned(key: SigningKey, text: str) -> None:
    """A witness's key would stand under a text that is no statement about a log, or under a second spelling of one."""
    with pytest.raises(Malformed):
        sign_note(text, key, timestamp=NOW)
    blob = signed(SOFA, [key]).signatures[0].blob
    with pytest.raises(Unverified, match="cannot have cosigned"):
        claimed = Signature(name=key.name, key_id=key.verifier.id, blob=blob)
        verify_signature(Note(text=text, signatures=(claimed,)), key.verifier)


def test_a_cosignature_is_no_signature_of_another_type() -> None:
    """A witness's statement could be shown as the log's own, or the other way round, where one key is used for both."""
    cosigner = SigningKey(name=LOG.name, algorithm=Algorithm.COSIGNATURE_ED25519, seed=LOG.seed)
    text = checkpoint().format()
    as_log = Signature(name=LOG.name, key_id=LOG.verifier.id, blob=sign_note(text, cosigner, timestamp=NOW).blob[8:])
    with pytest.raises(Unverified):
        verify_signature(Note(text=text, signatures=(as_log,)), LOG.verifier)
    blob = NOW.to_bytes(8, "big") + sign_note(text, LOG).blob
    as_witness = Signature(name=LOG.name, key_id=cosigner.verifier.id, blob=blob)
    with pytest.raises(Unverified):
        verify_signature(Note(text=text, signatures=(as_witness,)), cosigner.verifier)


def test_one_witness_cannot_be_shown_as_another() -> None:
    """One witness would fill a quorum of two."""
    text = checkpoint().format()
    for key, other in ((W1, W3), (W2, SigningKey(name="other", algorithm=W2.algorithm, seed=bytes(32)))):
        blob = sign_note(text, key, timestamp=NOW).blob
        relabelled = Signature(name=other.name, key_id=other.verifier.id, blob=blob)
        with pytest.raises(Unverified):
            verify_signature(Note(text=text, signatures=(relabelled,)), other.verifier)


def test_the_ml_dsa_form_covers_the_cosigners_name() -> None:
    """A key under two names would be two witnesses; Ed25519 keys are told apart by policy alone."""
    renamed = W2.named("witness.example/another")
    text = checkpoint().format()
    blob = sign_note(text, W2, timestamp=NOW).blob
    relabelled = Signature(name=renamed.name, key_id=renamed.verifier.id, blob=blob)
    with pytest.raises(Unverified):
        verify_signature(Note(text=text, signatures=(relabelled,)), renamed.verifier)


@pytest.mark.parametrize("key", [LOG, LOG_PQ, W1, W2], ids=lambda key: key.name + key.algorithm.name)
@pytest.mark.parametrize("timestamp", [None, 0, -1, 2**63])
def test_a_signature_without_its_time_is_not_made(key: SigningKey, timestamp: int | None) -> None:
    """A witness would state no time, or one that no verifier can hold."""
    if key is LOG and timestamp is None:
        assert len(sign_note(SOFA, key).blob) == 64
        return
    with pytest.raises(Malformed, match=r"time|2\^63"):
        sign_note(SOFA, key, timestamp=timestamp)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"cosigner": ""}, "cosigner name has 0 bytes"),
        ({"cosigner": "é" * 128}, "cosigner name has 256 bytes"),
        ({"origin": "x" * 256}, "origin has 256 bytes"),
        ({"root": bytes(31)}, "root hash has 31 bytes"),
        ({"start": 5, "end": 4, "timestamp": 0}, "start not after end"),
        ({"start": -1}, "start"),
        ({"end": 2**63}, "end"),
        ({"timestamp": -1}, "timestamp"),
        ({"start": 1, "timestamp": NOW}, "without a timestamp"),
    ],
)
def test_what_the_structure_cannot_hold_is_refused(wrong: dict[str, object], complaint: str) -> None:
    """A length that wraps around would let one name's bytes be read as another's."""
    sound: dict[str, object] = {
        "cosigner": "a", "timestamp": NOW, "origin": "b", "start": 0, "end": 8, "root": bytes(32)
    }  # fmt: skip
    with pytest.raises(Malformed, match=complaint):
        cosigned_message(**(sound | wrong))  # type: ignore[arg-type]


def test_a_subtree_within_the_tree_is_laid_out_without_a_time() -> None:
    """Subtree cosignatures of other cosigners could not be checked."""
    message = cosigned_message(cosigner="a", timestamp=0, origin="b", start=8, end=13, root=bytes(32))
    assert message == b"subtree/v1\n\0\x01a" + bytes(8) + b"\x01b" + bytes(7) + b"\x08" + bytes(7) + b"\x0d" + bytes(32)


def test_an_origin_too_long_for_ml_dsa_is_refused_and_no_crash() -> None:
    """A checkpoint with a long origin would stop the verifier with a traceback."""
    head = checkpoint(origin="x" * 256)
    with pytest.raises(Malformed, match="origin has 256 bytes"):
        sign_note(head.format(), W2, timestamp=NOW)
    claimed = Signature(name=W2.name, key_id=W2.verifier.id, blob=bytes(8 + 2420))
    with pytest.raises(Unverified, match="origin has 256 bytes"):
        verify_signature(Note(text=head.format(), signatures=(claimed,)), W2.verifier)
