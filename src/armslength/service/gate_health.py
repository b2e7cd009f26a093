"""How a gate is: what a probe, a page and a metric ask for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from armslength.service.gate_book import NOTHING
from armslength.service.gate_directory import DirectoryHealth
from armslength.service.gate_drill import LastDrill
from armslength.service.gate_failure import Unavailable
from armslength.service.gate_office import Office
from armslength.service.gate_opening import Recovered
from armslength.service.gate_reviewing import overdue
from armslength.service.gate_sweeping import Sweeping
from armslength.service.ledger import LedgerHealth
from armslength.service.shared_ledger import CUT, SharedHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class GateHealth:
    """`unready` says why nothing is allowed, and is None while the gate is fit to decide. `tampered` are objects whose
    rows are not what the ledger says, and what stands in the ledger and does not hold, `behind` how many rows have
    still to be written, `store` how the database failed last, if it does. `problems` are what went wrong in the last
    sweep, by its part; `mended` is what the start found."""

    unready: str | None
    estate: str
    day: dt.date
    position: int
    waiting: int
    live: int
    keys: int
    overdue: int
    behind: int
    store: str | None
    tampered: tuple[str, ...]
    problems: Mapping[str, str]
    mended: Recovered
    ledger: LedgerHealth
    shared: SharedHealth | None = None
    """How it stands with the other gates; None: there are none."""
    drilled: LastDrill | None = None
    """The last drill that is over."""
    directories: tuple[DirectoryHealth, ...] = ()
    """How each identity provider is heard that says who is there."""
    drill_due: bool = False
    """Whether it is longer ago than `drill_days` of gate.toml, or there was none."""


def gate_health(office: Office, sweeping: Sweeping, mended: Recovered) -> GateHealth:
    book = office.book
    unready = not_ready(office)
    late = 0
    if unready is None:
        late = len(overdue(office, book.now()))
    return GateHealth(
        unready=unready,
        estate=office.digest,
        day=office.decider.day,
        position=book.state.position,
        waiting=len(book.state.waiting()),
        live=len(book.state.live()),
        keys=len(office.keyed()),
        overdue=late,
        behind=len(book.copies.behind()),
        store=book.copies.failed,
        tampered=(*book.copies.tampered.values(), *book.unsound.values()),
        problems=dict(sweeping.problems),
        mended=mended,
        ledger=book.ledger.health(),
        shared=book.shared(),
        drilled=sweeping.drills.last,
        drill_due=sweeping.drills.due,
        directories=sweeping.directories.health(),
    )


def not_ready(office: Office) -> str | None:
    """Why nothing is decided now, in words for anybody. Costs no disk."""
    try:
        office.book.now()
    except Unavailable as error:
        return str(error)
    if (shared := office.book.shared()) is not None and shared.cut > CUT:
        return f"this gate is cut off from the others since {int(shared.cut)} seconds; nothing is recorded meanwhile"
    if office.book.ledger.health().writer.stopped is not None or office.book.unsettled is not None:
        return NOTHING
    if office.book.copies.failed is not None:
        return "the gate's database fails; nothing is decided meanwhile"
    return office.silence
