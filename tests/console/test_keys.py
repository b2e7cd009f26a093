"""Revoked passkeys are shown: to whose they were, and to those who look after people's passkeys."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.console import fingerprint
from armslength.gate import PersonId
from armslength.service import HOST, SoftKey
from tests.console.desk import Desk, desk, signed_in


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Desk]:
    # Nobody signs in within the second in which a passkey of theirs is revoked.
    with desk(tmp_path / "gate", console_clock=lambda: time.time() + 2) as one:
        yield one


def another(here: Desk, person: str, seed: bytes, *, voucher: str = "") -> SoftKey:
    """One more passkey of theirs; a founding one if there is no voucher."""
    key = SoftKey(seed=seed * 32, rp_id=here.gate.party.rp_id, origin=here.gate.settings.url)
    token = here.gate.invite(PersonId(person))
    invitation = here.gate.begin_enrolment(token)
    pending = here.gate.finish_enrolment(token, key.register(invitation.challenge).document())
    if voucher:
        challenge = here.gate.enrolment(pending.id, PersonId(voucher)).challenge()
        here.gate.vouch(pending.id, PersonId(voucher), here.keys[voucher].sign(challenge))
    else:
        here.gate.found(pending.id)
    return key


def printed(here: Desk, key: SoftKey) -> str:
    state = here.gate.state.key(key.credential)
    assert state is not None
    return fingerprint(key.credential, state.key.public_key)


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_a_person_sees_who_revoked_their_passkey_and_when(here: Desk) -> None:
    """Di's passkey stops working, and she is the one who knows that she lost none: somebody wants her out of a
    quorum."""
    old = another(here, "di", b"2")
    here.gate.revoke_key(old.credential, PersonId("eve"), "she left")
    at = here.gate.state.key(old.credential).revoked.at  # type: ignore[union-attr]
    page = signed_in(here, "di").get("/keys")[2]
    assert f'datetime="{at:%Y-%m-%dT%H:%M:%SZ}"' in page
    said = text_of(page)
    assert printed(here, old) in said and re.search("by Eve Moe [^:]*: she left", said)
    assert "of others" not in said


def test_keepers_see_whose_passkeys_were_revoked_by_whom(here: Desk) -> None:
    """A quorum gets smaller with each passkey that goes: keepers who do not see it cannot ask why."""
    here.gate.revoke_key(here.keys["bo"].credential, HOST, "found on a train")
    for keeper in ("eve", "fay"):
        said = text_of(signed_in(here, keeper).get("/keys")[2])
        assert "Passkeys of others that were revoked" in said and "Bo Berg" in said
        assert printed(here, here.keys["bo"]) in said and "by the gate's host : found on a train" in said


def test_nobody_else_sees_them(here: Desk) -> None:
    """Who lost a device, and why somebody left, is not for the whole firm."""
    here.gate.revoke_key(here.keys["bo"].credential, HOST, "found on a train")
    for other in ("ana", "liu", "cy"):
        assert "found on a train" not in signed_in(here, other).get("/keys")[2]


def test_what_goes_with_a_passkey_is_told_to_who_revokes_it(here: Desk) -> None:
    """Hal can no longer sign in and hears it from nobody; whoever revoked the passkey behind his can tell him."""
    mine = another(here, "hal", b"3", voucher="eve")
    fay = signed_in(here, "fay")
    status, _, page = fay.post("/keys/revoke-others", {"csrf": fay.csrf("/keys"), "person": "eve", "reason": "stolen"})
    said = text_of(page)
    assert status == 200 and "These were revoked with it" in said
    assert "Hal Orn" in said and printed(here, mine) in said and "by the gate : the passkey that vouched for it" in said
    assert "Hal Orn" in text_of(fay.get("/keys")[2])


def test_it_is_told_to_who_revokes_their_own(here: Desk) -> None:
    """The same where Eve lost the device herself; she is signed out, and reads it once."""
    another(here, "hal", b"3", voucher="eve")
    eve = signed_in(here, "eve")
    id = re.search(r'action="(/keys/[^/]+/revoke)"', eve.get("/keys")[2])
    assert id is not None
    status, _, page = eve.post(id[1], {"csrf": eve.csrf("/keys"), "reason": "left in a taxi"})
    assert status == 200 and "Hal Orn" in page and "/sign-in" in page and "Signed in as" not in page
    assert "armslength" not in eve.jar and eve.get("/keys")[0] == 303
