"""The map of heads: what it holds decides its root, and its proofs say what it holds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.ledger import EMPTY_MAP, PrefixMap, verify_map
from armslength.tlog import Malformed
from tests.ledger.trie import trie_root
from tests.ledger.values import SAFE, handles, hashes

heads = st.tuples(st.integers(1, SAFE), hashes)
changes = st.lists(st.tuples(handles(), st.none() | heads), max_size=30)


def filled(held: dict[bytes, tuple[int, bytes]]) -> PrefixMap:
    made = PrefixMap()
    for handle, (size, root) in held.items():
        made.set(handle, size, root)
    return made


@given(st.lists(changes, max_size=5), handles())
def test_the_map_is_its_definition_after_any_changes(batches: list[list], asked: bytes) -> None:  # type: ignore[type-arg]
    """Monitors who rebuild the map from the log would accuse an honest log, or miss a dishonest one."""
    grown = PrefixMap()
    held: dict[bytes, tuple[int, bytes]] = {}
    for batch in batches:
        for handle, head in batch:
            if head is None:
                grown.drop(handle)
                held.pop(handle, None)
            else:
                grown.set(handle, *head)
                held[handle] = head
        proof = grown.prove(asked)
        assert verify_map(root=trie_root(held), handle=asked, proof=proof) == held.get(asked)
        assert grown.root() == trie_root(held)
        assert len(grown) == len(held)
    for handle in (*held, asked):
        proof = grown.prove(handle)
        assert verify_map(root=grown.root(), handle=handle, proof=proof) == held.get(handle)
        bits = [step[0] for step in proof.steps]
        assert bits == sorted(set(bits))


@given(st.dictionaries(handles(), heads, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_setting_leaves_no_trace(held: dict[bytes, tuple[int, bytes]], shuffler: random.Random) -> None:
    """A writer that was restarted would sign another root than one that was not."""
    order = list(held.items())
    shuffler.shuffle(order)
    grown = PrefixMap()
    for handle, (size, root) in order:
        grown.set(handle, size, root)
        if shuffler.random() < 0.5:
            grown.root()
    assert grown.root() == filled(held).root()


def test_handles_that_differ_only_in_their_last_bits_are_told_apart() -> None:
    """A path is as long as the handles are alike; a limit would show only when somebody chose their handle."""
    chain = [bytes(32)] + [(1 << bit).to_bytes(32, "big") for bit in range(256)]
    held = {handle: (index + 1, bytes(32)) for index, handle in enumerate(chain)}
    grown = filled(held)
    assert grown.root() == trie_root(held)
    assert len(grown.prove(bytes(32)).steps) == 256
    for handle in chain:
        assert verify_map(root=grown.root(), handle=handle, proof=grown.prove(handle)) == held[handle]
    for handle in chain:
        grown.drop(handle)
    assert (grown.root(), len(grown)) == (EMPTY_MAP, 0)


@given(st.dictionaries(handles(), heads, max_size=12), changes)
def test_a_copy_goes_its_own_way(held: dict[bytes, tuple[int, bytes]], later: list) -> None:  # type: ignore[type-arg]
    """Proofs under the root that was signed would change when the next records come."""
    first = filled(held)
    second = first.copy()
    root = trie_root(held)
    assert (second.root(), len(second)) == (root, len(held))
    for handle, head in later:
        if head is None:
            second.drop(handle)
        else:
            second.set(handle, *head)
    second.root()
    assert first.root() == root
    assert len(first) == len(held)
    for handle, head in held.items():
        assert verify_map(root=root, handle=handle, proof=first.prove(handle)) == head


@pytest.mark.parametrize(
    ("handle", "size", "root"),
    [
        (bytes(31), 1, bytes(32)),
        (bytes(33), 1, bytes(32)),
        (bytes(32), 0, bytes(32)),
        (bytes(32), -1, bytes(32)),
        (bytes(32), SAFE + 1, bytes(32)),
        (bytes(32), 1, bytes(31)),
    ],
)
def test_what_no_leaf_holds_is_not_set(handle: bytes, size: int, root: bytes) -> None:
    """The writer would sign a map of which no proof verifies."""
    grown = PrefixMap()
    with pytest.raises(Malformed, match="the map takes"):
        grown.set(handle, size, root)
    assert grown.root() == EMPTY_MAP


def test_a_handle_of_another_length_is_no_handle() -> None:
    """Read as a number it would be another customer's, whose head would be shown or dropped."""
    grown = filled({bytes(32): (1, bytes(32))})
    root = grown.root()
    for wrong in (b"", bytes(31), bytes(33)):
        with pytest.raises(Malformed, match="a handle has 32 bytes"):
            grown.drop(wrong)
        with pytest.raises(Malformed, match="a handle has 32 bytes"):
            grown.prove(wrong)
    assert grown.root() == root


def test_a_large_map_is_its_definition() -> None:
    """What holds for a few handles could fail once batches meet deep in the trie."""
    chance = random.Random(7)
    grown = PrefixMap()
    held: dict[bytes, tuple[int, bytes]] = {}
    for size in (1, 2, 3):
        again = chance.sample(sorted(held), 100) if held else []
        for handle in [*again, *(chance.randbytes(32) for _ in range(300))]:
            held[handle] = (size, chance.randbytes(32))
            grown.set(handle, *held[handle])
        assert grown.root() == trie_root(held)
    for handle in [*chance.sample(sorted(held), 50), *(chance.randbytes(32) for _ in range(50))]:
        assert verify_map(root=grown.root(), handle=handle, proof=grown.prove(handle)) == held.get(handle)
