"""Verifying what a start reads: whoever could write to the ledger could write down approvals that nobody signed.

The fold looks at no signature, since a running gate looked before it recorded. So whatever is read back and gives
something is verified before it is taken in: an approval, a voucher's word, the quorum by which an estate was adopted.
What does not hold has no effect, and is told. A lease that is live after all is read is judged by what it was given
for; one that does not hold is ended, and opens nothing until then. What a snapshot holds was verified before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from armslength.gate import (
    Adopted,
    Approved,
    Decider,
    Enrolled,
    Erased,
    Event,
    Freshness,
    Granted,
    LeaseId,
    LeaseState,
    LeaseTerms,
    Open,
    Party,
    Passage,
    Presence,
    Question,
    Rejected,
    Request,
    RequestId,
    RequestState,
    State,
    Target,
    asking,
    check_approval,
    check_event,
    check_voucher,
    enrolment_of,
    find_quorum,
    moment,
    parse_approval,
    parse_assertion,
    rule_for,
)
from armslength.service.gate_change import barred, change_of
from armslength.service.gate_office import Office
from armslength.store import GateFolder


class Verification:
    def __init__(self, folder: GateFolder) -> None:
        self._folder = folder
        settings = folder.settings
        self._party = Party(rp_id=settings.domain, origins=(settings.url,))

    def problem(self, event: Event | Erased, state: State) -> str | None:
        """Why an event that was read is not to be taken in by this state; None: it holds, or the fold itself says what
        becomes of it. Raises `StoreError` where the estate that it was judged by is gone."""
        try:
            match event:
                case Approved():
                    self._approved(event, state)
                case Enrolled():
                    self._enrolled(event, state)
                case Adopted():
                    self._adopted(event, state)
                case _:
                    pass
        except Rejected as error:
            try:
                check_event(event)  # type: ignore[arg-type]
            except Rejected:
                return None  # no gate writes it, at which the fold stops
            return str(error)
        return None

    def _approved(self, event: Approved, state: State) -> None:
        approval = parse_approval(event)
        request, key = state.requests.get(approval.request), state.key(approval.assertion.credential)
        if request is not None and request.waiting and key is not None:
            check_approval(approval, request.request, key.key, self._party)

    def _enrolled(self, event: Enrolled, state: State) -> None:
        if event.voucher is None or event.assertion is None:
            return
        assertion = parse_assertion(event.assertion)
        if (key := state.key(assertion.credential)) is not None:
            check_voucher(enrolment_of(event, gate=self._folder.settings.origin), assertion, key.key, self._party)

    def _adopted(self, event: Adopted, state: State) -> None:
        request = None if event.request is None else state.requests.get(RequestId(event.request))
        if request is None or not isinstance(request.status, Granted) or state.estate is None:
            return
        if (lease := state.leases.get(request.status.lease)) is None:
            return
        day = request.status.at.date()
        estate = self._folder.estates.read(state.estate)
        fresh, there = Freshness(limit=None, adopted=day), Presence(gone=state.gone)
        decider = Decider(estate, state.estate, day=day, freshness=fresh, presence=there)
        gate = estate.settings.gate
        if gate is None or request.request.resource != Target(type="asset", id=estate.assets.ids[gate]):
            raise Rejected(["an estate was adopted by a request for something else than the gate"])
        if not has_quorum(decider, request.request, lease.terms):
            raise Rejected(["an estate was adopted without a quorum"])
        change = change_of(request.request)
        if change is None or change.files is None or change.files != event.files:
            raise Rejected(["an estate was adopted of other files than were signed for"])

    # Leases that are live after it

    def unsound(self, office: Office, since: int) -> dict[LeaseId, str]:
        """The live leases, of those recorded at index `since` and after it, that no gate would have given, and why."""
        found = {}
        for lease in office.book.state.live():
            if lease.index >= since:
                try:
                    says = next(self._doubts(office, lease), None)
                except Exception as error:
                    says = f"the lease cannot be judged again: {error}"
                if says is not None:
                    found[lease.terms.id] = says
        return found

    def _doubts(self, office: Office, lease: LeaseState) -> Iterator[str]:
        terms = lease.terms
        request = office.request(terms.request)
        if any(office.book.state.gone(each) for each in (*terms.approvers, *request.request.parties())):
            return  # it ends because somebody left, and opens nothing until it has
        decider = office.decider
        if terms.estate != decider.digest:
            decider = office.decider_of(office.estate(terms.estate), terms.estate)
        if not has_quorum(decider, request.request, terms):
            yield "the lease was given without a quorum"
            return
        said = decider.roster.terms(terms.terms)
        if terms.end - terms.start > dt.timedelta(minutes=said.minutes):
            yield f"the lease runs longer than the {said.minutes} minutes of {said.id}"
        if (terms.uses, terms.most_customers) != (said.uses, said.customers):
            yield f"the lease has other limits than {said.id}"
        unheard = set(request.request.customers) - request.agreed
        if said.customer == "approve" and unheard:
            yield "the lease was given without its customers' word"
        if said.customer == "veto" and unheard and not self._could_veto(request):
            yield "the lease was given before its customers had their time to say no"

    def _could_veto(self, request: RequestState) -> bool:
        given = request.status.at if isinstance(request.status, Granted) else moment(0)
        return given >= request.request.made + dt.timedelta(minutes=self._folder.settings.veto_minutes)


def has_quorum(decider: Decider, request: Request, terms: LeaseTerms) -> bool:
    """Whether the approvers of a lease are a quorum for it, by the rule that it names."""
    look = decider.look(Question.of(request))
    passage = Passage(rule=terms.rule, terms=terms.terms)
    if not isinstance(look, Open) or passage not in look.passages:
        return False
    rule = rule_for(decider, passage, barred(request))
    if not all(decider.roster.knows(person) for person in terms.approvers):
        return False
    members = [decider.roster.member(person, terms.terms) for person in terms.approvers]
    return find_quorum(rule, asking(decider, request, terms.terms), members) is not None
