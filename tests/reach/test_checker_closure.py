"""The checker against the brute-force reading: everything it accepts can be derived, and everything that can be derived
has steps that it accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Estate, parse
from armslength.reach import Fact, Row, Step
from armslength.reach.checker import Checker
from armslength.reach.checker_policy import Policies
from tests.oracle import AT, Case, cases, reached
from tests.oracle.length import Asked


class Closure:
    """Steps tried in rounds until the checker accepts no new fact; each step needs everything known so far."""

    def __init__(self, case: Case, state: str, accomplices: Iterable[str]) -> None:
        self.estate: Estate = parse(case.files()).estate
        ids = self.estate.people.ids
        self.state = [str(s) for s in self.estate.states].index(state)
        self.accomplices = tuple(ids.index(p) for p in accomplices)
        self.checker = Checker(self.estate, AT)
        self.known: dict[Fact, Step] = {}
        self.first = [*self.people(), *self.members()]
        while self.round():
            pass

    def can(self) -> set[tuple[str, str]]:
        return {(f[1], f[2].partition(":")[2]) for f in self.known if f[0] == "can"}

    def round(self) -> bool:
        before = len(self.known)
        # Steps without needs are tried once: they follow from the rows alone.
        first, self.first = self.first, []
        tried = [s for s in (*first, *self.further()) if s.fact not in self.known]
        steps = (*self.known.values(), *tried)
        found = self.checker.faults(self.state, 0, 0, self.accomplices, steps)
        refused = {int(m[1]) - 1 - before for fault in found if (m := re.match(r"step (\d+) ", fault))}
        assert min(refused, default=0) >= 0, "what was accepted once is accepted again"
        for i, s in enumerate(tried):
            if i not in refused:
                self.known.setdefault(s.fact, s)
        return len(self.known) > before

    def people(self) -> Iterator[Step]:
        tables = self.estate.tables
        places = [
            Row(file=tables[t].file, row=i) for t in ("people", "entities", "travel") for i in range(len(tables[t]))
        ]
        for p in self.estate.people.ids:
            yield Step(rule="accomplice", fact=("acts", f"person:{p}"))
            yield Step(rule="compelled", fact=("acts", f"person:{p}"), tie="sealed")
            for tie in ("workplace", "residence", "employer", "owner", "travel", "declared"):
                for row in places:
                    yield Step(rule="compelled", fact=("acts", f"person:{p}"), tie=tie, rows=(row,))

    def paths(self, start: str) -> dict[str, tuple[Row, ...]]:
        """The rows that lead from a member up to each group."""
        table = self.estate.tables["groups"]
        found: dict[str, tuple[Row, ...]] = {}
        todo: list[tuple[str, tuple[Row, ...]]] = [(start, ())]
        while todo:
            at, rows = todo.pop(0)
            for i in range(len(table)):
                cells = table.cells(i)
                above = f"group:{cells['group']}"
                if cells["member"] == at and above not in found:
                    found[above] = (*rows, Row(file=table.file, row=i))
                    todo.append((above, found[above]))
        return found

    def members(self) -> Iterator[Step]:
        for p in self.estate.people.ids:
            for group, rows in self.paths(f"person:{p}").items():
                yield Step(rule="member", fact=("in", f"person:{p}", group), rows=rows)

    def further(self) -> Iterator[Step]:
        needs, estate = tuple(self.known), self.estate
        acting = [f[1] for f in needs if f[0] == "acts"]
        for f in needs:
            if f[0] == "enrolled":
                for q in acting:
                    yield Step(rule="enrolled", fact=("in", q, f[1]), needs=needs)
                    for group, rows in self.paths(f[1]).items():
                        yield Step(rule="enrolled", fact=("in", q, group), needs=needs, rows=rows)
            if f[0] == "assumed":
                yield Step(rule="assumed", fact=("acts", f[1]), needs=needs)
                for p in estate.people.ids:
                    if (rows := self.paths(f"person:{p}").get(f[1])) is not None:
                        yield Step(rule="assumed", fact=("acts", f"person:{p}"), needs=needs, rows=rows)
        yield from self.granted(needs, acting)
        yield from self.permitted(needs, acting)
        yield Step(rule="gate", fact=("gate",), needs=needs)
        for t, asset in enumerate(estate.assets.ids):
            row = (Row(file=estate.tables["assets"].file, row=t),)
            for action in {*estate.actions, "use", "operate"}:
                over, can = ("over", action, f"asset:{asset}"), ("can", action, f"asset:{asset}")
                yield Step(rule="class", fact=over, needs=needs, rows=row)
                yield Step(rule="within", fact=over, needs=needs, rows=row)
                yield Step(rule="has", fact=can, needs=needs)
                yield Step(rule="custody", fact=can, needs=needs, rows=row)

    def ways(self, rule: str, fact: Fact, needs: tuple[Fact, ...], acting: list[str], **more: object) -> Iterator[Step]:
        """Every way to use a grant or a permit: each requester with each set of approvers."""
        yield Step(rule=rule, fact=fact, needs=needs, by="gate", **more)  # type: ignore[arg-type]
        for q in acting:
            for by in ("standing", "waived"):
                yield Step(rule=rule, fact=fact, needs=needs, by=by, requester=q, **more)  # type: ignore[arg-type]
            for size in {terms.approvals for terms in self.estate.settings.terms}:
                for approvers in combinations([a for a in acting if a != q], size):
                    quorum = {"by": "quorum", "requester": q, "approvers": approvers, **more}
                    yield Step(rule=rule, fact=fact, needs=needs, **quorum)  # type: ignore[arg-type]

    def granted(self, needs: tuple[Fact, ...], acting: list[str]) -> Iterator[Step]:
        table = self.estate.tables["grants"]
        effects = {"enroll": "enrolled", "assume": "assumed", "amend": "waived"}
        for i in range(len(table)):
            cells = table.cells(i)
            over = ("over", cells["action"], cells["target"])
            fact = (effects[cells["action"]], cells["target"]) if cells["action"] in effects else over
            if fact not in self.known:
                yield from self.ways("grant", fact, needs, acting, rows=(Row(file=table.file, row=i),))

    def permitted(self, needs: tuple[Fact, ...], acting: list[str]) -> Iterator[Step]:
        estate = self.estate
        assets = [f"asset:{t}" for t in estate.assets.ids]
        groups = [f"group:{g}" for g in estate.groups.ids]
        facts: list[Fact] = [("can", a, t) for a in {*estate.actions, "use"} - {"operate"} for t in assets]
        facts += [("over", "operate", t) for t in assets]
        facts += [("enrolled", g) for g in groups] + [("assumed", g) for g in groups]
        facts += [("assumed", f"person:{p}") for p in estate.people.ids]
        facts += [("waived", f"terms:{r.id}") for r in estate.settings.terms]
        policies = Policies(estate, self.checker.ground.exposed)
        for policy in policies.permits:
            gated = bool(policies.terms(policy))
            for fact in facts:
                if fact not in self.known:
                    for s in self.ways("permit", fact, needs, acting, policy=policy):
                        # Only to save time: Cedar is the slow part, and the checker's other tests forge `by`.
                        if s.by == "gate" and ("gate",) in needs or s.by != "gate" and gated == (s.by != "standing"):
                            yield s


def _agree(case: Case, state: str, accomplices: tuple[str, ...]) -> None:
    closure = Closure(case, state, accomplices)
    if any(closure.state in closure.checker.ground.exposed(p) for p in closure.accomplices):
        return
    asked = {*Asked(case, AT).actions, "use", "operate"}
    found = {(action, asset) for action, asset in closure.can() if action in asked}
    assert found == reached(case, AT, state, accomplices), case.show()


@given(st.data())
def test_the_checker_accepts_what_the_definition_derives_and_nothing_else(data: st.DataObject) -> None:
    """A forged report would be believed, or a true one called forged."""
    case = data.draw(cases())
    estate = parse(case.files()).estate
    state = data.draw(st.sampled_from(sorted(estate.states)))
    accomplices = data.draw(st.lists(st.sampled_from(estate.people.ids), unique=True, max_size=3))
    _agree(case, str(state), tuple(accomplices))
