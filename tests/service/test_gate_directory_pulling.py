"""A directory that is asked: a real SCIM service, and services that cut short, lie or are away."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from armslength.gate import PersonId, Refused, Rejected
from armslength.service import Gate, Redeemed, check_gate
from armslength.store import GateDirectory, ScimFailed
from tests.intake.scim.service import TOKEN, call, lying_service, scim_service
from tests.service.gates import PEOPLE, STATUS, TestGate, leased, small_gate, use

BO = PersonId("bo")
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def pulled(path: Path, url: str, token: str = TOKEN, mode: int = 0o600, **more: Any) -> TestGate:
    directory = GateDirectory(id="idp", pull=url, token_file="idp.token", person="userName", **more)
    made = small_gate(path / "gate")
    text = (made.path / "gate.toml").read_text()
    from armslength.store.gate_directory_settings import format_directories

    (made.path / "gate.toml").write_text(text + "\n".join(format_directories((directory,))) + "\n")
    (made.path / "idp.token").write_text(f"{token}\n")
    (made.path / "idp.token").chmod(mode)
    return made


def pull(gate: Gate) -> None:
    (directory,) = gate.settings.directories
    gate.directories.pulling.pull(directory)


def fill(url: str, *people: str) -> dict[str, str]:
    """Put people into the provider's service; gives its ids."""
    return {
        person: call(
            f"{url}/Users",
            "POST",
            {
                "schemas": [USER, ENTERPRISE],
                "userName": person,
                "active": True,
                "addresses": [{"type": "work", "country": PEOPLE[person][1]}],
                ENTERPRISE: {"department": PEOPLE[person][0]},
            },
        )["id"]
        for person in people
    }


def until(true: Callable[[], bool]) -> None:
    for _ in range(200):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to be so")


def test_a_real_service_is_asked_and_who_is_missing_from_it_has_left(tmp_path: Path) -> None:
    """Nobody has to push; and a list that was read whole says of each that they are there still."""
    with scim_service(cursor=False) as url:
        ids = fill(url, *PEOPLE)
        group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "ops"}
        call(f"{url}/Groups", "POST", {**group, "members": [{"value": ids["bo"]}, {"value": ids["dee"]}]})
        made = pulled(tmp_path, url)
        with made.running() as gate:
            assert isinstance(use(gate, "one", "view", STATUS), Refused)
            gate.tick()
            until(lambda: gate.health().directories[0].users == len(PEOPLE))
            until(lambda: isinstance(use(gate, "two", "view", STATUS), Redeemed))
            assert gate.directories.proposing.differences() == ()
            lease = leased(gate)
            made.clock.now += 20 * 3600
            call(f"{url}/Users/{ids['bo']}", "PUT", {"schemas": [USER], "userName": "bo", "active": False})
            pull(gate)
            assert gate.state.gone(BO) and not gate.lease(lease.terms.id).live
            made.clock.now += 20 * 3600
            answer = use(gate, "three", "view", STATUS, who="dee")
            assert isinstance(answer, Redeemed), answer
    assert check_gate(made.path).findings == ()


def users(*people: str) -> list[dict[str, Any]]:
    return [{"schemas": [USER], "id": f"u-{each}", "userName": each, "active": True} for each in people]


@pytest.mark.parametrize(
    "page",
    [
        {"totalResults": 15, "Resources": users("ana", "bo")},
        {"totalResults": 0, "Resources": []},
        {"totalResults": 2, "Resources": users("ana", "ana")},
        {"totalResults": 1, "Resources": [{"userName": "ana"}]},
        {"Resources": users("ana")},
        {"totalResults": 1, "Resources": "none"},
        b"<html>",
        b"",
    ],
    ids=["cut short", "empty", "twice", "no id", "no total", "no list", "no JSON", "nothing"],
)
def test_what_is_not_a_whole_directory_sends_nobody_home(tmp_path: Path, page: dict[str, Any] | bytes) -> None:
    """Half a directory looks like a firm that half has left."""

    def answer(path: str, query: dict[str, str]) -> tuple[int, bytes | dict[str, Any]]:
        start = int(query.get("startIndex", "1"))
        if path.endswith("/Users") and start == 1:
            return 200, page
        return 200, {"totalResults": page.get("totalResults", 0) if isinstance(page, dict) else 0, "Resources": []}

    with lying_service(answer) as (url, _):
        made = pulled(tmp_path, url)
        with made.running() as gate:
            with pytest.raises((ScimFailed, Rejected)):
                pull(gate)
            assert gate.state.leavers == {} and gate.health().directories[0].users == 0
            gate.tick()
            until(lambda: gate.health().directories[0].problem is not None)
            assert TOKEN not in str(gate.health().directories[0].problem)


@pytest.mark.parametrize(("token", "mode"), [("wrong", 0o600), (TOKEN, 0o644), ("", 0o600), ("a b", 0o600)])
def test_a_token_that_is_wrong_or_lies_open_is_not_sent_on(tmp_path: Path, token: str, mode: int) -> None:
    with scim_service(cursor=False) as url:
        made = pulled(tmp_path, url, token, mode)
        with made.running() as gate, pytest.raises(ScimFailed):
            pull(gate)


def test_a_provider_that_is_away_is_a_directory_that_is_silent(tmp_path: Path) -> None:
    made = pulled(tmp_path, "http://127.0.0.1:9/scim")
    with made.running() as gate:
        gate.tick()
        until(lambda: gate.health().directories[0].problem is not None)
        assert isinstance(use(gate, "one", "view", STATUS), Refused)


def test_too_many_missing_at_once_are_not_believed(tmp_path: Path) -> None:
    """Somebody changed a filter there, and the list is whole and has two people in it."""
    with scim_service(cursor=False) as url:
        ids = fill(url, *PEOPLE)
        made = pulled(tmp_path, url, leavers_a_day=3)
        with made.running() as gate:
            pull(gate)
            for person in list(PEOPLE)[2:]:
                call(f"{url}/Users/{ids[person]}", "PUT", {"schemas": [USER], "userName": person, "active": False})
            pull(gate)
            assert len(gate.state.leavers) == 3
            assert gate.health().directories[0].doubted == len(PEOPLE) - 5
            assert isinstance(use(gate, "one", "view", STATUS, who="dee"), Refused)
