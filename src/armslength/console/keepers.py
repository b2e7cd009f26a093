"""Who looks after the gate: those who may ask for its estate to be changed, and those who may approve that.

They alone are shown what states could have and whose absence would stop what: to anybody else that is a list of whom to
deceive.
"""

from __future__ import annotations

from armslength.estate import OPERATE
from armslength.gate import Decider, Look, Open, PersonId, Question, Refused, Target, Why


def gate_asset(decider: Decider) -> Target | None:
    """The asset that is the gate, if the estate names one."""
    place = decider.estate.settings.gate
    return None if place is None else Target(type="asset", id=decider.estate.assets.ids[place])


def may_change(decider: Decider, person: PersonId) -> bool:
    """Whether they may ask for another estate."""
    return not isinstance(_look(decider, person), Refused)


class Keepers:
    """Those of one estate on one day. The terms are looked for once: a decision for each person."""

    def __init__(self, decider: Decider) -> None:
        self.decider = decider
        self._terms: frozenset[str] | None = None

    def holds(self, person: PersonId) -> bool:
        if may_change(self.decider, person):
            return True
        roster = self.decider.roster
        return roster.knows(person) and any(roster.member(person, terms).may_approve for terms in self._guarding())

    def _guarding(self) -> frozenset[str]:
        if self._terms is None:
            looks = [_look(self.decider, PersonId(each)) for each in self.decider.estate.people.ids]
            self._terms = frozenset(
                passage.terms
                for look in looks
                if isinstance(look, Open)
                for passage in look.passages
                if passage.terms is not None
            )
        return self._terms


def _look(decider: Decider, person: PersonId) -> Look:
    target = gate_asset(decider)
    if target is None:
        return Refused(why=Why.UNKNOWN_RESOURCE, says="the estate names no asset that is its gate")
    return decider.look(
        Question(executor=person, asker=person, author=None, action=OPERATE, resource=target, context={})
    )
