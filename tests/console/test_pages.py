"""The pages in a real browser: for a phone, without a mouse, without eyes, in the dark, and when they are attacked."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from armslength.gate import Granted, PersonId, RequestId, RequestState, Target
from armslength.service import Asked
from tests.console.desk import Desk, desk
from tests.console.staff import FILES
from tests.console.window import Window, window
from tests.report.test_page import HOSTILE
from tests.report.test_page_browser import CONTRAST

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
RUNS = b"<!doctype html><script>parent.document.title = 'ran'; document.title = 'ran'</script><h1>hello</h1>"
DRAWS = (
    b"<svg xmlns='http://www.w3.org/2000/svg'><script>document.title = 'ran'</script><text y='20'>hello</text></svg>"
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("gate") / "gate") as one:
        yield one


@pytest.fixture(scope="module")
def browser(here: Desk) -> Iterator[Window]:
    with window(here.url) as one:
        yield one


@pytest.fixture(scope="module")
def waiting(here: Desk) -> RequestId:
    """A request that waits, asked for by a liaison through a colleague, with evidence of every sort."""
    gate = here.gate
    evidence = (
        gate.put_evidence("complaint.txt", "text/plain", b"It breaks our terms. " * 200),
        gate.put_evidence("picture.png", "image/png", PICTURE),
        gate.put_evidence("page.html", "text/html", RUNS),
        gate.put_evidence("a-very-long-name-without-a-space-" * 5 + ".svg", "image/svg+xml", DRAWS),
    )
    made = gate.ask(
        Asked(
            executor=PersonId("ana"),
            asker=PersonId("liu"),
            author=PersonId("di"),
            action="end-meeting",
            resource=Target(type="asset", id="meetings-us"),
            customers=tuple(f"customer-with-a-long-handle-{k:03}" for k in range(70)),
            purpose="Case 118.\n" + "Please end it today. " * 30,
            context={"ticket": "T-118"},
            evidence=evidence,
        ),
        caller="test",
    )
    assert isinstance(made, RequestState)
    return made.request.id


@pytest.fixture(scope="module")
def leased(here: Desk) -> RequestId:
    """One that was granted."""
    gate = here.gate
    made = gate.ask(
        Asked(
            executor=PersonId("ana"),
            asker=PersonId("ana"),
            action="end-meeting",
            resource=Target(type="asset", id="meetings-us"),
            customers=("acme",),
            purpose="Case 117.",
        ),
        caller="test",
    )
    assert isinstance(made, RequestState)
    for person in ("bo", "cy"):
        gate.approve(made.request.id, PersonId(person), here.keys[person].sign(made.request.challenge()))
    assert isinstance(gate.request(made.request.id).status, Granted)
    return made.request.id


@pytest.fixture(scope="module")
def change(here: Desk) -> RequestId:
    """A change of the estate that waits."""
    files = {**FILES, "groups.csv": FILES["groups.csv"] + b"keepers,person:liu\n"}
    made = here.gate.propose(files, asker=PersonId("eve"), purpose="Liu covers for Gus.", caller="test")
    assert isinstance(made, RequestState)
    return made.request.id


@pytest.fixture(scope="module")
def places(here: Desk, waiting: RequestId, leased: RequestId, change: RequestId) -> dict[str, list[str]]:
    """Pages by who sees them; nobody's first."""
    here.gate.begin_enrolment(token := here.gate.invite(PersonId("hal")))
    status = here.gate.request(leased).status
    assert isinstance(status, Granted)
    return {
        "": ["/sign-in", f"/enrol/{token}"],
        "bo": ["/waiting", f"/requests/{waiting}", f"/leases/{status.lease}", "/leases", "/keys", "/ledger"],
        "ana": ["/requests", "/ask", f"/requests/{leased}"],
        "eve": ["/changes/new", "/away", f"/requests/{change}", "/ledger"],
    }


