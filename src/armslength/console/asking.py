"""Asking: the form, then who could approve, then sending it. Nothing is recorded before the last step."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from starlette.responses import Response

from armslength.console.could_view import could_view
from armslength.console.door import page
from armslength.console.form import File, Form
from armslength.console.visit import Visit
from armslength.gate import (
    TARGETS,
    Candidates,
    Evidence,
    Hold,
    LeaseId,
    Look,
    Moment,
    Open,
    PersonId,
    Question,
    Refused,
    Rejected,
    Standing,
    Target,
    Window,
)
from armslength.service import Asked, Gate
from armslength.tlog import Json

FIELDS = (
    "action", "resource", "customers", "purpose", "by", "executor", "author", "start", "end", "context", "hold_reason",
    "hold_until", "renews",
)  # fmt: skip
MOST_SUGGESTED = 500
"""Assets or people that the form offers while one types."""
LONGEST_WINDOW = dt.timedelta(days=1)
"""Of a window whose end was not given."""
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)
_MEDIA = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_BARE = "application/octet-stream"


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    digest: str
    media_type: str
    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A document that was uploaded in an earlier step, as the form carries it on."""

    name: str
    size: int
    packed: str


def show_ask(visit: Visit) -> Response:
    """The form; a link may fill it in, as an enforcement point's refusal does."""
    query = visit.request.query_params
    given = {name: query.get(name, "")[:2000] for name in FIELDS}
    if given["executor"] and given["executor"] != visit.me:
        given["by"] = "other"
    return _ask_page(visit, given, ())


def take_ask(visit: Visit) -> Response:
    form = visit.form
    fields = {name: form.text(name) for name in FIELDS}
    step = form.text("step")
    try:
        documents = _documents(visit.gate, form)
    except Rejected as error:
        return _ask_page(visit, fields, (), *error.problems)
    if step == "change":
        return _ask_page(visit, fields, documents)
    try:
        asked = _asked(visit, fields, documents)
        return _send(visit, asked, form.text("once")) if step == "send" else _check(visit, asked, fields, documents)
    except Rejected as error:
        return _ask_page(visit, fields, documents, *error.problems)


def _ask_page(visit: Visit, fields: Mapping[str, str], documents: tuple[Evidence, ...], *problems: str) -> Response:
    estate = visit.gate.decider.estate
    return visit.page(
        "ask.html",
        status=400 if problems else 200,
        f=fields,
        problems=problems,
        kept=_kept(documents),
        actions=sorted(estate.actions),
        resources=estate.assets.ids[:MOST_SUGGESTED],
        people=visit.console.faces().all()[:MOST_SUGGESTED],
    )


def _check(visit: Visit, asked: Asked, fields: Mapping[str, str], documents: tuple[Evidence, ...]) -> Response:
    """What policy says, and who could approve: before anything is sent, and of the visitor alone. Of others it says
    nothing that is not on record: policy may look at ties that somebody declared."""
    gate, faces = visit.gate, visit.console.faces()
    own = {asked.executor, asked.asker, asked.author or visit.me} == {visit.me}
    look: Look | None = None
    if own:
        look = gate.look(
            Question(
                executor=asked.executor,
                asker=asked.asker,
                author=asked.author,
                action=asked.action,
                resource=asked.resource,
                context=asked.context,
            )
        )
    refused, standing, untold, could = "", "", "", None
    match look:
        case None:
            untold = "What policy says of somebody else, and who could approve, is told once it is sent."
        case Refused():
            refused = look.says
        case Standing():
            standing = "Nobody has to approve this: policy lets it pass as it is, and each use is recorded."
        case Open():
            found: Candidates = gate.who_could(asked)
            could = could_view(found, faces)
    return visit.page(
        "ask_check.html",
        f=fields,
        fields=[(name, fields[name]) for name in FIELDS],
        kept=_kept(documents),
        executor=faces.of(asked.executor),
        customers=asked.customers,
        refused=refused,
        standing=standing,
        untold=untold,
        could=could,
        once=secrets.token_urlsafe(16),
    )


def _send(visit: Visit, asked: Asked, once: str) -> Response:
    """`once` makes a second click the same request."""
    outcome = visit.gate.ask(asked, caller=f"person:{visit.me}", key=once[:100] or None)
    if isinstance(outcome, Refused):
        return visit.page("refused.html", status=403, refused=outcome)
    return visit.go(f"/requests/{outcome.request.id}")


