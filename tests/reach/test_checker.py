"""The checker of derivations: what follows is accepted, what is forged is refused or true for a reason of its own."""

from __future__ import annotations

import copy
import datetime as dt
import functools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Basis, Estate, parse
from armslength.reach import NotSteps, Row, Step, check, check_document, steps_from_json
from armslength.reach.checker import Checker
from armslength.reach.result import Exact, Fact, Question, Result
from armslength.report.document import document, steps_document
from tests.oracle import lengths, reached
from tests.reach.derivations import (
    AT,
    ENROLLED_PERMIT,
    FIRST_EXAMPLE,
    GATE_GRANT,
    HELP_DESK,
    KEY_IN_HAND,
    LEGAL_EXPORT,
    OPEN_RACK,
    SECOND_EXAMPLE,
    THREE_OUTSIDERS,
    US_ORDER,
    WAIVED,
    WORKED,
    Worked,
    case,
    fact,
    rows,
    step,
)

each = pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked.name)


def faults(worked: Worked, steps: Iterable[Step] | None = None, at: dt.date = AT) -> tuple[str, ...]:
    return checker(worked.estate, at).faults(*worked.asked(), worked.steps if steps is None else tuple(steps))


@functools.cache
def checker(estate: Estate, at: dt.date) -> Checker:
    return Checker(estate, at)


def changed(worked: Worked, number: int, **fields: object) -> tuple[Step, ...]:
    """The steps with some fields of one replaced."""
    steps = list(worked.steps)
    steps[number] = replace(steps[number], **fields)  # type: ignore[arg-type]
    return tuple(steps)


# --- what follows is accepted


@each
def test_a_true_derivation_is_accepted(worked: Worked) -> None:
    """Every report would be called a forgery."""
    assert check(worked.estate, AT, *worked.asked(), worked.steps) == ()


@each
def test_the_worked_derivations_are_smallest_ones(worked: Worked) -> None:
    """The tests below would forge something that is not what the product prints."""
    found = lengths(worked.case, AT)[worked.state, worked.action, worked.asset]
    assert found.length == len(worked.accomplices)


def test_every_rule_tie_and_way_of_using_a_grant_is_worked_out() -> None:
    """A rule that nobody forged might accept anything."""
    steps = [s for worked in WORKED for s in worked.steps]
    assert {s.rule for s in steps} == set(
        "compelled accomplice member enrolled grant permit assumed class within has custody gate".split()
    )
    assert {(s.rule, s.by) for s in steps if s.by} == {
        *(("grant", by) for by in ("standing", "quorum", "waived", "gate")),
        *(("permit", by) for by in ("standing", "quorum", "gate")),
    }
    assert {s.fact[0] for s in steps} == {"acts", "in", "enrolled", "assumed", "waived", "over", "can", "gate"}
    assert {s.tie for s in steps if s.tie} == {b.value for b in Basis if b is not Basis.DECLARED} | {"sealed"}


# --- what is forged is refused


@dataclass(frozen=True)
class Forged:
    """A claim that differs from a true one in one place. `reason`: why it may be true all the same."""

    what: str
    worked: Worked
    steps: tuple[Step, ...]
    reason: str | None = None


def _facts(worked: Worked) -> set[Fact]:
    """The facts of the derivation, and each of them with one part exchanged for another of its kind."""
    estate = worked.estate
    names = [
        *(f"person:{p}" for p in estate.people.ids),
        *(f"group:{g}" for g in estate.groups.ids),
        *(f"asset:{t}" for t in estate.assets.ids),
        *(f"class:{c}" for c in estate.classes),
        *(f"terms:{r.id}" for r in estate.settings.terms),
    ]
    own = {s.fact for s in worked.steps}
    twisted = {
        (*f[:i], other, *f[i + 1 :])
        for f in own
        for i in range(1, len(f))
        for other in [*names, *estate.actions, "person:nobody", ""]
    }
    return own | twisted | {(), ("acts",), ("can", "read"), ("sudo", "person:root"), ("gate", "gate")}


