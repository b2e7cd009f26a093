"""What people do at the gate, in a real browser with passkeys that verify their user."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.gate import Granted, Live, PersonId, RequestId, RequestState, Target
from armslength.service import Asked
from tests.console.desk import Desk, desk, signed_in
from tests.console.staff import FILES
from tests.console.window import Window, window


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("gate") / "gate") as one:
        yield one


@pytest.fixture(scope="module")
def browser(here: Desk) -> Iterator[Window]:
    with window(here.url) as one:
        one.chromium.look(width=1200, height=900, dark=False)
        yield one


@pytest.fixture
def packet(tmp_path: Path) -> Path:
    path = tmp_path / "complaint 118.txt"
    path.write_text("The meeting of 4 June breaks our terms.\n", encoding="utf-8")
    return path


def asks(browser: Window, packet: Path, *, purpose: str, customers: str = "acme", **fields: str) -> RequestId:
    """Whoever is signed in asks, by the form; gives the request's id."""
    browser.go("/ask")
    said = {"action": "end-meeting", "resource": "meetings-us", "customers": customers, "purpose": purpose, **fields}
    browser.fill(**said)
    browser.attach("evidence", packet)
    browser.press("main form button.main")
    assert browser.title == "Before it is sent", browser.text
    browser.press("main form button.main")
    assert browser.path.startswith("/requests/req_"), browser.text
    return RequestId(browser.path.removeprefix("/requests/"))


def opens_all(browser: Window) -> None:
    """Unfold each document of the request on the page, and wait until it is there."""
    browser.value("document.querySelectorAll('[data-evidence] details').forEach(d => { d.open = true })")
    browser.wait("document.querySelectorAll('[data-opened=no]').length === 0")


def test_a_passkey_counts_once_a_second_person_vouched(here: Desk, browser: Window) -> None:
    """Whoever gets a link meant for somebody else must not become them by that alone."""
    browser.sign_in(here.keys["bo"], "/keys")
    browser.fill(person="hal")
    browser.press("form[action='/keys/invite'] button")
    assert "could not vouch for hal" in browser.text
    browser.sign_in(here.keys["fay"], "/keys")
    browser.fill(person="hal")
    browser.press("form[action='/keys/invite'] button")
    link = browser.value("document.getElementById('link').innerText")
    browser.hold()
    browser.chromium.call("Network.clearBrowserCookies")
    browser.go(link)
    assert "Hal Orn" in browser.text
    browser.press("form[data-passkey] button")
    assert "It does not count yet" in browser.title
    fingerprint = browser.value("document.getElementById('fingerprint').innerText")
    device = browser.passkeys()
    assert len(device) == 1 and device[0]["isResidentCredential"]
    browser.sign_in()
    assert browser.path == "/sign-in" and "does not count yet" in browser.text

    browser.sign_in(here.keys["bo"], "/keys")
    assert "Hal" not in browser.text  # he may not vouch for him
    browser.sign_in(here.keys["eve"], "/keys")
    browser.press("a[href^='/vouch/']")
    assert fingerprint in browser.text and "Hal Orn" in browser.text
    browser.press("form[data-passkey] button")
    assert browser.path == "/keys"

    browser.hold()
    browser.put_in(device)
    browser.sign_in()
    assert browser.path == "/requests"
    assert "Hal Orn" in browser.value("document.querySelector('header').innerText")


def test_a_device_that_does_not_know_its_user_does_not_sign(here: Desk, browser: Window) -> None:
    """A laptop left open is not its owner."""
    browser.hold(here.keys["bo"])
    browser.verifies(False)
    browser.chromium.call("Network.clearBrowserCookies")
    browser.go("/sign-in")
    browser.value("document.querySelector('form[data-passkey] button').click()")
    browser.wait("!document.querySelector('[data-alert]').hidden")
    assert browser.path == "/sign-in" and "was not used" in browser.text


