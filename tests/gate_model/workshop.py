"""A gate to try things on: a copy of one that was founded once, with everybody's passkeys, on a disk in memory."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from armslength.gate import PersonId, Request, Target
from armslength.service import Delivery, Gate, SoftKey, create_gate
from armslength.store import GatePoint, GateSettings, read_gate_folder
from tests.faults.campaign import scratch
from tests.gate_model.firm import THE_FIRM
from tests.service.ledgers import Chance, Clock

START = 1_795_636_800.0
"""2026-11-25T20:00:00Z, four hours before one of the firm begins a journey."""
ORIGIN = "gate.example/acts"
POINT = "point-1"
SETTINGS = GateSettings(
    origin=ORIGIN,
    url="http://localhost:8443",
    request_minutes=600,
    veto_minutes=60,
    notices={"told-customer": ("json://notices.example/{customer}",), "waiting": ("json://notices.example/{person}",)},
    points=(GatePoint(id=POINT, secret_sha256="5e" * 32, may=("redeem",)),),
)


class Crash(BaseException):
    """The process is no more."""


def passkey(person: str, number: int = 0) -> SoftKey:
    """The passkeys of a person, by number; the gate is founded with everybody's first."""
    seed = hashlib.sha256(f"{person} {number}".encode()).digest()
    return SoftKey(seed=seed, rp_id="localhost", origin=SETTINGS.url)


def target(text: str) -> Target:
    kind, _, name = text.partition(":")
    return Target(type=kind, id=name)


@cache
def template() -> Path:
    """A founded gate to copy: making its keys takes longer than what is tried on it."""
    place = Path(tempfile.mkdtemp(prefix="armslength-gate-model-", dir=scratch()))
    atexit.register(shutil.rmtree, place)
    folder = create_gate(
        place / "gate", settings=SETTINGS, estate=THE_FIRM.files(), clock=Clock(START), chance=os.urandom
    )
    with Gate(folder, clock=Clock(START)) as gate:
        for person in THE_FIRM.everybody:
            found(gate, person)
    return place / "gate"


def found(gate: Gate, person: str) -> None:
    gate.found(pend(gate, person))


def pend(gate: Gate, person: str, number: int = 0) -> str:
    """A passkey that waits for a voucher; gives its id."""
    token = gate.invite(PersonId(person))
    invitation = gate.begin_enrolment(token)
    return gate.finish_enrolment(token, passkey(person, number).register(invitation.challenge).document()).id


@dataclass
class Workshop:
    """One gate in a folder, opened and opened again. `crash` is the step in which the process ends, and how many of
    that name it lets pass before; `steps` what was done since it was set."""

    path: Path
    clock: Clock = field(default_factory=lambda: Clock(START))
    chance: Chance = field(default_factory=lambda: Chance("workshop"))
    crash: tuple[str, int] | None = None
    steps: list[str] = field(default_factory=list)
    _gate: Gate | None = None

    @staticmethod
    def made(place: Path | None = None) -> Workshop:
        """Open on a fresh copy, in `place` or in a folder of its own."""
        folder = Path(tempfile.mkdtemp(prefix="armslength-gate-model-", dir=scratch())) if place is None else place
        shutil.copytree(template(), folder / "gate")
        workshop = Workshop(folder / "gate")
        workshop.open()
        return workshop

    @property
    def gate(self) -> Gate:
        assert self._gate is not None
        return self._gate

    def open(self) -> Gate:
        self.crash = None
        self._gate = Gate(read_gate_folder(self.path), clock=self.clock, chance=self.chance, step=self._step)
        return self._gate

    def close(self) -> None:
        """In order, with a snapshot."""
        self.crash = None
        if self._gate is not None:
            self._gate.close()
            self._gate = None

    def kill(self) -> None:
        """As the end of the process leaves it: no snapshot, and nothing written that was not yet."""
        gate, self._gate = self.gate, None
        gate.database.close()
        gate._ledger.close()

    def reopen(self, *, killed: bool = False) -> Gate:
        if killed:
            self.kill()
        else:
            self.close()
        return self.open()

    def sweep_away(self) -> None:
        """Close, and drop the folder that `made` drew."""
        self.close()
        shutil.rmtree(self.path.parent)

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if self.crash is not None and self.crash[0] == name:
            self.crash = (name, self.crash[1] - 1)
            if self.crash[1] < 0:
                self.crash = None
                # Whatever a `finally` would still write finds no database to write to.
                self.gate.database.close()
                raise Crash

    def deliver(self) -> list[tuple[str | None, str]]:
        """Everything that is to be sent now is taken; gives what went to whom."""
        sent: list[tuple[str | None, str]] = []

        def send(urls: Sequence[str], *, whom: str | None, title: str, text: str) -> None:
            sent.append((whom, text))

        delivery, before, left = Delivery(self.gate, clock=self.clock, send=send), -2, -1
        while left != before:
            delivery.deliver()
            with self.gate.database.reading() as tables:
                before, left = left, tables.outbox.waiting()
        return sent

    # What people do

    def approve(self, request: Request, person: str, number: int = 0) -> None:
        """Look at all of the evidence, and sign."""
        for each in request.evidence:
            self.gate.opened(request.id, PersonId(person), each.digest)
        self.gate.approve(request.id, PersonId(person), passkey(person, number).sign(request.challenge()))

    def documents(self) -> Mapping[tuple[str, str], bytes]:
        """The gate's state, object by object."""
        state = self.gate.state
        return {(kind, id): state.document(kind, id) for kind, id in state.objects()}
