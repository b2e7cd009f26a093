"""Estates for the gate's tests: the oracle's, as deciders, and questions and requests about them in few words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from armslength.estate import digest, parse
from armslength.gate import Decider, Freshness, PersonId, Question, Request, RequestId, Target, Window, moment, new_id
from armslength.tlog import Json
from tests.oracle.case import Case
from tests.oracle.estates import AT, random_case
from tests.oracle.policies import Names, random_policy
from tests.oracle.sketch import sketch

NOW = moment(1_795_300_000)
REQUEST = RequestId(new_id("req", bytes(16)))
TRUST = {"approvals": 2, "approvers": "group:trust", "apart": 2, "distinct": ["unit"]}


def decider(case: Case, *, limit: int | None = None, day: dt.date = AT) -> Decider:
    """`limit`: days after which a row is too old."""
    estate = parse(case.files()).estate
    freshness = Freshness(limit=None if limit is None else dt.timedelta(days=limit), adopted=AT)
    return Decider(estate, digest(estate), day=day, freshness=freshness)


def firm(policy: str = "", grants: Sequence[str] = (), **more: Any) -> Case:
    """Ana in CN, Bo in the US who works the servers, five trust reviewers of five units: the first worked example."""
    people = {
        "ana": {"workplace": "CN", "unit": "liaison"},
        "bo": {"workplace": "US", "unit": "ops"},
        "cy": {"workplace": "US", "unit": "trust us"},
        "di": {"workplace": "IE", "unit": "trust ie"},
        "ed": {"workplace": "SG", "unit": "trust sg"},
        "fay": {"workplace": "US", "unit": "legal"},
        "gus": {"workplace": "IE", "unit": "safety"},
    }
    settings = {"terms": {"two-apart": TRUST, **more.pop("terms", {})}, **more.pop("settings", {})}
    return sketch(
        {**people, **more.pop("people", {})},
        {"liaison": "ana", "ops": "bo", "trust": "cy di ed fay gus", **more.pop("groups", {})},
        grants,
        assets=more.pop("assets", {"meetings-us": {"hosted_in": "US", "shielded_from": "CN"}}),
        policy=policy,
        settings=settings,
        **more,
    )


def question(
    who: str,
    action: str = "end",
    on: str = "asset:meetings-us",
    *,
    asker: str | None = None,
    author: str | None = None,
    context: Mapping[str, Json] | None = None,
) -> Question:
    kind, _, name = on.partition(":")
    return Question(
        executor=PersonId(who),
        asker=PersonId(asker or who),
        author=None if author is None else PersonId(author),
        action=action,
        resource=Target(type=kind, id=name),
        context=context or {},
    )


def request(of: Question, customers: Sequence[str] = ()) -> Request:
    """A question as a request."""
    return Request(
        id=REQUEST,
        gate="gate.example",
        executor=of.executor,
        asker=of.asker,
        author=of.author,
        action=of.action,
        resource=of.resource,
        customers=tuple(sorted(customers)),
        purpose="a report of abuse",
        context=of.context,
        evidence=(),
        window=Window(start=NOW, end=NOW + dt.timedelta(hours=2)),
        made=NOW,
        expires=NOW + dt.timedelta(hours=1),
    )


def with_policy(seed: int) -> Case:
    """A random estate of the oracle, with a random policy whether it had one or not."""
    case = random_case(seed)
    classes = sorted({row["class"] for row in case.rows("assets") if row.get("class")})
    names = Names(
        people=[row["id"] for row in case.rows("people")],
        groups=sorted({row["group"] for row in case.rows("groups") + case.rows("unknown")}),
        assets=[row["id"] for row in case.rows("assets")],
        classes=classes,
        terms=list(case.settings.get("terms", {})),
        countries=["CN", "US", "IE"],
        entities=[row["id"] for row in case.rows("entities")],
    )
    return replace(case, policy=random_policy(Random(seed), names))
