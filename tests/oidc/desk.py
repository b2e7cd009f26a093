"""A gate whose people sign in at a provider too, and what they do without a browser of pictures."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from armslength.console import console_app
from armslength.gate import PersonId, RequestId, RequestState, Target
from armslength.service import Asked, Gate, create_gate
from armslength.store import GateSettings, GateSignIn, read_gate_folder
from armslength.web import running
from tests.console.desk import ORIGIN, Desk, founded
from tests.console.staff import FILES, FOUNDED
from tests.oidc.provider import CLIENT, SECRET, Visitor, free_port, link_of


@contextmanager
def gate_with(
    path: Path,
    issuer: str,
    *,
    port: int = 0,
    secret: str = SECRET,
    console_clock: Callable[[], float] = time.time,
    **said: object,
) -> Iterator[Desk]:
    """A new gate at `path`, at localhost's `port`; `said` is what `[sign_in]` says besides."""
    port = port or free_port()
    sign_in = GateSignIn(issuer=issuer, client_id=CLIENT, **said)  # type: ignore[arg-type]
    url = f"http://localhost:{port}"
    settings = GateSettings(origin=ORIGIN, url=url, name="Meridian", break_glass=("glass",), sign_in=sign_in)
    create_gate(path, settings=settings, estate=FILES)
    file = path / sign_in.client_secret_file
    file.write_text(secret + "\n", encoding="ascii")
    file.chmod(0o600)
    with Gate(read_gate_folder(path)) as gate:
        keys = {person: founded(gate, person) for person in FOUNDED}
        gate.start()
        with running(console_app(gate, clock=console_clock), port=port, quick=True):
            yield Desk(gate=gate, url=url, port=port, path=path, keys=keys)


def token_of(text: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found is not None, text
    return found[1]


def submitted(here: Desk, visitor: Visitor, path: str, fields: dict[str, str], **headers: str):  # type: ignore[no-untyped-def]
    """A form as the console's own pages send it."""
    said = {"Origin": here.url, "Sec_Fetch_Site": "same-origin", **headers}
    return visitor.post(here.url + path, fields, **said)


def begin(here: Desk, visitor: Visitor, path: str = "/") -> str:
    """The address at the provider that the gate leads to."""
    page = visitor.get(f"{here.url}/sign-in?next={path}")[2]
    status, _, text = submitted(here, visitor, "/sign-in/there", {"csrf": token_of(page), "next": path})
    assert status == 200, text
    return link_of(text)


def returned(here: Desk, visitor: Visitor, back: str):  # type: ignore[no-untyped-def]
    """What a browser does with the address that the provider sent it to: status, headers and text of the end."""
    assert back.startswith(f"{here.url}/sign-in/back?"), back
    status, headers, text = visitor.get(back)
    if status == 200 and "http-equiv" in text:
        status, headers, text = visitor.get(here.url + link_of(text))
    if status != 200:
        return status, headers, text
    names = re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', text)
    return submitted(here, visitor, urlsplit(back).path, dict(names))


def signed_in(here: Desk, login: str, *, path: str = "/", visitor: Visitor | None = None, **fields: str):  # type: ignore[no-untyped-def]
    """(visitor, status, headers, text) of somebody who signs in at the provider under this name."""
    visitor = visitor or Visitor()
    back = visitor.sign_in_there(begin(here, visitor, path), login, **fields)
    return visitor, *returned(here, visitor, back)


def is_in(here: Desk, visitor: Visitor) -> bool:
    return visitor.get(f"{here.url}/requests")[0] == 200


def asked_for(here: Desk, purpose: str = "Case 9.", customer: str = "acme") -> RequestId:
    """A request of Ana's that two of Bo, Cy and Di can approve."""
    meetings, ana = Target(type="asset", id="meetings-us"), PersonId("ana")
    asked = Asked(
        executor=ana, asker=ana, action="end-meeting", resource=meetings, customers=(customer,), purpose=purpose
    )
    outcome = here.gate.ask(asked, caller="ana")
    assert isinstance(outcome, RequestState), outcome
    return outcome.request.id
