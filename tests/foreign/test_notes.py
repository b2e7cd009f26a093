"""Keys, notes and cosignatures, judged by Go's note and mldsa packages and by aics-tlog; and theirs, judged by us."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from armslength.tlog import (
    EMPTY,
    Algorithm,
    Checkpoint,
    Malformed,
    Note,
    Signature,
    SigningKey,
    Unverified,
    VerifierKey,
    leaf_hash,
    sign_note,
    verify_signature,
)
from tests.foreign.checker import run_aics, run_go_checker
from tests.foreign.published import ED25519_KEYS, KEYS, LOG, ORIGIN, TIME, WITNESS, WITNESS_ML_DSA, signed, vkeys, write

HEAD = Checkpoint(origin=ORIGIN, size=109_482, root=leaf_hash(b"a root")).format()
COSIGNERS = KEYS[1:]
EACH_KEY = pytest.mark.parametrize("key", KEYS, ids=lambda key: f"0x{key.algorithm:02x}-{key.name}")


@pytest.fixture
def note_file(tmp_path: Path) -> Callable[[Note | bytes], Path]:
    def written(note: Note | bytes) -> Path:
        return write(tmp_path / "note", note if isinstance(note, bytes) else note.format().encode())

    return written


@EACH_KEY
def test_go_derives_our_verifier_key_from_our_signing_key(key: SigningKey) -> None:
    """Someone who moves a signing key to other software would sign under a name nobody knows."""
    assert run_go_checker("vkey", key.text).lines == [key.verifier.text]


@EACH_KEY
def test_go_accepts_each_of_our_signatures(key: SigningKey, note_file: Callable[[Note], Path]) -> None:
    """A customer who checks us with standard tools would be told that we lie."""
    verdict = run_go_checker("note", note_file(signed(HEAD, [key])), key.verifier.text)
    assert verdict.accepted, verdict.reason
    stated = "" if key.algorithm is Algorithm.ED25519 else f" at {TIME}"
    kind = f"0x{key.algorithm:02x}"
    assert kind in verdict.output and verdict.output.endswith(f"by {key.name}+{key.verifier.id.hex()}{stated}\n")


def test_go_accepts_a_checkpoint_with_all_our_kinds_of_signature_at_once(note_file: Callable[[Note], Path]) -> None:
    """One kind of signature would make the others unreadable."""
    verdict = run_go_checker("note", note_file(signed(HEAD, KEYS)), *vkeys(KEYS))
    assert verdict.accepted and len(verdict.lines) == len(KEYS), verdict.reason


def test_aics_accepts_the_log_signature_and_the_ed25519_cosignature(note_file: Callable[[Note], Path]) -> None:
    """A second reader, with no code in common with Go's, would disagree; ML-DSA lines must not disturb it."""
    verdict = run_aics("checkpoint", note_file(signed(HEAD, KEYS)), *vkeys(ED25519_KEYS))
    assert verdict.accepted and f"{{'{WITNESS.name}': {TIME}}}" in verdict.output, verdict.reason


@pytest.mark.parametrize(
    "text", ["one line\n", "è subito sera\n\nwith an empty line\n", "\n", " leading\nand trailing \n"]
)
def test_both_accept_our_notes_of_any_text(text: str, note_file: Callable[[Note], Path]) -> None:
    """A note that is no checkpoint, a notice to customers say, could be read only by us."""
    file = note_file(signed(text, [LOG]))
    assert run_go_checker("note", file, LOG.verifier.text).accepted
    assert run_aics("note", file, LOG.verifier.text).accepted


@pytest.mark.parametrize(
    "name",
    [
        "ledger.example/main/customer/47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
        "é.example/Ω",
        "n",
        "x" * 255,
    ],
    ids=["a customer's log", "beyond ASCII", "one letter", "255 bytes"],
)
@EACH_KEY
def test_go_accepts_our_signatures_under_any_name(
    key: SigningKey, name: str, note_file: Callable[[Note], Path]
) -> None:
    """A customer's own log is signed under a name of its own, with the same keys; nobody else could check it."""
    named, head = key.named(name), Checkpoint(origin=name, size=3, root=EMPTY).format()
    verdict = run_go_checker("note", note_file(signed(head, [named])), named.verifier.text)
    assert verdict.accepted, verdict.reason


def moved(note: Note, key: SigningKey) -> Note:
    """The signature of `key` under its name and an id that is nobody's."""
    (mine,) = (each for each in note.signatures if each.by(key.verifier))
    return Note(text=note.text, signatures=(Signature(name=mine.name, key_id=b"\0\0\0\0", blob=mine.blob),))


