"""A policy accepts what its log signed and its quorum cosigned, and nothing that looks like it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.tlog import (
    TOLERANCE,
    Endorsed,
    Group,
    LogKey,
    Malformed,
    Note,
    Policy,
    Signature,
    SigningKey,
    TlogError,
    Unverified,
    Witness,
    sign_note,
)
from tests.tlog.signers import (
    LOG,
    LOG_NEXT,
    LOG_PQ,
    NOW,
    ORIGIN,
    OTHER_LOG,
    W1,
    W2,
    W3,
    checkpoint,
    signed,
)

WITNESSES = {"w1": W1, "w2": W2, "w3": W3}


def policy(quorum: str = "group q 2 w1 w2 w3\nquorum q\n", logs: tuple[SigningKey, ...] = (LOG, LOG_PQ)) -> Policy:
    lines = [f"log {key.verifier.text}\n" for key in logs]
    lines += [f"witness {name} {key.verifier.text}\n" for name, key in WITNESSES.items()]
    return Policy.parse("".join(lines) + quorum)


def test_what_the_log_signed_and_the_quorum_cosigned_is_accepted() -> None:
    """No checkpoint would ever be relied on."""
    note = signed(checkpoint(), [LOG, LOG_PQ, W1, W2])
    endorsed = policy().endorse(note, now=NOW)
    assert endorsed.checkpoint == checkpoint()
    assert endorsed.note == note
    assert endorsed.logs == (LOG.verifier, LOG_PQ.verifier)
    assert endorsed.witnesses == (("w1", NOW), ("w2", NOW))


def test_a_missed_quorum_is_refused_and_told_in_words() -> None:
    """One witness alone could be shown a tree that nobody else sees."""
    note = signed(checkpoint(), [LOG, W2])
    with pytest.raises(Unverified, match='"q" has 1 of the 2 it needs'):
        policy().endorse(note)
    assessment = policy().assess(note)
    assert not assessment.quorum_met
    assert assessment.witnesses == (("w2", NOW),)
    assert assessment.absent == ("w1", "w3")
    assert assessment.words == (
        'the quorum "q" is not met for size 21 of "log.example/main"; "q" has 1 of the 2 it needs; '
        'cosigned by "w2" (2026-11-25T17:33:20Z); not by "w1", "w3"'
    )


def test_a_met_quorum_is_told_in_words() -> None:
    """The operator would not see which witness is missing while all still works."""
    assessment = policy().assess(signed(checkpoint(), [LOG, W2, W3]), now=NOW)
    assert assessment.quorum_met
    assert assessment.lacks == ()
    assert assessment.words == (
        'the quorum "q" is met for size 21 of "log.example/main"; '
        'cosigned by "w2" (2026-11-25T17:33:20Z), "w3" (2026-11-25T17:33:20Z); not by "w1"'
    )


@pytest.mark.parametrize("keys", [[LOG], [LOG_PQ], [LOG, LOG_PQ], [LOG_NEXT], [LOG_NEXT, LOG]])
def test_any_one_of_the_listed_log_keys_is_enough(keys: list[SigningKey]) -> None:
    """Old proofs would stop verifying when the log's key is changed, or when a second type is added."""
    known = policy("quorum none\n", (LOG, LOG_PQ, LOG_NEXT))
    endorsed = known.endorse(signed(checkpoint(), keys))
    assert set(endorsed.logs) == {key.verifier for key in keys}


def test_a_note_without_the_logs_signature_is_refused() -> None:
    """Witnesses could make up a log."""
    for keys in ([W1, W2, W3], [LOG_NEXT, W1, W2], [OTHER_LOG, W1, W2]):
        with pytest.raises(Unverified, match="not signed by a key of its log"):
            policy().endorse(signed(checkpoint(), keys))


