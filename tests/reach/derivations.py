"""Derivations written by hand: the worked examples of the definition, and one for every other rule.

Each follows from its estate; the tests of the checker forge them in every way, those of the reports print them.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import json
from dataclasses import dataclass, field
from typing import Any

from armslength.estate import Estate, parse
from armslength.reach.result import Fact, Row, Step
from tests.oracle import Case

AT = dt.date(2026, 11, 22)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """A derivation that says: `state` has `action` on `asset` with just these accomplices."""

    name: str
    case: Case
    state: str
    action: str
    asset: str
    accomplices: tuple[str, ...]
    steps: tuple[Step, ...]
    estate: Estate = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "estate", _parsed(json.dumps([self.case.tables, self.case.settings]), self.case.policy)
        )

    def asked(self) -> tuple[int, int, int, tuple[int, ...]]:
        """State, action, asset and accomplices as indexes."""
        estate = self.estate
        return (
            [str(state) for state in estate.states].index(self.state),
            estate.actions.index(self.action),
            estate.assets.ids.index(self.asset),
            tuple(estate.people.ids.index(p) for p in self.accomplices),
        )


@functools.cache
def _parsed(rows: str, policy: str) -> Estate:
    tables, settings = json.loads(rows)
    return parse(Case(tables=tables, settings=settings, policy=policy).files()).estate


def case(settings: dict[str, Any] | None = None, policy: str = "", **tables: str) -> Case:
    """A case from tables in CSV, spaces around cells not counting."""
    read = {
        name: [
            {column.strip(): cell.strip() for column, cell in row.items() if cell.strip()}
            for row in csv.DictReader(io.StringIO(text.strip()))
        ]
        for name, text in tables.items()
    }
    return Case(tables=read, settings={"name": "Meridian Meetings", **(settings or {})}, policy=policy)


def fact(text: str) -> Fact:
    return tuple(text.split())


def rows(text: str) -> tuple[Row, ...]:
    """`groups.csv:3 groups.csv:5`, by line in the file."""
    places = (place.rsplit(":", 1) for place in text.split())
    return tuple(Row(file=file, row=int(line) - 2) for file, line in places)


def step(rule: str, says: str, *needs: str, at: str = "", approvers: str = "", **more: str) -> Step:
    """`needs` are facts as text, `at` the rows."""
    return Step(
        rule=rule,
        fact=fact(says),
        needs=tuple(map(fact, needs)),
        rows=rows(at),
        approvers=tuple(approvers.split()),
        **more,
    )


_PEOPLE = """
id,unit,role,workplace,name
ana,liaison,liaison officer,CN,Ana Li
bo,sre,site reliability engineer,US,Bo Ek
t1,u1,trust reviewer,US,
t2,u2,trust reviewer,IE,
t3,u3,trust reviewer,SG,
t4,u4,trust reviewer,IE,
t5,u5,trust reviewer,SG,
"""
_GROUPS = """
group,member
liaison,person:ana
ops,person:bo
trust,person:t1
trust,person:t2
trust,person:t3
trust,person:t4
trust,person:t5
"""
_ASSETS = "id,class\nmeetings-us,meetings"
_APART = {"approvals": 2, "approvers": "group:trust", "apart": 2, "distinct": ["unit"]}

_BO_STANDING = case(
    people=_PEOPLE, groups=_GROUPS, assets=_ASSETS, grants="holder,action,target\ngroup:ops,terminate,asset:meetings-us"
)
_BO_APART = case(
    {"terms": {"two-apart": _APART}},
    people=_PEOPLE,
    groups=_GROUPS,
    assets=_ASSETS,
    grants="holder,action,target,terms\ngroup:ops,terminate,asset:meetings-us,two-apart",
)
_QUORUM = step(
    "grant",
    "over terminate asset:meetings-us",
    "acts person:bo",
    "in person:bo group:ops",
    "acts person:t2",
    "in person:t2 group:trust",
    "acts person:t3",
    "in person:t3 group:trust",
    at="grants.csv:2",
    by="quorum",
    requester="person:bo",
    approvers="person:t2 person:t3",
)
_TRUSTED = (
    step("accomplice", "acts person:t2"),
    step("accomplice", "acts person:t3"),
    step("member", "in person:bo group:ops", at="groups.csv:3"),
    step("member", "in person:t2 group:trust", at="groups.csv:5"),
    step("member", "in person:t3 group:trust", at="groups.csv:6"),
    _QUORUM,
    step("has", "can terminate asset:meetings-us", "over terminate asset:meetings-us"),
)

FIRST_EXAMPLE = Worked(
    name="first example, standing access",
    case=_BO_STANDING,
    state="CN",
    action="terminate",
    asset="meetings-us",
    accomplices=("bo",),
    steps=(
        step("accomplice", "acts person:bo"),
        step("member", "in person:bo group:ops", at="groups.csv:3"),
        step(
            "grant",
            "over terminate asset:meetings-us",
            "acts person:bo",
            "in person:bo group:ops",
            at="grants.csv:2",
            by="standing",
            requester="person:bo",
        ),
        step("has", "can terminate asset:meetings-us", "over terminate asset:meetings-us"),
    ),
)
THREE_OUTSIDERS = Worked(
    name="first example, two-apart, from outside",
    case=_BO_APART,
    state="CN",
    action="terminate",
    asset="meetings-us",
    accomplices=("bo", "t2", "t3"),
    steps=(step("accomplice", "acts person:bo"), *_TRUSTED),
)
US_ORDER = Worked(
    name="first example, two-apart, an order at home",
    case=_BO_APART,
    state="US",
    action="terminate",
    asset="meetings-us",
    accomplices=("t2", "t3"),
    steps=(step("compelled", "acts person:bo", at="people.csv:3", tie="workplace"), *_TRUSTED),
)
SECOND_EXAMPLE = Worked(
    name="second example, compelled people enrol themselves",
    case=case(
        {"terms": {"two-apart": {**_APART, "apart": 1}}},
        people=_PEOPLE + "lead,gov,team lead,CN,",
        groups=_GROUPS,
        assets=_ASSETS,
        grants="""
