"""An administrator of the gate's database who changes anything in it, while the gate runs and while it is stopped.

For every column of every table there are edits here, and a new column without one fails. After each the same questions
are put to the gate: nothing that the ledger does not say is ever answered with yes, and what was changed is found, or
made good by the next start.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress

import pytest

from armslength.gate import (
    GateError,
    PersonId,
    Refused,
)
from armslength.service import Redeemed, Unfounded, check_gate
from armslength.store import StoreError
from armslength.tlog import format_base64url
from tests.gate_model.edits import EDITS, REFUSED_AT_START, TRIED, Edit, tampered_with
from tests.gate_model.scene import BO, KIM, Scene, asked, scene
from tests.gate_model.workshop import POINT, Workshop, passkey, target


def probe(shop: Workshop, here: Scene) -> None:
    """Everything that an edit could be made for is asked of the gate."""
    gate = shop.gate
    use = iter(range(1, 100))

    def redeem(who: str, action: str, on: str, *customers: str) -> object:
        return gate.redeem(
            point=POINT,
            executor=PersonId(who),
            action=action,
            resource=target(on),
            customers=customers,
            use=next(use).to_bytes(16, "little"),
        )

    assert isinstance(redeem("bo", "list", "asset:meetings"), Refused), "a revoked lease opens"
    assert isinstance(redeem("ana", "list", "asset:meetings"), Refused), "a lease of nobody's opens"
    assert isinstance(redeem("ana", "read", "asset:rec-1"), Refused), "a lease opens for somebody else"
    with pytest.raises(GateError):
        gate.token(here.revoked)
    answers = [redeem("eli", "read", "asset:rec-1", name) for name in ("acme", "birch", "zenith")]
    passed = [each for each in answers if isinstance(each, Redeemed)]
    assert all(each.lease is not None and each.lease.terms.id == here.live for each in passed)
    assert len(passed) <= 2, "more customers than the lease is for"

    other, waiting = gate.request(here.other).request, gate.request(here.waiting).request
    for person, number in (("hal", 0), ("di", 9), ("ana", 9)):
        with pytest.raises(GateError):
            gate.approve(other.id, PersonId(person), passkey(person, number).sign(other.challenge()))
    with pytest.raises(GateError):  # was shown nothing
        gate.approve(waiting.id, PersonId("ed"), passkey("ed").sign(waiting.challenge()))
    assert gate.request(waiting.id).approvers() == ("di",), "an approval that nobody gave"
    gate.tick()
    assert gate.request(here.unheard).waiting, "a customer who was not told had their time"
    assert gate.live(BO) == ()

    with suppress(GateError):
        again = asked(shop, "bo", "end", "asset:meetings", evidence=waiting.evidence, key="k")
        assert again.request.id == waiting.id, "one key, two requests"
    with pytest.raises(GateError):
        gate.found(here.pending)
    with suppress(GateError):
        gate.vouch(here.pending, KIM, passkey("kim").sign(gate.enrolment(here.pending).challenge()))
    ours = {format_base64url(passkey("ola", 1).credential): passkey("ola", 1).public_key}
    for id, key in gate.state.keys.items():
        assert ("key", id) in here.documents or (key.key.person, key.key.public_key) == ("ola", ours[id])
    for each in waiting.evidence:
        with suppress(GateError):
            assert gate.evidence(each.digest)[1] == b"an order", "other evidence than was handed in"


def _named(edit: Edit) -> str:
    return f"{edit.column}: {edit.words}"


def settled(shop: Workshop, here: Scene) -> None:
    """After a start, what the ledger says is all there is, in the rows too."""
    assert not shop.gate.lease(here.revoked).live
    assert not shop.gate.state.has_key(PersonId("hal"))
    shop.close()
    found = [each for each in check_gate(shop.path).findings if not each.where.startswith("evidence")]
    assert found == []


@pytest.mark.parametrize("edit", TRIED, ids=_named)
def test_nothing_is_decided_on_what_was_changed_while_the_gate_runs(copied: Workshop, edit: Edit) -> None:
    """Customers whose data would be opened by whoever can write into one database."""
    here = scene()
    copied.open()
    try:
        tampered_with(copied, edit)
        if edit.found:
            copied.gate.tick()
            assert copied.gate.health().tampered, "nobody noticed"
        probe(copied, here)
        copied.gate.tick()
    finally:
        copied.close()
    if edit.column.split(".")[0] in REFUSED_AT_START:
        with pytest.raises((StoreError, Unfounded)):
            copied.open()
        return
    copied.open()
    settled(copied, here)


@pytest.mark.parametrize("edit", TRIED, ids=_named)
def test_nothing_is_decided_on_what_was_changed_while_the_gate_is_stopped(copied: Workshop, edit: Edit) -> None:
    """Nobody looks at a gate that is stopped, so that is when rows are changed."""
    here = scene()
    tampered_with(copied, edit)
    if edit.column.split(".")[0] in REFUSED_AT_START or (edit.column, edit.words) == ("snapshot.position", "ahead"):
        with suppress(StoreError, Unfounded):
            copied.open()
            assert copied.documents() == here.documents
            copied.close()
        return
    copied.open()
    try:
        assert copied.documents() == here.documents, "the state is not what the ledger says"
        if edit.found:
            assert copied.gate.health().mended.tampered, "nobody noticed"
        probe(copied, here)
    finally:
        copied.close()
    copied.open()
    settled(copied, here)


def test_there_is_an_edit_for_every_column_of_every_table() -> None:
    """A column that somebody adds may be one that somebody decides on."""
    with closing(sqlite3.connect(scene().path / "gate.db")) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
        columns = {f"{table}.{row[1]}" for table in tables for row in db.execute(f"PRAGMA table_info({table})")}
    assert columns <= {edit.column for edit in EDITS}
