"""A real ledger, run as operators run one, with a witness we did not write, judged by Go's packages and aics-tlog."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from armslength.ledger import Kind
from armslength.service import Act, Ledger, create_ledger, open_ledger, prove_entry
from armslength.store import LedgerFolder, LedgerSettings, read_ledger_folder
from armslength.tlog import Checkpoint, Note, SigningKey, VerifierKey
from tests.foreign.checker import foreign_witness, run_aics, run_go_checker
from tests.foreign.published import ORIGIN, write

NAME = "witness.example/foreign"
ACTS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Operated:
    """A ledger's folder and the verifier key of its witness."""

    folder: LedgerFolder
    witness: str

    @property
    def signers(self) -> tuple[SigningKey, ...]:
        return self.folder.signers

    @property
    def vkeys(self) -> list[str]:
        return [*(key.verifier.text for key in self.signers), self.witness]

    @property
    def ed25519_vkeys(self) -> list[str]:
        return [self.signers[0].verifier.text, self.witness]

    @property
    def size(self) -> int:
        return Checkpoint.parse(Note.parse((self.folder.public / "checkpoint").read_bytes()).text).size


def seeds() -> Iterator[bytes]:
    """Bytes that are fit for a test only: they follow from a number."""
    number = 0
    while True:
        yield sha256(f"chance {number}".encode()).digest()
        number += 1


def record(ledger: Ledger, first: int, count: int) -> None:
    for number in range(first, first + count):
        ledger.append(
            Act(
                id=sha256(f"act {number}".encode()).digest()[:16],
                kind=Kind.USE,
                fields={"actor": f"person {number}", "reason": "ticket 7"},
                customers=("Alpha", "Beta")[: 1 + number % 2],
            )
        ).result()


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    """A ledger that was opened twice; after each round of acts the foreign witness cosigned what it holds."""
    path, chance = tmp_path_factory.mktemp("ledger") / "main", seeds()
    made = create_ledger(
        path,
        settings=LedgerSettings(origin=ORIGIN),
        witnesses="",
        clock=time.time,
        chance=lambda count: next(chance)[:count],
    )
    log_key = made.signers[0].verifier.text
    with foreign_witness(path.parent / "witness", NAME, {ORIGIN: [log_key]}) as witness:
        policy = (path / "policy").read_text().replace("quorum none\n", "")
        write(path / "policy", f"{policy}witness foreign {witness.vkey} {witness.url}\nquorum foreign\n".encode())
        for first in (0, ACTS):
            with open_ledger(path) as ledger:
                record(ledger, first, ACTS)
                health = ledger.publish()
                assert health.problem is None, health
                assert health.published >= 1.5 * (first + ACTS)
        yield Operated(folder=read_ledger_folder(path), witness=witness.vkey)


def test_go_and_aics_accept_what_the_writer_published_and_a_foreign_witness_cosigned(operated: Operated) -> None:
    """What is accepted from a test's own tiles might not be what the writer exports."""
    go = run_go_checker("log", operated.folder.public, *operated.vkeys)
    assert go.accepted and f"log {ORIGIN} of {operated.size} entries" in go.lines[-1], go.reason
    assert f"cosignature 0x04 (Ed25519) by {NAME}" in go.output
    aics = run_aics("log", operated.folder.public, *operated.ed25519_vkeys)
    assert aics.accepted and f"log {ORIGIN} of {operated.size} entries" in aics.lines[-1], aics.reason


def test_go_accepts_the_proof_of_any_entry(operated: Operated, tmp_path: Path) -> None:
    """A customer with one record and its proof could not have it checked by anyone but us."""
    for index in (0, 1, 255, 256, operated.size - 1):
        entry, proof = prove_entry(operated.folder, index)
        file = write(tmp_path / "a.tlog-proof", proof.format().encode())
        verdict = run_go_checker("proof", file, write(tmp_path / "entry", entry), *operated.vkeys)
        assert verdict.accepted and f"entry {index} is in log {ORIGIN}" in verdict.lines[-1], verdict.reason
        assert not run_go_checker("proof", file, write(tmp_path / "entry", entry + b" "), *operated.vkeys).accepted


def test_go_and_aics_refuse_the_published_log_with_one_record_changed(operated: Operated, tmp_path: Path) -> None:
    """The acceptance above would mean nothing."""
    copy = tmp_path / "public"
    shutil.copytree(operated.folder.public, copy)
    bundle = copy / "tile" / "entries" / "000"
    write(bundle, bundle.read_bytes().replace(b'"kind":"use"', b'"kind":"usf"', 1))
    for run, keys in ((run_go_checker, operated.vkeys), (run_aics, operated.ed25519_vkeys)):
        assert run("log", operated.folder.public, *keys).accepted
        assert not run("log", copy, *keys).accepted


def test_go_and_aics_want_the_witness_that_the_policy_wants(operated: Operated, tmp_path: Path) -> None:
    """A log that no witness saw would pass for one that was watched."""
    copy = tmp_path / "public"
    shutil.copytree(operated.folder.public, copy)
    note = Note.parse((copy / "checkpoint").read_bytes())
    key = VerifierKey.parse(operated.witness)
    unseen = Note(text=note.text, signatures=tuple(each for each in note.signatures if not each.by(key)))
    write(copy / "checkpoint", unseen.format().encode())
    go = run_go_checker("log", copy, *operated.vkeys)
    assert not go.accepted and f"no signature by {NAME}" in go.reason
    aics = run_aics("log", copy, *operated.ed25519_vkeys)
    assert not aics.accepted and "quorum not met" in aics.reason
