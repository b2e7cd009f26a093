"""What a witness answers: each status of tlog-witness, and no cosignature of a log that shows two trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.tlog import (
    EMPTY,
    AddCheckpoint,
    Algorithm,
    Checkpoint,
    Cosign,
    Declined,
    Malformed,
    Note,
    Seen,
    Signature,
    SigningKey,
    VerifierKey,
    consistency_proof,
    judge,
    origin_hash,
    sign_note,
    verify_signature,
)
from tests.tlog.signers import (
    LOG,
    LOG_NEXT,
    LOG_PQ,
    NODE,
    NOW,
    ORIGIN,
    OTHER_LOG,
    W1,
    checkpoint,
    signed,
)

KEYS = (LOG.verifier, LOG_PQ.verifier)


def request(old: int, new: int, keys: Sequence[SigningKey] = (LOG,), **changes: object) -> AddCheckpoint:
    proof = consistency_proof(old, new, NODE) if 0 < old <= new else ()
    sound = AddCheckpoint(old=old, proof=proof, note=signed(checkpoint(new), keys))
    return replace(sound, **changes)  # type: ignore[arg-type]


def seen(size: int) -> Seen:
    made = judge(request(0, size), KEYS, None)
    assert isinstance(made, Cosign)
    return made.seen


def declined(answer: Cosign | Declined, status: int, *words: str) -> Declined:
    assert isinstance(answer, Declined)
    assert answer.status == status
    assert (answer.size is None) == (status != 409)
    for word in words:
        assert word in answer.reason
    return answer


@pytest.mark.parametrize("old", [0, 1, 7, 8, 13, 20, 21])
def test_a_consistent_checkpoint_is_cosigned(old: int) -> None:
    """No log would ever get a cosignature."""
    before = seen(old) if old else None
    answer = judge(request(old, 21), KEYS, before)
    assert isinstance(answer, Cosign)
    assert answer.checkpoint == checkpoint(21)
    assert answer.seen == Seen(size=21, root=checkpoint(21).root, note_text=signed(checkpoint(21), [LOG]).format())


def test_an_empty_tree_is_cosigned() -> None:
    """A log that has just begun could not introduce itself; and it can do so twice."""
    answer = judge(request(0, 0), KEYS, None)
    assert isinstance(answer, Cosign)
    assert answer.seen.root == EMPTY
    assert isinstance(judge(request(0, 0), KEYS, answer.seen), Cosign)
    assert isinstance(judge(request(0, 21), KEYS, answer.seen), Cosign)


def test_only_the_logs_verified_signatures_are_kept() -> None:
    """A witness would serve, next to its own name, lines of strangers that it never checked."""
    stranger = Signature(name="stranger.example", key_id=b"abcd", blob=b"x")
    note = signed(checkpoint(), [LOG, LOG_PQ, W1, OTHER_LOG]).with_signatures([stranger])
    answer = judge(request(0, 21, note=note), KEYS, None)
    assert isinstance(answer, Cosign)
    assert answer.note.signatures == note.signatures[:2]
    assert Note.parse(answer.seen.note_text) == answer.note
    cosigned = answer.note.with_signatures([sign_note(answer.note.text, W1, timestamp=NOW)])
    assert verify_signature(cosigned, W1.verifier) is not None


def test_an_unknown_log_is_404() -> None:
    """A witness would vouch for logs that its operator never chose."""
    declined(judge(request(0, 21), None, None), 404, '"log.example/main" is not known')


@pytest.mark.parametrize("keys", [(), (LOG_NEXT.verifier,), (OTHER_LOG.verifier,)])
def test_a_checkpoint_without_a_trusted_signature_is_403(keys: tuple[VerifierKey, ...]) -> None:
    """Anyone could move the witness's view of a log, and lock the log out."""
    declined(judge(request(0, 21), keys, None), 403, "no signature by a key that is trusted")


@pytest.mark.parametrize("key", [LOG, LOG_PQ], ids=lambda key: key.algorithm.name)
def test_a_wrong_signature_by_a_trusted_key_is_403(key: SigningKey) -> None:
    """Such a note is malformed, even where another trusted key did sign it (tlog-witness, add-checkpoint)."""
    forged = signed(checkpoint(20), [key]).signatures
    note = signed(checkpoint(), [LOG, LOG_PQ]).with_signatures(forged)
    declined(judge(request(0, 21, note=note), KEYS, None), 403, f"by {key.verifier.label} does not verify")


def test_an_old_size_above_the_new_is_400() -> None:
    """A log could ask the witness to go back."""
    declined(judge(request(21, 20, proof=()), KEYS, seen(21)), 400, "old size 21 is larger than the checkpoint's 20")


