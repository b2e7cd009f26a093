"""One request of a browser, as a page gets it: who it is from, what it sent, and how to answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from armslength.console.console import Console
from armslength.console.form import Form
from armslength.console.people import Face
from armslength.console.rendering import render
from armslength.console.sessions import csrf_of
from armslength.gate import GateError, PersonId
from armslength.service import Gate

PLACES = (
    ("/waiting", "Waiting for me"),
    ("/requests", "My requests"),
    ("/ask", "Ask"),
    ("/leases", "Leases"),
)
"""What stands at the top of each page, path and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    path: str
    name: str
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a page gets. `secret` is that of the session, or of the visit before there is one."""

    console: Console
    request: Request
    visitor: Face | None
    secret: bytes | None = field(repr=False)
    form: Form

    @property
    def gate(self) -> Gate:
        return self.console.gate

    @property
    def me(self) -> PersonId:
        """Of a page for those who are signed in."""
        assert self.visitor is not None
        return self.visitor.id

    def keeper(self) -> bool:
        """Whether this person looks after the gate."""
        return self.console.keepers().holds(self.me)

    def name(self, parameter: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[parameter])

    def page(self, template: str, *, status: int = 200, secret: bytes | None = None, **values: object) -> HTMLResponse:
        """The page; `secret` in place of the visit's own, where one was just drawn."""
        console, visitor = self.console, self.visitor
        holds = secret or self.secret
        token = csrf_of(holds) if holds is not None else ""
        waiting = self._waiting()
        text = render(
            template,
            gate_name=self.gate.settings.name,
            visitor=visitor,
            here=self.request.url.path,
            places=[Place(path=p, name=n, count=waiting if p == "/waiting" else 0) for p, n in PLACES],
            demo_people=console.demo_people(),
            troubles=self._troubles(),
            csrf=lambda: Markup('<input type="hidden" name="csrf" value="{}">').format(token),
            now=console.now(),
            **values,
        )
        return HTMLResponse(text, status_code=status)

    def go(self, path: str) -> Response:
        """To another page of this console; `path` is ours, never the browser's."""
        return RedirectResponse(quote(path, safe="/?=&#_-.~%"), status_code=303)

    def wrong(self, status: int, title: str, *problems: str) -> Response:
        return self.page("problem.html", status=status, title=title, problems=problems)

    def missing(self) -> Response:
        """The same for what is not there and for what is not for this person: the difference would tell."""
        return self.wrong(404, "Nothing here", "there is no such page, or it is not for you")

    def _waiting(self) -> int:
        """How many requests wait for this person; none where nobody can say: the page is to come all the same."""
        try:
            return 0 if self.visitor is None else len(self.gate.waiting_for(self.visitor.id))
        except GateError:
            return 0

    def _troubles(self) -> tuple[str, ...]:
        why = self.gate.ready()
        return () if why is None else (f"Nothing can be approved or allowed at this moment: {why}.",)


def bare(console: Console, status: int, title: str, *problems: str, seconds: float | None = None) -> Response:
    """A page for which the gate is not asked, so that it costs next to nothing; `seconds` after which to come back."""
    text = render(
        "problem.html",
        gate_name=console.gate.settings.name,
        visitor=None,
        demo_people=(),
        troubles=(),
        title=title,
        problems=problems,
    )
    headers = None if seconds is None else {"Retry-After": str(max(1, math.ceil(seconds)))}
    return HTMLResponse(text, status_code=status, headers=headers)
