"""A change of the estate, as those who decide on it have to see it: what states could have before and after, which
lines differ, and what nobody could do any more."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from armslength.estate import OPERATE, Estate, leaver
from armslength.gate import Decider, Impossible, PersonId, Request, impossible, returning
from armslength.reach import Compared, LengthChange, difference
from armslength.service.comparison import Comparison
from armslength.service.gate_ties import TieChange

Part = Literal["policy", "estate", "people"]

PARTS: Mapping[str, Part] = {
    "policy.cedar": "policy",
    "estate.toml": "policy",
    "people": "people",
    "entities": "people",
    "travel": "people",
    "declared": "people",
    "groups": "people",
    "unknown": "people",
    "assets": "estate",
    "grants": "estate",
    "routes": "estate",
}
CHANGE = "change"
"""The member of a request's context that says which change of the estate it is for. The gate alone writes it."""
SEALED = "declared"
"""The table whose rows no output shows."""
MOST_LINES = 20_000
MOST_ABSENCES = 300
"""People whose absence is tried one by one; beyond it only states are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a request for another estate says of it: the digests before and after, which files make the new one
    (`armslength.estate.content`), the states whose reach it was said to widen when it was asked for, and who is to
    come back that left."""

    before: str
    after: str
    files: str | None
    widened: frozenset[str]
    returning: tuple[PersonId, ...] = ()


def change_of(request: Request) -> Change | None:
    """None for a request of another kind."""
    said = request.context.get(CHANGE)
    if request.action != OPERATE or not isinstance(said, dict):
        return None
    files = said.get("files")
    return Change(
        before=str(said.get("before")),
        after=str(said.get("after")),
        files=files if isinstance(files, str) else None,
        widened=barred(request),
        returning=returning(request),
    )


def barred(request: Request) -> frozenset[str]:
    """The states that nobody of its quorum may be exposed to, as it says: those whose reach a change would widen."""
    change = request.context.get(CHANGE)
    said = change.get("widened") if isinstance(change, dict) else None
    return frozenset(str(state) for state in said) if isinstance(said, list) else frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """`before` and `after` are the files of the two estates, `widened` the states whose reach grows (home states are
    left out, since no quorum of the firm's can be apart from them), `changes` every length that differs."""

    before_digest: str
    after_digest: str
    before: Mapping[str, bytes] = field(repr=False)
    after: Mapping[str, bytes] = field(repr=False)
    what: tuple[Part, ...]
    widened: frozenset[str]
    changes: tuple[LengthChange, ...] = field(repr=False)
    impossible: tuple[Impossible, ...]
    """What nobody could do any more with one person away, or with everyone whom one state can compel."""
    ties: TieChange
    """What is told of ties that people declared, where their table differs."""


def parts(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[Part, ...]:
    """Which parts differ; `estate` where only the form of the files does."""
    found = {
        part
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
        if (part := PARTS.get(name) or PARTS.get(name.partition(".")[0])) is not None
    }
    return tuple(part for part in ("policy", "estate", "people") if part in found) or ("estate",)


def widened(old: Estate, new: Estate, asked: Compared) -> tuple[frozenset[str], Comparison]:
    """The states whose reach grows, by any length that falls or floor that breaks, and the whole difference.

    The home states of the old estate are left out; that the new one has more of them opens nothing, for the lengths of
    those are compared like any other's.
    """
    found = difference(old, new, asked)
    home = {str(old.states[state]) for state in old.settings.home}
    grows = frozenset(change.state for change in found.changes if change.fell or change.broke) - home
    return grows, Comparison(found, ("", ""))


def widened_by_return(estate: Estate, people: Sequence[PersonId], asked: Compared) -> frozenset[str]:
    """The states whose reach grows where these come back into an estate in which they stand already: the gate has done
    without them, whatever it says. Raises `EstateError` where terms or a policy name one of them."""
    if not people:
        return frozenset()
    without = estate
    for person in people:
        without = leaver(without, f"person:{person}")
    return widened(without, estate, asked)[0]


def shown(grows: frozenset[str], comparison: Comparison) -> bytes:
    """What approvers read first: who gains, then every length that differs."""
    said = "No state's reach would grow."
    if grows:
        said = (
            f"The reach of these states would grow: {', '.join(sorted(grows))}. Nobody whom one of them can compel may"
            " ask for it or approve it."
        )
    left = "Lengths leave out what the gate alone looks at, such as lines, limits and routes: see lines.diff."
    return f"{said}\n\n{left}\n\n{comparison.markdown()}".encode()


def lines(before: Mapping[str, bytes], after: Mapping[str, bytes], ties: TieChange) -> bytes:
    """The lines that differ, file by file; of ties that people declared only what `ties` tells."""
    return "".join(_lines(before, after, ties)).encode()


def _lines(before: Mapping[str, bytes], after: Mapping[str, bytes], ties: TieChange) -> Iterator[str]:
    left = MOST_LINES
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, b""), after.get(name, b"")
        if old == new:
            continue
        if name.partition(".")[0] == SEALED:
            yield f"{name}: differs (sealed); {ties.words()}\n"
            continue
        try:
            one, other = (each.decode("utf-8-sig").splitlines() for each in (old, new))
        except UnicodeDecodeError:
            yield f"{name}: differs; {len(old)} bytes before, {len(new)} bytes after\n"
            continue
        for line in difflib.unified_diff(one, other, f"before/{name}", f"after/{name}", lineterm=""):
            left -= 1
            if left < 0:
                yield f"more than {MOST_LINES} lines differ; the rest is in the files\n"
                return
            yield f"{line}\n"


def absences(decider: Decider, people: frozenset[PersonId]) -> Iterator[tuple[str, frozenset[PersonId]]]:
    """Who could be away at once, with words for it: each of `people`, and for each state all whom it can compel."""
    roster = decider.roster
    known = sorted(person for person in people if roster.knows(person))
    for person in known if len(known) <= MOST_ABSENCES else ():
        yield f"{person} is away", frozenset({person})
    states: dict[str, set[PersonId]] = {}
    for person in known:
        for state in roster.states(roster.places[person]):
            states.setdefault(state, set()).add(person)
    for state in sorted(states):
        if len(states[state]) < len(known):
            yield f"everyone whom {state} can compel is away", frozenset(states[state])


def outages(decider: Decider, people: frozenset[PersonId]) -> dict[str, tuple[Impossible, ...]]:
    """What nobody could do any more, by who is away."""
    found = {}
    for words, away in absences(decider, people):
        lost = impossible(decider, people, away)
        if lost:
            found[words] = lost
    return found


def outage_text(found: Mapping[str, Sequence[Impossible]]) -> bytes:
    if not found:
        return b"Whoever is away, and whichever state holds back everyone it can compel, everything stays possible.\n"
    told = []
    for words, lost in found.items():
        told.append(f"If {words}, nobody could any more:\n")
        told += [f"- {each.action} on {each.target}, by {each.terms}\n" for each in lost]
    return "".join(told).encode()