def test_no_page_scrolls_sideways_or_complains(here: Desk, browser: Window, places: dict[str, list[str]]) -> None:
    """An approver on a train has a phone; what lies to the right of it is not read before it is signed."""
    found = []
    for person, paths in places.items():
        if person:
            browser.sign_in(here.keys[person])
        for width in (320, 390, 768, 1360):
            browser.chromium.look(width=width, height=800, dark=False, phone=width < 500)
            for path in paths:
                browser.go(path)
                wide = browser.value("document.scrollingElement.scrollWidth")
                missing = path == "/no-such-page"
                complaints = [] if missing else browser.chromium.complaints
                if wide != width or complaints:
                    found.append((width, path, wide, complaints))
    assert found == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_text_has_contrast(here: Desk, browser: Window, places: dict[str, list[str]], dark: bool) -> None:
    """The palette's contrast says nothing of a text that stands on the wrong ground."""
    browser.chromium.look(width=1200, height=900, dark=dark)
    poor = {}
    for person, paths in places.items():
        if person:
            browser.sign_in(here.keys[person])
        for path in paths:
            browser.go(path)
            browser.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
            poor[path] = browser.value(CONTRAST)
    assert {path: said for path, said in poor.items() if said} == {}


NAMED = {"link", "button", "textbox", "combobox", "checkbox", "radio", "heading", "image", "region", "table", "Iframe",
         "DisclosureTriangle", "spinbutton", "navigation", "complementary", "group", "listbox"}  # fmt: skip


def test_everything_that_can_be_used_has_a_name(here: Desk, browser: Window, places: dict[str, list[str]]) -> None:
    """A screen reader that says "button" says nothing of what would be signed."""
    browser.chromium.look(width=1200, height=900, dark=False)
    nameless, seen = [], 0
    for person, paths in places.items():
        if person:
            browser.sign_in(here.keys[person])
        for path in paths:
            browser.go(path)
            browser.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
            for node in browser.chromium.call("Accessibility.getFullAXTree")["nodes"]:
                role = node.get("role", {}).get("value")
                if node.get("ignored") or role not in NAMED or role == "group":
                    continue
                seen += 1
                if not node.get("name", {}).get("value", "").strip():
                    nameless.append((path, role, node.get("properties")))
            assert browser.value("document.querySelectorAll('h1').length") == 1
            assert browser.value("document.documentElement.lang") == "en"
    assert nameless == [] and seen > 200


def test_the_button_says_why_it_cannot_be_pressed(here: Desk, browser: Window, waiting: RequestId) -> None:
    """Who does not see the grey learns it from the words beside it, and hears when it changes."""
    browser.sign_in(here.keys["cy"], f"/requests/{waiting}")
    nodes = browser.chromium.call("Accessibility.getFullAXTree")["nodes"]
    button = next(n for n in nodes if n.get("name", {}).get("value") == "Approve with my passkey")
    assert "4 documents are still to be opened" in button["description"]["value"]
    assert any(p["name"] == "disabled" and p["value"]["value"] for p in button["properties"])
    assert browser.value("document.getElementById('unopened').getAttribute('role')") == "status"


def test_an_approval_takes_no_mouse(here: Desk, browser: Window) -> None:
    """Whoever cannot use a mouse approves like everybody else: Tab, Enter, and the ring shows where one is."""
    names = ("one.txt", "two.txt")
    evidence = tuple(here.gate.put_evidence(name, "text/plain", name.encode()) for name in names)
    made = here.gate.ask(
        Asked(
            executor=PersonId("ana"),
            asker=PersonId("ana"),
            action="end-meeting",
            resource=Target(type="asset", id="meetings-us"),
            customers=("keyboard",),
            purpose="By keyboard.",
            evidence=evidence,
        ),
        caller="test",
    )
    assert isinstance(made, RequestState)
    browser.chromium.look(width=1200, height=900, dark=False)
    browser.sign_in(here.keys["cy"], f"/requests/{made.request.id}")
    where = """(() => { const e = document.activeElement, s = getComputedStyle(e);
        const ring = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2;
        return [e.tagName, e.innerText.trim(), e.id, ring]; })()"""
    opened: set[str] = set()
    for _ in range(160):
        browser.chromium.press("Tab")
        tag, text, id, ringed = browser.value(where)
        if tag in ("IFRAME", "BODY"):  # within a document, or past the last stop and about to begin again
            continue
        assert ringed, f"no ring on {tag} {text[:40]}"
        if tag == "SUMMARY" and text in names and text not in opened:
            browser.chromium.press("Enter")
            opened.add(text)
            browser.wait(f"document.querySelectorAll('[data-opened=yes]').length === {len(opened)}")
        if id == "approve":
            break
    assert opened == set(names) and id == "approve"
    browser._loading(lambda: browser.chromium.press("Enter"))
    assert PersonId("cy") in here.gate.request(made.request.id).approvers()
    here.gate.withdraw(made.request.id, PersonId("ana"))