def test_a_checkpoint_of_another_origin_is_refused() -> None:
    """A listed log could speak for another one, which the reader believes to be looking at."""
    both = policy("quorum none\n", (LOG, OTHER_LOG))
    other = checkpoint(origin=OTHER_LOG.name)
    assert both.endorse(signed(other, [OTHER_LOG])).checkpoint == other
    with pytest.raises(Unverified, match="not signed by a key of its log"):
        both.endorse(signed(other, [LOG]))
    with pytest.raises(Unverified, match='the policy knows the logs: "log.example/main"'):
        policy().endorse(signed(other, [LOG, OTHER_LOG, W1, W2]))
    with pytest.raises(Unverified, match='is of "log.example/main", and the policy knows the logs: none'):
        policy(logs=()).endorse(signed(checkpoint(), [LOG, W1, W2]))


@pytest.mark.parametrize("wrong", [LOG, LOG_PQ, W1, W2, W3], ids=lambda key: key.name + key.algorithm.name)
def test_a_listed_keys_wrong_signature_refuses_the_note(wrong: SigningKey) -> None:
    """A forger who fails would still be believed for the rest of what he shows."""
    good = signed(checkpoint(), [LOG, LOG_PQ, W1, W2, W3])
    policy().endorse(good)
    size = 64 + 8 if wrong.algorithm == 4 else (2420 + 8 if wrong.algorithm == 6 else 64)
    forged = Signature(name=wrong.name, key_id=wrong.verifier.id, blob=NOW.to_bytes(8, "big") + bytes(size - 8))
    for note in (good.with_signatures([forged]), signed(checkpoint(), [LOG, W1, W2]).with_signatures([forged])):
        with pytest.raises(Unverified, match=f"by {wrong.verifier.label.replace('+', '.')} does not verify"):
            policy().endorse(note)
        with pytest.raises(Unverified):
            policy().assess(note)


def test_a_cosignature_of_another_checkpoint_is_refused() -> None:
    """Witnesses would seem to stand behind a tree that they never saw."""
    for other in (checkpoint(20), checkpoint(origin=OTHER_LOG.name), replace(checkpoint(), root=bytes(32))):
        for witness in (W1, W2):
            stolen = signed(other, [witness]).signatures
            with pytest.raises(Unverified, match="does not verify"):
                policy().endorse(signed(checkpoint(), [LOG, W3]).with_signatures(stolen))


def test_a_cosignature_replayed_under_another_witness_does_not_count() -> None:
    """One witness would be a quorum."""
    note = signed(checkpoint(), [LOG, W1])
    own = note.signatures[1]
    as_w3 = replace(own, name=W3.name, key_id=W3.verifier.id)
    with pytest.raises(Unverified, match="does not verify"):
        policy().endorse(note.with_signatures([as_w3]))
    unknown = replace(own, name=W3.name)  # with the id of w1: a key that nobody knows
    assessment = policy().assess(note.with_signatures([unknown]))
    assert assessment.witnesses == (("w1", NOW),)
    assert not assessment.quorum_met


def test_one_witness_that_signs_twice_counts_once() -> None:
    """As above."""
    note = signed(checkpoint(), [LOG, W1])
    again = sign_note(note.text, W1, timestamp=NOW + 1)
    twice = Note(text=note.text, signatures=(*note.signatures, again))
    assert policy().assess(twice).witnesses == (("w1", NOW),)


@pytest.mark.parametrize("late", [TOLERANCE + 1, 2**62])
def test_a_cosignature_from_the_future_does_not_count(late: int) -> None:
    """A witness whose clock is wrong, or whose key was taken, could cosign today what is to look fresh next year."""
    note = signed(checkpoint(), [LOG, W1]).with_signatures(signed(checkpoint(), [W2], timestamp=NOW + late).signatures)
    assessment = policy().assess(note, now=NOW)
    assert assessment.ahead == (("w2", NOW + late),)
    assert assessment.witnesses == (("w1", NOW),)
    assert assessment.absent == ("w3",)
    assert "not counted, being from the future" in assessment.words
    with pytest.raises(Unverified):
        policy().endorse(note, now=NOW)
    policy().endorse(note, now=NOW + late - TOLERANCE)
    policy().endorse(note)  # without a clock there is no future


