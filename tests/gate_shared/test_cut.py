"""An office that is cut off from the firm's others, as by a state's firewall: networks of the kernel, really cut."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.campaign import scratch
from tests.gate_shared.founding import found_at
from tests.gate_shared.network import Site, sites
from tests.gate_shared.office import Office, OfficeError
from tests.gate_shared.pair import moved
from tests.gate_shared.server import WITHOUT_FSYNC, SharedServer, shared_server, until


@dataclass
class World:
    """Offices `a` and `b`, in networks of their own around the one of the stores."""

    server: SharedServer
    places: dict[str, Site]
    folder: Path
    offices: dict[str, Office]

    def office(self, name: str) -> Office:
        return self.offices[name]

    def start(self, name: str) -> Office:
        self.offices[name] = Office(self.folder / name, self.places[name])
        return self.offices[name]

    def agree(self) -> None:
        """Wait until both offices know the same."""
        until(lambda: len({office.do("state") for office in self.offices.values()}) == 1)


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[SharedServer, dict[str, Site], Path]]:
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="armslength-cut-", dir=scratch()) as place,
        sites("a", "b") as (hub, around),
    ):
        patch.setenv(WITHOUT_FSYNC, "1")
        with shared_server(hub.address, namespace=hub.namespace) as server:
            found_at(around["a"], server, Path(place) / "founded")
            yield server, around, Path(place)


@pytest.fixture
def world(stage: tuple[SharedServer, dict[str, Site], Path], request: pytest.FixtureRequest) -> Iterator[World]:
    server, around, place = stage
    name = f"world{abs(hash(request.node.name)) % 10**9}"
    server.copy("founded", name)
    moved(place / "founded", place / name, "founded", name)
    made = World(server=server, places=around, folder=place / name, offices={})
    try:
        for site in ("a", "b"):
            made.start(site)
        yield made
    finally:
        for office in made.offices.values():
            office.close()
        server.drop(name)


def cut_off(office: Office) -> None:
    office.site.cut()
    until(lambda: office.do("ready") is not None)


def back(office: Office) -> None:
    office.site.mend()
    until(lambda: office.do("ready") is None, seconds=40)


def lent(world: World, who: str, action: str, on: str, *approvers: str) -> str:
    request = world.office("a").do("ask", who, action, on)
    said = "waiting"
    for approver in approvers:
        said = world.office("a").do("approve", request, approver)
    assert said.startswith("lease_"), said
    world.agree()
    return str(said)


@pytest.mark.parametrize("cut", ["a", "b"])
def test_a_country_s_firewall_cuts_the_office_off_and_what_is_spent_meanwhile_is_spent_once(
    world: World, cut: str
) -> None:
    """Whether or not the office that is cut off held the writer's seat: the other goes on, and has the last use."""
    lease = lent(world, "bo", "end", "asset:meetings", "di", "ed")
    outside = world.office(cut)
    inside = world.office("b" if cut == "a" else "a")
    cut_off(outside)
    assert outside.do("use", "bo", "end", "asset:meetings") == "ledger_unavailable"
    assert outside.do("ask", "eli", "list", "asset:meetings") == "refused: ledger_unavailable"
    until(lambda: inside.do("health")["leads"])
    assert [inside.do("use", "bo", "end", "asset:meetings") for _ in range(3)] == ["yes", "yes", "spent"]
    back(outside)
    world.agree()
    assert outside.do("use", "bo", "end", "asset:meetings") == "spent"
    assert outside.do("lease", lease) == "Over 2"
    assert inside.do("recorded")["Used"] == 2


def test_what_an_office_refused_while_it_was_cut_off_is_on_record_afterwards(world: World) -> None:
    lent(world, "bo", "end", "asset:meetings", "di", "ed")
    outside = world.office("b")
    cut_off(outside)
    before = world.office("a").do("recorded").get("Denied", 0)
    for person in ("bo", "eli", "ana"):
        assert outside.do("use", person, "end", "asset:meetings") == "ledger_unavailable"
    assert outside.do("health")["apart"] == 3
    back(outside)
    until(lambda: outside.do("tick") and outside.do("health")["apart"] == 0)
    assert world.office("a").do("recorded")["Denied"] == before + 3


def test_a_lease_that_is_taken_away_in_an_office_that_is_cut_off_ends_though_its_gate_is_killed(world: World) -> None:
    lease = lent(world, "bo", "end", "asset:meetings", "di", "ed")
    outside = world.office("b")
    cut_off(outside)
    with pytest.raises(OfficeError, match="recorded once that is possible"):
        outside.do("revoke", lease)
    outside.kill()
    outside.site.mend()
    again = world.start("b")
    until(lambda: again.do("lease", lease).startswith("Taken"))
    world.agree()
    assert world.office("a").do("use", "bo", "end", "asset:meetings") == "revoked"
    assert world.office("a").do("recorded")["Revoked"] == 1


def test_an_office_that_is_cut_off_for_long_decides_nothing_at_all(world: World) -> None:
    """Standing access as well: it could not know of a leaver, or of another policy."""
    outside = world.office("b")
    outside.do("alone", 8.0)  # a minute, but for the test's sake
    assert outside.do("use", "bo", "view", "asset:meetings") == "yes"
    cut_off(outside)
    assert outside.do("use", "bo", "view", "asset:meetings") == "yes"
    until(lambda: outside.do("use", "bo", "view", "asset:meetings") == "ledger_unavailable")
    back(outside)
    assert outside.do("use", "bo", "view", "asset:meetings") == "yes"


def test_both_offices_go_on_where_they_were_when_the_stores_were_away(world: World) -> None:
    lease = lent(world, "bo", "end", "asset:meetings", "di", "ed")
    world.server.stop()
    for office in world.offices.values():
        assert office.do("use", "bo", "end", "asset:meetings") in ("ledger_unavailable", "store_unavailable")
    world.server.start()
    for office in world.offices.values():
        until(lambda office=office: office.do("ready") is None, seconds=40)
    until(lambda: world.office("b").do("use", "bo", "end", "asset:meetings") == "yes")
    world.agree()
    assert world.office("a").do("lease", lease) == "Live 1"
    for office in world.offices.values():
        assert office.do("health")["tampered"] == []


def test_an_approval_given_in_one_office_counts_in_the_other(world: World) -> None:
    request = world.office("a").do("ask", "bo", "end", "asset:meetings")
    assert world.office("b").do("approve", request, "di") == "waiting"
    lease = world.office("a").do("approve", request, "ed")
    assert lease.startswith("lease_")
    world.agree()
    assert world.office("b").do("use", "bo", "end", "asset:meetings") == "yes"
