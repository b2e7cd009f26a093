"""How the people of one derivation are called: by role and count, or by id and name where that was asked for.

A report speaks of "a liaison officer" and, when there are two, of "a second liaison officer"; the same person is called
the same throughout. Declared ties are never told, nor a state that only a declared tie shows.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence

from armslength.estate import Basis, Estate
from armslength.reach import Step
from armslength.report.plain import short

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SOUNDS_LIKE_A = ("uni", "use", "usa", "usu", "uti", "eu", "one")
_LETTERS_WITH_AN = frozenset("AEFHILMNORSX")
_LONGEST = 60


class Roster:
    """Names the people of `steps`, each `person:…`, in the order in which they are first mentioned."""

    def __init__(self, estate: Estate, at: dt.date, steps: Sequence[Step], *, names: bool = False) -> None:
        self.estate, self.at, self.names = estate, at, names
        people = dict.fromkeys(step.fact[1] for step in steps if step.fact[0] == "acts")
        self._index = {ref: estate.people.ids.index(ref.partition(":")[2]) for ref in people}
        self._called = {ref: self._label(ref) for ref in people}
        self._count = Counter(self._called.values())
        self._mentioned: dict[str, list[str]] = {}

    def labels(self) -> dict[str, str]:
        """The short label of each person: the role, or the id and name."""
        return {ref: self._full(ref) if self.names else label for ref, label in self._called.items()}

    def mention(self, ref: str, note: str = "") -> str:
        """The person in running text: "a liaison officer" at first, "the liaison officer" from then on; with a note in
        brackets."""
        label = self._called[ref]
        before = self._mentioned.setdefault(label, [])
        new = ref not in before
        if new:
            before.append(ref)
        if self.names:
            return self._full(ref, note, brief=not new)
        brackets = f" ({note})" if note else ""
        place = before.index(ref)
        ordinal = _ORDINALS[place] if place < len(_ORDINALS) else f"{place + 1}th"
        one = label if place == 0 and new or self._count[label] == 1 else f"{ordinal} {label}"
        return f"{article(one) if new else 'the'} {one}{brackets}"

    def known(self, ref: str) -> str:
        """As `mention` for one of the derivation, `a person` for anybody else."""
        return self.mention(ref) if ref in self._called else "a person"

    def label(self, ref: str) -> str:
        return self._called[ref]

    def place(self, ref: str) -> str:
        """The first place or employer that stands in the tables: `workplace US`; "" where none does."""
        ties = {basis: state for basis, state in self._ties(self._index[ref]) if basis is not Basis.TRAVEL}
        return next((f"{basis.value} {self.estate.states[state]}" for basis, state in ties.items()), "")

    def exposed(self, ref: str) -> list[str]:
        """The states that the person is exposed to by ties that may be told, closed upward; codes in order."""
        upward = self.estate.settings.upward
        return sorted({self.estate.states[s] for _, tied in self._ties(self._index[ref]) for s in upward[tied]})

    def reached_through(self, ref: str, basis: str, state: int) -> int | None:
        """The state, as the tables name it, by which a tie of this basis lets `state` reach the person."""
        upward = self.estate.settings.upward
        ties = (tied for called, tied in self._ties(self._index[ref]) if called == basis and state in upward[tied])
        return next(ties, None)

    def _ties(self, person: int) -> Iterator[tuple[Basis, int]]:
        estate, bases = self.estate, self.estate.settings.bases
        found = [
            (Basis.WORKPLACE, int(estate.people.workplace[person])),
            (Basis.RESIDENCE, int(estate.people.residence[person])),
        ]
        entity, basis = int(estate.people.entity[person]), Basis.EMPLOYER
        while entity >= 0:
            found.append((basis, int(estate.entities.state[entity])))
            entity, basis = int(estate.entities.parent[entity]), Basis.OWNER
        found += [
            (Basis.TRAVEL, t.state) for t in estate.travel if t.person == person and t.start <= self.at <= t.until
        ]
        return (tie for tie in found if tie[0] in bases and tie[1] >= 0)

    def _label(self, ref: str) -> str:
        if role := self._cell(ref, "role"):
            return short(role, _LONGEST)
        unit = self._cell(ref, "unit")
        return f"person of unit {short(unit, _LONGEST)}" if unit else "person"

    def _full(self, ref: str, note: str = "", *, brief: bool = False) -> str:
        cells = [] if brief else [short(cell, _LONGEST) for c in ("name", "role") if (cell := self._cell(ref, c))]
        told = "; ".join(part for part in (", ".join(cells), note) if part)
        person = f"`{short(ref.partition(':')[2])}`"
        return f"{person} ({told})" if told else person

    def _cell(self, ref: str, column: str) -> str:
        columns = self.estate.people.columns
        return str(columns[column][self._index[ref]]) if column in columns else ""


def article(words: str) -> str:
    """`a` or `an`, by how the first word sounds: an SRE, a user manager."""
    first = words.split()[0] if words.split() else words
    if len(first) <= 4 and first.isupper():
        return "an" if first[0] in _LETTERS_WITH_AN else "a"
    lower = first.lower()
    return "an" if lower[:1] in tuple("aeiou") and not lower.startswith(_SOUNDS_LIKE_A) else "a"


def capital(words: str) -> str:
    """With a capital letter, to begin a sentence."""
    return words[:1].upper() + words[1:]
