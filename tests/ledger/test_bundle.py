"""Bundles as bytes: what is written is read back, what else there is is refused, and the bytes stay what they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from armslength.ledger import (
    Bundle,
    CheckName,
    Disclosed,
    Erased,
    MapClaim,
    NotReadable,
    Opened,
    Withheld,
    build_bundle,
    format_saved,
    open_record,
    parse_bundle,
    parse_saved,
    verify_bundle,
)
from armslength.tlog import Edge, Malformed, Policy, edge_at
from tests.docs.documents import ROOT
from tests.docs.documents import document as page
from tests.ledger.ledgers import ADA, BEN, CYD, NOW, POLICY, community, policy_text, written
from tests.ledger.tamperings import cases, saved_of

GOLDEN = Path(__file__).parent / "golden"
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs/formats/bundle.schema.json").read_text("utf-8"))


def honest(**changes: Any) -> bytes:
    return json.dumps({**json.loads(written(community().bundle(ADA))), **changes}).encode()


def golden() -> dict[str, bytes]:
    """The files of `golden/` that other implementations are held to."""
    ledger = community()
    return {
        "ada.bundle.json": written(ledger.bundle(ADA, withhold=("approvers",), earlier=(5,))),
        "ada.whole.bundle.json": written(ledger.bundle(ADA, full=True)),
        "cyd.bundle.json": written(ledger.bundle(CYD)),
        "ada.saved.json": format_saved(saved_of(ledger, ADA, 5)).encode(),
        "policy.txt": policy_text().encode(),
    }


@pytest.mark.parametrize("name", sorted(golden()))
def test_the_golden_files_are_what_is_written(name: str) -> None:
    """Bundles that customers hold would no longer verify, or be made in another form than they were promised."""
    if os.environ.get("REWRITE"):
        (GOLDEN / name).write_bytes(golden()[name])
    assert (GOLDEN / name).read_bytes() == golden()[name]


@pytest.mark.parametrize("name", ["ada", "ada.whole", "cyd"])
def test_the_golden_bundles_verify(name: str) -> None:
    """As above, for the verifier."""
    policy = Policy.parse((GOLDEN / "policy.txt").read_bytes())
    saved = parse_saved((GOLDEN / "ada.saved.json").read_bytes()) if name != "cyd" else None
    bundle = parse_bundle((GOLDEN / f"{name}.bundle.json").read_bytes())
    assert verify_bundle(bundle, policy=policy, saved=saved, now=NOW).holds


@pytest.mark.parametrize("customer", [ADA, BEN, CYD])
@pytest.mark.parametrize("full", [False, True])
def test_what_is_written_is_read_back(customer: bytes, full: bool) -> None:
    """What was put into a bundle and what a customer reads in it would differ."""
    bundle = community().bundle(customer, full=full, withhold=("reason",), earlier=(1, 4))
    assert parse_bundle(written(bundle)) == bundle


def test_layout_means_nothing() -> None:
    """A bundle that went through somebody's formatter is still that bundle."""
    bundle = community().bundle(ADA)
    document = json.loads(written(bundle))
    assert parse_bundle(json.dumps(document, indent=4, sort_keys=True).encode()) == bundle
    del document["consistency"]
    assert parse_bundle(json.dumps(document, ensure_ascii=True).encode()) == bundle


