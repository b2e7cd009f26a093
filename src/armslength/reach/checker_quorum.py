"""The checker's reading of a satisfied quorum (semantics, "A satisfied quorum")."""

from __future__ import annotations

from collections.abc import Callable

from armslength.estate import Terms
from armslength.reach.checker_ground import Ground, wrong

Belongs = Callable[[str, str], bool]
"""Whether a person ("person:…") is shown to be in a reference ("group:…", "person:…", "everyone")."""


def satisfied(ground: Ground, terms: Terms, requester: str, approvers: tuple[str, ...], belongs: Belongs) -> None:
    """Refuse unless requester and approvers, who all act, meet the terms."""
    refs = [requester, *approvers]
    members = [ground.person(ref) for ref in refs]
    if len(set(refs)) < len(refs):
        wrong("one person fills two places of the quorum")
    if len(approvers) != terms.approvals:
        wrong(f"the terms {terms.id!r} ask for {terms.approvals} approvals, not {len(approvers)}")
    pool = ground.text(terms.approvers)
    for approver in approvers:
        if not belongs(approver, pool):
            wrong(f"{approver!r} is not shown to be in {pool!r}")
    for column in terms.distinct:
        values = [ground.estate.people.columns[column][p] for p in members]
        if not all(values) or len(set(values)) < len(values):
            wrong(f"two of the quorum share their {column!r}, or one has none")
    places = [ground.text(where.of) for where in terms.places for _ in range(where.count)]
    if not _seated(places, approvers, belongs):
        wrong("the approvers do not fill the places of 'from'")
    exposures = [ground.exposed(p) for p in members]
    # Some state exposes nobody of any quorum: against it the quorum is as far apart as it is large.
    if len(members) < terms.apart:
        wrong(f"a quorum of {len(members)} cannot have {terms.apart} apart")
    for state in frozenset(s for exposed in exposures for s in exposed) - ground.estate.settings.home:
        apart = sum(state not in exposed for exposed in exposures)
        if apart < terms.apart:
            wrong(f"only {apart} of the quorum are not exposed to some state, where {terms.apart} must be")


def _seated(places: list[str], approvers: tuple[str, ...], fits: Belongs) -> bool:
    """Whether each place can have an approver of its own (augmenting paths)."""
    holds: dict[str, int] = {}

    def seat(place: int, tried: set[str]) -> bool:
        for approver in approvers:
            if approver not in tried and fits(approver, places[place]):
                tried.add(approver)
                if approver not in holds or seat(holds[approver], tried):
                    holds[approver] = place
                    return True
        return False

    return all(seat(place, set()) for place in range(len(places)))
