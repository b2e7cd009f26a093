"""Acts as lines of JSON: all of a file is taken, or none of it and every wrong line is told."""

from __future__ import annotations

import json

import pytest

from armslength.ledger import Kind, format_base64url
from armslength.service import Act, Refusal, read_acts, receipt_document
from armslength.tlog import Receipt
from tests.service.ledgers import Chance
from tests.service.logs import seed

ID = seed("an act")[:16]
GOOD = b'{"kind": "use", "fields": {"action": "read"}}'


def read(*lines: bytes) -> list[Act]:
    return [act for _, act in read_acts("acts.jsonl", lines, chance=Chance("input"))]


def problems(*lines: bytes) -> list[str]:
    with pytest.raises(Refusal) as refused:
        read(*lines)
    return list(refused.value.problems)


def test_what_a_line_says_is_the_act() -> None:
    """A script and a program would record different things."""
    said = {"act": format_base64url(ID), "kind": "lease", "customers": ["acme", "Café"], "fields": {"x": [1]}}
    act = Act(id=ID, kind=Kind.LEASE, fields={"x": [1]}, customers=("acme", "Café"))
    assert read(json.dumps(said).encode()) == read(json.dumps(said, ensure_ascii=False).encode()) == [act]


def test_a_line_without_an_id_is_a_new_act_each_time() -> None:
    """Two equal lines are two acts, unless the caller says that they are one."""
    one, two = read(GOOD, GOOD)
    assert one.id != two.id
    assert one.customers == ()


def test_empty_lines_are_nothing_and_numbers_are_those_of_the_file() -> None:
    """Whoever mends the file looks for the line by its number."""
    assert read(b"", b"  \t", GOOD, b"\r") == read(GOOD)
    assert problems(b"", GOOD, b"", b"nonsense") == ["acts.jsonl:4: no JSON: Expecting value: line 1 column 1 (char 0)"]
    assert read() == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[]", "expected a JSON object"),
        (b'"use"', "expected a JSON object"),
        (b"{", "no JSON: "),
        (b'{"kind": "use"} x', "no JSON: Extra data"),
        (b"\xff", "no JSON: "),
        (b"[" * 100_000, "no JSON: "),
        (GOOD[:-1] + b', "kind": "use"}', "no JSON: a member is there twice"),
        (b'{"kind": "use", "fields": {"a": 1, "a": 2}}', "no JSON: a member is there twice"),
        (b'{"kind": "use", "fields": {"a": NaN}}', "nan is not representable"),
        (b'{"kind": "use", "fields": {"a": -Infinity}}', "-inf is not representable"),
        (b'{"kind": "use", "fields": {"a": "\\ud800"}}', 'the field "a" has no canonical form'),
        (b'{"kind": "use", "fields": {"a": 9007199254740993}}', 'the field "a" has no canonical form'),
        (b'{"kind": "use", "fields": {"a": ' + b"9" * 5000 + b"}}", "a"),
        (GOOD[:-1] + b', "kunde": 1}', "unknown 'kunde'; expected act, customers, fields, kind"),
        (b'{"fields": {"a": 1}}', "no kind: expected one of request, approval"),
        (b'{"kind": "used", "fields": {"a": 1}}', "kind 'used': expected one of request, approval"),
        (b'{"kind": ["use"], "fields": {"a": 1}}', "expected one of request, approval"),
        (b'{"kind": "use"}', "fields: expected an object of labels and values"),
        (b'{"kind": "use", "fields": {"firm_event": {}}}', "firm_event: labels that begin with firm_ are the gate's"),
        (b'{"kind": "use", "fields": {"a": 1, "Firm_x": 1}}', "Firm_x: labels that begin with firm_ are the gate's"),
        (b'{"kind": "use", "fields": ["a"]}', "fields: expected an object of labels and values"),
        (GOOD[:-1] + b', "customers": "acme"}', "customers: expected a list of names"),
        (GOOD[:-1] + b', "customers": [1]}', "customers: expected a list of names"),
        (GOOD[:-1] + b', "customers": null}', "customers: expected a list of names"),
        (GOOD[:-1] + b', "act": null}', "act 'None': expected 16 bytes in base64url without padding"),
        (GOOD[:-1] + b', "act": "AAECAwQFBgcICQoLDA0ODw=="}', "expected 16 bytes in base64url without padding"),
        (GOOD[:-1] + b', "act": "AAECAwQFBgcICQoLDA0ODx"}', "expected 16 bytes in base64url without padding"),
        (GOOD[:-1] + b', "act": "+AECAwQFBgcICQoLDA0ODw"}', "expected 16 bytes in base64url without padding"),
        (GOOD[:-1] + b', "customers": [""]}', "a customer named '', expected 1 to 1024 printable characters"),
        (b'{"kind": "erasure", "fields": {"scope": "all"}, "customers": ["a"]}', 'neither "everything" nor a list'),
        (b'{"kind":"use","fields":{"a":"' + b"x" * (1 << 20) + b'"}}', "bytes, expected at most 1048576"),
    ],
)
def test_a_wrong_line_is_told_in_words_and_nothing_is_taken(line: bytes, said: str) -> None:
    """Half a file recorded is one that nobody can simply send again."""
    (problem,) = problems(GOOD, line, GOOD)
    assert problem.startswith("acts.jsonl:2: ")
    assert said in problem
    assert len(problem) < 600


def test_every_wrong_line_is_told() -> None:
    """Nobody mends a file line by line."""
    found = problems(b"x", GOOD, b"{}", b'{"kind": "used", "fields": 3, "more": 1}')
    assert [problem.split(": ")[0] for problem in found] == ["acts.jsonl:1", "acts.jsonl:3", "acts.jsonl:4"]
    assert "unknown 'more'" in found[2]
    assert "kind 'used'" in found[2]
    assert "fields: expected" in found[2]


def test_a_receipt_is_written_as_json() -> None:
    """It is what a script keeps as its proof."""
    receipt = Receipt(
        origin="log.example.com/acts", act=ID, first=7, leaves=(seed("a"), seed("b")), size=9, _durable=Receipt.DURABLE
    )
    assert json.loads(json.dumps(receipt_document(receipt))) == {
        "origin": "log.example.com/acts",
        "act": format_base64url(ID),
        "first": 7,
        "leaves": [format_base64url(seed("a")), format_base64url(seed("b"))],
        "size": 9,
    }
