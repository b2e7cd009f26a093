"""The journal: what is placed, what is replayed and what is adopted agree, and what is not adopted leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.ledger import (
    FIRM,
    Chain,
    Draft,
    Journal,
    Kind,
    MapHead,
    PrefixMap,
    Record,
    check_next,
    parse_entry,
)
from armslength.ledger.journal import Batch
from armslength.tlog import Edge, Malformed, Unverified, leaf_hash, tree_root

START = 1_800_000_000 - 1_800_000_000 % 60
CUSTOMERS = [FIRM, *(bytes([number]) * 32 for number in range(1, 5)), b"\1" * 31 + b"\0"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A batch that is asked for: whose records, a map head after them, at which second, and whether it is stored."""

    customers: tuple[bytes, ...]
    map_head: bool
    now: int
    stored: bool
    settled: bool = False
    """Whether the map is brought up to date while the batch is neither stored nor given up."""


steps = st.lists(
    st.builds(
        Step,
        customers=st.lists(st.sampled_from(CUSTOMERS), max_size=5).map(tuple),
        map_head=st.booleans(),
        now=st.integers(START - 600, START + 600),
        stored=st.booleans(),
        settled=st.booleans(),
    ),
    max_size=14,
)


def empty() -> Journal:
    return Journal(edge=Edge.empty(), chains={})


def drafts(customers: Sequence[bytes], number: int = 0) -> list[Draft]:
    return [
        Draft(
            act=bytes([number % 256]) * 16,
            kind=Kind.USE,
            customer=customer,
            commitment=(number * 100 + place).to_bytes(32, "big"),
        )
        for place, customer in enumerate(customers)
    ]


def taken(journal: Journal, asked: Sequence[Step]) -> list[Batch]:
    """Place each batch, and adopt those that are stored. Gives these."""
    batches = []
    for number, step in enumerate(asked):
        batch = journal.place(drafts(step.customers, number), now=step.now, map_head=step.map_head)
        if step.settled:
            journal.settle(beyond=0)
        if step.stored:
            journal.adopt(batch)
            batches.append(batch)
    return batches


def leaves(batches: Sequence[Batch]) -> list[bytes]:
    return [leaf for batch in batches for leaf in batch.leaves]


def state(journal: Journal) -> tuple[object, ...]:
    return journal.edge, journal.chains(), journal.mapped, journal.time


def by_the_rules(entries: Sequence[bytes]) -> tuple[object, ...]:
    """The state after these entries, straight from the formats: every map made afresh. Fails where one is wrong."""
    chains: dict[bytes, Chain] = {}
    mapped = time = 0
    for index, leaf in enumerate(entries):
        entry = parse_entry(leaf)
        assert entry.time >= time
        assert entry.time % 60 == 0
        time = entry.time
        if isinstance(entry, Record):
            before = chains.get(entry.customer, Chain.empty())
            chains[entry.customer] = check_next(before, entry, leaf_hash(leaf))
        else:
            made = PrefixMap()
            for handle, chain in chains.items():
                made.set(handle, chain.size, chain.root())
            assert entry == MapHead(size=index, customers=len(chains), root=made.root(), time=time)
            mapped = index
    edge = Edge.empty().extended([leaf_hash(leaf) for leaf in entries])
    assert edge.root() == tree_root([leaf_hash(leaf) for leaf in entries])
    return edge, chains, mapped, time


@given(steps)
def test_what_is_placed_is_right_by_the_rules_whatever_was_never_stored(asked: list[Step]) -> None:
    """A batch that the disk refused would live on in a map head, and every customer's proof would fail from then on."""
    journal = empty()
    batches = taken(journal, asked)
    entries = leaves(batches)
    assert state(journal) == by_the_rules(entries)
    assert [p for batch in batches for p in range(batch.first, batch.size)] == list(range(len(entries)))
    for batch in batches:
        assert batch.hashes == tuple(map(leaf_hash, batch.leaves))
        assert [entries[placed.index] for placed in batch.records] == [p.record.leaf() for p in batch.records]


@given(asked=steps, cuts=st.lists(st.integers(0, 80), max_size=6))
def test_replaying_in_any_pieces_gives_the_state_that_placing_gave(asked: list[Step], cuts: list[int]) -> None:
    """A ledger that starts again would carry on another history than the one it signed."""
    journal = empty()
    entries = leaves(taken(journal, asked))
    again = empty()
    stops = sorted({min(cut, len(entries)) for cut in cuts} | {len(entries)})
    for start, stop in zip([0, *stops], stops, strict=False):
        again.adopt(again.replay(entries[start:stop]))
    assert state(again) == state(journal)


