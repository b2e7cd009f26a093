"""Who counts as alike does the same, and who is left out is not needed: the claims of `kinds`, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from random import Random

import numpy as np
import pytest

from armslength.reach.coalition import Coalitions
from armslength.reach.columns import Words
from armslength.reach.deputies import Deputies
from armslength.reach.links import Link, Links
from armslength.reach.pool import Pool
from armslength.reach.situation import Situations
from armslength.reach.spread import Flags, Ints
from tests.oracle.crowds import crowded_case
from tests.oracle.sketch import sketch
from tests.reach.test_chains import length, quorum
from tests.reach.test_deputies import desks
from tests.reach.test_landmarks import asked

SEEDS = range(80)
PEOPLE = 14
MOST = 2


class Question:
    """Some links of an estate, in one column."""

    def __init__(self, coalitions: Coalitions, links: Links, some: tuple[Link, ...], column: int) -> None:
        self.coalitions, self.links, self.some, self.column = coalitions, links, some, column
        self.worth = links._worth(some, [link.need for link in some])
        self.kinds = links._kinds_of(some, self.worth)
        self.outside: list[int] = np.flatnonzero(coalitions.outside(column)).tolist()

    def serve(self, link: Link, people: tuple[int, ...]) -> bool:
        held = self.coalitions.held(people)
        given = link.given if held is None else link.given | held
        return self.coalitions.suffices(link.rule, self.column, given, people, 0)

    def some_serve(self, people: list[int]) -> bool:
        sizes = range(MOST + 1)
        return any(all(self.serve(link, a) for link in self.some) for n in sizes for a in combinations(people, n))


def questions(seed: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Question]:
    random = Random(seed)
    coalitions = asked(crowded_case(seed, PEOPLE) if seed % 4 == 0 else desks(random), monkeypatch)
    rules = coalitions.ground.board.graph.rules
    powers = [rule.number for rule in rules if rule.power]
    for column in random.sample(range(len(coalitions.ground.board.columns)), 1):
        links = Links(coalitions, Situations(coalitions), {}, column, MOST, lambda: None)
        found: dict[int, list[Link]] = {}
        for rule in rules:
            for fired in ([], powers, random.sample(powers, len(powers) // 2)):
                link = links.link(rule, links.sketches.sources(sum(1 << n for n in fired if n != rule.number)))
                if link is not None and link.need:
                    found.setdefault(rule.number, []).append(link)
        for size in range(1, min(3, len(found)) + 1):
            # The same rules on what fires before them, and on more or less.
            numbers = random.sample(sorted(found), size)
            for n in range(2):
                some = tuple(found[number][-n] for number in numbers)
                yield Question(coalitions, links, some, column)


@pytest.mark.parametrize("seed", SEEDS)
def test_of_people_alike_each_serves_what_the_other_serves(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the one who is tried would fail where another would do."""
    for question in questions(seed, monkeypatch):
        for kind in question.kinds:
            for one, other in combinations(kind.tolist()[:5], 2):
                for third in ((), *((p,) for p in question.outside if p not in (one, other))):
                    for link in question.some:
                        assert question.serve(link, (one, *third)) == question.serve(link, (other, *third))


