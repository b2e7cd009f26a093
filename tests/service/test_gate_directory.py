"""What directories say of people: how old it may become, who leaves by it, and that it widens nothing by itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest

from armslength.gate import GateError, Granted, PersonId, Refused, Rejected, Taken, Tampered, Why
from armslength.service import (
    DIRECTORY_ATTRIBUTES,
    DIRECTORY_GROUP_ATTRIBUTES,
    DirectoryMissing,
    DirectorySaid,
    DirectoryTwice,
    Gate,
    Redeemed,
    check_gate,
)
from armslength.store import GateDirectory
from tests.service.gates import (
    PEOPLE,
    STATUS,
    TestGate,
    approve,
    ask,
    asked,
    crashed,
    leased,
    small_gate,
    use,
)

HOUR = 3600
BO, DI, DEE = PersonId("bo"), PersonId("di"), PersonId("dee")
OKTA = GateDirectory(id="okta", secret_sha256="1" * 64)


def made_with(path: Path, *directories: GateDirectory, **more: object) -> TestGate:
    return small_gate(path / "gate", directories=directories or (OKTA,), **more)


def attributes(person: str, **more: object) -> dict[str, object]:
    unit, state, _ = PEOPLE.get(person, ("ops", "US", ""))
    return {
        "active": True,
        "addresses": [{"country": state, "type": "work"}],
        "department": unit,
        "externalId": person,
        "userName": f"{person}@example.com",
        **more,
    }


def say(gate: Gate, person: str, directory: str = "okta", id: str | None = None, **more: object) -> DirectorySaid:
    """All of somebody."""
    given = attributes(person, **more)
    return gate.directories.say(directory, "user", id, lambda before: (given, DIRECTORY_ATTRIBUTES))  # type: ignore[return-value,arg-type]


def all_said(gate: Gate, directory: str = "okta", *, but: tuple[str, ...] = ()) -> dict[str, str]:
    """Everybody of the estate; gives the directory's ids."""
    return {person: say(gate, person, directory).id for person in PEOPLE if person not in but}


def group(gate: Gate, name: str, *members: str, id: str | None = None) -> str:
    given = {"displayName": name, "members": list(members)}
    said = gate.directories.say("okta", "group", id, lambda before: (given, DIRECTORY_GROUP_ATTRIBUTES))  # type: ignore[arg-type,return-value]
    return said.id


def look(gate: Gate) -> None:
    gate.tick()
    gate.directories.hearing.look()
    gate.tick()


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return made_with(tmp_path)


# Age


def test_of_whom_the_directory_said_nothing_nothing_is_decided(made: TestGate) -> None:
    """A directory that was never connected would be as good as one that vouches for everybody."""
    with made.running() as gate:
        outcome = gate.ask(ask(), caller="person:bo")
        assert isinstance(outcome, Refused) and outcome.why is Why.STALE
        assert "directory" in outcome.says
        answer = use(gate, "one", "view", STATUS)
        assert isinstance(answer, Refused) and answer.why is Why.STALE
        look(gate)
        assert gate.ready() is not None
        all_said(gate)
        look(gate)
        assert gate.ready() is None
        assert isinstance(use(gate, "two", "view", STATUS), Redeemed)


def test_when_its_word_is_too_old_gated_acts_are_refused_and_an_alarm_goes_out_once(made: TestGate) -> None:
    """The provider stopped; people left, and nobody told."""
    with made.running() as gate:
        all_said(gate)
        look(gate)
        lease = leased(gate)
        made.clock.now += 24 * HOUR - 5
        assert isinstance(use(gate, "still", "view", STATUS), Redeemed)
        made.clock.now += 5
        answer = use(gate, "late", "view", STATUS)
        assert isinstance(answer, Refused) and answer.why is Why.STALE
        assert not gate.lease(lease.terms.id).live or isinstance(use(gate, "lease"), Refused)
        for _ in range(3):
            look(gate)
        alarms = told(gate, "silent")
        assert len(alarms) == 1 and "okta" in alarms[0]["says"] and "15 people" in alarms[0]["says"]
        health = gate.health().directories[0]
        assert (health.unheard, health.users, health.oldest) == (15, 15, 1_800_000_000)
        ids = {each.person: each.id for each in said_users(gate)}
        say(gate, "bo", id=ids["bo"])
        assert isinstance(use(gate, "again", "view", STATUS), Redeemed)
        look(gate)
        assert gate.health().directories[0].unheard == 14
        assert len(told(gate, "silent")) == 1


