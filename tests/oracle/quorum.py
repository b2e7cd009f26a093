"""A satisfied quorum: every choice of approvers is tried."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import combinations

from .world import Ref, Terms, World

Belongs = Callable[[str, Ref], bool]
"""Whether a person who acts is the one, or in the group, that a reference names."""


def satisfied(world: World, terms: Terms, requester: str, acting: Collection[str], belongs: Belongs) -> bool:
    """Some `approvals` further people who act, all approvers, meet the terms together with the requester."""
    able = sorted(a for a in acting if a != requester and belongs(a, terms.approvers))
    return any(
        differ(world, terms, (requester, *chosen))
        and apart(world, terms, (requester, *chosen))
        and placed(terms.places, chosen, belongs)
        for chosen in combinations(able, terms.approvals)
    )


def differ(world: World, terms: Terms, quorum: tuple[str, ...]) -> bool:
    """Every column in `distinct` has a value for each member and no two are equal. A phantom differs from everybody."""
    for column in terms.distinct:
        values = [world.cells[p].get(column, "") or (p if p in world.phantoms else "") for p in quorum]
        if "" in values or len(set(values)) < len(values):
            return False
    return True


def apart(world: World, terms: Terms, quorum: tuple[str, ...]) -> bool:
    """For every state but the home states at least `apart` members are not exposed to it; one exposes nobody."""
    states = {state for p in quorum for state in world.exposure[p]} - world.home
    free = [len(quorum)] + [sum(state not in world.exposure[p] for p in quorum) for state in states]
    return min(free) >= terms.apart


def placed(places: tuple[Ref, ...], approvers: tuple[str, ...], belongs: Belongs) -> bool:
    """Each place is filled by an approver of its own."""
    if not places:
        return True
    return any(
        belongs(a, places[0]) and placed(places[1:], tuple(b for b in approvers if b != a), belongs) for a in approvers
    )
