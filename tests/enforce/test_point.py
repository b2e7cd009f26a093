"""A point in a program: allowed is what the gate allows, or a lease that can be checked; all else is refused, and each
use is on record before the act."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from armslength.enforce import Act, Allowed, Point, PointSettings
from armslength.gate import PersonId, Refused, Target, Why
from tests.enforce.gate import (
    SECRET,
    Answering,
    Clock,
    ScriptedGate,
    by_lease,
    point_on,
    refusal,
    scripted_gate,
    settings,
)
from tests.enforce.leases import GATE, OTHER_KEY, ROOMS, listed, signed, terms

ACT = Act(person=PersonId("ana"), action="read", resource=ROOMS, customers=("c-1",))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> Iterator[ScriptedGate]:
    with scripted_gate(lambda: clock.wall) as found:
        yield found


def why(answer: Allowed | Refused) -> Why | None:
    return answer.why if isinstance(answer, Refused) else None


def test_without_a_lease_the_gate_is_asked(gate: ScriptedGate, clock: Clock, tmp_path: Path) -> None:
    """A point that answers by itself is a second gate without a ledger."""
    point = point_on(gate, tmp_path, clock)
    assert why(point.allow(ACT)) is None
    assert gate.asked[0]["executor"] == "ana" and gate.asked[0]["customers"] == ["c-1"]
    gate.redeem = refusal("approval_required", "ask first")
    answer = point.allow(ACT)
    assert isinstance(answer, Refused) and (answer.why, answer.says) == (Why.APPROVAL_REQUIRED, "ask first")
    assert gate.asked[0]["use"] != gate.asked[1]["use"]


def test_a_lease_is_checked_here_and_its_use_brought_later(gate: ScriptedGate, clock: Clock, tmp_path: Path) -> None:
    """The customer would never read of an access that went by a checked lease."""
    point, lease = point_on(gate, tmp_path, clock), terms()
    answer = point.allow(ACT, token=signed(lease))
    assert isinstance(answer, Allowed) and answer.lease == lease.id and answer.end == lease.end
    assert not gate.asked and point.health().spooled > 0
    point.look()
    assert point.health().spooled == 0
    (use,) = gate.taken
    assert (use["lease"], use["customers"], use["at"]) == (lease.id, ["c-1"], int(clock.wall))


def test_a_lease_that_counts_is_always_redeemed(gate: ScriptedGate, clock: Clock, tmp_path: Path) -> None:
    """One approved use would be as many as there are programs."""
    point, lease = point_on(gate, tmp_path, clock), terms(uses=1)
    gate.redeem = by_lease(lease)
    assert why(point.allow(ACT, token=signed(lease))) is None
    assert gate.asked[0]["lease"] == signed(lease)
    gate.down = True
    assert why(point.allow(ACT, token=signed(lease))) is Why.GATE
    assert point.health().spooled == 0


def test_with_the_gate_away_running_leases_go_on_for_a_minute(gate: ScriptedGate, clock: Clock, tmp_path: Path) -> None:
    """People in the middle of honest work would be stopped by every restart of the gate; or a revoked lease would go on
    for as long as somebody keeps the gate away."""
    point, token = point_on(gate, tmp_path, clock), signed(terms())
    gate.down = True
    assert why(point.allow(ACT, token=token)) is None
    assert why(point.allow(ACT)) is Why.GATE
    clock.pass_by(59)
    assert why(point.allow(ACT, token=token)) is None
    clock.pass_by(2)
    answer = point.allow(ACT, token=token)
    assert isinstance(answer, Refused) and answer.why is Why.OLD_LIST and "too old" in answer.says
    gate.down = False
    point.look()
    assert why(point.allow(ACT, token=token)) is None
    point.look()
    assert len(gate.taken) == 3


def test_a_lease_that_the_gate_gave_serves_the_next_act_without_it(
    gate: ScriptedGate, clock: Clock, tmp_path: Path
) -> None:
    """People in a browser bring no lease along; the gate's restart would stop them all."""
    point, lease = point_on(gate, tmp_path, clock), terms()
    gate.redeem = by_lease(lease, give=True)
    assert why(point.allow(ACT)) is None
    gate.down = True
    assert why(point.allow(ACT)) is None
    other = Act(person=PersonId("bea"), action="read", resource=ROOMS, customers=("c-1",))
    assert why(point.allow(other)) is Why.GATE
    gate.down = False
    gate.revoked.append(lease)
    point.look()
    gate.redeem = refusal("revoked")
    assert why(point.allow(ACT)) is Why.REVOKED