def _asked(visit: Visit, fields: Mapping[str, str], documents: tuple[Evidence, ...]) -> Asked:
    """What the form says. Raises `Rejected` with every problem."""
    problems: list[str] = []
    now = visit.console.now()
    other = fields["by"] == "other"
    if other and not fields["executor"]:
        problems.append("who would carry it out is not said")
    known = visit.gate.decider.roster.knows
    for name in ("executor", "author"):
        if (name == "author" or other) and fields[name] and not known(PersonId(fields[name])):
            problems.append(f"nobody here has the id {fields[name][:40]!r}")
    start, end, until = (time_of(fields[name], name, problems) for name in ("start", "end", "hold_until"))
    window = None
    if start is not None or end is not None:
        first = max(start or now, now)
        window = Window(start=first, end=end or first + LONGEST_WINDOW)
    hold = None
    if fields["hold_reason"] or until is not None:
        if fields["hold_reason"] and until is not None:
            hold = Hold(reason=fields["hold_reason"], until=until)
        else:
            problems.append("not telling the customer yet takes both a reason and an end")
    context = _context(fields["context"], problems)
    if problems:
        raise Rejected(problems)
    return Asked(
        executor=PersonId(fields["executor"]) if other else visit.me,
        asker=visit.me,
        author=PersonId(fields["author"]) if fields["author"] else None,
        action=fields["action"],
        resource=_target(fields["resource"]),
        customers=tuple(sorted({line.strip() for line in fields["customers"].splitlines() if line.strip()})),
        purpose=fields["purpose"],
        context=context,
        evidence=documents,
        window=window,
        hold=hold,
        renews=LeaseId(fields["renews"]) if fields["renews"] else None,
    )


def _target(text: str) -> Target:
    """`meetings-us` is an asset; what begins with a type of target is of that type."""
    kind, colon, id = text.partition(":")
    return Target(type=kind, id=id) if colon and kind in TARGETS else Target(type="asset", id=text)


def time_of(text: str, name: str, problems: list[str]) -> Moment | None:
    """What a form's field for a time says, in UTC; None for nothing, and for what is added to `problems`."""
    if not text:
        return None
    if _TIME.fullmatch(text):
        try:
            return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
        except ValueError:
            pass
    problems.append(f"the time {text[:40]!r} ({name}) is not one such as 2026-11-25T20:53")
    return None


def _context(text: str, problems: list[str]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        name = name.strip()
        if line.strip() and not (equals and name):
            problems.append(f"the line {line[:40]!r} is not name=value")
        elif name in found:
            problems.append(f"{name[:40]!r} is given twice")
        elif name:
            found[name] = value.strip()
    return found


# Evidence, from one step to the next


def _documents(gate: Gate, form: Form) -> tuple[Evidence, ...]:
    """Those kept from earlier steps and those that come with this one, each once. Raises `Rejected`."""
    found = [_unpacked(packed) for packed in form.all("kept")]
    found += [_put(gate, file) for file in form.files.get("evidence", ())]
    return tuple({each.digest: each for each in found}.values())


def _put(gate: Gate, file: File) -> Evidence:
    media = file.media_type if _MEDIA.fullmatch(file.media_type) else _BARE
    return gate.put_evidence(re.split(r"[/\\]", file.name)[-1].strip(), media, file.data)


def _kept(documents: tuple[Evidence, ...]) -> list[Kept]:
    return [
        Kept(
            name=each.name,
            size=each.size,
            packed=msgspec.json.encode(
                _Kept(digest=each.digest.hex(), media_type=each.media_type, name=each.name, size=each.size)
            ).decode(),
        )
        for each in documents
    ]


def _unpacked(packed: str) -> Evidence:
    """What the form carried. It came through the browser, so it may be anything: the request checks it again."""
    try:
        kept = msgspec.json.decode(packed, type=_Kept)
        digest = bytes.fromhex(kept.digest)
    except (msgspec.MsgspecError, ValueError):
        raise Rejected(["a document that was uploaded before cannot be read; upload it again"]) from None
    return Evidence(digest=digest, media_type=kept.media_type, name=kept.name, size=kept.size)


ROUTES = (page("/ask", show_ask, take_ask, upload=True),)
