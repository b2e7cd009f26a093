"""Checking a gate from its ledger alone: that no lease was given without its quorum, whoever ran the gate.

Every signature is verified again, every key traced to a voucher who might vouch for it, every quorum judged again under
the estate and on the day of its lease; then the rows are compared with what the ledger says. Nothing is changed. Beside
a gate that runs, a row may be ahead of what was read; look again before believing such a finding.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from armslength.estate import ASSUME, EstateError, Kind
from armslength.gate import (
    Adopted,
    Approved,
    Changed,
    Decider,
    Enrolled,
    Erased,
    Event,
    Freshness,
    Granted,
    Happened,
    Ignored,
    Leased,
    LeaseId,
    LeaseTerms,
    Moment,
    Party,
    PersonId,
    Presence,
    Question,
    Quorum,
    Rejected,
    Request,
    RequestId,
    RequestState,
    Standing,
    State,
    Tampered,
    Target,
    Used,
    check_approval,
    check_voucher,
    enrolment_of,
    events_in,
    judge,
    moment,
    parse_approval,
    parse_assertion,
    parse_lease_terms,
)
from armslength.reach import Compared
from armslength.service.gate_change import Change, barred, change_of, widened, widened_by_return
from armslength.service.gate_glass import glass_problems
from armslength.service.gate_replay import records_of
from armslength.service.gate_row import HELD, KINDS, Object, of_lease, of_request, row_of
from armslength.store import (
    Damaged,
    GateFolder,
    StoreError,
    open_gate_database,
    read_gate_folder,
    read_ledger_folder,
)
from armslength.tlog import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFinding:
    """`where` is an entry of the ledger (`ledger:17`), a row (`request req_…`) or a file."""

    where: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCheck:
    """How much was looked at, and what is wrong."""

    records: int
    keys: int
    approvals: int
    leases: int
    uses: int
    rows: int
    findings: tuple[GateFinding, ...]


def check_gate(path: Path, *, clock: Callable[[], float] = time.time) -> GateCheck:
    """The gate in the folder at `path`. `clock` in POSIX seconds: what ended long before has no rows any more. Raises
    `StoreError` where there is none, or its ledger cannot be read."""
    checking = _Checking(read_gate_folder(path, secrets=False))
    checking.ledger()
    rows = checking.rows(moment(clock()) - HELD)
    return GateCheck(
        records=checking.records,
        keys=len(checking.state.keys),
        approvals=checking.approvals,
        leases=checking.leases,
        uses=checking.uses,
        rows=rows,
        findings=tuple(checking.findings),
    )


class _Checking:
    def __init__(self, folder: GateFolder) -> None:
        self._folder = folder
        self.state = State()
        self.findings: list[GateFinding] = []
        self.records = self.approvals = self.leases = self.uses = 0
        settings = folder.settings
        self._party = Party(rp_id=settings.domain, origins=(settings.url,))
        self._adopted = 0
        self._growth: dict[tuple[str, str, dt.date], frozenset[str]] = {}
        self._vouched: Counter[LeaseId] = Counter()
        """How many passkeys were vouched for by each lease."""
        self._deciders: dict[tuple[str, dt.date, dt.date], Decider] = {}

    # The ledger

    def ledger(self) -> None:
        ledger = read_ledger_folder(self._folder.ledger, signing=False)
        try:
            for happened in events_in(records_of(ledger, 0)):
                self.records += 1
                self._happened(happened, ledger.settings.origin)
        except Tampered as error:
            self._found("ledger", f"it cannot be read on from here: {error}")
        self._holds()

    def _holds(self) -> None:
        """What the settings say of the estate that holds."""
        if self.state.estate is None:
            return
        try:
            estate = self._folder.estates.read(self.state.estate)
        except StoreError:
            return  # its adoption was found wanting already
        for says in glass_problems(self._folder.settings.break_glass, estate):
            self._found("gate.toml", says)

    def _happened(self, happened: Happened, origin: str) -> None:
        where, event = f"ledger:{happened.index}", happened.event
        # What an event rests on is what was there before it.
        problems = [] if isinstance(event, Erased) else list(self._problems(event))
        outcome = self.state.apply(event, act=happened.act, index=happened.index, origin=origin)
        if isinstance(outcome, Changed) and isinstance(event, Adopted):
            self._adopted = event.at
        # An event that has no effect opens nothing; but a use happened, whether it fits or not.
        if isinstance(outcome, Changed):
            for says in problems:
                self._found(where, says)
        elif isinstance(event, Used):
            self._found(where, f"a use that its lease did not allow: {outcome.reason}")
        assert isinstance(outcome, Changed | Ignored)

    def _problems(self, event: Event) -> Iterator[str]:
        try:
            match event:
                case Adopted():
                    yield from self._adopts(event)
                case Enrolled():
                    yield from self._enrols(event)
                case Approved():
                    self.approvals += 1
                    yield from self._approves(event)
                case Leased():
                    self.leases += 1
                    yield from self._leases(event)
                case Used():
                    self.uses += 1
                case _:
                    pass
        except Rejected as error:
            yield str(error)
        except StoreError as error:
            yield f"the estate of that time cannot be read: {error}"

    def _adopts(self, event: Adopted) -> Iterator[str]:
        _, files = self._folder.estates.kept(event.after)
        if event.files != files:
            yield "an estate was adopted whose files are not those that the adoption names"
        if event.request is None or event.before is None:
            return
        state = self.state.requests.get(RequestId(event.request))
        change = None if state is None else change_of(state.request)
        if state is None or change is None:
            yield "an estate was adopted whose request is for none"
            return
        if change.files != files:
            yield "an estate was adopted whose files are not those that were signed for"
        told = self._widened(change, state.request.made.date())
        told |= self._widened_by_return(change, state.request.made.date())
        if untold := sorted(told - change.widened):
            yield f"an estate was adopted that widens the reach of {', '.join(untold)}, and its quorum was not told"
        yield from self._carries(event, state)

    def _carries(self, event: Adopted, state: RequestState) -> Iterator[str]:
        """Whether the lease by which an estate was adopted is one on the gate, and held still."""
        decider = self._decider(event.at)
        gate = decider.estate.settings.gate
        if gate is None or state.request.resource != Target(type="asset", id=decider.estate.assets.ids[gate]):
            yield "an estate was adopted by a request for something else than the gate"
        lease = self.state.leases.get(state.status.lease) if isinstance(state.status, Granted) else None
        if lease is None:
            return  # has no effect
        if not lease.terms.start <= moment(event.at) < lease.terms.end:
            yield "an estate was adopted when its lease did not run"
        approvers = lease.terms.approvers
        barred = self._barred(state.request, event.at)
        if not isinstance(judge(decider, state.request, approvers, state.agreed, barred=barred), Quorum):
            yield "an estate was adopted without a quorum"
        for approval in state.approvals:
            key = self.state.key(approval.assertion.credential)
            if approval.approver in approvers and (key is None or key.revoked is not None):
                yield f"an estate was adopted after the passkey was revoked by which {approval.approver} approved it"

    def _barred(self, request: Request, at: int) -> frozenset[str]:
        """Whom nobody of its quorum may be exposed to: as the request says, and as it was on the day."""
        change = change_of(request)
        if change is None or change.before != self.state.estate:
            return barred(request)
        day = moment(at).date()
        return change.widened | self._widened(change, day) | self._widened_by_return(change, day)

    def _widened(self, change: Change, day: dt.date) -> frozenset[str]:
        key = (change.before, change.after, day)
        if (found := self._growth.get(key)) is None:
            estates = self._folder.estates
            asked = Compared(at=day, everything=True)
            found, _ = widened(estates.read(change.before), estates.read(change.after), asked)
            self._growth[key] = found
        return found

    def _widened_by_return(self, change: Change, day: dt.date) -> frozenset[str]:
        if not change.returning:
            return frozenset()
        asked = Compared(at=day, everything=True)
        try:
            return widened_by_return(self._folder.estates.read(change.after), change.returning, asked)
        except EstateError as error:
            raise Rejected([f"who left and comes back is named there: {each}" for each in error.problems]) from None

    def _enrols(self, event: Enrolled) -> Iterator[str]:
        if event.voucher is None or event.assertion is None:
            return  # the fold lets them count before the first request only
        assertion = parse_assertion(event.assertion)
        key = self.state.key(assertion.credential)
        if key is None or key.revoked is not None:
            yield "a passkey was vouched for with one that did not count"
            return
        check_voucher(enrolment_of(event, gate=self._folder.settings.origin), assertion, key.key, self._party)
        voucher, person = PersonId(event.voucher), PersonId(event.person)
        if not self._may_vouch(voucher, person, event.at):
            yield f"{voucher} vouched for {person} without the power to"

    def _may_vouch(self, voucher: PersonId, person: PersonId, at: int) -> bool:
        decider = self._decider(at)
        places = decider.roster.places
        if not decider.roster.knows(voucher) or not decider.roster.knows(person):
            return False
        target, when = Target(type="person", id=person), moment(at)
        if decider.grants.standing(places[voucher], ASSUME, Kind.PERSON, places[person]):
            return True
        question = Question(executor=voucher, asker=voucher, author=None, action=ASSUME, resource=target, context={})
        if isinstance(decider.look(question), Standing):
            return True
        for lease in self.state.leases.values():
            terms = lease.terms
            if (terms.executor, terms.action, terms.resource) != (voucher, ASSUME, target):
                continue
            runs = terms.start <= when < terms.end and (lease.ended is None or when <= lease.ended)
            # To vouch is a use of the lease, which was recorded before: maybe its last one.
            if runs and lease.uses > self._vouched[terms.id]:
                self._vouched[terms.id] += 1
                return True
        return False

    def _approves(self, event: Approved) -> Iterator[str]:
        approval = parse_approval(event)
        request = self.state.requests.get(approval.request)
        key = self.state.key(approval.assertion.credential)
        if request is None or key is None:
            return  # has no effect
        if key.revoked is not None:
            yield "an approval with a passkey that was revoked"
        check_approval(approval, request.request, key.key, self._party)

    def _leases(self, event: Leased) -> Iterator[str]:
        form: Json = dict(event.lease)  # type: ignore[arg-type]
        terms = parse_lease_terms(form)
        request = self.state.requests.get(terms.request)
        if request is None:
            return
        decider = self._decider(event.at)
        states = self._barred(request.request, event.at)
        judgement = judge(decider, request.request, terms.approvers, request.agreed, barred=states)
        if not isinstance(judgement, Quorum):
            yield f"the lease {terms.id} was given without a quorum"
            return
        yield from self._as_terms_say(terms, decider)
        rule = decider.roster.terms(terms.terms)
        if rule.customer == "veto" and not set(request.request.customers) <= request.agreed:
            if event.at < int(self._vetoed(request).timestamp()):
                yield f"the lease {terms.id} was given before its customers had their time to say no"

    def _vetoed(self, request: RequestState) -> dt.datetime:
        return request.request.made + dt.timedelta(minutes=self._folder.settings.veto_minutes)

    @staticmethod
    def _as_terms_say(terms: LeaseTerms, decider: Decider) -> Iterator[str]:
        said = decider.roster.terms(terms.terms)
        if terms.end - terms.start > dt.timedelta(minutes=said.minutes):
            yield f"the lease {terms.id} runs longer than the {said.minutes} minutes of {said.id}"
        if (terms.uses, terms.most_customers) != (said.uses, said.customers):
            yield f"the lease {terms.id} has other limits than {said.id}"

    def _decider(self, at: int) -> Decider:
        """By the estate that held, on the day. Raises `StoreError`."""
        name, day, adopted = self.state.estate, moment(at).date(), moment(self._adopted).date()
        if name is None:
            raise Damaged("no estate was adopted")
        found = self._deciders.get((name, day, adopted))
        if found is None:
            days = self._folder.settings.freshness_days
            limit = None if days is None else dt.timedelta(days=days)
            estate = self._folder.estates.read(name)
            fresh, there = Freshness(limit=limit, adopted=adopted), Presence(gone=self.state.gone)
            found = Decider(estate, name, day=day, freshness=fresh, presence=there)
            if len(self._deciders) >= 4:
                self._deciders.clear()
            self._deciders[name, day, adopted] = found
        return found

    # The rows

    def rows(self, before: Moment) -> int:
        """Compare them; gives how many there are. What ended before then may have none."""
        count = 0
        old = self.state.forgettable(before)
        gone = {*map(of_request, old.requests), *map(of_lease, old.leases)}
        with closing(open_gate_database(self._folder)) as database:
            with database.reading() as tables:
                for kind in KINDS:
                    seen: set[str] = set()
                    for row in list(tables.rows.all(kind)):
                        count += 1
                        seen.add(row.id)
                        which: Object = (kind, row.id)
                        should = row_of(self.state, which)
                        if should is None:
                            self._found(f"{kind} {row.id}", "a row of which the ledger knows nothing")
                        elif (row.version, row.doc, row.columns) != (should.version, should.doc, should.columns):
                            self._found(f"{kind} {row.id}", "the row is not what the ledger says")
                    for each, id in self.state.objects():
                        if each == kind and id not in seen and (each, id) not in gone:
                            self._found(f"{kind} {id}", "there is no row of what the ledger says")
                for digest in sorted(
                    {each.digest for state in self.state.waiting() for each in state.request.evidence}
                ):
                    try:
                        if tables.evidence.get(digest) is None:
                            self._found(f"evidence {digest.hex()}", "a request that waits names it, and it is gone")
                    except Damaged as error:
                        self._found(f"evidence {digest.hex()}", str(error))
        return count

    def _found(self, where: str, says: str) -> None:
        self.findings.append(GateFinding(where=where, says=says))
