"""Our own bytes, fixed by files: a later version that writes others breaks what customers and witnesses have stored.

Ed25519 signatures are deterministic, so those files are compared byte for byte. ML-DSA-44 signatures are hedged: the
stored ones have to verify for ever, and the message under them is compared.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.tlog import (
    AddCheckpoint,
    Checkpoint,
    Cosign,
    Note,
    Policy,
    TlogProof,
    VerifierKey,
    consistency_proof,
    cosigned_message,
    inclusion_proof,
    judge,
    verify_signature,
)
from tests.tlog.signers import LEAVES, LOG, LOG_PQ, NODE, NOW, ORIGIN, W1, W2, checkpoint, signed
from tests.tlog.test_policy import policy

GOLDEN = Path(__file__).parent / "golden"
BY_ED25519 = signed(checkpoint(21), [LOG, W1])


def golden(name: str) -> str:
    return (GOLDEN / name).read_bytes().decode()


def test_the_signed_checkpoint_has_these_bytes() -> None:
    """Verifiers that pinned nothing but our keys would refuse the next version's checkpoints."""
    assert golden("checkpoint.txt") == BY_ED25519.format()
    assert policy("quorum w1\n", (LOG,)).endorse(Note.parse(golden("checkpoint.txt"))).checkpoint == checkpoint(21)


def test_the_request_to_a_witness_has_these_bytes() -> None:
    """Witnesses in the field would answer 400 to the next version."""
    note = signed(checkpoint(21), [LOG])
    asks = AddCheckpoint(old=13, proof=consistency_proof(13, 21, NODE), note=note)
    assert golden("add-checkpoint.txt") == asks.format()
    before = judge(AddCheckpoint(old=0, proof=(), note=signed(checkpoint(13), [LOG])), [LOG.verifier], None)
    assert isinstance(before, Cosign)
    after = judge(AddCheckpoint.parse(golden("add-checkpoint.txt")), [LOG.verifier], before.seen)
    assert isinstance(after, Cosign)


def test_the_proof_has_these_bytes() -> None:
    """A customer's stored proof would not verify, or a new one not in the tools that customers have."""
    made = TlogProof(index=17, hashes=inclusion_proof(17, 21, NODE), checkpoint=BY_ED25519, extra=b"entry 17")
    assert golden("entry-17.tlog-proof") == made.format()
    TlogProof.parse(golden("entry-17.tlog-proof")).verify(LEAVES[17], policy("quorum w1\n", (LOG,)), now=NOW)


def test_the_policy_has_these_bytes() -> None:
    """The same seeds would give other keys, or the policy that a customer pinned would not be read."""
    made = policy("group pair 2 w1 w2\ngroup q any pair w3\nquorum q\n")
    assert golden("policy.txt") == made.format()
    assert Policy.parse(golden("policy.txt")) == made


def test_the_ml_dsa_message_has_these_bytes() -> None:
    """Every ML-DSA-44 signature made before would be void."""
    message = cosigned_message(
        cosigner=W2.name, timestamp=NOW, origin=ORIGIN, start=0, end=21, root=checkpoint(21).root
    )
    assert golden("cosigned-message.hex") == message.hex() + "\n"


@pytest.mark.parametrize("key", [LOG_PQ.verifier, W2.verifier], ids=lambda key: key.name)
def test_stored_ml_dsa_signatures_still_verify(key: VerifierKey) -> None:
    """As above; the file was written once."""
    note = Note.parse(golden("checkpoint-ml-dsa.txt"))
    assert note.format() == golden("checkpoint-ml-dsa.txt")
    assert Checkpoint.parse(note.text) == checkpoint(21)
    verified = verify_signature(note, key)
    assert verified is not None
    assert verified.timestamp == NOW
    assert golden("policy.txt").count(key.text) == 1
