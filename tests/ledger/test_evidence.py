"""Evidence: each kind proves what it says, to whoever trusts the log's key, and nothing else passes for it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from armslength.ledger import (
    BrokenRule,
    Claim,
    Evidence,
    Fork,
    NotReadable,
    OtherHistory,
    Proof,
    Record,
    Rollback,
    Rule,
    Run,
    conflict,
    format_evidence,
    make_run,
    other_history,
    parse_entry,
    parse_evidence,
    run_root,
    verify_evidence,
)
from armslength.tlog import (
    Checkpoint,
    Malformed,
    Note,
    Policy,
    SigningKey,
    TlogError,
    Unverified,
    consistency_proof,
    leaf_hash,
    tree_root,
)
from tests.ledger.histories import history
from tests.tlog import trees
from tests.tlog.signers import LOG, LOG_NEXT, LOG_PQ, NOW, ORIGIN, OTHER_LOG, W1, signed

SCHEMA = Path(__file__).parents[2] / "docs/formats/evidence.schema.json"
POLICY = Policy.parse(
    f"log {LOG.verifier.text}\nlog {LOG_PQ.verifier.text}\nwitness w1 {W1.verifier.text}\nquorum w1\n"
)
HONEST = history([[0, 1, 2], [0, 0], [1], [2, 2, 2], [0]])
OTHER = [*HONEST[:2], *history([[2, 1, 0]] * 4, name="other")[2:]]


def note(leaves: Sequence[bytes], *, keys: Sequence[SigningKey] = (LOG, LOG_PQ), time: int = NOW) -> Note:
    head = Checkpoint(origin=ORIGIN, size=len(leaves), root=tree_root(map(leaf_hash, leaves)))
    return signed(head, keys, timestamp=time)


def node(leaves: Sequence[bytes]) -> Callable[[int, int], bytes]:
    return trees.nodes([leaf_hash(leaf) for leaf in leaves])


def runs(leaves: Sequence[bytes], *parts: tuple[int, int]) -> tuple[Run, ...]:
    return tuple(
        make_run(first, leaves[first:until], size=len(leaves), node=node(leaves)) for first, until in parts
    )


def broken(leaves: Sequence[bytes], index: int, rule: Rule, since: int, *parts: tuple[int, int]) -> BrokenRule:
    """Evidence about entries, with the runs of these parts of the log."""
    return BrokenRule(
        note=note(leaves),
        claim=Claim(index=index, rule=rule, since=since),
        runs=runs(leaves, *(parts or ((since, index + 1),))),
    )


def history_evidence() -> OtherHistory:
    found = other_history(note(HONEST[:7]), note(OTHER), node(OTHER))
    assert found is not None
    return found


DROPPED = [*HONEST[:5], *HONEST[6:]]
EVIDENCE: dict[str, Evidence] = {
    "fork": Fork(first=note(HONEST[:9]), second=note(OTHER[:9])),
    "history": history_evidence(),
    "rollback": Rollback(larger=note(HONEST), smaller=note(HONEST[:5], time=NOW + 1)),
    "form": broken([*HONEST[:4], b"\xff{}", *HONEST[4:]], 4, Rule.FORM, 4),
    "gap": broken(DROPPED, 12, Rule.CHAIN, 4),
    "map": broken([*HONEST[:3], HONEST[3].replace(b'"customers":3', b'"customers":2')], 3, Rule.MAP, 0),
}


def said(evidence: Evidence, policy: Policy = POLICY) -> Proof:
    """What a stranger finds in the file."""
    return verify_evidence(parse_evidence(format_evidence(evidence)), policy)


@pytest.mark.parametrize("name", EVIDENCE)
def test_each_kind_proves_what_it_says(name: str) -> None:
    """An auditor with the truth in hand could convince nobody."""
    proof = said(EVIDENCE[name])
    assert (proof.origin, proof.lacks) == (ORIGIN, None)
    assert proof.words


@pytest.mark.parametrize("name", EVIDENCE)
def test_what_is_read_is_what_was_written(name: str) -> None:
    """A file that is kept for years must still be the same evidence."""
    data = format_evidence(EVIDENCE[name])
    assert parse_evidence(data) == EVIDENCE[name]
    assert format_evidence(parse_evidence(data)) == data


@pytest.mark.parametrize("name", EVIDENCE)
def test_no_file_proves_anything_to_who_does_not_trust_the_key(name: str) -> None:
    """Anybody can sign as anybody with a key of their own."""
    policy = Policy.parse(f"log {LOG_NEXT.verifier.text}\nquorum none\n")
    with pytest.raises(Unverified):
        said(EVIDENCE[name], policy)


@pytest.mark.parametrize("name", EVIDENCE)
def test_the_schema_takes_what_is_written(name: str) -> None:
    """Other people's programs go by the schema."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(format_evidence(EVIDENCE[name])))


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    """One of the two would call a file evidence that the other does not."""
    validator = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    for name, evidence in EVIDENCE.items():
        whole = json.loads(format_evidence(evidence))
        variants: list[dict[str, Any]] = [{**whole, "note": "x"}, {**whole, "format": "armslength.evidence/v2"}]
        variants += [{key: value for key, value in whole.items() if key != gone} for gone in whole]
        variants += [{**whole, key: None} for key in whole]
        for variant in variants:
            assert not validator.is_valid(variant), (name, variant)
            with pytest.raises(NotReadable):
                parse_evidence(json.dumps(variant).encode())


