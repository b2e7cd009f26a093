"""A receipt is evidence: nothing but a durable append makes one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from armslength.tlog import Receipt
from tests.tlog.signers import LEAVES, ORIGIN


def receipt(**changes: object) -> Receipt:
    sound: dict[str, object] = {
        "origin": ORIGIN, "act": bytes(16), "first": 3, "leaves": LEAVES[3:5], "size": 5, "_durable": Receipt.DURABLE
    }  # fmt: skip
    return Receipt(**(sound | changes))  # type: ignore[arg-type]


def test_a_receipt_says_where_the_entries_stand() -> None:
    """Whoever acts on it could not find the record again."""
    made = receipt()
    assert (made.origin, made.first, made.leaves, made.size) == (ORIGIN, 3, LEAVES[3:5], 5)


@pytest.mark.parametrize("token", [None, True, object()])
def test_nobody_else_makes_a_receipt(token: object) -> None:
    """An act would go ahead whose record is still in memory only, and a crash would lose it."""
    with pytest.raises(TypeError, match="only a durable append"):
        receipt(_durable=token)
    with pytest.raises(TypeError, match="only a durable append"):
        replace(receipt(), size=9)


@pytest.mark.parametrize(
    "wrong",
    [{"leaves": ()}, {"leaves": (b"short",)}, {"first": -1}, {"first": 4}, {"size": 4}, {"size": 2**63}],
)
def test_a_receipt_lies_within_its_tree(wrong: dict[str, object]) -> None:
    """It would point at entries that the durable tree does not hold."""
    with pytest.raises(ValueError, match="receipt|tree"):
        receipt(**wrong)
