"""What policy says of a question, against Cedar asked permit by permit, and with everything that can go wrong."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Kind
from armslength.gate import Decider, Look, Open, Passage, PersonId, Question, Refused, Standing, Target, Why
from armslength.tlog import Json
from tests.gate.estates import decider, firm, question, with_policy
from tests.oracle.case import Case
from tests.oracle.estates import AT
from tests.oracle.world import POWERS, World, world

END = '@id("end") @terms("two-apart") permit (principal in Group::"ops", action == Action::"end", resource);'
FREE = '@id("free") permit (principal, action == Action::"look", resource is Asset);'
SHIELD = (
    '@id("shield") forbid (principal, action, resource is Asset)'
    " when { principal.states.containsAny(resource.shielded_from) };"
)
TYPES = {"person": "Person", "group": "Group", "asset": "Asset", "terms": "Terms"}


def why(look: Look) -> Why | None:
    return look.why if isinstance(look, Refused) else None


# --- the definition, permit by permit, over all policies and all entities -----------------------------------------


class Plain:
    """The same questions by the definition: each permit with all forbids, everything in the tables given."""

    def __init__(self, case: Case) -> None:
        self.case, self.world = case, world(case, AT)
        policies = json.loads(cedarpy.policies_to_json_str(case.policy))["staticPolicies"] if case.policy else {}
        self.forbids = {i: p for i, p in policies.items() if p["effect"] == "forbid"}
        self.permits = {i: p for i, p in policies.items() if p["effect"] == "permit"}

    def passages(self, q: Question) -> tuple[set[tuple[str, str | None]], bool, bool]:
        """Those of the permits, whether a forbid failed, and whether a permit did."""
        people = {q.executor, q.asker, *([q.author] if q.author else [])}
        joined = frozenset().union(*(self.world.exposure[p] for p in people))
        found, blind, broken = None, False, False
        for states in (self.world.exposure[q.executor], joined):
            entities = entities_of(self.world, q.executor, states)
            blind |= bool(self._asked(q, self.forbids, entities).diagnostics.errors)
            passed = set()
            for number, permit in self.permits.items():
                alone = self._asked(q, {number: permit}, entities)
                answer = self._asked(q, {number: permit, **self.forbids}, entities)
                broken |= bool(alone.diagnostics.errors)
                if answer.allowed and not answer.diagnostics.errors:
                    notes = permit["annotations"]
                    passed.add((notes["id"], notes.get("terms")))
            found = passed if found is None else found & passed
        return found or set(), blind, broken

    def _asked(self, q: Question, policies: dict[str, Any], entities: str) -> cedarpy.AuthzResult:
        whole = json.dumps({"templates": {}, "staticPolicies": policies, "templateLinks": []})
        asked = {
            "principal": {"type": "Person", "id": q.executor},
            "action": {"type": "Action", "id": q.action},
            "resource": {"type": TYPES[q.resource.type], "id": q.resource.id},
            "context": dict(q.context),
        }
        return cedarpy.is_authorized(asked, cedarpy.PolicySet.from_json_str(whole), entities)

    def grants(self, q: Question) -> set[str]:
        """The terms of the grants that give it."""
        known = self.world
        over = {("asset", t) for t, beneath in known.beneath.items() if q.resource.id in beneath}
        over |= {("class", known.of_class[t]) for _, t in over}
        aims = {
            "asset": over,
            "person": {("person", q.resource.id)} | {("group", g) for g in known.member.get(q.resource.id, ())},
        }.get(q.resource.type, {(q.resource.type, q.resource.id)})
        return {
            grant.terms
            for grant in known.grants
            if grant.terms and grant.action == q.action and grant.target in aims and holds(known, q, grant.holder)
        }


def holds(known: World, q: Question, holder: tuple[str, str]) -> bool:
    kind, name = holder
    return kind == "everyone" or name == q.executor or (kind == "group" and name in known.member[q.executor])


def entities_of(known: World, who: str, states: frozenset[str]) -> str:
    def entity(kind: str, name: str, attrs: dict[str, Any], parents: list[tuple[str, str]]) -> dict[str, Any]:
        return {
            "uid": {"type": kind, "id": name},
            "attrs": attrs,
            "parents": [{"type": k, "id": n} for k, n in parents],
        }

    every = [
        entity(
            "Person",
            p,
            {
                "states": sorted(states if p == who else known.exposure[p]),
                "unit": known.cells[p].get("unit", ""),
                "entity": known.cells[p].get("entity", ""),
            },
            [("Group", g) for g in known.member[p]],
        )
        for p in known.people
    ]
    every += [entity("Group", g, {}, []) for g in known.above] + [entity("Terms", r, {}, []) for r in known.terms]
    every += [entity("Class", c, {}, []) for c in {*known.of_class.values()} - {""}]
    for t, c in known.of_class.items():
        attrs = {"hosted_in": sorted(known.hosted_in[t]), "shielded_from": sorted(known.shielded_from[t])}
        above = [("Class", c)] if c else []
        every.append(entity("Asset", t, attrs, above + ([("Asset", known.parent[t])] if known.parent[t] else [])))
    return json.dumps(every)


CONTEXTS: tuple[dict[str, Json], ...] = (
    {},
    {"ticket": True, "urgent": True},
    {"ticket": "t1"},
    {"urgent": "yes", "ticket": False},
    {"ticket": {"a": [1, "é"]}},
)


def questions(known: World, random: Random, count: int) -> Iterator[Question]:
    actions = sorted({g.action for g in known.grants} | {"read", "export", "use", "delete"} | POWERS)
    people = list(known.people)
    targets = [("asset", t) for t in known.beneath] + [("group", g) for g in known.above]
    targets += [("person", p) for p in people] + [("terms", r) for r in known.terms]
    for _ in range(count):
        action = random.choice(actions)
        kinds = {"enroll": {"group"}, "assume": {"person", "group"}, "amend": {"terms"}}.get(action, {"asset"})
        fitting = [one for one in targets if one[0] in kinds]
        if not fitting:
            continue
        kind, name = random.choice(fitting)
        who, asker = random.choice(people), random.choice(people)
        yield Question(
            executor=PersonId(who),
            asker=PersonId(asker if random.random() < 0.4 else who),
            author=PersonId(random.choice(people)) if random.random() < 0.3 else None,
            action=action,
            resource=Target(type=kind, id=name),
            context=random.choice(CONTEXTS),
        )


def agrees(made: Decider, plain: Plain, q: Question) -> None:
    look = made.look(q)
    if q.action not in made.estate.actions:
        assert why(look) is Why.UNKNOWN_ACTION
        return
    permits, blind, broken = plain.passages(q)
    grants = plain.grants(q)
    if blind:
        assert why(look) is Why.ERROR, q
    elif any(terms is None for _, terms in permits):
        assert isinstance(look, Standing) and (look.passage.rule, None) in permits, q
    elif permits or grants:
        assert isinstance(look, Open), (q, look)
        ways = {(one.rule, one.terms) for one in look.passages}
        assert {way for way in ways if not way[0].startswith("grants:")} == permits, q
        assert {terms for rule, terms in ways if rule.startswith("grants:")} == grants, q
    else:
        assert isinstance(look, Refused), q
        assert look.why in ((Why.ERROR, Why.FORBIDDEN) if broken else (Why.FORBIDDEN, Why.NO_RULE)), (q, look)


@given(st.integers(0, 1_000_000))
def test_looks_are_those_of_the_definition(seed: int) -> None:
    """Slices, kept entities and joined states are there for speed; a policy left out by them would decide nothing."""
    case = with_policy(seed)
    made, plain = decider(case), Plain(case)
    for q in questions(plain.world, Random(seed), 12):
        agrees(made, plain, q)


@given(st.integers(0, 1_000_000))
def test_a_slice_answers_as_the_whole(seed: int) -> None:
    """A forbid that stays out of its slice would forbid nothing."""
    case = with_policy(seed)
    made = decider(case)
    whole, random = made.slices.whole(), Random(seed)
    for q in questions(world(case, AT), random, 12):
        if q.action not in made.estate.actions:
            continue
        kind = Kind[q.resource.type.upper()]
        asked = {
            "principal": {"type": "Person", "id": q.executor},
            "action": {"type": "Action", "id": q.action},
            "resource": {"type": TYPES[q.resource.type], "id": q.resource.id},
            "context": json.dumps(dict(q.context)),
        }
        places = (Kind.PERSON, made.roster.places[q.executor]), (kind, made.entities.find(kind, q.resource.id))
        scopes = [made.slices.scopes(made.entities.uid(*one), made.entities.above(*one)) for one in places]
        some = made.slices.of(q.action, kind, *scopes)
        assert some.ask(asked, made.entities.whole) == whole.ask(asked, made.entities.whole)


# --- what a look says ---------------------------------------------------------------------------------------------


def test_a_permit_with_terms_is_open_and_without_is_standing() -> None:
    """Access that needs a quorum would be had alone."""
    made = decider(firm(END + FREE))
    assert made.look(question("bo")) == Open(passages=(Passage(rule="end", terms="two-apart"),))
    assert made.look(question("ana", "look")) == Standing(passage=Passage(rule="free", terms=None))
    assert Decider.reasons(made.look(question("bo"))) == ("end",)


def test_a_grant_with_terms_reaches_what_lies_within_and_no_other_action() -> None:
    """`operate` is past the gate; a lease for it must not be a lease for everything."""
    assets = {"dc": {"class": "rooms"}, "meetings-us": {"within": "dc"}, "other": {}}
    grants = ["group:ops operate asset:dc two-apart", "person:ana end class:rooms two-apart"]
    made = decider(firm(grants=grants, assets=assets))
    assert made.look(question("bo", "operate")) == Open(passages=(Passage(rule="grants:2", terms="two-apart"),))
    assert isinstance(made.look(question("ana")), Open)
    assert why(made.look(question("bo", "end"))) is Why.NO_RULE
    assert why(made.look(question("bo", "operate", "asset:other"))) is Why.NO_RULE


def test_a_standing_grant_is_not_the_gates_to_give() -> None:
    """A person would take the gate's word for access that no quorum and no record stands behind."""
    made = decider(firm(grants=["group:ops end asset:meetings-us"]))
    look = made.look(question("bo"))
    assert isinstance(look, Refused) and look.why is Why.NO_RULE and "outside the gate" in look.says


