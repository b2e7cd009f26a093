"""Former coalitions: who fired which rule of a solution in which column, told in the numbers of another model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from armslength.reach.columns import Words, are_set
from armslength.reach.matching import Matching
from armslength.reach.spread import Flags, Ints

Small = npt.NDArray[np.int8]
People = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Former:
    """One a row [n], of rules and columns that are there still: the number of the `rule`, the `column`, which it `was`
    before, and with how many accomplices it fired (`level`). `people` [n, most] are the indexes before and `moved`
    those of the new model, where there is somebody (`there`) who did not leave (`stay`)."""

    rule: Ints
    column: Ints
    was: Ints
    level: Small
    people: Ints
    moved: Ints
    there: Flags
    stay: Flags

    @property
    def whole(self) -> Flags:
        """Shape [n]: of whom nobody left."""
        found: Flags = np.all(self.stay == self.there, axis=1)
        return found

    def any(self, flags: Flags) -> Flags:
        """Shape [n]: of whom anybody has a flag [P], by the new indexes."""
        found: Flags = np.any(flags[self.moved] & self.stay, axis=1)
        return found

    def acting(self, words: Words) -> Flags:
        """Shape [n]: of whom anybody acts in the column, by the `words` [W, N] of a board of the new model."""
        found: Flags = np.any(are_set(words, self.moved, self.column[:, None]) & self.stay, axis=1)
        return found

    def some(self, flags: Flags) -> Iterator[tuple[int, int, int, People]]:
        """Those with a flag [n], all of whom are there: rule, column, level, people."""
        rows = np.flatnonzero(flags)
        count = self.there[rows].sum(axis=1)
        columns = (part[rows].tolist() for part in (self.rule, self.column, self.level, self.moved))
        for rule, column, level, now, many in zip(*columns, count.tolist(), strict=True):
            yield rule, column, level, tuple(now[:many])

    def by_column(self) -> dict[tuple[int, int], int]:
        """The rules that fired, by column and level, a bit each by number."""
        if not len(self.rule):
            return {}
        shape = int(self.column.max()) + 1, int(self.level.max()) + 1, int(self.rule.max()) + 1
        flags = np.zeros(shape, dtype=np.bool_)
        flags[self.column, self.level, self.rule] = True
        packed = np.packbits(flags, axis=2, bitorder="little")
        return {
            (c, level): int.from_bytes(packed[c, level].tobytes(), "little")
            for c, level in np.argwhere(flags.any(axis=2)).tolist()
        }


def former(made: Mapping[tuple[int, int], tuple[int, People]], match: Matching) -> Former:
    """Those of `Levels.made`."""
    keys = np.array(list(made), dtype=np.int32).reshape(-1, 2)
    level = np.fromiter((level for level, _ in made.values()), dtype=np.int8, count=len(made))
    count = np.fromiter((len(people) for _, people in made.values()), dtype=np.int64, count=len(made))
    people = np.zeros((len(made), int(count.max(initial=1))), dtype=np.int32)
    there = np.arange(people.shape[1]) < count[:, None]
    people[there] = np.fromiter(chain.from_iterable(people for _, people in made.values()), dtype=np.int32)
    rules, columns = (_inverse(one, keys[:, i]) for i, one in enumerate((match.rules, match.columns)))
    kept = (rules >= 0) & (columns >= 0)
    people, there = people[kept], there[kept]
    now = match.people[people] if match.people.size else people
    return Former(
        rule=rules[kept],
        column=columns[kept],
        was=keys[kept, 1],
        level=level[kept],
        people=people,
        moved=np.maximum(now, 0),
        there=there,
        stay=there & (now >= 0),
    )


def _inverse(olds: Mapping[int, int], some: Ints) -> Ints:
    """The new number of each of `some` old ones, or -1. `olds`: old by new."""
    size = max([*olds.values(), *some.tolist()], default=-1) + 1
    found = np.full(size, -1, dtype=np.int32)
    found[list(olds.values())] = list(olds.keys())
    return found[some]
