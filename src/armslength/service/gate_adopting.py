"""Adopting: another estate takes the place of the one that holds, by a request whose quorum lies apart from every state
whose reach it widens.

The order, and what a crash after each step leaves: the files are kept under their digest (which nothing names yet); the
request is recorded; at its quorum the lease is recorded, then the adoption, then the end of the lease. A start that
finds such a lease without its adoption goes on from there.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from armslength.estate import OPERATE, Estate, content, digest
from armslength.gate import (
    Adopted,
    Conflict,
    Ended,
    Granted,
    Impossible,
    LeaseState,
    Open,
    PersonId,
    Question,
    Refused,
    Rejected,
    Request,
    RequestId,
    RequestState,
    Revoked,
    Target,
    Why,
    Window,
    Withdrawn,
    impossible,
    new_id,
    posix,
    who_could,
)
from armslength.ledger import Json
from armslength.service.gate_asking import Asked, Asking, AskOutcome
from armslength.service.gate_change import (
    CHANGE,
    Change,
    Part,
    Proposed,
    change_of,
    lines,
    outage_text,
    outages,
    parts,
    shown,
)
from armslength.service.gate_documents import Documents
from armslength.service.gate_failure import Unavailable, Unfounded
from armslength.service.gate_glass import glass_problems
from armslength.service.gate_office import MOST_KEPT, SELF, Office
from armslength.service.gate_rounds import one_by_one
from armslength.service.gate_row import GATE, of_lease, of_leaver, of_request
from armslength.service.gate_ties import tie_change
from armslength.store import Occupied, Source, StoreError, parsed

LONGEST_REASON = 500


class Adopting:
    def __init__(self, office: Office, asking: Asking, documents: Documents) -> None:
        self._office, self._book, self._asking, self._documents = office, office.book, asking, documents
        self._comparing = threading.Lock()
        self._seen: dict[tuple[str, str, dt.date], _Compared] = {}

    # Proposing

    def propose(
        self,
        files: Mapping[str, bytes],
        *,
        asker: PersonId,
        purpose: str,
        caller: str,
        key: str | None,
        returning: Sequence[PersonId] = (),
    ) -> AskOutcome:
        """`returning` are people who left and are to come back by it. Raises `EstateError`, `Rejected`, `Conflict`."""
        new = parsed(Source(description="the proposed estate", files=dict(files))).estate
        try:
            self._office.fit()
        except Unavailable as error:
            return error.refused()
        before, after = self._office.digest, digest(new)
        back = tuple(sorted(set(returning)))
        if problems := list(self._staying(new, back)):
            raise Rejected(problems)
        if before == after and not back:
            raise Conflict("nothing differs from the estate that holds in what the gate reads")
        if problems := list(glass_problems(self._office.settings.break_glass, new)):
            raise Rejected(problems)
        gate = self._office.gate_asset()
        if gate is None:
            raise Rejected(["the estate names no gate: without `gate` in estate.toml nothing says who may change it"])
        if (locked := self._locked_out(new, after)) is not None:
            return locked
        try:
            if before == after and content(new, files) != self._office.folder.estates.kept(before)[1]:
                raise Rejected(["its files differ from those of the estate that holds, which means the same"])
            if before != after:
                self._office.folder.estates.keep(files)
        except Occupied as error:
            says = "the same estate was proposed or adopted before, of other files: propose it as those have it"
            raise Conflict(says) from error
        except StoreError as error:
            raise Unavailable(Why.STORE, f"the proposed estate cannot be kept: {error}") from error
        compared = self._compared(before, after)
        found = compared.proposed
        gain = self._office.widening_return(after, back)
        reach = _coming_back(back, gain) + compared.reach
        differing = lines(found.before, found.after, found.ties) or b"No line differs.\n"
        evidence = [
            self._documents.put("reach.md", "text/markdown", reach),
            self._documents.put("lines.diff", "text/plain", differing),
            self._documents.put("absences.md", "text/markdown", compared.absences),
        ]
        change: dict[str, Json] = {
            "after": after,
            "before": before,
            "files": content(new, files),
            "what": list(found.what),
            "widened": sorted(found.widened | gain),
        }
        if back:
            change["returning"] = list(back)
        asked = Asked(
            executor=asker,
            asker=asker,
            action=OPERATE,
            resource=gate,
            purpose=purpose,
            context={CHANGE: change},
            evidence=tuple(evidence),
        )
        return self._asking.ask(asked, caller=caller, key=key, change=True)

    def _staying(self, new: Estate, back: Sequence[PersonId]) -> Iterator[str]:
        """Why somebody cannot come back."""
        known = frozenset(new.people.ids)
        for person in back:
            if not self._book.state.gone(person):
                yield f"{person[:40]!r} did not leave, so nobody has to let them come back"
            elif person not in known:
                yield f"{person[:40]!r} is to come back and is not in the proposed people table"
            elif self._office.said_gone(person):
                yield f"{person} is to come back, and a directory says still that they left"

    def proposed(self, request: Request) -> Proposed | None:
        """Raises `Rejected` where the files are gone."""
        change = change_of(request)
        if change is None:
            return None
        try:
            return self.compared(change.before, change.after)
        except Unfounded as error:
            raise Rejected([str(error)]) from error

    def compared(self, before: str, after: str) -> Proposed:
        """What differs between two estates that are kept. Raises `Unfounded`."""
        return self._compared(before, after).proposed

    def _compared(self, before: str, after: str) -> _Compared:
        key = (before, after, self._office.decider.day)
        with self._comparing:
            found = self._seen.get(key)
            if found is None:
                if len(self._seen) >= MOST_KEPT:
                    self._seen.clear()
                found = self._seen[key] = self._compare(before, after)
        return found

    def _compare(self, before: str, after: str) -> _Compared:
        old, new = self._office.estate(before), self._office.estate(after)
        estates = self._office.folder.estates
        grows, comparison = self._office.widening(before, after)
        lost = outages(self._office.decider_of(new, after), self._office.keyed())
        files = estates.files(before), estates.files(after)
        return _Compared(
            proposed=Proposed(
                before_digest=before,
                after_digest=after,
                before=files[0],
                after=files[1],
                what=parts(*files),
                widened=grows,
                changes=comparison.found.changes,
                impossible=tuple(dict.fromkeys(each for some in lost.values() for each in some)),
                ties=tie_change(old, new),
            ),
            reach=shown(grows, comparison),
            absences=outage_text(lost),
        )

    def simulate(self, away: frozenset[PersonId]) -> tuple[Impossible, ...]:
        return impossible(self._office.decider, self._office.keyed(), away)

    def _locked_out(self, new: Estate, name: str) -> Refused | None:
        """Why nobody could change anything any more under another estate; None: somebody could."""
        if new.settings.gate is None:
            says = "the proposed estate names no gate, so that nobody could change anything any more"
            return Refused(why=Why.IMPOSSIBLE, says=says)
        decider = self._office.decider_of(new, name)
        gate = Target(type="asset", id=new.assets.ids[new.settings.gate])
        keyed = self._office.keyed()
        now = self._book.now()
        day = dt.timedelta(days=1)
        for person in sorted(keyed):
            question = Question(executor=person, asker=person, author=None, action=OPERATE, resource=gate, context={})
            if not isinstance(decider.look(question), Open):
                continue
            request = Request(
                id=RequestId(new_id("req", bytes(16))),
                gate=self._office.settings.origin,
                executor=person,
                asker=person,
                author=None,
                action=OPERATE,
                resource=gate,
                customers=(),
                purpose="whether anybody could change it",
                context={},
                evidence=(),
                window=Window(start=now, end=now + day),
                made=now,
                expires=now + day,
            )
            found = who_could(decider, request, (), keyed)
            if found.sets or not found.complete:
                return None
        says = "under the proposed estate no quorum could be made for the next change: everybody would be locked out"
        return Refused(why=Why.IMPOSSIBLE, says=says)

    # Adopting

    def carry_out(self, id: RequestId) -> None:
        """Adopt what a request with a live lease is for. The caller holds the request and the gate. Raises `GateError`;
        the next `tick` goes on."""
        state = self._office.request(id)
        change = change_of(state.request)
        if change is None or not isinstance(state.status, Granted):
            return
        lease = self._office.lease(state.status.lease)
        if not lease.live:
            return
        with self._book.seeing(*self._office.rests_on(lease)):
            self._carry_out(state, change, lease)

    def _carry_out(self, state: RequestState, change: Change, lease: LeaseState) -> None:
        id = state.request.id
        now = self._office.fit()
        if state.adopted:  # a crash, or a failure, came before the end of its lease
            self._end(lease, Ended(at=posix(now), lease=lease.terms.id, how="spent"))
            return
        problem = None
        if change.before != self._office.digest:
            problem = "another change was adopted first"
        elif state.request.resource != self._office.gate_asset():
            problem = "it was asked for on something else than the gate"
        elif now >= lease.terms.end:
            problem = "its time was over before it was carried out"
        elif (refused := self._office.holds(lease)) is not None:
            problem = refused.says[:LONGEST_REASON]
        else:
            problem = self._unfit(change)
        if problem is not None:
            event = Revoked(at=posix(now), lease=lease.terms.id, by=SELF, reason=problem)
            self._end(lease, event)
            return
        adopted = Adopted(
            at=posix(now),
            before=change.before,
            after=change.after,
            what=_what(state.request),
            request=id,
            by=state.request.asker,
            files=change.files,
        )
        held = of_lease(lease.terms.id)
        with self._book.holding(held):
            back = [of_leaver(each) for each in change.returning if self._book.state.gone(each)]
            self._office.record(adopted, on=[GATE, of_request(id), *back], beside=[held], of=state.request)
            self._end(lease, Ended(at=posix(now), lease=lease.terms.id, how="spent"))

    def resume(self) -> None:
        """Go on where a crash, or a failure, came between a lease and its adoption or its end."""
        one_by_one(self.granted(), self._resume, str)

    def granted(self) -> list[RequestId]:
        """The requests for changes whose leases are live: to be carried out, or to be ended."""
        requests = (self._book.state.requests.get(lease.terms.request) for lease in self._book.state.live())
        return [each.request.id for each in requests if each is not None and change_of(each.request) is not None]

    def _resume(self, id: RequestId) -> None:
        with self._book.holding(of_request(id), GATE):
            self.carry_out(id)

    def call_off_overtaken(self) -> None:
        """End requests for changes of an estate that no longer holds."""
        for state in self._book.state.waiting():
            if self.overtaken(state.request):
                with self._book.holding(of_request(state.request.id), GATE), suppress(Conflict):
                    self.call_off(state.request)

    def overtaken(self, request: Request) -> bool:
        """Whether it is for a change of an estate that no longer holds: what it would make of the one that does, nobody
        has looked at."""
        change = change_of(request)
        return change is not None and change.before != self._office.digest

    def call_off(self, request: Request) -> None:
        """The caller holds it."""
        event = Withdrawn(at=posix(self._office.fit()), request=request.id, by=SELF)
        self._office.record(event, on=[of_request(request.id)], of=request)

    def _end(self, lease: LeaseState, event: Ended | Revoked) -> None:
        id = lease.terms.id
        with self._book.holding(of_lease(id)):
            if (state := self._office.lease(id)).live:
                self._office.record(event, on=[of_lease(id)], of=state.terms, used=state.customers_used)

    def _unfit(self, change: Change) -> str | None:
        """Why the estate that it is for cannot hold."""
        try:
            new = self._office.confirmed(change)
        except Unfounded as error:
            return str(error)[:LONGEST_REASON]
        found = list(glass_problems(self._office.settings.break_glass, new))
        said = [each for each in change.returning if self._office.said_gone(each)]
        found += [f"a directory says still that {each} left" for each in said]
        return "; ".join(found)[:LONGEST_REASON] or None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    proposed: Proposed
    reach: bytes
    absences: bytes


def _coming_back(people: Sequence[PersonId], gain: frozenset[str]) -> bytes:
    """What approvers read before all else where somebody comes back who left."""
    if not people:
        return b""
    says = f"These people left and would come back: {', '.join(people)}. Their old passkeys stay revoked."
    if gain:
        says += f" By that the reach of these states would grow: {', '.join(sorted(gain))}."
    return f"{says}\n\n".encode()


def _what(request: Request) -> tuple[Part, ...]:
    change = request.context.get(CHANGE)
    said = change.get("what") if isinstance(change, dict) else None
    named = said if isinstance(said, list) else []
    known: tuple[Part, ...] = ("policy", "estate", "people")
    return tuple(part for part in known if part in named) or ("estate",)
