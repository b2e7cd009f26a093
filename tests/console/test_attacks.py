"""What a hostile page, form or link does not get from the console."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.gate import PersonId, RequestState, Target
from armslength.service import Asked
from tests.console.desk import Client, Desk, desk, signed_in
from tests.report.test_page import HOSTILE

PAGES = ["/waiting", "/requests", "/ask", "/leases", "/keys", "/ledger"]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("gate") / "gate") as one:
        yield one


def asked(here: Desk, purpose: str, customer: str) -> RequestState:
    """A request of Ana's."""
    made = here.gate.ask(
        Asked(
            executor=PersonId("ana"),
            asker=PersonId("ana"),
            action="end-meeting",
            resource=Target(type="asset", id="meetings-us"),
            customers=(customer,),
            purpose=purpose,
        ),
        caller="test",
    )
    assert isinstance(made, RequestState)
    return made


# Forms from elsewhere


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec_Fetch_Site": ""},
        {"Origin": "null", "Sec_Fetch_Site": ""},
        {"Origin": "", "Sec_Fetch_Site": "same-site"},
        {"Origin": "", "Sec_Fetch_Site": "none"},
        {"Origin": "", "Sec_Fetch_Site": ""},
    ],
    ids=["cross-site", "old browser", "null", "another port", "typed", "silent"],
)
def test_a_form_of_another_page_is_refused_though_cookie_and_token_are_right(
    here: Desk, headers: dict[str, str]
) -> None:
    """A page that an approver has open in another tab must not answer for them."""
    state = asked(here, "Case 1.", f"cust-{len(here.gate.requests())}")
    ana = signed_in(here, "ana")
    token = ana.csrf(f"/requests/{state.request.id}")
    status, _, _ = ana.post(f"/requests/{state.request.id}/withdraw", {"csrf": token}, **headers)
    assert status == 403
    assert here.gate.request(state.request.id).waiting
    here.gate.withdraw(state.request.id, PersonId("ana"))


@pytest.mark.parametrize("token", ["", "x", "another's"])
def test_a_form_without_the_right_token_is_refused(here: Desk, token: str) -> None:
    """Headers alone are the browser's word; the token is ours."""
    state = asked(here, "Case 2.", f"cust-{len(here.gate.requests())}")
    ana = signed_in(here, "ana")
    if token == "another's":
        token = signed_in(here, "ana").csrf("/ask")
    status, _, _ = ana.post(f"/requests/{state.request.id}/withdraw", {"csrf": token})
    assert status == 403
    assert here.gate.request(state.request.id).waiting
    here.gate.withdraw(state.request.id, PersonId("ana"))


def test_nothing_changes_by_looking(here: Desk) -> None:
    """An image's address in a mail is fetched by whoever reads it."""
    state = asked(here, "Case 3.", "cust-get")
    ana = signed_in(here, "ana")
    assert ana.get(f"/requests/{state.request.id}/withdraw")[0] == 405
    assert ana.get("/sign-out")[0] == 405
    assert here.gate.request(state.request.id).waiting
    here.gate.withdraw(state.request.id, PersonId("ana"))


def test_another_host_name_is_not_answered(here: Desk) -> None:
    """A name that points here would make the console's pages another site's own (DNS rebinding)."""
    status, _, _ = signed_in(here, "ana").get("/requests", Host="evil.example")
    assert status == 421


# Sessions


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(here: Desk) -> None:
    """A cookie that travels along with other sites' requests, or that a script can read, is anybody's."""
    client = Client(here.url)
    _, headers, _ = client.get("/sign-in")
    said = headers.get_all("Set-Cookie")
    assert said
    for cookie in said:
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "samesite=strict", "path=/"} <= parts
        assert not any(part.startswith("domain") for part in parts)


