"""A gate for tests: in a folder of its own, with a small estate of several states and units, a real ledger, and people
who have passkeys in software. Its clock is set by hand."""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from armslength.gate import Assertion, LeaseState, PersonId, Refused, RequestId, RequestState, Target
from armslength.service import Asked, Delivery, Gate, Ledger, Redeemed, SoftKey, create_gate
from armslength.store import GatePoint, GateSettings, read_gate_folder, read_ledger_folder
from tests.service.ledgers import Chance, Clock
from tests.service.logs import seed

ORIGIN = "log.example.com/gate"
URL = "https://gate.example.com"
POINT = "web-1"
SECRET = "0" * 64
BREAK_GLASS = "glass"
TO_CUSTOMERS = "json://127.0.0.1:9/{customer}"
"""Where customers are told: nobody listens there, and `deliver` stands in."""

PEOPLE = {
    # id: unit, workplace, groups
    "ana": ("liaison", "CN", "liaison staff"),
    "bo": ("ops", "US", "ops staff"),
    "dee": ("ops", "DE", "ops staff"),
    "cy": ("trust us", "US", "trust staff"),
    "di": ("trust ie", "IE", "trust staff"),
    "ed": ("trust sg", "SG", "trust staff"),
    "fay": ("legal", "US", "trust staff"),
    "gus": ("safety", "IE", "trust staff"),
    "ann": ("platform", "US", "admins staff"),
    "ben": ("security", "IE", "admins staff"),
    "cho": ("risk", "SG", "admins staff"),
    "dov": ("audit", "DE", "admins staff"),
    "hal": ("help desk", "US", "desk staff"),
    "pat": ("people", "IE", "hr staff"),
    "pia": ("people de", "DE", "hr staff"),
}
MEETINGS = Target(type="asset", id="meetings-us")
ACCOUNTS = Target(type="asset", id="accounts")
RECORDINGS = Target(type="asset", id="recordings")
STATUS = Target(type="asset", id="status")
GATE = Target(type="asset", id="access-gate")

TOML = """\
name = "Meridian"
gate = "access-gate"

[terms.two-apart]
approvals = 2
approvers = "group:trust"
apart = 2
distinct = ["unit"]
minutes = 60

[terms.twice]
approvals = 1
approvers = "group:trust"
apart = 1
uses = 2

[terms.few]
approvals = 1
approvers = "group:trust"
apart = 1
customers = 2

[terms.consent]
approvals = 1
approvers = "group:trust"
apart = 1
customer = "approve"

[terms.veto]
approvals = 1
approvers = "group:trust"
apart = 1
customer = "veto"

[terms.glass]
approvals = 1
approvers = "group:trust"
apart = 1
minutes = 15

[terms.gate-change]
approvals = 2
approvers = "group:admins"
apart = 2
distinct = ["unit"]
"""
GRANTS = (
    "group:ops,end,asset:meetings-us,two-apart",
    "group:ops,export,asset:meetings-us,twice",
    "group:ops,read,asset:recordings,few",
    "group:ops,delete,asset:accounts,consent",
    "group:ops,suspend,asset:accounts,veto",
    "group:ops,restart,asset:meetings-us,glass",
    "group:admins,operate,asset:access-gate,gate-change",
    "group:hr,assume,group:staff,",
    "group:desk,assume,person:bo,twice",
)
POLICY = """\
@id("status")
permit (principal in Group::"ops", action == Action::"view", resource == Asset::"status");

@id("shield")
forbid (principal, action, resource is Asset) when { principal.states.containsAny(resource.shielded_from) };
"""


def estate(
    *,
    people: Mapping[str, tuple[str, str, str]] = PEOPLE,
    grants: tuple[str, ...] = GRANTS,
    toml: str = TOML,
    policy: str = POLICY,
    travel: tuple[str, ...] = (),
) -> dict[str, bytes]:
    """The files of the estate, or of one that differs in some part."""
    rows = {
        "people.csv": ["id,unit,workplace", *(f"{id},{unit},{state}" for id, (unit, state, _) in people.items())],
        "groups.csv": [
            "group,member",
            *(f"{group},person:{id}" for id, (_, _, groups) in people.items() for group in groups.split()),
        ],
        "assets.csv": [
            "id,kind,hosted_in,shielded_from",
            "meetings-us,service,US,CN",
            "accounts,service,US,",
            "recordings,store,US,",
            "status,page,US,CN",
            "access-gate,service,IE,",
        ],
        "grants.csv": ["holder,action,target,terms", *grants],
        "travel.csv": ["person,state,from,until", *travel],
    }
    files = {name: ("\n".join(lines) + "\n").encode() for name, lines in rows.items()}
    return {**files, "estate.toml": toml.encode(), "policy.cedar": policy.encode()}


def settings(**more: object) -> GateSettings:
    point = GatePoint(id=POINT, secret_sha256=SECRET, hosts=("*",), may=("forward", "evaluate", "redeem"))
    said: dict[str, object] = {
        "origin": ORIGIN,
        "url": URL,
        "points": (point,),
        "break_glass": (BREAK_GLASS,),
        "notices": {"told-customer": (TO_CUSTOMERS,)},
        **more,
    }
    return GateSettings(**said)  # type: ignore[arg-type]


