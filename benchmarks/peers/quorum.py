"""Can these people fill these terms? A search over kinds of people, by the definition of a satisfied quorum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from armslength.estate import Terms

_Exposure = frozenset[int]


class Seats:
    """The search for one quorum. People with the same exposure, the same values and the same places are one kind;
    `exposed[p]` leaves out the home states; `values` hold the columns in which the members must differ."""

    def __init__(
        self,
        terms: Terms,
        exposed: Sequence[_Exposure],
        values: Sequence[Sequence[str]],
        requesters: Collection[int],
        approvers: Collection[int],
        places: Sequence[Collection[int]],
    ) -> None:
        self.terms = terms
        self.crowd: Counter[tuple[_Exposure, tuple[str, ...], bool, bool, tuple[bool, ...]]] = Counter()
        for person in {*requesters, *approvers}:
            own = tuple(column[person] for column in values)
            # Who has no value in such a column can be no member at all.
            if all(own):
                roles = (person in requesters, person in approvers, tuple(person in place for place in places))
                self.crowd[(exposed[person], own, *roles)] += 1
        self.places = tuple(place.count for place in terms.places)
        self.states = frozenset(state for kind in self.crowd for state in kind[0])

    def filled(self) -> bool:
        """Whether some requester and `approvals` approvers satisfy the terms."""
        terms = self.terms
        if terms.approvals + 1 < terms.apart or sum(self.places) > terms.approvals:
            return False
        for state in self.states:
            if sum(number for kind, number in self.crowd.items() if state not in kind[0]) < terms.apart:
                return False
        return any(self._with(kind) for kind in list(self.crowd) if kind[2])

    def _with(self, requester: tuple[_Exposure, tuple[str, ...], bool, bool, tuple[bool, ...]]) -> bool:
        self.crowd[requester] -= 1
        taken = [{value} for value in requester[1]]
        need = {state: self.terms.apart - (state not in requester[0]) for state in self.states}
        found = self._choose(self.terms.approvals, taken, need, self.places)
        self.crowd[requester] += 1
        return found

    def _choose(self, left: int, taken: list[set[str]], need: dict[int, int], places: tuple[int, ...]) -> bool:
        """Fill the seats that are left. Some member must fill an open place, and some member must lie outside a
        state that still needs one: branching on such a duty first loses no solution."""
        worst = max(need, key=need.__getitem__, default=None)
        if worst is not None and need[worst] > left:
            return False
        if left == 0:
            return True
        duty = next((number for number, count in enumerate(places) if count), None)
        for kind, number in list(self.crowd.items()):
            exposure, own, _, approver, fits = kind
            if not number or not approver or any(value in seen for value, seen in zip(own, taken, strict=True)):
                continue
            if duty is not None:
                if not fits[duty]:
                    continue
            elif worst is not None and need[worst] > 0 and worst in exposure:
                continue
            self.crowd[kind] -= 1
            found = self._choose(
                left - 1,
                [seen | {value} for value, seen in zip(own, taken, strict=True)],
                {state: count - (state not in exposure) for state, count in need.items()},
                tuple(count - (place == duty) for place, count in enumerate(places)),
            )
            self.crowd[kind] += 1
            if found:
                return True
        return False