def test_an_approver_of_whom_nothing_was_said_for_too_long_completes_no_quorum(made: TestGate) -> None:
    """Their approval waits with them: once they are said again it counts."""
    with made.running() as gate:
        ids = all_said(gate)
        look(gate)
        made.clock.now += 20 * HOUR
        for person in PEOPLE:
            if person != "ed":
                say(gate, person, id=ids[person])
        id = asked(gate).request.id
        made.clock.now += 5 * HOUR
        look(gate)
        assert approve(gate, id, "di", "ed").waiting
        say(gate, "ed", id=ids["ed"])
        look(gate)
        assert isinstance(gate.request(id).status, Granted)
    assert check_gate(made.path).findings == ()


def test_whom_a_directory_does_not_cover_needs_no_word_of_it(tmp_path: Path) -> None:
    made = made_with(tmp_path, GateDirectory(id="okta", secret_sha256="1" * 64, covers=("group:ops", "person:di")))
    with made.running() as gate:
        assert isinstance(use(gate, "one", "view", STATUS), Refused)
        say(gate, "bo")
        assert isinstance(use(gate, "two", "view", STATUS), Redeemed)
        id = asked(gate).request.id
        assert approve(gate, id, "di", "ed").waiting
        assert isinstance(approve(gate, id, "gus").status, Granted)
        say(gate, "ed", active=False)
        gate.tick()
        assert not gate.state.gone(PersonId("ed"))


def test_each_of_two_directories_has_to_speak_of_whom_both_cover(tmp_path: Path) -> None:
    """One that is quick would hide that the other stopped."""
    entra = GateDirectory(id="entra", secret_sha256="2" * 64, covers=("person:bo",), freshness_hours=1)
    made = made_with(tmp_path, OKTA, entra)
    with made.running() as gate:
        all_said(gate)
        assert isinstance(use(gate, "one", "view", STATUS), Refused)
        said = say(gate, "bo", "entra")
        assert isinstance(use(gate, "two", "view", STATUS), Redeemed)
        made.clock.now += HOUR
        assert isinstance(use(gate, "three", "view", STATUS), Refused)
        say(gate, "bo", "entra", id=said.id, active=False)
        assert gate.state.gone(BO), "either can say that somebody left"
        assert gate.state.leavers[BO].source == "entra"


def test_one_that_reads_confirms_where_it_is_said_to(tmp_path: Path) -> None:
    made = made_with(tmp_path, GateDirectory(id="okta", secret_sha256="1" * 64, confirm_by_reading=True))
    with made.running() as gate:
        ids = all_said(gate)
        made.clock.now += 23 * HOUR
        gate.directories.confirm("okta", gate.directories.read("okta", "user", ids["bo"]))
        made.clock.now += 2 * HOUR
        assert isinstance(use(gate, "one", "view", STATUS), Redeemed)
        assert isinstance(gate.ask(ask(who="dee"), caller="x"), Refused)


# Leaving


def test_who_was_said_to_leave_before_a_crash_has_left_after_it(tmp_path: Path) -> None:
    """Between what the directory said and the record of it the gate was killed: the next start goes on."""
    start = made_with(tmp_path)
    with start.running() as gate:
        ids = all_said(gate)
        lease = leased(gate)
    steps = 0
    for at in count():
        made = start.copied(tmp_path / f"killed-{at}")
        step = crashed(made, at, lambda gate: say(gate, "bo", id=ids["bo"], active=False))
        if step is None:
            break
        steps += 1
        with made.running() as gate:
            assert gate.health().mended.tampered == ()
            assert isinstance(use(gate, "one"), Refused)
            gate.tick()
            assert gate.state.gone(BO) and not gate.lease(lease.terms.id).live
        assert check_gate(made.path).findings == ()
    assert steps >= 4


