"""Who stands in which directory, in memory: what decisions ask for, hundreds of times a second.

Read from rows under a MAC, again whenever one was written, by whichever gate. What cannot be believed is as if it had
not been said, so that whoever it was about is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from armslength.gate import PersonId, Tampered
from armslength.service.gate_directory_said import DirectorySaid, opened, opened_state
from armslength.store import DirectoryRow

BACK = 30
"""Seconds by which a row may be dated earlier than one that was seen before it: clocks of gates differ."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A user. `oldest` as in `DirectorySaid`; `manager` is the provider's id."""

    person: PersonId
    active: bool
    oldest: int
    words: tuple[tuple[str, str], ...]
    manager: str
    changed: int


class DirectoryIndex:
    """Of one directory, for any number of threads."""

    def __init__(self, directory: str, key: bytes, finding: Callable[[str, str], None]) -> None:
        """`finding` has it recorded that a row is none that the gate wrote: its id, and a sentence."""
        self._directory, self._key, self._finding = directory, key, finding
        self._lock = threading.Lock()
        self._users: dict[str, Entry] = {}
        self._people: dict[PersonId, dict[str, None]] = {}
        self._left: set[PersonId] = set()
        """Who is said to be gone."""
        self.groups: dict[str, tuple[str, tuple[str, ...]]] = {}
        """By id: the group's id in the estate, and its members' ids."""
        self.reconciled = 0
        """When all of it was last said at once; what is there since then was said then."""
        self._read = 0
        self.version = 0
        """How often something in it changed."""

    @property
    def since(self) -> int:
        """From when on rows have to be read."""
        return max(0, self._read - BACK)

    def take(self, rows: Iterable[DirectoryRow], *, at: int) -> None:
        """Rows as they were read, from `since` on; `at` is when that began."""
        self._read = max(self._read, at)
        for row in rows:
            try:
                if row.kind == "state":
                    self._reconciled(opened_state(self._key, row))
                else:
                    self.put(opened(self._key, row))
            except Tampered as error:
                self._drop(row.id)
                self._finding(row.id, str(error))

    def put(self, said: DirectorySaid) -> None:
        with self._lock:
            if said.kind == "group":
                found = (said.person, said.members)
                if self.groups.get(said.id) != found:
                    self.groups[said.id] = found
                    self.version += 1
                return
            entry = Entry(
                person=PersonId(said.person),
                active=said.active,
                oldest=said.oldest,
                words=tuple(sorted(said.words.items())),
                manager=said.text("manager"),
                changed=said.changed,
            )
            before = self._users.get(said.id)
            if entry == before:
                return
            self._users[said.id] = entry
            self.groups.pop(said.id, None)
            if entry.person:  # before the old one goes: readers find one or the other
                self._people.setdefault(entry.person, {})[said.id] = None
            if before is not None and before.person != entry.person:
                self._forget(before.person, said.id)
                self._mark(before.person)
            self._mark(entry.person)
            self.version += 1

    def drop_group(self, id: str) -> None:
        with self._lock:
            if self.groups.pop(id, None) is not None:
                self.version += 1

    def reconciled_at(self, at: int) -> None:
        self._reconciled(at)

    def heard(self, person: PersonId) -> int | None:
        """When all of somebody was last said, in POSIX seconds; None: nobody active stands for them."""
        found = [entry for entry in self.of(person) if entry.active]
        return max((max(entry.oldest, self.reconciled) for entry in found), default=None)

    def left(self, person: PersonId) -> bool:
        """Whether it says that they are gone: somebody stood for them, and nobody does."""
        found = self.of(person)
        return bool(found) and not any(entry.active for entry in found)

    def of(self, person: PersonId) -> tuple[Entry, ...]:
        """Whoever stands for them."""
        ids = tuple(self._people.get(person, ()))
        return tuple(entry for id in ids if (entry := self._users.get(id)) is not None and entry.person == person)

    def gone(self) -> tuple[PersonId, ...]:
        """Everybody who left, as it says."""
        return tuple(sorted(self._left.copy()))

    def count(self) -> int:
        """How many users and groups it knows, those that were deleted among them."""
        return len(self._users) + len(self.groups)

    def people(self) -> tuple[PersonId, ...]:
        """Everybody whom it knows, by the estate's ids."""
        return tuple(self._people)

    def active_ids(self) -> tuple[str, ...]:
        """The users that are there, by its own ids."""
        with self._lock:
            return tuple(id for id, entry in self._users.items() if entry.active)

    def person_of(self, id: str) -> PersonId | None:
        """Whom a user stands for; None: nobody, or it is not there."""
        entry = self._users.get(id)
        return entry.person or None if entry is not None and entry.active else None

    def _reconciled(self, at: int) -> None:
        if at > self.reconciled:
            self.reconciled = at
            self.version += 1

    def _drop(self, id: str) -> None:
        with self._lock:
            before = self._users.pop(id, None)
            self.groups.pop(id, None)
            if before is not None:
                self._forget(before.person, id)
                self._mark(before.person)
            self.version += 1

    def _mark(self, person: PersonId) -> None:
        (self._left.add if person and self.left(person) else self._left.discard)(person)

    def _forget(self, person: PersonId, id: str) -> None:
        ids = self._people.get(person)
        if ids is not None:
            ids.pop(id, None)
            if not ids:
                del self._people[person]