holder,action,target,terms
group:ops,terminate,asset:meetings-us,two-apart
person:lead,enroll,group:trust,
person:lead,enroll,group:ops,
""",
    ),
    state="CN",
    action="terminate",
    asset="meetings-us",
    accomplices=("t2",),
    steps=(
        step("compelled", "acts person:ana", at="people.csv:2", tie="workplace"),
        step("compelled", "acts person:lead", at="people.csv:9", tie="workplace"),
        step("accomplice", "acts person:t2"),
        step(
            "grant",
            "enrolled group:trust",
            "acts person:lead",
            at="grants.csv:3",
            by="standing",
            requester="person:lead",
        ),
        step(
            "grant", "enrolled group:ops", "acts person:lead", at="grants.csv:4", by="standing", requester="person:lead"
        ),
        step("enrolled", "in person:ana group:ops", "acts person:ana", "enrolled group:ops"),
        step("enrolled", "in person:lead group:trust", "acts person:lead", "enrolled group:trust"),
        step("member", "in person:t2 group:trust", at="groups.csv:5"),
        step(
            "grant",
            "over terminate asset:meetings-us",
            "acts person:ana",
            "in person:ana group:ops",
            "acts person:lead",
            "in person:lead group:trust",
            "acts person:t2",
            "in person:t2 group:trust",
            at="grants.csv:2",
            by="quorum",
            requester="person:ana",
            approvers="person:lead person:t2",
        ),
        step("has", "can terminate asset:meetings-us", "over terminate asset:meetings-us"),
    ),
)
HELP_DESK = Worked(
    name="a help desk resets its way to a class of recordings",
    case=case(
        {"states": {"HK": ["CN"]}},
        people="""
id,role,residence,entity
lin,help-desk agent,HK,
t3,site reliability engineer,IE,
d1,database administrator,IE,
d2,database administrator,SG,
""",
        groups="""
group,member
desk,person:lin
sre,person:t3
ops,group:sre
dba,person:d2
dba-emea,person:d1
dba,group:dba-emea
""",
        assets="""
id,class,within
recordings,content,
recordings-eu,,recordings
recordings-eu-1,,recordings-eu
""",
        grants="""
holder,action,target
group:desk,assume,person:t3
group:ops,assume,group:dba
person:d1,export,class:content
""",
    ),
    state="CN",
    action="export",
    asset="recordings-eu-1",
    accomplices=(),
    steps=(
        step("compelled", "acts person:lin", at="people.csv:2", tie="residence"),
        step("member", "in person:lin group:desk", at="groups.csv:2"),
        step(
            "grant",
            "assumed person:t3",
            "acts person:lin",
            "in person:lin group:desk",
            at="grants.csv:2",
            by="standing",
            requester="person:lin",
        ),
        step("assumed", "acts person:t3", "assumed person:t3"),
        step("member", "in person:t3 group:ops", at="groups.csv:3 groups.csv:4"),
        step(
            "grant",
            "assumed group:dba",
            "acts person:t3",
            "in person:t3 group:ops",
            at="grants.csv:3",
            by="standing",
            requester="person:t3",
        ),
        step("assumed", "acts person:d1", "assumed group:dba", at="groups.csv:6 groups.csv:7"),
        step(
            "grant",
            "over export class:content",
            "acts person:d1",
            at="grants.csv:4",
            by="standing",
            requester="person:d1",
        ),
        step("class", "over export asset:recordings", "over export class:content", at="assets.csv:2"),
        step("within", "over export asset:recordings-eu", "over export asset:recordings", at="assets.csv:3"),
        step("within", "over export asset:recordings-eu-1", "over export asset:recordings-eu", at="assets.csv:4"),
        step("has", "can export asset:recordings-eu-1", "over export asset:recordings-eu-1"),
    ),
)
_VAULT = case(
    {"states": {"HK": ["CN"]}},
    people="""