def _rows(worked: Worked) -> list[Row]:
    tables = worked.estate.tables.values()
    real = [Row(file=t.file, row=i) for t in tables for i in range(len(t))]
    return [*real, Row(file="grants.csv", row=999), Row(file="grants.csv", row=-1), Row(file="nowhere.csv", row=0)]


def _forged_steps(worked: Worked, s: Step, before: set[Fact]) -> Iterator[tuple[Step, str | None]]:
    """Every other value of each field of one step."""
    estate = worked.estate
    people = [f"person:{p}" for p in estate.people.ids] + ["person:nobody", "group:ops"]
    for rule in {other.rule for w in WORKED for other in w.steps} | {"magic", ""} - {s.rule}:
        if rule != s.rule:
            yield replace(s, rule=rule), None
    for f in sorted(_facts(worked) - {s.fact}):
        yield replace(s, fact=f), None
    for i in range(len(s.needs)):
        yield replace(s, needs=s.needs[:i] + s.needs[i + 1 :]), None
    for f in sorted(_facts(worked) - set(s.needs)):
        more = "it names more than it needs, and that is proved" if f in before and s.needs else None
        yield replace(s, needs=(*s.needs, f)), more
        for i in range(len(s.needs)):
            yield replace(s, needs=(*s.needs[:i], f, *s.needs[i + 1 :])), None
    if len(s.needs) > 1:
        yield replace(s, needs=s.needs[::-1]), "needs have no order"
    for row in _rows(worked):
        yield replace(s, rows=(*s.rows, row)), None
        for i in range(len(s.rows)):
            if row != s.rows[i]:
                yield replace(s, rows=(*s.rows[:i], row, *s.rows[i + 1 :])), None
    for i in range(len(s.rows)):
        yield replace(s, rows=s.rows[:i] + s.rows[i + 1 :]), None
    if len(s.rows) > 1:
        yield replace(s, rows=s.rows[::-1]), None
    for tie in {*(b.value for b in Basis), "sealed", "ancestry", "", None} - {s.tie}:
        true_too = worked is WAIVED and s.fact == fact("acts person:mo") and tie == "residence"
        yield replace(s, tie=tie), "another tie stands in the same row" if true_too else None
    for by in {"standing", "quorum", "waived", "gate", "luck", None} - {s.by}:
        yield replace(s, by=by), None
    for policy in {*(estate.policy.ids if estate.policy else ()), "no-such-policy", "", None} - {s.policy}:
        yield replace(s, policy=policy), None
    for requester in {*people, "", None} - {s.requester}:
        left_out = requester is None and s.by in ("standing", "waived")
        named = s.requester is None and s.by == "standing" and f"acts {requester}" in {" ".join(n) for n in s.needs}
        reason = "the only one who acts among the needs is the requester" if left_out or named else None
        yield replace(s, requester=requester), reason
    for i in range(len(s.approvers)):
        yield replace(s, approvers=s.approvers[:i] + s.approvers[i + 1 :]), None
        for other in people:
            if other != s.approvers[i]:
                yield replace(s, approvers=(*s.approvers[:i], other, *s.approvers[i + 1 :])), None
    for other in people:
        yield replace(s, approvers=(*s.approvers, other)), None
    if len(s.approvers) > 1:
        yield replace(s, approvers=s.approvers[::-1]), "approvers have no order"


def _forgeries(worked: Worked) -> Iterator[Forged]:
    steps = worked.steps
    for i, s in enumerate(steps):
        before = {earlier.fact for earlier in steps[:i]}
        for other, reason in _forged_steps(worked, s, before):
            yield Forged(f"{s} became {other}", worked, (*steps[:i], other, *steps[i + 1 :]), reason)
        yield Forged(f"step {i} left out", worked, steps[:i] + steps[i + 1 :])
        yield Forged(f"step {i} said twice", worked, (*steps[: i + 1], *steps[i:]), "it is said twice")
        for j in range(i + 1, len(steps)):
            moved = (*steps[:i], *steps[i + 1 : j + 1], s, *steps[j + 1 :])
            needed = any(s.fact in later.needs for later in steps[i + 1 : j + 1]) or j == len(steps) - 1
            yield Forged(f"step {i} after {j}", worked, moved, None if needed else "nothing between needs it")
    yield from _claims(worked)


