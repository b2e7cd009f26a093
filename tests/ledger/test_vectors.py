"""The golden files and the worked examples of docs/formats: bytes that others agree with, and that may not change."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from armslength.ledger import (
    ErasedField,
    Everything,
    Kind,
    MapHead,
    MapLeaf,
    MapProof,
    PrefixMap,
    Record,
    Records,
    check_fields,
    commit,
    format_openings,
    format_scope,
    parse_canonical,
    parse_entry,
    parse_openings,
    parse_scope,
    reseal,
    seal,
    unseal,
    verify_map,
)
from armslength.tlog import Malformed, Unverified, leaf_hash, tree_root
from tests.docs.documents import document
from tests.ledger.trie import inner_hash
from tests.ledger.trie import leaf_hash as trie_leaf
from tests.ledger.values import counted

GOLDEN = Path(__file__).resolve().parent / "golden"
RECORDS: dict[str, Any] = json.loads((GOLDEN / "record.json").read_text("utf-8"))
COMMITMENTS: dict[str, Any] = json.loads((GOLDEN / "commitment.json").read_text("utf-8"))
MAPS: dict[str, Any] = json.loads((GOLDEN / "map.json").read_text("utf-8"))


def _bytes(hexadecimal: str) -> bytes:
    return bytes.fromhex(hexadecimal)


def _proof(given: dict[str, Any]) -> MapProof:
    leaf = given["leaf"]
    return MapProof(
        steps=tuple((bit, _bytes(sibling)) for bit, sibling in given["steps"]),
        leaf=leaf and MapLeaf(handle=_bytes(leaf["handle"]), size=leaf["size"], root=_bytes(leaf["root"])),
    )


def _map(leaves: list[dict[str, Any]]) -> PrefixMap:
    made = PrefixMap()
    for leaf in leaves:
        made.set(_bytes(leaf["handle"]), leaf["size"], _bytes(leaf["root"]))
    return made


def _blocks(name: str, language: str) -> list[str]:
    return [block.text.removesuffix("\n") for block in document(name).blocks if block.language == language]


def _table(name: str) -> dict[str, bytes]:
    """The rows `what | bytes` of a document."""
    rows = re.findall(r"^\| ([^|]+) \| `([0-9a-f]+)` \|$", document(name).text, re.MULTILINE)
    return {what: _bytes(hexadecimal) for what, hexadecimal in rows}


@pytest.mark.parametrize("vector", RECORDS["records"], ids=lambda vector: f"{vector['kind']}-{vector['sequence']}")
def test_a_record_has_the_golden_leaf(vector: dict[str, Any]) -> None:
    """Leaves in logs that exist would no longer be read, or no longer have their hashes."""
    record = Record(
        kind=Kind(vector["kind"]),
        customer=_bytes(vector["customer"]),
        sequence=vector["sequence"],
        previous=_bytes(vector["previous"]),
        time=vector["time"],
        commitment=_bytes(vector["commitment"]),
        act=_bytes(vector["act"]),
    )
    leaf = vector["leaf"].encode()
    assert record.leaf() == leaf
    assert parse_entry(leaf) == record
    assert leaf_hash(leaf) == _bytes(vector["leaf_hash"])


@pytest.mark.parametrize("vector", RECORDS["map_heads"], ids=lambda vector: str(vector["size"]))
def test_a_map_head_has_the_golden_leaf(vector: dict[str, Any]) -> None:
    """As above."""
    head = MapHead(size=vector["size"], customers=vector["customers"], root=_bytes(vector["root"]), time=vector["time"])
    leaf = vector["leaf"].encode()
    assert head.leaf() == leaf
    assert parse_entry(leaf) == head
    assert leaf_hash(leaf) == _bytes(vector["leaf_hash"])


@pytest.mark.parametrize("vector", RECORDS["refused"], ids=lambda vector: vector["why"])
def test_another_spelling_of_an_entry_is_refused(vector: dict[str, Any]) -> None:
    """One act would have two leaf hashes: one to show to the customer, one to the auditor."""
    with pytest.raises(Malformed):
        parse_entry(vector["leaf"].encode())


@pytest.mark.parametrize("vector", COMMITMENTS["sealed"], ids=lambda vector: vector["payload"])
def test_fields_are_sealed_into_the_golden_bytes(vector: dict[str, Any]) -> None:
    """What is in stores and key stores that exist would no longer open."""
    values = {field["label"]: field["value"] for field in vector["fields"]}
    key = _bytes(vector["customer_key"])
    sealed = seal(values, key, counted())
    assert sealed.commitment == _bytes(vector["commitment"])
    assert sealed.box == _bytes(vector["box"])
    assert sealed.wrapped == _bytes(vector["wrapped"])
    assert sealed.openings == {field["label"]: _bytes(field["opening"]) for field in vector["fields"]}
    assert format_openings(sealed.fields) == _bytes(vector["openings"])
    assert parse_openings(_bytes(vector["openings"])) == sealed.fields
    opened = unseal(key=key, wrapped=sealed.wrapped, box=sealed.box, commitment=sealed.commitment)
    assert opened == values
    check_fields(commitment=sealed.commitment, fields=sealed.fields, values=opened)
    for field in vector["fields"]:
        commitment = commit(_bytes(field["opening"]), field["label"], field["canonical"].encode())
        assert commitment == _bytes(field["commitment"])


@pytest.mark.parametrize("vector", COMMITMENTS["sealed"][:2], ids=lambda vector: vector["payload"])
def test_an_erased_field_leaves_the_golden_openings(vector: dict[str, Any]) -> None:
    """As above, after an erasure."""
    first = vector["fields"][0]
    left = reseal(
        without=[first["label"]],
        key=_bytes(vector["customer_key"]),
        wrapped=_bytes(vector["wrapped"]),
        box=_bytes(vector["box"]),
        commitment=_bytes(vector["commitment"]),
        fields=parse_openings(_bytes(vector["openings"])),
        chance=counted(100),
    )
    assert format_openings(left.fields) == _bytes(vector["openings_without_first"])
    assert left.fields[0] == ErasedField(label=first["label"], commitment=_bytes(first["commitment"]))


@pytest.mark.parametrize("vector", COMMITMENTS["scopes"], ids=lambda vector: vector["json"])
def test_a_scope_has_the_golden_form(vector: dict[str, Any]) -> None:
    """Erasures that are logged would no longer excuse what they erased."""
    named = vector["scope"]
    scope = (
        Everything()
        if named is None
        else Records(records=tuple((sequence, labels and tuple(labels)) for sequence, labels in named))
    )
    value = parse_canonical(vector["json"].encode(), label="scope")
    assert parse_scope(value) == scope
    assert format_scope(scope) == value


@pytest.mark.parametrize("text", COMMITMENTS["refused_scopes"])
def test_another_form_of_a_scope_is_refused(text: str) -> None:
    """Two verifiers would excuse different fields by one erasure."""
    with pytest.raises(Malformed):
        parse_scope(json.loads(text))


@pytest.mark.parametrize("vector", MAPS["maps"], ids=lambda vector: f"{len(vector['leaves'])} leaves")
def test_a_map_has_the_golden_root_and_proofs(vector: dict[str, Any]) -> None:
    """Proofs that customers hold would no longer verify."""
    made = _map(vector["leaves"])
    assert made.root() == _bytes(vector["root"])
    for given in vector["proofs"]:
        handle, answer = _bytes(given["handle"]), given["answer"]
        assert made.prove(handle) == _proof(given)
        expected = answer and (answer[0], _bytes(answer[1]))
        assert verify_map(root=made.root(), handle=handle, proof=_proof(given)) == expected


@pytest.mark.parametrize("vector", MAPS["refused"], ids=lambda vector: vector["why"])
def test_a_hostile_proof_is_refused(vector: dict[str, Any]) -> None:
    """Other verifiers are tested with the same file; one that took these could be shown anything."""
    with pytest.raises(Unverified):
        verify_map(root=_bytes(vector["root"]), handle=_bytes(vector["handle"]), proof=_proof(vector))


def test_the_worked_example_of_records_is_true() -> None:
    """Whoever implements the format by its page would end at other hashes."""
    first, second = (text.encode() for text in _blocks("docs/formats/record.md", "record"))
    hashes = [_bytes(line) for text in _blocks("docs/formats/record.md", "hash") for line in text.splitlines()]
    one, two = parse_entry(first), parse_entry(second)
    assert isinstance(one, Record) and isinstance(two, Record)
    assert (one.customer, one.act, len(first)) == (bytes(range(32)), bytes(range(0xA0, 0xB0)), 270)
    assert one.commitment == _table("docs/formats/commitment.md")["fold"]
    assert hashes == [leaf_hash(first), leaf_hash(second), tree_root([leaf_hash(first), leaf_hash(second)])]
    assert two.previous == hashes[0]
    (text,) = _blocks("docs/formats/record.md", "head")
    head = parse_entry(text.encode())
    assert isinstance(head, MapHead)
    assert head.root == _table("docs/formats/map.md")["root, inner at bit 0"]


def test_the_worked_example_of_commitments_is_true() -> None:
    """As above."""
    given = _table("docs/formats/commitment.md")
    (payload,) = _blocks("docs/formats/commitment.md", "payload")
    sealed = seal(json.loads(payload), b"\xff" * 32, counted())
    assert given == {
        "key": hashlib.sha256(b"armslength/commitment/v1").digest(),
        "opening of `action`": sealed.openings["action"],
        **{f"commitment to `{field.label}`": field.commitment for field in sealed.fields},
        "fold": sealed.commitment,
        "box": sealed.box,
        "wrapped": sealed.wrapped,
    }
    (spelled,) = _blocks("docs/formats/commitment.md", "hex")
    parts = (given["opening of `action`"], b"action", b'"read"')
    assert _bytes(spelled) == b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def test_the_scopes_that_the_page_shows_are_scopes() -> None:
    """As above."""
    shown = [parse_scope(json.loads(text)) for text in _blocks("docs/formats/commitment.md", "json")]
    assert shown == [Everything(), Records(records=((3, None), (5, ("asker", "reason"))))]


def test_the_worked_example_of_maps_is_true() -> None:
    """As above."""
    (text,) = _blocks("docs/formats/map.md", "leaves")
    leaves = [(_bytes(handle), int(size), _bytes(root)) for handle, size, root in map(str.split, text.splitlines())]
    given = _table("docs/formats/map.md")
    firm, second, third = (trie_leaf(*leaf) for leaf in leaves)
    inner = inner_hash(15, firm, second)
    root = inner_hash(0, inner, third)
    assert list(given.values()) == [firm, second, third, inner, root]
    assert leaves[1][2] == _bytes(_blocks("docs/formats/record.md", "hash")[1].splitlines()[1])
    made = PrefixMap()
    for leaf in leaves:
        made.set(*leaf)
    assert made.root() == root
    assert made.prove(bytes(range(32))).steps == ((0, third), (15, firm))
    absent = made.prove(b"\x40" + bytes(31))
    assert absent.leaf is not None and absent.leaf.handle == bytes(32)
    assert verify_map(root=root, handle=b"\x40" + bytes(31), proof=absent) is None


def test_every_kind_and_member_is_told_of() -> None:
    """A reader would meet one that no page tells of."""
    text = document("docs/formats/record.md").text
    for kind in Kind:
        assert f"| `{kind}` |" in text
    for vector in (RECORDS["records"][0], RECORDS["map_heads"][0]):
        for member in json.loads(vector["leaf"]):
            assert f"| `{member}` |" in text
