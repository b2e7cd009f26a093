"""Directories: what identity providers say of people, taken in, and what follows from it at once.

What is said is kept apart from the estate, with the time of each attribute. It changes nothing there: what differs is
for people to propose (gate_directory_change.py). Two things it does by itself, and both only take away. Who left leaves
(gate_leaving.py); and of whom nothing was said for too long, nothing is decided.

The order, and what a crash after each step leaves: what was said is written; somebody's leaving is recorded. A start,
as each sweep, goes on from what is written.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from armslength.gate import Conflict, PersonId, Rejected, posix
from armslength.intake import IntakeError
from armslength.service.gate_adopting import Adopting
from armslength.service.gate_directory_hearing import HOUR, Hearing
from armslength.service.gate_directory_index import DirectoryIndex
from armslength.service.gate_directory_proposing import DirectoryProposing
from armslength.service.gate_directory_pulling import Pulling
from armslength.service.gate_directory_said import (
    DIRECTORY_ATTRIBUTES,
    DIRECTORY_GROUP_ATTRIBUTES,
    DirectorySaid,
    Kind,
    linked,
    opened,
    renewed,
    sealed,
    sealed_state,
    tombstone,
    words_of,
)
from armslength.service.gate_failure import Unavailable, Unfounded
from armslength.service.gate_leasing import Leasing
from armslength.service.gate_leaving import Leaving
from armslength.service.gate_office import Office
from armslength.store import DirectoryRow, GateDirectory, GateTables
from armslength.tlog import Json, format_base64url

MOST = 1_000_000
"""Users and groups of one directory, those that were deleted among them."""
KEYED = "for directories"
RENEW = 600.0
"""Seconds between two looks for rows of which the same was said."""

Change = Callable[[DirectorySaid | None], tuple[Mapping[str, Json], Iterable[str]]]
"""From what was said before to the attributes as they are now, and which of them were said. Raises `Rejected`."""


class DirectoryStale(Conflict):
    """It is of another version than the caller saw."""


class DirectoryTwice(Conflict):
    """Another user or group of the directory has this name already."""


class DirectoryMissing(Rejected):
    """There is no such user or group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryHealth:
    """`unheard` counts people whom it covers and of whom its word is too old, or never came; `oldest` is when the one
    was said that was not for longest, None where there is none; `doubted` counts those whom it says to have left and
    who were too many at once; `strange` are rows that no gate wrote."""

    id: str
    users: int
    groups: int
    unheard: int
    oldest: int | None
    reconciled: int | None
    doubted: int
    strange: int
    problem: str | None = None
    """Why it could not be asked last, where it is asked."""


