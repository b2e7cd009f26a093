"""What somebody could send in a provider's name, or make of a sign-in: nobody is signed in by it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from armslength.store import OidcProvider, ProviderAway
from tests.console.desk import Desk
from tests.oidc.desk import gate_with, is_in, returned, submitted, token_of
from tests.oidc.liar import (
    Claims,
    Liar,
    encoded,
    liar,
    new_key,
    plain,
    signed,
    signed_as,
    signed_by_the_public_key,
    unsigned,
)
from tests.oidc.provider import CLIENT, SECRET, Visitor, link_of


@pytest.fixture(scope="module")
def there() -> Iterator[Liar]:
    with liar() as one:
        yield one


@pytest.fixture(scope="module")
def here(there: Liar, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with gate_with(tmp_path_factory.mktemp("gate") / "gate", there.issuer) as gate:
        yield gate


@pytest.fixture(autouse=True)
def honest(there: Liar) -> Iterator[None]:
    yield
    there.claims, there.token, there.answer = {}, None, None
    there.keys = there.keys[:1]


def tried(here: Desk, there: Liar, *, path: str = "/", **said: str) -> tuple[Visitor, int, str]:
    visitor = Visitor()
    status, _, text = returned(here, visitor, there.way_back(here, visitor, path, **said))
    return visitor, status, text


def refused(here: Desk, there: Liar, why: str, **said: str) -> None:
    visitor, status, text = tried(here, there, **said)
    assert status == 403 and why in text, (status, text)
    assert not is_in(here, visitor)


def test_an_honest_answer_signs_in(here: Desk, there: Liar) -> None:
    """So that the refusals below are for what they say."""
    visitor, status, text = tried(here, there)
    assert status == 303 and is_in(here, visitor), text


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_other_signatures_with_public_keys_do_too(here: Desk, there: Liar, algorithm: str) -> None:
    key = new_key("other", algorithm)
    with liar(keys=[key]) as other, gate_with(here.path.parent / algorithm, other.issuer) as gate:
        visitor, status, text = tried(gate, other)
        assert status == 303 and is_in(gate, visitor), text


NOW = int(time.time())
WRONG: dict[str, tuple[Claims, str]] = {
    "of another issuer": ({"iss": "https://evil.example"}, "(iss)"),
    "of no issuer": ({"iss": None}, "(iss)"),
    "for another client": ({"aud": "another"}, "(aud)"),
    "for others too": ({"aud": [CLIENT, "another"]}, "(aud)"),
    "for nobody": ({"aud": None}, "(aud)"),
    "for an empty list": ({"aud": []}, "(aud)"),
    "made for another party": ({"azp": "another"}, "(azp)"),
    "over": ({"exp": NOW - 61}, "(exp)"),
    "without an end": ({"exp": None}, "(exp)"),
    "with an end in words": ({"exp": "tomorrow"}, "(exp)"),
    "with no number for an end": ({"exp": float("nan")}, "(exp)"),
    "from the future": ({"iat": NOW + 3600}, "(iat)"),
    "from before": ({"iat": NOW - 3600}, "(iat)"),
    "of no time": ({"iat": None}, "(iat)"),
    "not valid yet": ({"nbf": NOW + 3600}, "(nbf)"),
    "to another sign-in": ({"nonce": "another"}, "(nonce)"),
    "to no sign-in": ({"nonce": None}, "(nonce)"),
    "to a list of sign-ins": ({"nonce": ["x"]}, "(nonce)"),
    "about nobody": ({"sub": None}, "(sub)"),
    "about a number": ({"sub": 7}, "(sub)"),
    "about somebody long": ({"sub": "a" * 256}, "(sub)"),
    "about somebody unseen": ({"sub": "ana\u200b"}, "(sub)"),
    "about no access token of its own": ({"at_hash": "AAAA"}, "(at_hash)"),
    "that is a logout token": ({"events": {}}, "logout"),
}


@pytest.mark.parametrize("claims, why", WRONG.values(), ids=WRONG.keys())
def test_a_token_that_says_something_else_is_not_taken(here: Desk, there: Liar, claims: Claims, why: str) -> None:
    there.claims = claims
    refused(here, there, why)


def by_stranger(there: Liar) -> Callable[[Claims], str]:
    stranger = new_key("one")
    return lambda claims: signed(claims, stranger)


def with_its_own_key(there: Liar) -> Callable[[Claims], str]:
    stranger = new_key("one")
    return lambda claims: signed(claims, stranger, jwk=stranger.as_dict(private=False))


def changed(there: Liar) -> Callable[[Claims], str]:
    """Signed for Ana, then said of Bo."""

    def make(claims: Claims) -> str:
        head, _, signature = signed(claims, there.keys[0]).split(".")
        return f"{head}.{plain({**claims, 'sub': 'bo'})}.{signature}"

    return make


FORGED: dict[str, tuple[Callable[[Liar], Callable[[Claims], str]], str]] = {
    "unsigned": (lambda there: lambda claims: unsigned(claims), "none"),
    "unsigned, by a key": (lambda there: lambda claims: unsigned(claims, kid="one"), "none"),
    "unsigned, in other letters": (lambda there: lambda claims: unsigned(claims).replace("bm9uZS", "Tk9ORS"), "taken"),
    "signed with the public key (PEM)": (
        lambda there: lambda claims: signed_by_the_public_key(claims, there.keys[0], Encoding.PEM),
        "HS256",
    ),
    "signed with the public key (DER)": (
        lambda there: lambda claims: signed_by_the_public_key(claims, there.keys[0], Encoding.DER),
        "HS256",
    ),
    "signed by a stranger": (by_stranger, "signature"),
    "signed by a key that it brings": (with_its_own_key, "signature"),
    "changed after it was signed": (changed, "signature"),
    "of another type": (lambda there: lambda claims: signed(claims, there.keys[0], typ="at+jwt"), "(typ)"),
    "a logout token by its type": (lambda there: lambda claims: signed(claims, there.keys[0], typ="logout+jwt"), "typ"),
    "that is none": (lambda there: lambda claims: "not a token", "JWS"),
    "of two parts": (lambda there: lambda claims: signed(claims, there.keys[0]).rpartition(".")[0], "taken"),
    "of dots": (lambda there: lambda claims: "." * 50_000, "taken"),
    "huge": (lambda there: lambda claims: signed({**claims, "groups": "x" * 70_000}, there.keys[0]), "characters"),
    "of nested brackets": (lambda there: lambda claims: f"{encoded(b'[' * 20_000)}.{encoded(b'{}')}.AA", "taken"),
    "that says a list": (lambda there: lambda claims: signed([claims], there.keys[0]), "read"),
    "outside of ASCII": (lambda there: lambda claims: "é" * 100, "JWS"),
}


@pytest.mark.parametrize("make, why", FORGED.values(), ids=FORGED.keys())
def test_a_token_that_the_provider_did_not_sign_is_not_taken(
    here: Desk, there: Liar, make: Callable[[Liar], Callable[[Claims], str]], why: str
) -> None:
    there.token = make(there)
    refused(here, there, why)


def test_a_token_that_asks_for_more_than_is_understood_is_not_taken(here: Desk, there: Liar) -> None:
    there.token = lambda claims: signed_as(claims, there.keys[0], {"crit": ["b64"], "b64": True})
    refused(here, there, "(crit)")
    there.token = lambda claims: signed_as(claims, there.keys[0], {"crit": ["exp"], "exp": 1})
    refused(here, there, "taken")


def test_what_nobody_has_to_understand_is_passed_over(here: Desk, there: Liar) -> None:
    """RFC 7515, section 4: a certificate's thumbprint, and whatever else stands in a header."""
    there.token = lambda claims: signed_as(claims, there.keys[0], {"x5t": "x" * 600, "made-up": 1})
    assert tried(here, there)[1] == 303


