"""What is told of a change to the ties that people chose to declare: about how many, never whose or to which state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from armslength.estate import Estate

Band = Literal["fewer than 10", "10 to 99", "100 or more"]
# No exact number, and no zero: beside the rest of a change, a count of 1 is a name (one person comes, and one tie), and
# whoever proposes a table of one guessed tie would learn from "none come" that it is there already. Nor are ties
# counted where few people are concerned: ten ties of one newcomer are as good as a name. A judge still sees what they
# have to: a table that is emptied, or filled, for many at once.
FEW, MANY = 10, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TieChange:
    """How many ties come and go, and of how many people; the ties are None where few people are concerned."""

    people: Band
    come: Band | None
    go: Band | None

    def words(self) -> str:
        if self.come is None or self.go is None:
            return f"ties of {self.people} people come or go"
        return f"{self.come} ties come, {self.go} go, of {self.people} people"


def tie_change(old: Estate, new: Estate) -> TieChange:
    before, after = _ties(old), _ties(new)
    come, go = after - before, before - after
    people = len({person for person, _ in come | go})
    told = people >= FEW
    return TieChange(people=_band(people), come=_band(len(come)) if told else None, go=_band(len(go)) if told else None)


def _ties(estate: Estate) -> frozenset[tuple[str, str]]:
    return frozenset((str(estate.people.ids[tie.person]), str(estate.states[tie.state])) for tie in estate.declared)


def _band(count: int) -> Band:
    return "fewer than 10" if count < FEW else "10 to 99" if count < MANY else "100 or more"