def _claims(worked: Worked) -> Iterator[Forged]:
    """The same steps, said to prove something else."""
    steps, ids = worked.steps, worked.estate.people.ids
    for p in ids:
        if p not in worked.accomplices:
            yield Forged(f"{p} named as well", replace(worked, accomplices=(*worked.accomplices, p)), steps)
    for p in worked.accomplices:
        others = tuple(a for a in worked.accomplices if a != p)
        yield Forged(f"{p} not named", replace(worked, accomplices=others), steps)
        yield Forged(f"{p} named twice", replace(worked, accomplices=(*worked.accomplices, p)), steps)
    for asset in set(worked.estate.assets.ids) - {worked.asset}:
        yield Forged(f"claimed of {asset}", replace(worked, asset=asset), steps)
    for action in set(worked.estate.actions) - {worked.action}:
        yield Forged(f"claimed of {action}", replace(worked, action=action), steps)
    for state in {str(s) for s in worked.estate.states} - {worked.state}:
        yield Forged(f"claimed of {state}", replace(worked, state=state), steps, _holds_of(worked, state))


def _holds_of(worked: Worked, state: str) -> str | None:
    """Why the same steps may speak of another state: by the rows alone, all that depends on the state is true of it."""
    if worked is FIRST_EXAMPLE or worked is THREE_OUTSIDERS:
        outside = {"bo": "US", "t2": "IE", "t3": "SG"}
        if state not in {outside[p] for p in worked.accomplices}:
            return "nobody is compelled, and the accomplices are outside that state too"
    if state == "HK" and worked is HELP_DESK:
        return "the tie is to that state itself"
    if state in ("HK", "US") and worked.name == "custody that needs nobody":
        return "it is hosted there as well"
    return None


@each
def test_a_forged_step_is_refused_or_true_for_a_reason_of_its_own(worked: Worked) -> None:
    """Somebody could print a chain that the estate does not bear out, and the check would wave it through."""
    for forged in _forgeries(worked):
        found = faults(forged.worked, forged.steps)
        assert bool(found) == (forged.reason is None), (forged.what, forged.reason, found)


@each
def test_what_the_checker_accepts_is_true_by_the_definition(worked: Worked) -> None:
    """Steps could pass for a proof of something that the brute-force reading of the definition cannot derive."""
    for forged in (Forged("nothing", worked, worked.steps), *_claims(worked)):
        if not faults(forged.worked, forged.steps):
            can = reached(worked.case, AT, forged.worked.state, forged.worked.accomplices)
            assert (forged.worked.action, forged.worked.asset) in can, forged.what


@given(st.data())
def test_steps_of_one_derivation_never_prove_another_claim(data: st.DataObject) -> None:
    """Pieces of true derivations, put together anyhow, would pass for a proof of something false."""
    worked = data.draw(st.sampled_from(WORKED), "estate")
    pool = list(chain.from_iterable(w.steps for w in WORKED if w.case is worked.case))
    steps = data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=12), "steps")
    state = data.draw(st.sampled_from([str(s) for s in worked.estate.states]), "state")
    accomplices = tuple(sorted({s.fact[1].partition(":")[2] for s in steps if s.rule == "accomplice"}))
    last = steps[-1].fact
    if last[0] != "can":
        return
    claim = replace(worked, state=state, accomplices=accomplices, action=last[1], asset=last[2].partition(":")[2])
    if last[1] in claim.estate.actions and not faults(claim, steps):
        assert (last[1], claim.asset) in reached(worked.case, AT, state, accomplices)