def test_another_persons_lease_opens_nothing(gate: ScriptedGate, clock: Clock, tmp_path: Path) -> None:
    """A lease that is read over somebody's shoulder would be theirs who read it."""
    point = point_on(gate, tmp_path, clock)
    gate.redeem = refusal("outside_the_lease")
    stolen = Act(person=PersonId("mal"), action="read", resource=ROOMS, customers=("c-1",))
    assert why(point.allow(stolen, token=signed(terms()))) is Why.OUTSIDE
    gate.down = True
    assert why(point.allow(stolen, token=signed(terms()))) is Why.OUTSIDE
    assert point.health().spooled == 0


def test_an_unsigned_lease_opens_nothing(gate: ScriptedGate, clock: Clock, tmp_path: Path) -> None:
    """Anybody could write themselves one while the gate is away."""
    point = point_on(gate, tmp_path, clock)
    gate.down = True
    assert why(point.allow(ACT, token=signed(terms(), OTHER_KEY))) is Why.UNSIGNED
    assert why(point.allow(ACT, token="x")) is Why.UNSIGNED


def test_a_clock_that_went_back_stops_everything(gate: ScriptedGate, clock: Clock, tmp_path: Path) -> None:
    """An ended lease would run again."""
    point = point_on(gate, tmp_path, clock)
    clock.wall -= 600
    for token in (None, signed(terms())):
        answer = point.allow(ACT, token=token)
        assert isinstance(answer, Refused) and answer.why is Why.CLOCK and "clock" in answer.says
    assert not gate.asked


@pytest.mark.parametrize(
    "answer",
    [
        PlainTextResponse("no", 500),
        PlainTextResponse("yes", 200),
        RedirectResponse("http://127.0.0.1:1/yes"),
        JSONResponse({}),
        JSONResponse([]),
        JSONResponse({"decision": "true"}),
        JSONResponse({"decision": 1}),
        JSONResponse({"decision": True, "lease": "lease_x", "until": "2030-01-01T00:00:00Z"}),
        JSONResponse({"decision": True, "lease": "lease_" + "A" * 22}),
        JSONResponse({"decision": True, "lease": "lease_" + "A" * 22, "until": "soon"}),
        JSONResponse({"decision": True}, 201),
        JSONResponse({"decision": True}, 401),
        Response(b"[" * 100_000, media_type="application/json"),
        Response(b" " * (9 * 1024 * 1024), media_type="application/json"),
    ],
)
def test_what_is_no_answer_is_a_refusal(gate: ScriptedGate, clock: Clock, tmp_path: Path, answer: Response) -> None:
    """A proxy's error page, or a page of whoever sits on the gate's address, would be taken for a yes."""
    point = point_on(gate, tmp_path, clock)
    gate.redeem = lambda asked: answer
    assert why(point.allow(ACT)) is Why.GATE


def test_a_gate_that_hangs_is_a_refusal_in_time(gate: ScriptedGate, clock: Clock, tmp_path: Path) -> None:
    """Everybody would wait for a gate that is stuck, and the service's threads with them."""
    point = point_on(gate, tmp_path, clock, timeout_seconds=0.3)

    async def never(asked: object) -> Response:
        await asyncio.sleep(3)
        return JSONResponse({"decision": True})

    async def drip() -> object:
        for _ in range(30):
            yield b" "
            await asyncio.sleep(0.1)

    scripts: list[Answering] = [never, lambda asked: StreamingResponse(drip(), media_type="application/json")]
    for script in scripts:
        gate.redeem = script
        before = time.monotonic()
        assert why(point.allow(ACT)) is Why.GATE
        assert time.monotonic() - before < 2.5