@pytest.mark.parametrize(
    ("grant", "q"),
    [
        ("group:ops enroll group:trust two-apart", question("bo", "enroll", "group:trust")),
        ("group:ops assume person:ana two-apart", question("bo", "assume", "person:ana")),
        ("group:ops assume group:liaison two-apart", question("bo", "assume", "person:ana")),
        ("group:ops assume group:liaison two-apart", question("bo", "assume", "group:liaison")),
        ("everyone amend terms:two-apart two-apart", question("bo", "amend", "terms:two-apart")),
    ],
)
def test_powers_are_asked_for_on_their_targets(grant: str, q: Question) -> None:
    """The help desk's reset would have no way through the gate, and be done round it."""
    made = decider(firm(grants=[grant]))
    assert isinstance(made.look(q), Open)
    assert why(made.look(replace(q, executor=PersonId("ana"), asker=PersonId("ana")))) in (
        (None,) if grant.startswith("everyone") else (Why.NO_RULE,)
    )


def test_a_forbid_stops_permits_and_not_grants() -> None:
    """The definition says so; the gate that reads it another way refuses what reach reports, or the reverse."""
    made = decider(firm(END.replace('in Group::"ops"', "") + SHIELD, ["person:ana end asset:meetings-us two-apart"]))
    assert made.look(question("ana")) == Open(passages=(Passage(rule="grants:2", terms="two-apart"),))
    assert isinstance(made.look(question("bo")), Open)
    bare = decider(firm(END.replace('in Group::"ops"', "") + SHIELD)).look(question("ana"))
    assert isinstance(bare, Refused) and (bare.why, bare.rules) == (Why.FORBIDDEN, ("shield",))