# Two notes


def test_two_checkpoints_that_agree_are_no_evidence() -> None:
    """An honest log would be accused."""
    for evidence in (
        Fork(first=note(HONEST), second=note(HONEST, time=NOW + 9)),
        Fork(first=note(HONEST), second=note(HONEST[:5])),
        Rollback(larger=note(HONEST, time=NOW + 9), smaller=note(HONEST[:5])),
        Rollback(larger=note(HONEST), smaller=note(HONEST[:5])),
        Rollback(larger=note(HONEST[:5]), smaller=note(HONEST, time=NOW + 9)),
        Rollback(larger=note(HONEST, keys=[LOG]), smaller=note(HONEST[:5], keys=[LOG])),
    ):
        with pytest.raises(Unverified):
            said(evidence)


def test_checkpoints_of_two_logs_do_not_contradict() -> None:
    """Two firms' logs differ, as they should."""
    policy = Policy.parse(f"log {LOG.verifier.text}\nlog {OTHER_LOG.verifier.text}\nquorum none\n")
    other = Checkpoint(origin=OTHER_LOG.name, size=9, root=tree_root(map(leaf_hash, OTHER[:9])))
    with pytest.raises(Unverified, match="two logs may differ"):
        said(Fork(first=note(HONEST[:9], keys=[LOG]), second=signed(other, [OTHER_LOG])), policy)


def test_a_witness_that_contradicts_itself_is_named() -> None:
    """The log would be blamed for its witness."""
    large, small = note(HONEST, keys=[LOG, W1]), note(HONEST[:5], keys=[LOG, W1], time=NOW + 1)
    (words,) = said(Rollback(larger=large, smaller=small)).words
    assert words.startswith('the witness "w1" signed')


def test_conflict_finds_what_verifies_and_nothing_else() -> None:
    """A monitor must find each pair that is proof, and cry at no other."""
    notes = [note(leaves[:size], time=NOW + size) for leaves in (HONEST, OTHER) for size in (1, 5, 9)]
    notes += [note(HONEST[:5], time=NOW + 100), note(HONEST[:9], keys=[LOG])]
    for one in notes:
        for other in notes:
            found = conflict(one, other, POLICY)
            if found is not None:
                assert said(found).lacks is None
            first, second = Checkpoint.parse(one.text), Checkpoint.parse(other.text)
            assert isinstance(found, Fork) == (first.size == second.size and first.root != second.root)


# Two sizes


@given(st.integers(1, 16), st.integers(1, 16), st.integers(0, 15))
def test_another_history_is_proven_at_every_size(small: int, large: int, changed: int) -> None:
    """A fork is found wherever it begins, and nowhere else."""
    small, large = sorted((small, large))
    leaves = [leaf if index != changed else b"other" for index, leaf in enumerate(HONEST)]
    first, second = note(HONEST[:small], keys=[LOG]), note(leaves[:large], keys=[LOG])
    found = other_history(first, second, node(leaves[:large]))
    assert (found is not None) == (changed < small)
    if found is not None and small < large:
        assert said(found).lacks is None