def test_the_logs_signature_from_the_future_does_not_count() -> None:
    """As with witnesses, where the log signs with a time."""
    note = signed(checkpoint(), [LOG_PQ, W1, W2], timestamp=NOW + 3600)
    policy().endorse(note, now=NOW + 3600)
    with pytest.raises(Unverified, match="the log's signature is from the future"):
        policy().endorse(note, now=NOW)


def test_a_clock_a_little_ahead_is_borne() -> None:
    """Every checkpoint would fail where clocks differ by a second."""
    note = signed(checkpoint(), [LOG, W1, W2], timestamp=NOW + TOLERANCE)
    assert policy().endorse(note, now=NOW).witnesses == (("w1", NOW + TOLERANCE), ("w2", NOW + TOLERANCE))


def test_extension_lines_are_kept_only_if_an_ed25519_key_of_the_log_signed_them() -> None:
    """A reader would act on a line that anyone could add to a checkpoint signed with ML-DSA-44 alone."""
    extended = checkpoint(extensions=("added",))
    by_both = policy().endorse(signed(extended, [LOG, LOG_PQ, W1, W2]))
    assert by_both.checkpoint.extensions == ("added",)
    by_one = policy("quorum none\n").endorse(signed(extended, [LOG_PQ]))
    assert by_one.checkpoint == checkpoint()
    assert by_one.note.text == extended.format()


def test_a_text_that_is_no_checkpoint_is_malformed() -> None:
    """A signed text of another kind would be taken for a tree."""
    with pytest.raises(Malformed):
        policy("quorum none\n").endorse(signed("Good morning\n", [LOG]))


def test_nobody_else_makes_evidence() -> None:
    """Code that was handed an Endorsed would act on a checkpoint that no one checked."""
    endorsed = policy().endorse(signed(checkpoint(), [LOG, W1, W2]))
    with pytest.raises(TypeError, match=r"only Policy\.endorse"):
        Endorsed(checkpoint=checkpoint(), note=endorsed.note, logs=(), witnesses=())
    with pytest.raises(TypeError, match=r"only Policy\.endorse"):
        replace(endorsed, checkpoint=checkpoint(20))


@pytest.mark.parametrize(
    ("rule", "enough"),
    [
        ("quorum none\n", "- 1 2 3 12 13 23 123"),
        ("quorum w1\n", "1 12 13 123"),
        ("group q any w1 w2 w3\nquorum q\n", "1 2 3 12 13 23 123"),
        ("group q all w1 w2 w3\nquorum q\n", "123"),
        ("group q 2 w1 w2 w3\nquorum q\n", "12 13 23 123"),
        ("group a any w1 w2\ngroup q all a w3\nquorum q\n", "13 23 123"),
        ("group a all w1 w2\ngroup q any a w3\nquorum q\n", "3 12 13 23 123"),
        ("group a 1 w1\ngroup b 1 a\ngroup c 1 b\nquorum c\n", "1 12 13 123"),
        ("group a any w1 w2\nquorum w3\n", "3 13 23 123"),
    ],
)
def test_the_quorum_is_the_one_that_was_written(rule: str, enough: str) -> None:
    """Fewer witnesses than the customer asked for would do, or the log would stand still with enough of them."""
    known = policy(rule)
    for chosen in ("-", "1", "2", "3", "12", "13", "23", "123"):
        witnesses = [witness for name, witness in WITNESSES.items() if name[1] in chosen]
        met = known.assess(signed(checkpoint(), [LOG, *witnesses])).quorum_met
        assert met == (chosen in enough.split()), chosen


def test_only_the_groups_that_matter_are_named_as_lacking() -> None:
    """An operator would chase a witness that the quorum does not need."""
    rule = "group a all w1 w2\ngroup b any w3\ngroup q all a b\ngroup idle all q\nquorum q\n"
    assert policy(rule).assess(signed(checkpoint(), [LOG, W1, W3])).lacks == (
        '"q" has 1 of the 2 it needs',
        '"a" has 1 of the 2 it needs',
    )


