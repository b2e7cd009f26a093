"""Asks PyPI's aics-tlog whether it accepts our notes, logs and proofs, and has it make some for us to accept.

Runs under the Python of .cache/foreign, never under ours. Exits 0 when all is accepted, 1 when something is refused,
with the reason on standard error, and 3 when it broke. aics-tlog knows Ed25519 only: of ML-DSA-44 it can say nothing.
"""

from __future__ import annotations

import base64
import sys
import traceback
from pathlib import Path

import aics_tlog
from aics_witness.feeder import FeederError, WitnessClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Refused(Exception):
    """aics-tlog said no."""


def opened(data: bytes, log: str, witnesses: list[str]) -> aics_tlog.Checkpoint:
    """The checkpoint that the log and every one of the witnesses signed."""
    note = aics_tlog.parse_note(data)
    keys = [aics_tlog.parse_vkey(witness) for witness in witnesses]
    result = aics_tlog.verify_checkpoint(note, aics_tlog.parse_vkey(log), keys, len(keys))
    if not result.ok:
        raise Refused(result.error)
    print(f"accepted: checkpoint of {result.origin} by its log and its witnesses {result.timestamps}")
    return aics_tlog.parse_checkpoint(note.text)


def note(file: str, *keys: str) -> None:
    """A note that need not be a checkpoint, by plain Ed25519 keys."""
    if not aics_tlog.verify_note(
        aics_tlog.parse_note(Path(file).read_bytes()), [aics_tlog.parse_vkey(key) for key in keys]
    ):
        raise Refused("the note is not signed by the keys")
    print("accepted: note")


def checkpoint(file: str, log: str, *witnesses: str) -> None:
    opened(Path(file).read_bytes(), log, list(witnesses))


def log(place: str, key: str, *witnesses: str) -> None:
    """Every tile and entry bundle of the log in a folder or at a URL, against its checkpoint; proofs from its tiles."""
    if place.startswith("http:"):
        files = aics_tlog.HttpTileReader(place, proxies={})
        signed = files.read_checkpoint()
    else:
        files = aics_tlog.FileSystemTileReader(place)
        signed = (Path(place) / "checkpoint").read_bytes()
    head = opened(signed, key, list(witnesses))
    report = aics_tlog.audit_tiles(files, head.size, head.root)
    reader = aics_tlog.VerifiedTileReader(files, head.size, head.root)
    proofs = 0
    for index in {0, head.size // 2, head.size - 1} if head.size else ():
        proof = aics_tlog.inclusion_proof_from_tiles(reader, index, head.size)
        if not aics_tlog.verify_leaf_inclusion(reader.entry(index), index, head.size, proof, head.root):
            raise Refused(f"entry {index} is not in the tree")
        old = aics_tlog.tree_root_from_tiles(reader, index + 1, head.size)
        proof = aics_tlog.consistency_proof_from_tiles(reader, index + 1, head.size)
        if not aics_tlog.verify_consistency(index + 1, head.size, old, head.root, proof):
            raise Refused(f"the tree of {index + 1} is not a part of the tree of {head.size}")
        proofs += 2
    files_read = f"{report.tiles} tiles and {report.bundles} bundles verified"
    print(f"accepted: log {head.origin} of {head.size} entries; {files_read}, {proofs} proofs made and checked")


def proofs() -> None:
    """The claims that the Go checker reads, one a line, with a verdict for each."""
    refused = 0
    for line in sys.stdin:
        kind, first, first_hash, second, second_hash, *rest = line.rstrip("\n").split(" ")
        one, other, proof = _hash(first_hash), _hash(second_hash), [_hash(word) for word in rest]
        if kind == "inclusion":
            holds = aics_tlog.verify_inclusion(other, int(second), int(first), proof, one)
        else:
            holds = aics_tlog.verify_consistency(int(first), int(second), one, other, proof)
        refused += not holds
        print("accepted" if holds else "refused: the proof does not hold")
    if refused:
        raise Refused(f"{refused} claims do not hold")


def build(folder: str, origin: str, timestamp: str, *keys: str) -> None:
    """A log over the entries on standard input, signed by the first key (0x01) and cosigned by the rest (0x04)."""
    data, entries = sys.stdin.buffer.read(), []
    while data:
        length = int.from_bytes(data[:2], "big")
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    store = aics_tlog.DirectoryTileStore(folder, fsync=False)
    writer = aics_tlog.IncrementalTileWriter(store)
    writer.append(entries)
    (name, seed), *witnesses = [_signing_key(key) for key in keys]
    note = aics_tlog.sign_checkpoint(aics_tlog.Checkpoint(origin, writer.size, writer.root()), seed, name)
    lines = [
        aics_tlog.sign_cosignature(seed, name, int(timestamp), origin, writer.size, writer.root())[1]
        for name, seed in witnesses
    ]
    store.write_checkpoint(aics_tlog.Note(note.text, (*note.signatures, *lines)).to_bytes())


def feed(url: str, witness: str, folder: str) -> None:
    """Takes a log's checkpoint to a witness and prints the cosignature that came back and was verified."""
    data = (Path(folder) / "checkpoint").read_bytes()
    head = aics_tlog.parse_checkpoint(aics_tlog.parse_note(data).text)
    reader = aics_tlog.FileSystemTileReader(folder)

    def proof(old: int, new: int) -> list[bytes]:
        return aics_tlog.consistency_proof_from_tiles(reader, old, new, head.size)

    with WitnessClient(url, witness, max_attempts=1) as client:
        print(client.submit(data, proof), end="")


def _hash(word: str) -> bytes:
    return base64.b64decode(word, validate=True)


def _signing_key(text: str) -> tuple[str, Ed25519PrivateKey]:
    name, _, material = text.removeprefix("PRIVATE+KEY+").split("+", 2)
    return name, Ed25519PrivateKey.from_private_bytes(base64.b64decode(material)[1:])


COMMANDS = {run.__name__: run for run in (note, checkpoint, log, proofs, build, feed)}
REFUSALS = (Refused, ValueError, aics_tlog.TileMissingError, FeederError)

if __name__ == "__main__":
    try:
        COMMANDS[sys.argv[1]](*sys.argv[2:])
    except REFUSALS as error:
        sys.exit(f"refused: {type(error).__name__}: {error}")
    except Exception:
        traceback.print_exc()
        sys.exit(3)
