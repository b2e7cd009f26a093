"""Roots, and the edge by which a tree grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.tlog import EMPTY, Edge, Malformed, leaf_hash, tree_root
from tests.tlog.trees import CT, CT_ROOTS, leaves, mth

SIZES = st.integers(min_value=0, max_value=700)


@pytest.mark.parametrize("size", range(len(CT_ROOTS)))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    """Tools of others would refuse every checkpoint we sign."""
    assert tree_root(map(leaf_hash, CT[:size])).hex() == CT_ROOTS[size]


@given(size=SIZES)
def test_roots_are_those_of_the_rfc(size: int) -> None:
    """As above, for sizes that no published tree has."""
    assert tree_root(leaves(size)) == mth(leaves(size))


@given(size=SIZES, cuts=st.lists(SIZES, max_size=6))
def test_any_batches_give_the_same_edge(size: int, cuts: list[int]) -> None:
    """The root would depend on how busy the writer was, and two honest replicas would look like a split view."""
    edge = Edge.empty()
    places = sorted({0, size, *(cut for cut in cuts if cut < size)})
    for first, last in zip(places, places[1:], strict=False):
        edge = edge.extended(leaves(size)[first:last])
    assert edge == Edge.empty().extended(leaves(size))
    assert edge.root() == tree_root(leaves(size))


def test_more_leaves_than_one_batch_stream() -> None:
    """Beyond the batch that is taken at a time the tree would silently be another."""
    size = 70_001
    each = leaves(size)
    edge = Edge.empty().extended(iter(each[:3])).extended(iter(each[3:]))
    assert (edge.size, edge.root()) == (size, mth(each))


@given(size=SIZES)
def test_one_leaf_appended_is_one_leaf_extended_by(size: int) -> None:
    """A customer's own log grows one by one: its root would not be that of its records."""
    edge = Edge.empty().extended(leaves(size))
    assert edge.appended(leaves(size + 1)[size]) == Edge.empty().extended(leaves(size + 1))


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    """A new log's first checkpoint would be refused by every witness."""
    assert Edge.empty().root() == tree_root([]) == EMPTY == mth([])


def test_extending_by_nothing_changes_nothing() -> None:
    """An idle round of the writer would sign another tree."""
    edge = Edge.empty().extended(leaves(11))
    assert edge.extended([]) == edge


@pytest.mark.parametrize(
    ("size", "hashes", "message"),
    [
        (-1, (), "a tree of -1 leaves: expected 0 to 18446744073709551615"),
        (2**64, (EMPTY,), "a tree of 18446744073709551616 leaves: expected 0 to 18446744073709551615"),
        (3, (EMPTY,), "an edge of 1 hashes for 3 leaves: expected 2"),
        (0, (EMPTY,), "an edge of 1 hashes for 0 leaves: expected 0"),
        (2, (EMPTY[1:],), "an edge holds a hash that is not 32 bytes long"),
    ],
)
def test_an_edge_of_no_tree_is_refused(size: int, hashes: tuple[bytes, ...], message: str) -> None:
    """A torn row in the store would go on as the root of a tree that never was."""
    with pytest.raises(Malformed) as caught:
        Edge(size=size, hashes=hashes)
    assert str(caught.value) == message