@pytest.mark.parametrize(("old", "latest"), [(0, 13), (7, 13), (14, 13), (20, 0), (1, 0)])
def test_an_old_size_other_than_the_latest_is_409_with_the_size(old: int, latest: int) -> None:
    """A log that lost a cosignature on the way could never find out where to go on."""
    answer = judge(request(old, 21), KEYS, seen(latest) if latest else None)
    assert declined(answer, 409, f"the size last cosigned is {latest}").size == latest


def test_a_stale_checkpoint_is_409() -> None:
    """A rollback would get a fresh cosignature."""
    declined(judge(request(0, 13), KEYS, seen(21)), 409)
    declined(judge(request(13, 13), KEYS, seen(21)), 409)


def test_a_proof_that_does_not_hold_is_422() -> None:
    """A log that rewrote an entry would keep its witnesses."""
    good = request(13, 21).proof
    for proof in ((), good[:-1], (*good, bytes(32)), good[::-1], (bytes(32), *good[1:]), request(12, 21).proof):
        declined(judge(request(13, 21, proof=proof), KEYS, seen(13)), 422)


def test_another_root_is_422() -> None:
    """A split view: the witness is shown the tree that only one customer sees."""
    other = replace(checkpoint(21), root=bytes(32))
    note = signed(other, [LOG])
    declined(judge(request(13, 21, note=note), KEYS, seen(13)), 422)
    answer = judge(request(21, 21, note=note), KEYS, seen(21))
    declined(answer, 422, "another root hash was cosigned for size 21: the log shows two trees")


def test_a_proof_where_none_is_needed_is_422() -> None:
    """Two spellings of one request."""
    declined(judge(request(0, 21, proof=(bytes(32),)), KEYS, None), 422, "has to be empty")
    declined(judge(request(21, 21, proof=(bytes(32),)), KEYS, seen(21)), 422)


def test_size_zero_has_the_root_of_the_empty_tree_or_is_422() -> None:
    """Every tree follows from size zero, so a made-up root there would be vouched for and never contradicted."""
    note = signed(Checkpoint(origin=ORIGIN, size=0, root=bytes(32)), [LOG])
    declined(judge(request(0, 0, note=note), KEYS, None), 422, "root hash of the empty tree")
    empty = judge(request(0, 0), KEYS, None)
    assert isinstance(empty, Cosign)
    declined(judge(request(0, 0, note=note), KEYS, empty.seen), 422, "root hash of the empty tree")


def test_the_same_checkpoint_is_cosigned_again() -> None:
    """A log whose answer was lost would wait until its tree grows."""
    answer = judge(request(21, 21), KEYS, seen(21))
    assert isinstance(answer, Cosign)
    assert answer.seen == seen(21)


@given(st.lists(st.tuples(st.integers(0, 21), st.integers(0, 21), st.booleans()), max_size=8))
def test_a_witness_only_ever_goes_forward(asked: list[tuple[int, int, bool]]) -> None:
    """Whatever a log asks, in whatever order: what was cosigned is a beginning of what is cosigned next."""
    latest: Seen | None = None
    for old, new, honest in asked:
        asks = request(old, new) if honest else request(old, new, note=_split(new))
        answer = judge(asks, KEYS, latest)
        if isinstance(answer, Declined):
            continue
        assert old == (0 if latest is None else latest.size) <= answer.seen.size == new
        if latest is not None and latest.size and latest.root == checkpoint(latest.size).root:
            assert answer.seen.root == checkpoint(new).root
        latest = answer.seen


def _split(size: int) -> Note:
    """The log signs another tree of this size."""
    return signed(replace(checkpoint(size), root=bytes([size]) * 32), [LOG])


def test_a_request_has_one_spelling() -> None:
    """A witness and the log's operator would read one request in two ways."""
    for old in (0, 13, 21):
        asks = request(old, 21, (LOG, LOG_PQ))
        assert AddCheckpoint.parse(asks.format()) == asks
        assert AddCheckpoint.parse(asks.format().encode()) == asks