def test_too_many_leavers_at_once_are_not_believed(tmp_path: Path) -> None:
    """A slip in the scope of a provisioning would send the firm home, for good."""
    made = made_with(tmp_path, GateDirectory(id="okta", secret_sha256="1" * 64, leavers_a_day=2))
    with made.running() as gate:
        ids = all_said(gate)
        look(gate)
        leased(gate)
        for person in ("ana", "hal", "bo", "cho"):
            say(gate, person, id=ids[person], active=False)
        assert gate.state.leavers.keys() == {"ana", "hal"}
        # Nobody is let do anything meanwhile, and nobody has left who did not.
        assert isinstance(use(gate, "one"), Refused)
        assert isinstance(gate.ask(ask(who="dee"), caller="x"), Refused)
        look(gate)
        assert gate.health().directories[0].doubted == 2 and gate.ready() is not None
        assert len(told(gate, "doubted")) == 1
        for person in ("bo", "cho"):
            say(gate, person, id=ids[person])
        look(gate)
        assert gate.health().directories[0].doubted == 0 and gate.ready() is None
        assert not gate.state.gone(BO)
        assert isinstance(use(gate, "two", "view", STATUS), Redeemed)


def test_too_many_leavers_leave_once_the_setting_says_so(tmp_path: Path) -> None:
    made = made_with(tmp_path, GateDirectory(id="okta", secret_sha256="1" * 64, leavers_a_day=1))
    with made.running() as gate:
        ids = all_said(gate)
        for person in ("ana", "hal"):
            say(gate, person, id=ids[person], active=False)
        assert gate.state.gone(PersonId("ana")) and not gate.state.gone(PersonId("hal"))
        made.clock.now += 25 * HOUR
        gate.tick()
        assert gate.state.gone(PersonId("hal")), "the next day it may again"


def test_a_directory_that_lies_back_and_forth_brings_nobody_back(made: TestGate) -> None:
    with made.running() as gate:
        ids = all_said(gate)
        for active in (False, True, False, True):
            say(gate, "bo", id=ids["bo"], active=active)
            gate.tick()
            assert gate.state.gone(BO)
        assert [each.person for each in gate.state.leavers.values()] == ["bo"]
        gate.directories.remove("okta", "user", ids["bo"])
        say(gate, "bo")
        gate.tick()
        assert gate.state.gone(BO)
        assert isinstance(gate.ask(ask(), caller="x"), Refused)


# What differs, and what people make of it


def test_what_a_directory_says_otherwise_changes_nothing_until_it_is_signed_for(made: TestGate) -> None:
    """Whoever administers the directory would rule who is a quorum."""
    with made.running() as gate:
        ids = all_said(gate)
        before = gate.digest
        say(gate, "di", id=ids["di"], addresses=[{"type": "work", "country": "CN"}], department="liaison")
        say(gate, "zoe", addresses=[{"type": "work", "country": "DE"}])
        say(gate, "yan", addresses=[], department="ops")
        say(gate, "bo", id=ids["bo"], active=False)
        look(gate)
        assert gate.digest == before and gate.decider.roster.states(gate.decider.roster.places["di"]) == {"IE"}
        found = {(each.person, each.what): each for each in gate.directories.proposing.differences()}
        assert found.keys() == {("di", "workplace"), ("di", "unit"), ("zoe", "new"), ("yan", "new"), ("bo", "left")}
        assert (found["di", "workplace"].estate, found["di", "workplace"].said) == ("IE", "CN")
        assert not found["yan", "new"].proposed, "of somebody without a place nobody knows whom they answer to"
        outcome = gate.directories.proposing.propose(
            asker=PersonId("ann"), purpose="as the directory has it", caller="person:ann", key=None
        )
        assert not isinstance(outcome, Refused), outcome
        assert approve(gate, outcome.request.id, "ben", "cho").adopted
        files = gate.estate_files()
        assert b"di,liaison,CN" in files["people.csv"] and b"zoe,ops,DE" in files["people.csv"]
        assert b"\nbo," not in files["people.csv"] and b"person:bo" not in files["groups.csv"] + files["grants.csv"]
        assert {each.person for each in gate.directories.proposing.differences()} == {"yan"}
        assert gate.state.gone(BO)
    assert check_gate(made.path).findings == ()