def test_from_asking_to_the_lease_and_back(here: Desk, browser: Window, packet: Path) -> None:
    """The whole of it, as the people of a request live it."""
    browser.sign_in(here.keys["ana"])
    browser.go("/ask")
    browser.fill(action="end-meeting", resource="meetings-us", customers="acme\nzed", purpose="Case 118: a complaint.")
    browser.attach("evidence", packet)
    browser.press("main form button.main")
    assert not here.gate.mine(PersonId("ana"))  # nothing is sent before it was seen who could approve
    for name in ("Bo Berg", "Cy Tan", "Di Roy"):
        assert name in browser.text
    assert "complaint 118.txt" in browser.text
    browser.press("main form button.main")
    id = RequestId(browser.path.removeprefix("/requests/"))
    assert browser.value("document.getElementById('approve')") is None  # not the asker

    for person, title in (("bo", "waiting"), ("cy", "granted")):
        browser.sign_in(here.keys[person])
        assert browser.path == "/waiting"
        browser.press("main .rows a")
        said = browser.text
        for shown in (
            "Ana Ruiz",
            "end-meeting",
            "acme",
            "zed",
            "Case 118",
            "two-apart",
            "complaint 118.txt",
            "30 minutes",
        ):
            assert shown in said, shown
        assert browser.value("document.getElementById('approve').disabled") is True
        opens_all(browser)
        assert browser.value("document.getElementById('approve').disabled") is False
        browser.press("#approve")
        assert browser.path == f"/requests/{id}"
        assert browser.value("document.querySelector('.chip').innerText") == title
    state = here.gate.request(id)
    assert isinstance(state.status, Granted)

    browser.sign_in(here.keys["ana"], "/leases")
    assert "running" in browser.text
    browser.press("main .rows a")
    assert "Bo Berg" in browser.text and "Cy Tan" in browser.text
    lease = browser.path
    browser.press("#renew ~ p a")
    browser.fill(purpose="Case 118 goes on.")
    browser.press("main form button.main")
    browser.press("main form button.main")
    renewed = here.gate.request(RequestId(browser.path.removeprefix("/requests/")))
    assert renewed.request.window.start == here.gate.lease(state.status.lease).terms.end
    here.gate.withdraw(renewed.request.id, PersonId("ana"))
    browser.go(lease)
    browser.press("form[action$='give-back'] button")
    assert "given back" in browser.text
    assert not isinstance(here.gate.lease(state.status.lease).status, Live)


def test_a_lease_is_taken_away_by_who_approved_it(here: Desk, browser: Window, packet: Path) -> None:
    """An approver who learns that they were deceived has minutes."""
    browser.sign_in(here.keys["ana"])
    id = asks(browser, packet, purpose="Case 119.", customers="beta")
    for person in ("bo", "di"):
        browser.sign_in(here.keys[person], f"/requests/{id}")
        opens_all(browser)
        browser.press("#approve")
    status = here.gate.request(id).status
    assert isinstance(status, Granted)
    browser.go(f"/leases/{status.lease}")
    browser.fill(reason="the complaint was made up")
    browser.press("form[action$='revoke'] button")
    assert "took it away" in browser.text and "made up" in browser.text
    assert status.lease not in {each.terms.id for each in here.gate.live()}


def test_somebody_who_asks_through_a_colleague_is_pointed_out(here: Desk, browser: Window, packet: Path) -> None:
    """The case this product grew from: a liaison without access asked a colleague who had it."""
    browser.sign_in(here.keys["liu"])
    browser.go("/ask?executor=ana&action=end-meeting&resource=meetings-us&customers=gamma")
    browser.fill(purpose="Please end it.")
    browser.press("main form button.main")
    assert "Ana Ruiz" in browser.text
    # What policy refuses others may rest on a tie that they declared.
    assert "is told once it is sent" in browser.text and "policy forbids" not in browser.text
    browser.press("main form button.main")
    path = browser.path
    browser.sign_in(here.keys["bo"], path)
    warned = browser.value("document.querySelector('.warning').innerText")
    assert "Liu Wen asks, and Ana Ruiz would do it." in warned
    facts = browser.value(
        "[...document.querySelectorAll('.facts dt')].map(e => [e.innerText, e.nextElementSibling.innerText])"
    )
    assert dict(facts)["Who asked"].startswith("Liu Wen")
    assert dict(facts)["Who would carry it out"].startswith("Ana Ruiz")
    assert "There is no evidence." in browser.text
    browser.value("document.querySelector('.verdict details').open = true")
    browser.fill(reason="Ana did not know of it")
    browser.press("form[action$='decline'] button")
    assert "declined" in browser.text and "Ana did not know of it" in browser.text


def test_the_server_refuses_who_did_not_open_the_evidence(here: Desk, browser: Window, packet: Path) -> None:
    """The grey button is a courtesy; a script can press it."""
    browser.sign_in(here.keys["ana"])
    id = asks(browser, packet, purpose="Case 121.", customers="delta")
    browser.sign_in(here.keys["bo"], f"/requests/{id}")
    browser.value("document.getElementById('approve').disabled = false")
    browser.press("#approve")
    assert browser.title == "Open the evidence first"
    assert "complaint 118.txt" in browser.text
    assert here.gate.request(id).approvals == ()
    browser.sign_in(here.keys["ana"], f"/requests/{id}")
    browser.press("form[action$='withdraw'] button")
    assert "withdrawn" in browser.text


