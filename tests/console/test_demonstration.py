"""A demonstration: the visitor acts as anybody; a gate that people founded cannot be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.console import NotADemonstration, console_app, found_demonstration
from armslength.gate import Granted, PersonId, RequestId
from tests.console.desk import Client, desk, founded, signed_in
from tests.console.window import window


def test_a_gate_that_people_founded_is_not_to_be_had_as_a_demonstration(tmp_path: Path) -> None:
    """One flag at a start would otherwise let whoever comes act as anybody."""
    with desk(tmp_path / "gate") as here:
        with pytest.raises(NotADemonstration, match="founded with passkeys of people"):
            console_app(here.gate, demo=True)
        client = signed_in(here, "liu")
        assert client.post("/demo/act-as", {"csrf": client.csrf("/ask"), "person": "ana"})[0] == 404


def test_nor_is_one_of_which_a_single_founder_is_a_person(tmp_path: Path) -> None:
    """A demonstration that somebody began to use for real must not stay open to all."""
    with desk(tmp_path / "gate", demo=True, shown=False, people=("ana",)) as here:
        console_app(here.gate, demo=True)
        founded(here.gate, "bo")
        with pytest.raises(NotADemonstration):
            console_app(here.gate, demo=True)


def test_nor_one_that_nobody_founded(tmp_path: Path) -> None:
    """An empty gate is about to be somebody's."""
    with desk(tmp_path / "gate", people=()) as here, pytest.raises(NotADemonstration, match="not founded"):
        console_app(here.gate, demo=True)


def test_without_the_flag_nobody_is_acted_for(tmp_path: Path) -> None:
    """The keys of a demonstration are public; they count nowhere but in one that is shown as such."""
    with desk(tmp_path / "gate", demo=True, shown=False) as here:
        client = signed_in(here, "liu")
        assert "Demonstration" not in client.get("/ask")[2]
        assert client.post("/demo/act-as", {"csrf": client.csrf("/ask"), "person": "ana"})[0] == 404


def test_acting_as_somebody_takes_a_form_of_the_console(tmp_path: Path) -> None:
    """Even a demonstration is not to be steered from another page."""
    with desk(tmp_path / "gate", demo=True) as here:
        client = Client(here.url)
        token = client.csrf("/sign-in")
        assert client.post("/demo/act-as", {"person": "ana"})[0] == 403
        assert client.post("/demo/act-as", {"csrf": token, "person": "ana"}, Origin="https://evil.example")[0] == 403
        assert client.post("/demo/act-as", {"csrf": token, "person": "nobody"})[0] == 400
        assert client.post("/demo/act-as", {"csrf": token, "person": "ana"})[0] == 303
        assert client.get("/requests")[0] == 200


def test_a_visitor_plays_every_part(tmp_path: Path) -> None:
    """The demonstration is how people learn what it is; it must say that it is one on every page."""
    with desk(tmp_path / "gate", demo=True) as here, window(here.url) as browser:
        browser.chromium.look(width=1200, height=900, dark=False)

        def act_as(person: str) -> None:
            browser.value(f"document.getElementById('act-as').value = '{person}'")
            browser.press(".demo button")

        browser.go("/sign-in")
        assert "Demonstration" in browser.value("document.querySelector('.demo').innerText")
        act_as("ana")
        browser.go("/ask")
        browser.fill(action="end-meeting", resource="meetings-us", customers="acme", purpose="Case 1.")
        browser.press("main form button.main")
        browser.press("main form button.main")
        id = RequestId(browser.path.removeprefix("/requests/"))
        for person in ("bo", "cy"):
            act_as(person)
            assert browser.path == "/waiting"
            browser.press("main .rows a")
            assert "Demonstration" in browser.value("document.querySelector('.demo').innerText")
            browser.press("#approve")
        state = here.gate.request(id)
        assert isinstance(state.status, Granted)
        assert state.approvers() == (PersonId("bo"), PersonId("cy"))


def test_a_demonstration_begins_with_something_to_do(tmp_path: Path) -> None:
    """An empty console shows a visitor nothing of what it is for."""
    with desk(tmp_path / "gate", demo=True, shown=False, people=()) as here:
        steps: list[None] = []
        people = found_demonstration(here.gate, lambda: steps.append(None))
        assert len(steps) == len(people) >= 7
        requests = here.gate.requests()
        assert len(requests) >= 2 and all(each.waiting and each.request.evidence for each in requests)
        assert [each for each in requests if each.request.asker != each.request.executor]
        assert console_app(here.gate, demo=True).state.console.demonstration is not None


@pytest.mark.slow
def test_a_large_estate_can_be_shown_too(tmp_path: Path, root: Path) -> None:
    """The sample that comes with the product is what most people see first."""
    files = {path.name: path.read_bytes() for path in (root / "examples/meridian/after").iterdir()}
    with desk(tmp_path / "gate", files=files, demo=True, shown=False, people=()) as here:
        people = found_demonstration(here.gate, lambda: None)
        assert 50 < len(people) < 400
        waiting = [each for each in here.gate.requests() if each.waiting]
        assert len(waiting) == 3
        assert all(here.gate.who_could(each.request.id).sets for each in waiting)