def flipped(note: Note, at: int) -> Note:
    """One bit of the first signature's blob turned over."""
    first, *rest = note.signatures
    blob = bytearray(first.blob)
    blob[at] ^= 1
    return Note(text=note.text, signatures=(Signature(name=first.name, key_id=first.key_id, blob=bytes(blob)), *rest))


def cut(note: Note, by: int) -> Note:
    """The first signature shortened, or lengthened by zeros where `by` is negative."""
    first, *rest = note.signatures
    blob = first.blob[:-by] if by > 0 else first.blob + bytes(-by)
    return Note(text=note.text, signatures=(Signature(name=first.name, key_id=first.key_id, blob=blob), *rest))


TAMPERINGS: dict[str, Callable[[Note], Note]] = {
    "another origin": lambda note: Note(text=note.text.replace("main", "mail"), signatures=note.signatures),
    "another size": lambda note: Note(text=note.text.replace("109482", "109483"), signatures=note.signatures),
    "another root": lambda note: Note(
        text=Checkpoint(origin=ORIGIN, size=109_482, root=EMPTY).format(), signatures=note.signatures
    ),
    "first byte of the signature": lambda note: flipped(note, 0),
    "last byte of the time": lambda note: flipped(note, 7),
    "middle of the signature": lambda note: flipped(note, 40),
    "last byte of the signature": lambda note: flipped(note, -1),
    "a byte too short": lambda note: cut(note, 1),
    "a byte too long": lambda note: cut(note, -1),
    "no signature left": lambda note: cut(note, len(note.signatures[0].blob) - 1),
}


@EACH_KEY
@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_all_refuse_a_signature_that_was_tampered_with(
    key: SigningKey, tampering: str, note_file: Callable[[Note], Path]
) -> None:
    """A checker that accepts everything would have accepted the rest of these tests too."""
    note = TAMPERINGS[tampering](signed(HEAD, [key]))
    assert run_go_checker("note", note_file(signed(HEAD, [key])), key.verifier.text).accepted
    verdict = run_go_checker("note", note_file(note), key.verifier.text)
    assert not verdict.accepted and "invalid signature for key" in verdict.reason
    with pytest.raises(Unverified):
        verify_signature(note, key.verifier)


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_aics_refuses_a_log_signature_that_was_tampered_with(tampering: str, note_file: Callable[[Note], Path]) -> None:
    """As above, of the other foreign reader."""
    verdict = run_aics("checkpoint", note_file(TAMPERINGS[tampering](signed(HEAD, [LOG]))), LOG.verifier.text)
    assert not verdict.accepted and "failed verification" in verdict.reason


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_aics_refuses_a_cosignature_that_was_tampered_with(tampering: str, note_file: Callable[[Note], Path]) -> None:
    """As above; the log's own signature is good, so that nothing but the cosignature can be what is refused."""
    false = TAMPERINGS[tampering](signed(HEAD, [WITNESS]))
    note = false.with_signatures(signed(false.text, [LOG]).signatures)
    verdict = run_aics("checkpoint", note_file(note), *vkeys(ED25519_KEYS))
    assert not verdict.accepted and f"cosignature from {WITNESS.name} failed verification" in verdict.reason


@EACH_KEY
def test_all_ignore_a_signature_under_an_unknown_id(key: SigningKey, note_file: Callable[[Note], Path]) -> None:
    """A signature could be counted for a key that never made it, or its presence could break a note."""
    note = moved(signed(HEAD, [key]), key)
    verdict = run_go_checker("note", note_file(note), key.verifier.text)
    assert not verdict.accepted and "no verifiable signatures" in verdict.reason
    assert verify_signature(note, key.verifier) is None


@pytest.mark.parametrize("key", COSIGNERS, ids=lambda key: f"0x{key.algorithm:02x}-{key.name}")
def test_go_and_we_refuse_a_cosignature_of_what_is_no_checkpoint(
    key: SigningKey, note_file: Callable[[Note], Path]
) -> None:
    """A witness could be made to vouch for a text whose meaning it cannot check."""
    note = Note(text="not a checkpoint\n", signatures=signed(HEAD, [key]).signatures)
    assert not run_go_checker("note", note_file(note), key.verifier.text).accepted
    with pytest.raises(Unverified):
        verify_signature(note, key.verifier)