def test_a_consistency_proof_of_an_honest_log_is_no_evidence() -> None:
    """The proof that a log is honest must not be read the other way."""
    first, second = note(HONEST[:7]), note(HONEST)
    proof = consistency_proof(7, len(HONEST), node(HONEST))
    root = Checkpoint.parse(first.text).root
    with pytest.raises(Unverified, match="agree"):
        said(OtherHistory(first=first, second=second, root=root, proof=proof))
    with pytest.raises(Unverified):
        said(OtherHistory(first=first, second=second, root=bytes(32), proof=proof))
    with pytest.raises(Unverified):
        said(OtherHistory(first=second, second=first, root=bytes(32), proof=proof))


def test_an_empty_tree_with_another_root_is_another_history() -> None:
    """Every log begins with the same nothing."""
    empty = signed(Checkpoint(origin=ORIGIN, size=0, root=bytes(32)), [LOG, LOG_PQ])
    found = other_history(empty, note(HONEST), node(HONEST))
    assert found is not None and said(found).lacks is None
    with pytest.raises(Unverified):
        said(replace(found, root=bytes([1] * 32)))
    assert other_history(note(()), note(HONEST), node(HONEST)) is None


def test_nodes_of_another_tree_prove_nothing() -> None:
    """A server could make a monitor accuse a log by serving it wrong tiles."""
    with pytest.raises(Unverified):
        other_history(note(HONEST[:7]), note(HONEST), node([*HONEST[:3], b"x", *HONEST[4:]]))


# Entries


@given(st.data())
def test_a_run_has_the_root_of_its_log_and_no_other_run_has(data: st.DataObject) -> None:
    """Entries could be shown that the log does not have, or not there."""
    size = data.draw(st.integers(1, 70))
    leaves = [index.to_bytes(4, "big") for index in range(size)]
    first = data.draw(st.integers(0, size - 1))
    until = data.draw(st.integers(first + 1, size))
    (run,) = runs(leaves, (first, until))
    root = trees.mth([leaf_hash(leaf) for leaf in leaves])
    assert run_root(run, size) == root
    wrong = [replace(run, entries=(*run.entries[:-1], b"x"))]
    wrong += [replace(run, entries=run.entries[1:]), replace(run, entries=(*run.entries, b"x"))]
    wrong += [replace(run, first=run.first + 1), replace(run, first=run.first - 1)]
    wrong += [replace(run, before=(*run.before, bytes(32))), replace(run, after=(*run.after, bytes(32)))]
    wrong += [replace(run, before=run.before[:-1])] if run.before else []
    wrong += [replace(run, after=(bytes(31), *run.after[1:]))] if run.after else []
    for each in wrong:
        try:
            assert run_root(each, size) != root
        except Unverified:
            pass


def test_an_honest_log_breaks_no_rule_whatever_is_shown_of_it() -> None:
    """No choice of entries may make an honest log look broken."""
    size = len(HONEST)
    for first in range(size):
        for until in range(first + 1, size + 1):
            for rule in Rule:
                with pytest.raises(Unverified):
                    said(broken(HONEST, until - 1, rule, first, (first, until)))
                if first:
                    ends = broken(HONEST, until - 1, rule, until - 1, (0, 1), (until - 1, until))
                    if until - 1 > 0:
                        with pytest.raises(Unverified):
                            said(ends)


@pytest.mark.parametrize(
    ("rule", "index", "change"),
    [
        (Rule.CHAIN, 5, lambda record: replace(record, sequence=9)),
        (Rule.CHAIN, 5, lambda record: replace(record, previous=bytes([7] * 32))),
        (Rule.CHAIN, 5, lambda record: replace(record, sequence=0)),
        (Rule.TIME, 5, lambda record: replace(record, time=record.time - 600)),
    ],
)
def test_a_broken_record_is_proven_by_the_entries_that_show_it(
    rule: Rule, index: int, change: Callable[[Record], Record]
) -> None:
    """A rule that only a reader of the whole log can enforce is enforced by few."""
    entry = parse_entry(HONEST[index])
    assert isinstance(entry, Record)
    leaves = [*HONEST[:index], change(entry).leaf(), *HONEST[index + 1 :]]
    assert said(broken(leaves, index, rule, index - 1)).lacks is None