# The way back


def test_an_answer_to_another_sign_in_is_not_taken(here: Desk, there: Liar) -> None:
    asked = len(there.codes)
    refused(here, there, "(state)", state="AAAA")
    refused(here, there, "(state)", state="")
    assert len(there.codes) == asked  # and the code is not even shown to the provider


def test_an_answer_from_another_provider_is_not_taken(here: Desk, there: Liar) -> None:
    """Mix-up (RFC 9207): a second provider has the browser bring it what the first gave."""
    asked = len(there.codes)
    refused(here, there, "(iss)", iss="https://evil.example")
    refused(here, there, "(iss)", iss="")
    assert len(there.codes) == asked


def test_a_code_of_somebody_else_is_not_taken(here: Desk, there: Liar) -> None:
    """The attacker signs in, and has a victim's browser bring the answer: it is not the browser that began."""
    attacker, victim = Visitor(), Visitor()
    back = there.way_back(here, attacker)
    status, _, text = returned(here, victim, back)
    assert status == 403 and "another browser" in text and not is_in(here, victim)
    there.way_back(here, victim)  # the victim began one as well
    status, _, text = returned(here, victim, back)
    assert status == 403 and "(state)" in text and not is_in(here, victim)


def test_an_answer_is_good_once(here: Desk, there: Liar) -> None:
    """Though the provider, against the rules, gives tokens for the same code again."""
    visitor = Visitor()
    back = there.way_back(here, visitor)
    before = dict(visitor.jar[urlsplit(here.url).netloc])
    assert returned(here, visitor, back)[0] == 303
    again = Visitor(jar={urlsplit(here.url).netloc: before})
    status, _, text = returned(here, again, back)
    assert status == 403 and "used already" in text and not is_in(here, again)


