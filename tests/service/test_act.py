"""An act: what may be asked of the ledger, and that every mistake is told at once."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

from armslength.ledger import Everything, Json, Kind, Records, parse_canonical
from armslength.service import Act
from armslength.tlog import Malformed
from tests.ledger.values import fields

ID = bytes(range(16))


def made(**changes: object) -> Act:
    said: dict[str, object] = {"id": ID, "kind": Kind.USE, "fields": {"action": "read"}, "customers": ("acme",)}
    return Act(**{**said, **changes})  # type: ignore[arg-type]


def refused(**changes: object) -> str:
    with pytest.raises(Malformed) as problem:
        made(**changes)
    return str(problem.value)


@given(said=fields)
def test_any_fields_that_json_can_say_are_taken_as_they_are(said: dict[str, Json]) -> None:
    """What a caller said would be recorded as something else."""
    if not said:
        assert refused(fields=said) == "an act has no fields, expected at least one"
        return
    act = made(fields=said)
    assert {label: parse_canonical(data, label=label) for label, data in act.values.items()} == said
    assert made(fields=dict(reversed(said.items()))) == act


def test_what_is_changed_afterwards_is_not_recorded() -> None:
    """A caller that reuses its dictionary would have another act recorded under the same id."""
    inner: list[Json] = ["one"]
    said: dict[str, Json] = {"list": inner}
    act = made(fields=said)
    inner.append("two")
    said["more"] = 1
    assert act == made(fields={"list": ["one"]})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": b""}, "an act id of 0 bytes, expected 16 bytes"),
        ({"id": bytes(17)}, "an act id of 17 bytes, expected 16 bytes"),
        ({"id": "0123456789abcdef"}, "an act id of 16 bytes, expected 16 bytes"),
        ({"kind": "use"}, "a kind 'use', expected a Kind"),
        ({"fields": {}}, "an act has no fields, expected at least one"),
        ({"fields": {"Action": 1}}, "Action"),
        ({"fields": {"": 1}}, "label"),
        ({"fields": {"a" * 65: 1}}, "label"),
        ({"fields": {"note": math.nan}}, 'the field "note" has no canonical form'),
        ({"fields": {"note": 2**53}}, 'the field "note" has no canonical form'),
        ({"fields": {"note": "\ud800"}}, 'the field "note" has no canonical form'),
        ({"fields": {"note": {1: 2}}}, 'the field "note" has no canonical form'),
        ({"fields": {"note": b"bytes"}}, 'the field "note" has no canonical form'),
        ({"fields": {"note": "x" * (1 << 20)}}, "the values of an act take 1048578 bytes, expected at most 1048576"),
        ({"fields": {f"field{number}": 1 for number in range(1001)}}, "an act has 1001 fields, expected at most 1000"),
        ({"customers": ("acme", "beta", "acme")}, "a customer is named twice"),
        ({"customers": ("",)}, "a customer named '', expected 1 to 1024 printable characters"),
        ({"customers": (" acme",)}, "a customer named ' acme', expected 1 to 1024 printable characters"),
        ({"customers": ("ac\nme",)}, "a customer named 'ac\\nme', expected 1 to 1024 printable characters"),
        ({"customers": ("\ud800",)}, "expected 1 to 1024 printable characters"),
        ({"customers": ("x" * 1025,)}, f"a customer named '{'x' * 40}', expected 1 to 1024 printable characters"),
        ({"customers": ("Cafe\u0301",)}, "expected the name in Unicode's form NFC"),
        (
            {"customers": tuple(f"c{number}" for number in range(1001))},
            "an act on 1001 customers, expected at most 1000: record it as several",
        ),
    ],
)
def test_what_cannot_be_recorded_is_told_in_words(changes: dict[str, object], said: str) -> None:
    """Recorded all the same, it could not be opened; or the writer would stop over it."""
    assert said in refused(**changes)


def test_a_value_nested_too_deep_is_the_callers_mistake() -> None:
    """One act could stop the writer for everybody."""
    deep: Json = []
    for _ in range(5000):
        deep = [deep]
    assert refused(fields={"note": deep}) == 'the field "note" is nested too deep'


def test_every_mistake_is_told_at_once() -> None:
    """As for an estate: nobody mends five mistakes in five tries."""
    said = refused(id=b"", fields={"Bad": 1, "note": math.inf}, customers=("", "a", "a"))
    assert said.count(";") >= 4
    for part in ("an act id of 0 bytes", "Bad", '"note"', "a customer named ''", "a customer is named twice"):
        assert part in said


# Erasures


def erasing(scope: Json, customers: tuple[str, ...] = ("acme",), **more: Json) -> dict[str, object]:
    return {"kind": Kind.ERASURE, "fields": {"scope": scope, **more}, "customers": customers}


def test_an_erasure_says_what_it_erases() -> None:
    """It is read back by whoever verifies, years later."""
    assert made(**erasing("everything")).scope == Everything()
    some: Json = [{"sequence": 2}, {"sequence": 5, "labels": ["address", "name"]}]
    wanted = Records(records=((2, None), (5, ("address", "name"))))
    assert made(**erasing(some, reason="gdpr-17")).scope == wanted
    assert made(**erasing(some, customers=())).scope == wanted


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (erasing("all"), 'neither "everything" nor a list'),
        (erasing([]), "an erasure of no records"),
        (erasing([{"sequence": -1}]), "expected ascending numbers"),
        (erasing([{"sequence": 1}, {"sequence": 1}]), "expected ascending numbers"),
        (erasing([{"sequence": 1, "labels": []}]), "labels erased of record 1"),
        (erasing([{"sequence": 1, "label": "a"}]), "scope"),
        ({"kind": Kind.ERASURE, "fields": {"reason": "gdpr-17"}}, "scope"),
        (erasing("everything", customers=("a", "b")), "an erasure of several customers, expected one: each"),
        (erasing("everything", customers=()), "an erasure of everything of the firm itself, expected single records"),
        (erasing("everything", address="Elm Street"), "expected scope and reason only"),
        (erasing("everything", reason="Asked by Ada Lovelace"), "expected a short code such as gdpr-17"),
        (erasing("everything", reason=17), "expected a short code such as gdpr-17"),
    ],
)
def test_an_erasure_that_cannot_be_obeyed_or_names_somebody_is_refused(changes: dict[str, object], said: str) -> None:
    """It is never erased itself: what it says of a person stays."""
    assert said in refused(**changes)