def test_a_forbid_is_told_of_only_where_it_stands_in_the_way() -> None:
    """Of two people whom no rule gives anything, whoever asks about both would learn which of them declared a tie."""
    made = decider(firm(END + SHIELD))
    ana, other = made.look(question("ana")), made.look(question("gus"))
    assert isinstance(ana, Refused) and ana == other and ana.why is Why.NO_RULE and not ana.rules


def test_borrowed_hands_inherit_the_limits_of_who_asks() -> None:
    """The case this project grew from: the compelled liaison asked a colleague who had access."""
    made = decider(firm(END + SHIELD))
    assert isinstance(made.look(question("bo")), Open)
    assert why(made.look(question("bo", asker="ana"))) is Why.FORBIDDEN
    assert why(made.look(question("bo", asker="cy", author="ana"))) is Why.FORBIDDEN
    assert isinstance(made.look(question("bo", asker="di", author="cy")), Open)


def test_borrowed_hands_gain_nothing_from_who_asks() -> None:
    """A permit for people of some state would be had by naming an asker from there."""
    policy = (
        '@id("irish") @terms("two-apart") permit (principal, action == Action::"end", resource)'
        ' when { principal.states.contains("IE") };'
    )
    made = decider(firm(policy))
    assert isinstance(made.look(question("di")), Open)
    assert why(made.look(question("bo", asker="di"))) is Why.NO_RULE


