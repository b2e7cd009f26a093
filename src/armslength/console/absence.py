"""Saying that one cannot be asked for a time, so that nobody waits for an answer that will not come."""

from __future__ import annotations

from starlette.responses import Response

from armslength.console.asking import time_of
from armslength.console.door import page
from armslength.console.visit import Visit
from armslength.gate import Rejected


def go_away(visit: Visit) -> Response:
    """From now on, until the time given, or until one says otherwise."""
    problems: list[str] = []
    ends = time_of(visit.form.text("until"), "until", problems)
    if ends is not None and ends <= visit.console.now():
        problems.append("that time is past")
    if problems:
        raise Rejected(problems)
    visit.gate.go_away(visit.me, by=visit.me, start=visit.console.now(), ends=ends)
    return visit.go("/keys")


def come_back(visit: Visit) -> Response:
    visit.gate.come_back(visit.me)
    return visit.go("/keys")


ROUTES = (page("/away/me", None, go_away), page("/away/back", None, come_back))