@EACH_KEY
def test_go_and_we_agree_on_what_covers_extension_lines(key: SigningKey, note_file: Callable[[Note], Path]) -> None:
    """Ed25519 signs the lines after the root, ML-DSA-44 does not (tlog-cosignature): errors sign another text."""
    note = Note(text=HEAD + "an extension\n", signatures=signed(HEAD, [key]).signatures)
    uncovered = key.algorithm is Algorithm.COSIGNATURE_ML_DSA_44
    assert run_go_checker("note", note_file(note), key.verifier.text).accepted is uncovered
    if uncovered:
        assert verify_signature(note, key.verifier)
    else:
        with pytest.raises(Unverified):
            verify_signature(note, key.verifier)


def test_an_ml_dsa_cosignature_is_bound_to_its_cosigners_name(note_file: Callable[[Note], Path]) -> None:
    """One witness's word could be passed off as that of another who uses the same key."""
    other = WITNESS_ML_DSA.named("witness.example/w3")
    blob = signed(HEAD, [WITNESS_ML_DSA]).signatures[0].blob
    note = Note(text=HEAD, signatures=(Signature(name=other.name, key_id=other.verifier.id, blob=blob),))
    assert not run_go_checker("note", note_file(note), other.verifier.text).accepted
    with pytest.raises(Unverified):
        verify_signature(note, other.verifier)


def test_we_accept_what_go_signs_and_make_the_same_bytes(note_file: Callable[[bytes], Path]) -> None:
    """Logs and witnesses run by others would be refused by us. Ed25519 is deterministic, so its lines are equal."""
    said = run_go_checker("sign", note_file(HEAD.encode()), str(TIME), *(key.text for key in KEYS))
    assert said.accepted, said.reason
    note = Note.parse(said.output)
    assert note.text == HEAD and len(note.signatures) == len(KEYS)
    for key, line in zip(KEYS, note.signatures, strict=True):
        verified = verify_signature(note, key.verifier)
        assert verified is not None
        assert verified.timestamp == (None if key.algorithm is Algorithm.ED25519 else TIME)
        if key.algorithm is not Algorithm.COSIGNATURE_ML_DSA_44:
            assert line == sign_note(HEAD, key, timestamp=verified.timestamp)


def test_go_keeps_our_signatures_when_it_cosigns(note_file: Callable[[bytes], Path]) -> None:
    """A foreign witness would strip the log's own signature from the note it hands on."""
    ours = signed(HEAD, [LOG])
    said = run_go_checker("sign", note_file(ours.format().encode()), str(TIME), WITNESS_ML_DSA.text)
    note = Note.parse(said.output)
    assert note.signatures[0] == ours.signatures[0]
    assert verify_signature(note, WITNESS_ML_DSA.verifier)


def test_the_example_of_signed_note_is_accepted_by_all(note_file: Callable[[bytes], Path]) -> None:
    """All of these could share one mistake about the format; the specification's own example is the judge."""
    vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    text = (
        "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Zt"
        "g1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )
    assert verify_signature(Note.parse(text), VerifierKey.parse(vkey))
    assert run_go_checker("note", note_file(text.encode()), vkey).accepted
    assert run_aics("note", note_file(text.encode()), vkey).accepted


@EACH_KEY
def test_go_and_we_refuse_a_verifier_key_whose_id_is_not_its_hash(
    key: SigningKey, note_file: Callable[[Note], Path]
) -> None:
    """A key could be swapped under an id that somebody already trusts."""
    name, _, material = key.verifier.text.split("+", 2)
    wrong = f"{name}+00000000+{material}"
    assert not run_go_checker("note", note_file(signed(HEAD, [key])), wrong).accepted
    with pytest.raises(Malformed, match="id"):
        VerifierKey.parse(wrong)


def test_base64_with_stray_last_bits_is_refused_by_us_and_aics(note_file: Callable[[bytes], Path]) -> None:
    """One signature could be written in several ways. Go's note package forgives it; the C2SP documents do not."""
    line = signed(HEAD, [LOG]).format()
    blob = line.rsplit(" ", 1)[1].strip()
    assert blob.endswith("=") and not blob.endswith("==")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    stray = blob[:-2] + alphabet[alphabet.index(blob[-2]) + 1] + "="
    assert base64.b64decode(stray) == base64.b64decode(blob)
    verdict = run_aics("checkpoint", note_file(line.replace(blob, stray).encode()), LOG.verifier.text)
    assert not verdict.accepted and "non-canonical" in verdict.reason
    with pytest.raises(Malformed, match="base64"):
        Note.parse(line.replace(blob, stray))