# --- what goes wrong is a refusal ---------------------------------------------------------------------------------


def test_a_forbid_that_fails_refuses_everything() -> None:
    """Cedar skips it and allows: whoever leaves a member out of the context would walk past the forbid."""
    forbid = '@id("unless") forbid (principal, action, resource) unless { context.ticket.open };'
    made = decider(firm(END + forbid, ["group:ops end asset:meetings-us two-apart"]))
    bad: list[dict[str, Json]] = [{}, {"ticket": 1}, {"ticket": {}}, {"ticket": {"open": "yes"}}]
    for context in bad:
        look = made.look(question("bo", context=context))
        assert isinstance(look, Refused) and (look.why, look.rules) == (Why.ERROR, ("unless",)), context
    assert isinstance(made.look(question("bo", context={"ticket": {"open": True}})), Open)


def test_a_permit_that_fails_is_not_satisfied_and_is_told() -> None:
    """Somebody who left out the ticket would not learn that it is all that is missing."""
    permit = (
        '@id("ticket") @terms("two-apart") permit (principal, action == Action::"end", resource)'
        ' when { context.ticket == "t" };'
    )
    look = decider(firm(permit)).look(question("bo"))
    assert isinstance(look, Refused) and look.why is Why.ERROR and look.rules == ("ticket",) and "ticket" in look.says
    assert decider(firm(permit + END)).look(question("bo")) == Open(passages=(Passage(rule="end", terms="two-apart"),))


def test_a_forbid_that_fails_only_for_joined_states_refuses() -> None:
    """What is evaluated a second time would be trusted from the first."""
    forbid = (
        '@id("odd") forbid (principal, action, resource)'
        ' when { principal.states.contains("CN") && context.nothing.at.all };'
    )
    made = decider(firm(END + forbid))
    assert isinstance(made.look(question("bo")), Open)
    look = made.look(question("bo", asker="ana"))
    assert isinstance(look, Refused) and look.why is Why.ERROR and look.rules == ("odd",)


def test_a_permit_that_fails_only_for_joined_states_is_not_satisfied() -> None:
    """As above, for a permit."""
    permit = (
        '@id("odd") permit (principal, action == Action::"end", resource)'
        ' when { !(principal.states.contains("CN") && context.nothing.at.all) };'
    )
    made = decider(firm(permit))
    assert isinstance(made.look(question("bo")), Standing)
    assert why(made.look(question("bo", asker="ana"))) is Why.ERROR


