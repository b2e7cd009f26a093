"""Somebody who left, as far as it has come; frozen, a new one for a change."""

from __future__ import annotations

from dataclasses import dataclass

from armslength.gate.form import Form
from armslength.gate.moment import Moment, format_moment
from armslength.gate.request import PersonId
from armslength.tlog import Json

_MEMBERS = frozenset("at index kind person returned source version".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaverState:
    """`source` said so: a directory's id, or the gate's host. `at` is when, `index` where its record stands; `returned`
    when a change was adopted that names them as returning, None: they are gone. `version` counts both."""

    person: PersonId
    source: str
    at: Moment
    index: int
    version: int
    returned: Moment | None = None

    @property
    def gone(self) -> bool:
        return self.returned is None

    def form(self) -> dict[str, Json]:
        """What its row in a database must equal."""
        return {
            "at": format_moment(self.at),
            "index": self.index,
            "kind": "leaver",
            "person": self.person,
            "returned": None if self.returned is None else format_moment(self.returned),
            "source": self.source,
            "version": self.version,
        }


def parse_leaver_state(form: Json) -> LeaverState:
    """The state whose `form` this is. Raises `Rejected` with every problem."""
    read = Form(form, "leaver", _MEMBERS)
    read.exactly("kind", "leaver")
    person, source = PersonId(read.text("person")), read.text("source")
    at, index, version = read.moment("at"), read.number("index"), read.number("version")
    returned = read.moment("returned") if read.has("returned") else None
    read.done()
    return LeaverState(person=person, source=source, at=at, index=index, version=version, returned=returned)
