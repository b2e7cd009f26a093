"""What is lost with some people or passkeys, as its page draws it: bars beside words that say the same."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from armslength.console.people import Face, Faces
from armslength.gate import Remains
from armslength.report import counted
from armslength.service import ActLeft, LossAnswer, SeenByKeepers

WIDTH = 100
"""Of the longest bar."""
FEW = 10
"""Quorums below which an act is called fragile."""


class Simulations:
    """One at a time: of a large firm it takes seconds."""

    def __init__(self, seen: SeenByKeepers) -> None:
        self.seen = seen
        self.alone = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActLine:
    """One act. `state` is `gone`, `few`, `left` or `never`; `was` and `left` are widths of its bar."""

    action: str
    target: str
    terms: str
    state: str
    word: str
    before: str
    after: str
    was: int
    left: int
    there: int
    needed: tuple[Face, ...]
    help: tuple[Face, ...]
    spare: tuple[Face, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of the bar at the top: where it begins and how wide it is, of `WIDTH`."""

    state: str
    word: str
    count: int
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationView:
    headline: str
    gone: str
    shares: tuple[Share, ...]
    says: str
    lines: tuple[ActLine, ...]
    left_out: int
    spares: tuple[Face, ...]
    again: tuple[Face, ...]


_WORDS = {"gone": "impossible", "few": "fragile", "left": "possible", "never": "never possible"}


def simulation_view(found: LossAnswer, faces: Faces) -> SimulationView:
    most = max((each.before.quorums for each in found.acts), default=1)
    lines = tuple(_line(each, faces, most) for each in found.acts)
    gone = sum(line.state == "gone" for line in lines)
    shares = _shares(lines)
    return SimulationView(
        headline=f"{counted(gone, 'act')} would become impossible" if gone else "Everything could still be given",
        gone=counted(found.gone, "person with a passkey", "people with a passkey"),
        shares=shares,
        says=", ".join(f"{share.count} {share.word}" for share in shares),
        lines=lines,
        left_out=found.left_out,
        spares=_once(lines, "spare"),
        again=_once(lines, "help"),
    )


def _line(act: ActLeft, faces: Faces, most: int) -> ActLine:
    state = _state(act)
    return ActLine(
        action=act.before.way.action,
        target=act.before.way.target,
        terms=act.before.way.terms,
        state=state,
        word=_WORDS[state],
        before=_number(act.before),
        after=_number(act.after),
        was=_wide(act.before, most),
        left=_wide(act.after, most),
        there=act.after.there,
        needed=tuple(faces.of(who) for who in act.after.needed),
        help=tuple(faces.of(who) for who in act.help),
        spare=tuple(faces.of(who) for who in act.spare),
    )


def _state(act: ActLeft) -> str:
    if not act.before.quorums:
        return "never"
    if not act.after.quorums:
        return "gone"
    return "few" if act.after.quorums < FEW and not act.after.more else "left"


def _number(remains: Remains) -> str:
    if remains.more and remains.quorums:
        return f"{remains.quorums} or more"
    return f"{remains.quorums}"


def _wide(remains: Remains, most: int) -> int:
    """By the root, so that one quorum more is seen where there are few."""
    if not remains.quorums:
        return 0
    return max(3, round(WIDTH * math.sqrt(min(remains.quorums, most) / most)))


def _shares(lines: tuple[ActLine, ...]) -> tuple[Share, ...]:
    found, x = [], 0.0
    for state, word in _WORDS.items():
        count = sum(line.state == state for line in lines)
        if count:
            width = WIDTH * count / len(lines)
            found.append(Share(state=state, word=word, count=count, x=round(x, 2), width=round(width, 2)))
            x += width
    return tuple(found)


def _once(lines: tuple[ActLine, ...], which: str) -> tuple[Face, ...]:
    return tuple(dict.fromkeys(face for line in lines for face in getattr(line, which)))
