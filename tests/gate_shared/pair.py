"""Two gates of one firm, on one PostgreSQL server: the founded firm is copied, so that each test has its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from armslength.gate import GateError, Rejected, Request, RequestId, RequestState
from armslength.service import Gate, SoftKey, create_gate
from armslength.service.gate_shared_book import SharedBook
from armslength.service.shared_ledger import SharedLedger
from armslength.store import join_gate_folder, read_gate_folder
from tests.faults.campaign import scratch
from tests.gate_model.firm import THE_FIRM
from tests.gate_model.workshop import SETTINGS, START, found
from tests.gate_shared.server import SharedServer, until
from tests.service.ledgers import Clock

SITES = ("a", "b")


def founded(server: SharedServer, name: str, place: Path) -> None:
    """A firm with two gates, `place`/a and `place`/b, where everybody has a passkey. Nobody has it open."""
    server.make(name)
    clock = Clock(START)
    create_gate(
        place / "a",
        settings=replace(SETTINGS, site="a", database=server.place(name, "gate")),
        estate=THE_FIRM.files(),
        clock=clock,
        chance=os.urandom,
        log=server.place(name, "log"),
        keys=server.place(name, "keys"),
        lock=server.place(name, "lock"),
    )
    join_gate_folder(place / "b", beside=place / "a", site="b")
    with Gate(read_gate_folder(place / "a"), clock=clock) as gate:
        for person in THE_FIRM.everybody:
            found(gate, person)


def moved(place: Path, into: Path, was: str, name: str) -> None:
    """The folders of a firm, once more, for its databases' copy of another name."""
    shutil.copytree(place, into)
    for settings in (*into.glob("*/gate.toml"), *into.glob("*/ledger/ledger.toml")):
        text = settings.read_text("utf-8")
        settings.write_text(text.replace(f"///{was}_", f"///{name}_"), "utf-8")


class Pair:
    """Gates `a` and `b`, open. `public` folders are each gate's own."""

    made = 0

    def __init__(self, server: SharedServer, template: Path, *, was: str = "founded") -> None:
        Pair.made += 1
        self.server, self.name = server, f"pair{os.getpid()}x{Pair.made}"
        self.path = Path(tempfile.mkdtemp(prefix="armslength-pair-", dir=scratch()))
        server.copy(was, self.name)
        moved(template, self.path / "gates", was, self.name)
        self.clock = Clock(START)
        self.gates: dict[str, Gate] = {}
        for site in SITES:
            self.open(site)

    def open(self, site: str, step: Callable[[str], None] = lambda step: None) -> Gate:
        gate = self.gates[site] = Gate(read_gate_folder(self.path / "gates" / site), clock=self.clock, step=step)
        return gate

    @property
    def a(self) -> Gate:
        return self.gates["a"]

    @property
    def b(self) -> Gate:
        return self.gates["b"]

    def close(self) -> None:
        for gate in self.gates.values():
            gate.close()
        self.server.drop(self.name)
        shutil.rmtree(self.path, ignore_errors=True)

    def synced(self) -> None:
        """Wait until both have taken in the same."""
        until(lambda: len({taken_in(gate) for gate in self.gates.values()}) == 1)

    def alike(self) -> None:
        """Raises `AssertionError` where the two are not in one state."""
        self.synced()
        one, other = (documents(gate) for gate in self.gates.values())
        assert one == other

    def leader(self) -> str:
        """Which holds the writer's seat."""
        return next(site for site, gate in self.gates.items() if ledger_of(gate).leads)

    def lead(self, site: str) -> None:
        """Have this one hold the writer's seat."""
        if self.leader() != site:
            other = self.leader()
            self.gates.pop(other).close()
            until(lambda: ledger_of(self.gates[site]).leads)
            self.open(other)
        self.synced()

    def other(self) -> str:
        return next(site for site in SITES if site != self.leader())


def ledger_of(gate: Gate) -> SharedLedger:
    assert isinstance(gate.ledger, SharedLedger)
    return gate.ledger


def taken_in(gate: Gate) -> int:
    """How much of the log, of what is proven of it; less than none while some has still to be taken in."""
    book = gate._office.book
    assert isinstance(book, SharedBook)
    with book.still():
        return -1 if book._read or book._unread else book._at


def documents(gate: Gate) -> dict[tuple[str, str], bytes]:
    with gate._office.book.still() as state:
        return {(kind, id): state.document(kind, id) for kind, id in state.objects()}


def known(gate: Gate, id: RequestId) -> RequestState:
    """A request that may have been made at another gate a moment ago."""

    def there() -> bool:
        try:
            gate.request(id)
        except Rejected:
            return False
        return True

    until(there)
    return gate.request(id)


def signed(gate: Gate, request: Request, person: str, key: SoftKey) -> RequestState | GateError:
    """An approval, or why there is none."""
    from armslength.gate import PersonId

    known(gate, request.id)
    for each in request.evidence:
        gate.opened(request.id, PersonId(person), each.digest)
    try:
        return gate.approve(request.id, PersonId(person), key.sign(request.challenge()))
    except GateError as error:
        return error
