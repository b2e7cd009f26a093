"""Rules of the machine: people say yes, take it back, say no; customers have their word."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from armslength.gate import (
    GateError,
    PersonId,
    RequestId,
    RequestState,
)
from tests.gate_model.asking import Asking
from tests.gate_model.machine import (
    Ending,
    crashes,
    people,
    somebody_waits,
)
from tests.gate_model.plain import Ask, day_of
from tests.gate_model.workshop import passkey


class Answering(Asking):
    @precondition(somebody_waits)
    @rule(data=st.data(), person=people, looks=st.sampled_from((True, True, False)), crash=crashes)
    def approve(self, data: st.DataObject, person: str, looks: bool, crash: Ending) -> None:
        ask = self._waiting(data)
        if ask is not None:
            self._approve(ask, person, looks, data.draw(st.sampled_from(self._numbers(person))), crash)

    @precondition(somebody_waits)
    @rule(data=st.data(), crash=crashes)
    def approve_in_full(self, data: st.DataObject, crash: Ending) -> None:
        """A quorum signs, one after the other; the crash comes with the last."""
        ask = self._waiting(data)
        if ask is None:
            return
        keyed = self.plain.keyed() - ask.took_back
        for terms in self.plain.ways(ask, self.now):
            quorums = list(
                self.plain.firm.quorums(terms, ask.seat, keyed, day_of(self.now), self.plain.barred(ask, self.now))
            )
            if quorums:
                some = data.draw(st.sampled_from(quorums))
                for place, person in enumerate(some):
                    if ask.waiting and person not in ask.approvals:
                        key = next(n for n in self._numbers(person) if self._counts(person, n))
                        self._approve(ask, person, True, key, crash if place == len(some) - 1 else None)
                return

    def _approve(self, ask: Ask, person: str, looks: bool, number: int, crash: Ending) -> None:
        request = self.gate.request(RequestId(ask.id)).request
        for each in request.evidence if looks else ():
            self.gate.opened(request.id, PersonId(person), each.digest)
        unread = self.gate.unopened(request.id, PersonId(person))
        assertion = passkey(person, number).sign(request.challenge())
        useful, possible = self.plain.useful(ask, person, self.now), self._counts(person, number)
        possible = possible and self.plain.an_approver(ask, person, self.now) and not unread
        lapsed = self._lapsed(ask)
        outcome, recorded = self._do(crash, lambda: self.gate.approve(request.id, PersonId(person), assertion))
        again = person in ask.approvals or person in ask.took_back
        if isinstance(outcome, GateError):
            assert lapsed or again or not (possible and useful), f"{person} may approve it: {outcome}"
        elif recorded and not lapsed:
            assert possible and not again, f"{person} may not approve it"
            ask.approvals[person] = assertion.credential
        elif lapsed and not recorded:
            ask.over = None
        self._compare(crashed=outcome is None)
        if isinstance(outcome, RequestState):
            assert not self.plain.complete(ask, self.now), f"{ask.id} has its quorum, and no lease"

    @precondition(somebody_waits)
    @rule(data=st.data(), person=people, crash=crashes)
    def unapprove(self, data: st.DataObject, person: str, crash: Ending) -> None:
        ask = self._waiting(data)
        if ask is None:
            return
        person = data.draw(st.sampled_from(sorted(ask.approvals))) if ask.approvals else person
        lapsed = self._lapsed(ask)
        outcome, recorded = self._do(crash, lambda: self.gate.unapprove(RequestId(ask.id), PersonId(person)))
        if isinstance(outcome, GateError):
            assert lapsed or person not in ask.approvals
        elif recorded and not lapsed:
            del ask.approvals[person]
            ask.took_back.add(person)
        elif lapsed and not recorded:
            ask.over = None
        self._compare(crashed=outcome is None)

    @precondition(somebody_waits)
    @rule(data=st.data(), person=people, withdraws=st.booleans(), crash=crashes)
    def say_no(self, data: st.DataObject, person: str, withdraws: bool, crash: Ending) -> None:
        ask = self._waiting(data)
        if ask is None:
            return
        person = ask.asker if withdraws and data.draw(st.booleans()) else person
        may = person in ask.seat if withdraws else self.plain.useful(ask, person, self.now)
        least = may if withdraws else self.plain.an_approver(ask, person, self.now)
        lapsed = self._lapsed(ask)
        id = RequestId(ask.id)
        outcome, recorded = self._do(
            crash,
            lambda: (
                self.gate.withdraw(id, PersonId(person)) if withdraws else self.gate.decline(id, PersonId(person), "no")
            ),
        )
        if isinstance(outcome, GateError):
            assert lapsed or not may, f"{person} may say no: {outcome}"
        elif recorded and not lapsed:
            assert least
            ask.over = "no"
        elif lapsed and not recorded:
            ask.over = None
        self._compare(crashed=outcome is None)

    @precondition(somebody_waits)
    @rule(data=st.data(), agrees=st.sampled_from((True, True, False)), crash=crashes)
    def voice(self, data: st.DataObject, agrees: bool, crash: Ending) -> None:
        asks = [ask for ask in self.plain.asks.values() if ask.waiting and ask.customers]
        if not asks:
            return
        ask = data.draw(st.sampled_from(asks))
        customer = data.draw(st.sampled_from(sorted(ask.customers)))
        token = self.gate.voice_token(RequestId(ask.id), customer)
        lapsed = self._lapsed(ask)
        outcome, recorded = self._do(crash, lambda: self.gate.voice(token, agrees))
        if isinstance(outcome, GateError):
            assert lapsed, f"a customer was not heard: {outcome}"
        elif recorded and not lapsed:
            if agrees:
                ask.agreed.add(customer)
            else:
                ask.over = "the customer said no"
        elif lapsed and not recorded:
            ask.over = None
        self._compare(crashed=outcome is None)
