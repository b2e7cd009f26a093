"""One life of a gate's process: it opens, is held against all that earlier lives promised, serves a few people at once,
and ends as planned.

It runs in a process forked for it, and tells the parent each thing that somebody was promised, once they were.
"""

from __future__ import annotations

import json
import os
import random
import threading
import traceback
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from armslength.gate import (
    Conflict,
    GateError,
    Granted,
    LeaseId,
    LeaseState,
    PersonId,
    Refused,
    RequestId,
    RequestState,
)
from armslength.service import HOST, Asked, Gate, Redeemed, Unavailable, check_gate
from armslength.store import read_gate_folder
from armslength.tlog import format_base64url
from tests.faults.shim import Call, Deed, Power, Shim
from tests.gate_model.firm import THE_FIRM
from tests.gate_model.workshop import POINT, START, passkey, pend, target

STEPS = ("claimed", "recorded", "taken", "written")
WANTED = (
    ("bo", "end", "asset:meetings"),
    ("eli", "end", "asset:rec-1"),
    ("ola", "end", "asset:meetings"),
    ("bo", "read", "asset:rec-1"),
    ("eli", "list", "asset:meetings"),
    ("ana", "list", "asset:meetings"),
    ("bo", "delete", "asset:records"),
)
EACH = 30
"""Seconds between two lives, so that what one began is not over in the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtStep:
    """In the n-th step of this name."""

    step: str
    nth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AtCall:
    """Before, within or after the n-th call that changes a file."""

    deed: Deed
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRandom:
    microseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """No fsync does anything, and the process ends in the end: a disk on which nothing can be promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InOrder:
    """The gate is closed as it should be."""


End = AtStep | AtCall | AtRandom | Lying | InOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`number`: which of a gate's lives it is."""

    seed: int
    number: int
    end: End
    power: Power = Power.KEPT


