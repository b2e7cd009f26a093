"""Checking a gate from its ledger alone: that no lease was given without its quorum, whoever ran the gate.

Every signature is verified again, every key traced to a voucher who might vouch for it, every quorum judged again under
the estate and on the day of its lease; then the rows are compared with what the ledger says. Nothing is changed. Beside
a gate that runs, a row may be ahead of what was read; look again before believing such a finding.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from armslength.estate import ASSUME, Kind
from armslength.gate import (
    Adopted,
    Approved,
    Changed,
    Decider,
    Enrolled,
    Erased,
    Event,
    Freshness,
    Happened,
    Ignored,
    Leased,
    LeaseTerms,
    Party,
    PersonId,
    Quorum,
    Rejected,
    RequestId,
    RequestState,
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
from armslength.service.gate_change import widened
from armslength.service.gate_office import CHANGE, barred
from armslength.service.gate_replay import records_of
from armslength.service.gate_row import KINDS, Object, row_of
from armslength.store import Damaged, GateDatabase, GateFolder, StoreError, read_gate_folder, read_ledger_folder
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


def check_gate(path: Path) -> GateCheck:
    """The gate in the folder at `path`. Raises `StoreError` where there is none, or its ledger cannot be read."""
    checking = _Checking(read_gate_folder(path, secrets=False))
    checking.ledger()
    rows = checking.rows()
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
        new = self._folder.estates.read(event.after)
        if event.request is None or event.before is None:
            return
        request = self.state.requests.get(RequestId(event.request))
        change = None if request is None else request.request.context.get(CHANGE)
        said = change.get("widened") if isinstance(change, dict) else None
        if request is None or not isinstance(said, list):
            yield "an estate was adopted whose request does not say whose reach it widens"
            return
        old = self._folder.estates.read(event.before)
        grows, _ = widened(old, new, Compared(at=request.request.made.date(), everything=True))
        if untold := sorted(grows - set(map(str, said))):
            yield f"an estate was adopted that widens the reach of {', '.join(untold)}, and its quorum was not told"

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
        if voucher not in places or person not in places:
            return False
        leases = self.state.leases_for(voucher, ASSUME, Target(type="person", id=person))
        if any(each.terms.start <= moment(at) < each.terms.end for each in leases):
            return True
        if any(
            lease.terms.executor == voucher
            and (lease.terms.action, lease.terms.resource) == (ASSUME, Target(type="person", id=person))
            and lease.terms.start <= moment(at) < lease.terms.end
            for lease in self.state.leases.values()
        ):
            return True  # its last use was this one
        return decider.grants.standing(places[voucher], ASSUME, Kind.PERSON, places[person])

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
        judgement = judge(decider, request.request, terms.approvers, request.agreed, barred=barred(request.request))
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
            found = Decider(estate, name, day=day, freshness=Freshness(limit=limit, adopted=adopted))
            if len(self._deciders) >= 4:
                self._deciders.clear()
            self._deciders[name, day, adopted] = found
        return found

    # The rows

    def rows(self) -> int:
        """Compare them; gives how many there are."""
        count = 0
        with closing(GateDatabase(self._folder.database, origin=self._folder.settings.origin)) as database:
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
                        if each == kind and id not in seen:
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
