"""What a cosigner signs, and how its signature is laid out (c2sp.org/tlog-cosignature).

Two forms. The Ed25519 one covers the whole checkpoint text and the time, but not the cosigner's name. The ML-DSA-44
one covers the cosigner's name, the time, the log's origin, and a subtree's range and hash, but no extension lines. A
log that signs its own checkpoint with ML-DSA-44 is a cosigner whose name is the origin.
"""

from __future__ import annotations

from armslength.tlog.checkpoint import Checkpoint
from armslength.tlog.encoding import HASH_SIZE, LARGEST
from armslength.tlog.failure import Malformed
from armslength.tlog.key import Algorithm

LABEL = b"subtree/v1\n\0"
"""Domain separation of the ML-DSA-44 form."""
HEADER = "cosignature/v1"
"""Domain separation of the Ed25519 form."""


def cosigned_message(*, cosigner: str, timestamp: int, origin: str, start: int, end: int, root: bytes) -> bytes:
    """The `cosigned_message` structure (ML-DSA-44 signed message). A `start` other than zero takes `timestamp` zero."""
    if not 0 <= start <= end <= LARGEST or not 0 <= timestamp <= LARGEST:
        raise Malformed("start, end and timestamp have to be within 0 to 2^63-1, start not after end")
    if start and timestamp:
        raise Malformed("a subtree that does not start at 0 is cosigned without a timestamp")
    if len(root) != HASH_SIZE:
        raise Malformed(f"root hash has {len(root)} bytes, not {HASH_SIZE}")
    return b"".join(
        (
            LABEL,
            _short(cosigner, "cosigner name"),
            timestamp.to_bytes(8, "big"),
            _short(origin, "origin"),
            start.to_bytes(8, "big"),
            end.to_bytes(8, "big"),
            root,
        )
    )


def signed_message(algorithm: Algorithm, name: str, text: str, timestamp: int | None) -> bytes:
    """The bytes that a key of `algorithm` and `name` signs for the note `text`; `timestamp` is None for plain Ed25519
    only. Cosignatures are made over checkpoints alone: Malformed for any other text."""
    match algorithm:
        case Algorithm.ED25519:
            if timestamp is not None:
                raise Malformed("an Ed25519 note signature carries no timestamp")
            return text.encode()
        case Algorithm.COSIGNATURE_ED25519:
            Checkpoint.parse(text)
            return f"{HEADER}\ntime {_time(timestamp)}\n{text}".encode()
        case Algorithm.COSIGNATURE_ML_DSA_44:
            checkpoint = Checkpoint.parse(text)
            return cosigned_message(
                cosigner=name,
                timestamp=_time(timestamp),
                origin=checkpoint.origin,
                start=0,
                end=checkpoint.size,
                root=checkpoint.root,
            )


def pack(algorithm: Algorithm, timestamp: int | None, signature: bytes) -> bytes:
    """What follows the key id in a signature line: `timestamped_signature`, or the bare signature of plain Ed25519."""
    return _time(timestamp).to_bytes(8, "big") + signature if algorithm.timestamped else signature


def unpack(algorithm: Algorithm, blob: bytes) -> tuple[int | None, bytes] | None:
    """(timestamp, bare signature), or None if `blob` has not the length, or a time after 2^63-1."""
    stamped = 8 if algorithm.timestamped else 0
    if len(blob) != stamped + algorithm.signature_size:
        return None
    if not stamped:
        return None, blob
    timestamp = int.from_bytes(blob[:8], "big")
    return None if timestamp > LARGEST else (timestamp, blob[8:])


def _time(timestamp: int | None) -> int:
    if timestamp is None or not 0 <= timestamp <= LARGEST:
        raise Malformed(f"a cosignature takes a POSIX time in seconds, within 0 to 2^63-1, not {timestamp}")
    return timestamp


def _short(word: str, what: str) -> bytes:
    """`opaque word<1..2^8-1>` of RFC 8446."""
    data = word.encode()
    if not 1 <= len(data) <= 255:
        raise Malformed(f"{what} has {len(data)} bytes; an ML-DSA-44 cosignature takes 1 to 255")
    return len(data).to_bytes(1, "big") + data
