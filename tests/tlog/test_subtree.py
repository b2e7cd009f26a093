"""Proofs for a run of leaves that is a node of some tree."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from armslength.tlog import (
    EMPTY,
    Unverified,
    subtree_consistency_proof,
    subtree_inclusion_proof,
    tree_root,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)
from tests.tlog.trees import leaves, nodes, path, subproof

MOST = 200
NODE = nodes(leaves(MOST))


@st.composite
def runs(draw: st.DrawFn) -> tuple[int, int, int]:
    """A subtree's start and end, and the size of a tree that holds it."""
    length = draw(st.integers(min_value=1, max_value=MOST))
    step = 1 << (length - 1).bit_length()
    start = step * draw(st.integers(min_value=0, max_value=(MOST - length) // step))
    return start, start + length, draw(st.integers(min_value=start + length, max_value=MOST))


def consistent(*, start: int, end: int, size: int, subtree: bytes, root: bytes, proof: tuple[bytes, ...]) -> bool:
    try:
        verify_subtree_consistency(start=start, end=end, size=size, subtree=subtree, root=root, proof=proof)
    except Unverified:
        return False
    return True


@given(run=runs())
def test_proofs_are_those_of_the_draft(run: tuple[int, int, int]) -> None:
    """What we make could not be checked by the verifiers that others write."""
    start, end, size = run
    proof = subtree_consistency_proof(start=start, end=end, size=size, node=NODE)
    assert proof == subproof(start, end, leaves(size))
    subtree, root = tree_root(leaves(size)[start:end]), tree_root(leaves(size))
    verify_subtree_consistency(start=start, end=end, size=size, subtree=subtree, root=root, proof=proof)


@given(run=runs(), at=st.integers(0, MOST))
def test_a_leaf_is_shown_within_its_run(run: tuple[int, int, int], at: int) -> None:
    """As above, for a leaf of the subtree."""
    start, end, _ = run
    index = start + at % (end - start)
    proof = subtree_inclusion_proof(index=index, start=start, end=end, node=NODE)
    assert proof == path(index - start, leaves(MOST)[start:end])
    root = tree_root(leaves(MOST)[start:end])
    verify_subtree_inclusion(index=index, start=start, end=end, leaf=leaves(MOST)[index], proof=proof, root=root)
    with pytest.raises(Unverified):
        verify_subtree_inclusion(index=index, start=start, end=end, leaf=EMPTY, proof=proof, root=root)


@given(run=runs(), other=runs())
def test_a_proof_holds_for_no_other_run(run: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    """A cosignature over one part of the log would be read as one over another."""
    start, end, size = run
    assume(other[:2] != (start, end))
    proof = subtree_consistency_proof(start=start, end=end, size=size, node=NODE)
    subtree, root = tree_root(leaves(size)[start:end]), tree_root(leaves(size))
    assert not consistent(start=other[0], end=other[1], size=size, subtree=subtree, root=root, proof=proof)


@given(run=runs(), at=st.integers(0, 20), bit=st.integers(0, 7))
def test_a_changed_hash_fails(run: tuple[int, int, int], at: int, bit: int) -> None:
    """Leaves that were altered would be taken for part of the log."""
    start, end, size = run
    proof = subtree_consistency_proof(start=start, end=end, size=size, node=NODE)
    parts = [tree_root(leaves(size)[start:end]), tree_root(leaves(size)), *proof]
    at %= len(parts)
    parts[at] = bytes([parts[at][0] ^ 1 << bit]) + parts[at][1:]
    assert not consistent(start=start, end=end, size=size, subtree=parts[0], root=parts[1], proof=tuple(parts[2:]))


@pytest.mark.parametrize(("start", "end"), [(1, 3), (2, 5), (2, 6), (4, 9), (1, 15), (2**63 + 1, 2**64 - 1)])
def test_a_run_that_is_no_subtree_is_refused(start: int, end: int) -> None:
    """Its hash is no node of the tree, so that whatever it was compared with would mean nothing."""
    size = 2**64 - 1
    with pytest.raises(Unverified, match=f"the leaves from {start} to before {end} are not a subtree"):
        verify_subtree_consistency(start=start, end=end, size=size, subtree=EMPTY, root=EMPTY, proof=())
    with pytest.raises(Unverified, match="not a subtree"):
        subtree_consistency_proof(start=start, end=end, size=size, node=NODE)
    with pytest.raises(Unverified, match="not a subtree"):
        verify_subtree_inclusion(index=start, start=start, end=end, leaf=EMPTY, root=EMPTY, proof=())


@pytest.mark.parametrize(("start", "end", "size"), [(0, 2, 1), (-1, 0, 1), (2, 1, 3), (0, 1, 2**64), (3, 3, 2)])
def test_a_run_beyond_the_tree_is_refused(start: int, end: int, size: int) -> None:
    """Leaves that are not there would be shown to be."""
    with pytest.raises(Unverified, match=f"no run of leaves from {start} to before {end} in a tree of {size}"):
        verify_subtree_consistency(start=start, end=end, size=size, subtree=EMPTY, root=EMPTY, proof=())


@pytest.mark.parametrize("index", [3, 6, -1])
def test_a_leaf_beyond_the_run_is_refused(index: int) -> None:
    """A leaf of the neighbouring run would be shown in this one."""
    with pytest.raises(Unverified, match=f"leaf {index} does not lie in the leaves from 4 to before 6"):
        verify_subtree_inclusion(index=index, start=4, end=6, leaf=EMPTY, root=EMPTY, proof=(EMPTY,))


def test_an_empty_run_is_in_every_tree_that_reaches_it() -> None:
    """Verifiers of others say so, and a vector of theirs would fail here; anything else about it is refused."""
    assert subtree_consistency_proof(start=3, end=3, size=7, node=NODE) == ()
    root = tree_root(leaves(7))
    assert consistent(start=3, end=3, size=7, subtree=EMPTY, root=root, proof=())
    assert not consistent(start=3, end=3, size=7, subtree=root, root=root, proof=())
    assert not consistent(start=3, end=3, size=7, subtree=EMPTY, root=root, proof=(EMPTY,))
