"""The decorator: a function is entered when its very call was allowed, and what takes time ends with the lease."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from armslength.enforce import NotAllowed, Point, acting, guarded, still_allowed
from armslength.gate import Why
from tests.enforce.gate import ScriptedGate, by_lease, point_on, refusal, running_lease, scripted_gate, settings
from tests.enforce.leases import signed


@pytest.fixture
def gate() -> Iterator[ScriptedGate]:
    with scripted_gate() as found:
        yield found


@pytest.fixture
def point(gate: ScriptedGate) -> Point:
    return point_on(gate, None)


DONE: list[str] = []


@guarded(action="export", resource="asset:recordings-{region}", customers="{customer}")
def export(region: str, customer: str, *, form: str = "csv") -> str:
    DONE.append(customer)
    return f"{region}/{customer}.{form}"


@guarded(action="export", resource=lambda which: f"asset:{which}", customers=lambda which: [f"{which}-b", f"{which}-a"])
async def export_all(which: str) -> str:
    DONE.append(which)
    return which


@guarded(action="read", resource="asset:rooms", customers=["{one}", "{other}"])
def rows(one: str, other: str) -> Iterator[str]:
    DONE.append(one)
    while True:
        yield one
        yield other


@guarded(action="read", resource="asset:rooms")
async def feed() -> AsyncIterator[int]:
    DONE.append("feed")
    number = 0
    while True:
        yield number
        number += 1
        await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    DONE.clear()


def test_a_call_means_what_its_arguments_say(gate: ScriptedGate, point: Point) -> None:
    """The gate would be asked about another customer than the one whose data leaves."""
    with acting(point, "ana"):
        assert export("eu", customer="c-9") == "eu/c-9.csv"
    (asked,) = gate.asked
    assert asked["executor"] == "ana" and asked["action"] == "export" and asked["customers"] == ["c-9"]
    assert asked["resource"] == {"type": "asset", "id": "recordings-eu"}
    with acting(point, "bea"):
        assert asyncio.run(export_all("us")) == "us"
    assert gate.asked[1]["executor"] == "bea" and gate.asked[1]["customers"] == ["us-a", "us-b"]


def test_a_refused_call_is_not_entered(gate: ScriptedGate, point: Point) -> None:
    """The act would happen first and be refused after."""
    gate.redeem = refusal("forbidden", "policy forbids it")
    with acting(point, "ana"):
        with pytest.raises(NotAllowed, match="policy forbids it") as caught:
            export("eu", "c-9")
        assert caught.value.refused.why is Why.FORBIDDEN
        with pytest.raises(NotAllowed):
            asyncio.run(export_all("us"))
        with pytest.raises(NotAllowed):
            next(rows("a", "b"))
        with pytest.raises(NotAllowed):
            asyncio.run(_first(2))
    assert DONE == []


def test_nobody_is_allowed_nothing(gate: ScriptedGate, point: Point) -> None:
    """A job that forgot to say for whom it works would work for everybody."""
    with pytest.raises(NotAllowed) as caught:
        export("eu", "c-9")
    assert caught.value.refused.why is Why.UNKNOWN_SUBJECT and not gate.asked
    with acting(point, "ana"):
        pass
    with pytest.raises(NotAllowed):
        export("eu", "c-9")


@pytest.mark.parametrize("customer", ["", " c", "c\n", "c\x00", "x" * 2000, ["c-1"], None, True, 1.5, b"c"])
def test_arguments_that_name_nothing_are_refused(gate: ScriptedGate, point: Point, customer: object) -> None:
    """`['c-1']` would be asked about as a customer of that name, and the act be on another."""
    with acting(point, "ana"), pytest.raises(NotAllowed) as caught:
        export("eu", customer)  # type: ignore[arg-type]
    assert caught.value.refused.why is Why.ERROR and not gate.asked and not DONE


def test_a_value_is_not_looked_at_for_slots(gate: ScriptedGate, point: Point) -> None:
    """A customer called `{region}` would become another one."""
    with acting(point, "ana"):
        export("eu", "{region}")
    assert gate.asked[0]["customers"] == ["{region}"]


def test_a_decorator_that_names_no_argument_fails_where_it_is_written() -> None:
    """It would fail at the first call instead, in front of whoever needs it."""
    with pytest.raises(ValueError, match="has no argument nothing"):
        guarded(action="x", resource="asset:{nothing}")(lambda: None)
    with pytest.raises(ValueError, match="expected asset:"):
        guarded(action="x", resource="rooms")(lambda: None)


async def _first(count: int) -> list[int]:
    found = []
    async for number in feed():
        found.append(number)
        if len(found) == count:
            break
    return found


def test_generators_end_with_the_lease(gate: ScriptedGate, point: Point) -> None:
    """An export row by row would go on when the access has run out."""
    with Point(settings(gate, None)) as live:
        gate.redeem = by_lease(running_lease(1.6))
        with acting(live, "ana"), pytest.raises(NotAllowed) as caught:
            for _ in rows("a", "b"):
                time.sleep(0.02)
        assert caught.value.refused.why is Why.EXPIRED
        gate.redeem = by_lease(running_lease(1.6))
        with acting(live, "ana"), pytest.raises(NotAllowed) as caught:
            asyncio.run(_first(10_000))
        assert caught.value.refused.why is Why.EXPIRED
        gate.redeem = None
        with acting(live, "ana"):
            assert asyncio.run(_first(3)) == [0, 1, 2]


def test_a_coroutine_is_cut_and_a_function_can_ask(gate: ScriptedGate) -> None:
    """What runs for an hour on access for a minute is what a lease's end is for."""

    @guarded(action="read", resource="asset:rooms")
    async def slowly() -> None:
        DONE.append("began")
        await asyncio.sleep(60)
        DONE.append("went on")

    @guarded(action="read", resource="asset:rooms")
    def steps() -> None:
        while True:
            still_allowed()
            DONE.append("step")
            time.sleep(0.05)

    with Point(settings(gate, None)) as point:
        gate.redeem = by_lease(running_lease(1.6))
        with acting(point, "ana"), pytest.raises(NotAllowed):
            asyncio.run(slowly())
        assert DONE == ["began"]
        gate.redeem = by_lease(running_lease(1.6))
        with acting(point, "ana"), pytest.raises(NotAllowed):
            steps()
        assert "step" in DONE
    with pytest.raises(NotAllowed):
        still_allowed()


def test_a_lease_that_was_brought_is_used(gate: ScriptedGate, tmp_path: object) -> None:
    """A job that was handed a lease would stop with the gate."""
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    lease = running_lease(60, action="export", customers=("c-9",))
    point = point_on(gate, tmp_path)
    gate.down = True
    with acting(point, "ana", lease=signed(lease)):
        with pytest.raises(NotAllowed):
            export("eu", "c-9")  # for another resource
    right = running_lease(60, action="read")
    with acting(point, "ana", lease=signed(right)):
        assert next(rows("c-1", "c-2")) == "c-1"
