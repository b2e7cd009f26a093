"""Signing in at a real provider (npm's oidc-provider), as people do it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

from armslength.gate import PersonId, Waiting
from armslength.service import HOST
from tests.console.desk import Client, Desk
from tests.console.desk import signed_in as with_passkey
from tests.oidc.desk import asked_for, begin, gate_with, is_in, signed_in, submitted, token_of
from tests.oidc.provider import Provider, Visitor, free_port, provider


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


def test_somebody_who_signed_in_there_is_signed_in_here(here: Desk) -> None:
    visitor, status, headers, _ = signed_in(here, "ana", path="/leases")
    assert (status, headers["Location"]) == (303, "/leases")
    assert "Ana Ruiz" in visitor.get(f"{here.url}/leases")[2]


def test_the_way_there_says_what_it_has_to(here: Desk) -> None:
    address = begin(here, Visitor())
    for said in ("response_type=code", "code_challenge_method=S256", "code_challenge=", "nonce=", "state="):
        assert said in address
    assert "scope=openid&" in address and "ana" not in address
    assert f"redirect_uri={here.url.replace(':', '%3A').replace('/', '%2F')}%2Fsign-in%2Fback" in address


def test_who_has_no_passkey_signs_in_too_and_signs_nothing(here: Desk) -> None:
    """A session is as good as anybody's; a signature is made by a passkey alone."""
    visitor, status, _, text = signed_in(here, "hal")
    assert status == 303, text
    assert "Hal Orn" in visitor.get(f"{here.url}/requests")[2]


def test_somebody_whom_the_estate_does_not_know_is_told_so(here: Desk) -> None:
    visitor, status, _, text = signed_in(here, "mallory")
    assert status == 403 and "mallory" in text and "nobody here has that id" in text
    assert not is_in(here, visitor)


def test_somebody_who_went_back_there_can_try_again(here: Desk) -> None:
    visitor, status, _, text = signed_in(here, "nobody")
    assert status == 403 and "did not let you in" in text
    assert signed_in(here, "ana", visitor=visitor)[1] == 303


def test_an_approval_takes_the_passkey_all_the_same(here: Desk) -> None:
    """Whoever runs the provider can be anybody in the console, and approves nothing."""
    id = asked_for(here)
    visitor, *_ = signed_in(here, "bo")
    page = visitor.get(f"{here.url}/requests/{id}")[2]
    assert "end-meeting" in page
    challenge = re.search(r"challenge&#34;:&#34;([^&]+)&#34;", page)
    assert challenge is not None
    stranger = here.keys["cy"].sign(b"x" * 32)
    for credential in ("", "{}", json.dumps(stranger.form())):
        fields = {"csrf": token_of(page), "credential": credential}
        assert submitted(here, visitor, f"/requests/{id}/approve", fields)[0] in (400, 409)
    state = here.gate.request(id)
    assert isinstance(state.status, Waiting) and not state.approvers()


def test_a_passkey_still_signs_in(here: Desk) -> None:
    assert with_passkey(here, "bo").get("/requests")[0] == 200


