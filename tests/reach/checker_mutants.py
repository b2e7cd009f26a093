"""True derivations with one thing changed: in a step, in their order, in what they are said to prove, or in the estate
under them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from armslength.reach import Fact, Row, Step
from tests.oracle import Case

Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A derivation, what it is said to prove, and of which estate and day."""

    case: Case
    at: dt.date
    state: str
    action: str
    asset: str
    accomplices: tuple[str, ...]
    steps: Steps
    what: str = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What else could stand in a place; `facts` and `rows` are those of this derivation and of others."""

    people: tuple[str, ...]
    groups: tuple[str, ...]
    assets: tuple[str, ...]
    classes: tuple[str, ...]
    terms: tuple[str, ...]
    actions: tuple[str, ...]
    states: tuple[str, ...]
    policies: tuple[str, ...]
    facts: tuple[Fact, ...]
    steps: Steps

    def kind(self, text: str) -> tuple[str, ...]:
        """Other references of the same kind."""
        kind, colon, _ = text.partition(":")
        if not colon:
            return self.actions
        ids = {"person": self.people, "group": self.groups, "asset": self.assets, "class": self.classes}
        return tuple(f"{kind}:{name}" for name in ids.get(kind, self.terms))


def mutant(random: Random, claimed: Claimed, names: Names) -> Claimed | None:
    """One change; None where this derivation has nothing to be changed so."""
    change = random.choice(CHANGES)
    try:
        found = change(random, claimed, names)
    except IndexError:  # nothing to choose from
        return None
    return None if found == claimed else replace(found, what=change.__name__)


def _at(claimed: Claimed, number: int, *steps: Step) -> Claimed:
    return replace(claimed, steps=(*claimed.steps[:number], *steps, *claimed.steps[number + 1 :]))


def _any(random: Random, claimed: Claimed, *, where: Callable[[Step], Any] = bool) -> int:
    return random.choice([i for i, step in enumerate(claimed.steps) if where(step)])


def dropped(random: Random, claimed: Claimed, names: Names) -> Claimed:
    return _at(claimed, _any(random, claimed))


def told_twice(random: Random, claimed: Claimed, names: Names) -> Claimed:
    i = _any(random, claimed)
    return _at(claimed, i, claimed.steps[i], claimed.steps[i])


def moved(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """Something may be used before it is derived."""
    steps = list(claimed.steps)
    step = steps.pop(random.choice(range(len(steps))))
    steps.insert(random.randint(0, len(steps)), step)
    return replace(claimed, steps=tuple(steps))


def cut_short(random: Random, claimed: Claimed, names: Names) -> Claimed:
    return replace(claimed, steps=claimed.steps[: random.choice(range(len(claimed.steps)))])


def foreign_step(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """A step of another derivation, put in or in place of one."""
    i, other = _any(random, claimed), random.choice(names.steps)
    return _at(claimed, i, other, claimed.steps[i]) if random.random() < 0.5 else _at(claimed, i, other)


def everywhere(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """One name taken for another of its kind in all steps, so that they still fit together."""
    texts = [part for step in claimed.steps for part in step.fact[1:]]
    old = random.choice(texts)
    new = random.choice(names.kind(old))

    def put(fact: Fact) -> Fact:
        return (*fact[:1], *(new if part == old else part for part in fact[1:]))

    steps = tuple(
        replace(
            step,
            fact=put(step.fact),
            needs=tuple(map(put, step.needs)),
            requester=new if step.requester == old else step.requester,
            approvers=tuple(new if a == old else a for a in step.approvers),
        )
        for step in claimed.steps
    )
    named = tuple(new.partition(":")[2] if f"person:{p}" == old else p for p in claimed.accomplices)
    return replace(claimed, steps=steps, accomplices=named if random.random() < 0.7 else claimed.accomplices)


def other_fact(random: Random, claimed: Claimed, names: Names) -> Claimed:
    i = _any(random, claimed)
    step = claimed.steps[i]
    if random.random() < 0.3:
        return _at(claimed, i, replace(step, fact=random.choice(names.facts)))
    part = random.choice(range(1, len(step.fact)))
    fact = (*step.fact[:part], random.choice(names.kind(step.fact[part])), *step.fact[part + 1 :])
    return _at(claimed, i, replace(step, fact=fact))


def other_needs(random: Random, claimed: Claimed, names: Names) -> Claimed:
    i = _any(random, claimed, where=lambda step: step.needs)
    step = claimed.steps[i]
    needs = list(step.needs)
    way = random.randrange(3)
    if way < 2:
        gone = needs.pop(random.choice(range(len(needs))))
    if way == 1 and len(gone) > 1:
        part = random.choice(range(1, len(gone)))
        needs.append((*gone[:part], random.choice(names.kind(gone[part])), *gone[part + 1 :]))
    elif way:
        needs.append(random.choice(names.facts))
    return _at(claimed, i, replace(step, needs=tuple(needs)))


def other_row(random: Random, claimed: Claimed, names: Names) -> Claimed:
    i = _any(random, claimed, where=lambda step: step.rows)
    step = claimed.steps[i]
    rows = list(step.rows)
    at = random.choice(range(len(rows)))
    held = claimed.case.rows(rows[at].file.removesuffix(".csv"))
    match random.randrange(5):
        case 0:
            rows[at] = replace(rows[at], row=random.randint(-1, len(held)))
        case 1:
            rows[at] = replace(rows[at], row=random.choice([n for n in range(len(held)) if n != rows[at].row]))
        case 2:
            rows[at] = Row(file=f"{random.choice(sorted(claimed.case.tables))}.csv", row=rows[at].row)
        case 3:
            rows.pop(at)
        case _:
            rows.append(random.choice(rows))
    return _at(claimed, i, replace(step, rows=tuple(rows)))


def other_use(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """How a grant or permit is usable."""
    i = _any(random, claimed, where=lambda step: step.by)
    step = claimed.steps[i]
    match random.randrange(6):
        case 0:
            made = replace(step, by=random.choice(("standing", "quorum", "waived", "gate")))
        case 1:
            made = replace(step, by=random.choice(("standing", "waived")), approvers=())
        case 2:
            made = replace(step, by="gate", requester=None, approvers=())
        case 3:
            made = replace(step, requester=random.choice((*names.kind("person:"), None)))
        case 4:
            made = replace(step, by="gate", requester=None, approvers=(), needs=(*step.needs, ("gate",)))
        case _:
            made = replace(step, policy=random.choice(names.policies))
    return _at(claimed, i, made)


def other_quorum(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """One member twice, one too few or too many, somebody else with all that it takes for them to act."""
    i = _any(random, claimed, where=lambda step: step.approvers)
    step = claimed.steps[i]
    approvers = list(step.approvers)
    at = random.choice(range(len(approvers)))
    match random.randrange(5):
        case 0:
            approvers[at] = random.choice((step.requester or "", *approvers))
        case 1:
            approvers.pop(at)
        case 2:
            approvers.append(random.choice(names.kind("person:")))
        case 3:
            approvers[at] = random.choice(names.kind("person:"))
        case _:
            asker = step.requester or ""
            return _at(claimed, i, replace(step, requester=approvers[at], approvers=(asker, *approvers[1:])))
    return _at(claimed, i, replace(step, approvers=tuple(approvers)))


def other_tie(random: Random, claimed: Claimed, names: Names) -> Claimed:
    i = _any(random, claimed, where=lambda step: step.rule in ("compelled", "accomplice"))
    step = claimed.steps[i]
    ties = ("workplace", "residence", "employer", "owner", "travel", "sealed", "declared")
    match random.randrange(3):
        case 0:
            made = replace(step, tie=random.choice(ties))
        case 1:
            made = Step(rule="accomplice", fact=step.fact)
        case _:
            made = Step(rule="compelled", fact=step.fact, tie="sealed")
    return _at(claimed, i, made)


def other_rule(random: Random, claimed: Claimed, names: Names) -> Claimed:
    i = _any(random, claimed)
    rules = ("member", "enrolled", "assumed", "class", "within", "has", "custody", "gate", "grant", "permit")
    return _at(claimed, i, replace(claimed.steps[i], rule=random.choice(rules)))


def wrong_way_round(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """What is derived and what it is derived from."""
    i = _any(random, claimed, where=lambda step: step.rule in ("within", "class", "has", "custody") and step.needs)
    step = claimed.steps[i]
    return _at(claimed, i, replace(step, fact=step.needs[0], needs=(step.fact, *step.needs[1:])))


def by_custody(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """Custody of the asset, whatever its host and its key."""
    i = _any(random, claimed, where=lambda step: step.fact[0] == "can")
    fact = claimed.steps[i].fact
    row = [row["id"] for row in claimed.case.rows("assets")].index(fact[2].partition(":")[2])
    needs = random.choice(((), claimed.steps[i].needs))
    return _at(claimed, i, Step(rule="custody", fact=fact, needs=needs, rows=(Row(file="assets.csv", row=row),)))


def by_operating(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """What is had by hold on the asset, or by something else that was derived."""
    i = _any(random, claimed, where=lambda step: step.fact[0] == "can")
    fact = claimed.steps[i].fact
    facts = [("can", "operate", fact[2]), ("over", "operate", fact[2]), *(step.fact for step in claimed.steps[:i])]
    return _at(claimed, i, Step(rule="has", fact=fact, needs=(random.choice(facts),)))


def other_claim(random: Random, claimed: Claimed, names: Names) -> Claimed:
    match random.randrange(3):
        case 0:
            return replace(claimed, state=random.choice(names.states))
        case 1:
            return replace(claimed, action=random.choice(names.actions))
        case _:
            return replace(claimed, asset=random.choice(names.assets))


def other_accomplices(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """One fewer, with or without the step; one more; one twice; another."""
    named = list(claimed.accomplices)
    match random.randrange(4):
        case 0:
            named.append(random.choice((*names.people, *named)))
        case 1:
            gone = named.pop(random.choice(range(len(named))))
            steps = tuple(s for s in claimed.steps if (s.rule, s.fact) != ("accomplice", ("acts", f"person:{gone}")))
            return replace(claimed, accomplices=tuple(named), steps=random.choice((steps, claimed.steps)))
        case 2:
            named[random.choice(range(len(named)))] = random.choice(names.people)
        case _:
            person = random.choice(names.people)
            step = Step(rule="accomplice", fact=("acts", f"person:{person}"))
            return replace(claimed, accomplices=(*named, person), steps=(step, *claimed.steps))
    return replace(claimed, accomplices=tuple(named))


def other_day(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """Journeys begin and end."""
    return replace(claimed, at=claimed.at + dt.timedelta(random.choice((-9, -1, 1, 3, 5))))


def other_cell(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """The estate has another value in one place."""
    table = random.choice(sorted(set(claimed.case.tables) - {"unknown"}))
    rows = [dict(row) for row in claimed.case.rows(table)]
    row, other = random.choice(rows), random.choice(rows)
    column = random.choice(sorted({*row, *other} - {"id", "kind", "subjects"}))
    if random.random() < 0.3:
        row.pop(column, None)
    else:
        row[column] = other.get(column, "")
    return _of(claimed, table, rows)


def other_rows(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """The estate lacks a row, or has one more first: every number then speaks of another."""
    table = random.choice([name for name in ("groups", "grants", "travel", "declared") if claimed.case.rows(name)])
    rows = list(claimed.case.rows(table))
    if random.random() < 0.5:
        rows.pop(random.choice(range(len(rows))))
    else:
        rows.insert(0, rows.pop(random.choice(range(len(rows)))))
    return _of(claimed, table, rows)


def other_settings(random: Random, claimed: Claimed, names: Names) -> Claimed:
    """Stricter terms, other bases, no home, no gate, other ties of states."""
    settings = dict(claimed.case.settings)
    name = random.choice(names.terms)
    terms = dict(settings["terms"][name])
    match random.randrange(8):
        case 0:
            terms["apart"] = terms.get("apart", 0) + random.choice((-1, 1, 1))
        case 1:
            terms["approvals"] += random.choice((-1, 1))
        case 2:
            terms["distinct"] = random.choice((["unit"], ["shift"], []))
        case 3:
            terms["approvers"] = random.choice((*names.kind("group:"), "everyone"))
        case 4:
            terms["from"] = [{"of": random.choice((*names.kind("group:"), *names.kind("person:"))), "count": 1}]
        case 5:
            settings["home"] = random.choice(([], [random.choice(names.states)]))
        case 6:
            settings["bases"] = ["workplace"]
        case _:
            settings["states"] = {}
    settings["terms"] = {**settings["terms"], name: terms}
    return replace(claimed, case=replace(claimed.case, settings=settings))


def _of(claimed: Claimed, table: str, rows: list[dict[str, str]]) -> Claimed:
    return replace(claimed, case=replace(claimed.case, tables={**claimed.case.tables, table: rows}))


CHANGES = (
    dropped,
    told_twice,
    moved,
    cut_short,
    foreign_step,
    everywhere,
    everywhere,
    other_fact,
    other_needs,
    other_needs,
    other_row,
    other_row,
    other_use,
    other_use,
    other_quorum,
    other_quorum,
    other_tie,
    other_rule,
    wrong_way_round,
    by_custody,
    by_operating,
    other_claim,
    other_accomplices,
    other_day,
    other_cell,
    other_rows,
    other_settings,
)
