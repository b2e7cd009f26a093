"""Rules of the machine: leases are used, at the gate and away from it, and ended."""

from __future__ import annotations

import os

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from armslength.gate import (
    Conflict,
    GateError,
    LeaseId,
    PersonId,
    Refused,
    Taken,
)
from armslength.service import OfflineUse, Redeemed
from tests.gate_model.answering import Answering
from tests.gate_model.firm import STANDING
from tests.gate_model.machine import (
    ACTS,
    Ending,
    askers,
    crashes,
    customers,
    people,
    something_was_lent,
)
from tests.gate_model.plain import Lent
from tests.gate_model.workshop import POINT, target

Answered = tuple[bytes, float, tuple[str, str, str, frozenset[str]], str | None]
"""A use, when it was redeemed, for what, and by which lease."""


class Using(Answering):
    answered: list[Answered]

    @rule(
        data=st.data(),
        who=askers,
        act=st.sampled_from(ACTS),
        named=customers,
        by_token=st.booleans(),
        again=st.sampled_from((False, False, False, True)),
        crash=crashes,
    )
    def redeem(
        self,
        data: st.DataObject,
        who: str,
        act: tuple[str, str],
        named: frozenset[str],
        by_token: bool,
        again: bool,
        crash: Ending,
    ) -> None:
        if self.plain.leases and data.draw(st.sampled_from((True, True, True, False))):
            ask = data.draw(st.sampled_from(list(self.plain.leases.values()))).ask
            who, act = ask.executor, (ask.action, ask.target)
            named = ask.customers if data.draw(st.booleans()) else named
        token = self._token(data, who, act) if by_token else None
        if again and self.answered:
            return self._redeem_again(*data.draw(st.sampled_from(self.answered)))
        use = os.urandom(16)
        at = self.now
        able = {lent.id: lent for lent in self.plain.lent_for(who, *act) if self.plain.usable(lent, at, named)}
        if token is not None:
            able = {id: lent for id, lent in able.items() if id == token[0]}
        standing = token is None and self.plain.leads(who, frozenset(), *act, at) == [STANDING]
        outcome, recorded = self._do(
            crash,
            lambda: self.gate.redeem(
                point=POINT,
                executor=PersonId(who),
                action=act[0],
                resource=target(act[1]),
                customers=sorted(named),
                use=use,
                token=None if token is None else token[1],
            ),
        )
        match outcome:
            case Redeemed(lease=None):
                assert standing and recorded == bool(named)
                assert not named or outcome.receipt is not None
                self.plain.told_uses += [use] if named else []
            case Redeemed(lease=lease, receipt=receipt):
                assert lease is not None and lease.terms.id in able, "what no lease allows was let happen"
                assert recorded and receipt is not None and receipt.origin == self.gate.settings.origin
                self._used(able[lease.terms.id], use, named)
            case Refused():
                assert not able and not standing, f"refused, and there is a lease: {outcome}"
                assert not recorded
            case None:
                if recorded and not standing:
                    self._used_before_the_crash(able, use, named)
                elif recorded:
                    self.plain.told_uses.append(use)
            case _:
                raise AssertionError(outcome)
        if isinstance(outcome, Redeemed):
            by = None if outcome.lease is None else outcome.lease.terms.id
            if by is not None or named:
                self.answered.append((use, at, (who, *act, named), by))
        self._compare(crashed=outcome is None)

    def _token(self, data: st.DataObject, who: str, act: tuple[str, str]) -> tuple[str, str] | None:
        """A lease and its token, if the gate still gives it; of anybody, so that some are stolen."""
        lent = [lent for lent in self.plain.leases.values() if lent.ended is None and self.now < lent.end]
        if not lent:
            return None
        chosen = data.draw(st.sampled_from(lent))
        try:
            return chosen.id, self.gate.token(LeaseId(chosen.id))
        except Conflict:
            assert not self.plain.holds(chosen, self.now)
            return None

    def _used(self, lent: Lent, use: bytes, named: frozenset[str]) -> None:
        self.plain.use(lent, use, named)
        if lent.used == lent.uses:
            lent.ended = self.now

    def _used_before_the_crash(self, able: dict[str, Lent], use: bytes, named: frozenset[str]) -> None:
        """Nobody heard which lease it was: one of those that could be, and one use of it."""
        uses = {lease.terms.id: lease.uses for lease in self.gate.leases()}
        used = [lent for id, lent in able.items() if uses[id] == lent.used + 1]
        assert len(used) == 1, "a use that is on record is counted once"
        self.plain.use(used[0], use, named)

    def _redeem_again(self, use: bytes, at: float, what: tuple[str, str, str, frozenset[str]], by: str | None) -> None:
        who, action, on, named = what
        outcome = self.gate.redeem(
            point=POINT,
            executor=PersonId(who),
            action=action,
            resource=target(on),
            customers=sorted(named),
            use=use,
        )
        if self.now - at <= 120 and self._rests(who, action, on, by):
            assert isinstance(outcome, Redeemed), f"the same use, asked again: {outcome}"
            assert by == (None if outcome.lease is None else outcome.lease.terms.id)
        else:
            assert isinstance(outcome, Refused), "what a use rested on is gone, and it was let happen again"
        self.since = self.now
        self._compare()

    def _rests(self, who: str, action: str, on: str, by: str | None) -> bool:
        """Whether what a use rested on still holds: nobody left, took the lease away, or would not give it any more.
        One that is spent holds, for this may be the use that spent it, unless it was taken away after all."""
        if by is None:
            return self.plain.leads(who, frozenset(), action, on, self.now) == [STANDING]
        lent = self.plain.leases[by]
        spent = lent.uses is not None and lent.used == lent.uses
        taken = isinstance(self.gate.lease(LeaseId(by)).status, Taken)
        whole = lent.ended is None or (spent and not taken)
        return whole and self.now < lent.end and self.plain.holds(lent, self.now)

    @precondition(something_was_lent)
    @rule(data=st.data(), named=customers, ago=st.sampled_from((0, 30, 3000)), crash=crashes)
    def tell_of_a_use(self, data: st.DataObject, named: frozenset[str], ago: int, crash: Ending) -> None:
        """A point let it happen by itself, and tells now."""
        if not self.plain.leases:
            return
        offline = [lent for lent in self.plain.leases.values() if not lent.online]
        lent = data.draw(st.sampled_from(offline or list(self.plain.leases.values())))
        named = lent.ask.customers if data.draw(st.booleans()) else named
        use, done = os.urandom(16), int(self.now) - ago
        told = OfflineUse(
            use=use,
            lease=LeaseId(lent.id),
            executor=PersonId(lent.ask.executor),
            action=lent.ask.action,
            resource=target(lent.ask.target),
            customers=tuple(sorted(named)),
            done=done,
        )
        fits = self.plain.late_fits(lent, done, named)
        outcome, recorded = self._do(crash, lambda: self.gate.take_uses(POINT, [told]))
        if isinstance(outcome, tuple):
            assert (outcome[0].problem is None) == (fits and not lent.online), outcome
        if recorded and fits:
            self.plain.use(lent, use, named)
        elif recorded:
            self.plain.told_uses.append(use)
            self.plain.strays += 1
        self._compare(crashed=outcome is None)
        if outcome is not None:
            (again,) = self.gate.take_uses(POINT, [told])
            assert again.problem is None or not fits
            self._compare()

    # The end of a lease

    @precondition(something_was_lent)
    @rule(data=st.data(), person=people, gives=st.booleans(), crash=crashes)
    def end(self, data: st.DataObject, person: str, gives: bool, crash: Ending) -> None:
        live = [lent for lent in self.plain.leases.values() if lent.ended is None]
        if not live:
            return
        lent = data.draw(st.sampled_from(live))
        person = lent.ask.executor if data.draw(st.booleans()) else person
        concerned = person in (lent.ask.seat if gives else {*lent.ask.seat, *lent.approvers})
        id = LeaseId(lent.id)
        outcome, recorded = self._do(
            crash,
            lambda: self.gate.give_back(id, PersonId(person)) if gives else self.gate.revoke(id, PersonId(person), "x"),
        )
        if isinstance(outcome, GateError):
            assert not concerned, f"{person} may end it: {outcome}"
        elif recorded:
            assert concerned or not gives
            lent.ended = self.since
        self._compare(crashed=outcome is None)
