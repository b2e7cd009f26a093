"""For those who may change the estate: what directories say otherwise, and the change that would make it so."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.responses import Response

from armslength.console.door import page
from armslength.console.keepers import may_change
from armslength.console.visit import Visit
from armslength.estate import EstateError
from armslength.gate import Conflict, Refused, Rejected, moment

SHOWN = 500
"""Differences that the page lists; the rest is counted."""
WORDS: Mapping[str, str] = {
    "new": "is not in the estate",
    "left": "left, and stands in the estate still",
    "back": "left, and is said to be there again",
    "unknown": "is not known to the directory",
}


def show_differences(visit: Visit) -> Response:
    if not may_change(visit.gate.decider, visit.me) or not visit.gate.settings.directories:
        return visit.missing()
    return _page(visit, "")


def propose_differences(visit: Visit) -> Response:
    """All that can be proposed of it, in one change."""
    if not may_change(visit.gate.decider, visit.me) or not visit.gate.settings.directories:
        return visit.missing()
    form = visit.form
    purpose = form.text("purpose")
    try:
        outcome = visit.gate.directories.proposing.propose(
            asker=visit.me, purpose=purpose, caller=f"person:{visit.me}", key=form.text("once")[:100] or None
        )
    except EstateError as error:
        return _page(visit, purpose, *(str(each) for each in error.problems[:SHOWN]))
    except (Rejected, Conflict) as error:
        return _page(visit, purpose, *getattr(error, "problems", (str(error),)))
    if isinstance(outcome, Refused):
        return visit.page("refused.html", status=403, refused=outcome)
    return visit.go(f"/requests/{outcome.request.id}")


def _page(visit: Visit, purpose: str, *problems: str) -> Response:
    found = visit.gate.directories.proposing.differences()
    people = len({each.person for each in found if each.proposed})
    health = [
        {
            "id": each.id,
            "users": each.users,
            "unheard": each.unheard,
            "doubted": each.doubted,
            "problem": each.problem,
            "oldest": None if each.oldest is None else moment(each.oldest),
        }
        for each in visit.gate.directories.health()
    ]
    lines = [
        {
            "person": each.person,
            "directory": each.directory,
            "what": WORDS.get(each.what, each.what),
            "cell": each.what not in WORDS,
            "estate": each.estate,
            "said": each.said,
            "proposed": each.proposed,
        }
        for each in found[:SHOWN]
    ]
    return visit.page(
        "directory.html",
        status=400 if problems else 200,
        problems=problems,
        purpose=purpose,
        directories=health,
        lines=lines,
        more=max(0, len(found) - SHOWN),
        people=people,
        once=secrets.token_urlsafe(16),
    )


ROUTES = (page("/changes/directory", show_differences, propose_differences),)
