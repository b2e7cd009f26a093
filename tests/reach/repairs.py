"""Every plan there is, tried one by one: what a repair of a small estate must come to, read off the definition."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from armslength.estate import EstateError, parse
from armslength.reach import Change as Made
from armslength.reach import Plan, Question, Refusal, Verb, repair
from tests.oracle.case import Case
from tests.oracle.estates import AT, random_case
from tests.oracle.length import lengths
from tests.oracle.quorum import satisfied
from tests.oracle.world import POWERS, Ref, World, ref, world

COSTS = {"terms": 1.0, "drop_membership": 2.0, "drop_grant": 3.0}
Pair = tuple[str, str, str]
Change = tuple[str, int, str]
"""(verb, data row, terms)."""
Use = tuple[str, str]
"""(holder as written, terms): terms that a grant carries for its holder; "everyone" for a permit's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A random case in which only some changes are allowed: those of some rows of grants and of groups that are not
    refused besides."""

    case: Case
    grants: frozenset[int]
    groups: frozenset[int]
    besides: tuple[Refusal, ...] = ()

    def refused(self) -> list[Refusal]:
        """What the user would refuse, for the allowed changes to be left."""
        every = {"grants": self.grants, "groups": self.groups}
        rows = ((table, row) for table, kept in every.items() for row in set(range(len(self.case.rows(table)))) - kept)
        return [*(Refusal(table=table, row=row) for table, row in rows), *self.besides]

    def changes(self) -> Iterator[tuple[Change | None, ...]]:
        """For each allowed row, the changes that it may undergo, None first."""
        terms = sorted(self.case.settings.get("terms", {}))
        for row in sorted(self.grants):
            now = self.case.rows("grants")[row].get("terms", "")
            every = [("drop_grant", row, ""), *(("terms", row, r) for r in terms if r != now)]
            yield (None, *(change for change in every if not self._refuses(change)))
        for row in sorted(self.groups):
            drop = ("drop_membership", row, "")
            yield (None,) if self._refuses(drop) else (None, drop)

    def _refuses(self, change: Change) -> bool:
        verb, row, terms = change
        return any(
            (refusal.verb is None or refusal.verb == verb)
            and (refusal.table is None or refusal.table == ("groups" if verb == "drop_membership" else "grants"))
            and (refusal.row is None or refusal.row == row)
            and (refusal.terms is None or refusal.terms == terms)
            for refusal in self.besides
        )

    def size(self) -> int:
        """How many plans there are."""
        return math.prod(len(options) for options in self.changes())

    def plans(self) -> Iterator[tuple[Change, ...]]:
        """Every plan, the cheapest first."""
        every = [tuple(c for c in chosen if c) for chosen in itertools.product(*self.changes())]
        yield from sorted(every, key=self.cost)

    def cost(self, plan: tuple[Change, ...]) -> float:
        costs = {**COSTS, **self.case.settings.get("costs", {})}
        return float(sum(costs[verb] for verb, _, _ in plan))

    def after(self, plan: tuple[Change, ...]) -> Case:
        """The case with a plan carried out on its rows."""
        grants, groups = ([dict(row) for row in self.case.rows(name)] for name in ("grants", "groups"))
        for verb, row, terms in plan:
            if verb == "terms":
                grants[row]["terms"] = terms
        gone = {verb: {row for v, row, _ in plan if v == verb} for verb in ("drop_grant", "drop_membership")}
        tables = {
            **self.case.tables,
            "grants": [row for n, row in enumerate(grants) if n not in gone["drop_grant"]],
            "groups": [row for n, row in enumerate(groups) if n not in gone["drop_membership"]],
        }
        return Case(tables=tables, settings=self.case.settings, policy=self.case.policy)


_PRICES: tuple[dict[str, int], ...] = (
    {},
    {"terms": 2},
    {"drop_grant": 9},
    {"drop_grant": 1},
    {"drop_membership": 1, "terms": 4, "drop_grant": 9},
    {"drop_membership": 1, "terms": 3, "drop_grant": 2},
)
_BESIDES: tuple[tuple[Refusal, ...], ...] = (
    (Refusal(verb=Verb.DROP_GRANT),),
    (Refusal(verb=Verb.DROP_MEMBERSHIP),),
    (Refusal(verb=Verb.TERMS),),
    (Refusal(verb=Verb.TERMS, terms="r1"),),
)


def small(seed: int, rows: int = 6) -> Small:
    """A random estate with floors, a random few of whose rows may change; more of them can be mended than not."""
    case, pick = random_case(seed), random.Random(seed)
    settings, tables = dict(case.settings), dict(case.tables)
    if pick.random() < 0.7:
        # What a state holds itself no row mends.
        tables["assets"] = [{**row, "hosted_in": ""} for row in case.rows("assets")]
    if pick.random() < 0.5:
        # Terms that a firm this small can meet with one person to spare.
        terms = {r: {**body, "approvers": "everyone", "from": []} for r, body in settings.get("terms", {}).items()}
        settings["terms"] = terms or {"r1": {"approvals": pick.choice((1, 2)), "approvers": "everyone", "apart": 1}}
    if not settings.get("floor") or pick.random() < 0.3:
        asset = case.rows("assets")[0]["id"]
        settings["floor"] = [{"action": "*", "target": f"asset:{asset}", "length": pick.choice((1, 1, 2, 2, 3))}]
    # Pairs are those of the estate as it was: a floor on every action must not forget one that no grant names any more.
    named = sorted({row["action"] for row in case.rows("grants")} - POWERS)
    settings["floor"] = [
        {**floor, "action": action}
        for floor in settings["floor"]
        for action in (["*", *named] if floor["action"] == "*" else [floor["action"]])
    ]
    settings["costs"] = pick.choice(_PRICES)
    every = {name: range(len(case.rows(name))) for name in ("grants", "groups")}
    grants = pick.sample(every["grants"], min(rows - pick.choice((0, 1, 2, 3)), len(every["grants"])))
    groups = pick.sample(every["groups"], min(max(rows - len(grants), 0), len(every["groups"])))
    return Small(
        case=Case(tables=tables, settings=settings, policy=case.policy),
        grants=frozenset(grants),
        groups=frozenset(groups),
        besides=pick.choice(((), (), (), *_BESIDES)),
    )


def broken(case: Case) -> frozenset[Pair] | None:
    """The pairs of a case whose floor is broken, by the second reading of the rules; None where its tables could not be
    read."""
    try:
        parse(case.files())
    except EstateError:
        return None
    return frozenset(pair for pair, answer in lengths(case, AT, 0, everything=False).items() if answer.broken)


def differences(small: Small) -> list[str]:
    """What is wrong with the engine's repair, against every plan there is; empty if nothing.

    As few pairs as any plan manages may remain, and no plan that mends the others may cost less.
    """
    estate = parse(small.case.files()).estate
    plan = repair(estate, Question(at=AT), small.refused())
    named = {(estate.states[p.state], estate.actions[p.action], estate.assets.ids[p.asset]) for p in plan.remaining}
    mine = tuple(_change(change) for change in plan.changes)
    told = list(_unsound(small, plan, mine, frozenset(named)))
    fewest, best = len(named), plan.cost
    for other in small.plans():
        cost = small.cost(other)
        if not named and cost >= plan.cost - 1e-9:
            break
        left = broken(small.after(other))
        if left is None or len(left) > fewest or not keeps(small, other):
            continue
        if len(left) < fewest:
            fewest = len(left)
            told.append(f"{len(named)} pairs remain, and {fewest} after {other}")
        elif left <= named and cost < best - 1e-9:
            best = cost
            told.append(f"cost {plan.cost:g} by {mine}, and {cost:g} by {other}")
    return told


def _unsound(small: Small, plan: Plan, mine: tuple[Change, ...], named: frozenset[Pair]) -> Iterator[str]:
    """What is wrong with the plan by itself."""
    if not (plan.proven and plan.verified and plan.bound == plan.cost):
        yield f"without a time limit: proven {plan.proven}, verified {plan.verified}, bound {plan.bound:g}"
    allowed = {change for options in small.changes() for change in options if change}
    if not allowed.issuperset(mine):
        yield f"a refused change was made: {sorted(set(mine) - allowed)}"
    if len({(verb == "drop_membership", row) for verb, row, _ in mine}) < len(mine):
        yield f"a row is changed twice: {mine}"
    if abs(small.cost(mine) - plan.cost) > 1e-9:
        yield f"cost {plan.cost:g}, and the changes cost {small.cost(mine):g}"
    if (left := broken(small.after(mine))) != named:
        yield f"after {mine} the oracle finds broken {left}, the plan says {set(named)}"
    if not keeps(small, mine):
        yield f"{mine} takes a quorum or the one to spare"


def _change(change: Made) -> Change:
    return change.verb.value, change.row.row, change.terms


def keeps(small: Small, plan: tuple[Change, ...]) -> bool:
    """Whether every quorum stays able: what a grant or permit goes on asking is not less able than before, and terms
    put on a grant have somebody to spare."""
    after = small.after(plan)
    was, now = world(small.case, AT), world(after, AT)
    grants = small.case.rows("grants")
    put = {(grants[row]["holder"], terms) for verb, row, terms in plan if verb == "terms"}
    old = _uses(small.case)
    wanted = {use: _able(was, use) for use in _uses(after) if use in old} | dict.fromkeys(put, 2)
    return all(_able(now, use) >= least for use, least in wanted.items())


def _uses(case: Case) -> set[Use]:
    found = {(row["holder"], row["terms"]) for row in case.rows("grants") if row.get("terms")}
    if case.policy:
        for name in case.settings.get("terms", {}):
            if f'@terms("{name}")' in case.policy:
                found.add(("everyone", name))
    return found


def _able(in_: World, use: Use) -> int:
    """0 nobody can meet the terms, 1 somebody, 2 somebody whoever one other is away."""
    holder, terms = use
    people = set(in_.people)
    if not _meets(in_, holder, terms, people):
        return 0
    holders = [p for p in people if _belongs(in_, p, ref(holder))]
    away = [p for p in people if holders != [p]]
    return 2 if all(_meets(in_, holder, terms, people - {p}) for p in away) else 1


def _meets(in_: World, holder: str, terms: str, acting: set[str]) -> bool:
    return any(
        satisfied(in_, in_.terms[terms], q, acting, lambda p, to: _belongs(in_, p, to))
        for q in sorted(acting)
        if _belongs(in_, q, ref(holder))
    )


def _belongs(in_: World, person: str, to: Ref) -> bool:
    match to:
        case ("everyone", _):
            return True
        case ("person", name):
            return person == name
        case (_, name):
            return name in in_.member[person]