def test_of_two_at_the_same_moment_one_signs_in(here: Desk, there: Liar) -> None:
    visitor = Visitor()
    back = there.way_back(here, visitor)
    jar = visitor.jar[urlsplit(here.url).netloc]
    seen: list[int] = []
    both = threading.Barrier(2)

    def go() -> None:
        mine = Visitor(jar={urlsplit(here.url).netloc: dict(jar)})
        both.wait()
        seen.append(returned(here, mine, back)[0])

    threads = [threading.Thread(target=go) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(seen) == [303, 403]


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "/%2f/evil.example", "/sign-in/back", "/a?b=c"],
)
def test_signing_in_leads_nowhere_else(here: Desk, there: Liar, path: str) -> None:
    visitor = Visitor()
    page = visitor.get(f"{here.url}/sign-in")[2]
    text = submitted(here, visitor, "/sign-in/there", {"csrf": token_of(page), "next": path})[2]
    asked = parse_qs(urlsplit(link_of(text)).query)
    there.nonce = asked["nonce"][0]
    status, headers, _ = returned(
        here, visitor, f"{here.url}/sign-in/back?code=x&state={asked['state'][0]}&iss={there.issuer}"
    )
    assert (status, headers["Location"]) == (303, "/")


def test_nor_does_a_cookie_that_somebody_planted(here: Desk, there: Liar) -> None:
    visitor = Visitor()
    back = there.way_back(here, visitor)
    jar = visitor.jar[urlsplit(here.url).netloc]
    jar["armslength-away"] = jar["armslength-away"].partition(".")[0] + "." + encoded(b"//evil.example")
    assert returned(here, visitor, back)[1]["Location"] == "/"


def test_a_sign_in_takes_no_more_than_ten_minutes(there: Liar, tmp_path: Path) -> None:
    ahead = [0.0]
    with gate_with(tmp_path / "gate", there.issuer, console_clock=lambda: time.time() + ahead[0]) as here:
        visitor = Visitor()
        back = there.way_back(here, visitor)
        ahead[0] = 601
        status, _, text = returned(here, visitor, back)
        assert status == 403 and "took too long" in text


def test_a_form_from_elsewhere_begins_and_ends_nothing(here: Desk, there: Liar) -> None:
    visitor = Visitor()
    back = there.way_back(here, visitor)
    query = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    for path in ("/sign-in/there", "/sign-in/back"):
        status, _, _ = submitted(here, visitor, path, query, Origin="https://evil.example", Sec_Fetch_Site="cross-site")
        assert status == 403
        assert submitted(here, visitor, path, query)[0] == 403  # without the form's token
    assert not is_in(here, visitor)


