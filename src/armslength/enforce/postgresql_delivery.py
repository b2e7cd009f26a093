"""Brings the gate what sessions did, from the journal, until it has it."""

from __future__ import annotations

import logging
import threading

from armslength.enforce.client import GateClient
from armslength.enforce.failure import Unreachable
from armslength.enforce.postgresql_journal import PostgresqlJournal
from armslength.tlog import Json

LOG = logging.getLogger("armslength.enforce.postgresql")

PATH = "/gate/v1/statements"
AT_ONCE = 20
"""Batches; together well below what the gate takes in one body."""


class Delivery:
    """One sends at a time."""

    def __init__(self, journal: PostgresqlJournal, client: GateClient, most: int) -> None:
        """`most`: bytes that may wait."""
        self._journal, self._client, self._most = journal, client, most
        self._sending = threading.Lock()

    def full(self) -> bool:
        """Raises `SpoolFailed`."""
        return self._journal.waiting()[1] > self._most

    def send(self) -> None:
        """All that waits. Raises `Unreachable`, and then some of it waits still; `SpoolFailed`."""
        with self._sending:
            while batches := self._journal.batches(AT_ONCE):
                self._journal.done(self._sent(batches))

    def _sent(self, batches: list[tuple[int, dict[str, Json]]]) -> dict[int, str | None]:
        status, answer = self._client.post(PATH, {"batches": [form for _, form in batches]})
        if status == 400:
            if len(batches) == 1:
                LOG.error("the gate does not take some statements: their form is wrong")
                return {batches[0][0]: "the gate does not take its form"}
            problems: dict[int, str | None] = {}
            for each in batches:  # one of them must not keep the others from being recorded
                problems |= self._sent([each])
            return problems
        taken = answer.get("taken") if isinstance(answer, dict) else None
        if not isinstance(taken, list) or len(taken) != len(batches):
            raise Unreachable("the gate's answer is not about the statements that were sent")
        found: dict[int, str | None] = {}
        for (number, _), each in zip(batches, taken, strict=True):
            problem = each.get("problem") if isinstance(each, dict) else "the gate's answer says nothing of it"
            if problem is not None:
                LOG.error("statements are not on record: %s", str(problem)[:200])
            found[number] = None if problem is None else str(problem)[:300]
        return found