@given(asked=steps, more=steps)
def test_a_journal_taken_up_at_its_newest_map_head_goes_on_as_if_it_never_stopped(
    asked: list[Step], more: list[Step]
) -> None:
    """The store keeps the heads only: what they do not carry over is lost at every start."""
    journal, heads, mapped = empty(), dict[bytes, Chain](), None
    entries: list[bytes] = []
    for number, step in enumerate(asked):
        batch = journal.place(drafts(step.customers, number), now=step.now, map_head=step.map_head)
        if not step.stored:
            continue
        if step.map_head:
            heads |= journal.moved(batch)
            mapped = batch.size - 1
        journal.adopt(batch)
        entries += batch.leaves
    if mapped is None:
        return
    edge = Edge.empty().extended([leaf_hash(leaf) for leaf in entries[: mapped + 1]])
    again = Journal(edge=edge, chains=heads, mapped=mapped, time=parse_entry(entries[mapped]).time)
    again.adopt(again.replay(entries[mapped + 1 :]))
    assert state(again) == state(journal)
    for number, step in enumerate(more):
        ours, theirs = (
            each.place(drafts(step.customers, number), now=step.now, map_head=step.map_head)
            for each in (journal, again)
        )
        assert ours == theirs
        if step.map_head:
            assert journal.moved(ours) == again.moved(theirs)
        if step.stored:
            journal.adopt(ours)
            again.adopt(theirs)


@given(asked=steps)
def test_the_heads_that_a_store_keeps_are_the_chains_of_every_customer_at_the_map_head(asked: list[Step]) -> None:
    """A customer's chain left out of the heads would be made to begin again at the next start."""
    journal, heads, at_head = empty(), dict[bytes, Chain](), dict[bytes, Chain]()
    for number, step in enumerate(asked):
        batch = journal.place(drafts(step.customers, number), now=step.now, map_head=step.map_head)
        if step.stored:
            if step.map_head:
                heads |= journal.moved(batch)
                at_head = journal.chains() | batch.chains
            journal.adopt(batch)
    assert heads == at_head


@given(asked=steps, data=st.data())
def test_replaying_what_was_tampered_with_fails_and_leaves_no_trace(asked: list[Step], data: st.DataObject) -> None:
    """Somebody takes a record out, puts one in, or changes their order: the next start has to notice."""
    asked = [replace(step, stored=True) for step in asked]
    entries = leaves(taken(empty(), asked))
    if len(entries) < 2:
        return
    at = data.draw(st.integers(0, len(entries) - 2))
    match data.draw(st.sampled_from(["drop", "double", "swap"])):
        case "drop":
            wrong = entries[:at] + entries[at + 1 :]
        case "double":
            wrong = [*entries[:at], entries[at], *entries[at:]]
        case _:
            wrong = [*entries[:at], entries[at + 1], entries[at], *entries[at + 2 :]]
    journal = empty()
    try:
        batch = journal.replay(wrong)
    except Unverified as error:
        assert str(error).startswith("entry ")
    else:  # what no rule forbids by itself (the last record of a customer, say) is told by the root that was signed
        assert batch.edge != Edge.empty().extended([leaf_hash(leaf) for leaf in entries])
    assert state(journal) == state(empty())
    journal.adopt(journal.replay(entries))
    assert state(journal) == by_the_rules(entries)


# What a replay refuses


def history() -> tuple[Journal, list[bytes]]:
    """Two customers' records under a map head, and one after it."""
    journal = empty()
    batches = taken(
        journal,
        [
            Step(customers=(CUSTOMERS[1], CUSTOMERS[2]), map_head=True, now=START, stored=True),
            Step(customers=(CUSTOMERS[1],), map_head=False, now=START + 60, stored=True),
        ],
    )
    return journal, leaves(batches)


def next_record(journal: Journal, **changes: object) -> bytes:
    """The leaf that would follow, changed."""
    (placed,) = journal.place(drafts([CUSTOMERS[1]], 7), now=START + 60, map_head=False).records
    return replace(placed.record, **changes).leaf()  # type: ignore[arg-type]


