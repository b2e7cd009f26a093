"""The whole way in a real browser: the gate's page, the provider's, back, and an approval by passkey."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from armslength.gate import Granted, PersonId
from tests.console.desk import Desk
from tests.console.window import Window, window
from tests.oidc.desk import asked_for, gate_with
from tests.oidc.provider import Provider, free_port, provider


@pytest.fixture(scope="module")
def there() -> Iterator[tuple[Provider, int]]:
    port = free_port()
    with provider(f"http://localhost:{port}") as one:
        yield one, port


@pytest.fixture(scope="module")
def here(there: tuple[Provider, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    one, port = there
    with gate_with(tmp_path_factory.mktemp("gate") / "gate", one.issuer, port=port) as gate:
        yield gate


@pytest.fixture(scope="module")
def browser(here: Desk) -> Iterator[Window]:
    with window(here.url) as one:
        one.chromium.look(width=1200, height=900, dark=False)
        yield one


def goes_there(browser: Window, path: str) -> None:
    """Press the button, and wait for the provider's page."""
    browser.go(f"/sign-in?next={path}")
    browser.value("document.querySelector(\"form[action='/sign-in/there'] button\").click()")
    browser.wait("document.title === 'Provider' && document.querySelector('button')")


def signs_in(browser: Window, login: str, path: str = "/") -> None:
    """Nobody is signed in anywhere before."""
    browser.chromium.call("Network.clearBrowserCookies")
    goes_there(browser, path)
    browser.fill(login=login)
    browser.value("document.querySelector('button').click()")
    browser.wait("document.querySelector('header.top .who, main .problem') && document.readyState === 'complete'")


def test_from_the_providers_page_to_an_approval(here: Desk, browser: Window) -> None:
    """The provider stands on another site, so that the browser comes back without any cookie of the gate's at first."""
    id = asked_for(here)
    for person, title in (("bo", "waiting"), ("cy", "granted")):
        signs_in(browser, person, f"/requests/{id}")
        assert browser.path == f"/requests/{id}", browser.text
        browser.hold(here.keys[person])
        browser.press("#approve")
        assert browser.value("document.querySelector('.chip').innerText") == title
    state = here.gate.request(id)
    assert isinstance(state.status, Granted) and {*state.approvers()} == {PersonId("bo"), PersonId("cy")}
    cookies = {each["name"]: each for each in browser.cookies()}
    assert cookies["armslength"]["sameSite"] == "Strict" and cookies["armslength"]["httpOnly"]
    assert "armslength-away" not in cookies


def test_without_the_passkey_nothing_is_approved(here: Desk, browser: Window) -> None:
    """The provider says who somebody is; that they agree, their own device says."""
    id = asked_for(here, "Case 10.", "zed")
    signs_in(browser, "di", f"/requests/{id}")
    browser.hold(here.keys["bo"])  # another's device
    browser.value("document.querySelector('#approve').click()")
    browser.wait("document.querySelector('[data-alert]') && !document.querySelector('[data-alert]').hidden")
    assert not here.gate.request(id).approvers()


def test_somebody_who_is_unknown_here_reads_why(here: Desk, browser: Window) -> None:
    signs_in(browser, "mallory")
    assert browser.path == "/sign-in/back" and "nobody here has that id" in browser.text


def test_after_signing_out_the_provider_remembers_until_one_signs_out_there(
    here: Desk, browser: Window, there: tuple[Provider, int]
) -> None:
    signs_in(browser, "ana")
    assert browser.path == "/requests"
    browser.press("form[action='/sign-out'] button")
    assert browser.title == "You are signed out here"
    browser.go("/sign-in")
    browser.value("document.querySelector(\"form[action='/sign-in/there'] button\").click()")
    # No page of the provider asks again. A page that is still loading would end its load after the next press.
    browser.wait("document.querySelector('header.top .who') && document.readyState === 'complete'")
    browser.press("form[action='/sign-out'] button")
    browser.value("document.querySelector('a.button').click()")
    browser.wait(f"location.href.startsWith('{there[0].issuer}') && document.querySelector('button[name=logout]')")
    browser.value("document.querySelector('button[name=logout]').click()")
    browser.wait("!document.querySelector('button[name=logout]') && document.readyState === 'complete'")
    goes_there(browser, "/")
    assert browser.value("document.querySelector('h1').innerText") == "Who are you?"
