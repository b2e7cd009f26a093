"""Who could approve, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass

from armslength.console.people import Face, Faces
from armslength.gate import Candidates
from armslength.report import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class CouldView:
    """Who could approve; `says` in a sentence."""

    nobody: bool
    says: str
    sets: tuple[tuple[Face, ...], ...]
    people: tuple[Face, ...]
    complete: bool


def could_view(found: Candidates, faces: Faces) -> CouldView:
    nobody = found.complete and not found.sets
    done = () in found.sets
    if nobody:
        says = "No quorum can be made of the people who have a passkey here. Ask whoever looks after the gate."
    elif done:
        says = "The approvals that are there are enough."
    else:
        says = f"{counted(len(found.people), 'person', 'people')} could be part of a quorum for this."
    return CouldView(
        nobody=nobody,
        says=says,
        sets=tuple(tuple(faces.of(who) for who in group) for group in found.sets if group),
        people=tuple(faces.of(who) for who in found.people),
        complete=found.complete,
    )
