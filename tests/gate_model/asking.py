"""Rules of the machine: people ask, with and without an idempotency key."""

from __future__ import annotations

import datetime as dt
import os
from contextlib import suppress
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import rule

from armslength.gate import (
    Conflict,
    GateError,
    LeaseId,
    PersonId,
    Refused,
    Rejected,
    RequestState,
    Why,
    Window,
    moment,
    posix,
)
from armslength.service import Asked
from tests.gate_model.firm import STANDING
from tests.gate_model.machine import (
    ACTS,
    Ending,
    Machine,
    askers,
    crashes,
    customers,
    people,
)
from tests.gate_model.plain import Ask
from tests.gate_model.workshop import target


class Asking(Machine):
    @rule(
        who=askers,
        asker=st.none() | people,
        author=st.none() | st.none() | people,
        act=st.sampled_from(ACTS),
        named=customers,
        later=st.sampled_from((None, None, None, 3600, 90_000)),
        evidence=st.booleans(),
        key=st.booleans(),
        renew=st.booleans(),
        crash=crashes,
    )
    def ask(
        self,
        who: str,
        asker: str | None,
        author: str | None,
        act: tuple[str, str],
        named: frozenset[str],
        later: int | None,
        evidence: bool,
        key: bool,
        renew: bool,
        crash: Ending,
    ) -> None:
        self._ask(who, asker, author, act, named, later, evidence, key, renew, crash)

    def _ask(
        self,
        who: str,
        asker: str | None,
        author: str | None,
        act: tuple[str, str],
        named: frozenset[str],
        later: int | None,
        evidence: bool,
        key: bool,
        renew: bool,
        crash: Ending,
    ) -> None:
        live = [lent for lent in self.plain.lent_for(who, *act) if lent.ended is None]
        asked = Asked(
            executor=PersonId(who),
            asker=PersonId(asker or who),
            author=None if author is None else PersonId(author),
            action=act[0],
            resource=target(act[1]),
            customers=tuple(sorted(named)),
            purpose="a report of abuse",
            evidence=(self.gate.put_evidence("order.txt", "text/plain", b"an order"),) if evidence else (),
            window=None if later is None else _window(self.now + later),
            renews=LeaseId(live[0].id) if renew and live else None,
        )
        draft = Ask(
            id="",
            executor=who,
            asker=asker or who,
            author=author,
            action=act[0],
            target=act[1],
            customers=named,
            start=self.now + (later or 0),
            end=self.now + 1e9,
            expires=self.now + 1e9,
            made=self.now,
            told=None,
        )
        name = os.urandom(4).hex() if key else None
        outcome, recorded = self._do(crash, lambda: self.gate.ask(asked, caller="a session", key=name))
        made = self._new_request()
        assert (made is not None) == (recorded and not isinstance(outcome, Refused))
        if made is not None:
            self._take(made, draft)
            assert outcome is None or outcome == made
        elif outcome is not None:
            self._refused(draft, outcome)
        if name is not None and not isinstance(outcome, Refused | GateError):
            self._asked_again(asked, name, draft, made)
        self._compare(crashed=outcome is None)

    @rule(
        chosen=st.sampled_from(
            (
                ("bo", "end", "asset:meetings"),
                ("eli", "end", "asset:rec-1"),
                ("ola", "end", "asset:meetings"),
                ("bo", "read", "asset:records"),
                ("eli", "read", "asset:rec-1"),
                ("bo", "export", "asset:records"),
                ("bo", "delete", "asset:records"),
                ("eli", "list", "asset:meetings"),
                ("bo", "assume", "person:ed"),
            )
        ),
        named=customers,
        key=st.booleans(),
        crash=crashes,
    )
    def ask_well(self, chosen: tuple[str, str, str], named: frozenset[str], key: bool, crash: Ending) -> None:
        """What can be had, until the firm is another."""
        who, action, on = chosen
        self._ask(who, None, None, (action, on), named, None, False, key, False, crash)

    def _asked_again(self, asked: Asked, name: str, draft: Ask, made: RequestState | None) -> None:
        """With the same key: it is the same request, whatever became of the first try."""
        again = self.gate.ask(asked, caller="a session", key=name)
        if made is not None:
            assert isinstance(again, RequestState) and again.request.id == made.request.id
        elif (new := self._new_request()) is not None:
            self._take(new, replace(draft, start=max(draft.start, self.now), made=self.now))
        with suppress(Conflict):
            self.gate.ask(replace(asked, purpose="another"), caller="a session", key=name)
            raise AssertionError("a key was used for two requests")

    def _new_request(self) -> RequestState | None:
        new = [state for state in self.gate.requests() if state.request.id not in self.plain.asks]
        assert len(new) <= 1
        return new[0] if new else None

    def _take(self, state: RequestState, draft: Ask) -> None:
        """A request was made: whether it might be."""
        request = state.request
        assert (request.executor, request.asker, request.author) == (draft.executor, draft.asker, draft.author)
        assert (request.action, str(request.resource)) == (draft.action, draft.target)
        assert frozenset(request.customers) == draft.customers
        assert posix(request.made) in (int(draft.made), int(self.now))
        ask = replace(
            draft,
            id=request.id,
            start=posix(request.window.start),
            end=posix(request.window.end),
            expires=posix(request.expires),
            made=posix(request.made),
            told=None,
        )
        ways = self.plain.ways(ask, ask.made)
        assert ways and STANDING not in ways, "what nothing leads to was taken"
        assert self.plain.possible(ask, ask.made), "what nobody could approve was taken"
        self.plain.asks[ask.id] = ask

    def _refused(self, draft: Ask, outcome: object) -> None:
        ways = self.plain.ways(draft, self.now)
        match outcome:
            case Refused(why=Why.IMPOSSIBLE):
                assert ways and not self.plain.possible(draft, self.now), "somebody could approve it"
            case Refused():
                assert not ways, f"refused, and there is a way: {outcome}"
            case Rejected():
                assert ways == [STANDING], outcome
            case Conflict():
                alike = any(
                    (ask.executor, ask.asker, ask.author, ask.action, ask.target, ask.customers)
                    == (draft.executor, draft.asker, draft.author, draft.action, draft.target, draft.customers)
                    for ask in self.plain.asks.values()
                    if ask.waiting
                )
                live = any(
                    lent.ended is None and draft.start < lent.end and self.plain.covers(lent, draft.customers)
                    for lent in self.plain.lent_for(draft.executor, draft.action, draft.target)
                )
                assert alike or live, outcome
            case _:
                raise AssertionError(outcome)


def _window(start: float) -> Window:
    return Window(start=moment(start), end=moment(start) + dt.timedelta(hours=2))
