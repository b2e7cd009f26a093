"""Values for the tests of the ledger: any JSON, handles that share long beginnings, chance that can be foretold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from hypothesis import strategies as st

from armslength.ledger import Json

SAFE = 2**53 - 1

strings = st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
scalars: st.SearchStrategy[Json] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-SAFE, SAFE),
    st.floats(allow_nan=False, allow_infinity=False),
    strings,
)
jsons: st.SearchStrategy[Json] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=4),
    max_leaves=12,
)
labels = st.from_regex(r"[a-z][a-z0-9_]{0,63}", fullmatch=True)
fields: st.SearchStrategy[dict[str, Json]] = st.dictionaries(labels, jsons, max_size=6)
hashes = st.binary(min_size=32, max_size=32)


@st.composite
def handles(draw: st.DrawFn) -> bytes:
    """A handle that shares few or very many of its first bits with others."""
    stem = draw(st.sampled_from([bytes(32), bytes(range(32)), b"\xff" * 32]))
    number = int.from_bytes(stem, "big") ^ sum(1 << bit for bit in draw(st.sets(st.integers(0, 255), max_size=3)))
    return number.to_bytes(32, "big")


def counted(start: int = 0) -> Callable[[int], bytes]:
    """Chance that gives start, start + 1, …; each call begins anew."""
    return lambda size: bytes((start + i) % 256 for i in range(size))


def streamed(seed: bytes) -> Callable[[int], bytes]:
    """Chance that differs with every call, and is the same for the same seed."""
    calls = iter(range(1_000_000))
    return lambda size: hashlib.shake_256(seed + next(calls).to_bytes(8, "big")).digest(size)
