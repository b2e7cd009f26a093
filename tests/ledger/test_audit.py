"""The audit of a log's content, in whatever pieces it is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.ledger import (
    NO_RECORD,
    Audit,
    AuditState,
    MapHead,
    Problem,
    Record,
    Rule,
    parse_entry,
)
from armslength.tlog import Edge, leaf_hash
from tests.ledger.histories import history

BATCHES = st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=8)
LOG = history([[0, 1], [0, 2, 0], [1, 1], [3], [0]])
"""0, 1, head; 0, 2, 0, head; 1, 1, head; 3, head; 0, head."""


def audited(leaves: Sequence[bytes]) -> list[tuple[int, Rule]]:
    return [(problem.index, problem.rule) for problem in problems(leaves)]


def problems(leaves: Sequence[bytes]) -> tuple[Problem, ...]:
    return Audit(AuditState.empty()).extend(leaves).problems


def record(leaf: bytes) -> Record:
    entry = parse_entry(leaf)
    assert isinstance(entry, Record)
    return entry


def head(leaf: bytes) -> MapHead:
    entry = parse_entry(leaf)
    assert isinstance(entry, MapHead)
    return entry


@given(BATCHES, st.lists(st.integers(1, 9), min_size=60, max_size=60))
def test_an_honest_log_has_no_problem_in_whatever_pieces_it_is_read(batches: list[list[int]], cuts: list[int]) -> None:
    """A monitor that is restarted in between would find what is not there."""
    leaves = history(batches)
    whole = Audit(AuditState.empty())
    assert whole.extend(leaves).problems == ()
    audit, at = Audit(AuditState.empty()), 0
    for cut in cuts:
        assert audit.extend(leaves[at : at + cut]).problems == ()
        audit, at = Audit(audit.state()), at + cut
    assert audit.extend(leaves[at:]).problems == ()
    assert audit.state() == whole.state()
    assert audit.edge == Edge.empty().extended(map(leaf_hash, leaves))


@given(st.data())
def test_pieces_make_no_difference_to_what_is_found(data: st.DataObject) -> None:
    """Whether a record is hidden must not depend on when the monitor looked."""
    leaves = history(data.draw(BATCHES.filter(any)))
    at = data.draw(st.integers(0, len(leaves) - 1))
    match data.draw(st.sampled_from(["drop", "swap", "alter", "double"])):
        case "drop":
            del leaves[at]
        case "swap":
            leaves[at], leaves[0] = leaves[0], leaves[at]
        case "alter":
            leaves[at] = b"{}"
        case _:
            leaves.insert(at, leaves[at])
    cut = data.draw(st.integers(0, len(leaves)))
    first = Audit(AuditState.empty())
    found = first.extend(leaves[:cut]).problems
    second = Audit(first.state())
    assert found + second.extend(leaves[cut:]).problems == problems(leaves)
    whole = Audit(AuditState.empty())
    whole.extend(leaves)
    assert second.state() == whole.state()


def test_saving_what_changed_is_enough() -> None:
    """A store that writes every chain at every step would be slow; one that misses a change would cry later."""
    audit, kept = Audit(AuditState.empty()), AuditState.empty()
    for at in range(0, len(LOG), 2):
        state = audit.extend(LOG[at : at + 2]).state
        kept = replace(state, chains={**kept.chains, **state.chains})
    assert kept == audit.state()


def test_every_dropped_record_shows() -> None:
    """The act that is left out is the one that somebody wants hidden."""
    for index, leaf in enumerate(LOG):
        if isinstance(parse_entry(leaf), Record):
            found = audited(LOG[:index] + LOG[index + 1 :])
            assert found, index
            assert found[0][0] >= index


def test_a_dropped_record_is_one_gap_and_not_one_for_each_after_it() -> None:
    """An auditor who reads a thousand alarms about one act misses the second."""
    leaves = history([[0]] * 8, heads=False)
    assert audited(leaves[:3] + leaves[4:]) == [(3, Rule.CHAIN)]


def test_two_problems_are_two() -> None:
    """The first must not hide the second."""
    leaves = history([[0, 1]] * 6, heads=False)
    assert audited(leaves[:3] + leaves[4:8] + [b"{}"] + leaves[8:]) == [(4, Rule.CHAIN), (7, Rule.FORM)]


@pytest.mark.parametrize(
    ("index", "change", "rule"),
    [
        (3, lambda leaf: b"{" + leaf, Rule.FORM),
        (3, lambda leaf: b"", Rule.FORM),
        (3, lambda leaf: leaf.replace(b'"version":1', b'"version":2'), Rule.FORM),
        (3, lambda leaf: replace(record(leaf), sequence=7).leaf(), Rule.CHAIN),
        (3, lambda leaf: replace(record(leaf), previous=bytes([9] * 32)).leaf(), Rule.CHAIN),
        (4, lambda leaf: replace(record(leaf), previous=bytes([9] * 32)).leaf(), Rule.CHAIN),
        (3, lambda leaf: replace(record(leaf), sequence=0, previous=NO_RECORD).leaf(), Rule.CHAIN),
        (3, lambda leaf: replace(record(leaf), time=record(leaf).time - 120).leaf(), Rule.TIME),
        (6, lambda leaf: replace(head(leaf), root=bytes(32)).leaf(), Rule.MAP),
        (6, lambda leaf: replace(head(leaf), customers=2).leaf(), Rule.MAP),
        (6, lambda leaf: replace(head(leaf), size=5).leaf(), Rule.MAP),
        (6, lambda leaf: replace(head(leaf), time=head(leaf).time - 120).leaf(), Rule.TIME),
    ],
)
def test_each_rule_is_kept_watch_over(index: int, change: Callable[[bytes], bytes], rule: Rule) -> None:
    """What no monitor checks an operator may do."""
    leaves = [*LOG]
    leaves[index] = change(leaves[index])
    assert (index, rule) == audited(leaves)[0]


def test_a_map_head_that_leaves_a_customer_out_is_wrong() -> None:
    """The map's proof would tell that customer that nothing was ever done to them."""
    without = history([[0, 1], [0, 0], [1, 1]])
    leaves = [*LOG[:6], replace(head(without[5]), size=6, customers=2).leaf(), *LOG[7:]]
    assert (6, Rule.MAP) in audited(leaves)


def test_every_problem_of_one_entry_is_told() -> None:
    """Mending the first would only show the next."""
    leaves = [*LOG]
    leaves[6] = replace(head(leaves[6]), size=5, root=bytes(32), time=head(leaves[6]).time - 600).leaf()
    assert audited(leaves)[:3] == [(6, Rule.TIME), (6, Rule.MAP), (6, Rule.MAP)]


def test_after_a_time_that_ran_ahead_the_next_is_one_problem() -> None:
    """One forged date would otherwise make every later entry suspect."""
    leaves = history([[0], [1], [2], [3]], heads=False)
    leaves[1] = replace(record(leaves[1]), time=record(leaves[1]).time + 6000).leaf()
    assert audited(leaves) == [(2, Rule.TIME)]