@pytest.mark.parametrize(
    ("worked", "steps", "says"),
    [
        (FIRST_EXAMPLE, (), "the last step does not prove"),
        (
            FIRST_EXAMPLE,
            (step("compelled", "acts person:bo", at="people.csv:3", tie="workplace"), *FIRST_EXAMPLE.steps[1:]),
            "no tie 'workplace' of this person reaches the state",
        ),
        (US_ORDER, (step("accomplice", "acts person:bo"), *US_ORDER.steps[1:]), "is not among the accomplices named"),
        (THREE_OUTSIDERS, changed(THREE_OUTSIDERS, 6, by="standing", approvers=()), "cannot be 'standing'"),
        (
            THREE_OUTSIDERS,
            changed(THREE_OUTSIDERS, 6, approvers=("person:t2", "person:t2")),
            "one person fills two places",
        ),
        (
            THREE_OUTSIDERS,
            changed(THREE_OUTSIDERS, 6, approvers=("person:bo", "person:t2")),
            "one person fills two places",
        ),
        (THREE_OUTSIDERS, changed(THREE_OUTSIDERS, 6, approvers=("person:t2",)), "ask for 2 approvals, not 1"),
        (HELP_DESK, changed(HELP_DESK, 6, rows=rows("groups.csv:7")), "is a membership of"),
        (KEY_IN_HAND, changed(KEY_IN_HAND, 3, needs=()), "'can use asset:vault-key' or 'can operate asset:vault-key'"),
        (GATE_GRANT, changed(GATE_GRANT, 4, rows=rows("grants.csv:4")), "standing access does not go through the gate"),
        (ENROLLED_PERMIT, changed(ENROLLED_PERMIT, 3, policy="shield"), "no permit has the id 'shield'"),
    ],
)
def test_a_fault_is_told_in_words(worked: Worked, steps: tuple[Step, ...], says: str) -> None:
    """Whoever checks a report would know that something is wrong, but not what."""
    assert any(says in fault for fault in faults(worked, steps)), faults(worked, steps)


def test_one_fault_is_told_once() -> None:
    """A wrong row near the start would bury the reader in faults that follow from it."""
    wrong = changed(HELP_DESK, 1, rows=rows("groups.csv:3"))
    assert len(faults(HELP_DESK, wrong)) == 1


# --- quorums, one condition at a time


def _quorum_of(terms: dict[str, object], home: list[str] | None = None, extra: str = "") -> Worked:
    """The first example with other terms; `extra` are rows of people."""
    made = THREE_OUTSIDERS.case
    people = [dict(row) for row in made.rows("people")] + [
        dict(zip(("id", "unit", "workplace"), row.split(","), strict=True)) for row in extra.split()
    ]
    tables = {**made.tables, "people": people}
    settings = {**made.settings, "terms": {"two-apart": terms}, **({"home": home} if home else {})}
    return replace(THREE_OUTSIDERS, case=replace(made, tables=tables, settings=settings))


_TERMS: dict[str, object] = {"approvals": 2, "approvers": "group:trust"}


@pytest.mark.parametrize(
    ("terms", "home", "accepted"),
    [
        ({**_TERMS, "apart": 2}, None, True),
        ({**_TERMS, "apart": 3}, None, False),
        ({**_TERMS, "apart": 3}, ["US", "IE", "SG"], True),
        ({**_TERMS, "apart": 4}, ["US", "IE", "SG"], False),
        ({**_TERMS, "distinct": ["unit", "workplace"]}, None, True),
        ({**_TERMS, "distinct": ["role"]}, None, False),
        ({**_TERMS, "distinct": ["name"]}, None, False),
        ({**_TERMS, "approvers": "everyone"}, None, True),
        ({**_TERMS, "approvers": "group:ops"}, None, False),
        ({**_TERMS, "approvals": 1}, None, False),
        ({**_TERMS, "approvals": 3}, None, False),
        ({**_TERMS, "from": [{"of": "group:trust", "count": 2}]}, None, True),
        ({**_TERMS, "from": [{"of": "group:ops", "count": 1}]}, None, False),
        ({**_TERMS, "from": [{"of": "person:t2", "count": 1}, {"of": "group:trust", "count": 1}]}, None, True),
        ({**_TERMS, "from": [{"of": "group:trust", "count": 1}, {"of": "person:t2", "count": 1}]}, None, True),
        ({**_TERMS, "from": [{"of": "person:t2", "count": 1}, {"of": "person:t1", "count": 1}]}, None, False),
        ({**_TERMS, "from": [{"of": "person:bo", "count": 1}]}, None, False),
    ],
)
def test_a_quorum_must_meet_every_condition(terms: dict[str, object], home: list[str] | None, accepted: bool) -> None:
    """A quorum that the gate would turn away would be printed as a way in, or the other way about."""
    assert (not faults(_quorum_of(terms, home))) is accepted


