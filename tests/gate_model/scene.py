"""A gate in the midst of its work, for an administrator of its database to lie about."""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from armslength.gate import (
    LeaseId,
    PersonId,
    RequestId,
    RequestState,
)
from armslength.service import Asked
from tests.faults.campaign import scratch
from tests.gate_model.workshop import POINT, Workshop, passkey, pend, target

BO, ELI, KIM, OLA = PersonId("bo"), PersonId("eli"), PersonId("kim"), PersonId("ola")


@dataclass(frozen=True)
class Scene:
    """`waiting` has one of two approvals and evidence, `other` none of either, `unheard` waits for
    its customer's time to say no; `live` and `revoked` are leases,
    `pending` a passkey of Ola's that waits, `old` the row of `revoked` from before it was revoked."""

    path: Path
    documents: Mapping[tuple[str, str], bytes]
    now: float
    waiting: RequestId
    other: RequestId
    unheard: RequestId
    live: LeaseId
    revoked: LeaseId
    pending: str
    old: tuple[int, bytes]


@cache
def scene() -> Scene:
    place = Path(tempfile.mkdtemp(prefix="armslength-gate-model-", dir=scratch()))
    atexit.register(shutil.rmtree, place)
    shop = Workshop.made(place)
    gate = shop.gate
    order = gate.put_evidence("order.txt", "text/plain", b"an order")
    waiting = asked(shop, "bo", "end", "asset:meetings", evidence=(order,), key="k")
    shop.approve(waiting.request, "di")
    other = asked(shop, "ola", "list", "asset:meetings")
    unheard = asked(shop, "bo", "delete", "asset:records", customers=("acme",))
    shop.approve(unheard.request, "di")
    read = asked(shop, "eli", "read", "asset:rec-1")
    for person in ("ed", "fay"):
        shop.approve(read.request, person)
    shop.gate.redeem(
        point=POINT, executor=ELI, action="read", resource=target("asset:rec-1"), customers=["acme"], use=bytes(16)
    )
    listed = asked(shop, "bo", "list", "asset:meetings")
    shop.approve(listed.request, "di")
    revoked = gate.live(BO)[0].terms.id
    with closing(sqlite3.connect(shop.path / "gate.db")) as db:
        old = db.execute("SELECT version, doc FROM rows WHERE kind='lease' AND id=?", (revoked,)).fetchone()
    gate.revoke(revoked, BO, "a doubt")
    gate.revoke_key(passkey("hal").credential, KIM, "lost")
    pending = pend(gate, "ola", 1)
    with gate.database.writing() as tables:
        tables.sessions.create(b"s" * 32, "bo", now=int(shop.clock.now), idle=600, ends=int(shop.clock.now) + 600)
    gate.go_away(PersonId("gus"), by=KIM, start=gate.now(), ends=None)
    documents = dict(shop.documents())
    live = gate.live(ELI)[0].terms.id
    shop.close()
    return Scene(
        path=place / "gate",
        documents=documents,
        now=shop.clock.now,
        waiting=waiting.request.id,
        other=other.request.id,
        unheard=unheard.request.id,
        live=live,
        revoked=revoked,
        pending=pending,
        old=old,
    )


def asked(shop: Workshop, who: str, action: str, on: str, *, key: str | None = None, **more: object) -> RequestState:
    person = PersonId(who)
    wanted = Asked(
        executor=person,
        asker=person,
        action=action,
        resource=target(on),
        purpose="a report",
        **more,  # type: ignore[arg-type]
    )
    outcome = shop.gate.ask(wanted, caller="a session", key=key)
    assert isinstance(outcome, RequestState), outcome
    return outcome
