"""The bytes of requests, enrolments, tokens and records are those in golden/gate.json."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from armslength.gate import (
    FIRM,
    PersonId,
    Rejected,
    check_assertion,
    event_of,
    fields_of,
    format_event,
    parse_assertion,
    parse_enrolment,
    parse_jwks,
    parse_request,
    verify_binding,
    verify_lease,
    verify_revocations,
)
from tests.docs.documents import document
from tests.gate.passkeys import PARTY
from tests.gate.stories import CY, EVE, a_request
from tests.gate.test_record import EVENTS
from tests.gate.tokens import a_binding, a_lease, a_list
from tests.gate.vectors import golden, make

GOLDEN = golden()
PAGE = document("docs/formats/gate-records.md").text


def without_chance(vectors: dict[str, Any]) -> dict[str, Any]:
    kept = copy.deepcopy(vectors)
    for name in ("approval", "vouching"):
        del kept[name]["assertion"]["signature"]
    return kept


def test_we_write_the_golden_bytes_still() -> None:
    """What was signed and recorded by the release before could not be checked by this one."""
    assert without_chance(make()) == without_chance(GOLDEN)


def test_the_golden_signatures_hold() -> None:
    """Approvals of years ago would look made up."""
    request, enrolment = parse_request(GOLDEN["request"]["form"]), parse_enrolment(GOLDEN["enrolment"]["form"])
    for name, passkey, challenge in (
        ("approval", CY, request.challenge()),
        ("vouching", EVE, enrolment.challenge()),
    ):
        assert passkey.key().person in (PersonId("cy"), PersonId("eve"))
        check_assertion(parse_assertion(GOLDEN[name]["assertion"]), passkey.key(), challenge, PARTY)
        with pytest.raises(Rejected):
            check_assertion(parse_assertion(GOLDEN[name]["assertion"]), passkey.key(), bytes(32), PARTY)


def test_the_golden_tokens_are_read_and_the_others_refused() -> None:
    """Points of two releases would disagree on what is open."""
    keys = parse_jwks(GOLDEN["key"]["jwks"])
    tokens = {name: each["token"] for name, each in GOLDEN["tokens"].items()}
    assert verify_lease(tokens["lease"], keys) == a_lease()
    assert verify_revocations(tokens["revocations"], keys) == a_list()
    assert verify_binding(tokens["binding"], keys, audience="https://gate.example") == a_binding()
    for why, token in GOLDEN["refused"].items():
        with pytest.raises(Rejected):
            pytest.fail(f"{why}: {verify_lease(token, keys)}")


def test_the_golden_records_are_the_gates() -> None:
    """The ledger of the release before could not be read."""
    for record in GOLDEN["records"]:
        assert event_of(record["kind"], record["fields"]) is not None


def block(page: str, language: str) -> str:
    (found,) = [each.text.strip() for each in document(f"docs/formats/{page}.md").blocks if each.language == language]
    return found


def test_the_documents_show_the_golden_bytes() -> None:
    """Who writes another reader from the page would write one that refuses us."""
    assert block("request", "enrolment") == GOLDEN["enrolment"]["canonical"]
    assert block("request", "challenge") == GOLDEN["enrolment"]["challenge"]
    assert json.loads(block("lease", "claims")) == GOLDEN["tokens"]["lease"]["claims"]
    assert block("lease", "token") == GOLDEN["tokens"]["lease"]["token"]
    assert block("lease", "kid") == GOLDEN["key"]["kid"]


def members(page: str) -> set[str]:
    """Every name that stands in the first column of a page's tables."""
    rows = re.findall(r"^\| ([^|]+) \|", document(f"docs/formats/{page}.md").text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([a-z_-]+)`", row)}


def test_the_documents_explain_every_member() -> None:
    """A reader would meet a member that no page tells of."""
    assert set(GOLDEN["request"]["form"]) | set(GOLDEN["enrolment"]["form"]) <= members("request")
    claims = {name for each in GOLDEN["tokens"].values() for name in each["claims"]}
    assert claims | set(a_lease().terms.form()) <= members("lease")


def test_the_documents_list_every_event_with_its_members_and_public_fields() -> None:
    """An auditor would find in a record what no page tells of, or miss what it promises."""
    told = dict(re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE))
    held = dict(re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE))
    for event in EVENTS:
        firm = format_event(event)
        name = str(firm["event"])
        fields = set(fields_of(event, of=a_request(customers=("acme",), author=PersonId("eve")))) - {FIRM}
        # Without what is in parentheses, which explains.
        assert set(re.findall(r"`([a-z_]+)`", re.sub(r"\([^)]*\)", "", told[name]))) >= fields, name
        assert set(firm) - {"event", "at"} <= set(re.findall(r"`([a-z0-9_]+)`", held[name])), name
    assert told.keys() - {"event"} == held.keys() == {str(format_event(event)["event"]) for event in EVENTS}