class TestGate:
    """A gate's folder and what opens it. `clock` is shared by the gate and its ledger."""

    __test__ = False

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path, self.clock = path, clock
        self._opened = 0

    def open(self, *, step: Callable[[str], None] | None = None) -> Gate:
        self._opened += 1
        chance = Chance(f"{self.path} {self._opened}")
        given = {} if step is None else {"step": step}
        return Gate(read_gate_folder(self.path), clock=self.clock, chance=chance, **given)  # type: ignore[arg-type]

    @contextmanager
    def running(self, *, step: Callable[[str], None] | None = None) -> Iterator[Gate]:
        gate = self.open(step=step)
        try:
            yield gate
        finally:
            gate.close()

    def copied(self, path: Path) -> TestGate:
        """The same gate, which nobody has open, in another place."""
        shutil.copytree(self.path, path)
        return TestGate(path, Clock(self.clock.now))

    @contextmanager
    def administrator(self) -> Iterator[sqlite3.Connection]:
        """Somebody with the database, and nothing else of the gate."""
        db = sqlite3.connect(self.path / "gate.db", isolation_level=None, timeout=5)
        try:
            yield db
        finally:
            db.close()


def key_of(person: str, number: int = 0) -> SoftKey:
    return SoftKey(seed=seed(f"{person} {number}"), rp_id="gate.example.com", origin=URL)


def enrol(gate: Gate, person: str, number: int = 0) -> str:
    """Make a passkey; gives the id under which it waits for a voucher."""
    token = gate.invite(PersonId(person))
    registration = key_of(person, number).register(gate.begin_enrolment(token).challenge)
    return gate.finish_enrolment(token, registration.document()).id  # type: ignore[arg-type]


@cache
def _prepared(**more: object) -> Path:
    """A gate in which everyone has a founding key, made once; it is copied for each test."""
    path = Path(tempfile.mkdtemp(prefix="armslength-gates-")) / "gate"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    clock = Clock()
    create_gate(path, settings=settings(**more), estate=estate(), clock=clock, chance=Chance("making a gate"))
    with TestGate(path, clock).running() as gate:
        for person in PEOPLE:
            gate.found(enrol(gate, person))
    return path


def small_gate(path: Path, **more: object) -> TestGate:
    """A gate of `estate()` in the folder at `path`, everyone with a passkey. `more` are settings."""
    shutil.copytree(_prepared(**more), path)
    return TestGate(path, Clock())


def deliver(gate: Gate, clock: Clock) -> None:
    """Every notice that is due is taken by its channel now."""
    delivery = Delivery(gate, clock=clock, send=lambda urls, *, whom, title, text: None)
    while delivery.deliver():
        pass


# What people do


def ask(action: str = "end", on: Target = MEETINGS, *customers: str, who: str = "bo", **more: object) -> Asked:
    said: dict[str, object] = {
        "executor": PersonId(who),
        "asker": PersonId(who),
        "action": action,
        "resource": on,
        "customers": customers,
        "purpose": "an abuse report",
        **more,
    }
    return Asked(**said)  # type: ignore[arg-type]


def asked(
    gate: Gate, action: str = "end", on: Target = MEETINGS, *customers: str, who: str = "bo", **more: object
) -> RequestState:
    """A request that waits."""
    outcome = gate.ask(ask(action, on, *customers, who=who, **more), caller=f"person:{who}")
    assert not isinstance(outcome, Refused), outcome
    return outcome


def sign(gate: Gate, id: RequestId, person: str, number: int = 0) -> Assertion:
    return key_of(person, number).sign(gate.request(id).request.challenge())


def approve(gate: Gate, id: RequestId, *people: str) -> RequestState:
    """Each of them is shown the evidence, and signs."""
    state = gate.request(id)
    for person in people:
        for evidence in state.request.evidence:
            gate.opened(id, PersonId(person), evidence.digest)
        state = gate.approve(id, PersonId(person), sign(gate, id, person))
    return state


def leased(gate: Gate, action: str = "end", on: Target = MEETINGS, *customers: str, by: str = "di ed") -> LeaseState:
    """A live lease of bo's."""
    state = approve(gate, asked(gate, action, on, *customers).request.id, *by.split())
    return gate.lease(state.status.lease)  # type: ignore[union-attr]


def use(
    gate: Gate,
    name: str,
    action: str = "end",
    on: Target = MEETINGS,
    *customers: str,
    who: str = "bo",
    token: str | None = None,
) -> Redeemed | Refused:
    """Redeem the use of this name: the same 16 bytes each time."""
    return gate.redeem(
        point=POINT,
        executor=PersonId(who),
        action=action,
        resource=on,
        customers=customers,
        use=seed(name)[:16],
        token=token,
    )


class Crash(BaseException):
    """The program ended here."""


def crashed(made: TestGate, at: int, work: Callable[[Gate], object]) -> str | None:
    """Do `work` with a gate that ends at its step number `at`, as a kill would end it: nothing is written any more, and
    nothing closed in order. Gives the step's name; None if `work` has fewer steps."""
    ended: list[str] = []
    count = -1
    ledger = Ledger(
        read_ledger_folder(read_gate_folder(made.path).ledger), clock=made.clock, chance=Chance(f"ledger {at}")
    )
    gate: Gate | None = None

    def step(name: str) -> None:
        nonlocal count
        if gate is None:
            return
        count += 1
        if count == at:
            ended.append(name)
            gate.database.close()
            raise Crash

    try:
        gate = Gate(
            read_gate_folder(made.path), ledger=ledger, clock=made.clock, chance=Chance(f"gate {at}"), step=step
        )
        try:
            work(gate)
        except Crash:
            pass
        if not ended:
            gate.close()
    finally:
        ledger.close()
    return ended[0] if ended else None
