"""Rows that follow what another gate does: one that is read while that happens is nobody's meddling."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from armslength.gate import GateError
from armslength.service import Redeemed, gate_copies
from armslength.service.gate_copies import Copies
from armslength.service.gate_row import Object, of_key, of_lease, of_request
from armslength.store import GateRow, GateTables
from armslength.tlog import format_base64url
from tests.gate_model.workshop import passkey
from tests.gate_shared.pair import Pair, signed
from tests.gate_shared.server import until
from tests.gate_shared.test_races import asked, lent, use

Reading = Callable[[GateTables, Object], GateRow | None]


class Looking:
    """Looks at rows in a thread of its own, and stops once at one of them: before it is read, or after."""

    def __init__(self, copies: Copies, at: Object, *, read: bool, patch: pytest.MonkeyPatch) -> None:
        self._copies, self._at, self._read = copies, at, read
        self._real: Reading = gate_copies._read
        self._there, self._on = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self.errors: list[GateError] = []
        patch.setattr(gate_copies, "_read", self._slow)

    def _slow(self, tables: GateTables, which: Object) -> GateRow | None:
        row = self._real(tables, which) if self._read else None
        if threading.current_thread() is self._thread and which == self._at and not self._there.is_set():
            self._there.set()
            assert self._on.wait(20)
        return row if self._read else self._real(tables, which)

    def meanwhile(self, happens: Callable[[], object], *objects: Object) -> None:
        """Look at these, while this happens and its rows are written."""

        def look() -> None:
            try:
                self._copies.check(*objects)
            except GateError as error:
                self.errors.append(error)

        until(lambda: not self._copies.behind())
        self._thread = threading.Thread(target=look)
        self._thread.start()
        assert self._there.wait(20)
        happens()
        until(lambda: not self._copies.behind())
        self._on.set()
        self._thread.join()


def test_a_row_that_was_read_before_another_gate_moved_it_on_is_not_called_tampered(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    looking = Looking(pair.b._office.book.copies, of_lease(lease.terms.id), read=True, patch=monkeypatch)

    def used() -> None:
        assert isinstance(use(pair.a, lease, os.urandom(16)), Redeemed)
        pair.synced()

    looking.meanwhile(used, of_lease(lease.terms.id))
    assert looking.errors == [] and pair.b.health().tampered == ()
    assert isinstance(use(pair.b, lease, os.urandom(16)), Redeemed)


def test_rows_that_are_read_as_of_one_moment_are_not_compared_with_another_one(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read of the second is what it was when the first was."""
    request = asked(pair.a, "bo", "read", "asset:rec-1", "acme")
    pair.synced()
    key = of_key(format_base64url(passkey("fay").credential))
    looking = Looking(pair.b._office.book.copies, of_request(request.id), read=False, patch=monkeypatch)

    def approved() -> None:
        signed(pair.a, request, "ed", passkey("ed"))
        pair.synced()

    looking.meanwhile(approved, key, of_request(request.id))
    assert looking.errors == [] and pair.b.health().tampered == ()