def test_who_came_back_is_proposed_as_returning(made: TestGate) -> None:
    with made.running() as gate:
        ids = all_said(gate)
        look(gate)
        say(gate, "bo", id=ids["bo"], active=False)
        with pytest.raises(Rejected):  # the directory says still that they left
            gate.propose(gate.estate_files(), asker=PersonId("ann"), purpose="x", caller="person:ann", returning=[BO])
        say(gate, "bo", id=ids["bo"])
        outcome = gate.directories.proposing.propose(
            asker=PersonId("ann"), purpose="bo is back", caller="person:ann", key=None
        )
        assert not isinstance(outcome, Refused), outcome
        assert approve(gate, outcome.request.id, "ben", "cho").adopted and not gate.state.gone(BO)
        assert gate.directories.proposing.differences() == ()
        with pytest.raises(Rejected):
            gate.directories.proposing.propose(asker=PersonId("ann"), purpose="x", caller="person:ann", key=None)
    assert check_gate(made.path).findings == ()


def test_who_leaves_again_before_they_are_back_stays_out(made: TestGate) -> None:
    """The quorum is there, and meanwhile the directory says that they left after all."""
    with made.running() as gate:
        ids = all_said(gate)
        look(gate)
        say(gate, "bo", id=ids["bo"], active=False)
        say(gate, "bo", id=ids["bo"])
        outcome = gate.directories.proposing.propose(
            asker=PersonId("ann"), purpose="bo is back", caller="person:ann", key=None
        )
        assert not isinstance(outcome, Refused)
        approve(gate, outcome.request.id, "ben")
        say(gate, "bo", id=ids["bo"], active=False)
        state = approve(gate, outcome.request.id, "cho")
        assert isinstance(state.status, Granted) and not state.adopted
        assert isinstance(gate.lease(state.status.lease).status, Taken)
        assert gate.state.gone(BO)


def test_groups_are_compared_with_those_of_their_name(made: TestGate) -> None:
    with made.running() as gate:
        ids = all_said(gate)
        group(gate, "ops", ids["bo"], ids["di"])
        group(gate, "somewhere-else", ids["bo"])
        found = {(each.person, each.what, each.said) for each in gate.directories.proposing.differences()}
        assert found == {("dee", "group:ops", ""), ("di", "group:ops", "person:di")}
        outcome = gate.directories.proposing.propose(
            asker=PersonId("ann"), purpose="groups", caller="person:ann", key=None
        )
        assert not isinstance(outcome, Refused), outcome
        assert approve(gate, outcome.request.id, "ben", "cho").adopted
        assert gate.directories.proposing.differences() == ()


def test_what_is_said_the_same_renews_the_dates_of_its_rows_without_a_quorum(tmp_path: Path) -> None:
    """Rows grow old by the day; a directory that says them daily keeps them young, and says no more than that."""
    made = made_with(tmp_path, freshness_days=3)
    with made.running() as gate:
        ids = all_said(gate)
        say(gate, "di", id=ids["di"], department="elsewhere")
        before = gate.digest
        made.clock.now += 3 * 86_400
        for person in PEOPLE:
            say(gate, person, id=ids[person], **({"department": "elsewhere"} if person == "di" else {}))
        assert gate.directories.proposing.renew()
        assert gate.digest == before
        rows = gate.estate_files()["people.csv"].decode().splitlines()
        assert rows[0] == "id,unit,workplace,source,as_of"
        assert "bo,ops,US,scim/okta,2027-01-18" in rows and "di,trust ie,IE,," in rows
        assert not gate.directories.proposing.renew(), "there is nothing more to renew"
    assert check_gate(made.path).findings == ()


# A whole directory at once


def test_who_is_missing_from_a_whole_directory_has_left(made: TestGate) -> None:
    with made.running() as gate:
        users = {f"u-{person}": attributes(person) for person in PEOPLE}
        gate.directories.reconcile("okta", users, {})  # type: ignore[arg-type]
        assert isinstance(use(gate, "one", "view", STATUS), Redeemed)
        made.clock.now += 20 * HOUR
        del users["u-bo"]
        gate.directories.reconcile("okta", users, {})  # type: ignore[arg-type]
        assert gate.state.gone(BO)
        made.clock.now += 20 * HOUR
        assert isinstance(asked(gate, who="dee").request.id, str), "to be there still is to be said again"
        with pytest.raises(Rejected):
            gate.directories.reconcile("okta", {}, {})
        assert not gate.state.gone(DEE)


