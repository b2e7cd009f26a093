"""A provider that is not there, is slow, or changes its keys; and what it says behind the browser's back."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from armslength.console import console_app
from armslength.service import Gate
from armslength.store import StoreError
from armslength.store.oidc_provider import AGAIN, KEPT, OidcProvider
from tests.console.desk import Client, Desk
from tests.console.desk import signed_in as with_passkey
from tests.oidc.desk import gate_with, is_in, returned, submitted, token_of
from tests.oidc.liar import Claims, Liar, liar, new_key, signed, unsigned
from tests.oidc.provider import CLIENT, SECRET, Visitor, free_port

EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}


@pytest.fixture(scope="module")
def there() -> Iterator[Liar]:
    with liar(claims={"sid": "s1"}) as one:
        yield one


@pytest.fixture(scope="module")
def here(there: Liar, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with gate_with(tmp_path_factory.mktemp("gate") / "gate", there.issuer) as gate:
        yield gate


def pressed(here: Desk) -> tuple[int, str]:
    """Sign in at the provider: what comes when the button is pressed."""
    visitor = Visitor()
    page = visitor.get(f"{here.url}/sign-in")[2]
    status, _, text = submitted(here, visitor, "/sign-in/there", {"csrf": token_of(page), "next": "/"})
    return status, text


def test_without_the_provider_a_passkey_signs_in(tmp_path: Path) -> None:
    with gate_with(tmp_path / "gate", f"http://127.0.0.1:{free_port()}") as here:
        status, text = pressed(here)
        assert status == 503 and "cannot sign you in at the moment" in text and "Sign in with a passkey" in text
        assert with_passkey(here, "ana").get("/requests")[0] == 200


def test_one_that_never_answers_holds_up_nobody_else(tmp_path: Path) -> None:
    """However many wait for it: it is asked by one, and pages for others come as fast as ever."""
    with liar(silent=threading.Event()) as there, gate_with(tmp_path / "gate", there.issuer) as here:
        began = time.monotonic()
        seen: list[tuple[int, str]] = []
        waiting = [threading.Thread(target=lambda: seen.append(pressed(here)), daemon=True) for _ in range(20)]
        for each in waiting:
            each.start()
        time.sleep(0.5)
        client = with_passkey(here, "ana")
        assert client.get("/requests")[0] == 200
        assert time.monotonic() - began < 4
        for each in waiting:
            each.join(20)
        assert {status for status, _ in seen} == {503} and len(seen) == 20
        assert time.monotonic() - began < 9  # all of them together, in the time that one takes
        assert there.asked.count("/.well-known/openid-configuration") == 1


def test_one_that_falls_silent_after_the_code_signs_nobody_in(tmp_path: Path) -> None:
    with liar() as there, gate_with(tmp_path / "gate", there.issuer) as here:
        visitor = Visitor()
        back = there.way_back(here, visitor)
        there.silent = threading.Event()
        status, _, text = returned(here, visitor, back)
        assert status == 503 and "no answer within" in text and not is_in(here, visitor)


def test_new_keys_are_asked_for_when_one_is_not_known(there: Liar, here: Desk) -> None:
    """A key that was taken back is believed for some minutes at most; a new one at once."""
    now = [0.0]
    one = OidcProvider(there.issuer, client_id=CLIENT, secret=SECRET, redirect_uri="x", steady=lambda: now[0])
    old = one.keys()
    there.keys.insert(0, new_key("two"))
    assert one.keys() is old and one.keys(anew=True) is old  # asked for a moment ago
    now[0] = AGAIN + 1
    assert {key.id for key in one.keys(anew=True).keys} == {"one", "two"}
    there.keys.pop()
    assert len(one.keys().keys) == 2
    now[0] += KEPT + 1
    assert {key.id for key in one.keys().keys} == {"two"}
    there.keys[:] = [new_key("one")]


def test_tokens_by_keys_that_do_not_exist_do_not_have_it_asked_without_end(there: Liar, tmp_path: Path) -> None:
    with liar() as other, gate_with(tmp_path / "gate", other.issuer) as here:
        stranger = new_key("three")
        other.token = lambda claims: signed(claims, stranger)
        for _ in range(5):
            visitor = Visitor()
            assert returned(here, visitor, other.way_back(here, visitor))[0] == 403
        assert other.asked.count("/jwks") == 1


# What it says behind the browser's back


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Desk, Liar]]:
    with liar(claims={"sid": "s1"}) as there, gate_with(tmp_path / "gate", there.issuer) as here:
        yield here, there


def logout(there: Liar, **said: object) -> Claims:
    now = int(time.time())
    honest = {"iss": there.issuer, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": "1", "events": EVENTS}
    return {name: value for name, value in {**honest, **said}.items() if value is not None}


def told(here: Desk, token: str) -> int:
    return Visitor().post(f"{here.url}/oidc/backchannel-logout", {"logout_token": token})[0]


def arrived(here: Desk, there: Liar, **claims: object) -> Visitor:
    there.claims = {"sid": "s1", **claims}
    visitor = Visitor()
    status, _, text = returned(here, visitor, there.way_back(here, visitor))
    assert status == 303, text
    return visitor


def test_a_session_that_ended_there_ends_here(fresh: tuple[Desk, Liar]) -> None:
    here, there = fresh
    one, two, other = arrived(here, there), arrived(here, there, sid="s2"), arrived(here, there, sub="bo", sid="s3")
    assert told(here, signed(logout(there, sid="s1", sub="ana"), there.keys[0], typ="logout+jwt")) == 200
    assert not is_in(here, one) and is_in(here, two) and is_in(here, other)
    assert told(here, signed(logout(there, sub="ana"), there.keys[0])) == 200  # and now all of hers
    assert not is_in(here, two) and is_in(here, other)
    passkey = with_passkey(here, "ana")
    assert told(here, signed(logout(there, sub="ana"), there.keys[0])) == 200
    assert passkey.get("/requests")[0] == 200  # which the provider did not begin


WRONG: dict[str, Claims] = {
    "from another": {"iss": "https://evil.example"},
    "for another": {"aud": "another"},
    "too old": {"iat": int(time.time()) - 400, "exp": None},
    "over": {"exp": int(time.time()) - 100},
    "without a time": {"iat": None},
    "without what it is": {"events": None},
    "something else": {"events": {"https://schemas.openid.net/other": {}}},
    "an ID token": {"nonce": "x"},
    "about nobody": {"sid": None},
}


def test_whatever_is_no_logout_token_ends_nothing(fresh: tuple[Desk, Liar]) -> None:
    here, there = fresh
    visitor = arrived(here, there)
    for why, said in WRONG.items():
        assert told(here, signed(logout(there, **{"sid": "s1", **said}), there.keys[0])) == 400, why
    assert told(here, signed(logout(there, sid="s1"), new_key("one"))) == 400
    assert told(here, unsigned(logout(there, sid="s1"))) == 400
    assert told(here, "") == 400
    assert told(here, "x" * 300_000) in (400, 413)
    assert Visitor().get(f"{here.url}/oidc/backchannel-logout")[0] == 405
    assert is_in(here, visitor)
    assert told(here, signed(logout(there, sid="s1"), there.keys[0])) == 200
    assert not is_in(here, visitor)


def test_a_logout_token_shown_again_ends_no_later_session(there: Liar, tmp_path: Path) -> None:
    """Whoever caught one would else sign somebody out for as long as it holds."""
    ahead = [0.0]
    with gate_with(tmp_path / "gate", there.issuer, console_clock=lambda: time.time() + ahead[0]) as here:
        token = signed(logout(there, sub="ana", exp=int(time.time()) + 3600), there.keys[0])
        assert told(here, token) == 200
        ahead[0] = 120
        there.claims = {"sid": "s1", "iat": int(time.time() + 120), "exp": int(time.time() + 400)}
        visitor = Visitor()
        assert returned(here, visitor, there.way_back(here, visitor))[0] == 303
        assert told(here, token) == 200
        assert is_in(here, visitor)
        ahead[0] = 400
        assert told(here, token) == 400


def test_what_another_process_signed_in_is_ended_by_its_row(fresh: tuple[Desk, Liar]) -> None:
    """Several gates share sessions' rows: the one that is told ends what the others opened."""
    here, there = fresh
    visitor = arrived(here, there)
    with_rows = sqlite3.connect(here.path / "gate.db")
    with closing(with_rows) as db:
        assert db.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    from armslength.web import running

    with running(console_app(here.gate), quick=True) as other:  # knows nobody who is signed in
        headers = {"Host": other.partition("://")[2]}
        status, _, text = Visitor().post(
            f"{other}/oidc/backchannel-logout", {"logout_token": signed(logout(there, sid="s1"), there.keys[0])}
        )
        assert status == 200, (text, headers)
    assert not is_in(here, visitor)


def test_without_such_a_sign_in_there_is_nothing_to_tell(tmp_path: Path) -> None:
    from tests.console.desk import desk

    with desk(tmp_path / "gate") as here:
        assert told(here, "x") == 404
        assert Client(here.url).get("/sign-in/back")[0] == 404
        assert "Sign in at" not in Client(here.url).get("/sign-in")[2]


# The secret beside gate.toml


def test_a_gate_does_not_start_with_a_secret_that_others_read(there: Liar, tmp_path: Path) -> None:
    with gate_with(tmp_path / "gate", there.issuer) as here:
        file = here.path / "sign-in.secret"
        for mode, data, why in (
            (0o644, b"secret\n", "0600"),
            (0o600, b"", "one line"),
            (0o600, b"two\nlines\n", "one line"),
            (0o600, b"\xff\xfe", "one line"),
            (0o600, b"x" * 2000, "one line"),
        ):
            file.write_bytes(data)
            file.chmod(mode)
            with pytest.raises(StoreError, match=why) as error:
                console_app(here.gate)
            assert "secret\n" not in str(error.value)
        file.unlink()
        with pytest.raises(StoreError, match="not there"):
            console_app(here.gate)
        assert isinstance(here.gate, Gate)
