"""Proofs from the map: one root gives one handle one answer, whoever made the root."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from armslength.ledger import EMPTY_MAP, MapLeaf, MapProof, PrefixMap, verify_map
from armslength.tlog import Unverified
from tests.ledger.trie import inner_hash, leaf_hash
from tests.ledger.values import SAFE, handles, hashes

leaves = st.builds(MapLeaf, handle=handles(), size=st.integers(1, 5), root=st.sampled_from([bytes(32), b"r" * 32]))
A = MapLeaf(handle=bytes(32), size=1, root=b"a" * 32)
B = MapLeaf(handle=b"\x80" + bytes(31), size=2, root=b"b" * 32)
SIBLING = b"s" * 32


def hashed(leaf: MapLeaf) -> bytes:
    return leaf_hash(leaf.handle, leaf.size, leaf.root)


def refused(root: bytes, handle: bytes, *steps: tuple[int, bytes], leaf: MapLeaf | None) -> str:
    with pytest.raises(Unverified) as error:
        verify_map(root=root, handle=handle, proof=MapProof(steps=steps, leaf=leaf))
    return str(error.value)


@st.composite
def hostile_tries(draw: st.DrawFn) -> tuple[bytes, list[tuple[list[tuple[int, bytes]], MapLeaf]]]:
    """The root of a tree in any shape, with any bits, any leaf anywhere, some twice; and for each leaf the way to it.
    Whoever made it has every hash that goes into it."""

    def grown(depth: int) -> tuple[bytes, list[tuple[list[tuple[int, bytes]], MapLeaf]]]:
        if depth == 0 or draw(st.booleans()):
            leaf = draw(leaves)
            return hashed(leaf), [([], leaf)]
        at = draw(st.integers(0, 5) | st.integers(250, 255) | st.integers(0, 256))
        left, ways_left = grown(depth - 1)
        right, ways_right = grown(depth - 1)
        ways = [([(at, right), *steps], leaf) for steps, leaf in ways_left]
        ways += [([(at, left), *steps], leaf) for steps, leaf in ways_right]
        return inner_hash(at, left, right), ways

    return grown(4)


@given(hostile_tries(), handles(), st.data())
def test_no_root_however_made_gives_one_handle_two_answers(
    made: tuple[bytes, list[tuple[list[tuple[int, bytes]], MapLeaf]]], asked: bytes, data: st.DataObject
) -> None:
    """The firm could show the customer ten records and an auditor twelve, under the root that both hold."""
    root, ways = made
    handle = data.draw(st.sampled_from([leaf.handle for _, leaf in ways] + [asked]))
    answers = set()
    for steps, leaf in ways:
        try:
            answers.add(verify_map(root=root, handle=handle, proof=MapProof(steps=tuple(steps), leaf=leaf)))
        except Unverified:
            continue
    assert len(answers) <= 1


@given(st.dictionaries(handles(), st.tuples(st.integers(1, SAFE), hashes), min_size=1, max_size=12), st.data())
def test_a_changed_proof_proves_nothing(held: dict[bytes, tuple[int, bytes]], data: st.DataObject) -> None:
    """A proof with a hole in it is one that can be forged."""
    grown = PrefixMap()
    for each, (size, head) in held.items():
        grown.set(each, size, head)
    root = grown.root()
    handle = data.draw(st.sampled_from(sorted(held)) | handles())
    proof = grown.prove(handle)
    assert verify_map(root=root, handle=handle, proof=proof) == held.get(handle)
    leaf = proof.leaf
    assert leaf is not None
    steps = proof.steps
    changed = [
        replace(proof, leaf=None),
        replace(proof, leaf=replace(leaf, size=leaf.size % SAFE + 1)),
        replace(proof, leaf=replace(leaf, root=_flipped(leaf.root, data))),
        replace(proof, leaf=replace(leaf, handle=_flipped(leaf.handle, data))),
        replace(proof, steps=((0, SIBLING), *steps)),
        replace(proof, steps=(*steps, (255, SIBLING))),
    ]
    if steps:
        at = data.draw(st.integers(0, len(steps) - 1))
        bit, sibling = steps[at]
        changed += [
            replace(proof, steps=steps[:at] + steps[at + 1 :]),
            replace(proof, steps=(*steps[: at + 1], *steps[at:])),
            replace(proof, steps=(*steps[:at], (bit, _flipped(sibling, data)), *steps[at + 1 :])),
            replace(proof, steps=(*steps[:at], (bit ^ 1, sibling), *steps[at + 1 :])),
        ]
    if len(steps) > 1:
        changed.append(replace(proof, steps=steps[::-1]))
    for wrong in changed:
        with pytest.raises(Unverified):
            verify_map(root=root, handle=handle, proof=wrong)
    with pytest.raises(Unverified):
        verify_map(root=_flipped(root, data), handle=handle, proof=proof)


@given(st.dictionaries(handles(), st.just((1, bytes(32))), min_size=1, max_size=12), handles())
def test_a_proof_for_one_handle_answers_for_another_only_as_the_map_would(
    held: dict[bytes, tuple[int, bytes]], asked: bytes
) -> None:
    """One customer's proof could be passed to another as proof that they are not in the map."""
    grown = PrefixMap()
    for each, (size, head) in held.items():
        grown.set(each, size, head)
    for other in held:
        try:
            answer = verify_map(root=grown.root(), handle=asked, proof=grown.prove(other))
        except Unverified:
            continue
        assert answer == held.get(asked)


