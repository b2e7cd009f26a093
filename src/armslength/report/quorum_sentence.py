"""A satisfied quorum in words: who requests, who approves, and why that is enough."""

from __future__ import annotations

from collections.abc import Mapping

from armslength.estate import Place, Terms
from armslength.reach import Fact, Row, Step
from armslength.report.citation import Citation
from armslength.report.plain import listed, short, spelled
from armslength.report.roster import Roster, capital


class QuorumSentence:
    """Tells the quorums of one derivation; `made` is the step that makes each fact."""

    def __init__(self, cite: Citation, people: Roster, made: Mapping[Fact, Step]) -> None:
        self.cite, self.people, self.made = cite, people, made

    def of(self, step: Step, terms: Terms) -> str:
        """For a step that a quorum makes usable; the states in brackets are those that a member is exposed to."""
        asks = f"{capital(self._member(step.requester or ''))} requests"
        return f"{asks}; {self._approvals(step, terms)}. {self._enough(terms)}"

    def _member(self, ref: str) -> str:
        return self.people.mention(ref, ", ".join(self.people.exposed(ref)) or "no state")

    def _approvals(self, step: Step, terms: Terms) -> str:
        pool = self.cite.written(terms.approvers)
        members: list[str] = []
        entered: list[str] = []
        rows: list[Row] = []
        for approver in step.approvers:
            made = self.made.get(("in", approver, pool))
            if made is not None and made.rule == "enrolled":
                entered.append(self._member(approver))
            else:
                members.append(self._member(approver))
                rows += made.rows if made is not None else ()
        parts = []
        if members:
            one = "a member" if len(members) == 1 else "members"
            of = f" as {one} of {self.cite.ref(pool)}{self.cite.places(rows)}" if pool.startswith("group:") else ""
            parts.append(f"{listed(members)} {_approve(members)}{of}")
        if entered:
            parts.append(f"{listed(entered)} {_approve(entered)}, having entered {self.cite.ref(pool)} by enrolment")
        return "; ".join(parts)

    def _enough(self, terms: Terms) -> str:
        estate = self.cite.estate
        why = []
        if terms.apart:
            home = sorted(str(estate.states[s]) for s in estate.settings.home)
            aside = f" (but {listed(home)}, the home state{'' if len(home) == 1 else 's'})" if home else ""
            size = spelled(terms.approvals + 1)
            apart = f"{spelled(terms.apart)} of the {size} {'is' if terms.apart == 1 else 'are'}"
            why.append(f"for every state{aside} at least {apart} not exposed to it")
        if terms.distinct:
            why.append(f"no two have the same {listed([f'`{short(column)}`' for column in terms.distinct])}")
        if terms.places:
            seats = [self._seat(seat) for seat in terms.places]
            why.append(
                f"{listed(seats)} {'is' if terms.places[0].count == len(seats) == 1 else 'are'} among the approvers"
            )
        return f"That is enough: {listed(why) or 'the terms ask for no more than that number'}."

    def _seat(self, seat: Place) -> str:
        ref = self.cite.written(seat.of)
        return self.people.known(ref) if ref.startswith("person:") else f"{spelled(seat.count)} of {self.cite.ref(ref)}"


def _approve(people: list[str]) -> str:
    return "approves" if len(people) == 1 else "approve"