def test_over_https_no_other_host_and_no_plain_connection_sees_the_cookie(tmp_path: Path) -> None:
    """A neighbour on the same domain could otherwise set the cookie, and a café's network read it."""
    with desk(tmp_path / "gate", url="https://gate.example.com") as here:
        client = Client(here.url, port=here.port)
        signed_in(here, "ana", client)
        assert set(client.jar) == {"__Host-armslength"}
        _, headers, _ = client.get("/sign-in")
        assert headers["strict-transport-security"].startswith("max-age=")
        for cookie in Client(here.url, port=here.port).get("/sign-in")[1].get_all("Set-Cookie") or ():
            assert cookie.startswith("__Host-") and "; secure" in cookie.lower()


def test_a_session_that_was_planted_is_not_the_one_that_is_signed_in(here: Desk) -> None:
    """Whoever sets a victim's cookie before the sign-in would be signed in along with them (session fixation)."""
    planted = signed_in(here, "liu").jar["armslength"]
    client = Client(here.url)
    client.jar["armslength"] = planted[:-4] + "AAAA"
    before = dict(client.jar)
    ana = signed_in(here, "ana", client)
    assert ana.jar["armslength"] not in (before["armslength"], planted)
    thief = Client(here.url, jar=before)
    assert thief.get("/requests")[0] == 303


def test_signing_in_again_draws_a_new_secret_and_ends_the_old_one(here: Desk) -> None:
    """A secret that was seen once must not go on beside the new one."""
    client = signed_in(here, "ana")
    old = Client(here.url, jar=dict(client.jar))
    assert old.get("/requests")[0] == 200
    visit = Client(here.url, jar={"armslength": client.jar["armslength"]})
    # Signing in within a browser that is signed in: first out, then in.
    client.post("/sign-out", {"csrf": client.csrf("/ask")})
    assert old.get("/requests")[0] == 303
    assert visit.get("/requests")[0] == 303


def test_a_challenge_is_good_once(here: Desk) -> None:
    """What a passkey signed once could otherwise be sent again by whoever saw it."""
    client = Client(here.url)
    fields = client.sign_in_fields(here.keys["bo"])
    again = Client(here.url, jar=dict(client.jar))
    assert client.post("/sign-in", fields)[0] == 303
    assert again.post("/sign-in", fields)[0] == 403


def test_a_challenge_of_another_browser_is_not_taken(here: Desk) -> None:
    """An attacker who signs in a victim's browser as themselves reads what the victim then writes (login CSRF)."""
    mallory, victim = Client(here.url), Client(here.url)
    fields = mallory.sign_in_fields(here.keys["liu"])
    victim.get("/sign-in")
    assert victim.post("/sign-in", {**fields, "csrf": victim.csrf("/sign-in")})[0] == 403
    assert "armslength" not in victim.jar


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/a//evil.example",
     "javascript:alert(1)", "/%2f/evil.example", "/requests?x=//evil", "/ask\r\nSet-Cookie: a=b", " //evil.example",
     "/sign-out"],
)  # fmt: skip
def test_after_the_sign_in_nobody_is_sent_elsewhere(here: Desk, path: str) -> None:
    """A link to the real console that ends on a false one gets the next passkey (open redirect)."""
    client = Client(here.url)
    fields = client.sign_in_fields(here.keys["bo"])
    status, headers, _ = client.post("/sign-in", {**fields, "next": path})
    assert (status, headers["location"]) == (303, "/")


def test_sign_ins_of_one_passkey_are_limited(here: Desk) -> None:
    """A thousand false signatures a second would leave no time for a true one."""
    seen = []
    for _ in range(14):
        client = Client(here.url)
        fields = client.sign_in_fields(here.keys["di"])
        fields["credential"] = fields["credential"].replace('"signature": "', '"signature": "AAAA')
        seen.append(client.post("/sign-in", fields)[0])
    assert 403 in seen and seen[-1] == 429