def test_a_broken_connection_is_asked_again_as_the_same_use(tmp_path: Path) -> None:
    """One approved act would be counted twice, or lost, whenever a kept connection was closed."""
    import socket

    uses: list[bytes] = []
    yes = b'{"decision":true,"rule":"p"}'
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for number in range(2):
                connection, _ = server.accept()
                with connection:
                    found = b""
                    while b'"use"' not in found:
                        found += connection.recv(65536)
                    uses.append(found[found.index(b'"use"') :][:32])
                    if number:
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(yes), yes))

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        point = Point(PointSettings(url=url, gate=GATE, secret=SECRET, spool=None))
        assert why(point.allow(ACT)) is None
        thread.join()
    assert len(uses) == 2 and uses[0] == uses[1]


def test_two_at_once_on_the_last_use_are_one_act(gate: ScriptedGate, clock: Clock, tmp_path: Path) -> None:
    """The point would answer the second from what the gate told the first."""
    point, lease, left = point_on(gate, tmp_path, clock), terms(uses=1), [1]
    token = signed(lease)

    def last(asked: object) -> Response:
        if left.pop() if left else 0:
            found = by_lease(lease, give=True)({})
            assert isinstance(found, Response)
            return found
        return JSONResponse({"decision": False, "why": "spent", "says": "spent"})

    gate.redeem = last
    answers: list[Allowed | Refused] = []
    threads = [
        threading.Thread(target=lambda token=t: answers.append(point.allow(ACT, token=token)))  # type: ignore[misc]
        for t in (token, None, token, None)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(why(answer)) for answer in answers) == ["None", "spent", "spent", "spent"]


def test_a_spool_that_cannot_be_written_is_a_refusal(gate: ScriptedGate, clock: Clock, tmp_path: Path) -> None:
    """The act would happen, and its only trace be lost."""
    point, token = point_on(gate, tmp_path, clock, most_spool_bytes=4096), signed(terms())
    gate.down = True
    answers = [point.allow(ACT, token=token) for _ in range(30)]
    last = answers[-1]
    assert isinstance(answers[0], Allowed) and isinstance(last, Refused)
    assert last.why is Why.STORE and "cannot be recorded" in last.says
    assert point.health().spool is not None
    gate.down = False
    point.look()
    assert why(point.allow(ACT, token=token)) is None
    assert point.health().spool is None
    assert len(gate.taken) == sum(isinstance(answer, Allowed) for answer in answers)