def test_what_it_comes_back_with_is_bounded(here: Desk, there: Liar) -> None:
    asked = len(there.codes)
    refused(here, there, "code", code="c" * 5000)
    refused(here, there, "code", code="caf\u00e9")
    assert len(there.codes) == asked


def test_what_a_provider_says_in_an_error_is_not_shown_as_ours(here: Desk, there: Liar) -> None:
    refused(here, there, "did not let you in", error="access_denied", code="")
    visitor, _, text = tried(here, there, error="Call +1 555 0100 at once", code="")
    assert "Call +1" not in text
    visitor, _, text = tried(here, there, error_description="Call +1 555 0100", error="server_error")
    assert "Call +1" not in text and "error of its own" in text


# A provider that answers otherwise


def answers(status: int, body: object) -> Callable[[], tuple[int, bytes]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda: (status, data)


ANSWERS: dict[str, tuple[Callable[[], tuple[int, bytes]], int, str]] = {
    "a refusal": (answers(400, {"error": "invalid_grant", "error_description": "x"}), 403, "used already"),
    "that it does not know us": (answers(401, {"error": "invalid_client"}), 403, "by this secret"),
    "an error in words": (answers(400, {"error": "<b>call us</b>"}), 403, "it refused"),
    "a list": (answers(200, [1]), 503, "read"),
    "no JSON": (answers(200, b"<html>"), 503, "read"),
    "nothing": (answers(200, b""), 503, "read"),
    "an empty object": (answers(200, {}), 503, "ID token"),
    "a number for a token": (answers(200, {"id_token": 7}), 503, "ID token"),
    "a failure of its own": (answers(500, b"oops"), 503, "500"),
    "a redirect": (answers(302, b""), 503, "302"),
    "too much": (answers(200, b" " * 300_000), 503, "more than"),
    "deep nesting": (answers(200, b"[" * 100_000), 503, "read"),
}


@pytest.mark.parametrize("answer, status, why", ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_that_is_none_signs_nobody_in(
    here: Desk, there: Liar, answer: Callable[[], tuple[int, bytes]], status: int, why: str
) -> None:
    there.answer = answer
    visitor, found, text = tried(here, there)
    assert found == status and why in text, (found, text)
    assert "call us" not in text and not is_in(here, visitor)


BAD_DOCUMENTS: dict[str, tuple[Claims, str]] = {
    "of another issuer": ({"issuer": "https://evil.example"}, "another issuer"),
    "with a slash more": ({"issuer": "http://127.0.0.1/"}, "another issuer"),
    "without a token endpoint": ({"token_endpoint": None}, "token_endpoint"),
    "with a token endpoint in the clear": ({"token_endpoint": "http://idp.example/token"}, "https"),
    "with keys from a file": ({"jwks_uri": "file:///etc/passwd"}, "https"),
    "with a password in an address": ({"authorization_endpoint": "https://a@idp.example/"}, "https"),
    "with a script for a page": ({"authorization_endpoint": "javascript:alert(1)"}, "https"),
    "without S256": ({"code_challenge_methods_supported": ["plain"]}, "S256"),
}


@pytest.mark.parametrize("said, why", BAD_DOCUMENTS.values(), ids=BAD_DOCUMENTS.keys())
def test_a_discovery_document_that_leads_elsewhere_is_not_followed(said: Claims, why: str) -> None:
    with liar(document=said) as there, pytest.raises(ProviderAway, match=why):
        OidcProvider(there.issuer, client_id=CLIENT, secret=SECRET, redirect_uri="x").document()


def test_only_hs256_and_none_are_not_enough() -> None:
    with liar(document={"id_token_signing_alg_values_supported": ["HS256", "none"]}) as there:
        one = OidcProvider(there.issuer, client_id=CLIENT, secret=SECRET, redirect_uri="x")
        with pytest.raises(ProviderAway, match="signs with nothing"):
            one.keys()
