"""What the permits give to whoever holds the gate itself (semantics, rule 7): each permit alone, forbids left out.

The holder does not matter, so the person who asks is unknown to Cedar, like the context. But Cedar leaves `UNKNOWN in
Group::"ops" && false` standing, which no person makes true, so what it leaves is read once more, part by part, for
whether some person could make it pass. A part that fails for everybody it leaves standing too, as it was written, where
it comes after something unknown; nothing in such a part is unknown, and so it is told.
"""

from __future__ import annotations

import enum

from armslength.reach.permit_form import Form


class Outcome(enum.Flag):
    """What a condition may come to for one person or another. OPEN is what Cedar cannot tell without the context."""

    NONE = 0
    TRUE = enum.auto()
    FALSE = enum.auto()
    ERROR = enum.auto()
    OPEN = enum.auto()


_KNOWN = Outcome.TRUE | Outcome.FALSE | Outcome.ERROR
_PASSING = Outcome.TRUE | Outcome.OPEN

_DEEPEST = 100
"""Levels of a form, two or so for an operation, at which Cedar has never yet given up for depth."""


def could_pass(left: list[Form] | None) -> bool:
    """Whether some person could pass what Cedar has left of a permit's conditions; None, too deep to follow, could."""
    if left is None:
        return True
    try:
        return all(_outcomes(condition, _as_written(condition)) & _PASSING for condition in left)
    except RecursionError:
        return True


def _as_written(condition: Form) -> Outcome:
    """What a part in which nothing is unknown may come to: Cedar would have put its value there, could it have. It
    fails, unless it was too deep for Cedar only: another time it might not be."""
    level: list[object] = [condition]
    for _ in range(_DEEPEST):
        level = [
            part
            for whole in level
            if isinstance(whole, dict | list)
            for part in (whole.values() if isinstance(whole, dict) else whole)
        ]
    return _KNOWN if level else Outcome.ERROR


def _outcomes(form: Form, failed: Outcome) -> Outcome:
    """Follows Cedar's own order: what comes after an OPEN part cannot close it. `failed` is of a part left as it was
    written."""
    match form:
        case {"Value": True}:
            return Outcome.TRUE
        case {"Value": False}:
            return Outcome.FALSE
        case {"Value": _}:
            return Outcome.ERROR
        case {"&&": {"left": left, "right": right}}:
            return _then(_outcomes(left, failed), Outcome.TRUE, right, failed)
        case {"||": {"left": left, "right": right}}:
            return _then(_outcomes(left, failed), Outcome.FALSE, right, failed)
        case {"!": {"arg": arg}}:
            return _turned(_outcomes(arg, failed))
        case {"if-then-else": {"if": condition, "then": first, "else": second}}:
            decided = _outcomes(condition, failed)
            found = decided & (Outcome.ERROR | Outcome.OPEN)
            found |= _outcomes(first, failed) if decided & Outcome.TRUE else Outcome.NONE
            return found | (_outcomes(second, failed) if decided & Outcome.FALSE else Outcome.NONE)
        case _:
            unknown = _unknown(form)
            if not unknown:
                return failed
            return _KNOWN | Outcome.OPEN if unknown - {"principal"} else _KNOWN


def _then(left: Outcome, goes_on: Outcome, right: Form, failed: Outcome) -> Outcome:
    """`left`, and where it is `goes_on` the outcome of `right` instead."""
    return (left & ~goes_on) | (_outcomes(right, failed) if left & goes_on else Outcome.NONE)


def _turned(found: Outcome) -> Outcome:
    turned = found & (Outcome.ERROR | Outcome.OPEN)
    turned |= Outcome.FALSE if found & Outcome.TRUE else Outcome.NONE
    return turned | (Outcome.TRUE if found & Outcome.FALSE else Outcome.NONE)


def _unknown(form: Form) -> set[str]:
    """What Cedar does not know in it, by name: the person is the principal."""
    found: set[str] = set()
    todo: list[object] = [form]
    while todo:
        part = todo.pop()
        match part:
            case {"unknown": [{"Value": str(name)}]}:
                found.add(name)
            case dict():
                todo.extend(part.values())
            case list():
                todo.extend(part)
            case _:
                pass
    return found
