"""Fernbank Meetings, standing: a homeserver, a gate with its ledger, nginx before both, and people with their keys.

Everything is made anew in one folder. People sign with software keys, which prove nothing about anybody and suit an
example; in earnest each person enrols a passkey of their own.
"""

from __future__ import annotations

import hashlib
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from armslength.console import console_app, demo_key
from armslength.gate import Candidates, Pending, PersonId, RequestId, RequestState, Target, judge
from armslength.ledger import Json
from armslength.service import Asked, AskOutcome, Gate, Ledger, SoftKey, create_gate, open_gate, open_ledger
from armslength.store import GateLookup, GatePoint, GateSettings
from armslength.tlog import format_base64url
from armslength.web import gate_app, running
from examples.matrix.certificates import Authority
from examples.matrix.customers import Customers, settle
from examples.matrix.door import HOST, Behind, Door
from examples.matrix.homeserver import ADMIN, Account, Homeserver
from examples.matrix.room_lookup import RoomLookup
from examples.matrix.synapse_environment import environment
from examples.matrix.visitor import Visitor

HERE = Path(__file__).resolve().parent
ORIGIN = "fernbank.example/gate"


class Firm:
    """What stands, and what people do in it. Made by `standing`."""

    def __init__(
        self,
        *,
        folder: Path,
        homeserver: Homeserver,
        admin: Account,
        customers: Customers,
        gate: Gate,
        ledger: Ledger,
        authority: Authority,
        door: Door,
    ) -> None:
        self.folder = folder
        self.homeserver, self.admin, self.customers = homeserver, admin, customers
        self.gate, self.ledger, self.door = gate, ledger, door
        self._authority = authority
        self._visitors: dict[str | None, Visitor] = {}

    def at_the_door(self, person: str | None) -> Visitor:
        """This person with their certificate; None: somebody who has none."""
        if person not in self._visitors:
            certificate = None if person is None else self._authority.person(person)
            self._visitors[person] = Visitor(
                host=HOST, port=self.door.port, authority=self._authority.certificate, certificate=certificate
            )
        return self._visitors[person]

    def asked(
        self,
        executor: str,
        action: str,
        asset: str,
        *,
        customers: Sequence[str],
        purpose: str,
        asker: str | None = None,
        context: Mapping[str, Json] | None = None,
        evidence: Mapping[str, bytes] | None = None,
    ) -> Asked:
        """A request as it would be sent; its evidence, JSON by name, is put in."""
        documents = (evidence or {}).items()
        return Asked(
            executor=PersonId(executor),
            asker=PersonId(asker or executor),
            action=action,
            resource=Target(type="asset", id=asset),
            customers=tuple(customers),
            purpose=purpose,
            context=context or {},
            evidence=tuple(self.gate.put_evidence(name, "application/json", data) for name, data in documents),
        )

    def ask(self, asked: Asked) -> AskOutcome:
        return self.gate.ask(asked, caller=asked.asker)

    def approve(self, request: RequestId, person: str) -> RequestState:
        """They look at all of the evidence and sign. Raises `Rejected` where their approval could not count."""
        state = self.gate.request(request)
        for each in state.request.evidence:
            self.gate.evidence(each.digest)
            self.gate.opened(request, PersonId(person), each.digest)
        signed = _key(self.gate, PersonId(person)).sign(state.request.challenge())
        return self.gate.approve(request, PersonId(person), signed)

    def missing(self, request: RequestId) -> tuple[str, ...]:
        """What the request lacks now, in the gate's words; empty if its quorum is there."""
        state = self.gate.request(request)
        judged = judge(self.gate.decider, state.request, state.approvers(), state.agreed)
        if isinstance(judged, Pending):
            return tuple(each.says for _, lacks in judged.lacks for each in lacks)
        return ()

    def could(self, request: RequestId | Asked) -> Candidates:
        return self.gate.who_could(request)


@contextmanager
def standing(folder: Path, *, cache: Path, demo: bool = False) -> Iterator[Firm]:
    """The whole firm in `folder`, which is empty or not there yet, until the block ends. Raises `NoSynapse`,
    `HomeserverError`, `NoDoor`. `demo`: visitors of the gate's pages may act as anybody."""
    with ExitStack() as stack:
        server = Homeserver(python=environment(cache), folder=folder / "homeserver", port=_free_port())
        server.start()
        stack.callback(server.close)
        admin = server.register(ADMIN, admin=True)
        customers = settle(server, admin)
        lookup = stack.enter_context(RoomLookup(server, admin))
        point = f"pt_{format_base64url(secrets.token_bytes(32))}"
        port = _free_port()
        _create(folder / "gate", port=port, point=point, lookup=lookup.url)
        ledger = stack.enter_context(open_ledger(folder / "gate" / "ledger"))
        gate = stack.enter_context(open_gate(folder / "gate", ledger=ledger))
        _found(gate)
        gate.start()
        app = gate_app(gate, otherwise=console_app(gate, demo=demo))
        url = stack.enter_context(running(app, port=port, quick=True))
        authority = Authority(folder / "authority")
        door = Door(
            folder=folder / "door",
            port=_free_port(),
            server=authority.server(HOST),
            authority=authority.certificate,
            behind=Behind(gate=url, homeserver=server.url, point=point, token=admin.token),
        )
        door.start()
        stack.callback(door.close)
        yield Firm(
            folder=folder,
            homeserver=server,
            admin=admin,
            customers=customers,
            gate=gate,
            ledger=ledger,
            authority=authority,
            door=door,
        )


def estate_files() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((HERE / "estate").iterdir())}


def _create(path: Path, *, port: int, point: str, lookup: str) -> None:
    """A new gate with its ledger, and the staff's door as its one enforcement point."""
    settings = GateSettings(
        origin=ORIGIN,
        url=f"http://localhost:{port}",
        name="Fernbank's gate",
        points=(
            GatePoint(
                id="staff-door",
                secret_sha256=hashlib.sha256(point.encode()).hexdigest(),
                hosts=(HOST,),
                may=("forward",),
            ),
        ),
        lookups=(GateLookup(name="room", url=lookup),),
    )
    create_gate(path, settings=settings, estate=estate_files(), clock=time.time, chance=secrets.token_bytes)


def _found(gate: Gate) -> None:
    """Everybody of the estate gets a key, on the gate's own host, before the first request."""
    for person in gate.decider.estate.people.ids:
        token = gate.invite(PersonId(person))
        invitation = gate.begin_enrolment(token)
        made = _key(gate, PersonId(person)).register(invitation.challenge)
        gate.found(gate.finish_enrolment(token, made.document()).id)


def _key(gate: Gate, person: PersonId) -> SoftKey:
    return demo_key(gate.settings.origin, gate.settings.url, gate.party.rp_id, person)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:
        return int(sock.getsockname()[1])
