"""Sending what the outbox holds, until it is sent or a day has passed. Nothing of the gate waits for it, but for the
time that customers have to say no: it runs from when a channel took their notice, which is sealed here.

A notice says what happened and where to look, and no more: it passes through other people's servers. A link of a
customer's voice is made here, when it is sent, so that the database never holds one.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from armslength.gate import GateError, Moment, RequestId, posix
from armslength.service.gate_notice import NoticeKind, channels
from armslength.service.gate_seal import DELIVERY, delivery_seal
from armslength.store import GateDatabase, GateSettings, Notice, StoreError, post

LOG = logging.getLogger("armslength.notices")
EVERY = 2.0
"""Seconds between looks into the outbox."""
FIRST_WAIT, LONGEST_WAIT = 30, 3600
"""Seconds until a notice that was not taken is tried again: twice as long each time, up to the second."""
CLAIMED = 300
"""Seconds for which a notice is taken: who ends meanwhile sends it again after that."""
GIVEN_UP = 86_400
"""Seconds after which a notice is not tried any more."""

Send = Callable[..., str | None]


class Voices(Protocol):
    """What delivery needs of a gate."""

    @property
    def settings(self) -> GateSettings: ...
    @property
    def database(self) -> GateDatabase: ...
    def voice_token(self, id: RequestId, customer: str) -> str: ...
    def now(self) -> Moment: ...
    def derived(self, purpose: str) -> bytes: ...


class Delivery:
    """A thread that sends notices. `send` is `store.post`, or what stands in for the outside in a test."""

    def __init__(self, gate: Voices, *, clock: Callable[[], float] = time.time, send: Send = post) -> None:
        self._gate, self._clock, self._send = gate, clock, send
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="gate-notices", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """A notice that is being sent is sent to its end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def deliver(self) -> int:
        """Send what is due now. Gives how many a channel took. Raises `StoreError`."""
        now = int(self._clock())
        taken = self._gate.database.change(lambda rows: rows.outbox.take(now=now, again=now + CLAIMED))
        return sum(self._deliver(notice, now) for notice in taken)

    def _deliver(self, notice: Notice, now: int) -> bool:
        urls = channels(self._gate.settings, notice.kind)
        if not urls:
            self._gate.database.change(lambda rows: rows.outbox.stands(notice.number))
            return False
        try:
            problem = self._sent(notice, urls)
            at = posix(self._gate.now()) if notice.kind == NoticeKind.TOLD_CUSTOMER else now
        except GateError as error:  # no time that anybody could go by: it is told again
            problem = str(error)
        if problem is None:
            seal = self._seal(notice, at)
            self._gate.database.change(lambda rows: rows.outbox.sent(notice.number, at=at, seal=seal))
            return True
        wait = min(FIRST_WAIT << min(notice.tries, 16), LONGEST_WAIT)
        again = None if now + wait > notice.made + GIVEN_UP else now + wait
        LOG.warning("a notice of kind %s was not taken: %s", notice.kind, problem)
        self._gate.database.change(lambda rows: rows.outbox.failed(notice.number, problem, again=again))
        return False

    def _seal(self, notice: Notice, at: int) -> bytes | None:
        if notice.kind != NoticeKind.TOLD_CUSTOMER:
            return None
        return delivery_seal(self._gate.derived(DELIVERY), mark=notice.mark, body=notice.body, at=at)

    def _sent(self, notice: Notice, urls: Sequence[str]) -> str | None:
        try:
            body = _body(notice)
            if "customer" in body and notice.kind != NoticeKind.TOLD_CUSTOMER:
                raise ValueError("what is for a customer goes where customers are told")
            # The link in it is the customer's alone, whoever the database says that the notice is for.
            whom = body.get("customer") or notice.person
            text = f"{body['says']}\n{self._link(body)}"
        except (GateError, KeyError, ValueError) as error:
            return f"it cannot be written: {error}"
        try:
            return self._send(urls, whom=whom, title=f"{self._gate.settings.name}: {notice.kind}", text=text)
        except Exception as error:  # its text may hold a URL, and with it a password
            return f"sending failed with {type(error).__name__}"

    def _link(self, body: dict[str, str]) -> str:
        base, about = self._gate.settings.url.rstrip("/"), body["about"]
        if "customer" in body and about.startswith("req_"):
            return f"{base}/voice/{self._gate.voice_token(RequestId(about), body['customer'])}"
        if "customer" in body:
            return f"it is recorded in your log as {about}"
        page = {"req": "requests", "lease": "leases", "drill": "drills"}.get(about.partition("_")[0])
        return f"{base}/{page}/{about}" if page else f"{base}/"

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            try:
                self.deliver()
            except StoreError as error:
                LOG.error("notices cannot be read: %s", error)


def _body(notice: Notice) -> dict[str, str]:
    """Raises `ValueError`."""
    body: object = json.loads(notice.body)
    if not isinstance(body, dict) or not all(isinstance(each, str) for each in body.values()):
        raise ValueError("its body is none that the gate wrote")
    return body