def test_every_problem_is_told_at_once() -> None:
    """Whoever mends a bundle would else be sent round once for each of them."""
    with pytest.raises(NotReadable) as refused:
        parse_bundle(
            honest(
                format="x",
                origin=3,
                customer="short",
                checkpoint="no note",
                map={"index": -1, "proof": {"steps": [[300, "x"], 4], "leaf": {"customer": "x", "size": 0, "root": 1}}},
                before=["x", 3],
                tail=[1],
                leaves="none",
                opened=[4, {"sequence": 1.5, "fields": []}, {"sequence": 1, "fields": [["a"], 1]}],
                consistency=[{"from": 0, "proof": []}, {"from": 1}],
            )
        )
    told = {problem.partition(":")[0] for problem in refused.value.problems}
    assert told == {
        "format",
        "origin",
        "customer",
        "checkpoint",
        "map.index",
        "map.proof.steps[0][0]",
        "map.proof.steps[0][1]",
        "map.proof.steps[1]",
        "map.proof.leaf.customer",
        "map.proof.leaf.size",
        "map.proof.leaf.root",
        "before[0]",
        "before[1]",
        "tail[0]",
        "leaves",
        "opened[0]",
        "opened[1].sequence",
        "opened[2].fields[0]",
        "consistency[0].from",
        "consistency[1]",
    }


def test_problems_without_number_are_counted() -> None:
    """A list of a million lines tells nobody anything."""
    with pytest.raises(NotReadable) as refused:
        parse_bundle(honest(before=["x"] * 1000))
    assert len(refused.value.problems) == 51
    assert refused.value.problems[-1] == "and 950 problems more"


@pytest.mark.parametrize("value", [[], None, 3, "text", [[]], True])
def test_another_sort_of_json_is_no_bundle(value: Any) -> None:
    """A verifier that ends in a traceback is one that was never run on this."""
    with pytest.raises(NotReadable):
        parse_bundle(json.dumps(value).encode())
    with pytest.raises(NotReadable):
        parse_saved(json.dumps(value).encode())


@pytest.mark.parametrize("key", sorted(SCHEMA["properties"]))
@pytest.mark.parametrize("value", [None, 3, True, "x", {}, [{}], [[]], {"x": 1}, [None, 1], -(10**30), 1e300])
def test_no_key_takes_just_anything(key: str, value: Any) -> None:
    """As above, for each key."""
    if (key, value) in (("map", None), ("origin", "x")):
        return
    with pytest.raises(NotReadable):
        parse_bundle(honest(**{key: value}))


def test_a_number_has_one_meaning_however_it_is_spelled() -> None:
    """The page in a browser knows only one sort of number, and must read the same bundle."""
    document = json.loads(written(community().bundle(ADA)))
    document["map"]["index"] = 10.0
    assert parse_bundle(json.dumps(document).encode()) == community().bundle(ADA)


@pytest.mark.parametrize("change", ["origin", "checkpoint", "records", "root", "customer", "format"])
def test_a_saved_file_is_read_as_strictly(change: str) -> None:
    """A customer who edits it by accident must hear of it rather than be told that records vanished."""
    text = format_saved(saved_of(community(), ADA))
    assert format_saved(parse_saved(text.encode())) == text
    document = json.loads(text)
    for value in (None, "", 1.5, -1, [], "x"):
        if (change, value) in (("origin", ""), ("origin", "x")):
            continue
        with pytest.raises(NotReadable):
            parse_saved(json.dumps({**document, change: value}).encode())
    del document[change]
    with pytest.raises(NotReadable):
        parse_saved(json.dumps(document).encode())


# putting one together


def test_parts_that_do_not_belong_together_make_no_bundle() -> None:
    """A service that hands out a bundle which cannot verify accuses itself."""
    ledger = community()
    good = ledger.bundle(ADA)
    assert good.map is not None
    parts: dict[str, Any] = {
        "origin": good.origin,
        "customer": ADA,
        "note": good.note,
        "map": good.map,
        "before": edge_at(10, ledger.node),
        "tail": good.tail,
        "leaves": good.leaves,
        "opened": good.opened,
    }
    assert build_bundle(**parts) == good
    for wrong in (
        {"before": Edge.empty()},
        {"tail": good.tail[:-1]},
        {"leaves": good.leaves[:-1]},
        {"customer": CYD},
        {"map": None},
        {"map": MapClaim(index=9, proof=good.map.proof)},
        {"opened": [*good.opened, good.opened[0]]},
    ):
        with pytest.raises(Malformed):
            build_bundle(**{**parts, **wrong})


