"""Signed notes (c2sp.org/signed-note): a text, and lines in which keys vouch for it.

A note is read before anyone knows whether to believe it; `verify_signature` asks one key at a time. Signatures of keys
nobody asked about are kept and ignored. A signature under a known key's name and id that does not verify is an error,
not an absence: the whole note is then to be refused.

Two lines by one key: as in Go's note package, the first is verified and counts, the rest are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from armslength.tlog.cosignature import pack, signed_message, unpack
from armslength.tlog.encoding import check_characters, decoded, format_base64, parse_base64, quoted
from armslength.tlog.failure import Malformed, Unverified
from armslength.tlog.key import SigningKey, VerifierKey, check_key_name

LARGEST_NOTE = 1 << 20
"""Bytes of a whole note."""
MOST_SIGNATURES = 64
"""Signature lines of a note; the specification asks for at least 16."""
MARK = "— "
"""How a signature line begins: em dash, space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line: who claims to have signed (`name` and four-byte `key_id`) and `blob`, the bytes after the id.
    Nothing is verified by its existence."""

    name: str
    key_id: bytes
    blob: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.key_id) != 4 or not self.blob:
            raise Malformed("a signature has four bytes of key id and at least one more")

    @property
    def line(self) -> str:
        """The line without its newline."""
        return f"{MARK}{self.name} {format_base64(self.key_id + self.blob)}"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """The signature that a line without its newline spells."""
        name, space, encoded = line.removeprefix(MARK).partition(" ")
        if not line.startswith(MARK) or not space:
            raise Malformed(f"{quoted(line)} is not a signature line, which is: em dash, key name, base64")
        data = parse_base64(encoded, "signature")
        return cls(name=name, key_id=data[:4], blob=data[4:])

    def by(self, key: VerifierKey) -> bool:
        """Whether it claims to be by `key`: both name and id match."""
        return self.key_id == key.id and self.name == key.name


def format_signatures(signatures: Iterable[Signature]) -> str:
    """Signature lines, a newline after each: the end of a note, or a witness's answer."""
    return "".join(f"{signature.line}\n" for signature in signatures)


def parse_signatures(data: str | bytes) -> tuple[Signature, ...]:
    """One or more signature lines and nothing else: a witness's answer to add-checkpoint."""
    return _signatures(decoded(data, "signature lines", LARGEST_NOTE), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """`text`, which ends in a newline, and at least one signature in the order of the lines."""

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        if not self.text.endswith("\n"):
            raise Malformed("a note's text ends in a newline")
        check_characters(self.text, "text")
        if not 1 <= len(self.signatures) <= MOST_SIGNATURES:
            raise Malformed(f"a note has 1 to {MOST_SIGNATURES} signatures, not {len(self.signatures)}")

    @classmethod
    def parse(cls, data: str | bytes) -> Note:
        """The note that `data` spells; the text ends at the last empty line (signed-note, Format)."""
        whole = decoded(data, "note", LARGEST_NOTE)
        text, blank, lines = whole.rpartition("\n\n")
        if not blank:
            raise Malformed("a note has an empty line between its text and its signatures; this has none")
        return cls(text=text + "\n", signatures=_signatures(lines, text.count("\n") + 3))

    def format(self) -> str:
        """The whole note; `format().encode()` is what a server sends."""
        return f"{self.text}\n{format_signatures(self.signatures)}"

    def with_signatures(self, signatures: Iterable[Signature]) -> Note:
        """The same text with `signatures` at the end. One that was there under the same name and id gives way."""
        new = tuple(signatures)
        theirs = {(signature.name, signature.key_id) for signature in new}
        kept = tuple(old for old in self.signatures if (old.name, old.key_id) not in theirs)
        return Note(text=self.text, signatures=kept + new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """`key` did sign. `timestamp` is the POSIX time that a cosignature covers (0: the cosigner states none), and None
    for a plain Ed25519 signature, which covers none."""

    key: VerifierKey
    timestamp: int | None


def sign_note(text: str, key: SigningKey, *, timestamp: int | None = None) -> Signature:
    """The signature of `key` over a note's text. A cosigning key (types 0x04 and 0x06) signs only checkpoints and takes
    the time in POSIX seconds, which is never zero here: zero would state no time. Type 0x01 takes none."""
    if not text.endswith("\n"):
        raise Malformed("a note's text ends in a newline")
    check_characters(text, "text")
    if timestamp == 0:
        raise Malformed("timestamp 0 would say that the cosigner states no time")
    signature = key.sign(signed_message(key.algorithm, key.name, text, timestamp))
    return Signature(name=key.name, key_id=key.verifier.id, blob=pack(key.algorithm, timestamp, signature))


def verify_signature(note: Note, key: VerifierKey) -> Verified | None:
    """What `key` says of the note: None if no line is by it, Unverified if the first that claims to be does not
    verify."""
    signature = next((signature for signature in note.signatures if signature.by(key)), None)
    if signature is None:
        return None
    parts = unpack(key.algorithm, signature.blob)
    if parts is None:
        raise Unverified(f"the signature by {key.label} is not laid out as its type 0x{key.algorithm:02x} asks")
    timestamp, bare = parts
    try:
        message = signed_message(key.algorithm, key.name, note.text, timestamp)
    except Malformed as error:
        raise Unverified(f"{key.label} cannot have cosigned this text: {error}") from error
    if not key.accepts(message, bare):
        raise Unverified(f"the signature by {key.label} does not verify")
    return Verified(key=key, timestamp=timestamp)


def _signatures(text: str, first: int) -> tuple[Signature, ...]:
    """The lines of `text`, whose first is line number `first` of what the user sees."""
    lines = text.split("\n")
    if lines.pop() != "" or not lines:
        raise Malformed("signature lines each end in a newline, and there is at least one")
    if len(lines) > MOST_SIGNATURES:
        raise Malformed(f"{len(lines)} signature lines; at most {MOST_SIGNATURES} are read")
    signatures = []
    for number, line in enumerate(lines, first):
        try:
            signatures.append(Signature.parse(line))
        except Malformed as error:
            raise Malformed(f"line {number}: {error}") from None
    return tuple(signatures)