def test_after_its_keys_were_changed_it_signs_in_still(
    here: Desk, there: tuple[Provider, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first token by a key that nobody here has seen has the keys asked for again."""
    assert signed_in(here, "ana")[1] == 303
    monkeypatch.setattr("armslength.store.oidc_provider.AGAIN", 0.2)
    time.sleep(0.3)  # newer keys are asked for that often
    there[0].rotate()
    assert signed_in(here, "ana")[1] == 303


def test_a_revoked_passkey_ends_these_sessions_too(here: Desk) -> None:
    visitor, *_ = signed_in(here, "gus")
    assert is_in(here, visitor)
    here.gate.revoke_key(here.keys["gus"].credential, PersonId("gus"), "stolen")
    assert not is_in(here, visitor)
    time.sleep(1.1)
    assert is_in(here, signed_in(here, "gus")[0])  # who they are does not rest on that passkey


# Signing out


def test_signing_out_tells_the_way_out_there(here: Desk) -> None:
    visitor, *_ = signed_in(here, "ana")
    page = visitor.get(f"{here.url}/ask")[2]
    status, _, text = submitted(here, visitor, "/sign-out", {"csrf": token_of(page)})
    assert status == 200 and "still signed in" in text and "/session/end?client_id=armslength+gate" in text
    assert not is_in(here, visitor)


def test_who_came_with_a_passkey_is_sent_to_no_provider(here: Desk) -> None:
    client = with_passkey(here, "ana")
    status, headers, _ = client.post("/sign-out", {"csrf": client.csrf("/ask")})
    assert (status, headers["Location"]) == (303, "/sign-in")


def test_signing_out_there_signs_out_here(here: Desk, there: tuple[Provider, int]) -> None:
    """Back-channel logout, by the provider's own session; somebody else's stays, and one by a passkey."""
    visitor, *_ = signed_in(here, "ana")
    other, *_ = signed_in(here, "ana")  # in another browser, which is another session there
    colleague, *_ = signed_in(here, "bo")
    passkey = with_passkey(here, "ana")
    leave(there[0], visitor)
    for _ in range(100):
        if not is_in(here, visitor):
            break
        time.sleep(0.05)
    assert not is_in(here, visitor)
    assert is_in(here, other) and is_in(here, colleague) and passkey.get("/requests")[0] == 200


def leave(one: Provider, visitor: Visitor) -> None:
    """Sign out at the provider, by its own page."""
    page = visitor.get(f"{one.issuer}/session/end")[2]
    secret = re.search(r'name="xsrf" value="([^"]+)"', page)
    assert secret is not None, page
    status, _, text = visitor.post(f"{one.issuer}/session/end/confirm", {"xsrf": secret[1], "logout": "yes"})
    assert status in (200, 302, 303), text


# What the settings ask


def test_the_settings_say_who_a_claim_is(there: tuple[Provider, int], tmp_path: Path) -> None:
    """By an address, which the provider tells only when it is asked; and nobody but who is listed."""
    people = MappingProxyType({"a.ruiz@meridian.example": "ana"})
    port = free_port()
    with (
        provider(f"http://localhost:{port}") as one,
        gate_with(tmp_path / "gate", one.issuer, port=port, person="email", people=people) as here,
    ):
        visitor, status, _, text = signed_in(here, "a.ruiz")
        assert status == 303, text
        assert "Ana Ruiz" in visitor.get(f"{here.url}/requests")[2]
        _, status, _, text = signed_in(here, "ana")
        assert status == 403 and "ana@meridian.example" in text and "name nobody" in text
        # Whoever may write any address into their own account would be anybody.
        _, status, _, text = signed_in(here, "unverified")
        assert status == 403 and "email_verified" in text


def test_a_token_that_names_the_person_is_enough(tmp_path: Path) -> None:
    """Another claim, in the token itself; another way to show the secret; another algorithm."""
    port = free_port()
    said = {"lean": False, "auth_method": "client_secret_post", "algorithm": "ES256"}
    people = MappingProxyType({"ANA": "ana"})
    with (
        provider(f"http://localhost:{port}", **said) as one,
        gate_with(tmp_path / "gate", one.issuer, port=port, person="preferred_username", people=people) as here,
    ):
        visitor, status, _, text = signed_in(here, "ana")
        assert status == 303, text
        assert is_in(here, visitor)


def test_how_somebody_signed_in_there_is_looked_at(tmp_path: Path) -> None:
    port = free_port()
    asked = {"amr": ("otp", "pwd"), "acr": ("urn:example:two-factors",), "max_age_minutes": 5, "only": True}
    with (
        provider(f"http://localhost:{port}") as one,
        gate_with(tmp_path / "gate", one.issuer, port=port, **asked) as here,
    ):
        address = begin(here, Visitor())
        assert "max_age=300" in address and "acr_values=urn%3Aexample%3Atwo-factors" in address
        _, status, _, text = signed_in(here, "ana")
        assert status == 403 and "by otp" in text and "(amr)" in text
        _, status, _, text = signed_in(here, "ana", amr="pwd otp", weak="1")
        assert status == 403 and "(acr)" in text
        visitor, status, _, text = signed_in(here, "ana", amr="pwd otp")
        assert status == 303, text

        # With `only`, a passkey opens no session, though the page is asked by hand.
        client = Client(here.url)
        page = client.get("/sign-in")[2]
        assert "passkey.js" not in page and "Sign in with a passkey" not in page
        status, _, text = client.post("/sign-in", {"csrf": token_of(page), "next": "/", "credential": "{}"})
        assert status == 403 and "does not sign in here" in text


def test_a_secret_that_is_wrong_is_said_to_be(tmp_path: Path) -> None:
    port = free_port()
    with (
        provider(f"http://localhost:{port}") as one,
        gate_with(tmp_path / "gate", one.issuer, port=port, secret="another") as here,
    ):
        _, status, _, text = signed_in(here, "ana")
        assert status == 403 and "by this secret" in text


def test_nothing_that_the_provider_says_besides_is_kept_or_logged(here: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """It tells a nationality and an address whenever it can; the gate has no use for either."""
    with caplog.at_level("DEBUG"):
        visitor, status, *_ = signed_in(here, "ana")
        signed_in(here, "mallory")
    assert status == 303
    said = caplog.text.lower()
    for word in ("nationality", "meridian.example", "mallory", "ana", "id_token", "code="):
        assert word not in said.replace("analy", ""), word
    for file in here.path.glob("gate.db*"):
        data = file.read_bytes()
        assert b"nationality" not in data and b"@meridian.example" not in data and b"eyJ" not in data


def test_who_left_is_out_whatever_the_provider_says(here: Desk) -> None:
    visitor, status, *_ = signed_in(here, "liu")
    assert status == 303 and is_in(here, visitor)
    assert here.gate.leave(PersonId("liu"), HOST)
    assert not is_in(here, visitor)
    assert signed_in(here, "liu")[1] == 403