def test_a_use_that_the_gate_turns_away_holds_up_no_other(
    gate: ScriptedGate, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One use that the gate cannot read would keep all later ones from the customers' records."""
    point, token = point_on(gate, tmp_path, clock), signed(terms())
    for _ in range(5):
        assert why(point.allow(ACT, token=token)) is None
        clock.pass_by(1)

    def picky(sent: dict[str, object]) -> Response:
        uses = sent["uses"]
        assert isinstance(uses, list)
        if any(each["at"] == int(clock.wall) - 3 for each in uses):
            return PlainTextResponse("no such thing", 400)
        return JSONResponse({"taken": [{"use": each["use"], "problem": "late"} for each in uses]})

    gate.uses = picky
    with caplog.at_level(logging.ERROR, "armslength.enforce"):
        point.look()
    assert len(gate.taken) == 4 and point.health().kept == 1 and point.health().spooled == 0
    assert len(list(tmp_path.glob("*.kept"))) == 1
    assert sum("does not fit its lease" in record.message for record in caplog.records) == 5
    assert "ana" not in caplog.text and "c-1" not in caplog.text


@pytest.mark.parametrize(
    "act",
    [
        Act(person=PersonId(""), action="read", resource=ROOMS),
        Act(person=PersonId("ana"), action="read", resource=Target(type="class", id="x")),
        Act(person=PersonId("ana"), action="read", resource=ROOMS, customers=("b", "a")),
        Act(person=PersonId("ana"), action="read", resource=ROOMS, customers=("a\n",)),
        Act(person=PersonId("ana"), action="read", resource=ROOMS, customers=tuple(f"{n:05}" for n in range(1001))),
    ],
)
def test_an_act_that_cannot_be_recorded_is_refused(gate: ScriptedGate, clock: Clock, tmp_path: Path, act: Act) -> None:
    """It would happen, and wait in the spool for ever."""
    assert why(point_on(gate, tmp_path, clock).allow(act, token=signed(terms()))) is Why.ERROR


def test_a_list_of_nobody_is_no_list(gate: ScriptedGate, clock: Clock, tmp_path: Path) -> None:
    """Whoever answers in the gate's place would revoke nothing."""
    gate.list_text = listed(made=clock.wall, key=OTHER_KEY)
    point = point_on(gate, tmp_path, clock)
    assert point.health().gate is not None
    gate.down = True
    assert why(point.allow(ACT, token=signed(terms()))) in (Why.OLD_LIST, Why.UNSIGNED)


KILLED = """
import os, signal, sys
from pathlib import Path
from armslength.enforce import Act, Point, PointSettings
from armslength.gate import PersonId
from tests.enforce.leases import GATE, ROOMS
point = Point(PointSettings(url=sys.argv[1], gate=GATE, secret="pt_" + "A" * 43, spool=Path(sys.argv[2])))
point.look()
answer = point.allow(
    Act(person=PersonId("ana"), action="read", resource=ROOMS, customers=("c-1",)), token=sys.argv[3]
)
print(type(answer).__name__, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_between_the_record_and_the_act_leaves_the_record(root: Path, tmp_path: Path) -> None:
    """The other way round an act would have no trace."""
    from tests.enforce.gate import running_lease

    with scripted_gate() as gate:
        command = [sys.executable, "-c", KILLED, gate.url, str(tmp_path), signed(running_lease(600))]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
        assert done.stdout == "Allowed\n", done.stderr
        assert gate.taken == []
        with Point(settings(gate, tmp_path)):
            pass
        assert [use["customers"] for use in gate.taken] == [["c-1"]]


def test_a_point_looks_at_its_gate_by_itself(tmp_path: Path) -> None:
    """A revocation would wait for somebody to ask for it."""
    from tests.enforce.gate import running_lease

    with scripted_gate() as gate:
        lease = running_lease(600)
        with Point(settings(gate, tmp_path)) as point:
            answer = point.allow(ACT, token=signed(lease))
            assert isinstance(answer, Allowed) and point.running(answer) is None
            gate.revoked.append(lease)
            end = time.monotonic() + 20
            while (refused := point.running(answer)) is None and time.monotonic() < end:
                time.sleep(0.02)
            assert refused is not None and refused.why is Why.REVOKED


@pytest.mark.parametrize(
    "more",
    [
        {"url": "http://gate.example"},
        {"url": "https://gate.example/x"},
        {"url": "ftp://gate.example"},
        {"gate": ""},
        {"secret": "pt_short"},
        {"poll_seconds": 61.0},
        {"timeout_seconds": 0.0},
        {"most_spool_bytes": 1},
    ],
)
def test_settings_that_would_not_hold_are_refused(more: dict[str, object]) -> None:
    """A secret over plain HTTP is everybody's; a list that is fetched too seldom is always too old."""
    good: dict[str, object] = {"url": "https://gate.example", "gate": GATE, "secret": SECRET, "spool": None}
    PointSettings(**good)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        PointSettings(**{**good, **more})  # type: ignore[arg-type]


def test_the_secret_shows_nowhere() -> None:
    """A log line with the settings in it would let its reader be the point."""
    shown = PointSettings(url="https://gate.example", gate=GATE, secret=SECRET, spool=None)
    assert SECRET not in repr(shown)