@pytest.mark.parametrize(
    ("q", "reason"),
    [
        (question("nobody"), Why.UNKNOWN_SUBJECT),
        (question("bo", asker="nobody"), Why.UNKNOWN_SUBJECT),
        (question("bo", author="nobody"), Why.UNKNOWN_SUBJECT),
        (question(""), Why.UNKNOWN_SUBJECT),
        (question('bo" || true'), Why.UNKNOWN_SUBJECT),
        (question("BO"), Why.UNKNOWN_SUBJECT),
        (question("bo", on="asset:none"), Why.UNKNOWN_RESOURCE),
        (question("bo", on="person:meetings-us"), Why.UNKNOWN_RESOURCE),
        (question("bo", on="asset:bo"), Why.UNKNOWN_RESOURCE),
        (question("bo", on="class:rooms"), Why.UNKNOWN_RESOURCE),
        (question("bo", on="Asset:meetings-us"), Why.UNKNOWN_RESOURCE),
        (question("bo", "nothing"), Why.UNKNOWN_ACTION),
        (question("bo", "End"), Why.UNKNOWN_ACTION),
        (question("bo", "end", "person:ana"), Why.UNKNOWN_ACTION),
        (question("bo", "enroll"), Why.UNKNOWN_ACTION),
        (question("bo", "end", "terms:two-apart"), Why.UNKNOWN_ACTION),
        (question("bo\ud800"), Why.UNKNOWN_SUBJECT),
        (question("x" * 100_000), Why.UNKNOWN_SUBJECT),
    ],
)
def test_what_nobody_knows_is_refused(q: Question, reason: Why) -> None:
    """A permit for everyone, on anything, would be open to names that were made up."""
    made = decider(firm('@id("all") permit (principal, action, resource);' + END))
    look = made.look(q)
    assert isinstance(look, Refused) and look.why is reason
    assert len(look.says) < 400 and look.says.isprintable()
    assert isinstance(made.look(question("bo")), Standing)


def deep(levels: int) -> Json:
    value: Json = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "context",
    [
        {"a": None},
        {"a": 1.5},
        {"a": float("nan")},
        {"a": 2**63},
        {"a": {"__entity": {"type": "Person", "id": "di"}}},
        {"a": [{"__extn": {"fn": "ip", "arg": "10.0.0.1"}}]},
        {"__entity": {"type": "Person", "id": "di"}},
        {"a": b"bytes"},
        {"a": dt.date(2026, 1, 1)},
        {"a": {"b": {1, 2}}},
        {"a": "\ud800"},
        {"a": deep(200)},
        {"a": deep(5000)},
    ],
)
def test_a_context_that_policies_cannot_read_refuses(context: dict[str, Json]) -> None:
    """What was signed and what policy looked at would be two things, or an odd value would stop the gate."""
    for policy in (END, END + FREE, ""):
        made = decider(firm(policy, ["group:ops end asset:meetings-us two-apart"]))
        look = made.look(question("bo", context=context))
        assert isinstance(look, Refused) and look.why is Why.ERROR


def test_a_context_is_read_as_it_is() -> None:
    """A member that was lost on the way would turn a forbid off."""
    policy = END + (
        '@id("f") forbid (principal, action, resource) when { context has "é _ \\"q\\"" '
        '&& context["é _ \\"q\\""].contains("__x") };'
    )
    made = decider(firm(policy))
    assert why(made.look(question("bo", context={'é _ "q"': ["__x"]}))) is Why.FORBIDDEN
    assert isinstance(made.look(question("bo", context={'é _ "q"': ["x"], "n": -(2**63), "b": [True, {}]})), Open)


NAMES = ['a"b', "a'b", "é\u202e", "a\\b", "x:y/z", "日本", "a b", "Person::x", "\u00a0x".strip(), "a\tb"]