def test_whoever_has_no_value_is_distinct_from_nobody() -> None:
    """One unit that the tables do not tell could be that of anybody else in the quorum."""
    worked = _quorum_of({**_TERMS, "distinct": ["unit"]})
    assert faults(worked) == ()
    people = [{**row, "unit": "" if row["id"] == "t3" else row["unit"]} for row in worked.case.rows("people")]
    without = replace(worked.case, tables={**worked.case.tables, "people": people})
    assert any("or one has none" in fault for fault in faults(replace(worked, case=without)))


def test_whoever_can_operate_by_custody_can_do_all_else() -> None:
    """Custody of an asset would seem to give less than a grant of it."""
    operate = step("custody", "can operate asset:rack", at="assets.csv:3")
    steps = (operate, step("has", "can read asset:rack", "can operate asset:rack"))
    assert faults(OPEN_RACK, steps) == ()
    assert faults(OPEN_RACK, (step("custody", "can use asset:rack", at="assets.csv:3"), steps[1]))


def test_a_declared_tie_counts_against_apart_and_is_not_told() -> None:
    """A sealed tie would stand in a report, or a quorum would seem farther apart than the gate finds it."""
    made = THREE_OUTSIDERS.case
    tied = replace(made, tables={**made.tables, "declared": [{"person": "bo", "state": "IE"}]})
    found = faults(replace(THREE_OUTSIDERS, case=tied))
    assert found == ("step 7 (grant): only 1 of the quorum are not exposed to some state, where 2 must be",)
    without = {**made.settings, "bases": ["workplace", "residence", "employer", "owner", "travel"]}
    assert faults(replace(THREE_OUTSIDERS, case=replace(tied, settings=without))) == ()


def test_an_accomplice_must_be_outside_the_states_reach() -> None:
    """A length would count people whom the state can compel anyway."""
    made = THREE_OUTSIDERS.case
    abroad = {"person": "t2", "state": "HK", "from": "2026-11-22", "until": "2026-11-22"}
    settings = {**made.settings, "states": {"HK": ["CN"]}}
    travelling = replace(made, tables={**made.tables, "travel": [abroad]}, settings=settings)
    worked = replace(THREE_OUTSIDERS, case=travelling)
    assert any("so no accomplice" in fault for fault in faults(worked))
    assert faults(worked, at=AT + dt.timedelta(days=1)) == ()


@pytest.mark.parametrize(("day", "accepted"), [(19, False), (20, True), (22, True), (23, False), (25, False)])
def test_both_days_of_a_journey_count(day: int, accepted: bool) -> None:
    """Somebody would be compelled on a day on which they were not there, or not on one on which they were."""
    assert (not faults(ENROLLED_PERMIT, at=dt.date(2026, 11, day))) is accepted


@pytest.mark.parametrize("basis", ["workplace", "residence", "employer", "owner", "travel", "declared"])
def test_a_tie_counts_only_while_its_basis_does(basis: str) -> None:
    """An estate that leaves a basis out would be told of ties that it asked not to count."""
    for worked in WORKED:
        compelled = [s for s in worked.steps if s.rule == "compelled"]
        named = {"sealed": "declared"}
        uses = any(named.get(s.tie or "", s.tie) == basis for s in compelled)
        bases = [b.value for b in Basis if b.value != basis]
        other = replace(worked, case=replace(worked.case, settings={**worked.case.settings, "bases": bases}))
        assert bool(faults(other)) is uses, worked.name


# --- permits