class Directories:
    """For any number of threads."""

    def __init__(self, office: Office, leaving: Leaving, leasing: Leasing, adopting: Adopting) -> None:
        """Raises `Unfounded` where they cannot be heard."""
        self._office, self._book = office, office.book
        self._key = office.derived(KEYED)
        self._by_id = {each.id: each for each in office.settings.directories}
        self._indexes = {id: DirectoryIndex(id, self._key, partial(self._strange, id)) for id in self._by_id}
        self._odd: dict[str, dict[str, str]] = {id: {} for id in self._by_id}
        self._renewed = 0.0
        self._saying = threading.Lock()
        """Held from the look for others of a name until the index knows the new one."""
        self.pulling = Pulling(office.folder.path, office.settings.directories, self)
        self.hearing = Hearing(office, leaving, leasing, self._indexes)
        if not self._by_id:
            return
        try:
            words_of({})
        except IntakeError:
            needs = "gate.toml names a directory, which needs scim2-models: pip install 'armslength[scim]'"
            raise Unfounded(needs) from None
        try:
            self.proposing = DirectoryProposing(office, self.hearing, self._indexes, adopting)
        except Rejected as error:
            raise Unfounded("; ".join(error.problems)) from None
        self.refresh()
        office.unheard, office.said_gone = self.hearing.unheard, self.hearing.said_gone

    # Reading

    @property
    def all(self) -> tuple[GateDirectory, ...]:
        return tuple(self._by_id.values())

    def index(self, id: str) -> DirectoryIndex:
        return self._indexes[id]

    def read(self, directory: str, kind: Kind, id: str) -> DirectorySaid:
        """Raises `DirectoryMissing`, `Tampered`, `Unavailable`."""
        row = self._book.copies.read(lambda tables: tables.directories.read(directory, id)) if id else None
        if row is None or row.kind != kind:
            raise DirectoryMissing([f"there is no {kind} {id[:80]!r}"])
        return opened(self._key, row)

    def find(self, directory: str, kind: Kind, attribute: str, value: str) -> tuple[DirectorySaid, ...]:
        """Those of whom `attribute` (`name`, `external` or `id`) is exactly this; names in either letter case."""

        def finding(tables: GateTables) -> tuple[DirectorySaid, ...]:
            rows: tuple[DirectoryRow, ...]
            if attribute == "id":
                row = tables.directories.read(directory, value)
                rows = (row,) if row is not None and row.kind == kind else ()
            elif attribute == "name":
                rows = tables.directories.named(directory, kind, value.lower())
            else:
                rows = tables.directories.external(directory, kind, value)
            return tuple(opened(self._key, row) for row in rows)

        return self._book.copies.read(finding)

    def page(self, directory: str, kind: Kind, *, skip: int, limit: int) -> tuple[int, tuple[DirectorySaid, ...]]:
        """How many there are in all, and some of them."""

        def paging(tables: GateTables) -> tuple[int, tuple[DirectorySaid, ...]]:
            rows = tables.directories.page(directory, kind, skip=skip, limit=limit) if limit else ()
            return tables.directories.count(directory, kind), tuple(opened(self._key, row) for row in rows)

        return self._book.copies.read(paging)

    # What is said

    def say(
        self, directory: str, kind: Kind, id: str | None, change: Change, *, version: int | None = None
    ) -> DirectorySaid:
        """Take in what a directory says of a user or a group; `id` None: of a new one. `version`: the one that the
        caller saw. What follows from it is done before it is told.

        Raises `Rejected`, `DirectoryMissing`, `DirectoryStale`, `DirectoryTwice`, `Tampered`, `Unavailable`: in the
        last case it may be written, and what follows still to be done, which the sweep does."""
        settings, now = self._by_id[directory], posix(self._book.now())
        fresh = format_base64url(self._office.draw()) if id is None else id

        def saying(tables: GateTables) -> DirectorySaid:
            row = tables.directories.read(directory, fresh)
            if id is None and row is not None or id is not None and (row is None or row.kind != kind):
                raise DirectoryMissing([f"there is no {kind} {fresh[:80]!r}"])
            before = None if row is None else opened(self._key, row)
            if version is not None and (before is None or before.version != version):
                raise DirectoryStale("it is of another version than was said")
            if before is None and self._indexes[directory].count() >= MOST:
                raise Rejected([f"more than {MOST:,} users and groups"])
            after = self._after(settings, kind, fresh, before, change, now)
            self._check_alone(tables, settings, after)
            tables.directories.put(sealed(self._key, directory, after, stamp=now))
            return after

        with self._saying:
            said = self._book.copies.change(saying)
            self._indexes[directory].put(said)
        self._follow(directory, said)
        return said

    def remove(self, directory: str, kind: Kind, id: str, *, version: int | None = None) -> None:
        """It is deleted there: a user has left. Raises as `say` does."""
        now = posix(self._book.now())

        def removing(tables: GateTables) -> DirectorySaid:
            row = tables.directories.read(directory, id)
            if row is None or row.kind != kind:
                raise DirectoryMissing([f"there is no {kind} {id[:80]!r}"])
            before = opened(self._key, row)
            if version is not None and before.version != version:
                raise DirectoryStale("it is of another version than was said")
            after = tombstone(before, now=now)
            if kind == "group":
                after = replace(after, person="")
            tables.directories.put(sealed(self._key, directory, after, stamp=now))
            return after

        said = self._book.copies.change(removing)
        index = self._indexes[directory]
        if kind == "group":
            index.drop_group(id)
        index.put(said)
        self._follow(directory, said)

    def confirm(self, directory: str, said: DirectorySaid) -> None:
        """It read a user as it is here, and where it `confirm_by_reading` says thereby that it is so still."""
        settings, now = self._by_id[directory], posix(self._book.now())
        limit = HOUR * settings.freshness_hours
        if not settings.confirm_by_reading or said.kind != "user" or now - said.oldest < limit // 8:
            return

        def confirming(tables: GateTables) -> DirectorySaid | None:
            row = tables.directories.read(directory, said.id)
            if row is None or row.kind != "user" or (found := opened(self._key, row)).version != said.version:
                return None  # it changed meanwhile
            after = replace(found, times=dict.fromkeys(DIRECTORY_ATTRIBUTES, now))
            tables.directories.put(sealed(self._key, directory, after, stamp=now))
            return after

        after = self._book.copies.change(confirming, durable=False)
        if after is not None:
            self._indexes[directory].put(after)

    def reconcile(
        self, directory: str, users: Mapping[str, Mapping[str, Json]], groups: Mapping[str, Mapping[str, Json]]
    ) -> None:
        """All that a directory has, by its own ids, read to the end: who is not in it has left. Nothing is done on a
        part of it: raises `Rejected` where it is empty, and as `say` does."""
        settings, now = self._by_id[directory], posix(self._book.now())
        if not users:
            raise Rejected(["the directory has no users: nobody is taken to have left for that"])
        index = self._indexes[directory]
        missing = [id for id in index.active_ids() if id not in users]
        gone_groups = [id for id in tuple(index.groups) if id not in groups]
        taken: list[DirectorySaid] = []
        together: list[tuple[Kind, str, Mapping[str, Json]]] = [("user", id, each) for id, each in users.items()]
        together += [("group", id, each) for id, each in groups.items()]
        for start in range(0, len(together), SOME):
            taken += self._taken(settings, together[start : start + SOME], now)

        def ending(tables: GateTables) -> list[DirectorySaid]:
            found = []
            for id in (*missing, *gone_groups):
                row = tables.directories.read(directory, id)
                if row is None or row.kind not in ("user", "group"):
                    continue
                after = tombstone(opened(self._key, row), now=now)
                after = replace(after, person="") if row.kind == "group" else after
                tables.directories.put(sealed(self._key, directory, after, stamp=now))
                found.append(after)
            tables.directories.put(sealed_state(self._key, directory, now))
            return found

        taken += self._book.copies.change(ending)
        for said in taken:
            index.put(said)
        for id in gone_groups:
            index.drop_group(id)
        index.reconciled_at(now)
        self.hearing.leavers(directory)

    def _taken(
        self, settings: GateDirectory, some: Sequence[tuple[Kind, str, Mapping[str, Json]]], now: int
    ) -> list[DirectorySaid]:
        """Take in what of this is new. What intake makes of it is computed before anybody is kept waiting."""
        ids = [id for _, id, _ in some]
        rows = self._book.copies.read(lambda tables: tables.directories.read_some(settings.id, ids))
        new: list[tuple[int, DirectorySaid]] = []
        for kind, id, attributes in some:
            row = rows.get(id)
            before = opened(self._key, row) if row is not None and row.kind == kind else None
            every = DIRECTORY_ATTRIBUTES if kind == "user" else DIRECTORY_GROUP_ATTRIBUTES
            person = linked(settings, kind, id, attributes)
            if before is None or (dict(before.attributes), before.person) != (dict(attributes), person):
                whole = (attributes, every)
                after = self._after(settings, kind, id, before, lambda _, whole=whole: whole, now)  # type: ignore[misc]
                new.append((0 if before is None else before.version, after))

        def putting(tables: GateTables) -> list[DirectorySaid]:
            now_there = tables.directories.read_some(settings.id, [after.id for _, after in new])
            found = []
            for version, after in new:
                row = now_there.get(after.id)
                known = opened(self._key, row).version if row is not None and row.kind == after.kind else 0
                if known == version:  # nobody said something else meanwhile
                    found.append(after)
            tables.directories.put(*(sealed(self._key, settings.id, after, stamp=now) for after in found))
            return found

        return self._book.copies.change(putting) if new else []

    # What follows

    def refresh(self) -> None:
        """Read what was written, here or by another gate. Raises `Unavailable`."""
        try:
            at = posix(self._book.now())
        except Unavailable:  # a clock that is wrong, at a start: all of it is read the next time
            at = 0
        for id, index in self._indexes.items():

            def reading(tables: GateTables, id: str = id, since: int = index.since) -> tuple[DirectoryRow, ...]:
                return tuple(tables.directories.written(id, since=since))

            index.take(self._book.copies.read(reading), at=at)

    def tick(self) -> None:
        """What time brings, and what a failure left to be done. Raises `GateError`."""
        if not self._by_id:
            return
        if self._book.shared() is not None:  # another gate may have been told
            self.refresh()
        self.hearing.tick()
        if self._book.leads:
            self.pulling.tick()
        if not self._renewed or time.monotonic() - self._renewed >= RENEW:
            self._renewed = time.monotonic()
            self.proposing.renew()

    def health(self) -> tuple[DirectoryHealth, ...]:
        found = []
        for id, index in self._indexes.items():
            heard = [at for person in index.people() if (at := index.heard(person)) is not None]
            found.append(
                DirectoryHealth(
                    id=id,
                    users=len(index.active_ids()),
                    groups=len(index.groups),
                    unheard=self.hearing.unheard_of[id],
                    oldest=min(heard, default=None),
                    reconciled=index.reconciled or None,
                    doubted=len(self.hearing.doubted[id]),
                    strange=len(self._odd[id]),
                    problem=self.pulling.problems.get(id),
                )
            )
        return tuple(found)

    # Within

    def _after(
        self, settings: GateDirectory, kind: Kind, id: str, before: DirectorySaid | None, change: Change, now: int
    ) -> DirectorySaid:
        attributes, names = change(before)
        every = DIRECTORY_ATTRIBUTES if kind == "user" else DIRECTORY_GROUP_ATTRIBUTES
        kept = {name: attributes[name] for name in every if attributes.get(name) not in (None, "", [])}
        try:
            words = words_of(kept) if kind == "user" else {}
        except IntakeError as error:
            raise Rejected([str(each) for each in error.problems] or ["its attributes cannot be read"]) from None
        return DirectorySaid(
            kind=kind,
            id=id,
            person=linked(settings, kind, id, kept),
            attributes=kept,
            times=renewed({} if before is None else before.times, names, now, every),
            words=words,
            made=now if before is None else before.made,
            changed=now,
            version=1 if before is None else before.version + 1,
        )

    def _check_alone(self, tables: GateTables, settings: GateDirectory, said: DirectorySaid) -> None:
        """That no other user or group of the directory has its names. Raises `DirectoryTwice`."""
        known = said.kind
        name = said.text("userName" if known == "user" else "displayName").lower()
        external = said.text("externalId")
        named = tables.directories.named(settings.id, known, name) if name and known == "user" else ()
        same = tables.directories.external(settings.id, known, external) if external else ()
        if any(row.id != said.id for row in (*named, *same)):
            raise DirectoryTwice("another one of this directory has this userName or externalId")
        others = self._indexes[settings.id].of(PersonId(said.person)) if known == "user" and said.person else ()
        mine = self._indexes[settings.id].person_of(said.id) == said.person
        if said.active and sum(each.active for each in others) > (1 if mine else 0):
            raise DirectoryTwice("another active user of this directory stands for the same person")

    def _follow(self, directory: str, said: DirectorySaid) -> None:
        if said.kind != "group" and said.person and not said.active:
            self.hearing.leavers(directory, only=PersonId(said.person))

    def _strange(self, directory: str, row: str, says: str) -> None:
        self._odd[directory][row] = says
        self._book.finding(("directory", f"{directory} {row[:80]}"), says)


SOME = 500
"""Users or groups written in one transaction."""
