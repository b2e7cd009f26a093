"""A request: one form, one signature; whatever differs is another request."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from armslength.gate import (
    Evidence,
    Hold,
    PersonId,
    Rejected,
    Request,
    RequestId,
    Target,
    Window,
    id_bytes,
    is_id,
    is_name,
    moment,
    new_id,
    parse_request,
)
from armslength.tlog import Json
from tests.gate.stories import DOCUMENT, MADE, WINDOW, a_request, chance

seconds = st.integers(0, 253_402_200_000)
printable = st.characters(categories=("L", "M", "N", "P", "S"))
names = st.text(printable, min_size=1, max_size=12)
values: st.SearchStrategy[Json] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=10), st.floats(-9, 9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    made = draw(seconds)
    expires = made + draw(st.integers(1, 9999))
    return Request(
        id=RequestId(new_id("req", draw(st.binary(min_size=16, max_size=16)))),
        gate=draw(names),
        executor=PersonId(draw(names)),
        asker=PersonId(draw(names)),
        author=draw(st.one_of(st.none(), names.map(PersonId))),
        action=draw(names),
        resource=Target(type=draw(st.sampled_from(("asset", "group", "person", "terms"))), id=draw(names)),
        customers=tuple(sorted(draw(st.sets(names, max_size=4)))),
        purpose=draw(st.text(max_size=50)) + "why",
        context=draw(st.dictionaries(st.text(max_size=5), values, max_size=3)),
        evidence=tuple(
            Evidence(digest=digest, media_type="text/plain", name="a name.txt", size=draw(st.integers(0, 2**53 - 1)))
            for digest in sorted(draw(st.sets(st.binary(min_size=32, max_size=32), max_size=3)))
        ),
        window=Window(start=moment(draw(st.integers(0, expires - 1))), end=moment(expires + draw(st.integers(0, 99)))),
        made=moment(made),
        expires=moment(expires),
        hold=draw(st.one_of(st.none(), st.builds(Hold, reason=st.just("court-order"), until=seconds.map(moment)))),
    )


@given(requests())
def test_a_form_reads_back_as_the_request_it_was_made_from(request: Request) -> None:
    """An approval could not be checked from the record."""
    again = parse_request(json.loads(request.canonical()))
    assert again.canonical() == request.canonical() and again.challenge() == request.challenge()
    assert again == request and parse_request(request.form()) == request


@given(requests())
def test_the_challenge_is_sha256_of_the_canonical_form(request: Request) -> None:
    """A verifier that follows the documents would refuse every approval."""
    assert request.challenge() == hashlib.sha256(rfc8785.dumps(request.form())).digest()


CHANGES: list[dict[str, Any]] = [
    {"id": RequestId(new_id("req", chance("other")))},
    {"gate": "other.example/acts"},
    {"executor": PersonId("eve")},
    {"asker": PersonId("ana")},
    {"author": PersonId("bo")},
    {"action": "export"},
    {"resource": Target(type="asset", id="recordings-us")},
    {"resource": Target(type="group", id="recordings")},
    {"customers": ("acme",)},
    {"purpose": "a court asks for them."},
    {"context": {"ticket": "T-2", "count": 2}},
    {"context": {"ticket": "T-1", "count": 3}},
    {"evidence": ()},
    {"evidence": (dataclasses.replace(DOCUMENT, digest=bytes(32)),)},
    {"evidence": (dataclasses.replace(DOCUMENT, name="other.pdf"),)},
    {"evidence": (dataclasses.replace(DOCUMENT, media_type="text/plain"),)},
    {"evidence": (dataclasses.replace(DOCUMENT, size=6),)},
    {"window": Window(start=moment(WINDOW[0]), end=moment(WINDOW[1] + 1))},
    {"window": Window(start=moment(WINDOW[0] + 1), end=moment(WINDOW[1]))},
    {"made": moment(MADE - 1)},
    {"expires": moment(MADE + 1)},
    {"hold": None},
    {"hold": Hold(reason="court-order", until=moment(WINDOW[1] + 1))},
    {"hold": Hold(reason="minors", until=moment(WINDOW[1]))},
]


@pytest.mark.parametrize("changed", CHANGES, ids=lambda changed: next(iter(changed)))
def test_whatever_differs_is_another_challenge(changed: dict[str, Any]) -> None:
    """Approvers would sign one thing and another be carried out."""
    assert a_request(**changed).challenge() != a_request().challenge()


def test_a_challenge_differs_for_every_two_of_the_changes() -> None:
    """Two different requests would share their approvals."""
    challenges = [a_request(**changed).challenge() for changed in CHANGES]
    assert len(set(challenges)) == len(CHANGES)


def spoilt() -> list[Json]:
    form = a_request().form()
    one: list[Json] = [{name: value for name, value in form.items() if name != dropped} for dropped in form]
    changes: dict[str, list[Json]] = {
        "kind": ["enrolment", None, 1],
        "version": [2, "1", True, 1.0, None],
        "id": ["req_", "lease_AAAAAAAAAAAAAAAAAAAAAA", "req_AAAAAAAAAAAAAAAAAAAAAB", 7],
        "customers": [["zenith", "acme"], ["acme", "acme"], [1], "acme", None, [" acme"], [""], ["a\nb"]],
        "context": [None, [], "x"],
        "author": ["", 5, ["bo"]],
        "resource": [None, "asset:recordings", {"type": "asset"}, {"type": "class", "id": "x"}, {"type": 1, "id": "x"}],
        "evidence": [None, [None], [DOCUMENT.form(), DOCUMENT.form()], [{**DOCUMENT.form(), "digest": "AB" * 32}]],
        "window": [None, {}, {"start": "x", "end": "y"}, a_request().window.form() | {"zone": "UTC"}],
        "made": ["2026-11-25", 5, "2099-01-01T00:00:00Z"],
        "expires": ["2026-11-25T20:53:20Z", "2099-01-01T00:00:00Z"],
        "hold": [{}, {"reason": "Court order", "until": "2026-11-25T20:53:20Z"}, {"reason": "x"}, "x"],
        "purpose": ["", "  ", "x" * 4001, None],
        "gate": ["", " a", "a\x00", "x" * 1025],
    }
    one += [{**form, name: value} for name, values in changes.items() for value in values]
    return [*one, {**form, "more": 1}, None, [], "x", 1]


@pytest.mark.parametrize("form", spoilt())
def test_a_form_that_no_request_has_is_refused(form: Json) -> None:
    """What was signed and what is done could be read in two ways."""
    with pytest.raises(Rejected):
        parse_request(form)


def test_every_problem_is_told_at_once() -> None:
    """People would mend a request one mistake at a time."""
    form = {**a_request().form(), "made": "x", "more": 1, "evidence": [3], "version": 2}
    with pytest.raises(Rejected) as refused:
        parse_request(form)
    assert len(refused.value.problems) == 4
    with pytest.raises(Rejected) as refused:
        a_request(purpose="", customers=("b", "a"), action="", expires=moment(MADE))
    assert len(refused.value.problems) == 4


def test_a_context_without_a_canonical_form_is_refused() -> None:
    """Two programs would hash it to two challenges."""
    for context in ({"x": float("nan")}, {"x": 2**60}, {"x": "\ud800"}, {"x": {1}}):
        with pytest.raises(Rejected):
            a_request(context=context)


@given(st.binary(min_size=16, max_size=16))
def test_an_id_is_its_bytes_of_chance(bytes_: bytes) -> None:
    """A lease would stand under another record than its own."""
    assert is_id(new_id("lease", bytes_), "lease") and id_bytes(new_id("lease", bytes_)) == bytes_
    assert not is_id(new_id("lease", bytes_), "req") and not is_id(new_id("lease", bytes_) + "\n", "lease")


def test_a_name_is_printable_and_has_no_spaces_around_it() -> None:
    """Two names that look the same would be two people."""
    assert all(map(is_name, ("ana", "team lead", "Łukasz", "a/b:c", "x" * 1024)))
    assert not any(map(is_name, ("", " ", "ana ", "\tana", "a\nb", "a\u202eb", "x" * 1025, "\ud800", "a\u00a0b")))


def test_who_may_not_approve_is_everyone_who_asks_writes_or_carries_out() -> None:
    """Somebody would approve what they want themselves."""
    assert a_request(author=PersonId("cy")).parties() == {"ana", "bo", "cy"}
    assert a_request(asker=PersonId("ana")).parties() == {"ana"}
