"""What a search may leave out because it looked for it in vain before."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from armslength.reach.crowd import Crowd
from armslength.reach.demands import Demand
from armslength.reach.links import Link, People
from armslength.reach.rules import Rule
from armslength.reach.search import Search, Vain


def made(number: int) -> Rule:
    nobody = Crowd(ways=(), filled_by=frozenset())
    effects = np.zeros(0, dtype=np.int32)
    return Rule(number=number, node=0, holders=nobody, terms=0, effects=effects, enrolls=False, gated=False, power=True)


def link(of: Rule, given: int) -> Link:
    anyone = Demand(count=1, people=None, bits=None)
    return Link(rule=of, given=np.array([given], dtype=np.uint64), part=anyone, landmarks=())


class Fruitless(Search):
    """A search that finds nobody, and tells what it looked for."""

    def __init__(self) -> None:
        self._tick = lambda: None
        self._vain = Vain()
        self._vain.add(0, (), 0)
        self.asked = 0

    def _branch(self, links: tuple[Link, ...], usable: int) -> People | None:
        self.asked += 1
        return None

    def asks(self, links: tuple[Link, ...], usable: int) -> bool:
        before = self.asked
        assert self._extend(links, usable) is None
        return self.asked > before


ONE, TWO = made(1), made(2)
LINKS = {"easy": link(ONE, 0b11), "hard": link(ONE, 0b01), "aside": link(ONE, 0b10), "two": link(TWO, 0b11)}
HARDER = {("hard", "easy"), ("aside", "easy"), *((name, name) for name in LINKS)}
SETS = [("easy",), ("hard",), ("aside",), ("two",), ("easy", "two"), ("hard", "two"), ("hard", "aside"), ()]


@pytest.mark.parametrize(("first", "then"), list(product(SETS, SETS)))
def test_only_what_is_harder_than_what_was_vain_is_left_out(first: tuple[str, ...], then: tuple[str, ...]) -> None:
    """Else some few would be missed, or looked for again and again."""
    harder = all(any((a, b) in HARDER for a in then) for b in first)
    for usable, later in product((0b10, 0b110), repeat=2):
        search = Fruitless()
        assert search.asks(tuple(LINKS[name] for name in first), usable)
        again = search.asks(tuple(LINKS[name] for name in then), later)
        assert again is not (harder and not later & ~usable)