id,role,entity,workplace
kim,key custodian,shop,IE
wei,,owned,SG
""",
    entities="""
id,state,parent
shop,CN,
owned,SG,holding
holding,IE,parent
parent,CN,
""",
    assets="""
id,within,hosted_in,key
hall,,HK US,
rack,hall,,
vault,hall,,vault-key
vault-key,,IE,
notes,,CN,rack
""",
    grants="""
holder,action,target
person:kim,use,asset:vault-key
person:wei,operate,asset:vault-key
everyone,read,asset:notes
""",
)
OPEN_RACK = Worked(
    name="custody that needs nobody",
    case=_VAULT,
    state="CN",
    action="read",
    asset="rack",
    accomplices=(),
    steps=(step("custody", "can read asset:rack", at="assets.csv:3"),),
)
KEY_IN_HAND = Worked(
    name="custody with a key that can be used",
    case=_VAULT,
    state="CN",
    action="read",
    asset="vault",
    accomplices=(),
    steps=(
        step("compelled", "acts person:kim", at="entities.csv:2", tie="employer"),
        step("grant", "over use asset:vault-key", "acts person:kim", at="grants.csv:2", by="standing"),
        step("has", "can use asset:vault-key", "over use asset:vault-key"),
        step("custody", "can read asset:vault", "can use asset:vault-key", at="assets.csv:4"),
    ),
)
KEY_OPERATED = Worked(
    name="custody with a key that can be operated, by an owner's order",
    case=_VAULT,
    state="CN",
    action="read",
    asset="vault",
    accomplices=(),
    steps=(
        step("compelled", "acts person:wei", at="entities.csv:5", tie="owner"),
        step("grant", "over operate asset:vault-key", "acts person:wei", at="grants.csv:3", by="standing"),
        step("has", "can operate asset:vault-key", "over operate asset:vault-key"),
        step("custody", "can read asset:vault", "can operate asset:vault-key", at="assets.csv:4"),
    ),
)
LOCKED_NOTES = Worked(
    name="custody whose key lies in custody too",
    case=_VAULT,
    state="CN",
    action="read",
    asset="notes",
    accomplices=(),
    steps=(
        step("custody", "can use asset:rack", at="assets.csv:3"),
        step("custody", "can read asset:notes", "can use asset:rack", at="assets.csv:6"),
    ),
)
_GATED = case(
    {"gate": "gw", "terms": {"strict": {"approvals": 1, "approvers": "person:boss"}}},
    policy="""
@id("export-data") @terms("strict")
permit(principal in Group::"nobody", action == Action::"export", resource == Asset::"data");
@id("never")
forbid(principal, action == Action::"export", resource);
""",
    people="id,role,workplace\ncy,gateway engineer,CN\nboss,head of trust,IE",
    groups="group,member\nnobody,person:boss",
    assets="id\ngw\ndata",
    grants="""
holder,action,target,terms
everyone,operate,asset:gw,
group:nobody,read,asset:data,strict
person:boss,read,asset:data,
""",
)
_GATE = (
    step("compelled", "acts person:cy", at="people.csv:2", tie="workplace"),
    step("grant", "over operate asset:gw", "acts person:cy", at="grants.csv:2", by="standing", requester="person:cy"),
    step("has", "can operate asset:gw", "over operate asset:gw"),
    step("gate", "gate", "can operate asset:gw"),
)
GATE_GRANT = Worked(
    name="a hold on the gate makes a grant with terms usable",
    case=_GATED,
    state="CN",
    action="read",
    asset="data",
    accomplices=(),
    steps=(
        *_GATE,
        step("grant", "over read asset:data", "gate", at="grants.csv:3", by="gate"),
        step("has", "can read asset:data", "over read asset:data"),
    ),
)
GATE_PERMIT = Worked(
    name="a hold on the gate makes a permit usable",
    case=_GATED,
    state="CN",
    action="export",
    asset="data",
    accomplices=(),
    steps=(*_GATE, step("permit", "can export asset:data", "gate", policy="export-data", by="gate")),
)
WAIVED = Worked(
    name="whoever can amend the terms need not meet them",
    case=case(
        {
            "terms": {"strict": {"approvals": 5, "approvers": "everyone", "apart": 6}},
            "floor": [{"action": "read", "target": "asset:cluster", "length": 2}],
        },
        people="id,unit,workplace,residence\nmo,policy,CN,CN\nivy,,CN,",
        groups="group,member\nowners,person:mo\nops,person:ivy",
        assets="id,within\ncluster,\ndb,cluster",
        grants="""