@pytest.mark.parametrize("name", NAMES)
def test_odd_ids_are_themselves(name: str) -> None:
    """An id with a quote in it would be read by Cedar as another person, or as none."""
    literal = json.dumps(name, ensure_ascii=False).replace("'", "\\'")
    policy = f'@id("p") permit (principal == Person::{literal}, action == Action::"end", resource == Asset::{literal});'
    made = decider(firm(policy, people={name: {"workplace": "US"}}, assets={name: {}, "meetings-us": {}}))
    assert isinstance(made.look(question(name, on=f"asset:{name}")), Standing)
    assert isinstance(made.look(question(name, asker="ana", on=f"asset:{name}")), Standing)
    assert why(made.look(question("bo", on=f"asset:{name}"))) is Why.NO_RULE
    assert why(made.look(question(name))) is Why.NO_RULE


def test_groups_in_a_circle_are_groups() -> None:
    """Cedar takes no circles; an estate that has one would have no gate."""
    rows = [
        {"group": "a", "member": "group:b"},
        {"group": "b", "member": "group:a"},
        {"group": "b", "member": "person:bo"},
    ]
    case = firm('@id("p") permit (principal in Group::"a", action == Action::"end", resource);')
    made = decider(replace(case, tables={**case.tables, "groups": [*case.rows("groups"), *rows]}))
    assert isinstance(made.look(question("bo")), Standing)
    assert why(made.look(question("ana"))) is Why.NO_RULE


def test_a_group_that_no_policy_names_is_seen_where_it_is_the_resource() -> None:
    """Members would enroll others in their own group, past the forbid that speaks of any group."""
    forbid = '@id("own") forbid (principal, action == Action::"enroll", resource) when { principal in resource };'
    grants = '@id("all") permit (principal, action == Action::"enroll", resource is Group);'
    made = decider(firm(grants + forbid, groups={"safe": "group:trust"}))
    assert why(made.look(question("di", "enroll", "group:trust"))) is Why.FORBIDDEN
    assert why(made.look(question("di", "enroll", "group:safe"))) is Why.FORBIDDEN
    assert why(made.look(question("bo", "enroll", "group:safe", asker="di"))) is None
    assert isinstance(made.look(question("di", "enroll", "group:ops")), Standing)
    assert "di" not in made.subjects("enroll", Target(type="group", id="safe"), {})
    assert made.resources(PersonId("bo"), "enroll", {}, "group") == tuple(
        Target(type="group", id=name) for name in ("liaison", "safe", "trust")
    )


def test_a_person_named_in_a_condition_is_seen_with_the_group_that_is_the_resource() -> None:
    """As above, for somebody whom the policy names."""
    forbid = '@id("f") forbid (principal, action, resource) when { Person::"di" in resource };'
    made = decider(firm('@id("all") permit (principal, action == Action::"enroll", resource is Group);' + forbid))
    assert why(made.look(question("bo", "enroll", "group:trust"))) is Why.FORBIDDEN
    assert isinstance(made.look(question("bo", "enroll", "group:ops")), Standing)


def test_of_a_thousand_policies_a_few_are_asked() -> None:
    """Every decision would cost as much as all policies together."""
    groups = {f"g{n}": "bo" if n % 10 == 0 else "di" for n in range(100)}
    assets = {"meetings-us": {}, **{f"a{n}": {"class": f"c{n}"} for n in range(10)}}
    policy = "".join(
        f'@id("p{n}") permit (principal in Group::"g{n % 100}", action == Action::"act{n // 100}",'
        f' resource in Class::"c{n % 7}");'
        for n in range(1000)
    )
    made = decider(firm(policy + SHIELD, groups=groups, assets=assets))
    assert made.look(question("bo", "act3", "asset:a0")) == Standing(passage=Passage(rule="p350", terms=None))
    place = made.entities.find(Kind.ASSET, "a0")
    assert place is not None
    scopes = [
        made.slices.scopes(made.entities.uid(*one), made.entities.above(*one))
        for one in ((Kind.PERSON, made.roster.places["bo"]), (Kind.ASSET, place))
    ]
    assert len(made.slices.of("act3", Kind.ASSET, *scopes).members) <= 4


