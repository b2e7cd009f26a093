"""What time does to the console: sessions end, and a clock that cannot be believed stops everything."""

from __future__ import annotations

import time
from pathlib import Path

from armslength.gate import PersonId, RequestState, Target
from armslength.service import Asked
from tests.console.desk import Client, desk, signed_in


class Clock:
    """The machine's, moved by hand."""

    def __init__(self) -> None:
        self.by = 0.0

    def __call__(self) -> float:
        return time.time() + self.by


def test_a_session_ends_after_silence(tmp_path: Path) -> None:
    """A laptop left in a café stays signed in for whoever sits down next."""
    clock = Clock()
    with desk(tmp_path / "gate", console_clock=clock, session_minutes=10) as here:
        client = signed_in(here, "bo")
        clock.by += 9 * 60
        assert client.get("/requests")[0] == 200
        clock.by += 9 * 60
        assert client.get("/requests")[0] == 200
        clock.by += 11 * 60
        assert client.get("/requests")[0] == 303


def test_a_session_ends_after_its_hours_however_busy(tmp_path: Path) -> None:
    """Whoever took a cookie would otherwise keep it alive for ever."""
    clock = Clock()
    with desk(tmp_path / "gate", console_clock=clock, session_minutes=30, session_hours=1) as here:
        client = signed_in(here, "bo")
        seen = []
        for _ in range(7):
            clock.by += 10 * 60
            seen.append(client.get("/requests")[0])
        assert seen[:5] == [200] * 5 and seen[-1] == 303


def test_a_sign_in_that_was_begun_long_ago_is_not_finished(tmp_path: Path) -> None:
    """A challenge that is good for ever can be signed today and used next year."""
    clock = Clock()
    with desk(tmp_path / "gate", console_clock=clock) as here:
        client = Client(here.url)
        fields = client.sign_in_fields(here.keys["bo"])
        clock.by += 11 * 60
        status, _, text = client.post("/sign-in", fields)
        assert status == 403 and "took too long" in text


def test_a_clock_that_went_back_stops_approvals_and_every_page_says_why(tmp_path: Path) -> None:
    """An approval under a false time could be one of a lease that was over."""
    clock = Clock()
    with desk(tmp_path / "gate", clock=clock) as here:
        made = here.gate.ask(
            Asked(
                executor=PersonId("ana"),
                asker=PersonId("ana"),
                action="end-meeting",
                resource=Target(type="asset", id="meetings-us"),
                customers=("acme",),
                purpose="Case 1.",
            ),
            caller="test",
        )
        assert isinstance(made, RequestState)
        bo = signed_in(here, "bo")
        token = bo.csrf("/ask")
        clock.by -= 3600
        assert "Nothing can be approved or allowed at this moment" in bo.get("/requests")[2]
        status, _, text = bo.post(f"/requests/{made.request.id}/decline", {"csrf": token, "reason": "x"})
        assert status == 503 and "Nothing can be decided now" in text
        clock.by += 3600
        assert here.gate.request(made.request.id).waiting
        assert "Nothing can be approved" not in bo.get("/requests")[2]
