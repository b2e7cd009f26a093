"""aics-witness, a witness we did not write, is asked by us to cosign; what it answers counts for our policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import urllib3

from armslength.tlog import (
    AddCheckpoint,
    Checkpoint,
    Note,
    Policy,
    SigningKey,
    VerifierKey,
    consistency_proof,
    origin_hash,
    parse_signatures,
    verify_signature,
)
from tests.foreign.checker import ForeignWitness, foreign_witness, run_aics
from tests.foreign.published import KEYS, LOG, LOG_ML_DSA, ORIGIN, Tree, publish, sample_entries, signed

NAME = "witness.example/foreign"
TREE = Tree.of(sample_entries(600))
OTHER = Tree.of([b"another history", *sample_entries(599)])
PLAIN = (LOG, LOG_ML_DSA)


def request(
    new: int, *, old: int, tree: Tree = TREE, keys: Sequence[SigningKey] = PLAIN, origin: str = ORIGIN
) -> AddCheckpoint:
    head = Checkpoint(origin=origin, size=new, root=tree.root(new))
    proof = consistency_proof(old, new, TREE.node) if 0 < old <= new else ()
    return AddCheckpoint(old=old, proof=proof, note=signed(head.format(), keys))


def ask(witness: ForeignWitness, asked: AddCheckpoint) -> tuple[int, bytes]:
    answer = urllib3.request("POST", f"{witness.url}/add-checkpoint", body=asked.format().encode(), retries=False)
    return answer.status, answer.data


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[ForeignWitness]:
    with foreign_witness(tmp_path / "witness", NAME, {ORIGIN: [LOG.verifier.text]}) as running:
        yield running


def test_a_foreign_witness_cosigns_our_growing_log_and_our_policy_counts_it(witness: ForeignWitness) -> None:
    """Independent witnesses could not be had: only ones that run our software would understand us."""
    key = VerifierKey.parse(witness.vkey)
    policy = Policy.parse(f"log {LOG.verifier.text}\nwitness foreign {witness.vkey}\nquorum foreign\n")
    old = 0
    for size in (1, 255, 256, 257, 600):
        asked = request(size, old=old)
        status, body = ask(witness, asked)
        assert status == 200, body
        note = asked.note.with_signatures(parse_signatures(body))
        assert verify_signature(note, key)
        assert policy.endorse(note).checkpoint.size == size
        old = size


def test_it_serves_the_checkpoint_it_cosigned_where_we_look_for_it(witness: ForeignWitness) -> None:
    """Our monitor would look for a witness's view of the log in the wrong place."""
    ask(witness, request(600, old=0))
    answer = urllib3.request("GET", f"{witness.url}/{origin_hash(ORIGIN)}/checkpoint", retries=False)
    note = Note.parse(answer.data)
    assert answer.status == 200 and Checkpoint.parse(note.text).size == 600
    assert verify_signature(note, VerifierKey.parse(witness.vkey)) and verify_signature(note, LOG.verifier)


@pytest.mark.parametrize(
    "asked, status, body",
    [
        (request(400, old=0), 409, b"300\n"),
        (request(200, old=200), 409, b"300\n"),
        (request(600, old=300, tree=OTHER), 422, None),
        (request(300, old=300, tree=OTHER), 422, None),
        (request(600, old=300, origin="ledger.example/unknown"), 404, None),
        (request(600, old=300, keys=KEYS[2:]), 403, None),
        (request(200, old=300), 400, None),
    ],
    ids=["stale", "smaller", "another history", "split view", "unknown log", "no log signature", "old above new"],
)
def test_it_declines_with_the_status_that_we_expect(
    witness: ForeignWitness, asked: AddCheckpoint, status: int, body: bytes | None
) -> None:
    """A refusal would be misread: a split view taken for a passing disturbance."""
    assert ask(witness, request(300, old=0))[0] == 200
    answered, said = ask(witness, asked)
    assert answered == status
    assert body is None or said == body


def test_it_remembers_after_a_restart(tmp_path: Path) -> None:
    """These tests would pass with a witness that forgets, and rollbacks against it would go unseen."""
    for old, expected in ((0, 200), (0, 409)):
        with foreign_witness(tmp_path / "witness", NAME, {ORIGIN: [LOG.verifier.text]}) as running:
            assert ask(running, request(300, old=old))[0] == expected


def test_its_own_client_has_it_cosign_our_published_folder(witness: ForeignWitness, tmp_path: Path) -> None:
    """A feeder run by a stranger could not carry our checkpoints to witnesses, reading only what we publish."""
    folder = tmp_path / "log"
    for size in (256, 600):
        publish(folder, sample_entries(size))
        verdict = run_aics("feed", witness.url, witness.vkey, folder)
        assert verdict.accepted, verdict.reason
        note = Note.parse((folder / "checkpoint").read_bytes()).with_signatures(parse_signatures(verdict.output))
        assert verify_signature(note, VerifierKey.parse(witness.vkey))