ACTIONS = st.sampled_from(["set", "drop", "insert", "swap"])


def damage(data: st.DataObject, whole: bytes) -> bytes:
    """`whole` with one byte set, dropped or inserted, or two neighbours swapped."""
    content = bytearray(whole)
    place = data.draw(st.integers(0, len(content) - 2))
    match data.draw(ACTIONS):
        case "set":
            content[place] = data.draw(st.integers(0, 255))
        case "drop":
            del content[place]
        case "insert":
            content.insert(place, data.draw(st.integers(0, 255)))
        case _:
            content[place : place + 2] = content[place : place + 2][::-1]
    return bytes(content)


EVERY_BYTE_COUNTS = signed(checkpoint(), [LOG, W1, W3])
ALL_OF_THEM = policy("group q all w1 w3\nquorum q\n", (LOG,))
SIGNED_BY_ML_DSA = signed(checkpoint(), [LOG_PQ, W2])
ML_DSA_ALONE = policy("quorum w2\n", (LOG_PQ,))


@given(st.data())
def test_no_damaged_note_is_accepted(data: st.DataObject) -> None:
    """A byte that changes nothing is a place where two parties can be shown different notes."""
    whole = EVERY_BYTE_COUNTS.format().encode()
    damaged = damage(data, whole)
    if damaged == whole:
        return
    with pytest.raises(TlogError):
        ALL_OF_THEM.endorse(Note.parse(damaged))


@given(st.data())
def test_no_damage_changes_what_ml_dsa_signed(data: st.DataObject) -> None:
    """Where extension lines are unsigned, they must not become part of what is believed."""
    whole = SIGNED_BY_ML_DSA.format().encode()
    where = st.integers(0, len(SIGNED_BY_ML_DSA.text) + 80)
    content = bytearray(whole)
    content[data.draw(where)] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        place = len(SIGNED_BY_ML_DSA.text)
        content[place:place] = b"an extension\n"
    try:
        endorsed = ML_DSA_ALONE.endorse(Note.parse(bytes(content)))
    except TlogError:
        return
    assert endorsed.checkpoint == checkpoint()


def test_a_policy_made_by_hand_keeps_the_same_rules() -> None:
    """A policy that was put together in code would skip the checks that a file gets."""
    log, witness = LogKey(key=LOG.verifier), Witness(name="w", key=W1.verifier)
    made = Policy(logs=(log,), witnesses=(witness,), groups=(), quorum="w")
    assert Policy.parse(made.format()) == made
    group = Group(name="g", threshold=1, members=("w",))
    for wrong in (
        {"quorum": "x"},
        {"quorum": ""},
        {"quorum": "w w"},
        {"quorum": "w\nquorum w"},
        {"logs": (log, log)},
        {"logs": (replace(log, url=""),)},
        {"logs": (replace(log, url="a b"),)},
        {"logs": (LogKey(key=W1.verifier),)},
        {"witnesses": (Witness(name="w", key=LOG.verifier),)},
        {"witnesses": (replace(witness, name="none"),)},
        {"witnesses": (replace(witness, name=" w"),)},
        {"groups": (replace(group, threshold=2),)},
        {"groups": (replace(group, threshold=0),)},
        {"groups": (replace(group, members=()),)},
        {"groups": (replace(group, members=("g",)),)},
        {"groups": (group, replace(group, name="h"))},
    ):
        with pytest.raises(Malformed):
            replace(made, **wrong)  # type: ignore[arg-type]


def test_the_log_keys_of_a_sub_log_are_listed_under_its_origin() -> None:
    """A customer's own log could not be checked with the keys that the customer pinned."""
    name = f"{ORIGIN}/customer/x"
    known = Policy(logs=(LogKey(key=LOG.verifier.named(name)),), witnesses=(), groups=(), quorum="none")
    head = checkpoint(origin=name)
    assert known.endorse(signed(head, [LOG.named(name)])).checkpoint == head
    with pytest.raises(Unverified):
        known.endorse(signed(head, [LOG]))