def test_a_session_ends_with_the_last_passkey_of_its_person(here: Desk) -> None:
    """Whoever stole a laptop stays in otherwise, though the key was revoked."""
    gus = signed_in(here, "gus")
    assert gus.get("/requests")[0] == 200
    fields = {"person": "gus", "reason": "stolen"}
    ana, eve = signed_in(here, "ana"), signed_in(here, "eve")
    assert ana.post("/keys/revoke-others", {**fields, "csrf": ana.csrf("/keys")})[0] == 400
    assert gus.get("/requests")[0] == 200
    assert eve.post("/keys/revoke-others", {**fields, "csrf": eve.csrf("/keys")})[0] == 303
    assert gus.get("/requests")[0] == 303


# Signatures


def test_an_approval_takes_the_signature_of_who_is_signed_in_over_this_request(here: Desk) -> None:
    """A session alone is not an approval: it can be stolen, and a passkey's touch cannot."""
    state, other = asked(here, "Case 5.", "cust-signed"), asked(here, "Case 6.", "cust-other")
    bo = signed_in(here, "bo")
    token, path = bo.csrf("/ask"), f"/requests/{state.request.id}"
    mine, challenge = here.keys["bo"], state.request.challenge()
    for assertion in (
        here.keys["cy"].sign(challenge),
        mine.sign(other.request.challenge()),
        mine.sign(challenge, verified=False),
    ):
        status, _, _ = bo.post(f"{path}/approve", {"csrf": token, "credential": json.dumps(assertion.form())})
        assert status == 400
    assert bo.post(f"{path}/approve", {"csrf": token})[0] == 400
    assert here.gate.request(state.request.id).approvals == ()
    fields = {"csrf": token, "credential": json.dumps(mine.sign(challenge).form())}
    assert bo.post(f"{path}/approve", fields)[0] == 303
    assert bo.post(f"{path}/approve", fields)[0] in (404, 409)
    assert len(here.gate.request(state.request.id).approvals) == 1
    for each in (state, other):
        here.gate.withdraw(each.request.id, PersonId("ana"))


# Other people's business


def test_a_request_is_not_there_for_people_it_is_not_for(here: Desk) -> None:
    """A request names customers and a case; a liaison who was not asked learns neither from a number."""
    state = asked(here, "Case 4.", "cust-private")
    for path in (f"/requests/{state.request.id}", f"/requests/{state.request.id}/evidence/{'0' * 64}"):
        assert signed_in(here, "liu").get(path)[0] == 404
    assert signed_in(here, "bo").get(f"/requests/{state.request.id}")[0] == 200
    here.gate.withdraw(state.request.id, PersonId("ana"))


@pytest.mark.parametrize("path", ["/reach", "/away", "/changes/new", "/estate/people.csv"])
def test_what_states_could_have_is_for_keepers(here: Desk, path: str) -> None:
    """To anybody else the list of shortest ways is a list of whom to deceive."""
    assert signed_in(here, "ana").get(path)[0] == 404
    assert signed_in(here, "eve").get(path)[0] == 200


@pytest.mark.parametrize("path", [*PAGES, "/reach", "/away", "/requests/req_AAAAAAAAAAAAAAAAAAAAAA"])
def test_nothing_is_shown_to_who_is_not_signed_in(here: Desk, path: str) -> None:
    """The console stands where the whole internet can ask it."""
    status, headers, text = Client(here.url).get(path)
    assert status == 303 and headers["location"].startswith("/sign-in?next=") and text == ""


# What every answer says


@pytest.mark.parametrize("path", [*PAGES, "/sign-in", "/static/console.css", "/nothing"])
def test_every_answer_is_safe_to_open(here: Desk, path: str) -> None:
    """A console in somebody's frame is clicked by people who see something else (clickjacking)."""
    _, headers, _ = signed_in(here, "bo").get(path)
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert path.startswith("/static") or headers["cache-control"] == "no-store"


def test_pages_hold_no_script_of_their_own(here: Desk) -> None:
    """The policy forbids inline scripts; a page that needs one is broken, and one that has one was attacked."""
    client = signed_in(here, "bo")
    for path in PAGES:
        text = client.get(path)[2]
        assert not re.search(r"<script(?![^>]* src=\"/static/)", text)
        assert not re.search(r"<[^>]+ (on\w+|style)=", text)


