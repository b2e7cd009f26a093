"""Random edits of every kind, and an answer that took over what it could compared with one that did not."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import numpy as np

from armslength.estate import (
    Estate,
    EstateError,
    Kind,
    drop_grants,
    drop_memberships,
    grant,
    join,
    leaver,
    set_terms,
    travel,
)
from armslength.reach import Question, Reach, reach
from armslength.reach.bundles import Bundles
from armslength.reach.checker import Checker
from tests.oracle.case import Case

KINDS = ("travel", "leaver", "join", "drop membership", "grant", "drop grant", "terms")
POWERS = ("operate", "enroll", "assume", "amend")


def edited(estate: Estate, kind: str, random: Random, at: Question, *, narrow: bool = False) -> Estate | None:
    """The estate with one edit of the kind; None where it does not fit. `narrow`: mostly of what quorums and powers
    name, which in a firm is little."""
    people, groups, grants = estate.people.ids, estate.groups.ids, estate.grants
    states = [*estate.states, *estate.states, "NZ"]
    # Those of the case itself come first; they are the ones who matter.
    few = [p for p in people if not p.startswith("z")] or list(people)
    people = tuple(few) if random.random() < 0.8 else people
    rows = range(len(grants))
    if narrow and random.random() < 0.9:
        people, groups, rows = _named(estate)

    def ref() -> str:
        some = [f"person:{random.choice(people)}"] if people else []
        some += [f"group:{random.choice(groups)}"] if groups else []
        return random.choice(some) if some else "everyone"

    try:
        match kind:
            case "travel":
                return travel(estate, f"person:{random.choice(people)}", random.choice(states), at.at)
            case "leaver":
                return leaver(estate, f"person:{random.choice(people)}")
            case "join":
                return join(estate, ref(), f"group:{random.choice(groups)}")
            case "drop membership":
                names = estate.groups.ids
                some = [n for n, g in enumerate(estate.groups.group.tolist()) if not narrow or names[g] in groups]
                return drop_memberships(estate, [random.choice(some)])
            case "drop grant":
                return drop_grants(estate, [random.choice(rows)])
            case "terms":
                terms = random.choice(["", *(t.id for t in estate.settings.terms)])
                return set_terms(estate, random.choice(rows), terms)
            case _:
                return _granted(estate, random, ref)
    except (EstateError, IndexError, ValueError):
        return None


def _named(estate: Estate) -> tuple[tuple[str, ...], tuple[str, ...], Sequence[int]]:
    """People, groups and places of grants that have to do with quorums or powers."""
    grants, powers = estate.grants, [estate.actions.index(a) for a in POWERS]
    rows = np.flatnonzero((grants.terms >= 0) | np.isin(grants.action, powers)).tolist()
    refs = [(int(grants.holder_kind[n]), int(grants.holder[n])) for n in rows]
    refs += [(int(grants.target_kind[n]), int(grants.target[n])) for n in rows]
    for terms in estate.settings.terms:
        refs += [(ref.kind, ref.index) for ref in (terms.approvers, *(place.of for place in terms.places))]
    groups = {n for kind, n in refs if kind == Kind.GROUP}
    people = {n for kind, n in refs if kind == Kind.PERSON}
    table = estate.groups
    inside = np.isin(table.group, sorted(groups)) & (table.member_kind == Kind.PERSON)
    people |= set(table.member[inside].tolist())
    named = tuple(estate.people.ids[n] for n in sorted(people)), tuple(table.ids[n] for n in sorted(groups))
    return (*named, rows)


def crowded(case: Case, random: Random) -> Case:
    """The case with so many more people that others can stand in for anybody where all may approve. A few are in groups
    or may be made to act."""
    rows = case.rows("people")
    places = [row["workplace"] for row in rows if row.get("workplace")] or ["US"]
    units = random.choice((["u1"], ["u1", "u2"], [f"u{n}" for n in range(60)], ["u1", "u2", ""]))
    shifts = random.choice((["day"], ["day", "night"], [f"s{n}" for n in range(50)]))
    more, members = [], []
    groups = sorted({row["group"] for row in case.rows("groups")})
    for n in range(random.choice((20, 40, 90))):
        like = random.choice(rows)
        row = {**like, "id": f"z{n}", "unit": random.choice(units), "shift": random.choice(shifts)}
        row["workplace"] = random.choice(places) if random.random() < 0.9 else ""
        if random.random() < 0.6:
            row |= {"residence": "", "entity": ""}
        more.append(row)
        if groups and random.random() < 0.1:
            members.append({"group": random.choice(groups), "member": f"person:z{n}"})
    settings = copy.deepcopy(case.settings)
    for terms in settings.get("terms", {}).values():
        if random.random() < 0.6:
            terms["approvers"] = "everyone"
    tables = {**case.tables, "people": [*rows, *more], "groups": [*case.rows("groups"), *members]}
    return replace(case, tables={name: rows for name, rows in tables.items() if rows}, settings=settings)


def _granted(estate: Estate, random: Random, ref: object) -> Estate:
    """A grant like one that is there, with another holder, target or terms; or a power."""
    grants = estate.grants
    terms = random.choice(["", *(t.id for t in estate.settings.terms), *(t.id for t in estate.settings.terms)])
    holder = random.choice([ref(), ref(), ref(), "everyone"])  # type: ignore[operator]
    if random.random() < 0.5 and len(grants):
        cells = estate.tables["grants"].cells(random.randrange(len(grants)))
        return grant(estate, holder, cells["action"], cells["target"], terms)
    match random.choice((*POWERS, "read", "new")):
        case "operate":
            return grant(estate, holder, "operate", f"asset:{random.choice(estate.assets.ids)}", terms)
        case "enroll":
            return grant(estate, holder, "enroll", f"group:{random.choice(estate.groups.ids)}", terms)
        case "assume":
            return grant(estate, holder, "assume", ref(), terms)  # type: ignore[operator]
        case "amend":
            return grant(estate, holder, "amend", f"terms:{random.choice(estate.settings.terms).id}", terms)
        case action:
            return grant(estate, holder, action, f"asset:{random.choice(estate.assets.ids)}", terms)


def faults(
    estate: Estate, question: Question, random: Random, edits: int, witnesses: int = 12, *, narrow: bool = False
) -> Iterator[str]:
    """What an answer that takes over says otherwise than one from scratch, after each of some edits in a row."""
    before = reach(estate, question)
    done: list[str] = []
    while len(done) < edits:
        kind = random.choice(KINDS)
        new = edited(estate, kind, random, question, narrow=narrow)
        done.append(kind if new is not None else f"no {kind}")
        if new is None:
            continue
        if random.random() < 0.2:
            # Two edits taken together.
            second = random.choice(KINDS)
            new, done[-1] = edited(new, second, random, question, narrow=narrow) or new, f"{kind} and {second}"
        if random.random() < 0.1:
            # Another question may be asked of the new estate.
            question = replace(question, cap=random.randint(0, 4), everything=random.random() < 0.7)
        taken, whole = reach(new, question, before=before), reach(new, question)
        for said in differ(taken, whole, random, witnesses):
            yield f"after {', '.join(done)}: {said}"
        estate, before = new, taken


def moves(estate: Estate, question: Question, random: Random, steps: int) -> Iterator[str]:
    """The same after each of some steps in which people travel or leave, mostly several at once, and some memberships
    end; now and then the answer before was one from scratch."""
    before = reach(estate, question)
    done: list[str] = []
    for _ in range(steps):
        new, kinds = estate, random.choice((("travel", "leaver"), ("travel", "travel", "leaver", "drop membership")))
        for kind in random.choices(kinds, k=random.choice((1, 1, 2, 3))):
            new = edited(new, kind, random, question) or new
            done.append(kind)
        taken, whole = reach(new, question, before=before), reach(new, question)
        for said in differ(taken, whole, random, 3):
            yield f"after {', '.join(done)}: {said}"
        estate, before = new, taken if random.random() < 0.85 else whole


def other(case: Case, random: Random) -> Case:
    """The case with another policy, other settings, people in another order, or some rows changed or gone."""
    new = copy.deepcopy(case)
    for _ in range(random.randint(1, 3)):
        match random.choice(("policy", "terms", "settings", "rows", "rows", "order")):
            case "policy" if new.policy:
                texts = new.policy.split(";")
                gone = random.randrange(len(texts))
                new = replace(new, policy=";".join(text for n, text in enumerate(texts) if n != gone))
            case "terms" if new.settings.get("terms"):
                terms = random.choice(list(new.settings["terms"].values()))
                terms["apart"] = random.randint(0, 2)
            case "settings":
                states = sorted({row["workplace"] for row in new.rows("people") if row.get("workplace")})
                new.settings["home"] = random.sample(states, min(len(states), random.randint(0, 1)))
            case "order":
                random.shuffle(new.tables["people"])
            case _:
                table = random.choice([name for name, rows in new.tables.items() if rows])
                rows = new.tables[table]
                row = random.choice(rows)
                column = random.choice(list(row))
                if column != "id" and random.random() < 0.5:
                    row[column] = random.choice(rows).get(column, "")
                elif table not in ("people", "assets", "entities"):
                    rows.remove(row)
    return new


def differences(old: Estate, new: Estate, question: Question, random: Random) -> Iterator[str]:
    """What the answer for one estate says otherwise if it takes over from that for another."""
    return differ(reach(new, question, before=reach(old, question)), reach(new, question), random, 8)


def heired(taken: Reach, whole: Reach) -> Iterator[str]:
    """Graph and bundles that are others than those from scratch, whether they were made again or not."""
    if taken.solutions is None or whole.solutions is None:
        return
    one, two = (answer.solutions.model.graph for answer in (taken, whole) if answer.solutions is not None)
    for name in ("start", "target", "origin"):
        if not np.array_equal(getattr(one.edges, name), getattr(two.edges, name)):
            yield f"graph: {name} of the edges"
    reached = taken.solutions.known.reached
    if reached is not None:
        fresh = Bundles.of(two, whole.solutions.model.membership)
        for name in ("holds", "assumes", "opens", "waives"):
            if not np.array_equal(getattr(reached.bundles, name), getattr(fresh, name)):
                yield f"bundles: {name}"
        if reached.bundles.rule_bit != fresh.rule_bit:
            yield "bundles: the rules"


def differ(taken: Reach, whole: Reach, random: Random, witnesses: int) -> Iterator[str]:
    """What an answer that took over says otherwise than one from scratch; of some pairs the derivation too."""
    for name in ("state", "action", "asset", "at_least", "at_most", "floor"):
        one, two = getattr(taken, name), getattr(whole, name)
        if one.tolist() != two.tolist():
            some = [(i, *(int(a[i]) for a in (two, one))) for i in range(len(one)) if one[i] != two[i]]
            yield f"{name}: (place, whole, taken over) {some[:5]}"
            return
    yield from heired(taken, whole)
    for i in range(len(taken)):
        if taken.gaps(i) != whole.gaps(i):
            yield f"gaps of {i}: {taken.gaps(i)}, expected {whole.gaps(i)}"
    reached = [i for i in range(len(taken)) if taken.at_most[i] >= 0]
    checker = Checker(taken.estate, taken.question.at)
    for i in random.sample(reached, min(witnesses, len(reached))):
        people = taken.accomplices(i)
        if len(people) != taken.at_most[i]:
            yield f"pair {i}: {taken.at_most[i]} accomplices expected, got {people}"
        found = checker.faults(int(taken.state[i]), int(taken.action[i]), int(taken.asset[i]), people, taken.steps(i))
        yield from (f"pair {i}: {fault}" for fault in found)
