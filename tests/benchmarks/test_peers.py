"""The peers that the engine is measured against find the same lengths as the brute-force reading and as the engine."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Estate, Kind, Place, Ref, Terms, parse
from armslength.reach import Question, reach
from armslength.store import read
from benchmarks.contest import answers
from benchmarks.firm import DAY
from benchmarks.generator import Size, generate, write
from benchmarks.peers.components import components
from benchmarks.peers.cpsat import Model, Powers
from benchmarks.peers.quorum import Seats
from benchmarks.peers.reading import Pair, Reading
from benchmarks.peers.worklist import Worklist, search
from tests.oracle import AT, random_case
from tests.oracle import lengths as by_definition

CAP = 3


def agree(seed: int) -> int:
    """Compare both peers with the definition on one random estate; the number of pairs. Peers read neither policies nor
    unknown groups."""
    case = random_case(seed)
    if case.policy or case.rows("unknown"):
        return 0
    estate = parse(case.files()).estate
    expected = by_definition(case, AT, cap=CAP, gaps=False)
    reading = Reading(estate, AT)
    worklist, powers = Worklist(reading), Powers(reading)
    for state in reading.states:
        pairs = {
            Pair(state=state, action=reading.actions[key[1]], asset=estate.assets.ids.index(key[2]), floor=0): answer
            for key, answer in expected.items()
            if key[0] == estate.states[state]
        }
        found = search(worklist, state, list(pairs), CAP).lengths
        for pair, answer in pairs.items():
            least = None if answer.length is None or answer.length > CAP else answer.length
            modelled = Model(powers, state, CAP).solve(estate.actions[pair.action], pair.asset, 60)
            assert (found[pair], modelled.length, modelled.proved) == (least, least, True), (seed, pair)
    covered = {
        (estate.states[p.state], estate.actions[p.action], estate.assets.ids[p.asset]): p.floor for p in reading.pairs()
    }
    assert covered == {key: answer.floor for key, answer in expected.items() if answer.floor is not None}
    return len(expected)


def test_both_peers_find_the_lengths_of_the_definition() -> None:
    """Who reads the ratio would compare the engine with something that computes another thing."""
    assert sum(agree(seed) for seed in range(60)) > 300


@pytest.mark.slow
def test_both_peers_find_the_lengths_of_the_definition_on_many_estates() -> None:
    """As above, over more of the definition's corners."""
    assert sum(agree(seed) for seed in range(60, 2_000)) > 10_000


def drawn(folder: Path, people: int, seed: int) -> Estate:
    write(generate(Size.of_people(people), seed, cedar=False), folder)
    return read(str(folder)).estate


def test_the_two_peers_agree_on_a_drawn_estate(tmp_path: Path) -> None:
    """A drawn estate has what the small random ones lack: large groups, desks, vaults that chain."""
    reading = Reading(drawn(tmp_path, 20, 4), DAY)
    worklist, powers, random = Worklist(reading), Powers(reading), Random(1)
    for state in random.sample(reading.states, 2):
        pairs = [pair for pair in reading.pairs() if pair.state == state]
        found = search(worklist, state, pairs, CAP).lengths
        for pair in random.sample(pairs, min(6, len(pairs))):
            answer = Model(powers, state, CAP).solve(reading.estate.actions[pair.action], pair.asset, 60)
            assert answer.proved
            assert answer.length == found[pair]
            reached = worklist.fixpoint(state, answer.accomplices)
            assert reached.can(reading.estate.actions[pair.action], pair.asset) == (answer.length is not None)


def test_a_search_that_runs_out_of_time_says_so_and_claims_nothing_more(tmp_path: Path) -> None:
    """A pair that was not looked at would read as one that nobody can reach."""
    reading = Reading(drawn(tmp_path, 20, 1), DAY)
    state = reading.states[0]
    pairs = [pair for pair in reading.pairs() if pair.state == state]
    found = search(Worklist(reading), state, pairs, CAP, seconds=0)
    assert not found.finished
    assert found.lengths == {}


def matched(estate: Estate, samples: int) -> int:
    """Compare the engine with CP-SAT on so many random pairs; the number on which somebody is needed or enough."""
    reading, random = Reading(estate, DAY), Random(2)
    engine = answers(reach(estate, Question(at=DAY, cap=CAP)))
    pairs, powers = reading.pairs(), Powers(reading)
    assert engine.keys() == {(pair.state, pair.action, pair.asset) for pair in pairs}
    lengths_seen = []
    for pair in random.sample(pairs, min(samples, len(pairs))):
        answer = Model(powers, pair.state, CAP).solve(estate.actions[pair.action], pair.asset, 120)
        assert (answer.length, answer.proved) == (engine[pair.state, pair.action, pair.asset], True), pair
        lengths_seen.append(answer.length)
    return len(set(lengths_seen))


def test_the_engine_equals_cpsat_on_a_drawn_estate(tmp_path: Path) -> None:
    """The benchmark would praise a fast wrong answer."""
    assert matched(drawn(tmp_path, 60, 1), 25) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_the_engine_equals_cpsat_on_larger_drawn_estates(tmp_path: Path, seed: int) -> None:
    """As above, with groups, exposures and units by the dozen."""
    assert matched(drawn(tmp_path, 400, seed), 60) >= 3


@given(st.integers(0, 2**32))
def test_seats_are_filled_exactly_when_some_choice_of_people_fills_them(seed: int) -> None:
    """A quorum that the worklist overlooks would make every length it finds too great."""
    random = Random(seed)
    people = range(random.randint(1, 6))
    exposed = [frozenset(s for s in range(3) if random.random() < 0.4) for _ in people]
    values = [[random.choice(["", "a", "b", "c"]) for _ in people] for _ in range(random.randint(0, 2))]
    circles = [{p for p in people if random.random() < share} for share in (0.5, 0.8, 0.5, 0.5)]
    requesters, approvers, *inside = circles[: random.choice([2, 3, 4])]
    everyone = Ref(kind=Kind.EVERYONE)
    terms = Terms(
        id="r",
        approvals=random.randint(1, 3),
        approvers=everyone,
        apart=random.randint(0, 3),
        distinct=tuple(f"column{number}" for number in range(len(values))),
        places=tuple(Place(of=everyone, count=random.randint(1, 2)) for _ in inside),
    )

    def good(quorum: tuple[int, ...]) -> bool:
        requester, *chosen = quorum
        slots = [circle for circle, place in zip(inside, terms.places, strict=True) for _ in range(place.count)]
        return (
            requester in requesters
            and approvers.issuperset(chosen)
            and all(all(c[p] for p in quorum) and len({c[p] for p in quorum}) == len(quorum) for c in values)
            and all(sum(state not in exposed[p] for p in quorum) >= terms.apart for state in range(4))
            and any(all(p in c for p, c in zip(order, slots, strict=False)) for order in permutations(chosen))
            and len(slots) <= len(chosen)
        )

    expected = any(good(quorum) for quorum in permutations(people, terms.approvals + 1))
    assert Seats(terms, exposed, values, requesters, approvers, inside).filled() == expected


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7))))
def test_components_are_the_nodes_that_reach_each_other(arcs: set[tuple[int, int]]) -> None:
    """A circle that is missed would let facts of the CP-SAT model hold each other up."""
    following = {node: [to for at, to in sorted(arcs) if at == node] for node in range(8)}
    reached = {node: {node} for node in following}
    for _ in following:
        for node, to in arcs:
            reached[node] |= reached[to]
    number = components(following)
    for one, other in product(following, repeat=2):
        assert (number[one] == number[other]) == (other in reached[one] and one in reached[other])
