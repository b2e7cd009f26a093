"""For those who look after the gate: a change of the estate is proposed, and reach is shown."""

from __future__ import annotations

import secrets

from starlette.responses import PlainTextResponse, Response

from armslength.console.door import page
from armslength.console.drawing import is_sealed
from armslength.console.evidence_view import SANDBOX
from armslength.console.keepers import may_change
from armslength.console.visit import Visit
from armslength.estate import FILES, EstateError
from armslength.gate import Refused, Rejected

MOST_PROBLEMS = 50
"""Problems of the files that are listed; the rest is counted."""


def show_propose(visit: Visit) -> Response:
    if not may_change(visit.gate.decider, visit.me):
        return visit.missing()
    return _propose_page(visit, "")


def _propose_page(visit: Visit, purpose: str, *problems: str) -> Response:
    return visit.page(
        "propose.html",
        status=400 if problems else 200,
        problems=problems,
        purpose=purpose,
        files=sorted(visit.gate.estate_files()),
        sealed=[name for name in visit.gate.estate_files() if is_sealed(name)],
        once=secrets.token_urlsafe(16),
        differing=_differing(visit),
    )


def _differing(visit: Visit) -> int | None:
    """Of how many people directories say otherwise; None: there is no directory."""
    if not visit.gate.settings.directories:
        return None
    return len({each.person for each in visit.gate.directories.proposing.differences()})


def propose(visit: Visit) -> Response:
    """The estate that would be: the files as they are, with those that come in their places."""
    if not may_change(visit.gate.decider, visit.me):
        return visit.missing()
    form = visit.form
    purpose, dropped = form.text("purpose"), set(form.all("drop"))
    files = {name: data for name, data in visit.gate.estate_files().items() if name not in dropped}
    given = form.files.get("files", ())
    problems = [f"{file.name[:80]!r} is no file of an estate" for file in given if file.name not in FILES]
    problems += [] if given or dropped else ["no file was given, and none is to go"]
    if problems:
        return _propose_page(visit, purpose, *problems)
    files |= {file.name: file.data for file in given}
    try:
        outcome = visit.gate.propose(
            files, asker=visit.me, purpose=purpose, caller=f"person:{visit.me}", key=form.text("once")[:100] or None
        )
    except EstateError as error:
        sealed = sum(is_sealed(each.file) for each in error.problems)
        said = [str(each) for each in error.problems if not is_sealed(each.file)]
        said += [f"declared ties do not fit: {sealed}; they are sealed, so no row is named"] if sealed else []
        more = [f"and {len(said) - MOST_PROBLEMS} more"] if len(said) > MOST_PROBLEMS else []
        return _propose_page(visit, purpose, *said[:MOST_PROBLEMS], *more)
    except Rejected as error:
        return _propose_page(visit, purpose, *error.problems)
    if isinstance(outcome, Refused):
        return visit.page("refused.html", status=403, refused=outcome)
    return visit.go(f"/requests/{outcome.request.id}")


def show_file(visit: Visit) -> Response:
    """A file of the estate that holds. Declared ties are sealed from everybody."""
    name, files = visit.name("name"), visit.gate.estate_files()
    if not may_change(visit.gate.decider, visit.me) or name not in files or is_sealed(name):
        return visit.missing()
    headers = {"Content-Security-Policy": SANDBOX, "Content-Disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(files[name], headers=headers)


def show_reach(visit: Visit) -> Response:
    return visit.console.reach.response(visit.gate.decider) if visit.keeper() else visit.missing()


ROUTES = (
    page("/changes/new", show_propose, propose, upload=True),
    page("/estate/{name}", show_file),
    page("/reach", show_reach),
)