def test_a_large_directory_is_taken_in(tmp_path: Path) -> None:
    """In time, and without keeping others waiting: here a part of them, since the rest goes the same way."""
    made = made_with(tmp_path)
    with made.running() as gate:
        users = {f"u{number}": {"userName": f"p{number}", "externalId": f"p{number}"} for number in range(1_000)}
        users |= {f"u-{person}": attributes(person) for person in PEOPLE}  # type: ignore[misc]
        gate.directories.reconcile("okta", users, {})  # type: ignore[arg-type]
        assert gate.health().directories[0].users == 1_015
        gate.directories.reconcile("okta", users, {})  # type: ignore[arg-type]
        assert isinstance(use(gate, "one", "view", STATUS), Redeemed)


# What is stored


def test_whoever_writes_into_the_database_makes_nobody_fresh(made: TestGate) -> None:
    """Its administrator would keep a directory alive that has stopped, or say somebody in its name."""
    with made.running() as gate:
        ids = all_said(gate)
    with made.administrator() as db:
        doc = json.loads(db.execute("SELECT doc FROM directory WHERE id = ?", (ids["bo"],)).fetchone()[0])
        doc["times"] = dict.fromkeys(doc["times"], int(made.clock.now) + 10**6)
        text = json.dumps(doc, sort_keys=True, separators=(",", ":")).encode()
        db.execute("UPDATE directory SET doc = ? WHERE id = ?", (text, ids["bo"]))
        db.execute("UPDATE directory SET id = 'moved' WHERE id = ?", (ids["dee"],))
    with made.running() as gate:
        for who in ("bo", "dee"):
            outcome = gate.ask(ask(who=who), caller="x")
            assert isinstance(outcome, Refused) and outcome.why is Why.STALE
        assert gate.health().directories[0].strange == 2
        with pytest.raises(Tampered):
            gate.directories.read("okta", "user", ids["bo"])
        with pytest.raises(DirectoryMissing):
            gate.directories.read("okta", "user", ids["dee"])


def test_a_start_knows_what_was_said_before(made: TestGate) -> None:
    with made.running() as gate:
        ids = all_said(gate, but=("hal",))
        say(gate, "ana", id=ids["ana"], active=False)
    with made.running() as gate:
        assert isinstance(use(gate, "one", "view", STATUS), Redeemed)
        assert gate.state.gone(PersonId("ana"))
        hal = gate.ask(ask(who="hal"), caller="x")
        assert isinstance(hal, Refused) and hal.why is Why.STALE


def test_a_start_with_a_clock_that_went_back_waits_for_it(made: TestGate) -> None:
    """A gate that does not start at all could not even take anything away."""
    with made.running() as gate:
        all_said(gate)
        look(gate)
        asked(gate)
    made.clock.now -= 1000
    with made.running() as gate:
        assert gate.ready() is not None and isinstance(use(gate, "one", "view", STATUS), Refused)
        made.clock.now += 1000
        assert isinstance(use(gate, "two", "view", STATUS), Redeemed)


def test_two_users_of_one_directory_do_not_stand_for_one_person(made: TestGate) -> None:
    """One of them leaves and the other stays: nobody would know whether they left."""
    with made.running() as gate:
        say(gate, "bo")
        with pytest.raises(DirectoryTwice):
            say(gate, "bo", userName="other")
        with pytest.raises(DirectoryTwice):
            say(gate, "dee", userName="BO@example.com")


def test_pushes_and_leavers_at_once_end_in_one_state(made: TestGate) -> None:
    with made.running() as gate:
        ids = all_said(gate)
        lease = leased(gate)
        start = threading.Barrier(8)
        failed: list[BaseException] = []

        def push(active: bool) -> None:
            start.wait()
            try:
                for _ in range(5):
                    say(gate, "bo", id=ids["bo"], active=active)
            except GateError as error:
                failed.append(error)

        threads = [threading.Thread(target=push, args=(number % 2 == 0,)) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        gate.tick()
        assert gate.state.gone(BO) and not gate.lease(lease.terms.id).live
        assert not [each for each in failed if not isinstance(each, GateError)]
    assert check_gate(made.path).findings == ()


# What people read


def told(gate: Gate, event: str) -> list[Mapping[str, str]]:
    with gate.database.reading() as tables:
        rows = tables.outbox.newest(person=None, limit=100)
        bodies = [json.loads(each.body) for each in rows if each.kind == "alarm"]
    return [each for each in bodies if each.get("event") == event]


def said_users(gate: Gate) -> tuple[DirectorySaid, ...]:
    return gate.directories.page("okta", "user", skip=0, limit=200)[1]