def test_a_forbid_closes_a_permit() -> None:
    """A permit that the gate always refuses would be printed as a way in."""
    steps = list(ENROLLED_PERMIT.steps)
    steps[3] = replace(steps[3], fact=fact("can read asset:shielded"))
    claim = replace(ENROLLED_PERMIT, asset="shielded")
    assert any("holds it" in fault for fault in faults(claim, steps))


def test_a_permit_is_judged_by_the_groups_entered_by_enrolment() -> None:
    """A permit for a group that people can enrol themselves in would be held shut, or open without the enrolment."""
    without = changed(ENROLLED_PERMIT, 3, needs=(fact("acts person:x1"),))
    assert faults(ENROLLED_PERMIT, without)
    policy = (
        ENROLLED_PERMIT.case.policy + '\n@id("cleared-out") forbid(principal in Group::"cleared", action, resource);'
    )
    closed = replace(ENROLLED_PERMIT, case=replace(ENROLLED_PERMIT.case, policy=policy))
    assert faults(closed)


def test_any_group_set_in_between_may_open_a_permit() -> None:
    """A forbid on one enrolled group would hide a permit that the coalition can use by not entering that group."""
    policy = ENROLLED_PERMIT.case.policy.replace(
        '@id("shield")', '@id("enrol-barred") permit(principal, action == Action::"enroll", resource);\n@id("shield")'
    )
    made = replace(ENROLLED_PERMIT, case=replace(ENROLLED_PERMIT.case, policy=policy))
    steps = (
        *ENROLLED_PERMIT.steps[:3],
        step("permit", "enrolled group:barred", "acts person:x1", policy="enrol-barred", by="standing"),
        step("enrolled", "in person:x1 group:barred", "acts person:x1", "enrolled group:barred"),
        replace(ENROLLED_PERMIT.steps[3], needs=(*ENROLLED_PERMIT.steps[3].needs, fact("in person:x1 group:barred"))),
    )
    assert faults(made, steps) == ()


def test_a_permit_gives_exactly_the_asset_evaluated() -> None:
    """What lies within would be printed as open where only the policy's own `in` decides."""
    over = changed(LEGAL_EXPORT, 4, fact=fact("over export asset:archive-1"))
    has = step("has", "can export asset:archive-1", "over export asset:archive-1")
    assert any("no permit gives" in fault for fault in faults(LEGAL_EXPORT, (*over, has)))


def test_a_policy_deeper_than_json_is_still_judged() -> None:
    """A long condition would make every derivation of the estate uncheckable."""
    long = " && ".join(["context.ok"] * 600)
    policy = ENROLLED_PERMIT.case.policy + f'\n@id("long") permit(principal, action, resource) when {{ {long} }};'
    made = replace(ENROLLED_PERMIT, case=replace(ENROLLED_PERMIT.case, policy=policy))
    assert faults(made) == ()


def test_ids_that_cedar_escapes_are_judged() -> None:
    """Somebody called o'neill would have no permits."""
    made = case(
        policy='@id("p") permit(principal == Person::"o\'neill \\"x\\"", action == Action::"read", resource);',
        people='id,workplace\n"o\'neill ""x""",CN',
        assets="id\na\\b",
    )
    worked = Worked(
        name="odd ids",
        case=made,
        state="CN",
        action="read",
        asset="a\\b",
        accomplices=(),
        steps=(
            Step(
                rule="compelled",
                fact=("acts", 'person:o\'neill "x"'),
                rows=rows("people.csv:2"),
                tie="workplace",
            ),
            Step(
                rule="permit",
                fact=("can", "read", "asset:a\\b"),
                needs=(("acts", 'person:o\'neill "x"'),),
                policy="p",
                by="standing",
            ),
        ),
    )
    assert faults(worked) == ()


# --- the printed form


def _printed(worked: Worked) -> dict[str, object]:
    state, action, asset, accomplices = worked.asked()
    result = Result(
        state=state,
        action=action,
        asset=asset,
        length=Exact(length=len(accomplices)),
        accomplices=accomplices,
        floor=None,
        gaps=(),
    )
    text = "".join(document(worked.estate, Question(at=AT), [(result, worked.steps)]))
    found: dict[str, object] = json.loads(text)
    return found


