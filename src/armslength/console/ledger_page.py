"""The ledger's state, in words: whether what happens here is being recorded, and whether others can see that."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from armslength.console.door import page
from armslength.console.visit import Visit
from armslength.console.words import moment_text
from armslength.gate import moment
from armslength.report import counted
from armslength.service import GateHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """`alarms` are what somebody has to look at."""

    says: str
    facts: tuple[tuple[str, str], ...]
    alarms: tuple[str, ...]


def show_ledger(visit: Visit) -> Response:
    health, origin = visit.gate.health(), visit.gate.settings.origin
    return visit.page("ledger.html", l=ledger_view(health, origin, keeper=visit.keeper()), keeper=visit.keeper())


def ledger_view(health: GateHealth, origin: str, *, keeper: bool) -> LedgerView:
    """Alarms name objects and problems, which are for keepers; others learn that there are some."""
    publisher, writer = health.ledger.publisher, health.ledger.writer
    held = writer.size - publisher.published
    says = "Everything here is being recorded, and what is recorded is published."
    if health.unready is not None:
        says = f"Nothing is allowed at this moment: {health.unready}."
    elif publisher.problem is not None:
        says = "Everything here is being recorded. Making it public is held up; what happened meanwhile is not lost."
    facts = (
        ("Its name", origin),
        ("Entries", f"{writer.size:,}"),
        ("Published", f"{publisher.published:,}" + (f"; {held:,} to come" if held > 0 else "")),
        ("Last published", moment_text(moment(publisher.at)) if publisher.at else "never"),
        ("Witnesses asked", counted(len(publisher.witnesses), "witness", "witnesses")),
        ("Estate that holds", f"{health.estate}, read for {health.day:%d %b %Y}"),
        ("Requests that wait", f"{health.waiting:,}"),
        ("Leases that run", f"{health.live:,}"),
        ("People with a passkey", f"{health.keys:,}"),
    )
    alarms = [*health.tampered, *(f"{part}: {problem}" for part, problem in health.problems.items())]
    if publisher.problem is not None:
        alarms.append(publisher.problem)
    if health.overdue:
        alarms.append(f"{counted(health.overdue, 'lease')} under break-glass terms should have been reviewed by now")
    if health.drill_due:
        last = health.drilled
        when = "never held" if last is None else f"last held {moment_text(moment(last.at))}"
        alarms.append(f"a drill of the emergency terms is due; one was {when}")
    if health.behind:
        alarms.append(f"{counted(health.behind, 'row')} of the database still to be written from the ledger")
    if alarms and not keeper:
        alarms = [f"{counted(len(alarms), 'thing')}; those who look after the gate see what"]
    return LedgerView(says=says, facts=facts, alarms=tuple(alarms))


ROUTES = (page("/ledger", show_ledger),)
