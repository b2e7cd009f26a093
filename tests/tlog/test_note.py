"""Signed notes: published ones verify, each has one text, and a key of ours that appears has to verify."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.tlog import (
    MOST_SIGNATURES,
    Malformed,
    Note,
    Signature,
    SigningKey,
    Unverified,
    VerifierKey,
    format_signatures,
    parse_signatures,
    sign_note,
    verify_signature,
)
from tests.tlog.signers import LOG, LOG_PQ, NOW, W1, W2, checkpoint, signed
from tests.tlog.test_key import FOO, NAMES, PETER, PETER_PRIVATE

# The example in signed-note.
EXAMPLE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# The example in the documentation of Go's note package, with both signatures.
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=[chr(c) for c in range(32) if c != 10]))
SIGNATURES = st.builds(
    Signature, name=NAMES, key_id=st.binary(min_size=4, max_size=4), blob=st.binary(min_size=1, max_size=90)
)
NOTES = st.builds(
    Note, text=TEXTS.map(lambda text: text + "\n"), signatures=st.lists(SIGNATURES, min_size=1, max_size=4).map(tuple)
)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (EXAMPLE, FOO),
        (PETER_TEXT + "\n" + PETER_LINE, PETER),
        (PETER_TEXT + "\n" + PETER_LINE + ENOCH_LINE, PETER),
        (PETER_TEXT + "\n" + PETER_LINE + ENOCH_LINE, ENOCH),
    ],
)
def test_published_notes_verify(text: str, key: str) -> None:
    """Notes of other tools would be refused, or verified over other bytes than theirs."""
    note = Note.parse(text)
    verifier = VerifierKey.parse(key)
    verified = verify_signature(note, verifier)
    assert verified is not None
    assert (verified.key, verified.timestamp) == (verifier, None)
    assert note.format() == text


def test_we_sign_the_bytes_that_go_signs() -> None:
    """Go's note package would refuse our signatures."""
    key = SigningKey.parse(PETER_PRIVATE)
    note = Note(text=PETER_TEXT, signatures=(sign_note(PETER_TEXT, key),))
    assert note.format() == PETER_TEXT + "\n" + PETER_LINE
    again = Note.parse(PETER_TEXT + "\n" + PETER_LINE + ENOCH_LINE).with_signatures([sign_note(PETER_TEXT, key)])
    assert again.format() == PETER_TEXT + "\n" + ENOCH_LINE + PETER_LINE


@given(NOTES)
def test_what_is_written_reads_back_equal(note: Note) -> None:
    """A note that we signed could not be read again."""
    assert Note.parse(note.format()) == note
    assert Note.parse(note.format().encode()) == note
    assert parse_signatures(format_signatures(note.signatures)) == note.signatures