def test_evidence_counts_as_opened_only_where_it_was_shown(here: Desk, packet: Path) -> None:
    """A browser that fetches ahead, and a picture in somebody's page, show nobody anything."""
    evidence = here.gate.put_evidence("a.txt", "text/plain", b"read me")
    state = here.gate.ask(
        Asked(executor=PersonId("ana"), asker=PersonId("ana"), action="end-meeting", customers=("eta",),
              resource=Target(type="asset", id="meetings-us"), purpose="Case 122.", evidence=(evidence,)),
        caller="test",
    )  # fmt: skip
    assert isinstance(state, RequestState)
    id, digest = state.request.id, evidence.digest.hex()
    bo = signed_in(here, "bo")
    path = f"/requests/{id}/evidence/{digest}"
    for headers in (
        {"Sec_Purpose": "prefetch"},
        {"Sec_Fetch_Dest": "image", "Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Dest": "document", "Sec_Fetch_Site": "cross-site"},
    ):
        assert bo.get(path, **headers)[0] == 200
        assert len(here.gate.unopened(id, PersonId("bo"))) == 1, headers
    assert bo.send("HEAD", path)[0] in (200, 405)
    assert len(here.gate.unopened(id, PersonId("bo"))) == 1
    assert bo.get(path, Sec_Fetch_Dest="iframe", Sec_Fetch_Site="same-origin")[0] == 200
    assert here.gate.unopened(id, PersonId("bo")) == ()
    here.gate.withdraw(id, PersonId("ana"))


def proposes(browser: Window, path: Path, text: str, purpose: str) -> RequestId:
    """Whoever is signed in proposes that a file of the estate be as `text`; gives the request's id."""
    path.write_text(text, encoding="utf-8")
    browser.go("/changes/new")
    browser.fill(purpose=purpose)
    browser.attach("files", path)
    browser.press("main form button.main")
    assert browser.path.startswith("/requests/req_"), browser.text
    return RequestId(browser.path.removeprefix("/requests/"))


def test_a_change_that_helps_a_state_says_so(here: Desk, browser: Window, tmp_path: Path) -> None:
    """Who approves a change without seeing whom it helps hands over the keys unawares."""
    browser.sign_in(here.keys["eve"])
    text = FILES["groups.csv"].decode() + "keepers,person:liu\n"
    id = proposes(browser, tmp_path / "groups.csv", text, "Liu covers for Gus.")
    said = browser.text
    assert "What would change" in said and "groups.csv" in said
    assert browser.value("[...document.querySelectorAll('.diff tr.come')].map(e => e.innerText.trim())")[0].endswith(
        "keepers,person:liu"
    )
    assert "This widens what CN could have." in said
    assert browser.value("document.querySelectorAll('.lengths svg .lost').length") > 0
    browser.press("form[action$='withdraw'] button")
    assert "withdrawn" in browser.text and not isinstance(here.gate.request(id).status, Granted)


def test_a_change_is_adopted_when_its_quorum_is_there(here: Desk, browser: Window, tmp_path: Path) -> None:
    """Policy that anybody could write past the gate would make the gate a formality."""
    browser.sign_in(here.keys["eve"])
    text = FILES["people.csv"].decode().replace("Bo Berg,Dublin", "Bo Berg,Cork")
    id = proposes(browser, tmp_path / "people.csv", text, "Bo moved.")
    before = here.gate.digest
    for person in ("fay", "gus"):
        browser.sign_in(here.keys[person], f"/requests/{id}")
        assert "Cork" in browser.text
        opens_all(browser)
        browser.press("#approve")
    assert isinstance(here.gate.request(id).status, Granted)
    assert here.gate.digest != before
    browser.sign_in(here.keys["bo"], "/estate/people.csv")
    assert browser.title == "Nothing here"


def test_a_file_that_is_none_is_told_with_every_problem(here: Desk, browser: Window, tmp_path: Path) -> None:
    """One problem at a time means one upload at a time."""
    path = tmp_path / "people.csv"
    path.write_text("id,nationality,manager\nana,US,nobody\nana,US,\n", encoding="utf-8")
    browser.sign_in(here.keys["eve"], "/changes/new")
    browser.fill(purpose="Wrong.")
    browser.attach("files", path)
    browser.press("main form button.main")
    problems = browser.value("[...document.querySelectorAll('.problem li')].map(e => e.innerText)")
    assert len(problems) >= 3 and any("nationality" in each for each in problems)


