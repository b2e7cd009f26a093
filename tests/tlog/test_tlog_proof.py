"""Proofs that stand alone: they verify for the entry they are of, and have one text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.tlog import Endorsed, Malformed, Policy, TlogError, TlogProof, Unverified, inclusion_proof
from tests.tlog.signers import LEAVES, LOG, LOG_PQ, NODE, NOW, OTHER_LOG, W1, W2, W3, checkpoint, signed
from tests.tlog.test_policy import damage, policy

NOTE = signed(checkpoint(21), [LOG, LOG_PQ, W1, W2])


def proof(index: int = 5, **changes: object) -> TlogProof:
    sound = TlogProof(index=index, hashes=inclusion_proof(index, 21, NODE), checkpoint=NOTE)
    return replace(sound, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("index", range(21))
def test_each_entry_is_proven(index: int) -> None:
    """A customer could not show that an entry is in the log."""
    read = TlogProof.parse(proof(index).format())
    endorsed = read.verify(LEAVES[index], policy(), now=NOW)
    assert isinstance(endorsed, Endorsed)
    assert endorsed.checkpoint == checkpoint(21)
    assert [name for name, _ in endorsed.witnesses] == ["w1", "w2"]


def test_a_proof_holds_for_its_entry_alone() -> None:
    """Another entry would be shown as logged."""
    for index, leaf in enumerate(LEAVES):
        if index != 5:
            with pytest.raises(Unverified):
                proof(5).verify(leaf, policy())
    for leaf in (b"", bytes(32), LEAVES[5] + b"\0"):
        with pytest.raises(Unverified):
            proof(5).verify(leaf, policy())


def test_a_proof_of_another_place_or_tree_is_refused() -> None:
    """As above, by moving the index, the path or the tree."""
    hashes = proof(5).hashes
    for wrong in (
        {"index": 4},
        {"index": 21},
        {"index": 2**63 - 1},
        {"hashes": hashes[:-1]},
        {"hashes": (*hashes, bytes(32))},
        {"hashes": hashes[::-1]},
        {"hashes": ()},
        {"checkpoint": signed(checkpoint(20), [LOG, W1, W2])},
    ):
        with pytest.raises(Unverified):
            replace(proof(5), **wrong).verify(LEAVES[5], policy())  # type: ignore[arg-type]


def test_a_proof_without_log_or_quorum_is_refused() -> None:
    """Whoever holds one witness's key, or none, could prove anything."""
    for keys in ([W1, W2, W3], [LOG], [LOG, W1], [OTHER_LOG, W1, W2]):
        with pytest.raises(Unverified):
            proof(checkpoint=signed(checkpoint(21), keys)).verify(LEAVES[5], policy())


def test_a_cosignature_from_the_future_does_not_count_in_a_proof() -> None:
    """The verifier's clock would be ignored just where it is given."""
    ahead = proof(checkpoint=signed(checkpoint(21), [LOG, W1, W2], timestamp=NOW + 3600))
    ahead.verify(LEAVES[5], policy())
    with pytest.raises(Unverified, match="from the future"):
        ahead.verify(LEAVES[5], policy(), now=NOW)


PROOFS = st.builds(
    lambda index, extra: proof(index, extra=extra),
    st.integers(0, 20),
    st.none() | st.binary(min_size=1, max_size=80),
)


@given(PROOFS)
def test_what_is_written_reads_back_equal(made: TlogProof) -> None:
    """A proof that was kept would be lost."""
    assert TlogProof.parse(made.format()) == made
    assert TlogProof.parse(made.format().encode()) == made


WHOLE = proof().format()
PLAIN = TlogProof(index=5, hashes=proof().hashes, checkpoint=signed(checkpoint(21), [LOG, W1]))
PLAIN_POLICY = policy("quorum w1\n", (LOG,))


@given(st.data())
def test_no_damaged_proof_is_accepted(data: st.DataObject) -> None:
    """A byte that changes nothing would make two proofs of one fact, or hide a change."""
    whole = PLAIN.format().encode()
    damaged = damage(data, whole)
    if damaged == whole:
        return
    with pytest.raises(TlogError):
        TlogProof.parse(damaged).verify(LEAVES[5], PLAIN_POLICY)


