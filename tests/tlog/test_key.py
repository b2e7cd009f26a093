"""Keys: the ids are those of signed-note, each key has one text, and no private key is ever shown."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.tlog import Algorithm, Malformed, SigningKey, VerifierKey
from tests.tlog.signers import LOG, LOG_PQ, W1

# The verifier key of the example in signed-note, and the key pair in the documentation of Go's note package.
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="+"), min_size=1)


def vkey(name: str, material: bytes) -> str:
    """A verifier key with the id that `material` (type and key) gives it, well-formed or not."""
    key_id = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4].hex()
    return f"{name}+{key_id}+{base64.b64encode(material).decode()}"


@pytest.mark.parametrize("text", [FOO, PETER])
def test_published_verifier_keys_are_read(text: str) -> None:
    """Nobody could follow a log that was set up with another tool."""
    key = VerifierKey.parse(text)
    assert key.algorithm is Algorithm.ED25519
    assert key.text == text
    assert key.id.hex() == text.split("+")[1]


def test_a_signing_key_of_go_gives_its_verifier_key() -> None:
    """An operator who made a key with Go's tool would sign under another name or id."""
    key = SigningKey.parse(PETER_PRIVATE)
    assert key.verifier.text == PETER
    assert key.text == PETER_PRIVATE


@given(NAMES, st.sampled_from(Algorithm), st.binary(min_size=32, max_size=32))
def test_each_key_has_one_text(name: str, algorithm: Algorithm, seed: bytes) -> None:
    """A key that does not come back from its file is a key that is lost."""
    key = SigningKey(name=name, algorithm=algorithm, seed=seed)
    assert SigningKey.parse(key.text) == key
    assert VerifierKey.parse(key.verifier.text) == key.verifier
    assert len(key.verifier.public) == algorithm.public_size
    assert key.verifier.text == vkey(name, bytes([algorithm]) + key.verifier.public)
    message = b"message"
    assert key.verifier.accepts(message, key.sign(message))
    assert not key.verifier.accepts(message + b"!", key.sign(message))


def test_one_public_key_has_another_id_for_each_type_and_name() -> None:
    """A signature made for one purpose could be shown as made for another."""
    plain = SigningKey(name="a", algorithm=Algorithm.ED25519, seed=bytes(32)).verifier
    cosigner = SigningKey(name="a", algorithm=Algorithm.COSIGNATURE_ED25519, seed=bytes(32)).verifier
    renamed = plain.named("b")
    assert plain.public == cosigner.public == renamed.public
    assert len({plain.id, cosigner.id, renamed.id}) == 3


@pytest.mark.parametrize("key", [LOG, LOG_PQ, W1], ids=lambda key: key.algorithm.name)
def test_a_renamed_key_is_the_key_of_that_name(key: SigningKey) -> None:
    """A customer's sub-log would be signed by a key that no policy can name."""
    renamed = key.named("log.example/main/customer/x")
    assert renamed == SigningKey(name="log.example/main/customer/x", algorithm=key.algorithm, seed=key.seed)
    assert renamed.verifier == key.verifier.named(renamed.name) == VerifierKey.parse(renamed.verifier.text)
    assert renamed.verifier.id == VerifierKey.parse(renamed.verifier.text).id
    assert renamed.verifier.accepts(b"message", renamed.sign(b"message"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "++",
        FOO + "\n",
        " " + FOO,
        FOO.replace("530d903a", "530D903A"),  # Go takes it: a second spelling
        FOO.replace("530d903a", "530d903b"),
        FOO.replace("530d903a", "0530d903a"),
        FOO.replace("example.com", "example.org"),
        FOO.replace("U2k", "U2l"),  # unused bits of the last character
        FOO + "=",
        FOO.replace("3U2k", "3U2"),
        FOO.rpartition("+")[0],
        vkey("example com", bytes([1]) + bytes(32)),
        vkey("example\u3000com", bytes([1]) + bytes(32)),
        vkey("example\u2028com", bytes([1]) + bytes(32)),
        vkey("example\ncom", bytes([1]) + bytes(32)),
        vkey("example\x00com", bytes([1]) + bytes(32)),
        vkey("", bytes([1]) + bytes(32)),
        vkey("example.com", b""),
        vkey("example.com", bytes([1]) + bytes(31)),
        vkey("example.com", bytes([1]) + bytes(33)),
        vkey("example.com", bytes([2]) + bytes(32)),
        vkey("example.com", bytes([6]) + bytes(32)),
        vkey("example.com", bytes([6]) + bytes(1313)),
        vkey("example.com", bytes([0xFF]) + bytes(32)),
        PETER_PRIVATE,
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    """A policy would pin another key than the one its author was given."""
    with pytest.raises(Malformed):
        VerifierKey.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PETER,
        PETER_PRIVATE.removeprefix("PRIVATE+"),
        PETER_PRIVATE.replace("c74f20a3", "c74f20a4"),
        PETER_PRIVATE.replace("PeterNeumann", "PeterNeuman"),
        PETER_PRIVATE.replace("KDFz", "KDFy"),
        PETER_PRIVATE + "\n",
        PETER_PRIVATE.replace("+AYEK", "+BoEK"),  # the same seed as ML-DSA-44, with the id of Ed25519
        PETER_PRIVATE[:-4],
    ],
)
def test_what_is_no_signing_key_is_refused(text: str) -> None:
    """A log would sign with a damaged key and nobody could verify it."""
    with pytest.raises(Malformed):
        SigningKey.parse(text)


@pytest.mark.parametrize(
    "misplaced",
    [PETER_PRIVATE, PETER_PRIVATE[:-1], PETER_PRIVATE.replace("KDFz", "KDF!"), PETER_PRIVATE.replace("c74f", "ffff")],
)
def test_no_error_shows_a_private_key(misplaced: str) -> None:
    """A key pasted into the wrong file would end in a log that others read."""
    for parse in (VerifierKey.parse, SigningKey.parse):
        try:
            parse(misplaced)
        except Malformed as error:
            assert "EKFALV" not in str(error)
            assert error.__cause__ is None and error.__suppress_context__ or error.__context__ is None


def test_repr_shows_no_seed() -> None:
    """A traceback or a debug line would give the key away."""
    key = SigningKey.parse(PETER_PRIVATE)
    assert repr(key) == "SigningKey('PeterNeumann+c74f20a3', ED25519)"
    assert str(key) == repr(key)
    assert repr(key.verifier) == "VerifierKey('PeterNeumann+c74f20a3', ED25519)"


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_of_another_size_is_refused(size: int) -> None:
    """Half a key would be stretched into a key that someone can guess."""
    with pytest.raises(Malformed, match=f"a seed has 32 bytes, not {size}"):
        SigningKey(name="a", algorithm=Algorithm.ED25519, seed=bytes(size))
