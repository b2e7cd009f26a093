"""Inclusion and consistency proofs, made and verified."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from armslength.tlog import (
    EMPTY,
    Edge,
    Unverified,
    consistency_proof,
    edge_at,
    inclusion_proof,
    root_at,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tests.tlog.trees import leaves, nodes, path, subproof

MOST = 300
NODE = nodes(leaves(MOST))
U64 = st.integers(min_value=0, max_value=2**64 - 1)


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    """An index and a size above it, or an old size of at least 1 and a new one, less 1."""
    size = draw(st.integers(min_value=1, max_value=MOST))
    return draw(st.integers(min_value=0, max_value=size - 1)), size


def included(*, index: int, size: int, leaf: bytes, proof: tuple[bytes, ...], root: bytes) -> bool:
    try:
        verify_inclusion(index=index, size=size, leaf=leaf, proof=proof, root=root)
    except Unverified:
        return False
    return True


def consistent(*, old: int, new: int, old_root: bytes, new_root: bytes, proof: tuple[bytes, ...]) -> bool:
    try:
        verify_consistency(old=old, new=new, old_root=old_root, new_root=new_root, proof=proof)
    except Unverified:
        return False
    return True


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


@given(size=st.integers(min_value=0, max_value=MOST))
def test_the_edge_follows_from_the_nodes(size: int) -> None:
    """A writer that starts again from its tiles would go on from another tree."""
    assert edge_at(size, NODE) == Edge.empty().extended(leaves(size))
    assert root_at(size, NODE) == tree_root(leaves(size))


@given(place=places())
def test_inclusion_proofs_are_those_of_the_rfc(place: tuple[int, int]) -> None:
    """A customer who checks with another tool would be told that their record is not there."""
    index, size = place
    proof = inclusion_proof(index, size, NODE)
    assert proof == path(index, leaves(size))
    verify_inclusion(index=index, size=size, leaf=leaves(size)[index], proof=proof, root=tree_root(leaves(size)))


@given(place=places())
def test_consistency_proofs_are_those_of_the_rfc(place: tuple[int, int]) -> None:
    """A witness would refuse an honest log, and its acts would wait."""
    old, new = place[0] + 1, place[1]
    proof = consistency_proof(old, new, NODE)
    assert proof == subproof(0, old, leaves(new))
    verify_consistency(old=old, new=new, old_root=tree_root(leaves(old)), new_root=tree_root(leaves(new)), proof=proof)


@given(place=places(), what=st.sampled_from(["leaf", "root", "proof"]), bit=st.integers(0, 255), at=st.integers(0, 20))
def test_a_changed_bit_fails_inclusion(place: tuple[int, int], what: str, bit: int, at: int) -> None:
    """A record that was altered would be shown as logged."""
    index, size = place
    proof = inclusion_proof(index, size, NODE)
    leaf, root = leaves(size)[index], tree_root(leaves(size))
    match what:
        case "leaf":
            leaf = flipped(leaf, bit)
        case "root":
            root = flipped(root, bit)
        case _:
            assume(proof)
            at %= len(proof)
            proof = (*proof[:at], flipped(proof[at], bit), *proof[at + 1 :])
    assert not included(index=index, size=size, leaf=leaf, proof=proof, root=root)


@given(place=places(), other=places() | st.tuples(U64, U64))
def test_a_proof_holds_for_no_other_place(place: tuple[int, int], other: tuple[int, int]) -> None:
    """One record's proof would serve for another's, and hide that it is gone."""
    index, size = place
    assume(other[0] != index)
    leaf, proof, root = leaves(size)[index], inclusion_proof(index, size, NODE), tree_root(leaves(size))
    assert not included(index=other[0], size=size, leaf=leaf, proof=proof, root=root)


@given(place=places(), other=places())
def test_a_proof_holds_in_no_other_tree(place: tuple[int, int], other: tuple[int, int]) -> None:
    """A proof made before a rollback would hold after it. (Only the root binds the size: some pairs of sizes have
    proofs of the same shape, so a checkpoint is believed whole or not at all.)"""
    index, size = place
    assume(other[1] != size)
    leaf, proof, root = leaves(size)[index], inclusion_proof(index, size, NODE), tree_root(leaves(other[1]))
    assert not included(index=index, size=other[1], leaf=leaf, proof=proof, root=root)
    assert not included(index=index, size=size, leaf=leaf, proof=proof, root=root)


@given(place=places(), what=st.sampled_from(["old", "new", "proof"]), bit=st.integers(0, 255), at=st.integers(0, 20))
def test_a_changed_bit_fails_consistency(place: tuple[int, int], what: str, bit: int, at: int) -> None:
    """A log that rewrote its past would be cosigned."""
    old, new = place[0] + 1, place[1]
    proof = consistency_proof(old, new, NODE)
    old_root, new_root = tree_root(leaves(old)), tree_root(leaves(new))
    match what:
        case "old":
            old_root = flipped(old_root, bit)
        case "new":
            new_root = flipped(new_root, bit)
        case _:
            assume(proof)
            at %= len(proof)
            proof = (*proof[:at], flipped(proof[at], bit), *proof[at + 1 :])
    assert not consistent(old=old, new=new, old_root=old_root, new_root=new_root, proof=proof)


@given(place=places(), other=places())
def test_a_consistency_proof_holds_for_no_other_sizes(place: tuple[int, int], other: tuple[int, int]) -> None:
    """A log could pass off a shorter past as the one that was witnessed."""
    old, new = place[0] + 1, place[1]
    assume(other[0] + 1 != old)
    assert not consistent(
        old=other[0] + 1,
        new=new,
        old_root=tree_root(leaves(old)),
        new_root=tree_root(leaves(new)),
        proof=consistency_proof(old, new, NODE),
    )


@given(place=places(), more=st.booleans(), at=st.integers(0, 20))
def test_a_proof_has_one_length(place: tuple[int, int], more: bool, at: int) -> None:
    """Two texts would be one proof, and bytes that nobody checks could ride along."""
    index, size = place
    for proof, holds in [
        (
            inclusion_proof(index, size, NODE),
            lambda proof: included(
                index=index, size=size, leaf=leaves(size)[index], proof=proof, root=tree_root(leaves(size))
            ),
        ),
        (
            consistency_proof(index + 1, size, NODE),
            lambda proof: consistent(
                old=index + 1,
                new=size,
                old_root=tree_root(leaves(index + 1)),
                new_root=tree_root(leaves(size)),
                proof=proof,
            ),
        ),
    ]:
        cut = at % (len(proof) + 1)
        if more:
            assert not holds((*proof[:cut], EMPTY, *proof[cut:]))
        elif proof:
            assert not holds((*proof[:cut], *proof[cut + 1 :]) if cut < len(proof) else proof[:-1])


@given(index=U64, size=U64, length=st.integers(0, 70))
def test_hostile_numbers_end_in_a_refusal(index: int, size: int, length: int) -> None:
    """Whoever may send a witness a request could keep it busy for ever."""
    proof = (EMPTY,) * length
    assert not included(index=index, size=size, leaf=EMPTY, proof=proof, root=leaves(1)[0])
    assert not consistent(old=index, new=size, old_root=EMPTY, new_root=leaves(1)[0], proof=proof)


@pytest.mark.parametrize(
    ("index", "size"), [(0, 0), (1, 1), (-1, 1), (2**64, 2**64 + 1), (0, 2**64), (2**64 - 1, 2**64 - 1), (5, -5)]
)
def test_an_index_beyond_the_tree_is_refused(index: int, size: int) -> None:
    """An index that wraps round would point at a record of someone else."""
    with pytest.raises(Unverified, match=f"no leaf {index} in a tree of {size}: expected an index below the size"):
        verify_inclusion(index=index, size=size, leaf=EMPTY, proof=(), root=EMPTY)
    with pytest.raises(Unverified, match="no leaf"):
        inclusion_proof(index, size, NODE)


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 1), (1, 2**64), (1, 0), (-2, -1)])
def test_a_tree_that_shrinks_is_refused(old: int, new: int) -> None:
    """A rollback would be called consistent."""
    with pytest.raises(Unverified, match=f"a tree of {new} leaves cannot begin with {old}"):
        verify_consistency(old=old, new=new, old_root=EMPTY, new_root=EMPTY, proof=())
    with pytest.raises(Unverified, match="cannot begin with"):
        consistency_proof(old, new, NODE)


@pytest.mark.parametrize("new", [0, 1, 8])
def test_nothing_is_proven_from_the_empty_tree(new: int) -> None:
    """Who was made to believe that their last head was empty would take any log for its continuation. What a witness
    is sent from 0 is the empty proof all the same (tlog-witness)."""
    assert consistency_proof(0, new, NODE) == ()
    with pytest.raises(Unverified, match="a proof from the empty tree shows nothing"):
        verify_consistency(old=0, new=new, old_root=EMPTY, new_root=tree_root(leaves(new)), proof=())


def test_a_hash_of_another_length_is_refused() -> None:
    """Bytes moved from one hash to the next give the same node, so one leaf could stand at two depths."""
    leaf, sibling = leaves(2)
    root = tree_root(leaves(2))
    for one, other in [(leaf + sibling[:1], sibling[1:]), (leaf[:-1], leaf[-1:] + sibling), (leaf + sibling, b"")]:
        with pytest.raises(Unverified, match="a hash of .* bytes: expected 32"):
            verify_inclusion(index=0, size=2, leaf=one, proof=(other,), root=root)
    with pytest.raises(Unverified, match="a hash of 0 bytes: expected 32"):
        verify_inclusion(index=0, size=1, leaf=b"", proof=(), root=b"")
