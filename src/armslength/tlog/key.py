"""Keys that sign notes: Ed25519 over the text itself, and the two cosignatures of a checkpoint.

A key is its name, its algorithm and its bytes; the four-byte id that a signature line carries is computed from the
three (signed-note, Signatures), never read. Key objects are built once, when the key is read: signing is on the hot
path.

Refused: an algorithm other than these three, an id that is not the computed one, a second spelling. No message and no
`repr` shows a seed.
"""

from __future__ import annotations

import hashlib
from dataclasses import InitVar, dataclass, field
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from armslength.tlog.encoding import PRIVATE, check_characters, format_base64, parse_base64, quoted
from armslength.tlog.failure import Malformed

SEED_SIZE = 32


class Algorithm(IntEnum):
    """The signature type byte (signed-note, Signature types)."""

    ED25519 = 0x01
    COSIGNATURE_ED25519 = 0x04
    COSIGNATURE_ML_DSA_44 = 0x06

    @property
    def public_size(self) -> int:
        """Bytes of a public key."""
        return 1312 if self is Algorithm.COSIGNATURE_ML_DSA_44 else 32

    @property
    def signature_size(self) -> int:
        """Bytes of a bare signature, without key id and timestamp."""
        return 2420 if self is Algorithm.COSIGNATURE_ML_DSA_44 else 64

    @property
    def timestamped(self) -> bool:
        """Whether a signature carries and covers the time at which it was made."""
        return self is not Algorithm.ED25519


def check_key_name(name: str) -> None:
    """A key name is non-empty and has no Unicode spaces and no plus (signed-note, Format)."""
    if not name or "+" in name or any(char.isspace() for char in name):
        raise Malformed(f"key name {quoted(name)} has to be non-empty, without spaces and plus signs")
    check_characters(name, "key name")


def _key_id(name: str, algorithm: Algorithm, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class VerifierKey:
    """A public key and the name it goes by. `public` is 32 bytes (Ed25519) or 1312 (ML-DSA-44), `id` four."""

    name: str
    algorithm: Algorithm
    public: bytes
    id: bytes = field(init=False, compare=False)
    _handle: Ed25519PublicKey | MLDSA44PublicKey = field(init=False, compare=False)
    handle: InitVar[Ed25519PublicKey | MLDSA44PublicKey | None] = None

    def __post_init__(self, handle: Ed25519PublicKey | MLDSA44PublicKey | None) -> None:
        check_key_name(self.name)
        size = self.algorithm.public_size
        if len(self.public) != size:
            raise Malformed(f"a public key of type 0x{self.algorithm:02x} has {size} bytes, not {len(self.public)}")
        if handle is None:
            ml_dsa = self.algorithm is Algorithm.COSIGNATURE_ML_DSA_44
            handle = (MLDSA44PublicKey if ml_dsa else Ed25519PublicKey).from_public_bytes(self.public)
        object.__setattr__(self, "id", _key_id(self.name, self.algorithm, self.public))
        object.__setattr__(self, "_handle", handle)

    def __repr__(self) -> str:
        return f"VerifierKey({self.label!r}, {self.algorithm.name})"

    @property
    def label(self) -> str:
        """Name and id, as signature lines identify the key: enough for a message."""
        return f"{self.name}+{self.id.hex()}"

    @property
    def text(self) -> str:
        """The vkey: `<name>+<id in hex>+<base64 of type and key>` (signed-note, Verifier keys)."""
        return f"{self.label}+{format_base64(bytes([self.algorithm]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key that a vkey spells; Malformed if there is another spelling of it, or if it is a signing key."""
        if text.startswith(PRIVATE):
            raise Malformed("a private key stands where a verifier key is expected; treat it as disclosed")
        name, algorithm, material, key_id = _parts(text, "verifier key")
        key = cls(name=name, algorithm=algorithm, public=material)
        if key.id.hex() != key_id:
            raise Malformed(f"verifier key of {quoted(name)} has id {quoted(key_id)}, which is not that of its key")
        return key

    def named(self, name: str) -> VerifierKey:
        """The same public key under another name, hence with another id: how a log signs for its sub-logs."""
        return VerifierKey(name=name, algorithm=self.algorithm, public=self.public, handle=self._handle)

    def accepts(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's bare signature over `message`."""
        try:
            self._handle.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SigningKey:
    """A private key and the name it signs under. Its `text` is the secret itself."""

    name: str
    algorithm: Algorithm
    seed: bytes
    verifier: VerifierKey = field(init=False, compare=False)
    _handle: Ed25519PrivateKey | MLDSA44PrivateKey = field(init=False, compare=False)
    like: InitVar[SigningKey | None] = None

    def __post_init__(self, like: SigningKey | None) -> None:
        if len(self.seed) != SEED_SIZE:
            raise Malformed(f"a seed has {SEED_SIZE} bytes, not {len(self.seed)}")
        handle: Ed25519PrivateKey | MLDSA44PrivateKey
        if like is not None:
            handle, verifier = like._handle, like.verifier.named(self.name)
        else:
            if self.algorithm is Algorithm.COSIGNATURE_ML_DSA_44:
                handle = MLDSA44PrivateKey.from_seed_bytes(self.seed)
            else:
                handle = Ed25519PrivateKey.from_private_bytes(self.seed)
            public = handle.public_key().public_bytes_raw()
            verifier = VerifierKey(name=self.name, algorithm=self.algorithm, public=public)
        object.__setattr__(self, "verifier", verifier)
        object.__setattr__(self, "_handle", handle)

    def __repr__(self) -> str:
        return f"SigningKey({self.verifier.label!r}, {self.algorithm.name})"

    @property
    def text(self) -> str:
        """`PRIVATE+KEY+<name>+<id in hex>+<base64 of type and seed>`, as Go's note package writes it."""
        return f"{PRIVATE}{self.verifier.label}+{format_base64(bytes([self.algorithm]) + self.seed)}"

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """The key that `text` spells. No error repeats what stands behind the name."""
        if not text.startswith(PRIVATE):
            raise Malformed(f"a signing key begins with {PRIVATE}")
        name, algorithm, material, key_id = _parts(text.removeprefix(PRIVATE), "signing key")
        key = cls(name=name, algorithm=algorithm, seed=material)
        if key.verifier.id.hex() != key_id:
            raise Malformed(f"signing key of {quoted(name)} does not have the id that its seed gives")
        return key

    def named(self, name: str) -> SigningKey:
        """The same private key under another name: how a log signs for its sub-logs."""
        return SigningKey(name=name, algorithm=self.algorithm, seed=self.seed, like=self)

    def sign(self, message: bytes) -> bytes:
        """The bare signature over `message`. ML-DSA-44 is hedged: two signatures over one message differ."""
        return self._handle.sign(message)


def _parts(text: str, what: str) -> tuple[str, Algorithm, bytes, str]:
    """(name, algorithm, key bytes, id in hex as written). Base64 may hold a plus, so only the first two divide."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise Malformed(f"a {what} is <name>+<id>+<key>, three parts divided by plus signs")
    name, key_id, encoded = parts
    check_key_name(name)
    try:
        data = parse_base64(encoded, "key")
    except Malformed:  # whose message would repeat a secret
        raise Malformed(f"{what} of {quoted(name)} does not end in canonical base64") from None
    if not data or data[0] not in list(Algorithm):
        known = ", ".join(f"0x{algorithm:02x}" for algorithm in Algorithm)
        raise Malformed(f"{what} of {quoted(name)} has a type other than {known}")
    return name, Algorithm(data[0]), data[1:], key_id