holder,action,target,terms
group:owners,amend,terms:strict,
group:ops,operate,asset:cluster,strict
""",
    ),
    state="CN",
    action="read",
    asset="db",
    accomplices=(),
    steps=(
        step("compelled", "acts person:mo", at="people.csv:2", tie="workplace"),
        step("compelled", "acts person:ivy", at="people.csv:3", tie="workplace"),
        step("member", "in person:mo group:owners", at="groups.csv:2"),
        step("member", "in person:ivy group:ops", at="groups.csv:3"),
        step(
            "grant",
            "waived terms:strict",
            "acts person:mo",
            "in person:mo group:owners",
            at="grants.csv:2",
            by="standing",
            requester="person:mo",
        ),
        step(
            "grant",
            "over operate asset:cluster",
            "acts person:ivy",
            "in person:ivy group:ops",
            "waived terms:strict",
            at="grants.csv:3",
            by="waived",
            requester="person:ivy",
        ),
        step("within", "over operate asset:db", "over operate asset:cluster", at="assets.csv:3"),
        step("has", "can read asset:db", "over operate asset:db"),
    ),
)
_POLICIES = case(
    {
        "home": ["US"],
        "terms": {
            "legal": {
                "approvals": 2,
                "approvers": "everyone",
                "apart": 1,
                "distinct": ["shift"],
                "from": [{"of": "group:legal", "count": 1}, {"of": "person:l1", "count": 1}],
            }
        },
    },
    policy="""
@id("analysts-enrol")
permit(principal == Person::"x1", action == Action::"enroll", resource == Group::"cleared");
@id("cleared-read")
permit(principal in Group::"cleared", action == Action::"read", resource in Class::"content")
when { context.ticket == "open" };
@id("legal-export") @terms("legal")
permit(principal in Group::"analysts", action == Action::"export", resource in Asset::"archive");
@id("shield")
forbid(principal, action, resource is Asset) when { principal.states.containsAny(resource.shielded_from) };
@id("not-both")
forbid(principal in Group::"barred", action, resource);
""",
    people="""
id,role,shift,workplace
x1,analyst,day,CN
l1,counsel,night,US
l2,counsel,late,US
""",
    groups="""
group,member
analysts,person:x1
legal,person:l2
legal,person:l1
barred,person:l1
cleared,person:l2
""",
    travel="""
person,state,from,until
x1,RU,2026-11-20,2026-11-22
x1,RU,2026-11-23,2026-11-24
l1,SG,2026-11-22,2026-11-22
""",
    declared="person,state\nl2,IE",
    assets="""
id,class,within,shielded_from
archive,content,,
archive-1,,archive,
shielded,content,,CN
""",
)
ENROLLED_PERMIT = Worked(
    name="a permit gives a power that opens another permit",
    case=_POLICIES,
    state="RU",
    action="read",
    asset="archive-1",
    accomplices=(),
    steps=(
        step("compelled", "acts person:x1", at="travel.csv:2", tie="travel"),
        step(
            "permit",
            "enrolled group:cleared",
            "acts person:x1",
            policy="analysts-enrol",
            by="standing",
            requester="person:x1",
        ),
        step("enrolled", "in person:x1 group:cleared", "acts person:x1", "enrolled group:cleared"),
        step(
            "permit",
            "can read asset:archive-1",
            "acts person:x1",
            "in person:x1 group:cleared",
            policy="cleared-read",
            by="standing",
            requester="person:x1",
        ),
    ),
)
LEGAL_EXPORT = Worked(
    name="a permit with terms, a sealed tie and a home state",
    case=_POLICIES,
    state="IE",
    action="export",
    asset="archive-1",
    accomplices=("x1", "l1"),
    steps=(
        step("accomplice", "acts person:x1"),
        step("accomplice", "acts person:l1"),
        step("compelled", "acts person:l2", tie="sealed"),
        step("member", "in person:l2 group:legal", at="groups.csv:3"),
        step(
            "permit",
            "can export asset:archive-1",
            "acts person:x1",
            "acts person:l1",
            "acts person:l2",
            "in person:l2 group:legal",
            policy="legal-export",
            by="quorum",
            requester="person:x1",
            approvers="person:l1 person:l2",
        ),
    ),
)

WORKED = (
    FIRST_EXAMPLE,
    THREE_OUTSIDERS,
    US_ORDER,
    SECOND_EXAMPLE,
    HELP_DESK,
    OPEN_RACK,
    KEY_IN_HAND,
    KEY_OPERATED,
    LOCKED_NOTES,
    GATE_GRANT,
    GATE_PERMIT,
    WAIVED,
    ENROLLED_PERMIT,
    LEGAL_EXPORT,
)
