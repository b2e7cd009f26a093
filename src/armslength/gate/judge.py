"""Judging: what becomes of a request with the approvals that it has. A verifier can run it again years later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from armslength.gate.decision import Decider
from armslength.gate.outcome import Judgement, Look, Open, Passage, Pending, Quorum, Refused, Standing, Why
from armslength.gate.question import Question
from armslength.gate.quorum import Lack, Member, Rule, Shortfall, agree, find_quorum, shortfalls, unfit
from armslength.gate.request import PersonId, Request

_UNNAMED = Shortfall(lack=Lack.CUSTOMERS, says="the customers must be named, for each has a word in it")

_CROWDED = Shortfall(
    lack=Lack.APART, says="an approval does not count beside the others: one state would reach too many"
)


def judge(
    decider: Decider,
    request: Request,
    approvers: Sequence[PersonId],
    agreed: frozenset[str],
    *,
    barred: frozenset[str] = frozenset(),
    only: frozenset[str] | None = None,
) -> Judgement:
    """`approvers` are those whose signed approval stands, in the order in which they gave it; `agreed` the customers
    who said yes; `barred` the states that nobody of the quorum may be exposed to; `only` the terms that it may pass
    through, None for any.

    A veto takes time, and is the caller's to wait for. Whatever goes wrong is a refusal.
    """
    try:
        return _judged(decider, request, decider.look(Question.of(request)), approvers, agreed, barred, only)
    except Exception as error:
        return Refused(why=Why.ERROR, says=f"judging failed with {type(error).__name__}")


def rule_for(decider: Decider, passage: Passage, barred: frozenset[str]) -> Rule:
    """What a quorum must be to pass there. Raises `KeyError` where the passage is standing access."""
    if passage.terms is None:
        raise KeyError(passage.rule)
    return replace(decider.roster.rule(passage.terms), barred=barred)


def asking(decider: Decider, request: Request, terms: str) -> tuple[Member, ...]:
    """Who asks, as one seat of the quorum: the executor, then asker and author where they are others."""
    people = dict.fromkeys((request.executor, request.asker, request.author or request.executor))
    return tuple(decider.roster.member(person, terms) for person in people)


def counted(decider: Decider, approvers: Iterable[PersonId]) -> tuple[PersonId, ...]:
    """Those whose rows are there and not too old, each once."""
    roster = decider.roster
    return tuple(
        person
        for person in dict.fromkeys(approvers)
        if roster.knows(person) and not decider.ages.person(roster.places[person])
    )


def named_in_full(decider: Decider, request: Request, terms: str) -> bool:
    """Whether each customer that the lease could be used for is named, where the terms give them a word: else it could
    be used for some who were never asked."""
    asked = decider.roster.terms(terms)
    return asked.customer is None or asked.customers is None or bool(request.customers)


def _judged(
    decider: Decider,
    request: Request,
    look: Look,
    approvers: Sequence[PersonId],
    agreed: frozenset[str],
    barred: frozenset[str],
    only: frozenset[str] | None,
) -> Judgement:
    match look:
        case Refused():
            return look
        case Standing():
            return Refused(
                why=Why.NO_RULE, says="this is standing access: it needs no lease", rules=(look.passage.rule,)
            )
        case Open():
            pass
    people = counted(decider, approvers)
    lost = len(dict.fromkeys(approvers)) - len(people)
    lacks: list[tuple[int, Passage, tuple[Shortfall, ...]]] = []
    awaited: set[str] = set()
    for passage in look.passages:
        if only is not None and passage.terms not in only:
            continue
        rule = rule_for(decider, passage, barred)
        seat = asking(decider, request, rule.terms)
        members = [decider.roster.member(person, rule.terms) for person in people]
        waiting = _unheard(decider, request, rule.terms, agreed)
        quorum = find_quorum(rule, seat, members)
        named = named_in_full(decider, request, rule.terms)
        if quorum is not None and not waiting and named:
            return Quorum(passage=passage, rule=rule, asking=seat, approvers=quorum)
        awaited |= waiting
        missing, found = (0, ()) if quorum is not None else _missing(rule, seat, members, lost)
        lacks.append((missing, passage, found if named else (*found, _UNNAMED)))
    lacks.sort(key=lambda each: (each[0], len(each[2])))
    return Pending(lacks=tuple((passage, found) for _, passage, found in lacks), customers=tuple(sorted(awaited)))


def _unheard(decider: Decider, request: Request, terms: str, agreed: frozenset[str]) -> frozenset[str]:
    """The customers whose yes is needed and not there."""
    approve = decider.roster.terms(terms).customer == "approve"
    return frozenset(request.customers) - agreed if approve else frozenset()


def _missing(
    rule: Rule, seat: Sequence[Member], members: Sequence[Member], lost: int
) -> tuple[int, tuple[Shortfall, ...]]:
    """How many approvals are missing at least, and all that is; `lost` approvals are of people who count no more."""
    together: list[Member] = []
    found: set[Shortfall] = set()
    for one in members:
        alone = unfit(rule, seat, one)
        if not alone and len(together) < rule.approvals and agree(rule, seat, [*together, one]):
            together.append(one)
        else:
            beside = _beside(shortfalls(rule, seat, [one] if alone else [*together, one]))
            found.update(beside or ([_CROWDED] if len(together) < rule.approvals else []))
    found.update(shortfalls(rule, seat, together))
    if lost:
        says = f"{lost} of the approvals are by people who are not known well enough any more"
        found.add(Shortfall(lack=Lack.APPROVERS, says=says))
    return max(0, rule.approvals - len(together)), tuple(sorted(found))


def _beside(found: Iterable[Shortfall]) -> list[Shortfall]:
    """What is wrong with an approval that does not fit, not what is missing besides it."""
    return [each for each in found if each.lack not in (Lack.APPROVALS, Lack.PLACES, Lack.APART)]
