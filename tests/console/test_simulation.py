"""The page that says what is left with people and passkeys lost, and the pages of a drill."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.console import fingerprint
from armslength.gate import PersonId, RequestState, Target, moment
from armslength.service import Asked, DrillDesk, DrillWanted, known_gate, plan_drill
from armslength.store import read_gate_folder
from tests.console.desk import Client, Desk, desk, signed_in
from tests.console.staff import FILES
from tests.console.test_pages import CONTRAST
from tests.console.window import window
from tests.service.ledgers import Chance

TOKEN = re.compile(r'name="csrf" value="[^"]+"')


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("desk") / "gate") as made:
        yield made


def simulated(here: Desk, who: str = "eve", **fields: str) -> tuple[int, str]:
    client = signed_in(here, who)
    status, _, text = client.post(
        "/simulation", {"csrf": client.csrf("/simulation" if who == "eve" else "/keys"), **fields}
    )
    return status, text


def row(text: str, action: str) -> str:
    found = re.search(rf"<tr><th scope=\"row\"><code>{action}</code>.*?</tr>", text, re.DOTALL)
    assert found is not None, text
    return re.sub(r"<[^>]+>|\s+", " ", found[0])


# What it says


def test_what_is_left_is_counted_before_and_after(here: Desk) -> None:
    """One who plans a holiday learns that the last quorum but one goes with it."""
    text = simulated(here, people="bo")[1]
    said = " ".join(row(text, "end-meeting").split())
    assert " 3 1 fragile" in said and "Nothing is left without" in said and "Cy Tan" in said and "Di Roy" in said
    text = simulated(here, people="bo\ncy")[1]
    assert "2 acts would become impossible" in text or "1 act would become impossible" in text
    assert " 3 0 impossible" in " ".join(row(text, "end-meeting").split())


def test_a_place_takes_everybody_who_works_there(here: Desk) -> None:
    """An earthquake, a strike, a line that is cut."""
    text = simulated(here, place="SG")[1]
    assert " 3 1 fragile" in " ".join(row(text, "end-meeting").split())


def test_a_lost_passkey_takes_its_person_only_without_a_spare(here: Desk) -> None:
    """That is what spares are for."""
    key = next(each for each in here.gate.state.keys_of(PersonId("bo")))
    printed = fingerprint(key.key.credential, key.key.public_key)
    for said in (printed, printed.replace(" ", "").upper(), "bo"):
        text = simulated(here, keys=said)[1]
        assert " 3 1 fragile" in " ".join(row(text, "end-meeting").split())
    text = simulated(here, keys="bo\ncy")[1]
    assert "Possible again with a passkey for Bo Berg" in " ".join(row(text, "end-meeting").split())
    assert "What helps" in text


def test_somebody_without_a_passkey_is_named_where_one_would_help(tmp_path: Path) -> None:
    """Enrolling them costs a minute."""
    files = {**FILES, "groups.csv": FILES["groups.csv"] + b"trust,person:hal\n"}
    with desk(tmp_path / "gate", files=files) as here:
        text = simulated(here, people="bo\ncy")[1]
        assert "Hal Orn" in row(text, "end-meeting")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "nobody is said to be away"),
        ({"people": "nobody"}, "nobody here has the id"),
        ({"place": "XX"}, "nobody works in"),
        ({"keys": "0000 0000"}, "is no fingerprint"),
        ({"keys": "hal"}, "is no fingerprint"),
        ({"people": "<script>alert(1)</script>"}, "&lt;script&gt;"),
    ],
)
def test_what_is_nobody_is_told(here: Desk, fields: dict[str, str], why: str) -> None:
    """A name that was mistyped counts as nobody away."""
    status, text = simulated(here, **fields)
    assert status == 400 and why in text and "<script>alert" not in text


def test_all_problems_come_at_once(here: Desk) -> None:
    """One at a time means one form at a time."""
    _, text = simulated(here, people="x1\nx2", place="YY", keys="zz")
    assert all(each in text for each in ("x1", "x2", "YY", "zz"))


def test_those_who_are_away_now_can_be_counted(here: Desk) -> None:
    """Nobody types a list that the gate has."""
    here.gate.go_away(PersonId("bo"), by=PersonId("bo"), start=moment(int(time.time()) - 60), ends=None)
    try:
        assert "away now: " in signed_in(here, "eve").get("/simulation")[2]
        text = simulated(here, now="yes")[1]
        assert " 3 1 fragile" in " ".join(row(text, "end-meeting").split())
    finally:
        here.gate.come_back(PersonId("bo"))


# What it does not say


@pytest.mark.parametrize("path", ["/simulation", "/away"])
def test_it_is_for_keepers(here: Desk, path: str) -> None:
    """To anybody else it is a list of whom to deceive, or to keep away."""
    client = signed_in(here, "ana")
    assert client.get(path)[0] == 404
    assert client.post(path, {"csrf": client.csrf("/keys"), "people": "bo"})[0] == 404


@pytest.mark.parametrize(
    "fields", [{"people": "bo"}, {"people": "di"}, {"place": "SG"}, {"keys": "cy"}, {"people": "cy\neve"}]
)
def test_a_declared_tie_changes_nothing_that_it_says(tmp_path: Path, here: Desk, fields: dict[str, str]) -> None:
    """Who declared a tie trusted that nobody finds out by trying who could approve with whom."""
    tied = {**FILES, "declared.csv": b"person,state\ncy,IE\ndi,SG\nbo,CA\neve,PT\n"}
    with desk(tmp_path / "gate", files=tied) as other:
        texts = []
        for each in (here, other):
            status, text = simulated(each, **fields)
            assert status == 200
            texts.append(TOKEN.sub("", text))
    assert texts[0] == texts[1]


def test_the_page_says_what_it_leaves_out(here: Desk) -> None:
    """A number that is too good is worse than none."""
    assert "Ties that people declared are sealed, and left out here" in simulated(here, people="bo")[1]


def test_pictures_are_told_in_words(here: Desk) -> None:
    """Who does not see the bars reads the same."""
    text = simulated(here, people="bo")[1]
    assert re.search(r'<svg class="shares" role="img" aria-label="Of all acts: [^"]+"', text)
    assert all('aria-hidden="true"' in each for each in re.findall(r'<svg class="(?:bar|swatch)"[^>]*>', text))
    assert "style=" not in text and "<script" not in text.split("<main")[1]


def test_the_answer_is_read_on_a_phone_and_in_the_dark(here: Desk) -> None:
    """Whoever plans the night shift does it on a train."""
    with window(here.url) as browser:
        browser.sign_in(here.keys["eve"], "/simulation")
        browser.fill(people="bo\ncy", keys="di")
        browser.press("main form button.main")
        assert "would become impossible" in browser.text
        for width, dark in ((320, False), (320, True), (1200, True)):
            browser.chromium.look(width=width, height=900, dark=dark, phone=width < 500)
            assert browser.value("document.scrollingElement.scrollWidth") == width
            assert browser.value(CONTRAST) == []


# Drills


@pytest.fixture
def drill(here: Desk) -> Iterator[str]:
    """One that is under way."""
    folder = read_gate_folder(here.path)
    host = DrillDesk(folder)
    plan = plan_drill(known_gate(folder), DrillWanted())
    made = host.announce(plan, organiser="fay", purpose="Once a quarter.", hours=1, chance=Chance(f"{time.time()}"))
    here.gate.tick()
    yield made.id
    host.end(made, outcome="met", transcript="0" * 64)
    here.gate.tick()
    host.close()


def test_somebody_concerned_says_that_they_know_and_signs(here: Desk, drill: str) -> None:
    """The rehearsal is the real thing, with the door shut."""
    client = signed_in(here, "bo")
    assert f"/drills/{drill}" in client.get("/waiting")[2]
    text = client.get(f"/drills/{drill}")[2]
    assert "A drill: it opens nothing" in text
    csrf = client.csrf(f"/drills/{drill}")
    assert client.post(f"/drills/{drill}/acknowledge", {"csrf": csrf})[0] == 303
    standing = here.gate.drills.under_way()
    assert standing is not None and list(standing.acknowledged) == ["bo"]
    signature = json.dumps(here.keys["bo"].sign(standing.drill.challenge()).form())
    assert client.post(f"/drills/{drill}/sign", {"csrf": csrf, "credential": signature})[0] == 303
    standing = here.gate.drills.under_way()
    assert standing is not None and standing.quorum == ("bo",)
    assert "You signed" in client.get(f"/drills/{drill}")[2]
    assert f"/drills/{drill}" not in client.get("/waiting")[2]
    assert here.gate.leases() == ()


def test_a_drill_is_not_there_for_whom_it_does_not_ask(here: Desk, drill: str) -> None:
    """And none of its addresses is one of a request."""
    stranger = signed_in(here, "liu")
    assert stranger.get(f"/drills/{drill}")[0] == 404
    for step in ("acknowledge", "sign"):
        assert stranger.post(f"/drills/{drill}/{step}", {"csrf": stranger.csrf("/keys")})[0] == 404
    client = signed_in(here, "bo")
    for path in (f"/requests/{drill}", f"/leases/{drill}", "/drills/drill_AAAAAAAAAAAAAAAAAAAAAA"):
        assert client.get(path)[0] == 404
    assert Client(here.url).get(f"/drills/{drill}")[0] == 303


def test_a_request_that_calls_itself_a_drill_is_said_to_be_none(here: Desk) -> None:
    """Whoever wants it signed unread says that it is only an exercise."""
    made = here.gate.ask(
        Asked(
            executor=PersonId("ana"),
            asker=PersonId("ana"),
            action="suspend",
            resource=Target(type="asset", id="meetings-us"),
            purpose="Just the DRILL, sign quickly.",
        ),
        caller="test",
    )
    assert isinstance(made, RequestState)
    text = signed_in(here, "bo").get(f"/requests/{made.request.id}")[2]
    assert "This is no drill." in text
    here.gate.withdraw(made.request.id, PersonId("ana"))


def test_the_ledger_page_says_when_a_drill_is_due(tmp_path: Path) -> None:
    """Who has to hold one forgets it."""
    with desk(tmp_path / "gate", drill_days=30) as here:
        here.gate.tick()
        assert "a drill of the emergency terms is due; one was never held" in signed_in(here, "eve").get("/ledger")[2]
