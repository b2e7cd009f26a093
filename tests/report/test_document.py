"""The JSON form of an answer: the keys of the definition, one result a line, and never the whole answer at once."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from armslength.reach import Between, Beyond, Exact, Gap, Length, Question, Result, Step
from armslength.report import document
from tests.conftest import ROOT
from tests.reach.derivations import AT, LEGAL_EXPORT, SECOND_EXAMPLE, WORKED, Worked

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/formats/reach.schema.json").read_text(encoding="utf-8")))
each = pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked.name)


def result(
    worked: Worked, length: Length | None = None, floor: int | None = None, gaps: tuple[Gap, ...] = ()
) -> Result:
    state, action, asset, accomplices = worked.asked()
    return Result(
        state=state,
        action=action,
        asset=asset,
        length=Exact(length=len(accomplices)) if length is None else length,
        accomplices=accomplices if length is None else (),
        floor=floor,
        gaps=gaps,
    )


def text(worked: Worked, *answers: tuple[Result, tuple[Step, ...]]) -> str:
    return "".join(document(worked.estate, Question(at=AT), answers))


@each
def test_what_is_printed_fits_the_schema(worked: Worked) -> None:
    """A program that reads our output by its schema would fail on it."""
    SCHEMA.validate(json.loads(text(worked, (result(worked), worked.steps))))


def test_the_keys_are_those_of_the_definition() -> None:
    """Whoever wrote a reader by the definition would find other keys."""
    made = SECOND_EXAMPLE
    gap = Gap(groups=(0, 1), length=0)
    printed = json.loads(text(made, (result(made, floor=2, gaps=(gap,)), made.steps)))
    assert list(printed) == ["estate", "at", "cap", "results"]
    assert {key: printed[key] for key in ("estate", "at", "cap")} == {
        "estate": "Meridian Meetings",
        "at": "2026-11-22",
        "cap": 3,
    }
    (only,) = printed["results"]
    assert list(only) == ["state", "action", "asset", "length", "accomplices", "floor", "gaps", "steps"]
    assert only["accomplices"] == ["t2"] and only["floor"] == 2 and only["length"] == 1
    assert only["gaps"] == [{"groups": list(made.estate.groups.ids[:2]), "length": 0}]
    stopped = replace(gap, stopped=True)
    (only,) = json.loads(text(made, (result(made, gaps=(stopped,)), made.steps)))["results"]
    assert only["gaps"] == [{"groups": list(made.estate.groups.ids[:2]), "at_least": 0}]
    SCHEMA.validate({**printed, "results": [only]})
    assert only["steps"][3] == {
        "rule": "grant",
        "fact": ["enrolled", "group:trust"],
        "needs": [["acts", "person:lead"]],
        "rows": [{"file": "grants.csv", "row": 3}],
        "by": "standing",
        "requester": "person:lead",
    }


@pytest.mark.parametrize(
    ("length", "keys"),
    [
        (Beyond(cap=3), {"length": None}),
        (Between(at_least=1, at_most=3), {"at_least": 1, "at_most": 3}),
        (Between(at_least=1, at_most=None), {"at_least": 1, "at_most": None}),
        (Exact(length=0), {"length": 0}),
    ],
)
def test_a_length_is_printed_as_known(length: Length, keys: dict[str, int | None]) -> None:
    """A search that was stopped would pass for an answer, or nobody for everybody."""
    whole = json.loads(text(SECOND_EXAMPLE, (result(SECOND_EXAMPLE, length), ())))
    SCHEMA.validate(whole)
    (printed,) = whole["results"]
    assert {key: printed[key] for key in ("length", "at_least", "at_most") if key in printed} == keys
    assert "floor" not in printed and printed["gaps"] == [] and printed["steps"] == []


def test_a_sealed_tie_prints_as_sealed() -> None:
    """A tie that somebody declared in confidence would be traced to its row."""
    printed = json.loads(text(LEGAL_EXPORT, (result(LEGAL_EXPORT), LEGAL_EXPORT.steps)))
    (sealed,) = [s for s in printed["results"][0]["steps"] if s.get("tie") == "sealed"]
    assert "rows" not in sealed and "declared" not in json.dumps(printed)


def test_results_are_printed_as_they_come() -> None:
    """Hundreds of thousands of results would have to fit in memory before the first is seen."""
    seen = 0

    def endless() -> Iterator[tuple[Result, tuple[Step, ...]]]:
        nonlocal seen
        while True:
            seen += 1
            yield result(SECOND_EXAMPLE), SECOND_EXAMPLE.steps

    start = list(itertools.islice(document(SECOND_EXAMPLE.estate, Question(at=AT), endless()), 102))
    assert seen <= 101
    assert sum(piece.count('"state"') for piece in start) == 100


def test_no_results_are_still_an_object() -> None:
    """An estate without floors would print something that is not JSON."""
    printed = text(SECOND_EXAMPLE)
    SCHEMA.validate(json.loads(printed))
    assert json.loads(printed)["results"] == []


def test_a_result_is_one_line() -> None:
    """Two answers could not be compared with the tools that everybody has."""
    one = result(SECOND_EXAMPLE), SECOND_EXAMPLE.steps
    assert text(SECOND_EXAMPLE, one, one).count("\n") == 4
    assert text(SECOND_EXAMPLE, one) == text(SECOND_EXAMPLE, one)
    assert text(SECOND_EXAMPLE, one).isascii()