@each
def test_printed_steps_read_back_the_same(worked: Worked) -> None:
    """A derivation could be checked where it was made, and nowhere else."""
    printed = json.loads(json.dumps(steps_document(worked.estate, worked.steps)))
    assert steps_from_json(printed, worked.estate) == worked.steps


@each
def test_a_printed_answer_can_be_checked_by_an_outsider(worked: Worked) -> None:
    """The customer would have to trust the program that made the report."""
    printed = _printed(worked)
    assert check_document(printed, worked.estate) == ()
    lie = copy.deepcopy(printed)
    lie["results"][0]["length"] = len(worked.accomplices) + 1  # type: ignore[index]
    assert any("outsiders are claimed" in fault for fault in check_document(lie, worked.estate))


def test_lines_that_quoted_breaks_shift_are_read_back() -> None:
    """A name with a line break in it would make every later row be taken for another."""
    made = case(
        people="id,workplace,name\nana,CN,A", assets="id\nt", grants="holder,action,target\nperson:bo,read,asset:t"
    )
    files = {**made.files(), "people.csv": b'id,workplace,name\nana,CN,"A\nna"\nbo,CN,Bo\n'}
    estate = parse(files).estate
    steps = (
        Step(rule="compelled", fact=("acts", "person:bo"), rows=(Row(file="people.csv", row=1),), tie="workplace"),
    )
    printed = steps_document(estate, steps)
    assert printed[0]["rows"] == [{"file": "people.csv", "row": 4}]
    assert steps_from_json(printed, estate) == steps
    printed[0]["rows"] = [{"file": "people.csv", "row": 3}]
    with pytest.raises(NotSteps, match="begins in line 3"):
        steps_from_json(printed, estate)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "steps: a list is expected"),
        (["grant"], r"steps\[0\]: an object is expected"),
        ([{"fact": ["gate"]}], r"steps\[0\].rule: a text"),
        ([{"rule": "gate"}], r"steps\[0\].fact: a list"),
        ([{"rule": "gate", "fact": ["gate", 1]}], r"steps\[0\].fact\[1\]: a text"),
        ([{"rule": "gate", "fact": "gate"}], r"steps\[0\].fact: a list"),
        ([{"rule": "gate", "fact": ["gate"], "needs": []}], r"an empty list is left out"),
        ([{"rule": "gate", "fact": ["gate"], "tie": None}], r"steps\[0\].tie: a text"),
        ([{"rule": "gate", "fact": ["gate"], "note": "x"}], "the key 'note' means nothing"),
        ([{"rule": "gate", "fact": ["gate"], "rows": [{"file": "grants.csv"}]}], "exactly the keys"),
        ([{"rule": "gate", "fact": ["gate"], "rows": [{"file": "x.csv", "row": 2}]}], "is no table"),
        ([{"rule": "gate", "fact": ["gate"], "rows": [{"file": "grants.csv", "row": 1}]}], "begins in line 1"),
        ([{"rule": "gate", "fact": ["gate"], "rows": [{"file": "grants.csv", "row": 99}]}], "begins in line 99"),
        ([{"rule": "gate", "fact": ["gate"], "rows": [{"file": "grants.csv", "row": True}]}], "number of a line"),
        ([{"rule": "gate", "fact": ["gate"], "rows": [{"file": "grants.csv", "row": 2.0}]}], "number of a line"),
    ],
)
def test_a_form_that_is_never_printed_is_refused(document: object, says: str) -> None:
    """Two texts would mean one derivation, and the one that was checked need not be the one that was read."""
    with pytest.raises(NotSteps, match=says):
        steps_from_json(document, FIRST_EXAMPLE.estate)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["gate", "grants.csv", "acts"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["rule", "fact", "needs", "rows", "file", "row", "by", "results", "at"]), inner
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_other_document_is_refused_in_words(document: object) -> None:
    """A hostile report would end in a traceback."""
    for read in (steps_from_json, check_document):
        try:
            read(document, SECOND_EXAMPLE.estate)
        except NotSteps as refusal:
            assert str(refusal)