def test_the_text_ends_at_the_last_empty_line() -> None:
    """A reader that stops at the first one believes that less was signed."""
    text = "one\n\ntwo\n\n— three AAAAAAAA\n\n"
    note = Note(text=text, signatures=(sign_note(text, LOG),))
    read = Note.parse(note.format())
    assert read.text == text
    assert verify_signature(read, LOG.verifier) is not None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty line"),
        ("\n", "empty line"),
        ("\n\n", "signature lines"),
        ("text\n", "empty line"),
        ("text\n\n", "signature lines"),
        ("text\n— a AAAAAAAA\n", "empty line"),
        ("text\n\n— a AAAAAAAA", "each end in a newline"),
        ("text\n\n— a AAAAAAAA\n\n", "at least one"),
        ("text\n\n— a AAAAAAAA\nb\n", 'line 4: "b" is not a signature line'),
        ("text\n\n- a AAAAAAAA\n", "line 3: .* is not a signature line"),
        ("text\n\n—a AAAAAAAA\n", "is not a signature line"),
        ("text\n\n—\u00a0a AAAAAAAA\n", "is not a signature line"),
        ("text\n\n — a AAAAAAAA\n", "is not a signature line"),
        ("text\n\n— a\n", "is not a signature line"),
        ("text\n\n— a  AAAAAAAA\n", "signature .* is not canonical base64"),
        ("text\n\n— a AAAAAAAA \n", "is not canonical base64"),
        ("text\n\n— a AAAA AAAA\n", "is not canonical base64"),
        ("text\n\n—  AAAAAAAA\n", "key name"),
        ("text\n\n— a+b AAAAAAAA\n", r'key name "a\+b"'),
        ("text\n\n— a\u2003b AAAAAAAA\n", r'key name "a\\u2003b"'),
        ("text\n\n— a\u0085 AAAAAAAA\n", "key name"),
        ("text\n\n— a AAAAAA==\n", "at least one more"),
        ("text\n\n— a AAAA\n", "four bytes of key id"),
        ("text\n\n— a \n", "four bytes of key id"),
        ("text\n\n— a AAAAAAB=\n", "is not canonical base64"),
        ("text\n\n— a AAAAAAA\n", "is not canonical base64"),
        ("text\n\n— a AAAAAA-_\n", "is not canonical base64"),
        ("te\txt\n\n— a AAAAAAAA\n", r"line 1: note has the control character U\+0009"),
        ("text\r\n\r\n— a AAAAAAAA\r\n", r"line 1: note has the control character U\+000D"),
        ("text\n\n— a AAAAAAAA\n\x00", r"line 4: note has the control character U\+0000"),
        ("te\udc80xt\n\n— a AAAAAAAA\n", "not valid UTF-8"),
    ],
)
def test_what_is_no_note_is_refused_in_words(text: str, complaint: str) -> None:
    """Two spellings of one note, or an error that does not say where to look."""
    with pytest.raises(Malformed, match=complaint):
        Note.parse(text)


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80"])
def test_bytes_that_are_not_utf_8_are_refused(bad: bytes) -> None:
    """A lenient decoder maps several byte strings to one text, of which one was signed."""
    with pytest.raises(Malformed, match="not valid UTF-8"):
        Note.parse(b"te" + bad + b"xt\n\n" + PETER_LINE.encode())


def test_a_note_of_any_size_is_not_read() -> None:
    """A stranger's note would take our memory."""
    line = "— a AAAAAAAA\n"
    assert len(Note.parse("text\n\n" + line * MOST_SIGNATURES).signatures) == MOST_SIGNATURES >= 16
    with pytest.raises(Malformed, match=f"at most {MOST_SIGNATURES}"):
        Note.parse("text\n\n" + line * (MOST_SIGNATURES + 1))
    with pytest.raises(Malformed, match="at most 1048576 are read"):
        Note.parse("x" * (1 << 20) + "\n\n" + line)


def test_unknown_signatures_are_ignored() -> None:
    """A new key, or a witness that we do not know, would make every old verifier refuse the log."""
    note = signed(checkpoint(), [LOG, W1, W2])
    stranger = Signature(name="stranger.example", key_id=b"abcd", blob=b"whatever")
    same_name = Signature(name=LOG.name, key_id=b"abcd", blob=b"another type of key")
    same_id = Signature(name="stranger.example", key_id=LOG.verifier.id, blob=b"another name")
    crowded = Note(text=note.text, signatures=(stranger, same_name, same_id, *note.signatures))
    assert verify_signature(crowded, LOG.verifier) == verify_signature(note, LOG.verifier) is not None
    assert verify_signature(note, LOG_PQ.verifier) is None