def test_extra_data_is_carried_and_not_believed() -> None:
    """Nothing signs it: it may be anything, and the proof still holds."""
    made = proof(extra=b"where this came from")
    assert made.format().split("\n")[1] == "extra d2hlcmUgdGhpcyBjYW1lIGZyb20="
    assert TlogProof.parse(made.format()).extra == b"where this came from"
    made.verify(LEAVES[5], policy())


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("proof@v1", "proof@v2", 'line 1: "c2sp.org/tlog-proof@v2" is not c2sp.org/tlog-proof@v1'),
        ("proof@v1", "proof@v1 ", "line 1"),
        ("c2sp.org", "\ufeffc2sp.org", "line 1"),
        ("index 5", "index 05", 'line 2: index "05" is not a decimal'),
        ("index 5", "index +5", "line 2: index"),
        ("index 5", "index  5", "line 2: index"),
        ("index 5", "index", 'line 2: expected "index" and a number'),
        ("index 5", "index \u0665", "line 2: index"),
        ("index 5", "index 9223372036854775808", "line 2: index"),
        ("index 5", "extra\nindex 5", 'line 2: expected "index"'),
        ("index 5", "extra \nindex 5", "line 2: without extra data the line is left out"),
        ("index 5", "extra YQ\nindex 5", 'line 2: extra data "YQ" is not canonical base64'),
        ("index 5", "extra YR==\nindex 5", "line 2: extra data"),
        ("index 5", "extra YQ==\nextra YQ==\nindex 5", 'line 3: expected "index"'),
        ("index 5", "index 5\nextra YQ==", 'line 3: hash "extra YQ==" is not canonical base64 of 32 bytes'),
        ("index 5", "index 5\n" + ("A" * 43 + "=\n") * 64, "the proof has 6[0-9] hashes; a path has at most 63"),
        ("index 5\n", "", 'line 2: expected "index"'),
        ("\n\nlog", "\n\n\nlog", "line 1: a checkpoint has no empty lines"),
        ("\n\nlog", "\nlog", "hash"),
        ("\n21\n", "\n+21\n", r'in the part after line 8: line 2: tree size "\+21"'),
        ("\n", "\r\n", r"control character U\+000D"),
    ],
)
def test_what_is_no_proof_is_refused_in_words(old: str, new: str, complaint: str) -> None:
    """Two texts of one proof, or an error that does not say where to look."""
    assert old in WHOLE
    with pytest.raises(Malformed, match=complaint):
        TlogProof.parse(WHOLE.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "\n", "\n\n", WHOLE.split("\n\n")[0], WHOLE[:-1], WHOLE + "\n"])
def test_half_a_proof_is_refused(text: str) -> None:
    """A download that broke off would pass for the whole."""
    with pytest.raises(Malformed):
        TlogProof.parse(text)


def test_a_proof_of_any_size_is_not_read() -> None:
    """A stranger's file would take our memory."""
    with pytest.raises(Malformed, match="at most 2097152 are read"):
        TlogProof.parse(WHOLE.replace("index", f"extra {'A' * (2 << 20)}\nindex", 1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"index": -1},
        {"index": 2**63},
        {"extra": b""},
        {"hashes": (bytes(31),)},
        {"hashes": (bytes(32),) * 64},
        {"checkpoint": signed("Good morning\n", [LOG])},
    ],
)
def test_no_proof_is_made_that_could_not_be_read(wrong: dict[str, object]) -> None:
    """What a customer stores today would be refused when it is needed."""
    with pytest.raises(Malformed):
        replace(proof(), **wrong)  # type: ignore[arg-type]


def test_a_proof_is_checked_under_the_policy_it_is_given() -> None:
    """A quorum of none is the verifier's choice, never the proof's."""
    bare = proof(checkpoint=signed(checkpoint(21), [LOG]))
    lax = Policy.parse(f"log {LOG.verifier.text}\nquorum none\n")
    assert bare.verify(LEAVES[5], lax).witnesses == ()
    with pytest.raises(Unverified, match="quorum"):
        bare.verify(LEAVES[5], policy())
