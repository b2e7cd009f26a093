"""A request read from its form: what is signed and recorded has one spelling, and anything else is refused."""

from __future__ import annotations

from armslength.gate.form import Form
from armslength.gate.moment import EARLIEST
from armslength.gate.request import Evidence, Hold, PersonId, Request, RequestId, Target, Window
from armslength.tlog import Json

_MEMBERS = frozenset(
    "action asker author context customers evidence executor expires gate hold id kind made purpose resource version "
    "window".split()
)


def parse_request(form: Json) -> Request:
    """The request whose `form` this is. Raises `Rejected` with every problem."""
    read = Form(form, "request", _MEMBERS)
    read.exactly("kind", "request")
    read.exactly("version", 1)
    resource = read.inner("resource", parse_target, Target(type="asset", id="-"))
    evidence = tuple(read.made("evidence", each, _parse_evidence, None) for each in read.items("evidence"))
    window = read.inner("window", _parse_window, Window(start=EARLIEST, end=EARLIEST))
    hold = read.inner("hold", _parse_hold, None) if read.has("hold") else None
    author = read.text("author") if read.has("author") else None
    members = {name: read.text(name) for name in ("id", "gate", "executor", "asker", "action", "purpose")}
    customers, context = read.texts("customers"), read.mapping("context")
    made, expires = read.moment("made"), read.moment("expires")
    read.done()
    return Request(
        id=RequestId(members["id"]),
        gate=members["gate"],
        executor=PersonId(members["executor"]),
        asker=PersonId(members["asker"]),
        author=None if author is None else PersonId(author),
        action=members["action"],
        resource=resource,
        customers=customers,
        purpose=members["purpose"],
        context=context,
        evidence=tuple(each for each in evidence if each is not None),
        window=window,
        made=made,
        expires=expires,
        hold=hold,
    )


def parse_target(value: Json) -> Target:
    """Raises `Rejected`."""
    read = Form(value, "target", frozenset({"type", "id"}))
    target = Target(type=read.text("type"), id=read.text("id"))
    read.done()
    return target


def _parse_evidence(value: Json) -> Evidence:
    read = Form(value, "evidence", frozenset({"digest", "media_type", "name", "size"}))
    evidence = Evidence(
        digest=read.digest("digest"),
        media_type=read.text("media_type"),
        name=read.text("name"),
        size=read.number("size"),
    )
    read.done()
    return evidence


def _parse_window(value: Json) -> Window:
    read = Form(value, "window", frozenset({"start", "end"}))
    window = Window(start=read.moment("start"), end=read.moment("end"))
    read.done()
    return window


def _parse_hold(value: Json) -> Hold:
    read = Form(value, "hold", frozenset({"reason", "until"}))
    hold = Hold(reason=read.text("reason"), until=read.moment("until"))
    read.done()
    return hold