def test_absences_are_tried_before_they_happen(here: Desk, browser: Window) -> None:
    """Keys that leave with their owners must not lock everybody out."""
    browser.sign_in(here.keys["eve"], "/away")
    browser.value("document.querySelector('main details').open = true")
    for person in ("bo", "cy"):
        browser.value(f"document.querySelector('input[name=person][value={person}]').checked = true")
    browser.press("main form button.main")
    assert "end-meeting" in browser.text and "two-apart" in browser.text


def test_a_customer_says_their_own_word(here: Desk, browser: Window) -> None:
    """Whose data it is may say no, and learns nothing of who else is in it."""
    for customer, word, title in (("acme", "yes", "waiting"), ("zed", "no", "refused")):
        state = here.gate.ask(
            Asked(executor=PersonId("ana"), asker=PersonId("ana"), action="export", customers=(customer, "other-firm"),
                  resource=Target(type="asset", id="recordings-us"), purpose="Case 130: secret words."),
            caller="test",
        )  # fmt: skip
        assert isinstance(state, RequestState)
        browser.chromium.call("Network.clearBrowserCookies")
        browser.go(f"/voice/{here.gate.voice_token(state.request.id, customer)}")
        said = browser.text
        assert customer in said and "export" in said
        assert not any(each in said for each in ("other-firm", "Ana", "ana", "secret words", "Bo Berg"))
        browser.press(f"form:has(input[name=word][value={word}]) button")
        assert browser.value("document.querySelector('.chip').innerText") == title
    browser.go("/voice/voice_AAAA")
    assert browser.title == "This link is not good"


def test_what_was_done_in_an_emergency_is_reviewed_by_somebody_else(here: Desk, browser: Window, packet: Path) -> None:
    """An emergency that nobody looks at afterwards is a way round."""
    browser.sign_in(here.keys["ana"])
    id = asks(browser, packet, purpose="Emergency 1.", customers="acme", action="suspend")
    browser.sign_in(here.keys["bo"], f"/requests/{id}")
    assert "for emergencies" in browser.text and "within 24 hours" in browser.text
    opens_all(browser)
    browser.press("#approve")
    status = here.gate.request(id).status
    assert isinstance(status, Granted)
    here.gate.give_back(status.lease, PersonId("ana"))
    assert browser.value("document.querySelector('[name=outcome]')") is None
    browser.sign_in(here.keys["cy"], "/waiting")
    assert "To be reviewed" in browser.text
    browser.press("#reviews ~ ul a")
    browser.fill(outcome="It was needed.")
    browser.press("form[action$='review'] button")
    assert "It was needed." in browser.text and "Cy Tan" in browser.text
    assert here.gate.reviews_due() == ()


def test_a_lost_passkey_is_revoked_by_its_owner(here: Desk, browser: Window) -> None:
    """Minutes count between losing a device and whoever finds it."""
    browser.sign_in(here.keys["di"], "/keys")
    browser.value("document.querySelector('main details').open = true")
    browser.fill(reason="left in a taxi")
    browser.press("form[action$='revoke'] button")
    assert browser.path == "/sign-in"
    browser.sign_in()
    assert "does not count" in browser.text


def test_a_link_from_a_mail_finds_the_session(here: Desk, browser: Window) -> None:
    """Who is told to sign in again at each notice signs in without looking."""
    browser.sign_in(here.keys["bo"])
    browser.go("data:text/html,<a href='" + here.url + "/requests'>here</a>")
    browser.value("document.querySelector('a').click()")
    browser.wait("document.querySelector('h1') && document.querySelector('h1').innerText === 'Your requests'")


def test_who_is_away_is_not_offered(here: Desk, browser: Window) -> None:
    """A request that waits for somebody on a mountain ends unanswered."""
    browser.sign_in(here.keys["cy"], "/keys")
    browser.press("form[action='/away/me'] button")
    assert "You are away" in browser.text
    asked = Asked(
        executor=PersonId("ana"),
        asker=PersonId("ana"),
        action="suspend",
        resource=Target(type="asset", id="meetings-us"),
        purpose="x",
    )
    assert PersonId("cy") not in here.gate.who_could(asked).people
    browser.press("form[action='/away/back'] button")
    assert "You are away" not in browser.text
    assert PersonId("cy") in here.gate.who_could(asked).people
