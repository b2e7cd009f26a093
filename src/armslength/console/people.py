"""Who somebody is, as colleagues know them. Never where a state can reach them: that counts and is not shown."""

from __future__ import annotations

from dataclasses import dataclass

from armslength.estate import Estate
from armslength.gate import PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """`known` is False for an id that the estate no longer has."""

    id: PersonId
    name: str
    role: str = ""
    unit: str = ""
    known: bool = True

    @property
    def about(self) -> str:
        """`trust reviewer, Dublin`, or nothing."""
        return ", ".join(filter(None, (self.role, self.unit)))


class Faces:
    """The people of one estate."""

    def __init__(self, estate: Estate) -> None:
        people = estate.people
        empty = [""] * len(people.ids)
        name, role, unit = (people.columns.get(column, empty) for column in ("name", "role", "unit"))
        self._faces = {
            PersonId(id): Face(id=PersonId(id), name=name[i] or id, role=role[i], unit=unit[i])
            for i, id in enumerate(people.ids)
        }

    def of(self, person: PersonId) -> Face:
        return self._faces.get(person) or Face(id=person, name=person, known=False)

    def all(self) -> tuple[Face, ...]:
        return tuple(self._faces.values())