def test_openings_are_sorted_by_their_record() -> None:
    """The order that a store gives them in is its own."""
    good = community().bundle(ADA)
    assert community().bundle(ADA, opened=tuple(reversed(good.opened))) == good


def test_a_record_is_opened_withheld_and_erased_field_by_field() -> None:
    """A field that was to stay closed would be told, or one that was erased be passed off as withheld."""
    ledger = community()
    opened = {each.sequence: each for each in ledger.opened(ADA, withhold=("reason", "requester"))}
    kinds = {field.label: type(field) for field in opened[1].fields}
    assert kinds == {
        "action": Disclosed,
        "approvers": Disclosed,
        "asset": Disclosed,
        "reason": Withheld,
        "requester": Erased,
        "seconds": Disclosed,
    }
    assert {type(field) for field in opened[0].fields} == {Disclosed, Withheld}


def test_an_opening_without_its_value_is_no_part_of_a_bundle() -> None:
    """The customer would read that nothing stood there."""
    each = community().owned[ADA][0]
    with pytest.raises(Malformed, match='record 0: the field "approvers"'):
        open_record(0, each.sealed.fields, {"action": "read"})


# the documents


def bundles() -> list[Bundle]:
    ledger = community()
    return [ledger.bundle(ADA, withhold=("reason",), earlier=(3,)), ledger.bundle(CYD), ledger.bundle(ADA, full=True)]


@pytest.mark.parametrize("bundle", bundles(), ids=["one", "nobody's", "whole"])
def test_the_schema_takes_what_is_written(bundle: Bundle) -> None:
    """Whoever reads bundles by the schema would refuse ours."""
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(written(bundle)))


def test_the_schema_takes_nothing_that_is_refused_for_its_form() -> None:
    """And the other way about: half of a bundle would be taken for one."""
    validator = Draft202012Validator(SCHEMA)
    document = json.loads(written(community().bundle(ADA)))
    for key in SCHEMA["required"]:
        assert not validator.is_valid({name: value for name, value in document.items() if name != key})
    assert not validator.is_valid({**document, "note": 1})
    for name, make in cases():
        if name in ("a_key_missing", "another_version", "a_huge_sequence_number", "a_label_that_is_none"):
            assert not validator.is_valid(json.loads(make().bundle)), name
        elif name == "a_hash_with_padding":
            assert not validator.is_valid(json.loads(make().bundle))


def test_the_page_explains_every_key_and_every_check() -> None:
    """A reader would meet a word that no page tells of."""
    text = page("docs/formats/bundle.md").text
    keys = set(SCHEMA["properties"]) | {
        "index",
        "proof",
        "steps",
        "leaf",
        "customer",
        "size",
        "root",
        "sequence",
        "fields",
    }
    keys |= {"withheld", "erased", "from", "records"}
    assert [key for key in sorted(keys) if f"`{key}`" not in text and f'"{key}"' not in text] == []
    assert [name for name in CheckName if f"| `{name}` |" not in text] == []


def test_the_example_of_the_page_is_taken_from_a_golden_bundle() -> None:
    """The page would show hashes that nothing has."""
    (block,) = [block for block in page("docs/formats/bundle.md").blocks if block.language == "json"]
    example = json.loads(block.text)
    whole = json.loads((GOLDEN / "ada.bundle.json").read_text("utf-8"))
    assert {"origin", "customer", "map", "before", "consistency"} <= example.keys() == whole.keys()
    for key in ("format", "origin", "customer", "map", "before", "consistency"):
        assert example[key] == whole[key]
    assert example["opened"] == [whole["opened"][1]]
    assert (len(example["tail"]), len(example["leaves"])) == (len(whole["tail"]), len(whole["leaves"]))


def test_the_opened_of_nothing_is_nothing() -> None:
    """A record without fields has a commitment too."""
    assert open_record(3, (), {}) == Opened(3, ())
    assert verify_bundle(community().bundle(CYD), policy=POLICY, now=NOW).holds
