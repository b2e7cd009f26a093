"""A real gate beside the plain model: everything that people, customers, points, time and crashes can do, in any order.

The gate has its ledger, its database and passkeys in software; only the clock, the chance and the ends of its process
are ours. After each step the two are compared (`compared`): no lease without its quorum, no use beyond its lease, and
what must be possible is not refused.
"""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from armslength.estate import digest, parse
from armslength.gate import (
    Conflict,
    GateError,
    Leased,
    LeaseId,
    PersonId,
    Refused,
    Used,
    Why,
    events_in,
)
from armslength.service import HOST, check_gate
from armslength.service.gate_replay import records_of
from armslength.store import read_ledger_folder
from armslength.tlog import parse_base64url
from tests.gate_model.firm import THE_FIRM, Firm
from tests.gate_model.machine import (
    PEOPLE,
    Ending,
    crashes,
    somebody_waits,
    something_was_lent,
)
from tests.gate_model.plain import DOUBTED, Ask, Lent, Plain, Vouched, day_of
from tests.gate_model.using import Using
from tests.gate_model.workshop import POINT, Workshop, passkey, pend, target


class GateMachine(Using):
    """`months` are those that were let pass."""

    months: int

    def made(self) -> Workshop:
        """Where it is played."""
        return Workshop.made()

    @initialize()
    def begin(self) -> None:
        self.shop = self.made()
        self.plain = Plain(firm=THE_FIRM, digest=self.gate.digest)
        for person in THE_FIRM.everybody:
            self.plain.keys[passkey(person).credential] = (person, True)
        self.numbers = dict.fromkeys(PEOPLE, 0)
        self.answered = []
        for who, action, approver in (("eli", "list", "di"), ("bo", "end", "fay")):
            self._ask(who, None, None, (action, "asset:meetings"), frozenset(), None, False, False, False, None)
            self._approve(list(self.plain.asks.values())[-1], approver, True, 0, None)
        self.months = 0
        # Kim vouches for bo, and bo by a lease for ed: who steals kim's passkey has three.
        self._enrol("bo", "kim", 0, None)
        self._ask("bo", None, None, ("assume", "person:ed"), frozenset(), None, False, False, False, None)
        self._approve(list(self.plain.asks.values())[-1], "gus", True, 0, None)
        self._enrol("ed", "bo", 1, None)
        assert len(self.plain.vouched) == 2

    def teardown(self) -> None:
        if not hasattr(self, "plain"):
            return
        try:
            # Of so many rules few examples come to this one, so it ends each.
            for key in [key for key in self._vouchers() if self.plain.keys[key][0] == "kim"][:1]:
                self._revoke(key, HOST, ("written", 0, 0) if len(self.plain.asks) % 2 else None)
            self._reopened(0, killed=False)
            before = self.shop.documents()
            assert self.gate.health().mended.tampered == ()
            self.shop.close()
            self._held_against_the_ledger()
            self.shop.open()
            assert self.shop.documents() == before, "the ledger read anew gives another state"
        finally:
            self.shop.sweep_away()

    # Time, and the process

    @rule(seconds=st.sampled_from((1, 20, 130, 130, 1900, 4000, 4000, 15_000, 40_000)), sweeps=st.booleans())
    def wait(self, seconds: int, sweeps: bool) -> None:
        self.shop.clock.now += seconds
        self.since = self.now
        if sweeps:
            self._sweep()

    @precondition(lambda self: self.months < 2)
    @rule()
    def wait_a_month(self) -> None:
        """After it whoever was vouched for is not doubted any more; after three the gate would forget who asked."""
        self.months += 1
        self.shop.clock.now += DOUBTED
        self._sweep()

    @rule(crash=crashes)
    def sweep(self, crash: Ending) -> None:
        self._do(crash, lambda: self.gate.tick())
        self._compare()
        self._sweep()

    @rule(killed=st.booleans(), delay=st.sampled_from((0, 0, 20, 4000)))
    def restart(self, killed: bool, delay: int) -> None:
        self._reopened(delay, killed=killed)

    @precondition(something_was_lent)
    @rule(data=st.data())
    def turn_the_clock_back(self, data: st.DataObject) -> None:
        """Windows that are over would open again, so nothing opens."""
        lent = data.draw(st.sampled_from(list(self.plain.leases.values())))
        self.gate.now()
        self.shop.clock.now -= 10
        outcome = self.gate.redeem(
            point=POINT,
            executor=PersonId(lent.ask.executor),
            action=lent.ask.action,
            resource=target(lent.ask.target),
            use=os.urandom(16),
        )
        assert isinstance(outcome, Refused) and outcome.why is Why.CLOCK
        self.gate.tick()
        self.shop.clock.now += 10

    # Keys

    @rule(
        data=st.data(),
        person=st.sampled_from(THE_FIRM.everybody),
        voucher=st.sampled_from(("kim", "kim", "bo", "ed")),
        crash=crashes,
    )
    def enrol(self, data: st.DataObject, person: str, voucher: str, crash: Ending) -> None:
        if person in self.plain.firm.people and person not in self.plain.gone:
            mine = [n for n in self._numbers(voucher) if self._counts(voucher, n)]
            self._enrol(person, voucher, data.draw(st.sampled_from(mine)) if mine else None, crash)

    def _enrol(self, person: str, voucher: str, number: int | None, crash: Ending) -> None:
        self.numbers[person] += 1
        new = passkey(person, self.numbers[person]).credential
        id = pend(self.gate, person, self.numbers[person])
        able = [
            lent
            for lent in self.plain.lent_for(voucher, "assume", f"person:{person}")
            if self.plain.usable(lent, self.now, frozenset())
        ]
        standing = self.plain.may_assume(voucher, person)
        may = number is not None and voucher != person and (standing or bool(able))
        assertion = passkey(voucher, number or 0).sign(self.gate.enrolment(id).challenge())
        outcome, _ = self._do(crash, lambda: self.gate.vouch(id, PersonId(voucher), assertion))
        there = {key.key.credential for key in self.gate.state.keys.values()}
        assert not isinstance(outcome, GateError) or not may, f"{voucher} may vouch for {person}: {outcome}"
        if new in there:
            assert may
            self.plain.keys[new] = (person, True)
            self.plain.vouched[new] = Vouched(by=assertion.credential, at=self.since)
        else:
            assert outcome is not None or "recorded" not in self.shop.steps or not standing
        self._used_to_vouch(able)
        self._compare()
        self._sweep()

    def _used_to_vouch(self, able: list[Lent]) -> None:
        for lent in able:
            uses = self.gate.lease(LeaseId(lent.id)).uses
            assert uses in (lent.used, lent.used + 1)
            lent.used = uses

    @precondition(lambda self: somebody_waits(self) or something_was_lent(self))
    @rule(data=st.data(), by=st.sampled_from(("self", "kim", "host", "bo")), crash=crashes)
    def revoke_key(self, data: st.DataObject, by: str, crash: Ending) -> None:
        keys = [key for key, (_, counts) in self.plain.keys.items() if counts]
        if len(keys) < 8:
            return
        signed = [key for lent in self.plain.leases.values() for key in lent.approvers.values() if key in keys]
        key = data.draw(st.sampled_from((self._vouchers() if data.draw(st.booleans()) else signed) or keys))
        person = PersonId(self.plain.keys[key][0])
        self._revoke(key, {"self": person, "host": HOST}.get(by, PersonId(by)), crash)

    def _vouchers(self) -> list[bytes]:
        """The keys that count and have vouched for another."""
        return sorted({how.by for how in self.plain.vouched.values() if self.plain.keys[how.by][1]})

    def _revoke(self, key: bytes, who: PersonId, crash: Ending) -> None:
        person = self.plain.keys[key][0]
        may = who in (person, HOST) or self.plain.may_assume(who, person)
        may = may or any(
            self.plain.usable(lent, self.now, frozenset())
            for lent in self.plain.lent_for(who, "assume", f"person:{person}")
        )
        outcome, recorded = self._do(crash, lambda: self.gate.revoke_key(key, who, "lost"))
        led_to = self.plain.led_to(key, self.since)
        if isinstance(outcome, GateError):
            assert not may, outcome
        elif recorded:
            assert may
            assert outcome is None or {each.key.credential for each in outcome.gone} == led_to
            self.plain.drop(key)
            # Of what goes with it, a crash may leave some for the next sweep, and nothing else.
            left = led_to if outcome is None else set()
            for each in led_to:
                if each not in left or self._is_revoked(each):
                    self.plain.drop(each)
            self._compare()
            if left:
                self.gate.tick()
                for each in left:
                    self.plain.drop(each)
        self._compare(crashed=outcome is None)

    def _is_revoked(self, key: bytes) -> bool:
        state = self.gate.state.key(key)
        return state is not None and state.revoked is not None

    # People who leave

    @precondition(lambda self: len(self.plain.gone) < 2)
    @rule(person=st.sampled_from(("bo", "eli", "cy", "di", "ed", "fay", "kim", "zed")), crash=crashes)
    def leave(self, person: str, crash: Ending) -> None:
        outcome, recorded = self._do(crash, lambda: self.gate.leave(PersonId(person), "a directory"))
        assert not isinstance(outcome, GateError), outcome
        if recorded:
            assert person not in self.plain.gone
            self.plain.leave(person)
        else:
            assert outcome is None or person in self.plain.gone
        self._compare(crashed=outcome is None)
        self._sweep()

    # The estate

    @rule(data=st.data(), asker=st.sampled_from(("kim", "kim", "di", "bo")), crash=crashes)
    def propose(self, data: st.DataObject, asker: str, crash: Ending) -> None:
        firm = self.plain.firm if self.plain.gone and data.draw(st.booleans()) else data.draw(changed(self.plain.firm))
        files = firm.files()
        after = digest(parse(files).estate)
        known = sorted(self.plain.gone & firm.people.keys())
        back = data.draw(st.lists(st.sampled_from(known), unique=True)) if known else []
        if after == self.plain.digest and not back:
            return
        returning = [PersonId(each) for each in back]
        outcome, recorded = self._do(
            crash,
            lambda: self.gate.propose(
                files, asker=PersonId(asker), purpose="a change", caller="a session", returning=returning
            ),
        )
        made = self._new_request()
        if made is not None:
            change = made.request.context["change"]
            assert isinstance(change, dict) and (change["before"], change["after"]) == (self.plain.digest, after)
            widened = change["widened"]
            assert isinstance(widened, list)
            draft = Ask(
                id="",
                executor=asker,
                asker=asker,
                author=None,
                action="operate",
                target="asset:access-gate",
                customers=frozenset(),
                start=0,
                end=0,
                expires=0,
                made=self.since,
                told=None,
                change=(self.plain.digest, after),
                barred=frozenset(map(str, widened)),
                returning=frozenset(back),
            )
            self.plain.firms[after] = firm
            self._take(made, draft)
            assert self._could_change(firm), "a change was taken after which nobody could change anything"
        match outcome:
            case Refused(why=Why.IMPOSSIBLE):
                assert made is None  # by a lock-out, or for the states that gain by it
            case Refused():
                assert not self.plain.leads(asker, frozenset(), "operate", "asset:access-gate", self.now)
            case Conflict():
                assert any(ask.change is not None and ask.change[1] == after for ask in self.plain.asks.values())
            case GateError():
                raise AssertionError(outcome)
            case _:
                assert recorded == (made is not None)
        self._compare(crashed=outcome is None)

    def _could_change(self, firm: Firm) -> bool:
        keyed = self.plain.keyed() & firm.people.keys()
        return any(
            next(firm.quorums(terms, frozenset({person}), keyed, day_of(self.now)), None)
            for person in keyed
            for terms in firm.ways(person, frozenset(), "operate", "asset:access-gate", day_of(self.now))
        )

    # At the end

    def _held_against_the_ledger(self) -> None:
        """Every lease and every use that the gate said yes to is in the ledger, once; and who checks it finds nothing
        but the uses that fitted no lease."""
        ledger = read_ledger_folder(self.shop.path / "ledger", signing=False)
        events = [each.event for each in events_in(records_of(ledger, 0))]
        uses = [parse_base64url(each.use, 16) for each in events if isinstance(each, Used)]
        assert len(set(uses)) == len(uses)
        assert set(self.plain.told_uses) <= set(uses)
        leases = [str(each.lease["id"]) for each in events if isinstance(each, Leased)]
        assert sorted(leases) == sorted(self.plain.leases)
        findings = check_gate(self.shop.path).findings
        strays = [each for each in findings if "did not allow" in each.says]
        assert (len(findings), len(strays)) == (self.plain.strays, self.plain.strays), findings