@pytest.mark.parametrize("seed", SEEDS)
def test_those_kept_serve_whatever_anybody_serves(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else some few would be missed who serve all the links, and a length told that is too great."""
    for question in questions(seed, monkeypatch):
        kept = [p for kind in question.kinds for p in kind.tolist()[:MOST]]
        assert set(kept) <= set(question.outside)
        assert question.some_serve(kept) == question.some_serve(question.outside)


def test_the_pool_leaves_room_for_all_who_sit_besides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else everyone kept could sit or have a value that is taken, and one who was left out be needed."""
    asked_for: list[tuple[tuple[str, ...], int]] = []
    kept = Pool.kept

    def told(self: Pool, some: Flags, bare: Flags, columns: tuple[str, ...], most: int, others: int) -> Ints:
        asked_for.append((columns, others))
        return kept(self, some, bare, columns, most, others)

    monkeypatch.setattr(Pool, "kept", told)
    pools = 0
    for seed in SEEDS:
        for question in questions(seed, monkeypatch):
            asked_for.clear()
            question.links._kinds.clear()
            question.links._kinds_of(question.some, None)
            quorums = question.coalitions.quorums
            joined = [link.rule for link in question.some if link.able is None]
            for columns, others in asked_for if joined else ():
                assert set(columns) == {name for rule in joined for name in quorums.distinct(rule)}
                assert others >= sum(quorums.size(rule) - 1 for rule in joined) + MOST - 1
                pools += len(joined) > 1
    assert pools > len(SEEDS) // 4


def test_deputies_are_asked_for_the_largest_quorum_and_all_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a holder would be taken for another where all their deputies sit already."""
    asked_for: list[tuple[tuple[str, ...], int]] = []
    enough = Deputies.enough

    def told(self: Deputies, mask: Words, exposure: int, columns: tuple[str, ...], size: int) -> bool:
        asked_for.append((columns, size))
        return enough(self, mask, exposure, columns, size)

    monkeypatch.setattr(Deputies, "enough", told)
    different = 0
    for seed in SEEDS:
        for question in questions(seed, monkeypatch):
            joined = [link.rule for link in question.some if link.able is None]
            sizes = {question.coalitions.quorums.size(rule) for rule in joined}
            asked_for.clear()
            question.links._kinds.clear()
            question.coalitions.traits._sortings.clear()
            question.coalitions.traits._proxies.clear()
            question.links._kinds_of(question.some, None)
            for columns, size in asked_for:
                assert size == max(sizes)
                assert set(columns) == {name for rule in joined for name in question.coalitions.quorums.distinct(rule)}
                different += len(sizes) > 1
    assert different


@pytest.mark.parametrize("seed", range(20))
def test_each_is_judged_by_where_they_are_themselves(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whose deputies can sit for them would speak for others with the same desk who are exposed to less."""
    coalitions = asked(desks(Random(seed)), monkeypatch)
    traits, rules = coalitions.traits, coalitions.ground.board.graph.rules
    everyone = np.arange(coalitions.quorums.people, dtype=np.int32)
    for rule in rules:
        stakes = coalitions.stakes(rule, frozenset(), chained=False)
        columns, size = coalitions.quorums.distinct(rule), coalitions.quorums.size(rule)
        for person, found in enumerate(traits.proxied(everyone, stakes.held, [rule], [rule]).tolist()):
            mask, exposure = coalitions.bundles.holds[:, person] & stakes.held, int(traits.exposure[person])
            part = bool(traits.parts(person) >> rule.number & 1)
            assert found == (not part and traits._deputies.enough(mask, exposure, columns, size))


def test_who_has_deputies_stands_in_for_nobody_who_is_exposed_to_less() -> None:
    """Else one would pass for two: the desk and all whom it resets are exposed to a state, and who asks is as well."""
    compelled, abroad = {"workplace": "CN", "residence": "DE"}, {"workplace": "DE"}
    case = sketch(
        {
            **dict.fromkeys(("r", "s"), compelled),
            **dict.fromkeys(("desk", "a", "b", "c", "h1", "h2"), abroad),
            "x": "SG",
            "y": "IE",
            "free": "",
        },
        {"scope": "a b c", "end": "h2"},
        [
            "person:desk assume group:scope",
            "person:r assume person:h1 first",
            "person:s assume person:h2 first",
            "person:h1 read asset:t last",
        ],
        settings={"terms": {"first": {"approvals": 1, "approvers": "everyone", "apart": 1}, "last": quorum(1, "end")}},
        declared=[{"person": "r", "state": "IE"}, {"person": "s", "state": "SG"}],
    )
    assert length(case) == 1


def test_no_desk_is_tried_in_place_of_somebody_exposed_to_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the only one who is apart from everybody would not be tried: all of the desk, and all whom it resets, are in
    one place."""
    scope = "abcdefgh"
    case = sketch(
        {"r": "CN", "free": "", **dict.fromkeys(("d1", "d2", "d3", *scope), "SG")},
        {"desk": "d1 d2 d3", "scope": " ".join(scope)},
        ["group:desk assume group:scope", "person:r read asset:t first"],
        settings={"terms": {"first": {"approvals": 1, "approvers": "everyone", "apart": 1}}},
    )
    coalitions = asked(case, monkeypatch)
    (rule,) = coalitions.ground.board.graph.rules
    ids = coalitions.ground.board.graph.estate.people.ids
    told = 0
    for column in range(len(coalitions.ground.board.columns)):
        links = Links(coalitions, Situations(coalitions), {}, column, MOST, lambda: None)
        link = links.link(rule, 0)
        assert link is not None
        kinds = [{ids[p] for p in kind.tolist()} for kind in links._kinds_of((link,), None)]
        assert any("free" in kind for kind in kinds)
        told += {"d1", "d2", "d3"} in kinds
    assert told, "no desk had deputies: this shows nothing"


def test_who_needs_trying_does_not_hang_on_what_was_asked_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else people would be left out where a group is open to them, because it was not before."""
    for seed in SEEDS:
        for question in list(questions(seed, monkeypatch)):
            question.links._kinds.clear()
            again = question.links._kinds_of(question.some, question.worth)
            assert [kind.tolist() for kind in question.kinds] == [kind.tolist() for kind in again]