def test_a_leaf_on_the_side_where_its_bit_is_not_is_refused() -> None:
    """A trie with a customer on the wrong side tells them that they are absent; it shows itself to whoever comes by."""
    root = inner_hash(0, hashed(B), SIBLING)
    assert "stands on the side where bit 0" in refused(root, A.handle, (0, SIBLING), leaf=B)
    # B's own lookup goes to the other side, so B is not found where it was put either.
    assert "does not lead" in refused(root, B.handle, (0, SIBLING), leaf=B)


@pytest.mark.parametrize("bits", [(3, 3), (9, 3), (0, 7, 7), (7, 0, 8), (256,), (-1,), (2**16,), (0, 300)])
def test_bits_that_do_not_ascend_to_255_are_refused(bits: tuple[int, ...]) -> None:
    """A path without end, or with a bit that no handle has, would have each verifier do something else."""
    root = hashed(A)
    for bit in reversed(bits):
        root = inner_hash(bit % 2**16, root, SIBLING)
    assert "ascending" in refused(root, A.handle, *((bit, SIBLING) for bit in bits), leaf=A)


def test_only_the_empty_map_is_proven_empty() -> None:
    """Everybody could be told that the map is empty."""
    assert verify_map(root=EMPTY_MAP, handle=A.handle, proof=MapProof(steps=(), leaf=None)) is None
    assert "empty" in refused(hashed(A), A.handle, leaf=None)
    assert "empty" in refused(EMPTY_MAP, A.handle, (0, SIBLING), leaf=None)
    assert "does not lead" in refused(EMPTY_MAP, A.handle, leaf=A)


@pytest.mark.parametrize("size", [0, -1, SAFE + 1, 2**64, 2**80])
def test_a_size_that_no_log_has_is_refused(size: int) -> None:
    """Absent would have two forms, or the verifier stop with a trace."""
    assert "size from 1" in refused(hashed(A), A.handle, leaf=replace(A, size=size))


def test_hashes_and_handles_of_another_length_are_refused() -> None:
    """Bytes moved from one part of a node to the next would hash the same."""
    leaf = MapLeaf(handle=A.handle + b"\0", size=1, root=A.root[1:])
    assert "32 bytes" in refused(hashed(A), A.handle, leaf=leaf)
    assert "32 bytes" in refused(hashed(A), A.handle, leaf=replace(A, root=b""))
    assert "32 bytes" in refused(hashed(A), A.handle[1:], leaf=A)
    for length in (0, 31, 33):
        assert "32 bytes" in refused(inner_hash(0, hashed(A), SIBLING), A.handle, (0, bytes(length)), leaf=A)


def test_an_inner_node_is_not_taken_for_a_leaf() -> None:
    """Without the first byte, a node's children could be read as a customer's handle and root."""
    for first, second in itertools.product((hashed(A), SIBLING), repeat=2):
        root = inner_hash(0, first, second)
        assert "does not lead" in refused(root, first, leaf=MapLeaf(handle=first, size=1, root=second))


@given(leaves, handles())
def test_absence_is_shown_by_the_leaf_that_stands_there(leaf: MapLeaf, asked: bytes) -> None:
    """A customer who has no records would be told that nothing can be proven."""
    assume(leaf.handle != asked)
    proof = MapProof(steps=(), leaf=leaf)
    assert verify_map(root=hashed(leaf), handle=asked, proof=proof) is None
    assert verify_map(root=hashed(leaf), handle=leaf.handle, proof=proof) == (leaf.size, leaf.root)


def _flipped(data: bytes, drawn: st.DataObject) -> bytes:
    number = int.from_bytes(data, "big") ^ 1 << drawn.draw(st.integers(0, len(data) * 8 - 1))
    return number.to_bytes(len(data), "big")
