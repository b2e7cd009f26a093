"""Hearing: of whom a directory has to speak, who left as it says, and of whom it has been silent for too long.

What it says here only takes away. Somebody leaves by its word alone, but so many a day: a slip in the scope of a
provisioning would else send a firm home, for good. Past that it is believed in nothing, which can be undone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from armslength.estate import Estate
from armslength.gate import GateError, PersonId, Why, posix
from armslength.service.gate_anew import anew
from armslength.service.gate_directory_index import DirectoryIndex
from armslength.service.gate_failure import Unavailable
from armslength.service.gate_leasing import Leasing
from armslength.service.gate_leaving import Leaving
from armslength.service.gate_notice import NoticeKind, told
from armslength.service.gate_office import Office
from armslength.store import GateDirectory

DAY = 86_400
HOUR = 3600
LOOK = 10.0
"""Seconds between two looks for who is unheard."""


class Hearing:
    """For any number of threads."""

    def __init__(
        self, office: Office, leaving: Leaving, leasing: Leasing, indexes: Mapping[str, DirectoryIndex]
    ) -> None:
        self._office, self._book, self._leasing = office, office.book, leasing
        self._leave = anew(leaving.left)
        self._by_id: Mapping[str, GateDirectory] = {each.id: each for each in office.settings.directories}
        self._indexes = indexes
        self.doubted: dict[str, frozenset[PersonId]] = {id: frozenset() for id in self._by_id}
        """Who left, as it says, and were too many at once."""
        self.unheard_of: dict[str, int] = dict.fromkeys(self._by_id, 0)
        """How many it has been silent about for too long."""
        self._covered: dict[str, tuple[Estate, Mapping[PersonId, None]]] = {}
        self._looked = 0.0
        self._seen: Mapping[str, frozenset[PersonId]] | None = None

    def covers(self, id: str, person: PersonId) -> bool:
        """Whether a directory has to speak of somebody of the estate."""
        if "everyone" in self._by_id[id].covers:
            return True
        return person in self._those(id)

    def unheard(self, person: PersonId) -> bool:
        """Whether a directory that has to speak of them has not for too long, or is not to be believed now."""
        try:
            now = posix(self._book.now())
        except Unavailable:
            return True
        return any(self._silent(each, person, now) for each in self._by_id.values() if self.covers(each.id, person))

    def said_gone(self, person: PersonId) -> bool:
        """Whether a directory that has to speak of them says now that they left."""
        return any(self._indexes[id].left(person) and self.covers(id, person) for id in self._by_id)

    def leavers(self, id: str, only: PersonId | None = None) -> None:
        """Have those leave whom it says to be gone. Raises `Unavailable`: the next sweep goes on."""
        index, settings = self._indexes[id], self._by_id[id]
        said = index.gone() if only is None else (only,) if index.left(only) else ()
        doubted: set[PersonId] = set() if only is None else set(self.doubted[id])
        for person in said:
            if not self._concerns(id, person):
                doubted.discard(person)
            elif self._lately(id) >= settings.leavers_a_day:
                doubted.add(person)
            else:
                self._leave(person, id)
                doubted.discard(person)
        self._doubt(id, frozenset(doubted))

    def tick(self) -> None:
        """Raises `Unavailable`, with what failed of each."""
        failed: list[str] = []
        for id in self._by_id:
            try:
                self.leavers(id)
            except GateError as error:
                failed.append(f"{id}: {error}")
        if not self._looked or time.monotonic() - self._looked >= LOOK:
            self.look()
        if failed:
            raise Unavailable(Why.ERROR, "; ".join(failed))

    def look(self) -> None:
        """Whether others are unheard than before: then what rests on them is judged again, and it is told."""
        now, state = posix(self._book.now()), self._book.state
        there = [person for name in self._office.decider.estate.people.ids if not state.gone(person := PersonId(name))]
        silent: dict[str, frozenset[PersonId]] = {}
        for id, each in self._by_id.items():
            silent[id] = frozenset(one for one in there if self.covers(id, one) and self._silent(each, one, now))
            self.unheard_of[id] = len(silent[id])
        nobody = frozenset().union(*silent.values()) >= frozenset(there)
        says = "a directory has said nothing of anybody for too long, or is not believed: nothing is decided meanwhile"
        self._office.silence = says if nobody and there and self._by_id else None
        before = self._seen
        if silent != before:
            self._seen = silent
            self._turn()
            for id, people in silent.items():
                if people and not (before or {}).get(id) and not self.doubted[id]:
                    self._tell_silence(id, len(people), now)
        self._looked = time.monotonic()

    # Within

    def _concerns(self, id: str, person: PersonId) -> bool:
        """Whether there is anything that somebody who is said to have left could do."""
        state = self._book.state
        if state.gone(person) or not self.covers(id, person):
            return False
        return person in self._office.decider.roster.places or bool(state.keys_of(person))

    def _lately(self, id: str) -> int:
        since = posix(self._book.now()) - DAY
        return sum(each.source == id and posix(each.at) > since for each in tuple(self._book.state.leavers.values()))

    def _doubt(self, id: str, people: frozenset[PersonId]) -> None:
        before = self.doubted[id]
        self.doubted[id] = people
        if bool(people) == bool(before):
            return
        self._looked = 0.0
        self._turn()
        if people:
            says = (
                f"the directory {id} says that more people left within a day than leavers_a_day of gate.toml allows: it"
                " is believed in nothing until that is set right there, or the setting is raised"
            )
            at = posix(self._book.now())
            alarm = told(NoticeKind.ALARM, id, says, at=at, more={"event": "doubted", "day": str(at // DAY)})
            self._book.copies.write(told=[alarm])

    def _silent(self, directory: GateDirectory, person: PersonId, now: int) -> bool:
        if self.doubted[directory.id]:
            return True
        heard = self._indexes[directory.id].heard(person)
        return heard is None or now - heard >= HOUR * directory.freshness_hours

    def _tell_silence(self, id: str, people: int, now: int) -> None:
        index = self._indexes[id]
        since = max((at for person in index.people() if (at := index.heard(person)) is not None), default=0)
        says = (
            f"of {people} people the directory {id} has said nothing for {self._by_id[id].freshness_hours} hours:"
            " nothing that rests on them is decided until it does"
        )
        alarm = told(NoticeKind.ALARM, id, says, at=now, more={"event": "silent", "since": str(since)})
        self._book.copies.write(told=[alarm])

    def _turn(self) -> None:
        """Others count than before."""
        self._office.heard += 1
        self._leasing.look_again()

    def _those(self, id: str) -> Mapping[PersonId, None]:
        """Whom it covers in the estate that holds, where that is not everybody."""
        decider = self._office.decider
        found = self._covered.get(id)
        if found is None or found[0] is not decider.estate:
            people: dict[PersonId, None] = {}
            membership, estate = decider.roster.membership, decider.estate
            groups = {name: place for place, name in enumerate(estate.groups.ids)}
            for each in self._by_id[id].covers:
                kind, _, name = each.partition(":")
                if kind == "person":
                    people[PersonId(name)] = None
                elif name in groups:
                    members = membership.members(groups[name]).tolist()
                    people |= {PersonId(estate.people.ids[place]): None for place in members}
            found = self._covered[id] = (decider.estate, people)
        return found[1]