@pytest.mark.parametrize("key", [LOG, LOG_PQ, W1, W2], ids=lambda key: key.name + key.algorithm.name)
def test_a_known_keys_wrong_signature_is_an_error(key: SigningKey) -> None:
    """Were it taken for an absent one, a forgery would look like a witness that is late."""
    note = signed(checkpoint(21), [key])
    other = Note(text=checkpoint(20).format(), signatures=note.signatures)
    with pytest.raises(Unverified, match="does not verify"):
        verify_signature(other, key.verifier)
    for place in (0, 7, len(note.signatures[0].blob) - 1):
        blob = bytearray(note.signatures[0].blob)
        blob[place] ^= 1
        damaged = Signature(name=key.name, key_id=key.verifier.id, blob=bytes(blob))
        with pytest.raises(Unverified):
            verify_signature(Note(text=note.text, signatures=(damaged,)), key.verifier)
    for blob in (note.signatures[0].blob[:-1], note.signatures[0].blob + b"\0", b"x"):
        damaged = Signature(name=key.name, key_id=key.verifier.id, blob=blob)
        with pytest.raises(Unverified, match="not laid out"):
            verify_signature(Note(text=note.text, signatures=(damaged,)), key.verifier)


def test_a_second_scalar_for_one_signature_is_refused() -> None:
    """Ed25519 with S plus the group order would be a second text for one signature (RFC 8032, 5.1.7)."""
    order = 2**252 + 27742317777372353535851937790883648493
    signature = sign_note(PETER_TEXT, LOG)
    scalar = int.from_bytes(signature.blob[32:], "little") + order
    second = Signature(name=LOG.name, key_id=LOG.verifier.id, blob=signature.blob[:32] + scalar.to_bytes(32, "little"))
    with pytest.raises(Unverified):
        verify_signature(Note(text=PETER_TEXT, signatures=(second,)), LOG.verifier)


def test_of_two_lines_by_one_key_the_first_counts() -> None:
    """Two verifiers, ours and Go's, would differ about one note: Go verifies the first and ignores the rest."""
    good = sign_note(PETER_TEXT, LOG)
    bad = Signature(name=LOG.name, key_id=LOG.verifier.id, blob=bytes(64))
    assert verify_signature(Note(text=PETER_TEXT, signatures=(good, bad)), LOG.verifier) is not None
    with pytest.raises(Unverified):
        verify_signature(Note(text=PETER_TEXT, signatures=(bad, good)), LOG.verifier)


def test_a_new_signature_takes_the_place_of_the_old_by_the_same_key() -> None:
    """A checkpoint would grow by a line each time that a witness is asked again."""
    note = signed(checkpoint(), [LOG, W1])
    later = sign_note(note.text, W1, timestamp=NOW + 60)
    again = note.with_signatures([later])
    assert again.signatures == (note.signatures[0], later)
    assert again.with_signatures([]) == again


@pytest.mark.parametrize("text", ["", "text", "te\txt\n", "te\rxt\n", "te\ud800xt\n"])
def test_no_text_is_signed_that_could_not_be_read(text: str) -> None:
    """The log's key would stand under bytes that no one can parse."""
    with pytest.raises(Malformed):
        sign_note(text, LOG)
    with pytest.raises(Malformed):
        Note(text=text, signatures=(Signature(name="a", key_id=b"abcd", blob=b"x"),))


@pytest.mark.parametrize("count", [0, MOST_SIGNATURES + 1])
def test_no_note_is_made_that_could_not_be_read(count: int) -> None:
    """A note without signatures, or with too many, would be written and then refused by its reader."""
    with pytest.raises(Malformed, match="1 to 64 signatures"):
        Note(text="text\n", signatures=(Signature(name="a", key_id=b"abcd", blob=b"x"),) * count)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a b"},
        {"name": "a+b"},
        {"name": "a\nb"},
        {"key_id": b"abc"},
        {"key_id": b"abcde"},
        {"blob": b""},
    ],
)
def test_no_signature_is_made_that_could_not_be_read(wrong: dict[str, object]) -> None:
    """A name with a newline would write a line of its own into the note."""
    sound: dict[str, object] = {"name": "a", "key_id": b"abcd", "blob": b"x"}
    with pytest.raises(Malformed):
        Signature(**(sound | wrong))  # type: ignore[arg-type]