NOTE = signed(checkpoint(), [LOG]).format()
HASH = "A" * 43 + "=\n"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("", "empty line before its checkpoint"),
        ("\n\n", 'line 1: "" is not "old" and a size'),
        ("old 0\n", "empty line before its checkpoint"),
        ("old 0\n\n", "in the part after line 2: a note has"),
        ("old 0\n" + NOTE, 'line 2: hash "log.example/main" is not canonical base64 of 32 bytes'),
        ("\nold 0\n\n" + NOTE, 'line 1: "" is not'),
        ("old  0\n\n" + NOTE, 'line 1: old size " 0" is not'),
        ("old +0\n\n" + NOTE, r'line 1: old size "\+0" is not'),
        ("old 00\n\n" + NOTE, "line 1: old size"),
        ("old 1_0\n\n" + NOTE, "line 1: old size"),
        ("old -1\n\n" + NOTE, "line 1: old size"),
        ("old \u0661\n\n" + NOTE, "line 1: old size"),
        ("old \n\n" + NOTE, "line 1: old size"),
        ("old 9223372036854775808\n\n" + NOTE, "line 1: old size"),
        ("Old 0\n\n" + NOTE, "line 1"),
        ("old 1\n" + HASH.replace("A=", "B=") + "\n" + NOTE, "line 2: hash .* is not canonical base64 of 32 bytes"),
        ("old 1\n" + HASH + HASH[4:] + "\n" + NOTE, "line 3: hash"),
        ("old 1\n" + HASH * 64 + "\n" + NOTE, "the proof has 64 lines; at most 63 are read"),
        ("old 0\n\n\n" + NOTE, "in the part after line 2: line 1: a checkpoint has no empty lines"),
        ("old 0\n\n" + NOTE.replace("\n21\n", "\n021\n"), 'line 2: tree size "021"'),
        ("old 0\r\n\r\n" + NOTE, r"control character U\+000D"),
        ("old 0\n\n" + NOTE + "\n", "signature lines"),
        ("old 0\n\ntext\n\n— a AAAAAAAA\n", "a checkpoint has three lines"),
        ("x" * (2 << 20), "at most 1052672 are read"),
    ],
)
def test_what_is_no_request_is_refused_in_words(body: str, complaint: str) -> None:
    """A log's operator gets a 400 and has to see which line is wrong."""
    with pytest.raises(Malformed, match=complaint):
        AddCheckpoint.parse(body)


def test_63_hashes_are_read() -> None:
    """The largest tree could not be witnessed."""
    assert len(AddCheckpoint.parse("old 1\n" + HASH * 63 + "\n" + NOTE).proof) == 63


@pytest.mark.parametrize("wrong", [{"old": -1}, {"old": 2**63}, {"proof": (bytes(32),) * 64}, {"proof": (b"x",)}])
def test_no_request_is_made_that_could_not_be_read(wrong: dict[str, object]) -> None:
    """The log would be told 400 for what its own code wrote."""
    with pytest.raises(Malformed):
        replace(request(0, 21), **wrong)  # type: ignore[arg-type]


def test_the_origin_hash_is_the_published_one() -> None:
    """Monitors would look for the witness's checkpoint in another place (tlog-witness, Monitor Retrieval)."""
    assert origin_hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert origin_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len(origin_hash("é \u2028")) == 64


def test_another_witnesss_published_exchange_is_answered_alike() -> None:
    """Logs that work with other witnesses would not work with ours. The requests and statuses are those of litewitness
    (FiloSottile/torchwood, cmd/litewitness/testdata), with two differences: an unknown log is 404 in version 1 of
    tlog-witness, and the second request, whose signature was damaged into base64 that is not canonical, is no note."""
    origin = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
    public = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
    keys = {origin: [VerifierKey(name=origin, algorithm=Algorithm.ED25519, public=public)]}
    latest: dict[str, Seen] = {}
    exchanges = (Path(__file__).parent / "golden" / "litewitness.txt").read_text("utf-8").split("== ")[1:]
    told, ours = [], []
    for exchange in exchanges:
        status, _, body = exchange.partition("\n")
        told.append(int(status))
        try:
            asks = AddCheckpoint.parse(body)
        except Malformed:
            ours.append(400)
            continue
        assert asks.format() == body
        name = asks.checkpoint.origin
        answer = judge(asks, keys.get(name), latest.get(name))
        if isinstance(answer, Cosign):
            latest[name] = answer.seen
        ours.append(200 if isinstance(answer, Cosign) else answer.status)
    assert told == [200, 403, 403, 422, 422, 200, 409, 200, 409]
    assert ours == [200, 400, 404, 422, 422, 200, 409, 200, 409]


def test_a_log_whose_key_has_another_name_is_witnessed() -> None:
    """Go's checksum database, whose origin has spaces and is not its key's name (a checkpoint that it published)."""
    note = (
        "go.sum database tree\n35225469\nvt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=\n\n"
        "— sum.golang.org Az3grpukl5AXaVfYkLiDGORx/DN2nlcS5kZHR5uYOBV2KA2HgXpD+gu9HHONebHLAyaKbbTM75QTtPydhKCExixSfwQ="
        "\n"
    )
    key = VerifierKey.parse("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    answer = judge(AddCheckpoint.parse("old 0\n\n" + note), [key], None)
    assert isinstance(answer, Cosign)
    assert answer.seen == Seen(size=35225469, root=answer.checkpoint.root, note_text=note)