@st.composite
def changed(draw: st.DrawFn, firm: Firm) -> Firm:
    """Another estate: somebody leaves or moves, terms change, a grant goes."""
    person = draw(st.sampled_from(firm.everybody))
    match draw(st.sampled_from(("leave", "move", "move", "terms", "terms", "grant", "group"))):
        case "leave" if len(firm.people) > 6:
            return firm.without(person)
        case "move":
            return firm.moved(person, workplace=draw(st.sampled_from(("CN", "US", "IE", "SG", "FR"))))
        case "terms":
            name = draw(st.sampled_from(sorted(firm.terms)))
            return firm.with_terms(name, apart=draw(st.integers(0, 2)), approvals=draw(st.integers(1, 2)))
        case "grant" if len(firm.grants) > 3:
            gone = draw(st.sampled_from(firm.grants))
            return replace(firm, grants=tuple(grant for grant in firm.grants if grant != gone))
        case _:
            group = draw(st.sampled_from(("trust", "keepers")))
            left = firm.groups[group] - {f"person:{person}"}
            return replace(firm, groups={**firm.groups, group: left})


SLOW = settings.default is not None and settings.default.max_examples > 1000
GateMachine.TestCase.settings = settings(
    max_examples=500 if SLOW else 8,
    stateful_step_count=50 if SLOW else 30,
    # Shrinking takes minutes: an example is a second, and what it prints can be read as it is.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


class TestAGateIsThePlainModelThatItWasTold(GateMachine.TestCase):  # type: ignore[misc,valid-type]
    """Whatever people, customers, time and crashes do, and in whatever order: nobody gets at a customer's data without
    the quorum that the rules ask for, and nobody who has it is turned away."""
