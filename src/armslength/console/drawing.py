"""A change of the estate's files, drawn: the lines that go and come, with a few around them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

AROUND = 3
"""Unchanged lines shown before and after a change."""
MOST_LINES = 2000
"""Lines drawn of one file; the rest is counted."""
SLOW_LINES = 20_000
"""Lines of a file beyond which only its head and tail are compared: matching is quadratic at worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line as it is drawn; `before` and `after` are its numbers, None on the side where it is not."""

    kind: Literal["same", "gone", "come", "gap"]
    text: str
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One file's change; `left_out` lines are not drawn. `binary`: it is no text. `sealed`: it holds ties that people
    declared, which are shown to nobody."""

    name: str
    what: Literal["new", "removed", "changed"]
    lines: tuple[Line, ...] = ()
    gone: int = 0
    come: int = 0
    left_out: int = 0
    binary: bool = False
    sealed: bool = False


def drawn(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[Drawn, ...]:
    """Every file that differs, by name."""
    return tuple(
        _file(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def is_sealed(name: str) -> bool:
    """Whether a file of the estate is shown to nobody."""
    return name.partition(".")[0] == "declared"


def _file(name: str, before: bytes | None, after: bytes | None) -> Drawn:
    what: Literal["new", "removed", "changed"] = "new" if before is None else "removed" if after is None else "changed"
    if is_sealed(name):
        return Drawn(name=name, what=what, sealed=True)
    try:
        old = (before or b"").decode("utf-8").splitlines()
        new = (after or b"").decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return Drawn(name=name, what=what, binary=True)
    lines = _lines(old, new)
    return Drawn(
        name=name,
        what=what,
        lines=tuple(lines[:MOST_LINES]),
        gone=sum(line.kind == "gone" for line in lines),
        come=sum(line.kind == "come" for line in lines),
        left_out=max(0, len(lines) - MOST_LINES),
    )


def _lines(old: list[str], new: list[str]) -> list[Line]:
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    blocks: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(middle_old), 0, len(middle_new))]
    if len(middle_old) + len(middle_new) <= SLOW_LINES:
        blocks = difflib.SequenceMatcher(None, middle_old, middle_new, autojunk=False).get_opcodes()
    whole = [("equal", 0, head, 0, head)] if head else []
    whole += [(kind, a + head, b + head, c + head, d + head) for kind, a, b, c, d in blocks]
    if tail:
        whole.append(("equal", len(old) - tail, len(old), len(new) - tail, len(new)))
    found: list[Line] = []
    for number, (kind, a, b, c, d) in enumerate(whole):
        if kind == "equal":
            found += _around(old[a:b], a, c, first=number == 0, last=number == len(whole) - 1)
            continue
        found += [Line(kind="gone", text=old[i], before=i + 1) for i in range(a, b)]
        found += [Line(kind="come", text=new[i], after=i + 1) for i in range(c, d)]
    return found


def _around(same: list[str], before: int, after: int, *, first: bool, last: bool) -> list[Line]:
    """The unchanged lines next to a change, and a line that counts those between."""
    lead, trail = 0 if first else AROUND, 0 if last else AROUND
    if len(same) <= lead + trail + 1:
        kept = range(len(same))
        return [Line(kind="same", text=same[i], before=before + i + 1, after=after + i + 1) for i in kept]
    hidden = len(same) - lead - trail
    shown = [Line(kind="same", text=same[i], before=before + i + 1, after=after + i + 1) for i in range(lead)]
    shown.append(Line(kind="gap", text=f"{hidden:,} unchanged {'line' if hidden == 1 else 'lines'}"))
    last_ones = range(len(same) - trail, len(same))
    return shown + [Line(kind="same", text=same[i], before=before + i + 1, after=after + i + 1) for i in last_ones]
