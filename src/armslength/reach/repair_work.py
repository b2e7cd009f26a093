"""What a plan costs in daily work: how many people each change touches."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from armslength.estate import OPERATE, Estate, Kind, Ref
from armslength.reach.membership import Membership
from armslength.reach.repair_change import Verb
from armslength.reach.repair_menu import Menu
from armslength.reach.rules import STANDING

Flags = npt.NDArray[np.bool_]


def people_touched(menu: Menu, chosen: Iterable[int]) -> dict[int, int]:
    """By option. Of terms put on a standing grant: who holds it and would need an approval; of terms put in place of
    others: nobody more, and so 0. Of a grant dropped: who holds it. Both without those who still hold, standing, the
    same action (or `operate`) on the same target, or on what an asset lies within or its class, by a grant that the
    plan leaves. Of a membership dropped: who is no longer in the group.
    """
    options = sorted(chosen)
    after = menu.applied(options)
    counting = _Counting(menu.estate, after)
    found: dict[int, int] = {}
    for o in options:
        key, row = menu.key[o], menu.key[o] - menu.grants
        match menu.verb(o):
            case Verb.DROP_MEMBERSHIP:
                found[o] = counting.left(row)
            case Verb.DROP_GRANT:
                found[o] = counting.lose(key)
            case Verb.TERMS:
                found[o] = counting.lose(key) if menu.original(key) == STANDING else 0
    return found


class _Counting:
    def __init__(self, before: Estate, after: Estate) -> None:
        self._before, self._after = before, after
        self._was, self._is = Membership(before), Membership(after)
        grants = after.grants
        self._standing = np.flatnonzero(grants.terms == STANDING)
        self._action, self._kind = grants.action[self._standing], grants.target_kind[self._standing]
        self._target = grants.target[self._standing]
        self._operate = before.actions.index(OPERATE)

    def left(self, row: int) -> int:
        """Who was in the group through a membership and is in it no more."""
        groups = self._before.groups
        group = int(groups.group[row])
        member = Ref(kind=Kind(int(groups.member_kind[row])), index=int(groups.member[row]))
        return int((_people(self._before, self._was, member) & ~self._is.is_member(group)).sum())

    def lose(self, key: int) -> int:
        """Who held a grant and has nothing standing in its place."""
        grants = self._before.grants
        holder = Ref(kind=Kind(int(grants.holder_kind[key])), index=int(grants.holder[key]))
        people = _people(self._before, self._was, holder)
        action, kind, target = int(grants.action[key]), int(grants.target_kind[key]), int(grants.target[key])
        fits = np.zeros(len(self._standing), dtype=np.bool_)
        for other_kind, others in self._covering(kind, target):
            fits |= (self._kind == other_kind) & np.isin(self._target, others)
        actions = {action, self._operate} if kind in (Kind.ASSET, Kind.CLASS) else {action}
        fits &= np.isin(self._action, list(actions))
        held = self._after.grants
        for number in self._standing[fits].tolist():
            other = Ref(kind=Kind(int(held.holder_kind[number])), index=int(held.holder[number]))
            people &= ~_people(self._after, self._is, other)
        return int(people.sum())

    def _covering(self, kind: int, target: int) -> list[tuple[int, list[int]]]:
        """Targets by kind, a grant on any of which gives all that one on `target` gives."""
        if kind != Kind.ASSET:
            return [(kind, [target])]
        assets, found = self._before.assets, [target]
        while assets.within[found[-1]] >= 0:
            found.append(int(assets.within[found[-1]]))
        classes = {int(assets.of_class[t]) for t in found} - {-1}
        return [(int(Kind.ASSET), found), (int(Kind.CLASS), sorted(classes))]


def _people(estate: Estate, membership: Membership, holder: Ref) -> Flags:
    """Shape [P]: who is a holder."""
    if holder.kind is Kind.GROUP:
        return membership.is_member(holder.index)
    people = np.full(len(estate.people.ids), holder.kind is Kind.EVERYONE, dtype=np.bool_)
    if holder.kind is Kind.PERSON:
        people[holder.index] = True
    return people