def next_head(journal: Journal, **changes: object) -> bytes:
    (leaf,) = journal.place([], now=START + 60, map_head=True).leaves
    head = parse_entry(leaf)
    assert isinstance(head, MapHead)
    return replace(head, **changes).leaf()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sequence": 3}, "entry 4: the record has the sequence number 3, expected 2"),
        ({"sequence": 1}, "entry 4: the record has the sequence number 1, expected 2"),
        ({"previous": bytes(32)}, "entry 4: record 2 does not follow on the record before it: its previous is another"),
        ({"customer": CUSTOMERS[3]}, "entry 4: the record has the sequence number 2, expected 0"),
        ({"time": START}, "entry 4: its time is before that of the entry before it"),
    ],
)
def test_a_record_out_of_its_chain_or_its_time_is_refused(changes: dict[str, object], said: str) -> None:
    """Records could be left out, or dated back to before somebody asked."""
    journal, _ = history()
    before = state(journal)
    with pytest.raises(Unverified) as refused:
        journal.replay([next_record(journal, **changes)])
    assert str(refused.value) == said
    assert state(journal) == before
    journal.adopt(journal.replay([next_record(journal)]))
    assert journal.size == 5


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"root": bytes(32)}, "entry 4: the map head is not the map of the entries before it"),
        ({"customers": 3}, "entry 4: the map head is not the map of the entries before it"),
        ({"customers": 1}, "entry 4: the map head is not the map of the entries before it"),
        ({"size": 3}, "entry 4: a map head that covers 3 entries, expected 4"),
        ({"size": 5}, "entry 4: a map head that covers 5 entries, expected 4"),
        ({"time": START}, "entry 4: its time is before that of the entry before it"),
    ],
)
def test_a_map_head_that_is_not_the_map_of_what_is_before_it_is_refused(changes: dict[str, object], said: str) -> None:
    """A map that leaves a customer's newest records out is how records would be hidden from them."""
    journal, _ = history()
    before = state(journal)
    with pytest.raises(Unverified) as refused:
        journal.replay([next_head(journal, **changes)])
    assert str(refused.value) == said
    assert state(journal) == before
    journal.adopt(journal.replay([next_head(journal)]))
    assert journal.mapped == 4


def test_a_map_head_of_before_the_newest_record_is_refused() -> None:
    """The map of one record ago has the right form, a true root, and hides the newest record."""
    journal, entries = history()
    early = empty()
    early.adopt(early.replay(entries[:3]))
    old = parse_entry(next_head(early))
    assert isinstance(old, MapHead)
    with pytest.raises(Unverified, match="entry 4: the map head is not the map of the entries before it"):
        journal.replay([next_head(journal, root=old.root)])


@pytest.mark.parametrize("leaf", [b"", b"{}", b"null", b'{"kind":"map"}'])
def test_an_entry_that_is_none_is_refused(leaf: bytes) -> None:
    """Anything could be put into the log between two records."""
    journal, _ = history()
    before = state(journal)
    with pytest.raises(Malformed):
        journal.replay([next_record(journal), leaf])
    assert state(journal) == before


def test_a_batch_is_adopted_only_onto_the_state_it_was_made_for() -> None:
    """Of two batches made from one state the second would overwrite the first."""
    journal, _ = history()
    one, two = (journal.place(drafts([CUSTOMERS[number]]), now=START, map_head=False) for number in (1, 2))
    journal.adopt(one)
    before = state(journal)
    with pytest.raises(ValueError, match="a batch from 4 does not follow on 5 entries"):
        journal.adopt(two)
    assert state(journal) == before


def test_a_batch_that_was_not_adopted_leaves_nothing_in_the_map() -> None:
    """A refused batch's customer would stay in every later map, and each map head would be wrong."""
    journal, entries = history()
    lost = journal.place(drafts([CUSTOMERS[3], CUSTOMERS[1]]), now=START + 60, map_head=True)
    journal.replay(lost.leaves)
    kept = journal.place([], now=START + 60, map_head=True)
    fresh = empty()
    fresh.adopt(fresh.replay(entries))
    assert kept == fresh.place([], now=START + 60, map_head=True)
    head = parse_entry(kept.leaves[0])
    assert isinstance(head, MapHead)
    assert head.customers == 2


def test_of_two_batches_from_one_state_the_one_not_adopted_leaves_nothing_in_the_map() -> None:
    """As above, where both have the same customers."""
    journal, entries = history()
    one, two = (journal.place(drafts([CUSTOMERS[1]], number), now=START + 60, map_head=True) for number in (8, 9))
    journal.adopt(one)
    fresh = empty()
    fresh.adopt(fresh.replay([*entries, *one.leaves]))
    assert one != two
    assert journal.place([], now=START + 60, map_head=True) == fresh.place([], now=START + 60, map_head=True)


@given(steps)
def test_whether_a_map_head_is_due_is_told_truly(asked: list[Step]) -> None:
    """A customer's bundle would carry a tail that never ends, or the log fill with heads that say nothing new."""
    journal = empty()
    kinds = [parse_entry(leaf) for leaf in leaves(taken(journal, asked))]
    newest = max((index for index, entry in enumerate(kinds) if isinstance(entry, MapHead)), default=-1)
    assert journal.unmapped == any(isinstance(entry, Record) for entry in kinds[newest + 1 :])


def test_a_clock_that_steps_back_takes_no_record_with_it() -> None:
    """A record dated before the one before it would be refused by whoever verifies the log."""
    journal, _ = history()
    batch = journal.place(drafts([CUSTOMERS[1]]), now=START - 86_400, map_head=True)
    assert batch.time == START + 60
    assert [parse_entry(leaf).time for leaf in batch.leaves] == [START + 60, START + 60]


def test_times_are_cut_to_the_minute() -> None:
    """To the second, a log by itself would tell when somebody worked."""
    batch = empty().place(drafts([CUSTOMERS[1]]), now=START + 59, map_head=False)
    assert batch.time == batch.records[0].record.time == START
