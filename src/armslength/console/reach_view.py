"""The reach report of the estate that holds: computed once for an estate and a day, since it may take a while."""

from __future__ import annotations

import html
import re
import threading
import time
from collections.abc import Callable

from starlette.responses import HTMLResponse, Response

from armslength.gate import Decider
from armslength.reach import reach
from armslength.service import Wanted, page, question
from armslength.web import told

SECONDS = 60.0
"""After which the search gives bounds in place of lengths; the page says so."""
PATIENCE = 2.0
"""Seconds to wait for somebody else's: those who wait hold up other pages."""
_OWN_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')


class ReachPages:
    """Keeps the newest one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[Decider, str] | None = None

    def response(self, decider: Decider) -> Response:
        """The page, under the policy that it names itself: its one style and one script by their hash."""
        if not self._lock.acquire(timeout=PATIENCE):
            return told(503, "it is being computed; load the page again in a minute", {"Retry-After": "30"})
        try:
            if self._kept is None or self._kept[0] is not decider:
                self._kept = (decider, _made(decider))
            text = self._kept[1]
        finally:
            self._lock.release()
        own = _OWN_POLICY.search(text)
        if own is None:
            raise ValueError("the report names no policy")
        policy = f"{html.unescape(own[1])}; frame-ancestors 'none'"
        return HTMLResponse(text, headers={"Content-Security-Policy": policy})


def _made(decider: Decider) -> str:
    """Of everything that floors cover; of everything at all where there is none. Roles, no names."""
    estate = decider.estate
    wanted = Wanted(at=decider.day, everything=not estate.settings.floors)
    text, _ = page(reach(estate, question(estate, wanted), _until(SECONDS)), (), names=False)
    return text


def _until(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end