def test_evidence_does_not_run(here: Desk, browser: Window, waiting: RequestId) -> None:
    """A complaint that is a program would approve itself in the name of whoever reads it."""
    browser.sign_in(here.keys["bo"], f"/requests/{waiting}")
    browser.value("document.querySelectorAll('[data-evidence] details').forEach(d => { d.open = true })")
    browser.wait("document.querySelectorAll('[data-opened=no]').length === 0")
    assert browser.value("document.title") != "ran"
    assert browser.value("document.querySelectorAll('iframe').length") == 4
    assert set(browser.value("[...document.querySelectorAll('iframe')].map(f => f.getAttribute('sandbox'))")) == {""}
    paths = browser.value("[...document.querySelectorAll('a[data-opens]')].map(a => a.getAttribute('href'))")
    for path in paths:
        browser.leave_for(path)
        assert browser.value("document.title") != "ran"
        assert browser.value("document.contentType") in ("text/plain", "image/png")
        assert browser.value("window.origin") == "null"  # in a sandbox: nothing of the console's is its own


def test_hostile_words_run_nothing(here: Desk, browser: Window) -> None:
    """Escaping is what the browser makes of it, not what we believe."""
    browser.sign_in(here.keys["cy"])
    for k, text in enumerate(each.encode("utf-8", "replace").decode()[:2000] for each in HOSTILE):
        made = here.gate.ask(
            Asked(
                executor=PersonId("ana"),
                asker=PersonId("ana"),
                action="end-meeting",
                resource=Target(type="asset", id="meetings-us"),
                customers=(f"hostile-{k}",),
                purpose=text or "x",
                context={"note": text},
            ),
            caller="test",
        )
        assert isinstance(made, RequestState)
        for path in ("/waiting", f"/requests/{made.request.id}"):
            browser.go(path)
            assert browser.chromium.complaints == []
            assert browser.value("[...document.scripts].every(s => s.src.startsWith(location.origin + '/static/'))")
            assert browser.value("document.querySelectorAll('main img, main iframe, main object').length") == 0
        here.gate.withdraw(made.request.id, PersonId("ana"))


def test_a_script_that_got_in_would_not_run(here: Desk, browser: Window) -> None:
    """The policy is the second wall, for the day on which the first has a hole."""
    browser.sign_in(here.keys["bo"])
    browser.go("/waiting")
    ran = browser.value(
        """new Promise(done => { window.ran = false; const s = document.createElement('script');
           s.textContent = 'window.ran = true'; document.body.append(s); setTimeout(() => done(window.ran), 50); })"""
    )
    assert ran is False


def test_the_console_is_in_nobodys_frame(here: Desk, browser: Window) -> None:
    """Whoever clicks on a page that lies under another one agrees to what they do not see."""
    browser.sign_in(here.keys["bo"])
    page = f"<iframe src='{here.url}/waiting' onload='window.loaded = true'></iframe>"
    browser.go("data:text/html," + page)
    browser.wait("window.loaded === true")
    assert any("frame-ancestors" in said or "X-Frame-Options" in said for said in browser.chromium.complaints) or (
        browser.value("window.frames[0].length") == 0
    )


def test_a_page_from_elsewhere_posts_nothing_with_the_cookie(here: Desk, browser: Window, waiting: RequestId) -> None:
    """The attack as it is done: a form that sends itself from another site while the victim is signed in."""
    browser.sign_in(here.keys["bo"])
    form = (
        f"<form method=post action='{here.url}/requests/{waiting}/decline'><input name=reason value=x>"
        "<input name=csrf value=x></form><script>document.forms[0].submit()</script>"
    )
    browser.go("data:text/html," + form)
    browser.wait("document.body.innerText.includes('only from')")
    assert here.gate.request(waiting).waiting


def test_the_reach_page_opens_under_its_own_policy(here: Desk, browser: Window) -> None:
    """The report's one style and one script have to work here as they do from a file."""
    browser.sign_in(here.keys["eve"])
    browser.chromium.look(width=1200, height=900, dark=False)
    browser.go("/reach")
    assert browser.chromium.complaints == []
    assert browser.value("getComputedStyle(document.body).maxWidth") != "none"
    assert "Bo Berg" not in browser.value("document.body.innerText")  # roles, no names