@dataclass(slots=True)
class Promised:
    """What was promised to somebody: none of it may turn out false later. Lives in the parent."""

    facts: list[list[str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def hear(self, line: str, *, losing: bool) -> None:
        """`losing`: the power failed in this life, and its last moments saw a disk that had lost its writes already."""
        word, *rest = json.loads(line)
        if word == "problem" or (word == "failed" and not losing):
            self.problems.append(rest[0])
        elif word != "failed":
            self.facts.append([word, *rest])


@dataclass(slots=True)
class Life:
    """`live` does not return."""

    folder: Path
    attic: Path
    plan: Plan
    promised: Promised
    out: int
    shim: Shim
    steps: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def live(self) -> None:
        try:
            self._live()
        except BaseException:
            self._say("problem", traceback.format_exc()[-2500:])
        finally:
            os._exit(0)

    def _say(self, *fact: str) -> None:
        data = (json.dumps(fact) + "\n").encode()
        assert len(data) <= 4096, "longer than what a pipe takes whole"
        os.write(self.out, data)

    def _live(self) -> None:
        plan = self.plan
        self.shim.watch(self.folder, power=plan.power, attic=self.attic, seed=plan.seed, report=self.out)
        match plan.end:
            case AtCall(deed=deed, at=at):
                self.shim.plan(deed, at=at)
            case AtRandom(microseconds=microseconds):
                self.shim.die_later(microseconds)
            case Lying():
                self.shim.plan(Deed.LIE, many=1 << 30, calls=(Call.SYNC,))
            case _:
                pass
        now = START + EACH * plan.number
        gate = Gate(read_gate_folder(self.folder), clock=lambda: now, step=self._step)
        self._check(gate)
        people = [threading.Thread(target=self._serve, args=(gate, seed)) for seed in range(3)]
        for one in people:
            one.start()
        for one in people:
            one.join()
        gate.tick()
        gate.close()
        if not isinstance(plan.end, InOrder):
            self.shim.die("in the end")
        for found in check_gate(self.folder).findings:
            self._say("problem", f"after a close: {found}")

    def _step(self, name: str) -> None:
        end = self.plan.end
        self.steps[name] += 1
        if isinstance(end, AtStep) and (end.step, end.nth) == (name, self.steps[name]):
            self.shim.die(f"step {name}")

    # What was promised

    def _check(self, gate: Gate) -> None:
        if gate.health().mended.tampered:
            self._say("problem", f"a crash is taken for an attack: {gate.health().mended.tampered}")
        for _ in range(2):
            gate.tick()
        if gate.health().problems or gate.ready() is not None:
            self._say("problem", f"after a start: {gate.health().problems} {gate.ready()}")
        for found in check_gate(self.folder).findings:
            self._say("problem", f"after a start: {found}")
        for fact in self.promised.facts:
            if problem := broken(gate, fact):
                self._say("problem", f"{fact}: {problem}")
        for lease in gate.live():
            if problem := unfounded(gate, lease):
                self._say("problem", f"{lease.terms.id}: {problem}")

    # What people do

    def _serve(self, gate: Gate, seed: int) -> None:
        rng = random.Random(f"{self.plan.seed} {seed}")
        try:
            for _ in range(rng.randrange(3, 9)):
                act = rng.choice(ACTS)
                try:
                    act(self, gate, rng)
                except GateError as error:
                    if isinstance(error, Unavailable):
                        self._say("failed", f"{act.__name__}: {error}")
        except BaseException:
            self._say("problem", traceback.format_exc()[-2500:])

    def ask(self, gate: Gate, rng: random.Random) -> None:
        who, action, on = rng.choice(WANTED)
        asked = [fact for fact in self.promised.facts if fact[0] == "asked"]
        if asked and rng.random() < 0.3:  # whoever did not hear the answer asks again
            _, _, key, who, action, on = rng.choice(asked[-6:])
        else:
            key = rng.randbytes(6).hex()
        person = PersonId(who)
        wanted = Asked(
            executor=person,
            asker=person,
            action=action,
            resource=target(on),
            purpose="a report",
            evidence=(gate.put_evidence("order.txt", "text/plain", b"an order"),),
        )
        outcome = gate.ask(wanted, caller="a point", key=key)
        if isinstance(outcome, RequestState):
            self._say("asked", outcome.request.id, key, who, action, on)

    def approve(self, gate: Gate, rng: random.Random) -> None:
        waiting = gate.state.waiting()
        if not waiting:
            return self.ask(gate, rng)
        request = rng.choice(waiting).request
        for person in rng.sample(THE_FIRM.everybody, 6):
            for each in request.evidence:
                gate.opened(request.id, PersonId(person), each.digest)
            counting = [key for key in gate.state.keys_of(PersonId(person)) if key.revoked is None]
            number = next(
                (n for n in range(9) for key in counting if key.key.credential == passkey(person, n).credential), 0
            )
            try:
                state = gate.approve(request.id, PersonId(person), passkey(person, number).sign(request.challenge()))
            except Conflict:
                return
            except GateError as error:
                if isinstance(error, Unavailable):
                    raise
                continue
            self._say("approved", request.id, person)
            if isinstance(state.status, Granted):
                self._say("lent", state.status.lease, request.id)
                return

    def use(self, gate: Gate, rng: random.Random) -> None:
        live = gate.live()
        if not live:
            return
        lease = rng.choice(live)
        tried = [fact for fact in self.promised.facts if fact[0] in ("used", "tried") and fact[2] == lease.terms.id]
        use = bytes.fromhex(rng.choice(tried[-3:])[1]) if tried and rng.random() < 0.4 else rng.randbytes(16)
        terms = lease.terms
        self._say("tried", use.hex(), terms.id)
        customers = [rng.choice(("acme", "birch", "zenith"))] if terms.most_customers else []
        outcome = gate.redeem(
            point=POINT,
            executor=terms.executor,
            action=terms.action,
            resource=terms.resource,
            customers=customers,
            use=use,
            token=gate.token(terms.id),
        )
        if isinstance(outcome, Redeemed):
            self._say("used", use.hex(), terms.id)
        elif isinstance(outcome, Refused) and outcome.why in ("ledger_unavailable", "store_unavailable", "tampered"):
            self._say("failed", f"a use was refused: {outcome}")

    def end(self, gate: Gate, rng: random.Random) -> None:
        live = gate.live()
        if live:
            lease = rng.choice(live)
            gate.revoke(lease.terms.id, HOST, "a doubt")
            self._say("ended", lease.terms.id)

    def decline(self, gate: Gate, rng: random.Random) -> None:
        waiting = gate.state.waiting()
        if waiting:
            request = rng.choice(waiting).request
            gate.withdraw(request.id, request.asker)
            self._say("withdrawn", request.id)

    def change_a_key(self, gate: Gate, rng: random.Random) -> None:
        """Somebody loses theirs, and gets another."""
        person = PersonId(rng.choice(("di", "ed", "fay", "gus", "cy")))
        counting = [key for key in gate.state.keys_of(person) if key.revoked is None]
        for key in counting:
            gate.revoke_key(key.key.credential, HOST, "lost")
            self._say("lost", format_base64url(key.key.credential))
        number = len(gate.state.keys_of(person))
        id = pend(gate, person, number)
        gate.vouch(id, PersonId("kim"), passkey("kim").sign(gate.enrolment(id).challenge()))
        self._say("enrolled", id)

    def change_the_estate(self, gate: Gate, rng: random.Random) -> None:
        firm = THE_FIRM.moved("ola", workplace=rng.choice(("NO", "FR", "CA"))).with_terms(
            "two-apart", apart=rng.choice((1, 2))
        )
        outcome = gate.propose(firm.files(), asker=PersonId("kim"), purpose="a change", caller="kim")
        if not isinstance(outcome, RequestState):
            return
        for person in ("di", "ed", "fay"):
            for each in outcome.request.evidence:
                gate.opened(outcome.request.id, PersonId(person), each.digest)
            keys = [key for key in gate.state.keys_of(PersonId(person)) if key.revoked is None]
            numbers = [n for n in range(20) for key in keys if passkey(person, n).credential == key.key.credential]
            if numbers:
                signed = passkey(person, numbers[0]).sign(outcome.request.challenge())
                state = gate.approve(outcome.request.id, PersonId(person), signed)
                if not state.waiting:
                    self._granted(state)
                    return

    def _granted(self, change: RequestState) -> None:
        """A gate alone carries out at once what was granted."""
        self._say("changed", change.request.id)

    def sweep(self, gate: Gate, rng: random.Random) -> None:
        gate.tick()
        gate.revocations()


ACTS: tuple[Callable[[Life, Gate, random.Random], None], ...] = (
    *(Life.ask,) * 3,
    *(Life.approve,) * 6,
    *(Life.use,) * 5,
    Life.end,
    Life.decline,
    Life.change_a_key,
    Life.change_the_estate,
    Life.sweep,
)


def broken(gate: Gate, fact: list[str]) -> str | None:
    """How the gate does not keep what it promised."""
    word, id = fact[0], fact[1]
    match word:
        case "asked" | "approved" | "withdrawn" | "changed":
            request = gate.state.requests.get(RequestId(id))
            if request is None:
                return "the request is gone"
            if word == "withdrawn" and (request.waiting or isinstance(request.status, Granted)):
                return "it is not withdrawn"
            if word == "changed" and not request.adopted:
                return "the change was not adopted"
            if word == "approved" and request.waiting and fact[2] not in request.approvers():
                keys = [state for state in gate.state.keys_of(PersonId(fact[2])) if state.revoked is not None]
                return None if keys else "the approval is gone"
        case "lent":
            lease = gate.state.leases.get(LeaseId(id))
            if lease is None or lease.terms.request != fact[2]:
                return "the lease is gone"
        case "used":
            if not gate.state.used(LeaseId(fact[2]), bytes.fromhex(id)):
                return "the use is not counted"
        case "ended":
            if gate.lease(LeaseId(id)).live:
                return "the lease lives again"
        case "lost":
            if gate.state.keys[id].revoked is None:
                return "the key counts again"
        case "enrolled":
            if id not in gate.state.keys:
                return "the key is gone"
    return None


def unfounded(gate: Gate, lease: LeaseState) -> str | None:
    """Why this lease may not be live."""
    terms = lease.terms
    signed = {each.approver: each.assertion.credential for each in gate.request(terms.request).approvals}
    for approver in terms.approvers:
        key = gate.state.key(signed[approver]) if approver in signed else None
        if key is None or key.revoked is not None or key.key.person != approver:
            return f"it lives without a signature of {approver} that counts"
    if terms.uses is not None and lease.uses >= terms.uses:
        return "it is spent"
    if terms.most_customers is not None and len(lease.customers_used) > terms.most_customers:
        return "it was used for too many customers"
    return None if gate.now() < terms.end else "its time is over"