def test_evidence_that_is_too_long_says_what_it_lacks() -> None:
    """A court would take a claim for a proof, or a proof for nothing."""
    wrong = [*HONEST[:3], HONEST[3].replace(b'"customers":3', b'"customers":2')]
    proof = said(broken(wrong, 3, Rule.MAP, 0, (3, 4)))
    assert proof.lacks is not None and "from 0 to 3" in proof.lacks
    assert "breaks" not in " ".join(proof.words)


def test_a_claim_must_be_about_an_entry_that_is_shown() -> None:
    """A file could accuse one entry and prove another."""
    evidence = EVIDENCE["form"]
    assert isinstance(evidence, BrokenRule)
    for claim in (
        Claim(index=3, rule=Rule.FORM, since=3),
        Claim(index=4, rule=Rule.TIME, since=4),
        Claim(index=4, rule=Rule.MAP, since=4),
    ):
        with pytest.raises(Unverified):
            said(replace(evidence, claim=claim))


# Hostile files


@pytest.mark.parametrize("name", EVIDENCE)
@given(data=st.data())
def test_a_file_that_was_touched_proves_nothing_else(name: str, data: st.DataObject) -> None:
    """A forger starts from true evidence."""
    raw = bytearray(format_evidence(EVIDENCE[name]))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        proof = verify_evidence(parse_evidence(bytes(raw)), POLICY)
    except (NotReadable, TlogError):
        return
    # Blank space, or signatures that nobody needs: the words are the same.
    before = said(EVIDENCE[name])
    assert (proof.origin, proof.words[0]) == (before.origin, before.words[0])


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_garbage_is_refused(data: bytes) -> None:
    """Evidence comes from strangers."""
    with pytest.raises(NotReadable):
        parse_evidence(data)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("name", EVIDENCE)
@given(data=st.data())
def test_any_value_in_any_place_is_refused_and_not_a_crash(name: str, data: st.DataObject) -> None:
    """A file made to stop the verifier would be as good as no evidence."""
    whole = json.loads(format_evidence(EVIDENCE[name]))
    key = data.draw(st.sampled_from(sorted(whole)))
    whole[key] = data.draw(_VALUES)
    try:
        verify_evidence(parse_evidence(json.dumps(whole).encode()), POLICY)
    except (NotReadable, Unverified, Malformed):
        pass


def test_the_entries_of_a_file_have_one_spelling() -> None:
    """Two files for one entry would have two hashes."""
    text = format_evidence(EVIDENCE["form"]).decode()
    spelled = '"_3t9"'
    assert spelled in text
    for other in ('"_3t9="', '"/3t9"', '"_3t9A"', '"_3t9 "', '"_3t9\\n"', '"_3v"', '"_3é9"', "3"):
        with pytest.raises(NotReadable):
            parse_evidence(text.replace(spelled, other).encode())


def test_the_example_of_the_page_proves_what_the_page_says() -> None:
    """Whoever writes a verifier of their own begins with it."""
    page = SCHEMA.with_name("evidence.md").read_text("utf-8")
    (text,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (line,) = re.findall(r"`(log log\.example\.com/acts\+\S+)`", page)
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(json.loads(text))
    proof = verify_evidence(parse_evidence(text.encode()), Policy.parse(f"{line}\nquorum none\n"))
    assert proof.words[0] == 'the log "log.example.com/acts" signed two different trees of 4 entries'


def test_the_page_names_every_key_and_rule() -> None:
    """A reader would meet a key that no page tells of."""
    page = SCHEMA.with_name("evidence.md").read_text("utf-8")
    keys = {key for evidence in EVIDENCE.values() for key in _keys(json.loads(format_evidence(evidence)))}
    for word in keys | set(Rule):
        assert f"`{word}`" in page, word


def _keys(part: object) -> set[str]:
    match part:
        case dict():
            return {*part, *(key for value in part.values() for key in _keys(value))}
        case list():
            return {key for value in part for key in _keys(value)}
    return set()