def test_a_policy_as_deep_as_estates_allow_is_decided() -> None:
    """A long chain of conditions would overflow Cedar's reader, and its forbid be lost."""
    chain = " || ".join(f'context.a == "{n}"' for n in range(90))
    made = decider(firm(END + f'@id("deep") forbid (principal, action, resource) when {{ {chain} }};'))
    assert why(made.look(question("bo", context={"a": "89"}))) is Why.FORBIDDEN
    assert isinstance(made.look(question("bo", context={"a": "x"})), Open)
    assert why(made.look(question("bo"))) is Why.ERROR


class Fails(Mapping[str, Json]):
    """A context that cannot be read to its end."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __getitem__(self, key: str) -> Json:
        raise self._error

    def __iter__(self) -> Iterator[str]:
        raise self._error

    def __len__(self) -> int:
        return 1


def test_any_error_refuses_and_the_end_of_the_program_does_not_wait() -> None:
    """An error that nobody thought of would be answered by whoever called, perhaps with yes."""
    made = decider(firm(END))
    # What a panic inside Cedar is raised as.
    panic = type("PanicException", (BaseException,), {})
    for error in (ValueError(), RecursionError(), MemoryError(), KeyError("x"), OSError(), panic()):
        assert why(made.look(replace(question("bo"), context=Fails(error)))) is Why.ERROR
    assert why(made.look(replace(question("bo"), executor=["bo"]))) is Why.ERROR  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        made.look(replace(question("bo"), context=Fails(KeyboardInterrupt())))


# --- rows that are too old ----------------------------------------------------------------------------------------


def dated(case: Case, table: str, dates: dict[str, str]) -> Case:
    """The case with `as_of` in a table, by what stands in the row's first column, or the member's."""
    rows = [
        {**row, "as_of": dates[key]} if (key := row.get("member", row[next(iter(row))])) in dates else row
        for row in case.rows(table)
    ]
    return replace(case, tables={**case.tables, table: rows})


OLD, FRESH, TODAY_PLUS_TWO = "2026-10-01", "2026-11-20", "2026-11-24"


@pytest.mark.parametrize(
    ("table", "of", "q"),
    [
        ("people", "bo", question("bo")),
        ("people", "di", question("bo", asker="di")),
        ("people", "di", question("bo", author="di")),
        ("groups", "person:bo", question("bo")),
        ("assets", "meetings-us", question("bo")),
        ("assets", "dc", question("bo")),
        ("entities", "owner", question("bo")),
        ("people", "ana", question("bo", "assume", "person:ana")),
    ],
)
def test_a_row_that_is_too_old_refuses(table: str, of: str, q: Question) -> None:
    """Somebody who moved or left a month ago would still be let in as they were."""
    case = firm(
        END + '@id("help") @terms("two-apart") permit (principal, action == Action::"assume", resource);',
        assets={"dc": {}, "meetings-us": {"within": "dc"}},
        people={"bo": {"workplace": "US", "unit": "ops", "entity": "firm"}},
        entities=[{"id": "owner", "state": "US"}, {"id": "firm", "state": "US", "parent": "owner"}],
    )
    assert isinstance(decider(dated(case, table, {of: FRESH}), limit=30).look(q), Open)
    assert isinstance(decider(dated(case, table, {of: OLD})).look(q), Open)
    assert why(decider(dated(case, table, {of: OLD}), limit=30).look(q)) is Why.STALE
    assert why(decider(dated(case, table, {of: TODAY_PLUS_TWO}), limit=30).look(q)) is Why.STALE


def test_a_nested_membership_that_is_too_old_refuses() -> None:
    """The group one is in is fresh; the row that puts it in the other is what the permit rests on."""
    case = firm(END, groups={"ops": "group:night", "night": "person:bo"})
    assert isinstance(decider(dated(case, "groups", {"group:night": FRESH}), limit=30).look(question("bo")), Open)
    assert why(decider(dated(case, "groups", {"group:night": OLD}), limit=30).look(question("bo"))) is Why.STALE


def test_a_row_without_a_date_is_as_old_as_its_estate() -> None:
    """Tables without dates would never grow old."""
    case = firm(END)
    assert isinstance(decider(case, limit=30, day=AT + dt.timedelta(days=30)).look(question("bo")), Open)
    assert why(decider(case, limit=30, day=AT + dt.timedelta(days=31)).look(question("bo"))) is Why.STALE


# --- searches and threads -----------------------------------------------------------------------------------------


@given(st.integers(0, 1_000_000))
def test_searches_find_those_whom_a_look_lets_pass(seed: int) -> None:
    """Somebody would be told of access that they are refused, or not told of what they could ask for."""
    case = with_policy(seed)
    made, random = decider(case), Random(seed)
    for q in questions(world(case, AT), random, 4):
        alone = replace(q, asker=q.executor, author=None)
        for opened, kind in ((False, Standing), (True, Open)):
            people = [PersonId(p) for p in made.estate.people.ids]
            assert made.subjects(q.action, q.resource, q.context, opened=opened) == tuple(
                p for p in people if isinstance(made.look(replace(alone, executor=p, asker=p)), kind)
            )
            type_ = q.resource.type
            ids = {
                "asset": made.estate.assets.ids,
                "group": made.estate.groups.ids,
                "person": made.estate.people.ids,
                "terms": tuple(terms.id for terms in made.estate.settings.terms),
            }[type_]
            targets = [Target(type=type_, id=name) for name in ids]
            assert made.resources(q.executor, q.action, q.context, type_, opened=opened) == tuple(
                t for t in targets if isinstance(made.look(replace(alone, resource=t)), kind)
            )
            assert made.actions(q.executor, q.resource, q.context, opened=opened) == tuple(
                a for a in made.estate.actions if isinstance(made.look(replace(alone, action=a)), kind)
            )


def test_a_search_for_what_nobody_knows_finds_nothing() -> None:
    """A misspelt name would be answered with everybody."""
    made = decider(firm('@id("all") permit (principal, action, resource);'))
    assert made.subjects("end", Target(type="asset", id="none"), {}) == ()
    assert made.subjects("none", Target(type="asset", id="meetings-us"), {}) == ()
    assert made.resources(PersonId("none"), "operate", {}, "asset") == ()
    assert made.resources(PersonId("bo"), "operate", {}, "class") == ()
    assert made.actions(PersonId("none"), Target(type="asset", id="meetings-us"), {}) == ()
    assert made.subjects("operate", Target(type="asset", id="meetings-us"), {"a": None}) == ()


def test_a_search_looks_at_what_is_too_old() -> None:
    """Search would promise what a look refuses."""
    made = decider(dated(firm(FREE), "people", {"bo": OLD}), limit=30)
    assert "bo" not in made.subjects("look", Target(type="asset", id="meetings-us"), {})
    assert "di" in made.subjects("look", Target(type="asset", id="meetings-us"), {})


def test_a_search_tells_who_is_known_from_long_ago_from_people_like_them() -> None:
    """As above, where another has the same attributes and was confirmed today."""
    cells = {"workplace": "US", "unit": "us"}
    made = decider(dated(firm(FREE, people={"cy": cells, "fay": cells}), "people", {"fay": OLD}), limit=30)
    found = made.subjects("look", Target(type="asset", id="meetings-us"), {})
    assert "cy" in found and "fay" not in found


def test_threads_get_the_same_answers() -> None:
    """Two workers that share a decider would see each other's halves of a kept answer."""
    case = with_policy(7)
    asked = list(questions(world(case, AT), Random(1), 60))
    expected = [decider(case).look(q) for q in asked]
    shared, found = decider(case), [[] for _ in range(4)]  # type: ignore[var-annotated]

    def run(n: int) -> None:
        for _ in range(5):
            found[n].append([shared.look(q) for q in asked])

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one == expected for some in found for one in some)
