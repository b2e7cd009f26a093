"""A decision: what policy says of a question on one day, with the reason, before anybody approved anything.

Two things lead through the gate: permits of policy.cedar, and grants that carry terms (semantics, "Cedar policies").
Whatever goes wrong while deciding is a refusal: an entity that nobody knows, a row that is too old, a context that
policies cannot read, a forbid that fails (Cedar would skip it), an error of any kind.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import cedarpy

from armslength.estate import Estate, Kind
from armslength.gate.entities import KINDS, Entities
from armslength.gate.freshness import Ages, Freshness
from armslength.gate.grants import GrantIndex
from armslength.gate.outcome import Look, Open, Passage, Refused, Standing, Why
from armslength.gate.presence import EVERYBODY, Presence
from armslength.gate.question import UNREADABLE, Illegible, Question, context_text
from armslength.gate.request import PersonId, Target
from armslength.gate.roster import Roster
from armslength.gate.search import Search
from armslength.gate.slices import Answer, Scopes, Slice, Slices
from armslength.reach import TARGETS as AIMS
from armslength.reach import Permit, permits
from armslength.tlog import Json

_KEPT = 1024
"""Entities of single questions that are kept: to make them again costs some 100 µs."""

_LONGEST = 200
"""Characters of what was named, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A question with everything in it found, as places in the tables. `others` are asker and author where they are
    not the executor; `context` is JSON, empty for none."""

    executor: int
    others: tuple[int, ...]
    action: str
    kind: Kind
    target: int
    resource: Target
    context: str


class Decider:
    """Decides by one estate on one day. `digest` is the estate's, in hex. Threads may share it: what it keeps, it only
    ever finds again."""

    def __init__(
        self, estate: Estate, digest: str, *, day: dt.date, freshness: Freshness, presence: Presence = EVERYBODY
    ) -> None:
        self.estate, self.digest, self.day = estate, digest, day
        self._presence = presence
        self.roster = Roster(estate, day, presence)
        self.slices = Slices(estate)
        self.entities = Entities(estate, self.roster, self.slices.every_named)
        self.ages = Ages(estate, self.roster, day, freshness, presence)
        self.grants = GrantIndex(estate, self.roster)
        self._search = Search(self.look, estate, self.roster, self.entities, self.ages, self.grants, self.slices)
        self._actions = frozenset(estate.actions)
        self._scopes: dict[tuple[Kind, int], Scopes] = {}
        self._near: dict[tuple[Slice, int, frozenset[str], Kind, int], cedarpy.Entities] = {}

    def look(self, question: Question) -> Look:
        """What policy says. Whatever is in the question, it never raises: that is a refusal too."""
        try:
            seen = self._seen(question)
            return seen if isinstance(seen, Refused) else self._decide(seen)
        except Illegible:
            return Refused(why=Why.ERROR, says=UNREADABLE)
        except Exception as error:
            return _failure(error)
        except BaseException as error:
            # A panic inside Cedar is no Exception; whoever ends the program is none either.
            if type(error).__name__ != "PanicException":
                raise
            return _failure(error)

    @staticmethod
    def reasons(look: Look) -> tuple[str, ...]:
        """The ids of the policies, and the lines of grants, that a look rests on."""
        match look:
            case Standing():
                return (look.passage.rule,)
            case Open():
                return tuple(passage.rule for passage in look.passages)
            case Refused():
                return look.rules

    def subjects(
        self, action: str, resource: Target, context: Mapping[str, Json], *, opened: bool = False
    ) -> tuple[PersonId, ...]:
        """For whom a look is `Standing`; with `opened`, for whom it is `Open`. So for the next two."""
        return self._search.subjects(action, resource, context, opened)

    def resources(
        self, executor: PersonId, action: str, context: Mapping[str, Json], type: str, *, opened: bool = False
    ) -> tuple[Target, ...]:
        """On which targets of a type of `TARGETS`."""
        return self._search.resources(executor, action, context, type, opened)

    def actions(
        self, executor: PersonId, resource: Target, context: Mapping[str, Json], *, opened: bool = False
    ) -> tuple[str, ...]:
        """For which actions."""
        return self._search.actions(executor, resource, context, opened)

    @cached_property
    def permits(self) -> tuple[Permit, ...]:
        """To whom each permit is open on what, whatever the context: what reach takes them to give with nobody
        enrolled."""
        return permits(self.estate, frozenset(), self.roster.exposure, self.roster.membership.is_member)

    def _seen(self, question: Question) -> _Seen | Refused:
        places = self.roster.places
        executor = places.get(question.executor)
        if executor is None:
            return Refused(why=Why.UNKNOWN_SUBJECT, says=f"{_short(question.executor)} is not in the people table")
        others: list[int] = []
        for name in (question.asker, question.author):
            if name is None or name == question.executor:
                continue
            place = places.get(name)
            if place is None:
                return Refused(why=Why.UNKNOWN_SUBJECT, says=f"{_short(name)} is not in the people table")
            others.append(place)
        aimed = question.resource.id if question.resource.type == "person" else None
        for who in (question.executor, question.asker, question.author, aimed):
            if who is not None and self._presence.gone(PersonId(who)):
                return Refused(why=Why.LEFT, says=f"{_short(who)} left")
        resource = question.resource
        kind = KINDS.get(resource.type)
        target = None if kind is None else self.entities.find(kind, resource.id)
        if kind is None or target is None:
            return Refused(why=Why.UNKNOWN_RESOURCE, says=f"{_short(str(resource))} is not in the estate")
        if question.action not in self._actions:
            return Refused(why=Why.UNKNOWN_ACTION, says=f"no rule knows the action {_short(question.action)}")
        if kind not in AIMS.get(question.action, (Kind.ASSET,)):
            says = f"{_short(question.action)} is nothing to do on {resource.type}s"
            return Refused(why=Why.UNKNOWN_ACTION, says=says)
        if (stale := self._stale(executor, others, kind, target)) is not None:
            return stale
        return _Seen(
            executor=executor,
            others=tuple(others),
            action=question.action,
            kind=kind,
            target=target,
            resource=resource,
            context=context_text(question.context),
        )

    def _stale(self, executor: int, others: list[int], kind: Kind, target: int) -> Refused | None:
        ages, people = self.ages, [executor, *others]
        if kind is Kind.PERSON:
            people.append(target)
        for person in people:
            if ages.person(person):
                name = self.estate.people.ids[person]
                if self._presence.unheard(PersonId(name)):
                    says = f"the directory has said nothing of {_short(name)} for too long"
                    return Refused(why=Why.STALE, says=says)
                return Refused(why=Why.STALE, says=f"what is known of {_short(name)} is too old, or of a day to come")
        if kind is Kind.ASSET and ages.asset(target):
            name = self.estate.assets.ids[target]
            return Refused(why=Why.STALE, says=f"what is known of {_short(name)} is too old, or of a day to come")
        return None

    def _decide(self, seen: _Seen) -> Look:
        answers = [self._ask(seen, None)]
        if seen.others:
            own = self.roster.states(seen.executor)
            states = own.union(*(self.roster.states(other) for other in seen.others))
            if states != own:
                answers.append(self._ask(seen, states))
        for answer in answers:
            if answer.blind:
                rules = self._named(answer.blind)
                return Refused(why=Why.ERROR, says=_broken("forbid", rules, answer.said), rules=rules)
        # Borrowed hands inherit the limits of whoever asks: what passes must pass each time.
        permits = [n for n in answers[0].permits if all(n in answer.permits for answer in answers)]
        passages = []
        for number in permits:
            passage = Passage(rule=self.slices.ids[number], terms=self.slices.terms[number])
            if passage.terms is None:
                return Standing(passage=passage)
            passages.append(passage)
        passages += self.grants.gated(seen.executor, seen.action, seen.kind, seen.target)
        return Open(passages=tuple(passages)) if passages else self._refused(seen, answers)

    def _refused(self, seen: _Seen, answers: list[Answer]) -> Refused:
        # A forbid is told of only where it stands in somebody's way. It may look at a tie that they declared, and of
        # all whom no rule gives anything, those whom it fits would be told apart.
        for answer in answers:
            if answer.forbids and self._ask(seen, None, alone=True).permits:
                rules = self._named(answer.forbids)
                return Refused(why=Why.FORBIDDEN, says=f"policy forbids it: {', '.join(rules)}", rules=rules)
        for answer in answers:
            if answer.broken:
                rules = self._named(answer.broken)
                return Refused(why=Why.ERROR, says=_broken("permit", rules, answer.said), rules=rules)
        if self.grants.standing(seen.executor, seen.action, seen.kind, seen.target):
            says = "no rule of the gate gives this; a standing grant does, which is access outside the gate"
            return Refused(why=Why.NO_RULE, says=says)
        return Refused(
            why=Why.NO_RULE, says=f"no rule gives anybody like this {_short(seen.action)} on {seen.resource}"
        )

    def _ask(self, seen: _Seen, states: frozenset[str] | None, *, alone: bool = False) -> Answer:
        """Cedar's answer; `states` are those that the executor counts as exposed to, if not their own. `alone`: what
        the permits would say if nothing were forbidden."""
        target = self._scope(seen.kind, seen.target)
        some = self.slices.of(seen.action, seen.kind, self._scope(Kind.PERSON, seen.executor), target)
        if alone:
            some = self.slices.permits_of(some)
        if not some.members and not seen.context:
            return Answer(permits=(), forbids=())
        principal, resource = self.entities.uid(Kind.PERSON, seen.executor), self.entities.uid(seen.kind, seen.target)
        question: dict[str, object] = {
            "principal": {"type": principal[0], "id": principal[1]},
            "action": {"type": "Action", "id": seen.action},
            "resource": {"type": resource[0], "id": resource[1]},
        }
        if seen.context:
            question["context"] = seen.context
        # Who is in the very group that is aimed at is told only where one is: all memberships of all people are many.
        if states is None and seen.kind is not Kind.GROUP:
            return some.ask(question, self.entities.whole)
        states = self.roster.states(seen.executor) if states is None else states
        key = (some, seen.executor, states, seen.kind, seen.target)
        entities = self._near.get(key)
        if entities is None:
            if len(self._near) >= _KEPT:
                self._near.clear()
            entities = self.entities.near(seen.executor, states, (seen.kind, seen.target), some.named)
            self._near[key] = entities
        return some.ask(question, entities)

    def _scope(self, kind: Kind, place: int) -> Scopes:
        found = self._scopes.get((kind, place))
        if found is None:
            found = self.slices.scopes(self.entities.uid(kind, place), self.entities.above(kind, place))
            self._scopes[kind, place] = found
        return found

    def _named(self, numbers: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(self.slices.ids[number] for number in numbers)


def _broken(effect: str, rules: tuple[str, ...], said: tuple[str, ...]) -> str:
    return f"the {effect} {', '.join(rules)} could not be evaluated: {_short('; '.join(said))}"


def _failure(error: BaseException) -> Refused:
    return Refused(why=Why.ERROR, says=f"deciding failed with {type(error).__name__}")


def _short(text: str) -> str:
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