def test_hostile_words_are_text_everywhere(here: Desk) -> None:
    """A purpose is written by whoever asks and read by whoever can open what they want."""
    for k, text in enumerate(each.encode("utf-8", "replace").decode()[:4000] for each in HOSTILE):
        evidence = here.gate.put_evidence(
            re.sub(r"[/\\\x00-\x1f\x7f]", "_", text)[:150] or "x", "text/html", text.encode()
        )
        made = here.gate.ask(
            Asked(
                executor=PersonId("ana"),
                asker=PersonId("ana"),
                action="end-meeting",
                resource=Target(type="asset", id="meetings-us"),
                customers=(f"cust-{k}",),
                purpose=text,
                evidence=(evidence,),
            ),
            caller="test",
        )
        assert isinstance(made, RequestState)
        client = signed_in(here, "cy")
        for path in ("/waiting", f"/requests/{made.request.id}"):
            said = client.get(path)[2]
            assert "<script>alert" not in said and "<img src=x" not in said and "\u202e" not in said
        here.gate.withdraw(made.request.id, PersonId("ana"))


# Forms


def test_a_form_that_is_too_large_is_not_read(here: Desk) -> None:
    """Memory is what a stranger can take most easily."""
    client = Client(here.url)
    token = client.csrf("/sign-in")
    status, _, _ = client.post("/sign-in", {"csrf": token, "credential": "A" * 300_000})
    assert status == 413


def test_what_a_stranger_uploads_is_not_waited_for(here: Desk) -> None:
    """Thirty megabytes from anybody who asks would be everybody's memory."""
    head = (
        f"POST /ask HTTP/1.1\r\nHost: localhost:{here.port}\r\nOrigin: {here.url}\r\nSec-Fetch-Site: same-origin\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 30000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", here.port), timeout=5) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(65_536).decode()
    assert answer.startswith("HTTP/1.1 303") and "/sign-in" in answer


def test_a_form_of_another_type_is_not_read(here: Desk) -> None:
    """`text/plain` is what a form of another page can send without asking."""
    client = signed_in(here, "ana")
    body = b"csrf=" + client.csrf("/ask").encode()
    status, _, _ = client.send(
        "POST", "/sign-out", body, Content_Type="text/plain", Origin=here.url, Sec_Fetch_Site="same-origin"
    )
    assert status == 415


@pytest.mark.parametrize(
    "credential", ["", "{}", "[]", "null", '{"credential": 1}', "{" * 5000, '{"id": "\\ud800"}', "\x00"]
)
def test_a_credential_that_is_none_is_refused_in_words(here: Desk, credential: str) -> None:
    """An error page without a word has people try the same again."""
    client = Client(here.url)
    fields = client.sign_in_fields(here.keys["bo"])
    status, _, text = client.post("/sign-in", {**fields, "credential": credential})
    assert status == 403 and 'role="alert"' in text


def test_a_flood_of_wrong_links_keeps_no_customer_from_their_word(tmp_path: Path) -> None:
    """A veto window passes while strangers keep the page busy."""
    with desk(tmp_path) as own:
        state = asked(own, "a flood", "acme")
        client = Client(own.url)
        seen = [client.get("/voice/voice_x")[0] for _ in range(260)]
        assert seen[0] == 404 and seen[-1] == 429
        token = own.gate.voice_token(state.request.id, "acme")
        assert client.get(f"/voice/{token}")[0] == 200
        assert client.get(f"/enrol/{own.gate.invite(PersonId('hal'))}")[0] == 200
        assert signed_in(own, "bo").get("/requests")[0] == 200, "nor anybody from signing in, to revoke what has to end"


def test_a_flood_of_sign_ins_keeps_nobody_from_theirs(tmp_path: Path) -> None:
    """Whoever only opens the page a thousand times would shut everybody out."""
    with desk(tmp_path) as own:
        client = Client(own.url)
        assert {client.get("/sign-in")[0] for _ in range(300)} == {200}
        assert signed_in(own, "bo").get("/requests")[0] == 200
